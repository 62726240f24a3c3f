/* email_imap_command.c - SEARCH, IDLE, marks and APPEND. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/email/email_imap_private.h"
#include "connectors/email/email_imap_text.h"

#define SEARCH_MAX 100000u
#define LITERAL_MINUS_MAX 4096u /* bytes, RFC 7888 */

/* --- SEARCH ---------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Ascending, each once, and the lowest `max` of them. */
static void tidy(struct email_imap_search *q) {
    size_t n = 0;
    if (q->n)
        qsort(q->uids, q->n, sizeof *q->uids, by_number);
    for (size_t i = 0; i < q->n; i++)
        if (!n || q->uids[i] != q->uids[n - 1])
            q->uids[n++] = q->uids[i];
    q->n = n < q->max ? n : q->max;
}

static int on_search(struct email_imap *s, const struct email_imap_event *e) {
    struct email_imap_search *q = &s->search;
    uint32_t uid;
    if (e->kind != EMAIL_IMAP_ATOM || e->depth || !email_imap_uid_read(e->text, &uid))
        return 0;      /* "(MODSEQ 5)" may follow */
    if (uid < q->from) /* 99:* is also the highest there is */
        return 0;
    if (q->n == 2 * q->max)
        tidy(q);
    q->uids[q->n++] = uid;
    return 0;
}

static void on_searched(struct email_imap *s, const struct email_imap_event *e) {
    struct err err;
    tidy(&s->search);
    email_imap_finish(s, email_imap_answer_error(s, e, &err) < 0 ? &err : NULL);
}

static void tell_search(struct email_imap *s, const struct err *err) {
    struct email_imap_search q = s->search;
    s->search = (struct email_imap_search){0};
    q.fn(q.arg, err ? NULL : q.uids, err ? 0 : q.n, err);
    free(q.uids);
}

static const struct email_imap_command search_command = {.name = "SEARCH",
    .wants = DATA_SEARCH,
    .on_data = on_search,
    .on_answer = on_searched,
    .tell = tell_search};

static int begin_search(struct email_imap *s, uint32_t from, size_t max, email_imap_uids_fn fn,
    void *arg, struct err *err) {
    if (email_imap_may_begin(s, err) < 0)
        return -1;
    if (max < 1 || max > SEARCH_MAX)
        return err_set(err, ERR_INVALID, "1 to %u mails can be searched for", SEARCH_MAX);
    s->search = (struct email_imap_search){.from = from ? from : 1,
        .max = max,
        .uids = mem_alloc(2 * max * sizeof *s->search.uids),
        .fn = fn,
        .arg = arg};
    return 0;
}

int email_imap_search(struct email_imap *s, uint32_t from, size_t max, email_imap_uids_fn fn,
    void *arg, struct err *err) {
    if (begin_search(s, from, max, fn, arg, err) < 0)
        return -1;
    email_imap_send(s, &search_command, "UID SEARCH UID %u:*", (unsigned)s->search.from);
    return 0;
}

int email_imap_search_since(struct email_imap *s, int64_t since_ms, size_t max,
    email_imap_uids_fn fn, void *arg, struct err *err) {
    char date[16];
    if (begin_search(s, 1, max, fn, arg, err) < 0)
        return -1;
    email_imap_send(s, &search_command, "UID SEARCH SINCE %s", email_imap_date(since_ms, date));
    return 0;
}

/* --- commands with a plain function ---------------------------------------------------------- */

static void tell_plain(struct email_imap *s, const struct err *err) {
    email_imap_fn fn = s->fn;
    void *arg = s->fn_arg;
    s->fn = NULL;
    email_imap_free_command(s);
    fn(arg, err);
}

static void on_plain(struct email_imap *s, const struct email_imap_event *e) {
    struct err err;
    email_imap_finish(s, email_imap_answer_error(s, e, &err) < 0 ? &err : NULL);
}

static void remember(struct email_imap *s, email_imap_fn fn, void *arg) {
    s->fn = fn;
    s->fn_arg = arg;
}

