/* api_channels.c - the channels as they are: list, examination, templates, picture. */
#include <string.h>

#include "api/api_private.h"

static void channels_list(struct call *c) {
    call_ok(c, 200, core_channels(c->api->core));
}

HANDLER(api_channels_list) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, channels_list);
}

static void channels_check(struct call *c) {
    core_check(c->api->core, http_path_arg(c->x, "name"), call_on_json, c);
}

HANDLER(api_channels_check) {
    api_begin(api, x, SCOPE_WRITE, ROLE_SUPERVISOR, channels_check);
}

static void channels_templates(struct call *c) {
    core_templates(c->api->core, http_path_arg(c->x, "name"), call_on_json, c);
}

HANDLER(api_channels_templates) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, channels_templates);
}

/* By its first bytes; what is none of these is not shown as one. */
static const char *picture_type(struct span p) {
    if (p.n > 3 && memcmp(p.p, "\xff\xd8\xff", 3) == 0)
        return "image/jpeg";
    if (p.n > 8 && memcmp(p.p, "\x89PNG\r\n\x1a\n", 8) == 0)
        return "image/png";
    return p.n > 12 && memcmp(p.p, "RIFF", 4) == 0 && memcmp(p.p + 8, "WEBP", 4) == 0 ? "image/webp"
                                                                                      : NULL;
}

static void on_picture(void *arg, struct span bytes, const struct err *err) {
    struct call *c = arg;
    const char *type = err ? NULL : picture_type(bytes);
    if (err) {
        call_err(c, err);
    } else if (!type) {
        call_fail(c, ERR_NOT_FOUND, "this channel has no picture");
    } else {
        http_set_header(c->x, "Cache-Control", "private, max-age=3600");
        http_reply(c->x, 200, type, bytes.p, bytes.n);
        call_free(c);
    }
}

static void channels_picture(struct call *c) {
    core_picture(c->api->core, http_path_arg(c->x, "name"), on_picture, c);
}

HANDLER(api_channels_picture) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, channels_picture);
}

/* --- paused ---------------------------------------------------------------------------------- */

static void on_paused(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (!err && json_is_true(json_object_get(result, "changed")))
        call_note(
            c, c->number ? "channel.paused" : "channel.resumed", http_path_arg(c->x, "name"), NULL);
    call_on_done(c, err);
}

static void pause_channel(struct call *c, bool on) {
    const char *name = http_path_arg(c->x, "name");
    json_t *told = json_pack("{s:s,s:s,s:s}", "t", "desk", "what", "channels", "id", name);
    c->number = on;
    core_pause(c->api->core, name, c->actor.name, on, told, on_paused, c);
    json_decref(told);
}

static void channels_pause(struct call *c) {
    pause_channel(c, true);
}

HANDLER(api_channels_pause) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, channels_pause);
}

static void channels_resume(struct call *c) {
    pause_channel(c, false);
}

HANDLER(api_channels_resume) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, channels_resume);
}

static void channels_events(struct call *c) {
    core_channel_events(c->api->core, http_path_arg(c->x, "name"), call_on_json, c);
}

HANDLER(api_channels_events) {
    api_begin(api, x, SCOPE_READ, ROLE_SUPERVISOR, channels_events);
}
