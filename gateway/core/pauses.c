/* pauses.c - channels that an admin has paused: what comes is taken in, what is to be sent waits.
 * Kept in Redis with the counter of notes.c, so that each worker hears of it within half a second;
 * and the last events of each channel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/core_private.h"
#include "store/scripts.h"

#define PAUSED_KEY "sb:paused"
#define EVENTS_MAX 50

/* --- what is paused -------------------------------------------------------------------------- */

static void on_paused(void *arg, const struct redis_reply *r, const struct err *err) {
    struct core *core = arg;
    if (err)
        return; /* pauses_read() is called again with the next change, and until it was known */
    for (size_t i = 0; i < core->nchannels; i++) {
        json_decref(core->channels[i]->pause);
        core->channels[i]->pause = NULL;
    }
    for (size_t i = 0; i + 1 < redis_reply_count(r); i += 2) {
        struct channel *ch = core_channel(core, redis_reply_str(redis_reply_at(r, i)));
        if (ch)
            ch->pause = json_loads(redis_reply_str(redis_reply_at(r, i + 1)), 0, NULL);
    }
    core->pauses_known = true;
}

void pauses_read(struct core *core) {
    struct span get[] = {span_str("HGETALL"), span_str(PAUSED_KEY)};
    redis_command(store_redis(core->store), get, ARRAY_LEN(get), on_paused, core);
}

bool channel_may_send(const struct channel *ch) {
    return ch->connector->core->pauses_known && !ch->pause;
}

/* --- pausing --------------------------------------------------------------------------------- */

struct pausing {
    struct redis_script script; /* it lives with the call, since redis.c may need its text again */
    store_json_fn fn;
    void *arg;
    struct core *core; /* while events are asked for, and the rate */
    json_t *events;
    char *channel;
};

static char *events_key(const char *channel) {
    return mem_printf("sb:channel:log:%s", channel);
}

static char *event_text(const char *what, const char *text, const char *by) {
    char at[CLOCK_TEXT_SIZE];
    json_t *event = json_pack("{s:s,s:s,s:s,s:s}", "at", clock_format(clock_ms(), at), "what", what,
        "text", text, "by", by);
    char *out = json_dumps(event, JSON_COMPACT);
    json_decref(event);
    return out;
}

static void on_done(void *arg, const struct redis_reply *r, const struct err *err) {
    struct pausing *p = arg;
    json_t *out = err ? NULL : json_pack("{s:b}", "changed", redis_reply_int(r) == 1);
    p->fn(p->arg, out, err);
    json_decref(out);
    free(p);
}

static void on_no_channel(void *arg) {
    struct pausing *p = arg;
    struct err err;
    err_set(&err, ERR_NOT_FOUND, "there is no such channel");
    p->fn(p->arg, NULL, &err);
    free(p);
}

void core_pause(struct core *core, const char *channel, const char *by, bool on, const json_t *told,
    store_json_fn fn, void *arg) {
    struct pausing *p = mem_zalloc(sizeof *p);
    char at[CLOCK_TEXT_SIZE], most[24];
    p->fn = fn;
    p->arg = arg;
    if (!core_channel(core, channel)) {
        loop_defer(core->env->loop, on_no_channel, p);
        return;
    }
    json_t *pause = json_pack("{s:s,s:s}", "by", by, "at", clock_format(clock_ms(), at));
    char *text = on ? json_dumps(pause, JSON_COMPACT) : mem_strdup("");
    char *event = event_text(on ? "paused" : "resumed", "", by), *log = events_key(channel);
    char *live = json_dumps(told, JSON_COMPACT);
    snprintf(most, sizeof most, "%d", EVENTS_MAX);
    struct span keys[] = {span_str(PAUSED_KEY), span_str(CHANNELS_VERSION_KEY), span_str(log)};
    struct span args[] = {
        span_str(channel), span_str(text), span_str(event), span_str(most), span_str(live)};
    redis_script_init(&p->script, "pause", script_pause);
    redis_eval(store_redis(core->store), &p->script, keys, ARRAY_LEN(keys), args, ARRAY_LEN(args),
        on_done, p);
    json_decref(pause);
    free(text);
    free(event);
    free(log);
    free(live);
}

/* --- the last events of a channel ------------------------------------------------------------ */

static void on_ignored(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err;
}

void channel_event(struct channel *ch, const char *what, const char *text) {
    struct core *core = ch->connector->core;
    char last[24];
    if (!ch->connector->ops->tend || !ch->mine || !store_is_up(core->store))
        return; /* whoever looks after it says so once, for all */
    char *event = event_text(what, text, ""), *log = events_key(ch->connector->channel);
    snprintf(last, sizeof last, "%d", EVENTS_MAX - 1);
    struct span push[] = {span_str("LPUSH"), span_str(log), span_str(event)};
    struct span trim[] = {span_str("LTRIM"), span_str(log), span_str("0"), span_str(last)};
    redis_command(store_redis(core->store), push, ARRAY_LEN(push), on_ignored, NULL);
    redis_command(store_redis(core->store), trim, ARRAY_LEN(trim), on_ignored, NULL);
    free(event);
    free(log);
}

static void events_end(struct pausing *p, json_t *rate, const struct err *err) {
    json_t *out = err ? NULL : json_pack("{s:O,s:O}", "events", p->events, "rate", rate);
    p->fn(p->arg, out, err);
    json_decref(out);
    json_decref(p->events);
    free(p->channel);
    free(p);
}

static void on_rate(void *arg, json_t *rate, const struct err *err) {
    events_end(arg, rate, err);
}

static void on_events(void *arg, const struct redis_reply *r, const struct err *err) {
    struct pausing *p = arg;
    json_t *list = p->events = json_array();
    for (size_t i = 0; !err && i < redis_reply_count(r); i++) {
        json_t *one = json_loads(redis_reply_str(redis_reply_at(r, i)), 0, NULL);
        if (one)
            json_array_append_new(list, one);
    }
    if (err)
        events_end(p, NULL, err);
    else
        channel_rate(p->core, p->channel, on_rate, p);
}

void core_channel_events(struct core *core, const char *channel, store_json_fn fn, void *arg) {
    struct pausing *p = mem_zalloc(sizeof *p);
    p->fn = fn;
    p->arg = arg;
    if (!core_channel(core, channel)) {
        loop_defer(core->env->loop, on_no_channel, p);
        return;
    }
    p->core = core;
    p->channel = mem_strdup(channel);
    char *log = events_key(channel);
    struct span get[] = {span_str("LRANGE"), span_str(log), span_str("0"), span_str("-1")};
    redis_command(store_redis(core->store), get, ARRAY_LEN(get), on_events, p);
    free(log);
}
