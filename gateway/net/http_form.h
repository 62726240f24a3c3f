/* http_form.h - bodies of application/x-www-form-urlencoded. Pure. */
#ifndef SB_NET_HTTP_FORM_H
#define SB_NET_HTTP_FORM_H

#include <jansson.h>

#include "base/err.h"
#include "base/span.h"

/* As PHP reads it: "data[LINE]=1" is {"data":{"LINE":"1"}}; lists are objects with the keys "0",
 * "1". Bounded in depth and number. A new reference; NULL with err (ERR_INVALID): it is no form, or
 * too much of one. */
json_t *http_form(struct span body, struct err *err);

#endif
