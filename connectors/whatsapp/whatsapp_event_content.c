/* whatsapp_event_content.c - what a message says, by its type. Whatever we have no word for keeps
 * the API's (raw_type). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/whatsapp/whatsapp_event_private.h"

#define NAME_MAX_BYTES 200
#define LABEL_MAX 200
#define ITEMS_MAX 50
#define CONTACTS_MAX 20
#define FORM_MAX 100

static void set_text(struct whatsapp_event *e, const json_t *from, const char *key) {
    whatsapp_put(e->body, "text", from, key, MESSAGE_TEXT_MAX);
}

static void set_buf(struct whatsapp_event *e, struct buf *b) {
    json_t *s = json_string(buf_str(b));
    if (json_string_length(s))
        json_object_set(e->body, "text", s);
    json_decref(s);
    buf_free(b);
}

static void not_whole(struct whatsapp_event *e, const char *type) {
    char *word = utf8_clean_name(type, 60);
    json_object_set_new(e->body, "raw_type", json_string(word));
    e->understood = false;
    free(word);
}

/* --- files ----------------------------------------------------------------------------------- */

static const struct media_type {
    const char *type, *kind, *role, *name;
} media_types[] = {{"image", "image", NULL, "photo"}, {"video", "video", NULL, "video"},
    {"audio", "audio", NULL, "audio"}, {"voice", "audio", "voice", "voice"},
    {"document", "document", NULL, "file"}, {"sticker", "image", "sticker", "sticker"}};

/* "photo.jpg": a name for what has none, by its type. */
static json_t *file_name(const struct media_type *t, const json_t *media) {
    static const char *const endings[][2] = {{"image/jpeg", "jpg"}, {"image/png", "png"},
        {"image/webp", "webp"}, {"video/mp4", "mp4"}, {"video/3gpp", "3gp"}, {"audio/ogg", "ogg"},
        {"audio/mpeg", "mp3"}, {"audio/aac", "aac"}, {"audio/amr", "amr"}, {"audio/mp4", "m4a"},
        {"application/pdf", "pdf"}, {"text/plain", "txt"}};
    const char *given = json_string_value(json_object_get(media, "filename"));
    const char *mime = json_string_value(json_object_get(media, "mime_type"));
    if (given && *given) {
        char *clean = utf8_clean_name(given, NAME_MAX_BYTES / 4);
        json_t *out = json_string(clean);
        free(clean);
        return out;
    }
    for (size_t i = 0; mime && i < ARRAY_LEN(endings); i++)
        if (strncmp(mime, endings[i][0], strlen(endings[i][0])) == 0)
            return json_sprintf("%s.%s", t->name, endings[i][1]);
    return json_string(t->name);
}

static void read_media(struct whatsapp_event *e, const struct media_type *t, const json_t *media) {
    bool is_voice =
        t->role ? strcmp(t->role, "voice") == 0 : json_is_true(json_object_get(media, "voice"));
    char id[200];
    json_t *a = json_pack("{s:s,s:o,s:s}", "kind", t->kind, "name", file_name(t, media),
        "external_id", e->external_id);
    whatsapp_word(json_object_get(media, "id"), id, sizeof id);
    whatsapp_put(a, "mime", media, "mime_type", 100);
    if (is_voice || t->role)
        json_object_set_new(a, "role", json_string(is_voice ? "voice" : t->role));
    if (json_is_true(json_object_get(media, "animated")))
        json_object_set_new(a, "animated", json_true());
    if (*id) {
        json_t *remote = json_pack("{s:s}", "media", id);
        whatsapp_put(remote, "sha256", media, "sha256", 100);
        json_object_set_new(a, "remote", remote);
        json_object_set_new(a, "state", json_string("waiting"));
    } else {
        json_object_set_new(a, "state", json_string("unavailable"));
        json_object_set_new(
            a, "error", json_string("no_file_id: WhatsApp gave no id for the file."));
    }
    set_text(e, media, "caption");
    json_object_set_new(e->body, "attachments", json_pack("[o]", a));
}

