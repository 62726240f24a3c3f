/* hubspot.h - HubSpot as a CRM: clients are contacts, messages are notes (or communications) on
 * them. */
#ifndef SB_CONNECTORS_HUBSPOT_HUBSPOT_H
#define SB_CONNECTORS_HUBSPOT_HUBSPOT_H

#include "core/crm.h"

extern const struct crm_ops hubspot_crm;

#endif
