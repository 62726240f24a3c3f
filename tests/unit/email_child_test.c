/* email_child_test.c - mails through children: many through one, and children that crash, hang,
 * lie, eat memory or try to get out. This program is also the child (`read-mail`): the first word
 * of a mail's subject says what it shall do wrong. */
#include "json_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "connectors/email/email_asan.h"
#include "connectors/email/email_child.h"
#include "connectors/email/email_child_private.h"
#include "connectors/email/email_frame.h"

#define MAILS_MAX 3000

/* --- the child ------------------------------------------------------------------------------- */

static json_t *small_mail(const char *text, json_int_t size) {
    return json_pack("{s:s,s:i,s:[],s:[{s:s,s:s,s:s,s:I}]}", "text", text, "hops", 0, "notes",
        "parts", "what", "attachment", "name", "x", "mime", "a/b", "size", size);
}

/* Each call that must be refused, by name; "" when all were. */
static const char *try_to_get_out(void) {
    static char code[4096] __attribute__((aligned(4096)));
    struct rlimit limit;
    int pair[2];
    if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EPERM)
        return "open";
    if (open("/tmp/x", O_RDWR | O_CREAT, 0600) >= 0 || errno != EPERM)
        return "create";
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM)
        return "socket";
    if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM)
        return "unix socket";
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 || errno != EPERM)
        return "socketpair";
    if (fork() >= 0 || errno != EPERM)
        return "fork";
    if (kill(getpid(), 0) == 0 || errno != EPERM)
        return "kill";
    if (execl("/bin/true", "true", (char *)NULL) == 0 || errno != EPERM)
        return "exec";
    if (prctl(PR_SET_PDEATHSIG, 0) == 0 || errno != EPERM)
        return "prctl";
    if (setrlimit(RLIMIT_CPU, &(struct rlimit){1, 1}) == 0 || errno != EPERM)
        return "setrlimit";
    if (getrlimit(RLIMIT_CPU, &limit) == 0 || errno != EPERM)
        return "getrlimit";
    if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        return "mmap of code";
    if (mprotect(code, sizeof code, PROT_READ | PROT_EXEC) == 0)
        return "mprotect to code";
    if (memfd_create("x", 0) >= 0 || errno != EPERM)
        return "memfd_create";
    return "";
}

static int answer(const struct email_sink *sink, const char *text, json_int_t size, size_t pieces) {
    json_t *mail = small_mail(text, size);
    int rc = sink->on_mail(sink->arg, mail);
    for (size_t i = 0; i < pieces && rc == 0; i++)
        rc = sink->on_part(sink->arg, 0, span_str("12345"));
    json_decref(mail);
    return rc;
}

static void eat_memory(void) {
    for (size_t i = 0; i < 64; i++) {
        char *p = mem_alloc(16 << 20);
        memset(p, 1, 16 << 20);
    }
}

static int read_mail(int fd, const struct email_sink *sink, struct err *err) {
    char head[64] = "";
    if (pread(fd, head, sizeof head - 1, 0) < 0)
        return err_set(err, ERR_IO, "cannot be read");
    if (strncmp(head, "crash", 5) == 0) {
        answer(sink, "half", 100, 1);
        raise(SIGSEGV); /* refused, as all signals but to itself */
        abort();
    }
    if (strncmp(head, "exit", 4) == 0)
        _exit(7);
    if (strncmp(head, "hang", 4) == 0)
        for (volatile unsigned i = 0;; i++)
            ;
    if (strncmp(head, "memory", 6) == 0)
        eat_memory();
    if (strncmp(head, "escape", 6) == 0)
        return answer(sink, try_to_get_out(), 0, 0);
    if (strncmp(head, "more", 4) == 0)
        return answer(sink, "more than it said", 8, 2);
    if (strncmp(head, "less", 4) == 0)
        return answer(sink, "less than it said", 15, 2);
    if (strncmp(head, "twice", 5) == 0 && answer(sink, "once", 5, 1) == 0)
        return answer(sink, "twice", 5, 1);
    if (strncmp(head, "slow", 4) == 0)
        return answer(sink, "many pieces", 5 * 20000, 20000);
    if (strncmp(head, "nonsense", 8) == 0) {
        ssize_t n = write(EMAIL_CHILD_SOCKET, "nonsense, nonsense", 18);
        return n > 0 ? answer(sink, "", 0, 0) : -1;
    }
    if (strncmp(head, "fails", 5) == 0)
        return err_set(err, ERR_IO, "the disk is on fire");
    return email_read(fd, sink, err);
}

/* --- the parent ------------------------------------------------------------------------------ */

struct trial {
    struct log log;
    struct env env;
    struct email_readers *readers;
    unsigned expected, done;
};

struct one {
    struct trial *t;
    struct email_reading *reading;
    json_t *mail;
    uint64_t bytes;
    unsigned pieces, dones;
    struct err err;
    bool cancel_at_mail, pause_at_part, cancelled;
    struct loop_timer *resume;
};

