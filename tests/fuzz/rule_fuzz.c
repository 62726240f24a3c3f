/* rule_fuzz.c - any JSON as a rule (or a list of them): refused with a sentence, or held against an
 * event, tried on a past, given another label, and looked through, without harm. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "model/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good) {
    if (!good)
        abort();
}

static void try_it(const struct rule *r) {
    struct folded text;
    const char *said = "Хочу a refund: \xf0\x9f\x94\xa5 мой";
    json_t *labels = json_pack("[s,s]", "x", "y");
    fold_text(&text, said, strlen(said));
    struct rule_facts f = {.events = (1u << RULE_EVENTS) - 1,
        .channel = "site",
        .connector = "sitechat",
        .assignee = "",
        .labels = labels,
        .text = &text,
        .locale = "ru",
        .first = 1,
        .responsible = -1};
    if (rule_matches(r, &f)) {
        json_t *why = rule_why(r, &f);
        must(json_is_array(why));
        json_decref(why);
    }
    json_t *messages = json_pack("[{s:i,s:s,s:s,s:s}]", "seq", 1, "direction", "in", "text", said,
        "received_at", "2026-11-29T10:00:00.000Z");
    json_t *thread = json_pack("{s:s,s:O}", "channel", "site", "labels", labels);
    struct rule_past p = {
        .thread = thread, .messages = messages, .responsible = 0, .now_ms = INT64_MAX / 4};
    json_decref(rule_replay(r, &p));
    json_decref(messages);
    json_decref(thread);
    json_decref(labels);
    fold_free(&text);
}

/* Of a rule with another label comes a rule, or a sentence; it does not name the old one. */
static void relabel_it(const json_t *rule, const char *from, const char *to) {
    struct err err = {0}, same = {0};
    json_t *now = rule_relabel(rule, from, to, &err), *again;
    must(now || (err.code == ERR_CONFLICT && err.text[0]));
    if (!now)
        return;
    struct rule *r = rule_parse(now, "1", &err);
    must(r != NULL);
    rule_free(r);
    again = rule_relabel(now, from, to, &same);
    must(json_equal(again, now));
    json_decref(again);
    json_decref(now);
}

/* A rule that was taken is taken again as it is kept. */
static struct rule *read_one(const json_t *json) {
    struct err err = {0};
    struct rule *r = rule_parse(json, "1", &err);
    if (!r) {
        must(err.code == ERR_INVALID && err.text[0] && utf8_is_valid(err.text, strlen(err.text)));
        return NULL;
    }
    must(json_equal(r->json, json));
    try_it(r);
    relabel_it(json, "x", "y");
    relabel_it(json, "refund", "x");
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rule *rules[8];
    struct folded f;
    size_t n = 0, i;
    json_t *one, *json = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
    if (fold_pattern(&f, (const char *)data, size))
        must(f.p[0] == ' ' && strlen(f.p) == f.n);
    fold_free(&f);
    if (json_is_array(json)) {
        json_array_foreach(json, i, one) {
            if (n < ARRAY_LEN(rules) && (rules[n] = read_one(one)))
                n++;
        }
    } else if (json && (rules[n] = read_one(json))) {
        n++;
    }
    json_t *found = rules_check(rules, n);
    must(json_is_array(found));
    json_decref(found);
    for (i = 0; i < n; i++)
        rule_free(rules[i]);
    json_decref(json);
    return 0;
}