/* A file that is named and not there: what it was, as far as it is known, and why. Takes error. */
static void set_missing(
    struct whatsapp_event *e, const char *type, const char *state, json_t *error) {
    const struct media_type *t = NULL;
    for (size_t i = 0; i < ARRAY_LEN(media_types); i++)
        if (strcmp(media_types[i].type, type) == 0)
            t = &media_types[i];
    json_t *a = json_pack("{s:s,s:s,s:s,s:o}", "kind", t ? t->kind : "document", "name",
        t ? t->name : "file", "state", state, "error", error);
    if (t && t->role)
        json_object_set_new(a, "role", json_string(t->role));
    json_object_set_new(e->body, "attachments", json_pack("[o]", a));
}

/* Media of the history, which follows in a webhook of its own (or never). */
static void read_placeholder(struct whatsapp_event *e) {
    set_missing(e, "document", "unavailable",
        json_string("no_history: WhatsApp has not handed over this file of the history."));
}

#define ERROR_NO_MEDIA 131052

/* WhatsApp itself could not have the file: nearly always it is too large. */
static void read_refused(struct whatsapp_event *e, const char *type, const json_t *m) {
    const json_t *error = json_array_get(json_object_get(m, "errors"), 0);
    double code = 0;
    if (!whatsapp_number(json_object_get(error, "code"), &code) || (int)code != ERROR_NO_MEDIA)
        return;
    json_t *said =
        whatsapp_text_of(json_object_get(json_object_get(error, "error_data"), "details"), 200);
    set_missing(e, type, "too_large",
        json_sprintf("too_big_whatsapp: The file is larger than WhatsApp hands over (100 MB). Ask "
                     "the client for a link to it.%s%s%s",
            json_string_length(said) ? " [" : "",
            json_string_length(said) ? json_string_value(said) : "",
            json_string_length(said) ? "]" : ""));
    json_decref(said);
    e->understood = false;
}

/* --- places and people ----------------------------------------------------------------------- */

static void read_location(struct whatsapp_event *e, const json_t *l) {
    double lat, lon;
    if (!whatsapp_number(json_object_get(l, "latitude"), &lat) ||
        !whatsapp_number(json_object_get(l, "longitude"), &lon)) {
        not_whole(e, "location");
        return;
    }
    json_t *o = json_pack("{s:f,s:f}", "lat", lat, "lon", lon);
    whatsapp_put(o, "name", l, "name", 1000);
    whatsapp_put(o, "address", l, "address", 1000);
    whatsapp_put(o, "url", l, "url", 2000);
    json_object_set_new(e->body, "location", o);
}

static char *contact_name(const json_t *c) {
    static const char *const keys[] = {"formatted_name", "first_name", "last_name"};
    const json_t *name = json_object_get(c, "name");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const char *s = json_string_value(json_object_get(name, keys[i]));
        if (s && *s)
            return utf8_clean_name(s, WHATSAPP_NAME_POINTS);
    }
    return mem_strdup("");
}

static const char *contact_phone(const json_t *c, char out[64]) {
    const json_t *p = json_array_get(json_object_get(c, "phones"), 0);
    json_t *phone = whatsapp_text_of(json_object_get(p, "phone"), 60);
    json_t *id = whatsapp_text_of(json_object_get(p, "wa_id"), 60);
    const json_t *shown = json_string_length(phone) ? phone : id;
    snprintf(out, 64, "%s%.60s", shown == phone || !json_string_length(id) ? "" : "+",
        shown ? json_string_value(shown) : "");
    json_decref(phone);
    json_decref(id);
    return out;
}

/* His own number, which he was asked for: WhatsApp vouches for it. */
static void take_own_phone(struct whatsapp_event *e, const char *phone) {
    struct whatsapp_person p = {0};
    char digits[WHATSAPP_PHONE_SIZE];
    size_t n = 0;
    for (; *phone && n + 1 < sizeof digits; phone++)
        if (*phone >= '0' && *phone <= '9')
            digits[n++] = *phone;
    digits[n] = '\0';
    json_t *v = json_string(digits);
    whatsapp_person_add(&p, v);
    json_decref(v);
    if (!p.phone[0] || e->who.group[0] || e->own)
        return;
    if (!e->who.phone[0])
        memcpy(e->who.phone, p.phone, sizeof e->who.phone);
    if (!e->profile)
        e->profile = json_object();
    json_object_set_new(e->profile, "phone", json_sprintf("+%s", p.phone));
}

