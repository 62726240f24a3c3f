/* whatsapp_fetch.c - a file that the platform keeps for us: the media id gives a link of five
 * minutes, the link the bytes, both for our token only; then the hash is checked.
 * Source: Cloud API, "Media", "Download media". */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_host.h"
#include "connectors/whatsapp/whatsapp_private.h"
#include "media/media.h"

#define DOWNLOAD_TIMEOUT_MS 600000
#define TRIES_GONE 3  /* a link that is gone may have been too old: so often */
#define TRIES_WRONG 2 /* other bytes than were promised */

struct fetching {
    struct whatsapp *w;
    struct fetch *f;
    struct media_upload *upload;
    crypto_hash_sha256_state hash;
    char *sha256; /* as promised; NULL not told */
};

static void end(struct fetching *g, const json_t *media, const struct err *err, unsigned retry_ms) {
    struct fetch *f = g->f;
    struct err copy = err ? *err : (struct err){0};
    if (g->upload)
        media_upload_abort(g->upload);
    free(g->sha256);
    free(g);
    fetch_done(f, media, err ? &copy : NULL, retry_ms);
}

static void on_stored(void *arg, const struct media_info *info, const struct err *err) {
    struct fetching *g = arg;
    json_t *media = info ? media_info_json(info) : NULL;
    end(g, media, err, 0);
    json_decref(media);
}

