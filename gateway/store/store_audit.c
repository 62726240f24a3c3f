/* store_audit.c - the audit log: one stream, written by a script, read backwards in pieces. */
#include "store/store_audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/scripts.h"
#include "store/store_private.h"
#include "store/store_users_private.h"

#define PIECE 500       /* entries read at a time */
#define LOOKED_MAX 5000 /* at for one answer */
#define CURSOR_SIZE 48

/* --- writing --------------------------------------------------------------------------------- */

void store_audit_add(
    struct store *s, const json_t *entry, bool refused, store_done_fn fn, void *arg) {
    struct users_call *c = users_call_create(s, arg);
    char *text = json_dumps(entry, JSON_COMPACT);
    struct span keys[] = {span_str("sb:audit"), span_str("sb:audit:refused")};
    struct args a;
    c->done = fn;
    args_init(&a);
    args_add(&a, text);
    args_add(&a, s->audit_max);
    args_add(&a, s->audit_ms);
    if (refused)
        args_int(&a, AUDIT_REFUSED_MAX);
    else
        args_add(&a, "");
    users_call_run(c, "audit", script_audit, keys, 2, &a, users_call_done);
    free(text);
}

/* --- reading --------------------------------------------------------------------------------- */

struct listing {
    struct store *store;
    char *what, *by, *subject, *address; /* NULL any */
    char from[24], upto[CURSOR_SIZE];    /* bounds of what is still to be read */
    unsigned limit, looked;
    json_t *list;
    store_json_fn fn;
    void *arg;
};

static char *copy(const char *s) {
    return s && *s ? mem_strdup(s) : NULL;
}

bool store_audit_is_cursor(const char *text) {
    size_t n = strspn(text, "0123456789");
    size_t m = text[n] == '-' ? strspn(text + n + 1, "0123456789") : 0;
    return n > 0 && n < 20 && m > 0 && m < 20 && !text[n + 1 + m];
}

static void listing_end(struct listing *l, bool more, const struct err *err) {
    json_t *next = more ? json_string(l->upto + 1) : json_null(); /* without its "(" */
    json_t *out = json_pack("{s:O,s:o}", "entries", l->list, "next", next);
    l->fn(l->arg, err ? NULL : out, err);
    json_decref(out);
    json_decref(l->list);
    free(l->what);
    free(l->by);
    free(l->subject);
    free(l->address);
    free(l);
}

static bool is(const json_t *entry, const char *key, const char *wanted) {
    const char *value = json_string_value(json_object_get(entry, key));
    return !wanted || strcmp(value ? value : "", wanted) == 0;
}

static bool is_of_kind(const json_t *entry, const char *wanted) {
    const char *what = json_string_value(json_object_get(entry, "what"));
    size_t n = wanted ? strlen(wanted) : 0;
    return !wanted ||
           (what && strncmp(what, wanted, n) == 0 && (what[n] == '\0' || what[n] == '.'));
}

static void take(struct listing *l, const char *id, const char *text) {
    static const char *const keys[] = {"what", "by", "via", "address", "session", "subject"};
    json_t *entry = json_loads(text, 0, NULL);
    char at[CLOCK_TEXT_SIZE];
    if (entry && is_of_kind(entry, l->what) && is(entry, "by", l->by) &&
        is(entry, "subject", l->subject) && is(entry, "address", l->address)) {
        json_t *out =
            json_pack("{s:s,s:s}", "id", id, "at", clock_format(strtoll(id, NULL, 10), at));
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
            json_t *v = json_object_get(entry, keys[i]);
            json_object_set_new(out, keys[i], json_is_string(v) ? json_incref(v) : json_string(""));
        }
        json_t *detail = json_object_get(entry, "detail");
        json_object_set_new(
            out, "detail", json_is_object(detail) ? json_incref(detail) : json_object());
        json_array_append_new(l->list, out);
    }
    json_decref(entry);
}

static void read_piece(struct listing *l);

static void on_piece(void *arg, const struct redis_reply *r, const struct err *err) {
    struct listing *l = arg;
    size_t n = err ? 0 : redis_reply_count(r);
    for (size_t i = 0; i < n; i++) {
        const struct redis_reply *one = redis_reply_at(r, i);
        const char *id = redis_reply_str(redis_reply_at(one, 0));
        if (json_array_size(l->list) == l->limit) {
            listing_end(l, true, NULL);
            return;
        }
        take(l, id, redis_reply_str(redis_reply_at(redis_reply_at(one, 1), 1)));
        snprintf(l->upto, sizeof l->upto, "(%s", id);
    }
    l->looked += (unsigned)n;
    if (err || n < PIECE)
        listing_end(l, false, err);
    else if (l->looked >= LOOKED_MAX)
        listing_end(l, true, NULL);
    else
        read_piece(l);
}

static void read_piece(struct listing *l) {
    struct args a;
    args_init(&a);
    args_add(&a, "XREVRANGE");
    args_add(&a, "sb:audit");
    args_add(&a, l->upto);
    args_add(&a, l->from);
    args_add(&a, "COUNT");
    args_int(&a, PIECE);
    store_command(l->store, &a, on_piece, l);
}

void store_audit_list(
    struct store *s, const struct store_audit_query *q, store_json_fn fn, void *arg) {
    struct listing *l = mem_zalloc(sizeof *l);
    *l = (struct listing){.store = s,
        .what = copy(q->what),
        .by = copy(q->by),
        .subject = copy(q->subject),
        .address = copy(q->address),
        .limit = q->limit,
        .list = json_array(),
        .fn = fn,
        .arg = arg};
    snprintf(l->from, sizeof l->from, "%s", "-");
    if (q->from_ms >= 0)
        snprintf(l->from, sizeof l->from, "%lld", (long long)q->from_ms);
    if (q->cursor && *q->cursor)
        snprintf(l->upto, sizeof l->upto, "(%s", q->cursor);
    else if (q->to_ms >= 0)
        snprintf(l->upto, sizeof l->upto, "%lld", (long long)q->to_ms);
    else
        snprintf(l->upto, sizeof l->upto, "%s", "+");
    read_piece(l);
}
