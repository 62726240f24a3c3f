/* crm_file.h - the bytes of a message's file, for CRMs that take them whole: as they are, or inside
 * a JSON document. */
#ifndef SB_CORE_CRM_FILE_H
#define SB_CORE_CRM_FILE_H

#include "core/crm.h"

/* The whole file in base64 (RFC 4648, with padding), read off the loop. text is borrowed.
 * ERR_TOO_LARGE: more than max bytes; ERR_NOT_FOUND: it is not there any more. */
typedef void (*crm_file_fn)(void *arg, const char *text, size_t n, const struct err *err);
void crm_file_base64(struct crm *c, const char *id, size_t max, crm_file_fn fn, void *arg);

/* The same as bytes. */
void crm_file_read(struct crm *c, const char *id, size_t max, crm_file_fn fn, void *arg);

#endif
