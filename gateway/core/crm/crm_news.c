/* crm_news.c - what one worker learns of a CRM and all must know: that it wants nothing more of us,
 * which stays so until an admin says otherwise or its address is another one, also after a restart;
 * and that it is well again. Kept in Redis; a counter says when to read it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/core_private.h"

#define NEWS_KEY "sb:crms"
#define VERSION_KEY "sb:crms:version"
#define FIELD_SIZE 96 /* "off:main" */

static void on_ignored(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err;
}

static void count_up(struct core *core) {
    struct span count[] = {span_str("INCR"), span_str(VERSION_KEY)};
    redis_command(store_redis(core->store), count, ARRAY_LEN(count), on_ignored, NULL);
}

static struct span field_of(char out[FIELD_SIZE], const char *what, const struct target *t) {
    snprintf(out, FIELD_SIZE, "%s:%.80s", what, t->crm->target);
    return span_str(out);
}

/* --- it is well again ------------------------------------------------------------------------ */

void crm_news_well(struct target *t) {
    char field[FIELD_SIZE], now[24];
    struct core *core = t->crm->core;
    t->well_ms = clock_ms();
    snprintf(now, sizeof now, "%lld", (long long)t->well_ms);
    struct span set[] = {
        span_str("HSET"), span_str(NEWS_KEY), field_of(field, "well", t), span_str(now)};
    redis_command(store_redis(core->store), set, ARRAY_LEN(set), on_ignored, NULL);
    count_up(core);
    owner_hurry(core, t);
}

/* Another worker was answered: the next call finds out whether we are, too. */
static void take_well(struct target *t, int64_t well_ms) {
    bool is_new = well_ms > t->well_ms && t->well_ms;
    if (well_ms > t->well_ms)
        t->well_ms = well_ms;
    if (is_new && breaker_wait(&t->breaker, clock_mono_ms()) > 0 && !t->breaker.probing)
        breaker_trip(&t->breaker, clock_mono_ms(), 1);
}

/* --- it wants nothing more ------------------------------------------------------------------- */

static void address_hash(const struct target *t, char out[CRYPTO_HEX_SIZE]) {
    crypto_sha256_hex(span_str(t->crm->address ? t->crm->address : ""), out);
}

static void set_off(struct target *t, const char *why) {
    if (!t->off)
        LOG_ERROR(
            t->crm->core->env->log, "crm.off", LOG_S("target", t->crm->target), LOG_S("why", why));
    t->off = true;
    err_set(&t->why, ERR_AUTH, "%s", why);
}

static void set_on(struct target *t) {
    if (!t->off)
        return;
    LOG_INFO(t->crm->core->env->log, "crm.on", LOG_S("target", t->crm->target));
    t->off = false;
    t->why.code = ERR_NONE;
    t->refusals = 0;
    t->breaker = (struct breaker){0};
    owner_hurry(t->crm->core, t);
}

void crm_off(struct crm *c, const char *why) {
    char field[FIELD_SIZE], of[CRYPTO_HEX_SIZE], at[CLOCK_TEXT_SIZE];
    struct target *t = crm_news_target(c->core, c->target);
    if (!t || t->off)
        return;
    set_off(t, why);
    address_hash(t, of);
    json_t *note =
        json_pack("{s:s,s:s,s:s}", "why", why, "at", clock_format(clock_ms(), at), "of", of);
    char *text = json_dumps(note, JSON_COMPACT);
    struct span set[] = {
        span_str("HSET"), span_str(NEWS_KEY), field_of(field, "off", t), span_str(text)};
    redis_command(store_redis(c->core->store), set, ARRAY_LEN(set), on_ignored, NULL);
    count_up(c->core);
    free(text);
    json_decref(note);
}

bool crm_is_off(const struct crm *c) {
    const struct target *t = c->core ? crm_news_target(c->core, c->target) : NULL;
    return t && t->off;
}

static bool take_off(struct target *t, const char *text) {
    char of[CRYPTO_HEX_SIZE];
    json_t *note = json_loads(text, 0, NULL);
    const char *why = json_string_value(json_object_get(note, "why"));
    const char *theirs = json_string_value(json_object_get(note, "of"));
    address_hash(t, of);
    bool is_ours = why && theirs && strcmp(of, theirs) == 0;
    if (is_ours)
        set_off(t, why);
    json_decref(note);
    return is_ours;
}

