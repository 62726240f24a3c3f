/* whatsapp_webhook.c - a body that the platform posts to us: signed by our app? of which numbers?
 * all stored? then 200. What one person did is taken in its order; different people side by side.
 * Source: WhatsApp Business Platform, "Webhooks"; Graph API, "Webhooks, Getting started". */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "connectors/whatsapp/whatsapp_private.h"

#define SIGNATURE "sha256="
#define WARNING_S (7u * 24 * 3600)
#define REFUSED_S 3600   /* a wrong signature is told for so long */
#define REFUSED_MS 60000 /* and again after so long at the earliest */
#define BUSY_MAX 128     /* events of one body that are being stored at a time */

struct post {
    struct whatsapp *w;
    struct http_exchange *x;
    struct whatsapp_events events;
    uint32_t *next; /* of the same lane, as index + 1; 0: the last one */
    bool *is_first; /* of its lane */
    size_t at;      /* the next that may be the first of its lane */
    size_t busy, done;
    bool starting;
    struct err err; /* the first that asks for the same again */
};

struct step {
    struct post *p;
    size_t i;
    size_t waiting; /* an account's news go to all its numbers */
    bool failed;    /* it comes again */
};

/* --- is it the platform? --------------------------------------------------------------------- */

/* The place of the secret that signed these bytes, or -1. Each is tried, each in constant time. */
static int signed_by(const struct whatsapp *w, struct http_exchange *x) {
    const char *header = http_header(x, "X-Hub-Signature-256");
    char hex[CRYPTO_HEX_SIZE];
    int found = -1;
    if (!header || strncmp(header, SIGNATURE, strlen(SIGNATURE)) != 0)
        return -1;
    for (size_t i = 0; i < w->nsecrets; i++) {
        crypto_hmac_sha256_hex(span_str(w->secrets[i]), http_body(x), hex);
        if (crypto_equal(span_str(header + strlen(SIGNATURE)), span_str(hex)))
            found = (int)i;
    }
    sodium_memzero(hex, sizeof hex);
    return found;
}

/* Signed, but not by a secret of ours: the secret is another one now, or it is a stranger. What has
 * no signature is a stranger's for sure, and no news. */
static void note_refused(struct whatsapp *w, struct http_exchange *x) {
    uint64_t now = clock_mono_ms();
    const char *header = http_header(x, "X-Hub-Signature-256");
    if (!header || strncmp(header, SIGNATURE, strlen(SIGNATURE)) != 0 ||
        (w->refused_ms && now < w->refused_ms + REFUSED_MS))
        return;
    w->refused_ms = now;
    LOG_WARN(w->base.env->log, "whatsapp.wrong_signature", LOG_S("channel", w->base.channel));
    connector_keep(&w->base, "refused", span_str("yes"), REFUSED_S);
}

/* The handshake: the platform asks whether this URL is ours. */
static void verify(struct whatsapp *w, struct http_exchange *x) {
    const char *mode = http_query(x, "hub.mode"), *token = http_query(x, "hub.verify_token");
    const char *challenge = http_query(x, "hub.challenge");
    if (!mode || strcmp(mode, "subscribe") != 0 || !challenge || !*challenge ||
        strlen(challenge) > 200 || !token ||
        !crypto_equal(span_str(token), span_str(w->verify_token))) {
        metrics_add(w->base.env->metrics, M_REFUSED, "auth", 1);
        http_reply_problem(x, 403, "denied", "verify_token is not the one of the configuration");
        return;
    }
    http_reply(x, 200, "text/plain", challenge, strlen(challenge));
}

/* --- whose is it? ---------------------------------------------------------------------------- */

/* A number of another app is none of ours, whatever the body says. */
static bool same_app(const struct whatsapp *a, const struct whatsapp *b) {
    for (size_t i = 0; i < a->nsecrets; i++)
        for (size_t k = 0; k < b->nsecrets; k++)
            if (strcmp(a->secrets[i], b->secrets[k]) == 0)
                return true;
    return false;
}

