/* crm_flow_back.c - a card has changed in the CRM: what it is called now, and who is responsible,
 * is looked at and compared with what we last knew of it. What we write there ourselves is known
 * so, and no news when the CRM tells us. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/core_private.h"
#include "core/crm/crm_flow_private.h"
#include "store/store_back.h"

#define CUT_BYTES 40 /* a CRM that cuts names takes more than this */

/* --- what we know of a card ------------------------------------------------------------------ */

struct says {
    core_done_fn fn;
    void *arg;
};

static void on_says(void *arg, const struct err *err) {
    struct says *s = arg;
    (void)err; /* it is compared with an older state, then, and the echo is waited for */
    s->fn(s->arg, NULL);
    free(s);
}

static void on_none(void *arg) {
    on_says(arg, NULL);
}

void flow_says(struct crm_flow *f, const struct store_card_says *says, core_done_fn fn, void *arg) {
    struct says *s = mem_alloc(sizeof *s);
    struct store_card_says full = *says;
    *s = (struct says){fn, arg};
    full.target = f->crm->target;
    if (f->crm->core && f->crm->ops->take)
        store_card_says(f->crm->core->store, &full, on_says, s);
    else
        loop_defer(f->crm->env->loop, on_none, s);
}

/* Spaces are of no weight, and a name may have been cut there. */
static bool is_same_name(const char *there, const char *known) {
    const char *a = there, *b = known;
    while (*a || *b) {
        a += strspn(a, " \t\r\n");
        b += strspn(b, " \t\r\n");
        if (*a != *b)
            return !*a && strlen(there) >= CUT_BYTES;
        if (*a) {
            a++;
            b++;
        }
    }
    return true;
}

/* --- a change -------------------------------------------------------------------------------- */

static const char *const change_words[] = {
    [CRM_SAME] = "", [CRM_MAYBE] = "maybe", [CRM_CHANGED] = "changed"};

json_t *crm_flow_change(
    const char *card, enum crm_change name, enum crm_change user, const char *once) {
    char id[ID_SIZE];
    id_make(0, id);
    once = once ? once : id;
    return json_pack("{s:s,s:s,s:{s:s,s:s,s:s,s:s,s:s}}", "lane", card, "once", once, "event",
        "type", CRM_FLOW_CHANGE, "card", card, "once", once, "name", change_words[name], "user",
        change_words[user]);
}

bool crm_flow_is_change(const json_t *event) {
    return strcmp(json_text(event, "type"), CRM_FLOW_CHANGE) == 0;
}

struct changed {
    struct crm_flow *f;
    json_t *event, *there; /* there: look()'s result */
    char client[ID_SIZE];
    char *name, *user; /* that we knew; NULL nothing */
    crm_done_fn fn;
    void *arg;
};

static void changed_end(struct changed *c, const struct err *err, unsigned retry_ms) {
    c->fn(c->arg, &(struct crm_outcome){.err = err, .retry_ms = retry_ms});
    json_decref(c->event);
    json_decref(c->there);
    free(c->name);
    free(c->user);
    free(c);
}

/* Is this worth more than remembering it? */
static bool is_news(const struct changed *c, const char *what, const char *known, bool is_same) {
    return known ? !is_same : strcmp(json_text(c->event, what), change_words[CRM_CHANGED]) == 0;
}

static void on_name_known(void *arg, const struct err *err) {
    (void)err;
    changed_end(arg, NULL, 0);
}

static void name_done(struct changed *c) {
    struct store_card_says says = {.client = c->client, .name = json_text(c->there, "name")};
    flow_says(c->f, &says, on_name_known, c);
}

static void on_renamed(void *arg, const struct err *err) {
    struct changed *c = arg;
    if (crm_waits(err)) {
        changed_end(c, err, 0);
        return;
    }
    if (err)
        LOG_WARN(c->f->crm->env->log, "crm.not_renamed", LOG_S("target", c->f->crm->target),
            LOG_S("card", json_text(c->event, "card")), LOG_E(err));
    name_done(c);
}

static void take_name(struct changed *c) {
    const char *name = json_text(c->there, "name");
    bool is_same = c->name && is_same_name(name, c->name);
    if (!*json_text(c->event, "name") || !*name || is_same)
        changed_end(c, NULL, 0);
    else if (is_news(c, "name", c->name, is_same))
        crm_renamed(c->f->crm, json_text(c->event, "card"), name, on_renamed, c);
    else
        name_done(c);
}

static void on_user_known(void *arg, const struct err *err) {
    (void)err;
    take_name(arg);
}

static void user_done(struct changed *c) {
    struct store_card_says says = {.client = c->client, .user = json_text(c->there, "user")};
    flow_says(c->f, &says, on_user_known, c);
}

static void on_assigned(void *arg, const struct err *err) {
    struct changed *c = arg;
    if (crm_waits(err)) {
        changed_end(c, err, 0);
        return;
    }
    if (err)
        LOG_WARN(c->f->crm->env->log, "crm.not_taken_over", LOG_S("target", c->f->crm->target),
            LOG_S("card", json_text(c->event, "card")), LOG_E(err));
    user_done(c);
}

/* A responsible who is nobody of ours changes nothing here. */
static void take_user(struct changed *c) {
    const char *user = json_text(c->there, "user"), *card = json_text(c->event, "card");
    bool is_same = c->user && strcmp(user, c->user) == 0;
    if (!*json_text(c->event, "user") || is_same) {
        take_name(c);
        return;
    }
    json_t *agent = crm_flow_agent(c->f, user);
    if (!is_news(c, "user", c->user, is_same)) {
        user_done(c);
    } else if (*user && !agent) {
        LOG_INFO(c->f->crm->env->log, "crm.unknown_user", LOG_S("target", c->f->crm->target),
            LOG_S("card", card), LOG_S("user", user),
            LOG_S("what", "he is responsible there and not among `users`: ours stays"));
        user_done(c);
    } else {
        crm_assigned(c->f->crm, card, agent ? json_string_value(agent) : "",
            json_text(c->event, "once"), json_text(c->there, "by"), on_assigned, c);
    }
    json_decref(agent);
}

static void on_card_said(void *arg, const char *name, const char *user, const struct err *err) {
    struct changed *c = arg;
    if (err) {
        changed_end(c, err, 0);
        return;
    }
    c->name = name ? mem_strdup(name) : NULL;
    c->user = user ? mem_strdup(user) : NULL;
    take_user(c);
}

static void on_look(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct changed *c = arg;
    bool gone =
        err ? err->code == ERR_NOT_FOUND || err->code == ERR_DENIED : !*json_text(result, "id");
    if (err || gone) {
        changed_end(c, gone ? NULL : err, retry_ms);
        return;
    }
    c->there = json_deep_copy(result);
    store_card_said(c->f->crm->core->store, c->client, c->f->crm->target, on_card_said, c);
}

/* Of others' cards the CRM is asked nothing. */
static void on_whose(void *arg, const struct store_lookup *r, const struct err *err) {
    struct changed *c = arg;
    if (err || !r->thread[0]) {
        changed_end(c, err, 0);
        return;
    }
    memcpy(c->client, r->client, ID_SIZE);
    c->f->ops->look(c->f->crm, json_text(c->event, "card"), on_look, c);
}

void crm_flow_changed(struct crm_flow *f, const json_t *event, crm_done_fn fn, void *arg) {
    struct changed *c = mem_zalloc(sizeof *c);
    c->f = f;
    c->event = json_deep_copy(event);
    c->fn = fn;
    c->arg = arg;
    store_find_card(f->crm->core->store, f->crm->target, json_text(event, "card"), on_whose, c);
}
