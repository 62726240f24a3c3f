/* wsload.c - opens many websockets, tells when all are open, then times how long events take to
 * reach each of them. One thread, epoll, no library: the same client for the gateway and for nginx
 * + nchan.
 *
 *   wsload HOST PORT PATH N TOKEN|@FILE|- HELLO|-
 *
 * FILE has a token a line, for one socket each. Speaks lines: prints "open N" when every socket is
 * open (and, with HELLO, has had an answer). Then for each line on stdin:
 *   "go"      counts the next frame of every socket; prints "got N first_us median_us last_us",
 *             counted from the moment the line was read
 *   "flow M"  waits until every socket has had M frames with "t:<us>" in a text (CLOCK_MONOTONIC,
 *             when it was sent); prints "got N median_us p99_us last_us" of their ages
 * Ends at the end of stdin. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define IN_FLIGHT 200 /* handshakes at a time */
#define PATIENCE_MS 30000

enum state { CONNECTING, SHAKING, GREETING, OPEN };

struct socket {
    int fd;
    enum state state;
    unsigned char buf[4096]; /* what was read and is not a whole frame yet */
    size_t n;
    uint64_t skip; /* payload bytes of a large frame still to come */
    char token[96];
    bool counted; /* has had its frame of this round */
};

struct load {
    int epoll;
    struct socket *sockets;
    size_t n, started, open, got;
    struct sockaddr_in address;
    char request[1024], hello[512];
    const char *path, *host, *port;
    size_t hello_n;
    uint64_t began_us;
    uint64_t *times;
    bool round, flow;
    size_t wanted; /* frames of all sockets together */
};

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void die(const char *what) {
    fprintf(stderr, "wsload: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void start_one(struct load *l) {
    struct socket *s = &l->sockets[l->started];
    /* Addresses of loopback by turns: one has only some 28,000 ports. */
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(0x7f000001u + (uint32_t)(l->started / 20000));
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (s->fd < 0)
        die("socket");
    if (bind(s->fd, (struct sockaddr *)&from, sizeof from) < 0)
        die("bind");
    if (connect(s->fd, (struct sockaddr *)&l->address, sizeof l->address) < 0 &&
        errno != EINPROGRESS)
        die("connect");
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.u64 = l->started};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &e) < 0)
        die("epoll_ctl");
    l->started++;
}

static void watch_reading(struct load *l, size_t i) {
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = i};
    epoll_ctl(l->epoll, EPOLL_CTL_MOD, l->sockets[i].fd, &e);
}

static void opened(struct load *l, struct socket *s) {
    s->state = OPEN;
    l->open++;
    if (l->started < l->n)
        start_one(l);
}

static void send_all(struct socket *s, const void *p, size_t n) {
    if (send(s->fd, p, n, MSG_NOSIGNAL) != (ssize_t)n)
        die("send");
}

/* The handshake of one socket. */
static void shake(struct load *l, struct socket *s) {
    bool bearer = *s->token != '\0';
    int n = snprintf(l->request, sizeof l->request,
        "GET %s HTTP/1.1\r\nHost: %s:%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
        l->path, l->host, l->port, bearer ? "Authorization: Bearer " : "", s->token,
        bearer ? "\r\n" : "");
    send_all(s, l->request, (size_t)n);
}

/* A masked text frame, mask 0. */
static size_t make_frame(const char *text, char *out) {
    size_t n = strlen(text), at = 0;
    out[at++] = (char)0x81;
    if (n < 126) {
        out[at++] = (char)(0x80 | n);
    } else {
        out[at++] = (char)(0x80 | 126);
        out[at++] = (char)(n >> 8);
        out[at++] = (char)n;
    }
    memset(out + at, 0, 4);
    memcpy(out + at + 4, text, n);
    return at + 4 + n;
}

/* The age of a stamped frame is noted. */
static void on_stamped(struct load *l, const unsigned char *p, size_t n) {
    static const char mark[] = "\"t:";
    const unsigned char *at = memmem(p, n, mark, sizeof mark - 1);
    if (at && l->got < l->wanted)
        l->times[l->got++] = now_us() - strtoull((const char *)at + sizeof mark - 1, NULL, 10);
}

static void on_frame(struct load *l, struct socket *s, unsigned opcode) {
    if (opcode == 9) { /* ping */
        send_all(s, "\x8a\x80\0\0\0\0", 6);
        return;
    }
    if (opcode != 1)
        return;
    if (s->state == GREETING) {
        opened(l, s);
    } else if (l->round && !s->counted) {
        s->counted = true;
        l->times[l->got++] = now_us() - l->began_us;
    }
}

