/* tryton_note.c - a message as notes of a party. All pieces of one are made in one call, which is
 * one transaction: they are there or not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/tryton/tryton_private.h"
#include "core/crm_text.h"

#define PIECE_MAX 10000
#define PIECES_MAX 1000
#define NAMED_MAX 190 /* bytes of crm_outcome.external_id */

struct attach {
    struct tryton *t;
    crm_done_fn fn;
    void *arg;
    char *resource; /* "party.party,7" */
    char mark[CRM_MARK_SIZE];
    json_t *pieces;
    json_t *ids; /* of notes that are there */
    size_t next; /* piece to be written over */
    bool may_be_there;
};

static void attach_end(struct attach *a, const struct err *err, unsigned retry_ms) {
    char id[NAMED_MAX + 1] = "";
    size_t i, n = 0;
    json_t *one;
    json_array_foreach(a->ids, i, one) {
        char text[24];
        int len =
            snprintf(text, sizeof text, "%s%lld", i ? "," : "", (long long)json_integer_value(one));
        if (n + (size_t)len > NAMED_MAX)
            break; /* the others are found by their mark */
        memcpy(id + n, text, (size_t)len + 1);
        n += (size_t)len;
    }
    a->fn(a->arg, &(struct crm_outcome){
                      .err = err, .retry_ms = retry_ms, .external_id = !err && *id ? id : NULL});
    free(a->resource);
    json_decref(a->pieces);
    json_decref(a->ids);
    free(a);
}

/* --- new notes ------------------------------------------------------------------------------- */

static void on_created(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct attach *a = arg;
    if (!err)
        json_array_extend(a->ids, (json_t *)result);
    attach_end(a, err, retry_ms);
}

static void create(struct attach *a, size_t from) {
    json_t *notes = json_array();
    for (size_t i = from; i < json_array_size(a->pieces); i++)
        json_array_append_new(notes, json_pack("{s:s,s:O}", "resource", a->resource, "message",
                                         json_array_get(a->pieces, i)));
    tryton_call(a->t, "model.ir.note.create", json_pack("[o]", notes), on_created, a);
}

/* --- notes that are there -------------------------------------------------------------------- */

static void write_next(struct attach *a);

static void on_written(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct attach *a = arg;
    (void)result;
    if (err)
        attach_end(a, err, retry_ms);
    else
        write_next(a);
}

/* The notes get the new pieces, one after another; those that are left over say so. */
static void write_next(struct attach *a) {
    size_t i = a->next++;
    if (i >= json_array_size(a->ids)) {
        if (i < json_array_size(a->pieces))
            create(a, i);
        else
            attach_end(a, NULL, 0);
        return;
    }
    char *rest = mem_printf("… %s", a->mark);
    const char *text = json_string_value(json_array_get(a->pieces, i));
    tryton_call(a->t, "model.ir.note.write",
        json_pack("[[O],{s:s}]", json_array_get(a->ids, i), "message", text ? text : rest),
        on_written, a);
    free(rest);
}

/* --- are they there? ------------------------------------------------------------------------- */

static void on_found(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct attach *a = arg;
    size_t i;
    json_t *one;
    if (err) {
        attach_end(a, err, retry_ms);
        return;
    }
    json_array_foreach(result, i, one) json_array_append(a->ids, json_object_get(one, "id"));
    if (json_array_size(a->ids))
        write_next(a);
    else
        create(a, 0);
}

static void look(struct attach *a) {
    char *like = mem_printf("%%%s%%", a->mark);
    tryton_call(a->t, "model.ir.note.search_read",
        json_pack("[[[s,s,s],[s,s,s]],i,i,[[s,s]],[s]]", "resource", "=", a->resource, "message",
            "ilike", like, 0, PIECES_MAX, "id", "ASC", "id"),
        on_found, a);
    free(like);
}

/* Is the party there? A note on one that was merged into another would be taken, and seen by
 * nobody. */
static void on_party(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct attach *a = arg;
    struct err gone;
    if (!err && (!json_array_size(result) || json_integer_value(json_object_get(
                                                 json_array_get(result, 0), "replaced_by")))) {
        err_set(&gone, ERR_NOT_FOUND, "the party was deleted in Tryton, or merged into another");
        err = &gone;
    }
    if (err)
        attach_end(a, err, retry_ms);
    else if (a->may_be_there)
        look(a);
    else
        create(a, 0);
}

static void on_nothing_to_do(void *arg) {
    attach_end(arg, NULL, 0);
}

void tryton_attach(struct crm *c, const struct crm_attach *in, crm_done_fn fn, void *arg) {
    struct attach *a = mem_zalloc(sizeof *a);
    const char *direction = json_string_value(json_object_get(in->message, "direction"));
    a->t = tryton_of(c);
    a->fn = fn;
    a->arg = arg;
    a->resource = mem_printf("party.party,%lld", strtoll(in->card_id, NULL, 10));
    a->ids = json_array();
    crm_text_mark(in->message, a->mark);
    struct crm_text_options o = {.markup = CRM_PLAIN,
        .russian = a->t->russian,
        .utc_offset_min = a->t->utc_offset_min,
        .max = PIECE_MAX,
        .public_url = c->public_url,
        .late = in->late};
    a->pieces = crm_text(in->message, in->client, &o);
    a->may_be_there = in->known || in->again;
    if (direction && strcmp(direction, "note") == 0 && !a->t->notes) {
        loop_defer(c->env->loop, on_nothing_to_do, a);
        return;
    }
    json_int_t party = strtoll(in->card_id, NULL, 10);
    tryton_call(a->t, "model.party.party.search_read",
        json_pack("[[[s,s,I]],i,i,n,[s]]", "id", "=", party, 0, 1, "replaced_by"), on_party, a);
}
