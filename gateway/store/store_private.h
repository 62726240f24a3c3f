/* store_private.h - what the files of this folder share. */
#ifndef SB_STORE_STORE_PRIVATE_H
#define SB_STORE_STORE_PRIVATE_H

#include "base/zone.h"
#include "store/store.h"

/* A dedupe bucket lasts so long; a key is looked for in this bucket and the one before, so it is
 * kept for 8 to 16 days (the channels retry for 7). */
#define DEDUPE_BUCKET_MS (8LL * 24 * 3600 * 1000)

enum script_id {
    SCRIPT_APPEND,
    SCRIPT_READ,
    SCRIPT_RECEIPT,
    SCRIPT_TRAIL,
    SCRIPT_LEASE,
    SCRIPT_BEGIN,
    SCRIPT_FINISH,
    SCRIPT_CLIENT,
    SCRIPT_JOIN,
    SCRIPT_MERGE,
    SCRIPT_CARRY,
    SCRIPT_UNMERGE,
    SCRIPT_SETTLE,
    SCRIPT_UNJOIN,
    SCRIPT_META,
    SCRIPT_WAKE,
    SCRIPT_DEAD_RETRY,
    SCRIPT_ON_CARD,
    SCRIPT_LOCATE,
    SCRIPT_AMEND,
    SCRIPT_QUEUES,
    SCRIPT_PICK,
    SCRIPT_DELIVERY,
    SCRIPT_REQUEUE,
    SCRIPT_PART,
    SCRIPT_WINDOW_OVER,
    SCRIPT_MEDIA_CLAIM,
    SCRIPT_EVENT,
    SCRIPT_WRITER,
    SCRIPT_REPORT,
    SCRIPT_RULES_RECORDS,
    SCRIPT_RULES_PUT,
    SCRIPT_RULES_WAITING,
    SCRIPT_ERASE_BEGIN,
    SCRIPT_ERASE_THREAD,
    SCRIPT_ERASE_LOG,
    SCRIPT_ERASE_IDENTITY,
    SCRIPT_ERASE_BACK,
    SCRIPT_ERASE_CLIENT,
    SCRIPT_ERASE_HEARD,
    SCRIPT_LABELS,
    SCRIPT_RELABEL,
    SCRIPT_ASK,
    SCRIPT_RATED,
    SCRIPT_SUGGEST,
    SCRIPT_DISMISS,
    SCRIPT_COUNT
};

struct store {
    const struct env *env;
    struct redis *redis;
    unsigned shards;
    char **targets; /* NULL-ended */
    size_t ntargets;
    char keep_messages[24], keep_ms[24], events_max[24], report_keep_s[24];
    char audit_max[24], audit_ms[24];
    struct zone *zone; /* of the days in reports */
    bool dedupe;
    bool up;       /* connected, and the data is ours and writable */
    bool checking; /* meta.lua is on its way */
    unsigned owed; /* good probes, since the last refusal */
    char *secret, *epoch;
    char *tell; /* store_tell_statuses(); NULL nobody */
    char *asks; /* store_ask_after(); NULL nobody is asked */
    void (*on_unfinished)(void *arg, const char *verb, const char *id, const char *agent);
    void *unfinished_arg;
    struct loop_timer *probe;
    struct redis_script scripts[SCRIPT_COUNT];
    void (*on_state)(void *arg, bool up, const struct err *fatal);
    void *arg;
};

/* Arguments of a command: spans, and room for numbers. */
#define ARGS_MAX 512
struct args {
    struct span v[ARGS_MAX];
    size_t n;
    char numbers[64][24];
    size_t nnumbers;
};
static inline void args_init(struct args *a) {
    a->n = a->nnumbers = 0;
}
void args_add(struct args *a, const char *s); /* NULL adds "" */
void args_span(struct args *a, struct span s);
void args_int(struct args *a, int64_t i); /* at most 64 of them */

/* Runs a script with the shard's prefix as its only key. */
void store_eval(struct store *s, enum script_id id, unsigned shard, const struct args *a,
    redis_fn fn, void *arg);
