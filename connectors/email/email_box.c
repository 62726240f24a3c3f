/* email_box.c - a mailbox is followed: what is new since the cursor is fetched, and the cursor
 * moves only over what is in its thread. IDLE where the server has it, polling where not. After
 * days of silence, a crash, or another UIDVALIDITY (RFC 9051 2.3.1.1) nothing is missed: the cursor
 * says where to go on, and each mail has a key of its own (email_ids.h) that tells it from all
 * others. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/email/email_private.h"

#define SEARCH_MAX 2000 /* uids of one search */
#define FETCH_MAX 50    /* mails of one command */
#define WINDOW 32       /* mails on their way at once: then the server waits */
#define OVERLAP 50      /* uids may become visible out of order (busy servers) */
#define RECENT_MAX 64
#define AGAIN_MAX_MS 300000
#define DENIED_MS 300000
#define LOST_AFTER 3
#define OAUTH_SESSION_MS (50 * 60000) /* Google ends a session with its token */
#define MARK_MAX 200
#define KEEP_EACH 16
#define SOON_MS 30000u   /* for what every server does at once */
#define WITHHELD_TRIES 5 /* and ten times the patience with the server */
#define CLOCKS_DIFFER_MS 600000
#define DAY_MS (24 * 3600 * 1000LL)
#define REMEMBER_SLACK_S (10u * 24 * 3600)

enum state {
    BOX_LOGIN,
    BOX_OPENING,
    BOX_CURSOR,
    BOX_SEARCHING,
    BOX_FETCHING,
    BOX_MARKING,
    BOX_IDLE
};

struct email_box {
    struct email *e;
    struct email_imap *imap;
    struct email_imap_box about;
    enum state state;
    unsigned failures;
    unsigned generation;      /* answers to questions of an earlier session are of no interest */
    struct loop_timer *timer; /* the next try, the next poll */
    struct loop_timer *renewal;
    bool is_new; /* more may be there */
    bool paused;
    bool stopped;    /* freed when nothing runs any more */
    unsigned asking; /* questions to the store and the login that are not answered */

    /* What is kept. Of all uids up to `upto` only the last OVERLAP that are not in recent may still
     * have to be taken; recent has some above, too. Those up to floor are none of ours, and those
     * up to old (there at the first connection, or when the validity changed) only when they came
     * after since_ms. A uid that is looked at twice does no harm: the mail's key is known. */
    bool has_cursor;
    uint32_t validity, upto, floor, old;
    int64_t since_ms;
    uint32_t recent[RECENT_MAX]; /* ascending */
    size_t nrecent;
    bool rescan;     /* begin with all since since_ms */
    unsigned unkept; /* mails that the kept cursor does not know of */

    uint32_t uids[SEARCH_MAX]; /* to fetch */
    size_t nuids, at, until;   /* [at, until) is being fetched */
    bool more;                 /* the search had more than it could tell */
    bool told[FETCH_MAX];      /* of those that are being fetched */
    uint32_t withheld;         /* is there, and the server does not give it; 0 none */
    unsigned withheld_times;
    uint64_t withheld_since_ms;
    bool is_withholding;  /* this fetch ends with a mail that was not given... */
    struct err not_given; /* ... and waits for those that were; code ERR_NONE: it does not */

    struct email_mail *mails[WINDOW + FETCH_MAX]; /* on their way, in order of arrival */
    uint64_t lanes[WINDOW + FETCH_MAX]; /* of each: those of one lane are taken one after another */
    uint64_t last_lane;                 /* 0 in lanes: not known yet */
    size_t nmails;
    struct email_mail *arriving;
    uint32_t done[MARK_MAX]; /* in their threads: to be marked in the mailbox */
    size_t ndone;
};

static void connect_now(void *arg);
static void next_step(struct email_box *b);

static void box_free(struct email_box *b) {
    for (size_t i = 0; i < b->nmails; i++)
        email_mail_free(b->mails[i]);
    free(b);
}

static void free_if_done(struct email_box *b) {
    if (b->stopped && !b->asking)
        box_free(b);
}

