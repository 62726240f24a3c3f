/* hubspot_card.c - contacts: look, find, make, add to, give to somebody. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/hubspot/hubspot_private.h"

/* A request whose answer is made into another by us. */
struct step {
    struct hubspot *h;
    crm_step_fn fn;
    void *arg;
    char *card;
    json_t *missing;
    bool mail_is_proven;
};

static struct step *step_create(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    struct step *s = mem_zalloc(sizeof *s);
    s->h = hubspot_of(c);
    s->fn = fn;
    s->arg = arg;
    s->card = mem_strdup(card);
    return s;
}

static void step_end(struct step *s, const json_t *result, const struct err *err, unsigned wait) {
    s->fn(s->arg, result, err, wait);
    free(s->card);
    json_decref(s->missing);
    free(s);
}

static bool is_card(const char *card) {
    return *card && strspn(card, "0123456789") == strlen(card);
}

static void ask(struct step *s, crm_step_fn fn) {
    struct err err;
    char *path = mem_printf("/contacts/%s?properties=%s", s->card, s->h->asked);
    if (is_card(s->card)) {
        hubspot_call(s->h, "GET", path, NULL, fn, s);
    } else {
        err_set(&err, ERR_NOT_FOUND, "\"%.40s\" is no contact of HubSpot's", s->card);
        hubspot_fail(s->h, &err, fn, s);
    }
    free(path);
}

static void change(struct step *s, json_t *properties, crm_step_fn fn) {
    char *path = mem_printf("/contacts/%s", s->card);
    hubspot_call(s->h, "PATCH", path, json_pack("{s:o}", "properties", properties), fn, s);
    free(path);
}

static void on_done(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    step_end(arg, result, err, retry_ms);
}

/* --- look ------------------------------------------------------------------------------------ */

static void add_url(const struct hubspot *h, json_t *card) {
    const char *id = json_string_value(json_object_get(card, "id"));
    const char *at = strstr(h->card_url, "{id}");
    if (!id || !at)
        return;
    char *url = mem_printf("%.*s%s%s", (int)(at - h->card_url), h->card_url, id, at + 4);
    json_object_set_new(card, "url", json_string(url));
    free(url);
}

static void on_contact(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    json_t *card = err ? NULL : hubspot_card(result, &s->h->properties);
    add_url(s->h, card);
    step_end(s, card, err, retry_ms);
    json_decref(card);
}

void hubspot_look(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    ask(step_create(c, card, fn, arg), on_contact);
}

/* --- find ------------------------------------------------------------------------------------ */

/* By our mark, which is read and not searched for: what was made just now is found, too. Then by
 * number and address. */
struct find {
    struct hubspot *h;
    crm_step_fn fn;
    void *arg;
    json_t *searches, *found;
    size_t next;
};

static void find_end(struct find *f, const struct err *err, unsigned retry_ms) {
    f->fn(f->arg, err ? NULL : f->found, err, retry_ms);
    json_decref(f->searches);
    json_decref(f->found);
    free(f);
}

static void search_next(struct find *f);

static void on_search(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct find *f = arg;
    struct err bad;
    if (!err && !json_is_array(json_object_get(result, "results")))
        err = (err_set(&bad, ERR_PROTOCOL, "HubSpot's search has no results"), &bad);
    if (err) {
        find_end(f, err, retry_ms);
        return;
    }
    hubspot_hits(result, &f->h->properties, f->found);
    search_next(f);
}

static void search_next(struct find *f) {
    size_t i = f->next++;
    if (i < json_array_size(f->searches))
        hubspot_search(f->h, json_incref(json_array_get(f->searches, i)), on_search, f);
    else
        find_end(f, NULL, 0);
}

static void on_marked(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct find *f = arg;
    if (err && err->code != ERR_NOT_FOUND) {
        find_end(f, err, retry_ms);
        return;
    }
    json_t *answer = json_pack("{s:[O*]}", "results", err ? NULL : result);
    hubspot_hits(answer, &f->h->properties, f->found);
    json_decref(answer);
    if (json_array_size(f->found))
        find_end(f, NULL, 0);
    else
        search_next(f);
}

