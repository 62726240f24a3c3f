/* crm_back.c - what comes from a CRM: events that are kept and given to its adapter one after the
 * other, and what the adapter makes of them: answers, other responsibles, other names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/queue.h"
#include "net/http_server.h"
#include "store/store_back.h"
#include "store/store_users.h"

#define NAME_MAX_BYTES 512
#define AUTHOR_POINTS 64

/* --- events are kept ------------------------------------------------------------------------- */

/* Those of one lane are kept one after the other: what is asked of the store at once may be done in
 * any order. */
struct crm_keeping {
    struct crm_keeping *next;
    struct crm *crm;
    char *lane, *once, *json;
    core_done_fn fn;
    void *arg;
    struct err err;
};

static bool is_of_lane(const struct crm_keeping *k, const struct crm_keeping *of) {
    return k->crm == of->crm && strcmp(k->lane, of->lane) == 0;
}

static void keeping_end(struct crm_keeping *k, const struct err *err) {
    k->fn(k->arg, err);
    free(k->lane);
    free(k->once);
    free(k->json);
    free(k);
}

static void keep(struct crm_keeping *k);

static void on_kept(void *arg, const struct err *err) {
    struct crm_keeping *k = arg, *failed = NULL, **end = &failed;
    struct crm_keeping **at = &k->crm->core->keeping;
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    while (*at) {
        struct crm_keeping *behind = *at;
        if (!is_of_lane(behind, k)) {
            at = &behind->next;
        } else if (!err) {
            keep(behind);
            break;
        } else {
            *at = behind->next;
            behind->next = NULL;
            *end = behind;
            end = &behind->next;
        }
    }
    while (failed) {
        struct crm_keeping *next = failed->next;
        keeping_end(failed, err);
        failed = next;
    }
    keeping_end(k, err);
}

static void keep(struct crm_keeping *k) {
    struct store_crm_event e = {
        .target = k->crm->target, .lane = k->lane, .once = k->once, .json = span_str(k->json)};
    store_event_keep(k->crm->core->store, &e, on_kept, k);
}

static void on_too_large(void *arg) {
    struct crm_keeping *k = arg;
    keeping_end(k, &k->err);
}

void crm_event(struct crm *c, const char *lane, const char *once, const json_t *event,
    core_done_fn fn, void *arg) {
    struct crm_keeping *k = mem_zalloc(sizeof *k), **at = &c->core->keeping;
    bool waits = false;
    *k = (struct crm_keeping){.crm = c,
        .lane = mem_strdup(lane),
        .once = mem_strdup(once),
        .json = json_dumps(event, JSON_COMPACT),
        .fn = fn,
        .arg = arg};
    if (!k->json || strlen(k->json) > CRM_EVENT_MAX) {
        err_set(&k->err, ERR_TOO_LARGE, "an event is %zu bytes at most", CRM_EVENT_MAX);
        loop_defer(c->env->loop, on_too_large, k);
        return;
    }
    for (; *at; at = &(*at)->next)
        waits = waits || is_of_lane(*at, k);
    *at = k;
    if (!waits)
        keep(k);
}

/* --- several of one request ------------------------------------------------------------------ */

struct told {
    struct crm *crm;
    json_t *events;
    size_t next;
    core_done_fn fn;
    void *arg;
};

static void told_end(struct told *t, const struct err *err) {
    t->fn(t->arg, err);
    json_decref(t->events);
    free(t);
}

static void tell_next(struct told *t);

static void on_one_kept(void *arg, const struct err *err) {
    struct told *t = arg;
    if (err && err->code != ERR_TOO_LARGE) {
        told_end(t, err);
        return;
    }
    if (err)
        LOG_WARN(
            t->crm->env->log, "crm.event_too_large", LOG_S("target", t->crm->target), LOG_E(err));
    tell_next(t);
}

static void tell_next(struct told *t) {
    const json_t *one = json_array_get(t->events, t->next++);
    if (one)
        crm_event(t->crm, json_string_value(json_object_get(one, "lane")),
            json_string_value(json_object_get(one, "once")), json_object_get(one, "event"),
            on_one_kept, t);
    else
        told_end(t, NULL);
}

