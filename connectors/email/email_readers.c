/* email_readers.c - the parent's side: a queue of mails, a few children, one mail at a time for
 * each. Children are waited for by their own pid only; the master's and others' children stay
 * theirs. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "connectors/email/email_child.h"
#include "connectors/email/email_child_private.h"
#include "connectors/email/email_frame.h"

#define DEADLINE_MS 20000
#define IDLE_MS 30000
#define REAP_MS 2
#define CHUNK (64u << 10)
#define CHUNKS_A_TURN 4 /* then others have their turn */
#define TRIES_MAX 2     /* to hand a mail to a child that may just have gone */

struct child {
    struct email_readers *r;
    struct child *next;
    struct email_reading *reading; /* NULL: idle */
    pid_t pid;
    int fd; /* -1: it is being ended */
    struct loop_fd *watch;
    struct loop_timer *timer; /* the deadline, idling, or waiting for its end */
    struct email_frames frames;
    bool last;   /* it ends by itself */
    bool blamed; /* its end was our doing: why says the reason */
    struct err why;
};

struct email_reading {
    struct email_readers *r;
    struct email_reading *next;
    struct child *child; /* NULL: in the queue */
    struct email_reading_fns fns;
    void *arg;
    int fd; /* -1: given away */
    unsigned tries;
    bool paused;
};

struct email_readers {
    const struct env *env;
    struct email_readers_options options;
    struct child *children;
    unsigned nchildren;
    struct email_reading *first, **end; /* the queue */
    struct loop_timer *kick;            /* all that must not happen inside a caller's call */
    char *chunk;
};

static void on_child(void *arg, int events);
static void on_reap(void *arg);
static void on_deadline(void *arg);
static void on_idle(void *arg);
static void on_kick(void *arg);

static void kick(struct email_readers *r) {
    if (r->kick)
        loop_timer_again(r->kick, 0, 0);
    else
        r->kick = loop_timer_start(r->env->loop, 0, 0, on_kick, r);
}

static void set_timer(struct child *c, uint64_t ms, loop_fn fn) {
    loop_timer_stop(&c->timer);
    c->timer = loop_timer_start(c->r->env->loop, ms, fn == on_reap ? ms : 0, fn, c);
}

/* --- readings -------------------------------------------------------------------------------- */

static void free_reading(struct email_reading *g) {
    if (g->fd >= 0)
        close(g->fd);
    free(g);
}

/* Calls on_done; g is gone after. It must be out of the queue and of its child. */
static void complete(struct email_reading *g, const struct err *err) {
    g->fns.on_done(g->arg, err);
    free_reading(g);
}

static void unqueue(struct email_readers *r, struct email_reading *g) {
    struct email_reading **p = &r->first;
    while (*p != g)
        p = &(*p)->next;
    *p = g->next;
    if (r->end == &g->next)
        r->end = p;
    g->next = NULL;
}

/* --- the end of a child ---------------------------------------------------------------------- */

/* Closed and killed; its reading, if any, is completed when it has been waited for. err NULL: it
 * ended by itself, and how will be seen then. */
static void end_child(struct child *c, const struct err *err) {
    if (c->fd < 0)
        return;
    if (err) {
        c->blamed = true;
        c->why = *err;
    }
    loop_fd_stop(&c->watch);
    close(c->fd);
    c->fd = -1;
    if (err || !c->reading) /* one that crashed is let finish: its signal is of interest */
        kill(c->pid, SIGKILL);
    set_timer(c, REAP_MS, on_reap);
}

static void free_child(struct child *c) {
    struct child **p = &c->r->children;
    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    c->r->nchildren--;
    loop_timer_stop(&c->timer);
    email_frames_free(&c->frames);
    free(c);
}

