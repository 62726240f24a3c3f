/* email_check_private.h - one examination of a mailbox: email_check.c logs in and says what is
 * wrong, email_check_mail.c sends a mail to the mailbox itself and waits for it. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_CHECK_PRIVATE_H
#define SB_CONNECTORS_EMAIL_EMAIL_CHECK_PRIVATE_H

#include "base/buf.h"
#include "connectors/email/email_private.h"

#define EMAIL_CHECK_UIDS_MAX 50u /* of mails that are looked at in one go */

/* Where the mail is looked for: in the folder that is followed, then where it may have been put. */
enum email_check_place { CHECK_FOLDER, CHECK_MOVED, CHECK_JUNK, CHECK_NOWHERE };

struct email_check {
    struct email_check *next; /* of the mailbox's */
    struct email *e;
    struct check_options o;
    connector_check_fn fn;
    void *arg;
    json_t *report;
    const char *doing; /* "the login at the IMAP server", for who waits too long */
    unsigned logins;   /* whose end will come */
    bool over;         /* fn was called */
    bool was_ready;    /* the folder was selected once */
    struct loop_timer *limit, *timer, *wait; /* timer: to the next look */
    struct email_imap *imap;
    struct smtp_call *call;

    /* the mail to itself */
    char *mark, *bytes;
    size_t n;
    enum email_check_place place;
    bool is_busy;           /* a command of the session runs */
    bool is_idling, is_new; /* new: there may be mails that were not looked at */
    bool has_idled;         /* a round of it ended well */
    bool has_idle_told;     /* of anything */
    bool polls;             /* IDLE cannot be used */
    bool is_sending, is_sent, has_failed, has_waited;
    bool is_lost; /* the session, before SMTP's word came */
    uint64_t began_ms, arrived_ms;
    uint32_t looked; /* upto which UID */
    uint32_t uids[EMAIL_CHECK_UIDS_MAX];
    size_t nuids;
    struct buf mail;        /* the beginning of the one that comes */
    uint32_t mail_uid, uid; /* uid: it is this one; 0 not found yet */
    bool was_removed, has_come_back;
    struct err left; /* why it was not removed */
};

/* email_check.c */
/* Adds a line to the report; takes text. */
void email_check_say(struct email_check *k, const char *level, char *text, const char *todo);
/* What a server's or our own words mean, and what helps. */
const char *email_check_advice(const struct err *err);
void email_check_end(struct email_check *k);
/* Logs in by IMAP, to k->place. */
void email_check_open(struct email_check *k);
/* Logs in by SMTP: email_check_send() when there is a mail, else that is all. */
void email_check_smtp(struct email_check *k);

/* email_check_mail.c */
void email_check_idle_only(struct email_check *k);
void email_check_mail(struct email_check *k);
void email_check_send(struct email_check *k, const struct mail_server *server);
void email_check_look(struct email_check *k); /* in another place: the session is ready */
void email_check_on_new(struct email_check *k);
/* The session is over, or of no use. */
void email_check_lost(struct email_check *k, const struct err *err);

#endif
