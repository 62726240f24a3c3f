/* store_erase.h - the data of one client go, and a tombstone stays: that there were messages, when,
 * and in which direction, so that numbers and reports agree. Each step is safe to repeat; who goes
 * through them is core/erase.c. */
#ifndef SB_STORE_STORE_ERASE_H
#define SB_STORE_STORE_ERASE_H

#include "store/store.h"

/* It is going to happen, and is ended by the shard's owner when nobody else does
 * (store_on_unfinished()). ERR_NOT_FOUND; ERR_CONFLICT: he goes on under another one. */
void store_erase_begin(struct store *s, const char *client, const char *agent, const char *reason,
    store_done_fn fn, void *arg);
/* All is done. */
void store_erase_end(
    struct store *s, const char *client, const char *agent, store_done_fn fn, void *arg);

/* A thread takes nothing any more, is in no list, and nothing of it is under way: {"last","first"}:
 * its messages' numbers, as far as they are kept. agents: names between spaces. */
void store_erase_thread(
    struct store *s, const char *thread, const char *agents, store_json_fn fn, void *arg);
/* The bodies of at most STORE_ERASE_PAGE messages, private keys and all: an array. */
#define STORE_ERASE_PAGE 100
void store_erase_bodies(
    struct store *s, const char *thread, int64_t from, store_json_fn fn, void *arg);
/* Of these messages stays that they were there. told: CRMs that hear of each, NULL-ended. */
void store_erase_log(struct store *s, const char *thread, int64_t from, const char *agent,
    const char *const *told, store_done_fn fn, void *arg);

/* An identity leads to none of these clients (an array of ids) any more. */
void store_erase_identity(struct store *s, const char *kind, const char *address,
    const json_t *clients, store_done_fn fn, void *arg);
/* What is known of a file; the file itself is media's. */
void store_erase_media(struct store *s, const char *media, store_done_fn fn, void *arg);
/* Drafts in these threads. agents: as above. */
void store_erase_drafts(
    struct store *s, const json_t *threads, const char *agents, store_done_fn fn, void *arg);
/* What CRMs have told and nobody has acted on, and their calls: where one of these texts is in it.
 */
void store_erase_told(struct store *s, const json_t *texts, store_done_fn fn, void *arg);

/* The client himself. modes: for each of the store's targets 'd' it deletes what it has of him, 'n'
 * it can only be told (a note on his card). */
void store_erase_client(struct store *s, const char *client, const char *agent, const char *reason,
    const char *modes, store_done_fn fn, void *arg);
/* A CRM has heard of it: how "deleted" or "noted". */
void store_erase_heard(struct store *s, const char *client, const char *target, const char *how,
    store_done_fn fn, void *arg);

#endif
