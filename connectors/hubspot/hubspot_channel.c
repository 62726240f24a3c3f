/* hubspot_channel.c - bodies, signatures, and what operators wrote. */
#include "base/json_text.h"
#include "connectors/hubspot/hubspot_channel.h"

#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/crm/crm_flow.h"
#include "model/message.h"

#define EVENTS_MAX 100
#define TOLERANCE_MS 300000
#define NAME_MAX_BYTES 200
#define URL_MAX 2048

/* --- to the inbox ---------------------------------------------------------------------------- */

static json_t *participant(const char *id, const char *name) {
    json_t *p = json_pack(
        "{s:{s:s,s:s}}", "deliveryIdentifier", "type", "CHANNEL_SPECIFIC_OPAQUE_ID", "value", id);
    if (*name)
        json_object_set_new(p, "name", json_string(name));
    return p;
}

static json_t *files_of(const json_t *files) {
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach(files, i, one) {
        const char *kind = json_text(one, "kind");
        json_array_append_new(out, json_pack("{s:s,s:O,s:s}", "type", "FILE", "fileId",
                                       json_object_get(one, "id"), "fileUsageType",
                                       strcmp(kind, "image") == 0   ? "IMAGE"
                                       : strcmp(kind, "audio") == 0 ? "AUDIO"
                                                                    : "OTHER"));
    }
    return out;
}

json_t *hubspot_message_body(const struct hubspot_message *m) {
    const json_t *from = json_object_get(m->message, "from");
    bool out = strcmp(json_text(m->message, "direction"), "out") == 0;
    const char *agent =
        *json_text(from, "name") ? json_text(from, "name") : json_text(from, "agent");
    const char *at = json_text(m->message, "received_at");
    json_t *client =
        participant(json_text(m->client, "id"), out ? "" : json_text(m->client, "name"));
    json_t *us = participant(m->address, out ? agent : "");
    json_t *body = json_pack("{s:s,s:s,s:[o],s:[o],s:s,s:s,s:s,s:s,s:o}", "channelAccountId",
        m->account, "messageDirection", out ? "OUTGOING" : "INCOMING", "senders", out ? us : client,
        "recipients", out ? client : us, "text", m->text, "timestamp",
        *at ? at : json_text(m->message, "sent_at"), "integrationThreadId",
        json_text(m->message, "thread"), "integrationIdempotencyId", m->key, "attachments",
        files_of(m->files));
    if (*m->card && strspn(m->card, "0123456789") == strlen(m->card))
        json_object_set_new(
            body, "associateWithContactId", json_integer(strtoll(m->card, NULL, 10)));
    return body;
}

const char *hubspot_changed(const json_t *message) {
    return *json_text(message, "deleted_at") ? json_text(message, "deleted_at")
                                             : json_text(message, "edited_at");
}

void hubspot_there_read(const char *known, struct hubspot_there *out) {
    const char *plus = strchr(known, '+');
    char *end = NULL;
    *out = (struct hubspot_there){.files = SIZE_MAX};
    snprintf(out->id, sizeof out->id, "%.*s", (int)strcspn(known, "+"), known);
    if (!plus)
        return;
    out->files = strtoul(plus + 1, &end, 10);
    if (*end == '-')
        snprintf(out->changed, sizeof out->changed, "%s", end + 1);
}

char *hubspot_there_text(const struct hubspot_there *t) {
    return mem_printf("%s+%zu%s%s", t->id, t->files, *t->changed ? "-" : "", t->changed);
}

const char *hubspot_status(const char *status) {
    return strcmp(status, "sent") == 0 || strcmp(status, "delivered") == 0 ? "SENT"
           : strcmp(status, "read") == 0                                   ? "READ"
           : strcmp(status, "failed") == 0                                 ? "FAILED"
                                                                           : NULL;
}

/* --- from the inbox -------------------------------------------------------------------------- */

static void add_entity(struct buf *b, const char **at) {
    static const char *const names[][2] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"},
        {"&quot;", "\""}, {"&#39;", "'"}, {"&nbsp;", " "}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t n = strlen(names[i][0]);
        if (strncmp(*at, names[i][0], n) == 0) {
            buf_adds(b, names[i][1]);
            *at += n;
            return;
        }
    }
    buf_add(b, (*at)++, 1);
}

/* The '>' of a tag: not one inside of quotes, if they end; NULL: there is none. */
static const char *tag_end(const char *tag) {
    char quote = '\0';
    for (const char *p = tag; *p; p++) {
        if (*p == '>' && !quote)
            return p;
        if (quote ? *p == quote : *p == '"' || *p == '\'')
            quote = quote ? '\0' : *p;
    }
    return strchr(tag, '>');
}

