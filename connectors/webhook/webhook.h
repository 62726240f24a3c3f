/* webhook.h - events to any system that takes Standard Webhooks, as a CRM adapter. */
#ifndef SB_CONNECTORS_WEBHOOK_WEBHOOK_H
#define SB_CONNECTORS_WEBHOOK_WEBHOOK_H

#include "core/crm.h"

extern const struct crm_ops webhook_crm;

#endif
