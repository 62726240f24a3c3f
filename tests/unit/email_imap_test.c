/* email_imap_test.c - sessions with IMAP servers in child processes that behave well, strangely, or
 * not at all (F39, F40). */
#include <setjmp.h>
#include <stddef.h>

#include "imap_peer.h"

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "connectors/email/email_imap.h"

struct trial {
    pid_t peer;
    unsigned port;
    char url[64];
    struct log log;
    struct env env;
    struct mail_streams *streams;
    struct loop_timer *too_long;
    struct email_imap *s;
    struct email_imap_box box;
    unsigned readies, news, closes, calls;
    struct err err, closed;
    uint32_t uids[32];
    size_t n;
    char told[4096]; /* of mails: "[7 5/44 hello]" */
    size_t bytes;
    int64_t dates; /* their sum */
    bool refuse_mail, pause_at_mail, close_at_mail;
};

/* --- what is told ---------------------------------------------------------------------------- */

static void on_too_long(void *arg) {
    struct trial *t = arg;
    fprintf(stderr, "the trial takes too long; told: %s\n", t->told);
    abort();
}

static void on_ready(void *arg, const struct email_imap_box *box) {
    struct trial *t = arg;
    t->readies++;
    t->box = *box;
    loop_stop(t->env.loop);
}

static void on_new(void *arg) {
    struct trial *t = arg;
    t->news++;
}

static void on_closed(void *arg, const struct err *err) {
    struct trial *t = arg;
    assert_int_equal(t->closes++, 0);
    t->closed = *err;
    t->s = NULL;
    loop_stop(t->env.loop);
}

static void on_call(void *arg, const struct err *err) {
    struct trial *t = arg;
    assert_int_equal(t->closes, 0);
    t->calls++;
    t->err = err ? *err : (struct err){0};
    loop_stop(t->env.loop);
}

static void on_uids(void *arg, const uint32_t *uids, size_t n, const struct err *err) {
    struct trial *t = arg;
    assert_true(n <= ARRAY_LEN(t->uids));
    if (n)
        memcpy(t->uids, uids, n * sizeof *uids);
    t->n = n;
    on_call(t, err);
}

static void tell(struct trial *t, const char *text, size_t n) {
    size_t at = strlen(t->told);
    snprintf(t->told + at, sizeof t->told - at, "%.*s", (int)(n < 200 ? n : 200), text);
}

static int on_mail(void *arg, const struct email_imap_mail *m) {
    struct trial *t = arg;
    char text[100];
    snprintf(text, sizeof text, "[%u %llu/%llu%s ", m->uid, (unsigned long long)m->size,
        (unsigned long long)m->whole, m->cut ? " cut" : "");
    tell(t, text, strlen(text));
    t->dates += m->date_ms;
    if (t->pause_at_mail) {
        email_imap_pause(t->s, true);
        loop_stop(t->env.loop);
    }
    if (t->close_at_mail) {
        email_imap_close(&t->s);
        loop_stop(t->env.loop);
    }
    return t->refuse_mail ? -1 : 0;
}

static void on_bytes(void *arg, struct span piece) {
    struct trial *t = arg;
    assert_non_null(t->s);
    t->bytes += piece.n;
    tell(t, piece.p, piece.n);
}

static void on_mail_end(void *arg) {
    tell(arg, "]", 1);
}

/* --- the trial ------------------------------------------------------------------------------- */

static int set_up(void **state) {
    struct trial *t = mem_zalloc(sizeof *t);
    log_init(&t->log);
    t->log.level = LOG_LEVEL_ERROR;
    t->env.log = &t->log;
    t->env.loop = loop_create();
    t->env.metrics = metrics_create(1);
    t->too_long = loop_timer_start(t->env.loop, 20000, 0, on_too_long, t);
    t->streams = mail_streams_create(&t->env);
    *state = t;
    return 0;
}

static int tear_down(void **state) {
    struct trial *t = *state;
    email_imap_close(&t->s);
    mail_streams_destroy(&t->streams);
    loop_timer_stop(&t->too_long);
    loop_destroy(&t->env.loop);
    metrics_destroy(&t->env.metrics);
    if (t->peer)
        peer_stop(t->peer);
    free(t);
    return 0;
}

