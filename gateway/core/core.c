/* core.c - the core as a whole: its parts, channels, targets, and small questions to them. */
#include "core/core_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

struct core *core_create(const struct env *env, struct store *store, const struct core_options *o) {
    struct core *core = mem_zalloc(sizeof *core);
    core->env = env;
    core->store = store;
    core->options = *o;
    core->users = o->users;
    core->media = o->media;
    return core;
}

void core_add_channel(struct core *core, struct connector *c) {
    if (core->nchannels == CHANNELS_MAX) {
        LOG_ERROR(core->env->log, "channel.too_many", LOG_S("channel", c->channel));
        return;
    }
    core->channels[core->nchannels++] = (struct channel){.connector = c};
}

void core_add_target(struct core *core, struct crm *c) {
    if (core->ntargets < TARGETS_MAX)
        core->targets[core->ntargets++] = c;
}

void core_start(struct core *core) {
    feed_start(core);
    live_start(core);
    owner_start(core);
}

void core_drain(struct core *core, loop_fn fn, void *arg) {
    core->draining = true;
    owner_drain(core, fn, arg);
}

void core_stop(struct core *core) {
    owner_stop(core);
    live_stop(core);
    feed_stop(core);
}

void core_destroy(struct core **corep) {
    if (!*corep)
        return;
    owner_free(*corep);
    free(*corep);
    *corep = NULL;
}

void core_store_state(struct core *core, bool up) {
    for (struct sink *s = core->sinks; s; s = s->next)
        if (s->on_state)
            s->on_state(s, up);
}

struct store *core_store(struct core *core) {
    return core->store;
}

struct media *core_media(struct core *core) {
    return core->media;
}

void core_follow(struct core *core, struct sink *sink) {
    sink->next = core->sinks;
    core->sinks = sink;
}

void core_unfollow(struct core *core, struct sink *sink) {
    for (struct sink **at = &core->sinks; *at; at = &(*at)->next)
        if (*at == sink) {
            *at = sink->next;
            return;
        }
}

/* --- channels -------------------------------------------------------------------------------- */

struct channel *core_channel(struct core *core, const char *name) {
    for (size_t i = 0; i < core->nchannels; i++)
        if (strcmp(core->channels[i].connector->channel, name) == 0)
            return &core->channels[i];
    return NULL;
}

struct connector *connector_find(struct core *core, const char *connector, const char *channel) {
    for (size_t i = 0; i < core->nchannels; i++) {
        struct connector *c = core->channels[i].connector;
        if (strcmp(c->ops->name, connector) == 0 && (!channel || !strcmp(c->channel, channel)))
            return c;
    }
    return NULL;
}

static struct channel *channel_of(struct connector *c) {
    return core_channel(c->core, c->channel);
}

void connector_ready(struct connector *c) {
    struct channel *ch = channel_of(c);
    if (ch && ch->state != CHANNEL_READY) {
        ch->state = CHANNEL_READY;
        LOG_INFO(c->env->log, "channel.ready", LOG_S("channel", c->channel),
            LOG_S("connector", c->ops->name));
    }
}

void connector_lost(struct connector *c, const struct err *err) {
    struct channel *ch = channel_of(c);
    if (!ch)
        return;
    ch->state = CHANNEL_LOST;
    ch->err = *err;
    LOG_WARN(c->env->log, "channel.lost", LOG_S("channel", c->channel),
        LOG_S("connector", c->ops->name), LOG_E(err));
}

static json_t *caps_json(unsigned caps) {
    static const struct {
        unsigned cap;
        const char *name;
    } names[] = {{CONNECTOR_ATTACHMENTS, "attachments"}, {CONNECTOR_TYPING, "typing"},
        {CONNECTOR_RECEIPTS, "receipts"}, {CONNECTOR_HTML, "html"}};
    json_t *out = json_array();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (caps & names[i].cap)
            json_array_append_new(out, json_string(names[i].name));
    return out;
}

