/* net_smtp_peer.h - for net_smtp_client_test.c: an SMTP server in a child process, a thread for
 * each connection; the mode says how it behaves, and what it saw is in memory that both share. */
#ifndef SB_TESTS_UNIT_NET_SMTP_PEER_H
#define SB_TESTS_UNIT_NET_SMTP_PEER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

enum smtp_mode {
    PEER_GOOD,
    PEER_GREETS_421,
    PEER_GREETS_554,
    PEER_GREETS_NOISE,
    PEER_NO_AUTH,
    PEER_LOGIN_535,
    PEER_LOGIN_454,
    PEER_MAIL_451,
    PEER_MAIL_530,
    PEER_MAIL_571,
    PEER_MAIL_550,
    PEER_MAIL_DROPS,
    PEER_DATA_554,
    PEER_DATA_250,
    PEER_DROPS_IN_DATA,
    PEER_REFUSES_IN_DATA,
    PEER_END_554,
    PEER_END_451,
    PEER_END_421,
    PEER_END_NOISE,
    PEER_END_354,
    PEER_DROPS_AT_END,
    PEER_SLOW_AT_END,
    PEER_ENDLESS,
    PEER_LEAVES_IDLE,     /* closes after each mail */
    PEER_LEAVES_IDLE_421, /* says so at the next MAIL */
    PEER_NO_EXTENSIONS,
    PEER_SMALL,
    PEER_SLICED /* each byte in a packet of its own */
};

struct smtp_seen {
    _Atomic int mode;
    _Atomic unsigned connections, open, open_max, ends, mails, quits, resets;
    char talk[16384]; /* all commands of all connections */
    char mail[65536]; /* the last one, cut */
};

struct smtp_peer {
    pid_t pid;
    unsigned port;
    struct smtp_seen *seen;
};

struct smtp_line {
    int fd;
    struct smtp_seen *seen;
    FILE *in;
    unsigned mails;
};

static bool peer_say(struct smtp_line *l, const char *text) {
    for (size_t n = strlen(text); n;) {
        ssize_t put = send(l->fd, text, l->seen->mode == PEER_SLICED ? 1 : n, MSG_NOSIGNAL);
        if (put <= 0)
            return false;
        text += put;
        n -= (size_t)put;
    }
    return true;
}

static void peer_note(struct smtp_seen *seen, const char *line) {
    size_t at = strlen(seen->talk);
    snprintf(seen->talk + at, sizeof seen->talk - at, "%s", line);
}

static bool peer_auth(struct smtp_line *l, int mode) {
    if (mode == PEER_LOGIN_535)
        return peer_say(l, "535 5.7.8 Bad user or password\r\n");
    if (mode == PEER_LOGIN_454)
        return peer_say(l, "454 4.7.0 Too many logins\r\n");
    return peer_say(l, "235 2.7.0 Welcome\r\n");
}

static bool peer_mail(struct smtp_line *l, int mode) {
    switch (mode) {
    case PEER_MAIL_451:
        return peer_say(l, "451 4.3.0 Later\r\n");
    case PEER_MAIL_530:
        return peer_say(l, "530 5.7.57 Client not authenticated\r\n");
    case PEER_MAIL_571:
        return peer_say(l, "553 5.7.1 Sender address rejected: not owned by user\r\n");
    case PEER_MAIL_550:
        return peer_say(l, "550 5.1.8 Bad sender\r\n");
    case PEER_MAIL_DROPS:
        return false;
    case PEER_LEAVES_IDLE_421:
        if (l->mails)
            return peer_say(l, "421 4.4.2 Idle for too long\r\n") && false;
        break;
    }
    return peer_say(l, "250 2.1.0 Ok\r\n");
}

static bool peer_rcpt(struct smtp_line *l, const char *line) {
    static const char *const answers[][2] = {{"<greylisted@", "451 4.7.1 Greylisted\r\n"},
        {"<many@", "452 4.5.3 Too many recipients\r\n"},
        {"<none@", "550-5.1.1 No such\r\n550 5.1.1 mailbox here\r\n"},
        {"<later@", "550 4.2.1 Mailbox is busy\r\n"}, {"<bye@", "421 4.3.2 Shutting down\r\n"},
        {"<gone@", "450 5.1.6 Moved for ever\r\n"}};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++)
        if (strstr(line, answers[i][0]))
            return peer_say(l, answers[i][1]);
    return peer_say(l, "250 2.1.5 Ok\r\n");
}

static bool peer_end(struct smtp_line *l, int mode) {
    l->mails++;
    l->seen->ends++;
    switch (mode) {
    case PEER_END_554:
        return peer_say(l, "554 5.7.1 Spam\r\n");
    case PEER_END_451:
        return peer_say(l, "451 4.3.0 Later\r\n");
    case PEER_END_421:
        return peer_say(l, "421 4.3.2 Shutting down\r\n") && false;
    case PEER_END_NOISE:
        return peer_say(l, "fine, thank you\r\n");
    case PEER_END_354:
        return peer_say(l, "354 More\r\n");
    case PEER_DROPS_AT_END:
        return false;
    case PEER_SLOW_AT_END:
        sleep(3);
        break;
    }
    l->seen->mails++;
    return peer_say(l, "250 2.0.0 Queued as A1\r\n") && mode != PEER_LEAVES_IDLE;
}

