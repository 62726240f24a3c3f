/* net_http_upload_test.c - forms and files to a peer, files from it, long polls, and what happens
 * when any of these is cut, cancelled, slow or too many. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "loop/loop_curl.h"
#include "net/http_client.h"
#include "net_http_upload_peer.h"

#define GUARDS 64

struct trial {
    struct peer peer;
    struct log log;
    struct env env;
    struct http_client *client;
    char urls[4][128]; /* in turn */
    unsigned nurls;
    unsigned fds; /* open ones at the beginning */
    int guards[GUARDS];
    unsigned nguards;
    unsigned calls, expected; /* of the answer function; the loop stops at so many */
    int status;
    char body[64], text[320];
    enum err_code code;
    bool sent;
    unsigned failed; /* answers with an error, of all calls */
    /* the sink */
    size_t sunk;
    bool wrong; /* a byte that it got */
    size_t at;  /* bytes after which it does the following */
    bool refuse, destroy;
    unsigned destroy_at; /* the so manieth answer with an error; 0: none */
    struct http_call *cancel[2];
    const struct http_request *start;
};

static unsigned count_fds(void) {
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static int set_up(void **state) {
    struct trial *t = mem_zalloc(sizeof *t);
    struct loop *first = loop_create();
    loop_destroy(&first); /* what libuv opens once and keeps */
    peer_start(&t->peer);
    t->fds = count_fds();
    log_init(&t->log);
    t->env.log = &t->log;
    t->env.loop = loop_create();
    t->env.metrics = metrics_create(1);
    t->client = http_client_create(&t->env);
    t->at = SIZE_MAX;
    t->expected = 1;
    *state = t;
    return 0;
}

/* Each file was closed, and none twice: a second time would have met a guard. */
static int tear_down(void **state) {
    struct trial *t = *state;
    http_client_destroy(&t->client);
    loop_destroy(&t->env.loop);
    metrics_destroy(&t->env.metrics);
    for (unsigned i = 0; i < t->nguards; i++)
        if (close(t->guards[i]) < 0)
            fail_msg("a guard was closed");
    unsigned fds = count_fds();
    if (fds != t->fds)
        fail_msg("%u files open, %u at the beginning", fds, t->fds);
    peer_stop(&t->peer);
    free(t);
    return 0;
}

static void on_answer(void *arg, const struct http_answer *a, const struct err *err, bool sent) {
    struct trial *t = arg;
    assert_true((a == NULL) != (err == NULL));
    t->calls++;
    t->sent = sent;
    t->failed += err != NULL;
    t->code = err ? err->code : ERR_NONE;
    t->status = a ? a->status : 0;
    snprintf(t->body, sizeof t->body, "%.*s", a ? (int)a->body.n : 0, a ? a->body.p : "");
    snprintf(t->text, sizeof t->text, "%s", err ? err->text : "");
    if (t->nguards < GUARDS)
        t->guards[t->nguards++] = open("/dev/null", O_RDONLY);
    if (err && t->failed == t->destroy_at)
        http_client_destroy(&t->client);
    if (t->calls == t->expected)
        loop_stop(t->env.loop);
}

static int on_data(void *arg, struct span data, struct err *err) {
    struct trial *t = arg;
    for (size_t i = 0; i < data.n; i++)
        t->wrong = t->wrong || data.p[i] != file_byte(t->sunk + i);
    t->sunk += data.n;
    if (t->sunk < t->at)
        return 0;
    if (t->refuse)
        return err_set(err, ERR_IO, "the disk is full");
    for (size_t i = 0; i < ARRAY_LEN(t->cancel); i++)
        if (t->cancel[i])
            http_call_cancel(t->cancel[i]);
    t->cancel[0] = t->cancel[1] = NULL;
    if (t->start)
        http_call_start(t->client, t->start, on_answer, t);
    t->start = NULL;
    if (t->destroy)
        http_client_destroy(&t->client);
    return 0;
}

static struct http_request request(struct trial *t, const char *method, const char *path) {
    char *url = t->urls[t->nurls++ % ARRAY_LEN(t->urls)];
    snprintf(url, sizeof t->urls[0], "http://127.0.0.1:%u%s", t->peer.port, path);
    return (struct http_request){.method = method,
        .url = url,
        .timeout_ms = 10000,
        .answer_max = FILE_SIZE,
        .allow_private = true,
        .allow_plain = true};
}

static void wait_all(struct trial *t) {
    if (t->calls < t->expected)
        loop_run(t->env.loop);
    assert_int_equal(t->calls, t->expected);
}

static void run(struct trial *t, const struct http_request *rq) {
    unsigned calls = t->calls;
    t->expected = calls + 1;
    http_call_start(t->client, rq, on_answer, t);
    assert_int_equal(t->calls, calls); /* later, never from inside */
    wait_all(t);
}

/* A file of so many bytes of the pattern, after `skip` others that are read already. */
static int make_file(size_t n, size_t skip) {
    static const char skipped[200];
    char name[] = "/tmp/net_http_upload_test.XXXXXX", piece[10000];
    int fd = mkstemp(name);
    assert_true(fd >= 0 && skip <= sizeof skipped);
    unlink(name);
    assert_int_equal(write(fd, skipped, skip), skip);
    for (size_t at = 0; at < n; at += sizeof piece) {
        size_t take = n - at < sizeof piece ? n - at : sizeof piece;
        for (size_t i = 0; i < take; i++)
            piece[i] = file_byte(at + i);
        assert_int_equal(write(fd, piece, take), take);
    }
    assert_int_equal(lseek(fd, (off_t)skip, SEEK_SET), skip);
    return fd;
}

static struct http_part field(const char *name, const char *value) {
    return (struct http_part){.name = name, .data = span_str(value), .fd = -1};
}

static struct http_part file(const char *name, const char *file_name, size_t n) {
    return (struct http_part){
        .name = name, .file_name = file_name, .fd = make_file(n, 100), .size = n};
}

static struct http_request form(
    struct trial *t, const char *path, const struct http_part *parts, size_t n) {
    struct http_request rq = request(t, "POST", path);
    rq.parts = parts;
    rq.nparts = n;
    return rq;
}

/* --- forms ----------------------------------------------------------------------------------- */

/* Checks that `at` begins with text; what follows it. */
static const char *expect(const char *at, const char *text) {
    if (strncmp(at, text, strlen(text)) != 0)
        fail_msg("expected \"%s\", there is \"%.*s\"", text, (int)strlen(text), at);
    return at + strlen(text);
}

static void test_a_form_arrives_byte_by_byte(void **state) {
    struct trial *t = *state;
    static const char binary[] = "\0\r\n--\xff\r\n\r\n";
    struct http_part parts[] = {field("chat_id", "42"), field("caption", "Gr\xc3\xbc\xc3\x9f\r\ne"),
        field("empty", ""), file("photo", "a \"b\"\\c \xc3\xa4.jpg", FILE_SIZE),
        {.name = "note",
            .file_name = "n.txt",
            .type = "text/plain; charset=utf-8",
            .data = span_of(binary, sizeof binary),
            .fd = -1},
        file("none", "none.pdf", 0)};
    parts[5].type = "";
    struct http_request rq = form(t, "/form", parts, ARRAY_LEN(parts));
    run(t, &rq);
    assert_int_equal(t->status, 200);
    assert_string_equal(t->body, "good");
    assert_true(t->sent);
    assert_int_equal(t->peer.seen->requests, 1);

    const char *head = t->peer.seen->request, *end = head + t->peer.seen->n, *at;
    char line[128];
    at = expect(head, "POST /form HTTP/1.1\r\n");
    assert_null(memmem(head, 1000, "Expect:", 7));
    assert_null(memmem(head, 1000, "chunked", 7));
    at = strstr(at, "\r\nContent-Type: multipart/form-data; boundary=");
    assert_non_null(at);
    at += strlen("\r\nContent-Type: multipart/form-data; boundary=");
    snprintf(line, sizeof line, "--%.*s", (int)strcspn(at, "\r"), at);
    at = expect(strstr(at, "\r\n\r\n"), "\r\n\r\n");
    at = expect(at, line);
    at = expect(at, "\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n42\r\n");
    at = expect(at, line);
    at = expect(at, "\r\nContent-Disposition: form-data; name=\"caption\"\r\n\r\n"
                    "Gr\xc3\xbc\xc3\x9f\r\ne\r\n");
    at = expect(at, line);
    at = expect(at, "\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n");
    at = expect(at, line);
    at = expect(at, "\r\nContent-Disposition: form-data; name=\"photo\"; "
                    "filename=\"a %22b%22\\c \xc3\xa4.jpg\"\r\n\r\n");
    for (size_t i = 0; i < FILE_SIZE; i++)
        if (at[i] != file_byte(i))
            fail_msg("byte %zu of the file is not as it was", i);
    at = expect(at + FILE_SIZE, "\r\n");
    at = expect(at, line);
    at = expect(at, "\r\nContent-Disposition: form-data; name=\"note\"; filename=\"n.txt\"\r\n"
                    "Content-Type: text/plain; charset=utf-8\r\n\r\n");
    assert_memory_equal(at, binary, sizeof binary);
    at = expect(at + sizeof binary, "\r\n");
    at = expect(at, line);
    at = expect(at, "\r\nContent-Disposition: form-data; name=\"none\"; filename=\"none.pdf\"\r\n"
                    "\r\n\r\n");
    at = expect(at, line);
    at = expect(at, "--\r\n");
    assert_ptr_equal(at, end);
}

static void test_forms_over_one_connection(void **state) {
    struct trial *t = *state;
    for (unsigned i = 0; i < 3; i++) {
        struct http_part parts[] = {field("a", "b"), file("f", "f", 300000)};
        struct http_request rq = form(t, "/form", parts, 2);
        rq.method = i == 1 ? "PUT" : "POST";
        run(t, &rq);
        assert_int_equal(t->status, 200);
        expect(t->peer.seen->request, i == 1 ? "PUT /form " : "POST /form ");
    }
    assert_int_equal(t->peer.seen->connections, 1);
    assert_int_equal(t->peer.seen->requests, 3);
}

static void test_malformed_forms(void **state) {
    struct trial *t = *state;
    static const char *const typed[] = {"content-type: text/plain", NULL};
    struct http_part bad[] = {field("a\r\nX: y", "1"), field("a\n", "1"), field("", "1"),
        field(NULL, "1"), field("a", "1"), field("a", "1"), field("a\x7f", "1")};
    bad[4].file_name = "x\"\r\n\r\n";
    bad[5].type = "text/plain\r\nX: y";
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_part parts[] = {file("f", "f", 10), bad[i]};
        struct http_request rq = form(t, "/form", parts, 2);
        run(t, &rq);
        assert_int_equal(t->code, ERR_INVALID);
        assert_false(t->sent);
    }
    for (unsigned i = 0; i < 4; i++) {
        struct http_part part = file("f", "f", 10);
        struct http_request rq = form(t, i == 3 ? "/x y\r\n" : "/form", &part, 1);
        rq.method = i == 0 ? "GET" : "POST";
        rq.body = i == 1 ? span_str("x") : span_str("");
        rq.headers = i == 2 ? typed : NULL;
        run(t, &rq);
        assert_int_equal(t->code, ERR_INVALID);
    }
    assert_int_equal(t->peer.seen->connections, 0);
}