struct enabling {
    struct target *target;
    store_done_fn fn;
    void *arg;
};

static void on_enabled(void *arg, const struct redis_reply *r, const struct err *err) {
    struct enabling *e = arg;
    (void)r;
    if (!err) {
        count_up(e->target->crm->core);
        set_on(e->target);
    }
    e->fn(e->arg, err);
    free(e);
}

void core_target_enable(struct core *core, const char *name, store_done_fn fn, void *arg) {
    char field[FIELD_SIZE];
    struct enabling *e = mem_alloc(sizeof *e);
    *e = (struct enabling){crm_news_target(core, name), fn, arg};
    struct span del[] = {span_str("HDEL"), span_str(NEWS_KEY), field_of(field, "off", e->target)};
    redis_command(store_redis(core->store), del, ARRAY_LEN(del), on_enabled, e);
}

/* --- a trial -------------------------------------------------------------------------------- */

struct trial {
    store_json_fn fn;
    void *arg;
};

static void on_no_trial(void *arg) {
    struct trial *n = arg;
    struct err err;
    err_set(&err, ERR_UNSUPPORTED, "this kind of CRM has no trial");
    n->fn(n->arg, NULL, &err);
    free(n);
}

static void on_tried(void *arg, const json_t *result, const struct err *err) {
    struct trial *n = arg;
    n->fn(n->arg, (json_t *)result, err);
    free(n);
}

void core_target_test(struct core *core, const char *name, store_json_fn fn, void *arg) {
    const struct target *t = crm_news_target(core, name);
    struct trial *n = mem_alloc(sizeof *n);
    *n = (struct trial){fn, arg};
    if (t && t->crm->ops->test)
        t->crm->ops->test(t->crm, on_tried, n);
    else
        loop_defer(core->env->loop, on_no_trial, n);
}

bool core_has_target(const struct core *core, const char *name) {
    return crm_news_target((struct core *)core, name) != NULL;
}

/* --- reading --------------------------------------------------------------------------------- */

struct target *crm_news_target(struct core *core, const char *name) {
    for (size_t i = 0; i < core->ntargets; i++)
        if (strcmp(core->targets[i].crm->target, name) == 0)
            return &core->targets[i];
    return NULL;
}

static void on_news(void *arg, const struct redis_reply *r, const struct err *err) {
    struct core *core = arg;
    bool off[TARGETS_MAX] = {false};
    if (err) {
        core->crm_version = -1; /* read again */
        return;
    }
    for (size_t i = 0; i + 1 < redis_reply_count(r); i += 2) {
        const char *field = redis_reply_str(redis_reply_at(r, i));
        const char *value = redis_reply_str(redis_reply_at(r, i + 1)), *colon = strchr(field, ':');
        struct target *t = colon ? crm_news_target(core, colon + 1) : NULL;
        if (t && strncmp(field, "off:", 4) == 0)
            off[t - core->targets] = take_off(t, value);
        else if (t && strncmp(field, "well:", 5) == 0)
            take_well(t, strtoll(value, NULL, 10));
    }
    for (size_t i = 0; i < core->ntargets; i++)
        if (!off[i])
            set_on(&core->targets[i]);
    core->crm_known = true;
}

static void on_version(void *arg, const struct redis_reply *r, const struct err *err) {
    struct core *core = arg;
    struct span get[] = {span_str("HGETALL"), span_str(NEWS_KEY)};
    int64_t version = err ? 0 : redis_reply_int(r);
    if (err || (core->crm_known && version == core->crm_version))
        return;
    core->crm_version = version;
    redis_command(store_redis(core->store), get, ARRAY_LEN(get), on_news, core);
}

void crm_news_read(struct core *core) {
    struct span get[] = {span_str("GET"), span_str(VERSION_KEY)};
    if (core->ntargets)
        redis_command(store_redis(core->store), get, ARRAY_LEN(get), on_version, core);
}
