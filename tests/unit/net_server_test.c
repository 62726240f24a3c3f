/* net_server_test.c - the gate, the HTTP server and the websocket server together on one port, in a
 * child process; the tests speak to it by plain sockets. The child's clean exit (with the leak
 * checker in it) is the last check. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "net/gate.h"

#define FILE_TEXT "0123456789abcdef"

/* --- the child -------------------------------------------------------------------------------- */

struct app {
    struct env env;
    struct log log;
    struct http_server *http;
    struct ws_server *ws;
    struct gate *gate;
    struct loop_timer *timer;
    struct ws_session *sessions[64];
    unsigned n_sessions;
    unsigned abandoned;
};

struct later {
    struct app *app;
    struct http_exchange *x;
    struct loop_timer *timer;
    size_t bytes;
};

static void on_hello(struct http_exchange *x, void *arg) {
    (void)arg;
    http_reply(x, 200, "text/plain", "hello", 5);
}

static void on_later(void *arg) {
    struct later *l = arg;
    loop_timer_stop(&l->timer);
    http_reply(l->x, 200, "text/plain", "later", 5);
    free(l);
}

static void on_late(struct http_exchange *x, void *arg) {
    struct app *app = arg;
    struct later *l = mem_zalloc(sizeof *l);
    l->x = x;
    l->timer = loop_timer_start(app->env.loop, 20, 0, on_later, l);
}

static void on_echo(struct http_exchange *x, void *arg) {
    struct span body = http_body(x);
    (void)arg;
    http_reply(x, 200, "application/octet-stream", body.p, body.n);
}

static void on_json(struct http_exchange *x, void *arg) {
    json_t *body = http_body_json(x);
    (void)arg;
    if (body)
        http_reply_json(x, 200, body);
}

static void on_about(struct http_exchange *x, void *arg) {
    (void)arg;
    http_reply_json(x, 200,
        json_pack("{s:s?,s:s?,s:s?,s:s?,s:s,s:b}", "id", http_path_arg(x, "id"), "rest",
            http_path_arg(x, "rest"), "q", http_query(x, "q"), "cookie", http_cookie(x, "c"),
            "peer", http_peer(x), "tls", http_is_tls(x)));
}

static void on_file(struct http_exchange *x, void *arg) {
    char path[] = "/tmp/net_server_test.XXXXXX";
    int fd = mkstemp(path);
    (void)arg;
    unlink(path);
    if (write(fd, FILE_TEXT, sizeof FILE_TEXT - 1) < 0)
        abort();
    http_reply_file(x, fd, sizeof FILE_TEXT - 1, "text/plain", "\"tag\"");
}

static int upload_chunk(void *user, struct span data, struct err *err) {
    struct later *l = user;
    l->bytes += data.n;
    if (memchr(data.p, '!', data.n))
        return err_set(err, ERR_DENIED, "no exclamation marks");
    return 0;
}

static void upload_end(struct http_exchange *x, void *user) {
    struct later *l = user;
    http_reply_json(x, 201, json_pack("{s:i}", "bytes", (int)l->bytes));
    free(l);
}

static void upload_abandoned(void *user) {
    struct later *l = user;
    l->app->abandoned++;
    free(l);
}

static void upload_go(void *arg) {
    struct later *l = arg;
    struct http_stream s = {upload_chunk, upload_end, upload_abandoned, l};
    loop_timer_stop(&l->timer);
    if (http_query(l->x, "deny")) {
        http_reply_problem(l->x, 401, "auth", "who are you?");
        free(l);
        return;
    }
    http_stream(l->x, &s);
}

static void on_upload(struct http_exchange *x, void *arg) {
    struct later *l = mem_zalloc(sizeof *l);
    l->app = arg;
    l->x = x;
    l->timer = loop_timer_start(l->app->env.loop, 5, 0, upload_go, l); /* as if it asked Redis */
}

static void on_abandoned(struct http_exchange *x, void *arg) {
    struct app *app = arg;
    http_reply_json(x, 200, json_pack("{s:i}", "n", (int)app->abandoned));
}

static void on_publish(struct http_exchange *x, void *arg) {
    struct app *app = arg;
    struct span body = http_body(x);
    struct ws_frame *f = ws_frame_create(body.n ? body.p : "", body.n);
    unsigned taken = 0;
    for (unsigned i = 0; i < app->n_sessions; i++)
        taken += ws_send(app->sessions[i], f) == 0;
    ws_frame_release(&f);
    http_reply_json(x, 200, json_pack("{s:i}", "taken", (int)taken));
}

