/* crm_text.c - a headline, the text, files; then cut into pieces. */
#include "base/json_text.h"
#include "core/crm/crm_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/utf8.h"

#define PIECE_MIN 4000
#define WHOLE_MAX ((size_t)8 * 1024 * 1024)
#define NAME_POINTS 120
#define SPARE 64 /* for the words at a cut and the mark */

enum word {
    W_AGENT,
    W_NOTE,
    W_EDITED,
    W_DELETED,
    W_LATE,
    W_FAILED,
    W_FILE,
    W_NO_FILE,
    W_PLACE,
    W_CONTACT,
    W_ASSIGNED,
    W_NOBODY,
    W_STATE,
    W_SOON,
    W_OVERDUE,
    W_RATED,
    W_EVENT,
    W_SUBJECT,
    W_CLIENT,
    W_COUNT
};

static const char *const words[2][W_COUNT] = {
    {"agent", "note", "edited", "taken back", "came late", "not delivered", "file",
        "file, not here", "place", "contact", "responsible", "nobody", "the dialogue is now",
        "an answer is due soon", "the client was not answered in time", "the client rated the talk",
        "event", "subject", "client"},
    {"сотрудник", "заметка", "изменено", "удалено", "пришло с опозданием", "не доставлено", "файл",
        "файла нет", "место", "контакт", "ответственный", "никто", "диалог теперь",
        "пора ответить клиенту", "клиенту не ответили вовремя", "клиент оценил разговор", "событие",
        "тема", "клиент"},
};

struct text {
    const struct crm_text_options *o;
    const json_t *message, *client;
    struct buf out;
};

static const char *word(const struct text *t, enum word w) {
    return words[t->o->russian][w];
}

/* --- escaping -------------------------------------------------------------------------------- */

static const char *html_of(char c) {
    return c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : NULL;
}

/* One character of somebody's text, so that it is nothing but itself. */
static void add_char(struct text *t, char c) {
    static const char markdown[] = "\\`*_{}[]<>#|~!";
    if (t->o->markup == CRM_HTML && html_of(c)) {
        buf_adds(&t->out, html_of(c));
    } else if (t->o->markup == CRM_HTML && c == '\n') {
        buf_adds(&t->out, "<br>");
    } else if (t->o->markup == CRM_BBCODE && c == '[') {
        buf_adds(&t->out, "[\xe2\x80\x8b"); /* a space without width: no tag begins so */
    } else if (t->o->markup == CRM_MARKDOWN && c && strchr(markdown, c)) {
        buf_add(&t->out, "\\", 1);
        buf_add(&t->out, &c, 1);
    } else if (t->o->markup == CRM_MARKDOWN && c == '\n') {
        buf_adds(&t->out, "  \n");
    } else if (c != '\r') {
        buf_add(&t->out, (unsigned char)c < ' ' && c != '\n' && c != '\t' ? " " : &c, 1);
    }
}

static void add(struct text *t, const char *s) {
    for (; *s; s++)
        add_char(t, *s);
}

static void bold(struct text *t, bool on) {
    static const char *const marks[][2] = {
        {"", ""}, {"[b]", "[/b]"}, {"**", "**"}, {"<b>", "</b>"}};
    buf_adds(&t->out, marks[t->o->markup][!on]);
}

static void end_line(struct text *t) {
    add_char(t, '\n');
}

/* --- what it says ---------------------------------------------------------------------------- */

static void add_name(struct text *t, const char *name) {
    char *clean = utf8_clean_name(name, NAME_POINTS);
    add(t, clean);
    free(clean);
}

/* "Ann, whatsapp main, 29.11.2026 15:04 (edited)" */
static void add_head(struct text *t, const char *direction) {
    const json_t *from = json_object_get(t->message, "from");
    const char *name = json_text(json_object_get(t->message, "author"), "name");
    int64_t at = 0;
    char when[CLOCK_TEXT_SIZE];
    bold(t, true);
    if (strcmp(direction, "out") == 0 || strcmp(direction, "note") == 0) {
        name = *json_text(from, "name") ? json_text(from, "name") : json_text(from, "agent");
        add(t, word(t, strcmp(direction, "out") == 0 ? W_AGENT : W_NOTE));
        add(t, *name ? " " : "");
    } else if (!*name) {
        name = *json_text(from, "name") ? json_text(from, "name") : json_text(t->client, "name");
        name = *name ? name : word(t, W_CLIENT);
    }
    add_name(t, name);
    bold(t, false);
    if (*json_text(t->message, "connector")) {
        add(t, ", ");
        add(t, json_text(t->message, "connector"));
        add(t, " ");
        add_name(t, json_text(t->message, "channel"));
    }
    if (clock_parse(json_text(t->message, "received_at"), &at) == 0) {
        clock_format(at + (int64_t)t->o->utc_offset_min * 60000, when);
        buf_addf(&t->out, ", %.2s.%.2s.%.4s %.5s", when + 8, when + 5, when, when + 11);
    }
    if (*json_text(t->message, "deleted_at") || *json_text(t->message, "edited_at") || t->o->late) {
        add(t, " (");
        add(t, word(t, *json_text(t->message, "deleted_at")  ? W_DELETED
                       : *json_text(t->message, "edited_at") ? W_EDITED
                                                             : W_LATE));
        add(t, ")");
    }
    end_line(t);
}

