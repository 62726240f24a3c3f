/* telegram_take.c - one update into the gateway: a few steps, each safe to repeat, for the update
 * comes again when one of them fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/telegram/telegram_private.h"
#include "media/media.h"

#define RAW_MAX (256u << 10) /* bytes of an update that are kept */

struct taking {
    struct telegram *t;
    struct telegram_update u;
    telegram_taken_fn fn;
    void *arg;
    size_t deleted; /* of u.deleted: done */
    struct err err;
};

static void store_message(struct taking *k);

/* What would be wrong with it the next time too. */
static bool is_final(const struct err *err) {
    switch (err->code) {
    case ERR_INVALID:
    case ERR_NOT_FOUND:
    case ERR_CONFLICT:
    case ERR_DENIED:
    case ERR_TOO_LARGE:
    case ERR_UNSUPPORTED:
        return true;
    default:
        return false;
    }
}

static void end(struct taking *k, const struct err *err) {
    bool later = err && !is_final(err);
    if (err && !later)
        LOG_WARN(k->t->base.env->log, "telegram.not_taken", LOG_S("channel", k->t->base.channel),
            LOG_I("update", k->u.update_id), LOG_E(err));
    k->fn(k->arg, later ? err : NULL);
    telegram_update_free(&k->u);
    free(k);
}

static void end_now(void *arg) {
    end(arg, NULL);
}

static struct identity who(const struct taking *k) {
    return (struct identity){TELEGRAM_KIND, k->u.address, k->u.name, true};
}

/* --- after it is stored ---------------------------------------------------------------------- */

static void on_ignored(
    void *arg, const struct telegram_answer *a, const struct err *err, bool sent) {
    (void)arg;
    (void)a;
    (void)err;
    (void)sent; /* a query that is too old, or answered twice, does no harm */
}

/* Else the button turns for a minute. */
static void answer_callback(struct taking *k) {
    json_t *params = json_pack("{s:s}", "callback_query_id", k->u.callback_id);
    struct telegram_request rq = {.method = "answerCallbackQuery", .params = params};
    telegram_request(k->t, &rq, on_ignored, NULL);
    json_decref(params);
}

static void on_moved(void *arg, const struct lookup_result *r, const struct err *err) {
    (void)r;
    end(arg, err);
}

/* The group has another id now: one client, one thread. */
static void follow_move(struct taking *k) {
    struct identity old = who(k), now = who(k);
    if (k->u.moved_to[0])
        now.address = k->u.moved_to;
    else
        old.address = k->u.moved_from;
    connector_move(&k->t->base, &old, &now, on_moved, k);
}

static void on_identified(void *arg, const struct err *err) {
    struct taking *k = arg;
    if (err && err->code == ERR_CONFLICT) { /* two clients with one phone: for a person to decide */
        LOG_INFO(k->t->base.env->log, "telegram.phone_taken", LOG_S("channel", k->t->base.channel),
            LOG_E(err));
        err = NULL;
    }
    end(k, err);
}

static void on_stored(void *arg, const struct inbound_result *r, const struct err *err) {
    struct taking *k = arg;
    (void)r;
    if (err) {
        end(k, err);
        return;
    }
    if (k->u.callback_id)
        answer_callback(k);
    if (k->u.moved_to[0]) {
        follow_move(k);
    } else if (k->u.own_phone) {
        struct identity self = who(k), phone = {"phone", k->u.own_phone, k->u.name, true};
        connector_identify(&k->t->base, &self, &phone, on_identified, k);
    } else {
        end(k, NULL);
    }
}

/* --- storing it ------------------------------------------------------------------------------ */

/* What can never be fetched is said so at once. */
static void judge_files(const struct telegram *t, json_t *body) {
    int64_t max = t->local_files ? TELEGRAM_FETCH_LOCAL : TELEGRAM_FETCH_CLOUD;
    size_t i;
    json_t *a;
    json_array_foreach(json_object_get(body, "attachments"), i, a) {
        json_int_t size = json_integer_value(json_object_get(a, "size"));
        if (size <= max || !json_object_get(a, "remote"))
            continue;
        json_object_set_new(a, "state", json_string("too_large"));
        json_object_set_new(a, "error",
            json_sprintf("The file has %lld MB; Telegram gives bots at most %lld MB.",
                (long long)size >> 20, (long long)max >> 20));
    }
}

static void keep_raw(const struct taking *k, json_t *body) {
    enum telegram_keep keep = k->t->keep_raw;
    if (keep == TELEGRAM_KEEP_NONE || (keep == TELEGRAM_KEEP_UNKNOWN && k->u.understood))
        return;
    char *text = json_dumps(k->u.root, JSON_COMPACT);
    if (text && strlen(text) <= RAW_MAX)
        json_object_set(body, "raw", k->u.root);
    free(text);
}

static void store_message(struct taking *k) {
    struct telegram_update *u = &k->u;
    if (!u->body)
        u->body = json_object();
    judge_files(k->t, u->body);
    keep_raw(k, u->body);
    struct inbound in = {.kind = u->what == TELEGRAM_EVENT ? INBOUND_EVENT
                                 : u->what == TELEGRAM_OWN ? INBOUND_OWN
                                                           : INBOUND_MESSAGE,
        .from = who(k),
        .external_id = u->external_id,
        .album = u->album,
        .reply_to = u->reply_to,
        .route = u->route,
        .take_address = u->moved_from[0] != '\0',
        .body = u->body,
        .profile = u->profile};
    connector_inbound(&k->t->base, &in, on_stored, k);
}

