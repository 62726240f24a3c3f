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
    return "it could not be delivered";
}

char *email_bounce_text(const json_t *r) {
    const char *status = text_of(r, "status"), *why = text_of(r, "diagnostic");
    return mem_printf("%.100s: %s%s%.160s%s", text_of(r, "address"), meaning(status),
        *why || *status ? " (" : "", *why ? why : status, *why || *status ? ")" : "");
}

/* The recipient that the report is about: the worst news first. */
static const json_t *worst(const json_t *report) {
    const json_t *found = NULL;
    size_t i;
    json_t *r;
    json_array_foreach(json_object_get(report, "recipients"), i, r) {
        if (strcmp(text_of(r, "action"), "failed") == 0)
            return r;
        if (!found)
            found = r;
    }
    return found;
}

void email_bounce(struct email *e, const json_t *mail, email_bounce_fn fn, void *arg) {
    const json_t *report = json_object_get(mail, "report"), *who = worst(report);
    const char *secret = connector_secret(&e->base);
    const char *kind = text_of(report, "kind"), *action = text_of(who, "action");
    struct bounce *b = mem_alloc(sizeof *b);
    struct email_mark mark = {.seq = 0};
    size_t i;
    json_t *id;
    *b = (struct bounce){e, fn, arg, false};
    json_array_foreach(json_object_get(report, "original"), i, id) {
        if (secret && email_message_id_read(secret, e->base.channel, json_string_value(id), &mark))
            break;
        mark.seq = 0;
    }
    bool is_read = strcmp(kind, "read") == 0, is_failed = strcmp(action, "failed") == 0;
    bool is_there = strcmp(action, "delivered") == 0;
    if (!mark.seq || (!is_read && !is_failed && !is_there)) {
        loop_defer(e->base.env->loop, end_later, b);
        return;
    }
    char *text = is_failed ? email_bounce_text(who) : NULL;
    char *own = email_message_id(secret, e->base.channel, &mark, e->domain);
    struct err why;
    if (is_failed)
        err_set(&why, ERR_INVALID, "%s", text);
    b->is_whole = is_read || is_there;
    struct settlement st = {.thread = mark.thread,
        .seq = mark.seq,
        .external_id = own,
        .status = is_read    ? STATUS_READ
                  : is_there ? STATUS_DELIVERED
                             : STATUS_FAILED,
        .why = is_failed ? &why : NULL};
    LOG_INFO(e->base.env->log, "email.report", LOG_S("channel", e->base.channel),
        LOG_S("thread", mark.thread), LOG_I("seq", mark.seq),
        LOG_S("status", status_name(st.status)));
    connector_settle(&e->base, &st, on_settled, b);
    free(text);
    free(own);
}
