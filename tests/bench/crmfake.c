/* crmfake.c - a receiver of webhooks that answers at once, for the CRM's lines of `make bench`: one
 * thread, epoll, no library. It verifies nothing; it counts, and knows each dialogue's order.
 *
 *   crmfake PORT
 *
 * Speaks lines: prints "ready"; then for each line on stdin
 *   down   nobody listens any more, and all connections are closed
 *   up     listens, and the counting of the rate begins anew
 *   stat   prints "stat MESSAGES OTHERS DOUBLES LATE GAPS PEAK LAST_US": messages that took effect,
 *          other requests, messages that came again, that came after a later one, messages that
 *          are missing before one that came, requests in the busiest second since "up", and when
 *          the last new message came, in microseconds since "up".
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
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 4096
#define BUFFER (64u * 1024)
#define THREADS (1u << 20) /* a power of two, well above what is used */
#define ID_LEN 26
#define TIMES_MAX (1u << 22)

struct connection {
    int fd; /* -1: free */
    char *buf;
    size_t n;
};

struct dialogue {
    char id[ID_LEN]; /* "" free */
    unsigned last, missing;
};

struct fake {
    int epoll, listener;
    uint16_t port;
    struct connection connections[CONNECTIONS];
    struct dialogue *dialogues;
    uint64_t up_us, last_us;
    uint32_t *times_ms; /* of each request since "up" */
    size_t ntimes;
    unsigned long messages, others, doubles, late;
};

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void die(const char *what) {
    fprintf(stderr, "crmfake: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- the ledger ------------------------------------------------------------------------------ */

static struct dialogue *dialogue_of(struct fake *f, const char *id) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < ID_LEN; i++)
        hash = (hash ^ (unsigned char)id[i]) * 16777619u;
    size_t at = hash & (THREADS - 1);
    while (f->dialogues[at].id[0] && memcmp(f->dialogues[at].id, id, ID_LEN) != 0)
        at = (at + 1) & (THREADS - 1);
    memcpy(f->dialogues[at].id, id, ID_LEN);
    return &f->dialogues[at];
}

static void note(struct fake *f, const char *body) {
    static const char created[] = "{\"type\":\"message.created\"";
    const char *thread = strstr(body, "\"thread\":\""), *seq = strstr(body, "\"seq\":");
    uint64_t us = now_us() - f->up_us;
    if (f->ntimes < TIMES_MAX)
        f->times_ms[f->ntimes++] = (uint32_t)(us / 1000);
    if (strncmp(body, created, sizeof created - 1) != 0 || !thread || !seq) {
        f->others++;
        return;
    }
    struct dialogue *d = dialogue_of(f, thread + 10);
    unsigned n = (unsigned)strtoul(seq + 6, NULL, 10);
    if (n > d->last) {
        d->missing += n - d->last - 1;
        d->last = n;
        f->messages++;
        f->last_us = us;
    } else if (d->missing) { /* one that was passed over; or again, which the sum shows */
        d->missing--;
        f->late++;
        f->messages++;
        f->last_us = us;
    } else {
        f->doubles++;
    }
}

static size_t busiest_second(const struct fake *f) {
    size_t best = 0, from = 0;
    for (size_t to = 0; to < f->ntimes; to++) {
        while (f->times_ms[to] - f->times_ms[from] >= 1000)
            from++;
        if (to - from + 1 > best)
            best = to - from + 1;
    }
    return best;
}

static void print_stat(const struct fake *f) {
    unsigned long gaps = 0;
    for (size_t i = 0; i < THREADS; i++)
        gaps += f->dialogues[i].missing;
    printf("stat %lu %lu %lu %lu %lu %zu %llu\n", f->messages, f->others, f->doubles, f->late, gaps,
        busiest_second(f), (unsigned long long)f->last_us);
    fflush(stdout);
}

/* --- connections ----------------------------------------------------------------------------- */

static void drop(struct connection *c) {
    close(c->fd);
    c->fd = -1;
    c->n = 0;
}