static void add_field(struct text *t, enum word name, const char *value) {
    if (!*value)
        return;
    add(t, word(t, name));
    add(t, ": ");
    add(t, value);
    end_line(t);
}

static void add_taken_back(struct text *t) {
    add(t, "(");
    add(t, word(t, W_DELETED));
    add(t, ")");
    end_line(t);
}

static void add_link(struct text *t, const char *url, const char *name) {
    switch (t->o->markup) {
    case CRM_HTML:
        buf_adds(&t->out, "<a href=\"");
        add(t, url);
        buf_adds(&t->out, "\">");
        add_name(t, name);
        buf_adds(&t->out, "</a>");
        return;
    case CRM_BBCODE:
        buf_addf(&t->out, "[url=%s]", url);
        add_name(t, name);
        buf_adds(&t->out, "[/url]");
        return;
    case CRM_MARKDOWN:
        buf_adds(&t->out, "[");
        add_name(t, name);
        buf_addf(&t->out, "](%s)", url);
        return;
    default:
        add_name(t, name);
        buf_addf(&t->out, " %s", url);
    }
}

static void add_files(struct text *t) {
    size_t i;
    json_t *file;
    json_array_foreach(json_object_get(t->message, "attachments"), i, file) {
        const char *name =
            *json_text(file, "name") ? json_text(file, "name") : json_text(file, "kind");
        const char *id = json_text(file, "id");
        add(t, word(t, *id ? W_FILE : W_NO_FILE));
        add(t, ": ");
        char *url = media_link(&t->o->links, id);
        if (url)
            add_link(t, url, name);
        else
            add_name(t, name);
        free(url);
        end_line(t);
    }
}

static void add_rating(struct text *t, const json_t *event) {
    char *said = mem_printf("%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT " %s",
        json_integer_value(json_object_get(event, "score")),
        json_integer_value(json_object_get(event, "of")), json_text(event, "comment"));
    add_field(t, W_RATED, said);
    free(said);
}

static void add_event(struct text *t) {
    const json_t *event = json_object_get(t->message, "event");
    const char *type = json_text(event, "type"), *to = json_text(event, "to");
    if (strcmp(type, "assigned") == 0)
        add_field(t, W_ASSIGNED, *to ? to : word(t, W_NOBODY));
    else if (strcmp(type, "state") == 0)
        add_field(t, W_STATE, to);
    else if (strcmp(type, "sla") == 0)
        add_field(
            t, W_EVENT, word(t, strcmp(json_text(event, "step"), "late") ? W_SOON : W_OVERDUE));
    else if (strcmp(type, "rating") == 0)
        add_rating(t, event);
    else
        add_field(t, W_EVENT, *json_text(event, "text") ? json_text(event, "text") : type);
}

static void add_content(struct text *t) {
    const json_t *place = json_object_get(t->message, "location");
    const json_t *contact = json_object_get(t->message, "contact");
    const char *text = json_text(t->message, "text");
    add_field(t, W_SUBJECT, json_text(t->message, "subject"));
    if (*text) {
        add(t, text);
        end_line(t);
    }
    if (!t->o->bare && strcmp(json_text(t->message, "status"), "failed") == 0) {
        const char *why = json_text(json_object_get(t->message, "error"), "text");
        add_field(t, W_FAILED, *why ? why : "?");
    }
    if (place) {
        char *where = mem_printf("%.6f, %.6f %s", json_number_value(json_object_get(place, "lat")),
            json_number_value(json_object_get(place, "lon")), json_text(place, "name"));
        add_field(t, W_PLACE, where);
        free(where);
    }
    if (contact) {
        char *who = mem_printf("%s %s", json_text(contact, "name"), json_text(contact, "phone"));
        add_field(t, W_CONTACT, who);
        free(who);
    }
    add_files(t);
}

/* --- pieces ---------------------------------------------------------------------------------- */

