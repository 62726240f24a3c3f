/* email_login.c - a password, or an access token that is good now. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/email/email_private.h"

struct login {
    struct email *e;
    bool for_smtp;
    email_login_fn fn;
    void *arg;
};

static void give(struct login *l, const char *bearer) {
    const struct email *e = l->e;
    struct mail_server server = {.url = l->for_smtp ? e->smtp_url : e->imap_url,
        .user = e->user,
        .password = bearer ? NULL : e->password,
        .bearer = bearer,
        .ca_file = *e->ca_file ? e->ca_file : NULL,
        .allow_private = e->allow_private};
    l->fn(l->arg, &server, NULL);
    free(l);
}

static void on_token(void *arg, const char *token, const struct err *err) {
    struct login *l = arg;
    if (!err) {
        give(l, token);
        return;
    }
    l->fn(l->arg, NULL, err);
    free(l);
}

static void by_password(void *arg) {
    give(arg, NULL);
}

static void refuse(void *arg) {
    struct login *l = arg;
    struct err err;
    err_set(&err, ERR_UNAVAILABLE, "tokens cannot be kept while Redis is away");
    l->fn(l->arg, NULL, &err);
    free(l);
}

bool email_login_is_possible(const struct email *e) {
    return !e->oauth || connector_can_keep(&e->base);
}

void email_login(struct email *e, bool for_smtp, email_login_fn fn, void *arg) {
    struct login *l = mem_alloc(sizeof *l);
    *l = (struct login){e, for_smtp, fn, arg};
    if (!email_login_is_possible(e))
        loop_defer(e->base.env->loop, refuse, l);
    else if (!e->oauth)
        loop_defer(e->base.env->loop, by_password, l);
    else
        email_oauth_token(e->oauth, on_token, l);
}

void email_login_refused(struct email *e) {
    if (e->oauth)
        email_oauth_refused(e->oauth, NULL);
}

/* --- tokens in Redis ------------------------------------------------------------------------- */

static void load(void *arg, void (*fn)(void *o, struct span text, const struct err *err), void *o) {
    struct email *e = arg;
    connector_kept(&e->base, "tokens", fn, o);
}

static void save(void *arg, struct span text, void (*fn)(void *o, const struct err *err), void *o) {
    struct email *e = arg;
    connector_keep_sure(&e->base, "tokens", text, 0, fn, o);
}

static void lock(
    void *arg, unsigned ms, void (*fn)(void *o, bool got, const struct err *err), void *o) {
    struct email *e = arg;
    connector_claim(&e->base, "tokens:lock", ms, fn, o);
}

static void unlock(void *arg) {
    struct email *e = arg;
    connector_let_go(&e->base, "tokens:lock");
}

struct email_oauth_keeper email_login_keeper(struct email *e) {
    return (struct email_oauth_keeper){load, save, lock, unlock, e};
}
