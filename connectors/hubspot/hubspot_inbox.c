/* hubspot_inbox.c - dialogues in HubSpot's own inbox: a message goes there under its id, which
 * HubSpot takes once; what an operator writes comes back, and what became of it is told. Files that
 * we have only later are a message of their own: how many are there is remembered with its name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/mem.h"
#include "connectors/hubspot/hubspot_channel.h"
#include "connectors/hubspot/hubspot_private.h"
#include "core/crm/crm_text.h"

#define TEXT_MAX 60000

struct sending {
    struct hubspot *h;
    crm_done_fn fn;
    void *arg;
    char *card, *known;
    json_t *message, *client;
    json_t *files; /* [{"id","kind"}]: brought */
    size_t next;   /* attachment */
    size_t ready;  /* attachments that we have */
    struct hubspot_there there;
    bool more;    /* nothing but files that were not there yet */
    bool as_note; /* all that is to be known of it is in the text */
};

static void sending_end(
    struct sending *s, const char *id, const struct err *err, unsigned retry_ms) {
    s->fn(s->arg,
        &(struct crm_outcome){.err = err, .retry_ms = retry_ms, .external_id = err ? NULL : id});
    free(s->card);
    free(s->known);
    json_decref(s->message);
    json_decref(s->client);
    json_decref(s->files);
    free(s);
}

/* --- what became of it ----------------------------------------------------------------------- */

static void on_status(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct sending *s = arg;
    (void)result;
    if (err && (err->code == ERR_NOT_FOUND || err->code == ERR_INVALID))
        err = NULL; /* the conversation was deleted there */
    sending_end(s, s->known, err, retry_ms);
}

void hubspot_tell_status(struct hubspot *h, const char *id, const char *status, const char *why,
    crm_step_fn fn, void *arg) {
    char *path = mem_printf("/%s", id);
    json_t *body = json_pack("{s:s}", "statusType", status);
    if (*why)
        json_object_set_new(body, "errorMessage", json_string(why));
    hubspot_channel_call(h, "PATCH", path, body, fn, arg);
    free(path);
}

static void on_nothing_to_do(void *arg) {
    struct sending *s = arg;
    sending_end(s, s->known, NULL, 0);
}

static void tell(struct sending *s) {
    const char *status = hubspot_status(json_text(s->message, "status"));
    const char *why = json_text(json_object_get(s->message, "error"), "text");
    if (status && s->known && *s->known)
        hubspot_tell_status(
            s->h, s->known, status, strcmp(status, "FAILED") == 0 ? why : "", on_status, s);
    else
        loop_defer(s->h->flow.base.env->loop, on_nothing_to_do, s);
}

/* --- a message ------------------------------------------------------------------------------- */

/* How many of our files are there now: HubSpot's answer is the message that it has by this key,
 * which an earlier try may have brought there with fewer. */
static size_t files_there(const struct sending *s, const json_t *result) {
    const json_t *told = json_object_get(result, "attachments");
    size_t sent = json_array_size(s->files);
    bool all = !json_is_array(told) || json_array_size(told) >= sent;
    return all ? s->ready : s->there.files + json_array_size(told);
}

static void on_posted(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct sending *s = arg;
    const char *id = json_text(result, "id");
    struct err bad;
    bool is_word = *id && strlen(id) < 150 && !strpbrk(id, " ,+\n/");
    if (err && err->code == ERR_CONFLICT) { /* it has this key, and does not say with what */
        err = NULL;
        s->there.files = s->more ? s->ready : s->there.files;
    } else if (!err && !*id) {
        err = (err_set(&bad, ERR_PROTOCOL, "HubSpot took a message and did not say which"), &bad);
    } else if (!err) {
        s->there.files = files_there(s, result);
    }
    if (is_word && !s->more)
        snprintf(s->there.id, sizeof s->there.id, "%s", id);
    snprintf(s->there.changed, sizeof s->there.changed, "%s", hubspot_changed(s->message));
    char *name = hubspot_there_text(&s->there);
    sending_end(s, name, err, retry_ms);
    free(name);
}

