/* loop_curl.c - HTTP requests through curl: no redirects, no proxy, no netrc, no cookies, no
 * decompression, and never a second sending of what is not repeatable. */
#include "loop/loop_curl.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/loop_curl_mime.h"
#include "loop/loop_curl_multi.h"

#define HEADERS_MAX 65536u
#define STALL_BYTES_A_S 100L
#define OVERDUE_MS                                                                                 \
    100u /* after curl's own timeout, which a call waiting for a connection lacks                  \
          */

struct loop_curl {
    const struct env *env;
    struct loop_curl_limits limits;
    loop_curl_address_fn address_ok;
    void *arg;
    struct loop_curl_multi *multi;
    struct loop_curl_call *calls;
    bool in_sink; /* curl is on the stack: its handles must not be touched */
};

struct loop_curl_call {
    struct loop_curl_call *next, *prev; /* of those that are not done */
    struct loop_curl *c;
    CURL *easy;
    struct curl_slist *headers;
    struct loop_curl_mime *mime; /* NULL: body */
    struct loop_timer *overdue;
    loop_curl_fn fn;
    loop_curl_sink_fn sink;
    void *arg;
    char *body;
    size_t header_bytes;
    size_t sunk, sink_max; /* bytes of the answer that went to the sink */
    struct buf answer;
    struct err sink_err;
    bool repeatable; /* GET and HEAD: curl may send it again */
    bool begun;      /* curl was connected and began to send */
    bool denied;     /* by address_ok */
    bool too_large;  /* the answer */
    bool sink_failed;
    bool died;     /* curl wanted to send it again */
    bool bad;      /* the request cannot even be started */
    bool added;    /* to the multi handle */
    bool deferred; /* settle() will come */
    bool done;     /* fn was called */
    char error[CURL_ERROR_SIZE];
};

/* --- what curl asks of a call ---------------------------------------------------------------- */

static size_t pour(struct loop_curl_call *call, char *p, size_t n) {
    if (n > call->sink_max - call->sunk) {
        call->too_large = true;
        return 0;
    }
    call->sunk += n;
    err_set(&call->sink_err, ERR_INTERNAL, "the answer could not be taken");
    call->c->in_sink = true;
    call->sink_failed = call->sink(call->arg, span_of(p, n), &call->sink_err) < 0;
    call->c->in_sink = false;
    return call->sink_failed || call->done ? 0 : n; /* it may have been cancelled there */
}

static size_t on_answer_bytes(char *p, size_t size, size_t n, void *arg) {
    struct loop_curl_call *call = arg;
    long status = 0;
    if (call->done)
        return 0;
    if (call->sink) {
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status / 100 == 2)
            return pour(call, p, size * n);
    }
    if (buf_add(&call->answer, p, size * n) < 0) {
        call->too_large = true;
        return 0;
    }
    return size * n;
}

static size_t on_answer_header(char *p, size_t size, size_t n, void *arg) {
    struct loop_curl_call *call = arg;
    (void)p;
    call->header_bytes += size * n;
    call->too_large = call->too_large || call->header_bytes > HEADERS_MAX;
    return call->too_large ? 0 : size * n;
}

/* curl would send a request again by itself when a kept connection dies under it: the peer may have
 * carried it out. So it may begin once only: this is asked when there is a connection, before the
 * first byte. */
