/* elma365_card.c - items: look, find, make, add to, give to somebody. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/elma365/elma365_private.h"
#include "model/phone.h"

#define ITEM "/app/{section}/{app}/{card}"

/* A request whose answer is made into another by us. */
struct step {
    struct elma365 *e;
    crm_step_fn fn;
    void *arg;
    char *card, *mark;
    json_t *missing;
};

static struct step *step_create(struct crm *c, crm_step_fn fn, void *arg) {
    struct step *s = mem_zalloc(sizeof *s);
    s->e = elma365_of(c);
    s->fn = fn;
    s->arg = arg;
    return s;
}

static void step_end(struct step *s, const json_t *result, const struct err *err, unsigned wait) {
    s->fn(s->arg, result, err, wait);
    free(s->card);
    free(s->mark);
    json_decref(s->missing);
    free(s);
}

/* --- look ------------------------------------------------------------------------------------ */

static void add_url(const struct elma365 *e, json_t *card) {
    const char *id = json_string_value(json_object_get(card, "id"));
    const char *at = strstr(e->card_url, "{id}");
    if (!id || !at)
        return;
    char *url = mem_printf("%.*s%s%s", (int)(at - e->card_url), e->card_url, id, at + 4);
    json_object_set_new(card, "url", json_string(url));
    free(url);
}

static void on_item(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    json_t *card = err ? json_null() : elma365_card(json_object_get(result, "item"), &s->e->fields);
    add_url(s->e, card);
    step_end(s, err ? NULL : card, err, retry_ms);
    json_decref(card);
}

void elma365_look(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    struct elma365_place at = {.card = card};
    elma365_call(elma365_of(c), ITEM "/get", &at, json_object(), on_item, step_create(c, fn, arg));
}

/* --- find ------------------------------------------------------------------------------------ */

/* Questions, one after another: by our mark, by messengers, numbers, addresses; the first kind that
 * finds somebody is enough. */
struct find {
    struct elma365 *e;
    crm_step_fn fn;
    void *arg;
    json_t *questions; /* [{"kind","field","ask","value"}] */
    json_t *found;
    size_t next;
};

static void ask_next(struct find *f);

static void add_question(
    struct find *f, const char *kind, const char *field, const char *ask, const char *value) {
    if (*field)
        json_array_append_new(f->questions, json_pack("{s:s,s:s,s:s,s:s}", "kind", kind, "field",
                                                field, "ask", ask, "value", value));
}

static void add_way_questions(struct find *f, const json_t *ways, const char *kind) {
    const struct elma365_fields *fields = &f->e->fields;
    char numbers[PHONE_VARIANTS][PHONE_SIZE];
    size_t i;
    json_t *way;
    json_array_foreach(ways, i, way) {
        const char *value = json_string_value(json_object_get(way, "value"));
        const char *is = json_string_value(json_object_get(way, "kind"));
        if (!value || !is || strcmp(is, kind) != 0 || !json_is_true(json_object_get(way, "proven")))
            continue;
        if (strcmp(kind, "phone") == 0) {
            unsigned n = phone_variants(value, numbers);
            for (unsigned k = 0; k < n; k++)
                add_question(f, kind, fields->phone, numbers[k], value);
        } else {
            bool is_mail = strcmp(kind, "mail") == 0;
            add_question(f, kind, is_mail ? fields->mail : fields->messenger, value, value);
        }
    }
}

static const char *part(const struct find *f, size_t i, const char *key) {
    const char *s = json_string_value(json_object_get(json_array_get(f->questions, i), key));
    return s ? s : "";
}

static void find_end(struct find *f, const struct err *err, unsigned retry_ms) {
    f->fn(f->arg, err ? NULL : f->found, err, retry_ms);
    json_decref(f->questions);
    json_decref(f->found);
    free(f);
}

static void on_list(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct find *f = arg;
    struct err bad;
    if (!err && !elma365_items(result))
        err = (err_set(&bad, ERR_PROTOCOL, "ELMA365's list has no result.result"), &bad);
    if (err) {
        find_end(f, err, retry_ms);
        return;
    }
    elma365_hits(result, &f->e->fields, part(f, f->next, "kind"), part(f, f->next, "value"),
        f->e->flow.options.country, f->found);
    f->next++;
    ask_next(f);
}

