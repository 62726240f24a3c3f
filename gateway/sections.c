/* sections.c - every section that the configuration may have. */
#include "sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/gateway_settings.h"
#include "connectors/registry.h"
#include "core/oidc/oidc.h"

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
        {"reports", SECTION_PLAIN, reports_settings, "Figures of the days.", NULL},
        {"limits", SECTION_PLAIN, limits_settings,
            "What strangers may take of the gateway. The defaults suit a company's site.", NULL},
        {"oidc", SECTION_SIGN_IN, oidc_settings,
            "A provider by which agents may sign in, beside their passwords (OpenID Connect): "
            "Keycloak, Entra ID, Google and others.",
            NULL},
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

static int try_channel(const struct connector_ops *ops, const struct config *config,
    const struct settings *s, const struct env *env, struct err *err) {
    struct connector *c = mem_zalloc(ops->size);
    c->ops = ops;
    c->channel = settings_title(s);
    c->env = env;
    c->public_url = settings_str(config_section(config, ""), "public_url");
    c->data_dir = settings_str(config_section(config, ""), "data_dir");
    int rc = ops->init(c, s, err);
    ops->finish(c);
    free(c);
    return rc;
}

static int try_crm(const struct crm_ops *ops, const struct config *config, const struct settings *s,
    const struct env *env, struct err *err) {
    struct crm *c = mem_zalloc(ops->size);
    c->ops = ops;
    c->target = settings_title(s);
    c->env = env;
    c->public_url = settings_str(config_section(config, ""), "public_url");
    int rc = ops->init(c, s, settings_str(config_section(config, ""), "data_dir"), err);
    ops->stop(c);
    ops->finish(c);
    free(c);
    return rc;
}

static int try_provider(
    const struct config *config, const struct settings *s, const struct env *env, struct err *err) {
    struct oidc *o =
        oidc_create(env, NULL, s, settings_str(config_section(config, ""), "public_url"), err);
    int rc = o ? 0 : -1;
    oidc_destroy(&o);
    return rc;
}

unsigned sections_try(
    const struct config *config, const struct env *env, sections_fn wrong, void *arg) {
    const struct section_type *type;
    struct err err;
    unsigned n = 0;
    for (size_t i = 0; i < config_count(config, SECTION_CHANNEL); i++) {
        const struct settings *s = config_at(config, SECTION_CHANNEL, i, &type);
        for (size_t k = 0; connector_registry[k]; k++)
            if (strcmp(connector_registry[k]->name, type->name) == 0 &&
                try_channel(connector_registry[k], config, s, env, &err) < 0 && ++n)
                wrong(arg, type->name, settings_title(s), &err);
    }
    for (size_t i = 0; i < config_count(config, SECTION_CRM); i++) {
        const struct settings *s = config_at(config, SECTION_CRM, i, &type);
        for (size_t k = 0; crm_registry[k]; k++)
            if (strcmp(crm_registry[k]->name, type->name) == 0 &&
                try_crm(crm_registry[k], config, s, env, &err) < 0 && ++n)
                wrong(arg, type->name, settings_title(s), &err);
    }
    for (size_t i = 0; i < config_count(config, SECTION_SIGN_IN); i++) {
        const struct settings *s = config_at(config, SECTION_SIGN_IN, i, &type);
        if (try_provider(config, s, env, &err) < 0 && ++n)
            wrong(arg, type->name, settings_title(s), &err);
    }
    if (!settings_bool(config_section(config, "agents"), "password_sign_in") &&
        !config_count(config, SECTION_SIGN_IN) && ++n) {
        err_set(&err, ERR_INVALID,
            "password_sign_in = false needs a provider (oidc): nobody could sign in");
        wrong(arg, "agents", "", &err);
    }
    return n;
}
