/* whatsapp_upload.c - a file of ours becomes a media id, once: the id is kept for all workers while
 * the platform keeps the file (30 days). Source: Cloud API, "Media", "Upload media". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_private.h"
#include "media/media.h"

#define KEPT_S (29u * 24 * 3600)

struct upload {
    struct whatsapp *w;
    char *media, *name, *mime;
    whatsapp_upload_fn fn;
    void *arg;
};

static void end(
    struct upload *u, const char *id, const struct whatsapp_answer *a, const struct err *err) {
    u->fn(u->arg, id, a, err);
    free(u->media);
    free(u->name);
    free(u->mime);
    free(u);
}

/* The same file with another type is another one there. */
static char *kept_name(const char *media, const char *mime) {
    return mem_printf("media:%s:%s", media, mime);
}

static void on_uploaded(
    void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    struct upload *u = arg;
    struct err bad;
    (void)sent; /* a file that nobody uses does no harm */
    const char *id =
        !err && a->cls == WHATSAPP_OK ? json_string_value(json_object_get(a->result, "id")) : NULL;
    if (err || a->cls != WHATSAPP_OK) {
        end(u, NULL, a, err);
        return;
    }
    if (!id || !*id || strlen(id) > 200) {
        err_set(&bad, ERR_PROTOCOL, "the upload was answered without an id");
        end(u, NULL, NULL, &bad);
        return;
    }
    char *name = kept_name(u->media, u->mime);
    connector_keep(&u->w->base, name, span_str(id), KEPT_S);
    free(name);
    end(u, id, NULL, NULL);
}

static void upload(struct upload *u) {
    struct err err;
    uint64_t size;
    int fd = media_fd(connector_media(&u->w->base), u->media, &size, &err);
    if (fd < 0) {
        end(u, NULL, NULL, &err);
        return;
    }
    struct http_part parts[] = {
        {.name = "messaging_product", .data = span_str("whatsapp"), .fd = -1},
        {.name = "type", .data = span_str(u->mime), .fd = -1},
        {.name = "file", .file_name = u->name, .type = u->mime, .fd = fd, .size = size}};
    char *path = mem_printf("%s/media", u->w->number_id);
    struct whatsapp_request rq = {
        .method = "POST", .path = path, .parts = parts, .nparts = ARRAY_LEN(parts)};
    whatsapp_request(u->w, &rq, on_uploaded, u);
    free(path);
}

static void on_kept(void *arg, struct span value, const struct err *err) {
    struct upload *u = arg;
    if (err || value.n == 0 || value.n > 200) {
        upload(u);
        return;
    }
    char *id = mem_strndup(value.p, value.n);
    end(u, id, NULL, NULL);
    free(id);
}

void whatsapp_upload(struct whatsapp *w, const char *media, const char *name, const char *mime,
    whatsapp_upload_fn fn, void *arg) {
    struct upload *u = mem_alloc(sizeof *u);
    char *kept = kept_name(media, mime);
    *u = (struct upload){w, mem_strdup(media), mem_strdup(name), mem_strdup(mime), fn, arg};
    connector_kept(&w->base, kept, on_kept, u);
    free(kept);
}

void whatsapp_upload_forget(struct whatsapp *w, const char *media, const char *mime) {
    char *kept = kept_name(media, mime);
    connector_keep(&w->base, kept, span_str(""), 1);
    free(kept);
}
