/* message.c - the words for direction and status, and the checks on a message's body. Pure. */
#include "model/message.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define KEY_MAX 100 /* characters of the sender's own key */

static const char *const directions[] = {"in", "out", "note", "event"};
static const char *const statuses[] = {
    "received", "queued", "sending", "unknown", "failed", "sent", "delivered", "read"};

const char *direction_name(enum direction d) {
    return directions[d];
}

const char *status_name(enum status s) {
    return statuses[s];
}

int status_parse(const char *name, enum status *out) {
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (strcmp(name, statuses[i]) == 0) {
            *out = (enum status)i;
            return 0;
        }
    return -1;
}

/* --- keys of a body -------------------------------------------------------------------------- */

static int check_text(const char *key, const json_t *v, size_t max_points, struct err *err) {
    const char *s = json_string_value(v);
    if (!s)
        return err_set(err, ERR_INVALID, "%s must be a string", key);
    size_t n = json_string_length(v);
    if (!utf8_is_text(s, n))
        return err_set(err, ERR_INVALID, "%s has control characters", key);
    if (n > MESSAGE_TEXT_MAX)
        return err_set(err, ERR_TOO_LARGE, "%s is longer than %d bytes", key, MESSAGE_TEXT_MAX);
    if (utf8_length(s, n) > max_points)
        return err_set(err, ERR_TOO_LARGE, "%s is longer than %zu characters", key, max_points);
    return 0;
}

/* A text that becomes a header somewhere. */
static int check_line(const char *key, const json_t *v, size_t max_points, struct err *err) {
    if (check_text(key, v, max_points, err) < 0)
        return -1;
    return strpbrk(json_string_value(v), "\r\n")
               ? err_set(err, ERR_INVALID, "%s has a line break", key)
               : 0;
}

int message_key_check(const json_t *v, struct err *err) {
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    bool good = s && n >= 1 && n <= KEY_MAX;
    for (size_t i = 0; good && i < n; i++)
        good = s[i] > 0x20 && s[i] < 0x7f;
    return good ? 0
                : err_set(err, ERR_INVALID,
                      "id must be 1 to %d printable ASCII characters without spaces", KEY_MAX);
}

static int check_attachments(const json_t *v, struct err *err) {
    size_t i;
    json_t *id;
    if (!json_is_array(v) || json_array_size(v) > MESSAGE_ATTACHMENTS_MAX)
        return err_set(err, ERR_INVALID, "attachments must be an array of at most %d media ids",
            MESSAGE_ATTACHMENTS_MAX);
    json_array_foreach(v, i, id) {
        if (!id_is_valid(json_string_value(id)))
            return err_set(err, ERR_INVALID, "attachments[%zu] is not a media id", i);
    }
    return 0;
}

#define BUTTON_ROWS_MAX 8
#define BUTTON_TEXT_MAX 64

/* Rows of {"text","url"?}. */
static int check_buttons(const json_t *rows, struct err *err) {
    size_t i, k;
    json_t *row, *button;
    const struct err bad = {ERR_INVALID,
        "buttons must be 1 to 8 rows of 1 to 8 {\"text\": 1 to 64 characters, \"url\": optional, "
        "https://...}"};
    bool good = json_is_array(rows) && json_array_size(rows) >= 1 &&
                json_array_size(rows) <= BUTTON_ROWS_MAX;
    json_array_foreach(rows, i, row) {
        good = good && json_is_array(row) && json_array_size(row) >= 1 &&
               json_array_size(row) <= BUTTON_ROWS_MAX;
        json_array_foreach(row, k, button) {
            const json_t *text = json_object_get(button, "text");
            const json_t *url = json_object_get(button, "url");
            const char *t = json_string_value(text), *u = json_string_value(url);
            size_t n = json_string_length(text);
            good =
                good && t && n && utf8_is_text(t, n) && !strchr(t, '\n') &&
                utf8_length(t, n) <= BUTTON_TEXT_MAX &&
                json_object_size(button) == (url ? 2u : 1u) &&
                (!url || (u && strncmp(u, "https://", 8) == 0 && json_string_length(url) <= 2048 &&
                             utf8_is_text(u, json_string_length(url))));
        }
    }
    if (!good)
        *err = bad;
    return good ? 0 : -1;
}

static bool is_words(const json_t *v, size_t max) {
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    return s && n && n <= max && utf8_is_text(s, n) && !strchr(s, '\n');
}

/* {"lat","lon","name"?,"address"?} */
static int check_location(const json_t *v, struct err *err) {
    const json_t *lat = json_object_get(v, "lat"), *lon = json_object_get(v, "lon");
    const json_t *name = json_object_get(v, "name"), *address = json_object_get(v, "address");
    double a = json_number_value(lat), o = json_number_value(lon);
    bool good = json_is_number(lat) && json_is_number(lon) && a >= -90 && a <= 90 && o >= -180 &&
                o <= 180 && (!name || is_words(name, 1000)) &&
                (!address || is_words(address, 1000)) &&
                json_object_size(v) == 2u + (name != NULL) + (address != NULL);
    return good ? 0
                : err_set(err, ERR_INVALID,
                      "location must be {\"lat\": -90..90, \"lon\": -180..180, \"name\": optional, "
                      "\"address\": optional}");
}

/* {"name","phone"} */
static int check_contact(const json_t *v, struct err *err) {
    const json_t *name = json_object_get(v, "name"), *phone = json_object_get(v, "phone");
    const char *p = json_string_value(phone);
    bool good = is_words(name, 1000) && is_words(phone, 40) && json_object_size(v) == 2 &&
                p[strspn(p, "+0123456789 ()-")] == '\0';
    return good ? 0
                : err_set(
                      err, ERR_INVALID, "contact must be {\"name\", \"phone\": \"+\" and digits}");
}

