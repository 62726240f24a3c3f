/* store_users_private.h - what store_users.c and store_accounts.c share: one call on a user's keys.
 */
#ifndef SB_STORE_STORE_USERS_PRIVATE_H
#define SB_STORE_STORE_USERS_PRIVATE_H

#include "base/crypto.h"
#include "store/store_private.h"
#include "store/store_users.h"

struct users_call {
    struct store *store;
    store_json_fn json;
    store_done_fn done;
    store_secrets_fn secrets;
    store_rate_fn rate;
    void *arg;
    const char *when_zero, *when_minus; /* the sentences for answers of 0 and -1 */
    enum err_code zero_code, minus_code;
    char session[CRYPTO_HEX_SIZE]; /* the asker's own, in a list */
    int64_t ttl_ms;
    struct redis_script script;
};

struct users_call *users_call_create(struct store *s, void *arg);
/* Ends the call: done() with the sentence for 0 or -1, or with none. */
void users_call_done(void *call, const struct redis_reply *r, const struct err *err);
/* A script that lives with the call, since redis.c may need its text again. */
void users_call_run(struct users_call *c, const char *name, const char *body,
    const struct span *keys, size_t nkeys, const struct args *a, redis_fn fn);

/* Is a session, by its value in Redis, older than it may become? */
bool users_session_is_over(const char *value);

char *users_key(const char *prefix, const char *name); /* "sb:prefix:name"; the caller frees */

#endif
