/* bitrix24_private.h - what the files of this folder share. */
#ifndef SB_CONNECTORS_BITRIX24_BITRIX24_PRIVATE_H
#define SB_CONNECTORS_BITRIX24_BITRIX24_PRIVATE_H

#include "connectors/bitrix24/bitrix24_answer.h"
#include "connectors/bitrix24/bitrix24_request.h"
#include "core/crm/crm_call.h"
#include "core/crm/crm_flow.h"
#include "core/crm/crm_token.h"

struct rest;

/* Signing in as an application: bitrix24_token.c. */
struct bitrix24_app {
    const char *token_url, *client_id, *client_secret, *given; /* the settings' */
    struct crm_token *token;                                   /* NULL: by webhook */
};

/* The open line: bitrix24_line.c. */
struct line_wait;
struct bitrix24_line {
    const char *id, *name;         /* of our channel there: "switchboard", "Switchboard" */
    int number;                    /* of the open line */
    const char *application_token; /* of all events; "" none come */
    bool is_set_up, is_busy;
    struct line_wait *waits, **waits_end;
    size_t step; /* of setting it up */
    struct loop_timer *timer;
    unsigned wait_ms; /* before it is tried again */
};

/* Small requests that wait to go together: bitrix24_batch.c. */
struct command;
struct bitrix24_together {
    struct command *first, **last;
    bool busy; /* some are under way */
};

struct bitrix24 {
    struct crm_flow flow; /* first: the core gives us a pointer to its base */
    struct crm_calls_options options;
    struct crm_calls *calls;
    char *portal; /* "https://x.bitrix24.ru" */
    char *rest;   /* what stands before a method's name; by webhook it has the secret */
    bool is_app, is_line, ended;
    struct bitrix24_app app;
    struct bitrix24_line line;
    struct bitrix24_together together;
    struct bitrix24_making making;
    json_t *resets; /* method -> when its time is counted anew, s */
};

static inline struct bitrix24 *bitrix24_of(struct crm *c) {
    return (struct bitrix24 *)c;
}

/* --- bitrix24_rest.c ------------------------------------------------------------------------- */

/* One request, signed in; once more with a new token when the one that it had is over. Takes params
 * (an object). Completes exactly once, later. */
void bitrix24_call(
    struct bitrix24 *b, const char *method, json_t *params, crm_step_fn fn, void *arg);
void bitrix24_rest_stop(struct bitrix24 *b);

/* --- bitrix24_batch.c ------------------------------------------------------------------------- */

/* The same for a request without files whose result stands for itself: one batch with others that
 * wait, where there are any. */
void bitrix24_call_small(
    struct bitrix24 *b, const char *method, json_t *params, crm_step_fn fn, void *arg);
void bitrix24_batch_stop(struct bitrix24 *b);

/* --- bitrix24_token.c ------------------------------------------------------------------------ */

void bitrix24_token_start(struct bitrix24 *b);

/* --- bitrix24_card.c, bitrix24_note.c: the single requests of core/crm/crm_flow.h
 * ----------------- */

extern const struct crm_flow_ops bitrix24_flow_ops;

void bitrix24_look(struct crm *c, const char *card, crm_step_fn fn, void *arg);
void bitrix24_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void bitrix24_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void bitrix24_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg);
void bitrix24_assign(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg);
void bitrix24_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg);

/* --- bitrix24_line.c: requests of the open line; the first sets it up --------------------------
 */

void bitrix24_line_start(struct bitrix24 *b);
void bitrix24_line_stop(struct bitrix24 *b);

/* id: what the message is called there. Once, never inside. */
typedef void (*bitrix24_said_fn)(
    void *arg, const char *id, const struct err *err, unsigned retry_ms);
/* Puts a message into the client's chat, or changes what is there of it. */
void bitrix24_line_say(
    struct bitrix24 *b, const struct crm_attach *in, bitrix24_said_fn fn, void *arg);
/* Tells the operators, once, why what ("failed": all, "files") of their message im ("1807:86497")
 * did not reach the client. */
void bitrix24_line_complain(struct bitrix24 *b, const char *chat, const char *what, const char *im,
    const char *reason, bitrix24_said_fn fn, void *arg);
/* It did, as our message. */
void bitrix24_line_delivered(struct bitrix24 *b, const char *chat, const char *im,
    const char *message, crm_step_fn fn, void *arg);

/* --- bitrix24_chat.c: crm_ops where the history is a chat of the open line ---------------------
 */

void bitrix24_chat_ensure(
    struct crm *c, const json_t *client, const char *known, crm_done_fn fn, void *arg);
void bitrix24_chat_attach(struct crm *c, const struct crm_attach *in, crm_done_fn fn, void *arg);
void bitrix24_chat_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg);

/* --- bitrix24_back.c ------------------------------------------------------------------------- */

void bitrix24_webhook(struct crm *c, struct http_exchange *x);
void bitrix24_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg);

#endif
