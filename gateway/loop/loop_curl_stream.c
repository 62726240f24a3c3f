/* loop_curl_stream.c - connect-only transfers of curl. The easy handle stays in the multi handle,
 * which would close the connection with it; the socket is ours to wait for, never to close. */
#include "loop/loop_curl_stream.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "loop/loop_curl_multi.h"

#define READ_SIZE 16384u /* of a TLS record */
#define WRITE_SIZE 16384u
#define READS_A_TURN 16 /* then the others' sockets are looked at */
#define CURL_BUFFER 4096L
#define CURL_UPLOAD_BUFFER 16384L
#define KEEPALIVE_S 60L

/* curl's OpenSSL wants a write that did not go through again from the same address and of the same
 * length: what waits stays where it is. */
struct chunk {
    struct chunk *next;
    size_t n, sent;
    char bytes[];
};

struct loop_curl_streams {
    const struct env *env;
    struct loop_curl_multi *multi;
};

struct loop_curl_stream {
    struct loop_curl_streams *c;
    struct loop_curl_stream_fns fns;
    void *arg;
    CURL *easy;
    CURLSH *own_cache;
    struct loop_timer *overdue;
    struct loop_fd *fd;
    curl_socket_t socket;
    struct chunk *out, *out_last;
    size_t unsent;
    struct err err;
    bool added;    /* to the multi handle */
    bool open;     /* the bytes are ours */
    bool denied;   /* an address was */
    bool reached;  /* an address was good */
    bool paused;   /* by the reader */
    bool blocked;  /* the socket takes no more for now */
    bool deferred; /* pump() will come */
    bool inside;   /* one of our functions that may call the owner is on the stack */
    bool ended;    /* on_closed was called, or will not be */
    bool closed;   /* by its owner: freed as soon as nobody is inside */
    char error[CURL_ERROR_SIZE];
};

