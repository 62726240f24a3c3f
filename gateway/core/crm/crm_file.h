/* crm_file.h - the bytes of a message's file, for CRMs that take them whole: as they are, or inside
 * a JSON document. */
#ifndef SB_CORE_CRM_FILE_H
#define SB_CORE_CRM_FILE_H

#include "core/crm.h"
#include "net/http_client.h"

/* The whole file in base64 (RFC 4648, with padding), read off the loop. text is borrowed.
 * ERR_TOO_LARGE: more than max bytes; ERR_NOT_FOUND: it is not there any more. */
typedef void (*crm_file_fn)(void *arg, const char *text, size_t n, const struct err *err);
void crm_file_base64(struct crm *c, const char *id, size_t max, crm_file_fn fn, void *arg);

/* The same as bytes. */
void crm_file_read(struct crm *c, const char *id, size_t max, crm_file_fn fn, void *arg);

/* The same as the part "file" of a form, sent from the disk (crm_request.parts). 0: its fd is the
 * caller's, what else it has is the attachment's; -1 with err, ERR_INVALID for an empty one. */
int crm_file_part(
    struct crm *c, const json_t *attachment, uint64_t max, struct http_part *out, struct err *err);

#endif
