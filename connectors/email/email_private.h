/* email_private.h - what the files of this folder share: the mailbox and who does what. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_PRIVATE_H
#define SB_CONNECTORS_EMAIL_EMAIL_PRIVATE_H

#include "base/crypto.h"
#include "connectors/email/email_child.h"
#include "connectors/email/email_imap.h"
#include "connectors/email/email_oauth.h"
#include "core/connector.h"
#include "net/mail_stream.h"
#include "net/smtp_client.h"

#define EMAIL_KIND "email" /* of identities */
#define EMAIL_ADDRESS_SIZE 256
#define EMAIL_REMEMBER_S (400u * 24 * 3600) /* which mails were taken, and who took part */

enum email_processed { EMAIL_LEAVE, EMAIL_SEEN, EMAIL_KEYWORD, EMAIL_MOVE };
enum email_sent_copy { EMAIL_SENT_AUTO, EMAIL_SENT_APPEND, EMAIL_SENT_NONE };

/* One for all mailboxes of a worker. */
struct email_shared {
    unsigned refs;
    struct email_readers *readers;
    struct mail_streams *streams;
    struct smtp_client *smtp;
};

struct email_box;
struct email_check;
struct email_sending;
struct email_copy;
struct copier;

struct email {
    struct connector base; /* first: the core gives us a pointer to it */
    char *address;         /* ours, checked, its domain as A-labels */
    char *domain;          /* its part after the @ */
    char *name, *signature, *imap_url, *smtp_url, *user, *password, *ca_file, *folder;
    char *authserv, *done_name, *sent_folder;
    bool plus_address, allow_private;
    enum email_processed processed;
    enum email_sent_copy sent_copy;
    int64_t since_ms, max_size, renew_ms, poll_ms, patience_ms, retry_ms, give_up_ms;
    struct email_oauth *oauth; /* NULL: by password */

    struct email_shared *shared;
    struct email_box *box; /* while this worker looks after the mailbox */
    struct email_sending *sendings;
    struct email_copy *copies; /* for Sent, the one in work first */
    struct copier *copier;     /* their session; NULL none */
    uint64_t blocked_until_ms; /* the login was refused: nothing is sent before */
    bool stopping;
    char *trouble;              /* for info(); NULL none */
    struct email_check *checks; /* that run */
    char check_seed[CRYPTO_HEX_SIZE],
        check_key[CRYPTO_HEX_SIZE]; /* email_check_key(): "" not yet */
};

/* email.c */
/* May be called before start() (doctor): makes what is not shared yet. */
struct email_shared *email_shared_get(struct email *e);
/* Is it one of our mailboxes' (plus-addresses too)? Of this gateway; e itself is found without a
 * core. NULL: no. */
struct email *email_of_address(struct email *e, const char *address);
/* For X-Switchboard; the caller frees. NULL before Redis was reached. */
char *email_instance(const struct email *e);
/* "a:<32 hex of what>" for connector_keep(). */
#define EMAIL_NAME_SIZE 40
const char *email_kept_name(char kind, const char *what, char out[EMAIL_NAME_SIZE]);
/* Lower case, domain as A-labels, at most 200 bytes. NULL: it is none. The caller frees. */
char *email_identity(const char *address);

/* email_login.c */
/* Its tokens, in Redis: the same for all workers and doctor. */
struct email_oauth_keeper email_login_keeper(struct email *e);
/* A refresh token may be changed by its use: where nothing can be kept, it is not used. */
bool email_login_is_possible(const struct email *e);
/* How to log in now. fn once, not inside; server is borrowed. ERR_DENIED: an admin must act.
 * for_smtp: the other server. */
typedef void (*email_login_fn)(void *arg, const struct mail_server *server, const struct err *err);
void email_login(struct email *e, bool for_smtp, email_login_fn fn, void *arg);
/* A server refused what was given last: the next login is with another token, if there is one. */
void email_login_refused(struct email *e);

/* email_box.c: the mailbox is followed. */
void email_tend(struct connector *c, bool mine);
void email_box_stop(struct email *e);

/* email_mail.c: one mail on its way in, from the literal's bytes to the thread. */
struct email_mail;
struct email_mail_fns {
    void (*on_ready)(void *arg); /* one may be taken now: email_mail_take() */
    /* It is stored, was known before, or is none for us; err: it has to be fetched again. Once; it
     * is freed by the one who is called. */
    void (*on_done)(void *arg, struct email_mail *m, const struct err *err);
};
/* None of fns is called inside begin, bytes or end. */
struct email_mail *email_mail_begin(struct email *e, const struct email_imap_mail *mail,
    const struct email_mail_fns *fns, void *arg);
void email_mail_bytes(struct email_mail *m, struct span piece);
void email_mail_end(struct email_mail *m); /* the literal is whole */
uint32_t email_mail_uid(const struct email_mail *m);
bool email_mail_is_read(const struct email_mail *m);
bool email_mail_is_check(const struct email_mail *m); /* once it is taken */
/* Does m belong behind the earlier one: the same sender, an answer to it, or perhaps the same
 * dialogue? Both are read. */
bool email_mail_follows(const struct email_mail *m, const struct email_mail *earlier);
void email_mail_take(struct email_mail *m); /* nothing when it cannot be taken now */
void email_mail_free(struct email_mail *m); /* at any time; what runs goes on to nowhere */

/* email_take.c: a mail that was read into its thread. All borrowed until fn. */
struct email_taking {
    struct email *e;
    const char *key;     /* 32 hex: email_ids.h */
    const json_t *mail;  /* email_read.h; NULL: it could not be read (quarantine) */
    const char *scanned; /* quarantine: the From that a look at the bytes found, or "" */
    const json_t *files; /* media objects: the source first */
    json_t *body;        /* owned by the caller: email_body() */
    unsigned tries;      /* before this one */
};
/* NULL: in its thread; dropped says that it made no message (ours, or a receipt). Errors are to be
 * tried again. */
struct email_taken {
    bool dropped, duplicate;
    bool is_check; /* of the mailbox: whoever sent it waits for it, and removes it */
};
typedef void (*email_taken_fn)(void *arg, const struct email_taken *r, const struct err *err);
void email_take(const struct email_taking *k, email_taken_fn fn, void *arg);

/* email_send.c */
int email_send(struct connector *c, struct delivery *d, struct err *err);
void email_cancel(struct connector *c, struct delivery *d);
unsigned email_pace(struct connector *c, const struct delivery *d);
void email_sendings_stop(struct email *e); /* those that wait for others, e->stopping being set */

/* email_sent.c: a copy into the folder for what was sent; bytes are taken over. */
void email_copy_sent(struct email *e, char *bytes, size_t n);
void email_copies_stop(struct email *e);

/* email_check.c */
void email_check(
    struct connector *c, const struct check_options *o, connector_check_fn fn, void *arg);
void email_checks_stop(struct email *e);
/* email_check_mail.c: of the marks in the mails that checks send to their own mailbox
 * (email_ids.h). It is made from the section's secrets, for doctor has no others: a gateway with
 * the same section knows the mail. NULL: no memory. */
const char *email_check_key(struct email *e);

#endif
