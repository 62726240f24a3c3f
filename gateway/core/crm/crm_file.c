/* crm_file.c - read, and made base64, in the thread pool. */
#include "core/crm/crm_file.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "media/media.h"

struct reading {
    struct crm *crm;
    struct crm_about about;
    int fd;
    uint64_t size;
    char *text;
    size_t n;
    bool plain; /* no base64 */
    struct err err;
    crm_file_fn fn;
    void *arg;
};

static void work(void *arg) {
    struct reading *r = arg;
    unsigned char *bytes = mem_alloc(r->size ? (size_t)r->size : 1);
    size_t n = 0;
    while (n < r->size) {
        ssize_t got = read(r->fd, bytes + n, (size_t)r->size - n);
        if (got > 0)
            n += (size_t)got;
        else if (got == 0 || errno != EINTR)
            break;
    }
    if (n < r->size) {
        err_set(&r->err, ERR_IO, "a file of the message could not be read");
    } else if (r->plain) {
        r->text = (char *)bytes;
        r->n = n;
        bytes = NULL;
    } else {
        size_t size = sodium_base64_encoded_len(n, sodium_base64_VARIANT_ORIGINAL);
        r->text = mem_alloc(size);
        sodium_bin2base64(r->text, size, bytes, n, sodium_base64_VARIANT_ORIGINAL);
        r->n = size - 1;
    }
    free(bytes);
}

static void done(void *arg) {
    struct reading *r = arg;
    struct crm_about was = crm_about_swap(r->crm, r->about);
    r->fn(r->arg, r->text, r->n, r->err.code ? &r->err : NULL);
    crm_about_swap(r->crm, was);
    if (r->fd >= 0)
        close(r->fd);
    free(r->text);
    free(r);
}

static void begin(
    struct crm *c, const char *id, size_t max, bool plain, crm_file_fn fn, void *arg) {
    struct reading *r = mem_zalloc(sizeof *r);
    struct media *m = crm_media(c);
    r->crm = c;
    r->about = c->about;
    r->plain = plain;
    r->fn = fn;
    r->arg = arg;
    r->fd = m ? media_fd(m, id, &r->size, &r->err) : -1;
    if (!m)
        err_set(&r->err, ERR_UNSUPPORTED, "files are not at hand here");
    else if (r->fd >= 0 && r->size > max)
        err_set(&r->err, ERR_TOO_LARGE, "the file has %llu bytes, the CRM takes %zu",
            (unsigned long long)r->size, max);
    if (r->err.code)
        loop_defer(c->env->loop, done, r);
    else
        loop_work(c->env->loop, work, done, r);
}

void crm_file_base64(struct crm *c, const char *id, size_t max, crm_file_fn fn, void *arg) {
    begin(c, id, max, false, fn, arg);
}

void crm_file_read(struct crm *c, const char *id, size_t max, crm_file_fn fn, void *arg) {
    begin(c, id, max, true, fn, arg);
}

int crm_file_part(
    struct crm *c, const json_t *attachment, uint64_t max, struct http_part *out, struct err *err) {
    const char *id = json_string_value(json_object_get(attachment, "id"));
    const char *name = json_string_value(json_object_get(attachment, "name"));
    struct media *m = crm_media(c);
    if (!m || !id)
        return err_set(err, ERR_UNSUPPORTED, "files are not at hand here");
    *out = (struct http_part){.name = "file",
        .file_name = name && *name ? name : "file",
        .type = json_string_value(json_object_get(attachment, "mime"))};
    out->fd = media_fd(m, id, &out->size, err);
    if (out->fd >= 0 && out->size && out->size <= max)
        return 0;
    if (out->fd < 0)
        return -1;
    close(out->fd);
    return out->size ? err_set(err, ERR_TOO_LARGE, "the file has %llu bytes: more than file_max",
                           (unsigned long long)out->size)
                     : err_set(err, ERR_INVALID, "an empty file is named in the text only");
}
