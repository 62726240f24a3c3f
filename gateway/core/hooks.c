/* hooks.c - finds the connector that a webhook is for. */
#include "core/hooks.h"

#include "core/connector.h"

#define HOOK_BODY_MAX (3u << 20) /* the largest that a channel is known to send */

static void on_hook(struct http_exchange *x, void *arg) {
    struct connector *c =
        connector_find(arg, http_path_arg(x, "connector"), http_path_arg(x, "channel"));
    if (!c || !c->ops->webhook) {
        http_reply_problem(x, 404, "not_found", "no such channel takes webhooks");
        return;
    }
    c->ops->webhook(c, x);
}

const struct http_route hooks_routes[] = {
    {"POST", "/hooks/{connector}/{channel}", on_hook, HOOK_BODY_MAX, false},
    {"GET", "/hooks/{connector}/{channel}", on_hook, 0, false},
    {"POST", "/hooks/{connector}/{channel}/{rest...}", on_hook, HOOK_BODY_MAX, false},
    {"GET", "/hooks/{connector}/{channel}/{rest...}", on_hook, 0, false},
    {0},
};
