/* email_body.c - a mail as a message of a thread. */
#include "base/json_text.h"
#include "connectors/email/email_body.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/span.h"

#define REFERENCES_KEPT 20
#define DATE_SLACK_MS (24 * 3600 * 1000LL)

const char *email_first_address(const json_t *mail, const char *key) {
    return json_text(json_array_get(json_object_get(mail, key), 0), "address");
}

static void copy_key(json_t *to, const json_t *from, const char *key) {
    json_t *v = json_object_get(from, key);
    bool empty = json_is_array(v) && json_array_size(v) == 0;
    if (v && !json_is_null(v) && !empty)
        json_object_set(to, key, v);
}

/* The first and the newest: what a chain needs. */
static json_t *references_of(const json_t *mail) {
    const json_t *all = json_object_get(mail, "references");
    size_t n = json_array_size(all), skip = n > REFERENCES_KEPT ? n - REFERENCES_KEPT : 0;
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++)
        if (i == 0 || i > skip)
            json_array_append(out, json_array_get(all, i));
    return out;
}

/* What the receiving server found, of the topmost header that names it: anybody can write others.
 */
static json_t *verdict_of(const json_t *mail, const char *authserv) {
    size_t i;
    json_t *a;
    json_array_foreach(json_object_get(mail, "auth"), i, a) {
        if (!*authserv || strcasecmp(json_text(a, "server"), authserv) != 0)
            continue;
        json_t *out = json_object();
        copy_key(out, a, "dmarc");
        copy_key(out, a, "spf");
        copy_key(out, a, "dkim");
        return out;
    }
    return NULL;
}

static json_t *email_of(const json_t *mail, const json_t *source, const char *authserv) {
    static const char *const kept[] = {"from", "sender", "to", "cc", "reply_to", "message_id",
        "quoted_at", "signature_at", "auto", "notes", "text_cut"};
    json_t *o = json_object(), *verdict = verdict_of(mail, authserv);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        copy_key(o, mail, kept[i]);
    json_t *references = references_of(mail);
    if (json_array_size(references))
        json_object_set(o, "references", references);
    json_decref(references);
    if (verdict)
        json_object_set_new(o, "auth", verdict);
    if (source)
        json_object_set(o, "source", json_object_get(source, "id"));
    return o;
}

/* A part that was stored, or what is known of one that could not be. */
static void add_part(json_t *body, json_t *email, const json_t *part, json_t *file) {
    const char *what = json_text(part, "what");
    json_t *a;
    if (strcmp(what, "html") == 0) {
        if (json_is_object(file) && json_object_get(file, "id"))
            json_object_set(email, "html", json_object_get(file, "id"));
        return;
    }
    a = json_copy(file);
    if (*json_text(part, "cid"))
        json_object_set(a, "cid", json_object_get(part, "cid"));
    json_array_append_new(json_object_get(body, "attachments"), a);
}

json_t *email_body(
    const json_t *mail, const json_t *files, const json_t *source, const char *authserv) {
    json_t *body = json_object(), *email = email_of(mail, source, authserv), *part;
    size_t i;
    char at[CLOCK_TEXT_SIZE];
    int64_t said = json_integer_value(json_object_get(mail, "date_ms"));
    if (json_object_get(mail, "text"))
        json_object_set(body, "text", json_object_get(mail, "text"));
    else
        json_object_set_new(body, "text", json_string(""));
    if (*json_text(mail, "subject"))
        json_object_set(body, "subject", json_object_get(mail, "subject"));
    json_object_set_new(body, "attachments", json_array());
    json_array_foreach(json_object_get(mail, "parts"), i, part) {
        json_t *file = json_array_get(files, i);
        if (json_is_object(file))
            add_part(body, email, part, file);
    }
    if (json_array_size(json_object_get(body, "attachments")) == 0)
        json_object_del(body, "attachments");
    if (said > 0 && said < clock_ms() + DATE_SLACK_MS)
        json_object_set_new(body, "sent_at", json_string(clock_format(said, at)));
    json_object_set_new(body, "email", email);
    return body;
}

const json_t *email_answered(const json_t *messages, const char *channel, const char *external_id) {
    const json_t *newest = NULL, *other = NULL;
    size_t i;
    json_t *m;
    json_array_foreach((json_t *)messages, i, m) {
        if (strcmp(json_text(m, "direction"), "in") != 0 ||
            strcmp(json_text(m, "channel"), channel) != 0)
            continue;
        if (external_id && strcmp(json_text(m, "external_id"), external_id) == 0)
            return m;
        const char *automatic = json_text(json_object_get(m, "email"), "auto");
        if (!*automatic)
            newest = m;
        else if (strcmp(automatic, "bounce") != 0)
            other = m;
    }
    return newest ? newest : other;
}

char *email_reply_subject(const char *subject) {
    bool again = strncasecmp(subject, "re:", 3) == 0;
    if (!*subject)
        return mem_strdup("Re:");
    return again ? mem_strdup(subject) : mem_printf("Re: %.900s", subject);
}