char *hubspot_plain(const char *html) {
    struct buf b;
    buf_init(&b, strlen(html) + 1);
    while (*html) {
        const char *end = *html == '<' ? tag_end(html) : NULL;
        if (end) {
            if (strncasecmp(html, "<br", 3) == 0 || strncasecmp(html, "</p", 3) == 0)
                buf_add(&b, "\n", 1);
            html = end + 1;
        } else if (*html == '&') {
            add_entity(&b, &html);
        } else {
            buf_add(&b, html++, 1);
        }
    }
    while (b.n && strchr(" \n", b.p[b.n - 1]))
        b.n--;
    char *out = mem_strndup(b.n ? b.p : "", b.n);
    buf_free(&b);
    return out;
}

/* Whole; of one that is too long so much that it is refused. */
static json_t *said_of(const json_t *message) {
    const char *text = json_text(message, "text");
    char *plain = *text ? mem_strdup(text) : hubspot_plain(json_text(message, "richText"));
    size_t n = strnlen(plain, MESSAGE_TEXT_MAX + 4);
    while (n && ((unsigned char)plain[n] & 0xc0) == 0x80)
        n--;
    json_t *out = json_stringn(plain, n);
    free(plain);
    return out ? out : json_string("");
}

/* The url is "" when nothing can be had there: then the answer is refused, as with too many. */
static void add_file(json_t *files, const char *url, const char *name) {
    bool is_url = strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
    size_t i;
    json_t *one;
    json_array_foreach(files, i, one) if (strcmp(json_text(one, "url"), url) == 0) return;
    if (json_array_size(files) <= MESSAGE_ATTACHMENTS_MAX)
        json_array_append_new(
            files, json_pack("{s:s,s:s}", "url", is_url && strlen(url) <= URL_MAX ? url : "",
                       "name", *name ? name : "file"));
}

/* What an <img> shows, without entities; NULL: nothing. The caller frees. */
static char *shown_by(const char *tag, const char *end) {
    const char *p = tag, *value;
    while (p < end && (!strchr(" \t\r\n\"'", *p) || strncasecmp(p + 1, "src=", 4) != 0))
        p++;
    if (p >= end)
        return NULL;
    value = p + 5;
    bool is_quoted = *value == '"' || *value == '\'';
    const char stop[] = {is_quoted ? *value : ' ', is_quoted ? '\0' : '>', '\0'};
    value += is_quoted;
    const char *value_end = value + strcspn(value, stop);
    struct buf b;
    buf_init(&b, (size_t)(value_end - value) + 1);
    while (value < value_end)
        if (*value == '&')
            add_entity(&b, &value);
        else
            buf_add(&b, value++, 1);
    char *out = mem_strndup(b.n ? b.p : "", b.n);
    buf_free(&b);
    return out;
}

/* Pictures may be nowhere but in the rich text. */
static void add_pictures(json_t *files, const char *html) {
    const char *end;
    for (const char *tag = strchr(html, '<'); tag; tag = strchr(end, '<')) {
        end = tag_end(tag);
        if (!end)
            return;
        char *url = strncasecmp(tag, "<img", 4) == 0 ? shown_by(tag + 4, end) : NULL;
        if (url)
            add_file(files, url, "image");
        free(url);
    }
}

static json_t *files_said(const json_t *message) {
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach(json_object_get(message, "attachments"), i, one) {
        const char *url = json_text(one, "url");
        if (*url || strcmp(json_text(one, "type"), "FILE") == 0)
            add_file(out, url, json_text(one, "name"));
    }
    add_pictures(out, json_text(message, "richText"));
    return out;
}

static bool is_ours(const json_t *event, const char *channel) {
    const json_t *id = json_object_get(event, "channelId");
    return json_is_integer(id) ? json_integer_value(id) == strtoll(channel, NULL, 10)
                               : strcmp(json_text(event, "channelId"), channel) == 0;
}

/* NULL: it is none, or what we posted ourselves. */
static json_t *answer_of(const json_t *event, const char *channel) {
    const json_t *message = json_object_get(event, "message");
    const json_t *sender = json_array_get(json_object_get(message, "senders"), 0);
    const char *id = json_text(message, "id"), *name = json_text(sender, "name");
    const char *thread =
        json_string_value(json_array_get(json_object_get(event, "channelIntegrationThreadIds"), 0));
    const char *by = json_text(json_object_get(message, "client"), "clientType");
    if (strcmp(json_text(event, "type"), "OUTGOING_CHANNEL_MESSAGE_CREATED") != 0 ||
        !is_ours(event, channel) || strcmp(by, "INTEGRATION") == 0)
        return NULL;
    if (!*id || strlen(id) > 150 || strpbrk(id, " ,\n/?#%"))
        return NULL;
    return json_pack("{s:s,s:s,s:o,s:s,s:s,s:o}", "id", id, "thread",
        thread && id_is_valid(thread) ? thread : "", "text", said_of(message), "author",
        strlen(name) <= NAME_MAX_BYTES ? name : "", "actor", json_text(sender, "actorId"), "files",
        files_said(message));
}

