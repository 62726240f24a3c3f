/* rule.c - a rule in JSON: is it one, and what does it say? Pure. */
#include "model/rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define LIST_MAX 50
#define WORD_MAX 100 /* characters */
#define LABEL_MAX 64 /* bytes */
#define NAME_BYTES_MAX 64
#define ACTIONS_MAX 10
#define AFTER_MAX_S (30L * 24 * 3600)
#define CAPACITY_MAX 10000
#define ORDER_MAX 1e9

static const char *const events[RULE_EVENTS] = {
    "message", "opened", "reopened", "assigned", "labeled", "closed", "unanswered"};

const char *rule_event_name(enum rule_event e) {
    return events[e];
}

/* --- small checks; each says which key ------------------------------------------------------- */

static int known_keys(const json_t *o, const char *where, const char *known, struct err *err) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)o, key, v) {
        size_t n = strlen(key);
        const char *at = n && !strchr(key, ' ') ? strstr(known, key) : NULL;
        while (at && ((at != known && at[-1] != ' ') || (at[n] && at[n] != ',')))
            at = strstr(at + 1, key);
        if (!at)
            return err_set(err, ERR_INVALID, "%s has an unknown key \"%.*s\"; known are %s", where,
                (int)utf8_prefix(key, n, 40), key, known);
    }
    return 0;
}

static int check_text(const json_t *v, const char *where, size_t max, struct err *err) {
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    if (!s || !n || !utf8_is_text(s, n) || utf8_length(s, n) > max || s[strspn(s, " \t\r\n")] == 0)
        return err_set(err, ERR_INVALID, "%s must be text of 1 to %zu characters", where, max);
    return 0;
}

static int check_bytes(const json_t *v, const char *where, size_t max, struct err *err) {
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    if (!s || !n || n > max || !utf8_is_text(s, n) || strpbrk(s, "\r\n\t"))
        return err_set(err, ERR_INVALID, "%s must be text of 1 to %zu bytes", where, max);
    return 0;
}

static int check_bool(const json_t *o, const char *key, const char *where, struct err *err) {
    const json_t *v = json_object_get(o, key);
    return !v || json_is_boolean(v)
               ? 0
               : err_set(err, ERR_INVALID, "%s.%s must be true or false", where, key);
}

static int check_list(const json_t *list, const char *where, size_t max, struct err *err) {
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > max)
        return err_set(err, ERR_INVALID,
            "%s must be a list of 1 to %zu; leave it out when it does not matter", where, max);
    return 0;
}

/* A list of names under this key of "if"; absent: *out is NULL. */
static int take_names(
    const json_t *o, const char *key, size_t max, const json_t **out, struct err *err) {
    char where[64];
    size_t i;
    json_t *v;
    *out = json_object_get(o, key);
    snprintf(where, sizeof where, "if.%s", key);
    if (!*out)
        return 0;
    if (check_list(*out, where, LIST_MAX, err) < 0)
        return -1;
    json_array_foreach(*out, i, v) {
        snprintf(where, sizeof where, "if.%s[%zu]", key, i);
        if (check_bytes(v, where, max, err) < 0)
            return -1;
    }
    return 0;
}

static int take_words(
    const json_t *o, const char *key, struct folded **out, size_t *n_out, struct err *err) {
    char where[64];
    size_t i;
    json_t *v;
    const json_t *list = json_object_get(o, key);
    snprintf(where, sizeof where, "if.%s", key);
    if (!list)
        return 0;
    if (check_list(list, where, LIST_MAX, err) < 0)
        return -1;
    *out = mem_zalloc(json_array_size(list) * sizeof **out);
    json_array_foreach(list, i, v) {
        snprintf(where, sizeof where, "if.%s[%zu]", key, i);
        if (check_text(v, where, WORD_MAX, err) < 0)
            return -1;
        struct folded *f = &(*out)[(*n_out)++];
        if (!fold_pattern(f, json_string_value(v), json_string_length(v)))
            return err_set(err, ERR_INVALID,
                "%s has no letter or digit: give a word, a phrase, or a beginning with *", where);
    }
    return 0;
}

static bool is_in(const json_t *list, const char *s) {
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v) {
        if (strcmp(json_string_value(v), s) == 0)
            return true;
    }
    return false;
}

