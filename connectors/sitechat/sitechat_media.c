/* sitechat_media.c - files of visitors: taken in with the visitor's token, given out by an address
 * that carries a signed ticket for an hour. The token itself is never part of an address. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "connectors/sitechat/sitechat_private.h"
#include "core/core.h"
#include "media/media_give.h"
#include "media/media_link.h"
#include "store/store_media.h"

#define UPLOAD_MAX (1u << 30) /* the route's; each site has its own below it */
#define NAME_MAX_BYTES 512
#define TICKET "sitechat file"

struct upload {
    struct sitechat *site;
    struct http_exchange *exchange; /* NULL before the body's end */
    struct media_upload *file;
    char visitor[VISITOR_ID_SIZE];
    char peer[LIMIT_PEER_SIZE];
    bool is_local;
    int64_t size;
    json_t *info;
};

char *media_url(const struct sitechat *site, const char *id) {
    /* Addresses stay the same for half of their life, so that a browser can keep the file. */
    int64_t now_s = clock_ms() / 1000;
    int64_t expires_s = now_s - now_s % (TICKET_S / 2) + TICKET_S;
    char ticket[MEDIA_TICKET_SIZE];
    media_ticket(connector_secret(&site->base), TICKET, id, expires_s, ticket);
    return mem_printf("/chat/media/%s?t=%s", id, ticket);
}

/* --- CORS: the gateway's own panel needs none, a page that talks to us itself does ----------- */

static void add_cors(struct http_exchange *x) {
    const char *origin = http_header(x, "Origin");
    http_set_header(x, "Vary", "Origin");
    if (origin)
        http_set_header(x, "Access-Control-Allow-Origin", origin);
}

/* The site that the request names, when its Origin may; else NULL after an answer. */
static struct sitechat *site_of(struct desk *d, struct http_exchange *x) {
    struct sitechat *site = desk_site(d, http_query(x, "site"));
    const char *origin = http_header(x, "Origin");
    if (!site) {
        http_reply_problem(x, 404, "not_found", "there is no such site");
        return NULL;
    }
    if (!site_origin_ok(site, origin, http_header(x, "Host"))) {
        metrics_add(d->env->metrics, M_REFUSED, "origin", 1);
        http_set_header(x, "Vary", "Origin");
        http_reply_problem(x, 403, "denied", "the chat of this site is not open to this origin");
        return NULL;
    }
    add_cors(x);
    if (!connector_secret(&site->base)) {
        http_reply_problem(x, 503, "unavailable", "the store cannot serve now");
        return NULL;
    }
    return site;
}

static void on_preflight(struct http_exchange *x, void *arg) {
    if (!site_of(arg, x))
        return;
    http_set_header(x, "Access-Control-Allow-Methods", "POST");
    http_set_header(x, "Access-Control-Allow-Headers", "Authorization, Content-Type");
    http_set_header(x, "Access-Control-Max-Age", "600");
    http_reply_empty(x, 204);
}

/* --- taking in ------------------------------------------------------------------------------- */

static void upload_free(struct upload *u) {
    json_decref(u->info);
    free(u);
}

static int on_chunk(void *user, struct span data, struct err *err) {
    struct upload *u = user;
    u->size += (int64_t)data.n;
    if (u->size > u->site->file_max)
        return err_set(
            err, ERR_TOO_LARGE, "the file is larger than %lld bytes", (long long)u->site->file_max);
    uint64_t now = clock_mono_ms();
    if (limit_take(u->site->bytes, u->visitor, (double)data.n, now) ||
        (!u->is_local && limit_take(u->site->bytes, u->peer, (double)data.n / 4, now)))
        return err_set(err, ERR_TOO_MANY, "too many files in one day");
    return media_upload_write(u->file, data, err);
}

static void on_abandoned(void *user) {
    struct upload *u = user;
    media_upload_abort(u->file);
    upload_free(u);
}

static void on_known(void *arg, const struct err *err) {
    struct upload *u = arg;
    if (err) {
        http_reply_err(u->exchange, err);
    } else {
        char *url = media_url(u->site, json_string_value(json_object_get(u->info, "id")));
        json_object_set_new(u->info, "url", json_string(url));
        http_reply_json(u->exchange, 201, json_pack("{s:O}", "media", u->info));
        free(url);
    }
    upload_free(u);
}

