/* elma365_feed.c - a card's feed: what of ours is in it, and one more. Nothing there can be written
 * over. */
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/elma365/elma365_private.h"
#include "core/crm/crm_fields.h"

#define PAGE 100
#define PAGES_MAX 200
#define HEADS_MAX 10000
#define TITLE_MAX 200

static json_t *list_body(const char *word, size_t from) {
    json_t *filter = *word ? json_pack("{s:[s]}", "bodyKeywords", word) : json_object();
    return json_pack("{s:o,s:I,s:i}", "filter", filter, "from", (json_int_t)from, "size", PAGE);
}

/* --- what of ours is there ------------------------------------------------------------------- */

struct listing {
    struct elma365 *e;
    crm_step_fn fn;
    void *arg;
    char *card;
    char message[ID_SIZE]; /* "" all */
    json_t *entries;
    size_t from, pages;
};

static void list_page(struct listing *l);

static void listing_end(struct listing *l, const struct err *err, unsigned retry_ms) {
    json_t *out = err ? NULL : elma365_in_order(l->entries);
    l->fn(l->arg, out, err, retry_ms);
    json_decref(out);
    json_decref(l->entries);
    free(l->card);
    free(l);
}

static void on_page(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct listing *l = arg;
    struct err bad;
    if (err) {
        listing_end(l, err, retry_ms);
        return;
    }
    long n =
        elma365_entries(result, &l->e->names, *l->message ? l->message : NULL, l->entries, &bad);
    if (n < 0) {
        listing_end(l, &bad, 0);
        return;
    }
    l->from += (size_t)n;
    l->pages++;
    if (n < PAGE || l->pages >= PAGES_MAX)
        listing_end(l, NULL, 0);
    else
        list_page(l);
}

/* Keywords are looked for in messages, not in comments: there all is read. */
static void list_page(struct listing *l) {
    struct elma365_place at = {.card = l->card};
    const char *word = l->e->comments ? "" : l->message;
    elma365_call(l->e, l->e->names.of[NAME_LIST], &at, list_body(word, l->from), on_page, l);
}

void elma365_list_entries(
    struct crm *c, const char *card, const char *mark, crm_step_fn fn, void *arg) {
    struct listing *l = mem_zalloc(sizeof *l);
    l->e = elma365_of(c);
    l->fn = fn;
    l->arg = arg;
    l->card = mem_strdup(card);
    l->entries = json_array();
    if (mark && *mark == '#')
        memcpy(l->message, mark + 1, strnlen(mark + 1, ID_LEN));
    list_page(l);
}

/* --- one more -------------------------------------------------------------------------------- */

struct writing {
    struct elma365 *e;
    crm_step_fn fn;
    void *arg;
    char *card, *text, *mark, *title;
    char *head_key; /* "<card> <thread>" */
    json_t *files;
    bool looked_anew; /* the head that we remembered was gone */
};

static void writing_end(
    struct writing *w, const json_t *result, const struct err *err, unsigned retry_ms) {
    w->fn(w->arg, result, err, retry_ms);
    free(w->card);
    free(w->text);
    free(w->mark);
    free(w->title);
    free(w->head_key);
    json_decref(w->files);
    free(w);
}

static void write_entry(struct writing *w);
static void find_head(struct writing *w);

static bool is_gone(const struct writing *w, const struct err *err) {
    return err && err->code == ERR_NOT_FOUND && w->e->comments && !w->looked_anew;
}

/* What was written is called by its mark where the answer does not name it. */
static void on_written(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct writing *w = arg;
    const char *id = json_string_value(crm_at(result, w->e->names.of[NAME_MESSAGE_ID]));
    if (err && err->code == ERR_INVALID && json_array_size(w->files)) {
        LOG_WARN(w->e->flow.base.env->log, "elma365.files_refused",
            LOG_S("target", w->e->flow.base.target), LOG_S("message", w->mark), LOG_E(err));
        json_array_clear(w->files); /* the text names them */
        write_entry(w);
    } else if (is_gone(w, err)) {
        w->looked_anew = true;
        json_object_del(w->e->heads, w->head_key);
        find_head(w);
    } else if (err) {
        writing_end(w, NULL, err, retry_ms);
    } else {
        json_t *told = json_pack("{s:s}", "id", id && *id && !strpbrk(id, " ,+\n") ? id : w->mark);
        writing_end(w, told, NULL, 0);
        json_decref(told);
    }
}

