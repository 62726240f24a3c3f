/* email_bounce.c - see email_bounce.h. */
#include "base/json_text.h"
#include "connectors/email/email_bounce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "connectors/email/email_body.h"
#include "connectors/email/email_ids.h"
#include "connectors/email/email_recipients.h"
#include "connectors/email/email_status.h"

#define HISTORY 50 /* before the message: email_send.c looked so far for what it answers */

struct bounce {
    struct email *e;
    email_bounce_fn fn;
    void *arg;
    bool is_whole, is_read;
    struct email_mark mark;
    char *own;    /* the message's Message-ID */
    char *client; /* whose dialogue it is */
    json_t *list; /* what is said of whom */
};

static void end(struct bounce *b, const struct err *err) {
    b->fn(b->arg, !err && b->is_whole, err);
    free(b->own);
    free(b->client);
    json_decref(b->list);
    free(b);
}

static void end_later(void *arg) {
    end(arg, NULL);
}

static void on_settled(void *arg, const struct err *err) {
    struct bounce *b = arg;
    bool gone = err && err->code == ERR_NOT_FOUND; /* trimmed long ago */
    b->is_whole = b->is_whole && !gone;
    end(b, gone ? NULL : err);
}

static char *reason(const json_t *r) {
    const char *status = json_text(r, "status"), *why = json_text(r, "diagnostic");
    const char *meaning = email_status_meaning(status, why);
    bool said = *why || *status;
    if (!meaning)
        meaning = status[0] == '4' ? "a server puts it off" : "it could not be delivered";
    return mem_printf(
        "%s%s%.160s%s", meaning, said ? " (" : "", *why ? why : status, said ? ")" : "");
}

char *email_bounce_text(const json_t *r) {
    char *why = reason(r), *text = mem_printf("%.100s: %s", json_text(r, "address"), why);
    free(why);
    return text;
}

/* One recipient's part of the report, for connector_recipients(); NULL: it settles nothing. */
static json_t *fate_of(const json_t *r) {
    const char *action = json_text(r, "action");
    bool failed = strcmp(action, "failed") == 0, delayed = strcmp(action, "delayed") == 0;
    if (!failed && !delayed && strcmp(action, "delivered") != 0)
        return NULL;
    char *address = email_identity(json_text(r, "address")); /* as we write to it */
    json_t *o = json_pack(
        "{s:s,s:s}", "address", address ? address : json_text(r, "address"), "status", action);
    free(address);
    char *why = failed || delayed ? reason(r) : NULL;
    if (o && why)
        json_object_set_new(o, "error",
            json_pack("{s:s,s:s,s:b}", "code", err_name(failed ? ERR_INVALID : ERR_UNAVAILABLE),
                "text", why, "permanent", failed));
    free(why);
    return o;
}

/* Of all recipients that it names; is_whole: they have it, there is nothing to read in it. */
static json_t *fates(const json_t *report, bool *is_whole) {
    json_t *list = json_array(), *r;
    size_t i;
    *is_whole = true;
    json_array_foreach(json_object_get(report, "recipients"), i, r) {
        json_t *o = fate_of(r);
        *is_whole = *is_whole && o && !json_object_get(o, "error");
        if (o)
            json_array_append_new(list, o);
    }
    return list;
}

static void settle(struct bounce *b) {
    struct email *e = b->e;
    LOG_INFO(e->base.env->log, "email.report", LOG_S("channel", e->base.channel),
        LOG_S("thread", b->mark.thread), LOG_I("seq", b->mark.seq),
        LOG_S("kind", b->is_read ? "read" : "delivery"),
        LOG_I("recipients", (long long)json_array_size(b->list)));
    struct settlement st = {
        .thread = b->mark.thread, .seq = b->mark.seq, .external_id = b->own, .status = STATUS_READ};
    struct recipients_news n = {
        .thread = b->mark.thread, .seq = b->mark.seq, .external_id = b->own, .list = b->list};
    if (b->is_read)
        connector_settle(&e->base, &st, on_settled, b);
    else
        connector_recipients(&e->base, &n, on_settled, b);
}

/* --- whom the mail went to ------------------------------------------------------------------- */

