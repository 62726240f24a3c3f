/* loop_curl_multi.c - see loop_curl_multi.h. */
#include "loop/loop_curl_multi.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

struct watch {
    struct watch *next, *prev;
    struct loop_curl_multi *m;
    struct loop_fd *fd;
    curl_socket_t socket;
    int events;
};

struct loop_curl_multi {
    const struct env *env;
    CURLM *multi; /* NULL: destroyed, and about to be freed */
    loop_curl_multi_fn fn;
    void *arg;
    struct loop_timer *timer;
    struct watch *watches;
};

static void collect_done(struct loop_curl_multi *m) {
    CURLMsg *msg;
    int left;
    while (m->multi && (msg = curl_multi_info_read(m->multi, &left)))
        if (msg->msg == CURLMSG_DONE)
            m->fn(m->arg, msg->easy_handle, msg->data.result);
}

static void on_socket(void *arg, int events) {
    struct watch *w = arg;
    struct loop_curl_multi *m = w->m;
    int running, what = 0;
    what |= events & LOOP_READ ? CURL_CSELECT_IN : 0;
    what |= events & LOOP_WRITE ? CURL_CSELECT_OUT : 0;
    if (events & LOOP_ERROR) { /* the watch stopped by itself */
        what |= CURL_CSELECT_ERR;
        w->events = 0;
    }
    curl_multi_socket_action(m->multi, w->socket, what, &running);
    collect_done(m);
}

static void free_later(void *arg) {
    free(arg);
}

static void remove_watch(struct watch *w) {
    loop_fd_stop(&w->fd);
    if (w->m->watches == w)
        w->m->watches = w->next;
    else
        w->prev->next = w->next;
    if (w->next)
        w->next->prev = w->prev;
    loop_defer(w->m->env->loop, free_later, w); /* on_socket may be on the stack */
}

static int curl_wants(CURL *easy, curl_socket_t s, int what, void *arg, void *socket_arg) {
    struct loop_curl_multi *m = arg;
    struct watch *w = socket_arg;
    int events = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            curl_multi_assign(m->multi, s, NULL);
            remove_watch(w);
        }
        return 0;
    }
    if (!w) {
        w = mem_zalloc(sizeof *w);
        w->m = m;
        w->socket = s;
        w->next = m->watches;
        if (w->next)
            w->next->prev = w;
        m->watches = w;
        w->fd = loop_fd_start(m->env->loop, s, events, on_socket, w);
        curl_multi_assign(m->multi, s, w);
    } else if (w->fd && w->events != events) {
        loop_fd_change(w->fd, events);
    }
    w->events = events;
    return 0;
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
    while (m->watches)
        remove_watch(m->watches);
    loop_timer_stop(&m->timer);
    loop_defer(m->env->loop, free_multi, m); /* collect_done may be on the stack */
}

CURLM *loop_curl_multi_handle(struct loop_curl_multi *m) {
    return m ? m->multi : NULL;
}

void loop_curl_share_authorities(CURL *easy) {
    const char *file = curl_version_info(CURLVERSION_NOW)->cainfo;
    if (file && access(file, R_OK) == 0)
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}
