/* odoo_said.h - what Odoo's people wrote, and what its automation rules tell. Pure. */
#ifndef SB_CONNECTORS_ODOO_ODOO_SAID_H
#define SB_CONNECTORS_ODOO_ODOO_SAID_H

#include <jansson.h>

/* What a person sees of a note's HTML, without spaces at its ends: the caller frees. */
char *odoo_text(const char *html);

/* A note (id, res_id, body, message_id, create_uid, attachment_ids) that begins with the prefix and
 * is none of ours: {"type":"reply","card","id","text","user","author","files":n}, a new reference;
 * NULL: it is no answer to a client. */
json_t *odoo_reply_of(const json_t *note, const char *prefix);

/* Which contact an automation rule tells of ({"_model","_id",..}); 0: none. */
json_int_t odoo_told_contact(const json_t *body);

#endif