static void test_a_file_of_another_size(void **state) {
    struct trial *t = *state;
    struct http_part part = file("f", "f", 100000);
    struct http_request rq = form(t, "/form", &part, 1);
    part.size = 100001;
    run(t, &rq);
    assert_int_equal(t->code, ERR_IO);
    assert_true(t->sent);
    part = file("f", "f", 100000); /* grew meanwhile: what was said is sent */
    part.size = 99999;
    run(t, &rq);
    assert_int_equal(t->status, 200);
    part = (struct http_part){.name = "f", .fd = open("/tmp", O_RDONLY | O_DIRECTORY), .size = 1};
    run(t, &rq);
    assert_int_equal(t->code, ERR_IO);
    assert_non_null(strstr(t->text, strerror(EISDIR)));
}

/* --- a kept connection that dies ------------------------------------------------------------- */

static void check_never_twice(struct trial *t, const char *path) {
    struct http_request rq = request(t, "POST", path);
    struct http_part parts[] = {field("a", "b"), file("f", "f", 100000)};
    for (unsigned i = 0; i < 4; i++) { /* a form, a body, and bodies of no bytes */
        unsigned requests = t->peer.seen->requests, connections = t->peer.seen->connections;
        struct http_request second = i == 0 ? form(t, path, parts, 2) : rq;
        second.body = span_str(i == 1 ? "body" : "");
        second.method = i == 3 ? "DELETE" : "POST";
        run(t, &rq);
        assert_int_equal(t->status, 200);
        run(t, &second);
        assert_int_equal(t->code, ERR_UNAVAILABLE);
        assert_true(t->sent);
        assert_int_equal(t->peer.seen->requests, requests + 2);
        assert_int_equal(t->peer.seen->connections, connections + 1);
    }
}