static void free_stream(struct loop_curl_stream *s) {
    loop_fd_stop(&s->fd);
    loop_timer_stop(&s->overdue);
    if (s->added) /* this closes the connection */
        curl_multi_remove_handle(loop_curl_multi_handle(s->c->multi), s->easy);
    curl_easy_cleanup(s->easy);
    curl_share_cleanup(s->own_cache);
    for (struct chunk *c = s->out, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(s);
}

/* From the loop only. */
static void end(struct loop_curl_stream *s, const struct err *err) {
    loop_fd_stop(&s->fd);
    loop_timer_stop(&s->overdue);
    if (s->ended)
        return;
    s->open = false;
    s->ended = true;
    s->fns.on_closed(s->arg, err);
}

/* --- the bytes ------------------------------------------------------------------------------- */

static void pump(void *arg);

static void pump_soon(struct loop_curl_stream *s) {
    if (!s->deferred)
        loop_defer(s->c->env->loop, pump, s);
    s->deferred = true;
}

/* 0, or -1 with err in s. */
static int write_out(struct loop_curl_stream *s) {
    while (s->out) {
        struct chunk *c = s->out;
        size_t left = c->n - c->sent, n = 0;
        CURLcode rc =
            curl_easy_send(s->easy, c->bytes + c->sent, left < WRITE_SIZE ? left : WRITE_SIZE, &n);
        s->blocked = rc == CURLE_AGAIN;
        if (s->blocked)
            return 0;
        if (rc != CURLE_OK)
            return err_set(&s->err, ERR_UNAVAILABLE, "the connection was lost: %s",
                s->error[0] ? s->error : curl_easy_strerror(rc));
        c->sent += n;
        s->unsent -= n;
        if (c->sent == c->n) {
            s->out = c->next;
            free(c);
        }
    }
    return 0;
}

/* Until nothing is left: what TLS has decrypted already makes no socket readable. */
static int read_in(struct loop_curl_stream *s) {
    char bytes[READ_SIZE];
    for (int i = 0; s->open && !s->closed && !s->paused; i++) {
        size_t n = 0;
        CURLcode rc;
        if (i == READS_A_TURN) {
            pump_soon(s);
            return 0;
        }
        rc = curl_easy_recv(s->easy, bytes, sizeof bytes, &n);
        if (rc == CURLE_AGAIN)
            return 0;
        if (rc != CURLE_OK)
            return err_set(&s->err, ERR_UNAVAILABLE, "the connection was lost: %s",
                s->error[0] ? s->error : curl_easy_strerror(rc));
        if (n == 0)
            return err_set(&s->err, ERR_UNAVAILABLE, "the server closed the connection");
        s->fns.on_bytes(s->arg, span_of(bytes, n));
    }
    return 0;
}

/* After what may have called the owner. */
static void leave(struct loop_curl_stream *s) {
    s->inside = false;
    if (s->closed && !s->deferred)
        free_stream(s);
}

static void watch(struct loop_curl_stream *s) {
    loop_fd_change(s->fd, (s->paused ? 0 : LOOP_READ) | (s->out && s->blocked ? LOOP_WRITE : 0));
}

static void run(struct loop_curl_stream *s) {
    s->inside = true;
    int rc = write_out(s);
    if (read_in(s) < 0 || rc < 0) /* what came before the end is read even so */
        end(s, &s->err);
    if (s->open)
        watch(s);
    leave(s);
}

static void pump(void *arg) {
    struct loop_curl_stream *s = arg;
    s->deferred = false;
    if (s->closed)
        free_stream(s);
    else if (s->open)
        run(s);
}

static void on_socket(void *arg, int events) {
    struct loop_curl_stream *s = arg;
    (void)events; /* an error shows in what is read */
    if (s->open)
        run(s);
}

/* --- the connection -------------------------------------------------------------------------- */

static curl_socket_t on_open_socket(
    void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
    struct loop_curl_stream *s = arg;
    if (purpose != CURLSOCKTYPE_IPCXN || !s->fns.address_ok(s->arg, &address->addr)) {
        s->denied = true;
        return CURL_SOCKET_BAD;
    }
    s->reached = true;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_line(char *p, size_t size, size_t n, void *arg) {
    struct loop_curl_stream *s = arg;
    size_t len = size * n;
    while (len && (p[len - 1] == '\n' || p[len - 1] == '\r'))
        len--;
    if (!s->ended && !s->open)
        s->fns.on_line(s->arg, span_of(p, len));
    return size * n;
}

static size_t on_no_body(char *p, size_t size, size_t n, void *arg) {
    (void)p;
    (void)arg;
    return size * n;
}

static enum err_code error_code(CURLcode rc) {
    switch (rc) {
    case CURLE_LOGIN_DENIED:
    case CURLE_AUTH_ERROR:
        return ERR_DENIED;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return ERR_INVALID;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_USE_SSL_FAILED:
        return ERR_PROTOCOL;
    default:
        return ERR_UNAVAILABLE;
    }
}

static void fail(struct loop_curl_stream *s, CURLcode rc) {
    struct err err;
    if (s->denied && !s->reached)
        err_set(&err, ERR_DENIED, "the address is not one of those that are allowed");
    else if (rc == CURLE_USE_SSL_FAILED)
        err_set(&err, ERR_PROTOCOL, "the server has no STARTTLS");
    else
        err_set(&err, error_code(rc), "%s", s->error[0] ? s->error : curl_easy_strerror(rc));
    end(s, &err);
}

static void on_done(void *arg, CURL *easy, CURLcode rc) {
    struct loop_curl_stream *s = NULL;
    (void)arg;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&s);
    if (s->ended)
        return;
    loop_timer_stop(&s->overdue);
    s->socket = CURL_SOCKET_BAD;
    if (rc == CURLE_OK)
        curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &s->socket);
    if (s->socket != CURL_SOCKET_BAD)
        s->fd = loop_fd_start(s->c->env->loop, s->socket, LOOP_READ, on_socket, s);
    if (rc == CURLE_OK && !s->fd)
        rc = CURLE_RECV_ERROR;
    s->inside = true;
    if (rc == CURLE_OK) {
        s->open = true;
        s->fns.on_open(s->arg);
    } else {
        fail(s, rc);
    }
    if (s->open)
        pump_soon(s); /* what came together with the last answer lies in TLS already */
    leave(s);
}

static void on_overdue(void *arg) {
    struct loop_curl_stream *s = arg;
    s->inside = true;
    fail(s, CURLE_OPERATION_TIMEDOUT);
    leave(s);
}

static void start(void *arg) {
    struct loop_curl_stream *s = arg;
    s->deferred = false;
    s->inside = true;
    if (!s->closed)
        s->added = curl_multi_add_handle(loop_curl_multi_handle(s->c->multi), s->easy) == CURLM_OK;
    if (!s->added)
        fail(s, CURLE_URL_MALFORMAT);
    leave(s);
}

static void set_login(CURL *e, const struct loop_curl_stream_request *rq) {
    if (!rq->user)
        return;
    curl_easy_setopt(e, CURLOPT_USERNAME, rq->user);
    curl_easy_setopt(e, rq->bearer ? CURLOPT_XOAUTH2_BEARER : CURLOPT_PASSWORD, rq->secret);
    curl_easy_setopt(e, CURLOPT_LOGIN_OPTIONS, rq->login);
    curl_easy_setopt(e, CURLOPT_SASL_IR, 1L);
}

