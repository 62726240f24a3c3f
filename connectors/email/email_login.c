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

/* A newer refresh token than the configuration's may be kept. */
static void on_kept(void *arg, struct span value, const struct err *err) {
    struct login *l = arg;
    if (err) {
        on_token(l, NULL, err);
        return;
    }
    if (value.n) {
        char *token = mem_strndup(value.p, value.n);
        email_oauth_set_refresh_token(l->e->oauth, token);
        explicit_bzero(token, value.n);
        free(token);
    }
    email_oauth_token(l->e->oauth, on_token, l);
}

void email_login(struct email *e, bool for_smtp, email_login_fn fn, void *arg) {
    struct login *l = mem_alloc(sizeof *l);
    *l = (struct login){e, for_smtp, fn, arg};
    if (!e->oauth)
        loop_defer(e->base.env->loop, by_password, l);
    else if (e->base.core)
        connector_kept(&e->base, "refresh", on_kept, l);
    else
        email_oauth_token(e->oauth, on_token, l);
}
