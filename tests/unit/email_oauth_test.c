/* email_oauth_test.c - tokens from an endpoint that gives them, changes the refresh token, refuses,
 * is down: who asks how often, and what is kept. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "connectors/email/email_oauth.h"
#include "connectors/email/email_oauth_answer.h"

/* --- the endpoint ---------------------------------------------------------------------------- */

enum mode { GIVES, ROTATES, GIVES_SHORT, INVALID_GRANT, INVALID_CLIENT, DOWN, NOISE };

struct seen {
    _Atomic int mode;
    _Atomic unsigned requests;
    char body[2048]; /* of the last */
};

static void answer(int fd, struct seen *seen) {
    char text[1024], out[1400];
    unsigned n = ++seen->requests;
    int status = 200;
    switch ((int)seen->mode) {
    case GIVES:
        snprintf(text, sizeof text,
            "{\"access_token\":\"at-%u\",\"token_type\":\"Bearer\",\"expires_in\":3599}", n);
        break;
    case ROTATES:
        snprintf(text, sizeof text,
            "{\"access_token\":\"at-%u\",\"expires_in\":3599,\"refresh_token\":\"rt-%u\"}", n, n);
        break;
    case GIVES_SHORT:
        snprintf(text, sizeof text, "{\"access_token\":\"at-%u\",\"expires_in\":\"1\"}", n);
        break;
    case INVALID_GRANT:
        status = 400;
        snprintf(text, sizeof text,
            "{\"error\":\"invalid_grant\",\"error_description\":\"Token has been expired or "
            "revoked.\"}");
        break;
    case INVALID_CLIENT:
        status = 401;
        snprintf(text, sizeof text, "{\"error\":\"invalid_client\"}");
        break;
    case DOWN:
        status = 503;
        snprintf(text, sizeof text, "<html>down</html>");
        break;
    default:
        snprintf(text, sizeof text, "{\"access_token\":\"with space\"}");
    }
    usleep(30000); /* so that others come meanwhile */
    snprintf(out, sizeof out, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
        status, strlen(text), text);
    if (send(fd, out, strlen(out), MSG_NOSIGNAL) < 0)
        _exit(1);
}

static void serve(int listener, struct seen *seen) {
    for (;;) {
        char rq[4096];
        size_t n = 0;
        ssize_t got;
        int fd = accept(listener, NULL, NULL);
        while ((got = recv(fd, rq + n, sizeof rq - 1 - n, 0)) > 0) {
            n += (size_t)got;
            rq[n] = '\0';
            char *body = strstr(rq, "\r\n\r\n"), *length = strstr(rq, "Content-Length: ");
            if (!body || !length || strlen(body + 4) < strtoul(length + 16, NULL, 10))
                continue;
            snprintf(seen->body, sizeof seen->body, "%s", body + 4);
            answer(fd, seen);
            break;
        }
        close(fd);
    }
}

/* --- the tests' side ------------------------------------------------------------------------- */

struct trial {
    pid_t peer;
    struct seen *seen;
    struct log log;
    struct env env;
    struct http_client *http;
    struct email_oauth *oauth;
    char url[64];
    unsigned calls, expected, kept;
    char token[64], text[1000]; /* text: what is kept */
    bool locked, away;
    struct err err;
};

/* --- what is kept: as Redis would, each answer later ----------------------------------------- */

struct asked {
    struct trial *t;
    void (*on_text)(void *o, struct span text, const struct err *err);
    void (*on_saved)(void *o, const struct err *err);
    void (*on_lock)(void *o, bool got, const struct err *err);
    char *text;
    void *o;
};

static void say_later(void *arg) {
    struct asked *a = arg;
    struct trial *t = a->t;
    struct err err;
    bool got = !t->locked;
    err_set(&err, ERR_UNAVAILABLE, "away");
    if (a->on_saved && !t->away) {
        t->kept++;
        snprintf(t->text, sizeof t->text, "%s", a->text);
    }
    t->locked = t->locked || (a->on_lock && !t->away);
    if (a->on_text)
        a->on_text(a->o, span_str(t->away ? "" : t->text), t->away ? &err : NULL);
    else if (a->on_lock)
        a->on_lock(a->o, got && !t->away, t->away ? &err : NULL);
    else
        a->on_saved(a->o, t->away ? &err : NULL);
    free(a->text);
    free(a);
}

static struct asked *asked(void *arg, void *o) {
    struct trial *t = arg;
    struct asked *a = mem_zalloc(sizeof *a);
    a->t = t;
    a->o = o;
    loop_defer(t->env.loop, say_later, a);
    return a;
}

