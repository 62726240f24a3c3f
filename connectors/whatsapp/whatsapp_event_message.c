/* whatsapp_event_message.c - one message: whose, under which id, answering which; and which kind of
 * event it makes. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_event_private.h"

/* The client: who wrote it, or to whom our side did. */
static void read_who(struct whatsapp_event *e, const struct whatsapp_reading *r, const json_t *m,
    bool own, const json_t *client, json_t **contact) {
    static const char *const keys[2][3] = {
        {"from", "from_user_id", "from_parent_user_id"}, {"to", "to_user_id", "to_parent_user_id"}};
    const char *const *k = keys[own];
    whatsapp_word(json_object_get(m, "group_id"), e->who.group, sizeof e->who.group);
    if (e->who.group[0])
        return;
    whatsapp_person_add(&e->who, json_object_get(m, k[0]));
    whatsapp_person_add(&e->who, json_object_get(m, k[1]));
    whatsapp_person_parent(&e->who, json_object_get(m, k[2]));
    if (client)
        whatsapp_person_add(&e->who, client);
    bool is_only = json_array_size(json_object_get(r->value, "messages")) == 1 ||
                   json_array_size(json_object_get(r->value, "message_echoes")) == 1;
    *contact = whatsapp_contact_of(r, &e->who, is_only);
    whatsapp_contact_take(e, *contact);
}

/* Who of a group wrote it. */
static json_t *author_of(const struct whatsapp_reading *r, const json_t *m) {
    struct whatsapp_person p = {0};
    whatsapp_person_add(&p, json_object_get(m, "from"));
    whatsapp_person_add(&p, json_object_get(m, "from_user_id"));
    const json_t *contact = whatsapp_contact_of(r, &p, false);
    char *name = whatsapp_name(json_object_get(json_object_get(contact, "profile"), "name"));
    json_t *a = json_pack("{s:s}", "address", p.bsuid[0] ? p.bsuid : p.phone);
    if (*name)
        json_object_set_new(a, "name", json_string(name));
    free(name);
    return a;
}

static void keep_raw(
    struct whatsapp_event *e, const struct whatsapp_reading *r, json_t *m, json_t *contact) {
    e->raw =
        json_pack("{s:O*,s:O*,s:O}", "metadata", r->metadata, "contact", contact, "message", m);
}

/* --- kinds that are no message of their own -------------------------------------------------- */

static void read_reaction(
    struct whatsapp_event *e, const struct whatsapp_reading *r, const json_t *m, bool own) {
    const json_t *reaction = json_object_get(m, "reaction");
    json_t *emoji = whatsapp_text_of(json_object_get(reaction, "emoji"), 64), *list = json_array();
    e->what = WHATSAPP_REACTION;
    e->own = own;
    free(e->external_id);
    e->external_id = whatsapp_id(json_object_get(reaction, "message_id"));
    if (json_string_length(emoji))
        json_array_append(list, emoji);
    json_decref(emoji);
    json_t *author = e->who.group[0] ? author_of(r, m) : NULL;
    const json_t *name = json_object_get(author, "name");
    e->body = json_pack("{s:s,s:s,s:o}", "by", own ? "business" : "client", "name",
        author ? (name ? json_string_value(name) : "") : e->name, "emoji", list);
    if (author)
        json_object_set(e->body, "address", json_object_get(author, "address"));
    json_decref(author);
}

static void read_edit(struct whatsapp_event *e, const json_t *m, bool own) {
    const json_t *edit = json_object_get(m, "edit");
    json_t *now = json_object_get(edit, "message");
    const char *type = json_string_value(json_object_get(now, "type"));
    e->what = WHATSAPP_EDIT;
    e->own = own;
    free(e->external_id);
    e->external_id = whatsapp_id(json_object_get(edit, "original_message_id"));
    e->body = json_object();
    whatsapp_content_read(e, type ? type : "unknown", now);
}

static void read_revoke(struct whatsapp_event *e, const json_t *m, bool own) {
    e->what = WHATSAPP_DELETE;
    e->own = own;
    free(e->external_id);
    e->external_id =
        whatsapp_id(json_object_get(json_object_get(m, "revoke"), "original_message_id"));
}

/* --- messages -------------------------------------------------------------------------------- */

