/* odoo_said.c - notes of people. */
#include "base/json_text.h"
#include "connectors/odoo/odoo_said.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "connectors/odoo/odoo_wire.h"
#include "core/crm/crm_flow.h"

#define TEXT_MAX_BYTES ((size_t)256 * 1024)

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

static json_t *ids_of(const json_t *list) {
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach(list, i, one) if (odoo_id(one) && json_array_size(out) < ODOO_PAGE)
        json_array_append_new(out, json_integer(odoo_id(one)));
    return out;
}

json_t *odoo_reply_of(const json_t *note, const char *prefix) {
    char message[ODOO_MESSAGE_SIZE];
    const json_t *by = json_object_get(note, "create_uid");
    json_int_t id = odoo_id(json_object_get(note, "id"));
    json_int_t card = odoo_id(json_object_get(note, "res_id"));
    if (!id || !card || odoo_message_of(json_text(note, "message_id"), message))
        return NULL;
    char *text = odoo_text(json_text(note, "body"));
    json_t *out = NULL, *files = ids_of(json_object_get(note, "attachment_ids"));
    size_t n = strlen(prefix);
    while (n && json_array_size(files) && prefix[n - 1] == ' ' && strlen(text) < n)
        n--; /* it has nothing but files */
    if (strncasecmp(text, prefix, n) == 0) {
        const char *author = json_string_value(json_array_get(by, 1));
        out = json_pack("{s:s,s:o,s:o,s:s,s:o,s:s,s:O}", "type", "reply", "card",
            json_sprintf("%lld", (long long)card), "id", json_sprintf("%lld", (long long)id),
            "text", text + n + strspn(text + n, " \t\n"), "user",
            json_sprintf("%lld", (long long)odoo_id(json_array_get(by, 0))), "author",
            author ? author : "", "files", files);
    }
    json_decref(files);
    free(text);
    return out;
}

static const json_t *record_of(const json_t *result, json_int_t id) {
    size_t i;
    json_t *one;
    json_array_foreach(result, i, one) if (odoo_id(json_object_get(one, "id")) == id) return one;
    return NULL;
}

json_t *odoo_files(const json_t *result, const json_t *ids, size_t max, struct err *err) {
    json_t *out = json_array(), *id;
    size_t i;
    json_array_foreach(ids, i, id) {
        const json_t *file = record_of(result, json_integer_value(id));
        const char *name = *json_text(file, "name") ? json_text(file, "name") : "file";
        json_int_t size = json_integer_value(json_object_get(file, "file_size"));
        if (!file || strcmp(json_text(file, "type"), "binary") != 0) {
            err_set(err, file ? ERR_UNSUPPORTED : ERR_NOT_FOUND, "%s %.100s",
                file ? "an attachment is a link, no file:" : "an attachment is not there any more",
                file ? name : "");
        } else if (size < 0 || (uint64_t)size > max) {
            err_set(err, ERR_TOO_LARGE, "%.100s has %lld bytes, of %zu at most", name,
                (long long)size, max);
        } else {
            json_array_append_new(out, json_pack("{s:O,s:s}", "id", id, "name", name));
            continue;
        }
        json_decref(out);
        return NULL;
    }
    return out;
}

int odoo_bytes(const json_t *result, unsigned char **out, size_t *n, struct err *err) {
    const json_t *datas = json_object_get(json_array_get(result, 0), "datas");
    const char *text = json_string_value(datas), *end = NULL;
    size_t len = json_string_length(datas), size = len / 4 * 3 + 3;
    *out = NULL;
    if (!text || !len)
        return err_set(err, ERR_INVALID, "a file of the note is empty");
    *out = mem_alloc(size);
    if (sodium_base642bin(*out, size, text, len, "\r\n", n, &end, sodium_base64_VARIANT_ORIGINAL) ==
            0 &&
        end == text + len)
        return 0;
    free(*out);
    *out = NULL;
    return err_set(err, ERR_PROTOCOL, "Odoo gave a file that is no base64");
}

/* A rule posts the fields that an admin has chosen for it: they say what it is about. One of before
 * there were two is about the salesperson. */
json_t *odoo_told_changes(const json_t *body) {
    json_int_t contact = odoo_id(json_object_get(body, "_id"));
    bool name = json_object_get(body, "name") != NULL;
    bool user = json_object_get(body, "user_id") || !name;
    json_t *out = json_array();
    if (strcmp(json_text(body, "_model"), "res.partner") != 0 || !contact)
        return out;
    char *card = mem_printf("%lld", (long long)contact);
    json_array_append_new(out,
        crm_flow_change(card, name ? CRM_CHANGED : CRM_SAME, user ? CRM_CHANGED : CRM_SAME, NULL));
    free(card);
    return out;
}
