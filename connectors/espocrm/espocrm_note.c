/* espocrm_note.c - messages as posts in the stream of a record. */
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/mem.h"
#include "connectors/espocrm/espocrm_private.h"
#include "core/crm/crm_file.h"

#define PAGES_MAX 500
#define FILE_MAX ((size_t)20 * 1024 * 1024)

struct step {
    struct espocrm *e;
    crm_step_fn fn;
    void *arg;
    char *card;
    /* entries */
    char *mark; /* NULL: all of ours */
    json_t *entries;
    unsigned offset;
    /* upload */
    char *name, *mime;
};

static struct step *step_create(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    struct step *s = mem_zalloc(sizeof *s);
    s->e = espocrm_of(c);
    s->fn = fn;
    s->arg = arg;
    s->card = mem_strdup(card);
    return s;
}

static void step_end(
    struct step *s, const json_t *result, const struct err *err, unsigned retry_ms) {
    s->fn(s->arg, err ? NULL : result, err, retry_ms);
    json_decref(s->entries);
    free(s->card);
    free(s->mark);
    free(s->name);
    free(s->mime);
    free(s);
}

/* The id that a new record got, for the caller. */
static void end_made(
    struct step *s, const json_t *result, const struct err *err, unsigned retry_ms) {
    const char *id = espocrm_id(result);
    struct err bad;
    if (!err && !id)
        err = (err_set(&bad, ERR_PROTOCOL, "EspoCRM made a record and did not say which"), &bad);
    json_t *out = err ? NULL : json_pack("{s:s}", "id", id);
    step_end(s, out, err, retry_ms);
    json_decref(out);
}

/* --- what is there --------------------------------------------------------------------------- */

static void list_page(struct step *s);

static void add_entry(struct step *s, const json_t *note) {
    const char *id = espocrm_id(note), *post = json_text(note, "post");
    char message[ESPOCRM_MESSAGE_SIZE];
    if (id && espocrm_message_of(post, message) && (!s->mark || strcmp(s->mark + 1, message) == 0))
        json_array_append_new(
            s->entries, json_pack("{s:s,s:s,s:s}", "id", id, "text", post, "message", message));
}

static void on_page(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    struct err bad;
    const json_t *list = err ? NULL : espocrm_list(result, &bad);
    size_t i;
    json_t *note;
    if (!list) {
        step_end(s, NULL, err ? err : &bad, retry_ms);
        return;
    }
    json_array_foreach(list, i, note) add_entry(s, note);
    s->offset += ESPOCRM_PAGE;
    if (json_array_size(list) < ESPOCRM_PAGE || s->offset >= ESPOCRM_PAGE * PAGES_MAX)
        step_end(s, s->entries, NULL, 0);
    else
        list_page(s);
}

static void list_page(struct step *s) {
    char *path = espocrm_notes_path(&s->e->fields, s->card, s->mark ? s->mark : "#", s->offset);
    espocrm_call(s->e, "GET", path, NULL, on_page, s);
    free(path);
}

static void on_there(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    if (err)
        step_end(arg, result, err, retry_ms);
    else
        list_page(arg);
}

/* The posts of a record that is gone may be listed still. */
void espocrm_entries(struct crm *c, const char *card, const char *mark, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, card, fn, arg);
    s->mark = mem_strdup(mark);
    s->entries = json_array();
    if (mark)
        list_page(s);
    else
        espocrm_call_record(s->e, "GET", s->e->fields.entity, card, NULL, on_there, s);
}

/* --- posts ----------------------------------------------------------------------------------- */

static json_t *post_of(const struct crm_flow_entry *e) {
    json_t *out = json_pack("{s:s}", "post", e->text), *ids = json_array(), *file;
    size_t i;
    json_array_foreach(e->files, i, file) json_array_append(ids, json_object_get(file, "id"));
    if (e->files) /* exactly these, also none: the last piece has them */
        json_object_set(out, "attachmentsIds", ids);
    json_decref(ids);
    return out;
}

static void on_parent(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct err denied;
    (void)result;
    if (!err)
        err = (err_set(&denied, ERR_DENIED,
                   "EspoCRM does not let the gateway's user post in the stream of this record: "
                   "look at his role"),
            &denied);
    step_end(arg, NULL, err, retry_ms);
}

/* "No access to parent" is said of a record that is gone as of one that we may not see. */
static void on_posted(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct step *s = arg;
    if (err && err->code == ERR_DENIED)
        espocrm_call_record(s->e, "GET", s->e->fields.entity, s->card, NULL, on_parent, s);
    else
        end_made(s, result, err, retry_ms);
}

void espocrm_write(struct crm *c, const struct crm_flow_entry *entry, crm_step_fn fn, void *arg) {
    struct espocrm *e = espocrm_of(c);
    json_t *body = post_of(entry);
    json_object_set_new(body, "type", json_string("Post"));
    json_object_set_new(body, "parentType", json_string(e->fields.entity));
    json_object_set_new(body, "parentId", json_string(entry->card));
    espocrm_call(e, "POST", "Note", body, on_posted, step_create(c, entry->card, fn, arg));
}

/* A post that is older than a week (noteEditThresholdPeriod) stays as it is; the new one says what
 * has changed. */
static void on_rewritten(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct err old;
    if (err && err->code == ERR_DENIED)
        err = (err_set(&old, ERR_NOT_FOUND, "EspoCRM lets the post not be changed any more"), &old);
    end_made(arg, result, err, retry_ms);
}

void espocrm_rewrite(
    struct crm *c, const char *id, const struct crm_flow_entry *entry, crm_step_fn fn, void *arg) {
    espocrm_call_record(espocrm_of(c), "PUT", "Note", id, post_of(entry), on_rewritten,
        step_create(c, entry->card, fn, arg));
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
    char *data = mem_printf("data:%s;base64,%.*s", s->mime, (int)n, text);
    json_t *body = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "name", s->name, "type", s->mime, "role",
        "Attachment", "relatedType", "Note", "field", "attachments", "file", data);
    free(data);
    espocrm_call(s->e, "POST", "Attachment", body, on_uploaded, s);
}

void espocrm_upload(
    struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg) {
    struct step *s = step_create(c, card, fn, arg);
    s->name = espocrm_file_name(attachment);
    s->mime = mem_strdup(espocrm_file_type(attachment));
    crm_file_base64(c, json_text(attachment, "id"), FILE_MAX, on_file, s);
}