/* --- conditions ------------------------------------------------------------------------------ */

static int take_language(struct rule *r, const json_t *v, struct err *err) {
    const char *s = json_string_value(v);
    if (!v)
        return 0;
    bool code = s && strlen(s) == 2 && s[0] >= 'a' && s[0] <= 'z' && s[1] >= 'a' && s[1] <= 'z';
    if (!code && (!s || (strcmp(s, "cyrillic") != 0 && strcmp(s, "latin") != 0)))
        return err_set(err, ERR_INVALID,
            "if.language must be \"cyrillic\" or \"latin\" (what the text is written in), or two "
            "letters as \"ru\" (the visitor's own)");
    r->language = s;
    return 0;
}

static int take_contact(struct rule *r, const json_t *v, struct err *err) {
    const char *s = json_string_value(v);
    if (!v)
        return 0;
    if (!s || (strcmp(s, "first") != 0 && strcmp(s, "known") != 0))
        return err_set(err, ERR_INVALID, "if.contact must be \"first\" or \"known\"");
    r->contact = s[0] == 'f' ? RULE_FIRST : RULE_KNOWN;
    return 0;
}

static int tri(const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    return v ? json_is_true(v) : -1;
}

/* What could never hold is no rule. */
static int check_possible(const struct rule *r, struct err *err) {
    size_t i;
    json_t *v;
    bool any = false;
    json_array_foreach(r->labels, i, v) {
        any = any || !r->without || !is_in(r->without, json_string_value(v));
    }
    if (r->labels && !any)
        return err_set(err, ERR_INVALID,
            "if.labels and if.without name the same labels: the rule could never apply");
    if (r->on == RULE_ASSIGNED && r->assigned == 0)
        return err_set(err, ERR_INVALID,
            "if.assigned is false, but on \"assigned\" somebody always is responsible");
    if (r->on == RULE_OPENED && r->contact == RULE_KNOWN)
        return err_set(err, ERR_INVALID,
            "if.contact is \"known\", but on \"opened\" the contact is the first; take \"reopened\""
            " or \"message\"");
    if (rule_reads(r) && r->on > RULE_REOPENED)
        return err_set(err, ERR_INVALID,
            "if.any, if.all and what the text is written in need a client's message: \"on\" must be"
            " \"message\", \"opened\" or \"reopened\"");
    return 0;
}

static int take_conditions(struct rule *r, const json_t *o, struct err *err) {
    r->responsible = r->assigned = r->open = -1;
    if (o && !json_is_object(o))
        return err_set(err, ERR_INVALID, "if must be an object of conditions");
    if (known_keys(o, "if",
            "channels, connectors, labels, without, any, all, language, contact, responsible, "
            "assigned, open",
            err) < 0 ||
        take_names(o, "channels", NAME_BYTES_MAX, &r->channels, err) < 0 ||
        take_names(o, "connectors", NAME_BYTES_MAX, &r->connectors, err) < 0 ||
        take_names(o, "labels", LABEL_MAX, &r->labels, err) < 0 ||
        take_names(o, "without", LABEL_MAX, &r->without, err) < 0 ||
        take_words(o, "any", &r->any, &r->nany, err) < 0 ||
        take_words(o, "all", &r->all, &r->nall, err) < 0 ||
        take_language(r, json_object_get(o, "language"), err) < 0 ||
        take_contact(r, json_object_get(o, "contact"), err) < 0 ||
        check_bool(o, "responsible", "if", err) < 0 || check_bool(o, "assigned", "if", err) < 0 ||
        check_bool(o, "open", "if", err) < 0)
        return -1;
    r->responsible = tri(o, "responsible");
    r->assigned = tri(o, "assigned");
    r->open = tri(o, "open");
    return check_possible(r, err);
}

/* --- actions --------------------------------------------------------------------------------- */

