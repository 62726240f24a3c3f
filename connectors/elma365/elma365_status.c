/* elma365_status.c - an answer that was written in ELMA365 and could not be sent: one entry says so
 * on the card. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/elma365/elma365_private.h"

struct telling {
    struct elma365 *e;
    crm_step_fn fn;
    void *arg;
    char *card;
    char mark[CRM_MARK_SIZE];
    json_t *message, *client;
};

static void telling_end(struct telling *t, const struct err *err, unsigned retry_ms) {
    t->fn(t->arg, NULL, err, retry_ms);
    free(t->card);
    json_decref(t->message);
    json_decref(t->client);
    free(t);
}

static void on_written(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    telling_end(arg, err, retry_ms);
}

static void write_it(struct telling *t) {
    const struct crm_flow_options *f = &t->e->flow.options;
    struct crm_text_options o = {.markup = f->markup,
        .russian = f->russian,
        .utc_offset_min = f->utc_offset_min,
        .max = f->text_max,
        .links = crm_links(&t->e->flow.base)};
    json_t *texts = crm_text(t->message, t->client, &o);
    struct crm_flow_entry e = {.card = t->card,
        .text = json_string_value(json_array_get(texts, 0)),
        .mark = t->mark,
        .message = t->message,
        .client = t->client,
        .pieces = 1};
    elma365_write(&t->e->flow.base, &e, on_written, t);
    json_decref(texts);
}

static void on_entries(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    if (err || json_array_size(result))
        telling_end(arg, err, retry_ms);
    else
        write_it(arg);
}

void elma365_status(struct crm *c, const struct crm_attach *a, crm_step_fn fn, void *arg) {
    const char *status = json_string_value(json_object_get(a->message, "status"));
    struct telling *t;
    if (!status || strcmp(status, "failed") != 0) {
        elma365_later(elma365_of(c), NULL, NULL, fn, arg);
        return;
    }
    t = mem_zalloc(sizeof *t);
    t->e = elma365_of(c);
    t->fn = fn;
    t->arg = arg;
    t->card = mem_strdup(a->card_id);
    t->message = json_deep_copy(a->message);
    t->client = json_deep_copy(a->client);
    crm_text_mark(a->message, t->mark);
    elma365_list_entries(c, t->card, t->mark, on_entries, t);
}
