/* core.h - the rules between the edges: who hears of what, what an agent may do to a thread, and
 * the deliveries that follow. Built by app.c, one a worker. */
#ifndef SB_CORE_CORE_H
#define SB_CORE_CORE_H

#include <jansson.h>

#include "base/err.h"
#include "core/connector.h"
#include "core/crm.h"
#include "core/sink.h"
#include "core/users.h"
#include "store/store.h"

struct core;
struct media;

struct core_options {
    unsigned index;           /* this worker's number: workers ask for other shards first */
    unsigned workers_hint;    /* how many workers share the shards, until they are counted */
    unsigned lease_ms;        /* a shard's owner must renew within; 5 s */
    unsigned delivery_window; /* deliveries in hand for one shard and queue */
    unsigned text_max;        /* code points in an agent's message */
    bool look_before_write;   /* false only in the chaos run that must report doubles */
    struct users *users;
    struct media *media;
    int64_t link_life_ms; /* a link to a file opens without a sign-in for so long */
};

struct core *core_create(const struct env *env, struct store *store, const struct core_options *o);
/* Connectors and CRM targets are created by app.c from the configuration and handed over. */
void core_add_channel(struct core *core, struct connector *c);
void core_add_target(struct core *core, struct crm *c);
void core_start(struct core *core);
/* Gives up leases, lets deliveries in flight finish; fn once nothing is in flight. */
void core_drain(struct core *core, loop_fn fn, void *arg);
void core_stop(struct core *core);     /* ends timers and lanes; before store_close() */
void core_destroy(struct core **core); /* after store_close() and the connectors' finish() */
void core_store_state(struct core *core, bool up); /* app.c passes the store's state on */

void core_follow(struct core *core, struct sink *sink);
void core_unfollow(struct core *core, struct sink *sink);
struct store *core_store(struct core *core);
struct media *core_media(struct core *core);
/* How such links are made, of now. */
struct media_links core_links(const struct core *core, const char *public_url);
/* Does this ticket of a link (crm_links()) open this file now? */
bool core_link_opens(const struct core *core, const char *media, const char *ticket);

/* Events of the stored kind after the cursors, oldest first ("epoch;0:id,1:id,..."). too_old: the
 * caller must reload everything. Calls on_event for each, then fn with the new cursors. */
typedef void (*core_replay_fn)(void *arg, const char *cursors, bool too_old, const struct err *err);
void core_replay(struct core *core, const char *cursors, unsigned max,
    void (*on_event)(void *arg, const struct feed_event *e), core_replay_fn fn, void *arg);
/* Where the stream is now, as this worker has seen it: "epoch;0:id,...". Valid until next turn. */
const char *core_cursors(struct core *core);

/* --- what an agent (or token) does. `key` is the sender's own id: the same twice is done once  */

/* body: message.h plus {"id":key,"channel","note":bool,"attachments":["media id"]}.
 * fn: {"message":Message}. */
void core_send(struct core *core, const struct actor *a, const char *thread, const json_t *body,
    store_json_fn fn, void *arg);
/* Changes of a message, by its id: {"text"} or {"html"} of one that our side sent; taking it back;
 * {"emoji"} ("" none) on any. fn: {"message":Message}; the channel hears of it by a delivery, whose
 * outcome is in message.change. ERR_CONFLICT, ERR_UNSUPPORTED with a sentence when it cannot be. */
void core_edit(struct core *core, const struct actor *a, const char *message, const json_t *change,
    store_json_fn fn, void *arg);
void core_delete(
    struct core *core, const struct actor *a, const char *message, store_json_fn fn, void *arg);
void core_react(struct core *core, const struct actor *a, const char *message,
    const json_t *reaction, store_json_fn fn, void *arg);
/* May the actor say that a change comes from this CRM ({"target","id"?})? That one is not told of
 * it then. 0, or -1 with err. */
int core_check_origin(
    struct core *core, const struct actor *a, const json_t *origin, struct err *err);
/* change: {"id":key,"assignee":"name"|null,"state","labels":[..],"snooze_until"} any of them.
 * fn: {"thread":Thread}. */
void core_change(struct core *core, const struct actor *a, const char *thread, const json_t *change,
    store_json_fn fn, void *arg);
void core_read(struct core *core, const struct actor *a, const char *thread, int64_t seq,
    store_done_fn fn, void *arg);
void core_typing(struct core *core, const struct actor *a, const char *thread, bool on);
/* This worker has an agent's screen open (count goes up and down). */
void core_presence(struct core *core, const char *agent, int delta);
/* A screen of this worker shows a thread to an agent (+1), or does not any more (-1); the caller
 * has checked that he may see it. Who else looks comes as FEED_VIEWERS. */
