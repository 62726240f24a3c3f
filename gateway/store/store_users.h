/* store_users.h - agents, their sessions and API tokens, and shared rate limits. Passwords come in
 * as Argon2id hashes (core/users.h makes them), sessions and tokens as SHA-256 of the secret. */
#ifndef SB_STORE_STORE_USERS_H
#define SB_STORE_STORE_USERS_H

#include "store/store.h"

/* User JSON: {"name","display_name","role":"admin|supervisor|agent","lang":"ru|en","disabled":bool,
 * "must_change_password":bool,"created_at"}; the hash never leaves except by store_user_secret. */
void store_user_create(struct store *s, const json_t *user, const char *hash, bool only_if_first,
    store_done_fn fn, void *arg); /* ERR_CONFLICT: exists (or, only_if_first, anybody exists) */
void store_user_get(struct store *s, const char *name, store_json_fn fn, void *arg);
void store_user_secret(struct store *s, const char *name,
    void (*fn)(void *arg, const json_t *user, const char *hash, const struct err *err), void *arg);
void store_user_list(struct store *s, store_json_fn fn, void *arg); /* {"agents":[...]} */
/* changes: any user keys but name; hash NULL keeps. A changed password, role or disabled ends all
 * of the user's sessions. */
void store_user_change(struct store *s, const char *name, const json_t *changes, const char *hash,
    store_done_fn fn, void *arg);

/* hash: what the password was proven against; ERR_AUTH when the user's is another by now. */
void store_session_create(struct store *s, const char *sha256, const char *user, const char *hash,
    int64_t ttl_ms, store_done_fn fn, void *arg);
void store_session_get(struct store *s, const char *sha256, int64_t ttl_ms, store_json_fn fn,
    void *arg); /* {"user":{...}} and slides the expiry; ERR_AUTH when there is none */
void store_session_end(struct store *s, const char *sha256, store_done_fn fn, void *arg);

void store_token_create(struct store *s, const char *sha256, const char *name, const char *role,
    const char *scopes, store_done_fn fn, void *arg); /* scopes: "read,write,admin" */
void store_token_get(struct store *s, const char *sha256, store_json_fn fn, void *arg);
void store_token_list(struct store *s, store_json_fn fn, void *arg);
void store_token_end(struct store *s, const char *name, store_done_fn fn, void *arg);

/* Token bucket shared by all workers: takes `cost` from the bucket `key` that holds `burst` and
 * refills `per_minute`. retry_ms is 0 when granted, else when to come back. Fails open only when
 * the caller decides so on err. */
typedef void (*store_rate_fn)(void *arg, int64_t retry_ms, const struct err *err);
void store_rate(struct store *s, const char *key, unsigned burst, unsigned per_minute,
    unsigned cost, store_rate_fn fn, void *arg);

#endif
