/* crm_call.h - the requests of a CRM adapter to its server, on this worker: in the order in which
 * they were asked for, so many at once, and no quicker than the CRM allows. Requests wait here,
 * each completes exactly once. */
#ifndef SB_CORE_CRM_CALL_H
#define SB_CORE_CRM_CALL_H

#include <jansson.h>

#include "config/setting.h"
#include "core/crm.h"
#include "net/http_client.h"

struct crm_calls_options {
    unsigned parallel; /* requests at once */
    double per_second; /* of the whole installation, of which this worker takes its share; 0: any */
    unsigned burst;    /* so many at once after a pause */
    unsigned timeout_ms;
    size_t answer_max;
    bool allow_private;
    bool fixed_secret; /* no request renews what the CRM knows us by: one 401 is that of all that
                          wait, and they are not sent */
};

/* Rows of an adapter's table of settings, and what they say (answer_max stays the adapter's). */
#define CRM_CALL_SETTINGS(timeout_preset, parallel_preset, per_second_preset)                      \
    {.key = "timeout",                                                                             \
        .type = SETTING_DURATION,                                                                  \
        .preset = timeout_preset,                                                                  \
        .min = 1000,                                                                               \
        .max = 300000,                                                                             \
        .help = "How long an answer may take."},                                                   \
        {.key = "parallel",                                                                        \
            .type = SETTING_INT,                                                                   \
            .preset = parallel_preset,                                                             \
            .min = 1,                                                                              \
            .max = 100,                                                                            \
            .help = "Requests at once, of each worker."},                                          \
        {.key = "per_second",                                                                      \
            .type = SETTING_INT,                                                                   \
            .preset = per_second_preset,                                                           \
            .min = 0,                                                                              \
            .max = 100000,                                                                         \
            .help = "At most so many requests a second, of all workers; 0: any number."},          \
    {                                                                                              \
        .key = "allow_private", .type = SETTING_BOOL, .preset = "false", .file_only = true,        \
        .help = "The server may be in a private network or on this machine, without TLS."          \
    }
void crm_calls_options_read(struct crm_calls_options *o, const struct settings *s);

/* A setting's check: the address of a server, https:// or (in one's own net) http://. */
int crm_check_url(const char *value, struct err *err);
/* A secret of ours that ends an address to which a CRM posts: 24 letters and digits; "" none. */
int crm_check_secret(const char *value, struct err *err);

/* Percent-encoded, for one segment of a path, or a value of a query or form. The caller frees. */
char *crm_escape(const char *s);

struct crm_calls;

struct crm_calls *crm_calls_create(struct crm *c, const struct crm_calls_options *o);
/* What waits and what runs ends with ERR_UNAVAILABLE. */
void crm_calls_destroy(struct crm_calls **cs);

/* A failure on the way is ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_TOO_LARGE (the answer), or ERR_AUTH:
 * the address or its certificate is not one that we may believe. */
/* One request. All is copied; a part's fd is owned from crm_calls_start() on. With parts the answer
 * may take ten times as long, as long as bytes move. */
struct crm_request {
    const char *method;
    const char *url;
    const char *const *headers; /* NULL-ended "Name: value" */
    struct span body;
    const struct http_part *parts; /* multipart/form-data instead of body */
    size_t nparts;
    const char *about; /* of the log of calls: what is asked for, without secrets: a path ("/notes",
                          cut at a '?'), a procedure, or words. NULL: nothing but the method */
};
void crm_calls_start(
    struct crm_calls *cs, const struct crm_request *rq, http_answer_fn fn, void *arg);

/* From inside a request's fn: the CRM says no, in these words, whatever the answer's status is; for
 * the log of calls. */
void crm_calls_refused(struct crm_calls *cs, const struct err *err);

/* The CRM asked for a pause: nothing new begins before. Never made shorter. */
void crm_calls_pause(struct crm_calls *cs, unsigned ms);

/* What waits ends with this error; what runs goes on. */
void crm_calls_forget(struct crm_calls *cs, const struct err *err);

/* What an answer's status says, as any server means it: 0 for 2xx, else -1 with err: 401 ERR_AUTH,
 * 403 ERR_DENIED, 404 and 410 ERR_NOT_FOUND, 409 ERR_CONFLICT, 413 ERR_TOO_LARGE, 429 ERR_TOO_MANY,
 * 408, 425 and 5xx ERR_UNAVAILABLE, 3xx ERR_PROTOCOL (never followed), other 4xx ERR_INVALID. The
 * sentence has the status and the beginning of a textual body, without markup. */
int crm_answer_check(const struct http_answer *a, struct err *err);
/* The answer is not the CRM's own: its 404 is the word of a proxy that does not find the CRM, and
 * of no record: ERR_UNAVAILABLE. */
void crm_answer_by_proxy(struct err *err);
/* As crm_answer_check(), of a CRM whose own 404 is JSON or has no body: another is a proxy's. */
int crm_answer_check_json(const struct http_answer *a, struct err *err);
/* As crm_answer_check(), and the body as a JSON object or array: a new reference; NULL with err
 * (ERR_PROTOCOL when it is none). An empty body is JSON null. */
json_t *crm_answer_json(const struct http_answer *a, struct err *err);

#endif