static void open_options(
    struct trial *t, imap_peer_script script, struct email_imap_options options) {
    static const struct email_imap_fns fns = {on_ready, on_new, on_closed};
    t->peer = peer_start(script, &t->port);
    snprintf(t->url, sizeof t->url, "imap+plain://127.0.0.1:%u", t->port);
    struct mail_server server = {.url = t->url, .user = "u", .password = "p"};
    options.connect_ms = 5000;
    options.answer_ms = 1500;
    options.done_ms = 200;
    t->s = email_imap_open(&t->env, t->streams, &server, &options, &fns, t);
    assert_int_equal(t->readies + t->closes, 0);
    loop_run(t->env.loop);
}

static void open_folder(struct trial *t, imap_peer_script script, const char *folder) {
    open_options(t, script, (struct email_imap_options){.folder = folder});
}

static void open_box(struct trial *t, imap_peer_script script) {
    open_folder(t, script, "INBOX");
    assert_int_equal(t->readies, 1);
}

/* Runs until the command that was begun has told its end. */
static void await(struct trial *t) {
    unsigned calls = t->calls;
    while (t->calls == calls)
        loop_run(t->env.loop);
}

static void await_close(struct trial *t, enum err_code code, const char *words) {
    while (!t->closes)
        loop_run(t->env.loop);
    assert_int_equal(t->closed.code, code);
    assert_non_null(strstr(t->closed.text, words));
}