static int on_begin(void *arg, char *peer_ip, char *own_ip, int peer_port, int own_port) {
    struct loop_curl_call *call = arg;
    (void)peer_ip;
    (void)own_ip;
    (void)peer_port;
    (void)own_port;
    call->died = call->begun && !call->repeatable;
    call->begun = true;
    return call->died ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static curl_socket_t on_open_socket(
    void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
    struct loop_curl_call *call = arg;
    call->died = call->begun && !call->repeatable;
    if (call->died)
        return CURL_SOCKET_BAD;
    if (purpose != CURLSOCKTYPE_IPCXN || !call->c->address_ok(call->c->arg, &address->addr)) {
        call->denied = true;
        return CURL_SOCKET_BAD;
    }
    return loop_curl_multi_open(call->c->multi, address);
}

/* --- the end of a call ----------------------------------------------------------------------- */

static void free_call(struct loop_curl_call *call) {
    if (call->added && call->c->multi)
        curl_multi_remove_handle(loop_curl_multi_handle(call->c->multi), call->easy);
    loop_timer_stop(&call->overdue);
    curl_easy_cleanup(call->easy);
    loop_curl_mime_free(call->mime);
    curl_slist_free_all(call->headers);
    buf_free(&call->answer);
    free(call->body);
    free(call);
}

/* Calls fn, for the one time; from then on nobody else knows of the call. */
static void report(
    struct loop_curl_call *call, const struct loop_curl_answer *answer, const struct err *err) {
    call->done = true;
    if (call->c->calls == call)
        call->c->calls = call->next;
    else
        call->prev->next = call->next;
    if (call->next)
        call->next->prev = call->prev;
    call->fn(call->arg, answer, err, answer || call->begun);
}

static enum err_code error_code(CURLcode rc, bool sent) {
    switch (rc) {
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: /* also what answers something else than HTTP */
    case CURLE_LOGIN_DENIED:         /* a user name in the URL */
        return sent ? ERR_PROTOCOL : ERR_INVALID;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
        return ERR_PROTOCOL;
    default:
        return ERR_UNAVAILABLE;
    }
}

static void describe(const struct loop_curl_call *call, CURLcode rc, struct err *err) {
    const char *text = call->error[0] ? call->error : curl_easy_strerror(rc);
    const struct err *unread = loop_curl_mime_error(call->mime);
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (call->denied && !call->begun) /* else another address was good */
        err_set(err, ERR_DENIED, "the address is not one of the public internet");
    else if (call->too_large && status / 100 != 2) /* a page about its trouble */
        err_set(err, ERR_UNAVAILABLE, "the peer answers %ld, with more than is read", status);
    else if (call->too_large || rc == CURLE_FILESIZE_EXCEEDED)
        err_set(err, ERR_TOO_LARGE, "the peer's answer is too large");
    else if (call->sink_failed)
        *err = call->sink_err;
    else if (unread)
        *err = *unread;
    else if (call->died)
        err_set(err, ERR_UNAVAILABLE, "the kept connection was closed instead of an answer");
    else
        err_set(err, error_code(rc, call->begun), "%s", text);
}

/* What some servers (EspoCRM) say of an error, where the body says nothing. */
static const char *reason_of(CURL *easy) {
    struct curl_header *h = NULL;
    return curl_easy_header(easy, "X-Status-Reason", 0, CURLH_HEADER, -1, &h) == CURLHE_OK
               ? h->value
               : "";
}

static void end_call(struct loop_curl_call *call, CURLcode rc) {
    struct loop_curl_answer answer = {0};
    curl_off_t retry_after = 0;
    long status = 0;
    char *type = NULL;
    struct err err;
    if (call->added)
        curl_multi_remove_handle(loop_curl_multi_handle(call->c->multi), call->easy);
    call->added = false;
    if (rc != CURLE_OK) {
        describe(call, rc, &err);
        report(call, NULL, &err);
        free_call(call);
        return;
    }
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after);
    answer.status = (int)status;
    answer.body = span_of(buf_str(&call->answer), call->answer.n);
    answer.content_type = type ? type : "";
    answer.reason = reason_of(call->easy);
    answer.retry_after_s = retry_after > 0 ? (long)retry_after : -1;
    report(call, &answer, NULL);
    free_call(call);
}

static void on_done(void *arg, CURL *easy, CURLcode rc) {
    struct loop_curl_call *call = NULL;
    (void)arg;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
    if (!call->done) /* else cancelled in its sink: settle() frees it */
        end_call(call, rc);
}

/* Only for what waits for a connection: curl does not look at its time. */
static void on_overdue(void *arg) {
    struct loop_curl_call *call = arg;
    if (call->deferred)
        loop_timer_again(call->overdue, 1, 0);
    else
        end_call(call, CURLE_OPERATION_TIMEDOUT);
}

/* --- the beginning of a call ----------------------------------------------------------------- */

static void set_safety(CURL *e, const struct loop_curl_request *rq) {
    const char *schemes = rq->plain ? "http,https" : "https";
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, schemes);
#else
#error "curl 7.85 or newer is needed"
#endif
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "switchboard");
}

static void set_limits(
    CURL *e, const struct loop_curl_limits *limits, const struct loop_curl_request *rq) {
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)rq->timeout_ms);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)rq->connect_ms);
    curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, limits->idle_s);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, limits->read_buffer);
    curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, limits->upload_buffer);
    if (rq->stall_s) {
        curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_A_S);
        curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)rq->stall_s);
    }
    if (rq->sink) /* known before its first byte, where the peer says the size */
        curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)rq->answer_max);
}

static void set_method(struct loop_curl_call *call, const struct loop_curl_request *rq) {
    CURL *e = call->easy;
    bool get = strcmp(rq->method, "GET") == 0, head = strcmp(rq->method, "HEAD") == 0;
    call->repeatable = get || head;
    if (get || head) {
        curl_easy_setopt(e, head ? CURLOPT_NOBODY : CURLOPT_HTTPGET, 1L);
        return;
    }
    if (rq->nparts) {
        call->mime = loop_curl_mime_create(e, rq->parts, rq->nparts);
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, rq->method);
        return;
    }
    curl_easy_setopt(e, CURLOPT_POST, 1L);
    curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, rq->method);
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.n);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, call->body); /* a short one goes with the head */
}

