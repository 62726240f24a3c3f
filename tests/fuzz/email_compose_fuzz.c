/* email_compose_fuzz.c - any words in any place of a draft: the header block of what comes out has
 * exactly the headers that were asked for, each once, and lines are as RFC 5322 wants them. The
 * input's first two bytes are switches, the rest fields ended by 0x1e. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "connectors/email/email_compose.h"

#define FIELDS 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static void check_lines(const char *p, size_t n) {
    size_t line = 0;
    for (size_t i = 0; i < n; i++) {
        check(p[i] != '\0' && (p[i] != '\n' || (i && p[i - 1] == '\r')));
        check(p[i] != '\r' || (i + 1 < n && p[i + 1] == '\n'));
        line = p[i] == '\n' ? 0 : line + 1;
        check(line <= 999);
    }
    check(line == 0);
}

/* Takes each header's name out of the list; what the list does not have was put in by the input. */
static void check_headers(const char *mail, const struct email_draft *d) {
    const char *names[] = {"Date", "From", "Subject", "Message-Id", "X-Switchboard", "MIME-Version",
        "Content-Type", "Content-Transfer-Encoding", "To", "Cc", "Reply-To", "In-Reply-To",
        "References", "Auto-Submitted", "X-Auto-Response-Suppress", "Precedence"};
    const size_t always = 7;
    if (!d->auto_submitted[0])
        names[13] = names[14] = names[15] = NULL;
    if (!d->reply_to[0])
        names[10] = NULL;
    for (const char *p = mail; strncmp(p, "\r\n", 2) != 0; p = strstr(p, "\r\n") + 2) {
        size_t i = 0, n = strcspn(p, ":\r");
        if (*p == ' ' || *p == '\t')
            continue;
        while (i < ARRAY_LEN(names) &&
               !(names[i] && strlen(names[i]) == n && strncmp(names[i], p, n) == 0))
            i++;
        check(i < ARRAY_LEN(names) && p[n] == ':');
        names[i] = NULL;
    }
    for (size_t i = 0; i < always; i++)
        check(!names[i]);
}

static void run(const struct email_draft *d) {
    struct err err = {0};
    char *bytes = NULL;
    size_t n = 0;
    bool utf8 = false;
    if (email_compose(d, &bytes, &n, &utf8, &err) < 0) {
        check(!bytes && err.code != ERR_NONE && err.code != ERR_INTERNAL);
        return;
    }
    check(n <= d->size_max);
    check_lines(bytes, n);
    bytes = mem_realloc(bytes, n + 1);
    bytes[n] = '\0';
    check_headers(bytes, d);
    for (size_t i = 0; i < n; i++)
        check(utf8 || !(bytes[i] & 0x80));
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *f[FIELDS] = {0};
    if (size < 2)
        return 0;
    const char *p = (const char *)data + 2, *end = (const char *)data + size;
    for (size_t i = 0; i < FIELDS; i++) {
        const char *stop = p < end ? memchr(p, 0x1e, (size_t)(end - p)) : NULL;
        size_t n = p < end ? (size_t)((stop ? stop : end) - p) : 0;
        f[i] = mem_strndup(n ? p : "", n);
        p = stop ? stop + 1 : end;
    }
    int fd = memfd_create("file", MFD_CLOEXEC);
    if (write(fd, data, size) < 0)
        abort();
    const char *to[] = {"ann@example.org", data[0] & 1 ? f[0] : NULL, NULL};
    const char *cc[] = {data[0] & 2 ? f[1] : NULL, NULL};
    const char *references[] = {f[2], f[3], NULL};
    struct email_file files[] = {
        {f[4], data[0] & 4 ? f[5] : "text/plain", data[0] & 8 ? f[6] : NULL, fd},
        {f[4], "image/png", data[0] & 16 ? f[6] : NULL, fd}};
    struct email_draft d = {.from_name = f[7],
        .from = data[0] & 32 ? f[8] : "support@example.org",
        .reply_to = data[0] & 64 ? f[9] : "",
        .to = to,
        .cc = cc,
        .subject = f[10],
        .message_id = data[1] & 1 ? f[11] : "a@b",
        .in_reply_to = f[12],
        .references = references,
        .text = f[13],
        .html = f[14],
        .signature = f[15],
        .quote_intro = f[16],
        .quote_text = f[17],
        .date_ms = 1764374400000,
        .auto_submitted = data[1] & 2 ? f[18] : "",
        .instance = data[1] & 4 ? f[19] : "instance",
        .files = files,
        .nfiles = (data[1] >> 3) % 3,
        .size_max = 1u << 20};
    run(&d);
    close(fd);
    for (size_t i = 0; i < FIELDS; i++)
        free(f[i]);
    return 0;
}
