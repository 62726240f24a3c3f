/* keep.c - what a connector or a CRM adapter wants to find again, on any worker and after a
 * restart: small values in Redis under the channel's or the target's name. A channel's picture and
 * its templates are kept so, too. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/core_private.h"

static void on_ignored(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err; /* what is kept can be had again from the channel */
}

static struct redis *redis_of(const struct connector *c) {
    return c->core ? store_redis(c->core->store) : c->redis;
}

static char *key_of(const char *channel, const char *name) {
    return mem_printf("sb:kept:%s:%s", channel, name);
}

static struct redis *crm_redis_of(const struct crm *c) {
    return c->core ? store_redis(c->core->store) : c->redis;
}

static char *crm_key_of(const struct crm *c, const char *name) {
    return mem_printf("sb:crm:kept:%s:%s", c->target, name);
}

void connector_keep(struct connector *c, const char *name, struct span value, unsigned ttl_s) {
    char ttl[16], *key = key_of(c->channel, name);
    snprintf(ttl, sizeof ttl, "%u", ttl_s);
    struct span set[] = {span_str("SET"), span_str(key), value, span_str("EX"), span_str(ttl)};
    redis_command(redis_of(c), set, ttl_s ? 5 : 3, on_ignored, NULL);
    free(key);
}

struct keeping {
    core_done_fn fn;
    void *arg;
};

static void on_surely_kept(void *arg, const struct redis_reply *r, const struct err *err) {
    struct keeping *k = arg;
    (void)r;
    k->fn(k->arg, err);
    free(k);
}

/* Takes key over. */
static void keep_sure(
    struct redis *redis, char *key, struct span value, unsigned ttl_s, core_done_fn fn, void *arg) {
    char ttl[16];
    struct keeping *k = mem_alloc(sizeof *k);
    *k = (struct keeping){fn, arg};
    snprintf(ttl, sizeof ttl, "%u", ttl_s);
    struct span set[] = {span_str("SET"), span_str(key), value, span_str("EX"), span_str(ttl)};
    redis_command(redis, set, ttl_s ? 5 : 3, on_surely_kept, k);
    free(key);
}

void connector_keep_sure(struct connector *c, const char *name, struct span value, unsigned ttl_s,
    core_done_fn fn, void *arg) {
    keep_sure(redis_of(c), key_of(c->channel, name), value, ttl_s, fn, arg);
}

void crm_keep(struct crm *c, const char *name, struct span value, unsigned ttl_s, core_done_fn fn,
    void *arg) {
    keep_sure(crm_redis_of(c), crm_key_of(c, name), value, ttl_s, fn, arg);
}

struct question {
    connector_kept_fn fn;
    void *arg;
};

static void on_kept(void *arg, const struct redis_reply *r, const struct err *err) {
    struct question *q = arg;
    bool there = !err && redis_reply_type(r) == REDIS_STRING;
    q->fn(q->arg, there ? redis_reply_span(r) : span_of("", 0), err);
    free(q);
}

/* Takes key over. */
static void ask(struct redis *redis, char *key, connector_kept_fn fn, void *arg) {
    struct question *q = mem_alloc(sizeof *q);
    struct span get[] = {span_str("GET"), span_str(key)};
    *q = (struct question){fn, arg};
    redis_command(redis, get, ARRAY_LEN(get), on_kept, q);
    free(key);
}

void connector_kept(struct connector *c, const char *name, connector_kept_fn fn, void *arg) {
    ask(redis_of(c), key_of(c->channel, name), fn, arg);
}

void crm_kept(struct crm *c, const char *name, connector_kept_fn fn, void *arg) {
    ask(crm_redis_of(c), crm_key_of(c, name), fn, arg);
}

bool connector_can_keep(const struct connector *c) {
    return c->core || c->redis;
}

/* --- claims ---------------------------------------------------------------------------------- */

struct claim {
    connector_claimed_fn fn;
    void *arg;
};

