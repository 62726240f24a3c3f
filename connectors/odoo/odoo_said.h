/* odoo_said.h - what Odoo's people wrote, and what its automation rules tell. Pure. */
#ifndef SB_CONNECTORS_ODOO_ODOO_SAID_H
#define SB_CONNECTORS_ODOO_ODOO_SAID_H

#include <jansson.h>

#include "base/err.h"

/* What a person sees of a note's HTML, without spaces at its ends: the caller frees. */
char *odoo_text(const char *html);

/* A note (id, res_id, body, message_id, create_uid, attachment_ids) that begins with the prefix and
 * is none of ours: {"type":"reply","card","id","text","user","author","files":[its attachments'
 * ids, at most ODOO_PAGE]}, a new reference; NULL: it is no answer to a client. */
json_t *odoo_reply_of(const json_t *note, const char *prefix);

/* Of these attachments, what search_read tells (id, name, file_size, type): [{"id","name"}..] in
 * the order of ids, a new reference; NULL with err: one is gone, not a file, or larger than max. */
json_t *odoo_files(const json_t *result, const json_t *ids, size_t max, struct err *err);
/* What read tells of one ([{"datas":"<base64>"}]); the caller frees. 0, or -1 with err. */
int odoo_bytes(const json_t *result, unsigned char **out, size_t *n, struct err *err);

/* What of a contact an automation rule ({"_model","_id",..}) tells to have changed: for
 * crm_events(), [] when it is about no contact. A new reference. */
json_t *odoo_told_changes(const json_t *body);

#endif
