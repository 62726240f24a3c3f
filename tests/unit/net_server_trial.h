/* net_server_trial.h - for net_server_test.c and net_websocket_test.c: the gate, the HTTP server
 * and the websocket server together on one port, in a child process, and plain sockets to speak to
 * it. The child's clean exit (with the leak checker in it) is each group's last check. */
#ifndef SB_TESTS_UNIT_NET_SERVER_TRIAL_H
#define SB_TESTS_UNIT_NET_SERVER_TRIAL_H

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
#include "net/gate_address.h"

#define FILE_TEXT "0123456789abcdef"

/* --- the child ------------------------------------------------------------------------------- */

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

static unsigned port_of(int fd) {
    struct sockaddr_in sa;
    socklen_t len = sizeof sa;
    getsockname(fd, (struct sockaddr *)&sa, &len);
    return ntohs(sa.sin_port);
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
    int listen_fd = gate_address_listen("127.0.0.1:0", &err);
    if (listen_fd < 0)
        return 3;
    unsigned port = port_of(listen_fd);
    app.gate = gate_create(&app.env, listen_fd, app.http, app.ws);
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

/* --- the tests' side ------------------------------------------------------------------------- */

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

__attribute__((unused)) static int dial_from(const struct trial *t, const char *from) {
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

__attribute__((unused)) static const char *talk_n(struct trial *t, const char *p, size_t n) {
    int fd = dial(t);
    send_all(fd, p, n);
    return read_all(t, fd);
}

static const char *talk(struct trial *t, const char *request) {
    return talk_n(t, request, strlen(request));
}

__attribute__((unused)) static void answers(
    struct trial *t, const char *request, const char *status, const char *has) {
    const char *got = talk(t, request);
    if (strncmp(got, status, strlen(status)) != 0 || (has && !strstr(got, has)))
        fail_msg("to %s\ncame %s\nnot %s ... %s", request, got, status, has ? has : "");
}

__attribute__((unused)) static unsigned times(const char *text, const char *word) {
    unsigned n = 0;
    for (const char *p = text; (p = strstr(p, word)); p += strlen(word))
        n++;
    return n;
}

#define OK "HTTP/1.1 200 OK"
#define LAST "Host: x\r\nConnection: close\r\n"

#endif
