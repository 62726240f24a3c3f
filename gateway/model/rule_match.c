/* rule_match.c - does a rule apply to an event, and why? And what would it have done before? Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "model/rule.h"

/* --- conditions ------------------------------------------------------------------------------ */

static const char *in_list(const json_t *list, const char *s) {
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v) {
        const char *one = json_string_value(v);
        if (one && strcmp(one, s) == 0)
            return one;
    }
    return NULL;
}

/* The first of a list that is among the thread's labels. */
static const char *label_of(const json_t *list, const json_t *labels) {
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v) {
        const char *one = json_string_value(v);
        if (one && in_list(labels, one))
            return one;
    }
    return NULL;
}

static bool is_language(const struct rule *r, const struct rule_facts *f) {
    if (strcmp(r->language, "cyrillic") == 0)
        return f->may_say || (f->text && f->text->cyrillic > f->text->latin);
    if (strcmp(r->language, "latin") == 0)
        return f->may_say || (f->text && f->text->latin > f->text->cyrillic);
    return !f->locale || (strncasecmp(f->locale, r->language, 2) == 0 &&
                             (!f->locale[2] || f->locale[2] == '-' || f->locale[2] == '_'));
}

/* The number of the first word that is there; n: none. */
static size_t word_in(const struct folded *text, const struct folded *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (fold_has(text, &words[i]))
            return i;
    return n;
}

static bool has_words(const struct rule *r, const struct folded *text) {
    if (!text)
        return false;
    for (size_t i = 0; i < r->nall; i++)
        if (!fold_has(text, &r->all[i]))
            return false;
    return !r->nany || word_in(text, r->any, r->nany) < r->nany;
}

bool rule_matches(const struct rule *r, const struct rule_facts *f) {
    if (!r->enabled || !(f->events & 1u << r->on))
        return false;
    if ((r->channels && f->channel && !in_list(r->channels, f->channel)) ||
        (r->connectors && f->connector && !in_list(r->connectors, f->connector)) ||
        (r->labels && f->labels && !label_of(r->labels, f->labels)) ||
        (r->without && f->labels && label_of(r->without, f->labels)))
        return false;
    if (r->assigned >= 0 && f->assignee && (f->assignee[0] != '\0') != r->assigned)
        return false;
    if (r->contact != RULE_ANYBODY && f->first >= 0 && (r->contact == RULE_FIRST) != f->first)
        return false;
    if (r->responsible >= 0 && f->responsible >= 0 && r->responsible != f->responsible)
        return false;
    if (r->open >= 0 && f->open >= 0 && r->open != f->open)
        return false;
    if (r->language && !is_language(r, f))
        return false;
    return (!r->nany && !r->nall) || f->may_say || has_words(r, f->text);
}

/* --- why ------------------------------------------------------------------------------------- */

static void add(json_t *why, const char *is, const char *value) {
    json_array_append_new(why, json_pack("{s:s,s:s}", "is", is, "value", value));
}

static const char *word_of(const struct rule *r, const char *key, size_t i) {
    const json_t *list = json_object_get(json_object_get(r->json, "if"), key);
    const char *s = json_string_value(json_array_get(list, i));
    return s ? s : "";
}

json_t *rule_why(const struct rule *r, const struct rule_facts *f) {
    json_t *why = json_array();
    const char *label = r->labels ? label_of(r->labels, f->labels) : NULL;
    size_t word = f->text ? word_in(f->text, r->any, r->nany) : r->nany;
    if (r->channels)
        add(why, "channels", f->channel);
    if (r->connectors)
        add(why, "connectors", f->connector);
    if (label)
        add(why, "labels", label);
    if (r->without)
        add(why, "without", json_string_value(json_array_get(r->without, 0)));
    if (word < r->nany)
        add(why, "any", word_of(r, "any", word));
    for (size_t i = 0; i < r->nall && i < 5; i++)
        add(why, "all", word_of(r, "all", i));
    if (r->language)
        add(why, "language", r->language);
    if (r->contact != RULE_ANYBODY)
        add(why, "contact", r->contact == RULE_FIRST ? "first" : "known");
    if (r->responsible >= 0)
        add(why, "responsible", r->responsible ? "true" : "false");
    if (r->assigned >= 0)
        add(why, "assigned", r->assigned ? "true" : "false");
    if (r->open >= 0)
        add(why, "open", r->open ? "true" : "false");
    return why;
}

/* --- what was said before -------------------------------------------------------------------- */

struct replay {
    const struct rule *rule;
    const struct rule_past *past;
    json_t *found;
    char assignee[72];
    json_t *labels; /* borrowed */
    bool closed;
    unsigned episode;
    int64_t waits_ms; /* since when; 0 nobody does */
    int64_t waits_seq;
};

static int64_t time_of(const json_t *m) {
    int64_t ms = 0;
    clock_parse(json_text(m, "received_at"), &ms);
    return ms;
}