static void load(void *arg, void (*fn)(void *o, struct span, const struct err *), void *o) {
    asked(arg, o)->on_text = fn;
}

static void save(void *arg, struct span text, void (*fn)(void *o, const struct err *), void *o) {
    struct asked *a = asked(arg, o);
    a->on_saved = fn;
    a->text = mem_strndup(text.p, text.n);
}

static void lock(
    void *arg, unsigned ms, void (*fn)(void *o, bool got, const struct err *), void *o) {
    assert_true(ms > 30000);
    asked(arg, o)->on_lock = fn;
}

static void unlock(void *arg) {
    struct trial *t = arg;
    assert_true(t->locked);
    t->locked = false;
}

static struct email_oauth *with_scope(
    struct trial *t, const char *refresh_token, const char *url, const char *scope) {
    struct email_oauth_account account = {.token_url = url,
        .client_id = "id",
        .client_secret = "s&e=c ret",
        .refresh_token = refresh_token,
        .scope = scope,
        .allow_private = true,
        .allow_plain = true};
    const struct email_oauth_keeper keeper = {load, save, lock, unlock, t};
    return email_oauth_create(&t->env, t->http, &account, &keeper);
}

static struct email_oauth *oauth(struct trial *t, const char *refresh_token, const char *url) {
    return with_scope(t, refresh_token, url, "https://mail.google.com/");
}

static int set_up(void **state) {
    struct trial *t = mem_zalloc(sizeof *t);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    t->seen =
        mmap(NULL, sizeof *t->seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crypto_start() < 0 || t->seen == MAP_FAILED ||
        bind(listener, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(listener, 20) < 0)
        return -1;
    getsockname(listener, (struct sockaddr *)&sa, &len);
    snprintf(t->url, sizeof t->url, "http://127.0.0.1:%u/token", ntohs(sa.sin_port));
    t->peer = fork();
    if (t->peer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener, t->seen);
    }
    close(listener);
    log_init(&t->log);
    t->env.log = &t->log;
    t->env.loop = loop_create();
    t->env.metrics = metrics_create(1);
    t->http = http_client_create(&t->env);
    t->oauth = oauth(t, "rt-0", t->url);
    *state = t;
    return 0;
}

static int tear_down(void **state) {
    struct trial *t = *state;
    email_oauth_destroy(&t->oauth);
    http_client_destroy(&t->http);
    loop_destroy(&t->env.loop);
    metrics_destroy(&t->env.metrics);
    kill(t->peer, SIGKILL);
    waitpid(t->peer, NULL, 0);
    munmap(t->seen, sizeof *t->seen);
    free(t);
    return 0;
}

static void on_token(void *arg, const char *token, const struct err *err) {
    struct trial *t = arg;
    assert_true((token == NULL) == (err != NULL));
    t->calls++;
    snprintf(t->token, sizeof t->token, "%s", token ? token : "");
    t->err = err ? *err : (struct err){0};
    if (t->calls == t->expected)
        loop_stop(t->env.loop);
}

static void ask_of(struct trial *t, struct email_oauth *o, unsigned times) {
    t->expected = t->calls + times;
    for (unsigned i = 0; i < times; i++)
        email_oauth_token(o, on_token, t);
    assert_int_equal(t->calls, t->expected - times); /* later, never from inside */
    loop_run(t->env.loop);
    assert_int_equal(t->calls, t->expected);
}

static void ask(struct trial *t, unsigned times) {
    ask_of(t, t->oauth, times);
}

static void stop_loop(void *arg) {
    struct trial *t = arg;
    loop_stop(t->env.loop);
}

static void test_one_request(void **state) {
    struct trial *t = *state;
    ask(t, 10);
    assert_string_equal(t->token, "at-1");
    assert_int_equal(t->seen->requests, 1);
    assert_string_equal(t->seen->body,
        "grant_type=refresh_token&refresh_token=rt-0&client_id=id&client_secret=s%26e%3Dc%20ret"
        "&scope=https%3A%2F%2Fmail.google.com%2F");
    ask(t, 3);
    assert_int_equal(t->seen->requests, 1);
    assert_int_equal(t->kept, 1);
    assert_false(t->locked);
    email_oauth_refused(t->oauth, "another");
    ask(t, 1);
    assert_int_equal(t->seen->requests, 1);
    email_oauth_refused(t->oauth, "at-1");
    ask(t, 1);
    assert_string_equal(t->token, "at-2");
}

