/* api_rules.c - rules that admins keep. What they are is model/rule.h's; they lie on a shelf, each
 * with a revision, and each change is told to all workers. */
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/rules/rules.h"
#include "model/rule.h"
#include "store/store_desk.h"
#include "store/store_rules.h"
#include "store/store_users.h"

#define ORDER_STEP 1000 /* room between two for others */

static const char *const fields[] = {"name", "enabled", "order", "on", "after", "if", "then", NULL};

/* --- as they are shown ----------------------------------------------------------------------- */

static json_t *shown(const char *id, const json_t *thing) {
    json_t *rule = json_pack("{s:s,s:O}", "id", id, "rev", json_object_get(thing, "rev"));
    json_object_update(rule, json_object_get(thing, "rule"));
    json_object_set(rule, "by", json_object_get(thing, "by"));
    json_object_set(rule, "at", json_object_get(thing, "at"));
    return rule;
}

static int by_order(const void *a, const void *b) {
    return rule_compare(*(struct rule *const *)a, *(struct rule *const *)b);
}

/* {"rules":[..] in their order, "warnings":[..]} */
static json_t *all_shown(struct call *c, const json_t *things) {
    struct rule **rules = mem_alloc((json_object_size(things) + 1) * sizeof(struct rule *));
    json_t *list = json_array(), *thing;
    const char *id;
    size_t n = 0;
    json_object_foreach((json_t *)things, id, thing) {
        struct rule *r = core_rule_of(c->api->core, id, thing);
        if (r)
            rules[n++] = r;
    }
    qsort(rules, n, sizeof(struct rule *), by_order);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, shown(rules[i]->id, json_object_get(things, rules[i]->id)));
    json_t *out = json_pack("{s:o,s:o}", "rules", list, "warnings", rules_check(rules, n));
    for (size_t i = 0; i < n; i++)
        rule_free(rules[i]);
    free(rules);
    return out;
}

static void on_list(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else
        call_ok(c, 200, all_shown(c, json_object_get(result, "things")));
}

static void rules_list(struct call *c) {
    store_shelf(c->api->store, "rules", on_list, c);
}

HANDLER(api_rules_list) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, rules_list);
}

/* --- a change -------------------------------------------------------------------------------- */

/* keep: the things that there are; subject: the body; text: the id; number: the revision that is
 * expected, 0 a new rule. */
struct saving {
    struct call *call;
    json_t *thing; /* as it will be; NULL: it is taken away */
    int64_t now_ms;
};

static void saving_end(struct saving *ch) {
    json_decref(ch->thing);
    free(ch);
}

static void saving_fail(struct saving *ch, const struct err *err) {
    call_err(ch->call, err);
    saving_end(ch);
}

/* The warnings that are about this one. */
static json_t *warnings_of(struct call *c) {
    json_t *all = all_shown(c, c->keep), *out = json_array(), *one, *id;
    size_t i, k;
    json_array_foreach(json_object_get(all, "warnings"), i, one) {
        json_array_foreach(json_object_get(one, "rules"), k, id) {
            if (strcmp(json_string_value(id), c->text) == 0)
                json_array_append(out, one);
        }
    }
    json_decref(all);
    return out;
}

/* It is kept; all workers have been told, and each shard's follower will look before its next
 * event. When that could not be written they hear of it within seconds. */
static void on_touched(void *arg, const struct err *err) {
    struct saving *ch = arg;
    struct call *c = ch->call;
    if (err)
        LOG_WARN(c->api->env.log, "rules.told_late", LOG_S("rule", c->text), LOG_E(err));
    const char *name = json_string_value(json_object_get(ch->thing, "name"));
    call_note(c,
        !ch->thing  ? "rules.removed"
        : c->number ? "rules.changed"
                    : "rules.added",
        name ? name : c->text, NULL);
    if (!ch->thing) {
        call_empty(c);
    } else {
        json_object_set(c->keep, c->text, ch->thing);
        call_ok(c, c->number ? 200 : 201,
            json_pack("{s:o,s:o}", "rule", shown(c->text, ch->thing), "warnings", warnings_of(c)));
    }
    saving_end(ch);
}

static void on_put(void *arg, json_t *result, const struct err *err) {
    struct saving *ch = arg;
    if (err) {
        saving_fail(ch, err);
        return;
    }
    if (ch->thing)
        json_object_set(ch->thing, "rev", json_object_get(result, "rev"));
    store_rules_touch(ch->call->api->store, on_touched, ch);
}

void api_rules_put(struct api *api, const char *id, const json_t *thing, int64_t expected,
    store_json_fn fn, void *arg) {
    json_t *told = json_pack("{s:s,s:s,s:s}", "t", "desk", "what", "rules", "id", id);
    store_shelf_put(api->store,
        &(struct store_shelf_put){.shelf = "rules",
            .id = id,
            .thing = thing,
            .expected = thing ? expected : -1,
            .max = RULES_MAX,
            .told = told},
        fn, arg);
    json_decref(told);
}

json_t *api_rules_thing(const struct call *c, json_t *rule, int64_t live_ms) {
    char at[CLOCK_TEXT_SIZE];
    return json_pack("{s:o,s:I,s:s,s:s}", "rule", rule, "live", (json_int_t)live_ms, "by",
        c->actor.name, "at", clock_format(clock_ms(), at));
}

