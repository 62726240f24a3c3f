/* revision.c - how the body of a stored message changes. */
#include "base/json_text.h"
#include "model/revision.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "model/message.h"

/* What a message says: an edit replaces all of it. */
static const char *const content_keys[] = {"text", "html", "location", "contact", "poll",
    "checklist", "quote", "raw_type", "raw", "buttons", "sent_at", "forward", NULL};

static void set_time(json_t *body, const char *key, int64_t ms) {
    char when[CLOCK_TEXT_SIZE];
    json_object_set_new(body, key, json_string(clock_format(ms, when)));
}

/* Files of a version that is over, without the way to fetch them. */
static void keep_files(json_t *was, const json_t *files) {
    json_t *list = json_deep_copy(files), *one;
    size_t i;
    if (!json_array_size(list)) {
        json_decref(list);
        return;
    }
    json_array_foreach(list, i, one) json_object_del(one, "remote");
    json_object_set_new(was, "attachments", list);
}

/* The version that was: {"at","text"?,"html"?,"attachments"?}; gone: files that it alone had. */
static void keep_version(json_t *body, const json_t *gone, int64_t now_ms) {
    json_t *edits = json_object_get(body, "edits");
    json_t *was = json_object();
    const char *at = json_text(body, "edited_at");
    if (*at)
        json_object_set(was, "at", json_object_get(body, "edited_at"));
    else if (json_object_get(body, "sent_at"))
        json_object_set(was, "at", json_object_get(body, "sent_at"));
    else
        set_time(was, "at", now_ms);
    if (json_object_get(body, "text"))
        json_object_set(was, "text", json_object_get(body, "text"));
    if (json_object_get(body, "html"))
        json_object_set(was, "html", json_object_get(body, "html"));
    keep_files(was, gone);
    if (!edits) {
        edits = json_array();
        json_object_set_new(body, "edits", edits);
    }
    json_array_append_new(edits, was);
    while (json_array_size(edits) > REVISION_KEPT)
        json_array_remove(edits, 1); /* the first one says how it began */
}

static bool same_file(const json_t *a, const json_t *b) {
    const json_t *x = json_object_get(json_object_get(a, "remote"), "unique");
    const json_t *y = json_object_get(json_object_get(b, "remote"), "unique");
    return x && y && json_equal(x, y);
}

/* The new list, with the files that are here already in the place of their new descriptions. */
static json_t *merge_files(const json_t *old, const json_t *new) {
    json_t *out = json_array(), *n, *o;
    size_t i, k;
    json_array_foreach(new, i, n) {
        json_t *take = n;
        json_array_foreach(old, k, o) {
            if (same_file(o, n))
                take = o;
        }
        json_array_append(out, take);
    }
    return out;
}

/* Those of the old list that are not in the new one. */
static json_t *gone_files(const json_t *old, const json_t *merged) {
    json_t *out = json_array(), *o, *n;
    size_t i, k;
    json_array_foreach(old, i, o) {
        bool stays = false;
        json_array_foreach(merged, k, n) stays = stays || n == o;
        if (!stays)
            json_array_append(out, o);
    }
    return out;
}

static bool same_content(const json_t *body, const json_t *change) {
    for (size_t i = 0; content_keys[i]; i++) {
        const json_t *a = json_object_get(body, content_keys[i]);
        const json_t *b = json_object_get(change, content_keys[i]);
        if (a != b && (!a || !b || !json_equal(a, b)))
            return false;
    }
    const json_t *old = json_object_get(body, "attachments");
    const json_t *new = json_object_get(change, "attachments");
    if (json_array_size(old) != json_array_size(new))
        return false;
    for (size_t i = 0; i < json_array_size(new); i++)
        if (!same_file(json_array_get(old, i), json_array_get(new, i)))
            return false;
    return true;
}

static void set_edited(json_t *body, const json_t *change, int64_t now_ms) {
    json_t *at = json_object_get(change, "edited_at");
    if (at)
        json_object_set(body, "edited_at", at);
    else
        set_time(body, "edited_at", now_ms);
}

/* --- albums: each part may have words of its own ---------------------------------------------- */

static void move_words(json_t *to, const json_t *from) {
    static const char *const words[] = {"text", "html"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        json_t *v = json_object_get(from, words[i]);
        if (v)
            json_object_set(to, words[i], v);
        else
            json_object_del(to, words[i]);
    }
}

