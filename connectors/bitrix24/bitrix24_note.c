/* bitrix24_note.c - messages as comments of a contact's timeline, with their files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "connectors/bitrix24/bitrix24_private.h"
#include "core/crm/crm_file.h"

#define FILE_MAX ((size_t)20 * 1024 * 1024) /* of all files of a comment */
#define PAGE 50
#define PAGES_AT_ONCE 10           /* of a batch, which is one request */
#define PAGES_MAX 400              /* comments of a card that we look through: 20,000 */
#define CLOCKS_MS (24 * 3600000LL) /* by which the portal's may differ */

/* --- what is there --------------------------------------------------------------------------- */

struct reading {
    struct bitrix24 *b;
    json_int_t card;
    char *mark; /* NULL: all of ours */
    json_t *out;
    int64_t since_ms; /* what is older is not looked for; 0: all */
    unsigned page;
    crm_step_fn fn;
    void *arg;
};

static void read_on(struct reading *r);

static void reading_end(struct reading *r, const struct err *err, unsigned retry_ms) {
    r->fn(r->arg, err ? NULL : r->out, err, retry_ms);
    json_decref(r->out);
    free(r->mark);
    free(r);
}

/* Newest first, no further than to when the message was written. True: there is more to be read. */
static bool take_page(struct reading *r, const json_t *page, struct err *err) {
    int64_t oldest_ms = INT64_MAX;
    int n = bitrix24_comments(page, r->mark, r->out, &oldest_ms);
    r->page++;
    if (n < 0)
        err_set(err, ERR_PROTOCOL, "Bitrix24 was asked for comments and gave none");
    else if (n == PAGE && r->page == PAGES_MAX)
        err_set(err, ERR_TOO_LARGE, "the contact has more than %d comments", PAGE * PAGES_MAX);
    return n == PAGE && !err->code && oldest_ms > r->since_ms;
}

static void on_page(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct reading *r = arg;
    struct err bad = {0};
    bool more = !err && take_page(r, result, &bad);
    if (err || bad.code || !more)
        reading_end(r, err ? err : bad.code ? &bad : NULL, retry_ms);
    else
        read_on(r);
}

static void on_pages(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct reading *r = arg;
    struct bitrix24_answer said = {0};
    bool more = !err;
    for (unsigned i = 0; more && i < PAGES_AT_ONCE; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%u", i);
        const json_t *page = bitrix24_command_result(result, name, &said);
        more = page && take_page(r, page, &said.err);
    }
    if (!err && said.err.code) {
        err = &said.err;
        retry_ms = said.retry_ms;
    }
    if (err || !more)
        reading_end(r, err, retry_ms);
    else
        read_on(r);
}

static json_t *page_params(const struct reading *r, unsigned page) {
    return json_pack("{s:{s:I,s:s},s:[s,s,s],s:{s:s},s:i}", "filter", "ENTITY_ID", r->card,
        "ENTITY_TYPE", "contact", "select", "ID", "COMMENT", "CREATED", "order", "ID", "DESC",
        "start", (int)(page * PAGE));
}

static void read_on(struct reading *r) {
    static const char method[] = "crm.timeline.comment.list";
    if (r->page == 0) {
        bitrix24_call(r->b, method, page_params(r, 0), on_page, r);
        return;
    }
    json_t *cmd = json_object();
    for (unsigned i = 0; i < PAGES_AT_ONCE; i++) {
        char name[16];
        json_t *params = page_params(r, r->page + i);
        snprintf(name, sizeof name, "p%u", i);
        json_object_set_new(cmd, name, bitrix24_command(method, params, ""));
        json_decref(params);
    }
    bitrix24_call(r->b, "batch", json_pack("{s:i,s:o}", "halt", 1, "cmd", cmd), on_pages, r);
}

static void entries(struct crm *c, const char *card, const char *mark, crm_step_fn fn, void *arg) {
    struct reading *r = mem_zalloc(sizeof *r);
    r->b = bitrix24_of(c);
    r->card = strtoll(card, NULL, 10);
    r->mark = mark ? mem_strdup(mark) : NULL;
    if (mark && id_is_valid(mark + 1))
        r->since_ms = id_time_ms(mark + 1) - CLOCKS_MS;
    r->out = json_array();
    r->fn = fn;
    r->arg = arg;
    read_on(r);
}

/* --- writing --------------------------------------------------------------------------------- */

struct writing {
    crm_step_fn fn;
    void *arg;
};

static struct writing *writing_create(crm_step_fn fn, void *arg) {
    struct writing *w = mem_alloc(sizeof *w);
    *w = (struct writing){fn, arg};
    return w;
}

static void on_written(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct writing *w = arg;
    struct err bad;
    json_t *id = err ? NULL : bitrix24_id(result);
    json_t *out = id ? json_pack("{s:o}", "id", id) : NULL;
    if (!err && !out)
        err = (err_set(&bad, ERR_PROTOCOL, "Bitrix24 took a comment and did not say which it is"),
            &bad);
    w->fn(w->arg, out, err, retry_ms);
    json_decref(out);
    free(w);
}

static void write_entry(struct crm *c, const struct crm_flow_entry *e, crm_step_fn fn, void *arg) {
    json_t *fields = json_pack("{s:I,s:s,s:s}", "ENTITY_ID", (json_int_t)strtoll(e->card, NULL, 10),
        "ENTITY_TYPE", "contact", "COMMENT", e->text);
    bool has_files = json_array_size(e->files) > 0;
    if (has_files)
        json_object_set(fields, "FILES", (json_t *)e->files);
    (has_files ? bitrix24_call : bitrix24_call_small)(bitrix24_of(c), "crm.timeline.comment.add",
        json_pack("{s:o}", "fields", fields), on_written, writing_create(fn, arg));
}

static void rewrite(
    struct crm *c, const char *id, const struct crm_flow_entry *e, crm_step_fn fn, void *arg) {
    bitrix24_call_small(bitrix24_of(c), "crm.timeline.comment.update",
        json_pack(
            "{s:I,s:{s:s}}", "id", (json_int_t)strtoll(id, NULL, 10), "fields", "COMMENT", e->text),
        fn, arg);
}

/* --- files ----------------------------------------------------------------------------------- */

struct bringing {
    char *name;
    crm_step_fn fn;
    void *arg;
};

static void on_bytes(void *arg, const char *text, size_t n, const struct err *err) {
    struct bringing *f = arg;
    json_t *file = err ? NULL : json_pack("[s,s%]", f->name, text, n);
    f->fn(f->arg, file, err, 0);
    json_decref(file);
    free(f->name);
    free(f);
}

/* A comment brings its files itself: here they are only read. */
static void upload(
    struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg) {
    struct bringing *f = mem_zalloc(sizeof *f);
    const char *name = json_string_value(json_object_get(attachment, "name"));
    const char *id = json_string_value(json_object_get(attachment, "id"));
    (void)card;
    f->name = mem_strdup(name && *name ? name : "file");
    f->fn = fn;
    f->arg = arg;
    crm_file_base64(c, id ? id : "", FILE_MAX, on_bytes, f);
}

const struct crm_flow_ops bitrix24_flow_ops = {
    .look = bitrix24_look,
    .find = bitrix24_find,
    .create = bitrix24_create,
    .add = bitrix24_add,
    .entries = entries,
    .write = write_entry,
    .rewrite = rewrite,
    .upload = upload,
    .files_max = FILE_MAX,
    .assign = bitrix24_assign,
    .rename = bitrix24_rename,
};