static void say_why(const struct child *c, int status, struct err *err) {
    if (c->blamed)
        *err = c->why;
    else if (!c->frames.ready)
        err_set(err, ERR_UNAVAILABLE, "the mail's reader cannot start (%s %d)",
            WIFSIGNALED(status) ? "signal" : "status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        err_set(err, ERR_PROTOCOL, "the mail ended its reader (signal %d)", WTERMSIG(status));
    else
        err_set(err, ERR_PROTOCOL, "the mail ended its reader (status %d)", WEXITSTATUS(status));
}

static void on_reap(void *arg) {
    struct child *c = arg;
    struct email_readers *r = c->r;
    int status = 0;
    pid_t pid = waitpid(c->pid, &status, WNOHANG);
    if (pid == 0) {
        kill(c->pid, SIGKILL); /* it closed its end and goes on: not for long */
        return;
    }
    struct email_reading *g = c->reading;
    struct err err = {0};
    say_why(c, status, &err);
    free_child(c);
    if (r->first)
        kick(r);
    if (g) {
        g->child = NULL;
        complete(g, &err);
    }
}

static void on_deadline(void *arg) {
    struct child *c = arg;
    struct err err = {0};
    unsigned ms = c->r->options.deadline_ms;
    if (c->frames.ready)
        err_set(&err, ERR_TIMEOUT, "the mail took longer than %u ms to read", ms);
    else
        err_set(&err, ERR_UNAVAILABLE, "the mail's reader did not start within %u ms", ms);
    end_child(c, &err);
}

static void on_idle(void *arg) {
    end_child(arg, NULL);
}

/* --- the start of a child -------------------------------------------------------------------- */

/* The pid, or -1. socket becomes EMAIL_CHILD_SOCKET in the child; its environment is empty. */
static pid_t spawn(int socket) {
    char *argv[] = {(char[]){"switchboard"}, (char[]){"read-mail"}, NULL}, *none[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t mask, defaults;
    pid_t pid = -1;
    sigemptyset(&mask);
    sigfillset(&defaults);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&actions, socket, EMAIL_CHILD_SOCKET);
    posix_spawnattr_setsigmask(&attr, &mask);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (posix_spawn(&pid, "/proc/self/exe", &actions, &attr, argv, none) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return pid;
}

static struct child *start_child(struct email_readers *r) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return NULL;
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    pid_t pid = spawn(pair[1]);
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return NULL;
    }
    struct child *c = mem_zalloc(sizeof *c);
    c->r = r;
    c->pid = pid;
    c->fd = pair[0];
    email_frames_init(&c->frames);
    c->watch = loop_fd_start(r->env->loop, c->fd, LOOP_READ, on_child, c);
    c->next = r->children;
    r->children = c;
    r->nchildren++;
    return c;
}

/* --- handing out ----------------------------------------------------------------------------- */

static int send_fd(int socket, int fd) {
    char byte = 'm';
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -1;
}

