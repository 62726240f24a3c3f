/* cards.h - the embedded CRM store: cards, their messages, full-text search. One SQLite file. */
#ifndef SB_CONNECTORS_CARDS_CARDS_H
#define SB_CONNECTORS_CARDS_CARDS_H

#include "core/crm.h"

extern const struct crm_ops cards_crm;

#endif
