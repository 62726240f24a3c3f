/* erase.c - the way through the steps of store_erase.h, one after another: first nothing new comes
 * in and nobody is led here, then files and messages go, at last the client himself. Each step may
 * be done again. */
#include "core/erase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/core_private.h"
#include "media/media.h"
#include "store/store_erase.h"
#include "store/store_media.h"
#include "store/store_users.h"

#define CALLS_MS 2500 /* by then each worker has brought its last calls to the log (crm_log.c) */
#define TEXT_MIN 4    /* shorter ones are in too many others' words */
#define TEXTS_MAX 200
#define ARCHIVE_PAGE 100

struct erase {
    struct core *core;
    store_json_fn fn; /* NULL: answered */
    void *arg;
    char client[ID_SIZE];
    char *agent, *reason, *agents;
    json_t *clients; /* ids: he, and who became part of him; the last one is he */
    json_t *threads, *identities, *texts;
    size_t at;         /* of threads, identities, clients */
    int64_t seq, last; /* of the thread's messages */
    int64_t before;    /* of what the archive has */
    json_t *files;     /* ids that are to be looked at */
    size_t file;
    store_done_fn then; /* after the files */
    const char *told[TARGETS_MAX + 1];
    char modes[TARGETS_MAX + 1];
    struct loop_timer *timer;
    struct erase *next; /* of those that wait for the timer */
};

static void erase_free(struct erase *e) {
    loop_timer_stop(&e->timer);
    json_decref(e->clients);
    json_decref(e->threads);
    json_decref(e->identities);
    json_decref(e->texts);
    json_decref(e->files);
    free(e->agent);
    free(e->reason);
    free(e->agents);
    free(e);
}

static void answer(struct erase *e, json_t *result, const struct err *err) {
    store_json_fn fn = e->fn;
    e->fn = NULL;
    if (fn)
        fn(e->arg, result, err);
}

static bool fails(struct erase *e, const struct err *err) {
    if (!err)
        return false;
    LOG_WARN(e->core->env->log, "client.not_erased", LOG_S("client", e->client), LOG_E(err));
    answer(e, NULL, err);
    erase_free(e);
    return true;
}

/* --- the end --------------------------------------------------------------------------------- */

static void on_ended(void *arg, const struct err *err) {
    struct erase *e = arg;
    if (fails(e, err))
        return;
    LOG_INFO(e->core->env->log, "client.erased", LOG_S("client", e->client), LOG_S("by", e->agent));
    erase_free(e);
}

static void on_rewritten(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err; /* a Redis of somebody else's may not let us: its next rewrite comes by itself */
}

/* Redis's own file has old commands until it is written anew. */
static void on_calls_again(void *arg, const struct err *err) {
    struct erase *e = arg;
    struct span rewrite[] = {span_str("BGREWRITEAOF")};
    if (fails(e, err))
        return;
    redis_command(store_redis(e->core->store), rewrite, 1, on_rewritten, NULL);
    store_erase_end(e->core->store, e->client, e->agent, on_ended, e);
}

static void on_time(void *arg) {
    struct erase *e = arg, **at = &e->core->erasing;
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    store_erase_told(e->core->store, e->texts, on_calls_again, e);
}

/* The shard's owner goes on with what waits. */
void erase_stop(struct core *core) {
    while (core->erasing) {
        struct erase *e = core->erasing;
        core->erasing = e->next;
        erase_free(e);
    }
}

static void on_told_client(void *arg, json_t *result, const struct err *err) {
    struct erase *e = arg;
    if (fails(e, err))
        return;
    answer(e, result, NULL);
    e->next = e->core->erasing;
    e->core->erasing = e;
    e->timer = loop_timer_start(e->core->env->loop, CALLS_MS, 0, on_time, e);
}

static void next_client(struct erase *e);

static void on_client_erased(void *arg, const struct err *err) {
    struct erase *e = arg;
    if (fails(e, err))
        return;
    e->at++;
    next_client(e);
}

static void next_client(struct erase *e) {
    const char *id = json_string_value(json_array_get(e->clients, e->at));
    if (id)
        store_erase_client(e->core->store, id, e->agent, e->reason, e->modes, on_client_erased, e);
    else
        store_client(e->core->store, e->client, on_told_client, e);
}

static void on_calls(void *arg, const struct err *err) {
    struct erase *e = arg;
    if (fails(e, err))
        return;
    e->at = 0;
    next_client(e);
}

static void on_drafts(void *arg, const struct err *err) {
    struct erase *e = arg;
    if (!fails(e, err))
        store_erase_told(e->core->store, e->texts, on_calls, e);
}

