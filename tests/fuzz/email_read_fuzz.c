/* email_read_fuzz.c - any bytes as a mail: it is read, the parent takes what the child would tell,
 * and the parts' bytes are as many as was said. */
#include <sanitizer/lsan_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "connectors/email/email_charset.h"
#include "connectors/email/email_frame.h"
#include "connectors/email/email_read.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

struct told {
    uint64_t mail_size;
    uint64_t missing[EMAIL_PARTS_MAX];
    size_t mails, last;
};

static int on_mail(void *arg, const json_t *mail) {
    struct told *t = arg;
    struct err err = {0};
    char *text = json_dumps(mail, JSON_COMPACT);
    check(text && ++t->mails == 1);
    json_t *again = email_mail_check(span_str(text), NULL, 2 * t->mail_size + (8 << 20), &err);
    check(again && json_equal(mail, again));
    const json_t *parts = json_object_get(mail, "parts");
    for (size_t i = 0; i < json_array_size(parts); i++)
        t->missing[i] =
            (uint64_t)json_integer_value(json_object_get(json_array_get(parts, i), "size"));
    json_decref(again);
    free(text);
    return 0;
}

static int on_part(void *arg, size_t index, struct span piece) {
    struct told *t = arg;
    check(t->mails == 1 && index >= t->last && index < EMAIL_PARTS_MAX);
    check(piece.n > 0 && piece.n <= EMAIL_FRAME_PIECE_MAX && piece.n <= t->missing[index]);
    t->missing[index] -= piece.n;
    t->last = index;
    return 0;
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
    struct told t = {.mail_size = size};
    const struct email_sink sink = {on_mail, on_part, &t};
    struct err err = {0};
    int fd = memfd_create("mail", MFD_CLOEXEC);
    check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    check(email_read(fd, &sink, &err) == 0 && t.mails == 1);
    for (size_t i = 0; i < EMAIL_PARTS_MAX; i++)
        check(t.missing[i] == 0);
    close(fd);
    return 0;
}
