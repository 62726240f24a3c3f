/* api_hours.c - working hours and service levels: what admins keep of them, checked. */
#include <string.h>

#include "api/api_private.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/sla.h"

#define HOURS_MAX 100
#define POLICIES_MAX 100
#define CHANNELS_MAX 200
#define CHANNEL_NAME_MAX 64
#define NAME_MAX_CHARS 60

/* channels: a list of names, each once; empty or left out: the channels that no other one names. */
static int check_channels(json_t *thing, struct err *err) {
    json_t *list = json_object_get(thing, "channels"), *name;
    size_t i;
    if (!list) {
        json_object_set_new(thing, "channels", json_array());
        return 0;
    }
    if (!json_is_array(list) || json_array_size(list) > CHANNELS_MAX)
        return err_set(
            err, ERR_INVALID, "channels must be a list of at most %d names", CHANNELS_MAX);
    json_array_foreach(list, i, name) {
        const char *s = json_string_value(name);
        if (!s || !*s || json_string_length(name) > CHANNEL_NAME_MAX ||
            !utf8_is_word(s, json_string_length(name)))
            return err_set(err, ERR_INVALID, "channels[%zu] is no name of a channel", i);
        for (size_t k = 0; k < i; k++)
            if (json_equal(json_array_get(list, k), name))
                return err_set(err, ERR_INVALID, "channels has \"%s\" twice", s);
    }
    return 0;
}

/* A channel has one of a kind, and so have those that none names. */
static int agree(const json_t *thing, const char *id, const json_t *others, struct err *err) {
    const json_t *mine = json_object_get(thing, "channels");
    const char *key;
    json_t *other, *name;
    size_t i;
    json_object_foreach((json_t *)others, key, other) {
        const json_t *theirs = json_object_get(other, "channels");
        const char *called = json_string_value(json_object_get(other, "name"));
        if (strcmp(key, id) == 0 || !called)
            continue;
        if (json_array_size(mine) == 0 && json_array_size(theirs) == 0)
            return err_set(
                err, ERR_CONFLICT, "\"%.80s\" is for all other channels already", called);
        json_array_foreach(mine, i, name) {
            if (json_list_has(theirs, name))
                return err_set(err, ERR_CONFLICT, "the channel \"%.64s\" has \"%.80s\" already",
                    json_string_value(name), called);
        }
    }
    return 0;
}

static int check_hours(json_t *thing, struct err *err) {
    struct hours *h = NULL;
    if (api_check_text(thing, "name", NAME_MAX_CHARS, true, err) < 0 ||
        check_channels(thing, err) < 0 || !(h = hours_parse(thing, err)))
        return -1;
    hours_destroy(&h);
    if (!json_object_get(thing, "holidays"))
        json_object_set_new(thing, "holidays", json_array());
    return 0;
}

static int check_sla(json_t *thing, struct err *err) {
    struct sla sla;
    const char *key;
    json_t *v;
    void *next;
    json_object_foreach_safe(thing, next, key, v) {
        if (json_is_null(v)) /* as good as left out */
            json_object_del(thing, key);
    }
    if (api_check_text(thing, "name", NAME_MAX_CHARS, true, err) < 0 ||
        check_channels(thing, err) < 0 || sla_parse(thing, &sla, err) < 0)
        return -1;
    if (!json_object_get(thing, "working"))
        json_object_set_new(thing, "working", json_true());
    if (!json_object_get(thing, "supervisors"))
        json_object_set_new(thing, "supervisors", json_string("late"));
    return 0;
}

static const char *const hours_keys[] = {"name", "channels", "zone", "week", "holidays", NULL};
const struct shelf_kind shelf_hours = {.name = "hours",
    .one = "schedule",
    .keys = hours_keys,
    .max = HOURS_MAX,
    .reader = ROLE_AGENT,
    .check = check_hours,
    .agrees = agree};

static const char *const sla_keys[] = {
    "name", "channels", "first_s", "next_s", "remind_s", "working", "supervisors", "close_s", NULL};
const struct shelf_kind shelf_sla = {.name = "sla",
    .one = "policy",
    .keys = sla_keys,
    .max = POLICIES_MAX,
    .reader = ROLE_AGENT,
    .check = check_sla,
    .agrees = agree};
