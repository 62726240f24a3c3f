/* hooks.c - finds the connector, or the CRM's adapter, that a webhook is for. */
#include "core/hooks.h"

#include "core/connector.h"
#include "core/crm.h"

#define HOOK_BODY_MAX (3u << 20) /* the largest that a channel is known to send */
#define CRM_BODY_MAX (2 * CRM_EVENT_MAX)

static void on_crm_hook(struct http_exchange *x, struct crm *c) {
    if (!c || !c->ops->webhook)
        http_reply_problem(x, 404, "not_found", "no such channel or CRM takes webhooks");
    else if (http_body(x).n > CRM_BODY_MAX && !(c->ops->caps & CRM_POSTS_MANY))
        http_reply_problem(x, 413, "too_large", "a CRM's event is 512 KB at most");
    else
        c->ops->webhook(c, x);
}

static void on_hook(struct http_exchange *x, void *arg) {
    const char *kind = http_path_arg(x, "connector"), *name = http_path_arg(x, "channel");
    struct connector *c = connector_find(arg, kind, name);
    if (c && c->ops->webhook)
        c->ops->webhook(c, x);
    else
        on_crm_hook(x, crm_find(arg, kind, name));
}

const struct http_route hooks_routes[] = {
    {"POST", "/hooks/{connector}/{channel}", on_hook, HOOK_BODY_MAX, false},
    {"GET", "/hooks/{connector}/{channel}", on_hook, 0, false},
    {"POST", "/hooks/{connector}/{channel}/{rest...}", on_hook, HOOK_BODY_MAX, false},
    {"GET", "/hooks/{connector}/{channel}/{rest...}", on_hook, 0, false},
    {0},
};
