/* store_record.c - a message as the log keeps it, and its JSON form. Pure functions. */
#include "store/store_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_quick.h"
#include "base/mem.h"
#include "base/utf8.h"

#define PREVIEW_POINTS 120

/* A key that does not apply is absent, in what is stored and in every JSON form. A new reference.
 */
static json_t *without_nulls(const json_t *body) {
    json_t *copy = NULL, *v;
    const char *key;
    json_object_foreach((json_t *)body, key, v) {
        if (!json_is_null(v))
            continue;
        if (!copy)
            copy = json_copy((json_t *)body);
        json_object_del(copy, key);
    }
    return copy ? copy : json_incref((json_t *)body);
}

char *record_body(
    enum direction d, const char *channel, const char *connector, const json_t *body) {
    struct buf b;
    json_t *said = without_nulls(body);
    char *text = json_quick_dump(said);
    json_decref(said);
    buf_init(&b, (size_t)16 << 20);
    buf_reserve(&b, (text ? strlen(text) : 0) + 128);
    buf_addf(&b, "{\"d\":\"%s\"", direction_name(d));
    if (channel)
        buf_addf(&b, ",\"ch\":\"%s\",\"co\":\"%s\"", channel, connector ? connector : "");
    if (text && strlen(text) > 2) {
        buf_adds(&b, ",");
        buf_adds(&b, text + 1);
    } else {
        buf_adds(&b, "}");
    }
    free(text);
    return buf_take(&b);
}

char *record_body_again(const json_t *body) {
    const char *d = json_string_value(json_object_get(body, "d"));
    const char *ch = json_string_value(json_object_get(body, "ch"));
    const char *co = json_string_value(json_object_get(body, "co"));
    enum direction direction = DIRECTION_EVENT;
    for (int i = DIRECTION_IN; i <= DIRECTION_EVENT; i++)
        if (d && strcmp(d, direction_name((enum direction)i)) == 0)
            direction = (enum direction)i;
    json_t *rest = json_copy((json_t *)body);
    json_object_del(rest, "d");
    json_object_del(rest, "ch");
    json_object_del(rest, "co");
    char *text = record_body(direction, ch, co, rest);
    json_decref(rest);
    return text;
}

/* One trail line: "<ms> word detail" or "+<ms> word detail"; advances rest. */
struct line {
    int64_t at;
    struct span word, detail;
};

static bool next_line(struct span *rest, int64_t *first, struct line *out) {
    if (rest->n == 0)
        return false;
    const char *nl = memchr(rest->p, '\n', rest->n);
    struct span l = span_of(rest->p, nl ? (size_t)(nl - rest->p) : rest->n);
    rest->p += l.n + (nl ? 1 : 0);
    rest->n -= l.n + (nl ? 1 : 0);
    bool relative = l.n && l.p[0] == '+';
    size_t i = relative ? 1 : 0;
    int64_t ms = 0;
    for (; i < l.n && l.p[i] >= '0' && l.p[i] <= '9' && ms < INT64_MAX / 20; i++)
        ms = ms * 10 + (l.p[i] - '0');
    if (!relative)
        *first = ms;
    out->at = relative ? *first + ms : ms;
    if (i < l.n)
        i++;
    size_t w = i;
    while (w < l.n && l.p[w] != ' ')
        w++;
    out->word = span_of(l.p + i, w - i);
    out->detail = w < l.n ? span_of(l.p + w + 1, l.n - w - 1) : span_of("", 0);
    return true;
}

/* Cuts a record into id, body and trail. */
static int split(struct span rec, struct span *body, struct span *trail) {
    if (rec.n < ID_LEN + 3 || rec.p[ID_LEN] != ' ')
        return -1;
    const char *from = rec.p + ID_LEN + 1;
    size_t n = rec.n - ID_LEN - 1;
    const char *nl = memchr(from, '\n', n);
    *body = span_of(from, nl ? (size_t)(nl - from) : n);
    *trail = nl ? span_of(nl + 1, n - body->n - 1) : span_of("", 0);
    return 0;
}

void record_id(struct span record, char *out) {
    out[0] = '\0';
    if (record.n >= ID_LEN) {
        memcpy(out, record.p, ID_LEN);
        out[ID_LEN] = '\0';
    }
}