/* HGETALL, HMGET, ... : args as they are. */
void store_command(struct store *s, const struct args *a, redis_fn fn, void *arg);

/* True for a valid id of a shard that exists; otherwise err says so. */
bool store_check_id(const struct store *s, const char *id, const char *what, struct err *err);

int64_t dedupe_bucket(int64_t now_ms);

/* Calls fn later with this error: for refusals found at once (a callback never runs inside the
 * call that it belongs to). */
void store_fail_json(struct store *s, const struct err *err, store_json_fn fn, void *arg);
void store_fail_done(struct store *s, const struct err *err, store_done_fn fn, void *arg);

/* Many commands whose answers are waited for together. */
struct gather;
typedef void (*gather_fn)(struct gather *g, size_t i, const struct redis_reply *r);
struct gather {
    struct store *store;
    size_t waiting; /* answers still to come, plus one while commands are being sent */
    struct err err; /* the first error */
    gather_fn each; /* for each answer without error */
    void (*all)(struct gather *g); /* once, at the end; frees g */
};
void gather_begin(struct gather *g, struct store *s, gather_fn each, void (*all)(struct gather *g));
void gather_command(struct gather *g, size_t i, const struct args *a);
void gather_eval(
    struct gather *g, size_t i, enum script_id id, unsigned shard, const struct args *a);
void gather_end(struct gather *g);

/* The key of an identity, in its own shard; out has STORE_KEY_SIZE. */
struct span store_identity_key(
    const struct store *s, const struct identity *who, char *out, unsigned *shard_out);

/* The key of a card's index entry. */
struct span store_card_key(
    const struct store *s, const char *target, const char *card, char out[STORE_KEY_SIZE]);

/* How a client is known by one of his identities, as it stands before the name: '1' proven, '0' by
 * his word, '2' proven once and not his any more. */
char store_identity_mark(const json_t *identity);
/* His identity of this kind and address, or NULL; and whether it is one that he gave up. */
const json_t *store_identity_of(const json_t *client, const char *kind, const char *address);
bool store_identity_is_former(const json_t *client, const char *kind, const char *address);

/* The first arguments of client.lua; field and value pairs follow. */
void client_change_begin(struct store *s, struct args *a, const char *client);
/* The same, of which one CRM shall not hear (NULL: all do). */
void client_change_told(struct store *s, struct args *a, const char *client, const char *but);

/* What a merge writes to the client who stays: pairs of field and value, which the caller frees.
 * How many strings: at most MERGE_FIELDS_MAX. */
#define MERGE_FIELDS_MAX 128
size_t merge_fields(const json_t *from_client, const char *from, char **fields, size_t max);

/* An entry of "unfinished" of this id's shard is over (store_unfinished.c). */
void store_finished(struct store *s, const char *id, const char *what, redis_fn fn, void *arg);
/* Ends what this answer of wake.lua names, from its element `first` on. */
void store_unfinished(struct store *s, const struct redis_reply *r, size_t first);

/* The fields of a thread hash that make its JSON form, in the order of thread_fields. */
enum {
    T_CLIENT,
    T_CNAME,
    T_STATE,
    T_ASSIGNEE,
    T_LABELS,
    T_CHANNEL,
    T_CONNECTOR,
    T_UNREAD,
    T_SEQ,
    T_LAST_MS,
    T_CREATED,
    T_LAST_DIR,
    T_LAST_TEXT,
    T_LAST_SEQ,
    T_WAITING,
    T_CR,
    T_CD,
    T_AR,
    T_SNOOZE,
    T_MERGED,
    T_KIND,
    T_ADDRESS,
    T_ROUTE,
    T_FIRST,
    T_WINDOW,
    T_BLOCKED,
    T_SLA,
    T_EPISODE,
    T_IN_MS,
    T_COUNT
};
extern const char *const thread_fields[T_COUNT];
/* reply: of HMGET thread_fields. NULL when there is no such thread. */
json_t *thread_json(const char *id, const struct redis_reply *reply);
/* reply: of HGETALL. NULL when there is no such client. */
json_t *client_json(const char *id, const struct redis_reply *reply);

#endif
