/* whatsapp_send.c - deliveries: a message becomes one or more calls, one after the other, its files
 * uploaded first. There is no idempotency key: a call whose answer was lost is never made again; it
 * is the status with our place for it that tells what became of it (whatsapp_status.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_callback.h"
#include "connectors/whatsapp/whatsapp_compose.h"
#include "connectors/whatsapp/whatsapp_private.h"

#define UPLOADS_MAX 2 /* of one file for one call */
#define BLOCKED_PACE_MS 5000
#define PACE_MAX_MS 60000
#define JUST_NOW_MS 5000 /* what the client wrote so shortly before may not be known there yet */
#define NUMBER_WAIT_S 5
#define PAIR_STEPS_MAX 5 /* 4^5 s: 17 minutes */
#define WAMID_SIZE 520

struct whatsapp_sending {
    struct whatsapp_sending *next;
    struct whatsapp *w;
    struct delivery *d;
    struct whatsapp_call calls[WHATSAPP_CALLS_MAX];
    size_t ncalls, at; /* the call that is being made */
    char address[WHATSAPP_ADDRESS_SIZE];
    char external[WAMID_SIZE];       /* last id */
    char emoji[WHATSAPP_EMOJI_SIZE]; /* of a reaction */
    const char *held;                /* why the platform keeps it back; NULL it does not */
    unsigned uploads;
    bool completed; /* this call has its media id and our place in it */
    struct http_call *call;
    struct loop_timer *timer; /* until the next part may go */
    bool cancelled, busy;     /* busy: with a step that cannot be cancelled, and sends nothing */
    bool
        lost_part; /* the id of a part that was sent is not on disk: trying again would double it */
};

static void next_call(struct whatsapp_sending *s);
static void prepare_call(struct whatsapp_sending *s);

