/* smtp_session.h - one connection to an SMTP server, which carries one letter after the other. Part
 * of smtp_client.c. */
#ifndef SB_NET_SMTP_SESSION_H
#define SB_NET_SMTP_SESSION_H

#include "net/smtp_client.h"

struct loop_curl_streams;
struct smtp_session;

struct smtp_letter {
    char *from;
    char **to;
    bool *told; /* of each of to: it was refused over an earlier connection, and is not asked for */
    size_t nto;
    char *data; /* stuffed, with the end of data; NULL: only a check of the account */
    size_t n;
    size_t size; /* before that */
    bool wide;   /* has bytes beyond ASCII */
};

struct smtp_account {
    struct mail_server server; /* its user is not NULL */
    const char *helo;
};

struct smtp_session_fns {
    /* The letter's end; the session is idle then, or gone. NULL: the kept connection died before
     * anything of this letter was answered; another one may carry it. */
    void (*on_result)(void *arg, struct smtp_session *s, const struct smtp_result *r);
    void (*on_gone)(void *arg, struct smtp_session *s); /* last; nothing of it may be used after */
};

/* account and letter are borrowed; the letter until its result, the account until it is gone. */
struct smtp_session *smtp_session_open(const struct env *env, struct loop_curl_streams *streams,
    const struct smtp_account *account, const struct smtp_letter *letter,
    const struct smtp_session_fns *fns, void *arg);
bool smtp_session_is_idle(const struct smtp_session *s);
bool smtp_session_is_opening(const struct smtp_session *s); /* the login is not done */
/* Of an idle one. May call on_result inside. */
void smtp_session_send(struct smtp_session *s, const struct smtp_letter *letter);
/* Ends it at once: on_result (RETRY or AMBIGUOUS with this error) when it carries a letter, then
 * on_gone. */
void smtp_session_abort(struct smtp_session *s, enum err_code code, const char *text);

#endif