static bool is_listed(const json_t *recipients, const char *address) {
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)recipients, i, o) {
        if (strcasecmp(json_text(o, "address"), address) == 0)
            return true;
    }
    return false;
}

static bool is_among(const struct email_recipients *people, const char *address) {
    for (size_t i = 0; people->all && people->all[i]; i++)
        if (strcasecmp(people->all[i], address) == 0)
            return true;
    return false;
}

/* As email_send.c found it: the message that this one is an answer to. */
static const json_t *answered_by(const json_t *messages, const json_t *m, const char *channel) {
    const char *id = json_string_value(json_object_get(m, "reply_to"));
    size_t i;
    json_t *other;
    json_array_foreach((json_t *)messages, i, other) {
        if (id && strcmp(json_text(other, "id"), id) == 0)
            return email_answered(messages, channel, json_text(other, "external_id"));
    }
    return email_answered(messages, channel, NULL);
}

/* Only what is said of them is of interest: a forwarder's own address, or a stranger's, is none of
 * the message's. */
static void keep_those_of(struct bounce *b, json_t *messages) {
    const char *channel = b->e->base.channel;
    size_t n = json_array_size(messages), i = 0;
    json_t *m = json_incref(json_array_get(messages, n ? n - 1 : 0)), *one;
    struct email_recipients people = {0};
    struct err err;
    bool is_it = json_integer_value(json_object_get(m, "seq")) == b->mark.seq &&
                 strcmp(json_text(m, "direction"), "out") == 0 &&
                 strcmp(json_text(m, "channel"), channel) == 0;
    const json_t *known = json_object_get(m, "recipients");
    if (is_it) {
        json_array_remove(messages, n - 1);
        email_recipients(
            &people, m, answered_by(messages, m, channel), b->client, b->e->address, &err);
    }
    while ((one = json_array_get(b->list, i))) {
        const char *address = json_text(one, "address");
        if (is_listed(known, address) || is_among(&people, address)) {
            i++;
            continue;
        }
        b->is_whole = false;
        json_array_remove(b->list, i);
    }
    email_recipients_free(&people);
    json_decref(m);
}

static void on_history(void *arg, json_t *messages, const struct err *err) {
    struct bounce *b = arg;
    if (err && err->code != ERR_NOT_FOUND) {
        end(b, err);
        return;
    }
    json_t *copy = err ? json_array() : json_copy(messages);
    keep_those_of(b, copy);
    json_decref(copy);
    if (json_array_size(b->list))
        settle(b);
    else
        end(b, NULL);
}

static void on_client(void *arg, struct span value, const struct err *err) {
    struct bounce *b = arg;
    if (err) {
        end(b, err);
        return;
    }
    b->client = mem_strndup(value.p, value.n);
    connector_history_before(
        &b->e->base, b->mark.thread, b->mark.seq + 1, HISTORY + 1, on_history, b);
}

/* --- one report ------------------------------------------------------------------------------ */

/* Our mark in the returned mail. */
static bool find_mark(struct bounce *b, const json_t *report) {
    const char *secret = connector_secret(&b->e->base);
    size_t i;
    json_t *id;
    json_array_foreach(json_object_get(report, "original"), i, id) {
        if (secret &&
            email_message_id_read(secret, b->e->base.channel, json_string_value(id), &b->mark)) {
            b->own = email_message_id(secret, b->e->base.channel, &b->mark, b->e->domain);
            return true;
        }
    }
    return false;
}

void email_bounce(struct email *e, const json_t *mail, email_bounce_fn fn, void *arg) {
    const json_t *report = json_object_get(mail, "report");
    struct bounce *b = mem_zalloc(sizeof *b);
    char name[EMAIL_NAME_SIZE];
    *b = (struct bounce){.e = e, .fn = fn, .arg = arg};
    b->is_read = strcmp(json_text(report, "kind"), "read") == 0;
    b->list = fates(report, &b->is_whole);
    if (!find_mark(b, report) || (!b->is_read && !json_array_size(b->list))) {
        b->is_whole = false;
        loop_defer(e->base.env->loop, end_later, b);
    } else if (b->is_read) {
        b->is_whole = true;
        settle(b);
    } else {
        snprintf(name, sizeof name, "t:%s", b->mark.thread);
        connector_kept(&e->base, name, on_client, b);
    }
}