static struct whatsapp *next_number(const struct whatsapp *w) {
    return container_of(connector_next(&w->base), struct whatsapp, base);
}

/* The channel of this number, NULL when we have none. */
static struct whatsapp *find_number(struct whatsapp *w, const char *number_id) {
    struct whatsapp *at = w;
    do {
        if (strcmp(at->number_id, number_id) == 0 && (at == w || same_app(at, w)))
            return at;
        at = next_number(at);
    } while (at != w);
    return NULL;
}

/* The channel for what a person did, where the body does not say to which number: the one that was
 * asked, if it can be, else one of the same account; NULL none. */
static struct whatsapp *find_account(struct whatsapp *w, const char *waba) {
    struct whatsapp *at = w;
    do {
        if ((!*waba || strcmp(at->waba_id, waba) == 0) && (at == w || same_app(at, w)))
            return at;
        at = next_number(at);
    } while (at != w);
    return NULL;
}

static bool is_change(const struct whatsapp_event *e) {
    return e->what == WHATSAPP_EDIT || e->what == WHATSAPP_DELETE || e->what == WHATSAPP_REACTION;
}

static bool is_said(const struct whatsapp_event *e) {
    return e->what == WHATSAPP_MESSAGE || e->what == WHATSAPP_OWN || is_change(e);
}

/* --- one event after the other --------------------------------------------------------------- */

static void run(struct post *p);
static void start(struct post *p, size_t i);

static void finish(struct post *p) {
    if (p->err.code)
        http_reply_err(p->x, &p->err);
    else
        http_reply_empty(p->x, 200);
    whatsapp_events_free(&p->events);
    free(p->next);
    free(p->is_first);
    free(p);
}

static void end_step(struct step *s) {
    struct post *p = s->p;
    size_t next = p->next[s->i];
    /* What the same person said next must not come before it. Changes have no place in the order.
     */
    bool is_held = s->failed && !is_change(&p->events.list[s->i]);
    free(s);
    p->busy--;
    p->done++;
    for (; is_held && next; next = p->next[next - 1])
        p->done++;
    if (next)
        start(p, next - 1);
    run(p);
}

static void on_taken(void *arg, const struct err *err) {
    struct step *s = arg;
    s->failed = s->failed || err;
    if (err && !s->p->err.code)
        s->p->err = *err;
    if (--s->waiting == 0)
        end_step(s);
}

static void take_nothing(void *arg) {
    on_taken(arg, NULL);
}

/* News of the account: for each of its numbers. */
static void take_account(struct step *s, const struct whatsapp_event *e) {
    struct whatsapp *w = s->p->w, *at = w;
    do {
        if (strcmp(at->waba_id, e->waba_id) == 0 && (at == w || same_app(at, w))) {
            s->waiting++;
            whatsapp_take(at, e, on_taken, s);
        }
        at = next_number(at);
    } while (at != w);
}

/* For the examination: do webhooks come at all? */
static void note_heard(struct whatsapp *w) {
    if (!w->is_heard)
        connector_keep(&w->base, "heard", span_str("yes"), 0);
    w->is_heard = true;
}

static void note_unknown(struct whatsapp *w, const struct whatsapp_event *e) {
    LOG_WARN(w->base.env->log, "whatsapp.unknown_number", LOG_S("channel", w->base.channel),
        LOG_S("phone_number_id", e->number_id), LOG_S("waba_id", e->waba_id));
    metrics_add(w->base.env->metrics, M_REFUSED, "unknown_number", 1);
    char *text = mem_printf("Webhooks come for the number with the id %s of the account %s, but no "
                            "channel has this phone_number_id.",
        *e->number_id ? e->number_id : "(not told)", *e->waba_id ? e->waba_id : "(not told)");
    connector_keep(&w->base, "warning", span_str(text), WARNING_S);
    free(text);
}

