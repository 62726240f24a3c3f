/* rule_relabel.c - a rule with another label in a label's place. Pure. */
#include <string.h>

#include "base/json_text.h"
#include "model/rule.h"

static bool is(const json_t *v, const char *label) {
    return strcmp(json_string_value(v), label) == 0;
}

static bool has(const json_t *list, const char *label) {
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v) {
        if (is(v, label))
            return true;
    }
    return false;
}

static void relabel_list(json_t *o, const char *key, const char *from, json_t *to) {
    const json_t *list = json_object_get(o, key);
    json_t *out, *v;
    bool there = false;
    size_t i;
    if (!has(list, from))
        return;
    out = json_array();
    json_array_foreach(list, i, v) {
        bool same = is(v, from) || json_equal(v, to);
        if (!same || !there)
            json_array_append(out, same ? to : v);
        there = there || same;
    }
    json_object_set_new(o, key, out);
}

/* An action that is there twice then is there once. */
static json_t *relabel_actions(const json_t *then, const char *from, json_t *to) {
    json_t *out = json_array(), *action;
    size_t i;
    json_array_foreach(then, i, action) {
        const char *kind = json_object_iter_key(json_object_iter(action));
        const json_t *v = json_object_iter_value(json_object_iter(action));
        bool labels = strcmp(kind, "label") == 0 || strcmp(kind, "unlabel") == 0;
        json_t *now = labels && is(v, from) ? json_pack("{s:O}", kind, to) : json_incref(action);
        if (!json_list_has(out, now))
            json_array_append(out, now);
        json_decref(now);
    }
    return out;
}

/* Does the rule ask for this label, and can that hold? */
static bool waits_for(const json_t *conditions, const char *label) {
    return has(json_object_get(conditions, "labels"), label) &&
           !has(json_object_get(conditions, "without"), label);
}

/* What a rule asked for it would then rule out itself. */
static bool is_lost(const json_t *was, const json_t *now, const char *from, const char *to) {
    return (waits_for(was, from) || waits_for(was, to)) && !waits_for(now, to);
}

json_t *rule_relabel(const json_t *rule, const char *from, const char *to, struct err *err) {
    struct rule *was = rule_parse(rule, NULL, err), *now;
    json_t *label, *out = NULL;
    if (!was)
        return NULL;
    if (!(label = json_string(to))) {
        err_set(err, ERR_INVALID, "the new label is no text");
        rule_free(was);
        return NULL;
    }
    out = json_deep_copy(rule);
    json_t *conditions = json_object_get(out, "if");
    relabel_list(conditions, "labels", from, label);
    relabel_list(conditions, "without", from, label);
    json_object_set_new(out, "then", relabel_actions(was->actions, from, label));
    json_decref(label);
    if (is_lost(json_object_get(rule, "if"), conditions, from, to)) {
        err_set(err, ERR_CONFLICT, "if.labels and if.without would both name \"%s\"", to);
    } else if ((now = rule_parse(out, NULL, err))) {
        rule_free(now);
        rule_free(was);
        return out;
    } else {
        err->code = ERR_CONFLICT;
    }
    rule_free(was);
    json_decref(out);
    return NULL;
}
