/* whatsapp.h - the connector for WhatsApp Business numbers (Cloud API). */
#ifndef SB_CONNECTORS_WHATSAPP_WHATSAPP_H
#define SB_CONNECTORS_WHATSAPP_WHATSAPP_H

#include "core/connector.h"

extern const struct connector_ops whatsapp_connector;

#endif