static void start(struct post *p, size_t i) {
    const struct whatsapp_event *e = &p->events.list[i];
    struct step *s = mem_alloc(sizeof *s);
    *s = (struct step){.p = p, .i = i, .waiting = 1};
    p->busy++;
    struct whatsapp *w = e->number_id[0] ? find_number(p->w, e->number_id)
                         : is_said(e)    ? find_account(p->w, e->waba_id)
                                         : NULL;
    if (w) {
        note_heard(w);
        whatsapp_take(w, e, on_taken, s);
        return;
    }
    if (e->number_id[0] || is_said(e))
        note_unknown(p->w, e);
    else
        take_account(s, e);
    loop_defer(p->w->base.env->loop, take_nothing, s);
}

/* Begins as many lanes as may be under way; ends the whole when all are through. */
static void run(struct post *p) {
    if (p->starting)
        return;
    p->starting = true;
    while (p->at < p->events.n && p->busy < BUSY_MAX) {
        size_t i = p->at++;
        if (p->is_first[i])
            start(p, i);
    }
    p->starting = false;
    if (p->done == p->events.n)
        finish(p);
}

/* --- lanes ----------------------------------------------------------------------------------- */

static uint64_t lane_of(const struct whatsapp *w, const struct whatsapp_event *e) {
    char address[WHATSAPP_ADDRESS_SIZE];
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t hash;
    whatsapp_address(&e->who, address);
    crypto_shorthash(out, (const unsigned char *)address, strlen(address), w->hash_key);
    memcpy(&hash, out, sizeof hash);
    return *address && e->what != WHATSAPP_STATUS ? hash | 1 : 0; /* 0: by itself */
}

/* Links each event to the next one of the same person. */
static void make_lanes(struct post *p) {
    size_t n = p->events.n, room = 16;
    while (room < n * 2)
        room *= 2;
    struct last {
        uint64_t lane;
        size_t i;
    } *table = mem_zalloc(room * sizeof *table);
    p->next = mem_zalloc((n + 1) * sizeof *p->next);
    p->is_first = mem_zalloc(n + 1);
    for (size_t i = 0; i < n; i++) {
        uint64_t lane = lane_of(p->w, &p->events.list[i]);
        p->is_first[i] = true;
        if (!lane)
            continue;
        size_t at = lane >> 1 & (room - 1);
        while (table[at].lane && table[at].lane != lane)
            at = (at + 1) & (room - 1);
        if (table[at].lane) {
            p->next[table[at].i] = (uint32_t)(i + 1);
            p->is_first[i] = false;
        }
        table[at].lane = lane;
        table[at].i = i;
    }
    free(table);
}

void whatsapp_webhook(struct connector *c, struct http_exchange *x) {
    struct whatsapp *w = container_of(c, struct whatsapp, base);
    const char *rest = http_path_arg(x, "rest");
    struct err err;
    if (rest && *rest) {
        http_reply_problem(x, 404, "not_found", "webhooks come to /hooks/whatsapp/<channel>");
        return;
    }
    if (strcmp(http_method(x), "GET") == 0) {
        verify(w, x);
        return;
    }
    if (signed_by(w, x) < 0) {
        metrics_add(c->env->metrics, M_REFUSED, "auth", 1);
        note_refused(w, x);
        http_reply_problem(x, 401, "auth", "the signature is missing, or not made with app_secret");
        return;
    }
    struct post *p = mem_zalloc(sizeof *p);
    p->w = w;
    p->x = x;
    if (whatsapp_events_parse(http_body(x), &p->events, &err) < 0) {
        LOG_WARN(c->env->log, "whatsapp.no_webhook", LOG_S("channel", c->channel), LOG_E(&err));
        metrics_add(c->env->metrics, M_REFUSED, "bad_request", 1);
        whatsapp_events_free(&p->events);
        p->events = (struct whatsapp_events){0}; /* it would only come again */
    }
    if (p->events.unknown[0])
        LOG_INFO(c->env->log, "whatsapp.unknown_field", LOG_S("channel", c->channel),
            LOG_S("field", p->events.unknown));
    if (p->events.dropped)
        LOG_WARN(c->env->log, "whatsapp.dropped", LOG_S("channel", c->channel),
            LOG_I("events", (int64_t)p->events.dropped));
    make_lanes(p);
    run(p);
}