static void test_rotated_refresh_token(void **state) {
    struct trial *t = *state;
    t->seen->mode = ROTATES;
    ask(t, 2);
    assert_int_equal(t->kept, 1);
    assert_non_null(strstr(t->text, "\"refresh\":\"rt-1\""));
    email_oauth_refused(t->oauth, "at-1");
    ask(t, 1);
    assert_non_null(strstr(t->seen->body, "refresh_token=rt-1&"));
    assert_int_equal(t->kept, 2);
}

/* Two workers, or one and doctor: each use of a refresh token is the last of it. */
static void test_shared(void **state) {
    struct trial *t = *state;
    struct email_oauth *other = oauth(t, "rt-0", t->url), *new;
    t->seen->mode = ROTATES;
    email_oauth_token(other, on_token, t); /* at the same time */
    t->expected = 2;
    email_oauth_token(t->oauth, on_token, t);
    loop_run(t->env.loop);
    assert_int_equal(t->seen->requests, 1);
    assert_string_equal(t->token, "at-1");
    email_oauth_refused(t->oauth, NULL); /* the other one's stays what it is */
    ask(t, 1);
    assert_string_equal(t->token, "at-2");
    assert_non_null(strstr(t->seen->body, "refresh_token=rt-1&"));
    email_oauth_refused(other, "at-1");
    ask_of(t, other, 1);
    assert_string_equal(t->token, "at-2"); /* as kept */
    email_oauth_refused(other, "at-2");
    ask_of(t, other, 1);
    assert_non_null(strstr(t->seen->body, "refresh_token=rt-2&"));
    assert_int_equal(t->seen->requests, 3);
    assert_false(t->locked);
    new = with_scope(t, "rt-0", t->url, "more"); /* the same permission, asked for otherwise */
    ask_of(t, new, 1);
    assert_non_null(strstr(t->seen->body, "refresh_token=rt-3&"));
    email_oauth_destroy(&new);
    new = oauth(t, "rt-new", t->url); /* the admin connected the account anew */
    ask_of(t, new, 1);
    assert_non_null(strstr(t->seen->body, "refresh_token=rt-new&"));
    email_oauth_destroy(&new);
    email_oauth_destroy(&other);
}

/* Redis goes away while the server answers: what it gave is kept before anything else is asked. */
static void test_kept_later(void **state) {
    struct trial *t = *state;
    t->away = true;
    ask(t, 1);
    assert_int_equal(t->err.code, ERR_UNAVAILABLE);
    assert_int_equal(t->seen->requests, 0); /* nothing is used that could not be kept */
    t->away = false;
    t->seen->mode = ROTATES;
    email_oauth_token(t->oauth, on_token, t);
    t->expected = t->calls + 1;
    while (!t->seen->requests) { /* until it was asked */
        struct loop_timer *soon = loop_timer_start(t->env.loop, 5, 0, stop_loop, t);
        loop_run(t->env.loop);
        loop_timer_stop(&soon);
    }
    t->away = true;
    loop_run(t->env.loop);
    assert_string_equal(t->token, "at-1");
    assert_int_equal(t->kept, 0);
    t->away = t->locked = false;
    email_oauth_refused(t->oauth, NULL);
    ask(t, 1);
    assert_int_equal(t->kept, 2); /* rt-1, then what was got for it */
    assert_non_null(strstr(t->seen->body, "refresh_token=rt-1&"));
}

/* Another has the lock, and dies or comes to an end. */
static void test_locked(void **state) {
    struct trial *t = *state;
    t->locked = true;
    email_oauth_token(t->oauth, on_token, t);
    t->expected = 1;
    struct loop_timer *soon = loop_timer_start(t->env.loop, 500, 0, stop_loop, t);
    loop_run(t->env.loop);
    loop_timer_stop(&soon);
    assert_int_equal(t->calls, 0);
    assert_int_equal(t->seen->requests, 0);
    t->locked = false;
    loop_run(t->env.loop);
    assert_string_equal(t->token, "at-1");
}

static void test_renewed_ahead(void **state) {
    struct trial *t = *state;
    t->seen->mode = GIVES_SHORT; /* one second: renewed after half of it */
    ask(t, 1);
    usleep(600000);
    t->seen->mode = DOWN; /* the old one is good for a while */
    ask(t, 1);
    assert_string_equal(t->token, "at-1");
    assert_int_equal(t->seen->requests, 2);
    usleep(600000);
    ask(t, 1);
    assert_string_equal(t->token, "");
    assert_int_equal(t->err.code, ERR_UNAVAILABLE);
    t->seen->mode = GIVES;
    ask(t, 1);
    assert_string_equal(t->token, "at-4");
}