static void on_failure(struct http_exchange *x, void *arg) {
    struct err err;
    (void)arg;
    err_set(&err, ERR_INTERNAL, "a secret of the house");
    http_reply_err(x, &err);
}

static const struct http_route routes[] = {
    {.method = "GET", .path = "/hello", .fn = on_hello},
    {.method = "GET", .path = "/late", .fn = on_late},
    {.method = "POST", .path = "/echo", .fn = on_echo, .body_max = 100000},
    {.method = "POST", .path = "/json", .fn = on_json, .body_max = 100000},
    {.method = "GET", .path = "/about/{id}", .fn = on_about},
    {.method = "GET", .path = "/about/{id}/{rest...}", .fn = on_about},
    {.method = "GET", .path = "/file", .fn = on_file},
    {.method = "POST", .path = "/upload", .fn = on_upload, .body_max = 5000000, .streamed = true},
    {.method = "GET", .path = "/abandoned", .fn = on_abandoned},
    {.method = "POST", .path = "/publish", .fn = on_publish, .body_max = 100000},
    {.method = "GET", .path = "/failure", .fn = on_failure},
    {0},
};

static bool origin_ok(void *arg, const char *origin, const char *host) {
    (void)arg;
    return host && (!origin || strcmp(origin, "http://good.example") == 0);
}

static void on_open(struct ws_session *s, void *arg) {
    struct app *app = arg;
    ws_set_user(s, app);
    app->sessions[app->n_sessions++] = s;
}

static void on_message(struct ws_session *s, void *arg, struct span text) {
    (void)arg;
    if (span_eq(text, "close")) {
        ws_send_text(s, "bye", 3);
        ws_close(s, 4401, "you asked");
    } else if (span_eq(text, "who")) {
        const char *cookie = ws_cookie(s, "c");
        char *about =
            mem_printf("%s %s %s", ws_peer(s), ws_header(s, "Host"), cookie ? cookie : "-");
        ws_send_text(s, about, strlen(about));
        free(about);
    } else {
        ws_send_text(s, text.p, text.n);
    }
}

static void on_close(struct ws_session *s, void *arg) {
    struct app *app = arg;
    for (unsigned i = 0; i < app->n_sessions; i++)
        if (app->sessions[i] == s)
            app->sessions[i] = app->sessions[--app->n_sessions];
}

static void on_terminate(void *arg) {
    struct app *app = arg;
    loop_stop(app->env.loop);
}

static int serve(int port_fd) {
    static const char *const trusted[] = {"127.0.0.2", NULL};
    struct app app = {0};
    struct err err;
    struct http_limits limits = {.connections = 40,
        .connections_per_ip = 20,
        .head_timeout_ms = 700,
        .body_timeout_ms = 2000,
        .body_total_ms = 1500,
        .trusted = trusted};
    struct ws_endpoint endpoint = {.path = "/ws/test",
        .kind = "test",
        .frame_max = 5000,
        .queue_frames = 50,
        .queue_bytes = 200000,
        .per_ip = 5,
        .origin_ok = origin_ok,
        .on_open = on_open,
        .on_message = on_message,
        .on_close = on_close,
        .arg = &app};
    log_init(&app.log);
    app.log.fd = open("/dev/null", O_WRONLY);
    app.env.loop = loop_create();
    app.env.log = &app.log;
    app.env.metrics = metrics_create(1);
    app.http = http_server_create(&app.env, &limits);
    http_server_add_routes(app.http, routes, &app);
    app.ws = ws_server_create(&app.env);
    ws_server_add(app.ws, &endpoint);
    app.gate = gate_create(&app.env, "127.0.0.1:0", app.http, app.ws, &err);
    if (!app.gate)
        return 3;
    unsigned port = gate_port(app.gate);
    if (write(port_fd, &port, sizeof port) != sizeof port)
        return 3;
    loop_signal(app.env.loop, SIGTERM, on_terminate, &app);
    loop_run(app.env.loop);
    gate_destroy(&app.gate);
    ws_server_destroy(&app.ws);
    http_server_destroy(&app.http);
    loop_destroy(&app.env.loop);
    metrics_destroy(&app.env.metrics);
    close(app.log.fd);
    return app.n_sessions == 0 ? 0 : 4;
}

