/* store_json.c - threads and clients as Redis keeps them, turned into their JSON forms. Pure. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store_private.h"

const char *const thread_fields[T_COUNT] = {"client", "cname", "state", "assignee", "labels",
    "channel", "connector", "unread", "seq", "last_ms", "created", "last_dir", "last_text",
    "last_seq", "waiting", "cr", "cd", "ar", "snooze", "merged", "kind", "address", "route",
    "first", "window", "blocked", "sla", "episode", "in_ms"};

static json_t *time_or_null(int64_t ms) {
    char when[CLOCK_TEXT_SIZE];
    return ms > 0 ? json_string(clock_format(ms, when)) : json_null();
}

static json_t *text_or_null(const char *s) {
    return *s ? json_string(s) : json_null();
}

/* "<channel> <until ms> <free until ms>;...": see scripts/_common.lua. */
static json_t *windows_json(const char *s) {
    json_t *out = json_object();
    while (*s) {
        size_t name = strcspn(s, " ;"), n = strcspn(s, ";");
        char *end;
        int64_t until = strtoll(s + name, &end, 10);
        int64_t free_until = strtoll(end, NULL, 10); /* 0 of "?...", which only may come */
        json_object_setn_new(out, s, name,
            json_pack(
                "{s:o,s:o}", "until", time_or_null(until), "free_until", time_or_null(free_until)));
        s += n + (s[n] == ';');
    }
    return out;
}

/* "<first|next> <0 set, 1 reminded of, 2 late> <remind ms> <due ms> ...": see scripts/_common.lua.
 */
static json_t *sla_json(const char *s) {
    size_t kind = strcspn(s, " ");
    if (!s[kind])
        return json_null();
    char *end;
    long step = strtol(s + kind, &end, 10);
    (void)strtoll(end, &end, 10);
    return json_pack("{s:s%,s:o,s:b}", "kind", s, kind, "due", time_or_null(strtoll(end, NULL, 10)),
        "breached", step == 2);
}

json_t *thread_json(const char *id, const struct redis_reply *r) {
    const char *client = redis_reply_str(redis_reply_at(r, T_CLIENT));
    if (!*client)
        return NULL;
    const char *s[T_COUNT];
    int64_t n[T_COUNT];
    for (size_t i = 0; i < T_COUNT; i++) {
        s[i] = redis_reply_str(redis_reply_at(r, i));
        n[i] = redis_reply_int(redis_reply_at(r, i));
    }
    json_t *labels = json_loads(*s[T_LABELS] ? s[T_LABELS] : "[]", 0, NULL);
    return json_pack("{s:s,s:{s:s,s:s},s:s,s:o,s:o,s:s,s:s,s:I,s:I,s:o,s:o,s:{s:s,s:s,s:I},"
                     "s:o,s:I,s:I,s:I,s:o,s:o,s:o,s:b,s:o,s:o}",
        "id", id, "client", "id", client, "name", s[T_CNAME], "state", s[T_STATE], "assignee",
        text_or_null(s[T_ASSIGNEE]), "labels", labels ? labels : json_array(), "channel",
        s[T_CHANNEL], "connector", s[T_CONNECTOR], "unread", (json_int_t)n[T_UNREAD], "last_seq",
        (json_int_t)n[T_SEQ], "last_at", time_or_null(n[T_LAST_MS]), "created_at",
        time_or_null(n[T_CREATED]), "last", "direction", s[T_LAST_DIR], "text", s[T_LAST_TEXT],
        "seq", (json_int_t)n[T_LAST_SEQ], "waiting_since", time_or_null(n[T_WAITING]),
        "client_read_seq", (json_int_t)n[T_CR], "client_delivered_seq",
        (json_int_t)(n[T_CD] > n[T_CR] ? n[T_CD] : n[T_CR]), "agent_read_seq", (json_int_t)n[T_AR],
        "snooze_until", time_or_null(n[T_SNOOZE]), "merged_into", text_or_null(s[T_MERGED]),
        "windows", windows_json(s[T_WINDOW]), "blocked", *s[T_BLOCKED] == '1', "sla",
        sla_json(s[T_SLA]), "client_last_at", time_or_null(n[T_IN_MS]));
}

/* What is known of the client's card in a CRM. */
static void card_field(json_t *cards, const char *target, const char *key, const char *value) {
    json_t *card = json_object_get(cards, target);
    if (!card)
        json_object_set_new(cards, target, card = json_object());
    json_object_set_new(card, key, json_string(value));
}

