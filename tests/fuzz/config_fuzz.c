/* config_fuzz.c - the whole configuration reader, on a file in memory; what is accepted must print,
 * and its print (without secrets) must not crash anything either. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"
#include "sections.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libConfuse loses a few bytes when the arguments of include() do not end: once, at a start that
 * fails. */
const char *__lsan_default_suppressions(void) {
    return "leak:libconfuse\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct section_type types[SECTIONS_MAX];
    struct buf problems, out;
    char path[32], set[64];
    size_t n = size < sizeof set - 1 ? size : sizeof set - 1;
    const char *const sets[] = {set, NULL};
    int fd;
    /* Other files than this one are not for a fuzzer to open. */
    if (memmem(data, size, "include", 7) && memchr(data, '/', size))
        return 0;
    if ((fd = memfd_create("config", MFD_CLOEXEC)) < 0)
        abort();
    if (write(fd, data, size) != (ssize_t)size)
        abort();
    memcpy(set, data, n);
    set[n] = '\0';
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    sections_list(types);
    for (int with_set = 0; with_set < 2; with_set++) {
        buf_init(&problems, 1 << 20);
        buf_init(&out, 1 << 20);
        struct config *c = config_read(path, with_set ? sets : NULL, types, &problems);
        if (!c && problems.n == 0)
            abort(); /* refused without a word */
        if (c) {
            config_print(c, &out);
            config_destroy(&c);
        }
        buf_free(&problems);
        buf_free(&out);
    }
    close(fd);
    return 0;
}
