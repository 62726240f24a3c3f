/* store_amend.h - changing a message that is stored: an edit, a deletion, a reaction, one more part
 * of an album, an attachment that was fetched. The body is read, changed by the caller's function
 * and written back only if nobody else changed it meanwhile; otherwise the function is asked again.
 */
#ifndef SB_STORE_STORE_AMEND_H
#define SB_STORE_STORE_AMEND_H

#include "store/store.h"

struct store_amend {
    const char *thread;
    int64_t seq;         /* of the message, or 0: by key */
    const char *key;     /* seq 0: a dedupe key of the message: "c:<channel>:<external id>" */
    const char *once;    /* dedupe key of the change: the same twice is done once; NULL none */
    const char *alias;   /* one more dedupe key of the message from now on; NULL none */
    const char *word;    /* for the trail: "edited" ... */
    const char *detail;  /* may be NULL */
    const char *channel; /* whose queues the jobs go to; NULL: no jobs */
    const char *job; /* "edit" "delete" "react": our change is to be told to the channel; "rest":
                        recipients wait; NULL */
    bool fetch;      /* attachments wait to be fetched */
    bool silent;     /* the CRMs need not hear of it */
    /* Changes the body (model/message.h, with private keys). 1 changed, 0 nothing to do, -1 with
     * err. May be called several times. */
    int (*edit)(void *arg, json_t *body, struct err *err);
    void *edit_arg;
};

/* duplicate: there was nothing to do. ERR_NOT_FOUND: the thread or message is not there (any more),
 * or the thread's client is being erased.
 */
void store_amend(struct store *s, const struct store_amend *a, store_append_fn fn, void *arg);

#endif
