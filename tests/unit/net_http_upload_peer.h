/* net_http_upload_peer.h - for net_http_upload_test.c: a peer in a child process, a thread for each
 * connection; the path says how it behaves, and what it saw is in memory that both share. */
#ifndef SB_TESTS_UNIT_NET_HTTP_UPLOAD_PEER_H
#define SB_TESTS_UNIT_NET_HTTP_UPLOAD_PEER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#define FILE_SIZE 5000000u

/* What the peer saw and may do. */
struct seen {
    _Atomic unsigned connections, requests; /* of the latter, the heads */
    _Atomic unsigned waiting;               /* polls */
    _Atomic bool release;                   /* polls may be answered */
    _Atomic size_t n;                       /* of the last whole request at /form */
    char request[FILE_SIZE + 65536];
};

struct peer {
    pid_t pid;
    unsigned port;
    struct seen *seen;
};

struct peer_connection {
    int fd;
    unsigned requests; /* before this one */
    struct seen *seen;
    char head[8192], *path;
    size_t n;         /* bytes in `head`, perhaps more than the head */
    size_t head_n;    /* the head itself */
    size_t body_left; /* not yet received */
    char piece[50000];
};

static char file_byte(size_t i) {
    return (char)(i * 2654435761u >> 13);
}

static bool peer_send(int fd, const void *p, size_t n) {
    for (ssize_t put; n; p = (const char *)p + put, n -= (size_t)put)
        if ((put = send(fd, p, n, MSG_NOSIGNAL)) <= 0)
            return false;
    return true;
}

static bool peer_say(struct peer_connection *pc, const char *text) {
    return peer_send(pc->fd, text, strlen(text));
}

/* Reads to the end of the next head; false at the connection's end. */
static bool peer_hear(struct peer_connection *pc) {
    pc->n = 0;
    for (;;) {
        ssize_t got = recv(pc->fd, pc->head + pc->n, sizeof pc->head - 1 - pc->n, 0);
        if (got <= 0)
            return false;
        pc->n += (size_t)got;
        pc->head[pc->n] = '\0';
        char *end = strstr(pc->head, "\r\n\r\n"), *length;
        if (!end)
            continue;
        pc->head_n = (size_t)(end - pc->head) + 4;
        length = strstr(pc->head, "Content-Length: ");
        pc->body_left = length && length < end ? strtoul(length + 16, NULL, 10) : 0;
        pc->body_left -= pc->n - pc->head_n;
        pc->path = strchr(pc->head, ' ') + 1;
        pc->seen->requests++;
        return true;
    }
}

/* Reads so much of the body; keeps it in `seen` when `keep`. */
static bool peer_take(struct peer_connection *pc, size_t bytes, bool keep) {
    size_t at = pc->n;
    if (keep)
        memcpy(pc->seen->request, pc->head, pc->n);
    while (bytes && pc->body_left) {
        size_t want = bytes < sizeof pc->piece ? bytes : sizeof pc->piece;
        ssize_t got = recv(pc->fd, pc->piece, want < pc->body_left ? want : pc->body_left, 0);
        if (got <= 0)
            return false;
        if (keep && at + (size_t)got <= sizeof pc->seen->request)
            memcpy(pc->seen->request + at, pc->piece, (size_t)got);
        at += (size_t)got;
        bytes -= (size_t)got;
        pc->body_left -= (size_t)got;
    }
    if (keep)
        pc->seen->n = at;
    return true;
}

static bool peer_send_file(struct peer_connection *pc, size_t n) {
    for (size_t at = 0; at < n; at += sizeof pc->piece) {
        for (size_t i = 0; i < sizeof pc->piece; i++)
            pc->piece[i] = file_byte(at + i);
        if (!peer_send(pc->fd, pc->piece, sizeof pc->piece))
            return false;
    }
    return true;
}