static void listen_now(struct fake *f) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(f->port)};
    int one = 1;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(f->listener, (struct sockaddr *)&a, sizeof a) < 0 || listen(f->listener, 512) < 0)
        die("listen");
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = CONNECTIONS};
    epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->listener, &e);
    f->up_us = now_us();
    f->ntimes = 0;
}

static void go_down(struct fake *f) {
    if (f->listener >= 0)
        close(f->listener);
    f->listener = -1;
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (f->connections[i].fd >= 0)
            drop(&f->connections[i]);
}

static void take_one(struct fake *f) {
    int one = 1, fd = accept4(f->listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        struct connection *c = &f->connections[i];
        if (c->fd >= 0)
            continue;
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
        c->fd = fd;
        if (!c->buf)
            c->buf = malloc(BUFFER + 1);
        epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &e);
        return;
    }
    close(fd);
}

/* Answers what is whole; false: the connection is over. */
static bool answer(struct fake *f, struct connection *c) {
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                             "11\r\n\r\n{\"ok\":true}";
    for (;;) {
        c->buf[c->n] = '\0';
        char *head_end = strstr(c->buf, "\r\n\r\n"),
             *length = strcasestr(c->buf, "\r\ncontent-length:");
        if (!head_end)
            return c->n < BUFFER;
        size_t head = (size_t)(head_end - c->buf) + 4;
        size_t body = length && length < head_end ? strtoul(length + 17, NULL, 10) : 0;
        if (head + body > BUFFER)
            return false;
        if (c->n < head + body)
            return true;
        char after = c->buf[head + body];
        c->buf[head + body] = '\0';
        note(f, c->buf + head);
        c->buf[head + body] = after;
        c->n -= head + body;
        memmove(c->buf, c->buf + head + body, c->n);
        if (write(c->fd, ok, sizeof ok - 1) != (ssize_t)sizeof ok - 1)
            return false;
    }
}

static void read_some(struct fake *f, struct connection *c) {
    if (c->fd < 0)
        return; /* closed by what came before in this turn */
    ssize_t n = read(c->fd, c->buf + c->n, BUFFER - c->n);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0)
        c->n += (size_t)n;
    if (n <= 0 || !answer(f, c))
        drop(c);
}

/* --- the lines ------------------------------------------------------------------------------- */

static bool command(struct fake *f) {
    char line[64];
    size_t n = 0;
    while (n < sizeof line - 1 && read(STDIN_FILENO, line + n, 1) == 1 && line[n] != '\n')
        n++;
    line[n] = '\0';
    if (n == 0)
        return false;
    if (strcmp(line, "down") == 0)
        go_down(f);
    else if (strcmp(line, "up") == 0)
        listen_now(f);
    if (strcmp(line, "stat") == 0)
        print_stat(f);
    else
        puts(line);
    fflush(stdout);
    return true;
}

int main(int argc, char **argv) {
    static struct fake f = {.listener = -1};
    struct epoll_event events[256];
    if (argc != 2) {
        fprintf(stderr, "usage: crmfake PORT\n");
        return 2;
    }
    f.port = (uint16_t)atoi(argv[1]);
    f.epoll = epoll_create1(0);
    f.dialogues = calloc(THREADS, sizeof *f.dialogues);
    f.times_ms = calloc(TIMES_MAX, sizeof *f.times_ms);
    for (size_t i = 0; i < CONNECTIONS; i++)
        f.connections[i].fd = -1;
    struct epoll_event in = {.events = EPOLLIN, .data.u32 = CONNECTIONS + 1};
    if (epoll_ctl(f.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &in) < 0)
        die("stdin");
    puts("ready");
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(f.epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            uint32_t at = events[i].data.u32;
            if (at == CONNECTIONS + 1 && !command(&f))
                return 0;
            if (at == CONNECTIONS && f.listener >= 0)
                take_one(&f);
            if (at < CONNECTIONS)
                read_some(&f, &f.connections[at]);
        }
    }
}
