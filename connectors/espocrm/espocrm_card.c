/* espocrm_card.c - a client's contact or lead. */
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/mem.h"
#include "connectors/espocrm/espocrm_private.h"

#define READ_MAX 20 /* records that are read one by one, to see all their numbers */

static json_t *card_of(const struct espocrm *e, const char *id) {
    char *url = mem_printf("%s/#%s/view/%s", e->url, e->fields.entity, id);
    json_t *out = json_pack("{s:s,s:s}", "id", id, "url", url);
    free(url);
    return out;
}

/* A step that is one request. */
struct one {
    struct espocrm *e;
    crm_step_fn fn;
    void *arg;
};

static struct one *one_create(struct crm *c, crm_step_fn fn, void *arg) {
    struct one *o = mem_alloc(sizeof *o);
    *o = (struct one){espocrm_of(c), fn, arg};
    return o;
}

static void one_end(struct one *o, const json_t *result, const struct err *err, unsigned retry_ms) {
    o->fn(o->arg, err ? NULL : result, err, retry_ms);
    free(o);
}

/* --- look ------------------------------------------------------------------------------------ */

static void set_text(json_t *card, const char *key, const char *text) {
    if (*text)
        json_object_set_new(card, key, json_string(text));
}

static void on_looked(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct one *o = arg;
    const char *id = espocrm_id(result);
    struct err bad;
    json_t *card = NULL;
    if (!err && !id)
        err = (err_set(&bad, ERR_PROTOCOL, "EspoCRM answered with what is no record"), &bad);
    if (!err) {
        card = card_of(o->e, id);
        json_object_set_new(card, "ways", espocrm_ways(&o->e->fields, result));
        set_text(card, "name", json_text(result, "name"));
        set_text(card, "responsible", json_text(result, "assignedUserName"));
        set_text(card, "stage", json_text(result, "status"));
        set_text(card, "user", json_text(result, "assignedUserId"));
        set_text(card, "by", json_text(result, "modifiedByName"));
    }
    one_end(o, card, err, retry_ms);
    json_decref(card);
}

void espocrm_look(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    struct espocrm *e = espocrm_of(c);
    espocrm_call_record(e, "GET", e->fields.entity, card, NULL, on_looked, one_create(c, fn, arg));
}

/* --- find, create ---------------------------------------------------------------------------- */

struct search {
    struct espocrm *e;
    const struct crm_flow_who *who; /* stays until fn is called */
    crm_step_fn fn;
    void *arg;
    json_t *found;  /* [{"card","kind","value"}..] */
    json_t *unseen; /* ids of records whose further numbers are to be looked at */
    size_t next;
    bool creating;
    char *card; /* that is his */
};

static struct search *search_create(
    struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    struct search *s = mem_zalloc(sizeof *s);
    s->e = espocrm_of(c);
    s->who = who;
    s->fn = fn;
    s->arg = arg;
    s->found = json_array();
    s->unseen = json_array();
    return s;
}

static void search_end(
    struct search *s, const json_t *result, const struct err *err, unsigned retry_ms) {
    s->fn(s->arg, err ? NULL : result, err, retry_ms);
    json_decref(s->found);
    json_decref(s->unseen);
    free(s->card);
    free(s);
}

/* Is it to be seen that the record is his? */
static bool add_found(struct search *s, const json_t *record, const char *id) {
    json_t *ways = espocrm_ways(&s->e->fields, record), *way;
    bool several;
    size_t i;
    json_array_foreach(ways, i, way) json_object_set_new(way, "card", json_string(id));
    bool his = crm_flow_choose(ways, s->who, s->e->flow.options.country, &several) || several;
    json_array_extend(s->found, ways);
    json_decref(ways);
    return his;
}

static void read_next(struct search *s);

static void on_read(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct search *s = arg;
    if (err && err->code != ERR_NOT_FOUND && err->code != ERR_DENIED) {
        search_end(s, NULL, err, retry_ms);
        return;
    }
    if (espocrm_id(result))
        add_found(s, result, espocrm_id(result));
    read_next(s);
}

static void on_created(void *arg, const json_t *result, const struct err *err, unsigned retry_ms);

static void on_marked(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct search *s = arg;
    json_t *card = card_of(s->e, s->card);
    (void)result;
    search_end(s, card, err && err->code != ERR_INVALID ? err : NULL, retry_ms);
    json_decref(card);
}

/* A duplicate that is proven to be his becomes his card; else he gets one though others are like
 * it: of the same name, or with a number that he only says to be his. */
static void settle_duplicates(struct search *s) {
    bool several;
    const char *card = crm_flow_choose(s->found, s->who, s->e->flow.options.country, &several);
    if (!card) {
        espocrm_call_anyway(
            s->e, s->e->fields.entity, espocrm_record(&s->e->fields, s->who), on_created, s);
        return;
    }
    json_t *mark = json_pack("[{s:s,s:s}]", "kind", "mark", "value", s->who->mark);
    s->card = mem_strdup(card);
    espocrm_add(&s->e->flow.base, s->card, s->who, mark, on_marked, s);
    json_decref(mark);
}

