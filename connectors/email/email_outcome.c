/* email_outcome.c - see email_outcome.h. */
#include "base/json_text.h"
#include "connectors/email/email_outcome.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "connectors/email/email_status.h"

#define WAIT_MAX_MS ((int64_t)24 * 3600 * 1000)

static const struct smtp_refusal *refusal_of(const struct smtp_result *r, const char *address) {
    for (size_t i = 0; i < r->nrefused; i++)
        if (strcasecmp(r->refused[i].address, address) == 0)
            return &r->refused[i];
    return NULL;
}

static json_t *one(const char *address, const char *status, enum err_code code, const char *text) {
    json_t *o = json_pack("{s:s,s:s}", "address", address, "status", status);
    if (code)
        json_object_set_new(o, "error",
            json_pack("{s:s,s:s,s:b}", "code", err_name(code), "text", text, "permanent",
                strcmp(status, "failed") == 0));
    return o;
}

static json_t *refused_one(const char *address, const struct smtp_refusal *refusal, bool last) {
    bool again = refusal->again && !last;
    char *text = email_status_text(refusal->code, refusal->text);
    json_t *o = one(address, again ? "queued" : "failed",
        refusal->at_once ? ERR_TOO_MANY
        : refusal->again ? ERR_UNAVAILABLE
                         : ERR_INVALID,
        text);
    free(text);
    return o;
}

void email_outcome_err(const struct smtp_result *r, struct err *out) {
    *out = r->err;
    if (r->code < 400 || r->outcome == SMTP_DENIED || !email_status_meaning(r->text, r->text))
        return;
    char *text = email_status_text(r->code, r->text);
    err_set(out, r->err.code, "%s", text);
    free(text);
}

json_t *email_outcome_news(const char *const *asked, const struct smtp_result *r, bool last) {
    json_t *list = json_array();
    struct err err;
    email_outcome_err(r, &err);
    for (size_t i = 0; asked[i]; i++) {
        const struct smtp_refusal *refusal = refusal_of(r, asked[i]);
        if (refusal)
            json_array_append_new(list, refused_one(asked[i], refusal, last));
        else if (r->outcome == SMTP_ACCEPTED)
            json_array_append_new(list, one(asked[i], "sent", ERR_NONE, NULL));
        else if (r->outcome == SMTP_AMBIGUOUS)
            json_array_append_new(list, one(asked[i], "unknown", err.code, err.text));
        else
            json_array_append_new(
                list, one(asked[i], r->outcome == SMTP_REFUSED || last ? "failed" : "queued",
                          err.code, err.text));
    }
    return list;
}

size_t email_outcome_count(const json_t *recipients, const char *status) {
    size_t i, n = 0;
    json_t *o;
    json_array_foreach((json_t *)recipients, i, o) {
        n += strcmp(json_text(o, "status"), status) == 0;
    }
    return n;
}

const char **email_outcome_waiting(const json_t *recipients) {
    const char **list = mem_zalloc((email_outcome_count(recipients, "queued") + 1) * sizeof *list);
    size_t i, n = 0;
    json_t *o;
    json_array_foreach((json_t *)recipients, i, o) {
        if (strcmp(json_text(o, "status"), "queued") == 0)
            list[n++] = json_text(o, "address");
    }
    return list;
}

bool email_outcome_is_at_once(const json_t *recipients) {
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)recipients, i, o) {
        const char *code = json_text(json_object_get(o, "error"), "code");
        if (strcmp(json_text(o, "status"), "queued") == 0 &&
            strcmp(code, err_name(ERR_TOO_MANY)) != 0)
            return false;
    }
    return true;
}

int64_t email_outcome_put_off_ms(const json_t *recipients) {
    int64_t last = 0;
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)recipients, i, o) {
        int64_t at;
        if (strcmp(json_text(o, "status"), "queued") == 0 &&
            clock_parse(json_text(o, "at"), &at) == 0 && at > last)
            last = at;
    }
    return last;
}

/* Greylisting passes early, a full mailbox late. By time, not by tries: those that did not reach
 * the server are many. */
unsigned email_outcome_wait_ms(int64_t retry_ms, int64_t waited_ms) {
    static const unsigned times[] = {1, 5, 15, 30, 60, 120, 240};
    size_t i = 0;
    for (int64_t sum = retry_ms; i < ARRAY_LEN(times) - 1 && waited_ms >= sum; i++)
        sum += retry_ms * times[i + 1];
    int64_t ms = retry_ms * times[i];
    return (unsigned)(ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS);
}
