/* store_read.c - reading threads, messages and clients; nothing here costs more than its page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_private.h"
#include "store/store_record.h"

#define LABEL_MAX 64 /* bytes */

/* --- a page of threads: the newest of each shard, merged ------------------------------------- */

struct row {
    int64_t score;
    char id[ID_SIZE];
};

struct page {
    struct gather g; /* first member */
    store_json_fn fn;
    void *arg;
    char *channel, *label, *assignee, *mine;
    bool nobodys, filtered;
    unsigned limit, fetch, ask; /* of all shards; of one */
    struct row after;           /* cursor: rows come strictly after it; id "" from the start */
    struct row *rows;
    size_t nrows;
    struct row whole; /* up to here each shard has given all that it has; id "" all of it */
    struct row last;  /* where the next page goes on; id "" nowhere */
    bool *kept;       /* by row: what the filters let through */
    json_t **threads; /* by row */
    size_t taken;     /* rows that are fetched */
};

static int newest_first(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return strcmp(y->id, x->id);
}

static void page_free(struct page *p) {
    for (size_t i = 0; p->threads && i < p->taken; i++)
        json_decref(p->threads[i]);
    free(p->threads);
    free(p->kept);
    free(p->rows);
    free(p->channel);
    free(p->label);
    free(p->mine);
    free(p->assignee);
    free(p);
}

static void page_fail(struct page *p) {
    p->fn(p->arg, NULL, &p->g.err);
    page_free(p);
}

/* labels: as the thread keeps them, in JSON. */
static bool has_label(struct span labels, const char *label) {
    json_t *list = json_loadb(labels.p, labels.n, 0, NULL), *l;
    bool found = false;
    size_t i;
    json_array_foreach(list, i, l) {
        found = found || strcmp(json_string_value(l) ? json_string_value(l) : "", label) == 0;
    }
    json_decref(list);
    return found;
}

bool store_names_have(const char *names, const char *name) {
    size_t n = name ? strlen(name) : 0;
    while (n && *names) {
        size_t m = strcspn(names, " ");
        if (m == n && memcmp(names, name, n) == 0)
            return true;
        names += m + (names[m] == ' ');
    }
    return false;
}

static bool passes(
    const struct page *p, struct span channel, struct span assignee, struct span labels) {
    char who[STORE_KEY_SIZE];
    snprintf(who, sizeof who, "%.*s", (int)assignee.n, assignee.n ? assignee.p : "");
    if (p->channel && !span_eq(channel, p->channel))
        return false;
    if (p->assignee && !store_names_have(p->assignee, who))
        return false;
    if (p->mine && strcmp(who, p->mine) != 0)
        return false;
    if (p->nobodys && who[0])
        return false;
    return !p->label || has_label(labels, p->label);
}

static void page_done(struct gather *g) {
    struct page *p = container_of(g, struct page, g);
    if (g->err.code) {
        page_fail(p);
        return;
    }
    json_t *list = json_array(), *next = json_null();
    for (size_t i = 0; i < p->taken; i++)
        if (p->threads[i])
            json_array_append(list, p->threads[i]);
    if (p->last.id[0])
        next = json_sprintf("%lld:%s", (long long)p->last.score, p->last.id);
    json_t *out = json_pack("{s:o,s:o}", "threads", list, "next", next);
    p->fn(p->arg, out, NULL);
    json_decref(out);
    page_free(p);
}

static void on_page_thread(struct gather *g, size_t i, const struct redis_reply *r) {
    struct page *p = container_of(g, struct page, g);
    p->threads[i] = thread_json(p->rows[i].id, r);
}

static void fetch_thread(struct gather *g, size_t i, const char *id) {
    struct args a;
    char key[STORE_KEY_SIZE];
    args_init(&a);
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, id_shard(id), "thread", id));
    for (size_t f = 0; f < T_COUNT; f++)
        args_add(&a, thread_fields[f]);
    gather_command(g, i, &a);
}

/* The rows that are on the page. */
static void page_fetch(struct page *p) {
    p->threads = mem_zalloc((p->taken + 1) * sizeof *p->threads);
    gather_begin(&p->g, p->g.store, on_page_thread, page_done);
    for (size_t i = 0; i < p->taken; i++)
        fetch_thread(&p->g, i, p->rows[i].id);
    gather_end(&p->g);
}

static void page_filtered(struct gather *g) {
    struct page *p = container_of(g, struct page, g);
    size_t n = 0, i = 0;
    if (g->err.code) {
        page_fail(p);
        return;
    }
    for (; i < p->taken && n < p->limit; i++) {
        if (i + 1 < p->nrows || p->whole.id[0])
            p->last = p->rows[i];
        else
            p->last.id[0] = '\0';
        if (p->kept[i])
            p->rows[n++] = p->rows[i];
    }
    p->taken = n;
    page_fetch(p);
}

