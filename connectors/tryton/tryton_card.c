/* tryton_card.c - a client's party: the one that we know, else one that has his mark or address,
 * else a new one. What people wrote on it is left alone: only what is missing is added. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "connectors/tryton/tryton_private.h"

#define FOUND_MAX 100 /* mechanisms that match */
#define HOPS_MAX 5

struct ensure {
    struct tryton *t;
    json_t *client;
    crm_done_fn fn;
    void *arg;
    char mark[TRYTON_MARK_SIZE];
    long long party;
    unsigned hops; /* from a party to the one that replaced it */
    bool searched;
    bool plain;
};

void tryton_mark(const json_t *client, char out[TRYTON_MARK_SIZE]) {
    const char *id = json_string_value(json_object_get(client, "id"));
    snprintf(out, TRYTON_MARK_SIZE, "switchboard:%.32s", id ? id : "");
}

static void ensure_end(struct ensure *e, const struct err *err, unsigned retry_ms) {
    char card[24] = "";
    if (!err)
        snprintf(card, sizeof card, "%lld", e->party);
    e->fn(e->arg,
        &(struct crm_outcome){.err = err, .retry_ms = retry_ms, .card_id = err ? NULL : card});
    json_decref(e->client);
    free(e);
}

/* --- what is missing on it ------------------------------------------------------------------- */

static void look_at(struct ensure *e);

static void on_added(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct ensure *e = arg;
    (void)result;
    if (err && err->code != ERR_INVALID)
        ensure_end(e, err, retry_ms);
    else
        ensure_end(
            e, NULL, 0); /* a number that Tryton takes for none is no reason to deliver nothing */
}

static bool is_there(const json_t *there, const char *value) {
    size_t i;
    json_t *one;
    json_array_foreach(there, i, one) {
        const char *held = json_string_value(json_object_get(one, "value"));
        const char *compact = json_string_value(json_object_get(one, "value_compact"));
        if ((held && strcasecmp(held, value) == 0) || (compact && strcmp(compact, value) == 0))
            return true;
    }
    return false;
}

static void add_missing(struct ensure *e, const json_t *there) {
    json_t *all = tryton_mechanisms(e->client, e->mark, e->t->country, false), *new = json_array();
    size_t i;
    json_t *one;
    json_array_foreach(all, i, one) {
        const char *value = json_string_value(json_object_get(one, "value"));
        if (is_there(there, value ? value : ""))
            continue;
        json_object_set_new(one, "party", json_integer(e->party));
        json_array_append(new, one);
    }
    json_decref(all);
    if (json_array_size(new)) {
        tryton_call(
            e->t, "model.party.contact_mechanism.create", json_pack("[o]", new), on_added, e);
        return;
    }
    json_decref(new);
    ensure_end(e, NULL, 0);
}

static void on_mechanisms(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct ensure *e = arg;
    if (err)
        ensure_end(e, err, retry_ms);
    else
        add_missing(e, result);
}

static void complete(struct ensure *e) {
    tryton_call(e->t, "model.party.contact_mechanism.search_read",
        json_pack("[[[s,s,I]],i,i,n,[s,s]]", "party", "=", (json_int_t)e->party, 0, FOUND_MAX,
            "value", "value_compact"),
        on_mechanisms, e);
}

/* --- a new one ------------------------------------------------------------------------------- */

static void create(struct ensure *e);

static void on_created(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct ensure *e = arg;
    struct err bad;
    if (err && strstr(err->text, "must be unique")) {
        /* Two parties made at once were given the same number by Tryton: again in a moment. */
        err_set(&bad, ERR_TOO_MANY, "%s", err->text);
        ensure_end(e, &bad, 0);
        return;
    }
    if (err && err->code == ERR_INVALID && !e->plain) {
        e->plain = true; /* a number that is none by its rules: as text, then */
        create(e);
        return;
    }
    e->party = json_integer_value(json_array_get(result, 0));
    if (!err && e->party <= 0) {
        err_set(&bad, ERR_PROTOCOL, "Tryton made a party without a number");
        err = &bad;
    }
    ensure_end(e, err, retry_ms);
}

static void create(struct ensure *e) {
    const char *name = json_string_value(json_object_get(e->client, "name"));
    json_t *ways = tryton_mechanisms(e->client, e->mark, e->t->country, e->plain);
    const char *fallback = json_string_value(
        json_object_get(json_array_get(ways, json_array_size(ways) > 1 ? 1 : 0), "value"));
    json_t *params = json_pack("[[{s:s,s:[[s,O]]}]]", "name", name && *name ? name : fallback,
        "contact_mechanisms", "create", ways);
    json_decref(ways);
    tryton_call(e->t, "model.party.party.create", params, on_created, e);
}

/* --- one that is there ----------------------------------------------------------------------- */

static void on_found(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct ensure *e = arg;
    if (err) {
        ensure_end(e, err, retry_ms);
        return;
    }
    e->party = tryton_choose(result, e->client, e->mark, e->t->country);
    if (e->party < 0)
        LOG_WARN(e->t->base.env->log, "tryton.ambiguous", LOG_S("target", e->t->base.target),
            LOG_S("client", e->mark + strlen("switchboard:")),
            LOG_S("what",
                "several parties have his number or address: he gets one of his own; merge "
                "them in Tryton"));
    if (e->party > 0)
        look_at(e);
    else
        create(e);
}

static void search(struct ensure *e) {
    e->searched = true;
    tryton_call(e->t, "model.party.contact_mechanism.search_read",
        json_pack("[o,i,i,[[s,s]],[s,s,s,s]]",
            tryton_search_domain(e->client, e->mark, e->t->country), 0, FOUND_MAX, "id", "ASC",
            "party", "type", "value", "value_compact"),
        on_found, e);
}

/* A party that was merged into another names it. */
static void on_known(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct ensure *e = arg;
    const json_t *party = json_array_get(result, 0);
    json_int_t by = json_integer_value(json_object_get(party, "replaced_by"));
    if (err) {
        ensure_end(e, err, retry_ms);
    } else if (!party && !e->searched) {
        search(e);
    } else if (!party || e->hops > HOPS_MAX) {
        create(e);
    } else if (by > 0) {
        e->hops++;
        e->party = by;
        look_at(e);
    } else {
        complete(e);
    }
}

static void look_at(struct ensure *e) {
    tryton_call(e->t, "model.party.party.search_read",
        json_pack("[[[s,s,I]],i,i,n,[s,s]]", "id", "=", (json_int_t)e->party, 0, 1, "active",
            "replaced_by"),
        on_known, e);
}

void tryton_ensure(
    struct crm *c, const json_t *client, const char *known, crm_done_fn fn, void *arg) {
    struct ensure *e = mem_zalloc(sizeof *e);
    e->t = tryton_of(c);
    e->client = json_deep_copy(client);
    e->fn = fn;
    e->arg = arg;
    e->party = strtoll(known, NULL, 10);
    tryton_mark(client, e->mark);
    if (e->party > 0)
        look_at(e);
    else
        search(e);
}