static void on_mail(void *arg, const json_t *mail) {
    struct one *o = arg;
    assert_false(o->cancelled);
    assert_null(o->mail);
    o->mail = json_deep_copy(mail);
    if (o->cancel_at_mail) {
        o->cancelled = true;
        email_reading_cancel(o->reading);
        if (++o->t->done == o->t->expected)
            loop_stop(o->t->env.loop);
    }
}

static void resume(void *arg) {
    struct one *o = arg;
    loop_timer_stop(&o->resume);
    email_reading_pause(o->reading, false);
}

static void on_part(void *arg, size_t index, struct span piece) {
    struct one *o = arg;
    assert_false(o->cancelled);
    assert_int_equal(index, 0);
    assert_null(o->resume);
    o->bytes += piece.n;
    o->pieces++;
    if (o->pause_at_part && o->pieces % 5000 == 0) {
        email_reading_pause(o->reading, true);
        o->resume = loop_timer_start(o->t->env.loop, 60, 0, resume, o);
    }
}

static void on_done(void *arg, const struct err *err) {
    struct one *o = arg;
    assert_false(o->cancelled);
    o->dones++;
    o->err = err ? *err : (struct err){0};
    if (++o->t->done == o->t->expected)
        loop_stop(o->t->env.loop);
}

static void begin(struct trial *t, struct email_readers_options options) {
    *t = (struct trial){.env = {.loop = loop_create()}};
    log_init(&t->log);
    t->env.log = &t->log;
    t->readers = email_readers_create(&t->env, &options);
}

static void end(struct trial *t) {
    email_readers_destroy(&t->readers);
    loop_destroy(&t->env.loop);
    assert_int_equal(
        waitpid(-1, NULL, WNOHANG), -1); /* no child is left, none waits to be reaped */
    assert_int_equal(errno, ECHILD);
}

