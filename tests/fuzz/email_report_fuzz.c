/* email_report_fuzz.c - any bytes as a report: every recipient and id is bounded clean text. */
#include <sanitizer/lsan_interface.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/email/email_charset.h"
#include "connectors/email/email_report.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static void check_recipients(const json_t *list) {
    check(json_array_size(list) <= EMAIL_REPORT_RECIPIENTS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *o = json_array_get(list, i), *v;
        const char *key;
        check(json_object_get(o, "address") && json_object_get(o, "action"));
        json_object_foreach(o, key, v) {
            const char *s = json_string_value(v);
            check(s && *s && strlen(s) <= 500 && utf8_is_text(s, strlen(s)) && !strpbrk(s, "\r\n"));
        }
    }
}

static void check_ids(const json_t *list) {
    check(json_array_size(list) <= EMAIL_REPORT_IDS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++)
        for (const char *s = json_string_value(json_array_get(list, i)); *s; s++)
            check(*s > 0x20 && *s < 0x7f);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    __lsan_disable(); /* converters are kept, as in the child: else each run loads them */
    email_charset_preload();
    __lsan_enable();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span s = span_of((const char *)data, size);
    json_t *recipients = json_array(), *ids = json_array();
    email_report_delivery(s, recipients);
    check_recipients(recipients);
    email_report_disposition(s, recipients, ids);
    check_recipients(recipients);
    check_ids(ids);
    email_report_ids(s, ids);
    check_ids(ids);
    json_array_clear(recipients);
    size_t first = 0;
    while (first < size && data[first] != '\n')
        first++;
    char *failed = mem_strndup(s.p, first);
    email_report_guess(s, failed, size % 2, recipients);
    check_recipients(recipients);
    json_array_clear(recipients);
    email_report_guess(s, "", false, recipients);
    check_recipients(recipients);
    free(failed);
    json_decref(recipients);
    json_decref(ids);
    return 0;
}
