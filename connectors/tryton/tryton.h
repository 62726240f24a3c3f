/* tryton.h - Tryton as a CRM: clients are parties, the dialogue is notes. */
#ifndef SB_CONNECTORS_TRYTON_TRYTON_H
#define SB_CONNECTORS_TRYTON_TRYTON_H

#include "core/crm.h"

extern const struct crm_ops tryton_crm;

#endif
