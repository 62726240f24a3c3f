/* email_imap_fetch.c - mails: their sizes, then their bytes, then whether any of them was kept from
 * us. A UID that a server forgets to answer for is not taken for one that is gone. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/email/email_imap_private.h"
#include "connectors/email/email_imap_text.h"

static struct email_imap_wanted *find(struct email_imap *s, uint32_t uid) {
    size_t low = 0, high = s->fetch.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->fetch.wanted[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->fetch.n && s->fetch.wanted[low].uid == uid ? &s->fetch.wanted[low] : NULL;
}

/* --- which to ask for ------------------------------------------------------------------------ */

static bool is_large(const struct email_imap *s, const struct email_imap_wanted *w) {
    return w->size > s->fetch.size_max;
}

static bool belongs(const struct email_imap *s, const struct email_imap_wanted *w) {
    if (s->fetch.step == FETCH_SIZES)
        return true;
    return (w->there || s->fetch.step == FETCH_CHECK) && !w->told;
}

/* The UIDs of this step, or of its next run: neighbours that are asked for in the same way, so that
 * mails come in their order. NULL when there are none. first_out: the first of them. */
static char *set_of(struct email_imap *s, struct email_imap_wanted **first_out) {
    struct email_imap_fetch *f = &s->fetch;
    uint32_t *uids = mem_alloc((f->n + 1) * sizeof *uids);
    size_t n = 0, i = f->step == FETCH_RUNS ? f->next : 0;
    *first_out = NULL;
    for (; i < f->n && !(f->step == FETCH_ONE && n); i++) {
        struct email_imap_wanted *w = &f->wanted[i];
        if (!belongs(s, w))
            continue;
        if (f->step == FETCH_RUNS && n && is_large(s, w) != is_large(s, *first_out))
            break;
        if (!n)
            *first_out = w;
        uids[n++] = w->uid;
    }
    if (f->step == FETCH_RUNS)
        f->next = i;
    char *set = n ? email_imap_uid_set(uids, n) : NULL;
    f->one = f->step == FETCH_ONE && n ? uids[0] : 0;
    free(uids);
    return set;
}

static const struct email_imap_command sizes_command, fetch_command;

/* Sends the command of the step. False: there is nothing to do in it. */
static bool ask(struct email_imap *s) {
    struct email_imap_wanted *first;
    char *set = set_of(s, &first);
    if (!set)
        return false;
    if (s->fetch.step == FETCH_SIZES)
        email_imap_send(s, &sizes_command, "UID FETCH %s (UID RFC822.SIZE INTERNALDATE)", set);
    else if (s->fetch.step == FETCH_CHECK)
        email_imap_send(s, &sizes_command, "UID FETCH %s (UID)", set);
    else if (is_large(s, first))
        email_imap_send(
            s, &fetch_command, "UID FETCH %s (UID BODY.PEEK[]<0.%u>)", set, EMAIL_IMAP_FIRST_BYTES);
    else
        email_imap_send(s, &fetch_command, "UID FETCH %s (UID BODY.PEEK[])", set);
    free(set);
    return true;
}

static void finish(struct email_imap *s) {
    struct err err;
    for (size_t i = 0; i < s->fetch.n; i++) {
        const struct email_imap_wanted *w = &s->fetch.wanted[i];
        if (!w->still || w->told ||
            (s->fetch.fns.on_withheld && s->fetch.fns.on_withheld(s->fetch.arg, w->uid)))
            continue;
        err_set(&err, ERR_UNAVAILABLE, "the server does not give mail %u, which it has",
            (unsigned)w->uid);
        email_imap_finish(s, &err);
        return;
    }
    email_imap_finish(s, NULL);
}

static void go_on(struct email_imap *s) {
    while (s->fetch.step < FETCH_CHECK) {
        s->fetch.step++;
        if (s->fetch.step == FETCH_ONE && !s->fetch.blind)
            continue;
        if (ask(s))
            return;
    }
    finish(s);
}

/* One by one: the next, while the last was told. What is then left is asked for at the next time.
 */
static void on_answer(struct email_imap *s, const struct email_imap_event *e) {
    struct err err;
    bool expunged = email_imap_code_is(e, "EXPUNGEISSUED"); /* a NO or OK: some have gone */
    if (email_imap_answer_error(s, e, &err) < 0 && !expunged) {
        email_imap_finish(s, &err);
        return;
    }
    struct email_imap_wanted *one = s->fetch.step == FETCH_ONE ? find(s, s->fetch.one) : NULL;
    bool more = s->fetch.step == FETCH_RUNS || (one && one->told);
    if (more && ask(s))
        return;
    go_on(s);
}

