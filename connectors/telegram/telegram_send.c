/* telegram_send.c - deliveries: a message becomes one or more calls, one after the other. What a
 * call's answer means for the message is decided here; there is no idempotency key in the Bot API,
 * so a call whose answer was lost is never made again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/telegram/telegram_compose.h"
#include "connectors/telegram/telegram_private.h"
#include "media/media.h"

#define REDOS_MAX 6 /* of one call, each for another reason */
#define BLOCKED_PACE_MS 5000
#define PACE_MAX_MS 60000

struct telegram_sending {
    struct telegram_sending *next;
    struct telegram *t;
    struct delivery *d;
    struct telegram_call calls[TELEGRAM_CALLS_MAX];
    size_t ncalls, at; /* the call that is being made */
    size_t skip;       /* ids of parts that were sent by earlier attempts */
    char address[TELEGRAM_ADDRESS_SIZE];
    const json_t *ids; /* of the answer, while parts are written down */
    json_t *result;
    size_t nids, id_at;
    char external[TELEGRAM_EXTERNAL_SIZE]; /* last id */
    unsigned redos;
    struct http_call *call;
    struct loop_timer *timer; /* until the next part may go */
    bool cancelled;
    bool
        lost_part; /* the id of a part that was sent is not on disk: trying again would double it */
};

static void make_call(struct telegram_sending *s);
static void next_call(struct telegram_sending *s);

