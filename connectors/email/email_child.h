/* email_child.h - reading mails in child processes: no network, no files but the mail's own fd,
 * limits on memory and time, a seccomp filter. A child serves many mails one after the other; one
 * that dies, lies or takes too long is replaced, and its mail is answered with an error. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_CHILD_H
#define SB_CONNECTORS_EMAIL_EMAIL_CHILD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"
#include "loop/loop.h"

struct email_readers; /* the children of one worker, started when needed, ended when idle */
struct email_reading; /* one mail that is being read */

struct email_readers_options {
    unsigned children;    /* at once; 0: 1 */
    unsigned deadline_ms; /* of one mail, while its reading is not paused; 0: 20 s */
    unsigned idle_ms;     /* after which a child without work is ended; 0: 30 s */
};

struct email_reading_fns {
    /* As in email_read.h, but on the loop. mail was checked against its ceilings, and the pieces
     * against mail's sizes. Pieces have at most 64 KB. */
    void (*on_mail)(void *arg, const json_t *mail);
    void (*on_part)(void *arg, size_t index, struct span piece);
    /* Once, last; the reading is gone. NULL: whole. ERR_PROTOCOL: the mail ended the child, or the
     * child said nonsense: put the mail into quarantine. ERR_TIMEOUT: it took too long: the same.
     * ERR_UNAVAILABLE: no child could be started, or all are being ended: try again later. ERR_IO:
     * the file could not be read. */
    void (*on_done)(void *arg, const struct err *err);
};

/* options NULL: the defaults. The program itself is started again as `read-mail`. */
struct email_readers *email_readers_create(
    const struct env *env, const struct email_readers_options *options);
/* What runs ends with ERR_UNAVAILABLE. Not to be called inside one of fns. */
void email_readers_destroy(struct email_readers **r);
/* fd (readable, opened for this alone: its position moves) is owned by the reading from now on.
 * Waits for a free child, first come first served. Never calls fns inside. */
struct email_reading *email_readers_read(
    struct email_readers *r, int fd, const struct email_reading_fns *fns, void *arg);
/* No more calls; may be called inside fns, but not inside on_done. */
void email_reading_cancel(struct email_reading *g);
/* The parent is slow: no more pieces until resumed. */
void email_reading_pause(struct email_reading *g, bool paused);

/* The child's main function: `switchboard read-mail` (not in the list of commands). The socket is
 * fd 3. */
int email_child_main(void);

#endif
