/* email_send.c - an answer becomes a mail and goes to the SMTP server. Its Message-ID is made from
 * its place in the thread, so that each try, also one after a crash, is the same mail. Steps: the
 * thread's newest messages (what is answered?), composing in the thread pool, log in, send. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/email/email_body.h"
#include "connectors/email/email_compose.h"
#include "connectors/email/email_html_text.h"
#include "connectors/email/email_ids.h"
#include "connectors/email/email_outcome.h"
#include "connectors/email/email_private.h"
#include "connectors/email/email_recipients.h"
#include "connectors/email/email_status.h"
#include "media/media.h"

#define HISTORY 50
#define BLOCKED_MS 300000
#define BLOCKED_PACE_MS 5000 /* another worker may have another password */
#define AMBIGUOUS_TRIES 3    /* whose end was in doubt; those that were put off do not count */
#define AMBIGUOUS_S (7u * 24 * 3600)
#define WRITE_AGAIN_MS 1000 /* what the store does not take */
#define SMTP_TIMEOUT_MS 300000
#define SIZE_MAX_OUT (48u << 20)
#define IN_HAND_MAX 8 /* mails with their bytes, of one mailbox: it has fewer connections */
#define REFERENCES_MAX 64

struct email_sending {
    struct email_sending *next;
    struct email *e;
    struct delivery *d;
    json_t *answered; /* NULL: nothing to answer */
    struct email_recipients people;
    const char **asked; /* of people or of the message's list: who is asked for now */
    char *message_id, *reply_to, *subject, *intro, *instance, *quote;
    const char *references[REFERENCES_MAX + 1];
    struct email_file files[MESSAGE_ATTACHMENTS_MAX];
    size_t nfiles;
    struct email_draft draft;
    char *bytes;
    size_t n;
    struct err err;
    struct smtp_call *call;
    json_t *news;             /* what the server said of asked */
    struct loop_timer *timer; /* news is written again */
    bool is_taken;            /* by the server, for at least one: the message is sent */
    bool waits;               /* for others to let go of their bytes */
    bool in_hand;             /* it has them */
    bool cancelled;
};

