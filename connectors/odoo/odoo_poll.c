/* odoo_poll.c - notes that are answers are looked for: Odoo's automation rules tell of no note, and
 * tell once. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "connectors/odoo/odoo_private.h"
#include "connectors/odoo/odoo_said.h"

#define CURSOR "odoo_notes"
#define OVERLAP 200 /* ids before the last one, whose transactions may have ended since */
#define FIRST_MS 1000

struct poll {
    struct odoo *o;
    json_int_t first; /* the newest when we looked for the first time; -1: this is it */
    json_int_t from, newest;
    json_t *notes;
};

static void poll_end(struct poll *p) {
    p->o->polling = false;
    json_decref(p->notes);
    free(p);
}

static void on_cursor_kept(void *arg, const struct err *err) {
    (void)err; /* what is looked at again is known already */
    poll_end(arg);
}

static void search_notes(struct poll *p);

static void page_done(struct poll *p);

static void on_kept(void *arg, const struct err *err) {
    struct poll *p = arg;
    if (err)
        poll_end(p);
    else
        page_done(p);
}

static void page_done(struct poll *p) {
    size_t n = json_array_size(p->notes);
    char *text = NULL;
    if (n == ODOO_PAGE) {
        p->from = odoo_id(json_object_get(json_array_get(p->notes, n - 1), "id"));
        search_notes(p);
        return;
    }
    text = mem_printf(
        "%lld,%lld", (long long)(p->first < 0 ? p->newest : p->first), (long long)p->newest);
    crm_keep(&p->o->flow.base, CURSOR, span_str(text), 0, on_cursor_kept, p);
    free(text);
}

static void keep_answers(struct poll *p) {
    json_t *note, *events = json_array();
    size_t i;
    json_array_foreach(p->notes, i, note) {
        json_t *event = odoo_reply_of(note, p->o->reply_prefix);
        if (event)
            json_array_append_new(events,
                json_pack("{s:O,s:o,s:o}", "lane", json_object_get(event, "card"), "once",
                    json_sprintf("note:%s", json_string_value(json_object_get(event, "id"))),
                    "event", event));
    }
    crm_events(&p->o->flow.base, events, on_kept, p);
}

static void on_notes(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct poll *p = arg;
    (void)retry_ms;
    if (err || !json_is_array(result)) {
        poll_end(p);
        return;
    }
    json_decref(p->notes);
    p->notes = json_incref((json_t *)result);
    keep_answers(p);
}

static void search_notes(struct poll *p) {
    size_t n = strlen(p->o->reply_prefix);
    while (n && p->o->reply_prefix[n - 1] == ' ')
        n--;
    odoo_search(p->o, "mail.message",
        json_pack("[[s,s,s],[s,s,I],[s,s,I],[s,s,s],[s,s,s%]]", "model", "=", "res.partner", "id",
            ">", p->from, "id", "<=", p->newest, "message_type", "=", "comment", "body", "ilike",
            p->o->reply_prefix, n),
        json_pack("[s,s,s,s,s]", "res_id", "body", "message_id", "create_uid", "attachment_ids"), 0,
        ODOO_PAGE, on_notes, p);
}

/* What was written before we ever looked is no answer to anybody. */
static void on_newest(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct poll *p = arg;
    (void)retry_ms;
    p->newest = odoo_id(json_object_get(json_array_get(result, 0), "id"));
    if (err || !json_is_array(result))
        poll_end(p);
    else if (p->first < 0)
        page_done(p);
    else
        search_notes(p);
}

static void on_cursor(void *arg, struct span value, const struct err *err) {
    struct poll *p = arg;
    if (err) {
        poll_end(p);
        return;
    }
    char *text = mem_strndup(value.n ? value.p : "", value.n), *comma = strchr(text, ',');
    p->first = comma ? strtoll(text, NULL, 10) : -1;
    p->from = comma ? strtoll(comma + 1, NULL, 10) - OVERLAP : 0;
    p->from = p->from > p->first ? p->from : p->first;
    free(text);
    odoo_ask(p->o, "mail.message", "search_read", NULL,
        json_pack(
            "{s:[],s:[s],s:i,s:s}", "domain", "fields", "model", "limit", 1, "order", "id desc"),
        on_newest, p);
}

static void on_claimed(void *arg, bool got, const struct err *err) {
    struct poll *p = arg;
    if (err || !got)
        poll_end(p);
    else
        crm_kept(&p->o->flow.base, CURSOR, on_cursor, p);
}

static void on_timer(void *arg) {
    struct odoo *o = arg;
    if (o->polling)
        return;
    struct poll *p = mem_zalloc(sizeof *p);
    p->o = o;
    o->polling = true;
    crm_claim(&o->flow.base, "odoo_poll", o->poll_ms - o->poll_ms / 10, on_claimed, p);
}

void odoo_poll_start(struct odoo *o) {
    if (o->poll_ms && o->flow.base.core)
        o->poll_timer = loop_timer_start(o->flow.base.env->loop, FIRST_MS, o->poll_ms, on_timer, o);
}
