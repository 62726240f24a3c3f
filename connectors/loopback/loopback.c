/* loopback.c - the model connector: messages come in by POST /hooks/loopback/<channel>, answers go
 * to a file. As the tests' double it can be told to fail, delay, lose the answer, or send twice. */
#include "connectors/loopback/loopback.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/loopback/loopback_parse.h"

struct loopback {
    struct connector base; /* first: the core gives us a pointer to it */
    char *token, *outbox;
    enum loopback_act behaviour;
    int outbox_fd;           /* -1: answers are taken and forgotten */
    struct sending *waiting; /* delayed deliveries */
};

/* A delivery whose end comes later. */
struct sending {
    struct loopback *lo;
    struct delivery *delivery;
    struct loop_timer *timer;
    struct sending *next;
};

static const struct setting settings[] = {
    {.key = "token",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "Senders must show it as Authorization: Bearer. Empty: anybody who reaches the "
                "port may post."},
    {.key = "outbox",
        .type = SETTING_STRING,
        .preset = "",
        .file_only = true,
        .help = "File that gets a JSON line for each answer sent. Empty: none."},
    {.key = "behaviour",
        .type = SETTING_ENUM,
        .preset = "ok",
        .choices = "ok|fail|reject|delay|lose|twice",
        .help = "What becomes of an answer, unless its text says (\"!fail 2\", \"!delay 500\")."},
    CONNECTOR_RATING_SETTINGS,
    {0},
};

/* --- life ------------------------------------------------------------------------------------ */

static int init(struct connector *c, const struct settings *s, struct err *err) {
    struct loopback *lo = container_of(c, struct loopback, base);
    static const char *const names[] = {"ok", "fail", "reject", "delay", "lose", "twice"};
    (void)err;
    lo->outbox_fd = -1;
    lo->token = mem_strdup(settings_str(s, "token"));
    lo->outbox = mem_strdup(settings_str(s, "outbox"));
    connector_rates(c, s);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], settings_str(s, "behaviour")) == 0)
            lo->behaviour = (enum loopback_act)i;
    return 0;
}

