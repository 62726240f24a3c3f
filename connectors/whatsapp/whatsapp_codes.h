/* whatsapp_codes.h - the error codes of the platform: what each means for us, and what to say.
 * Pure. Source: WhatsApp Business Platform, "Error codes" (2026-09). */
#ifndef SB_CONNECTORS_WHATSAPP_WHATSAPP_CODES_H
#define SB_CONNECTORS_WHATSAPP_WHATSAPP_CODES_H

#include "connectors/whatsapp/whatsapp_answer.h"

struct whatsapp_code {
    int first, last; /* the codes that it is about */
    enum whatsapp_class cls;
    enum err_code code;
    const char *sentence; /* what is wrong and what to do */
};

/* NULL: a code that nobody told us of. */
const struct whatsapp_code *whatsapp_code_find(int code);
/* All of them, and their number: for tests. */
const struct whatsapp_code *whatsapp_codes(size_t *n);

#endif
