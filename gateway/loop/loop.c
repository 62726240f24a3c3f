/* loop.c - timers, descriptors, deferred calls, thread-pool work and signals over libuv.
 * Knows none of the guests (curl, hiredis, libwebsockets, libmicrohttpd): they have own files. */
#include "loop/loop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/mem.h"
#include "loop/loop_guest.h"

struct call {
    struct call *next;
    loop_fn fn;
    void *arg;
};

struct calls {
    struct call *first, **last;
};

struct signal_watch {
    uv_signal_t uv;
    struct signal_watch *next;
    loop_fn fn;
    void *arg;
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t before_wait; /* runs the deferred calls; keeps loop_run() going */
    uv_idle_t not_yet;        /* active while deferred calls are left for the next turn */
    struct calls deferred, at_end;
    struct signal_watch *signals;
};

struct loop_timer {
    uv_timer_t uv;
    loop_fn fn;
    void *arg;
};

struct loop_fd {
    uv_poll_t uv;
    loop_fd_fn fn;
    void *arg;
};

struct loop_job {
    uv_work_t uv;
    loop_fn work, done;
    void *arg;
};

static void calls_init(struct calls *q) {
    q->first = NULL;
    q->last = &q->first;
}

static void calls_add(struct calls *q, loop_fn fn, void *arg) {
    struct call *c = mem_alloc(sizeof *c);
    *c = (struct call){NULL, fn, arg};
    *q->last = c;
    q->last = &c->next;
}

/* Runs what is queued now; what these calls queue themselves stays for the next round. */
static void calls_run(struct calls *q) {
    struct call *c = q->first;
    calls_init(q);
    while (c) {
        struct call *next = c->next;
        c->fn(c->arg);
        free(c);
        c = next;
    }
}

static void on_idle(uv_idle_t *h) {
    (void)h; /* its being active is enough: the loop does not wait */
}

/* A call may defer another one; a few rounds are run at once, the rest after a look at the fds. */
static void on_before_wait(uv_prepare_t *h) {
    struct loop *loop = h->data;
    for (int round = 0; round < 4 && loop->deferred.first; round++)
        calls_run(&loop->deferred);
    if (loop->deferred.first)
        uv_idle_start(&loop->not_yet, on_idle);
    else
        uv_idle_stop(&loop->not_yet);
}

static void must(int rc, const char *what) {
    if (rc != 0) {
        fprintf(stderr, "loop: %s: %s\n", what, uv_strerror(rc));
        abort();
    }
}

struct loop *loop_create(void) {
    struct loop *loop = mem_zalloc(sizeof *loop);
    signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error of write(), not our death */
    must(uv_loop_init(&loop->uv), "uv_loop_init");
    loop->uv.data = loop;
    calls_init(&loop->deferred);
    calls_init(&loop->at_end);
    must(uv_prepare_init(&loop->uv, &loop->before_wait), "uv_prepare_init");
    must(uv_idle_init(&loop->uv, &loop->not_yet), "uv_idle_init");
    loop->before_wait.data = loop;
    uv_prepare_start(&loop->before_wait, on_before_wait);
    return loop;
}

void *loop_uv(struct loop *loop) {
    return &loop->uv;
}

void loop_run(struct loop *loop) {
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop) {
    uv_stop(&loop->uv);
}

void loop_defer(struct loop *loop, loop_fn fn, void *arg) {
    calls_add(&loop->deferred, fn, arg);
}

void loop_at_end(struct loop *loop, loop_fn fn, void *arg) {
    calls_add(&loop->at_end, fn, arg);
}

/* --- the end --------------------------------------------------------------------------------- */

static void close_left_over(uv_handle_t *h, void *arg) {
    (void)arg;
    if (uv_is_closing(h))
        return;
    fprintf(
        stderr, "loop: still open at the end: %s %p\n", uv_handle_type_name(h->type), (void *)h);
    uv_close(h, NULL);
}

static void free_signal(uv_handle_t *h) {
    free(container_of(h, struct signal_watch, uv));
}

/* Work that is still in the thread pool is waited for; its done() may defer calls. */
static void run_to_rest(struct loop *loop) {
    do {
        calls_run(&loop->deferred);
        uv_walk(&loop->uv, close_left_over, NULL);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    } while (loop->deferred.first || uv_loop_alive(&loop->uv));
}

/* A few turns without waiting: closings that the guests' last step must find done. */
static void close_what_closes(struct loop *loop) {
    for (int i = 0; i < 10 && uv_run(&loop->uv, UV_RUN_NOWAIT); i++)
        calls_run(&loop->deferred);
}

