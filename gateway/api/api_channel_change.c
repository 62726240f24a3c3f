/* api_channel_change.c - admins add, change and remove channels. What was checked is written to
 * data_dir/channels.conf, and the gateway reads its configuration again. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api_private.h"
#include "base/mem.h"
#include "config/config_channels.h"

#define FILE_MAX (1u << 20)

/* One change on its way to the disk. */
struct writing {
    struct call *call;
    enum channel_change_what what;
    int lock;
    char *data_dir;
    struct buf text;
    int rc;
    struct err err;
};

/* {"channel":{...}} of what stands in c. */
static json_t *channel_json(const struct config *c, const char *name) {
    const struct section_type *type;
    const struct settings *s = config_channel(c, name, &type);
    return json_pack("{s:{s:s,s:s,s:s,s:o}}", "channel", "name", name, "connector", type->name,
        "source", settings_is_added(s) ? "api" : "file", "settings", config_values_json(s));
}

static void writing_free(struct writing *w) {
    if (w->text.p)
        explicit_bzero(w->text.p, w->text.n);
    buf_free(&w->text);
    free(w->data_dir);
    if (w->lock >= 0)
        close(w->lock);
    free(w);
}

static void write_file(void *arg) {
    struct writing *w = arg;
    w->rc = config_channels_write(w->data_dir, buf_span(&w->text), &w->err);
}

static void on_written(void *arg) {
    struct writing *w = arg;
    struct call *c = w->call;
    enum channel_change_what what = w->what;
    struct err err = w->err;
    int rc = w->rc;
    writing_free(w);
    if (rc < 0) {
        call_err(c, &err);
        return;
    }
    c->api->options.reload(c->api->options.app);
    if (what == CHANNEL_REMOVE)
        call_empty(c);
    else
        call_ok(c, what == CHANNEL_ADD ? 201 : 200, json_incref(c->keep));
}

/* Checks the change as a restart would; what it makes of the file is in w->text. */
static int check(struct writing *w, const struct channel_change *change, struct err *err) {
    struct call *c = w->call;
    const struct api_options *o = &c->api->options;
    if ((w->lock = config_channels_lock(w->data_dir, err)) < 0)
        return -1;
    struct config *next = config_channels_change(o->source, change, &w->text, err);
    if (!next)
        return -1;
    int rc = 0;
    if (strcmp(settings_str(config_section(next, ""), "data_dir"), w->data_dir) != 0)
        rc = err_set(err, ERR_CONFLICT,
            "data_dir was changed in the configuration: restart the gateway first");
    else if (change->what != CHANNEL_REMOVE)
        rc = o->try_channel(o->app, next, change->name, err);
    json_decref(c->keep);
    c->keep = rc == 0 && change->what != CHANNEL_REMOVE ? channel_json(next, change->name) : NULL;
    config_destroy(&next);
    return rc;
}

/* Which settings were given; of their values nothing, for some are secrets. */
static void note_change(struct call *c, const struct channel_change *change) {
    static const char *const events[] = {[CHANNEL_ADD] = "channel.added",
        [CHANNEL_CHANGE] = "channel.changed",
        [CHANNEL_REMOVE] = "channel.removed"};
    json_t *detail = json_object(), *keys = json_array(), *value;
    const char *key;
    json_object_foreach((json_t *)change->settings, key, value) {
        json_array_append_new(keys, json_string(key));
    }
    if (change->connector)
        json_object_set_new(detail, "connector", json_string(change->connector));
    if (json_array_size(keys))
        json_object_set(detail, "settings", keys);
    json_decref(keys);
    call_note(c, events[change->what], change->name, detail);
}

static void begin(struct call *c, const struct channel_change *change) {
    struct writing *w = mem_zalloc(sizeof *w);
    struct err err;
    w->call = c;
    w->what = change->what;
    w->lock = -1;
    w->data_dir = mem_strdup(c->api->options.data_dir);
    buf_init(&w->text, FILE_MAX);
    c->text = mem_strdup(change->name);
    note_change(c, change);
    if (check(w, change, &err) == 0) {
        loop_work(c->api->env.loop, write_file, on_written, w);
        return;
    }
    writing_free(w);
    call_err(c, &err);
}

/* The settings in the body, or NULL after answering. */
static const json_t *settings_in(struct call *c, const json_t *body) {
    const json_t *settings = json_object_get(body, "settings");
    if (json_is_object(settings))
        return settings;
    call_fail(c, ERR_INVALID, "settings: expected an object of keys and values");
    return NULL;
}

static void channels_post(struct call *c) {
    static const char *const known[] = {"connector", "name", "settings", NULL};
    json_t *body = call_body(c, known);
    if (!body)
        return;
    const char *connector = json_string_value(json_object_get(body, "connector"));
    const char *name = json_string_value(json_object_get(body, "name"));
    const json_t *settings = NULL;
    if (!connector || !name)
        call_fail(c, ERR_INVALID, "%s: expected a text", connector ? "name" : "connector");
    else if ((settings = settings_in(c, body)))
        begin(c, &(struct channel_change){CHANNEL_ADD, name, connector, settings});
    json_decref(body);
}

HANDLER(api_channels_post) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, channels_post);
}

static void channels_patch(struct call *c) {
    static const char *const known[] = {"settings", NULL};
    json_t *body = call_body(c, known);
    const json_t *settings = body ? settings_in(c, body) : NULL;
    if (settings)
        begin(c,
            &(struct channel_change){CHANNEL_CHANGE, http_path_arg(c->x, "name"), NULL, settings});
    json_decref(body);
}

HANDLER(api_channels_patch) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, channels_patch);
}

static void channels_delete(struct call *c) {
    begin(c, &(struct channel_change){CHANNEL_REMOVE, http_path_arg(c->x, "name"), NULL, NULL});
}

HANDLER(api_channels_delete) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, channels_delete);
}

/* --- for forms ------------------------------------------------------------------------------- */

/* Read anew: so whoever has just changed them sees that, though the reload is still under way. */
static void channels_settings(struct call *c) {
    const struct config_source *from = c->api->options.source;
    const char *name = http_path_arg(c->x, "name");
    struct buf problems;
    buf_init(&problems, 1 << 16);
    struct config *now = config_read(from->path, from->sets, from->types, &problems);
    if (!now)
        call_fail(c, ERR_CONFLICT, "the configuration must be mended first: %.*s",
            (int)strcspn(buf_str(&problems), "\n"), buf_str(&problems));
    else if (!config_channel(now, name, NULL))
        call_fail(c, ERR_NOT_FOUND, "there is no such channel");
    else
        call_ok(c, 200, channel_json(now, name));
    config_destroy(&now);
    buf_free(&problems);
}

HANDLER(api_channels_settings) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, channels_settings);
}

static void connectors_list(struct call *c) {
    json_t *list = json_array();
    for (const struct section_type *t = c->api->options.source->types; t->name; t++)
        if (t->kind == SECTION_CHANNEL)
            json_array_append_new(list, json_pack("{s:s,s:s,s:o}", "name", t->name, "help", t->help,
                                            "settings", config_table_json(t->table)));
    call_ok(c, 200, json_pack("{s:o}", "connectors", list));
}

HANDLER(api_connectors_list) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, connectors_list);
}
