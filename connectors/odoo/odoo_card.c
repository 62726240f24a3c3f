/* odoo_card.c - a client's contact (res.partner), with a lead where wanted. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "connectors/odoo/odoo_private.h"

#define CONTACT "res.partner"
#define FOUND_MAX 50
#define UTM_COUNT 3

/* One piece of work, from the core's question to its answer. */
struct step {
    struct odoo *o;
    crm_step_fn fn;
    void *arg;
    char *card;
    const struct crm_flow_who *who; /* stays until fn is called */
    json_t *missing, *record;       /* add */
    json_t *utm;                    /* create */
    unsigned which;
    bool plain;
    bool marked; /* find: our mark was looked for */
};

static struct step *step_create(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    struct step *s = mem_zalloc(sizeof *s);
    s->o = odoo_of(c);
    s->fn = fn;
    s->arg = arg;
    s->card = mem_strdup(card);
    return s;
}

static void step_end(
    struct step *s, const json_t *result, const struct err *err, unsigned retry_ms) {
    s->fn(s->arg, err ? NULL : result, err, retry_ms);
    json_decref(s->missing);
    json_decref(s->record);
    json_decref(s->utm);
    free(s->card);
    free(s);
}

static json_t *card_of(const struct odoo *o, json_int_t id) {
    char *name = mem_printf("%lld", (long long)id);
    char *url = mem_printf("%s/mail/view?model=" CONTACT "&res_id=%s", o->url, name);
    json_t *out = json_pack("{s:s,s:s}", "id", name, "url", url);
    free(url);
    free(name);
    return out;
}

/* The ids for a call; what is no id is nobody's. */
static json_t *ids_of(const char *card) {
    return json_pack("[I]", (json_int_t)strtoll(card, NULL, 10));
}

/* --- look ------------------------------------------------------------------------------------ */

static void get_record(struct step *s, crm_step_fn fn) {
    odoo_search(s->o, CONTACT,
        json_pack("[[s,s,I]]", "id", "=", (json_int_t)strtoll(s->card, NULL, 10)),
        odoo_card_fields(&s->o->fields), 0, 1, fn, s);
}

static void on_looked(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    const json_t *record = json_array_get(result, 0);
    json_int_t id = odoo_id(json_object_get(record, "id"));
    struct err bad;
    json_t *card = NULL;
    if (!err && !json_is_array(result))
        err = (err_set(&bad, ERR_PROTOCOL, "Odoo answered a search with what is no list"), &bad);
    else if (!err && !id)
        err = (err_set(&bad, ERR_NOT_FOUND, "the contact was deleted in Odoo, or merged"), &bad);
    if (!err) {
        const json_t *user = json_array_get(json_object_get(record, "user_id"), 1);
        const json_t *by = json_array_get(json_object_get(record, "write_uid"), 1);
        json_int_t user_id = odoo_id(json_array_get(json_object_get(record, "user_id"), 0));
        card = card_of(s->o, id);
        json_object_set_new(card, "ways", odoo_ways(&s->o->fields, record));
        json_object_set(card, "name", json_object_get(record, "name"));
        if (json_is_string(user))
            json_object_set(card, "responsible", (json_t *)user);
        if (user_id)
            json_object_set_new(card, "user", json_sprintf("%lld", (long long)user_id));
        if (json_is_string(by))
            json_object_set(card, "by", (json_t *)by);
    }
    step_end(s, card, err, retry_ms);
    json_decref(card);
}

static void look_ready(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    if (err)
        step_end(arg, result, err, retry_ms);
    else
        get_record(arg, on_looked);
}

void odoo_look(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    odoo_ready(odoo_of(c), look_ready, step_create(c, card, fn, arg));
}

/* --- find ------------------------------------------------------------------------------------ */

static void search(struct step *s, json_t *domain);

/* By our mark first, alone: of a number that many contacts have, one search does not show all. */
static void on_found(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    json_t *found = json_array(), *one, *way;
    struct err bad;
    size_t i, k;
    if (!err && !json_is_array(result))
        err = (err_set(&bad, ERR_PROTOCOL, "Odoo answered a search with what is no list"), &bad);
    json_array_foreach(result, i, one) {
        json_int_t id = odoo_id(json_object_get(one, "id"));
        json_t *ways = odoo_ways(&s->o->fields, one);
        char *card = mem_printf("%lld", (long long)id);
        json_array_foreach(ways, k, way) json_object_set_new(way, "card", json_string(card));
        if (id)
            json_array_extend(found, ways);
        free(card);
        json_decref(ways);
    }
    json_t *domain =
        err || s->marked || json_array_size(found) ? NULL : odoo_find_domain(&s->o->fields, s->who);
    s->marked = true;
    if (domain)
        search(s, domain);
    else
        step_end(s, found, err, retry_ms);
    json_decref(found);
}

static void search(struct step *s, json_t *domain) {
    odoo_search(s->o, CONTACT, domain, odoo_card_fields(&s->o->fields), 0, FOUND_MAX, on_found, s);
}

static void find_ready(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    if (err)
        step_end(s, result, err, retry_ms);
    else
        search(s, odoo_mark_domain(&s->o->fields, s->who));
}

