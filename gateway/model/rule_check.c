/* rule_check.c - rules that contradict each other, or set each other off for ever. Pure. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "model/rule.h"

#define FOUND_MAX 50
#define NAMED_MAX 4 /* rules of a loop that its sentence names */

struct check {
    struct rule *const *rules;
    size_t n;
    json_t *out;
};

static void found(struct check *c, const char *code, const size_t *which, size_t n, char *text) {
    json_t *ids = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(ids, json_string(c->rules[which[i]]->id));
    if (json_array_size(c->out) < FOUND_MAX)
        json_array_append_new(
            c->out, json_pack("{s:s,s:O,s:s}", "code", code, "rules", ids, "text", text));
    json_decref(ids);
    free(text);
}

/* --- two on the same event ------------------------------------------------------------------- */

/* Nothing is asked for, but whether somebody is responsible. */
static bool is_bare(const struct rule *r) {
    return !r->channels && !r->connectors && !r->labels && !r->without && !r->nany && !r->nall &&
           !r->language && r->contact == RULE_ANYBODY && r->responsible < 0 && r->open < 0;
}

/* Does each event of b come with one of a? */
static bool is_same_event(const struct rule *a, const struct rule *b) {
    return a->on == b->on || (a->on == RULE_MESSAGE && b->on == RULE_OPENED) ||
           (b->on == RULE_MESSAGE && a->on == RULE_OPENED);
}

static bool names_label(const struct rule *r, const char *kind, const json_t *label) {
    size_t i;
    json_t *one;
    json_array_foreach(r->actions, i, one) {
        if (json_object_get(one, kind) && json_equal(json_object_get(one, kind), label))
            return true;
    }
    return false;
}

/* The label that a puts on and b takes off. */
static const char *undone_label(const struct rule *a, const struct rule *b) {
    size_t i;
    json_t *one;
    json_array_foreach(a->actions, i, one) {
        const json_t *label = json_object_get(one, "label");
        if (label && names_label(b, "unlabel", label))
            return json_string_value(label);
    }
    return NULL;
}

static void check_pair(struct check *c, size_t i, size_t k) {
    const struct rule *a = c->rules[i], *b = c->rules[k];
    size_t both[] = {i, k};
    if (!is_same_event(a, b) || !is_bare(a) || !is_bare(b))
        return;
    if (rule_action(a, "assign") && rule_action(b, "assign") &&
        (a->assigned < 0 || b->assigned < 0 || a->assigned == b->assigned))
        found(c, "both_assign", both, 2,
            mem_printf("\"%s\" and \"%s\" both assign on the same event, without a condition that "
                       "tells when: only the first ever does",
                a->name, b->name));
    const char *label = undone_label(a, b);
    if (!label)
        label = undone_label(b, a);
    if (label)
        found(c, "undone", both, 2,
            mem_printf("of \"%s\" and \"%s\" one adds the label \"%s\" and the other removes it on "
                       "the same event",
                a->name, b->name, label));
}

/* Each message of a client moves the dialogue on, away from who answers. */
static void check_one(struct check *c, size_t i) {
    const struct rule *r = c->rules[i];
    if (r->on == RULE_MESSAGE && r->assigned < 0 && rule_action(r, "assign"))
        found(c, "takes_away", &i, 1,
            mem_printf("\"%s\" assigns at each message, also what somebody is answering: let it "
                       "apply only while nobody is responsible",
                r->name));
}

/* --- round and round ------------------------------------------------------------------------- */

/* Can this action set b off? */
static bool sets_off(const json_t *action, const struct rule *b) {
    const json_t *added = json_object_get(action, "label");
    const json_t *removed = json_object_get(action, "unlabel");
    if (added && b->on == RULE_LABELED)
        return !json_list_has(b->without, added) && (!b->labels || json_list_has(b->labels, added));
    if (removed && b->on == RULE_LABELED)
        return !b->labels || !json_list_has(b->labels, removed) || json_array_size(b->labels) > 1;
    if (json_object_get(action, "assign"))
        return b->on == RULE_ASSIGNED;
    return json_object_get(action, "close") && b->on == RULE_CLOSED;
}

static bool leads_to(const struct rule *a, const struct rule *b) {
    size_t i;
    json_t *one;
    json_array_foreach(a->actions, i, one) {
        if (sets_off(one, b))
            return true;
    }
    return false;
}

/* Does b undo what let a apply, or do nothing that a could do again? A loop is one only when each
 * time round something can change: a label that one adds and another removes, or an assignment. */
static bool can_go_on(const struct check *c, const size_t *path, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct rule *a = c->rules[path[i]];
        if (rule_action(a, "assign"))
            return true;
        for (size_t k = 0; k < n; k++)
            if (undone_label(a, c->rules[path[k]]))
                return true;
    }
    return false;
}

static void found_loop(struct check *c, const size_t *path, size_t n) {
    struct buf b;
    buf_init(&b, 4096);
    for (size_t i = 0; i < n && i < NAMED_MAX; i++)
        buf_addf(&b, "%s\"%s\"", i ? ", " : "", c->rules[path[i]]->name);
    if (n > NAMED_MAX)
        buf_adds(&b, ", ...");
    char *names = buf_take(&b);
    found(c, "loop", path, n,
        mem_printf("%s set each other off, round and round; the gateway stops after %d in a row",
            names, RULE_DEPTH_MAX));
    free(names);
}

/* Shortest way back to `from` over rules after it, so that each loop is found once, at its first
 * rule. */
static void find_loop(struct check *c, size_t from) {
    size_t *before = mem_alloc(c->n * sizeof *before), *line = mem_alloc(c->n * sizeof *line);
    size_t head = 0, tail = 0, path[RULES_MAX], n = 0;
    for (size_t i = 0; i < c->n; i++)
        before[i] = SIZE_MAX;
    line[tail++] = from;
    while (head < tail && n == 0) {
        size_t at = line[head++];
        for (size_t i = from; i < c->n && n == 0; i++) {
            if (i == from && at != from && leads_to(c->rules[at], c->rules[i])) {
                for (size_t k = at; k != from; k = before[k])
                    path[n++] = k;
                path[n++] = from;
            } else if (i != from && before[i] == SIZE_MAX && leads_to(c->rules[at], c->rules[i])) {
                before[i] = at;
                line[tail++] = i;
            }
        }
    }
    for (size_t i = 0; i < n / 2; i++) {
        size_t swapped = path[i];
        path[i] = path[n - 1 - i];
        path[n - 1 - i] = swapped;
    }
    if (n > 1 && can_go_on(c, path, n))
        found_loop(c, path, n);
    free(before);
    free(line);
}

json_t *rules_check(struct rule *const *rules, size_t n) {
    struct rule **on = mem_alloc((n + 1) * sizeof(struct rule *));
    struct check c = {.rules = on, .out = json_array()};
    for (size_t i = 0; i < n && c.n < RULES_MAX; i++)
        if (rules[i]->enabled)
            on[c.n++] = rules[i];
    for (size_t i = 0; i < c.n; i++) {
        check_one(&c, i);
        for (size_t k = i + 1; k < c.n; k++)
            check_pair(&c, i, k);
        find_loop(&c, i);
    }
    free(on);
    return c.out;
}
