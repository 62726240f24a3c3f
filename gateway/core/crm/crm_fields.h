/* crm_fields.h - what an admin wants a new card to have besides: rows "code=value" of the settings.
 * Pure. */
#ifndef SB_CORE_CRM_FIELDS_H
#define SB_CORE_CRM_FIELDS_H

#include <jansson.h>

#include "base/err.h"

/* A setting's check of one such row. */
int crm_fields_check(const char *row, struct err *err);

/* Sets what the rows (NULL-ended, or NULL) say in `to`. A value is JSON, or text; in its strings
 * {name}, {profile.locale}, ... are what the client's document has there. */
void crm_fields_set(json_t *to, const char *const *rows, const json_t *client);

/* What is in o at "result.result", or NULL; borrowed. */
const json_t *crm_at(const json_t *o, const char *where);

#endif
