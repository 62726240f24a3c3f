/* http_head_fuzz.c - any bytes as a request head: no crash, and what passes keeps the promises that
 * the libraries behind the gate rely on. */
#include <stdint.h>
#include <stdlib.h>

#include "net/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int good) {
    if (!good)
        abort();
}

static void check_passed(const struct http_head *h, struct span bytes) {
    must(h->size >= 4 && h->size <= bytes.n && h->size <= HTTP_HEAD_MAX);
    must(memcmp(bytes.p + h->size - 4, "\r\n\r\n", 4) == 0);
    must(h->target.p[0] == '/' && h->path.n >= 1);
    must(!(h->chunked && h->content_length >= 0));
    must(h->host.n > 0 || h->minor == 0);
    for (size_t i = 0; i < h->size; i++) {
        must(bytes.p[i] != '\0');
        must(bytes.p[i] != '\n' || (i > 0 && bytes.p[i - 1] == '\r'));
        must(bytes.p[i] != '\r' || bytes.p[i + 1] == '\n');
    }
    unsigned lengths = 0, hosts = 0, upgrades = 0;
    for (size_t i = 0; i < h->n_fields; i++) {
        lengths += span_ieq(h->fields[i].name, "content-length");
        hosts += span_ieq(h->fields[i].name, "host");
        upgrades += span_ieq(h->fields[i].name, "upgrade");
    }
    must(lengths <= 1 && hosts <= 1 && upgrades <= 1);
    must((upgrades == 1) == h->websocket);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span bytes = span_of((const char *)data, size);
    struct http_head head, shorter;
    struct err err;
    int rc = http_head_parse(bytes, &head, &err);
    if (rc == 0)
        check_passed(&head, bytes);
    if (rc < 0)
        must(head.status >= 400 && head.status < 600);
    if (rc > 0)
        must(size < HTTP_HEAD_MAX);
    /* A head that passes whole is incomplete, and never refused, in every shorter form. */
    if (rc == 0 && head.size > 1)
        must(http_head_parse(span_of(bytes.p, data[size - 1] % head.size), &shorter, &err) == 1);
    return 0;
}
