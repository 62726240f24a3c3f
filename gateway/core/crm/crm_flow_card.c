/* crm_flow_card.c - a client's card: the one that we know, else one that has our mark or his
 * address, else a new one. What people wrote on it is left alone: only what is missing is added. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/crm/crm_flow_private.h"
#include "core/crm/crm_person.h"

#define HOPS_MAX 5 /* from a card to the one into which it was merged */

struct ensure {
    struct crm_flow *f;
    json_t *client, *ways;
    struct crm_flow_who who;
    char mark[FLOW_MARK_SIZE];
    char *card, *url;
    json_t *there; /* what look() or create() told of it */
    bool is_other; /* than the one that we knew */
    bool is_new, renamed;
    json_t *held; /* ways of the card; NULL not known yet */
    unsigned hops, conflicts;
    bool searched;
    crm_done_fn fn;
    void *arg;
};

static void look(struct ensure *e);
static void create(struct ensure *e);

static void ensure_end(struct ensure *e, const struct err *err, unsigned retry_ms) {
    struct crm_outcome o = {.err = err, .retry_ms = retry_ms};
    if (!err) {
        o.card_id = e->card;
        o.card_url = e->url;
    }
    e->fn(e->arg, &o);
    json_decref(e->client);
    json_decref(e->ways);
    json_decref(e->held);
    json_decref(e->there);
    free(e->card);
    free(e->url);
    free(e);
}

static void on_remembered(void *arg, const struct err *err) {
    (void)err;
    ensure_end(arg, NULL, 0);
}

/* What it is called, and who is responsible, is what its changes will be measured by. */
static void ensured(struct ensure *e) {
    const char *name = json_text(e->there, "name"), *user = json_text(e->there, "user");
    char *echo = mem_printf("n:%s", json_text(e->client, "name"));
    struct store_card_says says = {.client = e->who.id,
        .name = e->renamed  ? json_text(e->client, "name")
                : *name     ? name
                : e->is_new ? e->who.name
                            : NULL,
        .user = *user ? user : NULL,
        .keep_name = !e->renamed && !e->is_other,
        .keep_user = !e->is_other,
        .echo = echo};
    flow_says(e->f, &says, on_remembered, e);
    free(echo);
}

static void take_card(struct ensure *e, const char *card, const char *url) {
    char *copy = mem_strdup(card); /* card may be e->card */
    e->is_other = strcmp(e->card, card) != 0 || e->is_other;
    free(e->card);
    free(e->url);
    e->card = copy;
    e->url = url && *url ? mem_strdup(url) : NULL;
}

/* --- what is missing on it ------------------------------------------------------------------- */

static void on_added(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    if (err && err->code != ERR_INVALID && err->code != ERR_CONFLICT)
        ensure_end(arg, err, retry_ms);
    else /* a number that the CRM takes for none is no reason to deliver nothing */
        ensured(arg);
}

static void add_missing(struct ensure *e, const json_t *held) {
    struct crm_flow *f = e->f;
    json_t *missing = flow_missing(held, &e->who, f->options.country);
    if (json_array_size(missing) && f->ops->add)
        f->ops->add(f->crm, e->card, &e->who, missing, on_added, e);
    else
        ensured(e);
    json_decref(missing);
}

static void on_ways(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    if (err)
        ensure_end(arg, err, retry_ms);
    else
        add_missing(arg, result);
}

static void complete(struct ensure *e) {
    if (e->held)
        add_missing(e, e->held);
    else if (e->f->ops->ways)
        e->f->ops->ways(e->f->crm, e->card, on_ways, e);
    else
        ensured(e);
}

/* --- its name -------------------------------------------------------------------------------- */

static void on_named(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct ensure *e = arg;
    (void)result;
    e->renamed = !err;
    if (err && err->code != ERR_INVALID && err->code != ERR_DENIED)
        ensure_end(e, err, retry_ms);
    else /* a name that the CRM does not take is no reason to deliver nothing */
        complete(e);
}

/* Was the card made before anybody had told a name? */
static bool is_makeshift(const struct ensure *e, const char *name) {
    size_t i;
    json_t *one;
    json_array_foreach(e->ways, i, one) {
        if (strcmp(json_text(one, "value"), name) == 0)
            return true;
    }
    return strcmp(name, e->mark) == 0;
}

