/* loop_versions.h - which versions of the libraries under the loop this process really has. */
#ifndef SB_LOOP_LOOP_VERSIONS_H
#define SB_LOOP_LOOP_VERSIONS_H

#include <stdbool.h>

#include "base/buf.h"

/* "libuv 1.44.2, libwebsockets 4.1.6, ..." */
void loop_versions(struct buf *out);

/* libwebsockets loads its libuv plugin at run time, from a package of its own: is it there? */
bool loop_has_websocket_plugin(void);

#endif
