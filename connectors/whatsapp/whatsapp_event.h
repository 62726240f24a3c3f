/* whatsapp_event.h - one webhook body of the Cloud API, as what happened in our words. Pure.
 * Source: WhatsApp Business Platform, "Webhooks" reference (Graph API v26). */
#ifndef SB_CONNECTORS_WHATSAPP_WHATSAPP_EVENT_H
#define SB_CONNECTORS_WHATSAPP_WHATSAPP_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "model/message.h"

#define WHATSAPP_PHONE_SIZE 32
#define WHATSAPP_BSUID_SIZE 160
#define WHATSAPP_EVENTS_MAX 10000 /* of one body; it is 3 MB at most */
#define WHATSAPP_ID_MAX 512       /* longer ids become "~" and their SHA-256 in hex */

enum whatsapp_what {
    WHATSAPP_MESSAGE,  /* from the client, or (past) of the time before us */
    WHATSAPP_OWN,      /* to the client: written on the phone of the business (an echo) */
    WHATSAPP_EDIT,     /* external_id has changed; body is its new content */
    WHATSAPP_DELETE,   /* external_id was taken back */
    WHATSAPP_REACTION, /* body {"by":"client"|"business","name","address","emoji":[..]} to
                          external_id ([] none) */
    WHATSAPP_STATUS,   /* of a message of ours */
    WHATSAPP_EVENT,   /* something happened in the dialogue: body {"event":{"type":"channel","what",
                         "text","seconds"?}}; WHAT: call_*, calls_*, marketing_*, opened, service */
    WHATSAPP_MOVED,   /* who is now was_ before; body as of EVENT, what "moved" */
    WHATSAPP_CONTACT, /* the phone's address book: who has the name profile.name */
    WHATSAPP_TEMPLATES, /* the list of templates is not what it was */
    WHATSAPP_ACCOUNT    /* of the number or the whole account: word, text, level */
};

/* Whoever it is, by what the payload tells: each may be "". */
struct whatsapp_person {
    char phone[WHATSAPP_PHONE_SIZE];  /* wa_id: digits */
    char bsuid[WHATSAPP_BSUID_SIZE];  /* "DE.8841" */
    char parent[WHATSAPP_BSUID_SIZE]; /* "DE.ENT.77" */
    char group[WHATSAPP_BSUID_SIZE];  /* group id: the group is the client, who writes is author */
};

enum whatsapp_status { /* in the order of rank, but FAILED */
    WHATSAPP_ACCEPTED,
    WHATSAPP_SENT,
    WHATSAPP_DELIVERED,
    WHATSAPP_READ,
    WHATSAPP_PLAYED,
    WHATSAPP_FAILED
};

struct whatsapp_event {
    enum whatsapp_what what;
    char number_id[32];         /* metadata.phone_number_id; "" where the field has none */
    char waba_id[32];           /* entry.id */
    struct whatsapp_person who; /* the client */
    struct whatsapp_person was; /* MOVED: what he was known by */
    char *name;                 /* profile name, or "" */
    char *external_id;          /* wamid, wacid; made up and stable where none came */
    char *reply_to;             /* wamid, or "" */
    int64_t at_ms;     /* when it happened, 0 unknown (seconds or milliseconds understood) */
    bool past;         /* of the history: no news for anybody */
    bool opens_window; /* the 24 hours begin anew: a message or a call of the user. Whether a
                          reaction counts is nowhere confirmed: it does not here, for a text
                          that is sent too late is refused */
    bool own;          /* EDIT, DELETE, REACTION: our side did it, on the phone */
    bool understood;   /* false: raw should be kept with the message */
    json_t *body;      /* new; NULL for STATUS, DELETE, TEMPLATES, ACCOUNT, CONTACT */
    json_t *profile;   /* new: {"username","phone":"+..","marketing":"stop|resume",
                          "referral":{as in body}} or NULL */
    json_t *raw; /* new: {"metadata","contact"?,"message"|...}: what of the payload was this */

    /* STATUS */
    enum whatsapp_status status;
    char *callback;    /* biz_opaque_callback_data, or "" */
    json_t *error;     /* new reference to errors[0] of a failed one, or NULL */
    char *participant; /* group: who of it (phone or BSUID), or "" */

    /* ACCOUNT */
    const char *level; /* "info", "warn", "fail" (nothing can be sent any more) */
    char *text;        /* a sentence for the admin; also of TEMPLATES (which one, what) */
};

struct whatsapp_events {
    struct whatsapp_event *list;
    size_t n;
    size_t dropped;   /* over the ceiling */
    char unknown[60]; /* the last field that we have no reading for, or "" */
};

/* Parses one body. -1 with err when it is none (not JSON, object is not
 * "whatsapp_business_account", no entry array). Whatever is a valid envelope gives 0, however
 * strange what is in it: loops over all entries, changes, messages, statuses and calls, in their
 * order; a message that is not understood becomes a MESSAGE with raw_type; unknown fields give
 * nothing. The caller calls whatsapp_events_free() in both cases. */
int whatsapp_events_parse(struct span text, struct whatsapp_events *out, struct err *err);
void whatsapp_events_free(struct whatsapp_events *e);

/* The body of a message (model/message.h), any of:
 *  text, sent_at (RFC 3339 ms), author {"name","address","username"} in groups and of OWN,
 *  attachments [{"kind":"image|video|audio|document","role":"voice|sticker|animation"?,"name",
 *    "mime"?,"animated"?,"state":"waiting","external_id":wamid,"remote":{"media","url"?,"sha256"?}}];
 *    what cannot be had (media_placeholder, errors 131052) has state "unavailable" and "error",
 *  forward {"kind":"user","name":"","often":bool}, quote is not here (only reply_to),
 *  location {"lat","lon","name"?,"address"?,"url"?}, contact {"name","phone","own":bool} for the
 * first contact; more of them as text lines "Name +49.."; own: origin is contact_request, button
 * {"text","payload"?,"description"?} (button, button_reply, list_reply; text is its title), form
 * {"name","values":{..}} of a flow reply, with text "key: value" lines, order
 * {"catalog","items":[{"id","quantity","price","currency"}]} with text lines of it, product
 * {"catalog","id"}, referral {"kind":"ad|post","url","id","title","text","image"?,"clid"?},
 *  raw_type: the API's word for what is shown only in part or not at all.
 * Texts are cut to MESSAGE_TEXT_MAX, names to 200 bytes, all valid UTF-8 without control characters
 * but \n and \t. A caption is the text. */

#endif
