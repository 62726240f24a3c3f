/* elma365_file.c - a file of a message, brought to the disk. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "connectors/elma365/elma365_private.h"
#include "core/crm_fields.h"
#include "media/media.h"

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
    const char *id = json_string_value(json_object_get(attachment, "id"));
    const char *name = json_string_value(json_object_get(attachment, "name"));
    const char *type = json_string_value(json_object_get(attachment, "mime"));
    struct media *m = crm_media(c);
    struct err err = {0};
    uint64_t size = 0;
    char uuid[UUID_SIZE], range[80];
    (void)card;
    int fd = m && id ? media_fd(m, id, &size, &err) : -1;
    if (!m || !id)
        err_set(&err, ERR_UNSUPPORTED, "files are not at hand here");
    else if (fd >= 0 && !size)
        err_set(&err, ERR_INVALID, "an empty file is named in the text only");
    else if (fd >= 0 && size > e->file_max)
        err_set(&err, ERR_TOO_LARGE, "the file has %" PRIu64 " bytes: more than file_max", size);
    if (err.code) {
        if (fd >= 0)
            close(fd);
        elma365_later(e, NULL, &err, fn, arg);
        return;
    }
    make_uuid(uuid);
    snprintf(range, sizeof range, "Content-Range: bytes 0-%" PRIu64 "/%" PRIu64, size, size);
    char *path = *e->directory ? mem_printf("/disk/directory/%s/upload?hash=%s", e->directory, uuid)
                               : mem_printf("/disk/file/upload?hash=%s", uuid);
    struct http_part part = {.name = "file",
        .file_name = name && *name ? name : "file",
        .type = type,
        .fd = fd,
        .size = size};
    struct upload *u = mem_alloc(sizeof *u);
    *u = (struct upload){e, fn, arg};
    elma365_call_file(e, path, range, &part, on_uploaded, u);
    free(path);
}
