/* recipients.h - what became of the single recipients of one message of ours: the list "recipients"
 * of its body, [{"address","status","error"?:{"code","text","permanent"},"at"}]. Pure. */
#ifndef SB_MODEL_RECIPIENTS_H
#define SB_MODEL_RECIPIENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define RECIPIENTS_MAX_LISTED 120

/* Puts news (the same without "at") into the body's list. What is known for good, "delivered" and
 * "failed", stays, and nobody who has it waits again. A body without a list has one recipient as
 * far as it knows: it gets one only when that says more than the message's own status can. 1
 * changed, 0 as it was. fate_out: "failed" or "delivered" when all of them are, else "". */
int recipients_merge(json_t *body, const json_t *news, int64_t now_ms, const char **fate_out);

/* "bob@x.org failed", or "3 sent, 1 queued": news in a line of the trail. */
void recipients_line(const json_t *news, char *out, size_t size);

#endif
