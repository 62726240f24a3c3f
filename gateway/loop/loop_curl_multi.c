/* loop_curl_multi.c - see loop_curl_multi.h. */
#include "loop/loop_curl_multi.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

/* What curl wants of a socket. Of a connection that was opened here (loop_curl_multi_open()) the
 * watch stays until it is closed: curl wants nothing of a kept one, and with the next request the
 * same again, which would be six system calls each time. */
struct watch {
    struct loop_curl_multi *m;
    struct loop_fd *fd; /* NULL: it stopped by itself */
    curl_socket_t socket;
    int wanted, watched; /* events */
    bool is_ours;
};

struct loop_curl_multi {
    const struct env *env;
    CURLM *multi; /* NULL: destroyed, and about to be freed */
    loop_curl_multi_fn fn;
    void *arg;
    struct loop_timer *timer;
    struct watch **watches; /* by socket */
    size_t nwatches;
    bool one_file; /* of authorities */
};

static void collect_done(struct loop_curl_multi *m) {
    CURLMsg *msg;
    int left;
    while (m->multi && (msg = curl_multi_info_read(m->multi, &left)))
        if (msg->msg == CURLMSG_DONE)
            m->fn(m->arg, msg->easy_handle, msg->data.result);
}

static void free_later(void *arg) {
    free(arg);
}

static struct watch *watch_of(const struct loop_curl_multi *m, curl_socket_t s) {
    return s >= 0 && (size_t)s < m->nwatches ? m->watches[s] : NULL;
}

static struct watch *add_watch(struct loop_curl_multi *m, curl_socket_t s) {
    struct watch *w = mem_zalloc(sizeof *w);
    if ((size_t)s >= m->nwatches) {
        size_t n = (size_t)s + 64;
        m->watches = mem_realloc(m->watches, n * sizeof *m->watches);
        memset(m->watches + m->nwatches, 0, (n - m->nwatches) * sizeof *m->watches);
        m->nwatches = n;
    }
    w->m = m;
    w->socket = s;
    m->watches[s] = w;
    return w;
}

static void remove_watch(struct watch *w) {
    loop_fd_stop(&w->fd);
    w->m->watches[w->socket] = NULL;
    loop_defer(w->m->env->loop, free_later, w); /* on_socket may be on the stack */
}

static void on_socket(void *arg, int events) {
    struct watch *w = arg;
    struct loop_curl_multi *m = w->m;
    int running, what = 0;
    if (!w->wanted) { /* a kept connection is closed by its peer: curl finds out when it wants it */
        loop_fd_stop(&w->fd);
        w->watched = 0;
        return;
    }
    what |= events & LOOP_READ ? CURL_CSELECT_IN : 0;
    what |= events & LOOP_WRITE ? CURL_CSELECT_OUT : 0;
    if (events & LOOP_ERROR) { /* the watch stopped by itself */
        what |= CURL_CSELECT_ERR;
        w->watched = 0;
    }
    curl_multi_socket_action(m->multi, w->socket, what, &running);
    collect_done(m);
}

static void watch(struct watch *w, int events) {
    w->wanted = events;
    if (w->watched == events)
        return;
    if (w->fd)
        loop_fd_change(w->fd, events);
    else
        w->fd = loop_fd_start(w->m->env->loop, w->socket, events, on_socket, w);
    w->watched = events;
}

static int curl_wants(CURL *easy, curl_socket_t s, int what, void *arg, void *socket_arg) {
    struct loop_curl_multi *m = arg;
    struct watch *w = watch_of(m, s);
    (void)easy;
    (void)socket_arg;
    if (what != CURL_POLL_REMOVE) {
        watch(w ? w : add_watch(m, s),
            (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0));
    } else if (w && w->is_ours && w->watched == LOOP_READ) {
        w->wanted = 0;
    } else if (w) { /* also one that was never connected: curl closes it without a word */
        remove_watch(w);
    }
    return 0;
}

curl_socket_t loop_curl_multi_open(struct loop_curl_multi *m, const struct curl_sockaddr *address) {
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    struct watch *old = watch_of(m, fd); /* of one that was closed without a word */
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (old)
        remove_watch(old);
    add_watch(m, fd)->is_ours = true;
    return fd;
}

static int on_close_socket(void *arg, curl_socket_t s) {
    struct watch *w = watch_of(arg, s);
    if (w)
        remove_watch(w);
    return close(s);
}

void loop_curl_multi_closes(struct loop_curl_multi *m, CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, m);
}

static void on_timer(void *arg) {
    struct loop_curl_multi *m = arg;
    int running;
    curl_multi_socket_action(m->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect_done(m);
}

static int curl_wants_time(CURLM *multi, long ms, void *arg) {
    struct loop_curl_multi *m = arg;
    (void)multi;
    loop_timer_again(m->timer, ms < 0 ? UINT32_MAX : (uint64_t)ms, 0);
    return 0;
}

struct loop_curl_multi *loop_curl_multi_create(
    const struct env *env, loop_curl_multi_fn fn, void *arg) {
    struct loop_curl_multi *m = mem_zalloc(sizeof *m);
    m->env = env;
    m->fn = fn;
    m->arg = arg;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    m->multi = curl_multi_init();
    if (!m->multi)
        abort(); /* out of memory */
    const char *file = curl_version_info(CURLVERSION_NOW)->cainfo;
    m->one_file = file && access(file, R_OK) == 0;
    m->timer = loop_timer_start(env->loop, UINT32_MAX, 0, on_timer, m);
    curl_multi_setopt(m->multi, CURLMOPT_SOCKETFUNCTION, curl_wants);
    curl_multi_setopt(m->multi, CURLMOPT_SOCKETDATA, m);
    curl_multi_setopt(m->multi, CURLMOPT_TIMERFUNCTION, curl_wants_time);
    curl_multi_setopt(m->multi, CURLMOPT_TIMERDATA, m);
    return m;
}

static void free_multi(void *arg) {
    curl_global_cleanup();
    free(arg);
}

void loop_curl_multi_destroy(struct loop_curl_multi **m_) {
    struct loop_curl_multi *m = *m_;
    if (!m)
        return;
    *m_ = NULL;
    curl_multi_cleanup(m->multi);
    m->multi = NULL;
    for (size_t i = 0; i < m->nwatches; i++)
        if (m->watches[i])
            remove_watch(m->watches[i]);
    free(m->watches);
    loop_timer_stop(&m->timer);
    loop_defer(m->env->loop, free_multi, m); /* collect_done may be on the stack */
}

CURLM *loop_curl_multi_handle(struct loop_curl_multi *m) {
    return m ? m->multi : NULL;
}

void loop_curl_multi_share_authorities(struct loop_curl_multi *m, CURL *easy) {
    if (m->one_file)
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}