/* The words of an album that had one part until now are that part's. */
static void claim_words(const json_t *body, json_t *list, size_t owner) {
    json_t *one;
    size_t i;
    json_array_foreach(list, i, one) {
        if (json_object_get(one, "text"))
            return;
    }
    move_words(json_array_get(list, owner), body);
}

static void add_escaped(struct buf *b, const char *s) {
    for (; *s; s++)
        if (*s == '&' || *s == '<' || *s == '>')
            buf_adds(b, *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : "&gt;");
        else
            buf_add(b, s, 1);
}

/* The words of all parts, a line each. */
static void gather_words(json_t *body, const json_t *list) {
    struct buf text, html;
    bool is_rich = false;
    json_t *one;
    size_t i;
    buf_init(&text, MESSAGE_TEXT_MAX);
    buf_init(&html, MESSAGE_TEXT_MAX);
    json_array_foreach(list, i, one) {
        const char *said = json_text(one, "text"), *rich = json_text(one, "html");
        if (!*said || text.n + strlen(said) + 1 > MESSAGE_TEXT_MAX)
            continue;
        buf_adds(&text, text.n ? "\n" : "");
        buf_adds(&html, html.n ? "\n" : "");
        buf_adds(&text, said);
        if (*rich)
            buf_adds(&html, rich);
        else
            add_escaped(&html, said);
        is_rich = is_rich || *rich;
    }
    json_object_del(body, "text");
    json_object_del(body, "html");
    if (text.n)
        json_object_set_new(body, "text", json_string(buf_str(&text)));
    if (is_rich && !html.failed)
        json_object_set_new(body, "html", json_string(buf_str(&html)));
    buf_free(&text);
    buf_free(&html);
}

static size_t find_part(const json_t *list, const char *part) {
    json_t *one;
    size_t i;
    json_array_foreach(list, i, one) {
        if (strcmp(json_text(one, "external_id"), part) == 0)
            return i;
    }
    return SIZE_MAX;
}

/* Only the attachment of this part changes, and its words. */
static int edit_part(json_t *body, json_t *list, size_t at, const json_t *change, int64_t now_ms) {
    json_t *new = json_array_get(json_object_get(change, "attachments"), 0);
    json_t *old = json_incref(json_array_get(list, at));
    bool stays = !new || same_file(old, new);
    claim_words(body, list, json_object_get(change, "text") ? at : 0);
    if (stays && strcmp(json_text(old, "text"), json_text(change, "text")) == 0 &&
        strcmp(json_text(old, "html"), json_text(change, "html")) == 0) {
        json_decref(old);
        return 0;
    }
    json_t *gone = json_array(), *now = stays ? json_incref(old) : json_copy(new);
    if (!stays)
        json_array_append(gone, old);
    keep_version(body, gone, now_ms);
    move_words(now, change);
    json_array_set_new(list, at, now);
    gather_words(body, list);
    set_edited(body, change, now_ms);
    json_decref(gone);
    json_decref(old);
    return 1;
}

int revision_edit(json_t *body, const json_t *change, const char *part, int64_t now_ms) {
    json_t *list = json_object_get(body, "attachments");
    size_t at = part && json_array_size(list) > 1 ? find_part(list, part) : SIZE_MAX;
    if (json_object_get(change, "edited_at") && json_object_get(body, "edited_at") &&
        strcmp(json_text(change, "edited_at"), json_text(body, "edited_at")) < 0)
        return 0; /* an older version than what is here */
    if (at != SIZE_MAX)
        return edit_part(body, list, at, change, now_ms);
    if (same_content(body, change))
        return 0;
    json_t *files = merge_files(list, json_object_get(change, "attachments"));
    json_t *gone = gone_files(list, files);
    keep_version(body, gone, now_ms);
    for (size_t i = 0; content_keys[i]; i++) {
        json_t *new = json_object_get(change, content_keys[i]);
        if (new)
            json_object_set(body, content_keys[i], new);
        else
            json_object_del(body, content_keys[i]);
    }
    if (json_array_size(files))
        json_object_set(body, "attachments", files);
    else
        json_object_del(body, "attachments");
    set_edited(body, change, now_ms);
    json_decref(files);
    json_decref(gone);
    return 1;
}

static bool has_file(const json_t *body) {
    size_t i;
    json_t *a;
    json_array_foreach(json_object_get(body, "attachments"), i, a) {
        if (json_object_get(a, "id") || json_object_get(a, "remote"))
            return true;
    }
    return false;
}

