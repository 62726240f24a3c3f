/* loop_linger.h - closes sockets whose peer may still be sending. Closing one with unread bytes
 * makes the kernel reset the connection, and the reset destroys our last answer on its way: the
 * client, or the proxy in front, sees an error instead of it (RFC 9112, 9.6). */
#ifndef SB_LOOP_LOOP_LINGER_H
#define SB_LOOP_LOOP_LINGER_H

#include "loop/loop.h"

struct loop_linger;

struct loop_linger *loop_linger_create(struct loop *loop);
void loop_linger_destroy(struct loop_linger **l); /* closes what is left */

/* Takes the fd, says that nothing more is sent, reads and throws away until the peer ends, at most
 * 5 s and 32 MB, and closes it. With 256 under way it is closed at once. */
void loop_linger_add(struct loop_linger *l, int fd);

#endif
