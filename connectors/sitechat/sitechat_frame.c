/* sitechat_frame.c - reads a visitor's frame: known keys, types, lengths. Decides nothing. */
#include "connectors/sitechat/sitechat_frame.h"

#include <string.h>

#include "base/json_strict.h"
#include "base/mem.h"
#include "base/utf8.h"

#define DEPTH 6
#define HISTORY_LIMIT 50
#define HISTORY_MAX 100
#define RATE_POINTS 1000
#define EVENT_KEYS 10
#define SEQ_MAX (1LL << 52)

enum value_type { TEXT, NUMBER, FLAG, OBJECT, LIST };

struct key {
    const char *name; /* NULL ends */
    enum value_type type;
    size_t max; /* bytes of a text */
    bool required;
};

static const struct key hello_keys[] = {{"type", TEXT, 16, true}, {"v", NUMBER, 0, false},
    {"site", TEXT, 64, true}, {"token", TEXT, 1024, false}, {"epoch", TEXT, 64, false},
    {"cursor", NUMBER, 0, false}, {"page", OBJECT, 0, false}, {"user", OBJECT, 0, false},
    {"form", OBJECT, 0, false}, {0}};
static const struct key msg_keys[] = {{"type", TEXT, 16, true},
    {"cid", TEXT, VISITOR_CID_MAX, true}, {"text", TEXT, VISITOR_FRAME_MAX, false},
    {"attachments", LIST, 0, false}, {0}};
static const struct key typing_keys[] = {{"type", TEXT, 16, true}, {"on", FLAG, 0, true}, {0}};
static const struct key upto_keys[] = {{"type", TEXT, 16, true}, {"upto", NUMBER, 0, true}, {0}};
static const struct key history_keys[] = {
    {"type", TEXT, 16, true}, {"before", NUMBER, 0, true}, {"limit", NUMBER, 0, false}, {0}};
static const struct key continue_keys[] = {
    {"type", TEXT, 20, true}, {"id", TEXT, 64, true}, {"connector", TEXT, 40, true}, {0}};
static const struct key form_keys[] = {{"type", TEXT, 16, true}, {"name", TEXT, 256, false},
    {"email", TEXT, 254, false}, {"phone", TEXT, 40, false}, {"consent", TEXT, 64, false}, {0}};
static const struct key hello_form_keys[] = {
    {"name", TEXT, 256, false}, {"email", TEXT, 254, false}, {"phone", TEXT, 40, false}, {0}};
static const struct key rate_keys[] = {{"type", TEXT, 16, true},
    {"cid", TEXT, VISITOR_CID_MAX, true}, {"score", NUMBER, 0, true},
    {"text", TEXT, VISITOR_FRAME_MAX, false}, {0}};
static const struct key event_keys[] = {{"type", TEXT, 16, true},
    {"cid", TEXT, VISITOR_CID_MAX, true}, {"name", TEXT, 64, true}, {"data", OBJECT, 0, false},
    {0}};
static const struct key ping_keys[] = {{"type", TEXT, 16, true}, {0}};
static const struct key user_keys[] = {{"id", TEXT, 128, false}, {"name", TEXT, 256, false},
    {"email", TEXT, 254, false}, {"phone", TEXT, 32, false}, {"hash", TEXT, 128, false},
    {"token", TEXT, 4096, false}, {0}};
static const struct key page_keys[] = {{"url", TEXT, 4096, false}, {"title", TEXT, 1024, false},
    {"referrer", TEXT, 4096, false}, {"locale", TEXT, 64, false}, {"timezone", TEXT, 64, false},
    {"consent", TEXT, 64, false}, {"utm", OBJECT, 0, false}, {0}};

static const struct {
    const char *name;
    enum visitor_frame_kind kind;
    const struct key *keys;
} kinds[] = {{"hello", VISITOR_HELLO, hello_keys}, {"msg", VISITOR_MSG, msg_keys},
    {"typing", VISITOR_TYPING, typing_keys}, {"delivered", VISITOR_DELIVERED, upto_keys},
    {"read", VISITOR_READ, upto_keys}, {"history", VISITOR_HISTORY, history_keys},
    {"continue", VISITOR_CONTINUE, continue_keys}, {"form", VISITOR_FORM, form_keys},
    {"rate", VISITOR_RATE, rate_keys}, {"event", VISITOR_EVENT, event_keys},
    {"ping", VISITOR_PING, ping_keys}};

/* --- one object against its table ------------------------------------------------------------ */

