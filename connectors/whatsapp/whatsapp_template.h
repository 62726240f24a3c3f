/* whatsapp_template.h - templates: as the API lists them, as the inbox shows them, and filled in.
 * Pure. Source: WhatsApp Business Platform, "Templates" (Graph API v26). */
#ifndef SB_CONNECTORS_WHATSAPP_WHATSAPP_TEMPLATE_H
#define SB_CONNECTORS_WHATSAPP_WHATSAPP_TEMPLATE_H

#include <jansson.h>

#include "base/err.h"

/* One entry of GET /<WABA_ID>/message_templates in our form: {"name","language","category"
 * ("marketing|utility|authentication"), "status" ("approved|pending|rejected|paused|disabled|.."),
 * "header":{"kind":"text|image|video|document|location","text"?}?, "body","footer"?,
 * "buttons":[{"kind":"quick_reply|url|phone|copy_code|flow|..","text","url"?}],
 * "fields":[{"id","label","example"?}], "usable":bool,"why"?}. Fields are what an agent fills in:
 * id "header.1", "body.1" or "body.first_name", "button.0" (of a url's suffix, a copied code);
 * label is the variable's name or number. A media header has no field: its file is the message's
 * first attachment. Not usable (with why, in words): not approved, or with what we cannot fill in
 * (carousel, catalog, location header, ...). NULL when the entry is none. A new reference. */
json_t *whatsapp_template_read(const json_t *entry);

/* Checks values ({"<field id>":"text"}, all fields and no others) and the file (mime of the
 * message's first attachment, NULL none) against a template of whatsapp_template_read(). 0:
 * *components is what the API wants (a media header's parameter has no id yet), *text what the
 * client will see (header text, body, footer, lines of its buttons "[Yes]" not included). -1 with
 * err that names the field: missing, unknown, empty, with line breaks, tabs or more than four
 * spaces in a row, too long. */
int whatsapp_template_fill(const json_t *tpl, const json_t *values, const char *file_mime,
    json_t **components, char **text, struct err *err);

#endif
