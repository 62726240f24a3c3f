/* users.h - who is asking: passwords (Argon2id), sessions, API tokens, roles and scopes. */
#ifndef SB_CORE_USERS_H
#define SB_CORE_USERS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
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
    char lang[3];
};

struct users_options {
    int64_t session_ttl_ms;
    unsigned login_tries; /* per account and per address within a minute's refill */
    bool agents_see_all;  /* false: an agent sees his own and unassigned threads */
};

struct users;
struct users *users_create(
    const struct env *env, struct store *store, const struct users_options *o);
void users_stop(struct users *u);     /* ends timers and lanes; before store_close() */
void users_destroy(struct users **u); /* after store_close(): nothing waits any more */

typedef void (*users_actor_fn)(void *arg, const struct actor *actor, const struct err *err);
/* Checks a password; wrong, unknown and disabled all take the same time and say the same. peer
 * counts towards the throttle (ERR_TOO_MANY). session_out (CRYPTO_TOKEN_SIZE) is passed to fn. */
typedef void (*users_login_fn)(
    void *arg, const struct actor *actor, const char *session, const struct err *err);
void users_login(struct users *u, const char *name, const char *password, const char *peer,
    users_login_fn fn, void *arg);
void users_logout(struct users *u, const char *session, store_done_fn fn, void *arg);

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
 * 10..128 characters. */
void users_add(struct users *u, const char *name, const char *display_name, enum role role,
    const char *password, bool must_change, bool only_if_first, store_done_fn fn, void *arg);
void users_set_password(struct users *u, const char *name, const char *password, bool must_change,
    store_done_fn fn, void *arg);
/* Makes an API token; fn gets it, the only time that it is seen. */
void users_add_token(struct users *u, const char *name, enum role role, unsigned scopes,
    void (*fn)(void *arg, const char *token, const struct err *err), void *arg);

int role_parse(const char *name, enum role *out); /* 0 or -1 */
const char *role_name(enum role r);

#endif
