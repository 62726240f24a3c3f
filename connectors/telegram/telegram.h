/* telegram.h - the connector for Telegram bots (Bot API). */
#ifndef SB_CONNECTORS_TELEGRAM_TELEGRAM_H
#define SB_CONNECTORS_TELEGRAM_TELEGRAM_H

#include "core/connector.h"

extern const struct connector_ops telegram_connector;

#endif
