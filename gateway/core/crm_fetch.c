/* crm_fetch.c - files of what a CRM's people write: fetched into media by one GET, or put there. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/core_private.h"
#include "core/crm_call.h"
#include "media/media.h"
#include "store/store_media.h"

#define FETCH_MS 120000u
#define SAID_MAX 4096 /* bytes of an answer that is no file */

struct crm_file {
    struct crm *crm;
    struct media_upload *upload;
    json_t *media;
    struct err err;
    crm_result_fn fn;
    void *arg;
};

static void file_end(struct crm_file *f, const struct err *err) {
    f->fn(f->arg, err ? NULL : f->media, err);
    json_decref(f->media);
    free(f);
}

static void on_put(void *arg, const struct err *err) {
    file_end(arg, err);
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

/* of: what tells the file's shard. NULL: it is refused, later. */
static struct crm_file *begin(
    struct crm *c, const char *of, const char *name, uint64_t size, crm_result_fn fn, void *arg) {
    struct crm_file *f = mem_zalloc(sizeof *f);
    *f = (struct crm_file){.crm = c, .fn = fn, .arg = arg};
    struct media *m = crm_media(c);
    unsigned shards = m ? store_shards(c->core->store) : 1;
    if (m)
        f->upload =
            media_upload_begin(m, id_hash_shard(of, strlen(of), shards), name, size, &f->err);
    else
        err_set(&f->err, ERR_UNSUPPORTED, "files are not at hand here");
    if (f->upload)
        return f;
    loop_defer(c->env->loop, on_refused, f);
    return NULL;
}

void crm_fetch(struct crm *c, const char *url, const char *const *headers, const char *name,
    crm_result_fn fn, void *arg) {
    struct crm_file *f = begin(c, url, name, 0, fn, arg);
    if (!f)
        return;
    struct http_request rq = {.method = "GET",
        .url = url,
        .headers = headers,
        .timeout_ms = FETCH_MS,
        .answer_max = SAID_MAX,
        .allow_private = c->allow_private,
        .allow_plain = c->allow_private,
        .sink = take};
    http_call_start(c->client, &rq, on_answer, f);
}

void crm_file_put(struct crm *c, const char *name, struct span bytes, crm_result_fn fn, void *arg) {
    struct crm_file *f = begin(c, name, name, bytes.n, fn, arg);
    if (!f)
        return;
    if (media_upload_write(f->upload, bytes, &f->err) == 0) {
        media_upload_finish(f->upload, on_stored, f);
        return;
    }
    media_upload_abort(f->upload);
    loop_defer(c->env->loop, on_refused, f);
}
