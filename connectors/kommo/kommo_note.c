/* kommo_note.c - messages as notes of a contact. There is no search in notes: they are read from
 * the time of the message on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/kommo/kommo_private.h"

#define PAGES_MAX 400

struct noting {
    struct kommo *k;
    char *card, *mark;
    char *id; /* of a note that is written over */
    json_t *found;
    unsigned page;
    crm_step_fn fn;
    void *arg;
};

static struct noting *noting_create(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    struct noting *n = mem_zalloc(sizeof *n);
    n->k = kommo_of(c);
    n->card = mem_printf("%lld", strtoll(card, NULL, 10));
    n->fn = fn;
    n->arg = arg;
    return n;
}

static void noting_end(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct noting *n = arg;
    n->fn(n->arg, err ? NULL : result, err, retry_ms);
    json_decref(n->found);
    free(n->card);
    free(n->mark);
    free(n->id);
    free(n);
}

/* --- which are there ------------------------------------------------------------------------- */

static void next_page(struct noting *n);

static void on_talked(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct noting *n = arg;
    json_t *all = err ? NULL : json_copy((json_t *)result);
    json_array_extend(all, n->found);
    noting_end(n, all, err, retry_ms);
    json_decref(all);
}

/* Where there is a chat, all that is asked for is what it holds, and then the notes. */
static void talked_before(struct noting *n) {
    if (n->k->chat.on && !n->mark)
        kommo_talk_entries(n->k, n->card, on_talked, n);
    else
        noting_end(n, n->found, NULL, 0);
}

/* None of ours: is there such a contact at all? */
static void on_none(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct noting *n = arg;
    struct err what;
    if (!err && kommo_check_one(result, &what) < 0)
        err = &what;
    if (err)
        noting_end(n, NULL, err, retry_ms);
    else
        talked_before(n);
}

static void on_page(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct noting *n = arg;
    struct err what;
    if (!err && kommo_check_list(result, "notes", &what) < 0)
        err = &what;
    if (err) {
        noting_end(n, NULL, err, retry_ms);
        return;
    }
    kommo_entries(result, n->mark, n->found);
    if (kommo_has_next(result) && n->page < PAGES_MAX) {
        next_page(n);
    } else if (json_array_size(n->found) || n->mark) {
        talked_before(n);
    } else {
        char *path = mem_printf("/contacts/%s", n->card);
        kommo_call(n->k, "GET", path, NULL, on_none, n);
        free(path);
    }
}

static void next_page(struct noting *n) {
    char since[64] = "";
    long long from = n->mark ? kommo_mark_since(n->mark) : 0;
    if (from)
        snprintf(since, sizeof since, "&filter%%5Bupdated_at%%5D%%5Bfrom%%5D=%lld", from);
    char *path = mem_printf("/contacts/%s/notes?filter%%5Bnote_type%%5D=common&order%%5Bid%%5D=asc"
                            "&limit=" KOMMO_PAGE "&page=%u%s",
        n->card, ++n->page, since);
    kommo_call(n->k, "GET", path, NULL, on_page, n);
    free(path);
}

static void entries(struct crm *c, const char *card, const char *mark, crm_step_fn fn, void *arg) {
    struct noting *n = noting_create(c, card, fn, arg);
    n->mark = mem_strdup(mark);
    n->found = json_array();
    next_page(n);
}

/* --- writing --------------------------------------------------------------------------------- */

static bool may_be_gone(const struct err *err) {
    return err->code == ERR_INVALID || err->code == ERR_NOT_FOUND;
}

static void on_written(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct noting *n = arg;
    long long id = kommo_first_id(result, "notes");
    if (err && may_be_gone(err)) {
        char *path = mem_printf("/contacts/%s", n->card);
        kommo_is_it_gone(n->k, path, err, noting_end, n);
        free(path);
        return;
    }
    json_t *told = id > 0 ? json_pack("{s:o}", "id", json_sprintf("%lld", id)) : json_object();
    noting_end(n, told, err, retry_ms);
    json_decref(told);
}

static void write_entry(struct crm *c, const struct crm_flow_entry *e, crm_step_fn fn, void *arg) {
    struct noting *n = noting_create(c, e->card, fn, arg);
    kommo_call(n->k, "POST", "/contacts/notes",
        json_pack("[{s:I,s:s,s:{s:s}}]", "entity_id", (json_int_t)strtoll(n->card, NULL, 10),
            "note_type", "common", "params", "text", e->text),
        on_written, n);
}

static void on_rewritten(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct noting *n = arg;
    if (err && may_be_gone(err)) {
        char *path = mem_printf("/contacts/%s/notes/%s", n->card, n->id);
        kommo_is_it_gone(n->k, path, err, noting_end, n);
        free(path);
        return;
    }
    noting_end(n, result, err, retry_ms);
}

static void rewrite(
    struct crm *c, const char *id, const struct crm_flow_entry *e, crm_step_fn fn, void *arg) {
    struct noting *n = noting_create(c, e->card, fn, arg);
    n->id = mem_printf("%lld", strtoll(id, NULL, 10));
    kommo_call(n->k, "PATCH", "/contacts/notes",
        json_pack("[{s:I,s:I,s:s,s:{s:s}}]", "id", (json_int_t)strtoll(id, NULL, 10), "entity_id",
            (json_int_t)strtoll(n->card, NULL, 10), "note_type", "common", "params", "text",
            e->text),
        on_rewritten, n);
}

const struct crm_flow_ops kommo_flow_ops = {
    .look = kommo_look,
    .find = kommo_find,
    .create = kommo_create,
    .add = kommo_add,
    .entries = entries,
    .write = write_entry,
    .rewrite = rewrite,
    .assign = kommo_assign,
    .rename = kommo_rename,
    .upload = kommo_upload,
};
