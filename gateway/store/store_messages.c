/* store_messages.c - the messages of a thread, and one message by its id with its trail. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_private.h"
#include "store/store_record.h"

#define PAGE_MAX 200

struct messages {
    struct store *store;
    store_json_fn fn;
    void *arg;
    char thread[ID_SIZE], client[ID_SIZE];
    int64_t before, after, from; /* from: seq of the first record asked for */
    unsigned limit;
    bool for_client;
    char find[ID_SIZE]; /* looking for this message; "" a page */
    bool is_private;    /* with what only connectors may see */
    int64_t first;      /* oldest seq that is kept */
    json_t *thread_json;
};

static void messages_done(struct messages *m, json_t *result, const struct err *err) {
    m->fn(m->arg, result, err);
    json_decref(result);
    json_decref(m->thread_json);
    free(m);
}

static bool client_may_see(const json_t *message) {
    const char *d = json_string_value(json_object_get(message, "direction"));
    return d && (strcmp(d, "in") == 0 || strcmp(d, "out") == 0);
}

static void fetch_records(struct messages *m, unsigned n);

/* Not on this page: an older one, until the thread's start. */
static void find_older(struct messages *m) {
    struct err err;
    if (m->from <= m->first) {
        err_set(&err, ERR_NOT_FOUND,
            "there is no such message (it may have been moved to the CRM "
            "store, which search can read)");
        messages_done(m, NULL, &err);
        return;
    }
    int64_t end = m->from;
    m->from = end > PAGE_MAX ? end - PAGE_MAX : 1;
    fetch_records(m, (unsigned)(end - m->from));
}

static void on_found(struct messages *m, struct span record, int64_t seq) {
    json_t *message = m->is_private ? record_private(record, m->thread, m->client, seq)
                                    : record_message(record, m->thread, m->client, seq);
    json_t *out = json_pack("{s:o,s:o,s:O}", "message", message, "trail", record_trail(record),
        "thread", m->thread_json);
    json_t *raw = record_raw(record);
    if (out && raw)
        json_object_set(out, "raw", raw);
    json_decref(raw);
    messages_done(m, out, NULL);
}

static void on_records(void *arg, const struct redis_reply *r, const struct err *err) {
    struct messages *m = arg;
    if (err) {
        messages_done(m, NULL, err);
        return;
    }
    size_t n = redis_reply_count(r);
    if (m->find[0]) {
        for (size_t i = n; i-- > 0;) {
            struct span rec = redis_reply_span(redis_reply_at(r, i));
            char id[ID_SIZE];
            record_id(rec, id);
            if (strcmp(id, m->find) == 0) {
                on_found(m, rec, m->from + (int64_t)i);
                return;
            }
        }
        find_older(m);
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        struct span rec = redis_reply_span(redis_reply_at(r, i));
        json_t *message =
            rec.n ? record_message(rec, m->thread, m->client, m->from + (int64_t)i) : NULL;
        if (message && (!m->for_client || client_may_see(message)))
            json_array_append(list, message);
        json_decref(message);
    }
    messages_done(m, list, NULL);
}

static void fetch_records(struct messages *m, unsigned n) {
    struct args a;
    char key[STORE_KEY_SIZE], seqs[PAGE_MAX][24];
    args_init(&a);
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, id_shard(m->thread), "log", m->thread));
    for (unsigned i = 0; i < n; i++) {
        int len = snprintf(seqs[i], sizeof seqs[i], "%lld", (long long)(m->from + i));
        args_span(&a, span_of(seqs[i], (size_t)len));
    }
    store_command(m->store, &a, on_records, m);
}

