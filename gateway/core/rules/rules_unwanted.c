/* rules_unwanted.c - most of what clients write is wanted by no rule. Who stores it has its words
 * at hand, so he says so with the event; whoever follows the events for rules then need not read it
 * again. He tells by which rules he has looked: others look for themselves. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "core/rules/rules_private.h"

/* Two sets with the same rules, live since the same time, have the same mark. */
int64_t rules_mark(const struct rule_set *s) {
    unsigned char hash[32];
    int64_t mark = 0;
    struct buf b;
    buf_init(&b, 1 << 26);
    for (size_t i = 0; i < s->n; i++) {
        char *text = json_dumps(s->rules[i]->json, JSON_COMPACT | JSON_SORT_KEYS);
        buf_addf(&b, "%s %lld ", s->rules[i]->id, (long long)s->rules[i]->live_ms);
        buf_adds(&b, text ? text : "");
        free(text);
    }
    crypto_sha256(buf_span(&b), hash);
    buf_free(&b);
    for (size_t i = 0; i < 7; i++)
        mark = mark << 8 | hash[i];
    return mark + 1;
}

int64_t rules_unwanted(
    const struct core *core, const char *channel, const char *connector, const json_t *body) {
    const struct rule_set *s = rules_now(core);
    const json_t *said = json_object_get(body, "text");
    struct folded text;
    bool wanted = false;
    if (!s || !s->n)
        return 0;
    json_t *none = json_array();
    fold_text(&text, json_is_string(said) ? json_string_value(said) : "", json_string_length(said));
    struct rule_facts facts = {
        .events = 1u << RULE_MESSAGE | 1u << RULE_OPENED | 1u << RULE_REOPENED,
        .channel = channel,
        .connector = connector,
        .text = &text,
        .labels = none,
        .first = -1,
        .responsible = -1,
        .open = -1};
    for (size_t i = 0; i < s->n && !wanted; i++)
        wanted = rule_matches(s->rules[i], &facts);
    fold_free(&text);
    json_decref(none);
    return wanted ? 0 : s->mark;
}