static void on_written(void *arg, const struct media_info *info, const struct err *err) {
    struct upload *u = arg;
    if (err) {
        http_reply_err(u->exchange, err);
        upload_free(u);
        return;
    }
    char *owner = mem_printf("visitor:%s", u->visitor);
    u->info = media_info_json(info);
    store_media_put(core_store(u->site->base.core), info->id, u->info, owner, on_known, u);
    free(owner);
}

static void on_end(struct http_exchange *x, void *user) {
    struct upload *u = user;
    u->exchange = x;
    media_upload_finish(u->file, on_written, u);
}

static void on_upload(struct http_exchange *x, void *arg) {
    struct sitechat *site = site_of(arg, x);
    struct visitor_token t;
    struct err err;
    if (!site)
        return;
    const char *bearer = http_header(x, "Authorization");
    const char *name = http_query(x, "name"), *length = http_header(x, "Content-Length");
    const char *token = bearer && strncasecmp(bearer, "Bearer ", 7) == 0 ? bearer + 7 : "";
    if (visitor_token_read(connector_secret(&site->base), token, site->base.channel,
            clock_ms() / 1000, &t, &err) < 0) {
        http_reply_err(x, &err);
        return;
    }
    uint64_t declared = length ? strtoull(length, NULL, 10) : 0;
    if (declared > (uint64_t)site->file_max || (name && strlen(name) > NAME_MAX_BYTES)) {
        http_reply_problem(x, name && strlen(name) > NAME_MAX_BYTES ? 400 : 413, "too_large",
            "the file, or its name, is too large");
        return;
    }
    struct upload *u = mem_zalloc(sizeof *u);
    u->site = site;
    memcpy(u->visitor, t.visitor, sizeof u->visitor);
    limit_peer_key(http_peer(x), u->peer);
    u->is_local = limit_peer_is_local(http_peer(x));
    unsigned shard =
        id_hash_shard(u->visitor, strlen(u->visitor), store_shards(core_store(site->base.core)));
    u->file = media_upload_begin(
        core_media(site->base.core), shard, name ? name : "file", declared, &err);
    if (!u->file) {
        http_reply_err(x, &err);
        upload_free(u);
        return;
    }
    struct http_stream stream = {on_chunk, on_end, on_abandoned, u};
    http_stream(x, &stream);
}

/* --- giving out ------------------------------------------------------------------------------ */

struct download {
    struct desk *desk;
    struct http_exchange *exchange;
};

static void on_media(void *arg, json_t *result, const struct err *err) {
    static const struct media_giving how = {.by_link = true, .cached_s = TICKET_S / 2};
    struct download *d = arg;
    struct media *m = core_media(d->desk->first->base.core);
    struct err gone;
    if (!err && media_give(m, d->exchange, json_object_get(result, "media"), &how, &gone) < 0)
        err = &gone;
    if (err)
        http_reply_err(d->exchange, err);
    free(d);
}

static void on_download(struct http_exchange *x, void *arg) {
    struct desk *desk = arg;
    const char *id = http_path_arg(x, "id"), *ticket = http_query(x, "t");
    const char *secret = connector_secret(&desk->first->base);
    if (!secret) {
        http_reply_problem(x, 503, "unavailable", "the store cannot serve now");
        return;
    }
    if (!id_is_valid(id) || !ticket ||
        !media_ticket_ok(secret, TICKET, id, ticket, clock_ms() / 1000, TICKET_S)) {
        metrics_add(desk->env->metrics, M_REFUSED, "auth", 1);
        http_reply_problem(x, 403, "denied", "this address is not valid any more; reload the chat");
        return;
    }
    struct download *d = mem_alloc(sizeof *d);
    *d = (struct download){desk, x};
    store_media_get(core_store(desk->first->base.core), id, on_media, d);
}

const struct http_route sitechat_media_routes[] = {
    {"OPTIONS", "/chat/media", on_preflight, 0, false},
    {"POST", "/chat/media", on_upload, UPLOAD_MAX, true},
    {"GET", "/chat/media/{id}", on_download, 0, false},
    {0},
};