/* Knows the thread's length now: which records? */
static void on_messages_thread(void *arg, const struct redis_reply *r, const struct err *err) {
    struct messages *m = arg;
    struct err missing;
    m->thread_json = err ? NULL : thread_json(m->thread, r);
    if (!m->thread_json && !err) {
        err_set(&missing, ERR_NOT_FOUND,
            m->find[0] ? "there is no such message" : "there is no such thread");
        err = &missing;
    }
    if (err) {
        messages_done(m, NULL, err);
        return;
    }
    const char *client =
        json_string_value(json_object_get(json_object_get(m->thread_json, "client"), "id"));
    snprintf(m->client, sizeof m->client, "%s", client);
    int64_t last = json_integer_value(json_object_get(m->thread_json, "last_seq"));
    m->first = redis_reply_int(redis_reply_at(r, T_FIRST));
    if (m->first < 1)
        m->first = 1;
    int64_t end = last + 1; /* one after the page's last */
    if (m->after >= 0) {
        m->from = m->after + 1 > m->first ? m->after + 1 : m->first;
        if (m->from + m->limit < end)
            end = m->from + m->limit;
    } else {
        if (m->before >= 0 && m->before < end)
            end = m->before;
        m->from = end - m->limit > m->first ? end - m->limit : m->first;
    }
    if (m->from >= end) {
        if (m->find[0])
            find_older(m);
        else
            messages_done(m, json_array(), NULL);
        return;
    }
    fetch_records(m, (unsigned)(end - m->from));
}

static void fetch_thread(struct messages *m) {
    struct args a;
    char key[STORE_KEY_SIZE];
    args_init(&a);
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, id_shard(m->thread), "thread", m->thread));
    for (size_t f = 0; f < T_COUNT; f++)
        args_add(&a, thread_fields[f]);
    store_command(m->store, &a, on_messages_thread, m);
}

void store_messages(struct store *s, const char *thread, int64_t before, int64_t after,
    unsigned limit, bool for_client, store_json_fn fn, void *arg) {
    struct err err;
    if (!store_check_id(s, thread, "thread", &err)) {
        store_fail_json(s, &err, fn, arg);
        return;
    }
    struct messages *m = mem_zalloc(sizeof *m);
    *m = (struct messages){.store = s,
        .fn = fn,
        .arg = arg,
        .before = before,
        .after = after,
        .limit = limit < 1          ? 1
                 : limit > PAGE_MAX ? PAGE_MAX
                                    : limit,
        .for_client = for_client};
    memcpy(m->thread, thread, ID_SIZE);
    fetch_thread(m);
}

/* --- one message: its id names the shard and, by its tag, the thread ------------------------- */

static void on_tag(void *arg, const struct redis_reply *r, const struct err *err) {
    struct messages *m = arg;
    struct err missing;
    struct span thread = r ? redis_reply_span(r) : span_of("", 0);
    if (!err && thread.n != ID_LEN) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such message");
        err = &missing;
    }
    if (err) {
        messages_done(m, NULL, err);
        return;
    }
    memcpy(m->thread, thread.p, ID_LEN);
    fetch_thread(m);
}

static void find_message(
    struct store *s, const char *message, bool is_private, store_json_fn fn, void *arg) {
    struct err err;
    struct args a;
    char key[STORE_KEY_SIZE];
    if (!store_check_id(s, message, "message", &err)) {
        store_fail_json(s, &err, fn, arg);
        return;
    }
    struct messages *m = mem_zalloc(sizeof *m);
    *m = (struct messages){
        .store = s, .fn = fn, .arg = arg, .before = -1, .after = -1, .limit = PAGE_MAX};
    m->is_private = is_private;
    memcpy(m->find, message, ID_SIZE);
    args_init(&a);
    args_add(&a, "HGET");
    args_span(&a, store_key(key, id_shard(message), "tags", NULL));
    args_span(&a, span_of(message + ID_TIME_LEN, ID_TAG_LEN));
    store_command(s, &a, on_tag, m);
}

void store_message(struct store *s, const char *message, store_json_fn fn, void *arg) {
    find_message(s, message, false, fn, arg);
}

void store_message_private(struct store *s, const char *message, store_json_fn fn, void *arg) {
    find_message(s, message, true, fn, arg);
}
