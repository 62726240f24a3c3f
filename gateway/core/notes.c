/* notes.c - what is known of a channel by the one worker that looks after it, for all the others:
 * its state, why it is lost, and what the channel tells of itself. Kept in Redis; a counter says
 * when to read it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/core_private.h"

#define NOTES_KEY "sb:channels"

static const char *const states[] = {"starting", "ready", "lost"};

static void on_ignored(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err; /* it is written again with the next change */
}

json_t *note_make(const struct channel *ch) {
    struct connector *c = ch->connector;
    json_t *note = json_pack("{s:s}", "state", states[ch->state]);
    if (ch->state == CHANNEL_LOST)
        json_object_set_new(note, "error", json_string(ch->err.text));
    json_t *info = c->ops->info ? c->ops->info(c) : NULL;
    if (info)
        json_object_set_new(note, "info", info);
    return note;
}

void note_write(struct core *core, struct channel *ch) {
    if (!ch->connector->ops->tend || !ch->mine || !store_is_up(core->store))
        return;
    json_t *note = note_make(ch);
    char *text = json_dumps(note, JSON_COMPACT);
    struct redis *redis = store_redis(core->store);
    struct span set[] = {
        span_str("HSET"), span_str(NOTES_KEY), span_str(ch->connector->channel), span_str(text)};
    struct span count[] = {span_str("INCR"), span_str(CHANNELS_VERSION_KEY)};
    json_decref(ch->note);
    ch->note = note;
    redis_command(redis, set, ARRAY_LEN(set), on_ignored, NULL);
    redis_command(redis, count, ARRAY_LEN(count), on_ignored, NULL);
    free(text);
}

static void on_notes(void *arg, const struct redis_reply *r, const struct err *err) {
    struct core *core = arg;
    for (size_t i = 0; !err && i + 1 < redis_reply_count(r); i += 2) {
        struct channel *ch = core_channel(core, redis_reply_str(redis_reply_at(r, i)));
        json_t *note =
            ch && !ch->mine ? json_loads(redis_reply_str(redis_reply_at(r, i + 1)), 0, NULL) : NULL;
        if (note) {
            json_decref(ch->note);
            ch->note = note;
        }
    }
}

static void on_version(void *arg, const struct redis_reply *r, const struct err *err) {
    struct core *core = arg;
    struct span get[] = {span_str("HGETALL"), span_str(NOTES_KEY)};
    int64_t version = err ? core->notes_version : redis_reply_int(r);
    if (!err && (version != core->notes_version || !core->pauses_known))
        pauses_read(core);
    if (err || version == core->notes_version)
        return;
    core->notes_version = version;
    redis_command(store_redis(core->store), get, ARRAY_LEN(get), on_notes, core);
}

void notes_read(struct core *core) {
    struct span get[] = {span_str("GET"), span_str(CHANNELS_VERSION_KEY)};
    redis_command(store_redis(core->store), get, ARRAY_LEN(get), on_version, core);
}

json_t *note_of(const struct channel *ch) {
    bool theirs = ch->connector->ops->tend && !ch->mine;
    return theirs ? json_incref(ch->note) : note_make(ch);
}

json_t *connector_doors(const struct connector *c) {
    const struct core *core = c->core;
    json_t *doors = json_array();
    for (size_t i = 0; i < core->nchannels; i++) {
        const struct channel *ch = core->channels[i];
        if (!ch->connector->ops->info)
            continue;
        json_t *note = note_of(ch), *info = json_object_get(note, "info");
        const char *title = json_string_value(json_object_get(info, "username"));
        if (json_object_get(info, "invite"))
            json_array_append_new(doors,
                json_pack("{s:s,s:s,s:o,s:O}", "connector", ch->connector->ops->name, "channel",
                    ch->connector->channel, "title",
                    json_sprintf("%s%s", title && *title == '+' ? "" : "@", title ? title : ""),
                    "invite", json_object_get(info, "invite")));
        json_decref(note);
    }
    return doors;
}

/* --- up-calls -------------------------------------------------------------------------------- */

static struct channel *channel_of(struct connector *c) {
    return core_channel(c->core, c->channel);
}

void connector_ready(struct connector *c) {
    struct channel *ch = channel_of(c);
    if (!ch)
        return;
    if (ch->state != CHANNEL_READY) {
        LOG_INFO(c->env->log, "channel.ready", LOG_S("channel", c->channel),
            LOG_S("connector", c->ops->name));
        channel_event(ch, "ready", "");
    }
    ch->state = CHANNEL_READY;
    note_write(c->core, ch);
}

void connector_lost(struct connector *c, const struct err *err) {
    struct channel *ch = channel_of(c);
    if (!ch)
        return;
    if (ch->state != CHANNEL_LOST || strcmp(ch->err.text, err->text) != 0) {
        LOG_WARN(c->env->log, "channel.lost", LOG_S("channel", c->channel),
            LOG_S("connector", c->ops->name), LOG_E(err));
        channel_event(ch, "lost", err->text);
    }
    ch->state = CHANNEL_LOST;
    ch->err = *err;
    note_write(c->core, ch);
}