/* What people call it there is left alone, until people call him something else here. */
static bool shall_be_named(const struct ensure *e, const char *now) {
    const char *name = json_text(e->client, "name");
    bool renamed = json_is_true(json_object_get(e->client, "renamed"));
    return e->f->ops->rename && *name && *now && strcmp(now, name) != 0 &&
           (renamed || is_makeshift(e, now));
}

/* --- a new one ------------------------------------------------------------------------------- */

static void search(struct ensure *e);

static void on_created(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct ensure *e = arg;
    struct err bad;
    if (err && err->code == ERR_INVALID && !e->who.is_plain) {
        e->who.is_plain = true; /* a number that is none by its rules: as text, then */
        create(e);
        return;
    }
    if (err && err->code == ERR_CONFLICT && e->conflicts++ == 0) {
        search(e);
        return;
    }
    if (!err && !*json_text(result, "id"))
        err = (err_set(&bad, ERR_PROTOCOL, "the CRM made a card and did not say which"), &bad);
    if (err) {
        ensure_end(e, err, retry_ms);
        return;
    }
    take_card(e, json_text(result, "id"), json_text(result, "url"));
    e->is_new = e->is_other = true;
    e->there = json_deep_copy(result);
    ensured(e);
}

static void create(struct ensure *e) {
    e->f->ops->create(e->f->crm, &e->who, on_created, e);
}

/* --- one that is there ----------------------------------------------------------------------- */

static void on_found(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct ensure *e = arg;
    bool several = false;
    if (err) {
        ensure_end(e, err, retry_ms);
        return;
    }
    const char *card = crm_flow_choose(result, &e->who, e->f->options.country, &several);
    if (several)
        LOG_WARN(e->f->crm->env->log, "crm.ambiguous", LOG_S("target", e->f->crm->target),
            LOG_S("client", e->who.id),
            LOG_S("what", "several cards have his number or address: he gets one of his own; "
                          "merge them in the CRM"));
    if (!card) {
        create(e);
        return;
    }
    take_card(e, card, NULL);
    look(e);
}

static void search(struct ensure *e) {
    e->searched = true;
    e->f->ops->find(e->f->crm, &e->who, on_found, e);
}

/* A card that was merged into another names it. */
static void on_look(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct ensure *e = arg;
    const char *id = json_text(result, "id");
    const json_t *held = json_object_get(result, "ways");
    if (err && err->code != ERR_NOT_FOUND) {
        ensure_end(e, err, retry_ms);
    } else if (!*id && !e->searched) {
        search(e);
    } else if (!*id || e->hops > HOPS_MAX) {
        create(e);
    } else if (strcmp(id, e->card) != 0) {
        e->hops++;
        take_card(e, id, NULL);
        look(e);
    } else {
        take_card(e, id, json_text(result, "url"));
        e->held = json_incref((json_t *)held);
        e->there = json_deep_copy(result);
        if (shall_be_named(e, json_text(result, "name")))
            e->f->ops->rename(e->f->crm, e->card, json_text(e->client, "name"), on_named, e);
        else
            complete(e);
    }
}

static void look(struct ensure *e) {
    e->f->ops->look(e->f->crm, e->card, on_look, e);
}

static void tell_way(void *arg, const struct crm_way *way) {
    static const char *const kinds[] = {
        [CRM_MESSENGER] = "messenger", [CRM_PHONE] = "phone", [CRM_MAIL] = "mail"};
    json_array_append_new(arg, json_pack("{s:s,s:s,s:b}", "kind", kinds[way->kind], "value",
                                   way->value, "proven", (int)way->proven));
}

void crm_flow_ensure(
    struct crm *c, const json_t *client, const char *known, crm_done_fn fn, void *arg) {
    struct crm_flow *f = container_of(c, struct crm_flow, base);
    struct ensure *e = mem_zalloc(sizeof *e);
    e->f = f;
    e->client = json_deep_copy(client);
    e->ways = json_array();
    e->fn = fn;
    e->arg = arg;
    e->card = mem_strdup(known);
    flow_client_mark(client, e->mark);
    crm_ways(e->client, f->options.country, tell_way, e->ways);
    const char *name = json_text(e->client, "name");
    const char *way = json_text(json_array_get(e->ways, 0), "value");
    e->who = (struct crm_flow_who){.client = e->client,
        .id = json_text(e->client, "id"),
        .mark = e->mark,
        .name = *name  ? name
                : *way ? way
                       : e->mark,
        .ways = e->ways};
    if (*known)
        look(e);
    else
        search(e);
}
