/* crm_flow.c - settings, who is who among people, and what is on a card. */
#include "core/crm/crm_flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/crm/crm_flow_private.h"
#include "core/crm/crm_person.h"

/* --- settings -------------------------------------------------------------------------------- */

/* Minutes of "+03:00"; 24 hours and more: it is no such thing. */
static int offset_of(const char *value) {
    static const char digits[] = "0123456789";
    if (strlen(value) != 6 || !strchr("+-", value[0]) || value[3] != ':' ||
        strspn(value + 1, digits) != 2 || strspn(value + 4, digits) != 2)
        return 24 * 60;
    int minutes = (int)(strtol(value + 1, NULL, 10) * 60 + strtol(value + 4, NULL, 10));
    return value[0] == '-' ? -minutes : minutes;
}

int crm_flow_check_offset(const char *value, struct err *err) {
    int minutes = offset_of(value);
    return minutes >= -14 * 60 && minutes <= 14 * 60
               ? 0
               : err_set(err, ERR_INVALID, "an offset from UTC looks like \"+03:00\"");
}

void crm_flow_init(
    struct crm_flow *f, struct crm *c, const struct crm_flow_ops *ops, const struct settings *s) {
    f->crm = c;
    f->ops = ops;
    f->options.notes = settings_bool(s, "notes");
    f->options.files = settings_bool(s, "files");
    f->options.users = settings_list(s, "users");
    c->users = f->options.users;
    f->options.country = settings_str(s, "country");
    f->options.russian = strcmp(settings_str(s, "language"), "ru") == 0;
    f->options.utc_offset_min = offset_of(settings_str(s, "utc_offset"));
    c->statuses = ops->rewrite ? CRM_STATUSES_FAILED : CRM_STATUSES_NONE;
}

/* --- agents and users ------------------------------------------------------------------------ */

const char *crm_flow_user(const struct crm_flow *f, const char *agent) {
    size_t n = strlen(agent);
    for (const char *const *u = f->options.users; n && u && *u; u++)
        if (strncmp(*u, agent, n) == 0 && (*u)[n] == '=' && (*u)[n + 1])
            return *u + n + 1;
    return NULL;
}

json_t *crm_flow_agent(const struct crm_flow *f, const char *user) {
    for (const char *const *u = f->options.users; *user && u && *u; u++) {
        const char *is = strchr(*u, '=');
        if (is && is != *u && strcmp(is + 1, user) == 0)
            return json_stringn(*u, (size_t)(is - *u));
    }
    return NULL;
}

/* --- who is who ------------------------------------------------------------------------------ */

void flow_client_mark(const json_t *client, char out[FLOW_MARK_SIZE]) {
    snprintf(out, FLOW_MARK_SIZE, "switchboard:%.32s", json_text(client, "id"));
}

enum rank { BY_MARK, BY_MESSENGER, BY_PHONE, BY_MAIL, RANKS };

static enum rank rank_of_kind(const char *kind) {
    static const char *const kinds[RANKS] = {"mark", "messenger", "phone", "mail"};
    int r = 0;
    while (r < RANKS && strcmp(kinds[r], kind) != 0)
        r++;
    return (enum rank)r;
}

static bool is_way(enum rank kind, const char *value, const char *held, const char *country) {
    static const enum crm_way_kind kinds[RANKS] = {
        CRM_MESSENGER, CRM_MESSENGER, CRM_PHONE, CRM_MAIL};
    struct crm_way way = {kinds[kind], value, true};
    return crm_way_is(&way, held, country);
}

static bool is_his(const struct crm_flow_who *who, enum rank kind, const char *held,
    const char *country, bool proven_only) {
    size_t i;
    json_t *one;
    if (kind == BY_MARK)
        return strcmp(who->mark, held) == 0;
    json_array_foreach(who->ways, i, one) {
        if (rank_of_kind(json_text(one, "kind")) == kind &&
            (!proven_only || json_is_true(json_object_get(one, "proven"))) &&
            is_way(kind, json_text(one, "value"), held, country))
            return true;
    }
    return false;
}

const char *crm_flow_choose(
    const json_t *found, const struct crm_flow_who *who, const char *country, bool *several) {
    const char *by[RANKS] = {NULL};
    bool many[RANKS] = {false};
    size_t i;
    json_t *one;
    *several = false;
    json_array_foreach(found, i, one) {
        const char *card = json_text(one, "card");
        enum rank r = rank_of_kind(json_text(one, "kind"));
        if (r == RANKS || !*card || !is_his(who, r, json_text(one, "value"), country, true))
            continue;
        many[r] = many[r] || (by[r] && strcmp(by[r], card) != 0);
        by[r] = by[r] ? by[r] : card;
    }
    for (int r = 0; r < RANKS; r++) {
        if (by[r]) {
            *several = many[r];
            return many[r] ? NULL : by[r];
        }
    }
    return NULL;
}

