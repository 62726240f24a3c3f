/* loopback.h - the model connector, and the tests' double. */
#ifndef SB_CONNECTORS_LOOPBACK_LOOPBACK_H
#define SB_CONNECTORS_LOOPBACK_LOOPBACK_H

#include "core/connector.h"

extern const struct connector_ops loopback_connector;

#endif
