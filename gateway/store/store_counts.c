/* store_counts.c - how many threads there are of each kind, who is writing. The scripts keep the
 * numbers (_common.lua, count); here they are only added up over the shards. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_desk.h"
#include "store/store_private.h"

/* --- how many -------------------------------------------------------------------------------- */

#define FIELDS_MAX 20000 /* of all questions; a team is one for each member and state */
#define FIELDS_AT_ONCE 400
#define FIELD_SIZE 264

struct tally {
    struct gather g;
    store_tally_fn fn;
    void *arg;
    size_t nfields;
    size_t *of; /* which question each field answers */
    char (*fields)[FIELD_SIZE];
    size_t room; /* for fields */
    int64_t n[STORE_TALLIES_MAX];
};

static void add_field(struct tally *t, size_t of, const char *state, const char *assignee,
    const struct store_query *q) {
    if (t->nfields == FIELDS_MAX)
        return;
    if (t->nfields == t->room) {
        t->room = t->room ? t->room * 2 : 64;
        t->fields = mem_realloc(t->fields, t->room * sizeof *t->fields);
        t->of = mem_realloc(t->of, t->room * sizeof *t->of);
    }
    snprintf(t->fields[t->nfields], FIELD_SIZE, "%s %s %s %s", state, assignee,
        q->channel ? q->channel : "*", q->label ? q->label : "");
    t->of[t->nfields++] = of;
}

/* Of whoever is named; who does not see what is others' is counted for himself. */
static void add_names(
    struct tally *t, size_t of, const char *state, const struct store_query *q, bool sees_all) {
    char who[65];
    size_t n;
    for (const char *at = q->assignee; *at; at += n + (at[n] == ' ')) {
        n = strcspn(at, " ");
        snprintf(who, sizeof who, "%.*s", (int)n, at);
        if (n && (sees_all || strcmp(who, q->agent ? q->agent : "") == 0))
            add_field(t, of, state, who, q);
    }
}

/* The fields of one question; of an agent who does not see what is others' his own and nobody's. */
static void add_question(struct tally *t, size_t of, const struct store_query *q, bool sees_all) {
    static const char *const states[] = {"open", "snoozed", "closed"};
    bool mine = strcmp(q->view, "mine") == 0, nobodys = strcmp(q->view, "unassigned") == 0;
    const char *agent = q->agent ? q->agent : "";
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        bool wanted = strcmp(q->view, "all") == 0 ||
                      strcmp(mine || nobodys ? "open" : q->view, states[i]) == 0;
        if (!wanted)
            continue;
        if (mine || nobodys) {
            const char *who = mine ? agent : "";
            if (!q->assignee || store_names_have(q->assignee, who))
                add_field(t, of, states[i], who, q);
        } else if (q->assignee) {
            add_names(t, of, states[i], q, sees_all);
        } else if (sees_all) {
            add_field(t, of, states[i], "*", q);
        } else {
            add_field(t, of, states[i], agent, q);
            add_field(t, of, states[i], "", q);
        }
    }
}

static void on_fields(struct gather *g, size_t i, const struct redis_reply *r) {
    struct tally *t = container_of(g, struct tally, g);
    if (i < STORE_TALLIES_MAX) { /* the mentions of question i */
        t->n[i] += redis_reply_int(r);
        return;
    }
    size_t first = (i - STORE_TALLIES_MAX) * FIELDS_AT_ONCE; /* of these fields */
    for (size_t k = 0; first + k < t->nfields && k < redis_reply_count(r); k++)
        t->n[t->of[first + k]] += redis_reply_int(redis_reply_at(r, k));
}

static void tally_done(struct gather *g) {
    struct tally *t = container_of(g, struct tally, g);
    t->fn(t->arg, g->err.code ? NULL : t->n, g->err.code ? &g->err : NULL);
    free(t->fields);
    free(t->of);
    free(t);
}

static void ask_shard(struct tally *t, unsigned shard, const struct store_query *q, size_t n) {
    struct args a;
    char key[STORE_KEY_SIZE], view[128];
    for (size_t k = 0; k < t->nfields; k += FIELDS_AT_ONCE) {
        args_init(&a);
        args_add(&a, "HMGET");
        args_span(&a, store_key(key, shard, "n", NULL));
        for (size_t j = k; j < t->nfields && j < k + FIELDS_AT_ONCE; j++)
            args_add(&a, t->fields[j]);
        gather_command(&t->g, STORE_TALLIES_MAX + k / FIELDS_AT_ONCE, &a);
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(q[i].view, "mentions") != 0)
            continue;
        snprintf(view, sizeof view, "view:m:%s", q[i].agent ? q[i].agent : "");
        args_init(&a);
        args_add(&a, "ZCARD");
        args_span(&a, store_key(key, shard, view, NULL));
        gather_command(&t->g, i, &a);
    }
}

void store_tally(struct store *s, const struct store_query *questions, size_t n, bool sees_all,
    store_tally_fn fn, void *arg) {
    struct tally *t = mem_zalloc(sizeof *t);
    t->fn = fn;
    t->arg = arg;
    if (n > STORE_TALLIES_MAX)
        n = STORE_TALLIES_MAX;
    for (size_t i = 0; i < n; i++)
        add_question(t, i, &questions[i], sees_all);
    gather_begin(&t->g, s, on_fields, tally_done);
    for (unsigned i = 0; i < s->shards; i++)
        ask_shard(t, i, questions, n);
    gather_end(&t->g);
}

/* --- who is writing -------------------------------------------------------------------------- */

struct writer {
    store_json_fn fn;
    void *arg;
};

static void on_writer(void *arg, const struct redis_reply *r, const struct err *err) {
    struct writer *w = arg;
    const char *who = err ? "" : redis_reply_str(r);
    json_t *out = json_pack("{s:o}", "writer", *who ? json_string(who) : json_null());
    if (w->fn)
        w->fn(w->arg, err ? NULL : out, err);
    json_decref(out);
    free(w);
}

void store_writer(struct store *s, const char *thread, const char *agent, int64_t for_ms,
    store_json_fn fn, void *arg) {
    struct args a;
    struct err err;
    if (!store_check_id(s, thread, "thread", &err)) {
        if (fn)
            store_fail_json(s, &err, fn, arg);
        return;
    }
    struct writer *w = mem_alloc(sizeof *w);
    *w = (struct writer){fn, arg};
    args_init(&a);
    args_add(&a, thread);
    args_add(&a, agent);
    args_int(&a, for_ms);
    store_eval(s, SCRIPT_WRITER, id_shard(thread), &a, on_writer, w);
}