static int check_text(const char *where, const json_t *v, size_t max, struct err *err) {
    const char *s = json_string_value(v);
    if (!s)
        return err_set(err, ERR_INVALID, "%s must be a string", where);
    if (json_string_length(v) > max)
        return err_set(err, ERR_TOO_LARGE, "%s is longer than %zu bytes", where, max);
    if (!utf8_is_text(s, json_string_length(v)))
        return err_set(err, ERR_INVALID, "%s has control characters", where);
    return 0;
}

static int check_value(const struct key *k, const json_t *v, struct err *err) {
    switch (k->type) {
    case TEXT:
        return check_text(k->name, v, k->max, err);
    case NUMBER:
        if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > SEQ_MAX)
            return err_set(err, ERR_INVALID, "%s must be a whole number, not negative", k->name);
        return 0;
    case FLAG:
        return json_is_boolean(v) ? 0
                                  : err_set(err, ERR_INVALID, "%s must be true or false", k->name);
    case OBJECT:
        return json_is_object(v) ? 0 : err_set(err, ERR_INVALID, "%s must be an object", k->name);
    case LIST:
        return json_is_array(v) ? 0 : err_set(err, ERR_INVALID, "%s must be an array", k->name);
    }
    return 0;
}

static int check_keys(const json_t *o, const struct key *keys, struct err *err) {
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)o, name, v) {
        const struct key *k = keys;
        while (k->name && strcmp(k->name, name) != 0)
            k++;
        if (!k->name)
            return err_set(err, ERR_INVALID, "unknown key \"%.40s\"", name);
        if (check_value(k, v, err) < 0)
            return -1;
    }
    for (const struct key *k = keys; k->name; k++)
        if (k->required && !json_object_get(o, k->name))
            return err_set(err, ERR_INVALID, "%s is missing", k->name);
    return 0;
}

/* --- by kind --------------------------------------------------------------------------------- */

static const char *text_of(const json_t *o, const char *key) {
    return json_string_value(json_object_get(o, key));
}

static int64_t number_of(const json_t *o, const char *key, int64_t absent) {
    const json_t *v = json_object_get(o, key);
    return v ? json_integer_value(v) : absent;
}

static int read_page(const json_t *page, struct err *err) {
    const json_t *utm = json_object_get(page, "utm");
    const char *name;
    json_t *v;
    if (check_keys(page, page_keys, err) < 0)
        return -1;
    if (json_object_size(utm) > 10)
        return err_set(err, ERR_INVALID, "utm has more than 10 keys");
    json_object_foreach((json_t *)utm, name, v) {
        if (strlen(name) > 64)
            return err_set(err, ERR_INVALID, "a key of utm is longer than 64 bytes");
        if (check_text("utm", v, 1024, err) < 0)
            return -1;
    }
    return 0;
}

static int read_hello(struct visitor_frame *f, struct err *err) {
    const json_t *user = json_object_get(f->json, "user");
    f->site = text_of(f->json, "site");
    f->token = text_of(f->json, "token");
    f->epoch = text_of(f->json, "epoch");
    f->cursor = number_of(f->json, "cursor", -1);
    f->page = json_object_get(f->json, "page");
    f->form = json_object_get(f->json, "form");
    if (f->page && read_page(f->page, err) < 0)
        return -1;
    if (f->form && check_keys(f->form, hello_form_keys, err) < 0)
        return -1;
    if (!user)
        return 0;
    if (check_keys(user, user_keys, err) < 0)
        return -1;
    f->has_user = true;
    f->user.id = text_of(user, "id");
    f->user.name = text_of(user, "name");
    f->user.email = text_of(user, "email");
    f->user.phone = text_of(user, "phone");
    f->user.hash = text_of(user, "hash");
    f->user.token = text_of(user, "token");
    return 0;
}

static bool is_blank(const char *s) {
    return !s || s[strspn(s, " \t\r\n")] == '\0';
}

