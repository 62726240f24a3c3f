/* crm_call.h - the requests of a CRM adapter to its server, on this worker: in the order in which
 * they were asked for, so many at once, and no quicker than the CRM allows. Requests wait here,
 * each completes exactly once. */
#ifndef SB_CORE_CRM_CALL_H
#define SB_CORE_CRM_CALL_H

#include <jansson.h>

#include "core/crm.h"
#include "net/http_client.h"

struct crm_calls_options {
    unsigned parallel; /* requests at once */
    double per_second; /* of the whole installation, of which this worker takes its share; 0: any */
    unsigned burst;    /* so many at once after a pause */
    unsigned timeout_ms;
    size_t answer_max;
    bool allow_private;
};

/* A setting's check: the address of a server, https:// or (in one's own net) http://. */
int crm_check_url(const char *value, struct err *err);

struct crm_calls;

struct crm_calls *crm_calls_create(struct crm *c, const struct crm_calls_options *o);
/* What waits and what runs ends with ERR_UNAVAILABLE. */
void crm_calls_destroy(struct crm_calls **cs);

/* One request. url, headers and body are copied. */
struct crm_request {
    const char *method;
    const char *url;
    const char *const *headers; /* NULL-ended "Name: value" */
    struct span body;
};
void crm_calls_start(
    struct crm_calls *cs, const struct crm_request *rq, http_answer_fn fn, void *arg);

/* The CRM asked for a pause: nothing new begins before. Never made shorter. */
void crm_calls_pause(struct crm_calls *cs, unsigned ms);

/* What an answer's status says, as any server means it: 0 for 2xx, else -1 with err: 401 ERR_AUTH,
 * 403 ERR_DENIED, 404 and 410 ERR_NOT_FOUND, 409 ERR_CONFLICT, 413 ERR_TOO_LARGE, 429 ERR_TOO_MANY,
 * 408, 425 and 5xx ERR_UNAVAILABLE, 3xx ERR_PROTOCOL (never followed), other 4xx ERR_INVALID. The
 * sentence has the status and the beginning of a textual body, without markup. */
int crm_answer_check(const struct http_answer *a, struct err *err);
/* The same, and the body as a JSON object or array: a new reference; NULL with err (ERR_PROTOCOL
 * when it is none). An empty body is JSON null. */
json_t *crm_answer_json(const struct http_answer *a, struct err *err);

#endif