static void on_nothing_told(void *arg) {
    told_end(arg, NULL);
}

void crm_events(struct crm *c, json_t *events, core_done_fn fn, void *arg) {
    struct told *t = mem_zalloc(sizeof *t);
    *t = (struct told){.crm = c, .events = events, .fn = fn, .arg = arg};
    if (json_array_size(events))
        tell_next(t);
    else
        loop_defer(c->env->loop, on_nothing_told, t);
}

/* --- given to take() ------------------------------------------------------------------------- */

void crm_hook_done(void *exchange, const struct err *err) {
    if (err)
        http_reply_err(exchange, err);
    else
        http_reply_json(exchange, 200, json_pack("{s:b}", "ok", 1));
}

static void on_taken(void *arg, const struct crm_outcome *o) {
    struct item *it = arg;
    if (!o->err) {
        queue_end(it, "done", "");
        return;
    }
    if (crm_waits(o->err))
        queue_retry(it, o->retry_ms, o->err);
    else
        queue_reject(it, o->err);
}

static void on_loaded(void *arg, json_t *event, const struct err *err) {
    struct item *it = arg;
    struct crm *c = it->queue->target->crm;
    if (err && err->code == ERR_NOT_FOUND)
        queue_end(it, "dropped", "");
    else if (err)
        queue_retry(it, 0, err);
    else
        c->ops->take(c, event, on_taken, it);
}

static void start(struct item *it) {
    struct queue *q = it->queue;
    store_event_load(
        q->core->store, q->shard, q->target->crm->target, it->entry.seq, on_loaded, it);
}

const struct queue_kind crm_back_kind = {
    .in_flight_max = 16, .flush_max = FLUSH_FEW, .prefix = "from_", .start = start};

/* --- an answer ------------------------------------------------------------------------------- */

struct answer {
    struct crm *crm;
    char *agent, *author;
    char thread[ID_SIZE];
    json_t *body;
    inbound_fn fn;
    void *arg;
};

static void answer_end(
    struct answer *a, const struct inbound_result *result, const struct err *err) {
    a->fn(a->arg, result, err);
    json_decref(a->body);
    free(a->agent);
    free(a->author);
    free(a);
}

static void copy_id(char *out, const json_t *message, const char *key) {
    const char *s = json_string_value(json_object_get(message, key));
    if (id_is_valid(s))
        memcpy(out, s, ID_SIZE);
}

static void on_posted(void *arg, json_t *result, const struct err *err) {
    struct answer *a = arg;
    struct inbound_result out = {0};
    const json_t *m = json_object_get(result, "message");
    out.duplicate = json_is_true(json_object_get(result, "duplicate"));
    memcpy(out.thread, a->thread, ID_SIZE);
    out.seq = json_integer_value(json_object_get(m, "seq"));
    copy_id(out.client, m, "client");
    copy_id(out.message, m, "id");
    if (!err)
        LOG_INFO(a->crm->env->log, out.duplicate ? "crm.reply_again" : "crm.reply",
            LOG_S("target", a->crm->target), LOG_S("thread", out.thread), LOG_I("seq", out.seq));
    answer_end(a, err ? NULL : &out, err);
}

/* user: of ours, NULL: nobody of ours. */
static void post(struct answer *a, const json_t *user) {
    const char *shown = json_string_value(json_object_get(user, "display_name"));
    struct actor actor = {
        .role = ROLE_ADMIN, .scopes = SCOPE_READ | SCOPE_WRITE, .is_token = user == NULL};
    snprintf(actor.name, sizeof actor.name, "%s", user ? a->agent : a->crm->target);
    snprintf(actor.display_name, sizeof actor.display_name, "%s", shown ? shown : actor.name);
    if (!user && (a->author || a->agent))
        json_object_set_new(json_object_get(a->body, "origin"), "author",
            json_string(a->author ? a->author : a->agent));
    char *owner = mem_printf("crm:%s", a->crm->target);
    outbound_post(a->crm->core, &actor, a->thread, a->body, owner, on_posted, a);
    free(owner);
}