void email_imap_free_command(struct email_imap *s) {
    free(s->marks.set);
    s->marks.set = NULL;
    free(s->append.folder);
    s->append.folder = NULL;
    buf_free(&s->append.bytes);
    buf_init(&s->append.bytes, MAIL_STREAM_UNSENT_MAX / 2);
    free(s->search.uids);
    s->search.uids = NULL;
    free(s->fetch.wanted);
    s->fetch.wanted = NULL;
}

/* --- IDLE ------------------------------------------------------------------------------------ */

static void end_idle(struct email_imap *s) {
    if (s->idle.state != IDLE_ON)
        return;
    s->idle.state = IDLE_ENDING;
    mail_stream_send(s->stream, span_str("DONE\r\n"));
    email_imap_set_timer(s, s->options.done_ms);
}

static void on_idling(struct email_imap *s) {
    if (s->idle.state != IDLE_ASKED)
        return;
    s->idle.state = IDLE_ON;
    email_imap_set_timer(s, s->idle.renew_ms);
    if (s->idle.wake)
        end_idle(s);
}

static void on_idle_overdue(struct email_imap *s) {
    if (s->idle.state == IDLE_ON) /* it is renewed by who called */
        end_idle(s);
    else
        email_imap_fail(s, ERR_TIMEOUT, "the server fell silent");
}

static void on_idle_ended(struct email_imap *s, const struct email_imap_event *e) {
    struct err err;
    int rc = email_imap_answer_error(s, e, &err);
    if (rc < 0 && s->idle.state == IDLE_ASKED)
        s->box.has_idle = false; /* it said so, but */
    email_imap_finish(s, rc < 0 ? &err : NULL);
}

static const struct email_imap_command idle_command = {.name = "IDLE",
    .on_go_on = on_idling,
    .on_answer = on_idle_ended,
    .on_overdue = on_idle_overdue,
    .tell = tell_plain};

static const struct email_imap_command noop_command = {
    .name = "NOOP", .on_answer = on_plain, .tell = tell_plain};

int email_imap_idle(
    struct email_imap *s, unsigned renew_s, email_imap_fn fn, void *arg, struct err *err) {
    if (email_imap_may_begin(s, err) < 0)
        return -1;
    remember(s, fn, arg);
    s->idle = (struct email_imap_idle){.renew_ms = (renew_s ? renew_s : 1) * 1000};
    if (s->box.has_idle)
        email_imap_send(s, &idle_command, "IDLE");
    else
        email_imap_send(s, &noop_command, "NOOP");
    return 0;
}

void email_imap_wake(struct email_imap *s) {
    if (s->gone || s->command != &idle_command)
        return;
    s->idle.wake = true;
    end_idle(s);
}

void email_imap_on_news(struct email_imap *s) {
    email_imap_wake(s);
}

/* --- marks ----------------------------------------------------------------------------------- */

/* A move in three, where there is no MOVE: copied, marked, expunged. */
static void on_marked(struct email_imap *s, const struct email_imap_event *e);

static const struct email_imap_command mark_command = {
    .name = "the mark", .on_answer = on_marked, .tell = tell_plain};

static void on_marked(struct email_imap *s, const struct email_imap_event *e) {
    struct err err;
    if (email_imap_answer_error(s, e, &err) < 0) {
        email_imap_finish(s, &err);
    } else if (s->marks.step == 0) {
        email_imap_finish(s, NULL);
    } else if (s->marks.step == 1) {
        s->marks.step = 2;
        email_imap_send(s, &mark_command, "UID STORE %s +FLAGS.SILENT (\\Deleted)", s->marks.set);
    } else {
        s->marks.step = 0;
        email_imap_send(s, &mark_command, "UID EXPUNGE %s", s->marks.set);
    }
}

