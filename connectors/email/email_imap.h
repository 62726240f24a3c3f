/* email_imap.h - one IMAP session (RFC 3501/9051, 2177 IDLE, 6851 MOVE, 4315 UIDPLUS, 6154
 * SPECIAL-USE, 7888 LITERAL+) with one folder: connect and log in (net/mail_stream.h does TLS and
 * SASL), then commands one after the other, each with a deadline. Any protocol error, BYE, or
 * silence past a deadline ends the session.
 *
 * No function calls one of the caller's inside. The function of a command is called once; when the
 * session ends under it, with that error and before on_closed. After on_closed, or
 * email_imap_close(), nothing is called any more. All may be called, email_imap_close() too, inside
 * the caller's functions. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_IMAP_H
#define SB_CONNECTORS_EMAIL_EMAIL_IMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/loop.h"
#include "net/mail_stream.h"

#define EMAIL_IMAP_UIDS_MAX 500u         /* in one command */
#define EMAIL_IMAP_FIRST_BYTES 262144u   /* what is fetched of a mail that is too large */
#define EMAIL_IMAP_SKIP_MAX (256u << 20) /* bytes: a literal that nobody wants */

struct email_imap;

struct email_imap_box { /* of the selected folder */
    uint32_t uidvalidity;
    uint32_t uidnext; /* 0: the server did not say */
    uint32_t exists;  /* mails in it, as far as the server said */
    bool has_idle, has_move, has_uidplus, has_special_use, takes_keywords, read_only;
};

struct email_imap_options {
    const char *folder;  /* UTF-8: "INBOX" */
    const char *use;     /* instead: the folder of this special use, "\\Junk"; NULL */
    unsigned connect_ms; /* until logged in; 0: 30 s */
    unsigned answer_ms;  /* for a command; while mails move, for each 256 kB or mail; 0: 120 s */
    unsigned done_ms;    /* to end IDLE; 0: 30 s */
};

struct email_imap_fns {
    /* Logged in and the folder is selected: box is borrowed. */
    void (*on_ready)(void *arg, const struct email_imap_box *box);
    /* The server told of more mails, during IDLE or any other command. */
    void (*on_new)(void *arg);
    /* The end, whatever the reason; the session frees itself after this call. ERR_DENIED: the login
     * was refused; ERR_NOT_FOUND: the folder; ERR_INVALID: the folder's name, or the URL; others
     * may pass. */
    void (*on_closed)(void *arg, const struct err *err);
};

/* Strings are copied. */
struct email_imap *email_imap_open(const struct env *env, struct mail_streams *streams,
    const struct mail_server *server, const struct email_imap_options *options,
    const struct email_imap_fns *fns, void *arg);
/* Ends it (LOGOUT is tried); no function is called any more, nor that of a command that runs.
 * Accepts NULL inside. */
void email_imap_close(struct email_imap **s);

/* As it is now. */
const struct email_imap_box *email_imap_box(const struct email_imap *s);

/* The functions below begin a command. -1 with err, and nothing is called: the session is not ready
 * or has a command running (ERR_CONFLICT), what is asked for is malformed (ERR_INVALID), or the
 * server cannot do it (ERR_UNSUPPORTED). A server's NO is an error of the command only:
 * ERR_NOT_FOUND, ERR_DENIED, ERR_TOO_LARGE (over quota), or ERR_UNAVAILABLE. */
typedef void (*email_imap_fn)(void *arg, const struct err *err);

/* uids: ascending, each once; borrowed. NULL with err. */
typedef void (*email_imap_uids_fn)(
    void *arg, const uint32_t *uids, size_t n, const struct err *err);
/* UID SEARCH UID from:*; only uids >= from (the server's n:* trap is hidden). At most `max` are
 * told (the lowest). from is at least 1. */
int email_imap_search(struct email_imap *s, uint32_t from, size_t max, email_imap_uids_fn fn,
    void *arg, struct err *err);
/* The same of UID SEARCH SINCE d-Mon-yyyy (the server's day in its zone: ask a day earlier). */
int email_imap_search_since(struct email_imap *s, int64_t since_ms, size_t max,
    email_imap_uids_fn fn, void *arg, struct err *err);

struct email_imap_mail {
    uint32_t uid;
    uint64_t size;   /* bytes that come now */
    uint64_t whole;  /* RFC822.SIZE: what the server says of the whole mail, 0 when nothing */
    int64_t date_ms; /* INTERNALDATE; -1 when the server did not say */
    bool cut;        /* it is too large: these are its first EMAIL_IMAP_FIRST_BYTES */
};
struct email_imap_fetch_fns {
    /* A mail begins. -1: it is not wanted, no more is told of it. */
    int (*on_mail)(void *arg, const struct email_imap_mail *mail);
    void (*on_bytes)(void *arg, struct span piece);
    /* It came whole. Without this call, what was given of it is void. */
    void (*on_mail_end)(void *arg);
    /* NULL: uids that were not told are gone, or gone over. With err: they may be there still. */
    void (*on_done)(void *arg, const struct err *err);
    /* This one is there, and the server does not give it. True: go over it; else, and without this
     * function, it is an error. */
    bool (*on_withheld)(void *arg, uint32_t uid);
};
/* Sizes first, then the mails in the server's order (BODY.PEEK[]: no mail gets \Seen). Of mails
 * over size_max bytes by the server's word only the first bytes come; a mail may be larger
 * than its server said. n: 1 to EMAIL_IMAP_UIDS_MAX. */
int email_imap_fetch(struct email_imap *s, const uint32_t *uids, size_t n, uint64_t size_max,
    const struct email_imap_fetch_fns *fns, void *arg, struct err *err);
/* The consumer is slow: nothing is read from the server until resumed, and deadlines wait too. What
 * was read already still comes, at most 16 kB. */
void email_imap_pause(struct email_imap *s, bool paused);

/* IDLE until email_imap_wake(), something new (after on_new), renew_s, or the server ends it; then
 * fn. Where the server has no IDLE: NOOP now, fn (the caller waits between). */
int email_imap_idle(
    struct email_imap *s, unsigned renew_s, email_imap_fn fn, void *arg, struct err *err);
void email_imap_wake(struct email_imap *s); /* nothing when it does not idle */

/* Cosmetics: UID STORE +FLAGS.SILENT \Seen or a keyword, UID MOVE to a folder (or COPY, STORE, UID
 * EXPUNGE). REMOVE: STORE \Deleted and UID EXPUNGE. what: the keyword or the folder's name; else
 * NULL. */
enum email_imap_mark { EMAIL_MARK_SEEN, EMAIL_MARK_KEYWORD, EMAIL_MARK_MOVE, EMAIL_MARK_REMOVE };
int email_imap_mark(struct email_imap *s, const uint32_t *uids, size_t n, enum email_imap_mark how,
    const char *what, email_imap_fn fn, void *arg, struct err *err);
/* APPEND with \Seen to the folder of the special use \Sent, or to `folder` (UTF-8) when not NULL.
 * The bytes are copied; CRLF lines without NUL. ERR_NOT_FOUND: there is no such folder. */
int email_imap_append_sent(struct email_imap *s, const char *folder, struct span bytes,
    email_imap_fn fn, void *arg, struct err *err);

#endif