static void fetch(struct trial *t, size_t n, uint64_t size_max) {
    static const struct email_imap_fetch_fns fns = {on_mail, on_bytes, on_mail_end, on_call, NULL};
    static const uint32_t uids[] = {5, 7, 9};
    struct err err;
    assert_int_equal(email_imap_fetch(t->s, uids, n, size_max, &fns, t, &err), 0);
    assert_int_equal(email_imap_fetch(t->s, uids, n, size_max, &fns, t, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
}

/* --- the folder ------------------------------------------------------------------------------ */

static void script_box(struct imap_peer *p) {
    peer_open(p, "IDLE MOVE UIDPLUS SPECIAL-USE LITERAL+");
    peer_hear(p, "UID SEARCH UID 6:*");
    peer_say(p, "* SEARCH 9 7 9\r\n* SEARCH 5 8\r\n* 4 EXISTS\r\n");
    peer_ok(p);
    peer_hear(p, "UID SEARCH UID 99:*"); /* the trap */
    peer_say(p, "* SEARCH 9\r\n");
    peer_ok(p);
    peer_hear(p, "UID SEARCH SINCE 28-Nov-2026");
    peer_say(p, "* SEARCH\r\n%s NO [SERVERBUG] Not\x02 today\r\n", p->tag);
    peer_wait(p);
}

static void test_box_and_search(void **state) {
    struct trial *t = *state;
    struct err err;
    open_box(t, script_box);
    assert_int_equal(t->box.uidvalidity, 77);
    assert_int_equal(t->box.uidnext, 8);
    assert_int_equal(t->box.exists, 3);
    assert_true(t->box.has_idle && t->box.has_move && t->box.has_uidplus && t->box.takes_keywords);
    assert_true(t->box.has_special_use && !t->box.read_only);
    assert_int_equal(email_imap_search(t->s, 6, 2, on_uids, t, &err), 0);
    await(t);
    assert_int_equal(t->n, 2); /* the lowest */
    assert_true(t->uids[0] == 7 && t->uids[1] == 8);
    assert_int_equal(t->news, 1);
    assert_int_equal(email_imap_box(t->s)->exists, 4);
    assert_int_equal(email_imap_search(t->s, 99, 2, on_uids, t, &err), 0);
    await(t);
    assert_int_equal(t->n, 0);
    assert_int_equal(email_imap_search_since(t->s, 1795824000000, 9, on_uids, t, &err), 0);
    await(t);
    assert_int_equal(t->err.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(t->err.text, "[SERVERBUG] Not today"));
    assert_int_equal(t->closes, 0); /* a NO ends no session */
}

static void script_no_folder(struct imap_peer *p) {
    peer_enter(p, "ID");
    peer_hear(p, "ID (\"name\" \"switchboard\")");
    peer_say(p, "%s BAD what\r\n", p->tag);
    peer_hear(p, "SELECT \"&BB8EIg-\"");
    peer_say(p, "%s NO There is no such mailbox\r\n", p->tag);
}

static void test_no_folder(void **state) {
    struct trial *t = *state;
    open_folder(t, script_no_folder, "ПТ");
    await_close(t, ERR_NOT_FOUND, "There is no such mailbox");
}

static void test_bad_folder(void **state) {
    struct trial *t = *state;
    open_folder(t, script_box, "a\r\nb");
    await_close(t, ERR_INVALID, "no folder's name");
}

static void script_no_uidvalidity(struct imap_peer *p) {
    peer_login(p);
    peer_hear(p, "CAPABILITY");
    peer_ok(p);
    peer_hear(p, "SELECT \"INBOX\"");
    peer_ok(p);
    peer_wait(p);
}

static void test_no_uidvalidity(void **state) {
    open_folder(*state, script_no_uidvalidity, "INBOX");
    await_close(*state, ERR_PROTOCOL, "UIDVALIDITY");
}

static void script_new_uidvalidity(struct imap_peer *p) {
    peer_open(p, "IDLE");
    peer_hear(p, "IDLE");
    peer_say(p, "+ idling\r\n* OK [UIDVALIDITY 78] anew\r\n");
    peer_wait(p);
}

static void test_uidvalidity_changes_under_us(void **state) {
    struct trial *t = *state;
    struct err err;
    open_box(t, script_new_uidvalidity);
    assert_int_equal(email_imap_idle(t->s, 10, on_call, t, &err), 0);
    await_close(t, ERR_UNAVAILABLE, "made anew");
    assert_int_equal(t->calls, 1);
}

/* --- mails ----------------------------------------------------------------------------------- */

static void script_mails(struct imap_peer *p) {
    peer_open(p, "");
    peer_hear(p, "UID FETCH 5,7,9 (UID RFC822.SIZE INTERNALDATE)");
    peer_say(p,
        "* 1 FETCH (UID 5 RFC822.SIZE 5 INTERNALDATE \" 1-Jan-1970 00:00:01 +0000\")\r\n"
        "* 3 FETCH (RFC822.SIZE {6}\r\n300000 INTERNALDATE {26}\r\n 1-Jan-1970 00:00:02 +0000 "
        "UID 9)\r\n"
        "* 2 FETCH (UID 7 RFC822.SIZE 21)\r\n");
    peer_ok(p);
    peer_hear(p, "UID FETCH 5,7 (UID BODY.PEEK[])");
    peer_say(p,
        "* 2 FETCH (FLAGS (\\Seen ({3}\r\n)\r\n)) UID 7 BODY[] {21}\r\n%s OK done\r\n* BYE x\r\n "
        "X NIL)\r\n* 4 EXISTS\r\n* 5 FETCH (FLAGS (\\Seen))\r\n* 3 EXPUNGE\r\n"
        "* 1 FETCH (UID 5 BODY[] \"a\\\"b c\")\r\n* 1 FETCH (UID 5 BODY[] \"again\")\r\n"
        "* 8 FETCH (UID 8 BODY[] {5}\r\nalien)\r\n",
        p->tag);
    peer_ok(p);
    peer_hear(p, "UID FETCH 9 (UID BODY.PEEK[]<0.262144>)");
    peer_say(p, "* 3 FETCH (UID 9 BODY[]<0> {4}\r\nhead)\r\n");
    peer_ok(p);
    peer_wait(p);
}

static void test_mails(void **state) {
    struct trial *t = *state;
    open_box(t, script_mails);
    fetch(t, 3, 1000);
    await(t);
    assert_int_equal(t->err.code, ERR_NONE);
    assert_string_equal(
        t->told, "[7 21/21 s4 OK done\r\n* BYE x\r\n][5 5/5 a\"b c][9 4/300000 cut head]");
    assert_int_equal(t->dates, 1000 - 1 + 2000); /* one was not said */
    assert_int_equal(t->news, 1);
    assert_int_equal(email_imap_box(t->s)->exists, 3);
}

static void script_gone(struct imap_peer *p) {
    peer_open(p, "");
    peer_hear(p, "UID FETCH 5,7 (UID RFC822.SIZE INTERNALDATE)");
    peer_say(p, "* 1 FETCH (UID 5 RFC822.SIZE 5)\r\n");
    peer_ok(p);
    peer_hear(p, "UID FETCH 5 (UID BODY.PEEK[])");
    peer_say(p, "* 1 FETCH (UID 5 BODY[] NIL)\r\n%s NO [EXPUNGEISSUED] gone\r\n", p->tag);
    peer_hear(p, "UID FETCH 5,7 (UID)"); /* are they? */
    peer_ok(p);
    peer_wait(p);
}

static void test_mails_that_are_gone(void **state) {
    struct trial *t = *state;
    open_box(t, script_gone);
    fetch(t, 2, 1000);
    await(t);
    assert_int_equal(t->err.code, ERR_NONE);
    assert_string_equal(t->told, "");
}

static void script_withheld(struct imap_peer *p) {
    peer_open(p, "");
    peer_hear(p, "UID FETCH 5 (UID RFC822.SIZE INTERNALDATE)");
    peer_say(p, "* 1 FETCH (UID 5 RFC822.SIZE 5)\r\n");
    peer_ok(p);
    peer_hear(p, "UID FETCH 5 (UID BODY.PEEK[])");
    peer_ok(p);
    peer_hear(p, "UID FETCH 5 (UID)");
    peer_say(p, "* 1 FETCH (UID 5)\r\n");
    peer_ok(p);
    peer_wait(p);
}

static void test_a_mail_that_is_kept_from_us(void **state) {
    struct trial *t = *state;
    open_box(t, script_withheld);
    fetch(t, 1, 1000);
    await(t);
    assert_int_equal(t->err.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(t->err.text, "does not give mail 5"));
}

static void script_uid_last(struct imap_peer *p) {
    peer_open(p, "");
    peer_hear(p, "UID FETCH 5,7 (UID RFC822.SIZE INTERNALDATE)");
    peer_say(p, "* 1 FETCH (RFC822.SIZE 3 UID 5)\r\n* 2 FETCH (RFC822.SIZE 3 UID 7)\r\n");
    peer_ok(p);
    peer_hear(p, "UID FETCH 5,7 (UID BODY.PEEK[])");
    peer_say(p, "* 1 FETCH (BODY[] {3}\r\none UID 5)\r\n* 2 FETCH (BODY[] {3}\r\ntwo UID 7)\r\n");
    peer_ok(p);
    peer_hear(p, "UID FETCH 5 (UID BODY.PEEK[])");
    peer_say(p, "* 1 FETCH (BODY[] {3}\r\none UID 5)\r\n");
    peer_ok(p);
    peer_hear(p, "UID FETCH 7 (UID BODY.PEEK[])");
    peer_say(p, "* 1 FETCH (BODY[] {3}\r\none UID 5)\r\n"); /* and a liar too */
    peer_wait(p);
}

static void test_the_uid_behind_the_body(void **state) {
    struct trial *t = *state;
    open_box(t, script_uid_last);
    fetch(t, 2, 1000);
    await(t);
    assert_string_equal(t->told, "[5 3/3 one][7 3/3 one"); /* has no end */
    assert_int_equal(t->err.code, ERR_PROTOCOL);
    await_close(t, ERR_PROTOCOL, "mixes up");
}

static void begin_mail(struct imap_peer *p, unsigned size, const char *bytes) {
    peer_open(p, "");
    peer_hear(p, "UID FETCH 5 (UID RFC822.SIZE INTERNALDATE)");
    peer_say(p, "* 1 FETCH (UID 5 RFC822.SIZE 1)\r\n");
    peer_ok(p);
    peer_hear(p, "UID FETCH 5 (UID BODY.PEEK[])");
    peer_say(p, "* 1 FETCH (UID 5 BODY[] {%u}\r\n%s", size, bytes);
}

static void script_drop(struct imap_peer *p) {
    begin_mail(p, 100, "half");
}

static void test_dropped_in_a_mail(void **state) {
    struct trial *t = *state;
    open_box(t, script_drop);
    fetch(t, 1, 1000);
    await(t);
    assert_string_equal(t->told, "[5 100/1 half");
    assert_int_equal(t->err.code, ERR_UNAVAILABLE);
    await_close(t, ERR_UNAVAILABLE, "closed the connection");
}

static void script_huge(struct imap_peer *p) {
    begin_mail(p, 4000000000u, "x");
    peer_wait(p);
}

static void test_a_mail_too_large_to_skip(void **state) {
    struct trial *t = *state;
    open_box(t, script_huge);
    t->refuse_mail = true;
    fetch(t, 1, 1000);
    await(t);
    assert_string_equal(t->told, "[5 4000000000/1 ");
    await_close(t, ERR_TOO_LARGE, "too large to skip");
}

static void script_two_sizes(struct imap_peer *p) {
    begin_mail(p, 5, "12345)\r\n");
    peer_ok(p);
    peer_hear(p, "UID SEARCH UID 1:*");
    peer_ok(p);
    peer_wait(p);
}

static void test_an_unwanted_mail_is_skipped(void **state) {
    struct trial *t = *state;
    struct err err;
    open_box(t, script_two_sizes);
    t->refuse_mail = true;
    fetch(t, 1, 1000);
    await(t);
    assert_int_equal(t->err.code, ERR_NONE);
    assert_string_equal(t->told, "[5 5/1 ");
    assert_int_equal(email_imap_search(t->s, 1, 2, on_uids, t, &err), 0);
    await(t);
    assert_int_equal(t->err.code, ERR_NONE);
}

static void test_closed_in_a_mail(void **state) {
    struct trial *t = *state;
    open_box(t, script_two_sizes);
    t->close_at_mail = true;
    fetch(t, 1, 1000);
    loop_run(t->env.loop);
    assert_null(t->s);
    assert_int_equal(t->calls + t->closes, 0);
}

static void script_slow(struct imap_peer *p) {
    begin_mail(p, 100000, "");
    for (;;) {
        peer_say(p, "x");
        usleep(20000);
    }
}

static void test_a_slow_drip(void **state) {
    struct trial *t = *state;
    uint64_t begin = clock_mono_ms();
    open_box(t, script_slow);
    fetch(t, 1, 1000);
    await(t);
    assert_int_equal(t->err.code, ERR_TIMEOUT);
    await_close(t, ERR_TIMEOUT, "too slow at FETCH");
    assert_true(clock_mono_ms() - begin < 5000);
}

#define MUCH 3000000u

static void script_much(struct imap_peer *p) {
    char *much = calloc(1, MUCH);
    begin_mail(p, MUCH, "");
    peer_say_bytes(p, much, MUCH);
    peer_say(p, ")\r\n");
    peer_ok(p);
    peer_wait(p);
}

/* Longer than a deadline: it waits too. */
static void test_a_slow_reader(void **state) {
    struct trial *t = *state;
    open_box(t, script_much);
    t->pause_at_mail = true;
    fetch(t, 1, MUCH);
    loop_run(t->env.loop);
    struct loop_timer *timer =
        loop_timer_start(t->env.loop, 1800, 0, (loop_fn)loop_stop, t->env.loop);
    loop_run(t->env.loop);
    loop_timer_stop(&timer);
    assert_true(t->bytes <= 16384);
    assert_int_equal(t->calls, 0);
    email_imap_pause(t->s, false);
    await(t);
    assert_int_equal(t->bytes, MUCH);
    assert_int_equal(t->err.code, ERR_NONE);
}

/* --- IDLE ------------------------------------------------------------------------------------ */

static void script_idle(struct imap_peer *p) {
    peer_open(p, "IDLE");
    for (int i = 0; i < 3; i++) {
        char tag[32];
        peer_hear(p, "IDLE");
        snprintf(tag, sizeof tag, "%s", p->tag);
        peer_say(p, "+ idling\r\n* OK Still here\r\n");
        if (i == 0)
            peer_say(p, "* 2 RECENT\r\n* 3 EXISTS\r\n* 1 EXPUNGE\r\n* 3 EXISTS\r\n");
        peer_hear(p, ""); /* DONE */
        if (strcmp(p->tag, "DONE") != 0)
            _exit(1);
        peer_say(p, "%s OK idle done\r\n", tag);
    }
    peer_hear(p, "IDLE");
    peer_say(p, "+ idling\r\n");
    pause(); /* silence */
}

static void test_idle(void **state) {
    struct trial *t = *state;
    struct err err;
    open_box(t, script_idle);
    assert_int_equal(email_imap_idle(t->s, 600, on_call, t, &err), 0);
    await(t);
    assert_int_equal(t->news, 1);
    assert_int_equal(email_imap_idle(t->s, 600, on_call, t, &err), 0);
    email_imap_wake(t->s); /* before the server agreed */
    email_imap_wake(t->s);
    await(t);
    assert_int_equal(email_imap_idle(t->s, 1, on_call, t, &err), 0);
    await(t); /* renewed */
    assert_int_equal(t->err.code, ERR_NONE);
    uint64_t begin = clock_mono_ms();
    assert_int_equal(email_imap_idle(t->s, 1, on_call, t, &err), 0);
    await(t);
    assert_int_equal(t->err.code, ERR_TIMEOUT);
    await_close(t, ERR_TIMEOUT, "fell silent");
    assert_true(clock_mono_ms() - begin < 3000);
}

static void script_no_idle(struct imap_peer *p) {
    peer_open(p, "IDLE");
    peer_hear(p, "IDLE");
    peer_say(p, "%s NO not here\r\n", p->tag);
    peer_hear(p, "NOOP");
    peer_say(p, "* 4 EXISTS\r\n");
    peer_ok(p);
    peer_wait(p);
}

static void test_no_idle(void **state) {
    struct trial *t = *state;
    struct err err;
    open_box(t, script_no_idle);
    assert_int_equal(email_imap_idle(t->s, 600, on_call, t, &err), 0);
    await(t);
    assert_int_equal(t->err.code, ERR_UNAVAILABLE);
    assert_false(email_imap_box(t->s)->has_idle);
    assert_int_equal(email_imap_idle(t->s, 600, on_call, t, &err), 0);
    await(t);
    assert_int_equal(t->err.code, ERR_NONE);
    assert_int_equal(t->news, 1);
}

static void script_bye(struct imap_peer *p) {
    peer_open(p, "IDLE");
    peer_hear(p, "IDLE");
    peer_say(p, "+ idling\r\n* OK [ALERT] The disk is full\r\n* BYE Autologout\r\n");
    peer_wait(p);
}

static void test_goodbye(void **state) {
    struct trial *t = *state;
    struct err err;
    char text[1000] = "";
    int pipes[2];
    open_box(t, script_bye);
    assert_int_equal(pipe(pipes), 0);
    t->log.fd = pipes[1];
    t->log.level = LOG_LEVEL_WARN;
    assert_int_equal(email_imap_idle(t->s, 600, on_call, t, &err), 0);
    await_close(t, ERR_UNAVAILABLE, "Autologout");
    assert_int_equal(t->calls, 1);
    assert_true(read(pipes[0], text, sizeof text - 1) > 0);
    assert_non_null(strstr(text, "event=email.alert"));
    assert_non_null(strstr(text, "The disk is full"));
    close(pipes[0]);
    close(pipes[1]);
}

static void script_nonsense(struct imap_peer *p) {
    peer_open(p, "IDLE");
    peer_hear(p, "IDLE");
    peer_say(p, "x9 OK done\r\n");
    peer_wait(p);
}

static void test_an_answer_to_nothing(void **state) {
    struct trial *t = *state;
    struct err err;
    open_box(t, script_nonsense);
    assert_int_equal(email_imap_idle(t->s, 600, on_call, t, &err), 0);
    await_close(t, ERR_PROTOCOL, "what was not asked");
}

/* --- marks and APPEND ------------------------------------------------------------------------ */

static void script_marks(struct imap_peer *p) {
    static const char *const commands[] = {"UID STORE 5,7:8 +FLAGS.SILENT (\\Seen)",
        "UID STORE 5,7:8 +FLAGS.SILENT ($Handled)", "UID COPY 5,7:8 \"Done \\\"x\"",
        "UID STORE 5,7:8 +FLAGS.SILENT (\\Deleted)", "UID EXPUNGE 5,7:8"};
    peer_open(p, "UIDPLUS");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        peer_hear(p, commands[i]);
        peer_ok(p);
    }
    peer_hear(p, "UID COPY 5,7:8 \"None\"");
    peer_say(p, "%s NO [TRYCREATE] none\r\n", p->tag);
    peer_wait(p);
}

static int mark(struct trial *t, enum email_imap_mark how, const char *what) {
    static const uint32_t uids[] = {5, 7, 8};
    if (email_imap_mark(t->s, uids, 3, how, what, on_call, t, &t->err) < 0)
        return -1;
    await(t);
    return 0;
}

/* T21: what stands in a command is quoted, or refused. */
static void test_marks(void **state) {
    struct trial *t = *state;
    open_box(t, script_marks);
    assert_int_equal(mark(t, EMAIL_MARK_SEEN, NULL), 0);
    assert_int_equal(mark(t, EMAIL_MARK_KEYWORD, "$Handled"), 0);
    assert_int_equal(mark(t, EMAIL_MARK_KEYWORD, "a) b"), -1);
    assert_int_equal(t->err.code, ERR_INVALID);
    assert_int_equal(mark(t, EMAIL_MARK_MOVE, "Done \"x"), 0);
    assert_int_equal(t->err.code, ERR_NONE);
    assert_int_equal(mark(t, EMAIL_MARK_MOVE, "None"), 0);
    assert_int_equal(t->err.code, ERR_NOT_FOUND);
}

static void script_remove(struct imap_peer *p) {
    peer_open(p, "UIDPLUS");
    peer_hear(p, "UID STORE 5,7:8 +FLAGS.SILENT (\\Deleted)");
    peer_ok(p);
    peer_hear(p, "UID EXPUNGE 5,7:8");
    peer_ok(p);
    peer_wait(p);
}

static void test_remove(void **state) {
    struct trial *t = *state;
    open_box(t, script_remove);
    assert_int_equal(mark(t, EMAIL_MARK_REMOVE, NULL), 0);
    assert_int_equal(t->err.code, ERR_NONE);
}

static void script_append(struct imap_peer *p) {
    char line[100];
    peer_open(p, "SPECIAL-USE LITERAL-");
    peer_hear(p, "LIST (SPECIAL-USE) \"\" \"*\"");
    peer_say(p, "* LIST (\\Sent \\Noselect) \"/\" no\r\n* LIST (\\Drafts) \"/\" Drafts\r\n"
                "* LIST (\\HasNoChildren \\Sent) \"/\" {8}\r\n[G]/\"Sen\r\n");
    peer_ok(p);
    peer_hear(p, "APPEND \"[G]/\\\"Sen\" (\\Seen) {4+}");
    peer_hear_line(p, line, sizeof line);
    if (strcmp(line, "a: b") != 0)
        _exit(1);
    peer_ok(p);
    peer_hear(p, "APPEND \"[G]/\\\"Sen\" (\\Seen) {5000}");
    peer_say(p, "+ go\r\n");
    peer_swallow(p, 5002);
    peer_ok(p);
    peer_hear(p, "APPEND \"Mine\" (\\Seen) {5000}");
    peer_say(p, "%s NO [OVERQUOTA] full\r\n", p->tag);
    peer_wait(p);
}

static void append(struct trial *t, const char *folder, struct span bytes) {
    struct err err;
    assert_int_equal(email_imap_append_sent(t->s, folder, bytes, on_call, t, &err), 0);
    await(t);
}

static void test_append(void **state) {
    struct trial *t = *state;
    struct err err;
    char much[5000];
    memset(much, 'x', sizeof much);
    open_box(t, script_append);
    append(t, NULL, span_str("a: b"));
    assert_int_equal(t->err.code, ERR_NONE);
    append(t, NULL, span_of(much, sizeof much));
    assert_int_equal(t->err.code, ERR_NONE);
    append(t, "Mine", span_of(much, sizeof much));
    assert_int_equal(t->err.code, ERR_TOO_LARGE);
    assert_int_equal(email_imap_append_sent(t->s, NULL, span_of("a\0b", 3), on_call, t, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
}

static void script_no_sent(struct imap_peer *p) {
    peer_open(p, "");
    peer_hear(p, "LIST \"\" \"*\"");
    peer_say(p, "* LIST () \"/\" Sent\r\n");
    peer_ok(p);
    peer_wait(p);
}

static void test_no_folder_for_what_was_sent(void **state) {
    struct trial *t = *state;
    open_box(t, script_no_sent);
    append(t, NULL, span_str("a: b"));
    assert_int_equal(t->err.code, ERR_NOT_FOUND);
    assert_int_equal(mark(t, EMAIL_MARK_MOVE, "x"), -1);
    assert_int_equal(t->err.code, ERR_UNSUPPORTED);
    assert_int_equal(mark(t, EMAIL_MARK_REMOVE, NULL), -1);
    assert_int_equal(t->err.code, ERR_UNSUPPORTED);
}

/* --- a folder by its use --------------------------------------------------------------------- */

static void script_use(struct imap_peer *p) {
    peer_enter(p, "SPECIAL-USE");
    peer_hear(p, "LIST (SPECIAL-USE) \"\" \"*\"");
    peer_say(p, "* LIST (\\Sent) \"/\" Sent\r\n* LIST (\\Junk) \"/\" \"S&-P\"\r\n");
    peer_ok(p);
    peer_hear(p, "SELECT \"S&-P\"");
    peer_say(p, "* 0 EXISTS\r\n* OK [UIDVALIDITY 5] valid\r\n");
    peer_ok(p);
    peer_wait(p);
}

static void script_no_use(struct imap_peer *p) {
    peer_enter(p, "");
    peer_hear(p, "LIST \"\" \"*\"");
    peer_say(p, "* LIST (\\Junk \\NonExistent) \"/\" Old\r\n* LIST () \"/\" Junk\r\n");
    peer_ok(p);
    peer_wait(p);
}

static void test_a_folder_by_its_use(void **state) {
    struct trial *t = *state;
    open_options(t, script_use, (struct email_imap_options){.use = "\\Junk"});
    assert_int_equal(t->readies, 1);
}

static void test_no_folder_of_that_use(void **state) {
    struct trial *t = *state;
    open_options(t, script_no_use, (struct email_imap_options){.use = "\\Junk"});
    await_close(t, ERR_NOT_FOUND, "\\Junk");
}

#define TRIAL(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TRIAL(test_box_and_search),
        TRIAL(test_no_folder),
        TRIAL(test_bad_folder),
        TRIAL(test_no_uidvalidity),
        TRIAL(test_uidvalidity_changes_under_us),
        TRIAL(test_mails),
        TRIAL(test_mails_that_are_gone),
        TRIAL(test_a_mail_that_is_kept_from_us),
        TRIAL(test_the_uid_behind_the_body),
        TRIAL(test_dropped_in_a_mail),
        TRIAL(test_a_mail_too_large_to_skip),
        TRIAL(test_an_unwanted_mail_is_skipped),
        TRIAL(test_closed_in_a_mail),
        TRIAL(test_a_slow_drip),
        TRIAL(test_a_slow_reader),
        TRIAL(test_idle),
        TRIAL(test_no_idle),
        TRIAL(test_goodbye),
        TRIAL(test_an_answer_to_nothing),
        TRIAL(test_marks),
        TRIAL(test_remove),
        TRIAL(test_append),
        TRIAL(test_no_folder_for_what_was_sent),
        TRIAL(test_a_folder_by_its_use),
        TRIAL(test_no_folder_of_that_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
