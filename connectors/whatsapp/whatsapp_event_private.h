/* whatsapp_event_private.h - what the files that read a webhook body share. */
#ifndef SB_CONNECTORS_WHATSAPP_WHATSAPP_EVENT_PRIVATE_H
#define SB_CONNECTORS_WHATSAPP_WHATSAPP_EVENT_PRIVATE_H

#include "connectors/whatsapp/whatsapp_event.h"

#define WHATSAPP_NAME_POINTS 100

/* Where in the body we are. */
struct whatsapp_reading {
    struct whatsapp_events *out;
    const char *waba;                   /* of the entry */
    const json_t *value;                /* of the change */
    json_t *metadata;                   /* of it, or NULL */
    const char *number_id;              /* "" none */
    char business[WHATSAPP_PHONE_SIZE]; /* our own number, digits; "" not told */
    bool past;
};

/* --- whatsapp_event_fields.c: small readers that trust nothing ------------------------------- */

/* A new reference to the text without control characters but \n and \t, cut to max bytes at a
 * character; NULL when it is none. */
json_t *whatsapp_text_of(const json_t *v, size_t max);
/* o[key] = text_of(from[name]), where there is one that is not empty. */
void whatsapp_put(json_t *o, const char *key, const json_t *from, const char *name, size_t max);
/* A string or a number as text, at most size - 1 bytes ("" none, or too long). */
void whatsapp_word(const json_t *v, char *out, size_t size);
/* The same as a heap string of at most WHATSAPP_ID_MAX bytes: longer ones by their hash. Never
 * NULL. */
char *whatsapp_id(const json_t *v);
/* Seconds (or milliseconds) since 1970, string or number, in ms; 0 none. */
int64_t whatsapp_time(const json_t *v);
bool whatsapp_number(const json_t *v, double *out);
/* Digits are a phone number, everything else a BSUID: into the right one of the two. */
void whatsapp_person_add(struct whatsapp_person *p, const json_t *v);
void whatsapp_person_parent(struct whatsapp_person *p, const json_t *v);
/* "Ann", from a contact's profile. Never NULL. */
char *whatsapp_name(const json_t *v);
json_t *whatsapp_event_body(const char *what, const char *text);

/* --- whatsapp_event.c ------------------------------------------------------------------------ */

/* A new event of this reading, with what all have; NULL over the ceiling. */
struct whatsapp_event *whatsapp_event_add(struct whatsapp_reading *r, enum whatsapp_what what);
/* The contact that belongs to a sender, NULL none. */
json_t *whatsapp_contact_of(
    const struct whatsapp_reading *r, const struct whatsapp_person *p, bool is_only);
/* Name, profile and what is missing of the ids. */
void whatsapp_contact_take(struct whatsapp_event *e, const json_t *contact);

/* --- whatsapp_event_message.c ---------------------------------------------------------------- */

/* One element of messages or message_echoes. own: our side wrote it. client: whose dialogue where
 * the message does not say it (history), NULL. */
void whatsapp_message_read(
    struct whatsapp_reading *r, json_t *message, bool own, const json_t *client);

/* --- whatsapp_event_content.c: what a message says ------------------------------------------- */

/* Fills e->body (made before); sets understood, where it is. */
void whatsapp_content_read(struct whatsapp_event *e, const char *type, json_t *message);

/* The same for what cannot be shown: the body says so, with the type. */
void whatsapp_content_unknown(struct whatsapp_event *e, const char *type, const json_t *message);

/* --- whatsapp_event_news.c: everything that is no message and no status ---------------------- */
void whatsapp_system_read(struct whatsapp_event *e, const json_t *system);
void whatsapp_calls_read(struct whatsapp_reading *r);
void whatsapp_history_read(struct whatsapp_reading *r);
void whatsapp_state_sync_read(struct whatsapp_reading *r);
void whatsapp_user_id_read(struct whatsapp_reading *r);
void whatsapp_preferences_read(struct whatsapp_reading *r);
/* Fields of the account. False: not one that we know. */
bool whatsapp_account_read(struct whatsapp_reading *r, const char *field);

#endif