static void read_context(struct whatsapp_event *e, const json_t *m) {
    const json_t *c = json_object_get(m, "context"),
                 *product = json_object_get(c, "referred_product");
    bool often = json_is_true(json_object_get(c, "frequently_forwarded"));
    if (json_object_get(c, "id")) {
        free(e->reply_to);
        e->reply_to = whatsapp_id(json_object_get(c, "id"));
    }
    if (often || json_is_true(json_object_get(c, "forwarded")))
        json_object_set_new(e->body, "forward",
            json_pack("{s:s,s:s,s:b}", "kind", "hidden_user", "name", "", "often", (int)often));
    if (product) {
        json_t *p = json_object();
        whatsapp_put(p, "catalog", product, "catalog_id", 200);
        whatsapp_put(p, "id", product, "product_retailer_id", 200);
        if (json_object_get(p, "id"))
            json_object_set(e->body, "product", p);
        json_decref(p);
    }
}

static void read_referral(struct whatsapp_event *e, const json_t *m) {
    static const char *const keys[][2] = {{"url", "source_url"}, {"id", "source_id"},
        {"title", "headline"}, {"text", "body"}, {"image", "image_url"}, {"image", "thumbnail_url"},
        {"clid", "ctwa_clid"}};
    const json_t *ref = json_object_get(m, "referral");
    const char *kind = json_string_value(json_object_get(ref, "source_type"));
    if (!json_is_object(ref))
        return;
    json_t *o = json_pack("{s:s}", "kind", kind && strcmp(kind, "post") == 0 ? "post" : "ad");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (!json_object_get(o, keys[i][0]))
            whatsapp_put(o, keys[i][0], ref, keys[i][1], 2000);
    if (!e->own) {
        e->profile = e->profile ? e->profile : json_object();
        json_object_set(e->profile, "referral", o); /* outlives the message */
    }
    json_object_set_new(e->body, "referral", o);
}

static void read_sent_at(struct whatsapp_event *e) {
    char when[CLOCK_TEXT_SIZE];
    if (e->at_ms && e->body)
        json_object_set_new(e->body, "sent_at", json_string(clock_format(e->at_ms, when)));
}

/* A message without an id would be stored again and again: its content is its id. */
static void make_id(struct whatsapp_event *e, json_t *m) {
    char *text = json_dumps(m, JSON_COMPACT | JSON_SORT_KEYS), hex[CRYPTO_HEX_SIZE];
    crypto_sha256_hex(span_str(text), hex);
    free(e->external_id);
    e->external_id = mem_printf("~%s", hex);
    free(text);
}

void whatsapp_message_read(struct whatsapp_reading *r, json_t *m, bool own, const json_t *client) {
    const char *type = json_string_value(json_object_get(m, "type"));
    struct whatsapp_event *e =
        json_is_object(m) ? whatsapp_event_add(r, own ? WHATSAPP_OWN : WHATSAPP_MESSAGE) : NULL;
    if (!e)
        return;
    if (!type)
        type = json_object_get(m, "errors") ? "unsupported" : "unknown";
    json_t *contact = NULL;
    read_who(e, r, m, own, client, &contact);
    e->own = own;
    e->at_ms = whatsapp_time(json_object_get(m, "timestamp"));
    free(e->external_id);
    e->external_id = whatsapp_id(json_object_get(m, "id"));
    if (!*e->external_id)
        make_id(e, m);
    keep_raw(e, r, m, contact); /* never somebody else's of the same body */
    if (strcmp(type, "reaction") == 0) {
        read_reaction(e, r, m, own);
    } else if (strcmp(type, "edit") == 0) {
        read_edit(e, m, own);
    } else if (strcmp(type, "revoke") == 0) {
        read_revoke(e, m, own);
    } else if (strcmp(type, "system") == 0) {
        whatsapp_system_read(e, json_object_get(m, "system"));
    } else {
        e->body = json_object();
        e->opens_window = !own && !r->past;
        whatsapp_content_read(e, type, m);
        read_context(e, m);
        read_referral(e, m);
        if (json_object_size(e->body) == 0) /* nothing of it can be shown */
            whatsapp_content_unknown(e, type, m);
        if (e->who.group[0] && !own)
            json_object_set_new(e->body, "author", author_of(r, m));
    }
    read_sent_at(e);
}