static void test_nothing_is_sent_twice(void **state) {
    check_never_twice(*state, "/once");
    check_never_twice(*state, "/once_head");
}

static void test_what_may_be_repeated_is(void **state) {
    struct trial *t = *state;
    struct http_request rq = request(t, "GET", "/once");
    run(t, &rq);
    run(t, &rq); /* curl sends it again, over a new connection */
    assert_int_equal(t->status, 200);
    assert_int_equal(t->peer.seen->connections, 2);
    assert_int_equal(t->peer.seen->requests, 3);
}

static void test_a_kept_connection_that_died_before(void **state) {
    struct trial *t = *state;
    for (unsigned i = 0; i < 3; i++) {
        struct http_part part = file("f", "f", 100000);
        struct http_request rq = form(t, "/once_closed", &part, 1);
        run(t, &rq);
        assert_int_equal(t->status, 200);
        usleep(50000);
    }
    assert_int_equal(t->peer.seen->connections, 3);
}

/* --- downloads ------------------------------------------------------------------------------- */

static void download(struct trial *t, const char *path) {
    struct http_request rq = request(t, "GET", path);
    rq.sink = on_data;
    t->sunk = 0;
    run(t, &rq);
    assert_false(t->wrong);
}

static void test_a_file_comes(void **state) {
    struct trial *t = *state;
    download(t, "/file");
    assert_int_equal(t->status, 200);
    assert_int_equal(t->sunk, FILE_SIZE);
    assert_string_equal(t->body, "");
    download(t, "/file_to_end");
    assert_int_equal(t->status, 200);
    assert_int_equal(t->sunk, FILE_SIZE);
    download(t, "/none");
    assert_int_equal(t->status, 204);
    download(t, "/missing");
    assert_int_equal(t->status, 404);
    assert_string_equal(t->body, "missing");
    assert_int_equal(t->sunk, 0);
    t->peer.seen->release = true;
    struct http_request rq = request(t, "GET", "/poll"); /* collected where there is no sink */
    run(t, &rq);
    assert_string_equal(t->body, "[]");
}