/* --- the cursor ------------------------------------------------------------------------------ */

static void keep_cursor(struct email_box *b) {
    json_t *recent = json_array();
    for (size_t i = 0; i < b->nrecent; i++)
        json_array_append_new(recent, json_integer(b->recent[i]));
    json_t *o = json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "validity", (json_int_t)b->validity, "upto",
        (json_int_t)b->upto, "floor", (json_int_t)b->floor, "old", (json_int_t)b->old, "since",
        (json_int_t)b->since_ms, "recent", recent);
    b->unkept = 0;
    char *text = json_dumps(o, JSON_COMPACT);
    connector_keep(&b->e->base, "cursor", span_str(text), 0);
    free(text);
    json_decref(o);
}

static bool is_recent(const struct email_box *b, uint32_t uid) {
    for (size_t i = 0; i < b->nrecent; i++)
        if (b->recent[i] == uid)
            return true;
    return false;
}

static bool was_taken(const struct email_box *b, uint32_t uid) {
    return uid <= b->floor || (b->upto > OVERLAP && uid <= b->upto - OVERLAP) || is_recent(b, uid);
}

/* The lowest uid that is known and not taken yet; UINT32_MAX none. */
static uint32_t lowest_open(const struct email_box *b) {
    uint32_t lowest = b->until < b->nuids ? b->uids[b->until] : UINT32_MAX;
    for (size_t i = 0; i < b->nmails; i++)
        if (email_mail_uid(b->mails[i]) < lowest)
            lowest = email_mail_uid(b->mails[i]);
    for (size_t i = b->at; i < b->until; i++)
        if (b->uids[i] < lowest && !b->told[i - b->at])
            lowest = b->uids[i];
    return lowest;
}

/* It is taken. What is still open below it keeps `upto` back. */
static void remember(struct email_box *b, uint32_t uid) {
    if (!was_taken(b, uid)) {
        if (b->nrecent == RECENT_MAX && b->recent[0] <= b->upto) {
            memmove(b->recent, b->recent + 1, (RECENT_MAX - 1) * sizeof b->recent[0]);
            b->nrecent--;
        }
        if (b->nrecent < RECENT_MAX) {
            size_t i = b->nrecent++;
            for (; i > 0 && b->recent[i - 1] > uid; i--)
                b->recent[i] = b->recent[i - 1];
            b->recent[i] = uid;
        }
    }
    uint32_t open = lowest_open(b);
    for (size_t i = 0; i < b->nrecent; i++)
        if (b->recent[i] > b->upto && b->recent[i] < open)
            b->upto = b->recent[i];
}

static void read_cursor(struct email_box *b, struct span value) {
    json_t *o = json_loadb(value.p, value.n, 0, NULL), *one;
    size_t i;
    b->has_cursor = o != NULL;
    b->validity = (uint32_t)json_integer_value(json_object_get(o, "validity"));
    b->upto = (uint32_t)json_integer_value(json_object_get(o, "upto"));
    b->floor = (uint32_t)json_integer_value(json_object_get(o, "floor"));
    b->old = (uint32_t)json_integer_value(json_object_get(o, "old"));
    b->since_ms = json_integer_value(json_object_get(o, "since"));
    b->nrecent = 0;
    json_array_foreach(json_object_get(o, "recent"), i, one) {
        if (b->nrecent < RECENT_MAX)
            b->recent[b->nrecent++] = (uint32_t)json_integer_value(one);
    }
    json_decref(o);
}

/* --- trouble --------------------------------------------------------------------------------- */

static void tell_trouble(struct email_box *b, const struct err *err) {
    free(b->e->trouble);
    b->e->trouble = err ? mem_strdup(err->text) : NULL;
    if (err)
        connector_lost(&b->e->base, err);
    else
        connector_ready(&b->e->base);
}

/* What was on its way and is not in a thread comes again: the cursor is behind it. */
static void drop_mails(struct email_box *b) {
    for (size_t i = 0; i < b->nmails; i++)
        email_mail_free(b->mails[i]);
    b->nmails = 0;
    b->arriving = NULL;
    b->nuids = b->at = b->until = 0;
    b->ndone = 0;
    b->not_given.code = ERR_NONE;
}