static bool peer_data(struct smtp_line *l, int mode) {
    char line[4096];
    size_t n = 0;
    if (mode == PEER_DATA_554)
        return peer_say(l, "554 5.5.1 No\r\n");
    if (mode == PEER_DATA_250)
        return peer_say(l, "250 Odd\r\n");
    if (!peer_say(l, "354 Go\r\n"))
        return false;
    for (unsigned lines = 0; fgets(line, sizeof line, l->in); lines++) {
        if (strcmp(line, ".\r\n") == 0) {
            l->seen->mail[n] = '\0';
            return peer_end(l, mode);
        }
        if (mode == PEER_DROPS_IN_DATA && lines > 10)
            return false;
        if (mode == PEER_REFUSES_IN_DATA && lines > 10)
            return peer_say(l, "552 5.3.4 Too large\r\n") && (usleep(300000), false);
        for (size_t i = 0; line[i] && n + 1 < sizeof l->seen->mail; i++)
            l->seen->mail[n++] = line[i];
    }
    return false;
}

/* Answers one command; false: the connection ends. */
static bool peer_behave(struct smtp_line *l, const char *line) {
    int mode = l->seen->mode;
    peer_note(l->seen, line);
    if (strncmp(line, "EHLO", 4) == 0) {
        if (mode == PEER_NO_EXTENSIONS)
            return peer_say(l, "250-peer\r\n250 AUTH PLAIN\r\n");
        if (mode == PEER_NO_AUTH)
            return peer_say(l, "250-peer\r\n250 SIZE\r\n");
        return peer_say(
            l, mode == PEER_SMALL
                   ? "250-peer\r\n250-SIZE 50\r\n250 AUTH PLAIN\r\n"
                   : "250-peer\r\n250-SIZE 100000000\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n"
                     "250 AUTH PLAIN LOGIN XOAUTH2\r\n");
    }
    if (strncmp(line, "AUTH", 4) == 0)
        return peer_auth(l, mode);
    if (strncmp(line, "MAIL", 4) == 0)
        return peer_mail(l, mode);
    if (strncmp(line, "RCPT", 4) == 0)
        return peer_rcpt(l, line);
    if (strncmp(line, "DATA", 4) == 0)
        return peer_data(l, mode);
    l->seen->resets += strncmp(line, "RSET", 4) == 0;
    if (strncmp(line, "QUIT", 4) == 0) {
        l->seen->quits++;
        return peer_say(l, "221 2.0.0 Bye\r\n") && false;
    }
    return peer_say(l, "250 2.0.0 Ok\r\n");
}

static bool peer_greet(struct smtp_line *l) {
    switch ((int)l->seen->mode) {
    case PEER_GREETS_421:
        return peer_say(l, "421 4.3.2 Busy\r\n") && false;
    case PEER_GREETS_554:
        return peer_say(l, "554 5.7.1 Your address is blocked\r\n") && false;
    case PEER_GREETS_NOISE:
        return peer_say(l, "SSH-2.0-x\r\n") && false;
    }
    return peer_say(l, "220 peer ESMTP\r\n");
}

static void *peer_converse(void *arg) {
    struct smtp_line *l = arg;
    char line[4096];
    unsigned open = ++l->seen->open;
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (open > l->seen->open_max)
        l->seen->open_max = open;
    l->in = fdopen(dup(l->fd), "r");
    bool good = peer_greet(l);
    while (good && fgets(line, sizeof line, l->in)) {
        if (l->seen->mode == PEER_ENDLESS && strncmp(line, "MAIL", 4) == 0)
            while (peer_say(l, "250-and more\r\n"))
                ;
        good = peer_behave(l, line);
    }
    l->seen->open--;
    fclose(l->in);
    close(l->fd);
    free(l);
    return NULL;
}

static void peer_serve(int listener, struct smtp_seen *seen) {
    pthread_t thread;
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        struct smtp_line *l = mem_zalloc(sizeof *l);
        l->fd = accept(listener, NULL, NULL);
        l->seen = seen;
        seen->connections++;
        if (pthread_create(&thread, NULL, peer_converse, l) != 0)
            _exit(1);
        pthread_detach(thread);
    }
}

static void peer_start(struct smtp_peer *p) {
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int listener = socket(AF_INET, SOCK_STREAM, 0), small = 16384;
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    p->seen =
        mmap(NULL, sizeof *p->seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p->seen == MAP_FAILED || bind(listener, (struct sockaddr *)&sa, sizeof sa) < 0 ||
        listen(listener, 64) < 0)
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

static void peer_stop(struct smtp_peer *p) {
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    munmap(p->seen, sizeof *p->seen);
}

#endif