static void on_claimed(void *arg, const struct redis_reply *r, const struct err *err) {
    struct claim *k = arg;
    k->fn(k->arg, !err && redis_reply_type(r) == REDIS_STATUS, err);
    free(k);
}

/* Takes key over. */
static void claim(
    struct redis *redis, char *key, unsigned ttl_ms, connector_claimed_fn fn, void *arg) {
    char ttl[16];
    struct claim *k = mem_alloc(sizeof *k);
    *k = (struct claim){fn, arg};
    snprintf(ttl, sizeof ttl, "%u", ttl_ms);
    struct span set[] = {span_str("SET"), span_str(key), span_str("1"), span_str("NX"),
        span_str("PX"), span_str(ttl)};
    redis_command(redis, set, ARRAY_LEN(set), on_claimed, k);
    free(key);
}

void connector_claim(
    struct connector *c, const char *name, unsigned ttl_ms, connector_claimed_fn fn, void *arg) {
    claim(redis_of(c), key_of(c->channel, name), ttl_ms, fn, arg);
}

void crm_claim(
    struct crm *c, const char *name, unsigned ttl_ms, connector_claimed_fn fn, void *arg) {
    claim(crm_redis_of(c), crm_key_of(c, name), ttl_ms, fn, arg);
}

/* Takes key over. */
static void let_go(struct redis *redis, char *key) {
    struct span del[] = {span_str("DEL"), span_str(key)};
    redis_command(redis, del, ARRAY_LEN(del), on_ignored, NULL);
    free(key);
}

void connector_let_go(struct connector *c, const char *name) {
    let_go(redis_of(c), key_of(c->channel, name));
}

void crm_let_go(struct crm *c, const char *name) {
    let_go(crm_redis_of(c), crm_key_of(c, name));
}

/* --- pictures -------------------------------------------------------------------------------- */

void connector_picture(struct connector *c, struct span bytes) {
    connector_keep(c, "picture", bytes, 0);
}

struct picture_call {
    core_picture_fn fn;
    void *arg;
};

static void on_picture(void *arg, struct span bytes, const struct err *err) {
    struct picture_call *p = arg;
    struct err missing;
    if (!err && bytes.n == 0) {
        err_set(&missing, ERR_NOT_FOUND, "this channel has no picture");
        err = &missing;
    }
    p->fn(p->arg, bytes, err);
    free(p);
}

void core_picture(struct core *core, const char *channel, core_picture_fn fn, void *arg) {
    struct picture_call *p = mem_alloc(sizeof *p);
    *p = (struct picture_call){fn, arg};
    ask(store_redis(core->store), key_of(channel, "picture"), on_picture, p);
}

/* --- templates ------------------------------------------------------------------------------- */

void connector_templates(struct connector *c, json_t *list) {
    char *text = json_dumps(list, JSON_COMPACT);
    connector_keep(c, "templates", span_str(text), 0);
    free(text);
    json_decref(list);
}

struct templates_call {
    store_json_fn fn;
    void *arg;
};

static void on_templates(void *arg, struct span value, const struct err *err) {
    struct templates_call *t = arg;
    json_t *list = err ? NULL : json_loadb(value.p, value.n, 0, NULL);
    json_t *out = err ? NULL : json_pack("{s:o}", "templates", list ? list : json_array());
    t->fn(t->arg, out, err);
    json_decref(out);
    free(t);
}

static void on_no_templates(void *arg) {
    struct templates_call *t = arg;
    struct err err;
    err_set(&err, ERR_NOT_FOUND, "there is no such channel, or it has no templates");
    t->fn(t->arg, NULL, &err);
    free(t);
}

void core_templates(struct core *core, const char *channel, store_json_fn fn, void *arg) {
    struct channel *ch = core_channel(core, channel);
    struct templates_call *t = mem_alloc(sizeof *t);
    *t = (struct templates_call){fn, arg};
    if (!ch || !(ch->connector->ops->caps & CONNECTOR_TEMPLATES))
        loop_defer(core->env->loop, on_no_templates, t);
    else
        ask(store_redis(core->store), key_of(channel, "templates"), on_templates, t);
}
