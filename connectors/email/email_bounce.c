/* email_bounce.c - see email_bounce.h. */
#include "connectors/email/email_bounce.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "connectors/email/email_ids.h"

struct bounce {
    struct email *e;
    email_bounce_fn fn;
    void *arg;
    bool is_whole;
};

static const char *text_of(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static void end_later(void *arg) {
    struct bounce *b = arg;
    b->fn(b->arg, b->is_whole, NULL);
    free(b);
}

static void on_settled(void *arg, const struct err *err) {
    struct bounce *b = arg;
    bool gone = err && err->code == ERR_NOT_FOUND; /* trimmed long ago */
    b->fn(b->arg, b->is_whole && !gone, gone ? NULL : err);
    free(b);
}

/* What can be done about it: by the class of RFC 3463. */
static const char *meaning(const char *status) {
    static const struct {
        const char *begins, *text;
    } known[] = {
        {"5.1.1", "there is no such mailbox"},
        {"5.1.2", "there is no such domain"},
        {"5.1.10", "the domain takes no mail"},
        {"5.1", "the address is wrong"},
        {"5.2.1", "the mailbox is switched off"},
        {"5.2.2", "the mailbox is full"},
        {"5.2", "the mailbox cannot take it"},
        {"5.3.4", "the mail is too large for the receiving server"},
        {"5.4.6", "it went round in circles between servers"},
        {"5.4", "the receiving server could not be reached"},
        {"5.7", "the receiving server refuses it by its rules"},
        {"4.2.2", "the mailbox is full"},
        {"4.4", "the receiving server could not be reached in time"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strncmp(status, known[i].begins, strlen(known[i].begins)) == 0)
            return known[i].text;
    return status[0] == '4' ? "a server puts it off" : "it could not be delivered";
}

static char *reason(const json_t *r) {
    const char *status = text_of(r, "status"), *why = text_of(r, "diagnostic");
    bool said = *why || *status;
    return mem_printf(
        "%s%s%.160s%s", meaning(status), said ? " (" : "", *why ? why : status, said ? ")" : "");
}

char *email_bounce_text(const json_t *r) {
    char *why = reason(r), *text = mem_printf("%.100s: %s", text_of(r, "address"), why);
    free(why);
    return text;
}

/* One recipient's part of the report, for connector_recipients(); NULL: it settles nothing. */
static json_t *fate_of(const json_t *r) {
    const char *action = text_of(r, "action");
    bool failed = strcmp(action, "failed") == 0, delayed = strcmp(action, "delayed") == 0;
    if (!failed && !delayed && strcmp(action, "delivered") != 0)
        return NULL;
    char *address = email_identity(text_of(r, "address")); /* as we write to it */
    json_t *o = json_pack(
        "{s:s,s:s}", "address", address ? address : text_of(r, "address"), "status", action);
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

static void settle(struct bounce *b, const struct email_mark *mark, const char *own, bool is_read,
    const json_t *list) {
    struct email *e = b->e;
    LOG_INFO(e->base.env->log, "email.report", LOG_S("channel", e->base.channel),
        LOG_S("thread", mark->thread), LOG_I("seq", mark->seq),
        LOG_S("kind", is_read ? "read" : "delivery"),
        LOG_I("recipients", (long long)json_array_size(list)));
    struct settlement st = {
        .thread = mark->thread, .seq = mark->seq, .external_id = own, .status = STATUS_READ};
    struct recipients_news n = {
        .thread = mark->thread, .seq = mark->seq, .external_id = own, .list = list};
    if (is_read)
        connector_settle(&e->base, &st, on_settled, b);
    else
        connector_recipients(&e->base, &n, on_settled, b);
}

void email_bounce(struct email *e, const json_t *mail, email_bounce_fn fn, void *arg) {
    const json_t *report = json_object_get(mail, "report");
    const char *secret = connector_secret(&e->base);
    struct bounce *b = mem_alloc(sizeof *b);
    struct email_mark mark = {.seq = 0};
    bool is_read = strcmp(text_of(report, "kind"), "read") == 0;
    size_t i;
    json_t *id;
    *b = (struct bounce){e, fn, arg, false};
    json_array_foreach(json_object_get(report, "original"), i, id) {
        if (secret && email_message_id_read(secret, e->base.channel, json_string_value(id), &mark))
            break;
        mark.seq = 0;
    }
    json_t *list = fates(report, &b->is_whole);
    if (!mark.seq || (!is_read && !json_array_size(list))) {
        b->is_whole = false;
        loop_defer(e->base.env->loop, end_later, b);
    } else {
        b->is_whole = b->is_whole || is_read;
        char *own = email_message_id(secret, e->base.channel, &mark, e->domain);
        settle(b, &mark, own, is_read, list);
        free(own);
    }
    json_decref(list);
}
