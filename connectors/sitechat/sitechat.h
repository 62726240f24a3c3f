/* sitechat.h - the connector of the chat on a company's site. */
#ifndef SB_SITECHAT_H
#define SB_SITECHAT_H

#include "core/connector.h"

extern const struct connector_ops sitechat_connector;

#endif