static void end_session(struct email_box *b) {
    b->generation++;
    loop_timer_stop(&b->timer);
    loop_timer_stop(&b->renewal);
    if (b->imap)
        email_imap_close(&b->imap);
    drop_mails(b);
    b->paused = false;
}

static void failed(struct email_box *b, const struct err *err) {
    uint64_t ms = 1000ull << (b->failures < 9 ? b->failures : 9);
    bool denied = err->code == ERR_DENIED;
    end_session(b);
    LOG_WARN(b->e->base.env->log, "email.session_ended", LOG_S("channel", b->e->base.channel),
        LOG_I("failures", b->failures), LOG_E(err));
    if (denied)
        email_login_refused(b->e);
    if (++b->failures >= LOST_AFTER || denied)
        tell_trouble(b, err);
    ms = (ms > AGAIN_MAX_MS ? AGAIN_MAX_MS : ms) / 2;
    ms += randombytes_uniform((uint32_t)ms);
    if (denied && ms < DENIED_MS)
        ms = DENIED_MS;
    b->state = BOX_LOGIN;
    b->timer = loop_timer_start(b->e->base.env->loop, ms, 0, connect_now, b);
}

/* --- mails ----------------------------------------------------------------------------------- */

static void flow(struct email_box *b) {
    bool full = b->nmails >= WINDOW;
    if (full != b->paused && b->imap) {
        b->paused = full;
        email_imap_pause(b->imap, full);
    }
}

static void mark_later(struct email_box *b, uint32_t uid) {
    if (b->e->processed != EMAIL_LEAVE && b->ndone < MARK_MAX)
        b->done[b->ndone++] = uid;
}

/* A lane of its own, or that of the earlier ones that it belongs behind: two that belong behind the
 * same one have an order, too, also when that one is gone. */
static void choose_lane(struct email_box *b, size_t i) {
    b->lanes[i] = ++b->last_lane;
    for (size_t k = 0; k < i; k++) {
        uint64_t was = b->lanes[i];
        if (b->lanes[k] == was || !email_mail_follows(b->mails[i], b->mails[k]))
            continue;
        for (size_t j = 0; j <= i; j++)
            if (b->lanes[j] == was)
                b->lanes[j] = b->lanes[k];
    }
}

/* In order of arrival: one that is not read yet holds back all behind it, for nobody knows whose it
 * is; one that is being taken those of its lane. */
static void on_mail_ready(void *arg) {
    struct email_box *b = arg;
    for (size_t i = 0; i < b->nmails && email_mail_is_read(b->mails[i]); i++) {
        size_t k = 0;
        if (!b->lanes[i])
            choose_lane(b, i);
        while (k < i && b->lanes[k] != b->lanes[i])
            k++;
        if (k == i)
            email_mail_take(b->mails[i]);
    }
}

static void on_mail_done(void *arg, struct email_mail *m, const struct err *err) {
    struct email_box *b = arg;
    size_t i = 0;
    if (err) {
        failed(b, err); /* frees it, too */
        return;
    }
    while (i < b->nmails && b->mails[i] != m)
        i++;
    memmove(b->mails + i, b->mails + i + 1, (b->nmails - i - 1) * sizeof *b->mails);
    memmove(b->lanes + i, b->lanes + i + 1, (b->nmails - i - 1) * sizeof *b->lanes);
    b->nmails--;
    remember(b, email_mail_uid(m));
    if (!email_mail_is_check(m)) /* somebody looks for it where it is */
        mark_later(b, email_mail_uid(m));
    email_mail_free(m);
    if (++b->unkept >= KEEP_EACH || b->nmails == 0)
        keep_cursor(b);
    on_mail_ready(b);
    flow(b);
    if (b->nmails == 0 && b->not_given.code) {
        struct err not_given = b->not_given;
        failed(b, &not_given);
    } else if (b->nmails == 0 && b->state == BOX_FETCHING && b->at >= b->until) {
        next_step(b);
    }
}