static bool is_agent_name(const json_t *v) {
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    return s && n && n <= NAME_BYTES_MAX &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static int check_agents(const json_t *list, const char *where, struct err *err) {
    size_t i;
    json_t *v;
    if (check_list(list, where, RULE_AGENTS_MAX, err) < 0)
        return -1;
    json_array_foreach(list, i, v) {
        if (!is_agent_name(v))
            return err_set(err, ERR_INVALID, "%s[%zu] is no name of an agent", where, i);
        for (size_t k = 0; k < i; k++)
            if (json_equal(json_array_get(list, k), v))
                return err_set(err, ERR_INVALID, "%s[%zu] is there already", where, i);
    }
    return 0;
}

static int check_assign(const json_t *o, const char *where, struct err *err) {
    const json_t *agents = json_object_get(o, "agents"), *how = json_object_get(o, "how");
    const json_t *capacity = json_object_get(o, "capacity");
    const char *h = json_string_value(how);
    char at[80];
    if (!json_is_object(o))
        return err_set(
            err, ERR_INVALID, "%s must be an object with agents, responsible or both", where);
    if (known_keys(o, where, "responsible, agents, how, online, capacity", err) < 0 ||
        check_bool(o, "responsible", where, err) < 0 || check_bool(o, "online", where, err) < 0)
        return -1;
    snprintf(at, sizeof at, "%s.agents", where);
    if (agents && check_agents(agents, at, err) < 0)
        return -1;
    if (!agents && !json_is_true(json_object_get(o, "responsible")))
        return err_set(err, ERR_INVALID,
            "%s names nobody: give agents, or \"responsible\": true for the card's", where);
    if (how && (!h || (strcmp(h, "turn") != 0 && strcmp(h, "least") != 0)))
        return err_set(err, ERR_INVALID,
            "%s.how must be \"turn\" (one after another) or \"least\" (who has the fewest)", where);
    if (capacity && (!json_is_integer(capacity) || json_integer_value(capacity) < 1 ||
                        json_integer_value(capacity) > CAPACITY_MAX))
        return err_set(
            err, ERR_INVALID, "%s.capacity must be a number of 1 to %d", where, CAPACITY_MAX);
    return 0;
}

static const char *const action_names[] = {"assign", "label", "unlabel", "send", "note", "close"};

static int check_action(const json_t *o, const char *where, struct err *err) {
    const json_t *v = json_object_iter_value(json_object_iter((json_t *)o));
    const char *key = json_object_iter_key(json_object_iter((json_t *)o));
    char at[64];
    size_t i = 0;
    if (!json_is_object(o) || json_object_size(o) != 1)
        return err_set(err, ERR_INVALID, "%s must be an object with one key, the action", where);
    while (i < ARRAY_LEN(action_names) && strcmp(action_names[i], key) != 0)
        i++;
    if (i == ARRAY_LEN(action_names))
        return err_set(err, ERR_INVALID,
            "%s is no action \"%.*s\"; known are assign, label, unlabel, send, note and close",
            where, (int)utf8_prefix(key, strlen(key), 40), key);
    snprintf(at, sizeof at, "%s.%s", where, key);
    if (i == 0)
        return check_assign(v, at, err);
    if (i <= 2)
        return check_bytes(v, at, LABEL_MAX, err);
    if (i <= 4)
        return check_text(v, at, RULE_TEXT_MAX, err);
    return json_is_true(v) ? 0 : err_set(err, ERR_INVALID, "%s must be true", at);
}

const json_t *rule_action(const struct rule *r, const char *kind) {
    size_t i;
    json_t *one;
    json_array_foreach(r->actions, i, one) {
        if (json_object_get(one, kind))
            return json_object_get(one, kind);
    }
    return NULL;
}

/* Of one kind at most one, of labels each once. */
static int check_repeats(const struct rule *r, struct err *err) {
    size_t i, k;
    json_t *a, *b;
    json_array_foreach(r->actions, i, a) {
        const char *key = json_object_iter_key(json_object_iter(a));
        const json_t *v = json_object_iter_value(json_object_iter(a));
        bool label = strcmp(key, "label") == 0 || strcmp(key, "unlabel") == 0;
        for (k = 0; k < i; k++) {
            b = json_array_get(r->actions, k);
            const char *other = json_object_iter_key(json_object_iter(b));
            const json_t *said = json_object_iter_value(json_object_iter(b));
            if (!label && strcmp(other, key) == 0)
                return err_set(err, ERR_INVALID, "then has \"%s\" twice", key);
            if (label && strstr(other, "label") && json_equal(said, v))
                return err_set(err, ERR_INVALID, "then[%zu] has the label of then[%zu]", i, k);
        }
        if (strcmp(key, "close") == 0 && i + 1 < json_array_size(r->actions))
            return err_set(err, ERR_INVALID, "then[%zu] closes the dialogue: it must be last", i);
        if (r->on == RULE_CLOSED && strcmp(key, "close") == 0)
            return err_set(err, ERR_INVALID, "then closes what on \"closed\" is closed already");
    }
    return 0;
}

static int take_actions(struct rule *r, const json_t *list, struct err *err) {
    size_t i;
    json_t *one;
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > ACTIONS_MAX)
        return err_set(err, ERR_INVALID, "then must be a list of 1 to %d actions", ACTIONS_MAX);
    json_array_foreach(list, i, one) {
        char where[32];
        snprintf(where, sizeof where, "then[%zu]", i);
        if (check_action(one, where, err) < 0)
            return -1;
    }
    r->actions = list;
    return check_repeats(r, err);
}

