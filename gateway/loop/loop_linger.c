/* loop_linger.c - sockets that are read to their end before they are closed. */
#include "loop/loop_linger.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define LINGER_MS 5000u
#define LINGER_BYTES ((size_t)32 * 1024 * 1024)
#define LINGER_MOST 256u
#define SWEEP_MS 1000
#define PIECE 65536
#define PIECES_A_TURN 16

struct lasting {
    struct lasting *next, *prev;
    struct loop_linger *owner;
    struct loop_fd *watch;
    int fd;
    size_t bytes;
    uint64_t until_ms;
};

struct loop_linger {
    struct loop *loop;
    struct loop_timer *sweep; /* runs while there is one */
    struct lasting *all;
    unsigned n;
};

static void end(struct lasting *g) {
    struct loop_linger *l = g->owner;
    if (l->all == g)
        l->all = g->next;
    if (g->prev)
        g->prev->next = g->next;
    if (g->next)
        g->next->prev = g->prev;
    if (--l->n == 0)
        loop_timer_stop(&l->sweep);
    loop_fd_stop(&g->watch);
    close(g->fd);
    free(g);
}

static void on_readable(void *arg, int events) {
    struct lasting *g = arg;
    char piece[PIECE];
    (void)events;
    for (int i = 0; i < PIECES_A_TURN && g->bytes < LINGER_BYTES; i++) {
        ssize_t n = recv(g->fd, piece, sizeof piece, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            end(g);
            return;
        }
        g->bytes += (size_t)n;
    }
    if (g->bytes >= LINGER_BYTES)
        end(g);
}

static void on_sweep(void *arg) {
    struct loop_linger *l = arg;
    uint64_t now = clock_mono_ms();
    for (struct lasting *g = l->all, *next; g; g = next) {
        next = g->next;
        if (now >= g->until_ms)
            end(g);
    }
}

struct loop_linger *loop_linger_create(struct loop *loop) {
    struct loop_linger *l = mem_zalloc(sizeof *l);
    l->loop = loop;
    return l;
}

void loop_linger_destroy(struct loop_linger **l) {
    if (!*l)
        return;
    while ((*l)->all)
        end((*l)->all);
    free(*l);
    *l = NULL;
}

void loop_linger_add(struct loop_linger *l, int fd) {
    shutdown(fd, SHUT_WR);
    if (l->n >= LINGER_MOST) {
        close(fd);
        return;
    }
    struct lasting *g = mem_zalloc(sizeof *g);
    g->owner = l;
    g->fd = fd;
    g->until_ms = clock_mono_ms() + LINGER_MS;
    g->next = l->all;
    if (l->all)
        l->all->prev = g;
    l->all = g;
    if (l->n++ == 0)
        l->sweep = loop_timer_start(l->loop, SWEEP_MS, SWEEP_MS, on_sweep, l);
    g->watch = loop_fd_start(l->loop, fd, LOOP_READ, on_readable, g);
}