static bool cid_ok(const char *s) {
    size_t n = s ? strlen(s) : 0;
    if (n < 1 || n > VISITOR_CID_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (s[i] <= 0x20 || s[i] >= 0x7f)
            return false;
    return true;
}

static int read_msg(struct visitor_frame *f, size_t text_max, struct err *err) {
    const json_t *files = json_object_get(f->json, "attachments");
    size_t i;
    json_t *id;
    f->text = text_of(f->json, "text");
    if (f->text && utf8_length(f->text, strlen(f->text)) > text_max)
        return err_set(err, ERR_TOO_LARGE, "text is longer than %zu characters", text_max);
    if (json_array_size(files) > VISITOR_FILES_MAX)
        return err_set(err, ERR_TOO_LARGE, "at most %d files in one message", VISITOR_FILES_MAX);
    json_array_foreach(files, i, id) {
        if (!id_is_valid(json_string_value(id)))
            return err_set(err, ERR_INVALID, "attachments[%zu] is not the id of a file", i);
        f->files[f->nfiles++] = json_string_value(id);
    }
    if (is_blank(f->text) && !f->nfiles)
        return err_set(err, ERR_INVALID, "a message needs text or attachments");
    return 0;
}

static int read_limit(struct visitor_frame *f, struct err *err) {
    int64_t limit = number_of(f->json, "limit", HISTORY_LIMIT);
    if (limit < 1 || limit > HISTORY_MAX)
        return err_set(err, ERR_INVALID, "limit must be 1 to %d", HISTORY_MAX);
    f->limit = (unsigned)limit;
    return 0;
}

static int read_rate(struct visitor_frame *f, struct err *err) {
    int64_t score = number_of(f->json, "score", 0);
    f->text = text_of(f->json, "text");
    if (score < 1 || score > VISITOR_SCORE_MAX)
        return err_set(err, ERR_INVALID, "score must be 1 to %d", VISITOR_SCORE_MAX);
    if (f->text && utf8_length(f->text, strlen(f->text)) > RATE_POINTS)
        return err_set(err, ERR_TOO_LARGE, "text is longer than %d characters", RATE_POINTS);
    f->score = (int)score;
    return 0;
}

/* A few names with texts, numbers or truth values: no depth, nothing long. */
static int read_event(struct visitor_frame *f, struct err *err) {
    const char *name;
    json_t *v;
    f->name = text_of(f->json, "name");
    f->data = json_object_get(f->json, "data");
    if (is_blank(f->name))
        return err_set(err, ERR_INVALID, "name is empty");
    if (json_object_size(f->data) > EVENT_KEYS)
        return err_set(err, ERR_INVALID, "data has more than %d keys", EVENT_KEYS);
    json_object_foreach((json_t *)f->data, name, v) {
        if (strlen(name) > 64 || !utf8_is_text(name, strlen(name)))
            return err_set(err, ERR_INVALID, "a key of data is not text, or longer than 64 bytes");
        if (json_is_string(v) && check_text("data", v, 255, err) < 0)
            return -1;
        if (!json_is_string(v) && !json_is_number(v) && !json_is_boolean(v))
            return err_set(
                err, ERR_INVALID, "data may have texts, numbers, true and false, nothing else");
    }
    return 0;
}

static int read_kind(
    struct visitor_frame *f, const struct key *keys, size_t text_max, struct err *err) {
    if (f->kind == VISITOR_MSG || f->kind == VISITOR_RATE || f->kind == VISITOR_EVENT) {
        f->cid = text_of(f->json, "cid");
        if (!cid_ok(f->cid)) {
            f->cid = NULL;
            return err_set(err, ERR_INVALID,
                "cid must be 1 to %d printable ASCII characters without spaces", VISITOR_CID_MAX);
        }
    }
    if (check_keys(f->json, keys, err) < 0)
        return -1;
    switch (f->kind) {
    case VISITOR_HELLO:
        return read_hello(f, err);
    case VISITOR_MSG:
        return read_msg(f, text_max, err);
    case VISITOR_TYPING:
        f->on = json_is_true(json_object_get(f->json, "on"));
        return 0;
    case VISITOR_DELIVERED:
    case VISITOR_READ:
        f->upto = number_of(f->json, "upto", 0);
        return 0;
    case VISITOR_HISTORY:
        f->before = number_of(f->json, "before", 0);
        return read_limit(f, err);
    case VISITOR_CONTINUE:
        f->id = text_of(f->json, "id");
        f->connector = text_of(f->json, "connector");
        return 0;
    case VISITOR_FORM:
        f->form = f->json;
        f->consent = text_of(f->json, "consent");
        return 0;
    case VISITOR_RATE:
        return read_rate(f, err);
    case VISITOR_EVENT:
        return read_event(f, err);
    case VISITOR_PING:
        return 0;
    }
    return 0;
}

int visitor_frame_parse(
    struct span text, size_t text_max, struct visitor_frame *out, struct err *err) {
    *out = (struct visitor_frame){.cursor = -1};
    out->json = json_strict_parse(text, DEPTH, err);
    if (!out->json)
        return -1;
    const char *type = text_of(out->json, "type");
    if (!type)
        return err_set(err, ERR_INVALID, "type is missing");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(type, kinds[i].name) != 0)
            continue;
        out->kind = kinds[i].kind;
        return read_kind(out, kinds[i].keys, text_max, err);
    }
    return err_set(err, ERR_INVALID,
        "unknown type \"%.20s\"; known are hello, msg, typing, delivered, read, history, "
        "continue, form, rate, event and ping",
        type);
}

void visitor_frame_free(struct visitor_frame *f) {
    json_decref(f->json);
    f->json = NULL;
}