#define SENT_MAX 70 /* parts of one message that are remembered */

struct state {
    enum status status;
    struct line why; /* of the last failure or retry */
    int64_t first;
    struct line change; /* the last step of an edit, deletion or reaction of ours */
    struct span what;   /* "edit": which it was */
    struct span sent[SENT_MAX];
    size_t nsent;
    struct span held; /* why the channel keeps it back */
    bool bounced;     /* the channel gave it back after it had taken it */
};

static bool is_word(const struct line *l, const char *word) {
    return span_eq(l->word, word);
}

static bool is_known_part(const struct state *st, struct span id) {
    for (size_t i = 0; i < st->nsent; i++)
        if (st->sent[i].n == id.n && memcmp(st->sent[i].p, id.p, id.n) == 0)
            return true;
    return false;
}

/* The steps that say something else than the status: parts sent, and changes on their way. */
static void fold_other(struct state *st, const struct line *l) {
    if ((is_word(l, "part") || is_word(l, "sent")) && l->detail.n && st->nsent < SENT_MAX &&
        !is_known_part(st, l->detail))
        st->sent[st->nsent++] = l->detail;
    if (is_word(l, "held"))
        st->held = l->detail;
    else if (is_word(l, "released"))
        st->held = span_of("", 0);
    if (span_starts(l->word, "change_")) {
        st->change = *l;
        if (is_word(l, "change_queued"))
            st->what = l->detail;
    }
}

static void fold(struct state *st, const struct line *l) {
    enum status s;
    char word[16];
    fold_other(st, l);
    if (l->word.n >= sizeof word)
        return;
    memcpy(word, l->word.p, l->word.n);
    word[l->word.n] = '\0';
    bool is_retry = strcmp(word, "retry") == 0, is_bounce = strcmp(word, "bounced") == 0;
    if (is_retry)
        s = STATUS_QUEUED;
    else if (is_bounce)
        s = STATUS_FAILED;
    else if (status_parse(word, &s) < 0)
        return;
    if (is_bounce && st->status <= STATUS_SENT) {
        st->status = STATUS_FAILED;
        st->bounced = true;
    } else if (s == STATUS_SENT && st->bounced) {
        return; /* told late: it was sent before it came back */
    } else if (s >= STATUS_SENT) {
        if (s > st->status)
            st->status = s;
    } else if (st->status < STATUS_SENT) {
        st->status = s;
        st->bounced = false;
    }
    if (is_retry || s == STATUS_FAILED || s == STATUS_UNKNOWN)
        st->why = *l;
}

/* {"code","text","permanent"} of a line's detail, "<code> <sentence>". */
static json_t *error_of(struct span d, bool permanent) {
    const char *sp = d.n ? memchr(d.p, ' ', d.n) : NULL;
    size_t code = sp ? (size_t)(sp - d.p) : d.n;
    size_t text = sp ? code + 1 : d.n;
    return json_pack("{s:s%,s:s%,s:b}", "code", d.n ? d.p : "", code, "text", d.n ? d.p + text : "",
        d.n - text, "permanent", permanent);
}

static void add_error(json_t *m, const struct state *st) {
    if (st->status >= STATUS_SENT || st->status == STATUS_RECEIVED || !st->why.word.p)
        return;
    json_t *error = error_of(st->why.detail, st->status == STATUS_FAILED);
    if (error && st->bounced)
        json_object_set_new(error, "late", json_true());
    json_object_set_new(m, "error", error);
}

/* An edit, deletion or reaction of ours: is it at the channel yet? */
static void add_change(json_t *m, const struct state *st) {
    if (!st->what.p)
        return;
    bool done = is_word(&st->change, "change_done");
    bool failed = is_word(&st->change, "change_failed");
    json_t *c = json_pack("{s:s%,s:s}", "what", st->what.p, st->what.n, "state",
        done     ? "done"
        : failed ? "failed"
                 : "queued");
    if (c && !done && !is_word(&st->change, "change_queued"))
        json_object_set_new(c, "error", error_of(st->change.detail, failed));
    json_object_set_new(m, "change", c);
}