/* --- FETCH answers --------------------------------------------------------------------------- */

static void begin(struct email_imap *s) {
    struct email_imap_fetch *f = &s->fetch;
    f->key = KEY_NONE;
    f->uid = 0;
    f->size = 0;
    f->date_ms = -1;
    f->mail = NULL;
}

static enum email_imap_key key_of(struct span word) {
    if (span_ieq(word, "UID"))
        return KEY_UID;
    if (span_ieq(word, "RFC822.SIZE"))
        return KEY_SIZE;
    if (span_ieq(word, "INTERNALDATE"))
        return KEY_DATE;
    return span_ieq(word, "BODY[]") || span_ieq(word, "BODY[]<0>") ? KEY_BODY : KEY_OTHER;
}

static bool size_read(struct span text, uint64_t *out) {
    char digits[20];
    if (!text.n || text.n >= sizeof digits)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    memcpy(digits, text.p, text.n);
    digits[text.n] = '\0';
    *out = strtoull(digits, NULL, 10);
    return true;
}

/* The body begins: is it one that was asked for? */
static int begin_mail(struct email_imap *s, uint64_t size) {
    struct email_imap_fetch *f = &s->fetch;
    uint32_t uid = f->uid ? f->uid : f->one;
    struct email_imap_wanted *w = find(s, uid);
    f->blind = f->blind || !uid;
    if (!w || w->told || f->mail)
        return 0;
    struct email_imap_mail mail = {
        .uid = uid, .size = size, .whole = w->size, .date_ms = w->date_ms, .cut = is_large(s, w)};
    if (mail.cut && size > EMAIL_IMAP_FIRST_BYTES)
        return email_imap_fail(s, ERR_PROTOCOL, "the server sends more than was asked for");
    w->told = true;
    if (f->fns.on_mail(f->arg, &mail) == 0)
        f->mail = w;
    else if (!s->gone && size > EMAIL_IMAP_SKIP_MAX)
        return email_imap_fail(s, ERR_TOO_LARGE, "mail %u is too large to skip", (unsigned)uid);
    return s->gone ? -1 : 0;
}

static int take_quoted_body(struct email_imap *s, struct span text) {
    if (begin_mail(s, text.n) < 0)
        return -1;
    if (s->fetch.mail && text.n)
        s->fetch.fns.on_bytes(s->fetch.arg, text);
    return s->gone ? -1 : 0;
}

static int take_value(struct email_imap *s, const struct email_imap_event *e) {
    struct email_imap_fetch *f = &s->fetch;
    enum email_imap_key key = f->key;
    uint32_t uid;
    f->key = KEY_NONE;
    if (key == KEY_UID) {
        if (!email_imap_uid_read(e->text, &uid) || (f->uid && f->uid != uid) ||
            (f->mail && f->mail->uid != uid))
            return email_imap_fail(s, ERR_PROTOCOL, "the server mixes up its mails");
        f->uid = uid;
    } else if (key == KEY_SIZE) {
        size_read(e->text, &f->size);
    } else if (key == KEY_DATE) {
        email_imap_date_time_read(e->text, &f->date_ms);
    } else if (key == KEY_BODY && e->kind == EMAIL_IMAP_QUOTED) {
        return take_quoted_body(s, e->text);
    }
    return 0; /* a body that is NIL was not told */
}

static int end_item(struct email_imap *s) {
    struct email_imap_fetch *f = &s->fetch;
    struct email_imap_wanted *w = find(s, f->uid);
    if (f->mail) {
        f->mail = NULL;
        f->mails++;
        f->fns.on_mail_end(f->arg);
        return s->gone ? -1 : 0;
    }
    if (w && f->step == FETCH_SIZES) {
        w->there = true;
        w->size = f->size ? f->size : w->size;
        w->date_ms = f->date_ms >= 0 ? f->date_ms : w->date_ms;
    }
    if (w && f->step == FETCH_CHECK)
        w->still = true;
    return 0;
}

