/* kommo.h - Kommo (amoCRM) as a CRM: clients are contacts; the dialogue is notes on them, or a chat
 * in which the CRM's people answer. */
#ifndef SB_CONNECTORS_KOMMO_KOMMO_H
#define SB_CONNECTORS_KOMMO_KOMMO_H

#include "core/crm.h"

extern const struct crm_ops kommo_crm;

#endif
