/* rules_assign.c - who is to have a thread: the card's responsible first, then of a list who is
 * next or has the fewest, of those who may have more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/rules/rules_private.h"
#include "store/store_back.h"
#include "store/store_desk.h"
#include "store/store_users.h"

#define TRIES_MAX 50 /* of counting, while others are being given threads */

/* --- the card's responsible ------------------------------------------------------------------ */

struct asking {
    struct core *core;
    char client[ID_SIZE];
    size_t target;
    core_name_fn fn;
    void *arg;
};

static void ask_next(struct asking *k);

/* "anna=17" of the CRM's `users`. */
static char *agent_of(const struct crm *c, const char *user) {
    for (const char *const *u = c->users; *user && u && *u; u++) {
        const char *is = strchr(*u, '=');
        if (is && is != *u && strcmp(is + 1, user) == 0)
            return mem_strndup(*u, (size_t)(is - *u));
    }
    return NULL;
}

static void asked(struct asking *k, const char *name, const struct err *err) {
    k->fn(k->arg, name, err);
    free(k);
}

static void on_said(void *arg, const char *name, const char *user, const struct err *err) {
    struct asking *k = arg;
    char *agent = err || !user ? NULL : agent_of(k->core->targets[k->target].crm, user);
    (void)name;
    if (err || agent) {
        asked(k, agent ? agent : "", err);
    } else {
        k->target++;
        ask_next(k);
    }
    free(agent);
}

static void on_nobody(void *arg) {
    asked(arg, "", NULL);
}

static void ask_next(struct asking *k) {
    while (k->target < k->core->ntargets && !k->core->targets[k->target].crm->users)
        k->target++;
    if (k->target == k->core->ntargets)
        loop_defer(k->core->env->loop, on_nobody, k);
    else
        store_card_said(
            k->core->store, k->client, k->core->targets[k->target].crm->target, on_said, k);
}

void core_responsible(struct core *core, const char *client, core_name_fn fn, void *arg) {
    struct asking *k = mem_zalloc(sizeof *k);
    *k = (struct asking){.core = core, .fn = fn, .arg = arg};
    snprintf(k->client, sizeof k->client, "%s", client);
    ask_next(k);
}

/* --- who gets it ----------------------------------------------------------------------------- */

struct choosing {
    struct core *core;
    json_t *how, *agents; /* agents: all there are */
    char *rule, *given, *responsible, *but;
    bool asked, list; /* the responsible was tried; the list is now */
    const char *names[RULE_AGENTS_MAX];
    size_t n;
    int64_t moment;
    unsigned tries;
    core_name_fn fn;
    void *arg;
};

static void choose(struct choosing *c);
static void on_moment(void *arg, int64_t moment, const struct err *err);

static void chosen(struct choosing *c, const char *name, const struct err *err) {
    c->fn(c->arg, name, err);
    json_decref(c->how);
    json_decref(c->agents);
    free(c->rule);
    free(c->given);
    free(c->responsible);
    free(c->but);
    free(c);
}

static bool is_in(const json_t *names, const char *name) {
    size_t i;
    json_t *one;
    json_array_foreach(names, i, one) {
        if (strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

/* He is an agent still, not the one who is passed over, and there if that is wanted. */
static bool can(const struct choosing *c, const json_t *online, const char *name) {
    size_t i;
    json_t *one;
    if (strcmp(name, c->but) == 0 ||
        (json_is_true(json_object_get(c->how, "online")) && !is_in(online, name)))
        return false;
    json_array_foreach(c->agents, i, one) {
        const char *is = json_string_value(json_object_get(one, "name"));
        if (is && strcmp(is, name) == 0)
            return !json_is_true(json_object_get(one, "disabled"));
    }
    return false;
}

static void on_picked(void *arg, const char *name, const struct err *err) {
    struct choosing *c = arg;
    bool doubt = err && err->code == ERR_TOO_MANY;
    if (doubt && ++c->tries < TRIES_MAX) {
        store_turn_moment(c->core->store, on_moment, c);
        return;
    }
    if (doubt) {
        name = "";
        err = NULL;
    }
    if (err || *name || c->list)
        chosen(c, err ? "" : name, err);
    else
        choose(c);
}

static void pick(struct choosing *c, const int64_t *loads) {
    const char *how = json_string_value(json_object_get(c->how, "how"));
    struct store_turn t = {.whose = c->rule,
        .given = c->given,
        .least = how && strcmp(how, "least") == 0,
        .moment = c->moment,
        .most = json_integer_value(json_object_get(c->how, "capacity")),
        .names = c->names,
        .loads = loads,
        .n = c->n};
    store_turn_pick(c->core->store, &t, on_picked, c);
}

static void on_tally(void *arg, const int64_t *n, const struct err *err) {
    struct choosing *c = arg;
    if (err)
        chosen(c, "", err);
    else
        pick(c, n);
}

static void on_moment(void *arg, int64_t moment, const struct err *err) {
    struct choosing *c = arg;
    struct store_query q[RULE_AGENTS_MAX];
    if (err) {
        chosen(c, "", err);
        return;
    }
    c->moment = moment;
    for (size_t i = 0; i < c->n; i++)
        q[i] = (struct store_query){.view = "mine", .agent = c->names[i]};
    store_tally(c->core->store, q, c->n, true, on_tally, c);
}

/* The responsible alone, then those of the list. */
static void choose(struct choosing *c) {
    static const int64_t none[RULE_AGENTS_MAX];
    json_t *online = core_online(c->core), *one;
    size_t i;
    c->n = 0;
    if (!c->asked && *c->responsible && can(c, online, c->responsible))
        c->names[c->n++] = c->responsible;
    c->asked = true;
    if (c->n == 0) {
        c->list = true;
        json_array_foreach(json_object_get(c->how, "agents"), i, one) {
            if (c->n < RULE_AGENTS_MAX && can(c, online, json_string_value(one)))
                c->names[c->n++] = json_string_value(one);
        }
    }
    json_decref(online);
    const char *how = json_string_value(json_object_get(c->how, "how"));
    if (c->n == 0)
        chosen(c, "", NULL);
    else if (json_object_get(c->how, "capacity") || (how && strcmp(how, "least") == 0))
        store_turn_moment(c->core->store, on_moment, c);
    else
        pick(c, none);
}

static void on_agents(void *arg, json_t *result, const struct err *err) {
    struct choosing *c = arg;
    if (err) {
        chosen(c, "", err);
        return;
    }
    c->agents = json_incref(json_object_get(result, "agents"));
    choose(c);
}

void rules_assign(struct core *core, const struct rules_assign *a, core_name_fn fn, void *arg) {
    struct choosing *c = mem_zalloc(sizeof *c);
    *c = (struct choosing){.core = core,
        .how = json_incref((json_t *)a->how),
        .rule = mem_strdup(a->rule),
        .given = mem_strdup(a->given),
        .responsible =
            mem_strdup(json_is_true(json_object_get(a->how, "responsible")) ? a->responsible : ""),
        .but = mem_strdup(a->but),
        .fn = fn,
        .arg = arg};
    store_user_list(core->store, on_agents, c);
}