static int on_body_literal(struct email_imap *s, const struct email_imap_event *e) {
    struct email_imap_fetch *f = &s->fetch;
    if (e->kind == EMAIL_IMAP_LITERAL)
        return begin_mail(s, e->number);
    if (e->kind == EMAIL_IMAP_BYTES && f->mail)
        f->fns.on_bytes(f->arg, e->text);
    else if (e->kind == EMAIL_IMAP_LITERAL_END)
        f->key = KEY_NONE;
    return s->gone ? -1 : 0;
}

/* A literal may stand wherever a string may; what is longer than a value can be is cut, and then no
 * good value. */
static int on_other_literal(struct email_imap *s, const struct email_imap_event *e) {
    struct email_imap_fetch *f = &s->fetch;
    size_t room = sizeof f->word - f->word_n;
    if (e->kind == EMAIL_IMAP_LITERAL) {
        f->word_n = 0;
        if (e->number > EMAIL_IMAP_SKIP_MAX)
            return email_imap_fail(s, ERR_TOO_LARGE, "the server sends what was not asked for");
    } else if (e->kind == EMAIL_IMAP_BYTES) {
        size_t n = e->text.n < room ? e->text.n : room;
        memcpy(f->word + f->word_n, e->text.p, n);
        f->word_n += n;
    } else if (e->depth == 1) {
        struct email_imap_event value = {
            .kind = EMAIL_IMAP_ATOM, .text = span_of(f->word, f->word_n), .depth = 1};
        return take_value(s, &value);
    }
    return 0;
}

static int on_literal(struct email_imap *s, const struct email_imap_event *e) {
    bool body = e->depth == 1 && s->fetch.key == KEY_BODY && s->command == &fetch_command;
    return body ? on_body_literal(s, e) : on_other_literal(s, e);
}

static int on_fetch(struct email_imap *s, const struct email_imap_event *e) {
    struct email_imap_fetch *f = &s->fetch;
    switch (e->kind) {
    case EMAIL_IMAP_DATA:
        begin(s);
        return 0;
    case EMAIL_IMAP_ATOM:
    case EMAIL_IMAP_QUOTED:
        if (e->depth != 1)
            return 0;
        if (f->key != KEY_NONE)
            return take_value(s, e);
        f->key = key_of(e->text);
        return 0;
    case EMAIL_IMAP_CLOSE: /* a list as a value */
        if (e->depth == 2)
            f->key = KEY_NONE;
        return 0;
    case EMAIL_IMAP_LITERAL:
    case EMAIL_IMAP_BYTES:
    case EMAIL_IMAP_LITERAL_END:
        return on_literal(s, e);
    case EMAIL_IMAP_END:
        return end_item(s);
    default:
        return 0;
    }
}

/* --- the command ----------------------------------------------------------------------------- */

static void tell(struct email_imap *s, const struct err *err) {
    struct email_imap_fetch f = s->fetch;
    s->fetch = (struct email_imap_fetch){0};
    free(f.wanted);
    f.fns.on_done(f.arg, err);
}

static const struct email_imap_command sizes_command = {.name = "FETCH",
    .wants = DATA_FETCH,
    .on_data = on_fetch,
    .on_answer = on_answer,
    .tell = tell};

static const struct email_imap_command fetch_command = {.name = "FETCH",
    .wants = DATA_FETCH,
    .moves_mails = true,
    .on_data = on_fetch,
    .on_answer = on_answer,
    .tell = tell};

static int by_uid(const void *a, const void *b) {
    const struct email_imap_wanted *x = a, *y = b;
    return x->uid < y->uid ? -1 : x->uid > y->uid;
}

int email_imap_fetch(struct email_imap *s, const uint32_t *uids, size_t n, uint64_t size_max,
    const struct email_imap_fetch_fns *fns, void *arg, struct err *err) {
    if (email_imap_may_begin(s, err) < 0)
        return -1;
    if (n < 1 || n > EMAIL_IMAP_UIDS_MAX)
        return err_set(err, ERR_INVALID, "1 to %u mails can be fetched", EMAIL_IMAP_UIDS_MAX);
    struct email_imap_wanted *wanted = mem_zalloc(n * sizeof *wanted);
    for (size_t i = 0; i < n; i++) {
        wanted[i].uid = uids[i];
        wanted[i].date_ms = -1;
    }
    qsort(wanted, n, sizeof *wanted, by_uid);
    s->fetch = (struct email_imap_fetch){
        .fns = *fns, .arg = arg, .wanted = wanted, .n = n, .size_max = size_max};
    ask(s);
    return 0;
}