static void on_page_filter(struct gather *g, size_t i, const struct redis_reply *r) {
    struct page *p = container_of(g, struct page, g);
    struct span v[3];
    for (size_t f = 0; f < 3; f++)
        v[f] = redis_reply_span(redis_reply_at(r, f));
    p->kept[i] = passes(p, v[0], v[1], v[2]);
}

/* Looks at what the filters are about before anything is read whole. */
static void page_filter(struct page *p) {
    p->kept = mem_zalloc((p->taken + 1) * sizeof *p->kept);
    gather_begin(&p->g, p->g.store, on_page_filter, page_filtered);
    for (size_t i = 0; i < p->taken; i++) {
        struct args a;
        char key[STORE_KEY_SIZE];
        args_init(&a);
        args_add(&a, "HMGET");
        args_span(&a, store_key(key, id_shard(p->rows[i].id), "thread", p->rows[i].id));
        args_add(&a, "channel");
        args_add(&a, "assignee");
        args_add(&a, "labels");
        gather_command(&p->g, i, &a);
    }
    gather_end(&p->g);
}

static void page_rows_done(struct gather *g) {
    struct page *p = container_of(g, struct page, g);
    if (g->err.code) {
        page_fail(p);
        return;
    }
    qsort(p->rows, p->nrows, sizeof *p->rows, newest_first);
    while (p->nrows && p->whole.id[0] && newest_first(&p->whole, &p->rows[p->nrows - 1]) < 0)
        p->nrows--;
    p->taken = p->nrows < p->fetch ? p->nrows : p->fetch;
    if (p->filtered) {
        page_filter(p);
        return;
    }
    if (p->taken && (p->taken < p->nrows || p->whole.id[0]))
        p->last = p->rows[p->taken - 1];
    page_fetch(p);
}

static void on_page_rows(struct gather *g, size_t shard, const struct redis_reply *r) {
    struct page *p = container_of(g, struct page, g);
    (void)shard;
    size_t n = redis_reply_count(r);
    struct row row = {0, ""};
    for (size_t i = 0; i + 1 < n; i += 2) {
        struct span id = redis_reply_span(redis_reply_at(r, i));
        if (id.n != ID_LEN)
            continue;
        row.score = redis_reply_int(redis_reply_at(r, i + 1));
        memcpy(row.id, id.p, ID_LEN);
        row.id[ID_LEN] = '\0';
        if (!p->after.id[0] || newest_first(&p->after, &row) < 0)
            p->rows[p->nrows++] = row;
    }
    if (n / 2 >= p->ask && (!p->whole.id[0] || newest_first(&row, &p->whole) < 0))
        p->whole = row;
}

static int page_cursor(struct page *p, const char *cursor, struct err *err) {
    char *end = NULL;
    if (!cursor || !*cursor)
        return 0;
    p->after.score = strtoll(cursor, &end, 10);
    if (!end || *end != ':' || !id_is_valid(end + 1))
        return err_set(err, ERR_INVALID, "cursor is not one that a list gave");
    memcpy(p->after.id, end + 1, ID_SIZE);
    return 0;
}

