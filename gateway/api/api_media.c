/* api_media.c - attachments: streamed in, and given out only to those who may see their thread,
 * or who have a link that opens without a sign-in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "media/media_give.h"
#include "store/store_media.h"

#define NAME_MAX_BYTES 255
#define LINK_CACHED_S 600

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

static void give(struct call *c, const struct media_giving *how) {
    struct err err;
    int64_t size = media_give(c->api->media, c->x, json_object_get(c->subject, "media"), how, &err);
    if (size < 0) {
        call_err(c, &err);
        return;
    }
    metrics_add(c->api->env.metrics, M_MEDIA_BYTES, "out", size);
    call_free(c);
}

static void send_file(struct call *c) {
    give(c, &(struct media_giving){.download = http_query(c->x, "download"), .cached_s = 86400});
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

/* --- by a link ------------------------------------------------------------------------------- */

static void on_linked(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err) {
        call_err(c, err);
        return;
    }
    c->subject = json_incref(result);
    give(c,
        &(struct media_giving){
            .download = http_query(c->x, "download"), .by_link = true, .cached_s = LINK_CACHED_S});
}

static void media_by_link(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        store_media_get(c->api->store, id, on_linked, c);
}

static void media_refused(struct call *c) {
    metrics_add(c->api->env.metrics, M_REFUSED, "auth", 1);
    call_fail(c, ERR_DENIED, "this link is not valid, or not any more: sign in to see the file");
}

/* Who has signed in needs no link: one that is over still leads him to the file. */
HANDLER(api_media_get) {
    struct api *a = api;
    const char *id = http_path_arg(x, "id"), *ticket = http_query(x, "t");
    bool opens = ticket && core_link_opens(a->core, id, ticket);
    if (!ticket || (!opens && (http_cookie(x, "sb_session") || http_header(x, "Authorization")))) {
        api_begin(a, x, SCOPE_READ, ROLE_AGENT, media_get);
        return;
    }
    struct call *c = mem_zalloc(sizeof *c);
    *c = (struct call){.api = a, .x = x};
    if (opens)
        media_by_link(c);
    else
        media_refused(c);
}
