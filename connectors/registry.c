/* registry.c - one line a connector, one a CRM. */
#include "connectors/registry.h"

#include "connectors/bitrix24/bitrix24.h"
#include "connectors/cards/cards.h"
#include "connectors/elma365/elma365.h"
#include "connectors/email/email.h"
#include "connectors/espocrm/espocrm.h"
#include "connectors/hubspot/hubspot.h"
#include "connectors/kommo/kommo.h"
#include "connectors/loopback/loopback.h"
#include "connectors/odoo/odoo.h"
#include "connectors/sitechat/sitechat.h"
#include "connectors/telegram/telegram.h"
#include "connectors/tryton/tryton.h"
#include "connectors/webhook/webhook.h"
#include "connectors/whatsapp/whatsapp.h"

const struct connector_ops *const connector_registry[] = {
    &sitechat_connector,
    &telegram_connector,
    &whatsapp_connector,
    &email_connector,
    &loopback_connector,
    NULL,
};

const struct crm_ops *const crm_registry[] = {
    &cards_crm,
    &webhook_crm,
    &bitrix24_crm,
    &elma365_crm,
    &espocrm_crm,
    &hubspot_crm,
    &kommo_crm,
    &odoo_crm,
    &tryton_crm,
    NULL,
};