static void sending_free(struct email_sending *s) {
    for (struct email_sending **at = &s->e->sendings; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    for (size_t i = 0; i < s->nfiles; i++)
        close(s->files[i].fd);
    loop_timer_stop(&s->timer);
    free(s->asked);
    email_recipients_free(&s->people);
    json_decref(s->answered);
    json_decref(s->news);
    char *all[] = {
        s->message_id, s->reply_to, s->subject, s->intro, s->instance, s->quote, s->bytes};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        free(all[i]);
    free(s);
}

static void let_next(struct email *e);

static void end(struct email_sending *s, enum delivery_result result, const struct err *err,
    unsigned retry_ms) {
    struct delivery *d = s->d;
    struct email *e = s->e;
    char *id = result == DELIVERY_OK ? mem_strdup(s->message_id) : NULL;
    struct delivery_outcome o = {.result = result, .retry_ms = retry_ms, .external_id = id};
    if (err)
        o.err = *err;
    d->user = NULL;
    sending_free(s);
    let_next(e);
    delivery_done(d, &o);
    free(id);
}

static bool is_cancelled(struct email_sending *s) {
    if (s->cancelled)
        end(s, DELIVERY_CANCELLED, NULL, 0);
    return s->cancelled;
}

/* --- what the server said -------------------------------------------------------------------- */

static bool is_rest(const struct email_sending *s) {
    return s->d->what == DELIVERY_REST;
}

static int64_t waited_ms(const struct email_sending *s) {
    return clock_ms() - s->d->queued_ms;
}

static unsigned wait_of(const struct email_sending *s) {
    return email_outcome_wait_ms(s->e->retry_ms, waited_ms(s));
}

/* Who is put off now is given up. */
static bool is_last(const struct email_sending *s) {
    return waited_ms(s) >= s->e->give_up_ms;
}

static void on_told(void *arg, const struct inbound_result *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err;
}

/* Recipients that do not get it, while others do: the thread says whom and why. */
static void tell_refused(struct email_sending *s) {
    char name[EMAIL_NAME_SIZE];
    size_t i;
    json_t *o;
    json_array_foreach(s->news, i, o) {
        if (strcmp(json_text(o, "status"), "failed") != 0)
            continue;
        char *both = mem_printf("%s|%s", s->d->key, json_text(o, "address"));
        char *text = mem_printf("%.200s: %.300s", json_text(o, "address"),
            json_text(json_object_get(o, "error"), "text"));
        json_t *body = json_pack(
            "{s:{s:s,s:s,s:s}}", "event", "type", "channel", "what", "undelivered", "text", text);
        struct inbound in = {.kind = INBOUND_EVENT,
            .from = s->d->to,
            .external_id = email_kept_name('u', both, name),
            .body = body};
        connector_inbound(&s->e->base, &in, on_told, NULL);
        json_decref(body);
        free(text);
        free(both);
    }
}

/* Whoever got it may answer it. */
static void remember_people(struct email_sending *s) {
    char name[EMAIL_NAME_SIZE];
    const char *const *lists[] = {s->people.to, s->people.cc, s->people.bcc};
    for (size_t l = 0; l < ARRAY_LEN(lists); l++)
        for (size_t i = 0; lists[l] && lists[l][i]; i++) {
            char *who = email_identity(lists[l][i]);
            if (who && strcmp(who, s->d->to.address) != 0) {
                char *both = mem_printf("%s|%s", s->d->to.address, who);
                connector_keep(
                    &s->e->base, email_kept_name('p', both, name), span_str("1"), EMAIL_REMEMBER_S);
                free(both);
            }
            free(who);
        }
}

static void block(struct email *e, const struct err *err) {
    e->blocked_until_ms = clock_mono_ms() + BLOCKED_MS;
    connector_lost(&e->base, err);
}

/* --- what becomes of each recipient ---------------------------------------------------------- */

static void write_news(void *arg);

static void on_news_written(void *arg, const struct err *err) {
    struct email_sending *s = arg;
    size_t waiting = email_outcome_count(s->news, "queued");
    if (err && err->code != ERR_NOT_FOUND && !s->cancelled) {
        /* Whoever has it would get it twice if this was forgotten. */
        s->timer = loop_timer_start(s->e->base.env->loop, WRITE_AGAIN_MS, 0, write_news, s);
        return;
    }
    if (err && err->code != ERR_NOT_FOUND) {
        end(s, DELIVERY_CANCELLED, NULL, 0);
        return;
    }
    tell_refused(s);
    if (!s->is_taken && waiting && !(is_rest(s) && err)) {
        struct err again = s->err;
        end(s, DELIVERY_RETRY, &again, email_outcome_is_at_once(s->news) ? 0 : wait_of(s));
    } else {
        end(s, DELIVERY_OK, NULL, 0);
    }
}

/* Before the delivery ends: what the server has is on disk with the message, and with it that the
 * rest is to be tried. */
static void write_news(void *arg) {
    struct email_sending *s = arg;
    loop_timer_stop(&s->timer);
    struct recipients_news n = {.thread = s->d->thread,
        .seq = s->d->seq,
        .external_id = s->message_id,
        .list = s->news,
        .rest = s->is_taken && email_outcome_count(s->news, "queued") > 0};
    connector_recipients(&s->e->base, &n, on_news_written, s);
}

static void take_news(struct email_sending *s, const struct smtp_result *r) {
    s->news = email_outcome_news(s->asked, r, is_last(s));
    s->is_taken = r->outcome == SMTP_ACCEPTED && !is_rest(s);
    email_outcome_err(r, &s->err);
    if (r->nrefused) {
        char *text = email_status_text(r->refused[0].code, r->refused[0].text);
        err_set(&s->err, ERR_UNAVAILABLE, "%.100s: %.300s", r->refused[0].address, text);
        free(text);
    }
    write_news(s);
}

static void accepted(struct email_sending *s, const struct smtp_result *r) {
    remember_people(s);
    if (!is_rest(s)) {
        email_copy_sent(s->e, s->bytes, s->n);
        s->bytes = NULL;
    }
    if (is_rest(s) || s->asked[1] || json_object_get(s->d->body, "recipients"))
        take_news(s, r);
    else
        end(s, DELIVERY_OK, NULL, 0);
}

/* For good, while others may be taken another time. */
static bool is_some_refused(const struct smtp_result *r) {
    for (size_t i = 0; i < r->nrefused; i++)
        if (!r->refused[i].again)
            return true;
    return false;
}

/* Nobody has got it now. */
static void put_off(struct email_sending *s, const struct smtp_result *r) {
    struct err err;
    email_outcome_err(r, &err);
    unsigned wait = r->code ? wait_of(s) : 0;
    if (r->outcome == SMTP_DENIED) {
        email_login_refused(s->e);
        block(s->e, &err);
        wait = BLOCKED_PACE_MS;
    }
    if (s->cancelled)
        end(s, DELIVERY_CANCELLED, NULL, 0);
    else if (is_rest(s) && (is_last(s) || (r->code && r->outcome == SMTP_RETRY)))
        take_news(s, r);
    else if (is_last(s) && r->outcome == SMTP_RETRY)
        end(s, DELIVERY_REJECTED, &err, 0);
    else if (is_some_refused(r))
        take_news(s, r); /* they need not be asked again; there are servers that count them */
    else
        end(s, DELIVERY_RETRY, &err, wait);
}

/* --- when nobody knows ----------------------------------------------------------------------- */

static const char *doubts_name(const struct email_sending *s, char name[EMAIL_NAME_SIZE]) {
    char *both = mem_printf("%s|%s", s->d->key, is_rest(s) ? "rest" : "all");
    email_kept_name('a', both, name);
    free(both);
    return name;
}

static void on_doubt_kept(void *arg, const struct err *err) {
    struct email_sending *s = arg;
    struct err again = s->err;
    (void)err;
    if (!is_cancelled(s))
        end(s, DELIVERY_RETRY, &again, (unsigned)s->e->retry_ms);
}

static void on_doubts(void *arg, struct span value, const struct err *err) {
    struct email_sending *s = arg;
    char name[EMAIL_NAME_SIZE], text[12];
    struct err unknown = s->err;
    int n = 1 + (value.n ? value.p[0] - '0' : 0);
    if (is_cancelled(s))
        return;
    if (err || n < AMBIGUOUS_TRIES) {
        snprintf(text, sizeof text, "%d", n);
        connector_keep_sure(
            &s->e->base, doubts_name(s, name), span_str(text), AMBIGUOUS_S, on_doubt_kept, s);
    } else if (is_rest(s)) {
        write_news(s);
    } else {
        end(s, DELIVERY_UNKNOWN, &unknown, 0);
    }
}

/* Perhaps it was sent: the same mail again, not for ever. */
static void doubt(struct email_sending *s, const struct smtp_result *r) {
    char name[EMAIL_NAME_SIZE];
    if (is_cancelled(s))
        return;
    s->err = r->err;
    s->news = email_outcome_news(s->asked, r, is_last(s));
    connector_kept(&s->e->base, doubts_name(s, name), on_doubts, s);
}

static void on_smtp(void *arg, const struct smtp_result *r) {
    struct email_sending *s = arg;
    struct err err;
    email_outcome_err(r, &err);
    s->call = NULL;
    switch (r->outcome) {
    case SMTP_ACCEPTED:
        accepted(s, r);
        break;
    case SMTP_AMBIGUOUS:
        doubt(s, r);
        break;
    case SMTP_REFUSED:
        if (is_rest(s))
            take_news(s, r);
        else
            end(s, DELIVERY_REJECTED, &err, 0);
        break;
    case SMTP_DENIED:
    case SMTP_RETRY:
        put_off(s, r);
        break;
    }
}

static void on_login(void *arg, const struct mail_server *server, const struct err *err) {
    struct email_sending *s = arg;
    if (is_cancelled(s))
        return;
    if (err) {
        if (err->code == ERR_DENIED)
            block(s->e, err);
        end(s, DELIVERY_RETRY, err, err->code == ERR_DENIED ? BLOCKED_PACE_MS : 0);
        return;
    }
    struct smtp_message m = {.from = s->e->address,
        .to = s->asked,
        .bytes = span_of(s->bytes, s->n),
        .helo = s->e->domain,
        .timeout_ms = SMTP_TIMEOUT_MS};
    s->call = smtp_call_start(email_shared_get(s->e)->smtp, server, &m, on_smtp, s);
}

/* --- composing ------------------------------------------------------------------------------- */

static void compose_work(void *arg) {
    struct email_sending *s = arg;
    bool needs_utf8;
    if (email_compose(&s->draft, &s->bytes, &s->n, &needs_utf8, &s->err) == 0)
        s->err.code = ERR_NONE;
}

static void compose_done(void *arg) {
    struct email_sending *s = arg;
    if (is_cancelled(s))
        return;
    if (s->err.code)
        end(s, DELIVERY_REJECTED, &s->err, 0);
    else
        email_login(s->e, true, on_login, s);
}

/* "cid:<media id>" in the HTML shows the file where it stands. NULL: an attachment. */
static const char *cid_of(const struct email_sending *s, const json_t *a) {
    const char *id = json_text(a, "id");
    return *id && email_html_uses(span_str(json_text(s->d->body, "html")), id) ? id : NULL;
}

static int open_files(struct email_sending *s, struct err *err) {
    size_t i;
    json_t *a;
    json_array_foreach(json_object_get(s->d->body, "attachments"), i, a) {
        uint64_t size;
        if (s->nfiles == MESSAGE_ATTACHMENTS_MAX)
            break;
        int fd = media_fd(connector_media(&s->e->base), json_text(a, "id"), &size, err);
        if (fd < 0)
            return -1;
        s->files[s->nfiles++] = (struct email_file){.name = json_text(a, "name"),
            .mime = json_text(a, "mime"),
            .cid = cid_of(s, a),
            .fd = fd};
    }
    return 0;
}

/* What the client said, without what he quoted himself. */
static void quote(struct email_sending *s) {
    const json_t *m = s->answered, *email = json_object_get(m, "email");
    const json_t *from = json_array_get(json_object_get(email, "from"), 0);
    const char *text = json_text(m, "text"), *name = json_text(from, "name");
    json_int_t at = json_integer_value(json_object_get(email, "quoted_at"));
    size_t n = strlen(text);
    if (!n || json_is_true(json_object_get(s->d->body, "no_quote")))
        return;
    s->quote = mem_strndup(text, at > 0 && (size_t)at < n ? (size_t)at : n);
    const char *when =
        *json_text(m, "sent_at") ? json_text(m, "sent_at") : json_text(m, "received_at");
    s->intro = mem_printf("%.10s %.5s, %s%s<%s>:", when, strlen(when) > 11 ? when + 11 : "", name,
        *name ? " " : "", json_text(from, "address"));
}

static void chain(struct email_sending *s, const json_t *email) {
    const json_t *refs = json_object_get(email, "references");
    size_t n = json_array_size(refs), k = 0;
    for (size_t i = n > REFERENCES_MAX - 1 ? n - (REFERENCES_MAX - 1) : 0; i < n; i++)
        s->references[k++] = json_string_value(json_array_get(refs, i));
    if (*json_text(email, "message_id"))
        s->references[k++] = json_text(email, "message_id");
}

static void compose(struct email_sending *s) {
    struct email *e = s->e;
    const struct delivery *d = s->d;
    const json_t *email = json_object_get(s->answered, "email");
    const char *subject = json_text(d->body, "subject");
    int64_t received = 0;
    chain(s, email);
    if (s->answered)
        quote(s);
    s->subject =
        *subject ? mem_strdup(subject) : email_reply_subject(json_text(s->answered, "subject"));
    clock_parse(json_text(d->body, "received_at"), &received);
    s->draft = (struct email_draft){.from_name = e->name,
        .from = e->address,
        .reply_to = s->reply_to ? s->reply_to : "",
        .to = s->people.to,
        .cc = s->people.cc,
        .bcc = s->people.bcc,
        .subject = s->subject,
        .message_id = s->message_id,
        .in_reply_to = json_text(email, "message_id"),
        .references = s->references,
        .text = json_text(d->body, "text"),
        .html = json_text(d->body, "html"),
        .signature = e->signature,
        .quote_intro = s->intro ? s->intro : "",
        .quote_text = s->quote ? s->quote : "",
        .date_ms = received ? received : clock_ms(),
        .auto_submitted = json_object_get(d->body, "rating") ? "auto-generated" : "",
        .instance = s->instance,
        .files = s->files,
        .nfiles = s->nfiles,
        .size_max = SIZE_MAX_OUT};
    loop_work(e->base.env->loop, compose_work, compose_done, s);
}

/* --- where it goes --------------------------------------------------------------------------- */

static void take_in_hand(struct email_sending *s) {
    struct err bad;
    s->waits = false;
    s->in_hand = true;
    if (open_files(s, &bad) < 0)
        end(s, DELIVERY_REJECTED, &bad, 0);
    else
        compose(s);
}

static bool has_room(const struct email *e) {
    size_t n = 0;
    for (const struct email_sending *s = e->sendings; s; s = s->next)
        n += s->in_hand;
    return n < IN_HAND_MAX;
}

/* The newest stands first. */
static void let_next(struct email *e) {
    struct email_sending *oldest = NULL;
    for (struct email_sending *s = e->sendings; s; s = s->next)
        oldest = s->waits ? s : oldest;
    if (oldest && !e->stopping && has_room(e))
        take_in_hand(oldest);
}

static void on_named(void *arg, const struct err *err) {
    struct email_sending *s = arg;
    if (is_cancelled(s))
        return;
    if (err)
        end(s, DELIVERY_RETRY, err, 0);
    else if (has_room(s->e))
        take_in_hand(s);
    else if (s->e->stopping)
        end(s, DELIVERY_CANCELLED, NULL, 0);
    else
        s->waits = true;
}

void email_sendings_stop(struct email *e) {
    struct email_sending *s = e->sendings;
    while (s) {
        if (!s->waits) {
            s = s->next;
            continue;
        }
        s->waits = false;
        end(s, DELIVERY_CANCELLED, NULL, 0);
        s = e->sendings; /* it may have ended others */
    }
}

static void choose_asked(struct email_sending *s) {
    const json_t *recipients = json_object_get(s->d->body, "recipients");
    size_t n = 0;
    if (recipients) {
        s->asked = email_outcome_waiting(recipients);
        return;
    }
    while (s->people.all[n])
        n++;
    s->asked = mem_zalloc((n + 1) * sizeof *s->asked);
    memcpy(s->asked, s->people.all, n * sizeof *s->asked);
}

static void on_history(void *arg, json_t *messages, const struct err *err) {
    struct email_sending *s = arg;
    struct email *e = s->e;
    const char *secret = connector_secret(&e->base);
    struct err bad;
    char name[EMAIL_NAME_SIZE];
    if (is_cancelled(s))
        return;
    if (err || !secret) {
        end(s, DELIVERY_RETRY, err, 0);
        return;
    }
    s->answered = json_incref((json_t *)email_answered(messages, e->base.channel, s->d->reply_to));
    if (email_recipients(&s->people, s->d->body, s->answered, s->d->to.address, e->address, &bad) <
        0) {
        end(s, DELIVERY_REJECTED, &bad, 0);
        return;
    }
    choose_asked(s);
    struct email_mark mark = {.seq = s->d->seq};
    snprintf(mark.thread, sizeof mark.thread, "%s", s->d->thread);
    s->message_id = email_message_id(secret, e->base.channel, &mark, e->domain);
    if (e->plus_address)
        s->reply_to = email_reply_address(secret, e->base.channel, s->d->thread, e->address);
    s->instance = email_instance(e);
    /* An answer to it names the thread: before it can come, the dialogue is known by that. */
    snprintf(name, sizeof name, "t:%s", s->d->thread);
    connector_keep_sure(&e->base, name, span_str(s->d->to.address), 0, on_named, s);
}

/* Did an earlier try come as far as the server? Then whoever waits is the rest's. */
static bool is_done(const struct delivery *d) {
    const json_t *recipients = json_object_get(d->body, "recipients");
    size_t waiting = email_outcome_count(recipients, "queued");
    if (d->what == DELIVERY_REST || !recipients)
        return recipients && !waiting;
    return waiting + email_outcome_count(recipients, "failed") < json_array_size(recipients);
}

static void on_had(void *arg) {
    struct email_sending *s = arg;
    if (!is_cancelled(s))
        end(s, DELIVERY_OK, NULL, 0);
}

int email_send(struct connector *c, struct delivery *d, struct err *err) {
    struct email *e = container_of(c, struct email, base);
    if (d->what != DELIVERY_SEND && d->what != DELIVERY_REST)
        return err_set(err, ERR_UNSUPPORTED, "what was sent by e-mail cannot be changed");
    struct email_sending *s = mem_zalloc(sizeof *s);
    s->e = e;
    s->d = d;
    s->next = e->sendings;
    e->sendings = s;
    d->user = s;
    if (is_done(d)) {
        const char *secret = connector_secret(c);
        struct email_mark mark = {.seq = d->seq};
        snprintf(mark.thread, sizeof mark.thread, "%s", d->thread);
        s->message_id = secret ? email_message_id(secret, c->channel, &mark, e->domain) : NULL;
        loop_defer(c->env->loop, on_had, s);
    } else {
        connector_history_before(c, d->thread, d->seq, HISTORY, on_history, s);
    }
    return 0;
}

void email_cancel(struct connector *c, struct delivery *d) {
    struct email_sending *s = d->user;
    (void)c;
    if (!s)
        return;
    s->cancelled = true;
    if (s->call)
        smtp_call_cancel(s->call); /* on_smtp */
    else if (s->timer || s->waits)
        end(s, DELIVERY_CANCELLED, NULL, 0);
}

unsigned email_pace(struct connector *c, const struct delivery *d) {
    const struct email *e = container_of(c, struct email, base);
    uint64_t now = clock_mono_ms();
    unsigned blocked = now < e->blocked_until_ms ? (unsigned)(e->blocked_until_ms - now) : 0;
    const json_t *recipients = json_object_get(d->body, "recipients");
    if (d->what != DELIVERY_REST || d->attempt > 1 || email_outcome_is_at_once(recipients))
        return blocked; /* from the second try on it waits as long as the one before said */
    int64_t left = email_outcome_put_off_ms(recipients) + e->retry_ms - clock_ms();
    left = left < e->retry_ms ? left : e->retry_ms;
    return left > (int64_t)blocked ? (unsigned)left : blocked;
}
