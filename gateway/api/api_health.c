/* api_health.c - is it alive, can it work, and its figures. */
#include <stdlib.h>
#include <string.h>

#include "api/api_private.h"
#include "base/metrics.h"

#define METRICS_MAX (4u << 20)

HANDLER(api_healthz) {
    (void)api;
    http_reply_static(x, 200, "text/plain", "ok\n", 3);
}

HANDLER(api_readyz) {
    const struct api *a = api;
    /* Agents who come before this worker follows what happens are sent away again. */
    bool up = store_is_up(a->store);
    bool ready = up && *core_cursors(a->core) && core_is_ready(a->core) && !a->draining;
    if (!ready)
        http_set_header(x, "Retry-After", "1");
    http_reply_json(x, ready ? 200 : 503,
        json_pack(
            "{s:b,s:b,s:b}", "ready", (int)ready, "store", (int)up, "draining", (int)a->draining));
}

static void print(const struct api *api, struct http_exchange *x) {
    struct buf out;
    buf_init(&out, METRICS_MAX);
    metrics_print(api->env.metrics, &out);
    http_reply(x, 200, "text/plain; version=0.0.4", out.p, out.n);
    buf_free(&out);
}

static void metrics(struct call *c) {
    print(c->api, c->x);
    call_free(c);
}

/* A monitor on the same machine needs no token; others need an admin's. */
HANDLER(api_metrics) {
    const char *peer = http_peer(x);
    if (strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0)
        print(api, x);
    else
        api_begin(api, x, SCOPE_READ, ROLE_ADMIN, metrics);
}
