/* whatsapp_status.c - what became of a message of ours. It names the message by what we gave it
 * along; messages that were written elsewhere are found by the platform's id.
 * Source: Cloud API, "Status messages webhook reference". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_callback.h"
#include "connectors/whatsapp/whatsapp_private.h"

/* A failure may say more than that this message failed. */
static void heed(
    struct whatsapp *w, const struct whatsapp_event *e, const struct whatsapp_answer *a) {
    char address[WHATSAPP_ADDRESS_SIZE];
    if (a->cls == WHATSAPP_CHANNEL)
        whatsapp_refused(w, &a->err);
    else if (a->cls == WHATSAPP_WAIT_NUMBER)
        whatsapp_number_wait(w, a->retry_s);
    else if (a->cls == WHATSAPP_WAIT_PAIR)
        whatsapp_pair_wait(w, whatsapp_address(&e->who, address), 1);
}

static const enum status words[] = {[WHATSAPP_ACCEPTED] = STATUS_SENT,
    [WHATSAPP_SENT] = STATUS_SENT,
    [WHATSAPP_DELIVERED] = STATUS_DELIVERED,
    [WHATSAPP_READ] = STATUS_READ,
    [WHATSAPP_PLAYED] = STATUS_READ,
    [WHATSAPP_FAILED] = STATUS_FAILED};

static void settle(struct whatsapp *w, const struct whatsapp_event *e,
    const struct whatsapp_place *place, const struct err *why, core_done_fn fn, void *arg) {
    struct settlement st = {.thread = place->thread,
        .seq = place->seq,
        .external_id = e->external_id,
        .status = words[e->status],
        .is_part = place->part < place->parts,
        .why = why,
        .note = e->status == WHATSAPP_PLAYED ? "played" : NULL};
    connector_settle(&w->base, &st, fn, arg);
}

/* The platform could not use the message's file: its id is given up before the message is seen to
 * have failed, so that whoever sends it again uploads it again. */
struct giving_up {
    struct whatsapp *w;
    const struct whatsapp_event *e;
    struct whatsapp_place place;
    struct err why;
    core_done_fn fn;
    void *arg;
};

static void on_message(void *arg, json_t *messages, const struct err *err) {
    struct giving_up *g = arg;
    size_t i;
    json_t *file;
    (void)err; /* then the platform refuses the id once more */
    json_array_foreach(json_object_get(json_array_get(messages, 0), "attachments"), i, file) {
        const char *id = json_string_value(json_object_get(file, "id"));
        const char *mime = json_string_value(json_object_get(file, "mime"));
        if (id)
            whatsapp_upload_forget(g->w, id, mime && *mime ? mime : "application/octet-stream");
    }
    settle(g->w, g->e, &g->place, &g->why, g->fn, g->arg);
    free(g);
}

static void give_up_files(struct whatsapp *w, const struct whatsapp_event *e,
    const struct whatsapp_place *place, const struct err *why, core_done_fn fn, void *arg) {
    struct giving_up *g = mem_alloc(sizeof *g);
    *g = (struct giving_up){w, e, *place, *why, fn, arg};
    connector_history(&w->base, g->place.thread, place->seq - 1, 1, on_message, g);
}

bool whatsapp_status(
    struct whatsapp *w, const struct whatsapp_event *e, core_done_fn fn, void *arg) {
    struct whatsapp_answer why = {0};
    struct whatsapp_place place;
    char address[WHATSAPP_ADDRESS_SIZE];
    bool failed = e->status == WHATSAPP_FAILED, waits = true;
    if (failed) {
        whatsapp_failure_read(e->error, &why);
        heed(w, e, &why);
    }
    bool ours = whatsapp_place_read(e->callback, &place) == 0;
    if (ours && why.code == WHATSAPP_WINDOW_OVER && e->at_ms)
        whatsapp_window_over(w, place.thread, e->at_ms);
    if (!ours) {
        struct identity who = {WHATSAPP_KIND, whatsapp_address(&e->who, address), NULL, true};
        connector_receipt_for(
            &w->base, &who, e->external_id, words[e->status], failed ? &why.err : NULL, fn, arg);
    } else if (place.parts) {
        if (why.cls == WHATSAPP_UPLOAD_AGAIN)
            give_up_files(w, e, &place, &why.err, fn, arg);
        else
            settle(w, e, &place, failed ? &why.err : NULL, fn, arg);
    } else if (failed) { /* a reaction of ours */
        connector_reaction_failed(
            &w->base, place.thread, place.seq, place.emoji, e->external_id, &why.err, fn, arg);
    } else {
        waits = false; /* nobody asks whether it was seen */
    }
    whatsapp_answer_free(&why);
    return waits;
}