static void add_sent(json_t *m, const struct state *st, bool is_private) {
    if (st->nsent && !json_object_get(m, "external_id")) {
        const struct span *last = &st->sent[st->nsent - 1];
        json_object_set_new(m, "external_id", json_stringn(last->p, last->n));
    }
    if (!is_private)
        return;
    json_t *ids = json_array();
    for (size_t i = 0; i < st->nsent; i++)
        json_array_append_new(ids, json_stringn(st->sent[i].p, st->sent[i].n));
    json_object_set_new(m, "sent_ids", ids);
}

/* {"target":"what the CRM calls it"}: where it stands already; and {"target":true}: where it may
 * be, for it was queued once more. */
static void find_targets(struct span trail, json_t *attached, json_t *again) {
    int64_t first = 0;
    struct line l;
    while (next_line(&trail, &first, &l)) {
        bool is_there = is_word(&l, "attached"), is_gone = is_word(&l, "missing");
        if (!l.detail.n || (!is_there && !is_gone && !is_word(&l, "again")))
            continue;
        const char *sp = memchr(l.detail.p, ' ', l.detail.n);
        size_t n = sp ? (size_t)(sp - l.detail.p) : l.detail.n, from = sp ? n + 1 : n;
        if (is_there)
            json_object_setn_new(
                attached, l.detail.p, n, json_stringn(l.detail.p + from, l.detail.n - from));
        else if (is_gone)
            json_object_deln(attached, l.detail.p, n);
        if (is_there)
            json_object_deln(again, l.detail.p, n);
        else
            json_object_setn_new(again, l.detail.p, n, json_true());
    }
}

static bool is_of(const struct line *l, struct span target) {
    return l->detail.n >= target.n && memcmp(l->detail.p, target.p, target.n) == 0 &&
           (l->detail.n == target.n || l->detail.p[target.n] == ' ');
}

static void ledger_line(struct record_ledger *out, const struct line *l, struct span target) {
    if (is_word(l, "card_retry") && is_word(&(struct line){.word = l->detail}, "by_hand"))
        out->failed = false; /* the letter was put back in its queue: this target's, or another's */
    bool is_there = is_word(l, "attached"), is_gone = is_word(l, "missing");
    bool is_left_out = is_word(l, "left_out"), is_asked = is_gone || is_word(l, "again");
    bool has_failed = is_word(l, "card_failed");
    if (!is_of(l, target) ||
        !(is_there || is_left_out || is_asked || has_failed || is_word(l, "card_retry")))
        return;
    if (is_there && out->state != RECORD_ATTACHED)
        out->attached_ms = l->at;
    out->failed = has_failed;
    if (is_asked)
        out->asked_ms = l->at;
    if (is_there)
        out->state = RECORD_ATTACHED;
    else if (is_left_out && out->state != RECORD_ATTACHED)
        out->state = RECORD_LEFT_OUT;
    else if (is_gone || out->state == RECORD_UNTOLD)
        out->state = RECORD_WAITS;
}

int record_ledger(struct span record, const char *target, struct record_ledger *out) {
    struct span body, trail, name = span_str(target);
    struct line l;
    *out = (struct record_ledger){.received_ms = 0};
    if (split(record, &body, &trail) < 0)
        return -1;
    record_id(record, out->id);
    while (next_line(&trail, &out->received_ms, &l))
        ledger_line(out, &l, name);
    return 0;
}

void record_hide_private(json_t *m) {
    size_t i;
    json_t *a;
    json_object_del(m, "route");
    json_object_del(m, "to");
    json_object_del(m, "raw");
    json_object_del(m, "sent_ids");
    json_object_del(m, "attached");
    json_object_del(m, "again");
    json_object_del(m, "took");
    json_array_foreach(json_object_get(m, "attachments"), i, a) json_object_del(a, "remote");
}

