/* elma365_file.c - a file of a message, brought to the disk. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "connectors/elma365/elma365_private.h"
#include "core/crm/crm_fields.h"
#include "core/crm/crm_file.h"

#define UUID_SIZE 37

struct upload {
    struct elma365 *e;
    crm_step_fn fn;
    void *arg;
};

/* A random one (RFC 4122, version 4). */
static void make_uuid(char out[UUID_SIZE]) {
    unsigned char b[16];
    randombytes_buf(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0, n = 0; i < sizeof b; i++)
        n += (size_t)snprintf(out + n, UUID_SIZE - n, "%s%02x",
            i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
}

static void on_uploaded(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct upload *u = arg;
    const json_t *id = crm_at(result, u->e->names.of[NAME_FILE_ID]);
    struct err bad;
    if (!err && !json_string_length(id))
        err = (err_set(&bad, ERR_PROTOCOL, "ELMA365 took a file and did not say which"), &bad);
    u->fn(u->arg, err ? NULL : id, err, retry_ms);
    free(u);
}

/* In one part: the end that Content-Range names is not in it. */
void elma365_upload(
    struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg) {
    struct elma365 *e = elma365_of(c);
    struct http_part part;
    struct err err;
    char uuid[UUID_SIZE], range[80];
    (void)card;
    if (crm_file_part(c, attachment, e->file_max, &part, &err) < 0) {
        elma365_later(e, NULL, &err, fn, arg);
        return;
    }
    make_uuid(uuid);
    snprintf(
        range, sizeof range, "Content-Range: bytes 0-%" PRIu64 "/%" PRIu64, part.size, part.size);
    char *path = *e->directory ? mem_printf("/disk/directory/%s/upload?hash=%s", e->directory, uuid)
                               : mem_printf("/disk/file/upload?hash=%s", uuid);
    struct upload *u = mem_alloc(sizeof *u);
    *u = (struct upload){e, fn, arg};
    elma365_call_file(e, path, range, &part, on_uploaded, u);
    free(path);
}
