/* recipients.c - a message of ours that went to several: what became of each of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/core_private.h"
#include "core/queue.h"
#include "model/recipients.h"
#include "store/store_amend.h"

struct told {
    struct connector *connector;
    char thread[ID_SIZE];
    int64_t seq;
    char *external_id;
    json_t *list;
    const char *fate; /* of all of them, as the message stands now */
    core_done_fn fn;
    void *arg;
};

static void end(void *arg, const struct err *err) {
    struct told *t = arg;
    t->fn(t->arg, err);
    json_decref(t->list);
    free(t->external_id);
    free(t);
}

/* "bob@x.org: the mailbox is full", for the message that nobody has got. */
static void set_why(struct err *why, const json_t *list) {
    const json_t *first = json_array_get(list, 0), *e = json_object_get(first, "error");
    const char *who = json_string_value(json_object_get(first, "address"));
    const char *text = json_string_value(json_object_get(e, "text"));
    err_set(why, ERR_INVALID, "%.200s: %.250s", who ? who : "",
        text ? text : "it could not be delivered");
}

static const json_t *error_of(const json_t *list) {
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)list, i, o) {
        if (json_object_get(o, "error"))
            return json_object_get(o, "error");
    }
    return NULL;
}

static void on_amended(void *arg, const struct store_appended *r, const struct err *err) {
    struct told *t = arg;
    struct err why;
    (void)r;
    if (err || !*t->fate) {
        end(t, err);
        return;
    }
    bool failed = strcmp(t->fate, "failed") == 0;
    set_why(&why, t->list);
    struct settlement st = {.thread = t->thread,
        .seq = t->seq,
        .external_id = t->external_id,
        .status = failed ? STATUS_FAILED : STATUS_DELIVERED,
        .why = failed ? &why : NULL};
    connector_settle(t->connector, &st, end, t);
}

static int merge(void *arg, json_t *body, struct err *err) {
    struct told *t = arg;
    const char *d = json_string_value(json_object_get(body, "d"));
    const char *ch = json_string_value(json_object_get(body, "ch"));
    if (!d || strcmp(d, "out") != 0 || !ch || strcmp(ch, t->connector->channel) != 0)
        return err_set(err, ERR_NOT_FOUND, "there is no such message of this channel");
    return recipients_merge(body, t->list, clock_ms(), &t->fate);
}

void connector_recipients(
    struct connector *c, const struct recipients_news *n, core_done_fn fn, void *arg) {
    struct told *t = mem_zalloc(sizeof *t);
    char line[200];
    *t = (struct told){.connector = c,
        .seq = n->seq,
        .external_id = mem_strdup(n->external_id),
        .list = json_incref((json_t *)n->list),
        .fate = "",
        .fn = fn,
        .arg = arg};
    snprintf(t->thread, sizeof t->thread, "%s", n->thread);
    recipients_line(n->list, line, sizeof line);
    struct store_amend a = {.thread = n->thread,
        .seq = n->seq,
        .word = "recipients",
        .detail = line,
        .channel = c->channel,
        .job = n->rest ? QUEUE_REST : NULL,
        .silent = error_of(n->list) == NULL,
        .edit = merge,
        .edit_arg = t};
    store_amend(c->core->store, &a, on_amended, t);
}