static const struct email_mail_fns mail_fns = {on_mail_ready, on_mail_done};

static int on_mail(void *arg, const struct email_imap_mail *mail) {
    struct email_box *b = arg;
    bool is_older =
        mail->uid <= b->old && mail->date_ms >= 0 && mail->date_ms < b->since_ms - CLOCKS_DIFFER_MS;
    b->arriving = NULL;
    for (size_t i = b->at; i < b->until; i++)
        if (b->uids[i] == mail->uid)
            b->told[i - b->at] = true;
    if (is_older || was_taken(b, mail->uid)) {
        remember(b, mail->uid);
        return -1;
    }
    if (b->nmails >= ARRAY_LEN(b->mails)) { /* it comes again */
        b->is_new = true;
        return -1;
    }
    b->arriving = email_mail_begin(b->e, mail, &mail_fns, b);
    b->lanes[b->nmails] = 0;
    b->mails[b->nmails++] = b->arriving;
    flow(b);
    return 0;
}

static void on_bytes(void *arg, struct span piece) {
    struct email_box *b = arg;
    if (b->arriving)
        email_mail_bytes(b->arriving, piece);
}

static void on_mail_end(void *arg) {
    struct email_box *b = arg;
    struct email_mail *m = b->arriving;
    b->arriving = NULL;
    if (m)
        email_mail_end(m);
}

/* Asked for again in a session of its own, less and less often; but it must not hold up what comes
 * after it for ever. */
static bool on_withheld(void *arg, uint32_t uid) {
    struct email_box *b = arg;
    uint64_t now = clock_mono_ms();
    if (b->withheld != uid) {
        b->withheld = uid;
        b->withheld_times = 0;
        b->withheld_since_ms = now;
    }
    b->is_withholding = ++b->withheld_times < WITHHELD_TRIES ||
                        now - b->withheld_since_ms < 10 * (uint64_t)b->e->patience_ms;
    if (b->is_withholding)
        return false;
    LOG_ERROR(b->e->base.env->log, "email.not_given", LOG_S("channel", b->e->base.channel),
        LOG_I("uid", uid));
    for (size_t i = b->at; i < b->until; i++)
        if (b->uids[i] == uid)
            b->told[i - b->at] = true;
    remember(b, uid);
    return true;
}

/* The session does what it should. */
static void be_well(struct email_box *b) {
    b->withheld = 0;
    if (b->failures)
        tell_trouble(b, NULL);
    b->failures = 0;
}

/* One that is not given costs the session, but not what was given beside it. */
static void on_fetched(void *arg, const struct err *err) {
    struct email_box *b = arg;
    if (err && b->is_withholding && b->nmails) {
        b->not_given = *err;
        return;
    }
    if (err) {
        failed(b, err);
        return;
    }
    b->at = b->until;
    be_well(b);
    if (b->nmails == 0 || b->at < b->nuids)
        next_step(b);
}

/* Those of the last search that are not taken yet. */
static void fetch_next(struct email_box *b) {
    static const struct email_imap_fetch_fns fns = {
        on_mail, on_bytes, on_mail_end, on_fetched, on_withheld};
    size_t n = b->nuids - b->at < FETCH_MAX ? b->nuids - b->at : FETCH_MAX;
    struct err err;
    b->state = BOX_FETCHING;
    b->until = b->at + n;
    b->is_withholding = false;
    memset(b->told, 0, sizeof b->told);
    if (email_imap_fetch(b->imap, b->uids + b->at, n, (uint64_t)b->e->max_size, &fns, b, &err) < 0)
        failed(b, &err);
}

/* --- searching ------------------------------------------------------------------------------- */

