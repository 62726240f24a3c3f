/* loopback_parse.c - the webhook's JSON, checked. Pure: no I/O, no state. */
#include "connectors/loopback/loopback_parse.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_strict.h"
#include "base/mem.h"
#include "base/utf8.h"

#define DEPTH_MAX 8
#define KIND_MAX 20
#define ADDRESS_MAX 200
#define ID_TEXT_MAX 200

/* A string of 1..max bytes of clean text, or NULL. */
static const char *short_text(const json_t *v, size_t max) {
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    return s && n >= 1 && n <= max && utf8_is_text(s, n) ? s : NULL;
}

/* A word of an identity's kind: small letters, digits, '_'. */
static const char *kind_text(const json_t *v) {
    const char *s = short_text(v, KIND_MAX);
    return s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0' ? s : NULL;
}

static int check_keys(
    const json_t *o, const char *const *known, const char *where, struct err *err) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)o, key, v) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (!known[i])
            return err_set(err, ERR_INVALID, "unknown key \"%.40s\" in %s", key, where);
    }
    return 0;
}

int loopback_parse(struct span text, struct loopback_message *out, struct err *err) {
    static const char *const keys[] = {"from", "id", "text", "sent_at", NULL};
    static const char *const from_keys[] = {"kind", "address", "name", "verified", NULL};
    *out = (struct loopback_message){0};
    out->root = json_strict_parse(text, DEPTH_MAX, err);
    if (!out->root || check_keys(out->root, keys, "the message", err) < 0)
        return -1;
    const json_t *from = json_object_get(out->root, "from");
    if (!json_is_object(from) || check_keys(from, from_keys, "from", err) < 0)
        return json_is_object(from) ? -1 : err_set(err, ERR_INVALID, "from must be an object");
    const json_t *kind = json_object_get(from, "kind");
    out->from.kind = kind ? kind_text(kind) : "loopback";
    out->from.address = short_text(json_object_get(from, "address"), ADDRESS_MAX);
    out->from.name = short_text(json_object_get(from, "name"), ADDRESS_MAX);
    out->from.verified = json_is_true(json_object_get(from, "verified"));
    out->id = short_text(json_object_get(out->root, "id"), ID_TEXT_MAX);
    if (!out->from.kind || !out->from.address)
        return err_set(err, ERR_INVALID,
            "from.address must be a string of 1 to %d bytes (and from.kind one of 1 to "
            "%d small letters, digits or _)",
            ADDRESS_MAX, KIND_MAX);
    if (!out->id)
        return err_set(err, ERR_INVALID, "id must be a string of 1 to %d bytes", ID_TEXT_MAX);
    const json_t *t = json_object_get(out->root, "text");
    if (!short_text(t, MESSAGE_TEXT_MAX))
        return err_set(err, ERR_INVALID,
            "text must be a string of 1 to %d bytes without control characters", MESSAGE_TEXT_MAX);
    out->body = json_pack("{s:O}", "text", t);
    json_t *sent = json_object_get(out->root, "sent_at");
    int64_t sent_ms;
    if (sent && (!json_is_string(sent) || clock_parse(json_string_value(sent), &sent_ms) < 0))
        return err_set(err, ERR_INVALID, "sent_at must be a time (RFC 3339)");
    if (sent)
        json_object_set(out->body, "sent_at", sent);
    return 0;
}

void loopback_message_free(struct loopback_message *m) {
    json_decref(m->body);
    json_decref(m->root);
    *m = (struct loopback_message){0};
}

enum loopback_act loopback_act_parse(const char *text, unsigned *number_out) {
    static const struct {
        const char *word;
        enum loopback_act act;
    } acts[] = {{"!fail", ACT_FAIL}, {"!reject", ACT_REJECT}, {"!delay", ACT_DELAY},
        {"!lose", ACT_LOSE}, {"!twice", ACT_TWICE}};
    *number_out = 1;
    for (size_t i = 0; text && i < ARRAY_LEN(acts); i++) {
        size_t n = strlen(acts[i].word);
        if (strncmp(text, acts[i].word, n) != 0 || (text[n] && text[n] != ' '))
            continue;
        unsigned long number = strtoul(text + n, NULL, 10);
        if (number > 0 && number < 600000)
            *number_out = (unsigned)number;
        return acts[i].act;
    }
    return ACT_OK;
}
