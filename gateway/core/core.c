/* core.c - the core as a whole: its parts, channels, targets, and small questions to them. */
#include "core/core_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "core/erase.h"
#include "model/hours.h"
#include "store/store_back.h"

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
    struct channel *ch = mem_zalloc(sizeof *ch);
    ch->connector = c;
    ch->index = core->nchannels;
    core->channels = mem_realloc(core->channels, (core->nchannels + 1) * sizeof(struct channel *));
    core->channels[core->nchannels++] = ch;
}

void core_add_target(struct core *core, struct crm *c) {
    c->core = core;
    if (core->ntargets < TARGETS_MAX)
        core->targets[core->ntargets++].crm = c;
}

/* Whom the store tells what became of a message. */
static void tell_statuses(struct core *core) {
    static const char letters[] = {
        [CRM_STATUSES_NONE] = '-', [CRM_STATUSES_FAILED] = 'f', [CRM_STATUSES_ALL] = 'a'};
    struct buf who;
    buf_init(&who, (size_t)TARGETS_MAX * 128);
    for (size_t i = 0; i < core->ntargets; i++)
        buf_addf(
            &who, "%s=%c ", core->targets[i].crm->target, letters[core->targets[i].crm->statuses]);
    buf_add(&who, "", 1);
    store_tell_statuses(core->store, who.p);
    buf_free(&who);
}

/* What the shard's owner has to end, or to begin. */
static void on_unfinished(void *arg, const char *verb, const char *id, const char *what) {
    if (strcmp(verb, "erase") == 0)
        core_erase(arg, id, what, "", NULL, NULL);
    else if (strcmp(verb, "ask") == 0)
        rating_ask(arg, id, what);
}

void core_start(struct core *core) {
    tell_statuses(core);
    rating_start(core);
    store_on_unfinished(core->store, on_unfinished, core);
    feed_start(core);
    live_start(core);
    terms_start(core);
    viewers_start(core);
    rules_start(core);
    owner_start(core);
}

void core_drain(struct core *core, loop_fn fn, void *arg) {
    core->draining = true;
    owner_drain(core, fn, arg);
}

void core_stop(struct core *core) {
    core->stopped = true;
    rules_stop(core);
    owner_stop(core);
    erase_stop(core);
    viewers_stop(core);
    terms_stop(core);
    live_stop(core);
    feed_stop(core);
}

void core_destroy(struct core **corep) {
    if (!*corep)
        return;
    owner_free(*corep);
    terms_free(*corep);
    rules_free(*corep);
    for (size_t i = 0; i < (*corep)->nchannels; i++) {
        json_decref((*corep)->channels[i]->note);
        json_decref((*corep)->channels[i]->pause);
    }
    for (size_t i = 0; i < (*corep)->nchannels; i++)
        free((*corep)->channels[i]);
    free((*corep)->channels);
    free(*corep);
    *corep = NULL;
}

void core_store_state(struct core *core, bool up) {
    if (up && core->feed)
        store_feed_wake(core->feed);
    if (up)
        terms_news(core, NULL);
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
        if (strcmp(core->channels[i]->connector->channel, name) == 0)
            return core->channels[i];
    return NULL;
}

struct target *core_target(struct core *core, const char *name) {
    for (size_t i = 0; i < core->ntargets; i++)
        if (strcmp(core->targets[i].crm->target, name) == 0)
            return &core->targets[i];
    return NULL;
}

struct crm *crm_find(struct core *core, const char *adapter, const char *name) {
    struct target *t = core_target(core, name);
    return t && strcmp(t->crm->ops->name, adapter) == 0 ? t->crm : NULL;
}

struct connector *connector_find(struct core *core, const char *connector, const char *channel) {
    for (size_t i = 0; i < core->nchannels; i++) {
        struct connector *c = core->channels[i]->connector;
        if (strcmp(c->ops->name, connector) == 0 && (!channel || !strcmp(c->channel, channel)))
            return c;
    }
    return NULL;
}

struct connector *connector_next(const struct connector *c) {
    const struct core *core = c->core;
    size_t at = 0;
    while (core->channels[at]->connector != c)
        at++;
    for (;;) {
        struct connector *other = core->channels[++at % core->nchannels]->connector;
        if (other->ops == c->ops)
            return other;
    }
}

static json_t *caps_json(unsigned caps) {
    static const struct {
        unsigned cap;
        const char *name;
    } names[] = {{CONNECTOR_ATTACHMENTS, "attachments"}, {CONNECTOR_TYPING, "typing"},
        {CONNECTOR_RECEIPTS, "receipts"}, {CONNECTOR_HTML, "html"}, {CONNECTOR_EDIT, "edit"},
        {CONNECTOR_DELETE, "delete"}, {CONNECTOR_REACT, "react"}, {CONNECTOR_REPLY, "reply"},
        {CONNECTOR_BUTTONS, "buttons"}, {CONNECTOR_REQUEST_CONTACT, "request_contact"},
        {CONNECTOR_LOCATION, "location"}, {CONNECTOR_CONTACT, "contact"},
        {CONNECTOR_TEMPLATES, "templates"}, {CONNECTOR_WINDOW, "window"}, {CONNECTOR_MAIL, "mail"}};
    json_t *out = json_array();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (caps & names[i].cap)
            json_array_append_new(out, json_string(names[i].name));
    return out;
}