/* Who became part of him, as join.lua keeps it: what a person needs to undo it. */
static void merge_field(json_t *c, const char *from, const char *value) {
    json_t *kept = json_loads(value, 0, NULL), *merges = json_object_get(c, "merges");
    const char *at = json_string_value(json_object_get(kept, "at"));
    const char *by = json_string_value(json_object_get(kept, "by"));
    const char *name = json_string_value(json_object_get(kept, "name"));
    if (!merges)
        json_object_set_new(c, "merges", merges = json_array());
    json_array_append_new(
        merges, json_pack("{s:s,s:s,s:s,s:o}", "client", from, "name", name ? name : "", "by",
                    by ? by : "", "at", time_or_null(at ? strtoll(at, NULL, 10) : 0)));
    json_decref(kept);
}

/* "<ms> <agent> <reason>"; and of each CRM "<how> <ms>". */
static void erased_field(json_t *c, const char *key, const char *value) {
    json_t *erased = json_object_get(c, "erased");
    if (!erased)
        json_object_set_new(c, "erased", erased = json_pack("{s:{}}", "told"));
    if (strcmp(key, "erased") != 0) {
        const char *sp = strchr(value, ' ');
        json_object_set_new(json_object_get(erased, "told"), key + strlen("told:"),
            json_pack("{s:s%,s:o}", "how", value, sp ? (size_t)(sp - value) : strlen(value), "at",
                time_or_null(sp ? strtoll(sp + 1, NULL, 10) : 0)));
        return;
    }
    char *agent, *reason;
    int64_t at = strtoll(value, &agent, 10);
    agent += *agent == ' ';
    reason = agent + strcspn(agent, " ");
    json_object_set_new(erased, "at", time_or_null(at));
    json_object_set_new(erased, "by", json_stringn(agent, (size_t)(reason - agent)));
    json_object_set_new(erased, "reason", json_string(*reason ? reason + 1 : ""));
}

/* One field of a client hash into the object being built. */
static void client_field(json_t *c, const char *key, const char *value) {
    static const char *const plain[] = {"name", "phone", "email", "note", "thread"};
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (strcmp(key, plain[i]) == 0) {
            json_object_set_new(c, key, json_string(value));
            return;
        }
    if (strcmp(key, "created") == 0) {
        json_object_set_new(c, "created_at", time_or_null(strtoll(value, NULL, 10)));
    } else if (strcmp(key, "merged") == 0) {
        json_object_set_new(c, "merged_into", json_string(value));
    } else if (strcmp(key, "profile") == 0) {
        json_t *p = json_loads(value, 0, NULL);
        json_object_set_new(c, "profile", p ? p : json_object());
    } else if (strncmp(key, "card:", 5) == 0) {
        card_field(json_object_get(c, "cards"), key + 5, "id", value);
    } else if (strncmp(key, "cardurl:", 8) == 0) {
        card_field(json_object_get(c, "cards"), key + 8, "url", value);
    } else if (strcmp(key, "erased") == 0 || strncmp(key, "told:", 5) == 0) {
        erased_field(c, key, value);
    } else if (strncmp(key, "g:", 2) == 0) {
        merge_field(c, key + 2, value);
    } else if (strncmp(key, "m:", 2) == 0) {
        json_array_append_new(json_object_get(c, "threads"), json_string(value));
    } else if (strncmp(key, "i:", 2) == 0) {
        const char *address = strchr(key + 2, ':');
        if (!address)
            return;
        json_t *id = json_pack("{s:s%,s:s,s:s,s:b}", "kind", key + 2, (size_t)(address - key - 2),
            "address", address + 1, "name", *value ? value + 1 : "", "verified",
            *value == '1' || *value == '2');
        if (*value == '2')
            json_object_set_new(id, "former", json_true());
        json_array_append_new(json_object_get(c, "identities"), id);
    }
}

json_t *client_json(const char *id, const struct redis_reply *r) {
    size_t n = redis_reply_count(r);
    if (n < 2)
        return NULL;
    json_t *c = json_pack("{s:s,s:s,s:[],s:[],s:{},s:{},s:n}", "id", id, "name", "", "identities",
        "threads", "profile", "cards", "merged_into");
    for (size_t i = 0; i + 1 < n; i += 2)
        client_field(
            c, redis_reply_str(redis_reply_at(r, i)), redis_reply_str(redis_reply_at(r, i + 1)));
    const char *thread = json_string_value(json_object_get(c, "thread"));
    if (thread)
        json_array_insert_new(json_object_get(c, "threads"), 0, json_string(thread));
    return c;
}
