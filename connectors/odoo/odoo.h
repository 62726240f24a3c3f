/* odoo.h - Odoo as a CRM: clients are contacts (and leads, where wanted), the dialogue is notes in
 * their chatter. */
#ifndef SB_CONNECTORS_ODOO_ODOO_H
#define SB_CONNECTORS_ODOO_ODOO_H

#include "core/crm.h"

extern const struct crm_ops odoo_crm;

#endif
