/* store_back.h - what comes back from CRMs: events that wait to be acted on, whose card it is, and
 * what we told a CRM that it will tell us again. */
#ifndef SB_STORE_STORE_BACK_H
#define SB_STORE_STORE_BACK_H

#include "store/store.h"

/* Keeps an event of a CRM in the queue "from:<target>" of its lane's shard; `once` came before:
 * nothing is kept, and that is success. ERR_UNAVAILABLE also when too many wait. */
struct store_crm_event {
    const char *target, *lane, *once;
    struct span json;
};
void store_event_keep(
    struct store *s, const struct store_crm_event *e, store_done_fn fn, void *arg);
/* The event of an entry of that queue (store_entry.seq). ERR_NOT_FOUND. */
void store_event_load(struct store *s, unsigned shard, const char *target, int64_t number,
    store_json_fn fn, void *arg);

/* This card of a CRM is the client's. */
void store_card_note(struct store *s, const char *target, const char *card, const char *client,
    store_done_fn fn, void *arg);
/* Whose card is it? Merges are followed; "" nobody's. */
void store_find_card(
    struct store *s, const char *target, const char *card, store_lookup_fn fn, void *arg);
/* The same of a client's id, and of a thread's. */
void store_find_client(struct store *s, const char *client, store_lookup_fn fn, void *arg);
void store_find_thread(struct store *s, const char *thread, store_lookup_fn fn, void *arg);

/* We are about to write this of a client into a CRM ("a:anna"), which may tell us of it as if its
 * people had done so: so often as it was written, and within a quarter of an hour. */
void store_echo_note(struct store *s, const char *client, const char *target, const char *what,
    store_done_fn fn, void *arg);
typedef void (*store_yes_fn)(void *arg, bool yes, const struct err *err);
/* Is it what we wrote? Then once less. If not, what is still to come back is expected for another
 * minute only. So no two CRMs can keep each other going: what we take for their people's doing is
 * never more than they tell more often than we wrote it. */
void store_echo_take(struct store *s, const char *client, const char *target, const char *what,
    store_yes_fn fn, void *arg);

/* What a client's card in a CRM says, as far as we know: what it is called, and the CRM's user who
 * is responsible ("" nobody); NULL: nothing is known of it. */
struct store_card_says {
    const char *client, *target, *name, *user;
    bool keep_name, keep_user; /* what we knew before stays */
    const char *echo;          /* not to be waited for any more (store_echo_note()); NULL */
};
void store_card_says(
    struct store *s, const struct store_card_says *says, store_done_fn fn, void *arg);
typedef void (*store_said_fn)(void *arg, const char *name, const char *user, const struct err *err);
void store_card_said(
    struct store *s, const char *client, const char *target, store_said_fn fn, void *arg);

/* Has a message with this dedupe key come into one of these threads (an array of ids), but for
 * one? */
void store_said_before(struct store *s, const json_t *threads, const char *but, const char *key,
    store_yes_fn fn, void *arg);

/* A client's name is another in a CRM: here, too, and in all other CRMs. ERR_NOT_FOUND. */
void store_client_rename(struct store *s, const char *client, const char *name,
    const char *from_target, store_done_fn fn, void *arg);

/* Which CRM hears what of a message's status: "<target>=<letter> ...", a all, f failures, - only of
 * what was written in it. */
void store_tell_statuses(struct store *s, const char *who);

#endif
