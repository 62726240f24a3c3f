/* api_targets.c - one CRM, as an admin looks after it: its last calls, a trial, on again. */
#include "api/api_private.h"

static const char *target_of(struct call *c) {
    return http_path_arg(c->x, "name");
}

static bool is_known(struct call *c) {
    if (core_has_target(c->api->core, target_of(c)))
        return true;
    call_fail(c, ERR_NOT_FOUND, "there is no such CRM");
    return false;
}

static void targets_log(struct call *c) {
    if (is_known(c))
        core_target_log(c->api->core, target_of(c), call_on_json, c);
}

HANDLER(api_targets_log) {
    api_begin(api, x, SCOPE_READ, ROLE_ADMIN, targets_log);
}

static void targets_test(struct call *c) {
    if (is_known(c))
        core_target_test(c->api->core, target_of(c), call_on_json, c);
}

HANDLER(api_targets_test) {
    api_begin(api, x, SCOPE_WRITE, ROLE_ADMIN, targets_test);
}

static void targets_enable(struct call *c) {
    if (!is_known(c))
        return;
    call_note(c, "target.enabled", target_of(c), NULL);
    core_target_enable(c->api->core, target_of(c), call_on_done, c);
}

HANDLER(api_targets_enable) {
    api_begin(api, x, SCOPE_WRITE, ROLE_ADMIN, targets_enable);
}
