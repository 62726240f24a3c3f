/* email_child.c - the child: one fd comes, frames go back, again and again. Frames are described in
 * email_frame.h. */
#include "connectors/email/email_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "connectors/email/email_asan.h"
#include "connectors/email/email_charset.h"
#include "connectors/email/email_child_private.h"
#include "connectors/email/email_frame.h"

/* Then a new child goes on: whatever was lost in memory on the way is given back. */
#define SHARE_MAILS 5000
#define SHARE_CPU_S 60

/* --- frames ---------------------------------------------------------------------------------- */

/* -1: the parent has gone. */
static int send_all(struct iovec *iov, size_t n) {
    while (n) {
        struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n};
        ssize_t rc = sendmsg(EMAIL_CHILD_SOCKET, &msg, MSG_NOSIGNAL);
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc < 0)
            return -1;
        size_t sent = (size_t)rc;
        while (n && sent >= iov->iov_len) {
            sent -= iov->iov_len;
            iov++;
            n--;
        }
        if (n) {
            iov->iov_base = (char *)iov->iov_base + sent;
            iov->iov_len -= sent;
        }
    }
    return 0;
}

static int send_frame(enum email_frame_type type, struct span a, struct span b) {
    char head[EMAIL_FRAME_HEAD];
    struct iovec iov[3] = {
        {head, sizeof head}, {(void *)(uintptr_t)a.p, a.n}, {(void *)(uintptr_t)b.p, b.n}};
    email_frame_head(head, type, a.n + b.n);
    return send_all(iov, b.n ? 3 : a.n ? 2 : 1);
}

static int on_mail(void *arg, const json_t *mail) {
    const json_t *text = json_object_get(mail, "text");
    (void)arg;
    json_t *rest = json_copy((json_t *)(uintptr_t)mail);
    json_object_del(rest, "text");
    char *json = json_dumps(rest, JSON_COMPACT);
    json_decref(rest);
    if (!json || !text)
        abort(); /* not UTF-8: a bug, and the mail goes to quarantine */
    char heads[2][EMAIL_FRAME_HEAD];
    struct iovec iov[4] = {{heads[0], sizeof heads[0]},
        {(void *)(uintptr_t)json_string_value(text), json_string_length(text)},
        {heads[1], sizeof heads[1]}, {json, strlen(json)}};
    email_frame_head(heads[0], EMAIL_FRAME_TEXT, iov[1].iov_len);
    email_frame_head(heads[1], EMAIL_FRAME_MAIL, iov[3].iov_len);
    int rc = send_all(iov, 4); /* at once: the parent wakes up once */
    free(json);
    return rc;
}

static int on_part(void *arg, size_t index, struct span piece) {
    const char number[4] = {(char)index, (char)(index >> 8), (char)(index >> 16), 0};
    (void)arg;
    return send_frame(EMAIL_FRAME_PIECE, span_of(number, sizeof number), piece);
}

/* The next mail's fd; -1: the parent has gone. */
static int next_mail(void) {
    char byte;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control};
    ssize_t n;
    do
        n = recvmsg(EMAIL_CHILD_SOCKET, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    const struct cmsghdr *c = n == 1 ? CMSG_FIRSTHDR(&msg) : NULL;
    int fd = -1;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

/* --- life ------------------------------------------------------------------------------------ */

/* Nothing of the parent is left but the socket; what libraries write to stderr could hold a mail's
 * text and is not wanted (but a sanitizer's report is). */
static void leave_everything(void) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (int fd = 0; fd < (EMAIL_ASAN ? 2 : 3) && null >= 0; fd++)
        dup2(null, fd);
    close_range(EMAIL_CHILD_SOCKET + 1, ~0u, 0);
}

static int drop_mail(void *arg, const json_t *mail) {
    (void)arg;
    (void)mail;
    return 0;
}

static int drop_part(void *arg, size_t index, struct span piece) {
    (void)arg;
    (void)index;
    (void)piece;
    return 0;
}

/* A mail of ours, so that whatever libraries load when they are first used is loaded. */
static void warm_up(void) {
    static const char mail[] =
        "From: =?koi8-r?B?8NLJ18XU?= <a@example.org>\nTo: b@example.org, c: d@example.org;\n"
        "Date: Fri, 13 Mar 2026 10:00:00 +0300\nSubject: =?utf-8?Q?x?=\nMIME-Version: 1.0\n"
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
        "text/html\n\n<p>\xcf\xd2</p>\n"
        "--b\nContent-Type: text/plain; charset=x; name*=koi8-r''%CF\nContent-Transfer-Encoding: "
        "base64\nContent-Disposition: attachment\n\nAAAA\n--b--\n";
    const struct email_sink sink = {drop_mail, drop_part, NULL};
    int fd = memfd_create("mail", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, mail, sizeof mail - 1) > 0)
        email_read(fd, &sink, NULL);
    if (fd >= 0)
        close(fd);
}

static bool did_its_share(unsigned mails) {
    struct timespec used = {0, 0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return mails >= SHARE_MAILS || used.tv_sec >= SHARE_CPU_S;
}

int email_child_serve(email_read_fn read_mail) {
    const struct email_sink sink = {on_mail, on_part, NULL};
    bool last = false;
    leave_everything();
    email_read_init();
    email_charset_preload();
    warm_up();
    if (email_sandbox_enter() < 0 ||
        send_frame(EMAIL_FRAME_READY, span_of(NULL, 0), span_of(NULL, 0)) < 0)
        return 1;
    for (unsigned mails = 1; !last; mails++) {
        struct err err = {0};
        int fd = next_mail();
        if (fd < 0)
            return 0;
        int rc = read_mail(fd, &sink, &err);
        close(fd);
        last = did_its_share(mails);
        enum email_frame_type type = rc < 0 ? EMAIL_FRAME_FAILED
                                     : last ? EMAIL_FRAME_LAST
                                            : EMAIL_FRAME_END;
        struct span text = rc < 0 ? span_str(err.text) : span_of(NULL, 0);
        text.n = text.n < EMAIL_FRAME_SENTENCE_MAX ? text.n : EMAIL_FRAME_SENTENCE_MAX;
        if (send_frame(type, text, span_of(NULL, 0)) < 0)
            return 0;
    }
    return 0;
}

int email_child_main(void) {
    _exit(email_child_serve(email_read)); /* nothing to flush, nothing to look for */
}
