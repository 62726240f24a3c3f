/* hooks.h - the requests that channels send us: /hooks/<connector>/<channel>[/...]. */
#ifndef SB_CORE_HOOKS_H
#define SB_CORE_HOOKS_H

#include "net/http_server.h"

/* For http_server_add_routes(); arg is the struct core. */
extern const struct http_route hooks_routes[];

#endif
