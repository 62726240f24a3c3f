/* sitechat_pages.c - the widget's files and the demo page, out of the binary, each with the policy
 * that it needs: the loader may be run by any page, the panel be framed by the site's own pages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "connectors/sitechat/sitechat_private.h"
#include "connectors/sitechat/sitechat_origin.h"
#include "net/http_asset.h"
#include "net/http_range.h"
#include "ui/assets.h"

#define CACHE_LOADER "public, max-age=300"
#define CACHE_PANEL "public, max-age=60"

/* A made file with the validator of what it is made of. */
static void reply_made(
    struct http_exchange *x, const struct asset *a, const char *text, const char *cache) {
    const char *known = http_header(x, "If-None-Match");
    char hash[CRYPTO_HEX_SIZE], etag[24];
    crypto_sha256_hex(span_str(text), hash);
    snprintf(etag, sizeof etag, "\"%.20s\"", hash);
    http_set_header(x, "Cache-Control", cache);
    http_set_header(x, "ETag", etag);
    if (known && http_etag_matches(span_str(known), etag))
        http_reply_empty(x, 304);
    else
        http_reply(x, 200, a->type, text, strlen(text));
}

/* The looks as JSON that may stand in a script and in a page: no "<", nothing that ends a line. */
static char *looks_text(const struct sitechat *site) {
    char *text = site ? json_dumps(site->looks, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    struct buf out;
    buf_init(&out, 64u << 10);
    for (const char *c = text ? text : "{}"; *c; c++)
        if (*c == '<')
            buf_adds(&out, "\\u003c");
        else
            buf_add(&out, c, 1);
    free(text);
    text = mem_strdup(buf_str(&out));
    buf_free(&out);
    return text;
}

/* With ?site=NAME it brings that channel's looks along, left at its own element: one request, and
 * the site's policy has nothing more to allow. */
static void on_loader(struct http_exchange *x, void *arg) {
    const char *name = http_query(x, "site");
    const struct sitechat *site = desk_site(arg, name);
    const struct asset *a = asset_find("widget.js");
    http_set_header(x, "Cross-Origin-Resource-Policy", "cross-origin");
    http_set_header(x, "Access-Control-Allow-Origin", "*");
    if (name && !site) {
        http_reply_problem(x, 404, "not_found", "there is no such site");
    } else if (!site || !a) {
        http_reply_asset(x, "widget.js", CACHE_LOADER);
    } else {
        char *looks = looks_text(site);
        char *text = mem_printf("(document.currentScript||{}).switchboardLooks=%s;\n%.*s", looks,
            (int)a->size, (const char *)a->data);
        reply_made(x, a, text, CACHE_LOADER);
        free(text);
        free(looks);
    }
}

/* The Host header is in an answer of ours: only what a host is made of. */
static bool host_is_plain(const char *host) {
    return host && strlen(host) < 256 &&
           host[strspn(host,
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")] == '\0';
}

static void on_panel(struct http_exchange *x, void *arg) {
    const struct sitechat *site = desk_site(arg, http_query(x, "site"));
    const char *host = http_header(x, "Host");
    struct buf csp;
    bool preview = !site && http_query(x, "preview"); /* on the admin's page, of no channel yet */
    if (!site && !preview) {
        http_reply_problem(x, 404, "not_found", "there is no such site");
        return;
    }
    buf_init(&csp, 16384);
    buf_adds(&csp,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "media-src 'self'; base-uri 'none'; form-action 'none'; connect-src 'self'");
    if (host_is_plain(host))
        buf_addf(&csp, " ws://%s wss://%s", host, host);
    buf_adds(&csp, "; ");
    if (preview)
        buf_adds(&csp, "frame-ancestors 'self'");
    else
        origin_frame_ancestors((const char *const *)site->origins, &csp);
    http_set_header(x, "Content-Security-Policy", buf_str(&csp));
    http_set_header(x, "Cross-Origin-Resource-Policy", "cross-origin");
    http_set_header(x, "Cross-Origin-Embedder-Policy", "require-corp");
    buf_free(&csp);
    const struct asset *a = asset_find("widget/panel.html");
    const char *mark = "<!--looks-->", *at = a ? strstr((const char *)a->data, mark) : NULL;
    if (!at) {
        http_reply_problem(x, 404, "not_found", "there is no such file");
        return;
    }
    char *looks = looks_text(site);
    char *text = mem_printf("%.*s<script type=\"application/json\" id=\"looks\">%s</script>%s",
        (int)(at - (const char *)a->data), (const char *)a->data, looks, at + strlen(mark));
    reply_made(x, a, text, "no-cache");
    free(text);
    free(looks);
}

static void on_file(struct http_exchange *x, void *arg) {
    char *path = mem_printf("widget/%s", http_path_arg(x, "file"));
    (void)arg;
    http_set_header(x, "Cross-Origin-Resource-Policy", "cross-origin");
    http_reply_asset(x, path, CACHE_PANEL);
    free(path);
}

/* A strict page on purpose: the widget must live with it. */
static void on_demo(struct http_exchange *x, void *arg) {
    (void)arg;
    http_set_header(x, "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; frame-src "
        "'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    http_reply_asset(x, "demo.html", "no-cache");
}

static void on_demo_file(struct http_exchange *x, void *arg) {
    (void)arg;
    http_reply_asset(x, http_path(x) + 1, CACHE_PANEL);
}

const struct http_route sitechat_page_routes[] = {
    {"GET", "/widget.js", on_loader, 0, false},
    {"GET", "/widget/panel.html", on_panel, 0, false},
    {"GET", "/widget/{file}", on_file, 0, false},
    {"GET", "/demo", on_demo, 0, false},
    {"GET", "/demo.css", on_demo_file, 0, false},
    {"GET", "/demo.js", on_demo_file, 0, false},
    {0},
};