/* The invitation is used up, was never ours, or has ended: the message is stored in any case. */
static void on_redeemed(void *arg, const struct lookup_result *r, const struct err *err) {
    struct taking *k = arg;
    (void)r;
    if (err && !is_final(err)) {
        end(k, err);
        return;
    }
    if (!err) { /* the token was ours to read, nobody else's */
        json_object_set_new(k->u.body, "text", json_string("/start"));
        json_object_del(k->u.body, "html");
    }
    store_message(k);
}

static void on_moved_here(void *arg, const struct lookup_result *r, const struct err *err) {
    struct taking *k = arg;
    (void)r;
    if (err && err->code != ERR_NOT_FOUND)
        end(k, err);
    else
        store_message(k);
}

static void take_new(struct taking *k) {
    struct identity self = who(k);
    if (k->u.moved_from[0]) {
        struct identity old = self;
        old.address = k->u.moved_from;
        connector_move(&k->t->base, &old, &self, on_moved_here, k);
    } else if (k->u.start_payload) {
        connector_redeem(&k->t->base, k->u.start_payload, &self, on_redeemed, k);
    } else {
        store_message(k);
    }
}

/* --- changes --------------------------------------------------------------------------------- */

static void on_changed(void *arg, const struct inbound_result *r, const struct err *err) {
    struct taking *k = arg;
    (void)r;
    if (!err || err->code != ERR_NOT_FOUND) {
        end(k, err);
    } else if (k->u.what == TELEGRAM_EDIT) {
        /* Older than what is remembered, or from before our time: what it says now is kept. */
        k->u.what = k->u.own ? TELEGRAM_OWN : TELEGRAM_MESSAGE;
        store_message(k);
    } else {
        end(k, NULL);
    }
}

static void change(struct taking *k, enum change_kind kind) {
    char once[64];
    snprintf(once, sizeof once, "%lld", (long long)k->u.update_id);
    judge_files(k->t, k->u.body);
    struct change ch = {.kind = kind,
        .from = who(k),
        .external_id = k->u.external_id,
        .once = once,
        .body = k->u.body};
    connector_change(&k->t->base, &ch, on_changed, k);
}

static void delete_next(struct taking *k);

static void on_deleted(void *arg, const struct inbound_result *r, const struct err *err) {
    struct taking *k = arg;
    (void)r;
    if (err && err->code != ERR_NOT_FOUND) {
        end(k, err);
        return;
    }
    k->deleted++;
    delete_next(k);
}

static void delete_next(struct taking *k) {
    if (k->deleted >= k->u.ndeleted) {
        end(k, NULL);
        return;
    }
    struct change ch = {
        .kind = CHANGE_DELETE, .from = who(k), .external_id = k->u.deleted[k->deleted]};
    connector_change(&k->t->base, &ch, on_deleted, k);
}

/* The owner's private chat with the bot shows that his account was connected, and what we may do.
 */
static void take_connection(struct taking *k) {
    const json_t *c = k->u.body;
    json_int_t chat = json_integer_value(json_object_get(c, "user_chat_id"));
    const json_t *rights = json_object_get(c, "rights");
    bool enabled = json_is_true(json_object_get(c, "is_enabled"));
    if (!chat) {
        loop_defer(k->t->base.env->loop, end_now, k);
        return;
    }
    char *text = mem_printf("Business account %s: %s", enabled ? "connected" : "disconnected",
        !enabled                                             ? "no messages come from it"
        : json_is_true(json_object_get(rights, "can_reply")) ? "the bot may reply"
                                                             : "the bot may not reply");
    json_t *event =
        json_pack("{s:{s:s,s:s,s:s}}", "event", "type", "channel", "what", "service", "text", text);
    snprintf(k->u.address, sizeof k->u.address, "%lld", (long long)chat);
    snprintf(k->u.external_id, sizeof k->u.external_id, "bc:%lld", (long long)k->u.update_id);
    json_decref(k->u.body);
    k->u.body = event;
    k->u.what = TELEGRAM_EVENT;
    free(text);
    store_message(k);
}

/* --- one update ------------------------------------------------------------------------------ */

void telegram_take(struct telegram *t, struct telegram_update *u, telegram_taken_fn fn, void *arg) {
    struct taking *k = mem_zalloc(sizeof *k);
    k->t = t;
    k->u = *u;
    k->fn = fn;
    k->arg = arg;
    memset(u, 0, sizeof *u);
    switch (k->u.what) {
    case TELEGRAM_MESSAGE:
    case TELEGRAM_OWN:
    case TELEGRAM_EVENT:
        take_new(k);
        break;
    case TELEGRAM_EDIT:
        change(k, k->u.live_location ? CHANGE_MOVE : CHANGE_EDIT);
        break;
    case TELEGRAM_REACTION:
        change(k, CHANGE_REACT);
        break;
    case TELEGRAM_DELETE:
        delete_next(k);
        break;
    case TELEGRAM_CONNECTION:
        take_connection(k);
        break;
    case TELEGRAM_NOTHING:
        if (k->u.callback_id)
            answer_callback(k);
        loop_defer(t->base.env->loop, end_now, k);
        break;
    }
}