static int mail_file(const char *text) {
    int fd = memfd_create("mail", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return fd;
}

static void ask(struct trial *t, struct one *o, const char *text) {
    static const struct email_reading_fns fns = {on_mail, on_part, on_done};
    o->t = t;
    o->reading = email_readers_read(t->readers, mail_file(text), &fns, o);
    t->expected++;
    assert_int_equal(o->dones, 0);
}

static void clear(struct one *o) {
    json_decref(o->mail);
    *o = (struct one){0};
}

#define GOOD "From: a@example.org\nSubject: Good\nDate: Fri, 13 Mar 2026 10:00:00 +0000\n\nHello.\n"

static void expect_good(const struct one *o) {
    if (o->err.code)
        fail_msg("%s", o->err.text);
    assert_int_equal(o->dones, 1);
    expect_at(o->mail, "subject", "'Good'");
    expect_at(o->mail, "text", "'Hello.'");
}

static void many_mails_go_through_one_child(void **state) {
    static struct one all[MAILS_MAX];
    struct trial t;
    (void)state;
    begin(&t, (struct email_readers_options){.children = 1});
    for (size_t i = 0; i < MAILS_MAX; i += 300) { /* open files are bounded in tests, too */
        for (size_t j = i; j < i + 300; j++)
            ask(&t, &all[j], GOOD);
        loop_run(t.env.loop);
    }
    for (size_t i = 0; i < MAILS_MAX; i++) {
        expect_good(&all[i]);
        clear(&all[i]);
    }
    end(&t);
}

/* One bad mail, and a good one before and after it. */
static void among_good_ones(const char *text, enum err_code code, const char *sentence,
    struct email_readers_options options) {
    struct trial t;
    struct one before = {0}, bad = {0}, after = {0};
    begin(&t, options);
    ask(&t, &before, GOOD);
    ask(&t, &bad, text);
    ask(&t, &after, GOOD);
    loop_run(t.env.loop);
    expect_good(&before);
    expect_good(&after);
    assert_int_equal(bad.dones, 1);
    if (bad.err.code != code || !strstr(bad.err.text, sentence))
        fail_msg("%s: %s: %s", text, err_name(bad.err.code), bad.err.text);
    clear(&before);
    clear(&bad);
    clear(&after);
    end(&t);
}

static void a_mail_that_kills_its_child_is_told(void **state) {
    (void)state;
    among_good_ones("crash", ERR_PROTOCOL, "signal", (struct email_readers_options){0});
    among_good_ones("exit", ERR_PROTOCOL, "status 7", (struct email_readers_options){0});
}

static void a_child_that_lies_is_ended(void **state) {
    (void)state;
    among_good_ones("more", ERR_PROTOCOL, "bytes of no part", (struct email_readers_options){0});
    among_good_ones(
        "less", ERR_PROTOCOL, "before the mail does", (struct email_readers_options){0});
    among_good_ones("twice", ERR_PROTOCOL, "nobody asked", (struct email_readers_options){0});
    among_good_ones("nonsense", ERR_PROTOCOL, "nonsense", (struct email_readers_options){0});
    among_good_ones("fails", ERR_IO, "on fire", (struct email_readers_options){0});
}

static void a_mail_that_hangs_times_out(void **state) {
    (void)state;
    among_good_ones("hang", ERR_TIMEOUT, "400 ms",
        (struct email_readers_options){.deadline_ms = EMAIL_ASAN ? 400 : 400, .children = 1});
}

/* With AddressSanitizer there is no limit on address space (email_sandbox.c): nothing to see. */
static void memory_is_bounded(void **state) {
    (void)state;
    if (!EMAIL_ASAN)
        among_good_ones("memory", ERR_PROTOCOL, "signal 6", (struct email_readers_options){0});
}

static void a_child_cannot_get_out(void **state) {
    struct trial t;
    struct one o = {0};
    (void)state;
    begin(&t, (struct email_readers_options){0});
    ask(&t, &o, "escape");
    loop_run(t.env.loop);
    if (o.err.code)
        fail_msg("%s", o.err.text);
    expect_at(o.mail, "text", "''"); /* else the name of what was possible */
    clear(&o);
    end(&t);
}

static void a_reading_can_be_cancelled(void **state) {
    struct trial t;
    struct one queued = {0}, told = {.cancel_at_mail = true}, good = {0};
    (void)state;
    begin(&t, (struct email_readers_options){.children = 1});
    ask(&t, &told, "slow");
    ask(&t, &queued, GOOD);
    ask(&t, &good, GOOD);
    queued.cancelled = true;
    email_reading_cancel(queued.reading);
    t.expected--;
    loop_run(t.env.loop);
    expect_good(&good);
    assert_int_equal(told.dones + queued.dones, 0);
    clear(&told);
    clear(&good);
    end(&t);
}

static void a_slow_parent_pauses(void **state) {
    struct trial t;
    struct one o = {.pause_at_part = true};
    (void)state;
    begin(&t, (struct email_readers_options){.deadline_ms = 2000});
    ask(&t, &o, "slow");
    uint64_t before = clock_mono_ms();
    loop_run(t.env.loop);
    assert_int_equal(o.err.code, 0);
    assert_int_equal(o.bytes, 100000);
    assert_true(clock_mono_ms() - before >= 4 * 60 - 20);
    clear(&o);
    end(&t);
}

static void what_runs_is_ended_at_the_end(void **state) {
    struct trial t;
    struct one running = {0}, queued = {0}, good = {0};
    (void)state;
    begin(&t, (struct email_readers_options){.children = 2});
    ask(&t, &good, GOOD);
    loop_run(t.env.loop);
    ask(&t, &running, "hang");
    ask(&t, &queued, GOOD);
    email_readers_destroy(&t.readers);
    assert_int_equal(running.err.code, ERR_UNAVAILABLE);
    assert_int_equal(queued.err.code, ERR_UNAVAILABLE);
    expect_good(&good);
    clear(&good);
    end(&t);
}

static void stop(void *arg) {
    loop_stop(((struct trial *)arg)->env.loop);
}

static void idle_children_are_ended(void **state) {
    struct trial t;
    struct one a = {0}, b = {0};
    (void)state;
    begin(&t, (struct email_readers_options){.children = 2, .idle_ms = 50});
    ask(&t, &a, GOOD);
    loop_run(t.env.loop);
    struct loop_timer *wait = loop_timer_start(t.env.loop, 400, 0, stop, &t);
    loop_run(t.env.loop);
    loop_timer_stop(&wait);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    ask(&t, &b, GOOD);
    loop_run(t.env.loop);
    expect_good(&a);
    expect_good(&b);
    clear(&a);
    clear(&b);
    end(&t);
}

/* Others' children are not waited for. */
static void strangers_children_are_left_alone(void **state) {
    struct trial t;
    struct one o = {0};
    (void)state;
    pid_t stranger = fork();
    if (stranger == 0)
        _exit(3);
    begin(&t, (struct email_readers_options){0});
    ask(&t, &o, "crash");
    loop_run(t.env.loop);
    int status = 0;
    assert_int_equal(waitpid(stranger, &status, 0), stranger);
    assert_int_equal(WEXITSTATUS(status), 3);
    clear(&o);
    end(&t);
}

static void mails_without_a_process_wait_for_later(void **state) {
    struct trial t;
    struct one o = {0};
    struct rlimit before, none;
    (void)state;
    begin(&t, (struct email_readers_options){0});
    ask(&t, &o, GOOD);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){3, before.rlim_max}; /* no socket pair can be made */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    loop_run(t.env.loop);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(o.err.code, ERR_UNAVAILABLE);
    clear(&o);
    end(&t);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_mails_go_through_one_child),
        cmocka_unit_test(a_mail_that_kills_its_child_is_told),
        cmocka_unit_test(a_child_that_lies_is_ended),
        cmocka_unit_test(a_mail_that_hangs_times_out),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(a_child_cannot_get_out),
        cmocka_unit_test(a_reading_can_be_cancelled),
        cmocka_unit_test(a_slow_parent_pauses),
        cmocka_unit_test(what_runs_is_ended_at_the_end),
        cmocka_unit_test(idle_children_are_ended),
        cmocka_unit_test(strangers_children_are_left_alone),
        cmocka_unit_test(mails_without_a_process_wait_for_later),
    };
    if (argc > 1 && strcmp(argv[1], "read-mail") == 0)
        _exit(email_child_serve(read_mail));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