static void test_a_file_is_refused(void **state) {
    struct trial *t = *state;
    t->refuse = true;
    t->at = 1;
    download(t, "/file");
    assert_int_equal(t->code, ERR_IO);
    assert_string_equal(t->text, "the disk is full");
    assert_true(t->sunk < FILE_SIZE / 2);
    t->at = FILE_SIZE;
    download(t, "/file"); /* also at its last byte */
    assert_int_equal(t->code, ERR_IO);
    assert_int_equal(t->sunk, FILE_SIZE);
}

static void test_a_file_is_too_large(void **state) {
    struct trial *t = *state;
    static const char *const paths[] = {"/file", "/file_to_end"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct http_request rq = request(t, "GET", paths[i]);
        rq.sink = on_data;
        rq.answer_max = FILE_SIZE - 1;
        t->sunk = 0;
        run(t, &rq);
        assert_int_equal(t->code, ERR_TOO_LARGE);
        assert_true(i == 0 ? t->sunk == 0 : t->sunk < FILE_SIZE);
    }
    struct http_request rq = request(t, "GET", "/missing");
    rq.sink = on_data;
    rq.answer_max = 6;
    run(t, &rq);
    assert_int_equal(t->code, ERR_TOO_LARGE);
}

/* --- what is cut ----------------------------------------------------------------------------- */

