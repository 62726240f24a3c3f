/* hours_fuzz.c - any JSON as working hours: it is refused with a sentence, or its answers agree. */
#include <stdint.h>
#include <stdlib.h>

#include "model/hours.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int64_t times[] = {1774659600000, 1793235600000, 1798761600000, 0};
    struct err err = {0};
    json_t *j = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    struct hours *h = hours_parse(j, &err);
    json_decref(j);
    if (!h) {
        if (err.code != ERR_INVALID || !err.text[0])
            abort();
        return 0;
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t ms = times[i], opens = hours_next(h, ms, true), first = hours_add(h, ms, 0);
        if (opens < ms || opens != first || hours_open_at(h, ms) != (opens == ms))
            abort();
        int64_t due = hours_add(h, ms, 3600000);
        if (due != HOURS_NEVER && (due < opens + 3600000 || hours_add(h, ms, 1) > due))
            abort();
        int64_t closes = opens == HOURS_NEVER ? ms : hours_next(h, opens, false);
        if (closes != HOURS_NEVER && hours_open_at(h, closes))
            abort();
    }
    hours_destroy(&h);
    return 0;
}