void odoo_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, "", fn, arg);
    s->who = who;
    odoo_ready(s->o, find_ready, s);
}

/* --- create ---------------------------------------------------------------------------------- */

static void utm_next(struct step *s);

static const char *utm_model(const struct step *s) {
    static const char *const models[UTM_COUNT] = {"utm.source", "utm.medium", "utm.campaign"};
    return models[s->which];
}

static void set_utm(struct step *s, json_int_t id) {
    static const char *const fields[UTM_COUNT] = {"source_id", "medium_id", "campaign_id"};
    if (id)
        json_object_set_new(s->utm, fields[s->which], json_integer(id));
    s->which++;
    utm_next(s);
}

/* A lead without its source is better than none. */
static void on_utm_made(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    if (crm_waits(err)) {
        step_end(s, NULL, err, retry_ms);
        return;
    }
    if (err)
        LOG_INFO(s->o->flow.base.env->log, "odoo.no_utm", LOG_S("target", s->o->flow.base.target),
            LOG_S("model", utm_model(s)), LOG_E(err));
    set_utm(s, odoo_id(result));
}

static void on_utm(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    json_int_t id = odoo_id(json_object_get(json_array_get(result, 0), "id"));
    if (err || id)
        on_utm_made(s, json_object_get(json_array_get(result, 0), "id"), err, retry_ms);
    else
        odoo_ask(s->o, utm_model(s), "create", NULL,
            json_pack("{s:[{s:s}]}", "vals_list", "name", odoo_utm(s->who->client, s->which)),
            on_utm_made, s);
}

static void on_created(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    struct err bad;
    json_int_t id = odoo_id(result);
    if (!err && !id)
        err = (err_set(&bad, ERR_PROTOCOL, "Odoo made a contact and did not say which"), &bad);
    json_t *card = err ? NULL : card_of(s->o, id);
    step_end(s, card, err, retry_ms);
    json_decref(card);
}

static void utm_next(struct step *s) {
    const struct odoo_fields *f = &s->o->fields;
    bool wanted = strcmp(f->lead, "none") != 0;
    while (wanted && s->which < UTM_COUNT && !odoo_utm(s->who->client, s->which))
        s->which++;
    if (wanted && s->which < UTM_COUNT)
        odoo_search(s->o, utm_model(s),
            json_pack("[[s,s,s]]", "name", "=", odoo_utm(s->who->client, s->which)),
            json_pack("[s]", "name"), 0, 1, on_utm, s);
    else
        odoo_ask(s->o, CONTACT, "create", NULL,
            json_pack("{s:[o]}", "vals_list", odoo_contact(f, s->who, s->utm)), on_created, s);
}

void odoo_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, "", fn, arg);
    s->who = who;
    s->utm = json_object();
    utm_next(s);
}

/* --- add, assign ----------------------------------------------------------------------------- */

static void change(struct step *s);

static void on_changed(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    if (err && err->code == ERR_INVALID && !s->plain) {
        s->plain = true; /* a number that a rule of theirs refuses */
        change(s);
        return;
    }
    step_end(s, result, err, retry_ms);
}

static void change(struct step *s) {
    json_t *changes = odoo_changes(&s->o->fields, s->record, s->missing, s->plain);
    if (json_object_size(changes)) {
        odoo_ask(s->o, CONTACT, "write", ids_of(s->card), json_pack("{s:o}", "vals", changes),
            on_changed, s);
        return;
    }
    json_decref(changes);
    step_end(s, NULL, NULL, 0);
}

static void on_record(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    struct err bad;
    s->record = json_incref(json_array_get(result, 0));
    if (!err && !s->record)
        err = (err_set(&bad, ERR_NOT_FOUND, "the contact was deleted in Odoo, or merged"), &bad);
    if (err)
        step_end(s, NULL, err, retry_ms);
    else
        change(s);
}

static void add_ready(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    if (err)
        step_end(arg, result, err, retry_ms);
    else
        get_record(arg, on_record);
}

void odoo_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, card, fn, arg);
    (void)who;
    s->missing = json_incref((json_t *)missing);
    odoo_ready(s->o, add_ready, s);
}

/* The contact is there, a note was just written: it is the user who is not. */
static void on_assigned(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct err nobody;
    if (err && err->code == ERR_NOT_FOUND)
        err = (err_set(&nobody, ERR_INVALID, "%s", err->text), &nobody);
    step_end(arg, result, err, retry_ms);
}

/* user: init() has seen that they are numbers. */
void odoo_assign(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg) {
    json_int_t id = strtoll(user, NULL, 10);
    odoo_ask(odoo_of(c), CONTACT, "write", ids_of(card),
        json_pack("{s:{s:o}}", "vals", "user_id", id ? json_integer(id) : json_false()),
        on_assigned, step_create(c, card, fn, arg));
}

static void on_renamed(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    step_end(arg, result, err, retry_ms);
}

void odoo_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg) {
    odoo_ask(odoo_of(c), CONTACT, "write", ids_of(card),
        json_pack("{s:{s:s}}", "vals", "name", name), on_renamed, step_create(c, card, fn, arg));
}