static void sending_free(struct whatsapp_sending *s) {
    for (struct whatsapp_sending **at = &s->w->sendings; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    loop_timer_stop(&s->timer);
    whatsapp_calls_free(s->calls, s->ncalls);
    s->d->user = NULL;
    free(s);
}

static void end(struct whatsapp_sending *s, enum delivery_result result, const struct err *err,
    unsigned retry_ms) {
    struct delivery *d = s->d;
    char external[WAMID_SIZE];
    bool again = result == DELIVERY_RETRY || result == DELIVERY_CANCELLED;
    struct delivery_outcome o = {
        .result = again && s->lost_part ? DELIVERY_UNKNOWN : result, .retry_ms = retry_ms};
    memcpy(external, s->external, sizeof external);
    if (result == DELIVERY_OK && external[0])
        o.external_id = external;
    if (result == DELIVERY_OK)
        o.held = s->held;
    if (err)
        o.err = *err;
    else if (o.result == DELIVERY_UNKNOWN)
        err_set(&o.err, ERR_UNAVAILABLE, "the gateway is stopping");
    sending_free(s);
    delivery_done(d, &o);
}

/* --- limits ---------------------------------------------------------------------------------- */

/* One a client in six seconds; a burst is borrowed from the minutes that follow. */
static const struct limiter_rate pair_rate = {6e6, 44};

/* A little below what the platform allows: it counts any second, and calls take their time. */
static struct limiter_rate number_rate(const struct whatsapp *w) {
    double share = connector_share(&w->base);
    double per_second = w->per_second * 0.85 * (share > 0.001 ? share : 0.001);
    return (struct limiter_rate){1e6 / per_second, (unsigned)(per_second / 40)};
}

unsigned whatsapp_pair_wait(struct whatsapp *w, const char *address, unsigned attempt) {
    uint64_t ms = 1000ull << 2 * (attempt < PAIR_STEPS_MAX ? attempt : PAIR_STEPS_MAX);
    limiter_block(w->limiter, address, clock_mono_ms() + ms);
    return (unsigned)ms;
}

void whatsapp_number_wait(struct whatsapp *w, unsigned retry_s) {
    limiter_block_all(w->limiter, clock_mono_ms() + (retry_s ? retry_s : NUMBER_WAIT_S) * 1000ull);
}

void whatsapp_window_over(struct whatsapp *w, const char *thread, int64_t at_ms) {
    connector_window_over(&w->base, thread, at_ms + WHATSAPP_DAY_MS - JUST_NOW_MS);
}

/* Who may go has his place from here on: the next one is asked before this one's call is made. */
unsigned whatsapp_pace(struct connector *c, const struct delivery *d) {
    struct whatsapp *w = container_of(c, struct whatsapp, base);
    const char *to = d->to.address ? d->to.address : "";
    uint64_t now = clock_mono_ms();
    if (now < w->blocked_until_ms)
        return BLOCKED_PACE_MS;
    unsigned ms = limiter_wait(w->limiter, number_rate(w), to, pair_rate, now);
    if (ms == 0)
        limiter_take(w->limiter, number_rate(w), to, pair_rate, 1, now);
    return ms < PACE_MAX_MS ? ms : PACE_MAX_MS;
}

/* --- an answer ------------------------------------------------------------------------------- */

static void on_alias(void *arg, const struct err *err) {
    (void)arg;
    (void)err; /* taken or known: his next message shows it */
}

/* The platform's own form of a number may be another one than we dialled: his answer comes under
 * that. */
static void note_alias(struct whatsapp_sending *s, const json_t *result) {
    const json_t *contact = json_array_get(json_object_get(result, "contacts"), 0);
    const char *id = json_string_value(json_object_get(contact, "wa_id"));
    bool is_phone = s->address[strspn(s->address, "0123456789")] == '\0';
    if (!is_phone || !id || !*id || strlen(id) >= WHATSAPP_ADDRESS_SIZE ||
        strcmp(id, s->address) == 0)
        return;
    struct identity self = {WHATSAPP_KIND, s->address, NULL, true};
    struct identity other = {WHATSAPP_KIND, id, NULL, true};
    connector_identify(&s->w->base, &self, &other, on_alias, NULL);
}

static void on_part_written(void *arg, const struct err *err) {
    struct whatsapp_sending *s = arg;
    /* The part is there in any case: going on is right. */
    s->lost_part = s->lost_part || err;
    s->busy = false;
    s->at++;
    if (s->cancelled) { /* what was written down is not sent again */
        end(s, DELIVERY_CANCELLED, NULL, 0);
        return;
    }
    s->uploads = 0;
    s->completed = false;
    next_call(s);
}

/* A template may be taken, but wait: for the look at its quality, or because it is paused. */
static const char *held_by(const json_t *message) {
    const char *status = json_string_value(json_object_get(message, "message_status"));
    return !status                                              ? NULL
           : strcmp(status, "held_for_quality_assessment") == 0 ? "quality"
           : strcmp(status, "paused") == 0                      ? "paused"
                                                                : NULL;
}

static void sent(struct whatsapp_sending *s, const struct whatsapp_answer *a) {
    const json_t *message = json_array_get(json_object_get(a->result, "messages"), 0);
    const char *id = json_string_value(json_object_get(message, "id"));
    struct err odd;
    if (!id || !*id) {
        err_set(&odd, ERR_PROTOCOL, "w0: WhatsApp answered without the id of the message");
        end(s, DELIVERY_UNKNOWN, &odd, 0);
        return;
    }
    snprintf(s->external, sizeof s->external, "%s", id);
    s->held = held_by(message);
    note_alias(s, a->result);
    whatsapp_accepted(s->w);
    if (s->d->what != DELIVERY_SEND)
        s->external[0] = '\0';
    if (s->at + 1 == s->ncalls) {
        end(s, DELIVERY_OK, NULL, 0);
        return;
    }
    s->busy = true;
    delivery_part(s->d, s->external, on_part_written, s);
}

/* The id that we kept is not good any more. */
static void upload_again(struct whatsapp_sending *s, const struct whatsapp_answer *a) {
    const struct whatsapp_call *c = &s->calls[s->at];
    if (!c->media || s->uploads >= UPLOADS_MAX) {
        end(s, DELIVERY_REJECTED, &a->err, 0);
        return;
    }
    whatsapp_upload_forget(s->w, c->media, c->mime);
    s->completed = false;
    prepare_call(s);
}

/* What a refusal means for this message, and for all others. */
static void refused(struct whatsapp_sending *s, const struct whatsapp_answer *a) {
    switch (a->cls) {
    case WHATSAPP_WAIT_PAIR:
        end(s, DELIVERY_RETRY, &a->err, whatsapp_pair_wait(s->w, s->address, s->d->attempt));
        return;
    case WHATSAPP_WAIT_NUMBER:
        whatsapp_number_wait(s->w, a->retry_s);
        end(s, DELIVERY_RETRY, &a->err, a->retry_s * 1000);
        return;
    case WHATSAPP_TRY_AGAIN:
        end(s, DELIVERY_RETRY, &a->err, 0);
        return;
    case WHATSAPP_UPLOAD_AGAIN:
        upload_again(s, a);
        return;
    case WHATSAPP_CHANNEL:
        whatsapp_refused(s->w, &a->err); /* whatsapp_pace() holds it back; not so after a reload */
        end(s, DELIVERY_RETRY, &a->err, BLOCKED_PACE_MS);
        return;
    case WHATSAPP_UNKNOWN:
        end(s, DELIVERY_UNKNOWN, &a->err, 0);
        return;
    default:
        if (a->code == WHATSAPP_WINDOW_OVER)
            whatsapp_window_over(s->w, s->d->thread, clock_ms());
        end(s, DELIVERY_REJECTED, &a->err, 0);
        return;
    }
}

static void on_answer(
    void *arg, const struct whatsapp_answer *a, const struct err *err, bool was_sent) {
    struct whatsapp_sending *s = arg;
    s->call = NULL;
    if (err && s->cancelled && !was_sent)
        end(s, DELIVERY_CANCELLED, NULL, 0);
    else if (err)
        end(s, was_sent ? DELIVERY_UNKNOWN : DELIVERY_RETRY, err, 0);
    else if (a->cls == WHATSAPP_OK)
        sent(s, a);
    else
        refused(s, a);
}

/* --- a call ---------------------------------------------------------------------------------- */

static void make_call(struct whatsapp_sending *s) {
    if (s->at) /* the first one has its place from whatsapp_pace() */
        limiter_take(s->w->limiter, number_rate(s->w), s->address, pair_rate, 1, clock_mono_ms());
    char *path = mem_printf("%s/messages", s->w->number_id);
    struct whatsapp_request rq = {.method = "POST", .path = path, .body = s->calls[s->at].params};
    s->call = whatsapp_request(s->w, &rq, on_answer, s);
    free(path);
}

static void complete_call(struct whatsapp_sending *s, const char *media_id) {
    struct whatsapp_place place = {.seq = s->d->seq};
    char callback[WHATSAPP_CALLBACK_SIZE];
    snprintf(place.thread, sizeof place.thread, "%s", s->d->thread);
    memcpy(place.emoji, s->emoji, sizeof place.emoji);
    if (s->d->what == DELIVERY_SEND) {
        place.part = (unsigned)s->at + 1;
        place.parts = (unsigned)s->ncalls;
    }
    whatsapp_place_write(&place, callback);
    whatsapp_call_complete(&s->calls[s->at], media_id, callback);
    s->completed = true;
    make_call(s);
}

static void on_uploaded(
    void *arg, const char *media_id, const struct whatsapp_answer *a, const struct err *err) {
    struct whatsapp_sending *s = arg;
    s->busy = false;
    if (s->cancelled) {
        end(s, DELIVERY_CANCELLED, NULL, 0);
    } else if (media_id) {
        complete_call(s, media_id);
    } else if (err) {
        bool gone = err->code == ERR_NOT_FOUND;
        end(s, gone ? DELIVERY_REJECTED : DELIVERY_RETRY, err, 0);
    } else if (a->cls == WHATSAPP_UNKNOWN) { /* of an upload: nobody has seen it */
        end(s, DELIVERY_RETRY, &a->err, 0);
    } else {
        refused(s, a);
    }
}

static void prepare_call(struct whatsapp_sending *s) {
    const struct whatsapp_call *c = &s->calls[s->at];
    if (!c->media) {
        complete_call(s, NULL);
        return;
    }
    s->uploads++;
    s->busy = true;
    whatsapp_upload(s->w, c->media, c->name, c->mime, on_uploaded, s);
}

static void on_turn(void *arg) {
    struct whatsapp_sending *s = arg;
    loop_timer_stop(&s->timer);
    prepare_call(s);
}

static void next_call(struct whatsapp_sending *s) {
    unsigned ms = s->at ? limiter_wait(s->w->limiter, number_rate(s->w), s->address, pair_rate,
                              clock_mono_ms())
                        : 0;
    if (ms)
        s->timer = loop_timer_start(s->w->base.env->loop, ms, 0, on_turn, s);
    else
        prepare_call(s);
}

/* --- deliveries ------------------------------------------------------------------------------ */

/* A reaction of ours to the message as the platform knows it. */
static size_t compose_reaction(
    struct whatsapp_sending *s, const struct whatsapp_target *to, struct err *err) {
    const json_t *ids = json_object_get(s->d->body, "sent_ids"), *by;
    const char *own = json_string_value(json_object_get(s->d->body, "external_id")), *emoji = NULL;
    size_t n = json_array_size(ids), i;
    json_t *r;
    if (n)
        own = json_string_value(json_array_get(ids, n - 1));
    if (!own) {
        err_set(err, ERR_NOT_FOUND, "WhatsApp gave no id for this message");
        return 0;
    }
    json_array_foreach(json_object_get(s->d->body, "reactions"), i, r) {
        by = json_object_get(r, "by");
        if (by && strcmp(json_string_value(by), "client") != 0)
            emoji = json_string_value(json_object_get(r, "emoji"));
    }
    snprintf(s->emoji, sizeof s->emoji, "%s", emoji ? emoji : "");
    s->calls[0].params = whatsapp_compose_reaction(to, own, emoji);
    return 1;
}

/* Written in time, but not sent in time: say so in words, and do not ask for the platform's. */
static int check_window(const struct delivery *d, struct err *err) {
    struct whatsapp_answer a;
    if (d->what != DELIVERY_SEND || json_object_get(d->body, "template") ||
        clock_ms() < d->window_until_ms)
        return 0;
    json_t *e = json_pack("{s:i}", "code", 131047);
    whatsapp_error_read(e, &a);
    *err = a.err;
    whatsapp_answer_free(&a);
    json_decref(e);
    return -1;
}

static void begin(struct whatsapp_sending *s) {
    size_t known = json_array_size(json_object_get(s->d->body, "sent_ids"));
    s->at = s->d->what == DELIVERY_SEND ? known : 0;
    if (s->at >= s->ncalls) { /* only the outcome was not written */
        const json_t *last = json_array_get(json_object_get(s->d->body, "sent_ids"), known - 1);
        snprintf(s->external, sizeof s->external, "%s", json_string_value(last));
        end(s, DELIVERY_OK, NULL, 0);
        return;
    }
    next_call(s);
}

/* Has he asked for no more marketing? */
static void on_marketing(void *arg, struct span value, const struct err *err) {
    struct whatsapp_sending *s = arg;
    struct whatsapp_answer a;
    (void)err; /* the platform knows it, too */
    s->busy = false;
    if (s->cancelled) {
        end(s, DELIVERY_CANCELLED, NULL, 0);
        return;
    }
    if (!span_eq(value, "stop")) {
        begin(s);
        return;
    }
    json_t *e = json_pack("{s:i}", "code", 131050);
    whatsapp_error_read(e, &a);
    json_decref(e);
    end(s, DELIVERY_REJECTED, &a.err, 0);
    whatsapp_answer_free(&a);
}

static bool is_marketing(const json_t *body) {
    const char *category =
        json_string_value(json_object_get(json_object_get(body, "template"), "category"));
    return category && strcmp(category, "marketing") == 0;
}

int whatsapp_send(struct connector *c, struct delivery *d, struct err *err) {
    struct whatsapp *w = container_of(c, struct whatsapp, base);
    struct whatsapp_target to = {.address = d->to.address ? d->to.address : "",
        .reply_to = d->reply_to,
        .list_button = w->list_button,
        .contact_text = w->contact_text};
    if (!d->to.kind || strcmp(d->to.kind, WHATSAPP_KIND) != 0 || !*to.address ||
        strncmp(to.address, "unknown/", 8) == 0)
        return err_set(err, ERR_INVALID, "w0: the client has no WhatsApp account that is known");
    if (check_window(d, err) < 0)
        return -1;
    struct whatsapp_sending *s = mem_zalloc(sizeof *s);
    s->w = w;
    s->d = d;
    snprintf(s->address, sizeof s->address, "%s", to.address);
    s->ncalls = d->what == DELIVERY_SEND ? whatsapp_compose(d->body, &to, s->calls, err)
                                         : compose_reaction(s, &to, err);
    if (s->ncalls == 0) {
        free(s);
        return -1;
    }
    s->next = w->sendings;
    w->sendings = s;
    d->user = s;
    if (d->what == DELIVERY_SEND && is_marketing(d->body)) {
        char *name = mem_printf("marketing:%s", s->address);
        s->busy = true;
        connector_kept(c, name, on_marketing, s);
        free(name);
    } else {
        begin(s);
    }
    return 0;
}

void whatsapp_cancel(struct connector *c, struct delivery *d) {
    struct whatsapp_sending *s = d->user;
    (void)c;
    if (!s)
        return;
    s->cancelled = true;
    if (s->call)
        http_call_cancel(s->call);
    else if (s->timer && !s->busy)
        end(s, DELIVERY_CANCELLED, NULL, 0);
}