static void set_safety(CURL *e, const struct loop_curl_stream_request *rq) {
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "imap,imaps,smtp,smtps");
    curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(e, CURLOPT_USE_SSL, rq->plain ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_S / 2);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)rq->connect_ms);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, CURL_BUFFER);
    curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, CURL_UPLOAD_BUFFER);
    if (rq->ca_file) {
        curl_easy_setopt(e, CURLOPT_CAINFO, rq->ca_file);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    }
}

static void set_callbacks(struct loop_curl_stream *s) {
    CURL *e = s->easy;
    curl_easy_setopt(e, CURLOPT_PRIVATE, s);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, s->error);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, s);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_line);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, s);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_no_body);
}

/* In the multi handle's own cache curl takes an idle connect-only connection for one that is kept
 * for later: whoever connects next looks through them, and closes each that is old or has unread
 * bytes (an IDLE session that just hears of a new mail). */
static void give_own_cache(struct loop_curl_stream *s) {
    s->own_cache = curl_share_init();
    if (!s->own_cache)
        abort(); /* out of memory */
    curl_share_setopt(s->own_cache, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
    curl_easy_setopt(s->easy, CURLOPT_SHARE, s->own_cache);
}

struct loop_curl_stream *loop_curl_stream_open(struct loop_curl_streams *c,
    const struct loop_curl_stream_request *rq, const struct loop_curl_stream_fns *fns, void *arg) {
    struct loop_curl_stream *s = mem_zalloc(sizeof *s);
    s->c = c;
    s->fns = *fns;
    s->arg = arg;
    s->easy = curl_easy_init();
    if (!s->easy)
        abort(); /* out of memory */
    curl_easy_setopt(s->easy, CURLOPT_URL, rq->url);
    loop_curl_multi_share_authorities(c->multi, s->easy);
    set_safety(s->easy, rq);
    set_login(s->easy, rq);
    set_callbacks(s);
    give_own_cache(s);
    s->overdue = loop_timer_start(c->env->loop, rq->connect_ms, 0, on_overdue, s);
    s->deferred = true;
    loop_defer(c->env->loop, start, s);
    return s;
}

bool loop_curl_stream_send(struct loop_curl_stream *s, struct span bytes, size_t most) {
    if (bytes.n > most || s->unsent > most - bytes.n)
        return false;
    if (!s->open || !bytes.n)
        return true;
    struct chunk *c = mem_alloc(sizeof *c + bytes.n);
    *c = (struct chunk){.n = bytes.n};
    memcpy(c->bytes, bytes.p, bytes.n);
    if (s->out)
        s->out_last->next = c;
    else
        s->out = c;
    s->out_last = c;
    s->unsent += bytes.n;
    if (!s->blocked)
        pump_soon(s);
    return true;
}

size_t loop_curl_stream_unsent(const struct loop_curl_stream *s) {
    return s->unsent;
}

void loop_curl_stream_pause(struct loop_curl_stream *s, bool paused) {
    if (s->paused == paused)
        return;
    s->paused = paused;
    if (!s->open)
        return;
    watch(s);
    if (!paused)
        pump_soon(s);
}

static void close_stream(struct loop_curl_stream *s, bool farewell) {
    s->closed = s->ended = true;
    if (s->open && s->out && farewell)
        write_out(s);
    s->open = false;
    loop_fd_stop(&s->fd);
    loop_timer_stop(&s->overdue);
    if (!s->inside && !s->deferred)
        free_stream(s);
}

void loop_curl_stream_close(struct loop_curl_stream **s) {
    if (*s)
        close_stream(*s, true);
    *s = NULL;
}

void loop_curl_stream_abort(struct loop_curl_stream **s) {
    if (*s)
        close_stream(*s, false);
    *s = NULL;
}

struct loop_curl_streams *loop_curl_streams_create(const struct env *env) {
    struct loop_curl_streams *c = mem_zalloc(sizeof *c);
    c->env = env;
    c->multi = loop_curl_multi_create(env, on_done, c);
    return c;
}

static void free_streams(void *arg) {
    struct loop_curl_streams *c = arg;
    loop_curl_multi_destroy(&c->multi);
    free(c);
}

void loop_curl_streams_destroy(struct loop_curl_streams **c) {
    if (*c) /* after the streams that are closed, which are freed a turn later */
        loop_defer((*c)->env->loop, free_streams, *c);
    *c = NULL;
}
