/* sections.c - every section that the configuration may have. */
#include "sections.h"

#include <string.h>

#include "config/gateway_settings.h"
#include "connectors/registry.h"

/* What a new installation has switched on. */
static const char *sample_title(const char *name) {
    return strcmp(name, "sitechat") == 0 ? "site" : strcmp(name, "cards") == 0 ? "main" : NULL;
}

void sections_list(struct section_type *types) {
    static const struct section_type own[] = {
        {"", SECTION_PLAIN, gateway_settings, "", NULL},
        {"redis", SECTION_PLAIN, redis_settings, "Where everything is stored until it is done.",
            NULL},
        {"agents", SECTION_PLAIN, agents_settings, "The people who answer.", NULL},
        {"media", SECTION_PLAIN, media_settings, "Attachments, kept in data_dir/media.", NULL},
        {"history", SECTION_PLAIN, history_settings, "How much stays in Redis.", NULL},
        {"limits", SECTION_PLAIN, limits_settings,
            "What strangers may take of the gateway. The defaults suit a company's site.", NULL},
    };
    size_t n = sizeof own / sizeof own[0];
    memcpy(types, own, sizeof own);
    for (size_t i = 0; connector_registry[i] && n < SECTIONS_MAX - 1; i++) {
        const struct connector_ops *c = connector_registry[i];
        types[n++] = (struct section_type){
            c->name, SECTION_CHANNEL, c->settings, c->help, sample_title(c->name)};
    }
    for (size_t i = 0; crm_registry[i] && n < SECTIONS_MAX - 1; i++) {
        const struct crm_ops *c = crm_registry[i];
        types[n++] = (struct section_type){
            c->name, SECTION_CRM, c->settings, c->help, sample_title(c->name)};
    }
    types[n] = (struct section_type){0};
}
