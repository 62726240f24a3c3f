/* sitechat_page.c - the page that a visitor writes from, made fit to be kept: bounded, and without
 * what a web address may carry that is nobody else's business. Pure. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/sitechat/sitechat_frame.h"

#define URL_MAX 2048
#define TITLE_POINTS 200
#define UTM_POINTS 255

static bool word_in(struct span name, const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= name.n; i++)
        if (strncasecmp(name.p + i, word, n) == 0)
            return true;
    return false;
}

static bool is_private(struct span name) {
    static const char *const words[] = {"token", "key", "pass", "secret", "mail", "auth", "code",
        "session", "sid", "phone", "sign"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (word_in(name, words[i]))
            return true;
    return false;
}

/* Adds "name=value", masked when the name says that it is private. */
static void add_parameter(struct buf *out, struct span p) {
    const char *eq = memchr(p.p, '=', p.n);
    struct span name = span_of(p.p, eq ? (size_t)(eq - p.p) : p.n);
    bool mask = memchr(p.p, '@', p.n) || is_private(name);
    buf_add(out, mask ? name.p : p.p, mask ? name.n : p.n);
    if (mask)
        buf_adds(out, "=***");
}

static json_t *clean_url(const json_t *v) {
    const char *url = json_string_value(v);
    struct buf out;
    if (!url || (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
        return NULL;
    size_t n = strcspn(url, "#"), path = strcspn(url, "?#");
    const char *authority = strstr(url, "//") + 2;
    const char *at = memchr(authority, '@', strcspn(authority, "/?#"));
    if (n > URL_MAX)
        n = path < URL_MAX ? path : 0;
    if (n == 0 || at)
        return NULL;
    buf_init(&out, 4 * URL_MAX);
    buf_add(&out, url, path);
    for (size_t i = path; i < n;) {
        size_t len = 1 + strcspn(url + i + 1, "&#");
        buf_add(&out, url + i, 1);
        if (len > 1)
            add_parameter(&out, span_of(url + i + 1, len - 1));
        i += len;
    }
    json_t *clean = json_stringn(out.p, out.n);
    buf_free(&out);
    return clean;
}

static json_t *clean_text(const json_t *v, size_t points) {
    const char *s = json_string_value(v);
    if (!s || !*s)
        return NULL;
    char *clean = utf8_clean_name(s, points);
    json_t *out = json_string(clean);
    free(clean);
    return out;
}

static void keep(json_t *o, const char *key, json_t *v) {
    if (v)
        json_object_set_new(o, key, v);
}

json_t *visitor_page_clean(const json_t *page) {
    json_t *out = json_object(), *utm = json_object(), *v;
    const char *name;
    keep(out, "url", clean_url(json_object_get(page, "url")));
    keep(out, "title", clean_text(json_object_get(page, "title"), TITLE_POINTS));
    keep(out, "referrer", clean_url(json_object_get(page, "referrer")));
    keep(out, "locale", clean_text(json_object_get(page, "locale"), 35));
    keep(out, "timezone", clean_text(json_object_get(page, "timezone"), 64));
    keep(out, "consent", clean_text(json_object_get(page, "consent"), 64));
    json_object_foreach(json_object_get(page, "utm"), name, v) {
        char *clean = utf8_clean_name(name, 32);
        if (*clean)
            keep(utm, clean, clean_text(v, UTM_POINTS));
        free(clean);
    }
    if (json_object_size(utm))
        json_object_set(out, "utm", utm);
    json_decref(utm);
    return out;
}
