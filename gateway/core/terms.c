/* terms.c - by when a client is to be answered: the working hours and policies that admins keep, as
 * this worker knows them. They are read at the start, and again whenever one is changed. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/core_private.h"
#include "model/hours.h"
#include "model/sla.h"
#include "store/store_desk.h"

#define AGAIN_MS 1000

enum { HOURS, POLICIES, KINDS };
static const char *const shelves[KINDS] = {"hours", "sla"};

struct term {
    struct hours *hours; /* of HOURS */
    struct sla sla;      /* of POLICIES */
    char *told;          /* the policy in events: {"id","name"} */
};

/* What one shelf has, by channel. */
struct shelf {
    struct terms *terms;
    struct term *list;
    size_t n;
    json_t *of;           /* channel -> place in list */
    struct term *for_all; /* the other channels'; NULL nothing */
    bool known, asked, stale;
};

struct terms {
    struct core *core;
    struct shelf shelves[KINDS];
    struct loop_timer *again;
};

static void clear(struct shelf *s) {
    for (size_t i = 0; i < s->n; i++) {
        hours_destroy(&s->list[i].hours);
        free(s->list[i].told);
    }
    free(s->list);
    json_decref(s->of);
    s->list = NULL;
    s->of = NULL;
    s->for_all = NULL;
    s->n = 0;
}

static bool take(struct shelf *s, const char *id, const json_t *thing, struct term *out) {
    struct err err = {0};
    const char *name = json_string_value(json_object_get(thing, "name"));
    *out = (struct term){0};
    if (s == &s->terms->shelves[HOURS])
        out->hours = hours_parse(thing, &err);
    else
        sla_parse(thing, &out->sla, &err);
    if (err.code) { /* it was checked before it was kept */
        LOG_WARN(s->terms->core->env->log, "terms.not_taken", LOG_S("id", id), LOG_E(&err));
        return false;
    }
    json_t *told = json_pack("{s:s,s:s}", "id", id, "name", name ? name : "");
    out->told = json_dumps(told, JSON_COMPACT);
    json_decref(told);
    return true;
}

/* Of two that claim a channel the older one has it (saved at once; neither was refused then). */
static void claim(struct shelf *s, size_t at, const json_t *channels) {
    size_t i;
    json_t *name;
    if (json_array_size(channels) == 0 && !s->for_all)
        s->for_all = &s->list[at];
    json_array_foreach(channels, i, name) {
        if (json_is_string(name) && !json_object_get(s->of, json_string_value(name)))
            json_object_set_new(s->of, json_string_value(name), json_integer((json_int_t)at));
    }
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void fill(struct shelf *s, json_t *things) {
    size_t n = json_object_size(things), i = 0;
    const char **ids = mem_zalloc((n + 1) * sizeof *ids), *id;
    json_t *thing;
    clear(s);
    s->list = mem_zalloc((n + 1) * sizeof *s->list);
    s->of = json_object();
    json_object_foreach(things, id, thing) {
        ids[i++] = id;
    }
    qsort(ids, n, sizeof *ids, by_name);
    for (i = 0; i < n; i++) {
        thing = json_object_get(things, ids[i]);
        if (take(s, ids[i], thing, &s->list[s->n]))
            claim(s, s->n++, json_object_get(thing, "channels"));
    }
    free(ids);
}

static void ask(struct shelf *s);

static void on_shelf(void *arg, json_t *result, const struct err *err) {
    struct shelf *s = arg;
    bool again = s->stale;
    s->asked = s->stale = false;
    if (err) {
        s->stale = true; /* the timer asks again */
        return;
    }
    fill(s, json_object_get(result, "things"));
    s->known = true;
    if (again)
        ask(s);
}

static void ask(struct shelf *s) {
    if (s->asked || !store_is_up(s->terms->core->store)) {
        s->stale = true;
        return;
    }
    s->asked = true;
    s->stale = false;
    store_shelf(s->terms->core->store, shelves[s - s->terms->shelves], on_shelf, s);
}

void terms_news(struct core *core, const char *what) {
    for (size_t i = 0; core->terms && i < KINDS; i++)
        if (!what || strcmp(what, shelves[i]) == 0)
            ask(&core->terms->shelves[i]);
}

static void on_again(void *arg) {
    struct terms *t = arg;
    for (size_t i = 0; i < KINDS; i++)
        if (t->shelves[i].stale)
            ask(&t->shelves[i]);
}

void terms_start(struct core *core) {
    struct terms *t = mem_zalloc(sizeof *t);
    t->core = core;
    core->terms = t;
    for (size_t i = 0; i < KINDS; i++)
        t->shelves[i].terms = t;
    t->again = loop_timer_start(core->env->loop, AGAIN_MS, AGAIN_MS, on_again, t);
    terms_news(core, NULL);
}

void terms_stop(struct core *core) {
    if (core->terms)
        loop_timer_stop(&core->terms->again);
}

void terms_free(struct core *core) {
    if (!core->terms)
        return;
    for (size_t i = 0; i < KINDS; i++)
        clear(&core->terms->shelves[i]);
    free(core->terms);
    core->terms = NULL;
}

/* --- questions ------------------------------------------------------------------------------- */

bool core_is_ready(const struct core *core) {
    const struct terms *t = core->terms;
    return t && t->shelves[HOURS].known && t->shelves[POLICIES].known;
}

static struct term *term_of(const struct core *core, int kind, const char *channel) {
    const struct shelf *s = &core->terms->shelves[kind];
    const json_t *at = s->n && channel ? json_object_get(s->of, channel) : NULL;
    return at ? &s->list[json_integer_value(at)] : s->for_all;
}

static struct hours *hours_of(const struct core *core, const char *channel) {
    const struct term *t = term_of(core, HOURS, channel);
    return t ? t->hours : NULL;
}

bool core_is_open(const struct core *core, const char *channel, int64_t ms, int64_t *opens_out) {
    struct hours *h = core->terms ? hours_of(core, channel) : NULL;
    int64_t opens = h ? hours_next(h, ms, true) : ms;
    if (opens_out)
        *opens_out = opens;
    return opens <= ms;
}

static struct store_term due(
    const struct term *p, struct hours *h, int64_t now, int64_t within_ms) {
    struct store_term t = {.supervisors = p->sla.supervisors, .policy = p->told};
    if (!within_ms || !sla_due(&p->sla, h, now, within_ms, &t.remind_ms, &t.due_ms))
        t.due_ms = 0;
    return t;
}

void terms_of_question(
    const struct core *core, const char *channel, int64_t now, struct store_append *a) {
    const struct term *p = term_of(core, POLICIES, channel);
    if (!p || (!p->sla.first_ms && !p->sla.next_ms))
        return;
    struct hours *h = p->sla.working ? hours_of(core, channel) : NULL;
    a->first = due(p, h, now, p->sla.first_ms);
    a->next = due(p, h, now, p->sla.next_ms);
}

void terms_of_answer(
    const struct core *core, const char *channel, int64_t now, struct store_append *a) {
    const struct term *p = term_of(core, POLICIES, channel);
    if (p && p->sla.close_ms)
        a->silence = (struct store_term){.due_ms = now + p->sla.close_ms, .policy = p->told};
}