static void read_next(struct search *s) {
    const char *id = json_string_value(json_array_get(s->unseen, s->next++));
    if (id)
        espocrm_call_record(s->e, "GET", s->e->fields.entity, id, NULL, on_read, s);
    else if (s->creating)
        settle_duplicates(s);
    else
        search_end(s, s->found, NULL, 0);
}

static void on_found(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct search *s = arg;
    struct err bad;
    size_t i;
    json_t *one;
    if (err && (err->code == ERR_INVALID || err->code == ERR_NOT_FOUND)) {
        /* Nothing is wrong with the message: all wait until the admin has made the field. */
        err_set(&bad, ERR_AUTH,
            "EspoCRM cannot be searched: are url and the fields %s and %s right? %.160s",
            s->e->fields.mark, s->e->fields.messenger, err->text);
        err = &bad;
    }
    const json_t *list = err ? NULL : espocrm_list(result, &bad);
    if (!list) {
        search_end(s, NULL, err ? err : &bad, retry_ms);
        return;
    }
    json_array_foreach(list, i, one) {
        const char *id = espocrm_id(one);
        if (id && !add_found(s, one, id) && json_array_size(s->unseen) < READ_MAX)
            json_array_append_new(s->unseen, json_string(id));
    }
    read_next(s);
}

void espocrm_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    struct espocrm *e = espocrm_of(c);
    char *path = espocrm_find_path(&e->fields, who);
    espocrm_call(e, "GET", path, NULL, on_found, search_create(c, who, fn, arg));
    free(path);
}

static void on_created(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct search *s = arg;
    struct err bad;
    size_t i;
    json_t *one;
    if (err && err->code == ERR_CONFLICT && !s->creating) {
        s->creating = true;
        json_array_foreach(result, i, one) if (espocrm_id(one) && i < READ_MAX)
            json_array_append_new(s->unseen, json_string(espocrm_id(one)));
        read_next(s);
        return;
    }
    if (!err && !espocrm_id(result))
        err = (err_set(&bad, ERR_PROTOCOL, "EspoCRM made a record and did not say which"), &bad);
    json_t *card = err ? NULL : card_of(s->e, espocrm_id(result));
    search_end(s, card, err, retry_ms);
    json_decref(card);
}

void espocrm_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    struct espocrm *e = espocrm_of(c);
    espocrm_call(e, "POST", e->fields.entity, espocrm_record(&e->fields, who), on_created,
        search_create(c, who, fn, arg));
}

/* --- add ------------------------------------------------------------------------------------- */

struct adding {
    struct espocrm *e;
    crm_step_fn fn;
    void *arg;
    char *card;
    json_t *missing, *record;
    bool plain;
};

static void adding_end(struct adding *a, const struct err *err, unsigned retry_ms) {
    a->fn(a->arg, NULL, err, retry_ms);
    json_decref(a->missing);
    json_decref(a->record);
    free(a->card);
    free(a);
}

static void change(struct adding *a);

static void on_changed(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct adding *a = arg;
    (void)result;
    if (err && err->code == ERR_INVALID && !a->plain) {
        a->plain = true; /* a number that is none by its rules */
        change(a);
        return;
    }
    adding_end(a, err, retry_ms);
}

static void change(struct adding *a) {
    json_t *changes = espocrm_changes(&a->e->fields, a->record, a->missing, a->plain);
    if (json_object_size(changes)) {
        espocrm_call_record(a->e, "PUT", a->e->fields.entity, a->card, changes, on_changed, a);
        return;
    }
    json_decref(changes);
    adding_end(a, NULL, 0);
}

static void on_record(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct adding *a = arg;
    struct err bad;
    if (!err && !espocrm_id(result))
        err = (err_set(&bad, ERR_PROTOCOL, "EspoCRM answered with what is no record"), &bad);
    if (err) {
        adding_end(a, err, retry_ms);
        return;
    }
    a->record = json_incref((json_t *)result);
    change(a);
}

void espocrm_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg) {
    struct adding *a = mem_zalloc(sizeof *a);
    (void)who;
    a->e = espocrm_of(c);
    a->fn = fn;
    a->arg = arg;
    a->card = mem_strdup(card);
    a->missing = json_incref((json_t *)missing);
    espocrm_call_record(a->e, "GET", a->e->fields.entity, card, NULL, on_record, a);
}

/* --- assign ---------------------------------------------------------------------------------- */

static void on_assigned(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    one_end(arg, result, err, retry_ms);
}

void espocrm_assign(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg) {
    struct espocrm *e = espocrm_of(c);
    json_t *body = json_pack("{s:o}", "assignedUserId", *user ? json_string(user) : json_null());
    espocrm_call_record(
        e, "PUT", e->fields.entity, card, body, on_assigned, one_create(c, fn, arg));
}

void espocrm_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg) {
    struct espocrm *e = espocrm_of(c);
    json_t *body = json_object();
    espocrm_set_name(body, name);
    espocrm_call_record(
        e, "PUT", e->fields.entity, card, body, on_assigned, one_create(c, fn, arg));
}
