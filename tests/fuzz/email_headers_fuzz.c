/* email_headers_fuzz.c - any bytes as the value of a header that the reader looks into, and through
 * the decoders alone: what comes out is clean text. The first byte chooses the header. */
#include <sanitizer/lsan_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/email/email_authres.h"
#include "connectors/email/email_charset.h"
#include "connectors/email/email_frame.h"
#include "connectors/email/email_words.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static int on_mail(void *arg, const json_t *mail) {
    struct err err = {0};
    char *text = json_dumps(mail, JSON_COMPACT);
    check(text != NULL);
    json_t *again = email_mail_check(span_str(text), NULL, 16 << 20, &err);
    check(again != NULL);
    json_decref(again);
    free(text);
    (void)arg;
    return 0;
}

static int on_part(void *arg, size_t index, struct span piece) {
    (void)arg;
    (void)index;
    (void)piece;
    return 0;
}

static void check_decoders(const char *value, size_t n) {
    bool guessed = false;
    size_t len;
    char *joined = email_words_join(value, &guessed);
    char *text = email_charset_text(span_of(value, n), "windows-1251", &len, &guessed);
    check(strlen(text) == len && utf8_is_text(text, len) && !strchr(text, '\r'));
    char *line = mem_strdup(text);
    email_line_clean(line, 100);
    check(strlen(line) <= 100 && utf8_is_text(line, strlen(line)) && !strpbrk(line, "\n\t"));
    json_t *auth = email_authres(span_of(value, n));
    json_decref(auth);
    free(line);
    free(text);
    free(joined);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    __lsan_disable(); /* converters are kept, as in the child: else each run loads them */
    email_charset_preload();
    __lsan_enable();
    email_read_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"From", "To", "Reply-To", "Subject", "Date", "Message-ID",
        "References", "Return-Path", "Authentication-Results", "Content-Type",
        "Content-Type: a/b\nContent-Disposition", "Auto-Submitted", "Delivered-To"};
    const struct email_sink sink = {on_mail, on_part, NULL};
    struct err err = {0};
    struct buf b;
    if (size < 1)
        return 0;
    char *value = mem_strndup((const char *)data + 1, size - 1);
    buf_init(&b, 1 << 20);
    buf_adds(&b, names[*data % ARRAY_LEN(names)]);
    buf_adds(&b, ": ");
    buf_adds(&b, value);
    buf_adds(&b, "\n\nbody\n");
    int fd = memfd_create("mail", MFD_CLOEXEC);
    check(fd >= 0 && write(fd, b.p, b.n) == (ssize_t)b.n);
    check(email_read(fd, &sink, &err) == 0);
    check_decoders(value, strlen(value));
    close(fd);
    buf_free(&b);
    free(value);
    return 0;
}
