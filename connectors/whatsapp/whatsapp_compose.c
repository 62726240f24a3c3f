/* whatsapp_compose.c - a message of ours as calls: texts, choices, templates, and what is answered.
 * Files are in whatsapp_compose_media.c. Pure. */
#include "connectors/whatsapp/whatsapp_compose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/whatsapp/whatsapp_compose_private.h"

#define TEXT_MAX 4096
#define BODY_MAX 1024
#define LIST_BODY_MAX 4096
#define BUTTONS_MAX 3
#define BUTTON_TITLE 20
#define ROWS_MAX 10
#define ROW_TITLE 24
#define ROW_MORE 72

/* --- calls ----------------------------------------------------------------------------------- */

struct whatsapp_call *whatsapp_call_add(
    struct whatsapp_composing *c, const char *type, json_t *part) {
    if (!part) {
        err_set(c->err, ERR_INVALID, "w0: the %s lacks something that WhatsApp needs", type);
        c->failed = true;
        return NULL;
    }
    if (c->n == WHATSAPP_CALLS_MAX) {
        json_decref(part);
        err_set(c->err, ERR_TOO_LARGE, "w0: the message would be more than %d messages in WhatsApp",
            WHATSAPP_CALLS_MAX);
        c->failed = true;
        return NULL;
    }
    struct whatsapp_call *call = &c->calls[c->n++];
    *call = (struct whatsapp_call){.params = json_pack("{s:s,s:s}", "messaging_product", "whatsapp",
                                       "recipient_type", "individual")};
    whatsapp_address_put(call->params, c->to->address);
    json_object_set_new(call->params, "type", json_string(type));
    json_object_set_new(call->params, type, part);
    return call;
}

void whatsapp_address_put(json_t *params, const char *address) {
    bool is_group = strncmp(address, "group/", 6) == 0;
    bool is_phone = *address && address[strspn(address, "0123456789")] == '\0';
    if (is_group)
        json_object_set_new(params, "recipient_type", json_string("group"));
    json_object_set_new(params, is_group || is_phone ? "to" : "recipient",
        json_string(address + (is_group ? 6 : 0)));
}

static void fail(struct whatsapp_composing *c, enum err_code code, const char *text) {
    if (!c->failed)
        err_set(c->err, code, "w0: %s", text);
    c->failed = true;
}

/* --- text ------------------------------------------------------------------------------------ */

/* Bytes of the first part: at most max code points, on a line or word end where there is one. */
static size_t part_length(const char *s, size_t max) {
    size_t n = strlen(s), all = utf8_prefix(s, n, max), at = all;
    if (all == n)
        return n;
    while (at > all / 2 && s[at] != '\n' && s[at - 1] != '\n')
        at--;
    if (at > all / 2)
        return at;
    for (at = all; at > all / 2 && s[at] != ' ' && s[at - 1] != ' ';)
        at--;
    return at > all / 2 ? at : all;
}

static bool is_blank(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!strchr(" \n\t\r", s[i]))
            return false;
    return true;
}

/* Sends the text in parts; keeps the end of it, at most `last` code points, which *rest is. */
static void add_text(struct whatsapp_composing *c, const char **rest, size_t last) {
    const char *s = *rest;
    for (size_t points; !c->failed && (points = utf8_length(s, strlen(s))) > last;) {
        bool ends_here = last && points <= TEXT_MAX;
        size_t n = part_length(s, ends_here ? points - last / 2 : TEXT_MAX);
        if (!is_blank(s, n))
            whatsapp_call_add(c, "text", json_pack("{s:s%}", "body", s, n));
        s += n;
        s += strspn(s, " \n");
    }
    *rest = s;
}

void whatsapp_add_text(struct whatsapp_composing *c, const char *text) {
    add_text(c, &text, 0);
}

/* --- choices --------------------------------------------------------------------------------- */

struct choices {
    const json_t *list[ROWS_MAX + 1]; /* {"text","url"?} */
    size_t n, nurls;
    size_t longest; /* code points of a label */
};

static void collect(const json_t *rows, struct choices *out) {
    size_t i, k;
    json_t *row, *b;
    json_array_foreach((json_t *)rows, i, row) {
        json_array_foreach(row, k, b) {
            const char *label = json_string_value(json_object_get(b, "text"));
            size_t n = label ? utf8_length(label, strlen(label)) : 0;
            if (n == 0)
                continue;
            out->longest = n > out->longest ? n : out->longest;
            out->nurls += json_object_get(b, "url") != NULL;
            if (out->n < ROWS_MAX + 1)
                out->list[out->n++] = b;
        }
    }
}

static json_t *cut(const char *s, size_t points) {
    return json_stringn(s, utf8_prefix(s, strlen(s), points));
}

