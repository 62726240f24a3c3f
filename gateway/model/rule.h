/* rule.h - what admins let the gateway do by itself: on an event, when conditions hold, actions. A
 * rule in JSON is checked and read here, held against what is known of an event, tried on what was
 * said before, and a set of rules is looked through for what contradicts or goes round; a label in
 * it is replaced. Pure.
 *
 * {"name","enabled","order","on":"message|opened|reopened|assigned|labeled|closed|unanswered",
 *  "after": seconds, of unanswered,
 *  "if":{"channels","connectors","labels","without" (labels): lists, of which one is enough;
 *        "any","all": words, phrases or beginnings of words with "*";
 *        "language": "cyrillic", "latin" (what it is written in) or "ru", ... (the visitor's);
 *        "contact":"first|known" (was there a dialogue before), "responsible": bool (the card has
 *        one who is an agent of ours), "assigned": bool, "open": bool (it is in the
 *        channel's working hours)},
 *  "then":[{"assign":{"responsible":bool,"agents":[..],"how":"turn|least","online":bool,
 *                     "capacity":n}},
 *          {"label"},{"unlabel"},{"send"},{"note"},{"close":true}]} */
#ifndef SB_MODEL_RULE_H
#define SB_MODEL_RULE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/fold.h"

#define RULES_MAX 200
#define RULE_DEPTH_MAX 5 /* rules that set each other off, in a row */
#define RULE_AGENTS_MAX 40
#define RULE_NAME_MAX 100
#define RULE_TEXT_MAX 4000

enum rule_event {
    RULE_MESSAGE,  /* the client has written */
    RULE_OPENED,   /* it was his first message */
    RULE_REOPENED, /* the dialogue was closed before */
    RULE_ASSIGNED, /* somebody is responsible now */
    RULE_LABELED,  /* labels are others */
    RULE_CLOSED,
    RULE_UNANSWERED, /* the client waits for so long */
    RULE_EVENTS
};
const char *rule_event_name(enum rule_event e);

enum rule_contact { RULE_ANYBODY, RULE_FIRST, RULE_KNOWN };

struct rule {
    char *id; /* "": not kept yet */
    enum rule_event on;
    bool enabled;
    double order;
    int64_t after_ms; /* of RULE_UNANSWERED */
    int64_t live_ms;  /* what was before does not count; 0 all does */
    json_t *json;     /* the rule as it was checked; what follows points into it */
    const char *name;
    const json_t *channels, *connectors, *labels, *without; /* NULL: any */
    struct folded *any, *all;
    size_t nany, nall;
    const char *language; /* NULL any */
    enum rule_contact contact;
    int responsible, assigned, open; /* 1, 0; -1 does not matter */
    const json_t *actions;
};

/* NULL, with err that names the key, what is wrong with it and what would be right. id: copied. */
struct rule *rule_parse(const json_t *json, const char *id, struct err *err);
void rule_free(struct rule *r);
/* The order in which they are looked at. */
int rule_compare(const struct rule *a, const struct rule *b);
/* The first action of this kind ("assign"), or NULL. */
const json_t *rule_action(const struct rule *r, const char *kind);
/* Does any condition need the words of a message? */
bool rule_reads(const struct rule *r);

/* The rule (in JSON) with the label `to` wherever it names `from`: if.labels, if.without, label and
 * unlabel; what is there twice then is there once. Equal to it when it does not name `from`. A new
 * reference; NULL with err: ERR_INVALID, it was no rule or `to` is no text; ERR_CONFLICT, it would
 * be none any more, or never apply to what it asks for. */
json_t *rule_relabel(const json_t *rule, const char *from, const char *to, struct err *err);

/* What is known of an event and its thread. All borrowed. NULL: not asked yet. */
struct rule_facts {
    unsigned events; /* 1 << enum rule_event, all that it is */
    const char *channel, *connector;
    const char *assignee; /* "" nobody */
    const json_t *labels;
    const struct folded *text; /* NULL: there is none, ... */
    bool may_say;              /* ... or it was not read yet */
    const char *locale;        /* "ru-RU", "" not known */
    int first;                 /* 1, 0; -1 not asked yet */
    int responsible;           /* likewise */
    int open;                  /* likewise */
};
/* What was not asked yet holds: so false is for sure. */
bool rule_matches(const struct rule *r, const struct rule_facts *f);
/* Which conditions held, for people: [{"is":"channels","value":"site"}..]. A new reference. */
json_t *rule_why(const struct rule *r, const struct rule_facts *f);

/* The last event in a thread's messages (openapi "Message", ascending) that the rule would have
 * acted on: {"seq","at","why"}; NULL: none. thread: openapi "Thread", as it is now. responsible: as
 * in facts. now_ms: until when a client has waited who waits still. A new reference. */
struct rule_past {
    const json_t *thread, *messages;
    const char *locale;
    int responsible;
    int64_t now_ms;
    /* Was the channel open? NULL: nobody knows, so what hangs on it holds. */
    bool (*is_open)(void *arg, const char *channel, int64_t ms);
    void *arg;
};
json_t *rule_replay(const struct rule *r, const struct rule_past *past);

/* What of these rules (in their order; those that are off do not count) contradicts, goes round, or
 * surprises: [{"code":"both_assign|undone|loop|takes_away","rules":[id..],"text"}..]. A new
 * reference. */
json_t *rules_check(struct rule *const *rules, size_t n);

#endif
