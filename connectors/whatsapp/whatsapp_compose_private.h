/* whatsapp_compose_private.h - what the files that make calls share. */
#ifndef SB_CONNECTORS_WHATSAPP_WHATSAPP_COMPOSE_PRIVATE_H
#define SB_CONNECTORS_WHATSAPP_WHATSAPP_COMPOSE_PRIVATE_H

#include "connectors/whatsapp/whatsapp_compose.h"

struct whatsapp_composing {
    const json_t *body;
    const struct whatsapp_target *to;
    struct whatsapp_call *calls;
    size_t n;
    bool failed; /* err says why */
    struct err *err;
};

/* One call more, with its type's part (taken over). NULL when there are too many. */
struct whatsapp_call *whatsapp_call_add(
    struct whatsapp_composing *c, const char *type, json_t *part);
/* "to" or "recipient" by what the address is. */
void whatsapp_address_put(json_t *params, const char *address);
void whatsapp_add_text(struct whatsapp_composing *c, const char *text);
/* The call needs this file, whose id goes to place. */
void whatsapp_call_file(struct whatsapp_call *call, const json_t *file, const char *place);
/* Each file as a call; true when the text went with them. */
bool whatsapp_add_files(struct whatsapp_composing *c, const json_t *files, const char *text);

#endif
