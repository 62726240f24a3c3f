/* espocrm.h - EspoCRM as a CRM: clients are contacts (or leads), the dialogue is their stream. */
#ifndef SB_CONNECTORS_ESPOCRM_ESPOCRM_H
#define SB_CONNECTORS_ESPOCRM_ESPOCRM_H

#include "core/crm.h"

extern const struct crm_ops espocrm_crm;

#endif