/* --- the tests' side -------------------------------------------------------------------------- */

struct trial {
    pid_t child;
    unsigned port;
    char *answer; /* of the last talk() */
    size_t answer_n;
};

static int start(void **state) {
    struct trial *t = mem_zalloc(sizeof *t);
    int fds[2];
    signal(SIGPIPE, SIG_IGN);
    if (crypto_start() < 0 || pipe(fds) < 0)
        return -1;
    t->child = fork();
    if (t->child == 0) {
        free(t);
        close(fds[0]);
        exit(serve(fds[1]));
    }
    close(fds[1]);
    if (read(fds[0], &t->port, sizeof t->port) != sizeof t->port)
        return -1;
    close(fds[0]);
    *state = t;
    return 0;
}

static int stop(void **state) {
    struct trial *t = *state;
    int status = -1;
    kill(t->child, SIGTERM);
    waitpid(t->child, &status, 0);
    free(t->answer);
    free(t);
    if (status != 0)
        fprintf(stderr, "the server ended with status %x\n", (unsigned)status);
    return status == 0 ? 0 : -1;
}

static int dial_from(const struct trial *t, const char *from) {
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)t->port)};
    struct sockaddr_in own = {.sin_family = AF_INET};
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, "127.0.0.1", &sa.sin_addr);
    inet_pton(AF_INET, from, &own.sin_addr);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static int dial(const struct trial *t) {
    return dial_from(t, "127.0.0.1");
}

static void send_all(int fd, const char *p, size_t n) {
    while (n) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server has had enough; its answer tells why */
        p += sent;
        n -= (size_t)sent;
    }
}

/* Everything until the server closes. */
static const char *read_all(struct trial *t, int fd) {
    struct buf b;
    char piece[4096];
    ssize_t n;
    buf_init(&b, 10u << 20);
    while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
        buf_add(&b, piece, (size_t)n);
    close(fd);
    free(t->answer);
    t->answer_n = b.n;
    t->answer = buf_take(&b);
    return t->answer;
}

static const char *talk_n(struct trial *t, const char *p, size_t n) {
    int fd = dial(t);
    send_all(fd, p, n);
    return read_all(t, fd);
}

static const char *talk(struct trial *t, const char *request) {
    return talk_n(t, request, strlen(request));
}

static void answers(struct trial *t, const char *request, const char *status, const char *has) {
    const char *got = talk(t, request);
    if (strncmp(got, status, strlen(status)) != 0 || (has && !strstr(got, has)))
        fail_msg("to %s\ncame %s\nnot %s ... %s", request, got, status, has ? has : "");
}

static unsigned times(const char *text, const char *word) {
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, word)); p += strlen(word))
        n++;
    return n;
}

#define OK "HTTP/1.1 200 OK"
#define LAST "Host: x\r\nConnection: close\r\n"

static void test_routes(void **state) {
    struct trial *t = *state;
    answers(t, "GET /hello HTTP/1.1\r\n" LAST "\r\n", OK, "\r\n\r\nhello");
    answers(t, "GET /late HTTP/1.1\r\n" LAST "\r\n", OK, "\r\n\r\nlater");
    answers(t, "GET /none HTTP/1.1\r\n" LAST "\r\n", "HTTP/1.1 404", "\"code\":\"not_found\"");
    answers(t, "PUT /hello HTTP/1.1\r\n" LAST "\r\n", "HTTP/1.1 405", "Allow: GET, HEAD\r\n");
    answers(t, "GET /failure HTTP/1.1\r\n" LAST "\r\n", "HTTP/1.1 500", "\"code\":\"internal\"");
    assert_null(strstr(t->answer, "secret of the house"));
    talk(t, "HEAD /hello HTTP/1.1\r\n" LAST "\r\n");
    assert_non_null(strstr(t->answer, "Content-Length: 5\r\n"));
    assert_null(strstr(t->answer, "\r\n\r\nhello"));
    answers(t,
        "GET /about/a%20b/c/d%C3%A9?q=x%2By+z HTTP/1.1\r\n" LAST
        "Cookie: a=1; c=2\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n\r\n",
        OK,
        "{\"id\":\"a b\",\"rest\":\"c/dé\",\"q\":\"x+y z\",\"cookie\":\"2\",\"peer\":\"127.0.0.1\","
        "\"tls\":false}");
    answers(t, "GET /about/a?q=%zz HTTP/1.1\r\n" LAST "\r\n", "HTTP/1.1 400", "query");
}

