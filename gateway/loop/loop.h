/* loop.h - the one event loop of a process (libuv), in our words: timers, file descriptors,
 * "do this soon", and work for the small thread pool. Everything here is called on the loop's
 * thread; only the function given to loop_work() runs elsewhere. */
#ifndef SB_LOOP_LOOP_H
#define SB_LOOP_LOOP_H

#include <stdint.h>

struct log;
struct metrics;
struct loop;
struct loop_timer;
struct loop_fd;

/* What nearly every module needs to work at all. Owned by app.c; outlives everybody. */
struct env {
    struct loop *loop;
    const struct log *log;
    struct metrics *metrics;
};

typedef void (*loop_fn)(void *arg);
typedef void (*loop_fd_fn)(void *arg, int events);

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_ERROR = 4 /* reported, never asked for */ };

struct loop *loop_create(void);    /* also makes the process ignore SIGPIPE */
void loop_run(struct loop *loop);  /* until loop_stop() */
void loop_stop(struct loop *loop); /* loop_run returns after this turn */

/* Runs the closing of what is being closed to its end, then frees. Every timer, fd and piece of
 * work must have been stopped or finished: what is left is a bug and is listed on stderr. */
void loop_destroy(struct loop **loop);

/* The libuv loop itself, for the guests in this folder only (uv_loop_t *). */
void *loop_uv(struct loop *loop);

/* Calls fn after delay_ms, then each repeat_ms (0: once). A timer that ran out once must still be
 * stopped. The pointer is set to NULL by loop_timer_stop(), which accepts NULL inside. */
struct loop_timer *loop_timer_start(
    struct loop *loop, uint64_t delay_ms, uint64_t repeat_ms, loop_fn fn, void *arg);
void loop_timer_again(struct loop_timer *t, uint64_t delay_ms, uint64_t repeat_ms); /* re-arms */
void loop_timer_stop(struct loop_timer **t);

/* Calls fn once, after the current callback and before the loop waits again. */
void loop_defer(struct loop *loop, loop_fn fn, void *arg);

/* Calls fn whenever the fd is ready for one of `events`, or has an error (LOOP_ERROR). The caller
 * owns the fd and closes it after loop_fd_stop(). */
struct loop_fd *loop_fd_start(struct loop *loop, int fd, int events, loop_fd_fn fn, void *arg);
void loop_fd_change(struct loop_fd *w, int events);
void loop_fd_stop(struct loop_fd **w);

/* Runs work(arg) in the thread pool (4 threads), then done(arg) on the loop, exactly once. For
 * what blocks: fsync, SQLite, password hashes. work touches nothing but arg. */
void loop_work(struct loop *loop, loop_fn work, loop_fn done, void *arg);

/* Calls fn on the loop for each signal of this number, until the loop is destroyed. */
void loop_signal(struct loop *loop, int signo, loop_fn fn, void *arg);

#endif
