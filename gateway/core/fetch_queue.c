/* fetch_queue.c - files that a channel keeps for us: one attachment after the other is fetched into
 * media and written into its message. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/queue.h"
#include "media/media.h"
#include "model/revision.h"
#include "store/store_amend.h"
#include "store/store_erase.h"
#include "store/store_media.h"

static void next(struct item *it);

/* What became of one attachment, on its way into the message. */
struct found {
    struct item *item;
    size_t index;
    char remote[200]; /* which file it was: an edit may have put another in its place */
    json_t *media;    /* NULL: it could not be had */
    bool is_shown;    /* the message shows it, as far as apply() knows */
    const char *state;
    struct err err;
};

static void found_free(struct found *f) {
    json_decref(f->media);
    free(f);
}

static const char *id_of(const json_t *media) {
    return json_string_value(json_object_get(media, "id"));
}

static void on_let_go(void *arg, const struct err *err) {
    const struct core *core = arg;
    if (err)
        LOG_WARN(core->env->log, "media.not_deleted", LOG_E(err));
}

/* No message shows the file: it goes, and nobody has to look for it. */
static void let_go(struct found *f) {
    struct core *core = f->item->queue->core;
    struct err err;
    if (media_delete(core_media(core), id_of(f->media), &err) < 0)
        on_let_go(core, &err);
    else
        store_erase_media(core->store, id_of(f->media), on_let_go, core);
}

static const char *remote_of(const json_t *attachment) {
    const char *s =
        json_string_value(json_object_get(json_object_get(attachment, "remote"), "unique"));
    return s ? s : "";
}

static int apply(void *arg, json_t *body, struct err *err) {
    struct found *f = arg;
    const json_t *a = json_array_get(json_object_get(body, "attachments"), f->index);
    (void)err;
    f->is_shown = f->media && json_equal(json_object_get(a, "id"), json_object_get(f->media, "id"));
    if (f->is_shown || strcmp(remote_of(a), f->remote) != 0)
        return 0; /* written already, and the answer was lost; or it is another file now */
    if (!f->media)
        return revision_no_file(body, f->index, f->state, f->err.text);
    f->is_shown = revision_file(body, f->index, f->media) > 0;
    return f->is_shown;
}

static void on_written(void *arg, const struct store_appended *r, const struct err *err) {
    struct found *f = arg;
    struct item *it = f->item;
    bool is_gone = err && err->code == ERR_NOT_FOUND; /* his client is being erased, too */
    (void)r;
    if (f->media && (is_gone || (!err && !f->is_shown)))
        let_go(f);
    found_free(f);
    if (err && !is_gone) {
        queue_retry(it, 0, err);
        return;
    }
    it->fetch_index++;
    next(it);
}

static void write_down(struct found *f) {
    struct item *it = f->item;
    struct store_amend a = {.thread = it->entry.subject,
        .seq = it->entry.seq,
        .word = f->media ? "fetched" : "not_fetched",
        .detail = f->media ? "" : f->err.text,
        .edit = apply,
        .edit_arg = f};
    store_amend(it->queue->core->store, &a, on_written, f);
}

static void on_claimed(void *arg, json_t *list, const struct err *err) {
    struct found *f = arg;
    struct item *it = f->item;
    (void)list;
    if (err) {
        let_go(f);
        found_free(f);
        queue_retry(it, 0, err);
        return;
    }
    write_down(f);
}

/* The file is the thread's: whoever may see that one may see it. */
static void on_put(void *arg, const struct err *err) {
    struct found *f = arg;
    struct item *it = f->item;
    const char *id = id_of(f->media);
    if (err) {
        let_go(f);
        found_free(f);
        queue_retry(it, 0, err);
        return;
    }
    store_media_claim(
        it->queue->core->store, &id, 1, it->queue->name, it->entry.subject, on_claimed, f);
}

void fetch_done(
    struct fetch *fetch, const json_t *media, const struct err *err, unsigned retry_ms) {
    struct item *it = container_of(fetch, struct item, fetch);
    struct queue *q = it->queue;
    if (err_passes(err) && q->token) {
        queue_retry(it, retry_ms, err);
        return;
    }
    struct found *f = mem_zalloc(sizeof *f);
    f->item = it;
    f->index = it->fetch_index;
    snprintf(f->remote, sizeof f->remote, "%s", remote_of(fetch->attachment));
    if (err) {
        f->err = *err;
        f->state = err->code == ERR_TOO_LARGE ? "too_large" : "failed";
        LOG_INFO(q->core->env->log, "media.not_fetched", LOG_S("channel", q->label),
            LOG_S("thread", it->entry.subject), LOG_I("seq", it->entry.seq), LOG_E(err));
        write_down(f);
        return;
    }
    f->media = json_deep_copy(media);
    store_media_put(q->core->store, id_of(media), media, q->name, on_put, f);
}

/* The first attachment from fetch_index on that waits; none: the job is done. */
static void next(struct item *it) {
    struct connector *c = it->queue->channel->connector;
    const json_t *m = json_object_get(it->loaded, "message");
    const json_t *list = json_object_get(m, "attachments");
    for (; it->fetch_index < json_array_size(list); it->fetch_index++) {
        const json_t *a = json_array_get(list, it->fetch_index);
        const char *state = json_string_value(json_object_get(a, "state"));
        if (state && strcmp(state, "waiting") == 0)
            break;
    }
    if (it->fetch_index >= json_array_size(list) || !c->ops->fetch) {
        queue_end(it, "dropped", "");
        return;
    }
    it->fetch = (struct fetch){.thread = it->entry.subject,
        .message = json_string_value(json_object_get(m, "id")),
        .seq = it->entry.seq,
        .attempt = it->entry.attempts,
        .attachment = json_array_get(list, it->fetch_index)};
    c->ops->fetch(c, &it->fetch);
}

static void on_loaded(void *arg, json_t *result, const struct err *err) {
    struct item *it = arg;
    if (err && err->code != ERR_NOT_FOUND) {
        queue_retry(it, 0, err);
        return;
    }
    if (err || !json_is_object(json_object_get(result, "message"))) {
        queue_end(it, "dropped", "");
        return;
    }
    it->loaded = json_incref(result);
    it->fetch_index = 0;
    next(it);
}

static void start(struct item *it) {
    store_delivery(it->queue->core->store, it->entry.subject, it->entry.seq, on_loaded, it);
}

const struct queue_kind fetch_queue_kind = {
    .in_flight_max = 8, .flush_max = FLUSH_MAX, .prefix = "fetch_", .start = start};

struct media *connector_media(struct connector *c) {
    return core_media(c->core);
}
