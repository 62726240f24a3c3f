/* crm_flow.h - the work of an adapter whose CRM has cards and, on each, entries (notes, comments,
 * posts): find the card or make it, look before you write, write in pieces, write over what is
 * there. The adapter makes the single requests (struct crm_flow_ops); who is who, which step comes
 * next and what an error means for it is decided here, for all of them alike. */
#ifndef SB_CORE_CRM_FLOW_H
#define SB_CORE_CRM_FLOW_H

#include <jansson.h>

#include "config/setting.h"
#include "core/crm.h"
#include "core/crm/crm_text.h"

/* How one request ended; all borrowed. err NULL: done. Its codes are those of struct crm_outcome;
 * besides, ERR_INVALID: the CRM refuses what we wrote. Called once, never inside the request. */
typedef void (*crm_step_fn)(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms);

/* Whom a card is for. Borrowed. */
struct crm_flow_who {
    const json_t *client; /* openapi "Client" */
    const char *id;       /* our client id */
    const char *mark;     /* "switchboard:<client id>": to be put on the card, and found by */
    const char *name;     /* never "" */
    const json_t *ways;   /* [{"kind":"messenger"|"phone"|"mail","value","proven":bool}..]: phone in
                             E.164; messengers first */
    bool is_plain;        /* create() was refused: without what may be it (phone, mail) as such */
};

/* One entry to be written. Borrowed. */
struct crm_flow_entry {
    const char *card;
    const char *text;      /* a piece, in the CRM's markup, ending with the mark */
    const char *mark;      /* of its message: "#01J..." */
    const json_t *message; /* openapi "Message" */
    const json_t *client;
    const json_t *files;  /* upload()'s results, with the last piece; NULL: none are brought now.
                             rewrite() with rewrite_takes_files: exactly these are the entry's, also
                             none (an empty array) */
    size_t piece, pieces; /* 0 of 1 */
};