static void on_agent(void *arg, json_t *result, const struct err *err) {
    struct answer *a = arg;
    const json_t *user = json_object_get(result, "user") ? json_object_get(result, "user") : result;
    if (err && err->code != ERR_NOT_FOUND)
        answer_end(a, NULL, err);
    else
        post(a, err || json_is_true(json_object_get(user, "disabled")) ? NULL : user);
}

static void on_whose(void *arg, const struct store_lookup *r, const struct err *err) {
    struct answer *a = arg;
    struct err nobody;
    if (!err && !r->thread[0]) {
        err_set(&nobody, ERR_NOT_FOUND, "no client of ours is meant by this");
        err = &nobody;
    }
    if (err) {
        answer_end(a, NULL, err);
        return;
    }
    memcpy(a->thread, r->thread, ID_SIZE);
    if (a->agent)
        store_user_get(a->crm->core->store, a->agent, on_agent, a);
    else
        post(a, NULL);
}

/* What core_send() takes: attachments by their ids. */
static json_t *posted_body(const struct crm *c, const struct crm_reply *r) {
    json_t *body = json_copy((json_t *)r->body), *ids = json_array(), *one;
    size_t i;
    json_array_foreach(json_object_get(r->body, "attachments"), i, one) {
        json_array_append(ids, json_is_object(one) ? json_object_get(one, "id") : one);
    }
    if (json_array_size(ids))
        json_object_set(body, "attachments", ids);
    json_decref(ids);
    json_object_set_new(
        body, "origin", json_pack("{s:s,s:s}", "target", c->target, "id", r->external_id));
    if (r->is_note)
        json_object_set_new(body, "note", json_true());
    return body;
}

static char *copy_of(const char *s) {
    return s && *s ? mem_strdup(s) : NULL;
}