static void test_cut(void **state) {
    struct trial *t = *state;
    struct http_part part = file("f", "f", FILE_SIZE);
    struct http_request rq = form(t, "/cut_upload", &part, 1);
    run(t, &rq);
    assert_int_equal(t->code, ERR_UNAVAILABLE);
    assert_true(t->sent);
    part = file("f", "f", FILE_SIZE);
    rq = form(t, "/early", &part, 1);
    run(t, &rq);
    assert_int_equal(t->status, 413);
    assert_string_equal(t->body, "big");
    download(t, "/cut_file");
    assert_int_equal(t->code, ERR_PROTOCOL);
    assert_int_equal(t->sunk, FILE_SIZE / 5);
}

static void test_nobody_there(void **state) {
    struct trial *t = *state;
    struct http_part part = file("f", "f", 1000);
    struct http_request rq = form(t, "/form", &part, 1);
    rq.url = "http://127.0.0.1:1/";
    run(t, &rq);
    assert_int_equal(t->code, ERR_UNAVAILABLE);
    assert_false(t->sent);
    part = file("f", "f", 1000);
    rq.allow_private = false;
    run(t, &rq);
    assert_int_equal(t->code, ERR_DENIED);
    assert_false(t->sent);
}

/* A listener that accepts nobody and has no room for more: connecting hangs. */
static void test_connecting_has_its_own_time(void **state) {
    struct trial *t = *state;
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int full[4] = {socket(AF_INET, SOCK_STREAM, 0)};
    assert_int_equal(bind(full[0], (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(full[0], 0), 0);
    getsockname(full[0], (struct sockaddr *)&sa, &len);
    for (size_t i = 1; i < ARRAY_LEN(full); i++) {
        full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(full[i], (struct sockaddr *)&sa, sizeof sa);
    }
    struct http_part part = file("f", "f", 1000);
    struct http_request rq = form(t, "/form", &part, 1);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(sa.sin_port));
    rq.url = url;
    rq.connect_ms = 200;
    uint64_t from = clock_mono_ms();
    run(t, &rq);
    assert_int_equal(t->code, ERR_TIMEOUT);
    assert_false(t->sent);
    assert_in_range(clock_mono_ms() - from, 190, 3000);
    for (size_t i = 0; i < ARRAY_LEN(full); i++)
        close(full[i]);
}

/* --- cancelling ------------------------------------------------------------------------------ */

static void cancel_later(void *arg) {
    struct trial *t = arg;
    for (size_t i = 0; i < ARRAY_LEN(t->cancel); i++)
        if (t->cancel[i])
            http_call_cancel(t->cancel[i]);
    if (t->destroy)
        http_client_destroy(&t->client);
}

static void test_cancelled_in_the_middle(void **state) {
    struct trial *t = *state;
    for (unsigned round = 0; round < 2; round++) {
        struct http_part part = file("f", "f", FILE_SIZE); /* more than the sockets hold */
        struct http_request up = form(t, "/hang", &part, 1), down;
        t->expected = t->calls + 2;
        t->cancel[0] = http_call_start(t->client, &up, on_answer, t);
        down = request(t, "GET", "/trickle");
        down.sink = on_data;
        t->wrong = false;
        t->cancel[1] = http_call_start(t->client, &down, on_answer, t);
        t->destroy = round == 1;
        if (t->destroy)
            t->cancel[0] = t->cancel[1] = NULL;
        struct loop_timer *timer = loop_timer_start(t->env.loop, 300, 0, cancel_later, t);
        wait_all(t);
        loop_timer_stop(&timer);
        assert_int_equal(t->code, ERR_UNAVAILABLE);
        assert_true(t->sent);
        assert_true(t->sunk > 0);
    }
    assert_int_equal(t->failed, 4);
}

static void test_cancelled_at_once(void **state) {
    struct trial *t = *state;
    for (unsigned i = 0; i < 3; i++) {
        struct http_part part = file("f", "f", 1000);
        struct http_request rq = form(t, i ? "/form" : "/x\r\n", &part, 1);
        struct http_call *call = http_call_start(t->client, &rq, on_answer, t);
        if (i == 2)
            http_client_destroy(&t->client);
        else
            http_call_cancel(call);
        assert_int_equal(t->calls, i + 1);
        assert_int_equal(t->code, ERR_UNAVAILABLE);
        assert_false(t->sent);
    }
}

/* Inside of the sink curl is on the stack. */
static void test_cancelled_in_the_sink(void **state) {
    struct trial *t = *state;
    struct http_request other = request(t, "GET", "/hang"), third = request(t, "GET", "/missing");
    struct http_request rq;
    rq = request(t, "GET", "/file");
    rq.sink = on_data;
    t->at = 100000;
    t->expected = 3;
    t->start = &third;
    t->cancel[0] = http_call_start(t->client, &other, on_answer, t);
    t->cancel[1] = http_call_start(t->client, &rq, on_answer, t);
    wait_all(t);
    assert_int_equal(t->failed, 2);
    assert_int_equal(t->status, 404);
    assert_true(t->sunk >= 100000 && t->sunk < FILE_SIZE);
}

static void test_destroyed_in_the_sink(void **state) {
    struct trial *t = *state;
    struct http_part part = file("f", "f", FILE_SIZE);
    struct http_request rq = form(t, "/hang", &part, 1);
    http_call_start(t->client, &rq, on_answer, t);
    rq = request(t, "GET", "/file");
    rq.sink = on_data;
    t->at = 100000;
    t->destroy = true;
    t->expected = 2;
    http_call_start(t->client, &rq, on_answer, t);
    wait_all(t);
    assert_int_equal(t->failed, 2);
    assert_true(t->sunk >= 100000 && t->sunk < FILE_SIZE);
}

/* The first call is cancelled in the sink of the second, and not yet freed when all ends. */
static void test_destroyed_after_the_sink(void **state) {
    struct trial *t = *state;
    struct http_part part = file("f", "f", FILE_SIZE);
    struct http_request rq = form(t, "/hang", &part, 1);
    t->cancel[0] = http_call_start(t->client, &rq, on_answer, t);
    rq = request(t, "GET", "/cut_file");
    rq.sink = on_data;
    t->at = FILE_SIZE / 5; /* its end comes at once */
    t->destroy_at = 2;
    t->expected = 3;
    http_call_start(t->client, &rq, on_answer, t);
    rq = request(t, "GET", "/trickle");
    http_call_start(t->client, &rq, on_answer, t);
    wait_all(t);
    assert_int_equal(t->failed, 3);
    assert_null(t->client);
}

/* --- many and slow --------------------------------------------------------------------------- */

static void start_many(struct trial *t, const struct http_request *rq, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        http_call_start(t->client, rq, on_answer, t);
}

struct watch {
    struct trial *t;
    unsigned waiting;
};

static void stop_when_waiting(void *arg) {
    struct watch *w = arg;
    if (w->t->peer.seen->waiting == w->waiting)
        loop_stop(w->t->env.loop);
}

static void wait_for_polls(struct trial *t, unsigned n) {
    struct watch w = {t, n};
    struct loop_timer *timer = loop_timer_start(t->env.loop, 5, 5, stop_when_waiting, &w);
    loop_run(t->env.loop);
    loop_timer_stop(&timer);
    assert_int_equal(t->peer.seen->waiting, n);
}

static void test_many_polls_to_one_host(void **state) {
    struct trial *t = *state;
    enum { POLLS = 300 };
    struct http_request poll = request(t, "GET", "/poll"), rq;
    poll.long_poll = true;
    poll.timeout_ms = 60000;
    for (unsigned round = 0; round < 2; round++) {
        t->peer.seen->release = false;
        t->expected = 0;
        start_many(t, &poll, POLLS);
        wait_for_polls(t, POLLS);
        assert_int_equal(t->peer.seen->connections, POLLS + round); /* kept for the next round */
        t->calls = 0;
        rq = request(t, "GET", "/file"); /* nor do they stand in the way of other calls */
        t->expected = 1;
        start_many(t, &rq, 1);
        wait_all(t);
        assert_int_equal(t->status, 200);
        t->peer.seen->release = true;
        t->expected = POLLS + 1;
        wait_all(t);
        assert_int_equal(t->failed, 0);
    }
}

/* The other calls have few connections to a host; to wait for one counts for their time. */
static void test_waiting_for_a_connection(void **state) {
    struct trial *t = *state;
    struct http_request rq = request(t, "POST", "/poll"), poll;
    t->expected = 0;
    start_many(t, &rq, 32);
    wait_for_polls(t, 32);
    rq.timeout_ms = 200;
    t->expected = 5;
    start_many(t, &rq, 5);
    uint64_t from = clock_mono_ms();
    wait_all(t);
    assert_in_range(clock_mono_ms() - from, 190, 3000);
    assert_int_equal(t->failed, 5);
    assert_int_equal(t->code, ERR_TIMEOUT);
    assert_false(t->sent);
    assert_int_equal(t->peer.seen->connections, 32);
    poll = rq;
    poll.method = "GET";
    poll.timeout_ms = 60000;
    poll.long_poll = true;
    t->expected = 0;
    start_many(t, &poll, 40);
    wait_for_polls(t, 72);
    t->calls = t->failed = 0;
    t->expected = 72;
    t->peer.seen->release = true;
    wait_all(t);
    assert_int_equal(t->failed, 0);
}

static bool any_address(void *arg, const struct sockaddr *address) {
    (void)arg;
    (void)address;
    return true;
}

static void on_slow(
    void *arg, const struct loop_curl_answer *answer, const struct err *err, bool sent) {
    struct trial *t = arg;
    assert_null(answer);
    assert_int_equal(err->code, ERR_TIMEOUT);
    assert_true(sent);
    t->calls++;
    if (t->calls == t->expected)
        loop_stop(t->env.loop);
}

/* Below http_client, for its 30 s are long for a test. */
static void test_slow_peers(void **state) {
    struct trial *t = *state;
    static const struct loop_curl_limits limits = {.connections = 4,
        .a_host = 4,
        .kept = 4,
        .idle_s = 30,
        .read_buffer = 16384,
        .upload_buffer = 65536};
    struct loop_curl *c = loop_curl_create(&t->env, &limits, any_address, NULL);
    struct loop_curl_part part = {.name = "f", .fd = make_file(FILE_SIZE, 0), .size = FILE_SIZE};
    static const char *const paths[] = {"/trickle", "/hang"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        char url[128];
        snprintf(url, sizeof url, "http://127.0.0.1:%u%s", t->peer.port, paths[i]);
        struct loop_curl_request rq = {.method = i ? "POST" : "GET",
            .url = url,
            .parts = i ? &part : NULL,
            .nparts = i,
            .timeout_ms = 60000,
            .connect_ms = 1000,
            .stall_s = 2,
            .answer_max = FILE_SIZE,
            .sink = NULL,
            .plain = true};
        loop_curl_start(c, &rq, on_slow, t);
    }
    t->expected = 2;
    uint64_t from = clock_mono_ms();
    wait_all(t);
    assert_in_range(clock_mono_ms() - from, 1900, 20000);
    loop_curl_destroy(&c);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_form_arrives_byte_by_byte),
        TEST(test_forms_over_one_connection),
        TEST(test_malformed_forms),
        TEST(test_a_file_of_another_size),
        TEST(test_nothing_is_sent_twice),
        TEST(test_what_may_be_repeated_is),
        TEST(test_a_kept_connection_that_died_before),
        TEST(test_a_file_comes),
        TEST(test_a_file_is_refused),
        TEST(test_a_file_is_too_large),
        TEST(test_cut),
        TEST(test_nobody_there),
        TEST(test_connecting_has_its_own_time),
        TEST(test_cancelled_in_the_middle),
        TEST(test_cancelled_at_once),
        TEST(test_cancelled_in_the_sink),
        TEST(test_destroyed_in_the_sink),
        TEST(test_destroyed_after_the_sink),
        TEST(test_many_polls_to_one_host),
        TEST(test_waiting_for_a_connection),
        TEST(test_slow_peers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
