/* sitechat_pages.c - the widget's files and the demo page, out of the binary, each with the policy
 * that it needs: the loader may be run by any page, the panel be framed by the site's own pages. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "connectors/sitechat/sitechat_private.h"
#include "connectors/sitechat/sitechat_origin.h"
#include "net/http_range.h"
#include "ui/assets.h"

#define CACHE_LOADER "public, max-age=300"
#define CACHE_PANEL "public, max-age=60"

static void reply_asset(struct http_exchange *x, const char *path, const char *cache) {
    const struct asset *a = asset_find(path);
    const char *known = http_header(x, "If-None-Match");
    if (!a) {
        http_reply_problem(x, 404, "not_found", "there is no such file");
        return;
    }
    http_set_header(x, "Cache-Control", cache);
    http_set_header(x, "ETag", a->etag);
    if (known && http_etag_matches(span_str(known), a->etag))
        http_reply_empty(x, 304);
    else
        http_reply_static(x, 200, a->type, a->data, a->size);
}

static void on_loader(struct http_exchange *x, void *arg) {
    (void)arg;
    http_set_header(x, "Cross-Origin-Resource-Policy", "cross-origin");
    http_set_header(x, "Access-Control-Allow-Origin", "*");
    reply_asset(x, "widget.js", CACHE_LOADER);
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
    if (!site) {
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
    origin_frame_ancestors((const char *const *)site->origins, &csp);
    http_set_header(x, "Content-Security-Policy", buf_str(&csp));
    http_set_header(x, "Cross-Origin-Resource-Policy", "cross-origin");
    http_set_header(x, "Cross-Origin-Embedder-Policy", "require-corp");
    buf_free(&csp);
    reply_asset(x, "widget/panel.html", "no-cache");
}

static void on_file(struct http_exchange *x, void *arg) {
    char *path = mem_printf("widget/%s", http_path_arg(x, "file"));
    (void)arg;
    http_set_header(x, "Cross-Origin-Resource-Policy", "cross-origin");
    reply_asset(x, path, CACHE_PANEL);
    free(path);
}

/* A strict page on purpose: the widget must live with it. */
static void on_demo(struct http_exchange *x, void *arg) {
    (void)arg;
    http_set_header(x, "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; frame-src "
        "'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    reply_asset(x, "demo.html", "no-cache");
}

static void on_demo_file(struct http_exchange *x, void *arg) {
    (void)arg;
    reply_asset(x, http_path(x) + 1, CACHE_PANEL);
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