/* A person's name as a CRM has it, in one line. */
static char *name_of(const char *s) {
    char *name = s && *s ? mem_strndup(s, utf8_prefix(s, strlen(s), AUTHOR_POINTS)) : NULL;
    for (char *p = name; p && *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    return name;
}

void crm_reply(struct crm *c, const struct crm_reply *r, inbound_fn fn, void *arg) {
    struct store *store = c->core->store;
    struct answer *a = mem_zalloc(sizeof *a);
    *a = (struct answer){.crm = c,
        .agent = copy_of(r->agent),
        .author = name_of(r->author),
        .body = posted_body(c, r),
        .fn = fn,
        .arg = arg};
    if (r->thread)
        store_find_thread(store, r->thread, on_whose, a);
    else if (r->client)
        store_find_client(store, r->client, on_whose, a);
    else
        store_find_card(store, c->target, r->card_id ? r->card_id : "", on_whose, a);
}

/* --- the card has changed there -------------------------------------------------------------- */

struct turn {
    struct crm *crm;
    char *agent, *once, *by; /* another responsible */
    char *name;              /* another name */
    char client[ID_SIZE], thread[ID_SIZE];
    core_done_fn fn;
    void *arg;
};

static void turn_end(struct turn *t, const struct err *err) {
    t->fn(t->arg, err);
    free(t->agent);
    free(t->once);
    free(t->by);
    free(t->name);
    free(t);
}

static void on_turned(void *arg, const struct store_appended *r, const struct err *err) {
    (void)r;
    turn_end(arg, err);
}

static void on_renamed(void *arg, const struct err *err) {
    turn_end(arg, err);
}

/* The CRM hears nothing of it again, for it is its own event; all others do. */
static void assign(struct turn *t) {
    char *key = mem_printf("r:%s:assigned:%s", t->crm->target, t->once);
    json_t *to = *t->agent ? json_string(t->agent) : json_null();
    json_t *body = json_pack("{s:{s:s},s:{s:s,s:o,s:s}}", "origin", "target", t->crm->target,
        "event", "type", "assigned", "to", to, "by", t->by);
    struct store_append a = {.direction = DIRECTION_EVENT,
        .thread = t->thread,
        .dedupe = key,
        .assignee = t->agent,
        .body = body};
    LOG_INFO(t->crm->env->log, "crm.assigned", LOG_S("target", t->crm->target),
        LOG_S("thread", t->thread), LOG_S("to", t->agent));
    store_append(t->crm->core->store, &a, on_turned, t);
    json_decref(body);
    free(key);
}

static void on_assignee(void *arg, json_t *result, const struct err *err) {
    struct turn *t = arg;
    struct err bad;
    const json_t *user = json_object_get(result, "user") ? json_object_get(result, "user") : result;
    if ((err && err->code == ERR_NOT_FOUND) ||
        (!err && json_is_true(json_object_get(user, "disabled")))) {
        err_set(&bad, ERR_INVALID, "\"%.64s\" is not the name of an agent of ours", t->agent);
        err = &bad;
    }
    if (err)
        turn_end(t, err);
    else
        assign(t);
}

static void on_turn_thread(void *arg, json_t *result, const struct err *err) {
    struct turn *t = arg;
    const json_t *thread = json_object_get(result, "thread");
    const json_t *client = json_object_get(result, "client");
    const char *now = t->name ? json_string_value(json_object_get(client, "name"))
                              : json_string_value(json_object_get(thread, "assignee"));
    const char *then = t->name ? t->name : t->agent;
    struct store *store = t->crm->core->store;
    if (err || strcmp(now ? now : "", then) == 0)
        turn_end(t, err);
    else if (t->name)
        store_client_rename(store, t->client, t->name, t->crm->target, on_renamed, t);
    else if (*t->agent)
        store_user_get(store, t->agent, on_assignee, t);
    else
        assign(t);
}

static void on_echo(void *arg, bool is_echo, const struct err *err) {
    struct turn *t = arg;
    if (err || is_echo)
        turn_end(t, err);
    else
        store_thread(t->crm->core->store, t->thread, on_turn_thread, t);
}

static void on_turn_whose(void *arg, const struct store_lookup *r, const struct err *err) {
    struct turn *t = arg;
    struct err nobody;
    if (!err && !r->thread[0]) {
        err_set(&nobody, ERR_NOT_FOUND, "no client of ours has this card");
        err = &nobody;
    }
    if (err) {
        turn_end(t, err);
        return;
    }
    memcpy(t->client, r->client, ID_SIZE);
    memcpy(t->thread, r->thread, ID_SIZE);
    char *what = mem_printf("%s:%s", t->name ? "n" : "a", t->name ? t->name : t->agent);
    store_echo_take(t->crm->core->store, t->client, t->crm->target, what, on_echo, t);
    free(what);
}

void crm_assigned(struct crm *c, const char *card_id, const char *agent, const char *once,
    const char *by, core_done_fn fn, void *arg) {
    struct turn *t = mem_zalloc(sizeof *t);
    *t = (struct turn){.crm = c,
        .agent = mem_strdup(agent ? agent : ""),
        .once = mem_strdup(once),
        .by = mem_strdup(by && *by ? by : c->target),
        .fn = fn,
        .arg = arg};
    store_find_card(c->core->store, c->target, card_id, on_turn_whose, t);
}

static void on_bad_name(void *arg) {
    struct err err;
    err_set(&err, ERR_INVALID, "a name is text of 1 to %d bytes", NAME_MAX_BYTES);
    turn_end(arg, &err);
}

void crm_renamed(struct crm *c, const char *card_id, const char *name, core_done_fn fn, void *arg) {
    struct turn *t = mem_zalloc(sizeof *t);
    size_t n = strlen(name);
    *t = (struct turn){.crm = c, .name = mem_strdup(name), .fn = fn, .arg = arg};
    if (n == 0 || n > NAME_MAX_BYTES || !utf8_is_text(name, n))
        loop_defer(c->env->loop, on_bad_name, t);
    else
        store_find_card(c->core->store, c->target, card_id, on_turn_whose, t);
}