static bool is_held(const json_t *held, enum rank kind, const char *value, const char *country) {
    size_t i;
    json_t *one;
    json_array_foreach(held, i, one) {
        const char *text = json_text(one, "value");
        if (strcasecmp(text, value) == 0 || (kind != BY_MARK && is_way(kind, value, text, country)))
            return true;
    }
    return false;
}

json_t *flow_missing(const json_t *held, const struct crm_flow_who *who, const char *country) {
    json_t *out = json_array(), *one;
    size_t i;
    if (!is_held(held, BY_MARK, who->mark, country))
        json_array_append_new(out, json_pack("{s:s,s:s}", "kind", "mark", "value", who->mark));
    json_array_foreach(who->ways, i, one) {
        enum rank kind = rank_of_kind(json_text(one, "kind"));
        if (kind < RANKS && !is_held(held, kind, json_text(one, "value"), country))
            json_array_append(out, one);
    }
    return out;
}

/* --- what is on a card ----------------------------------------------------------------------- */

struct asking {
    crm_result_fn fn;
    void *arg;
};

static struct asking *asking_create(crm_result_fn fn, void *arg) {
    struct asking *a = mem_alloc(sizeof *a);
    *a = (struct asking){fn, arg};
    return a;
}

#define LEFT_OVER "\xe2\x80\xa6 " /* of pieces that are there no more: crm_flow_entry.c */

/* Is it there twice? Its pieces all say something else. */
static bool is_double(json_t *texts, const char *message, const char *text) {
    json_t *of = json_object_get(texts, message);
    if (!of)
        json_object_set_new(texts, message, of = json_object());
    bool says = *text && strncmp(text, LEFT_OVER, sizeof LEFT_OVER - 1) != 0;
    bool again = says && json_object_get(of, text);
    json_object_set_new(of, text, json_true());
    return again;
}

/* A message's pieces become one entry, at the place of the first; but one that is there twice is
 * two. */
static void on_entries(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct asking *a = arg;
    json_t *out = json_array(), *by_message = json_object(), *texts = json_object(), *one;
    size_t i;
    (void)retry_ms;
    json_array_foreach(result, i, one) {
        const char *message = json_text(one, "message"), *id = json_text(one, "id");
        json_t *before = json_object_get(by_message, message);
        if (before && !is_double(texts, message, json_text(one, "text"))) {
            char *ids = mem_printf("%s,%s", json_text(before, "external_id"), id);
            json_object_set_new(before, "external_id", json_string(ids));
            free(ids);
        } else if (*message) {
            before = json_pack("{s:s,s:s}", "message", message, "external_id", id);
            is_double(texts, message, json_text(one, "text"));
            json_object_set(by_message, message, before);
            json_array_append_new(out, before);
        }
    }
    json_decref(by_message);
    json_decref(texts);
    json_t *answer = json_pack("{s:o}", "entries", out);
    a->fn(a->arg, err ? NULL : answer, err);
    json_decref(answer);
    free(a);
}

void crm_flow_entries(struct crm *c, const char *card, crm_result_fn fn, void *arg) {
    struct crm_flow *f = container_of(c, struct crm_flow, base);
    f->ops->entries(f->crm, card, NULL, on_entries, asking_create(fn, arg));
}

static void on_card(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct asking *a = arg;
    json_t *card = json_is_object(result) ? json_copy((json_t *)result) : json_null();
    (void)retry_ms;
    json_object_del(card, "ways");
    json_object_del(card, "user");
    json_object_del(card, "by");
    json_t *answer = json_pack("{s:o}", "card", card);
    if (err && err->code == ERR_NOT_FOUND)
        err = NULL;
    a->fn(a->arg, err ? NULL : answer, err);
    json_decref(answer);
    free(a);
}

static void on_no_card(void *arg) {
    on_card(arg, NULL, NULL, 0);
}

void crm_flow_card(
    struct crm *c, const char *client, const char *card, crm_result_fn fn, void *arg) {
    struct crm_flow *f = container_of(c, struct crm_flow, base);
    (void)client;
    struct asking *a = asking_create(fn, arg);
    if (*card)
        f->ops->look(f->crm, card, on_card, a);
    else
        loop_defer(f->crm->env->loop, on_no_card, a);
}

/* --- what a CRM cannot ----------------------------------------------------------------------- */

struct refusal {
    struct asking asking;
    const char *why;
};

static void on_refused(void *arg) {
    struct refusal *r = arg;
    struct err err;
    err_set(&err, ERR_UNSUPPORTED, "%s", r->why);
    r->asking.fn(r->asking.arg, NULL, &err);
    free(r);
}

void crm_flow_unsupported(struct crm *c, const char *why, crm_result_fn fn, void *arg) {
    struct refusal *r = mem_alloc(sizeof *r);
    *r = (struct refusal){{fn, arg}, why};
    loop_defer(c->env->loop, on_refused, r);
}