int revision_fill(json_t *body, const json_t *change) {
    json_t *files = json_object_get(change, "attachments");
    if (!json_array_size(files) || has_file(body) || json_object_get(body, "deleted_at"))
        return 0;
    json_object_set(body, "attachments", files);
    json_object_del(body, "raw_type");
    if (!json_object_get(body, "text"))
        move_words(body, change);
    return 1;
}

int revision_move(json_t *body, const json_t *change) {
    json_t *location = json_object_get(change, "location");
    if (!location || json_equal(location, json_object_get(body, "location")))
        return 0;
    json_object_set(body, "location", location);
    return 1;
}

int revision_delete(json_t *body, const char *by, int64_t now_ms) {
    if (json_object_get(body, "deleted_at"))
        return 0;
    set_time(body, "deleted_at", now_ms);
    json_object_set_new(body, "deleted_by", json_string(by));
    return 1;
}

/* Two of a group may have one name, and a name may change. */
static bool is_by(const json_t *r, const json_t *reaction) {
    const char *a = json_text(r, "address"), *b = json_text(reaction, "address");
    if (strcmp(json_text(r, "by"), json_text(reaction, "by")) != 0)
        return false;
    return *a && *b ? strcmp(a, b) == 0
                    : strcmp(json_text(r, "name"), json_text(reaction, "name")) == 0;
}

int revision_react(json_t *body, const json_t *reaction) {
    json_t *old = json_object_get(body, "reactions"), *out = json_array(), *v;
    size_t i;
    json_array_foreach(old, i, v) {
        if (!is_by(v, reaction))
            json_array_append(out, v);
    }
    json_array_foreach(json_object_get(reaction, "emoji"), i, v) {
        json_t *one = json_pack("{s:O,s:O}", "emoji", v, "by", json_object_get(reaction, "by"));
        if (one && json_object_get(reaction, "name"))
            json_object_set(one, "name", json_object_get(reaction, "name"));
        if (one && json_object_get(reaction, "address"))
            json_object_set(one, "address", json_object_get(reaction, "address"));
        if (one && json_array_size(out) < REVISION_REACTIONS)
            json_array_append(out, one);
        json_decref(one);
    }
    bool same = old ? json_equal(old, out) : json_array_size(out) == 0;
    if (!same && json_array_size(out))
        json_object_set(body, "reactions", out);
    else if (!same)
        json_object_del(body, "reactions");
    json_decref(out);
    return same ? 0 : 1;
}

int revision_part(json_t *body, const json_t *part) {
    json_t *list = json_object_get(body, "attachments"), *new;
    size_t i;
    int changed = 0;
    bool has_owner = json_array_size(list) || !json_object_get(body, "text");
    json_array_foreach(json_object_get(part, "attachments"), i, new) {
        if (find_part(list, json_text(new, "external_id")) != SIZE_MAX ||
            json_array_size(list) >= MESSAGE_ATTACHMENTS_MAX)
            continue;
        if (!list) {
            list = json_array();
            json_object_set_new(body, "attachments", list);
        }
        if (!changed && json_array_size(list))
            claim_words(body, list, 0);
        new = json_copy(new);
        if (!changed)
            move_words(new, part);
        json_array_append_new(list, new);
        changed = 1;
    }
    if (changed && has_owner) /* else the first part had words only */
        gather_words(body, list);
    return changed;
}

int revision_file(json_t *body, size_t index, const json_t *media) {
    static const char *const from_media[] = {"id", "kind", "mime", "size", "sha256", NULL};
    json_t *a = json_array_get(json_object_get(body, "attachments"), index);
    if (!a || json_object_get(a, "id"))
        return 0;
    for (size_t i = 0; from_media[i]; i++)
        json_object_set(a, from_media[i], json_object_get(media, from_media[i]));
    if (!json_object_get(a, "name"))
        json_object_set(a, "name", json_object_get(media, "name"));
    json_object_del(a, "state");
    json_object_del(a, "error");
    return 1;
}

int revision_no_file(json_t *body, size_t index, const char *state, const char *error) {
    json_t *a = json_array_get(json_object_get(body, "attachments"), index);
    if (!a || json_object_get(a, "id"))
        return 0;
    json_object_set_new(a, "state", json_string(state));
    json_object_set_new(a, "error", json_string(error));
    return 1;
}

int revision_waits(const json_t *body) {
    size_t i;
    json_t *a;
    json_array_foreach(json_object_get(body, "attachments"), i, a) {
        if (strcmp(json_text(a, "state"), "waiting") == 0)
            return 1;
    }
    return 0;
}
