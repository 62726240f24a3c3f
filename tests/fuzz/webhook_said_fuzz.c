/* webhook_said_fuzz.c - any JSON as an event that another system posts: it is refused with a
 * sentence, or it is about something. */
#include <stdint.h>
#include <stdlib.h>

#include "connectors/webhook/webhook_said.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err err = {0};
    json_t *event = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    int rc = webhook_said_check(event, &err);
    if (rc < 0 ? !err.text[0] : !webhook_said_lane(event)[0])
        abort();
    json_decref(event);
    return 0;
}