/* Not in the middle of a character, of an entity (&quot;), or between a backslash and what it
 * escapes. */
static bool may_cut(const char *p, size_t at) {
    size_t slashes = 0;
    if (((unsigned char)p[at] & 0xc0) == 0x80)
        return false;
    while (slashes < at && p[at - 1 - slashes] == '\\')
        slashes++;
    for (size_t back = 1; back < 8 && back <= at && p[at - back] != ';'; back++)
        if (p[at - back] == '&')
            return false;
    return slashes % 2 == 0;
}

static bool ends_with(const char *p, size_t at, const char *what) {
    size_t n = strlen(what);
    return at >= n && memcmp(p + at - n, what, n) == 0;
}

/* Where a piece of at most max bytes ends: after a line, else a word, else a character. Our own
 * markup stands in lines that are shorter than half a piece. */
static size_t cut_at(const char *p, size_t n, size_t max, enum crm_markup markup) {
    static const char *const ends[] = {"\n", " "};
    if (n <= max)
        return n;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        for (size_t at = max; at > max / 2; at--)
            if (may_cut(p, at) && ends_with(p, at, markup == CRM_HTML && i == 0 ? "<br>" : ends[i]))
                return at;
    size_t at = max;
    while (at > 1 && !may_cut(p, at))
        at--;
    return at;
}

static json_t *pieces_of(const struct text *t, const char *mark) {
    size_t max = (t->o->max > PIECE_MIN ? t->o->max : PIECE_MIN) - SPARE, n = 0;
    json_t *out = json_array();
    for (size_t at = 0; at < t->out.n; n++)
        at += cut_at(t->out.p + at, t->out.n - at, max, t->o->markup);
    for (size_t at = 0, i = 1; at < t->out.n; i++) {
        size_t len = cut_at(t->out.p + at, t->out.n - at, max, t->o->markup);
        char *piece = n == 1 || t->o->bare
                          ? mem_printf("%.*s%s", (int)len, t->out.p + at, i < n ? "…" : mark)
                          : mem_printf("%.*s%s %s %zu/%zu", (int)len, t->out.p + at,
                                i < n ? "…" : "", mark, i, n);
        json_array_append_new(out, json_string(piece));
        free(piece);
        at += len;
    }
    return out;
}

void crm_text_mark(const json_t *message, char out[CRM_MARK_SIZE]) {
    snprintf(out, CRM_MARK_SIZE, "#%.26s", json_text(message, "id"));
}

static const char *after_digits(const char *p) {
    return p + strspn(p, "0123456789");
}

/* After a mark comes what crm_flow says of the entry (" 2/3", " +1", "+1"), then nothing but the
 * CRM's tags: what somebody quotes in the midst of a text is no mark. */
static bool is_end(const char *p) {
    const char *slash = *p == ' ' ? after_digits(p + 1) : p;
    if (slash > p + 1 && *slash == '/' && after_digits(slash + 1) > slash + 1)
        p = after_digits(slash + 1);
    const char *plus = *p == ' ' ? p + 1 : p;
    if (*plus == '+')
        p = after_digits(plus + 1);
    while (*p) {
        const char *end = *p == '<' ? strchr(p, '>') : NULL;
        if (end)
            p = end + 1;
        else if (strchr(" \t\r\n", *p))
            p++;
        else
            return false;
    }
    return true;
}

const char *crm_text_marked(const char *text) {
    static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const char *found = NULL;
    for (const char *at = strchr(text, '#'); at; at = strchr(at + 1, '#'))
        if (strspn(at + 1, letters) == ID_LEN && is_end(at + 1 + ID_LEN))
            found = at + 1;
    return found;
}

json_t *crm_text(const json_t *message, const json_t *client, const struct crm_text_options *o) {
    struct text t = {.o = o, .message = message, .client = client};
    const char *direction = json_text(message, "direction");
    char mark[CRM_MARK_SIZE];
    buf_init(&t.out, WHOLE_MAX);
    if (!o->bare)
        add_head(&t, direction);
    else if (*json_text(message, "deleted_at"))
        add_taken_back(&t);
    if (strcmp(direction, "event") == 0)
        add_event(&t);
    else
        add_content(&t);
    crm_text_mark(message, mark);
    while (o->bare && t.out.n && t.out.p[t.out.n - 1] == '\n')
        t.out.n--;
    if (o->bare && !t.out.n) /* a message that we did not understand */
        add(&t, *json_text(message, "raw_type") ? json_text(message, "raw_type") : "…");
    json_t *out = pieces_of(&t, o->bare ? "" : mark);
    buf_free(&t.out);
    return out;
}