static void sending_free(struct telegram_sending *s) {
    for (struct telegram_sending **at = &s->t->sendings; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    loop_timer_stop(&s->timer);
    telegram_calls_free(s->calls, s->ncalls);
    json_decref(s->result);
    s->d->user = NULL;
    free(s);
}

static void end(struct telegram_sending *s, enum delivery_result result, const struct err *err,
    unsigned retry_ms) {
    struct delivery *d = s->d;
    char external[TELEGRAM_EXTERNAL_SIZE];
    bool again = result == DELIVERY_RETRY || result == DELIVERY_CANCELLED;
    struct delivery_outcome o = {
        .result = again && s->lost_part ? DELIVERY_UNKNOWN : result, .retry_ms = retry_ms};
    memcpy(external, s->external, sizeof external);
    if (result == DELIVERY_OK && external[0])
        o.external_id = external;
    if (err)
        o.err = *err;
    else if (o.result == DELIVERY_UNKNOWN)
        err_set(&o.err, ERR_UNAVAILABLE, "the gateway is stopping");
    sending_free(s);
    delivery_done(d, &o);
}

/* --- an answer ------------------------------------------------------------------------------- */

/* "<biz>/<chat>:<message>" of one Message in an answer. */
static void external_of(const struct telegram_sending *s, const json_t *message, char *out) {
    const char *biz = strncmp(s->d->route, "biz=", 4) == 0 ? s->d->route + 4 : NULL;
    snprintf(out, TELEGRAM_EXTERNAL_SIZE, "%s%s%lld:%lld", biz ? biz : "", biz ? "/" : "",
        (long long)json_integer_value(json_object_get(json_object_get(message, "chat"), "id")),
        (long long)json_integer_value(json_object_get(message, "message_id")));
}

static void write_part(struct telegram_sending *s);

static void on_part_written(void *arg, const struct err *err) {
    struct telegram_sending *s = arg;
    /* The part is at Telegram in any case: going on is right. */
    s->lost_part = s->lost_part || err;
    s->id_at++;
    write_part(s);
}

/* Each id is on disk before the next call; the last one of all goes with the outcome. */
static void write_part(struct telegram_sending *s) {
    bool last_call = s->at + 1 == s->ncalls;
    if (s->id_at >= s->nids) {
        json_decref(s->result);
        s->result = NULL;
        s->at++;
        s->redos = 0;
        if (s->cancelled)
            end(s, DELIVERY_CANCELLED, NULL, 0);
        else
            next_call(s);
        return;
    }
    const json_t *m = json_is_array(s->result) ? json_array_get(s->result, s->id_at) : s->result;
    external_of(s, m, s->external);
    if (last_call && s->id_at + 1 == s->nids)
        end(s, DELIVERY_OK, NULL, 0);
    else
        delivery_part(s->d, s->external, on_part_written, s);
}

static void sent(struct telegram_sending *s, const struct telegram_answer *a) {
    s->result = json_incref(a->result);
    s->nids = json_is_array(a->result) ? json_array_size(a->result) : 1;
    s->id_at = 0;
    if (s->d->what != DELIVERY_SEND) {
        s->external[0] = '\0';
        end(s, DELIVERY_OK, NULL, 0);
    } else {
        write_part(s);
    }
}

static void on_moved(void *arg, const struct lookup_result *r, const struct err *err) {
    struct telegram_sending *s = arg;
    (void)r;
    (void)err; /* the group's own message about it links the two as well */
    if (s->cancelled)
        end(s, DELIVERY_CANCELLED, NULL, 0);
    else
        make_call(s);
}

/* The group has another id: all calls that are left go there. */
static void follow_move(struct telegram_sending *s, const char *to) {
    char was[TELEGRAM_ADDRESS_SIZE];
    memcpy(was, s->address, sizeof was);
    snprintf(s->address, sizeof s->address, "%s", to);
    for (size_t i = s->at; i < s->ncalls; i++)
        telegram_call_amend(&s->calls[i], TELEGRAM_MIGRATED, to);
    struct identity old = {TELEGRAM_KIND, was, NULL, true};
    struct identity now = {TELEGRAM_KIND, to, NULL, true};
    connector_move(&s->t->base, &old, &now, on_moved, s);
}

static void on_answer(
    void *arg, const struct telegram_answer *a, const struct err *err, bool was_sent) {
    struct telegram_sending *s = arg;
    struct telegram *t = s->t;
    s->call = NULL;
    if (err) {
        if (s->cancelled && !was_sent)
            end(s, DELIVERY_CANCELLED, NULL, 0);
        else
            end(s, was_sent ? DELIVERY_UNKNOWN : DELIVERY_RETRY, err, 0);
        return;
    }
    if (a->cls == TELEGRAM_WAIT)
        telegram_limit_blocked(t->limit, s->address, a->retry_s, clock_mono_ms());
    if (a->partly && a->cls != TELEGRAM_OK) { /* other items of the album may be there */
        end(s, DELIVERY_UNKNOWN, &a->err, 0);
        return;
    }
    switch (a->cls) {
    case TELEGRAM_OK:
        sent(s, a);
        return;
    case TELEGRAM_WAIT:
        end(s, DELIVERY_RETRY, &a->err, a->retry_s * 1000);
        return;
    case TELEGRAM_MIGRATED:
        if (a->moved_to[0] && ++s->redos <= REDOS_MAX)
            follow_move(s, a->moved_to);
        else
            end(s, DELIVERY_REJECTED, &a->err, 0);
        return;
    case TELEGRAM_NO_REPLY:
    case TELEGRAM_NO_QUOTE:
    case TELEGRAM_NO_TOPIC:
    case TELEGRAM_PLAIN:
    case TELEGRAM_AS_DOCUMENT:
        if (++s->redos <= REDOS_MAX && telegram_call_amend(&s->calls[s->at], a->cls, NULL))
            make_call(s);
        else
            end(s, DELIVERY_REJECTED, &a->err, 0);
        return;
    case TELEGRAM_BAD_TOKEN:
        telegram_token_refused(t, &a->err);
        end(s, DELIVERY_RETRY, &a->err, BLOCKED_PACE_MS);
        return;
    case TELEGRAM_TRY_AGAIN:
    case TELEGRAM_CONFLICT:
        end(s, DELIVERY_RETRY, &a->err, 0);
        return;
    case TELEGRAM_REFUSED:
        end(s, DELIVERY_REJECTED, &a->err, 0);
        return;
    case TELEGRAM_UNKNOWN:
        end(s, DELIVERY_UNKNOWN, &a->err, 0);
        return;
    }
}

/* --- a call ---------------------------------------------------------------------------------- */

static bool is_group(const struct telegram_sending *s) {
    return s->address[0] == '-';
}

/* Opens the call's files. The number opened, or -1 with err (those opened are closed). */
static int open_files(struct telegram_sending *s, struct http_part *parts, struct err *err) {
    const struct telegram_call *c = &s->calls[s->at];
    for (size_t i = 0; i < c->nuploads; i++) {
        uint64_t size;
        int fd = media_fd(connector_media(&s->t->base), c->uploads[i].media, &size, err);
        if (fd < 0) {
            while (i-- > 0)
                close(parts[i].fd);
            return -1;
        }
        parts[i] = (struct http_part){.name = c->uploads[i].part,
            .file_name = c->uploads[i].name,
            .type = c->uploads[i].mime,
            .fd = fd,
            .size = size};
    }
    return (int)c->nuploads;
}

static void make_call(struct telegram_sending *s) {
    const struct telegram_call *c = &s->calls[s->at];
    struct http_part files[TELEGRAM_UPLOADS_MAX];
    struct err err;
    int n = open_files(s, files, &err);
    if (n < 0) {
        end(s, DELIVERY_REJECTED, &err, 0);
        return;
    }
    size_t weight = c->nuploads > 1 ? c->nuploads : 1;
    if (s->d->what == DELIVERY_SEND)
        telegram_limit_take(
            s->t->limit, s->address, is_group(s), (unsigned)weight, clock_mono_ms());
    struct telegram_request rq = {
        .method = c->method, .params = c->params, .files = files, .nfiles = (size_t)n};
    s->call = telegram_request(s->t, &rq, on_answer, s);
}

static void on_turn(void *arg) {
    struct telegram_sending *s = arg;
    loop_timer_stop(&s->timer);
    make_call(s);
}

/* How many message ids a call brings. */
static size_t ids_of(const struct telegram_call *c) {
    return strcmp(c->method, "sendMediaGroup") == 0
               ? json_array_size(json_object_get(c->params, "media"))
               : 1;
}

/* The first call, or the one after a part: those that earlier attempts made are passed over. */
static void next_call(struct telegram_sending *s) {
    while (s->at < s->ncalls && s->skip >= ids_of(&s->calls[s->at])) {
        s->skip -= ids_of(&s->calls[s->at]);
        s->at++;
    }
    if (s->at >= s->ncalls) { /* only the outcome was not written */
        size_t n = json_array_size(s->ids);
        const char *last = n ? json_string_value(json_array_get(s->ids, n - 1)) : NULL;
        snprintf(s->external, sizeof s->external, "%s", last ? last : "");
        end(s, DELIVERY_OK, NULL, 0);
        return;
    }
    unsigned ms = s->at && s->d->what == DELIVERY_SEND
                      ? telegram_limit_wait(s->t->limit, s->address, is_group(s), clock_mono_ms())
                      : 0;
    if (ms)
        s->timer = loop_timer_start(s->t->base.env->loop, ms, 0, on_turn, s);
    else
        make_call(s);
}

/* --- deliveries ------------------------------------------------------------------------------ */

static size_t compose_change(
    struct telegram_sending *s, const struct telegram_target *to, struct err *err) {
    const json_t *body = s->d->body;
    struct telegram_call *c = &s->calls[0];
    const json_t *list = json_object_get(body, "sent_ids"), *r;
    const char *ids[TELEGRAM_CALLS_MAX], *emoji = NULL;
    size_t n = 0, i;
    json_t *id;
    json_array_foreach((json_t *)list, i, id) {
        if (n < ARRAY_LEN(ids))
            ids[n++] = json_string_value(id);
    }
    const char *own = json_string_value(json_object_get(body, "external_id"));
    if (n == 0 && own)
        ids[n++] = own;
    if (n == 0) {
        err_set(err, ERR_NOT_FOUND, "Telegram gave no id for this message");
        return 0;
    }
    if (s->d->what == DELIVERY_DELETE) {
        c->params = telegram_compose_delete(to, ids, n, &c->method);
    } else if (s->d->what == DELIVERY_EDIT && n > 1) {
        err_set(err, ERR_UNSUPPORTED, "it went out in several parts, which cannot be edited");
    } else if (s->d->what == DELIVERY_EDIT) {
        bool has_files = json_array_size(json_object_get(body, "attachments")) > 0;
        c->params = telegram_compose_edit(body, to, ids[0], has_files, &c->method, err);
    } else {
        json_array_foreach(json_object_get(body, "reactions"), i, id) {
            r = json_object_get(id, "by");
            if (r && strcmp(json_string_value(r), "client") != 0)
                emoji = json_string_value(json_object_get(id, "emoji"));
        }
        c->params = telegram_compose_reaction(to, ids[0], emoji, &c->method, err);
    }
    return c->params ? 1 : 0;
}

int telegram_send(struct connector *c, struct delivery *d, struct err *err) {
    struct telegram *t = container_of(c, struct telegram, base);
    struct telegram_target to = {.address = d->to.address ? d->to.address : "",
        .route = d->route,
        .reply_to = d->reply_to,
        .contact_button = t->contact_button,
        .local_files = t->local_files};
    if (!d->to.kind || strcmp(d->to.kind, TELEGRAM_KIND) != 0 || !*to.address)
        return err_set(err, ERR_INVALID, "the client has no Telegram account that is known");
    struct telegram_sending *s = mem_zalloc(sizeof *s);
    s->t = t;
    s->d = d;
    snprintf(s->address, sizeof s->address, "%s", to.address);
    s->ncalls = d->what == DELIVERY_SEND ? telegram_compose(d->body, &to, s->calls, err)
                                         : compose_change(s, &to, err);
    if (s->ncalls == 0) {
        free(s);
        return -1;
    }
    s->next = t->sendings;
    t->sendings = s;
    d->user = s;
    if (d->what == DELIVERY_SEND) {
        s->ids = json_object_get(d->body, "sent_ids");
        s->skip = json_array_size(s->ids);
    }
    next_call(s);
    return 0;
}

void telegram_cancel(struct connector *c, struct delivery *d) {
    struct telegram_sending *s = d->user;
    (void)c;
    if (!s)
        return;
    s->cancelled = true;
    if (s->call)
        http_call_cancel(s->call);
    else if (s->timer)
        end(s, DELIVERY_CANCELLED, NULL, 0);
}

unsigned telegram_pace(struct connector *c, const struct delivery *d) {
    struct telegram *t = container_of(c, struct telegram, base);
    uint64_t now = clock_mono_ms();
    const char *chat = d->to.address ? d->to.address : "";
    unsigned ms;
    if (now < t->blocked_until_ms)
        return BLOCKED_PACE_MS;
    telegram_limit_share(t->limit, connector_share(c));
    ms = d->what == DELIVERY_SEND ? telegram_limit_wait(t->limit, chat, chat[0] == '-', now)
                                  : telegram_limit_bot_wait(t->limit, now);
    return ms < PACE_MAX_MS ? ms : PACE_MAX_MS;
}

/* --- typing ---------------------------------------------------------------------------------- */

#define TYPING_MS 4000 /* it shows for 5 s */

static void on_typing_sent(
    void *arg, const struct telegram_answer *a, const struct err *err, bool was_sent) {
    (void)arg;
    (void)a;
    (void)err;
    (void)was_sent;
}

void telegram_typing(struct connector *c, const struct identity *to, const char *route, bool on) {
    struct telegram *t = container_of(c, struct telegram, base);
    uint64_t now = clock_mono_ms();
    struct telegram_typing *slot = NULL;
    if (!on || !to->address || !to->kind || strcmp(to->kind, TELEGRAM_KIND) != 0 ||
        telegram_limit_bot_wait(t->limit, now))
        return;
    for (size_t i = 0; i < ARRAY_LEN(t->typing); i++)
        if (strcmp(t->typing[i].chat, to->address) == 0)
            slot = &t->typing[i];
    if (slot && now < slot->until_ms)
        return;
    if (!slot)
        slot = &t->typing[t->typing_next++ % ARRAY_LEN(t->typing)];
    snprintf(slot->chat, sizeof slot->chat, "%s", to->address);
    slot->until_ms = now + TYPING_MS;
    json_t *params = json_pack(
        "{s:I,s:s}", "chat_id", (json_int_t)strtoll(to->address, NULL, 10), "action", "typing");
    if (route && strncmp(route, "topic=", 6) == 0)
        json_object_set_new(
            params, "message_thread_id", json_integer(strtoll(route + 6, NULL, 10)));
    if (route && strncmp(route, "biz=", 4) == 0)
        json_object_set_new(params, "business_connection_id", json_string(route + 4));
    struct telegram_request rq = {.method = "sendChatAction", .params = params};
    telegram_request(t, &rq, on_typing_sent, NULL);
    json_decref(params);
}