static void put(struct saving *ch) {
    struct call *c = ch->call;
    api_rules_put(c->api, c->text, ch->thing, c->number, on_put, ch);
}

static bool is_agent(const json_t *agents, const char *name) {
    size_t i;
    json_t *one;
    json_array_foreach(agents, i, one) {
        const char *is = json_string_value(json_object_get(one, "name"));
        if (is && strcmp(is, name) == 0)
            return true;
    }
    return false;
}

static void on_agents(void *arg, json_t *result, const struct err *err) {
    struct saving *ch = arg;
    const json_t *then = json_object_get(json_object_get(ch->thing, "rule"), "then");
    const json_t *agents = json_object_get(result, "agents");
    struct err nobody = {0};
    size_t i, k;
    json_t *action, *name;
    json_array_foreach(then, i, action) {
        json_array_foreach(json_object_get(json_object_get(action, "assign"), "agents"), k, name) {
            if (!err && !nobody.code && !is_agent(agents, json_string_value(name)))
                err_set(&nobody, ERR_INVALID,
                    "then[%zu].assign.agents[%zu]: there is no agent \"%s\"", i, k,
                    json_string_value(name));
        }
    }
    if (err || nobody.code)
        saving_fail(ch, err ? err : &nobody);
    else
        put(ch);
}

/* After all others. */
static double last_order(const json_t *things) {
    double last = 0;
    const char *id;
    json_t *thing;
    json_object_foreach((json_t *)things, id, thing) {
        double is = json_number_value(json_object_get(json_object_get(thing, "rule"), "order"));
        last = is > last ? is : last;
    }
    return last + ORDER_STEP;
}

/* The rule that is asked for: the body over what there is. */
static json_t *merged(const struct call *c) {
    const json_t *now = json_object_get(json_object_get(c->keep, c->text), "rule");
    json_t *rule = now ? json_deep_copy(now) : json_object();
    for (size_t i = 0; fields[i]; i++) {
        json_t *v = json_object_get(c->subject, fields[i]);
        if (json_is_null(v))
            json_object_del(rule, fields[i]);
        else if (v)
            json_object_set(rule, fields[i], v);
    }
    if (!json_object_get(rule, "enabled"))
        json_object_set_new(rule, "enabled", json_true());
    if (!json_object_get(rule, "order"))
        json_object_set_new(rule, "order", json_integer((json_int_t)last_order(c->keep)));
    if (!json_object_get(rule, "if"))
        json_object_set_new(rule, "if", json_object());
    return rule;
}

/* A rule counts for what happens after it was made or switched on. */
static int64_t live_of(const struct saving *ch, const json_t *rule) {
    const json_t *now = json_object_get(ch->call->keep, ch->call->text);
    bool was_on = json_is_true(json_object_get(json_object_get(now, "rule"), "enabled"));
    bool is_on = json_is_true(json_object_get(rule, "enabled"));
    return was_on && is_on ? json_integer_value(json_object_get(now, "live")) : ch->now_ms;
}

static void on_things(void *arg, json_t *result, const struct err *err) {
    struct saving *ch = arg;
    struct call *c = ch->call;
    struct err bad;
    if (err) {
        saving_fail(ch, err);
        return;
    }
    c->keep = json_incref(json_object_get(result, "things"));
    if (c->number && !json_object_get(c->keep, c->text)) {
        err_set(&bad, ERR_NOT_FOUND, "there is nothing with this id");
        saving_fail(ch, &bad);
        return;
    }
    json_t *rule = merged(c);
    struct rule *r = rule_parse(rule, c->text, &bad);
    if (!r) {
        json_decref(rule);
        saving_fail(ch, &bad);
        return;
    }
    rule_free(r);
    ch->thing = api_rules_thing(c, rule, live_of(ch, rule));
    store_user_list(c->api->store, on_agents, ch);
}

static void on_now(void *arg, int64_t now_ms, const struct err *err) {
    struct saving *ch = arg;
    if (err) {
        saving_fail(ch, err);
        return;
    }
    ch->now_ms = now_ms;
    store_shelf(ch->call->api->store, "rules", on_things, ch);
}

static struct saving *saving_create(struct call *c) {
    struct saving *ch = mem_zalloc(sizeof *ch);
    ch->call = c;
    return ch;
}

static void rules_post(struct call *c) {
    char id[ID_SIZE];
    json_t *body = call_body(c, fields);
    if (!body)
        return;
    c->subject = body;
    id_make(0, id);
    c->text = mem_strdup(id);
    store_rules_now(c->api->store, on_now, saving_create(c));
}

HANDLER(api_rules_post) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, rules_post);
}

static void rules_patch(struct call *c) {
    static const char *const known[] = {
        "name", "enabled", "order", "on", "after", "if", "then", "rev", NULL};
    json_t *body = call_take_id(c) ? call_body(c, known) : NULL;
    if (!body)
        return;
    c->subject = body;
    c->number = json_integer_value(json_object_get(body, "rev"));
    if (c->number < 1)
        call_fail(c, ERR_INVALID, "rev must be the number that the rule had when it was read");
    else
        store_rules_now(c->api->store, on_now, saving_create(c));
}

HANDLER(api_rules_patch) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, rules_patch);
}

static void rules_delete(struct call *c) {
    if (call_take_id(c))
        put(saving_create(c));
}

HANDLER(api_rules_delete) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, rules_delete);
}