static void set_headers(struct loop_curl_call *call, const struct loop_curl_request *rq) {
    bool typed = rq->nparts > 0;                        /* by curl, which knows the boundary */
    call->headers = curl_slist_append(NULL, "Expect:"); /* no waiting for 100 Continue */
    for (const char *const *h = rq->headers; h && *h; h++) {
        call->headers = curl_slist_append(call->headers, *h);
        typed = typed || strncasecmp(*h, "content-type:", 13) == 0;
    }
    if (!typed)
        call->headers = curl_slist_append(call->headers, "Content-Type:"); /* none */
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_callbacks(struct loop_curl_call *call) {
    CURL *e = call->easy;
    curl_easy_setopt(e, CURLOPT_PRIVATE, call);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_answer_bytes);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_answer_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_begin);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, call);
}

static void add_call(struct loop_curl_call *call) {
    CURLM *multi = loop_curl_multi_handle(call->c->multi);
    call->added = !call->bad && curl_multi_add_handle(multi, call->easy) == CURLM_OK;
}

/* What could not be done where it was asked for. */
static void settle(void *arg) {
    struct loop_curl_call *call = arg;
    call->deferred = false;
    if (call->done) {
        free_call(call);
        return;
    }
    add_call(call);
    if (!call->added)
        end_call(call, CURLE_URL_MALFORMAT);
}

static void settle_soon(struct loop_curl_call *call) {
    if (!call->deferred)
        loop_defer(call->c->env->loop, settle, call);
    call->deferred = true;
}

struct loop_curl_call *loop_curl_start(
    struct loop_curl *c, const struct loop_curl_request *rq, loop_curl_fn fn, void *arg) {
    struct loop_curl_call *call = mem_zalloc(sizeof *call);
    call->c = c;
    call->fn = fn;
    call->arg = arg;
    call->sink = rq->sink;
    call->sink_max = rq->answer_max;
    call->body = mem_strndup(rq->body.p ? rq->body.p : "", rq->body.n);
    buf_init(&call->answer, rq->answer_max);
    call->next = c->calls;
    if (call->next)
        call->next->prev = call;
    c->calls = call;
    CURL *e = call->easy = curl_easy_init();
    if (!e)
        abort(); /* out of memory */
    call->bad = !rq->url || curl_easy_setopt(e, CURLOPT_URL, rq->url) != CURLE_OK;
    set_safety(e, rq);
    loop_curl_multi_share_authorities(c->multi, e);
    loop_curl_multi_closes(c->multi, e);
    set_limits(e, &c->limits, rq);
    set_method(call, rq);
    set_headers(call, rq);
    set_callbacks(call);
    if (!c->in_sink)
        add_call(call);
    if (!call->added)
        settle_soon(call);
    if (rq->timeout_ms)
        call->overdue = loop_timer_start(
            c->env->loop, (uint64_t)rq->timeout_ms + OVERDUE_MS, 0, on_overdue, call);
    return call;
}

void loop_curl_cancel(struct loop_curl_call *call) {
    struct err err;
    if (call->done)
        return;
    err_set(&err, ERR_UNAVAILABLE, "the request was cancelled");
    loop_timer_stop(&call->overdue);
    report(call, NULL, &err);
    if (call->c->in_sink || call->deferred)
        settle_soon(call);
    else
        free_call(call);
}

/* --- the client ------------------------------------------------------------------------------ */

struct loop_curl *loop_curl_create(const struct env *env, const struct loop_curl_limits *limits,
    loop_curl_address_fn address_ok, void *arg) {
    struct loop_curl *c = mem_zalloc(sizeof *c);
    c->env = env;
    c->limits = *limits;
    c->address_ok = address_ok;
    c->arg = arg;
    c->multi = loop_curl_multi_create(env, on_done, c);
    CURLM *multi = loop_curl_multi_handle(c->multi);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, limits->kept);
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, limits->connections);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, limits->a_host);
    return c;
}

static void free_client(void *arg) {
    free(arg);
}

static void finish(void *arg) {
    struct loop_curl *c = arg;
    loop_curl_multi_destroy(&c->multi);
    loop_defer(c->env->loop, free_client, c); /* after the calls that settle() frees */
}

void loop_curl_destroy(struct loop_curl **c_) {
    struct loop_curl *c = *c_;
    if (!c)
        return;
    *c_ = NULL;
    while (c->calls)
        loop_curl_cancel(c->calls);
    if (c->in_sink)
        loop_defer(c->env->loop, finish, c);
    else
        finish(c);
}