void loop_destroy(struct loop **loop_) {
    struct loop *loop = *loop_;
    if (!loop)
        return;
    for (struct signal_watch *s = loop->signals, *next; s; s = next) {
        next = s->next;
        uv_close((uv_handle_t *)&s->uv, free_signal);
    }
    uv_close((uv_handle_t *)&loop->before_wait, NULL);
    uv_close((uv_handle_t *)&loop->not_yet, NULL);
    while (loop->deferred.first)
        calls_run(&loop->deferred);
    close_what_closes(loop);
    while (loop->at_end.first) {
        calls_run(&loop->at_end);
        close_what_closes(loop);
    }
    run_to_rest(loop);
    must(uv_loop_close(&loop->uv), "uv_loop_close");
    free(loop);
    *loop_ = NULL; /* not before: what ran last may still have deferred calls */
}

/* --- timers ---------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *h) {
    struct loop_timer *t = container_of(h, struct loop_timer, uv);
    t->fn(t->arg);
}

static void free_timer(uv_handle_t *h) {
    free(container_of(h, struct loop_timer, uv));
}

struct loop_timer *loop_timer_start(
    struct loop *loop, uint64_t delay_ms, uint64_t repeat_ms, loop_fn fn, void *arg) {
    struct loop_timer *t = mem_zalloc(sizeof *t);
    t->fn = fn;
    t->arg = arg;
    must(uv_timer_init(&loop->uv, &t->uv), "uv_timer_init");
    loop_timer_again(t, delay_ms, repeat_ms);
    return t;
}

void loop_timer_again(struct loop_timer *t, uint64_t delay_ms, uint64_t repeat_ms) {
    uv_update_time(t->uv.loop); /* the callback that runs now may have taken long */
    uv_timer_start(&t->uv, on_timer, delay_ms, repeat_ms);
}

void loop_timer_stop(struct loop_timer **t) {
    if (*t)
        uv_close((uv_handle_t *)&(*t)->uv, free_timer);
    *t = NULL;
}

/* --- descriptors ----------------------------------------------------------------------------- */

static void on_poll(uv_poll_t *h, int status, int uv_events) {
    struct loop_fd *w = container_of(h, struct loop_fd, uv);
    int events = status < 0 ? LOOP_ERROR : 0;
    if (uv_events & (UV_READABLE | UV_DISCONNECT))
        events |= LOOP_READ;
    if (uv_events & UV_WRITABLE)
        events |= LOOP_WRITE;
    w->fn(w->arg, events);
}

static void free_fd(uv_handle_t *h) {
    free(container_of(h, struct loop_fd, uv));
}

struct loop_fd *loop_fd_start(struct loop *loop, int fd, int events, loop_fd_fn fn, void *arg) {
    struct loop_fd *w = mem_zalloc(sizeof *w);
    w->fn = fn;
    w->arg = arg;
    if (uv_poll_init(&loop->uv, &w->uv, fd) != 0) {
        free(w);
        return NULL;
    }
    loop_fd_change(w, events);
    return w;
}

void loop_fd_change(struct loop_fd *w, int events) {
    int uv_events = 0;
    if (events & LOOP_READ)
        uv_events |= UV_READABLE;
    if (events & LOOP_WRITE)
        uv_events |= UV_WRITABLE;
    if (uv_events)
        uv_poll_start(&w->uv, uv_events, on_poll);
    else
        uv_poll_stop(&w->uv);
}

void loop_fd_stop(struct loop_fd **w) {
    if (*w)
        uv_close((uv_handle_t *)&(*w)->uv, free_fd);
    *w = NULL;
}

/* --- thread pool and signals ----------------------------------------------------------------- */

static void do_job(uv_work_t *rq) {
    struct loop_job *j = container_of(rq, struct loop_job, uv);
    j->work(j->arg);
}

static void job_done(uv_work_t *rq, int status) {
    (void)status; /* jobs are never cancelled */
    struct loop_job *j = container_of(rq, struct loop_job, uv);
    j->done(j->arg);
    free(j);
}

void loop_work(struct loop *loop, loop_fn work, loop_fn done, void *arg) {
    struct loop_job *j = mem_zalloc(sizeof *j);
    j->work = work;
    j->done = done;
    j->arg = arg;
    must(uv_queue_work(&loop->uv, &j->uv, do_job, job_done), "uv_queue_work");
}

static void on_signal(uv_signal_t *h, int signo) {
    (void)signo;
    struct signal_watch *s = container_of(h, struct signal_watch, uv);
    s->fn(s->arg);
}

void loop_signal(struct loop *loop, int signo, loop_fn fn, void *arg) {
    struct signal_watch *s = mem_zalloc(sizeof *s);
    s->fn = fn;
    s->arg = arg;
    must(uv_signal_init(&loop->uv, &s->uv), "uv_signal_init");
    must(uv_signal_start(&s->uv, on_signal, signo), "uv_signal_start");
    s->next = loop->signals;
    loop->signals = s;
}