json_t *core_channels(const struct core *core) {
    json_t *list = json_array();
    for (size_t i = 0; i < core->nchannels; i++) {
        const struct channel *ch = core->channels[i];
        struct connector *c = ch->connector;
        json_t *note = note_of(ch);
        json_t *error = json_object_get(note, "error"), *info = json_object_get(note, "info");
        const char *state = json_string_value(json_object_get(note, "state"));
        json_t *one = json_pack("{s:s,s:s,s:s,s:s,s:O?,s:I,s:o}", "name", c->channel, "connector",
            c->ops->name, "source", c->is_added ? "api" : "file", "state",
            state ? state : "starting", "error", error, "queue", (json_int_t)ch->queued, "caps",
            caps_json(c->ops->caps));
        if (one && c->ops->identity_kind)
            json_object_set_new(one, "identity", json_string(c->ops->identity_kind));
        if (one && !error)
            json_object_set_new(one, "error", json_null());
        if (one)
            json_object_set_new(one, "paused", ch->pause ? json_incref(ch->pause) : json_null());
        if (one && info) {
            json_object_set_new(one, "info", json_copy(info));
            json_object_del(json_object_get(one, "info"), "invite");
        }
        json_decref(note);
        json_array_append_new(list, one);
    }
    return json_pack("{s:o}", "channels", list);
}

/* --- examining a channel --------------------------------------------------------------------- */

struct check {
    struct core *core;
    struct connector *connector;
    store_json_fn fn;
    void *arg;
};

static void on_checked(void *arg, const json_t *report, const struct err *err) {
    struct check *k = arg;
    json_t *all = core_channels(k->core), *ch, *out = NULL;
    size_t i;
    json_array_foreach(json_object_get(all, "channels"), i, ch) {
        if (strcmp(json_string_value(json_object_get(ch, "name")), k->connector->channel) == 0)
            out = json_incref(ch);
    }
    json_t *list = json_object_get(report, "report");
    json_t *answer =
        json_pack("{s:O,s:o}", "channel", out, "report", list ? json_incref(list) : json_array());
    k->fn(k->arg, err ? NULL : answer, err);
    json_decref(answer);
    json_decref(out);
    json_decref(all);
    free(k);
}

static void on_nothing_to_check(void *arg) {
    on_checked(arg, NULL, NULL);
}

static void on_no_channel(void *arg) {
    struct check *k = arg;
    struct err err;
    err_set(&err, ERR_NOT_FOUND, "there is no such channel");
    k->fn(k->arg, NULL, &err);
    free(k);
}

void core_check(struct core *core, const char *channel, store_json_fn fn, void *arg) {
    static const struct check_options as_fit;
    struct channel *ch = core_channel(core, channel);
    struct check *k = mem_alloc(sizeof *k);
    *k = (struct check){core, ch ? ch->connector : NULL, fn, arg};
    if (!ch)
        loop_defer(core->env->loop, on_no_channel, k);
    else if (!ch->connector->ops->check)
        loop_defer(core->env->loop, on_nothing_to_check, k);
    else
        ch->connector->ops->check(ch->connector, &as_fit, on_checked, k);
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
        if (core->targets[i].crm->ops->caps & CRM_SEARCH) {
            core->targets[i].crm->ops->search(core->targets[i].crm, query, limit, fn, arg);
            return;
        }
    struct refused *r = mem_alloc(sizeof *r);
    *r = (struct refused){fn, arg};
    loop_defer(core->env->loop, on_refused, r);
}

void core_archive(struct core *core, const char *thread, int64_t before, unsigned limit,
    crm_result_fn fn, void *arg) {
    for (size_t i = 0; i < core->ntargets; i++)
        if (core->targets[i].crm->ops->caps & CRM_HISTORY) {
            core->targets[i].crm->ops->history(
                core->targets[i].crm, thread, before, limit, fn, arg);
            return;
        }
    struct refused *r = mem_alloc(sizeof *r);
    *r = (struct refused){fn, arg};
    loop_defer(core->env->loop, on_refused, r);
}

struct media *crm_media(const struct crm *c) {
    return c->core ? c->core->media : NULL;
}

struct media_links core_links(const struct core *core, const char *public_url) {
    return (struct media_links){.public_url = public_url,
        .secret = store_secret(core->store),
        .until_s = (clock_ms() + core->options.link_life_ms) / 1000};
}

struct media_links crm_links(const struct crm *c) {
    return c->core ? core_links(c->core, c->public_url)
                   : (struct media_links){.public_url = c->public_url};
}

bool core_link_opens(const struct core *core, const char *media, const char *ticket) {
    const char *secret = store_secret(core->store);
    return secret && media &&
           media_ticket_ok(secret, MEDIA_LINK, media, ticket, clock_ms() / 1000,
               core->options.link_life_ms / 1000);
}

void core_dead(struct core *core, const char *queue, const char *cursor, unsigned limit,
    store_json_fn fn, void *arg) {
    store_dead(core->store, queue, cursor, limit, fn, arg);
}

void core_dead_retry_all(struct core *core, const char *queue, store_json_fn fn, void *arg) {
    store_dead_retry_all(core->store, queue, fn, arg);
}

void core_on_card(struct core *core, const char *thread, store_json_fn fn, void *arg) {
    store_on_card(core->store, thread, fn, arg);
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

bool connector_is_open(const struct connector *c, int64_t *opens_ms_out) {
    int64_t opens;
    bool open = core_is_open(c->core, c->channel, clock_ms(), &opens);
    *opens_ms_out = opens == HOURS_NEVER ? 0 : opens;
    return open;
}

const char *connector_secret(const struct connector *c) {
    return store_secret(c->core->store);
}
