/* crm_fetch.c - files of what a CRM's people write: fetched into media by one GET, or put there. */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "core/core_private.h"
#include "core/crm/crm_call.h"
#include "media/media.h"
#include "store/store_media.h"

#define FETCH_MS 120000u
#define SAID_MAX 4096 /* bytes of an answer that is no file */

#define KEPT_S (6 * 24 * 3600) /* a day longer than a reply is tried again */

struct crm_file {
    struct crm *crm;
    char kept[5 + CRYPTO_HEX_SIZE];
    char *url, *name, **headers;
    struct media_upload *upload;
    json_t *media;
    struct err err;
    crm_result_fn fn;
    void *arg;
};

static void file_end(struct crm_file *f, const struct err *err) {
    f->fn(f->arg, err ? NULL : f->media, err);
    json_decref(f->media);
    for (char **h = f->headers; h && *h; h++)
        free(*h);
    free(f->headers);
    free(f->url);
    free(f->name);
    free(f);
}

static void on_kept(void *arg, const struct err *err) {
    (void)err; /* it would be fetched once more: no more than that */
    file_end(arg, NULL);
}

static void on_put(void *arg, const struct err *err) {
    struct crm_file *f = arg;
    if (err || !f->kept[0]) {
        file_end(f, err);
        return;
    }
    char *text = json_dumps(f->media, JSON_COMPACT);
    crm_keep(f->crm, f->kept, span_str(text), KEPT_S, on_kept, f);
    free(text);
}

static void on_stored(void *arg, const struct media_info *info, const struct err *err) {
    struct crm_file *f = arg;
    if (err) {
        file_end(f, err);
        return;
    }
    f->media = media_info_json(info);
    char *owner = mem_printf("crm:%s", f->crm->target);
    store_media_put(f->crm->core->store, info->id, f->media, owner, on_put, f);
    free(owner);
}

static int take(void *arg, struct span data, struct err *err) {
    struct crm_file *f = arg;
    return media_upload_write(f->upload, data, err);
}

static void on_answer(
    void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct crm_file *f = arg;
    (void)sent;
    if (failure)
        f->err = *failure;
    else
        crm_answer_check(a, &f->err);
    if (f->err.code == ERR_NONE) {
        media_upload_finish(f->upload, on_stored, f);
        return;
    }
    media_upload_abort(f->upload);
    file_end(f, &f->err);
}

static void on_refused(void *arg) {
    struct crm_file *f = arg;
    file_end(f, &f->err);
}

/* 0, or -1 with f->err. */
static int begin(struct crm_file *f, const char *of, uint64_t size) {
    struct media *m = crm_media(f->crm);
    if (!m)
        return err_set(&f->err, ERR_UNSUPPORTED, "files are not at hand here");
    unsigned shard = id_hash_shard(of, strlen(of), store_shards(f->crm->core->store));
    f->upload = media_upload_begin(m, shard, f->name, size, &f->err);
    return f->upload ? 0 : -1;
}

static void get(struct crm_file *f) {
    struct crm *c = f->crm;
    if (begin(f, f->url, 0) < 0) {
        file_end(f, &f->err);
        return;
    }
    struct http_request rq = {.method = "GET",
        .url = f->url,
        .headers = (const char *const *)f->headers,
        .timeout_ms = FETCH_MS,
        .answer_max = SAID_MAX,
        .allow_private = c->allow_private,
        .allow_plain = c->allow_private,
        .sink = take};
    http_call_start(c->client, &rq, on_answer, f);
}

/* An earlier try of the same reply may have it. */
static void on_known(void *arg, struct span value, const struct err *err) {
    struct crm_file *f = arg;
    f->media = !err && value.n ? json_loadb(value.p, value.n, 0, NULL) : NULL;
    if (err || f->media)
        file_end(f, err);
    else
        get(f);
}

static char **headers_copy(const char *const *headers) {
    size_t n = 0;
    while (headers && headers[n])
        n++;
    char **out = mem_zalloc((n + 1) * sizeof *out);
    for (size_t i = 0; i < n; i++)
        out[i] = mem_strdup(headers[i]);
    return out;
}

void crm_fetch(struct crm *c, const char *once, size_t nth, const char *url,
    const char *const *headers, const char *name, crm_result_fn fn, void *arg) {
    struct crm_file *f = mem_zalloc(sizeof *f);
    *f = (struct crm_file){.crm = c,
        .url = mem_strdup(url),
        .name = mem_strdup(name),
        .headers = headers_copy(headers),
        .fn = fn,
        .arg = arg};
    char *which = mem_printf("%s\n%zu\n%s", once, nth, url);
    memcpy(f->kept, "file:", 5);
    crypto_sha256_hex(span_str(which), f->kept + 5);
    free(which);
    crm_kept(c, f->kept, on_known, f);
}

void crm_file_put(struct crm *c, const char *name, struct span bytes, crm_result_fn fn, void *arg) {
    struct crm_file *f = mem_zalloc(sizeof *f);
    *f = (struct crm_file){.crm = c, .name = mem_strdup(name), .fn = fn, .arg = arg};
    if (begin(f, name, bytes.n) < 0) {
        loop_defer(c->env->loop, on_refused, f);
        return;
    }
    if (media_upload_write(f->upload, bytes, &f->err) == 0) {
        media_upload_finish(f->upload, on_stored, f);
        return;
    }
    media_upload_abort(f->upload);
    loop_defer(c->env->loop, on_refused, f);
}