/* --- the rule -------------------------------------------------------------------------------- */

static int take_event(struct rule *r, const json_t *o, struct err *err) {
    const json_t *on = json_object_get(o, "on"), *after = json_object_get(o, "after");
    const char *s = json_string_value(on);
    int e = 0;
    while (s && e < RULE_EVENTS && strcmp(events[e], s) != 0)
        e++;
    if (!s || e == RULE_EVENTS)
        return err_set(err, ERR_INVALID,
            "on must be message, opened, reopened, assigned, labeled, closed or unanswered");
    r->on = (enum rule_event)e;
    if (r->on != RULE_UNANSWERED && after)
        return err_set(err, ERR_INVALID, "after goes with on \"unanswered\"");
    if (r->on != RULE_UNANSWERED)
        return 0;
    if (!json_is_integer(after) || json_integer_value(after) < 1 ||
        json_integer_value(after) > AFTER_MAX_S)
        return err_set(err, ERR_INVALID,
            "after must be a number of seconds, 1 to %ld, for on \"unanswered\"", AFTER_MAX_S);
    r->after_ms = json_integer_value(after) * 1000;
    return 0;
}

static int take_rule(struct rule *r, const json_t *o, struct err *err) {
    const json_t *enabled = json_object_get(o, "enabled"), *order = json_object_get(o, "order");
    if (!json_is_object(o))
        return err_set(err, ERR_INVALID, "a rule must be an object");
    if (known_keys(o, "a rule", "name, enabled, order, on, after, if, then", err) < 0 ||
        check_text(json_object_get(o, "name"), "name", RULE_NAME_MAX, err) < 0)
        return -1;
    r->name = json_string_value(json_object_get(o, "name"));
    if (strpbrk(r->name, "\r\n"))
        return err_set(err, ERR_INVALID, "name must be one line");
    if (enabled && !json_is_boolean(enabled))
        return err_set(err, ERR_INVALID, "enabled must be true or false");
    if (order && (!json_is_number(order) || json_number_value(order) < 0 ||
                     json_number_value(order) > ORDER_MAX))
        return err_set(err, ERR_INVALID, "order must be a number of 0 to 1000000000");
    r->enabled = !enabled || json_is_true(enabled);
    r->order = json_number_value(order);
    if (take_event(r, o, err) < 0 || take_conditions(r, json_object_get(o, "if"), err) < 0)
        return -1;
    return take_actions(r, json_object_get(o, "then"), err);
}

struct rule *rule_parse(const json_t *json, const char *id, struct err *err) {
    struct rule *r = mem_zalloc(sizeof *r);
    r->id = mem_strdup(id ? id : "");
    r->json = json_deep_copy(json);
    if (take_rule(r, r->json, err) == 0)
        return r;
    rule_free(r);
    return NULL;
}

void rule_free(struct rule *r) {
    if (!r)
        return;
    for (size_t i = 0; i < r->nany; i++)
        fold_free(&r->any[i]);
    for (size_t i = 0; i < r->nall; i++)
        fold_free(&r->all[i]);
    free(r->any);
    free(r->all);
    json_decref(r->json);
    free(r->id);
    free(r);
}

int rule_compare(const struct rule *a, const struct rule *b) {
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return strcmp(a->id, b->id);
}

bool rule_reads(const struct rule *r) {
    return r->nany || r->nall || (r->language && strlen(r->language) > 2);
}