static void on_uids(void *arg, const uint32_t *uids, size_t n, const struct err *err) {
    struct email_box *b = arg;
    if (err) {
        failed(b, err);
        return;
    }
    b->nuids = b->at = b->until = 0;
    b->more = n >= SEARCH_MAX;
    bool is_there = false;
    for (size_t i = 0; i < n; i++) {
        is_there = is_there || uids[i] == b->withheld;
        if (!was_taken(b, uids[i]))
            b->uids[b->nuids++] = uids[i];
    }
    if (!is_there)
        be_well(b);
    next_step(b);
}

static void search(struct email_box *b) {
    uint32_t from = b->upto > OVERLAP ? b->upto - OVERLAP + 1 : 1;
    struct err err;
    b->state = BOX_SEARCHING;
    b->is_new = false;
    int rc = b->rescan ? email_imap_search_since(
                             b->imap, b->since_ms - DAY_MS, SEARCH_MAX, on_uids, b, &err)
                       : email_imap_search(b->imap, from > b->floor ? from : b->floor + 1,
                             SEARCH_MAX, on_uids, b, &err);
    b->rescan = false;
    if (rc < 0)
        failed(b, &err);
}

/* --- idle ------------------------------------------------------------------------------------ */

static void on_poll(void *arg) {
    struct email_box *b = arg;
    loop_timer_stop(&b->timer);
    b->is_new = true;
    next_step(b);
}

static void on_idle_over(void *arg, const struct err *err) {
    struct email_box *b = arg;
    bool has_idle = email_imap_box(b->imap)->has_idle; /* it may have said so and refused */
    if (err && has_idle) {
        failed(b, err);
        return;
    }
    if (!has_idle && !b->is_new) {
        loop_timer_stop(&b->timer);
        b->timer = loop_timer_start(b->e->base.env->loop, (uint64_t)b->e->poll_ms, 0, on_poll, b);
        return;
    }
    b->is_new = true; /* some servers lose what they should tell: look once each renewal */
    next_step(b);
}

static void on_marked(void *arg, const struct err *err) {
    struct email_box *b = arg;
    if (err) /* nothing depends on it */
        LOG_INFO(b->e->base.env->log, "email.not_marked", LOG_S("channel", b->e->base.channel),
            LOG_E(err));
    next_step(b);
}

static void mark(struct email_box *b) {
    static const enum email_imap_mark how[] = {[EMAIL_SEEN] = EMAIL_MARK_SEEN,
        [EMAIL_KEYWORD] = EMAIL_MARK_KEYWORD,
        [EMAIL_MOVE] = EMAIL_MARK_MOVE};
    size_t n = b->ndone;
    struct err err;
    const char *what = b->e->processed == EMAIL_SEEN ? NULL : b->e->done_name;
    b->ndone = 0;
    b->state = BOX_MARKING;
    if (email_imap_mark(b->imap, b->done, n, how[b->e->processed], what, on_marked, b, &err) < 0)
        on_marked(b, &err);
}

/* What is to be done now, when nothing runs in the session. */
static void next_step(struct email_box *b) {
    struct err err;
    if (!b->imap)
        return;
    if (b->at < b->nuids) {
        fetch_next(b);
    } else if (b->nmails) {
        return; /* the window empties first */
    } else if (b->ndone) {
        mark(b);
    } else if (b->is_new || b->more) {
        search(b);
    } else {
        b->state = BOX_IDLE;
        if (email_imap_idle(b->imap, (unsigned)(b->e->renew_ms / 1000), on_idle_over, b, &err) < 0)
            failed(b, &err);
    }
}

/* --- the session's beginning ----------------------------------------------------------------- */

