/* elma365.h - ELMA365 as a CRM: clients are items of an application, messages stand in their feed.
 */
#ifndef SB_CONNECTORS_ELMA365_ELMA365_H
#define SB_CONNECTORS_ELMA365_ELMA365_H

#include "core/crm.h"

extern const struct crm_ops elma365_crm;

#endif
