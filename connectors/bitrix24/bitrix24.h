/* bitrix24.h - Bitrix24 as a CRM: clients are contacts; the dialogue is comments of their timeline,
 * or a chat of an open line in which people answer. */
#ifndef SB_CONNECTORS_BITRIX24_BITRIX24_H
#define SB_CONNECTORS_BITRIX24_BITRIX24_H

#include "core/crm.h"

extern const struct crm_ops bitrix24_crm;

#endif