/* The first time: from now on, or from some days ago. Another validity: all uids are new ones. */
static void begin_at(struct email_box *b) {
    uint32_t last = b->about.uidnext ? b->about.uidnext - 1 : UINT32_MAX;
    if (!b->has_cursor) {
        b->since_ms = clock_ms() - b->e->since_ms;
        b->validity = b->about.uidvalidity;
        b->floor = b->e->since_ms || !b->about.uidnext ? 0 : b->about.uidnext - 1;
        b->upto = b->floor;
        b->old = last;
        b->rescan = b->e->since_ms > 0 || !b->about.uidnext;
        b->has_cursor = true;
        keep_cursor(b);
    } else if (b->validity != b->about.uidvalidity) {
        LOG_WARN(b->e->base.env->log, "email.uidvalidity_changed",
            LOG_S("channel", b->e->base.channel), LOG_I("was", b->validity),
            LOG_I("is", b->about.uidvalidity));
        b->validity = b->about.uidvalidity;
        b->floor = b->upto = 0;
        /* What was taken longer ago is not known any more: it would come a second time. */
        int64_t known_ms = clock_ms() - (int64_t)(EMAIL_REMEMBER_S - REMEMBER_SLACK_S) * 1000;
        b->since_ms = b->since_ms > known_ms ? b->since_ms : known_ms;
        b->old = last;
        b->nrecent = 0;
        b->rescan = true;
        keep_cursor(b);
    }
    b->is_new = true;
    next_step(b);
}

struct question {
    struct email_box *b;
    unsigned generation;
};

static struct question *question(struct email_box *b) {
    struct question *q = mem_alloc(sizeof *q);
    *q = (struct question){b, b->generation};
    b->asking++;
    return q;
}

/* NULL: nobody waits for the answer any more. */
static struct email_box *answered(struct question *q) {
    struct email_box *b = q->b;
    bool stale = b->stopped || q->generation != b->generation;
    free(q);
    b->asking--;
    if (!stale)
        return b;
    free_if_done(b);
    return NULL;
}

static void on_cursor(void *arg, struct span value, const struct err *err) {
    struct email_box *b = answered(arg);
    if (!b)
        return;
    if (err) {
        failed(b, err);
        return;
    }
    read_cursor(b, value);
    begin_at(b);
}

static void on_ready(void *arg, const struct email_imap_box *about) {
    struct email_box *b = arg;
    b->about = *about;
    b->state = BOX_CURSOR;
    connector_kept(&b->e->base, "cursor", on_cursor, question(b));
}

static void on_new(void *arg) {
    struct email_box *b = arg;
    b->is_new = true;
    if (b->state == BOX_IDLE)
        email_imap_wake(b->imap);
}

static void on_closed(void *arg, const struct err *err) {
    struct email_box *b = arg;
    b->imap = NULL;
    failed(b, err);
}

static void renew_session(void *arg) {
    struct email_box *b = arg;
    end_session(b);
    connect_now(b);
}

static void on_login(void *arg, const struct mail_server *server, const struct err *err) {
    static const struct email_imap_fns fns = {on_ready, on_new, on_closed};
    struct email_box *b = answered(arg);
    if (!b)
        return;
    if (err) {
        failed(b, err);
        return;
    }
    b->state = BOX_OPENING;
    unsigned patience = (unsigned)b->e->patience_ms;
    unsigned soon = patience < SOON_MS ? patience : SOON_MS;
    const struct email_imap_options options = {.folder = b->e->folder,
        .connect_ms = soon,
        .answer_ms = patience, /* for each 256 kB */
        .done_ms = soon};
    b->imap =
        email_imap_open(b->e->base.env, email_shared_get(b->e)->streams, server, &options, &fns, b);
    if (b->e->oauth)
        b->renewal = loop_timer_start(b->e->base.env->loop, OAUTH_SESSION_MS, 0, renew_session, b);
}

static void connect_now(void *arg) {
    struct email_box *b = arg;
    loop_timer_stop(&b->timer);
    b->state = BOX_LOGIN;
    email_login(b->e, false, on_login, question(b));
}

void email_tend(struct connector *c, bool mine) {
    struct email *e = container_of(c, struct email, base);
    if (!mine) {
        email_box_stop(e);
        return;
    }
    if (e->box || e->stopping)
        return;
    struct email_box *b = mem_zalloc(sizeof *b);
    b->e = e;
    b->failures = 1; /* the first search says that it is ready */
    e->box = b;
    connect_now(b);
}

void email_box_stop(struct email *e) {
    struct email_box *b = e->box;
    if (!b)
        return;
    e->box = NULL;
    end_session(b);
    b->stopped = true;
    free_if_done(b);
}