static void test_refusals(void **state) {
    struct trial *t = *state;
    t->seen->mode = INVALID_GRANT;
    ask(t, 2);
    assert_int_equal(t->err.code, ERR_DENIED);
    assert_non_null(strstr(t->err.text, "connect the account again"));
    assert_non_null(strstr(t->err.text, "Token has been expired or revoked."));
    t->seen->mode = INVALID_CLIENT;
    ask(t, 1);
    assert_int_equal(t->err.code, ERR_DENIED);
    t->seen->mode = NOISE;
    ask(t, 1);
    assert_int_equal(t->err.code, ERR_PROTOCOL);
    t->seen->mode = GIVES;
    ask(t, 1);
    assert_int_equal(t->err.code, ERR_NONE);
}

static void test_other_endpoints(void **state) {
    struct trial *t = *state;
    email_oauth_destroy(&t->oauth);
    t->oauth = oauth(t, "", t->url);
    ask(t, 1);
    assert_int_equal(strncmp(t->seen->body, "grant_type=client_credentials&client_id", 39), 0);
    email_oauth_destroy(&t->oauth);
    t->oauth = oauth(t, "rt", "ftp://x");
    ask(t, 1);
    assert_int_equal(t->err.code, ERR_DENIED);
    email_oauth_destroy(&t->oauth);
    t->oauth = oauth(t, "rt", "http://127.0.0.1:1/");
    ask(t, 1);
    assert_int_equal(t->err.code, ERR_UNAVAILABLE);
}

static void test_waiting_ends(void **state) {
    struct trial *t = *state;
    struct email_oauth_wait *w = email_oauth_token(t->oauth, on_token, t);
    email_oauth_token(t->oauth, on_token, t);
    email_oauth_cancel(w);
    email_oauth_destroy(&t->oauth);
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->err.code, ERR_UNAVAILABLE);
    t->oauth = oauth(t, "rt-0", t->url);
    ask(t, 1);
    assert_string_equal(t->token, "at-1"); /* the first was cancelled before it went */
}

static void test_answers(void **state) {
    static const struct {
        int status;
        const char *body;
        enum err_code code;
        int expires_s;
    } rows[] = {{200, "{\"access_token\":\"a\"}", ERR_NONE, 3600},
        {200, "{\"access_token\":\"a\",\"token_type\":\"bearer\",\"expires_in\":60}", ERR_NONE, 60},
        {200, "{\"access_token\":\"a\",\"expires_in\":1e300}", ERR_NONE, 86400},
        {200, "{\"access_token\":\"a\",\"expires_in\":999999999}", ERR_NONE, 86400},
        {200, "{\"access_token\":\"a\",\"expires_in\":-5}", ERR_NONE, 3600},
        {200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}", ERR_PROTOCOL, 0},
        {200, "{\"access_token\":\"a\\r\\nb\"}", ERR_PROTOCOL, 0}, {200, "{}", ERR_PROTOCOL, 0},
        {200, "", ERR_PROTOCOL, 0}, {302, "", ERR_PROTOCOL, 0}, {400, "{}", ERR_PROTOCOL, 0},
        {400, "{\"error\":\"invalid_grant\"}", ERR_DENIED, 0},
        {400, "{\"error\":\"invalid_scope\"}", ERR_DENIED, 0},
        {400, "{\"error\":\"invalid_request\"}", ERR_PROTOCOL, 0}, {401, "", ERR_DENIED, 0},
        {400, "{\"error\":\"temporarily_unavailable\"}", ERR_UNAVAILABLE, 0},
        {429, "", ERR_UNAVAILABLE, 0}, {500, "x", ERR_UNAVAILABLE, 0}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct email_oauth_answer a;
        struct err err = {0};
        email_oauth_answer_read(rows[i].status, span_str(rows[i].body), &a, &err);
        if (err.code != rows[i].code || a.expires_s != rows[i].expires_s)
            fail_msg("%d %s: %d %s", rows[i].status, rows[i].body, err.code, err.text);
        free(a.access_token);
        free(a.refresh_token);
    }
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(test_one_request), TEST(test_rotated_refresh_token),
        TEST(test_shared), TEST(test_kept_later), TEST(test_locked), TEST(test_renewed_ahead),
        TEST(test_refusals), TEST(test_other_endpoints), TEST(test_waiting_ends),
        cmocka_unit_test(test_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