static void test_headers_by_default(void **state) {
    struct trial *t = *state;
    talk(t, "GET /hello HTTP/1.1\r\n" LAST "\r\n");
    assert_non_null(strstr(t->answer, "X-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(t->answer, "Content-Security-Policy: default-src 'none'"));
    assert_non_null(strstr(t->answer, "Referrer-Policy: no-referrer\r\n"));
    assert_non_null(strstr(t->answer, "Cache-Control: no-store\r\n"));
}

static void test_a_proxy_is_believed(void **state) {
    struct trial *t = *state;
    const char *request = "GET /about/a HTTP/1.1\r\n" LAST
                          "X-Forwarded-For: 1.1.1.1, 9.9.9.9\r\nX-Forwarded-Proto: https\r\n\r\n";
    int fd = dial_from(t, "127.0.0.2");
    send_all(fd, request, strlen(request));
    assert_non_null(strstr(read_all(t, fd), "\"peer\":\"9.9.9.9\",\"tls\":true"));
}

static void test_bodies(void **state) {
    struct trial *t = *state;
    answers(t, "POST /echo HTTP/1.1\r\n" LAST "Content-Length: 3\r\n\r\nabc", OK, "\r\n\r\nabc");
    answers(t,
        "POST /echo HTTP/1.1\r\n" LAST
        "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        OK, "\r\n\r\nabc");
    answers(t, "POST /echo HTTP/1.1\r\n" LAST "Content-Length: 100001\r\n\r\n", "HTTP/1.1 413",
        "too_large");
    answers(t, "GET /hello HTTP/1.1\r\n" LAST "Content-Length: 1\r\n\r\na", "HTTP/1.1 413", NULL);
    answers(t,
        "POST /echo HTTP/1.1\r\n" LAST "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
        "HTTP/1.1 415", NULL);
    /* the older library says 100 first, the newer one sees that the body is there already */
    talk(t, "POST /echo HTTP/1.1\r\n" LAST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\na");
    assert_non_null(strstr(t->answer, "HTTP/1.1 200"));
}

static void test_json(void **state) {
    struct trial *t = *state;
    static const char *const bad[] = {"", "[]", "{", "{\"a\":1,\"a\":2}", "{\"a\":\"\\u0000\"}",
        "{\"a\":1}x", "{\"a\":\"\xff\"}", "nul", "{\"a\":1e999}", "{\"a\":NaN}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *request = mem_printf(
            "POST /json HTTP/1.1\r\n" LAST "Content-Length: %zu\r\n\r\n%s", strlen(bad[i]), bad[i]);
        answers(t, request, "HTTP/1.1 400", "\"code\":\"invalid\"");
        free(request);
    }
    struct buf deep;
    buf_init(&deep, 10000);
    buf_adds(&deep, "POST /json HTTP/1.1\r\n" LAST "Content-Length: 4000\r\n\r\n");
    for (int i = 0; i < 1000; i++)
        buf_adds(&deep, "[{");
    for (int i = 0; i < 2000; i++)
        buf_adds(&deep, "}");
    answers(t, buf_str(&deep), "HTTP/1.1 400", "deep");
    buf_free(&deep);
    answers(t, "POST /json HTTP/1.1\r\n" LAST "Content-Length: 14\r\n\r\n{\"a\":[1,\"\xc3\xa9\"]}",
        OK, "{\"a\":[1,\"é\"]}");
}

static void test_files(void **state) {
    struct trial *t = *state;
    answers(t, "GET /file HTTP/1.1\r\n" LAST "\r\n", OK, "\r\n\r\n" FILE_TEXT);
    assert_non_null(strstr(t->answer, "Accept-Ranges: bytes"));
    answers(t, "GET /file HTTP/1.1\r\n" LAST "Range: bytes=3-5\r\n\r\n", "HTTP/1.1 206",
        "Content-Range: bytes 3-5/16\r\n");
    assert_string_equal(t->answer + t->answer_n - 7, "\r\n\r\n345");
    answers(t, "GET /file HTTP/1.1\r\n" LAST "Range: bytes=99-\r\n\r\n", "HTTP/1.1 416",
        "Content-Range: bytes */16\r\n");
    answers(t, "GET /file HTTP/1.1\r\n" LAST "If-None-Match: \"tag\"\r\n\r\n", "HTTP/1.1 304",
        "ETag: \"tag\"");
    answers(t, "GET /file HTTP/1.1\r\n" LAST "Range: bytes=0-0\r\nIf-Range: \"old\"\r\n\r\n", OK,
        FILE_TEXT);
}

static void test_uploads(void **state) {
    struct trial *t = *state;
    char *body = mem_alloc(1000000);
    struct buf b;
    memset(body, 'a', 1000000);
    buf_init(&b, 10000000);
    buf_adds(&b, "POST /upload HTTP/1.1\r\n" LAST "Content-Length: 1000000\r\n\r\n");
    buf_add(&b, body, 1000000);
    assert_non_null(strstr(talk_n(t, b.p, b.n), "{\"bytes\":1000000}"));
    b.p[b.n - 1] = '!';
    assert_non_null(strstr(talk_n(t, b.p, b.n), "no exclamation marks"));
    buf_reset(&b);
    buf_adds(&b, "POST /upload?deny=1 HTTP/1.1\r\n" LAST "Content-Length: 1000\r\n\r\n");
    buf_add(&b, body, 1000);
    assert_memory_equal(talk_n(t, b.p, b.n), "HTTP/1.1 401", 12);
    buf_reset(&b); /* more than the route takes, in chunks: refused on the way */
    buf_adds(&b, "POST /upload HTTP/1.1\r\n" LAST "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 7; i++) {
        buf_addf(&b, "%x\r\n", 1000000);
        buf_add(&b, body, 1000000);
        buf_adds(&b, "\r\n");
    }
    assert_memory_equal(talk_n(t, b.p, b.n), "HTTP/1.1 413", 12);
    buf_free(&b);
    free(body);
    for (int i = 0; i < 20; i++) { /* clients that leave in the middle */
        int fd = dial(t);
        const char *head = "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc";
        send_all(fd, head, strlen(head));
        usleep(i % 2 ? 10000 : 0);
        close(fd);
    }
    usleep(100000);
    talk(t, "GET /abandoned HTTP/1.1\r\n" LAST "\r\n");
    assert_true(strtol(strstr(t->answer, "{\"n\":") + 5, NULL, 10) >= 12);
}

static void test_keep_alive_and_pipelining(void **state) {
    struct trial *t = *state;
    struct buf b;
    buf_init(&b, 100000);
    for (int i = 0; i < 20; i++)
        buf_adds(&b, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\n"
                     "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    buf_adds(&b, "GET /late HTTP/1.1\r\n" LAST "\r\n");
    talk_n(t, b.p, b.n);
    assert_int_equal(times(t->answer, OK), 41);
    assert_int_equal(times(t->answer, "HTTP/1.1 404"), 20);
    buf_free(&b);
}

static void test_one_byte_at_a_time(void **state) {
    struct trial *t = *state;
    const char *request = "POST /echo HTTP/1.1\r\n" LAST "Content-Length: 3\r\n\r\nabc";
    int fd = dial(t);
    for (size_t i = 0; i < strlen(request); i++) {
        send_all(fd, request + i, 1);
        usleep(500);
    }
    assert_non_null(strstr(read_all(t, fd), "\r\n\r\nabc"));
}

static void test_the_gate_refuses(void **state) {
    struct trial *t = *state;
    answers(t, "GET /hello HTTP/1.1\nHost: x\n\n", "HTTP/1.1 400", "problem+json");
    answers(t,
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 400", "Connection: close");
    answers(t, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505", NULL);
    answers(t, "GET /ws/test HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426", "Upgrade: websocket");
    answers(t, "\x16\x03\x01\x02", "HTTP/1.1 400", NULL);
}

/* The same on a connection that has passed the gate already. */
static void test_later_requests_are_judged_too(void **state) {
    struct trial *t = *state;
    static const char *const bad[] = {
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost : x\r\nHost: x\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "GET /../hello HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *both = mem_printf("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n%s", bad[i]);
        talk(t, both);
        assert_int_equal(times(t->answer, OK), 1);
        if (times(t->answer, "HTTP/1.1 400") != 1)
            fail_msg("%s\ngot\n%s", bad[i], t->answer);
        free(both);
    }
    answers(t,
        "GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /ws/test HTTP/1.1\r\nHost: x\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        OK, "HTTP/1.1 426");
}

static void test_slow_clients_are_cut(void **state) {
    struct trial *t = *state;
    uint64_t began = clock_mono_ms();
    answers(t, "GET /hello HTTP/1.1\r\nHos", "HTTP/1.1 408", NULL);
    assert_in_range(clock_mono_ms() - began, 600, 2000);
    int fd = dial(t);
    const char *head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n";
    began = clock_mono_ms();
    send_all(fd, head, strlen(head));
    for (int i = 0; i < 40 && send(fd, "a", 1, MSG_NOSIGNAL) == 1; i++)
        usleep(100000);
    assert_in_range(clock_mono_ms() - began, 1400, 3900);
    close(fd);
}

static void test_ceiling_of_connections(void **state) {
    struct trial *t = *state;
    int fds[30];
    unsigned refused = 0;
    for (int i = 0; i < 30; i++) {
        char first = 0;
        fds[i] = dial(t);
        send_all(fds[i], "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", 32);
        refused += recv(fds[i], &first, 1, 0) != 1;
    }
    for (int i = 0; i < 30; i++)
        close(fds[i]);
    assert_in_range(refused, 10, 20); /* some of earlier tests may still be going */
    usleep(50000);
    answers(t, "GET /hello HTTP/1.1\r\n" LAST "\r\n", OK, NULL);
}

/* --- websockets ------------------------------------------------------------------------------- */

#define HANDSHAKE                                                                                  \
    "GET /ws/test HTTP/1.1\r\nHost: x:1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "           \
    "websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"    \
    "Sec-WebSocket-Extensions: permessage-deflate\r\nCookie: c=42\r\n"

static size_t frame(char *out, int opcode, bool fin, const char *p, size_t n) {
    size_t at = 0;
    out[at++] = (char)((fin ? 0x80 : 0) | opcode);
    out[at++] = (char)(0x80 | (n < 126 ? n : 126));
    if (n >= 126) {
        out[at++] = (char)(n >> 8);
        out[at++] = (char)n;
    }
    memcpy(out + at, "\1\2\3\4", 4);
    at += 4;
    for (size_t i = 0; i < n; i++)
        out[at++] = p[i] ^ "\1\2\3\4"[i % 4];
    return at;
}

static int ws_dial(struct trial *t, const char *more) {
    char head[2048];
    size_t n = 0;
    int fd = dial(t);
    char *handshake = mem_printf(HANDSHAKE "%s\r\n", more);
    send_all(fd, handshake, strlen(handshake));
    free(handshake);
    while (n < sizeof head - 1 && recv(fd, head + n, 1, 0) == 1) {
        head[++n] = '\0';
        if (n > 4 && strcmp(head + n - 4, "\r\n\r\n") == 0)
            break;
    }
    if (strncmp(head, "HTTP/1.1 101", 12) == 0) {
        assert_non_null(strstr(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_null(strstr(head, "xtensions"));
        return fd;
    }
    close(fd);
    return -(int)strtol(head + 9, NULL, 10);
}

static void ws_say(int fd, int opcode, bool fin, const char *p, size_t n) {
    char *out = mem_alloc(n + 16);
    send_all(fd, out, frame(out, opcode, fin, p, n));
    free(out);
}

/* One frame from the server: its opcode, or -1 at the end. */
static int ws_hear(int fd, char *out, size_t size, size_t *n_out) {
    unsigned char h[4];
    if (recv(fd, h, 2, MSG_WAITALL) != 2)
        return -1;
    size_t n = h[1];
    if (n == 126) {
        assert_int_equal(recv(fd, h + 2, 2, MSG_WAITALL), 2);
        n = (size_t)h[2] << 8 | h[3];
    }
    assert_true(n < size);
    if (n)
        assert_int_equal(recv(fd, out, n, MSG_WAITALL), n);
    out[n] = '\0';
    *n_out = n;
    return h[0] & 15;
}

static void hears(int fd, const char *text) {
    char got[8192];
    size_t n;
    assert_int_equal(ws_hear(fd, got, sizeof got, &n), 1);
    assert_string_equal(got, text);
}

static void is_closed_with(int fd, int code) {
    char got[8192];
    size_t n;
    assert_int_equal(ws_hear(fd, got, sizeof got, &n), 8);
    assert_true(n >= 2);
    assert_int_equal((unsigned char)got[0] << 8 | (unsigned char)got[1], code);
    close(fd);
}

static void test_websocket_messages(void **state) {
    struct trial *t = *state;
    char big[5001], out[16];
    memset(big, 'b', 5000);
    big[5000] = '\0';
    int fd = ws_dial(t, "Origin: http://good.example\r\n");
    assert_true(fd >= 0);
    ws_say(fd, 1, true, "hello", 5);
    hears(fd, "hello");
    ws_say(fd, 1, true, "", 0);
    hears(fd, "");
    ws_say(fd, 1, true, big, 5000);
    hears(fd, big);
    ws_say(fd, 1, false, "\xe2\x82", 2);
    ws_say(fd, 9, true, "p", 1); /* a ping between the pieces */
    ws_say(fd, 0, true, "\xac", 1);
    size_t n;
    int first = ws_hear(fd, big, sizeof big, &n);
    int second = ws_hear(fd, big, sizeof big, &n);
    assert_true((first == 1 && second == 10) || (first == 10 && second == 1));
    n = frame(out, 1, true, "bytes", 5);
    for (size_t i = 0; i < n; i++) {
        send_all(fd, out + i, 1);
        usleep(200);
    }
    hears(fd, "bytes");
    ws_say(fd, 1, true, "who", 3);
    hears(fd, "127.0.0.1 x:1 42");
    ws_say(fd, 8, true, "\x03\xe8", 2);
    is_closed_with(fd, 1000);
}

static void test_websocket_closes(void **state) {
    struct trial *t = *state;
    char big[5001];
    memset(big, 'b', sizeof big);
    int fd = ws_dial(t, "");
    ws_say(fd, 1, true, "close", 5);
    hears(fd, "bye");
    is_closed_with(fd, 4401);
    fd = ws_dial(t, "");
    ws_say(fd, 1, true, big, 5001);
    is_closed_with(fd, 1009);
    fd = ws_dial(t, "");
    ws_say(fd, 1, false, big, 5000);
    ws_say(fd, 0, true, big, 1);
    is_closed_with(fd, 1009);
    fd = ws_dial(t, "");
    ws_say(fd, 2, true, "x", 1);
    is_closed_with(fd, 1003);
    fd = ws_dial(t, "");
    ws_say(fd, 1, true, "\xc0\xaf", 2);
    is_closed_with(fd, 1007);
}

static void test_websocket_refusals(void **state) {
    struct trial *t = *state;
    int fds[6];
    assert_int_equal(ws_dial(t, "Origin: http://evil.example\r\n"), -403);
    assert_int_equal(ws_dial(t, "Origin: null\r\n"), -403);
    answers(t,
        "GET /ws/other HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "HTTP/1.1 404", NULL);
    usleep(100000); /* the earlier tests' sessions end */
    for (int i = 0; i < 6; i++)
        fds[i] = ws_dial(t, "");
    assert_true(fds[4] >= 0);
    assert_int_equal(fds[5], -429);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    usleep(100000);
}

static void test_a_slow_reader_is_cut_and_others_are_served(void **state) {
    struct trial *t = *state;
    int good = ws_dial(t, ""), slow = dial(t), small = 2048;
    setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    send_all(slow, HANDSHAKE "\r\n", strlen(HANDSHAKE "\r\n"));
    usleep(50000);
    char *request =
        mem_printf("POST /publish HTTP/1.1\r\n" LAST "Content-Length: 20000\r\n\r\n%20000s", "x");
    char *got = mem_alloc(65536);
    size_t n;
    bool cut = false;
    for (int i = 0; i < 1000 && !cut; i++) {
        talk(t, request);
        cut = strstr(t->answer, "\"taken\":1}") != NULL;
        assert_int_equal(ws_hear(good, got, 65536, &n), 1);
        assert_int_equal(n, 20000);
    }
    assert_true(cut);
    free(got);
    free(request);
    close(good);
    close(slow);
    usleep(100000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_headers_by_default),
        cmocka_unit_test(test_a_proxy_is_believed),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_uploads),
        cmocka_unit_test(test_keep_alive_and_pipelining),
        cmocka_unit_test(test_one_byte_at_a_time),
        cmocka_unit_test(test_the_gate_refuses),
        cmocka_unit_test(test_later_requests_are_judged_too),
        cmocka_unit_test(test_slow_clients_are_cut),
        cmocka_unit_test(test_ceiling_of_connections),
        cmocka_unit_test(test_websocket_messages),
        cmocka_unit_test(test_websocket_closes),
        cmocka_unit_test(test_websocket_refusals),
        cmocka_unit_test(test_a_slow_reader_is_cut_and_others_are_served),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