/* Gives the first of the queue to the child. */
static void hand_out(struct child *c) {
    struct email_readers *r = c->r;
    struct email_reading *g = r->first;
    struct stat st;
    uint64_t size = fstat(g->fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
    if (send_fd(c->fd, g->fd) < 0) {
        end_child(c, NULL);
        if (++g->tries >= TRIES_MAX) {
            struct err err = {0};
            err_set(&err, ERR_UNAVAILABLE, "no mail's reader takes the mail");
            unqueue(r, g);
            complete(g, &err);
        }
        return;
    }
    unqueue(r, g);
    close(g->fd);
    g->fd = -1;
    g->child = c;
    c->reading = g;
    email_frames_ask(&c->frames, size);
    set_timer(c, r->options.deadline_ms, on_deadline);
    email_reading_pause(g, g->paused);
}

static struct child *idle_child(struct email_readers *r) {
    for (struct child *c = r->children; c; c = c->next)
        if (c->fd >= 0 && !c->reading && !c->last)
            return c;
    return NULL;
}

static void fail_first(struct email_readers *r) {
    struct err err = {0};
    struct email_reading *g = r->first;
    err_set(&err, ERR_UNAVAILABLE, "no process can be started to read the mail");
    unqueue(r, g);
    complete(g, &err);
}

static void dispatch(struct email_readers *r) {
    while (r->first) {
        struct child *c = idle_child(r);
        if (!c && r->nchildren >= r->options.children)
            return;
        c = c ? c : start_child(r);
        if (c)
            hand_out(c);
        else if (r->nchildren == 0)
            fail_first(r);
        else
            return;
    }
}

/* --- answers --------------------------------------------------------------------------------- */

static void finish_reading(struct child *c, const struct email_frame *frame) {
    struct email_reading *g = c->reading;
    struct err err = {0};
    bool failed = frame->type == EMAIL_FRAME_FAILED;
    if (failed) {
        char text[EMAIL_FRAME_SENTENCE_MAX + 1] = "";
        memcpy(text, frame->bytes.p, frame->bytes.n);
        err_set(&err, ERR_IO, "%s", text);
    }
    c->reading = NULL;
    c->last = frame->type == EMAIL_FRAME_LAST;
    g->child = NULL;
    set_timer(c, c->r->options.idle_ms, on_idle);
    if (c->r->first)
        kick(c->r);
    complete(g, failed ? &err : NULL);
}

/* All frames that are there, until the reading pauses. */
static void pump(struct child *c) {
    struct email_frame frame;
    struct err err = {0};
    while (c->fd >= 0 && !(c->reading && c->reading->paused)) {
        int rc = email_frames_next(&c->frames, &frame, &err);
        if (rc == 0)
            return;
        struct email_reading *g = c->reading;
        if (rc < 0)
            end_child(c, &err);
        else if (frame.type == EMAIL_FRAME_MAIL)
            g->fns.on_mail(g->arg, frame.mail);
        else if (frame.type == EMAIL_FRAME_PIECE)
            g->fns.on_part(g->arg, frame.index, frame.bytes);
        else if (frame.type != EMAIL_FRAME_READY)
            finish_reading(c, &frame);
    }
}

static void on_child(void *arg, int events) {
    struct child *c = arg;
    struct err err = {0};
    (void)events;
    for (int i = 0; i < CHUNKS_A_TURN && c->fd >= 0; i++) {
        if (c->reading && c->reading->paused)
            return;
        ssize_t n = recv(c->fd, c->r->chunk, CHUNK, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            end_child(c, NULL);
            return;
        }
        if (email_frames_add(&c->frames, span_of(c->r->chunk, (size_t)n), &err) < 0) {
            end_child(c, &err);
            return;
        }
        pump(c);
        if ((size_t)n < CHUNK)
            return; /* that was all */
    }
}

static void on_kick(void *arg) {
    struct email_readers *r = arg;
    for (struct child *c = r->children, *next; c; c = next) {
        next = c->next; /* pump() frees no child */
        if (c->fd >= 0 && c->reading && !c->reading->paused)
            pump(c);
    }
    dispatch(r);
}

/* --- for the caller -------------------------------------------------------------------------- */

struct email_readers *email_readers_create(
    const struct env *env, const struct email_readers_options *options) {
    struct email_readers *r = mem_zalloc(sizeof *r);
    r->env = env;
    if (options)
        r->options = *options;
    r->options.children = r->options.children ? r->options.children : 1;
    r->options.deadline_ms = r->options.deadline_ms ? r->options.deadline_ms : DEADLINE_MS;
    r->options.idle_ms = r->options.idle_ms ? r->options.idle_ms : IDLE_MS;
    r->end = &r->first;
    r->chunk = mem_alloc(CHUNK);
    return r;
}

void email_readers_destroy(struct email_readers **p) {
    struct email_readers *r = *p;
    struct err err = {0};
    *p = NULL;
    if (!r)
        return;
    err_set(&err, ERR_UNAVAILABLE, "the reading of mails is being ended");
    while (r->children) {
        struct child *c = r->children;
        struct email_reading *g = c->reading;
        end_child(c, &err);
        kill(c->pid, SIGKILL);
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            ;
        free_child(c);
        if (g)
            complete(g, &err);
    }
    while (r->first) {
        struct email_reading *g = r->first;
        unqueue(r, g);
        complete(g, &err);
    }
    loop_timer_stop(&r->kick);
    free(r->chunk);
    free(r);
}

struct email_reading *email_readers_read(
    struct email_readers *r, int fd, const struct email_reading_fns *fns, void *arg) {
    struct email_reading *g = mem_zalloc(sizeof *g);
    g->r = r;
    g->fns = *fns;
    g->arg = arg;
    g->fd = fd;
    *r->end = g;
    r->end = &g->next;
    kick(r);
    return g;
}

void email_reading_cancel(struct email_reading *g) {
    struct child *c = g->child;
    struct err err = {0};
    if (c) {
        c->reading = NULL;
        err_set(&err, ERR_INTERNAL, "cancelled");
        end_child(c, &err); /* it would go on telling */
    } else {
        unqueue(g->r, g);
    }
    free_reading(g);
}

void email_reading_pause(struct email_reading *g, bool paused) {
    struct child *c = g->child;
    bool changes = g->paused != paused;
    g->paused = paused;
    if (!c || c->fd < 0 || !(changes || paused))
        return;
    loop_fd_change(c->watch, paused ? 0 : LOOP_READ);
    if (paused) {
        loop_timer_stop(&c->timer);
    } else {
        set_timer(c, c->r->options.deadline_ms, on_deadline);
        kick(c->r);
    }
}
