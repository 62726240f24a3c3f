/* kommo_card.c - contacts: found by a query, made with our mark in a field of their own; and, where
 * it is wanted, a lead for each who has none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/kommo/kommo_private.h"

#define QUERIES_MAX 24

/* One step of the flow, over one or more requests. */
struct step {
    struct kommo *k;
    crm_step_fn fn;
    void *arg;
    char *card;     /* a contact's id */
    json_t *result; /* what will be told */
    json_t *todo;   /* queries; or ways to be added */
    size_t next;    /* query */
    char *name;     /* of the lead */
    json_t *client; /* whom it is for; NULL: nothing but his name is known */
    bool is_plain;
    bool only_looks; /* makes nothing */
};

static struct step *step_create(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    struct step *s = mem_zalloc(sizeof *s);
    s->k = kommo_of(c);
    s->card = mem_printf("%lld", strtoll(card, NULL, 10));
    s->fn = fn;
    s->arg = arg;
    return s;
}

static void step_end(struct step *s, const struct err *err, unsigned retry_ms) {
    json_t *null = json_null();
    s->fn(s->arg, err ? NULL : s->result ? s->result : null, err, retry_ms);
    json_decref(s->result);
    json_decref(s->todo);
    json_decref(s->client);
    free(s->card);
    free(s->name);
    free(s);
}

static json_t *card_url(const struct kommo *k, const char *card) {
    return json_sprintf("%s/contacts/detail/%s", k->url, card);
}

/* --- a lead ---------------------------------------------------------------------------------- */

static void on_lead(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct err bad;
    if (!err && kommo_first_id(result, "leads") <= 0)
        err = (err_set(&bad, ERR_PROTOCOL, "Kommo made a lead and did not say which"), &bad);
    step_end(arg, err, retry_ms);
}

/* Should its answer be lost, the next look at the contact shows it. */
static void make_lead(struct step *s) {
    struct kommo *k = s->k;
    const char *name = s->name ? s->name : s->card;
    json_t *lead = json_pack("{s:s,s:{s:[{s:I}]}}", "name", name, "_embedded", "contacts", "id",
        (json_int_t)strtoll(s->card, NULL, 10));
    json_t *fields = json_array();
    if (!s->client)
        s->client = json_pack("{s:s}", "name", name);
    kommo_extra_fields(fields, k->lead_fields, s->client);
    if (json_array_size(fields))
        json_object_set(lead, "custom_fields_values", fields);
    json_decref(fields);
    if (k->contacts.responsible)
        json_object_set_new(lead, "responsible_user_id", json_integer(k->contacts.responsible));
    if (k->pipeline)
        json_object_set_new(lead, "pipeline_id", json_integer(k->pipeline));
    kommo_call(k, "POST", "/leads", json_pack("[o]", lead), on_lead, s);
}

/* --- look ------------------------------------------------------------------------------------ */

static void on_contact(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    const char *name = json_string_value(json_object_get(result, "name"));
    struct err what;
    if (!err && kommo_check_one(result, &what) < 0)
        err = &what;
    if (err) {
        step_end(s, err, retry_ms);
        return;
    }
    s->result = kommo_card(result, s->k->contacts.mark_field);
    json_object_set_new(s->result, "url", card_url(s->k, s->card));
    s->name = name && *name ? mem_strdup(name) : NULL;
    if (s->k->leads && !s->only_looks && json_array_size(kommo_embedded(result, "leads")) == 0)
        make_lead(s);
    else
        step_end(s, NULL, 0);
}

static void look(struct crm *c, const char *card, bool only, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, card, fn, arg);
    char path[64];
    s->only_looks = only;
    snprintf(path, sizeof path, "/contacts/%s%s", s->card, s->k->leads ? "?with=leads" : "");
    kommo_call(s->k, "GET", path, NULL, on_contact, s);
}

void kommo_look(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    look(c, card, false, fn, arg);
}

static void only_look(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    look(c, card, true, fn, arg);
}