/* The sorted set behind a view, without prefix. Of a label there is one for each state. */
static int view_name(const struct store_query *q, char *out, size_t size, struct err *err) {
    static const char *const plain[] = {"all", "open", "unassigned", "snoozed", "closed"};
    bool mine = strcmp(q->view, "mine") == 0, known = mine;
    if (q->label && strlen(q->label) > LABEL_MAX)
        return err_set(err, ERR_INVALID, "label is longer than %d bytes", LABEL_MAX);
    if (strcmp(q->view, "mentions") == 0) {
        snprintf(out, size, "view:m:%s", q->agent ? q->agent : "");
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        known = known || strcmp(q->view, plain[i]) == 0;
    if (!known)
        return err_set(err, ERR_INVALID,
            "view is \"%.40s\"; it must be open, mine, unassigned, mentions, snoozed, closed or "
            "all",
            q->view);
    if (q->label)
        snprintf(out, size, "view:l:%s:%s",
            mine || strcmp(q->view, "unassigned") == 0 ? "open" : q->view, q->label);
    else if (mine)
        snprintf(out, size, "view:a:%s", q->agent ? q->agent : "");
    else
        snprintf(out, size, "view:%s", q->view);
    return 0;
}

/* What the sorted set does not say is looked for in each thread. */
static void page_filters(struct page *p, const struct store_query *q) {
    bool mentions = strcmp(q->view, "mentions") == 0;
    p->channel = mem_strdup(q->channel);
    p->assignee = mem_strdup(q->assignee);
    if (!q->label)
        return;
    if (strcmp(q->view, "mine") == 0)
        p->mine = mem_strdup(q->agent);
    p->nobodys = strcmp(q->view, "unassigned") == 0;
    p->label = mentions ? mem_strdup(q->label) : NULL;
}

void store_threads(struct store *s, const struct store_query *q, store_json_fn fn, void *arg) {
    struct page *p = mem_zalloc(sizeof *p);
    char view[128], key[STORE_KEY_SIZE], max[32], fetch[16];
    struct err err;
    if (view_name(q, view, sizeof view, &err) < 0 || page_cursor(p, q->cursor, &err) < 0) {
        free(p);
        store_fail_json(s, &err, fn, arg);
        return;
    }
    p->fn = fn;
    p->arg = arg;
    p->limit = q->limit;
    page_filters(p, q);
    /* A filter looks at up to ten times the page; `next` leads on when that was not enough. Of one
     * shard come some more than the page: those of the cursor's own moment were on the last one. */
    p->filtered = p->channel || p->label || p->assignee || p->mine || p->nobodys;
    p->fetch = p->filtered ? q->limit * 10 : q->limit;
    p->ask = q->limit + 4 + (p->filtered ? p->fetch / s->shards : 0);
    p->rows = mem_zalloc(((size_t)s->shards * p->ask + 1) * sizeof *p->rows);
    snprintf(max, sizeof max, "%lld", (long long)p->after.score);
    snprintf(fetch, sizeof fetch, "%u", p->ask);
    gather_begin(&p->g, s, on_page_rows, page_rows_done);
    for (unsigned i = 0; i < s->shards; i++) {
        struct args a;
        args_init(&a);
        args_add(&a, "ZREVRANGEBYSCORE");
        args_span(&a, store_key(key, i, view, NULL));
        args_add(&a, p->after.id[0] ? max : "+inf");
        args_add(&a, "-inf");
        args_add(&a, "WITHSCORES");
        args_add(&a, "LIMIT");
        args_add(&a, "0");
        args_add(&a, fetch);
        gather_command(&p->g, i, &a);
    }
    gather_end(&p->g);
}

/* --- one thread with its client, one client -------------------------------------------------- */

struct one {
    struct store *store;
    store_json_fn fn;
    void *arg;
    char id[ID_SIZE];
    json_t *thread; /* set while its client is being read */
};

static void one_done(struct one *o, json_t *result, const struct err *err) {
    o->fn(o->arg, result, err);
    json_decref(result);
    json_decref(o->thread);
    free(o);
}

static void on_client(void *arg, const struct redis_reply *r, const struct err *err) {
    struct one *o = arg;
    struct err missing;
    json_t *client = err ? NULL : client_json(o->id, r);
    if (!client && !err) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such client");
        err = &missing;
    }
    if (err)
        one_done(o, NULL, err);
    else if (o->thread)
        one_done(o, json_pack("{s:O,s:o}", "thread", o->thread, "client", client), NULL);
    else
        one_done(o, json_pack("{s:o}", "client", client), NULL);
}

static void fetch_client(struct one *o) {
    struct args a;
    char key[STORE_KEY_SIZE];
    args_init(&a);
    args_add(&a, "HGETALL");
    args_span(&a, store_key(key, id_shard(o->id), "client", o->id));
    store_command(o->store, &a, on_client, o);
}

static struct one *one_create(struct store *s, const char *id, store_json_fn fn, void *arg) {
    struct one *o = mem_zalloc(sizeof *o);
    *o = (struct one){.store = s, .fn = fn, .arg = arg};
    memcpy(o->id, id, ID_SIZE);
    return o;
}

void store_client(struct store *s, const char *client, store_json_fn fn, void *arg) {
    struct err err;
    if (!store_check_id(s, client, "client", &err)) {
        store_fail_json(s, &err, fn, arg);
        return;
    }
    fetch_client(one_create(s, client, fn, arg));
}

static void on_thread(void *arg, const struct redis_reply *r, const struct err *err) {
    struct one *o = arg;
    struct err missing;
    o->thread = err ? NULL : thread_json(o->id, r);
    if (!o->thread && !err) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such thread");
        err = &missing;
    }
    if (err) {
        one_done(o, NULL, err);
        return;
    }
    const char *client =
        json_string_value(json_object_get(json_object_get(o->thread, "client"), "id"));
    if (!store_check_id(o->store, client, "client", &missing)) {
        one_done(o, NULL, &missing);
        return;
    }
    memcpy(o->id, client, ID_SIZE);
    fetch_client(o);
}

void store_thread(struct store *s, const char *thread, store_json_fn fn, void *arg) {
    struct err err;
    struct args a;
    char key[STORE_KEY_SIZE];
    if (!store_check_id(s, thread, "thread", &err)) {
        store_fail_json(s, &err, fn, arg);
        return;
    }
    args_init(&a);
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, id_shard(thread), "thread", thread));
    for (size_t f = 0; f < T_COUNT; f++)
        args_add(&a, thread_fields[f]);
    store_command(s, &a, on_thread, one_create(s, thread, fn, arg));
}