static bool same_labels(const struct choices *ch, size_t points) {
    for (size_t i = 0; i < ch->n; i++)
        for (size_t k = i + 1; k < ch->n; k++) {
            json_t *a = cut(json_string_value(json_object_get(ch->list[i], "text")), points);
            json_t *b = cut(json_string_value(json_object_get(ch->list[k], "text")), points);
            bool same = json_equal(a, b);
            json_decref(a);
            json_decref(b);
            if (same)
                return true;
        }
    return false;
}

static json_t *reply_buttons(const struct choices *ch) {
    json_t *list = json_array();
    for (size_t i = 0; i < ch->n; i++)
        json_array_append_new(
            list, json_pack("{s:s,s:{s:o,s:O}}", "type", "reply", "reply", "id",
                      json_sprintf("b%zu", i + 1), "title", json_object_get(ch->list[i], "text")));
    return json_pack("{s:o}", "buttons", list);
}

static json_t *list_rows(const struct choices *ch, const char *button) {
    json_t *rows = json_array();
    for (size_t i = 0; i < ch->n; i++) {
        const char *label = json_string_value(json_object_get(ch->list[i], "text"));
        size_t head = utf8_prefix(label, strlen(label), ROW_TITLE);
        json_t *row = json_pack(
            "{s:o,s:o}", "id", json_sprintf("b%zu", i + 1), "title", cut(label, ROW_TITLE));
        if (label[head])
            json_object_set_new(row, "description", cut(label, ROW_MORE));
        json_array_append_new(rows, row);
    }
    return json_pack("{s:o,s:[{s:s,s:o}]}", "button", cut(button, BUTTON_TITLE), "sections",
        "title", "1", "rows", rows);
}

static void add_interactive(struct whatsapp_composing *c, const char *type, json_t *action,
    const char *text, size_t body_max) {
    add_text(c, &text, body_max);
    if (c->failed || is_blank(text, strlen(text))) {
        json_decref(action);
        fail(c, ERR_INVALID, "WhatsApp's buttons need a text above them");
        return;
    }
    whatsapp_call_add(c, "interactive",
        json_pack("{s:s,s:{s:s},s:o}", "type", type, "body", "text", text, "action", action));
}

static void add_choices(struct whatsapp_composing *c, const char *text) {
    const char *button = c->to->list_button ? c->to->list_button : "Choose";
    struct choices ch = {0};
    collect(json_object_get(c->body, "buttons"), &ch);
    const json_t *first = ch.list[0];
    if (ch.n == 0) {
        fail(c, ERR_INVALID, "the choices have no text");
    } else if (ch.nurls && ch.n == 1) {
        json_t *action = json_pack("{s:s,s:{s:o,s:O}}", "name", "cta_url", "parameters",
            "display_text", cut(json_string_value(json_object_get(first, "text")), BUTTON_TITLE),
            "url", json_object_get(first, "url"));
        add_interactive(c, "cta_url", action, text, BODY_MAX);
    } else if (ch.nurls) {
        fail(c, ERR_INVALID, "WhatsApp takes one link button alone, or choices without links");
    } else if (ch.n > ROWS_MAX) {
        fail(c, ERR_INVALID, "WhatsApp takes at most 10 choices");
    } else if (ch.n <= BUTTONS_MAX && ch.longest <= BUTTON_TITLE) {
        if (same_labels(&ch, BUTTON_TITLE))
            fail(c, ERR_INVALID, "two of the choices have the same label");
        else
            add_interactive(c, "button", reply_buttons(&ch), text, BODY_MAX);
    } else if (same_labels(&ch, ROW_MORE)) {
        fail(c, ERR_INVALID, "two of the choices have the same label");
    } else {
        add_interactive(c, "list", list_rows(&ch, button), text, LIST_BODY_MAX);
    }
}

/* --- places, people, templates --------------------------------------------------------------- */

static void add_location(struct whatsapp_composing *c, const json_t *l) {
    json_t *o = json_pack(
        "{s:O,s:O}", "latitude", json_object_get(l, "lat"), "longitude", json_object_get(l, "lon"));
    if (json_object_get(l, "name"))
        json_object_set(o, "name", json_object_get(l, "name"));
    if (json_object_get(l, "address"))
        json_object_set(o, "address", json_object_get(l, "address"));
    whatsapp_call_add(c, "location", o);
}

static void add_contact(struct whatsapp_composing *c, const json_t *contact) {
    json_t *name = json_object_get(contact, "name"), *phone = json_object_get(contact, "phone");
    whatsapp_call_add(c, "contacts",
        json_pack("[{s:{s:O,s:O},s:[{s:O,s:s}]}]", "name", "formatted_name", name, "first_name",
            name, "phones", "phone", phone, "type", "CELL"));
}

