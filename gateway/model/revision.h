/* revision.h - how the body of a stored message changes: edits that keep what was, deletions,
 * reactions, more parts of an album, files that were fetched. Pure; all change `body` in place and
 * return 1 changed, 0 as it was. */
#ifndef SB_MODEL_REVISION_H
#define SB_MODEL_REVISION_H

#include <jansson.h>
#include <stdint.h>

#define REVISION_KEPT 20      /* earlier versions */
#define REVISION_REACTIONS 50 /* of one message */

/* The new content (text, html, attachments, location, ...) takes the place of the old one, which
 * goes into "edits", files that are gone with it. A file that is the same as before stays as it is.
 * part: external id of the part of an album that was edited, or NULL: only its file and words
 * change. now_ms: for "edited_at", unless change has one. */
int revision_edit(json_t *body, const json_t *change, const char *part, int64_t now_ms);
/* A message that came without its files gets them, and their words where it has none: no edit. One
 * that has a file stays as it is. */
int revision_fill(json_t *body, const json_t *change);
/* A live location moves on: nothing is kept. */
int revision_move(json_t *body, const json_t *change);
/* "deleted_at", "deleted_by"; the content stays. */
int revision_delete(json_t *body, const char *by, int64_t now_ms);
/* {"by","name"?,"address"?,"emoji":[...]}: all that `by` reacts with now; who of the client's side
 * it is, address says, else name. */
int revision_react(json_t *body, const json_t *reaction);
/* The attachments of another part of the same album. The words of a part stand at its attachment
 * ("text", "html"), and all of them, a line each, in the body. */
int revision_part(json_t *body, const json_t *part);
/* attachments[index] is this file now (media object), or could not be had: state and error. */
int revision_file(json_t *body, size_t index, const json_t *media);
int revision_no_file(json_t *body, size_t index, const char *state, const char *error);

/* Does any attachment wait to be fetched? */
int revision_waits(const json_t *body);

#endif