/* --- files ----------------------------------------------------------------------------------- */

/* All that may be the id of a file of ours. */
static void find_files(struct erase *e, const json_t *value) {
    const char *key;
    size_t i;
    json_t *v;
    if (json_is_string(value)) {
        const char *id = json_string_value(value);
        if (id_is_valid(id) && id_shard(id) < store_shards(e->core->store))
            json_array_append_new(e->files, json_string(id));
    }
    json_object_foreach((json_t *)value, key, v) find_files(e, v);
    json_array_foreach(value, i, v) find_files(e, v);
}

static void next_file(struct erase *e);

static void on_file_gone(void *arg, const struct err *err) {
    struct erase *e = arg;
    if (fails(e, err))
        return;
    e->file++;
    next_file(e);
}

static void on_file(void *arg, json_t *found, const struct err *err) {
    struct erase *e = arg;
    struct err bad;
    const json_t *thread = json_object_get(found, "thread");
    const char *id = json_string_value(json_array_get(e->files, e->file));
    bool his = json_is_null(thread);
    size_t i;
    json_t *one;
    if (err && err->code != ERR_NOT_FOUND) {
        fails(e, err);
        return;
    }
    json_array_foreach(e->threads, i, one) his = his || json_equal(one, thread);
    if (err || !his) { /* of somebody else, or no file at all */
        e->file++;
        next_file(e);
    } else if (media_delete(e->core->media, id, &bad) < 0) {
        fails(e, &bad);
    } else {
        store_erase_media(e->core->store, id, on_file_gone, e);
    }
}

static void next_file(struct erase *e) {
    const char *id = json_string_value(json_array_get(e->files, e->file));
    if (id) {
        store_media_get(e->core->store, id, on_file, e);
        return;
    }
    json_array_clear(e->files);
    e->file = 0;
    e->then(e, NULL);
}

/* --- threads --------------------------------------------------------------------------------- */

static const char *thread_of(const struct erase *e) {
    return json_string_value(json_array_get(e->threads, e->at));
}

static void next_messages(struct erase *e);
static void next_thread(struct erase *e);

static void on_messages_gone(void *arg, const struct err *err) {
    struct erase *e = arg;
    if (fails(e, err))
        return;
    e->seq += STORE_ERASE_PAGE;
    next_messages(e);
}

static void on_their_files_gone(void *arg, const struct err *err) {
    struct erase *e = arg;
    (void)err;
    store_erase_log(e->core->store, thread_of(e), e->seq, e->agent, e->told, on_messages_gone, e);
}

static void on_bodies(void *arg, json_t *bodies, const struct err *err) {
    struct erase *e = arg;
    if (fails(e, err))
        return;
    find_files(e, bodies);
    e->then = on_their_files_gone;
    next_file(e);
}

static void next_messages(struct erase *e) {
    if (e->seq <= e->last) {
        store_erase_bodies(e->core->store, thread_of(e), e->seq, on_bodies, e);
        return;
    }
    e->at++;
    next_thread(e);
}

static void next_archived(struct erase *e);

static void on_archived_gone(void *arg, const struct err *err) {
    (void)err;
    next_archived(arg);
}

/* What the log has no more: their files are known from the CRM store only. */
static void on_archived(void *arg, const json_t *result, const struct err *err) {
    struct erase *e = arg;
    const json_t *list = json_object_get(result, "messages");
    json_int_t first = json_integer_value(json_object_get(json_array_get(list, 0), "seq"));
    if (err && err->code != ERR_UNSUPPORTED) {
        fails(e, err);
        return;
    }
    if (err || json_array_size(list) == 0 || first >= e->before) {
        next_messages(e);
        return;
    }
    e->before = first;
    find_files(e, list);
    e->then = on_archived_gone;
    next_file(e);
}

static void next_archived(struct erase *e) {
    if (e->before > 1)
        core_archive(e->core, thread_of(e), e->before, ARCHIVE_PAGE, on_archived, e);
    else
        next_messages(e);
}

static void on_thread_closed(void *arg, json_t *result, const struct err *err) {
    struct erase *e = arg;
    if (fails(e, err))
        return;
    e->last = json_integer_value(json_object_get(result, "last"));
    e->before = e->seq = json_integer_value(json_object_get(result, "first"));
    next_archived(e);
}

static void next_thread(struct erase *e) {
    if (thread_of(e))
        store_erase_thread(e->core->store, thread_of(e), e->agents, on_thread_closed, e);
    else
        store_erase_drafts(e->core->store, e->threads, e->agents, on_drafts, e);
}

/* --- whom it is about ------------------------------------------------------------------------ */

