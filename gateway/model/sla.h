/* sla.h - a policy: how soon a client is to be answered, who is reminded, and after what silence a
 * dialogue is closed. Pure.
 *
 * In JSON: {"name":"...","first_s":900,"next_s":1800,"remind_s":300,"working":true,
 * "supervisors":"late|always|never","close_s":86400}; of first_s, next_s and close_s at least one.
 * remind_s: so long before; what is left out is not wanted. working: only working hours count. */
#ifndef SB_MODEL_SLA_H
#define SB_MODEL_SLA_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/hours.h"

struct sla {
    int64_t first_ms, next_ms, remind_ms, close_ms; /* 0 not wanted */
    bool working;
    char supervisors; /* hear of what is: 'l' late, 'a' due soon, too, 'n' nothing */
};

/* policy: an object as above; other keys are the caller's. 0, or -1 with an ERR_INVALID sentence.
 */
int sla_parse(const json_t *policy, struct sla *out, struct err *err);

/* When an answer is due within so long after ms, and when it is reminded of, which is the same when
 * nobody is to be. h: NULL always open. False: it never is. */
bool sla_due(const struct sla *s, struct hours *h, int64_t ms, int64_t within_ms,
    int64_t *remind_out, int64_t *due_out);

#endif
