/* whatsapp_host.h - which servers may see our token when a link of the platform names them. Pure.
 */
#ifndef SB_CONNECTORS_WHATSAPP_WHATSAPP_HOST_H
#define SB_CONNECTORS_WHATSAPP_WHATSAPP_HOST_H

#include <stdbool.h>

/* https and a host of the platform's (fbsbx.com, facebook.com, fbcdn.net, whatsapp.net and theirs),
 * or the very scheme, host and port of api_url. */
bool whatsapp_host_may_have_token(const char *url, const char *api_url);

#endif
