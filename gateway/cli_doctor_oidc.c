/* cli_doctor_oidc.c - asks each provider by which agents may sign in for its documents. */
#include <stdlib.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "cli_doctor.h"
#include "core/oidc/oidc.h"

struct asking {
    struct doctor *doctor;
    struct env env;
    const struct settings *settings;
    struct oidc *oidc;
    size_t good; /* how many work */
};

static void on_checked(void *arg, size_t keys, const struct err *err) {
    struct asking *a = arg;
    const char *name = settings_title(a->settings), *issuer = settings_str(a->settings, "issuer");
    if (err)
        doctor_fail(a->doctor, mem_printf("oidc \"%s\": %s", name, err->text),
            err_passes(err) ? "can this machine reach issuer? A private address needs allow_private"
                            : "compare issuer with what the provider's own pages say");
    else {
        a->good++;
        doctor_ok(a->doctor,
            mem_printf(
                "oidc \"%s\": %s is found (keys: %zu); the redirect URI to register there is %s",
                name, issuer, keys, oidc_redirect_url(a->oidc)));
        if (oidc_leaves_there(a->oidc) && !oidc_can_leave(a->oidc))
            doctor_warn(a->doctor,
                mem_printf("oidc \"%s\": it names no page where people sign out "
                           "(end_session_endpoint)",
                    name),
                "signing out ends the session here only: sign_out can be left out");
    }
    loop_stop(a->env.loop);
}

static void examine(struct asking *a, struct http_client *http) {
    const char *public_url = settings_str(config_section(a->doctor->config, ""), "public_url");
    struct err err;
    a->oidc = oidc_create(&a->env, http, a->settings, public_url, &err);
    if (!a->oidc) {
        doctor_fail(
            a->doctor, mem_printf("oidc \"%s\": %s", settings_title(a->settings), err.text), NULL);
        return;
    }
    oidc_check(a->oidc, on_checked, a);
    loop_run(a->env.loop);
    oidc_destroy(&a->oidc);
}

void doctor_oidc(struct doctor *d) {
    size_t n = config_count(d->config, SECTION_SIGN_IN);
    struct log log;
    log_init(&log);
    log.who = "doctor";
    struct asking a = {.doctor = d, .env = {loop_create(), &log, metrics_create(1)}};
    if (crypto_start() < 0)
        doctor_fail(d, mem_strdup("there is no randomness"), NULL);
    struct http_client *http = http_client_create(&a.env);
    for (size_t i = 0; i < n; i++) {
        a.settings = config_at(d->config, SECTION_SIGN_IN, i, NULL);
        examine(&a, http);
    }
    if (!a.good && !settings_bool(config_section(d->config, "agents"), "password_sign_in"))
        doctor_fail(d,
            mem_strdup("nobody can sign in: passwords are switched off, and no provider works"),
            "set agents { password_sign_in = true } and send SIGHUP until one does");
    http_client_destroy(&http);
    loop_destroy(&a.env.loop);
    metrics_destroy(&a.env.metrics);
}
