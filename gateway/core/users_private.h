/* users_private.h - what users.c, sign_in.c and second_factor.c share. */
#ifndef SB_CORE_USERS_PRIVATE_H
#define SB_CORE_USERS_PRIVATE_H

#include <sodium.h>

#include "base/crypto.h"
#include "base/log.h"
#include "core/users.h"
#include "store/store_users.h"

#define CACHE_SIZE 256
#define CACHE_MS 500 /* how long a session's answer is believed */
#define LISTENERS_MAX 4

struct cached {
    char sha[CRYPTO_HEX_SIZE];
    struct actor actor;
    uint64_t until_ms;
};

struct hash_job;

struct users {
    struct env env;
    struct store *store;
    struct users_options options;
    struct redis_lane *lane;
    struct cached cache[CACHE_SIZE];
    struct hash_job *line, **line_tail; /* waiting for the thread pool */
    struct hash_job *running;           /* in it */
    unsigned hashing, waiting;
    char *dummy; /* a hash that nobody's password has: for unknown names */
    struct {
        void (*fn)(void *arg, const char *user);
        void *arg;
    } listeners[LISTENERS_MAX];
    size_t nlisteners;
    struct log_quota refused;
    bool stopped;
};

struct hash_job {
    struct users *users;
    struct hash_job *next; /* in the line, or among those that run */
    char *password;
    char hash[crypto_pwhash_STRBYTES]; /* to check against, or the new one */
    bool check, good;
    bool abandoned; /* ended before it was done, as the gateway stops */
    void (*done)(void *arg, const struct hash_job *job);
    void *arg;
};

/* Checks a password against a hash, or (hash NULL) makes one, in the thread pool. -1 when too many
 * wait. */
int users_hash(struct users *u, const char *password, const char *hash,
    void (*done)(void *arg, const struct hash_job *job), void *arg);

struct actor users_actor(const json_t *user);

/* The secret of an authenticator as it stands with the user ("<when it was made, ms> <sealed>");
 * NULL when it cannot be read. The caller wipes and frees it. */
char *users_factor_secret(
    const struct users *u, const char *name, const char *stored, int64_t *made_ms);
/* The mark of a recovery code as it is kept. out holds CRYPTO_HEX_SIZE bytes. */
void users_recovery_mark(const struct users *u, const char *name, const char *code, char *out);

#endif
