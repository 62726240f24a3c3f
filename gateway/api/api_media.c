/* api_media.c - attachments: streamed in, and given out only to those who may see their thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api_private.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "media/media.h"
#include "store/store_media.h"

#define NAME_MAX_BYTES 255

/* --- in -------------------------------------------------------------------------------------- */

struct upload {
    struct call *call;
    struct media_upload *file;
    json_t *info;
};

static void on_recorded(void *arg, const struct err *err) {
    struct upload *u = arg;
    struct call *c = u->call;
    if (err)
        call_err(c, err);
    else
        call_ok(c, 201, json_pack("{s:O}", "media", u->info));
    json_decref(u->info);
    free(u);
}

static void on_stored(void *arg, const struct media_info *info, const struct err *err) {
    struct upload *u = arg;
    struct call *c = u->call;
    char owner[80];
    if (err) {
        call_err(c, err);
        free(u);
        return;
    }
    metrics_add(c->api->env.metrics, M_MEDIA_BYTES, "in", (int64_t)info->size);
    u->info = media_info_json(info);
    snprintf(owner, sizeof owner, "agent:%s", c->actor.name);
    store_media_put(c->api->store, info->id, u->info, owner, on_recorded, u);
}

static int on_chunk(void *user, struct span data, struct err *err) {
    struct upload *u = user;
    return media_upload_write(u->file, data, err);
}

static void on_end(struct http_exchange *x, void *user) {
    struct upload *u = user;
    (void)x;
    media_upload_finish(u->file, on_stored, u);
}

/* The client went away, or the server has refused the rest: nobody waits for the call. */
static void on_abandoned(void *user) {
    struct upload *u = user;
    media_upload_abort(u->file);
    call_free(u->call);
    free(u);
}

static void media_post(struct call *c) {
    const char *name = http_query(c->x, "name"), *length = http_header(c->x, "Content-Length");
    struct err err;
    if (!name || !*name || strlen(name) > NAME_MAX_BYTES) {
        call_fail(
            c, ERR_INVALID, "?name= must give the file's name, 1 to %d bytes", NAME_MAX_BYTES);
        return;
    }
    unsigned shard =
        id_hash_shard(c->actor.name, strlen(c->actor.name), store_shards(c->api->store));
    struct media_upload *file = media_upload_begin(
        c->api->media, shard, name, length ? strtoull(length, NULL, 10) : 0, &err);
    if (!file) {
        call_err(c, &err);
        return;
    }
    struct upload *u = mem_alloc(sizeof *u);
    *u = (struct upload){c, file, NULL};
    http_stream(c->x, &(struct http_stream){on_chunk, on_end, on_abandoned, u});
}

HANDLER(api_media_post) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, media_post);
}

/* --- out ------------------------------------------------------------------------------------- */

static void send_file(struct call *c) {
    const json_t *m = json_object_get(c->subject, "media");
    const char *mime = json_string_value(json_object_get(m, "mime"));
    const char *name = json_string_value(json_object_get(m, "name"));
    const char *sha = json_string_value(json_object_get(m, "sha256"));
    const char *download = http_query(c->x, "download");
    char etag[80];
    struct err err;
    uint64_t size;
    int fd = media_fd(c->api->media, http_path_arg(c->x, "id"), &size, &err);
    if (fd < 0) {
        call_err(c, &err);
        return;
    }
    char *disposition =
        media_disposition(name ? name : "file", media_may_inline(mime) && !download);
    snprintf(etag, sizeof etag, "\"%.64s\"", sha ? sha : "");
    http_set_header(c->x, "Content-Disposition", disposition);
    http_set_header(c->x, "Content-Security-Policy", "default-src 'none'; sandbox");
    http_set_header(c->x, "Cache-Control", "private, max-age=86400, immutable");
    http_set_header(c->x, "Cross-Origin-Resource-Policy", "same-origin");
    metrics_add(c->api->env.metrics, M_MEDIA_BYTES, "out", (int64_t)size);
    http_reply_file(c->x, fd, size, mime ? mime : "application/octet-stream", etag);
    free(disposition);
    call_free(c);
}

static void on_media(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    char own[80];
    if (err) {
        call_err(c, err);
        return;
    }
    const char *thread = json_string_value(json_object_get(result, "thread"));
    const char *owner = json_string_value(json_object_get(result, "owner"));
    snprintf(own, sizeof own, "agent:%s", c->actor.name);
    c->subject = json_incref(result);
    if (thread) {
        call_with_thread(c, thread, send_file);
    } else if (owner && strcmp(owner, own) == 0) {
        send_file(c);
    } else {
        call_fail(c, ERR_NOT_FOUND, "there is no such attachment");
    }
}

static void media_get(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        store_media_get(c->api->store, id, on_media, c);
}

HANDLER(api_media_get) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, media_get);
}