static json_t *message_of(
    struct span record, const char *thread, const char *client, int64_t seq, bool is_private) {
    struct span body, trail;
    if (split(record, &body, &trail) < 0)
        return NULL;
    json_t *in = json_quick_load(body);
    if (!json_is_object(in)) {
        json_decref(in);
        return NULL;
    }
    struct state st = {0};
    struct line l;
    json_t *attached = is_private ? json_object() : NULL;
    json_t *again = is_private ? json_object() : NULL;
    if (is_private)
        find_targets(trail, attached, again);
    while (next_line(&trail, &st.first, &l))
        fold(&st, &l);
    char id[ID_SIZE], when[CLOCK_TEXT_SIZE];
    record_id(record, id);
    const char *d = json_string_value(json_object_get(in, "d"));
    json_t *m = json_pack("{s:s,s:s,s:I,s:s,s:s}", "id", id, "thread", thread, "seq",
        (json_int_t)seq, "client", client, "direction", d ? d : "event");
    json_t *ch = json_object_get(in, "ch"), *co = json_object_get(in, "co");
    if (m && ch)
        json_object_set(m, "channel", ch);
    if (m && co)
        json_object_set(m, "connector", co);
    json_object_del(in, "d");
    json_object_del(in, "ch");
    json_object_del(in, "co");
    if (!is_private)
        record_hide_private(in);
    json_object_update_missing(m, in);
    json_decref(in);
    json_object_set_new(m, "received_at", json_string(clock_format(st.first, when)));
    json_object_set_new(m, "status", json_string(status_name(st.status)));
    add_error(m, &st);
    add_change(m, &st);
    if (st.held.n && st.status == STATUS_SENT)
        json_object_set_new(m, "held", json_stringn(st.held.p, st.held.n));
    add_sent(m, &st, is_private);
    if (is_private) {
        json_object_set_new(m, "attached", attached);
        json_object_set_new(m, "again", again);
    }
    return m;
}

json_t *record_message(struct span record, const char *thread, const char *client, int64_t seq) {
    return message_of(record, thread, client, seq, false);
}

json_t *record_private(struct span record, const char *thread, const char *client, int64_t seq) {
    return message_of(record, thread, client, seq, true);
}

struct span record_body_text(struct span record) {
    struct span body, trail;
    return split(record, &body, &trail) < 0 ? span_of("", 0) : body;
}

json_t *record_body_json(struct span record) {
    struct span body = record_body_text(record);
    json_t *in = body.n ? json_quick_load(body) : NULL;
    if (json_is_object(in))
        return in;
    json_decref(in);
    return NULL;
}

json_t *record_raw(struct span record) {
    json_t *in = record_body_json(record);
    json_t *raw = json_incref(json_object_get(in, "raw"));
    json_decref(in);
    return raw;
}

json_t *record_trail(struct span record) {
    json_t *out = json_array();
    struct span body, trail;
    int64_t first = 0;
    struct line l;
    if (split(record, &body, &trail) < 0)
        return out;
    while (next_line(&trail, &first, &l)) {
        char when[CLOCK_TEXT_SIZE];
        json_t *o =
            json_pack("{s:s,s:s%}", "at", clock_format(l.at, when), "what", l.word.p, l.word.n);
        if (o && l.detail.n)
            json_object_set_new(o, "detail", json_stringn(l.detail.p, l.detail.n));
        json_array_append_new(out, o);
    }
    return out;
}

/* What is shown of a message without words: a sign, and the words nearest to it. */
static char *preview_of_thing(const json_t *body) {
    static const struct {
        const char *key, *words, *sign;
    } things[] = {{"location", "name", "\xf0\x9f\x93\x8d"}, {"contact", "name", "\xf0\x9f\x91\xa4"},
        {"poll", "question", "\xf0\x9f\x93\x8a"}, {"checklist", "title", "\xe2\x98\x91"}};
    for (size_t i = 0; i < ARRAY_LEN(things); i++) {
        const json_t *thing = json_object_get(body, things[i].key);
        const char *words = json_string_value(json_object_get(thing, things[i].words));
        if (thing)
            return mem_printf("%s%s%s", things[i].sign, words ? " " : "", words ? words : "");
    }
    const char *type = json_string_value(json_object_get(body, "raw_type"));
    return type ? mem_printf("[%s]", type) : mem_strdup("");
}

char *record_preview(const json_t *body) {
    const char *text = json_string_value(json_object_get(body, "text"));
    char *thing = NULL;
    if (!text || !*text) {
        const json_t *first = json_array_get(json_object_get(body, "attachments"), 0);
        text = json_string_value(json_object_get(first, "name"));
    }
    if (!text)
        text = thing = preview_of_thing(body);
    char *out = mem_strndup(text, utf8_prefix(text, strlen(text), PREVIEW_POINTS));
    for (char *p = out; *p; p++)
        if ((unsigned char)*p < 0x20)
            *p = ' ';
    free(thing);
    return out;
}
