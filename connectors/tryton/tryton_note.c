/* tryton_note.c - messages as notes of a party, files as its attachments. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/tryton/tryton_private.h"
#include "core/crm/crm_file.h"

#define NOTES_MAX 10000 /* of a card, when all are asked for */
#define FILE_MAX ((size_t)20 * 1024 * 1024)

struct noting {
    struct crm *crm;
    char *resource; /* "party.party,7" */
    json_t *file;
    char *mark; /* of the file: its description */
    crm_step_fn fn;
    void *arg;
};

static struct noting *noting_create(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    struct noting *n = mem_zalloc(sizeof *n);
    n->crm = c;
    n->resource = mem_printf("party.party,%lld", strtoll(card, NULL, 10));
    n->fn = fn;
    n->arg = arg;
    return n;
}

static void noting_end(struct noting *n, json_t *result, const struct err *err, unsigned retry_ms) {
    n->fn(n->arg, result, err, retry_ms);
    json_decref(result);
    json_decref(n->file);
    free(n->resource);
    free(n->mark);
    free(n);
}

static json_t *named(const json_t *number) {
    return json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(number));
}

/* --- notes ----------------------------------------------------------------------------------- */

/* The id of the last mark in a text, or "". */
static void marked(const char *text, char id[27]) {
    const char *at = NULL;
    for (const char *p = strchr(text, '#'); p; p = strchr(p + 1, '#'))
        at = p;
    size_t n = at ? strspn(at + 1, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") : 0;
    snprintf(id, 27, "%.*s", n == 26 ? 26 : 0, at ? at + 1 : "");
}

static void on_notes(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach(result, i, one) {
        const char *text = json_string_value(json_object_get(one, "message"));
        char id[27];
        marked(text ? text : "", id);
        if (*id)
            json_array_append_new(
                out, json_pack("{s:o,s:s,s:s}", "id", named(json_object_get(one, "id")), "text",
                         text, "message", id));
    }
    noting_end(arg, out, err, retry_ms);
}

static void entries(struct crm *c, const char *card, const char *mark, crm_step_fn fn, void *arg) {
    struct noting *n = noting_create(c, card, fn, arg);
    char *like = mem_printf("%%%s%%", mark ? mark : "#");
    tryton_call(tryton_of(c), "model.ir.note.search_read",
        json_pack("[[[s,s,s],[s,s,s]],i,i,[[s,s]],[s,s]]", "resource", "=", n->resource, "message",
            "ilike", like, 0, NOTES_MAX, "id", "ASC", "id", "message"),
        on_notes, n);
    free(like);
}

static void on_written(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    const json_t *id = json_array_get(result, 0);
    noting_end(
        arg, json_is_integer(id) ? json_pack("{s:o}", "id", named(id)) : NULL, err, retry_ms);
}

static void write_entry(struct crm *c, const struct crm_flow_entry *e, crm_step_fn fn, void *arg) {
    struct noting *n = noting_create(c, e->card, fn, arg);
    tryton_call(tryton_of(c), "model.ir.note.create",
        json_pack("[[{s:s,s:s}]]", "resource", n->resource, "message", e->text), on_written, n);
}

static void rewrite(
    struct crm *c, const char *id, const struct crm_flow_entry *e, crm_step_fn fn, void *arg) {
    tryton_call(tryton_of(c), "model.ir.note.write",
        json_pack("[[I],{s:s}]", (json_int_t)strtoll(id, NULL, 10), "message", e->text), fn, arg);
}

/* --- files ----------------------------------------------------------------------------------- */

static void on_put(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    noting_end(arg, json_object(), err, retry_ms);
}

static void on_bytes(void *arg, const char *text, size_t size, const struct err *err) {
    struct noting *n = arg;
    const char *name = json_string_value(json_object_get(n->file, "name"));
    if (err) {
        noting_end(n, NULL, err, 0);
        return;
    }
    json_t *data = json_pack("{s:s,s:s%}", "__class__", "bytes", "base64", text, size);
    tryton_call(tryton_of(n->crm), "model.ir.attachment.create",
        json_pack("[[{s:s,s:s,s:s,s:s,s:o}]]", "resource", n->resource, "name",
            name && *name ? name : "file", "type", "data", "description", n->mark, "data", data),
        on_put, n);
}

static void on_looked(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct noting *n = arg;
    const char *id = json_string_value(json_object_get(n->file, "id"));
    if (err || json_array_size(result))
        noting_end(n, json_object(), err, retry_ms);
    else
        crm_file_base64(n->crm, id ? id : "", FILE_MAX, on_bytes, n);
}

/* A file stands on the party, not at the note: it is looked for before it is put there. */
static void upload(
    struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg) {
    struct noting *n = noting_create(c, card, fn, arg);
    const char *id = json_string_value(json_object_get(attachment, "id"));
    n->file = json_deep_copy(attachment);
    n->mark = mem_printf("switchboard:%s", id ? id : "");
    tryton_call(tryton_of(c), "model.ir.attachment.search_read",
        json_pack("[[[s,s,s],[s,s,s]],i,i,n,[s]]", "resource", "=", n->resource, "description", "=",
            n->mark, 0, 1, "id"),
        on_looked, n);
}

const struct crm_flow_ops tryton_flow_ops = {
    .look = tryton_look,
    .ways = tryton_ways,
    .find = tryton_find,
    .create = tryton_create,
    .add = tryton_add,
    .rename = tryton_rename,
    .entries = entries,
    .write = write_entry,
    .rewrite = rewrite,
    .upload = upload,
    .looks_before = true,
};