/* {"name","language","values":{"<field>":"text"}} */
static int check_template(const json_t *v, struct err *err) {
    const json_t *values = json_object_get(v, "values");
    const char *key;
    json_t *one;
    bool good = is_words(json_object_get(v, "name"), 512) &&
                is_words(json_object_get(v, "language"), 20) &&
                (!values || json_is_object(values)) && json_object_size(values) <= 100 &&
                json_object_size(v) == 2u + (values != NULL);
    json_object_foreach((json_t *)values, key, one) {
        good = good && json_is_string(one) && json_string_length(one) <= 4096 &&
               utf8_is_text(json_string_value(one), json_string_length(one));
    }
    return good ? 0
                : err_set(err, ERR_INVALID,
                      "template must be {\"name\", \"language\", \"values\": {field: text}}");
}

#define ADDRESSES_MAX 50
#define ADDRESS_MAX 200

/* Something before an @ and something after it, and nothing that would make two headers or two
 * addresses of it. Whether it is an address, the connector decides. */
static bool is_like_address(const json_t *v) {
    const char *s = json_string_value(v), *at = s ? strchr(s, '@') : NULL;
    size_t n = json_string_length(v);
    return at && at > s && at[1] && !strchr(at + 1, '@') && n <= ADDRESS_MAX &&
           utf8_is_word(s, n) && !s[strcspn(s, ",;<>\"()\\")];
}

static int check_addresses(const char *key, const json_t *list, struct err *err) {
    size_t i;
    json_t *one;
    if (!json_is_array(list) || json_array_size(list) > ADDRESSES_MAX)
        return err_set(
            err, ERR_INVALID, "%s must be an array of at most %d addresses", key, ADDRESSES_MAX);
    json_array_foreach(list, i, one) {
        if (!is_like_address(one))
            return err_set(err, ERR_INVALID, "%s[%zu] is not an e-mail address of at most %d bytes",
                key, i, ADDRESS_MAX);
    }
    return 0;
}

/* {"target","id","author"?}: the CRM in which it was written, what it is called there, and who. */
static int check_origin(const json_t *v, struct err *err) {
    const json_t *target = json_object_get(v, "target"), *id = json_object_get(v, "id");
    const json_t *author = json_object_get(v, "author");
    bool good = is_words(target, 64) && is_words(id, 200) && (!author || is_words(author, 300)) &&
                json_object_size(v) == 2u + (author != NULL);
    return good ? 0
                : err_set(err, ERR_INVALID,
                      "origin must be {\"target\": a CRM's name, \"id\": what it calls the message "
                      "(at most 200 bytes), \"author\": optional}");
}

static int check_one(const char *key, const json_t *v, size_t text_max, struct err *err) {
    if (strcmp(key, "text") == 0 || strcmp(key, "html") == 0)
        return check_text(key, v, text_max, err);
    if (strcmp(key, "subject") == 0)
        return check_line(key, v, 998, err);
    if (strcmp(key, "channel") == 0)
        return check_text(key, v, 64, err);
    if (strcmp(key, "id") == 0)
        return message_key_check(v, err);
    if (strcmp(key, "attachments") == 0)
        return check_attachments(v, err);
    if (strcmp(key, "buttons") == 0)
        return check_buttons(v, err);
    if (strcmp(key, "location") == 0)
        return check_location(v, err);
    if (strcmp(key, "contact") == 0)
        return check_contact(v, err);
    if (strcmp(key, "template") == 0)
        return check_template(v, err);
    if (strcmp(key, "origin") == 0)
        return check_origin(v, err);
    if (strcmp(key, "request") == 0)
        return json_is_string(v) && strcmp(json_string_value(v), "contact") == 0
                   ? 0
                   : err_set(err, ERR_INVALID, "request must be \"contact\"");
    if (strcmp(key, "cc") == 0 || strcmp(key, "bcc") == 0)
        return check_addresses(key, v, err);
    if (strcmp(key, "note") == 0 || strcmp(key, "reply_all") == 0 || strcmp(key, "no_quote") == 0)
        return json_is_boolean(v) ? 0 : err_set(err, ERR_INVALID, "%s must be true or false", key);
    if (strcmp(key, "seen") == 0)
        return json_is_integer(v) && json_integer_value(v) >= 0
                   ? 0
                   : err_set(err, ERR_INVALID, "seen must be a number, 0 or more");
    if (strcmp(key, "reply_to") == 0)
        return id_is_valid(json_string_value(v))
                   ? 0
                   : err_set(err, ERR_INVALID, "reply_to is not a message id");
    return err_set(err, ERR_INVALID,
        "unknown key \"%.40s\"; known are id, text, html, subject, attachments, reply_to, channel, "
        "buttons, request, location, contact, template, cc, bcc, reply_all, no_quote, origin, "
        "seen and note",
        key);
}

int message_body_check(const json_t *body, size_t text_max, struct err *err) {
    const char *key;
    json_t *v;
    if (!json_is_object(body))
        return err_set(err, ERR_INVALID, "a message must be a JSON object");
    json_object_foreach((json_t *)body, key, v) {
        if (json_is_null(v) && strcmp(key, "id") != 0)
            continue;
        if (check_one(key, v, text_max, err) < 0)
            return -1;
    }
    if (json_string_length(json_object_get(body, "text")) == 0 &&
        json_string_length(json_object_get(body, "html")) == 0 &&
        json_array_size(json_object_get(body, "attachments")) == 0 &&
        !json_object_get(body, "location") && !json_object_get(body, "contact") &&
        !json_object_get(body, "template"))
        return err_set(err, ERR_INVALID, "a message needs text or attachments");
    return 0;
}
