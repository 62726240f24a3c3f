/* imap_peer.h - an IMAP server in a child process that follows a script: a function that says and
 * hears lines. A script that hears something else than it expects says so and dies. */
#ifndef SB_TESTS_IMAP_PEER_H
#define SB_TESTS_IMAP_PEER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct imap_peer {
    int fd;
    unsigned connection; /* its number, from 0 */
    char in[65536];
    size_t n;
    char tag[32], line[1024]; /* the last that was heard: "s3", "UID FETCH 1 (UID)" */
};

typedef void (*imap_peer_script)(struct imap_peer *p);

static inline void peer_say_bytes(struct imap_peer *p, const char *bytes, size_t n) {
    while (n) {
        ssize_t sent = send(p->fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            _exit(0);
        bytes += sent;
        n -= (size_t)sent;
    }
}

__attribute__((format(printf, 2, 3))) static inline void peer_say(
    struct imap_peer *p, const char *fmt, ...) {
    char text[8192];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    peer_say_bytes(p, text, (size_t)n);
}

/* The next line, without its end; the connection's end ends the child. */
static inline void peer_hear_line(struct imap_peer *p, char *out, size_t size) {
    char *end;
    while (!(end = memchr(p->in, '\n', p->n))) {
        ssize_t got = recv(p->fd, p->in + p->n, sizeof p->in - p->n, 0);
        if (got <= 0)
            _exit(0);
        p->n += (size_t)got;
    }
    size_t n = (size_t)(end - p->in), shown = n && end[-1] == '\r' ? n - 1 : n;
    snprintf(out, size, "%.*s", (int)shown, p->in);
    p->n -= n + 1;
    memmove(p->in, end + 1, p->n);
}

static inline void peer_hear_any(struct imap_peer *p) {
    char line[1024];
    peer_hear_line(p, line, sizeof line);
    size_t n = strcspn(line, " ");
    snprintf(p->tag, sizeof p->tag, "%.*s", (int)(n < 31 ? n : 31), line);
    snprintf(p->line, sizeof p->line, "%s", line[n] ? line + n + 1 : "");
}

/* The next command is this one. */
static inline void peer_hear(struct imap_peer *p, const char *command) {
    peer_hear_any(p);
    if (strcmp(p->line, command) == 0)
        return;
    fprintf(stderr, "the peer heard \"%s\" instead of \"%s\"\n", p->line, command);
    _exit(1);
}

static inline void peer_ok(struct imap_peer *p) {
    peer_say(p, "%s OK done\r\n", p->tag);
}

/* Whatever so many bytes are. */
static inline size_t peer_swallow(struct imap_peer *p, size_t n) {
    size_t left = n;
    while (left > p->n) {
        left -= p->n;
        p->n = 0;
        ssize_t got = recv(p->fd, p->in, sizeof p->in, 0);
        if (got <= 0)
            _exit(0);
        p->n = (size_t)got;
    }
    p->n -= left;
    memmove(p->in, p->in + left, p->n);
    return n;
}

/* Greets, and lets in whoever comes with a password. */
static inline void peer_login(struct imap_peer *p) {
    peer_say(p, "* OK ready\r\n");
    for (;;) {
        peer_hear_any(p);
        if (strcmp(p->line, "CAPABILITY") == 0) {
            peer_say(p, "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\n");
        } else if (strncmp(p->line, "AUTHENTICATE PLAIN ", 19) == 0) {
            peer_ok(p);
            return;
        }
        peer_ok(p);
    }
}

/* ... and says what it can. */
static inline void peer_enter(struct imap_peer *p, const char *capabilities) {
    peer_login(p);
    peer_hear(p, "CAPABILITY");
    peer_say(p, "* CAPABILITY IMAP4rev1 %s\r\n", capabilities);
    peer_ok(p);
}

/* From the greeting to a selected folder of three mails. */
static inline void peer_open(struct imap_peer *p, const char *capabilities) {
    peer_enter(p, capabilities);
    peer_hear(p, "SELECT \"INBOX\"");
    peer_say(p,
        "* 3 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n"
        "* OK [PERMANENTFLAGS (\\Seen \\*)] Limited\r\n"
        "* OK [UIDVALIDITY 77] valid\r\n* OK [UIDNEXT 8] next\r\n"
        "%s OK [READ-WRITE] done\r\n",
        p->tag);
}

/* Nothing more is said, until the other side goes. */
static inline void peer_wait(struct imap_peer *p) {
    for (;;)
        peer_hear_any(p);
}

static inline void peer_serve(int listener, imap_peer_script script) {
    signal(SIGCHLD, SIG_IGN);
    for (unsigned i = 0;; i++) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && fork() == 0) {
            struct imap_peer *p = calloc(1, sizeof *p);
            close(listener);
            p->fd = fd;
            p->connection = i;
            script(p);
            _exit(0);
        }
        close(fd);
    }
}

/* Its process; the port it listens on. */
static inline pid_t peer_start(imap_peer_script script, unsigned *port) {
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(listener, 300) < 0)
        abort();
    getsockname(listener, (struct sockaddr *)&sa, &len);
    *port = ntohs(sa.sin_port);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        peer_serve(listener, script);
    }
    setpgid(pid, pid);
    close(listener);
    return pid;
}

static inline void peer_stop(pid_t pid) {
    kill(-pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

#endif