/* The bare text, or with a headline when there is more to say of it. */
static char *text_of(const struct sending *s) {
    const json_t *m = s->message;
    if (s->more && !s->as_note)
        return mem_strdup("");
    bool plain = !s->as_note && *json_text(m, "text") && !*json_text(m, "edited_at") &&
                 !*json_text(m, "deleted_at") && !*json_text(m, "subject") &&
                 !json_object_get(m, "location") && !json_object_get(m, "contact");
    if (plain || (!s->as_note && !*json_text(m, "text") && json_array_size(s->files)))
        return mem_strdup(json_text(m, "text"));
    struct crm_text_options o = {.markup = CRM_PLAIN,
        .russian = s->h->flow.options.russian,
        .utc_offset_min = s->h->flow.options.utc_offset_min,
        .max = TEXT_MAX,
        .links = crm_links(&s->h->flow.base)};
    json_t *pieces = crm_text(m, s->client, &o);
    char *text = mem_strdup(json_string_value(json_array_get(pieces, 0)));
    json_decref(pieces);
    return text;
}

/* The message's own; what has changed is sent once more, under another key, and so are files that
 * come later. */
static char *key_of(const struct sending *s) {
    const char *id = json_text(s->message, "id"), *changed = hubspot_changed(s->message);
    const char *dash = *changed ? "-" : "";
    return s->more ? mem_printf("%s%s%s+%zu", id, dash, changed, s->there.files)
                   : mem_printf("%s%s%s", id, dash, changed);
}

static void post(struct sending *s) {
    char *text = text_of(s), *key = key_of(s);
    struct hubspot_message m = {.message = s->message,
        .client = s->client,
        .text = text,
        .account = s->h->account,
        .address = s->h->address,
        .card = s->card,
        .key = key,
        .files = s->files};
    hubspot_channel_call(s->h, "POST", "", hubspot_message_body(&m), on_posted, s);
    free(key);
    free(text);
}

static void bring_next(struct sending *s);

static void on_brought(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct sending *s = arg;
    json_t *one = json_array_get(json_object_get(s->message, "attachments"), s->next);
    if (crm_waits(err)) {
        sending_end(s, NULL, err, retry_ms);
        return;
    }
    if (err)
        s->as_note = true; /* a link to it is in the text */
    else
        json_array_append_new(s->files,
            json_pack("{s:O,s:s}", "id", (json_t *)result, "kind", json_text(one, "kind")));
    s->next++;
    bring_next(s);
}

static void bring_next(struct sending *s) {
    const json_t *all = json_object_get(s->message, "attachments");
    while (s->next < json_array_size(all) && !*json_text(json_array_get(all, s->next), "id"))
        s->next++;
    if (s->h->flow.options.files && s->next < json_array_size(all)) {
        hubspot_upload(&s->h->flow.base, s->card, json_array_get(all, s->next), on_brought, s);
        return;
    }
    s->as_note = s->as_note || (json_array_size(all) && !s->h->flow.options.files);
    post(s);
}

/* Which of its files are to be brought; false: it is there as it is. */
static bool look_at_files(struct sending *s) {
    size_t i;
    json_t *one;
    if (s->known)
        hubspot_there_read(s->known, &s->there);
    s->more = s->known && strcmp(s->there.changed, hubspot_changed(s->message)) == 0;
    if (!s->more)
        s->there.files = 0;
    json_array_foreach(json_object_get(s->message, "attachments"), i, one) {
        if (*json_text(one, "id") && s->ready++ < s->there.files)
            s->next = i + 1;
    }
    return !s->more || s->ready > s->there.files;
}

bool hubspot_goes_to_inbox(const struct hubspot *h, const struct crm_attach *a) {
    const char *direction = json_text(a->message, "direction");
    return *h->channel && (strcmp(direction, "in") == 0 || strcmp(direction, "out") == 0);
}

void hubspot_inbox_attach(
    struct hubspot *h, const struct crm_attach *a, crm_done_fn fn, void *arg) {
    struct sending *s = mem_zalloc(sizeof *s);
    s->h = h;
    s->fn = fn;
    s->arg = arg;
    s->card = mem_strdup(a->card_id);
    s->known = mem_strdup(a->known);
    s->message = json_deep_copy(a->message);
    s->client = json_deep_copy(a->client);
    s->files = json_array();
    if (a->own)
        tell(s);
    else if (a->only_status || !look_at_files(s))
        loop_defer(h->flow.base.env->loop, on_nothing_to_do, s);
    else
        bring_next(s);
}