static int check_mark(
    const struct email_imap *s, enum email_imap_mark how, const char *what, struct err *err) {
    if (s->box.read_only)
        return err_set(err, ERR_UNSUPPORTED, "the folder can only be read");
    if (how == EMAIL_MARK_KEYWORD && !email_imap_is_keyword(what))
        return err_set(err, ERR_INVALID, "this can be no keyword");
    if (how == EMAIL_MARK_KEYWORD && !s->box.takes_keywords)
        return err_set(err, ERR_UNSUPPORTED, "the server takes no keywords in this folder");
    /* A plain EXPUNGE would take what others have marked as deleted along. */
    if (how == EMAIL_MARK_MOVE && !s->box.has_move && !s->box.has_uidplus)
        return err_set(err, ERR_UNSUPPORTED, "the server has neither MOVE nor UIDPLUS");
    if (how == EMAIL_MARK_REMOVE && !s->box.has_uidplus)
        return err_set(err, ERR_UNSUPPORTED, "the server has no UIDPLUS");
    return 0;
}

int email_imap_mark(struct email_imap *s, const uint32_t *uids, size_t n, enum email_imap_mark how,
    const char *what, email_imap_fn fn, void *arg, struct err *err) {
    if (email_imap_may_begin(s, err) < 0 || check_mark(s, how, what, err) < 0)
        return -1;
    if (n < 1 || n > EMAIL_IMAP_UIDS_MAX)
        return err_set(err, ERR_INVALID, "1 to %u mails can be marked", EMAIL_IMAP_UIDS_MAX);
    char *folder = how == EMAIL_MARK_MOVE ? email_imap_folder_word(what) : NULL;
    if (how == EMAIL_MARK_MOVE && !folder)
        return err_set(err, ERR_INVALID, "this can be no folder's name");
    remember(s, fn, arg);
    s->marks = (struct email_imap_marks){.how = how, .set = email_imap_uid_set(uids, n)};
    if (how == EMAIL_MARK_MOVE && s->box.has_move) {
        email_imap_send(s, &mark_command, "UID MOVE %s %s", s->marks.set, folder);
    } else if (how == EMAIL_MARK_MOVE) {
        s->marks.step = 1;
        email_imap_send(s, &mark_command, "UID COPY %s %s", s->marks.set, folder);
    } else if (how == EMAIL_MARK_REMOVE) {
        s->marks.step = 2;
        email_imap_send(s, &mark_command, "UID STORE %s +FLAGS.SILENT (\\Deleted)", s->marks.set);
    } else {
        email_imap_send(s, &mark_command, "UID STORE %s +FLAGS.SILENT (%s)", s->marks.set,
            how == EMAIL_MARK_SEEN ? "\\Seen" : what);
    }
    free(folder);
    return 0;
}

/* --- APPEND ---------------------------------------------------------------------------------- */

static void on_append_go_on(struct email_imap *s) {
    if (!s->append.asked)
        return;
    s->append.asked = false;
    mail_stream_send(s->stream, buf_span(&s->append.bytes));
    mail_stream_send(s->stream, span_str("\r\n"));
    email_imap_set_timer(s, s->options.answer_ms);
}

static const struct email_imap_command append_command = {.name = "APPEND",
    .moves_mails = true,
    .on_go_on = on_append_go_on,
    .on_answer = on_plain,
    .tell = tell_plain};

static void append(struct email_imap *s, const char *folder) {
    size_t n = s->append.bytes.n;
    bool at_once = s->literal_plus || (s->literal_minus && n <= LITERAL_MINUS_MAX);
    s->append.asked = true;
    email_imap_send(
        s, &append_command, "APPEND %s (\\Seen) {%zu%s}", folder, n, at_once ? "+" : "");
    if (at_once)
        on_append_go_on(s);
}

