/* api_pages.c - the inbox page and the API's documents, from inside the binary. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "net/http_asset.h"

/* Strict: own scripts and styles only, nothing inline, nobody may frame us. Of frames only our own:
 * mail. */
#define PAGE_CSP                                                                                   \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "        \
    "media-src 'self' blob:; worker-src 'self'; frame-src 'self'; connect-src 'self'; font-src "   \
    "'self'; manifest-src "                                                                        \
    "'self'; "                                                                                     \
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

/* The page that shows a mail's HTML (ui/mail). What it frames has no scripts; its own policy is
 * this one, which a frame without an address of its own takes over from it, and that of the inbox
 * does not allow a mail's styles and pictures. It is of no origin, also when opened alone: no
 * cookies, no storage, no way to the inbox but messages. */
#define MAIL_CSP(pictures)                                                                         \
    "sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "      \
    "script-src 'self'; style-src 'unsafe-inline'; img-src " pictures                              \
    "; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

HANDLER(api_page) {
    (void)api;
    http_set_header(x, "Content-Security-Policy", PAGE_CSP);
    http_reply_asset(x, "index.html", "no-cache");
}

/* The script that keeps the page for when there is no network (ui/inbox/worker.mjs): it may ask
 * this site alone. */
HANDLER(api_service_worker) {
    (void)api;
    http_set_header(x, "Content-Security-Policy",
        "default-src 'none'; connect-src 'self'; frame-ancestors 'none'");
    http_reply_asset(x, "sw.js", "no-cache");
}

HANDLER(api_mail_page) {
    (void)api;
    http_set_header(x, "Content-Security-Policy", MAIL_CSP("data:"));
    http_set_header(x, "X-DNS-Prefetch-Control", "off");
    http_reply_asset(x, "mail.html", "no-cache");
}

/* The same for who has asked to see pictures that are fetched from elsewhere. */
HANDLER(api_mail_pictures) {
    (void)api;
    http_set_header(x, "Content-Security-Policy", MAIL_CSP("data: https: http:"));
    http_set_header(x, "X-DNS-Prefetch-Control", "off");
    http_reply_asset(x, "mail.html", "no-cache");
}

HANDLER(api_asset) {
    (void)api;
    char path[128];
    snprintf(path, sizeof path, "%.120s", http_path_arg(x, "rest"));
    http_reply_asset(x, path, "no-cache");
}

HANDLER(api_document) {
    const char *name = strrchr(http_path(x), '/');
    (void)api;
    http_reply_asset(x, name ? name + 1 : "", "no-cache");
}