static void ask_next(struct find *f) {
    static const struct elma365_place nothing = {0};
    bool is_new_kind =
        f->next && strcmp(part(f, f->next, "kind"), part(f, f->next - 1, "kind")) != 0;
    if (f->next >= json_array_size(f->questions) || (is_new_kind && json_array_size(f->found))) {
        find_end(f, NULL, 0);
        return;
    }
    elma365_call(f->e, "/app/{section}/{app}/list", &nothing,
        elma365_search(part(f, f->next, "field"), part(f, f->next, "ask")), on_list, f);
}

void elma365_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    static const char *const kinds[] = {"messenger", "phone", "mail"};
    struct find *f = mem_zalloc(sizeof *f);
    f->e = elma365_of(c);
    f->fn = fn;
    f->arg = arg;
    f->questions = json_array();
    f->found = json_array();
    add_question(f, "mark", "__externalId", who->mark, who->mark);
    add_question(f, "mark", f->e->fields.messenger, who->mark, who->mark);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        add_way_questions(f, who->ways, kinds[i]);
    ask_next(f);
}

/* --- create ---------------------------------------------------------------------------------- */

static void warn_of_mark(struct step *s, const json_t *item) {
    const char *mark = json_string_value(json_object_get(item, "__externalId"));
    if (!item || s->e->warned || (mark && strcmp(mark, s->mark) == 0))
        return;
    s->e->warned = true;
    LOG_ERROR(s->e->flow.base.env->log, "elma365.mark_not_kept",
        LOG_S("target", s->e->flow.base.target),
        LOG_S("what", "the application does not keep __externalId: after a lost answer a second "
                      "card may be made"));
}

static void on_created(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    const json_t *item = json_object_get(result, "item");
    const char *id = json_string_value(json_object_get(item, "__id"));
    struct err again;
    if (!err && !item)
        id = elma365_batch_contact(result);
    if (!err && (!id || !*id)) /* it is there: by our mark it is found */
        err = (err_set(&again, ERR_CONFLICT, "ELMA365 made a card and did not say which"), &again);
    if (!err)
        warn_of_mark(s, item);
    json_t *card = err ? NULL : json_pack("{s:s}", "id", id);
    if (card)
        add_url(s->e, card);
    step_end(s, card, err, retry_ms);
    json_decref(card);
}

void elma365_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    static const struct elma365_place nothing = {0};
    struct elma365 *e = elma365_of(c);
    json_t *contact = elma365_contact(who, &e->fields, e->extra);
    struct step *s = step_create(c, fn, arg);
    s->mark = mem_strdup(who->mark);
    if (*e->deal.deal_app)
        elma365_call(
            e, "/app/items/batch", &nothing, elma365_batch(contact, who, &e->deal), on_created, s);
    else
        elma365_call(e, "/app/{section}/{app}/create", &nothing,
            json_pack("{s:o,s:b}", "context", contact, "withEventForceCreate", 1), on_created, s);
}

/* --- add ------------------------------------------------------------------------------------- */

static void on_done(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    step_end(arg, result, err, retry_ms);
}

static void on_item_to_add(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    if (err) {
        step_end(s, NULL, err, retry_ms);
        return;
    }
    json_t *context = elma365_additions(json_object_get(result, "item"), s->missing, &s->e->fields);
    struct elma365_place at = {.card = s->card};
    if (json_object_size(context))
        elma365_call(s->e, ITEM "/update", &at, json_pack("{s:O}", "context", context), on_done, s);
    else
        step_end(s, NULL, NULL, 0);
    json_decref(context);
}

/* A list of numbers is set as a whole: it is read just before. */
void elma365_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg) {
    struct elma365_place at = {.card = card};
    struct step *s = step_create(c, fn, arg);
    (void)who;
    s->card = mem_strdup(card);
    s->missing = json_deep_copy(missing);
    elma365_call(s->e, ITEM "/get", &at, json_object(), on_item_to_add, s);
}

/* --- assign ---------------------------------------------------------------------------------- */

void elma365_assign(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg) {
    struct elma365 *e = elma365_of(c);
    struct elma365_place at = {.card = card};
    if (*e->fields.responsible)
        elma365_call(e, ITEM "/update", &at,
            json_pack("{s:{s:[s]}}", "context", e->fields.responsible, user), on_done,
            step_create(c, fn, arg));
    else
        elma365_later(e, NULL, NULL, fn, arg);
}

void elma365_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg) {
    struct elma365 *e = elma365_of(c);
    struct elma365_place at = {.card = card};
    json_t *context = json_object();
    elma365_set_name(context, &e->fields, name);
    elma365_call(e, ITEM "/update", &at, json_pack("{s:o}", "context", context), on_done,
        step_create(c, fn, arg));
}