static void read_contacts(struct whatsapp_event *e, const json_t *list) {
    size_t i;
    json_t *c;
    char phone[64];
    struct buf more;
    buf_init(&more, MESSAGE_TEXT_MAX);
    json_array_foreach((json_t *)list, i, c) {
        char *name = contact_name(c);
        const char *origin = json_string_value(json_object_get(c, "origin"));
        bool own = origin && strcmp(origin, "contact_request") == 0;
        contact_phone(c, phone);
        if (i == 0) {
            json_t *o = json_pack("{s:s}", "name", *name ? name : e->name);
            if (*phone)
                json_object_set_new(o, "phone", json_string(phone));
            if (own)
                json_object_set_new(o, "own", json_true());
            json_object_set_new(e->body, "contact", o);
            if (own)
                take_own_phone(e, phone);
        } else if (i < CONTACTS_MAX) {
            buf_addf(&more, "%s%s %s", i > 1 ? "\n" : "", name, phone);
        }
        free(name);
    }
    if (json_array_size(list) == 0)
        not_whole(e, "contacts");
    set_buf(e, &more);
}

/* --- presses, forms, orders ------------------------------------------------------------------ */

static void set_button(struct whatsapp_event *e, const json_t *from, const char *title) {
    json_t *b = json_object();
    whatsapp_put(b, "text", from, title, LABEL_MAX);
    whatsapp_put(b, "description", from, "description", LABEL_MAX);
    whatsapp_put(b, "payload", from, strcmp(title, "text") == 0 ? "payload" : "id", 512);
    if (json_object_get(b, "text"))
        json_object_set(e->body, "button", b);
    json_decref(b);
    set_text(e, from, title);
}

/* What a form says, line by line. Its answers are a string of JSON. */
static void read_form(struct whatsapp_event *e, const json_t *reply) {
    const char *text = json_string_value(json_object_get(reply, "response_json"));
    json_t *values = text ? json_loads(text, 0, NULL) : NULL, *v;
    const char *key;
    size_t n = 0;
    struct buf lines;
    buf_init(&lines, MESSAGE_TEXT_MAX);
    json_t *form = json_object(), *kept = json_object();
    whatsapp_put(form, "name", reply, "name", LABEL_MAX);
    json_object_foreach(values, key, v) {
        char *shown = json_is_string(v) ? mem_strdup(json_string_value(v))
                                        : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
        json_t *s = json_string(shown ? shown : "");
        json_t *clean = whatsapp_text_of(s, 4000);
        if (strcmp(key, "flow_token") != 0 && n++ < FORM_MAX) {
            json_object_set(kept, key, clean);
            buf_addf(&lines, "%s%.200s: %s", lines.n ? "\n" : "", key, json_string_value(clean));
        }
        json_decref(clean);
        json_decref(s);
        free(shown);
    }
    json_object_set_new(form, "values", kept);
    json_object_set_new(e->body, "form", form);
    if (!json_is_object(values))
        not_whole(e, "nfm_reply");
    json_decref(values);
    if (lines.n)
        utf8_repair(lines.p);
    set_buf(e, &lines);
}

static void read_interactive(struct whatsapp_event *e, const json_t *in) {
    const char *type = json_string_value(json_object_get(in, "type"));
    const json_t *reply = type ? json_object_get(in, type) : NULL;
    if (type && (strcmp(type, "button_reply") == 0 || strcmp(type, "list_reply") == 0)) {
        set_button(e, reply, "title");
    } else if (type && strcmp(type, "nfm_reply") == 0) {
        read_form(e, reply);
    } else if (type && strcmp(type, "call_permission_reply") == 0) {
        const char *said = json_string_value(json_object_get(reply, "response"));
        bool allowed = said && strcmp(said, "accept") == 0;
        e->what = WHATSAPP_EVENT;
        json_decref(e->body);
        e->body = whatsapp_event_body(allowed ? "calls_allowed" : "calls_refused",
            allowed ? "The client allows calls." : "The client does not want to be called.");
    } else {
        not_whole(e, type ? type : "interactive");
    }
}