struct crm_flow_ops {
    /* Is the card there?
     * {"id","ways":[{"kind","value"}..]?,"url"?,"name"?,"responsible"?,"stage"?,"user"?,"by"?}: its
     * id, or that of the card into which it was merged; ways that it holds (kind "mark" too;
     * absent: add() is not asked for); "user": who is responsible, as in `users` (absent: nobody),
     * "by": who changed it last, both for crm_flow_changed(); the others for people to see. null,
     * or ERR_NOT_FOUND: it is gone. */
    void (*look)(struct crm *c, const char *card, crm_step_fn fn, void *arg);
    /* The ways that a card holds: [{"kind","value"}..]. NULL: look() tells them. */
    void (*ways)(struct crm *c, const char *card, crm_step_fn fn, void *arg);
    /* Cards that may be his, by our mark and by the ways that are proven:
     * [{"card","kind","value"}], one for each that the CRM found, kind "mark", "messenger", "phone"
     * or "mail", value as it is held there: what is not his is sorted out here. */
    void (*find)(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
    /* Makes a card: {"id","url"?,"name"?,"user"?}. ERR_CONFLICT: one was made meanwhile; it is
     * looked for again. */
    void (*create)(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
    /* Adds ways (as in who->ways, and {"kind":"mark","value"}) that the card has not: what people
     * wrote there is left alone. NULL: nothing is added. Its ERR_INVALID is no reason to deliver
     * nothing. */
    void (*add)(struct crm *c, const char *card, const struct crm_flow_who *who,
        const json_t *missing, crm_step_fn fn, void *arg);
    /* The card has this name now: an agent gave it to the client, or it came from another CRM.
     * NULL: names there are left alone. */
    void (*rename)(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg);
    /* Entries of ours on the card: [{"id","text","message"?}..] in the order of their making; those
     * whose text has this mark, or all of ours (mark NULL; then each has "message", its id). text:
     * as it was written, at least its end with the mark; where rewrite is NULL, all of it. */
    void (*entries)(struct crm *c, const char *card, const char *mark, crm_step_fn fn, void *arg);
    /* {"id"}: what it is called, without spaces and commas. ERR_NOT_FOUND: the card is gone. */
    void (*write)(struct crm *c, const struct crm_flow_entry *e, crm_step_fn fn, void *arg);
    /* Writes over an entry of before. ERR_NOT_FOUND: it is gone (it is written anew). NULL: it
     * cannot be: what has changed is written as one more entry. */
    void (*rewrite)(
        struct crm *c, const char *id, const struct crm_flow_entry *e, crm_step_fn fn, void *arg);
    /* Brings a file there (bytes: crm_file_read(), or media_fd() of crm_media()): any JSON, for
     * write(). attachment: {"id","name","mime","size","kind"}. NULL: files are links in the text.
     */
    void (*upload)(
        struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg);
    /* The card's responsible is this user of the CRM's now (settings: users). NULL: it has none. */
    void (*assign)(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg);
    /* What became of a message that was written in the CRM itself (crm_attach.own). NULL: it cannot
     * be told. */
    void (*status)(struct crm *c, const struct crm_attach *a, crm_step_fn fn, void *arg);
    /* Bytes of files that write() takes at once, for one request carries them all; the others are
     * links. 0: upload() has brought them there already. */
    uint64_t files_max;
    bool looks_before; /* write() on a card that is gone or merged says nothing: look() first */
    bool rewrite_takes_files; /* rewrite() sets the entry's files, too; else files that came later
                                 are one more entry */
};

struct crm_flow_options {
    enum crm_markup markup;
    bool notes, files, russian;
    const char *country;
    int utc_offset_min;
    size_t text_max;          /* bytes of a piece */
    const char *const *users; /* "anna=17": our agent and whom the CRM calls so; NULL-ended */
};

/* First member of the adapter's struct. */
struct crm_flow {
    struct crm base; /* first */
    struct crm *crm; /* itself; or the one that a second flow of the same adapter belongs to */
    const struct crm_flow_ops *ops;
    struct crm_flow_options options;
};

/* Rows of an adapter's table of settings, and what they say. markup, text_max stay the adapter's.
 */
#define CRM_FLOW_SETTINGS(files_preset)                                                            \
    {.key = "notes",                                                                               \
        .type = SETTING_BOOL,                                                                      \
        .preset = "false",                                                                         \
        .help = "Agents' notes are written, too."},                                                \
        {.key = "files",                                                                           \
            .type = SETTING_BOOL,                                                                  \
            .preset = files_preset,                                                                \
            .help = "Files are brought there; false: a link to the gateway (media.link_life)."},   \
        {.key = "users",                                                                           \
            .type = SETTING_LIST,                                                                  \
            .preset = "",                                                                          \
            .help = "Who is who: {\"anna=17\"} is our agent anna and the CRM's user 17."},         \
        {.key = "country",                                                                         \
            .type = SETTING_STRING,                                                                \
            .preset = "RU",                                                                        \
            .help = "Whose way of writing telephone numbers without a country is meant: RU, or "   \
                    "nothing."},                                                                   \
        {.key = "language",                                                                        \
            .type = SETTING_ENUM,                                                                  \
            .preset = "ru",                                                                        \
            .choices = "ru|en",                                                                    \
            .help = "Of the words that we write around a message."},                               \
    {                                                                                              \
        .key = "utc_offset", .type = SETTING_STRING, .preset = "+03:00",                           \
        .check = crm_flow_check_offset,                                                            \
        .help = "In which time of day the entries' hours are written."                             \
    }
int crm_flow_check_offset(const char *value, struct err *err);
/* Reads them, from init(): text_max and markup are set by the adapter before or after. What we sent
 * and what failed is told to the CRM where an entry can be written over. */
void crm_flow_init(
    struct crm_flow *f, struct crm *c, const struct crm_flow_ops *ops, const struct settings *s);

/* crm_ops.ensure_card, attach, entries and card of an adapter that works so. */
void crm_flow_ensure(
    struct crm *c, const json_t *client, const char *known, crm_done_fn fn, void *arg);
void crm_flow_attach(struct crm *c, const struct crm_attach *a, crm_done_fn fn, void *arg);
void crm_flow_entries(struct crm *c, const char *card, crm_result_fn fn, void *arg);
void crm_flow_card(
    struct crm *c, const char *client, const char *card, crm_result_fn fn, void *arg);
/* --- the way back: crm_ops.webhook and take --------------------------------------------------- */

/* What of a card is not told of; may have changed, since something of the card has; has changed. */
enum crm_change { CRM_SAME, CRM_MAYBE, CRM_CHANGED };
#define CRM_FLOW_CHANGE "changed"
/* What an adapter's webhook keeps (an element of crm_events()), so that take() looks at the card.
 * once: NULL: each time is another. A new reference. */
json_t *crm_flow_change(
    const char *card, enum crm_change name, enum crm_change user, const char *once);
bool crm_flow_is_change(const json_t *event);
/* take() of such an event: the card is looked at (ops->look), and what is another there than we
 * knew is so here, too: crm_assigned() for a user who is our agent, crm_renamed(). Of what we knew
 * nothing, only that is which has changed for certain. */
void crm_flow_changed(struct crm_flow *f, const json_t *event, crm_done_fn fn, void *arg);

/* take() of an entry that is an answer to the client: {"card","id","text","user","author","files":
 * [..]}. */
struct crm_flow_reply_ops {
    /* Fetches the nth of "files": crm_fetch()'s result, or an array of it. NULL: an answer with
     * files is refused. */
    void (*fetch)(struct crm *c, const json_t *event, size_t nth, crm_result_fn fn, void *arg);
    /* Tells on the card, below the entry and once, why the client has not got it. */
    void (*refuse)(struct crm *c, const json_t *event, const char *why, crm_step_fn fn, void *arg);
};
/* all_may: also those who are not among `users`. */
void crm_flow_reply(struct crm_flow *f, const struct crm_flow_reply_ops *ops, bool all_may,
    const json_t *event, crm_done_fn fn, void *arg);

/* ERR_UNSUPPORTED with this sentence, which must live on: for what one mode of a CRM cannot. */
void crm_flow_unsupported(struct crm *c, const char *why, crm_result_fn fn, void *arg);

/* The CRM's user who is our agent ("anna" -> "17"); NULL: nobody. */
const char *crm_flow_user(const struct crm_flow *f, const char *agent);
/* The other way: a string, a new reference; NULL: nobody. */
json_t *crm_flow_agent(const struct crm_flow *f, const char *user);

/* Which of the cards that were found is the client's: by our own mark, else by a messenger's
 * identity, else by a telephone number, else by an e-mail address; only by what is proven. found:
 * [{"card","kind","value"}]. The card, borrowed; NULL: none; *several: more than one fits, so that
 * a person must choose. */
const char *crm_flow_choose(
    const json_t *found, const struct crm_flow_who *who, const char *country, bool *several);

#endif