void core_view(struct core *core, const char *thread, const char *agent, int delta);
/* Names of those who look at it now, on any worker; the caller decrefs. */
json_t *core_viewers(const struct core *core, const char *thread);
/* Names of the agents who are online on any worker; the caller decrefs. */
json_t *core_online(const struct core *core);
/* A screen has this message now: its trail says so (written in batches). */
void core_pushed(struct core *core, const char *thread, int64_t seq);

/* {"channels":[{"name","connector","source":"file|api","state":"ready|lost|starting","error",
 * "queue":n,"caps":[..],"paused":{"by","at"}|null,"info"?}]}
 */
json_t *core_channels(const struct core *core);
/* Has this worker read what it needs before clients may write? */
bool core_is_ready(const struct core *core);
/* Are these the working hours of this channel? One without hours is always open. opens_out (may be
 * NULL): the first time that is, ms itself or later; HOURS_NEVER (model/hours.h). */
bool core_is_open(const struct core *core, const char *channel, int64_t ms, int64_t *opens_out);
/* From now on the channel sends nothing (what comes is taken in), or goes on; told: what screens
 * hear of it (sink.h, FEED_DESK). fn: {"changed":bool}; ERR_NOT_FOUND. */
void core_pause(struct core *core, const char *channel, const char *by, bool on, const json_t *told,
    store_json_fn fn, void *arg);
/* Its last events, the newest first, and how many messages came and went in the last minute:
 * {"events":[{"at","what":"ready|lost|paused|resumed","text","by"}],"rate":{"in","out"}}. */
void core_channel_events(struct core *core, const char *channel, store_json_fn fn, void *arg);
/* Examines a channel: {"channel": as in core_channels(), "report": [{"level","text","todo"?}]}. */
void core_check(struct core *core, const char *channel, store_json_fn fn, void *arg);
/* The channel's picture; bytes are borrowed. ERR_NOT_FOUND when there is none. */
typedef void (*core_picture_fn)(void *arg, struct span bytes, const struct err *err);
void core_picture(struct core *core, const char *channel, core_picture_fn fn, void *arg);
/* {"templates":[...]}: connector_templates(). ERR_NOT_FOUND: the channel has no such thing. */
void core_templates(struct core *core, const char *channel, store_json_fn fn, void *arg);
/* Full-text search through the first CRM that can: crm.h search. ERR_UNSUPPORTED when none. */
void core_search(struct core *core, const char *query, unsigned limit, crm_result_fn fn, void *arg);
/* Older messages than Redis keeps, from the first CRM that can give them: crm.h history. */
void core_archive(struct core *core, const char *thread, int64_t before, unsigned limit,
    crm_result_fn fn, void *arg);
/* {"cards":{target:{...}}}: crm.h card of each target that can tell and does so soon. client:
 * openapi "Client", borrowed during the call. Each "url" is one that a page may link to. */
void core_cards(struct core *core, const json_t *client, crm_result_fn fn, void *arg);

/* {"targets":[{"name","adapter","state":"well|paused|refused|off|starting","until","error":{"code",
 * "text"},"workers","asking","rate","errors","queue","oldest_at","dead","dead_from"}]}: how the
 * CRMs are, by what all workers know: rate messages attached and errors of the last minute;
 * `asking` of `workers` ask it now, the others not before `until`. */
void core_targets(struct core *core, store_json_fn fn, void *arg);
/* What the CRMs have of a thread's messages: store_on_card(). */
void core_on_card(struct core *core, const char *thread, store_json_fn fn, void *arg);

bool core_has_target(const struct core *core, const char *name);
/* A CRM's last calls, newest first:
 * {"log":[{"at","about","message"?:{"id","thread","seq"},"status":0 none,"ms","error"?:{"code",
 * "text"}}]}. */
void core_target_log(struct core *core, const char *target, store_json_fn fn, void *arg);
/* Tries a CRM now: what crm_ops.test says. ERR_UNSUPPORTED: it has no trial. */
void core_target_test(struct core *core, const char *target, store_json_fn fn, void *arg);
/* A CRM that wants nothing more (crm_off()) is asked again. The target is there. */
void core_target_enable(struct core *core, const char *name, store_done_fn fn, void *arg);

/* Dead letters: {"dead":[{"id","queue","target","thread","client","client_name","seq","error":{..},
 * "attempts","at"}],"next"}, of one queue ("crm:main"; NULL of all); retry puts one, or all of a
 * queue (NULL of all), back at the end: {"retried":n}. */
void core_dead(struct core *core, const char *queue, const char *cursor, unsigned limit,
    store_json_fn fn, void *arg);
void core_dead_retry_all(struct core *core, const char *queue, store_json_fn fn, void *arg);
void core_dead_retry(struct core *core, const char *id, store_done_fn fn, void *arg);

#endif