/* An event, or a list of them: a new reference; NULL with err. */
static json_t *events_of(struct span body, struct err *err) {
    json_t *j = json_loadb(body.n ? body.p : "", body.n, JSON_REJECT_DUPLICATES, NULL);
    json_t *list = json_is_object(j) ? json_pack("[o]", j) : j, *one;
    size_t i;
    bool is_good = json_is_array(list) && json_array_size(list) <= EVENTS_MAX;
    json_array_foreach(list, i, one) is_good = is_good && json_is_object(one);
    if (is_good)
        return list;
    json_decref(list);
    err_set(err, ERR_INVALID, "an event, or a list of at most %d, is due", EVENTS_MAX);
    return NULL;
}

json_t *hubspot_answers(struct span body, const char *channel, struct err *err) {
    json_t *list = events_of(body, err), *out = list ? json_array() : NULL, *one;
    size_t i;
    json_array_foreach(list, i, one) {
        json_t *answer = answer_of(one, channel);
        const char *thread = json_text(answer, "thread"), *id = json_text(answer, "id");
        if (answer)
            json_array_append_new(out, json_pack("{s:s,s:s,s:o}", "lane", *thread ? thread : id,
                                           "once", id, "event", answer));
    }
    json_decref(list);
    return out;
}

/* --- contacts that have changed -------------------------------------------------------------- */

/* NULL: it is about something else. */
static json_t *change_of(const json_t *event, const char *name) {
    const char *type = json_text(event, "subscriptionType"),
               *property = json_text(event, "propertyName");
    bool is_contact = strcmp(type, "contact.propertyChange") == 0 ||
                      (strcmp(type, "object.propertyChange") == 0 &&
                          strcmp(json_text(event, "objectTypeId"), "0-1") == 0);
    bool is_user = strcmp(property, "hubspot_owner_id") == 0;
    bool is_name = strcmp(property, name) == 0 || strcmp(property, "lastname") == 0;
    json_int_t contact = json_integer_value(json_object_get(event, "objectId"));
    json_int_t id = json_integer_value(json_object_get(event, "eventId"));
    json_int_t at = json_integer_value(json_object_get(event, "occurredAt"));
    if (!is_contact || contact <= 0 || (!is_user && !is_name))
        return NULL;
    char *card = mem_printf("%lld", (long long)contact);
    char *once = mem_printf("%lld:%lld:%s:%s", (long long)id, (long long)at, card, property);
    json_t *out = crm_flow_change(
        card, is_name ? CRM_CHANGED : CRM_SAME, is_user ? CRM_CHANGED : CRM_SAME, once);
    free(once);
    free(card);
    return out;
}

json_t *hubspot_changes(struct span body, const char *name, struct err *err) {
    json_t *list = events_of(body, err), *out = list ? json_array() : NULL, *one;
    size_t i;
    json_array_foreach(list, i, one) {
        json_t *change = change_of(one, name);
        if (change)
            json_array_append_new(out, change);
    }
    json_decref(list);
    return out;
}

/* --- signatures ------------------------------------------------------------------------------ */

int hubspot_signed_check(const struct hubspot_signed *s, int64_t now_ms, struct err *err) {
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char ours[sodium_base64_ENCODED_LEN(sizeof mac, sodium_base64_VARIANT_ORIGINAL)];
    crypto_auth_hmacsha256_state state;
    size_t digits = strspn(s->timestamp, "0123456789");
    long long at = strtoll(s->timestamp, NULL, 10);
    if (!digits || s->timestamp[digits] || digits > 15 || at < now_ms - TOLERANCE_MS ||
        at > now_ms + TOLERANCE_MS)
        return err_set(err, ERR_AUTH, "the request's time is not within five minutes of ours");
    const struct span parts[] = {
        span_str(s->method), span_str(s->uri), s->body, span_str(s->timestamp)};
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)s->secret, strlen(s->secret));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        crypto_auth_hmacsha256_update(
            &state, (const unsigned char *)(parts[i].n ? parts[i].p : ""), parts[i].n);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2base64(ours, sizeof ours, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
    if (strlen(s->signature) != strlen(ours) ||
        sodium_memcmp(s->signature, ours, strlen(ours)) != 0)
        return err_set(err, ERR_AUTH, "the signature is not the app's");
    return 0;
}