static void look(struct replay *p, unsigned events, const json_t *m, int64_t seq, int64_t at_ms) {
    struct folded text;
    char at[CLOCK_TEXT_SIZE];
    const json_t *words = json_object_get(m, "text");
    bool is_in = strcmp(json_text(m, "direction"), "in") == 0 && !(events & 1u << RULE_UNANSWERED);
    struct rule_facts f = {.events = events,
        .channel = *json_text(m, "channel") ? json_text(m, "channel")
                                            : json_text(p->past->thread, "channel"),
        .connector = *json_text(m, "connector") ? json_text(m, "connector")
                                                : json_text(p->past->thread, "connector"),
        .assignee = p->assignee,
        .labels = p->labels,
        .locale = p->past->locale ? p->past->locale : "",
        .first = p->episode <= 1,
        .responsible = p->past->responsible,
        .open = -1};
    if (p->past->is_open)
        f.open = p->past->is_open(p->past->arg, f.channel, at_ms);
    if (!(events & 1u << p->rule->on))
        return;
    fold_text(&text, is_in ? json_text(m, "text") : "", is_in ? json_string_length(words) : 0);
    f.text = is_in ? &text : NULL;
    if (rule_matches(p->rule, &f)) {
        json_decref(p->found);
        p->found = json_pack("{s:I,s:s,s:o}", "seq", (json_int_t)seq, "at", clock_format(at_ms, at),
            "why", rule_why(p->rule, &f));
    }
    fold_free(&text);
}

/* It was answered, closed, or is now: had the client waited too long by then? */
static void end_of_wait(struct replay *p, const json_t *m, int64_t now_ms) {
    int64_t due = p->waits_ms + p->rule->after_ms;
    if (p->waits_ms && p->rule->on == RULE_UNANSWERED && now_ms >= due)
        look(p, 1u << RULE_UNANSWERED, m, p->waits_seq, due);
}

static void set_state(struct replay *p, const char *to, unsigned *events) {
    bool closed = strcmp(to, "closed") == 0;
    if (closed && !p->closed)
        *events |= 1u << RULE_CLOSED;
    if (!closed && p->closed) {
        *events |= 1u << RULE_REOPENED;
        p->episode++;
    }
    p->closed = closed;
}

static void on_in(struct replay *p, const json_t *m, int64_t seq) {
    unsigned events = 1u << RULE_MESSAGE;
    if (seq == 1) {
        events |= 1u << RULE_OPENED;
        p->episode = 1;
    }
    set_state(p, "open", &events);
    if (!p->waits_ms) {
        p->waits_ms = time_of(m);
        p->waits_seq = seq;
    }
    look(p, events, m, seq, time_of(m));
}

static void on_event(struct replay *p, const json_t *m, int64_t seq) {
    const json_t *e = json_object_get(m, "event");
    const char *type = json_text(e, "type");
    unsigned events = 0;
    if (strcmp(type, "assigned") == 0) {
        if (*json_text(e, "to") && strcmp(json_text(e, "to"), p->assignee) != 0)
            events = 1u << RULE_ASSIGNED;
        snprintf(p->assignee, sizeof p->assignee, "%s", json_text(e, "to"));
    } else if (strcmp(type, "labels") == 0) {
        events = json_equal(p->labels, json_object_get(e, "labels")) ? 0 : 1u << RULE_LABELED;
        p->labels = json_object_get(e, "labels");
    } else if (strcmp(type, "state") == 0) {
        if (strcmp(json_text(e, "to"), "closed") == 0) {
            end_of_wait(p, m, time_of(m));
            p->waits_ms = 0;
        }
        set_state(p, json_text(e, "to"), &events);
    }
    if (events)
        look(p, events, m, seq, time_of(m));
}

json_t *rule_replay(const struct rule *r, const struct rule_past *past) {
    struct rule copy = *r;
    struct replay p = {.rule = &copy, .past = past};
    json_t *m, *none = json_array();
    size_t i;
    const json_t *first = json_array_get(past->messages, 0);
    bool whole = json_integer_value(json_object_get(first, "seq")) == 1;
    copy.enabled = true; /* one that is off can be tried, too */
    p.labels = whole ? none : json_object_get(past->thread, "labels");
    p.episode = whole ? 1 : 2;
    if (!whole)
        snprintf(p.assignee, sizeof p.assignee, "%s", json_text(past->thread, "assignee"));
    json_array_foreach(past->messages, i, m) {
        const char *d = json_text(m, "direction");
        int64_t seq = json_integer_value(json_object_get(m, "seq"));
        if (strcmp(d, "in") == 0) {
            on_in(&p, m, seq);
        } else if (strcmp(d, "event") == 0) {
            on_event(&p, m, seq);
        } else if (strcmp(d, "out") == 0 && !json_object_get(m, "rule")) {
            end_of_wait(&p, m, time_of(m));
            p.waits_ms = 0;
            if (!p.assignee[0]) /* who answers is responsible */
                snprintf(p.assignee, sizeof p.assignee, "%s",
                    json_text(json_object_get(m, "from"), "agent"));
        }
    }
    end_of_wait(&p, NULL, past->now_ms);
    json_decref(none);
    return p.found;
}