static void add_template(struct whatsapp_composing *c, const json_t *t) {
    json_t *o = json_pack("{s:O,s:{s:O}}", "name", json_object_get(t, "name"), "language", "code",
        json_object_get(t, "language"));
    json_t *components = json_deep_copy(json_object_get(t, "components"));
    if (json_array_size(components))
        json_object_set(o, "components", components);
    json_decref(components);
    const json_t *file = json_array_get(json_object_get(c->body, "attachments"), 0);
    struct whatsapp_call *call = whatsapp_call_add(c, "template", o);
    if (call && file)
        whatsapp_call_file(call, file, "header");
}

/* --- a message ------------------------------------------------------------------------------- */

size_t whatsapp_compose(const json_t *body, const struct whatsapp_target *to,
    struct whatsapp_call *calls, struct err *err) {
    struct whatsapp_composing c = {.body = body, .to = to, .calls = calls, .err = err};
    const char *text = json_string_value(json_object_get(body, "text"));
    const json_t *template = json_object_get(body, "template");
    const json_t *files = json_object_get(body, "attachments");
    bool has_buttons = json_array_size(json_object_get(body, "buttons")) > 0;
    bool asks = json_object_get(body, "request") != NULL;
    text = text ? text : "";
    if (template) {
        add_template(&c, template);
    } else {
        const char *caption = has_buttons || asks ? "" : text;
        bool is_used = whatsapp_add_files(&c, files, caption);
        if (has_buttons)
            add_choices(&c, text);
        else if (asks)
            add_interactive(&c, "request_contact_info",
                json_pack("{s:s}", "name", "request_contact_info"),
                *text              ? text
                : to->contact_text ? to->contact_text
                                   : "Please share your phone number",
                BODY_MAX);
        else if (!is_used)
            whatsapp_add_text(&c, text);
        if (json_object_get(body, "location"))
            add_location(&c, json_object_get(body, "location"));
        if (json_object_get(body, "contact"))
            add_contact(&c, json_object_get(body, "contact"));
    }
    if (c.n == 0)
        fail(&c, ERR_INVALID, "there is nothing in this message that WhatsApp can carry");
    if (c.failed) {
        whatsapp_calls_free(calls, c.n);
        return 0;
    }
    if (to->reply_to && strncmp(to->reply_to, "wamid.", 6) == 0 && !template)
        json_object_set_new(
            calls[0].params, "context", json_pack("{s:s}", "message_id", to->reply_to));
    return c.n;
}

void whatsapp_calls_free(struct whatsapp_call *calls, size_t n) {
    for (size_t i = 0; i < n; i++) {
        json_decref(calls[i].params);
        calls[i].params = NULL;
    }
}

/* The header's media of a template: of {"type":"image","image":{}}. */
static json_t *header_media(const json_t *params, bool *is_document) {
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(json_object_get(params, "template"), "components"), i, c) {
        const char *type = json_string_value(json_object_get(c, "type"));
        const json_t *p = json_array_get(json_object_get(c, "parameters"), 0);
        const char *kind = json_string_value(json_object_get(p, "type"));
        if (type && kind && strcmp(type, "header") == 0) {
            *is_document = strcmp(kind, "document") == 0;
            return json_object_get(p, kind);
        }
    }
    return NULL;
}

void whatsapp_call_complete(
    struct whatsapp_call *call, const char *media_id, const char *callback_data) {
    if (call->media && media_id) {
        bool is_document = false;
        json_t *media = strcmp(call->place, "header") == 0
                            ? header_media(call->params, &is_document)
                            : json_object_get(call->params, call->place);
        json_object_set_new(media, "id", json_string(media_id));
        if (is_document)
            json_object_set_new(media, "filename", json_string(call->name));
    }
    if (callback_data)
        json_object_set_new(call->params, "biz_opaque_callback_data", json_string(callback_data));
}

json_t *whatsapp_compose_reaction(
    const struct whatsapp_target *to, const char *wamid, const char *emoji) {
    json_t *o = json_pack("{s:s,s:s,s:s,s:{s:s,s:s}}", "messaging_product", "whatsapp",
        "recipient_type", "individual", "type", "reaction", "reaction", "message_id", wamid,
        "emoji", emoji ? emoji : "");
    whatsapp_address_put(o, to->address);
    return o;
}

json_t *whatsapp_compose_read(const char *wamid, bool typing) {
    json_t *o = json_pack(
        "{s:s,s:s,s:s}", "messaging_product", "whatsapp", "status", "read", "message_id", wamid);
    if (typing)
        json_object_set_new(o, "typing_indicator", json_pack("{s:s}", "type", "text"));
    return o;
}
