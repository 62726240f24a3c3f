/* rules_private.h - what the files of the rules' engine share. */
#ifndef SB_CORE_RULES_PRIVATE_H
#define SB_CORE_RULES_PRIVATE_H

#include "core/core_private.h"
#include "core/rules/rules.h"
#include "model/rule.h"
#include "store/store_rules.h"

/* The rules at one time, in their order. Whoever works by it holds it. */
struct rule_set {
    unsigned refs;
    struct rule **rules;
    size_t n;
    char signs[8];   /* of events that they want: store_rules_read */
    bool texts;      /* some look at what clients write */
    bool cards;      /* some ask who is responsible for the card */
    bool hours;      /* some ask whether the channel is open */
    size_t nwaiting; /* of RULE_UNANSWERED */
    int64_t live_from_ms;
    int64_t mark; /* rules_mark() */
};
struct rule_set *rule_set_hold(struct rule_set *s);
void rule_set_drop(struct rule_set **s);

/* Which rules these are, in a number; never 0. */
int64_t rules_mark(const struct rule_set *s);
const struct rule_set *rules_now(const struct core *core); /* NULL: not read yet */

/* Something that happened to a thread. */
struct rules_case {
    char place[STORE_CURSOR_SIZE]; /* of its event; "" of RULE_UNANSWERED */
    char thread[ID_SIZE];
    int64_t seq;
    bool asks;       /* its event does not say all that rules ask of the thread */
    unsigned events; /* 1 << enum rule_event */
    int64_t at_ms;
    char rule[ID_SIZE]; /* this one alone; "" all */
    int64_t since_ms;   /* of RULE_UNANSWERED: since when the client waits */
    bool more;          /* another began to wait in the same millisecond */
};

/* decides (rules_decide.c): {"thread","acts":[{"do","key",..}],"given"?}, or NULL: nothing is to be
 * done. The callee takes the reference. */
typedef void (*rules_decided_fn)(void *arg, json_t *plan, const struct err *err);
void rules_decide(struct core *core, struct rule_set *set, const struct rules_case *c,
    rules_decided_fn fn, void *arg);

/* Does it (rules_act.c); again does no harm. An error: it is not done, and is to be tried again.
 * With nothing to do fn is called at once. */
void rules_act(struct core *core, const json_t *plan, store_done_fn fn, void *arg);

/* Who is to have a thread (rules_assign.c): "" nobody can. */
struct rules_assign {
    const json_t *how;        /* {"responsible","agents","how","online","capacity"} */
    const char *rule, *given; /* given: unique for it */
    const char *responsible;  /* the card's; "" nobody */
    const char *but;          /* not he; "" anybody */
};
void rules_assign(struct core *core, const struct rules_assign *a, core_name_fn fn, void *arg);

#endif
