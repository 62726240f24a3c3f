/* tryton_card.c - parties, and the mechanisms by which people are reached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/tryton/tryton_private.h"

#define FOUND_MAX 100 /* mechanisms that match */

/* One request whose result is to be told in other words. */
struct asking {
    struct tryton *t;
    crm_step_fn fn;
    void *arg;
};

static struct asking *asking_create(struct crm *c, crm_step_fn fn, void *arg) {
    struct asking *a = mem_alloc(sizeof *a);
    *a = (struct asking){tryton_of(c), fn, arg};
    return a;
}

static void answer(struct asking *a, json_t *result, const struct err *err, unsigned retry_ms) {
    a->fn(a->arg, result, err, retry_ms);
    json_decref(result);
    free(a);
}

/* A party that was merged into another names it. */
static void on_party(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    const json_t *party = json_array_get(result, 0);
    json_int_t by = json_integer_value(json_object_get(party, "replaced_by"));
    json_int_t id = by > 0 ? by : json_integer_value(json_object_get(party, "id"));
    json_t *card = json_null();
    if (!err && id > 0)
        card = json_pack("{s:o,s:O*}", "id", json_sprintf("%" JSON_INTEGER_FORMAT, id), "name",
            json_object_get(party, "name"));
    answer(arg, card, err, retry_ms);
}

void tryton_look(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    tryton_call(tryton_of(c), "model.party.party.search_read",
        json_pack("[[[s,s,I]],i,i,n,[s,s]]", "id", "=", (json_int_t)strtoll(card, NULL, 10), 0, 1,
            "name", "replaced_by"),
        on_party, asking_create(c, fn, arg));
}

static void on_mechanisms(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    answer(arg, err ? NULL : tryton_ways_of(result), err, retry_ms);
}

void tryton_ways(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    tryton_call(tryton_of(c), "model.party.contact_mechanism.search_read",
        json_pack("[[[s,s,I]],i,i,n,[s,s,s]]", "party", "=", (json_int_t)strtoll(card, NULL, 10), 0,
            FOUND_MAX, "party", "type", "value"),
        on_mechanisms, asking_create(c, fn, arg));
}

void tryton_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    tryton_call(tryton_of(c), "model.party.contact_mechanism.search_read",
        json_pack("[o,i,i,[[s,s]],[s,s,s]]", tryton_search_domain(who), 0, FOUND_MAX, "id", "ASC",
            "party", "type", "value"),
        on_mechanisms, asking_create(c, fn, arg));
}

static void on_created(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct err bad;
    json_int_t party = json_integer_value(json_array_get(result, 0));
    if (err && strstr(err->text, "must be unique")) {
        /* Two parties made at once were given the same number by Tryton: again in a moment. */
        err_set(&bad, ERR_TOO_MANY, "%s", err->text);
        err = &bad;
    }
    answer(arg,
        !err && party > 0 ? json_pack("{s:o}", "id", json_sprintf("%" JSON_INTEGER_FORMAT, party))
                          : json_object(),
        err, retry_ms);
}

void tryton_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    json_t *all = json_pack("[{s:s,s:s}]", "kind", "mark", "value", who->mark);
    json_array_extend(all, (json_t *)who->ways);
    json_t *mechanisms = tryton_mechanisms(all, who->is_plain);
    tryton_call(tryton_of(c), "model.party.party.create",
        json_pack(
            "[[{s:s,s:[[s,o]]}]]", "name", who->name, "contact_mechanisms", "create", mechanisms),
        on_created, asking_create(c, fn, arg));
    json_decref(all);
}

void tryton_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg) {
    json_t *new = tryton_mechanisms(missing, false), *one;
    size_t i;
    (void)who;
    json_array_foreach(new, i, one)
        json_object_set_new(one, "party", json_integer(strtoll(card, NULL, 10)));
    tryton_call(
        tryton_of(c), "model.party.contact_mechanism.create", json_pack("[o]", new), fn, arg);
}

void tryton_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg) {
    tryton_call(tryton_of(c), "model.party.party.write",
        json_pack("[[I],{s:s}]", (json_int_t)strtoll(card, NULL, 10), "name", name), fn, arg);
}