const struct crm_flow_ops kommo_panel_ops = {.look = only_look};

/* --- find ------------------------------------------------------------------------------------ */

static void find_next(struct step *s);

static bool has_mark(const struct step *s) {
    const char *mark = json_string_value(json_array_get(s->todo, 0));
    size_t i;
    json_t *row;
    json_array_foreach(s->result, i, row) {
        const char *value = json_string_value(json_object_get(row, "value"));
        if (value && mark && strcmp(value, mark) == 0)
            return true;
    }
    return false;
}

static void on_found(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    struct err what;
    if (!err && kommo_check_list(result, "contacts", &what) < 0)
        err = &what;
    if (err) {
        step_end(s, err, retry_ms);
        return;
    }
    kommo_found(result, s->k->contacts.mark_field, s->result);
    find_next(s);
}

/* Our mark first: whoever has it is found. */
static void find_next(struct step *s) {
    const char *query = json_string_value(json_array_get(s->todo, s->next));
    if (!query || s->next >= QUERIES_MAX || (s->next == 1 && has_mark(s))) {
        step_end(s, NULL, 0);
        return;
    }
    char *text = kommo_encode(query),
         *path = mem_printf("/contacts?query=%s&limit=" KOMMO_PAGE, text);
    s->next++;
    kommo_call(s->k, "GET", path, NULL, on_found, s);
    free(path);
    free(text);
}

void kommo_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, "", fn, arg);
    s->todo = kommo_queries(who);
    s->result = json_array();
    find_next(s);
}

/* --- create ---------------------------------------------------------------------------------- */

static void on_created(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    long long id = kommo_first_id(result, "contacts");
    struct err bad;
    if (!err && id <= 0)
        err = (err_set(&bad, ERR_PROTOCOL, "Kommo made a contact and did not say which"), &bad);
    if (err) {
        step_end(s, err, retry_ms);
        return;
    }
    free(s->card);
    s->card = mem_printf("%lld", id);
    s->result = json_pack("{s:s,s:o}", "id", s->card, "url", card_url(s->k, s->card));
    if (s->k->leads)
        make_lead(s);
    else
        step_end(s, NULL, 0);
}

void kommo_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, "", fn, arg);
    s->name = mem_strdup(who->name);
    s->client = json_deep_copy(who->client);
    kommo_call(s->k, "POST", "/contacts", kommo_contact_new(who, &s->k->contacts), on_created, s);
}

/* --- add ------------------------------------------------------------------------------------- */

static void on_added(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    step_end(arg, err, retry_ms);
}

/* A field is written over whole: with what it holds now. */
static void on_held(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    struct err what;
    if (!err && kommo_check_one(result, &what) < 0)
        err = &what;
    if (err) {
        step_end(s, err, retry_ms);
        return;
    }
    json_t *body = kommo_contact_add(result, s->todo, s->is_plain, &s->k->contacts);
    if (!body) {
        step_end(s, NULL, 0);
        return;
    }
    char *path = mem_printf("/contacts/%s", s->card);
    kommo_call(s->k, "PATCH", path, body, on_added, s);
    free(path);
}

void kommo_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, card, fn, arg);
    char *path = mem_printf("/contacts/%s", s->card);
    s->todo = json_deep_copy(missing);
    s->is_plain = who->is_plain;
    kommo_call(s->k, "GET", path, NULL, on_held, s);
    free(path);
}

/* --- assign ---------------------------------------------------------------------------------- */

void kommo_assign(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, card, fn, arg);
    char *path = mem_printf("/contacts/%s", s->card);
    kommo_call(s->k, "PATCH", path,
        json_pack("{s:I}", "responsible_user_id", (json_int_t)strtoll(user, NULL, 10)), on_added,
        s);
    free(path);
}

void kommo_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, card, fn, arg);
    char *path = mem_printf("/contacts/%s", s->card);
    kommo_call(s->k, "PATCH", path, json_pack("{s:s}", "name", name), on_added, s);
    free(path);
}