static void peer_reset(struct peer_connection *pc) {
    struct linger hard = {1, 0};
    setsockopt(pc->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

static bool peer_poll(struct peer_connection *pc) {
    pc->seen->waiting++;
    while (!pc->seen->release)
        usleep(5000);
    pc->seen->waiting--;
    return peer_say(pc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]");
}

static bool peer_trickle(struct peer_connection *pc) {
    peer_say(pc, "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n");
    while (peer_say(pc, "slow"))
        usleep(200000);
    return false;
}

static bool path_is(const struct peer_connection *pc, const char *path) {
    size_t n = strlen(path);
    return strncmp(pc->path, path, n) == 0 && pc->path[n] == ' ';
}

/* Answers one request; false: the connection ends. */
static bool peer_behave(struct peer_connection *pc) {
    if (path_is(pc, "/form"))
        return peer_take(pc, SIZE_MAX, true) &&
               peer_say(pc, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
    if (path_is(pc, "/once") || path_is(pc, "/once_head") || path_is(pc, "/once_closed")) {
        if (pc->requests && path_is(pc, "/once_head"))
            return false;
        if (!peer_take(pc, SIZE_MAX, false) || pc->requests)
            return false;
        return peer_say(pc, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood") &&
               !path_is(pc, "/once_closed");
    }
    if (path_is(pc, "/file"))
        return peer_say(pc, "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n") &&
               peer_send_file(pc, FILE_SIZE);
    if (path_is(pc, "/file_to_end")) {
        peer_say(pc, "HTTP/1.1 200 OK\r\n\r\n");
        peer_send_file(pc, FILE_SIZE);
        return false;
    }
    if (path_is(pc, "/cut_file")) {
        peer_say(pc, "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n");
        peer_send_file(pc, FILE_SIZE / 5);
        return false;
    }
    if (path_is(pc, "/cut_upload")) {
        peer_take(pc, 200000, false);
        peer_reset(pc);
        return false;
    }
    if (path_is(pc, "/early")) {
        peer_take(pc, 200000, false);
        peer_say(pc, "HTTP/1.1 413 Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
        peer_take(pc, SIZE_MAX, false);
        return false;
    }
    if (path_is(pc, "/missing"))
        return peer_say(pc, "HTTP/1.1 404 None\r\nContent-Length: 7\r\n\r\nmissing");
    if (path_is(pc, "/part"))
        return peer_say(pc, "HTTP/1.1 206 Part\r\nContent-Length: 4\r\n\r\npart");
    if (path_is(pc, "/none"))
        return peer_say(pc, "HTTP/1.1 204 None\r\n\r\n");
    if (path_is(pc, "/poll"))
        return peer_poll(pc);
    if (path_is(pc, "/trickle"))
        return peer_trickle(pc);
    if (path_is(pc, "/hang"))
        pause();
    return false;
}

static void *peer_converse(void *arg) {
    struct peer_connection *pc = arg;
    for (; peer_hear(pc) && peer_behave(pc); pc->requests++)
        ;
    close(pc->fd);
    free(pc);
    return NULL;
}

static void peer_serve(int listener, struct seen *seen) {
    pthread_attr_t small;
    pthread_t thread;
    signal(SIGPIPE, SIG_IGN);
    pthread_attr_init(&small);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&small, 256u << 10);
    for (;;) {
        struct peer_connection *pc = mem_zalloc(sizeof *pc);
        pc->fd = accept(listener, NULL, NULL);
        pc->seen = seen;
        seen->connections++;
        if (pthread_create(&thread, &small, peer_converse, pc) != 0)
            _exit(1);
    }
}

static void peer_start(struct peer *p) {
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    p->seen =
        mmap(NULL, sizeof *p->seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p->seen == MAP_FAILED || bind(listener, (struct sockaddr *)&sa, sizeof sa) < 0 ||
        listen(listener, 512) < 0)
        abort();
    getsockname(listener, (struct sockaddr *)&sa, &len);
    p->port = ntohs(sa.sin_port);
    p->pid = fork();
    if (p->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        peer_serve(listener, p->seen);
    }
    close(listener);
}

static void peer_stop(struct peer *p) {
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    munmap(p->seen, sizeof *p->seen);
}

#endif