/* Webhooks give the hash in base64, some answers in hex. */
static bool is_promised(const char *promised, const unsigned char *hash) {
    char hex[2 * crypto_hash_sha256_BYTES + 1];
    char b64[sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    sodium_bin2hex(hex, sizeof hex, hash, crypto_hash_sha256_BYTES);
    sodium_bin2base64(
        b64, sizeof b64, hash, crypto_hash_sha256_BYTES, sodium_base64_VARIANT_ORIGINAL);
    return strcasecmp(promised, hex) == 0 || strncmp(promised, b64, strlen(b64) - 1) == 0;
}

static void complete(struct fetching *g) {
    unsigned char hash[crypto_hash_sha256_BYTES];
    struct media_upload *u = g->upload;
    struct err err;
    crypto_hash_sha256_final(&g->hash, hash);
    if (g->sha256 && !is_promised(g->sha256, hash)) {
        bool again = g->f->attempt < TRIES_WRONG;
        err_set(&err, again ? ERR_UNAVAILABLE : ERR_PROTOCOL,
            "The file that came is not the one that WhatsApp announced: its hash is another. Ask "
            "the "
            "client to send it again.");
        end(g, NULL, &err, 0);
        return;
    }
    g->upload = NULL;
    media_upload_finish(u, on_stored, g);
}

static int on_piece(void *arg, struct span data, struct err *err) {
    struct fetching *g = arg;
    crypto_hash_sha256_update(&g->hash, (const unsigned char *)data.p, data.n);
    return media_upload_write(g->upload, data, err);
}

static void on_downloaded(
    void *arg, const struct http_answer *answer, const struct err *err, bool sent) {
    struct fetching *g = arg;
    struct err bad;
    (void)sent;
    if (err) { /* also one of media's: too large for us, a full disk */
        bad = *err;
        if (bad.code == ERR_PROTOCOL || bad.code == ERR_DENIED)
            bad.code = ERR_UNAVAILABLE;
        end(g, NULL, &bad, 0);
        return;
    }
    if (answer->status == 200) {
        complete(g);
        return;
    }
    err_set(&bad, ERR_UNAVAILABLE, "WhatsApp's file server answered %d.", answer->status);
    if (answer->status == 404 && g->f->attempt >= TRIES_GONE)
        err_set(&bad, ERR_NOT_FOUND,
            "WhatsApp does not have the file any more. Ask the client to send it again.");
    end(g, NULL, &bad, answer->retry_after_s > 0 ? (unsigned)answer->retry_after_s * 1000 : 0);
}

static void download(struct fetching *g, const char *url) {
    char *bearer = mem_printf("Authorization: Bearer %s", g->w->token);
    const char *const headers[] = {bearer, "User-Agent: Switchboard", NULL};
    struct http_request h = {.method = "GET",
        .url = url,
        .headers = headers,
        .timeout_ms = DOWNLOAD_TIMEOUT_MS,
        .answer_max = (size_t)WHATSAPP_MEDIA_MAX,
        .allow_private = !g->w->is_cloud,
        .allow_plain = !g->w->is_cloud,
        .sink = on_piece};
    http_call_start(g->w->base.client, &h, on_downloaded, g);
    explicit_bzero(bearer, strlen(bearer));
    free(bearer);
}

/* --- where is it? ---------------------------------------------------------------------------- */

static void begin(struct fetching *g, const json_t *media) {
    const char *url = json_string_value(json_object_get(media, "url"));
    const char *name = json_string_value(json_object_get(g->f->attachment, "name"));
    const char *told = json_string_value(json_object_get(media, "sha256"));
    json_int_t size = json_integer_value(json_object_get(media, "file_size"));
    struct err err;
    if (!url || !whatsapp_host_may_have_token(url, g->w->api_url)) {
        err_set(&err, url ? ERR_DENIED : ERR_UNAVAILABLE,
            url ? "WhatsApp's link leads to a server that must not see our token."
                : "WhatsApp does not say where the file is.");
        end(g, NULL, &err, 0);
        return;
    }
    if (size > WHATSAPP_MEDIA_MAX) {
        err_set(&err, ERR_TOO_LARGE,
            "too_big_whatsapp: The file has %lld MB; WhatsApp carries at most %lld MB.",
            (long long)size >> 20, WHATSAPP_MEDIA_MAX >> 20);
        end(g, NULL, &err, 0);
        return;
    }
    if (!g->sha256 && told && *told) { /* what the webhook announced goes first: it is signed */
        g->sha256 = mem_strdup(told);
    }
    crypto_hash_sha256_init(&g->hash);
    g->upload = media_upload_begin(connector_media(&g->w->base), id_shard(g->f->thread),
        name && *name ? name : "file", size > 0 ? (uint64_t)size : 0, &err);
    if (!g->upload)
        end(g, NULL, &err, 0);
    else
        download(g, url);
}

static void on_media(void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    struct fetching *g = arg;
    struct err bad;
    (void)sent;
    if (!err && a->cls == WHATSAPP_OK) {
        begin(g, a->result);
        return;
    }
    bad = err ? *err : a->err;
    bool final = !err && (a->cls == WHATSAPP_REFUSED || a->cls == WHATSAPP_UPLOAD_AGAIN);
    bad.code = ERR_UNAVAILABLE;
    if (final && g->f->attempt >= TRIES_GONE)
        err_set(&bad, ERR_NOT_FOUND,
            "no_file_whatsapp: WhatsApp does not hand over the file. Ask the client to send it "
            "again. [%s]",
            a->description);
    end(g, NULL, &bad, err ? 0 : a->retry_s * 1000);
}

/* Ids are digits; whatever else comes must not change the path. */
static bool is_plain_id(const char *id) {
    return id && *id && strlen(id) < 200 &&
           id[strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")] ==
               '\0';
}

void whatsapp_fetch(struct connector *c, struct fetch *f) {
    struct whatsapp *w = container_of(c, struct whatsapp, base);
    const json_t *remote = json_object_get(f->attachment, "remote");
    const char *id = json_string_value(json_object_get(remote, "media"));
    struct fetching *g = mem_zalloc(sizeof *g);
    struct err err;
    g->w = w;
    g->f = f;
    g->sha256 = mem_strdup(json_string_value(json_object_get(remote, "sha256")));
    if (!is_plain_id(id)) {
        err_set(&err, ERR_INVALID, "WhatsApp gave no id for the file.");
        end(g, NULL, &err, 0);
        return;
    }
    char *path = mem_printf("%s?phone_number_id=%s", id, w->number_id);
    struct whatsapp_request rq = {.method = "GET", .path = path};
    whatsapp_request(w, &rq, on_media, g);
    free(path);
}
