/* store_users.h - agents, their sessions and API tokens, and shared rate limits. Passwords come in
 * as Argon2id hashes (core/users.h makes them), sessions and tokens as SHA-256 of the secret. */
#ifndef SB_STORE_STORE_USERS_H
#define SB_STORE_STORE_USERS_H

#include "store/store.h"

/* User JSON:
 * {"name","rev":number,"display_name","role":"admin|supervisor|agent","lang":"ru|en","disabled":bool,
 * "must_change_password":bool,"second_factor":bool,"created_at"}; secrets never leave except by
 * store_user_secrets. */
void store_user_create(struct store *s, const json_t *user, const char *hash, bool only_if_first,
    store_done_fn fn, void *arg); /* ERR_CONFLICT: exists (or, only_if_first, anybody exists) */
void store_user_none(struct store *s, store_done_fn fn, void *arg); /* ERR_CONFLICT: there is one */
void store_user_get(struct store *s, const char *name, store_json_fn fn, void *arg);
/* The password's hash; the sealed secret of the second factor, and of one that is being set up; ""
 * where there is none. */
struct user_secrets {
    const char *hash, *totp, *totp_new;
};
typedef void (*store_secrets_fn)(
    void *arg, const json_t *user, const struct user_secrets *secrets, const struct err *err);
void store_user_secrets(struct store *s, const char *name, store_secrets_fn fn, void *arg);
void store_user_list(struct store *s, store_json_fn fn, void *arg); /* {"agents":[...]} */
/* changes: any user keys but name; hash NULL keeps. A changed password, role or disabled ends all
 * of the user's sessions. expected: the rev that the changer has seen (ERR_CONFLICT: it is another
 * by now), -1 any. ERR_CONFLICT, too, when no admin would be left who may sign in. */
void store_user_change(struct store *s, const char *name, const json_t *changes, const char *hash,
    int64_t expected, store_done_fn fn, void *arg);

/* A sign-in, as it was proven: ERR_AUTH when the password's hash or the factor's secret is another
 * by now, ERR_SECOND_FACTOR when the code has been used. Each code is used up by this. */
struct store_session {
    const char *sha256; /* of the session's secret; NULL: nothing is opened, only proven */
    const char *user, *hash;
    const char *factor;          /* sealed secret; "" there is none; NULL was not asked for */
    int64_t step;                /* of the code, or 0 */
    const char *recovery;        /* the mark of a recovery code, or NULL */
    const char *provider, *mark; /* instead of hash and factor: a provider vouches for the user, and
                                    this is what it knows him by, alone of all; or NULL */
    int64_t ttl_ms;              /* it ends after so long without use */
    int64_t max_ms;              /* and after so long in all; 0: it does not */
    const char *peer, *browser;  /* for the person's own list; or NULL */
};
/* ERR_DENIED: the provider has vouched for another as this user, or for him as another. */
void store_session_create(
    struct store *s, const struct store_session *o, store_done_fn fn, void *arg);
void store_session_get(struct store *s, const char *sha256, int64_t ttl_ms, store_json_fn fn,
    void *arg); /* {"user":{...}} and slides the expiry; ERR_AUTH when there is none */
void store_session_end(struct store *s, const char *sha256, store_done_fn fn, void *arg);
/* {"sessions":[{"id","created_at","last_used_at","address","browser","current":bool}]}, the newest
 * first. own: the asker's sha256, or NULL. An id is the beginning of the sha256, which opens
 * nothing. */
#define STORE_SESSION_ID 24
void store_session_list(struct store *s, const char *user, const char *own, int64_t ttl_ms,
    store_json_fn fn, void *arg);
/* id NULL: all of the user; but: the sha256 of one that stays, or NULL. ERR_NOT_FOUND for an id. */
void store_session_revoke(struct store *s, const char *user, const char *id, const char *but,
    store_done_fn fn, void *arg);

/* The second factor: a sealed secret (base/vault.h) that waits for its first code, then is in force
 * with marks of recovery codes; ERR_CONFLICT when it is not as the change expects. step 0: the
 * factor is on, only the recovery codes are replaced. */
void store_factor_begin(
    struct store *s, const char *user, const char *sealed, store_done_fn fn, void *arg);
void store_factor_codes(struct store *s, const char *user, const char *sealed, int64_t step,
    const char *const *marks, size_t n, store_done_fn fn, void *arg);
void store_factor_off(
    struct store *s, const char *user, bool end_sessions, store_done_fn fn, void *arg);

/* {"name":...} of the user whom a provider knows by this mark; "" nobody. */
void store_vouched_name(struct store *s, const char *mark, store_json_fn fn, void *arg);
/* What providers know him by counts no more. ERR_NOT_FOUND: none knows him. */
void store_vouched_forget(struct store *s, const char *user, store_done_fn fn, void *arg);
/* For what may be used once: remembers it so long. ERR_CONFLICT: it has been used. */
void store_use_once(struct store *s, const char *what, int64_t ttl_ms, store_done_fn fn, void *arg);

struct store_token {
    const char *sha256, *name, *role;
    const char *scopes; /* "read,write,admin" */
    const char *by;     /* who has made it, or "" */
};
void store_token_create(struct store *s, const struct store_token *t, store_done_fn fn, void *arg);
/* {"token":{"name","role","scopes","created_by","created_at","last_used_at":null}}, the last to the
 * minute; asking is using. ERR_AUTH. */
void store_token_get(struct store *s, const char *sha256, store_json_fn fn, void *arg);
void store_token_list(struct store *s, store_json_fn fn, void *arg); /* {"tokens":[...]} */
void store_token_end(struct store *s, const char *name, store_done_fn fn, void *arg);

/* Token bucket shared by all workers: takes `cost` from the bucket `key` that holds `burst` and
 * refills `per_minute`. retry_ms is 0 when granted, else when to come back. Fails open only when
 * the caller decides so on err. */
typedef void (*store_rate_fn)(void *arg, int64_t retry_ms, const struct err *err);
void store_rate(struct store *s, const char *key, unsigned burst, unsigned per_minute,
    unsigned cost, store_rate_fn fn, void *arg);

void store_recovery_left(struct store *s, const char *user, store_rate_fn fn, void *arg);

/* Guesses in a row: after `tries` wrong ones half a minute must pass, then twice as long each time,
 * up to longest_ms. fn gets how long. */
enum store_guess { GUESS_ASK, GUESS_WRONG, GUESS_RIGHT };
void store_guard(struct store *s, const char *whose, enum store_guess what, unsigned tries,
    int64_t longest_ms, store_rate_fn fn, void *arg);

#endif
