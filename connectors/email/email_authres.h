/* email_authres.h - what servers on the way found out about the sender: Authentication-Results
 * (RFC 8601). Which server to believe is the channel's setting, not decided here. Pure. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_AUTHRES_H
#define SB_CONNECTORS_EMAIL_EMAIL_AUTHRES_H

#include <jansson.h>

#include "base/span.h"

/* {"server","spf","dkim","dmarc"}, the results in lower case and only those that are told ("dkim":
 * pass when one of several signatures passed); or NULL when value is no such header. value: the
 * unfolded header. The caller decrefs. */
json_t *email_authres(struct span value);

#endif