static void next_identity(struct erase *e);

static void on_identity(void *arg, const struct err *err) {
    struct erase *e = arg;
    if (fails(e, err))
        return;
    e->at++;
    next_identity(e);
}

static void next_identity(struct erase *e) {
    const json_t *one = json_array_get(e->identities, e->at);
    if (one) {
        store_erase_identity(e->core->store, json_string_value(json_object_get(one, "kind")),
            json_string_value(json_object_get(one, "address")), e->clients, on_identity, e);
        return;
    }
    e->at = 0;
    next_thread(e);
}

static void add_text(struct erase *e, const json_t *value) {
    const char *text = json_string_value(value);
    if (text && strlen(text) >= TEXT_MIN && json_array_size(e->texts) < TEXTS_MAX)
        json_array_append_new(e->texts, json_string(text));
}

/* Who he is, in any words. */
static void know(struct erase *e, const json_t *client) {
    static const char *const keys[] = {"id", "name", "phone", "email"};
    size_t i;
    json_t *one;
    const char *target;
    for (i = 0; i < ARRAY_LEN(keys); i++)
        add_text(e, json_object_get(client, keys[i]));
    json_object_foreach(json_object_get(client, "cards"), target, one)
        add_text(e, json_object_get(one, "id"));
    json_array_foreach(json_object_get(client, "identities"), i, one) {
        json_array_append(e->identities, one);
        add_text(e, json_object_get(one, "address"));
        add_text(e, json_object_get(one, "name"));
    }
}

static void next_known(struct erase *e);

static void on_part(void *arg, json_t *result, const struct err *err) {
    struct erase *e = arg;
    const json_t *client = json_object_get(result, "client");
    const json_t *id = json_object_get(client, "id");
    size_t i;
    json_t *one;
    bool known = false;
    if (err && err->code != ERR_NOT_FOUND) {
        fails(e, err);
        return;
    }
    json_array_foreach(e->clients, i, one) known = known || json_equal(one, id);
    if (!err && !known) {
        json_array_insert(e->clients, 0, (json_t *)id);
        know(e, client);
    }
    e->at++;
    next_known(e);
}

static void on_begun(void *arg, const struct err *err) {
    struct erase *e = arg;
    if (fails(e, err))
        return;
    e->at = 0;
    next_identity(e);
}

static void next_known(struct erase *e) {
    if (thread_of(e)) {
        add_text(e, json_array_get(e->threads, e->at));
        store_thread(e->core->store, thread_of(e), on_part, e);
    } else {
        store_erase_begin(e->core->store, e->client, e->agent, e->reason, on_begun, e);
    }
}

static void on_agents(void *arg, json_t *result, const struct err *err) {
    struct erase *e = arg;
    size_t i;
    json_t *agent;
    struct buf names;
    if (fails(e, err))
        return;
    buf_init(&names, (size_t)1 << 20);
    json_array_foreach(json_object_get(result, "agents"), i, agent) {
        buf_addf(&names, "%s%s", i ? " " : "", json_string_value(json_object_get(agent, "name")));
    }
    e->agents = buf_take(&names);
    e->at = 0;
    next_known(e);
}

static void on_client(void *arg, json_t *result, const struct err *err) {
    struct erase *e = arg;
    const json_t *client = json_object_get(result, "client");
    const char *merged = json_string_value(json_object_get(client, "merged_into"));
    struct err bad;
    if (fails(e, err))
        return;
    if (merged) {
        err_set(&bad, ERR_CONFLICT, "this client goes on as %s: erase that one", merged);
        fails(e, &bad);
        return;
    }
    e->clients = json_pack("[O]", json_object_get(client, "id"));
    e->threads = json_incref(json_object_get(client, "threads"));
    e->identities = json_array();
    e->texts = json_array();
    e->files = json_array();
    know(e, client);
    store_user_list(e->core->store, on_agents, e);
}

void core_erase(struct core *core, const char *client, const char *agent, const char *reason,
    store_json_fn fn, void *arg) {
    struct erase *e = mem_zalloc(sizeof *e);
    size_t told = 0;
    *e = (struct erase){.core = core,
        .fn = fn,
        .arg = arg,
        .agent = mem_strdup(agent),
        .reason = mem_strdup(reason)};
    snprintf(e->client, sizeof e->client, "%s", client);
    for (size_t i = 0; i < core->ntargets; i++) {
        const struct crm *crm = core->targets[i].crm;
        e->modes[i] = crm->ops->erase ? 'd' : 'n';
        if (!crm->ops->erase)
            e->told[told++] = crm->target;
    }
    store_client(core->store, client, on_client, e);
}
