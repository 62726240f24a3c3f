/* odoo_note.c - messages as notes (mail.mt_note: nobody is sent a mail) in a contact's chatter. */
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/mem.h"
#include "connectors/odoo/odoo_private.h"
#include "core/crm/crm_file.h"

#define CONTACT "res.partner"
#define PAGES_MAX 500

struct step {
    struct odoo *o;
    crm_step_fn fn;
    void *arg;
    json_int_t card;
    char *mark; /* entries: NULL: all of ours */
    json_t *entries;
    unsigned offset;
    char *file, *name, *id; /* upload */
};

static struct step *step_create(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    struct step *s = mem_zalloc(sizeof *s);
    s->o = odoo_of(c);
    s->fn = fn;
    s->arg = arg;
    s->card = strtoll(card, NULL, 10);
    return s;
}

static void step_end(
    struct step *s, const json_t *result, const struct err *err, unsigned retry_ms) {
    s->fn(s->arg, err ? NULL : result, err, retry_ms);
    json_decref(s->entries);
    free(s->mark);
    free(s->file);
    free(s->name);
    free(s->id);
    free(s);
}

/* The id of what was made, as text. */
static void end_made(struct step *s, const json_t *id, const struct err *err, unsigned retry_ms) {
    struct err bad;
    if (!err && !odoo_id(id))
        err = (err_set(&bad, ERR_PROTOCOL, "Odoo made a record and did not say which"), &bad);
    char *text = mem_printf("%lld", (long long)odoo_id(id));
    json_t *out = json_pack("{s:s}", "id", text);
    step_end(s, out, err, retry_ms);
    json_decref(out);
    free(text);
}

/* --- what is there --------------------------------------------------------------------------- */

static void list_page(struct step *s);

static void add_entry(struct step *s, const json_t *note) {
    char message[ODOO_MESSAGE_SIZE];
    json_int_t id = odoo_id(json_object_get(note, "id"));
    if (!id || !odoo_message_of(json_text(note, "message_id"), message) ||
        (s->mark && strcmp(s->mark + 1, message) != 0))
        return;
    char *text = mem_printf("%lld", (long long)id);
    json_array_append_new(s->entries, json_pack("{s:s,s:s,s:s}", "id", text, "text",
                                          json_text(note, "body"), "message", message));
    free(text);
}

static void on_page(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    struct err bad;
    size_t i;
    json_t *note;
    if (!err && !json_is_array(result))
        err = (err_set(&bad, ERR_PROTOCOL, "Odoo answered a search with what is no list"), &bad);
    if (err) {
        step_end(s, NULL, err, retry_ms);
        return;
    }
    json_array_foreach(result, i, note) add_entry(s, note);
    s->offset += ODOO_PAGE;
    if (json_array_size(result) < ODOO_PAGE || s->offset >= ODOO_PAGE * PAGES_MAX)
        step_end(s, s->entries, NULL, 0);
    else
        list_page(s);
}

static void list_page(struct step *s) {
    char *like = mem_printf("<switchboard.%s%%", s->mark ? s->mark + 1 : "");
    odoo_search(s->o, "mail.message",
        json_pack("[[s,s,s],[s,s,I],[s,s,s]]", "model", "=", CONTACT, "res_id", "=", s->card,
            "message_id", "=like", like),
        json_pack("[s,s]", "message_id", "body"), s->offset, ODOO_PAGE, on_page, s);
    free(like);
}

static void on_there(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    if (err)
        step_end(arg, result, err, retry_ms);
    else
        list_page(arg);
}

void odoo_entries(struct crm *c, const char *card, const char *mark, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, card, fn, arg);
    s->mark = mem_strdup(mark);
    s->entries = json_array();
    if (mark)
        list_page(s);
    else
        odoo_look(c, card, on_there, s);
}

/* --- notes ----------------------------------------------------------------------------------- */

static json_t *files_of(const struct crm_flow_entry *e) {
    json_t *out = json_array(), *file;
    size_t i;
    json_array_foreach(e->files, i, file)
        json_array_append_new(out, json_integer(strtoll(json_text(file, "id"), NULL, 10)));
    return out;
}

static void on_posted(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    end_made(arg, result, err, retry_ms);
}

void odoo_post(struct odoo *o, json_int_t card, const char *text, const char *name, json_t *files,
    crm_step_fn fn, void *arg) {
    odoo_ask(o, CONTACT, "message_post", json_pack("[I]", card),
        json_pack("{s:s,s:b,s:s,s:s,s:s,s:o}", "body", text, "body_is_html", 1, "message_type",
            "comment", "subtype_xmlid", "mail.mt_note", "message_id", name, "attachment_ids",
            files),
        fn, arg);
}

/* Our name of it is its message_id, which has an index; that the note comes once is our care. */
void odoo_write(struct crm *c, const struct crm_flow_entry *e, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, e->card, fn, arg);
    char *name = mem_printf("<switchboard.%s.%zu@gateway>", e->mark + 1, e->piece);
    odoo_post(s->o, s->card, e->text, name, files_of(e), on_posted, s);
    free(name);
}

/* What may not be changed stays; the new one says what has changed. */
static void on_rewritten(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct err gone;
    if (err && err->code == ERR_DENIED)
        err = (err_set(&gone, ERR_NOT_FOUND, "%s", err->text), &gone);
    step_end(arg, result, err, retry_ms);
}

void odoo_rewrite(
    struct crm *c, const char *id, const struct crm_flow_entry *e, crm_step_fn fn, void *arg) {
    json_t *values = json_pack("{s:s}", "body", e->text);
    if (e->files) /* exactly these, also none: the last piece has them */
        json_object_set_new(values, "attachment_ids", json_pack("[[i,i,o]]", 6, 0, files_of(e)));
    odoo_ask(odoo_of(c), "mail.message", "write",
        json_pack("[I]", (json_int_t)strtoll(id, NULL, 10)), json_pack("{s:o}", "vals", values),
        on_rewritten, step_create(c, e->card, fn, arg));
}

/* --- files ----------------------------------------------------------------------------------- */

static void on_uploaded(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    end_made(arg, result, err, retry_ms);
}

static void on_file(void *arg, const char *text, size_t n, const struct err *err) {
    struct step *s = arg;
    if (err) {
        step_end(s, NULL, err, 0);
        return;
    }
    json_t *values = json_pack("{s:s,s:s%,s:s,s:I,s:s}", "name", s->name, "datas", text, n,
        "res_model", CONTACT, "res_id", s->card, "description", s->mark);
    odoo_ask(s->o, "ir.attachment", "create", NULL, json_pack("{s:[o]}", "vals_list", values),
        on_uploaded, s);
}

/* It is there already when an answer was lost. */
static void on_file_found(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    const json_t *id = json_object_get(json_array_get(result, 0), "id");
    if (err || odoo_id(id))
        end_made(s, id, err, retry_ms);
    else
        crm_file_base64(&s->o->flow.base, s->file, ODOO_FILE_MAX, on_file, s);
}

void odoo_upload(
    struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, card, fn, arg);
    const char *name = json_text(attachment, "name");
    s->file = mem_strdup(json_text(attachment, "id"));
    s->name = mem_strdup(*name ? name : "file");
    s->mark = mem_printf("switchboard:%s", s->file);
    odoo_search(s->o, "ir.attachment",
        json_pack("[[s,s,s],[s,s,I],[s,s,s]]", "res_model", "=", CONTACT, "res_id", "=", s->card,
            "description", "=", s->mark),
        json_pack("[s]", "name"), 0, 1, on_file_found, s);
}
