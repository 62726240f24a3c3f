/* rating.c - clients are asked what they think of a talk that is over. When, the thread's timers
 * say; once, the store sees to; here is decided whether his channel asks now, and in which words.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/core_private.h"
#include "model/rating.h"

#define WORDS_MAX 1000 /* bytes */

int connector_check_rating(const char *value, struct err *err) {
    size_t n = value ? strlen(value) : 0;
    if (n > WORDS_MAX || (n && !utf8_is_text(value, n)))
        return err_set(err, ERR_INVALID, "expected a text of at most %d bytes", WORDS_MAX);
    return 0;
}

void connector_rates(struct connector *c, const struct settings *s) {
    c->rating = (struct connector_rating){.can = true,
        .on = settings_bool(s, "rating"),
        .after_ms = settings_int(s, "rating_after"),
        .again_ms = settings_int(s, "rating_again"),
        .text = settings_str(s, "rating_text"),
        .thanks = settings_str(s, "rating_thanks")};
}

void rating_start(struct core *core) {
    struct buf by_channel;
    buf_init(&by_channel, (size_t)CHANNELS_MAX * 128);
    for (size_t i = 0; i < core->nchannels; i++) {
        const struct connector *c = core->channels[i]->connector;
        if (c->rating.on)
            buf_addf(&by_channel, " %s=%lld", c->channel, (long long)c->rating.after_ms);
    }
    buf_add(&by_channel, " ", 2);
    store_ask_after(core->store, by_channel.p);
    buf_free(&by_channel);
}

int64_t rating_due(struct core *core, const char *channel, int64_t now) {
    const struct channel *ch = core_channel(core, channel);
    return ch && ch->connector->rating.on ? now + ch->connector->rating.after_ms : 0;
}

struct asking {
    struct core *core;
    char *thread, *episode;
};

static void asking_free(struct asking *k) {
    free(k->thread);
    free(k->episode);
    free(k);
}

/* What could not be done now is due again in half a minute. */
static void on_asked(void *arg, const struct err *err) {
    struct asking *k = arg;
    if (err)
        LOG_INFO(k->core->env->log, "rating.not_asked", LOG_S("thread", k->thread), LOG_E(err));
    asking_free(k);
}

/* A channel with a window takes the question only while it is open. */
static bool is_open(const struct connector *c, const json_t *thread) {
    const json_t *window = json_object_get(json_object_get(thread, "windows"), c->channel);
    int64_t until = 0;
    if (!(c->ops->caps & CONNECTOR_WINDOW))
        return true;
    return clock_parse(json_text(window, "until"), &until) == 0 && clock_ms() < until;
}

/* Where it is a mail: without what the client wrote below it. */
static json_t *fitting(const struct connector *c, json_t *body) {
    if (c->ops->caps & CONNECTOR_MAIL)
        json_object_set_new(body, "no_quote", json_true());
    return body;
}

static void on_thread(void *arg, json_t *result, const struct err *err) {
    struct asking *k = arg;
    const json_t *thread = json_object_get(result, "thread");
    const json_t *profile = json_object_get(json_object_get(result, "client"), "profile");
    if (err) {
        on_asked(k, err);
        return;
    }
    const struct channel *ch = core_channel(k->core, json_text(thread, "channel"));
    const struct connector *c = ch ? ch->connector : NULL;
    struct store_ask a = {.thread = k->thread,
        .episode = k->episode,
        .token = owner_token(k->core, id_shard(k->thread)),
        .channel = c ? c->channel : "",
        .connector = c ? c->ops->name : ""};
    json_t *question = NULL, *thanks = NULL;
    if (c && c->rating.on && is_open(c, thread)) {
        bool ru = rating_in_russian(
            json_text(profile, "locale"), json_text(json_object_get(thread, "last"), "text"));
        const struct connector_rating *r = &c->rating;
        const char *asks = *r->text ? r->text : rating_words(RATING_QUESTION, ru);
        const char *says = *r->thanks ? r->thanks : rating_words(RATING_THANKS, ru);
        question = fitting(c, rating_question(asks, c->ops->caps & CONNECTOR_BUTTONS));
        if (strcmp(says, "-") != 0)
            thanks = fitting(c, rating_thanks(says));
        a.again_ms = r->again_ms;
    }
    a.question = question;
    a.thanks = thanks;
    store_ask(k->core->store, &a, on_asked, k);
    json_decref(question);
    json_decref(thanks);
}

void rating_ask(struct core *core, const char *thread, const char *episode) {
    struct asking *k = mem_alloc(sizeof *k);
    *k = (struct asking){core, mem_strdup(thread), mem_strdup(episode)};
    store_thread(core->store, thread, on_thread, k);
}
