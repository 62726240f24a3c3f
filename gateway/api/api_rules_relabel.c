/* api_rules_relabel.c - rules follow a label that gets another name. Each that names it is changed
 * as by an admin's request: checked, by its revision, written down, told to all workers. */
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/rule.h"
#include "store/store_desk.h"
#include "store/store_rules.h"

/* Over all rules, until none names the label; others may change them meanwhile. */
#define ROUNDS 10

struct relabelling {
    struct call *call;
    const char *from, *to;
    json_t *todo;      /* of this round: [{"id","rev","thing"}..] */
    json_t *unchanged; /* likewise */
    size_t at;         /* in todo */
    unsigned rounds;
    json_int_t n;
    struct err err;
    store_json_fn fn;
    void *arg;
};

static void look(struct relabelling *l);

static void give(struct relabelling *l) {
    json_t *result = json_pack("{s:I,s:O}", "rules", l->n, "unchanged", l->unchanged);
    l->fn(l->arg, l->err.code ? NULL : result, l->err.code ? &l->err : NULL);
    json_decref(result);
    json_decref(l->todo);
    json_decref(l->unchanged);
    free(l);
}

static void on_touched(void *arg, const struct err *err) {
    struct relabelling *l = arg;
    if (err)
        LOG_WARN(l->call->api->env.log, "rules.told_late", LOG_S("label", l->from), LOG_E(err));
    give(l);
}

static void end(struct relabelling *l, const struct err *err) {
    if (err)
        l->err = *err;
    if (l->n)
        store_rules_touch(l->call->api->store, on_touched, l);
    else
        give(l);
}

static const json_t *rule_of(const json_t *todo) {
    return json_object_get(json_object_get(todo, "thing"), "rule");
}

static void next(struct relabelling *l);

static void on_noted(void *arg, const struct err *err) {
    (void)err;
    next(arg);
}

static void on_put(void *arg, json_t *result, const struct err *err) {
    struct relabelling *l = arg;
    const json_t *done = json_array_get(l->todo, l->at++);
    (void)result;
    if (err && (err->code == ERR_CONFLICT || err->code == ERR_NOT_FOUND)) {
        next(l); /* the next round takes it as it is then */
    } else if (err) {
        end(l, err);
    } else {
        json_t *detail = json_pack("{s:s,s:s}", "label", l->from, "to", l->to);
        l->n++;
        call_audit(l->call, "rules.changed",
            json_string_value(json_object_get(rule_of(done), "name")), detail, on_noted, l);
        json_decref(detail);
    }
}

static void next(struct relabelling *l) {
    const json_t *one = json_array_get(l->todo, l->at);
    if (one)
        api_rules_put(l->call->api, json_string_value(json_object_get(one, "id")),
            json_object_get(one, "thing"), json_integer_value(json_object_get(one, "rev")), on_put,
            l);
    else
        look(l);
}

static void compare(struct relabelling *l, const char *id, const json_t *thing) {
    const json_t *rule = json_object_get(thing, "rule");
    struct err why;
    json_t *now = rule_relabel(rule, l->from, l->to, &why);
    if (!now && why.code == ERR_CONFLICT)
        json_array_append_new(l->unchanged, json_pack("{s:s,s:O,s:s}", "id", id, "name",
                                                json_object_get(rule, "name"), "why", why.text));
    else if (now && !json_equal(now, rule))
        json_array_append_new(l->todo,
            json_pack("{s:s,s:O,s:o}", "id", id, "rev", json_object_get(thing, "rev"), "thing",
                api_rules_thing(l->call, json_incref(now),
                    json_integer_value(json_object_get(thing, "live")))));
    json_decref(now);
}

static void on_things(void *arg, json_t *result, const struct err *err) {
    struct relabelling *l = arg;
    const char *id;
    json_t *thing;
    struct err busy;
    if (err) {
        end(l, err);
        return;
    }
    json_array_clear(l->todo);
    json_array_clear(l->unchanged);
    l->at = 0;
    json_object_foreach(json_object_get(result, "things"), id, thing) {
        compare(l, id, thing);
    }
    if (json_array_size(l->todo) == 0) {
        end(l, NULL);
    } else if (l->rounds++ == ROUNDS) {
        err_set(&busy, ERR_UNAVAILABLE, "others are changing the rules: try again");
        end(l, &busy);
    } else {
        next(l);
    }
}

static void look(struct relabelling *l) {
    store_shelf(l->call->api->store, "rules", on_things, l);
}

void api_rules_relabel(
    struct call *c, const char *from, const char *to, store_json_fn fn, void *arg) {
    struct relabelling *l = mem_alloc(sizeof *l);
    *l = (struct relabelling){.call = c,
        .from = from,
        .to = to,
        .todo = json_array(),
        .unchanged = json_array(),
        .fn = fn,
        .arg = arg};
    look(l);
}
