/* odoo_said.c - notes of people. */
#include "connectors/odoo/odoo_said.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "connectors/odoo/odoo_wire.h"

#define TEXT_MAX_BYTES ((size_t)256 * 1024)

static const char *str(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* A tag that ends a line: <br>, </p>, </div>, </li>. */
static bool ends_line(const char *tag) {
    static const char *const names[] = {"br", "/p", "/div", "/li", "/h1", "/h2", "/h3", "/tr"};
    size_t slash = tag[0] == '/';
    size_t n = slash + strcspn(tag + slash, " \t\r\n/>");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strlen(names[i]) == n && strncasecmp(tag, names[i], n) == 0)
            return true;
    return false;
}

/* "&amp;": its character; how many bytes it took, 1 when it is none. */
static size_t add_entity(struct buf *out, const char *p) {
    static const struct {
        const char *name, *text;
    } known[] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#34;", "\""},
        {"&#39;", "'"}, {"&apos;", "'"}, {"&nbsp;", " "}, {"&#160;", " "}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        size_t n = strlen(known[i].name);
        if (strncmp(p, known[i].name, n) == 0) {
            buf_adds(out, known[i].text);
            return n;
        }
    }
    buf_add(out, "&", 1);
    return 1;
}

char *odoo_text(const char *html) {
    struct buf out;
    buf_init(&out, TEXT_MAX_BYTES);
    for (const char *p = html; *p;) {
        if (*p == '<') {
            const char *end = strchr(p, '>');
            if (ends_line(p + 1))
                buf_add(&out, "\n", 1);
            p = end ? end + 1 : p + strlen(p);
        } else if (*p == '&') {
            p += add_entity(&out, p);
        } else if (strncmp(p, "\xc2\xa0", 2) == 0) {
            buf_add(&out, " ", 1);
            p += 2;
        } else {
            if (*p != '\n' && *p != '\r')
                buf_add(&out, p, 1);
            p++;
        }
    }
    while (out.n && strchr(" \t\n", out.p[out.n - 1]))
        out.n--;
    const char *text = out.n ? out.p : "";
    size_t from = 0;
    while (from < out.n && strchr(" \t\n", text[from]))
        from++;
    char *trimmed = mem_strndup(text + from, out.n - from);
    buf_free(&out);
    return trimmed;
}

json_t *odoo_reply_of(const json_t *note, const char *prefix) {
    char message[ODOO_MESSAGE_SIZE];
    const json_t *by = json_object_get(note, "create_uid");
    json_int_t id = odoo_id(json_object_get(note, "id"));
    json_int_t card = odoo_id(json_object_get(note, "res_id"));
    size_t n = strlen(prefix);
    if (!id || !card || odoo_message_of(str(note, "message_id"), message))
        return NULL;
    char *text = odoo_text(str(note, "body"));
    json_t *out = NULL;
    if (strncasecmp(text, prefix, n) == 0) {
        const char *author = json_string_value(json_array_get(by, 1));
        out = json_pack("{s:s,s:o,s:o,s:s,s:o,s:s,s:i}", "type", "reply", "card",
            json_sprintf("%lld", (long long)card), "id", json_sprintf("%lld", (long long)id),
            "text", text + n + strspn(text + n, " \t\n"), "user",
            json_sprintf("%lld", (long long)odoo_id(json_array_get(by, 0))), "author",
            author ? author : "", "files",
            (int)json_array_size(json_object_get(note, "attachment_ids")));
    }
    free(text);
    return out;
}

json_int_t odoo_told_contact(const json_t *body) {
    return strcmp(str(body, "_model"), "res.partner") == 0 ? odoo_id(json_object_get(body, "_id"))
                                                           : 0;
}