/* "(\HasNoChildren \Sent) "/" "[Gmail]/Sent"": the name may be a literal. */
static int on_list(struct email_imap *s, const struct email_imap_event *e) {
    struct email_imap_list *l = &s->list;
    bool word = e->kind == EMAIL_IMAP_ATOM || e->kind == EMAIL_IMAP_QUOTED;
    if (e->kind == EMAIL_IMAP_DATA) {
        l->has_use = l->no_select = l->in_name = false;
        l->words = 0;
        buf_free(&l->name);
        buf_init(&l->name, EMAIL_IMAP_NAME_MAX);
    } else if (word && e->depth == 1) {
        l->has_use = l->has_use || span_ieq(e->text, l->use);
        l->no_select =
            l->no_select || span_ieq(e->text, "\\Noselect") || span_ieq(e->text, "\\NonExistent");
    } else if (word && !e->depth) {
        if (l->words++ == 1)
            buf_add(&l->name, e->text.p, e->text.n);
    } else if (e->kind == EMAIL_IMAP_LITERAL && !e->depth) {
        l->in_name = l->words++ == 1;
    } else if (e->kind == EMAIL_IMAP_BYTES && l->in_name) {
        buf_add(&l->name, e->text.p, e->text.n);
    } else if (e->kind == EMAIL_IMAP_LITERAL_END) {
        l->in_name = false;
    } else if (e->kind == EMAIL_IMAP_END && l->has_use && !l->no_select && !l->found) {
        l->found = l->name.failed ? NULL : email_imap_raw_folder_word(buf_span(&l->name));
    }
    return 0;
}

static void on_listed(struct email_imap *s, const struct email_imap_event *e) {
    struct err err;
    if (email_imap_answer_error(s, e, &err) < 0) {
        email_imap_finish(s, &err);
    } else if (!s->list.found) {
        err_set(&err, ERR_NOT_FOUND, "no folder of the mailbox has the use \\Sent");
        email_imap_finish(s, &err);
    } else {
        s->sent = s->list.found;
        s->list.found = NULL;
        append(s, s->sent);
    }
}

static const struct email_imap_command list_command = {.name = "LIST",
    .wants = DATA_LIST,
    .on_data = on_list,
    .on_answer = on_listed,
    .tell = tell_plain};

/* Many name the uses in a plain LIST too. */
static void look_for_use(
    struct email_imap *s, const struct email_imap_command *command, const char *use) {
    s->list.use = use;
    email_imap_send(
        s, command, s->box.has_special_use ? "LIST (SPECIAL-USE) \"\" \"*\"" : "LIST \"\" \"*\"");
}

int email_imap_append_sent(struct email_imap *s, const char *folder, struct span bytes,
    email_imap_fn fn, void *arg, struct err *err) {
    if (email_imap_may_begin(s, err) < 0)
        return -1;
    char *word = folder ? email_imap_folder_word(folder) : NULL;
    if (folder && !word)
        return err_set(err, ERR_INVALID, "this can be no folder's name");
    if (!bytes.n || memchr(bytes.p, '\0', bytes.n) ||
        buf_add(&s->append.bytes, bytes.p, bytes.n) < 0) {
        free(word);
        email_imap_free_command(s);
        return err_set(err, ERR_INVALID, "this can be no mail");
    }
    remember(s, fn, arg);
    s->append.folder = word;
    if (word)
        append(s, word);
    else if (s->sent)
        append(s, s->sent);
    else
        look_for_use(s, &list_command, "\\Sent");
    return 0;
}

/* --- a folder by its use --------------------------------------------------------------------- */

static void on_found(struct email_imap *s, const struct email_imap_event *e) {
    struct err err;
    if (email_imap_answer_error(s, e, &err) < 0) {
        email_imap_fail(s, err.code, "%s", err.text);
    } else if (!s->list.found) {
        email_imap_fail(s, ERR_NOT_FOUND, "no folder of the mailbox has the use %s", s->use);
    } else {
        s->folder = s->list.found;
        s->list.found = NULL;
        email_imap_select(s);
    }
}

static const struct email_imap_command find_command = {
    .name = "LIST", .wants = DATA_LIST, .on_data = on_list, .on_answer = on_found};

void email_imap_find_folder(struct email_imap *s) {
    look_for_use(s, &find_command, s->use);
}
