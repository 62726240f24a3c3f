/* hubspot_entry.c - notes (or communications) of a contact, and the files that go with them. */
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "connectors/hubspot/hubspot_private.h"
#include "core/crm/crm_file.h"

#define IDS_MAX 20000

/* --- what of ours is there ------------------------------------------------------------------- */

/* The ids of all entries, then their texts, newest first; of one message's, until they were seen.
 */
struct listing {
    struct hubspot *h;
    crm_step_fn fn;
    void *arg;
    char *card;
    char message[ID_SIZE]; /* "" all */
    json_t *ids, *entries;
    size_t next; /* of ids */
};

static void list_page(struct listing *l, const char *after);
static void read_next(struct listing *l);

static void listing_end(struct listing *l, const struct err *err, unsigned retry_ms) {
    json_t *out = err ? NULL : hubspot_in_order(l->entries);
    l->fn(l->arg, out, err, retry_ms);
    json_decref(out);
    json_decref(l->ids);
    json_decref(l->entries);
    free(l->card);
    free(l);
}

static void on_texts(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct listing *l = arg;
    size_t before = json_array_size(l->entries);
    struct err bad;
    if (!err && !json_is_array(json_object_get(result, "results")))
        err = (err_set(&bad, ERR_PROTOCOL, "HubSpot's batch has no results"), &bad);
    if (err) {
        listing_end(l, err, retry_ms);
        return;
    }
    hubspot_entries(result, &l->h->history, *l->message ? l->message : NULL, l->entries);
    bool seen = *l->message && before && json_array_size(l->entries) == before;
    if (seen) /* its pieces were made one after another: those before are others' */
        listing_end(l, NULL, 0);
    else
        read_next(l);
}

static void read_next(struct listing *l) {
    char *path = mem_printf("/%s/batch/read", l->h->history.type);
    size_t from = l->next;
    l->next += HUBSPOT_BATCH;
    if (from < json_array_size(l->ids))
        hubspot_call(l->h, "POST", path, hubspot_batch(l->ids, from, &l->h->history), on_texts, l);
    else
        listing_end(l, NULL, 0);
    free(path);
}

static void on_page(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct listing *l = arg;
    struct err bad;
    if (!err && !json_is_array(json_object_get(result, "results")))
        err = (err_set(&bad, ERR_PROTOCOL, "HubSpot's associations have no results"), &bad);
    if (err) {
        listing_end(l, err, retry_ms);
        return;
    }
    const char *after = hubspot_associated(result, l->ids);
    if (after && json_array_size(result ? json_object_get(result, "results") : NULL) &&
        json_array_size(l->ids) < IDS_MAX) {
        list_page(l, after);
        return;
    }
    json_t *sorted = hubspot_newest_first(l->ids);
    json_decref(l->ids);
    l->ids = sorted;
    read_next(l);
}

static void list_page(struct listing *l, const char *after) {
    char *path = mem_printf("/contacts/%s/associations/%s?limit=500%s%s", l->card,
        l->h->history.type, after ? "&after=" : "", after ? after : "");
    hubspot_call(l->h, "GET", path, NULL, on_page, l);
    free(path);
}

void hubspot_list_entries(
    struct crm *c, const char *card, const char *mark, crm_step_fn fn, void *arg) {
    struct listing *l = mem_zalloc(sizeof *l);
    l->h = hubspot_of(c);
    l->fn = fn;
    l->arg = arg;
    l->card = mem_strdup(strspn(card, "0123456789") == strlen(card) ? card : "0");
    l->ids = json_array();
    l->entries = json_array();
    if (mark && *mark == '#')
        memcpy(l->message, mark + 1, strnlen(mark + 1, ID_LEN));
    list_page(l, NULL);
}

/* --- one more, or over one that is there -------------------------------------------------------
 */

void hubspot_write(struct crm *c, const struct crm_flow_entry *e, crm_step_fn fn, void *arg) {
    struct hubspot *h = hubspot_of(c);
    char *path = mem_printf("/%s", h->history.type);
    hubspot_call(h, "POST", path,
        json_pack("{s:o,s:[{s:{s:s},s:[{s:s,s:i}]}]}", "properties", hubspot_entry(e, &h->history),
            "associations", "to", "id", e->card, "types", "associationCategory", "HUBSPOT_DEFINED",
            "associationTypeId", h->history.link),
        fn, arg);
    free(path);
}

void hubspot_rewrite(
    struct crm *c, const char *id, const struct crm_flow_entry *e, crm_step_fn fn, void *arg) {
    struct hubspot *h = hubspot_of(c);
    bool is_number = strspn(id, "0123456789") == strlen(id);
    char *path = mem_printf("/%s/%s", h->history.type, is_number ? id : "0");
    hubspot_call(
        h, "PATCH", path, json_pack("{s:o}", "properties", hubspot_entry(e, &h->history)), fn, arg);
    free(path);
}

/* --- files ----------------------------------------------------------------------------------- */

struct upload {
    struct hubspot *h;
    crm_step_fn fn;
    void *arg;
    json_t *attachment;
    bool again; /* it has met a token's end */
};

static void upload_end(
    struct upload *u, const json_t *id, const struct err *err, unsigned retry_ms) {
    u->fn(u->arg, id, err, retry_ms);
    json_decref(u->attachment);
    free(u);
}

static void on_token(void *arg, const json_t *result, const struct err *err, unsigned retry_ms);

static void on_uploaded(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct upload *u = arg;
    const json_t *id = json_object_get(result, "id");
    json_t *text = json_is_integer(id)
                       ? json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(id))
                       : json_incref((json_t *)id);
    struct err bad;
    if (err && err->code == ERR_AUTH && !u->again && hubspot_can_renew(u->h)) {
        u->again = true;
        hubspot_with_token(u->h, on_token, u);
        return;
    }
    if (!err && !json_string_length(text))
        err = (err_set(&bad, ERR_PROTOCOL, "HubSpot took a file and did not say which"), &bad);
    upload_end(u, err ? NULL : text, err, retry_ms);
    json_decref(text);
}

static struct http_part field(const char *name, const char *value) {
    return (struct http_part){.name = name, .data = span_str(value), .fd = -1};
}

static void on_refused(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    upload_end(arg, NULL, err, retry_ms);
}

static void on_token(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct upload *u = arg;
    struct hubspot *h = u->h;
    struct http_part file;
    struct err why;
    (void)result;
    if (err) {
        upload_end(u, NULL, err, retry_ms);
        return;
    }
    if (crm_file_part(&h->flow.base, u->attachment, h->file_max, &file, &why) < 0) {
        hubspot_fail(h, &why, on_refused, u);
        return;
    }
    struct http_part parts[] = {field("fileName", file.file_name), field("folderPath", h->folder),
        field("options", "{\"access\":\"PRIVATE\"}"), file};
    hubspot_send(h, parts, ARRAY_LEN(parts), on_uploaded, u);
}

void hubspot_upload(
    struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg) {
    struct upload *u = mem_alloc(sizeof *u);
    (void)card;
    *u = (struct upload){hubspot_of(c), fn, arg, json_deep_copy(attachment), false};
    hubspot_with_token(u->h, on_token, u);
}
