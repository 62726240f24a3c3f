/* whatsapp_phone.h - phone numbers that are one and the same, though written differently. Pure.
 * Source: WhatsApp Business Platform, "Phone numbers": the ninth digit of Brazil, 52 and 521 of
 * Mexico, 54 and 549 of Argentina. */
#ifndef SB_CONNECTORS_WHATSAPP_WHATSAPP_PHONE_H
#define SB_CONNECTORS_WHATSAPP_WHATSAPP_PHONE_H

#include <stdbool.h>

#define WHATSAPP_TWIN_SIZE 20

/* digits: a number with its country code. False when it has no other form. */
bool whatsapp_phone_twin(const char *digits, char twin[WHATSAPP_TWIN_SIZE]);

#endif