/* Takes whole frames off the buffer; payloads are skipped, only their headers matter. */
static void parse(struct load *l, struct socket *s) {
    size_t at = 0;
    for (;;) {
        if (s->skip) {
            size_t n = s->n - at < s->skip ? s->n - at : (size_t)s->skip;
            at += n;
            s->skip -= n;
            if (s->skip)
                break;
        }
        if (s->n - at < 2)
            break;
        uint64_t len = s->buf[at + 1] & 0x7f;
        size_t head = len == 126 ? 4 : len == 127 ? 10 : 2;
        if (s->n - at < head)
            break;
        if (head > 2) {
            len = 0;
            for (size_t i = 2; i < head; i++)
                len = len << 8 | s->buf[at + i];
        }
        unsigned opcode = s->buf[at] & 0x0f;
        if (l->flow && len + head <= sizeof s->buf) {
            if (s->n - at < head + len)
                break;
            if (opcode == 1)
                on_stamped(l, s->buf + at + head, len);
        }
        at += head;
        s->skip = len;
        on_frame(l, s, opcode);
    }
    memmove(s->buf, s->buf + at, s->n - at);
    s->n -= at;
}

static void on_readable(struct load *l, size_t i) {
    struct socket *s = &l->sockets[i];
    ssize_t n;
    while ((n = recv(s->fd, s->buf + s->n, sizeof s->buf - s->n, 0)) > 0) {
        s->n += (size_t)n;
        if (s->state == SHAKING) {
            unsigned char *end = memmem(s->buf, s->n, "\r\n\r\n", 4);
            if (!end)
                continue;
            if (memcmp(s->buf, "HTTP/1.1 101", 12) != 0) {
                fprintf(stderr, "wsload: %.200s\n", (char *)s->buf);
                exit(1);
            }
            size_t used = (size_t)(end + 4 - s->buf);
            memmove(s->buf, s->buf + used, s->n - used);
            s->n -= used;
            s->state = GREETING;
            if (l->hello_n)
                send_all(s, l->hello, l->hello_n);
            else
                opened(l, s);
        }
        parse(l, s);
    }
    if (n == 0)
        die("the server closed a socket");
}

/* Runs until done() or patience ends. */
static void turn_until(struct load *l, bool (*done)(const struct load *l)) {
    struct epoll_event events[512];
    uint64_t until = now_us() + PATIENCE_MS * 1000u;
    while (!done(l) && now_us() < until) {
        int n = epoll_wait(l->epoll, events, 512, 100);
        for (int k = 0; k < n; k++) {
            size_t i = events[k].data.u64;
            struct socket *s = &l->sockets[i];
            if (s->state == CONNECTING && (events[k].events & EPOLLOUT)) {
                s->state = SHAKING;
                shake(l, s);
                watch_reading(l, i);
            }
            if (events[k].events & (EPOLLIN | EPOLLHUP))
                on_readable(l, i);
        }
    }
}

static bool all_open(const struct load *l) {
    return l->open == l->n;
}

static bool all_got(const struct load *l) {
    return l->got == l->wanted;
}

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t part(const struct load *l, double p) {
    return l->got ? l->times[(size_t)((double)(l->got - 1) * p)] : 0;
}

static void run_round(struct load *l, const char *line) {
    l->flow = strncmp(line, "flow ", 5) == 0;
    l->wanted = l->n * (l->flow ? strtoul(line + 5, NULL, 10) : 1);
    l->times = realloc(l->times, (l->wanted + 1) * sizeof *l->times);
    l->got = 0;
    l->round = !l->flow;
    for (size_t i = 0; i < l->n; i++)
        l->sockets[i].counted = false;
    l->began_us = now_us();
    printf("go\n");
    fflush(stdout);
    turn_until(l, all_got);
    qsort(l->times, l->got, sizeof *l->times, by_size);
    printf("got %zu %llu %llu %llu\n", l->got, (unsigned long long)part(l, l->flow ? 0.5 : 0),
        (unsigned long long)part(l, l->flow ? 0.99 : 0.5), (unsigned long long)part(l, 1));
    fflush(stdout);
    l->round = l->flow = false;
}

static void read_tokens(struct load *l, const char *from) {
    FILE *f = *from == '@' ? fopen(from + 1, "r") : NULL;
    if (*from == '@' && !f)
        die(from);
    for (size_t i = 0; i < l->n && *from != '-'; i++) {
        char *to = l->sockets[i].token;
        snprintf(to, sizeof l->sockets[i].token, "%s", f ? "" : from);
        if (f && !fgets(to, sizeof l->sockets[i].token, f))
            die("too few tokens");
        to[strcspn(to, "\n")] = '\0';
    }
    if (f)
        fclose(f);
}

int main(int argc, char **argv) {
    struct load l = {0};
    struct rlimit files;
    char line[64];
    if (argc != 7)
        return 2;
    l.n = strtoul(argv[4], NULL, 10);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    l.sockets = calloc(l.n, sizeof *l.sockets);
    l.path = argv[3], l.host = argv[1], l.port = argv[2];
    read_tokens(&l, argv[5]);
    l.epoll = epoll_create1(0);
    l.address.sin_family = AF_INET;
    l.address.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    inet_pton(AF_INET, argv[1], &l.address.sin_addr);
    if (*argv[6] != '-')
        l.hello_n = make_frame(argv[6], l.hello);
    for (size_t i = 0; i < l.n && i < IN_FLIGHT; i++)
        start_one(&l);
    turn_until(&l, all_open);
    printf("open %zu\n", l.open);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin))
        run_round(&l, line);
    return 0;
}
