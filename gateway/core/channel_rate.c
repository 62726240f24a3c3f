/* channel_rate.c - how much came in and went out by each channel in the last minute: each worker
 * counts its own, the note that it leaves of itself (system.c) tells the others. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/core_private.h"
#include "core/system.h"

#define PART_MS (60000 / CHANNEL_PARTS)

/* --- this worker's --------------------------------------------------------------------------- */

static struct channel_part *part_of(struct channel *ch) {
    uint64_t number = clock_mono_ms() / PART_MS;
    struct channel_part *p = &ch->parts[number % CHANNEL_PARTS];
    if (p->number != number)
        *p = (struct channel_part){.number = number};
    return p;
}

void channel_came(struct channel *ch) {
    part_of(ch)->in++;
}

void channel_went(struct channel *ch) {
    part_of(ch)->out++;
}

json_t *channels_rates(const struct core *core) {
    uint64_t now = clock_mono_ms() / PART_MS;
    json_t *all = json_object();
    for (size_t i = 0; i < core->nchannels; i++) {
        const struct channel *ch = core->channels[i];
        json_int_t in = 0, out = 0;
        for (size_t k = 0; k < CHANNEL_PARTS; k++)
            if (ch->parts[k].number + CHANNEL_PARTS > now) {
                in += ch->parts[k].in;
                out += ch->parts[k].out;
            }
        if (in || out)
            json_object_set_new(
                all, ch->connector->channel, json_pack("{s:I,s:I}", "in", in, "out", out));
    }
    return all;
}

/* --- all workers' ---------------------------------------------------------------------------- */

struct rate_asking {
    struct core *core;
    char *channel;
    store_json_fn fn;
    void *arg;
    json_int_t in, out;
    unsigned waiting; /* answers */
    struct err err;
};

static void asking_less(struct rate_asking *a) {
    if (--a->waiting)
        return;
    json_t *rate = json_pack("{s:I,s:I}", "in", a->in, "out", a->out);
    a->fn(a->arg, a->err.code ? NULL : rate, a->err.code ? &a->err : NULL);
    json_decref(rate);
    free(a->channel);
    free(a);
}

static void on_note(void *arg, const struct redis_reply *r, const struct err *err) {
    struct rate_asking *a = arg;
    json_t *note = err ? NULL : json_loads(redis_reply_str(r), 0, NULL);
    const json_t *one = json_object_get(json_object_get(note, "channels"), a->channel);
    if (err)
        a->err = *err;
    a->in += json_integer_value(json_object_get(one, "in"));
    a->out += json_integer_value(json_object_get(one, "out"));
    json_decref(note);
    asking_less(a);
}

static void on_workers(void *arg, const struct redis_reply *r, const struct err *err) {
    struct rate_asking *a = arg;
    char key[SYSTEM_KEY_SIZE];
    if (err)
        a->err = *err;
    for (size_t i = 0; !err && i < redis_reply_count(r); i++) {
        struct span get[] = {
            span_str("GET"), system_note_key(redis_reply_str(redis_reply_at(r, i)), key)};
        a->waiting++;
        redis_command(store_redis(a->core->store), get, ARRAY_LEN(get), on_note, a);
    }
    asking_less(a);
}

void channel_rate(struct core *core, const char *channel, store_json_fn fn, void *arg) {
    struct rate_asking *a = mem_zalloc(sizeof *a);
    char now[24];
    *a = (struct rate_asking){
        .core = core, .channel = mem_strdup(channel), .fn = fn, .arg = arg, .waiting = 1};
    snprintf(now, sizeof now, "%lld", (long long)clock_ms());
    struct span alive[] = {
        span_str("ZRANGEBYSCORE"), span_str(WORKERS_KEY), span_str(now), span_str("+inf")};
    redis_command(store_redis(core->store), alive, ARRAY_LEN(alive), on_workers, a);
}
