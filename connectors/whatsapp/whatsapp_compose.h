/* whatsapp_compose.h - a message of ours as calls of POST /<PHONE_ID>/messages. Pure.
 * Source: WhatsApp Business Platform, "Messages" reference (Graph API v26). */
#ifndef SB_CONNECTORS_WHATSAPP_WHATSAPP_COMPOSE_H
#define SB_CONNECTORS_WHATSAPP_WHATSAPP_COMPOSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define WHATSAPP_CALLS_MAX 64

struct whatsapp_call {
    json_t *params;    /* owned: the whole body, without the media id and the callback data */
    const char *media; /* our media id to be uploaded first, borrowed from the body; NULL none */
    const char *name, *mime; /* of it; never NULL where media is not */
    const char *place; /* where its id goes: the key of params that is the media object ("image"),
                          or "header" (of a template: its header component's parameter) */
};

struct whatsapp_target {
    const char *address;     /* digits: phone; "group/<id>"; everything else: a BSUID */
    const char *reply_to;    /* wamid that this answers; NULL none */
    const char *list_button; /* what opens a list of more than three choices; NULL "Choose" */
    const char
        *contact_text; /* what is asked with request_contact_info where the body has no text */
};

/* body: message.h with text, attachments (ready: id, kind, role?, name, mime, size), buttons (rows
 * of
 * {"text","url"?}), request ("contact"), location {"lat","lon","name"?,"address"?}, contact
 * {"name","phone"}, template {"name","language","components":[..]} (from whatsapp_template_fill).
 * Each file is a message of its own, in order; text of up to 1024 characters is the caption of the
 * first one that may have one (image, video, document), else text goes first, in parts of at most
 * 4096 on word ends. Images that are no JPEG/PNG or over 5 MB, videos that are no MP4/3GP or over
 * 16 MB, audio of other types or over 16 MB go as documents (100 MB); role voice with audio/ogg as
 * voice; image/webp with role sticker (static 100 KB, animated 500 KB) as sticker. Up to 3 buttons
 * without url: interactive button (title 20 characters: longer ones make it a list: title 24, up to
 * 10 rows, the rest of a longer label in its description, 72); one url button alone: cta_url; the
 * text is its body (1024; list 4096; what is over goes before as text). Anything that fits nowhere
 * (11 choices, url and choices together) is ERR_INVALID in words. context{message_id} on the first
 * call. Returns the number of calls, or 0 with err when it can never be sent. */
size_t whatsapp_compose(const json_t *body, const struct whatsapp_target *to,
    struct whatsapp_call *calls, struct err *err);
void whatsapp_calls_free(struct whatsapp_call *calls, size_t n);

/* Puts the uploaded media's id, and our callback data, into a call. */
void whatsapp_call_complete(
    struct whatsapp_call *call, const char *media_id, const char *callback_data);

/* A reaction to wamid; emoji NULL or "" removes. New reference. */
json_t *whatsapp_compose_reaction(
    const struct whatsapp_target *to, const char *wamid, const char *emoji);
/* Read up to this message; with typing, if asked. New reference. */
json_t *whatsapp_compose_read(const char *wamid, bool typing);

#endif