void hubspot_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    struct find *f = mem_zalloc(sizeof *f);
    struct hubspot *h = hubspot_of(c);
    f->h = h;
    f->fn = fn;
    f->arg = arg;
    f->found = json_array();
    f->searches = hubspot_searches(who->ways, &h->properties);
    char *path = mem_printf("/contacts/switchboard%%3A%s?idProperty=%s&properties=%s", who->id,
        h->properties.mark, h->asked);
    hubspot_call(h, "GET", path, NULL, on_marked, f);
    free(path);
}

/* --- create ---------------------------------------------------------------------------------- */

/* Somebody has his address already. Is it proven, it is he; else he gets a contact without. */
static void on_conflict(struct step *s, const struct err *err) {
    char id[24];
    struct err plain = *err;
    if (s->mail_is_proven && hubspot_existing(err->text, id) == 0) {
        json_t *card = json_pack("{s:s}", "id", id);
        add_url(s->h, card);
        step_end(s, card, NULL, 0);
        json_decref(card);
        return;
    }
    plain.code = ERR_INVALID;
    step_end(s, NULL, &plain, 0);
}

static void on_created(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    struct err bad;
    const json_t *contact = err ? NULL : hubspot_first(result, &bad);
    if (!err && !contact)
        err = &bad;
    if (err && err->code == ERR_CONFLICT) {
        on_conflict(s, err);
        return;
    }
    on_contact(s, contact, err, retry_ms);
}

static bool has_proven_mail(const json_t *ways) {
    size_t i;
    json_t *way;
    json_array_foreach(ways, i, way) {
        const char *kind = json_string_value(json_object_get(way, "kind"));
        if (kind && strcmp(kind, "mail") == 0 && json_is_true(json_object_get(way, "proven")))
            return true;
    }
    return false;
}

void hubspot_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, "", fn, arg);
    s->mail_is_proven = has_proven_mail(who->ways);
    hubspot_call(s->h, "POST", "/contacts/batch/upsert",
        hubspot_contact(who, &s->h->properties, s->h->extra), on_created, s);
}

/* --- add ------------------------------------------------------------------------------------- */

/* The address may be another contact's: then at least the mark. */
static void on_added(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    const char *mark = json_string_value(json_object_get(s->missing, s->h->properties.mark));
    bool is_refused = err && (err->code == ERR_INVALID || err->code == ERR_CONFLICT);
    if (is_refused && mark && json_object_size(s->missing) > 1) {
        json_t *least = json_pack("{s:s}", s->h->properties.mark, mark);
        json_object_clear(s->missing);
        change(s, least, on_added);
        return;
    }
    step_end(s, result, err, retry_ms);
}

static void on_contact_to_add(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    if (err) {
        step_end(s, NULL, err, retry_ms);
        return;
    }
    json_t *properties = hubspot_additions(result, s->missing, &s->h->properties);
    json_decref(s->missing);
    s->missing = json_incref(properties);
    if (json_object_size(properties)) {
        change(s, properties, on_added);
    } else {
        json_decref(properties);
        step_end(s, NULL, NULL, 0);
    }
}

void hubspot_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, card, fn, arg);
    (void)who;
    s->missing = json_deep_copy(missing);
    ask(s, on_contact_to_add);
}

/* --- assign ---------------------------------------------------------------------------------- */

void hubspot_assign(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, card, fn, arg);
    change(s, json_pack("{s:s}", "hubspot_owner_id", user), on_done);
}

void hubspot_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, card, fn, arg);
    json_t *properties = json_pack("{s:s}", s->h->properties.name, name);
    if (strcmp(s->h->properties.name, "firstname") == 0)
        json_object_set_new(properties, "lastname", json_string(""));
    change(s, properties, on_done);
}