static void read_order(struct whatsapp_event *e, const json_t *order) {
    const json_t *products = json_object_get(order, "product_items");
    json_t *o = json_object(), *items = json_array(), *p;
    struct buf lines;
    size_t i;
    buf_init(&lines, MESSAGE_TEXT_MAX);
    const char *said = json_string_value(json_object_get(order, "text"));
    if (said && *said)
        buf_addf(&lines, "%s\n", said);
    whatsapp_put(o, "catalog", order, "catalog_id", LABEL_MAX);
    json_array_foreach((json_t *)products, i, p) {
        char id[LABEL_MAX];
        double quantity = 1, price = 0;
        json_t *item = json_object();
        if (i == ITEMS_MAX) {
            json_decref(item);
            break;
        }
        whatsapp_word(json_object_get(p, "product_retailer_id"), id, sizeof id);
        json_object_set_new(item, "id", json_string(id));
        if (whatsapp_number(json_object_get(p, "quantity"), &quantity))
            json_object_set_new(item, "quantity", json_real(quantity));
        if (whatsapp_number(json_object_get(p, "item_price"), &price))
            json_object_set_new(item, "price", json_real(price));
        whatsapp_put(item, "currency", p, "currency", 8);
        const char *currency = json_string_value(json_object_get(item, "currency"));
        buf_addf(&lines, "%g x %s  %.2f %s\n", quantity, id, price, currency ? currency : "");
        json_array_append_new(items, item);
    }
    json_object_set_new(o, "items", items);
    json_object_set_new(e->body, "order", o);
    while (lines.n && (lines.p[lines.n - 1] == '\n' || lines.p[lines.n - 1] == ' '))
        lines.p[--lines.n] = '\0';
    json_t *raw = json_string(buf_str(&lines)), *clean = whatsapp_text_of(raw, MESSAGE_TEXT_MAX);
    if (json_string_length(clean))
        json_object_set(e->body, "text", clean);
    json_decref(clean);
    json_decref(raw);
    buf_free(&lines);
}

/* --- what cannot be shown -------------------------------------------------------------------- */

void whatsapp_content_unknown(struct whatsapp_event *e, const char *type, const json_t *m) {
    const char *what =
        json_string_value(json_object_get(json_object_get(m, "unsupported"), "type"));
    not_whole(e, what ? what : type);
    read_refused(e, what ? what : type, m);
}

/* --- by type --------------------------------------------------------------------------------- */

void whatsapp_content_read(struct whatsapp_event *e, const char *type, json_t *m) {
    const json_t *part = json_object_get(m, type);
    for (size_t i = 0; i < ARRAY_LEN(media_types); i++)
        if (strcmp(type, media_types[i].type) == 0 && json_is_object(part)) {
            read_media(e, &media_types[i], part);
            if (!json_object_get(part, "id"))
                read_refused(e, type, m);
            return;
        }
    if (strcmp(type, "text") == 0 && json_is_string(json_object_get(part, "body")))
        set_text(e, part, "body");
    else if (strcmp(type, "location") == 0)
        read_location(e, part);
    else if (strcmp(type, "contacts") == 0)
        read_contacts(e, part);
    else if (strcmp(type, "interactive") == 0 && json_is_object(part))
        read_interactive(e, part);
    else if (strcmp(type, "button") == 0 && json_is_object(part))
        set_button(e, part, "text");
    else if (strcmp(type, "order") == 0 && json_is_object(part))
        read_order(e, part);
    else if (strcmp(type, "media_placeholder") == 0)
        read_placeholder(e);
    else if (strcmp(type, "request_welcome") == 0) {
        e->what = WHATSAPP_EVENT;
        e->opens_window = false; /* he has said nothing yet */
        json_decref(e->body);
        e->body = whatsapp_event_body("opened", "The client opened the chat for the first time.");
    } else
        whatsapp_content_unknown(e, type, m);
}