static int start(struct connector *c, struct err *err) {
    struct loopback *lo = container_of(c, struct loopback, base);
    if (*lo->outbox) {
        lo->outbox_fd = open(lo->outbox, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (lo->outbox_fd < 0)
            return err_set(err, ERR_IO, "loopback \"%s\": outbox %s: %s", c->channel, lo->outbox,
                strerror(errno));
    }
    connector_ready(c);
    return 0;
}

/* --- in -------------------------------------------------------------------------------------- */

static void on_stored(void *arg, const struct inbound_result *r, const struct err *err) {
    struct http_exchange *x = arg;
    char body[256];
    if (err) {
        http_reply_err(x, err);
        return;
    }
    /* Ids are of a safe alphabet: no JSON library is needed on the hot path. */
    int n = snprintf(body, sizeof body,
        "{\"message\":\"%s\",\"thread\":\"%s\",\"seq\":%lld,\"duplicate\":%s}", r->message,
        r->thread, (long long)r->seq, r->duplicate ? "true" : "false");
    http_reply(x, 200, "application/json", body, (size_t)n);
}

static bool is_allowed(const struct loopback *lo, struct http_exchange *x) {
    const char *bearer = http_header(x, "Authorization");
    if (!*lo->token)
        return true;
    return bearer && strncasecmp(bearer, "Bearer ", 7) == 0 &&
           crypto_equal(span_str(bearer + 7), span_str(lo->token));
}

static void on_receipt(void *arg, const struct err *err) {
    if (err)
        http_reply_err(arg, err);
    else
        http_reply_empty(arg, 204);
}

/* POST .../receipt {"thread","seq","status"}: the client has or has read what we sent up to seq. */
static void receipt(struct loopback *lo, struct http_exchange *x) {
    json_t *body = http_body_json(x);
    enum status status;
    if (!body)
        return;
    const char *thread = json_string_value(json_object_get(body, "thread"));
    const char *name = json_string_value(json_object_get(body, "status"));
    const json_t *seq = json_object_get(body, "seq");
    if (!id_is_valid(thread) || !json_is_integer(seq) || json_integer_value(seq) < 0 || !name ||
        status_parse(name, &status) < 0 || status < STATUS_DELIVERED)
        http_reply_problem(x, 400, "invalid",
            "expected {\"thread\": id, \"seq\": number, \"status\": \"delivered\" or \"read\"}");
    else
        connector_receipt(&lo->base, thread, json_integer_value(seq), status, on_receipt, x);
    json_decref(body);
}

static void webhook(struct connector *c, struct http_exchange *x) {
    struct loopback *lo = container_of(c, struct loopback, base);
    struct loopback_message m;
    struct err err;
    const char *rest = http_path_arg(x, "rest");
    if (strcmp(http_method(x), "POST") != 0) {
        http_set_header(x, "Allow", "POST");
        http_reply_problem(x, 405, "unsupported", "POST a message here");
        return;
    }
    if (!is_allowed(lo, x)) {
        http_reply_problem(x, 401, "auth", "the channel's token is needed");
        return;
    }
    if (rest && strcmp(rest, "receipt") == 0) {
        receipt(lo, x);
        return;
    }
    if (loopback_parse(http_body(x), &m, &err) < 0) {
        http_reply_err(x, &err);
    } else {
        struct inbound in = {.from = m.from, .external_id = m.id, .body = m.body};
        connector_inbound(c, &in, on_stored, x);
    }
    loopback_message_free(&m);
}

/* --- out ------------------------------------------------------------------------------------- */

/* What a real channel would do with the message: a line in the outbox. -1 with err. */
static int deliver(struct loopback *lo, const struct delivery *d, struct err *err) {
    if (lo->outbox_fd < 0)
        return 0;
    static const char *const what[] = {[DELIVERY_SEND] = "send",
        [DELIVERY_EDIT] = "edit",
        [DELIVERY_DELETE] = "delete",
        [DELIVERY_REACT] = "react"};
    static const char *const mail[] = {"subject", "cc", "bcc", "reply_all", "no_quote"};
    json_t *line = json_pack("{s:s,s:s,s:s,s:I,s:s,s:i,s:s,s:O?}", "what", what[d->what], "channel",
        lo->base.channel, "thread", d->thread, "seq", (json_int_t)d->seq, "key", d->key, "attempt",
        (int)d->attempt, "to", d->to.address ? d->to.address : "", "text",
        json_object_get(d->body, "text"));
    if (line && d->reply_to)
        json_object_set_new(line, "reply_to", json_string(d->reply_to));
    for (size_t i = 0; line && i < ARRAY_LEN(mail); i++)
        if (json_object_get(d->body, mail[i]))
            json_object_set(line, mail[i], json_object_get(d->body, mail[i]));
    char *text = json_dumps(line, JSON_COMPACT);
    char *with_end = mem_printf("%s\n", text);
    size_t n = strlen(with_end);
    int rc = write(lo->outbox_fd, with_end, n) == (ssize_t)n
                 ? 0
                 : err_set(err, ERR_IO, "outbox: %s", strerror(errno));
    free(with_end);
    free(text);
    json_decref(line);
    return rc;
}

static void done(
    struct delivery *d, enum delivery_result result, enum err_code code, const char *why) {
    struct delivery_outcome o = {.result = result, .external_id = d->key};
    if (result != DELIVERY_OK)
        err_set(&o.err, code, "%s", why);
    delivery_done(d, &o);
}

static void deliver_and_end(struct loopback *lo, struct delivery *d) {
    struct err err;
    if (deliver(lo, d, &err) < 0)
        done(d, DELIVERY_RETRY, err.code, err.text);
    else
        done(d, DELIVERY_OK, ERR_NONE, "");
}

static void unlink_sending(struct sending *s) {
    for (struct sending **at = &s->lo->waiting; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    loop_timer_stop(&s->timer);
    s->delivery->user = NULL;
}

static void on_delay(void *arg) {
    struct sending *s = arg;
    unlink_sending(s);
    deliver_and_end(s->lo, s->delivery);
    free(s);
}

static void delay(struct loopback *lo, struct delivery *d, unsigned ms) {
    struct sending *s = mem_zalloc(sizeof *s);
    s->lo = lo;
    s->delivery = d;
    s->next = lo->waiting;
    lo->waiting = s;
    d->user = s;
    s->timer = loop_timer_start(lo->base.env->loop, ms, 0, on_delay, s);
}

static int send(struct connector *c, struct delivery *d, struct err *err) {
    struct loopback *lo = container_of(c, struct loopback, base);
    const char *text = json_string_value(json_object_get(d->body, "text"));
    unsigned number = 1;
    enum loopback_act act = loopback_act_parse(text, &number);
    if (act == ACT_OK)
        act = lo->behaviour;
    switch (act) {
    case ACT_FAIL: /* the first `number` attempts */
        if (d->attempt <= number)
            done(d, DELIVERY_RETRY, ERR_UNAVAILABLE, "the channel is away (as it was told)");
        else
            deliver_and_end(lo, d);
        return 0;
    case ACT_REJECT:
        return err_set(err, ERR_INVALID, "the channel refuses this message (as it was told)");
    case ACT_DELAY:
        delay(lo, d, number == 1 ? 200 : number);
        return 0;
    case ACT_LOSE: /* the channel has it, but its answer is lost */
        deliver(lo, d, err);
        done(d, DELIVERY_UNKNOWN, ERR_TIMEOUT, "the channel's answer was lost (as it was told)");
        return 0;
    case ACT_TWICE: /* a channel that repeats itself */
        deliver(lo, d, err);
        deliver_and_end(lo, d);
        return 0;
    case ACT_OK:
        break;
    }
    deliver_and_end(lo, d);
    return 0;
}

static void cancel(struct connector *c, struct delivery *d) {
    struct sending *s = d->user;
    (void)c;
    if (!s)
        return;
    unlink_sending(s);
    free(s);
    done(d, DELIVERY_CANCELLED, ERR_NONE, "");
}

static void stop(struct connector *c) {
    struct loopback *lo = container_of(c, struct loopback, base);
    while (lo->waiting)
        cancel(c, lo->waiting->delivery);
}

static void finish(struct connector *c) {
    struct loopback *lo = container_of(c, struct loopback, base);
    while (lo->waiting) {
        struct sending *s = lo->waiting;
        unlink_sending(s);
        free(s);
    }
    if (lo->outbox_fd >= 0)
        close(lo->outbox_fd);
    free(lo->token);
    free(lo->outbox);
}

const struct connector_ops loopback_connector = {
    .api = CONNECTOR_API,
    .name = "loopback",
    .caps = CONNECTOR_RECEIPTS | CONNECTOR_EDIT | CONNECTOR_DELETE | CONNECTOR_REACT |
            CONNECTOR_REPLY | CONNECTOR_MAIL,
    .size = sizeof(struct loopback),
    .settings = settings,
    .help = "A channel that needs nobody: messages are posted to /hooks/loopback/NAME, answers go "
            "to a file. For trying things out, for tests, and as the model of a connector.",
    .identity_kind = "loopback",
    .init = init,
    .start = start,
    .send = send,
    .cancel = cancel,
    .webhook = webhook,
    .stop = stop,
    .finish = finish,
};
