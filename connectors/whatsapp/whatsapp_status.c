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

void whatsapp_status(
    struct whatsapp *w, const struct whatsapp_event *e, core_done_fn fn, void *arg) {
    static const enum status words[] = {[WHATSAPP_ACCEPTED] = STATUS_SENT,
        [WHATSAPP_SENT] = STATUS_SENT,
        [WHATSAPP_DELIVERED] = STATUS_DELIVERED,
        [WHATSAPP_READ] = STATUS_READ,
        [WHATSAPP_PLAYED] = STATUS_READ,
        [WHATSAPP_FAILED] = STATUS_FAILED};
    struct whatsapp_answer why = {0};
    struct whatsapp_place place;
    char address[WHATSAPP_ADDRESS_SIZE];
    bool failed = e->status == WHATSAPP_FAILED;
    if (failed) {
        whatsapp_error_read(e->error, &why);
        heed(w, e, &why);
    }
    if (whatsapp_place_read(e->callback, &place) == 0) {
        if (why.code == WHATSAPP_WINDOW_OVER && e->at_ms)
            whatsapp_window_over(w, place.thread, e->at_ms);
        struct settlement st = {.thread = place.thread,
            .seq = place.seq,
            .external_id = e->external_id,
            .status = words[e->status],
            .is_part = place.part < place.parts,
            .why = failed ? &why.err : NULL,
            .note = e->status == WHATSAPP_PLAYED ? "played" : NULL};
        connector_settle(&w->base, &st, fn, arg);
    } else {
        struct identity who = {WHATSAPP_KIND, whatsapp_address(&e->who, address), NULL, true};
        connector_receipt_for(
            &w->base, &who, e->external_id, words[e->status], failed ? &why.err : NULL, fn, arg);
    }
    whatsapp_answer_free(&why);
}
