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
    char token[64], refresh[64];
    struct err err;
};

static void on_keep(void *arg, const char *refresh_token) {
    struct trial *t = arg;
    t->kept++;
    snprintf(t->refresh, sizeof t->refresh, "%s", refresh_token);
}

static struct email_oauth *oauth(struct trial *t, const char *refresh_token, const char *url) {
    struct email_oauth_account account = {.token_url = url,
        .client_id = "id",
        .client_secret = "s&e=c ret",
        .refresh_token = refresh_token,
        .scope = "https://mail.google.com/",
        .allow_private = true,
        .allow_plain = true};
    return email_oauth_create(&t->env, t->http, &account, on_keep, t);
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

static void ask(struct trial *t, unsigned times) {
    t->expected = t->calls + times;
    for (unsigned i = 0; i < times; i++)
        email_oauth_token(t->oauth, on_token, t);
    assert_int_equal(t->calls, t->expected - times); /* later, never from inside */
    loop_run(t->env.loop);
    assert_int_equal(t->calls, t->expected);
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
    assert_int_equal(t->kept, 0);
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
    assert_string_equal(t->refresh, "rt-1");
    email_oauth_refused(t->oauth, "at-1");
    ask(t, 1);
    assert_non_null(strstr(t->seen->body, "refresh_token=rt-1&"));
    email_oauth_set_refresh_token(t->oauth, "rt-other");
    email_oauth_refused(t->oauth, "at-2");
    t->seen->mode = GIVES;
    ask(t, 1);
    assert_non_null(strstr(t->seen->body, "refresh_token=rt-other&"));
    assert_int_equal(t->kept, 2);
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
        TEST(test_renewed_ahead), TEST(test_refusals), TEST(test_other_endpoints),
        TEST(test_waiting_ends), cmocka_unit_test(test_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
