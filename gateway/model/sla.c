/* sla.c - policies: read, and turned into times. */
#include "model/sla.h"

#include <string.h>

#include "base/mem.h"

#define SECONDS_MIN 5
#define ANSWER_MAX (30 * 86400)
#define CLOSE_MIN 60
#define CLOSE_MAX (366 * 86400)

static int take_seconds(
    const json_t *policy, const char *key, int64_t min, int64_t max, int64_t *ms, struct err *err) {
    const json_t *v = json_object_get(policy, key);
    *ms = 0;
    if (!v || json_is_null(v))
        return 0;
    if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
        return err_set(err, ERR_INVALID, "%s must be a number of seconds, %lld to %lld", key,
            (long long)min, (long long)max);
    *ms = json_integer_value(v) * 1000;
    return 0;
}

static int take_supervisors(const json_t *v, struct sla *out, struct err *err) {
    static const char *const known[] = {"late", "always", "never"};
    const char *s = v ? json_string_value(v) : known[0];
    for (size_t i = 0; s && i < ARRAY_LEN(known); i++)
        if (strcmp(s, known[i]) == 0) {
            out->supervisors = known[i][0];
            return 0;
        }
    return err_set(err, ERR_INVALID, "supervisors must be late, always or never");
}

int sla_parse(const json_t *policy, struct sla *out, struct err *err) {
    const json_t *working = json_object_get(policy, "working");
    if (take_seconds(policy, "first_s", SECONDS_MIN, ANSWER_MAX, &out->first_ms, err) < 0 ||
        take_seconds(policy, "next_s", SECONDS_MIN, ANSWER_MAX, &out->next_ms, err) < 0 ||
        take_seconds(policy, "remind_s", 1, ANSWER_MAX, &out->remind_ms, err) < 0 ||
        take_seconds(policy, "close_s", CLOSE_MIN, CLOSE_MAX, &out->close_ms, err) < 0 ||
        take_supervisors(json_object_get(policy, "supervisors"), out, err) < 0)
        return -1;
    if (working && !json_is_boolean(working))
        return err_set(err, ERR_INVALID, "working must be true or false");
    out->working = !json_is_false(working);
    if (!out->first_ms && !out->next_ms && !out->close_ms)
        return err_set(err, ERR_INVALID, "it wants nothing: give first_s, next_s or close_s");
    if (out->remind_ms && !out->first_ms && !out->next_ms)
        return err_set(err, ERR_INVALID, "remind_s goes with first_s or next_s");
    if ((out->first_ms && out->remind_ms >= out->first_ms) ||
        (out->next_ms && out->remind_ms >= out->next_ms))
        return err_set(err, ERR_INVALID, "remind_s must be less than what it reminds of");
    return 0;
}

bool sla_due(const struct sla *s, struct hours *h, int64_t ms, int64_t within_ms,
    int64_t *remind_out, int64_t *due_out) {
    bool counts = s->working && h;
    *due_out = counts ? hours_add(h, ms, within_ms) : ms + within_ms;
    if (*due_out == HOURS_NEVER)
        return false;
    int64_t before = within_ms - s->remind_ms;
    *remind_out = !s->remind_ms ? *due_out : counts ? hours_add(h, ms, before) : ms + before;
    return true;
}
