/* api_audit.c - the audit log, as JSON a page at a time, or all that is asked for as a table. */
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/clock.h"
#include "base/mem.h"
#include "model/csv.h"
#include "store/store_audit.h"

#define TABLE_MAX ((size_t)64 << 20)
#define TABLE_PAGE 1000

/* ?from=, ?to=: a time, or -1 without one; -2 after answering. */
static int64_t time_of(struct call *c, const char *name) {
    const char *text = http_query(c->x, name);
    int64_t ms;
    if (!text || !*text)
        return -1;
    if (clock_parse(text, &ms) == 0 && ms >= 0)
        return ms;
    call_fail(c, ERR_INVALID, "%s must be a time like 2026-11-29T12:00:00Z", name);
    return -2;
}

/* The texts are the request's. 0, or -1 after answering. */
static int read_query(struct call *c, struct store_audit_query *q) {
    *q = (struct store_audit_query){.what = http_query(c->x, "what"),
        .by = http_query(c->x, "by"),
        .subject = http_query(c->x, "subject"),
        .address = http_query(c->x, "address")};
    if ((q->from_ms = time_of(c, "from")) == -2 || (q->to_ms = time_of(c, "to")) == -2)
        return -1;
    return 0;
}

static void audit_list(struct call *c) {
    struct store_audit_query q;
    int limit = call_limit(c);
    if (limit < 0 || read_query(c, &q) < 0)
        return;
    q.limit = (unsigned)limit;
    q.cursor = http_query(c->x, "cursor");
    if (q.cursor && *q.cursor && !store_audit_is_cursor(q.cursor))
        call_fail(c, ERR_INVALID, "cursor must be the next of an answer before");
    else
        store_audit_list(c->api->store, &q, call_on_json, c);
}

HANDLER(api_audit_list) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, audit_list);
}

/* --- the table ------------------------------------------------------------------------------- */

struct table {
    struct call *call;
    struct store_audit_query query;
    struct buf text;
};

static void on_page(void *arg, json_t *result, const struct err *err);

static void next_page(struct table *t) {
    store_audit_list(t->call->api->store, &t->query, on_page, t);
}

static void add_row(struct buf *b, const json_t *entry) {
    static const char *const columns[] = {
        "at", "what", "by", "via", "address", "session", "subject"};
    const json_t *detail = json_object_get(entry, "detail");
    char *more = json_object_size(detail) ? json_dumps(detail, JSON_COMPACT) : NULL;
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        csv_text(b, json_string_value(json_object_get(entry, columns[i])));
        buf_adds(b, ",");
    }
    csv_text(b, more ? more : "");
    buf_adds(b, "\r\n");
    free(more);
}

static void table_end(struct table *t, const struct err *err) {
    struct call *c = t->call;
    size_t n = t->text.n;
    if (err) {
        call_err(c, err);
    } else if (t->text.failed) {
        call_fail(c, ERR_TOO_LARGE, "this is too much for one table: ask for a shorter time");
    } else {
        call_note(c, "audit.exported", NULL, NULL);
        call_file(c, "audit.csv", "text/csv; charset=utf-8", buf_take(&t->text), n);
    }
    buf_free(&t->text);
    free(t);
}

static void on_page(void *arg, json_t *result, const struct err *err) {
    struct table *t = arg;
    size_t i;
    json_t *entry;
    const char *next = json_string_value(json_object_get(result, "next"));
    json_array_foreach(json_object_get(result, "entries"), i, entry) {
        add_row(&t->text, entry);
    }
    if (err || !next || t->text.failed) {
        table_end(t, err);
        return;
    }
    free(t->call->text);
    t->call->text = mem_strdup(next);
    t->query.cursor = t->call->text;
    next_page(t);
}

static void audit_table(struct call *c) {
    struct store_audit_query q;
    if (read_query(c, &q) < 0)
        return;
    struct table *t = mem_zalloc(sizeof *t);
    *t = (struct table){.call = c, .query = q};
    t->query.limit = TABLE_PAGE;
    buf_init(&t->text, TABLE_MAX);
    buf_adds(&t->text, "at,what,by,via,address,session,subject,detail\r\n");
    next_page(t);
}

HANDLER(api_audit_table) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, audit_table);
}
