/* email_imap_private.h - what the files of the IMAP session share. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_IMAP_PRIVATE_H
#define SB_CONNECTORS_EMAIL_EMAIL_IMAP_PRIVATE_H

#include "base/buf.h"
#include "connectors/email/email_imap.h"
#include "connectors/email/email_imap_parse.h"

#define EMAIL_IMAP_NAME_MAX 4000u /* bytes of a folder's name that the server says */

/* The answers that some command waits for. */
enum email_imap_data { DATA_OTHER, DATA_CAPABILITY, DATA_SEARCH, DATA_FETCH, DATA_LIST };

/* One kind of command. */
struct email_imap_command {
    const char *name; /* for errors */
    enum email_imap_data wants;
    bool moves_mails; /* its deadline is moved on by what comes and goes */
    /* DATA, its tokens and END of what it wants. 0, or -1 after email_imap_fail(). */
    int (*on_data)(struct email_imap *s, const struct email_imap_event *e);
    void (*on_go_on)(struct email_imap *s);                                    /* "+"; NULL */
    void (*on_answer)(struct email_imap *s, const struct email_imap_event *e); /* tagged */
    void (*on_overdue)(struct email_imap *s); /* NULL: the session ends */
    /* Tells the caller of the end; the session has no command any more. err NULL: it went well. */
    void (*tell)(struct email_imap *s, const struct err *err);
};

struct email_imap_search {
    uint32_t from;
    size_t max;
    uint32_t *uids; /* room for 2 * max */
    size_t n;
    email_imap_uids_fn fn;
    void *arg;
};

struct email_imap_wanted {
    uint32_t uid;
    uint64_t size; /* 0 not said */
    int64_t date_ms;
    bool there; /* the server knows it */
    bool told;  /* on_mail was called */
    bool still; /* there, at the last look */
};

enum email_imap_fetch_step { FETCH_SIZES, FETCH_RUNS, FETCH_ONE, FETCH_CHECK };
enum email_imap_key { KEY_NONE, KEY_OTHER, KEY_UID, KEY_SIZE, KEY_DATE, KEY_BODY };

struct email_imap_fetch {
    struct email_imap_fetch_fns fns;
    void *arg;
    struct email_imap_wanted *wanted; /* ascending */
    size_t n;
    uint64_t size_max;
    enum email_imap_fetch_step step;
    size_t next;  /* FETCH_RUNS: of wanted, the first behind this run */
    bool blind;   /* a body came before its UID: one by one then */
    uint32_t one; /* FETCH_ONE: which */
    size_t mails; /* that came, for the deadline */
    /* of the FETCH answer that is being read */
    enum email_imap_key key;
    uint32_t uid; /* 0 not said yet */
    uint64_t size;
    int64_t date_ms;
    struct email_imap_wanted *mail; /* its bytes go to the caller */
    char word[32];                  /* a short value that comes as a literal */
    size_t word_n;
};

enum email_imap_idle_state { IDLE_ASKED, IDLE_ON, IDLE_ENDING };

struct email_imap_idle {
    enum email_imap_idle_state state;
    unsigned renew_ms;
    bool wake;
};

struct email_imap_marks {
    enum email_imap_mark how;
    unsigned step; /* of a move in three */
    char *set;
};

struct email_imap_append {
    char *folder; /* a quoted word; NULL: to be found */
    struct buf bytes;
    bool asked; /* {n}: the bytes wait for "+" */
};

/* The LIST answer that is being read. */
struct email_imap_list {
    const char *use; /* that is looked for */
    char *found;     /* the folder that has it, a quoted word */
    bool has_use, no_select, in_name;
    unsigned words; /* after the flags */
    struct buf name;
};

struct email_imap {
    const struct env *env;
    struct email_imap_fns fns;
    void *arg;
    struct email_imap_options options;
    char *folder; /* a quoted word; NULL: to be found by its use */
    char *use;
    char *host; /* for the log */
    struct mail_stream *stream;
    struct email_imap_parse *parse;
    struct loop_timer *timer;
    struct email_imap_box box;
    bool has_id, literal_plus, literal_minus;
    bool ready; /* the folder is selected */
    bool paused;
    bool armed;  /* the timer */
    bool inside; /* a function that may call the caller is on the stack */
    bool gone;   /* ended or closed: nobody is called any more */
    unsigned alerts;
    enum email_imap_data data;                /* the answer that is being read */
    const struct email_imap_command *command; /* that runs; NULL */
    unsigned commands;
    char tag[16];
    size_t moved;     /* bytes since the timer was set */
    size_t unsent;    /* then */
    char *sent;       /* the folder for what was sent, a quoted word; NULL: not known */
    email_imap_fn fn; /* of idle, mark and append */
    void *fn_arg;
    struct email_imap_search search;
    struct email_imap_fetch fetch;
    struct email_imap_idle idle;
    struct email_imap_marks marks;
    struct email_imap_append append;
    struct email_imap_list list;
};

/* Sends "tag text", and sets the deadline. */
void email_imap_send(struct email_imap *s, const struct email_imap_command *command,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The command is over: tells its caller. */
void email_imap_finish(struct email_imap *s, const struct err *err);
/* The session is over; returns -1. */
int email_imap_fail(struct email_imap *s, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void email_imap_set_timer(struct email_imap *s, unsigned ms);
/* 0 when a command may begin. */
int email_imap_may_begin(const struct email_imap *s, struct err *err);
/* A tagged answer: 0 for OK, or -1 with the server's words and a code that fits. */
int email_imap_answer_error(
    const struct email_imap *s, const struct email_imap_event *e, struct err *err);
bool email_imap_code_is(const struct email_imap_event *e, const char *code);
void email_imap_free_command(struct email_imap *s); /* what commands have left behind */
void email_imap_on_news(struct email_imap *s);      /* to IDLE: EXISTS grew */
void email_imap_find_folder(struct email_imap *s);  /* by its use, then it is selected */
void email_imap_select(struct email_imap *s);

#endif
