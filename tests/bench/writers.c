/* writers.c - clients who write at times of their own, for what they feel of the CRM in `make
 * bench`: their next message does not wait for the answer to the last one, so that a slow moment
 * meets as many of them as it lasts (a closed loop would write less in it, and count it once).
 *
 *   writers PORT SECONDS RATE
 *
 * 200-byte messages of 2,000 clients to the loopback channel "bench", RATE a second on average
 * (Poisson), over 64 connections. Prints how long each took, a line each, in microseconds. Ends
 * with 1 when something is refused or broken, or all connections are busy. */
#include <arpa/inet.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 64u
#define CLIENTS 2000u
#define TEXT 200

static int fds[CONNECTIONS];
static double began[CONNECTIONS]; /* 0: free */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what) {
    fprintf(stderr, "writers: %s\n", what);
    exit(1);
}

static int connect_all(const char *port) {
    struct sockaddr_in to = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(port)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int epoll = epoll_create1(0), one = 1;
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connect(fds[i], (const struct sockaddr *)&to, sizeof to) < 0)
            die("cannot connect");
        epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &e);
    }
    return epoll;
}

static void write_one(unsigned n, const char *port) {
    char body[512], request[1024], text[TEXT + 1];
    unsigned i = 0;
    while (i < CONNECTIONS && began[(n + i) % CONNECTIONS] > 0)
        i++;
    if (i == CONNECTIONS)
        die("all connections wait for answers");
    i = (n + i) % CONNECTIONS;
    memset(text, 'x', TEXT);
    text[TEXT] = '\0';
    int length = snprintf(body, sizeof body,
        "{\"from\":{\"address\":\"u%012u\",\"name\":\"Ann\"},\"id\":\"%d-%u\",\"text\":\"%s\"}",
        n % CLIENTS, (int)getpid(), n, text);
    int bytes = snprintf(request, sizeof request,
        "POST /hooks/loopback/bench HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n"
        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
        port, length, body);
    began[i] = now();
    if (write(fds[i], request, (size_t)bytes) != bytes)
        die("cannot write");
}

static void read_answer(unsigned i) {
    char answer[4096];
    ssize_t n = read(fds[i], answer, sizeof answer - 1);
    if (n <= 0)
        die("a connection was closed");
    answer[n] = '\0';
    if (began[i] <= 0)
        return; /* the rest of one */
    if (strncmp(answer, "HTTP/1.1 2", 10) != 0)
        die(answer);
    printf("%.0f\n", (now() - began[i]) * 1e6);
    began[i] = 0;
}

int main(int argc, char **argv) {
    if (argc != 4)
        die("PORT SECONDS RATE");
    int epoll = connect_all(argv[1]);
    double end = now() + atof(argv[2]), rate = atof(argv[3]), next = now();
    struct epoll_event events[CONNECTIONS];
    srand48(getpid());
    for (unsigned n = 0; now() < end;) {
        for (; now() >= next; next -= log(1 - drand48()) / rate)
            write_one(n++, argv[1]);
        double wait = next - now();
        struct timespec t = {0, (long)(wait < 0 ? 0 : wait < 0.1 ? wait * 1e9 : 1e8)};
        int k = epoll_pwait2(epoll, events, CONNECTIONS, &t, NULL);
        for (int i = 0; i < k; i++)
            read_answer(events[i].data.u32);
    }
    return 0;
}