json_t *core_channels(const struct core *core) {
    static const char *const states[] = {"starting", "ready", "lost"};
    json_t *list = json_array();
    for (size_t i = 0; i < core->nchannels; i++) {
        const struct channel *ch = &core->channels[i];
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:s,s:o,s:I,s:o}", "name", ch->connector->channel,
                      "connector", ch->connector->ops->name, "state", states[ch->state], "error",
                      ch->state == CHANNEL_LOST ? json_string(ch->err.text) : json_null(), "queue",
                      (json_int_t)ch->queued, "caps", caps_json(ch->connector->ops->caps)));
    }
    return json_pack("{s:o}", "channels", list);
}

/* --- what the CRMs can tell ------------------------------------------------------------------ */

struct refused {
    crm_result_fn fn;
    void *arg;
};

static void on_refused(void *arg) {
    struct refused *r = arg;
    struct err err;
    err_set(&err, ERR_UNSUPPORTED, "no CRM of this installation can do this");
    r->fn(r->arg, NULL, &err);
    free(r);
}

void core_search(
    struct core *core, const char *query, unsigned limit, crm_result_fn fn, void *arg) {
    for (size_t i = 0; i < core->ntargets; i++)
        if (core->targets[i]->ops->caps & CRM_SEARCH) {
            core->targets[i]->ops->search(core->targets[i], query, limit, fn, arg);
            return;
        }
    struct refused *r = mem_alloc(sizeof *r);
    *r = (struct refused){fn, arg};
    loop_defer(core->env->loop, on_refused, r);
}

void core_archive(struct core *core, const char *thread, int64_t before, unsigned limit,
    crm_result_fn fn, void *arg) {
    for (size_t i = 0; i < core->ntargets; i++)
        if (core->targets[i]->ops->caps & CRM_HISTORY) {
            core->targets[i]->ops->history(core->targets[i], thread, before, limit, fn, arg);
            return;
        }
    struct refused *r = mem_alloc(sizeof *r);
    *r = (struct refused){fn, arg};
    loop_defer(core->env->loop, on_refused, r);
}

struct cards {
    struct core *core;
    crm_result_fn fn;
    void *arg;
    json_t *out;
    unsigned waiting;
};

struct card {
    struct cards *cards;
    const char *target;
};

static void cards_less(void *arg) {
    struct cards *c = arg;
    if (--c->waiting)
        return;
    json_t *out = json_pack("{s:O}", "cards", c->out);
    c->fn(c->arg, out, NULL);
    json_decref(out);
    json_decref(c->out);
    free(c);
}

/* A CRM that does not answer leaves its card out; the rest of the client is still worth showing. */
static void on_card(void *arg, const json_t *result, const struct err *err) {
    struct card *one = arg;
    if (!err && json_is_object(json_object_get(result, "card")))
        json_object_set_new(
            one->cards->out, one->target, json_deep_copy(json_object_get(result, "card")));
    cards_less(one->cards);
    free(one);
}

void core_cards(struct core *core, const char *client, crm_result_fn fn, void *arg) {
    struct cards *c = mem_alloc(sizeof *c);
    *c = (struct cards){core, fn, arg, json_object(), 1};
    for (size_t i = 0; i < core->ntargets; i++) {
        struct crm *t = core->targets[i];
        if (!t->ops->card)
            continue;
        struct card *one = mem_alloc(sizeof *one);
        *one = (struct card){c, t->target};
        c->waiting++;
        t->ops->card(t, client, on_card, one);
    }
    loop_defer(core->env->loop, cards_less, c);
}

void core_dead(struct core *core, const char *cursor, unsigned limit, store_json_fn fn, void *arg) {
    store_dead(core->store, cursor, limit, fn, arg);
}

void core_dead_retry(struct core *core, const char *id, store_done_fn fn, void *arg) {
    store_dead_retry(core->store, id, fn, arg);
}

bool connector_agents_online(const struct connector *c) {
    json_t *online = core_online(c->core);
    bool any = json_array_size(online) > 0;
    json_decref(online);
    return any;
}

const char *connector_secret(const struct connector *c) {
    return store_secret(c->core->store);
}
