/* users.h - who is asking: passwords (Argon2id), sessions, API tokens, roles and scopes. */
#ifndef SB_CORE_USERS_H
#define SB_CORE_USERS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/vault.h"
#include "loop/loop.h"
#include "store/store.h"

enum role { ROLE_AGENT, ROLE_SUPERVISOR, ROLE_ADMIN };
enum { SCOPE_READ = 1, SCOPE_WRITE = 2, SCOPE_ADMIN = 4, SCOPE_ALL = 7 };

/* Who makes a request; by value. */
struct actor {
    char name[65]; /* the agent's name, or the token's */
    char display_name[129];
    enum role role;
    unsigned scopes;
    bool is_token;
    bool must_change_password;
    bool second_factor; /* is on */
    char lang[3];
};

struct users_options {
    int64_t session_ttl_ms;
    unsigned login_tries;      /* per account and per address within a minute's refill; and so many
                                * wrong ones in a row before one has to wait */
    const struct vault *vault; /* borrowed; NULL: a command that signs nobody in */
    bool agents_see_all;       /* false: an agent sees his own and unassigned threads */
};

struct users;
struct users *users_create(
    const struct env *env, struct store *store, const struct users_options *o);
void users_stop(struct users *u);     /* ends timers and lanes; before store_close() */
void users_destroy(struct users **u); /* after store_close(): nothing waits any more */

typedef void (*users_actor_fn)(void *arg, const struct actor *actor, const struct err *err);
/* A sign-in, or a proof. Wrong, unknown and disabled all take the same time, say the same and count
 * the same. */
enum sign_in_what {
    SIGN_IN,        /* the password, and a code when the second factor is on; opens a session */
    SIGN_IN_PROVEN, /* the code was asked for before, or the session has just been: no code */
    PROVE_PASSWORD, /* opens nothing */
    PROVE_ALL       /* password and code; opens nothing */
};
struct sign_in {
    enum sign_in_what what;
    const char *name, *password;
    const char *code;       /* of an authenticator, or a recovery code; NULL: none is given */
    const char *peer;       /* its address */
    const char *peer_group; /* what counts towards the throttle; NULL: peer */
    const char *browser;    /* what it calls itself; or NULL */
    const char *device;     /* the cookie by which a browser that he has used is known; or NULL */
};
struct signed_in {
    const struct actor *actor; /* NULL when it failed */
    const char *session;       /* the secret, when one was opened */
    const char *device;        /* a new cookie for this browser, or NULL */
    int64_t retry_ms;          /* with ERR_TOO_MANY: how long to wait, when it is known */
};
/* ERR_AUTH: name or password is wrong. ERR_SECOND_FACTOR: the password is right, the code is
 * missing, wrong or used up. ERR_TOO_MANY: the guesses of an account count together, but for those
 * of a browser in which he has signed in before: so nobody can lock him out from elsewhere. */
typedef void (*users_login_fn)(void *arg, const struct signed_in *in, const struct err *err);
void users_login(struct users *u, const struct sign_in *how, users_login_fn fn, void *arg);
void users_logout(struct users *u, const char *session, store_done_fn fn, void *arg);
/* His sessions (store_session_list); own: the asker's secret, or NULL. */
void users_sessions(
    struct users *u, const char *name, const char *own, store_json_fn fn, void *arg);
/* Ends one (id), or all but the one with this secret (NULL: all); sockets within a second. */
void users_revoke(struct users *u, const char *name, const char *id, const char *but,
    store_done_fn fn, void *arg);

/* --- the second factor (second_factor.c): an authenticator's codes, and recovery codes ----------
 */

/* A new secret waits a quarter of an hour for its first code. fn gets it in base32, and the address
 * for the authenticator's camera. The caller has had the password proven. */
typedef void (*users_secret_fn)(
    void *arg, const char *secret, const char *uri, const struct err *err);
void users_factor_begin(struct users *u, const char *name, users_secret_fn fn, void *arg);
/* Puts it in force by its first code, or makes new recovery codes for one that is in force (code
 * NULL; the caller has had password and code proven): {"recovery_codes":[...]}, shown this once. */
void users_factor_codes(
    struct users *u, const char *name, const char *code, store_json_fn fn, void *arg);
/* {"has_password":bool,"enabled":bool,"recovery_codes_left":n}: who has no password proves himself
 * to a provider, and has nothing here that a second factor could guard. */
void users_factor_get(struct users *u, const char *name, store_json_fn fn, void *arg);
void users_factor_off(
    struct users *u, const char *name, bool end_sessions, store_done_fn fn, void *arg);
/* Guesses so far count no more. */
void users_unlock(struct users *u, const char *name, store_done_fn fn, void *arg);

/* Who has this session cookie / this API token. ERR_AUTH. */
void users_by_session(struct users *u, const char *session, users_actor_fn fn, void *arg);
void users_by_token(struct users *u, const char *token, users_actor_fn fn, void *arg);

/* fn hears, within a second, of every user whose logins were ended (password or role changed,
 * disabled, signed out), on whichever worker that was. */
void users_on_ended(struct users *u, void (*fn)(void *arg, const char *user), void *arg);

/* May the actor see (and so answer) this thread (openapi "Thread")? */
bool users_may_see(const struct users *u, const struct actor *a, const json_t *thread);
bool users_see_all(const struct users *u); /* every agent sees every thread */

/* Makes a user (password NULL: none yet), changes a password. Names: [a-z0-9._-]{1,64}; passwords:
 * see core/password.h. */
void users_add(struct users *u, const char *name, const char *display_name, enum role role,
    const char *password, bool must_change, bool only_if_first, store_done_fn fn, void *arg);
void users_set_password(struct users *u, const char *name, const char *password, bool must_change,
    store_done_fn fn, void *arg);
/* Makes an API token for `by`; fn gets it, the only time that it is seen. */
void users_add_token(struct users *u, const char *name, enum role role, unsigned scopes,
    const char *by, void (*fn)(void *arg, const char *token, const struct err *err), void *arg);

/* One of "read", "write", "admin"; 0: it is none. */
unsigned scope_parse(struct span name);
int role_parse(const char *name, enum role *out); /* 0 or -1 */
const char *role_name(enum role r);

#endif