static void write_entry(struct writing *w) {
    const struct elma365_names *n = &w->e->names;
    const char *head = w->e->comments ? json_text(w->e->heads, w->head_key) : NULL;
    struct elma365_place at = {.card = w->card, .message = head};
    json_t *body = json_pack("{s:s}", "body", w->text);
    if (!head)
        json_object_set_new(body, "title", json_string(w->title));
    if (json_array_size(w->files))
        json_object_set(body, n->of[NAME_FILES], w->files);
    elma365_call(w->e, n->of[head ? NAME_COMMENT : NAME_MESSAGE], &at, body, on_written, w);
}

/* --- the message that is commented on: one of each dialogue ---------------------------------- */

static const char *thread_of(const struct writing *w) {
    return strchr(w->head_key, ' ') + 1;
}

static void take_head(struct writing *w, const char *id) {
    if (json_object_size(w->e->heads) >= HEADS_MAX)
        json_object_clear(w->e->heads);
    json_object_set_new(w->e->heads, w->head_key, json_string(id));
    write_entry(w);
}

static void on_head_made(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct writing *w = arg;
    const char *id = json_string_value(crm_at(result, w->e->names.of[NAME_MESSAGE_ID]));
    struct err bad;
    if (!err && (!id || !*id))
        err = (err_set(&bad, ERR_PROTOCOL,
                   "ELMA365's answer has no id of the new message at %s: correct it in the setting "
                   "names",
                   w->e->names.of[NAME_MESSAGE_ID]),
            &bad);
    if (err)
        writing_end(w, NULL, err, retry_ms);
    else
        take_head(w, id);
}

static void make_head(struct writing *w) {
    struct elma365_place at = {.card = w->card};
    char *text =
        mem_printf("%s %s", w->e->flow.options.russian ? "Диалог" : "Dialogue", thread_of(w));
    elma365_call(w->e, w->e->names.of[NAME_MESSAGE], &at,
        json_pack("{s:s,s:s}", "title", w->title, "body", text), on_head_made, w);
    free(text);
}

static void on_heads(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct writing *w = arg;
    struct err bad;
    json_t *scrap = json_array();
    const char *id = elma365_message_with(result, &w->e->names, thread_of(w));
    if (!err && elma365_entries(result, &w->e->names, NULL, scrap, &bad) < 0)
        err = &bad;
    if (err)
        writing_end(w, NULL, err, retry_ms);
    else if (*id)
        take_head(w, id);
    else
        make_head(w);
    json_decref(scrap);
}

static void find_head(struct writing *w) {
    struct elma365_place at = {.card = w->card};
    if (*json_text(w->e->heads, w->head_key))
        write_entry(w);
    else
        elma365_call(w->e, w->e->names.of[NAME_LIST], &at, list_body(thread_of(w), 0), on_heads, w);
}

void elma365_write(struct crm *c, const struct crm_flow_entry *entry, crm_step_fn fn, void *arg) {
    struct writing *w = mem_zalloc(sizeof *w);
    const char *name = json_text(entry->client, "name");
    w->e = elma365_of(c);
    w->fn = fn;
    w->arg = arg;
    w->card = mem_strdup(entry->card);
    w->text = mem_strdup(entry->text);
    w->mark = mem_strdup(entry->mark);
    w->title = mem_printf("%.*s", TITLE_MAX, *name ? name : "Switchboard");
    utf8_repair(w->title);
    w->head_key = mem_printf("%s %s", entry->card, json_text(entry->message, "thread"));
    w->files = json_copy((json_t *)entry->files);
    if (w->e->comments)
        find_head(w);
    else
        write_entry(w);
}
