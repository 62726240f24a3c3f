/* registry.h - what this build can speak: one line a connector, one a CRM. */
#ifndef SB_CONNECTORS_REGISTRY_H
#define SB_CONNECTORS_REGISTRY_H

#include "core/connector.h"
#include "core/crm.h"

extern const struct connector_ops *const connector_registry[]; /* NULL-ended */
extern const struct crm_ops *const crm_registry[];             /* NULL-ended */

#endif
