/* cli_crm.c - the command "crm": verify, replay, backfill; and adapters without a core. */
#include "cli_crm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/registry.h"
#include "net/http_client.h"

/* --- adapters -------------------------------------------------------------------------------- */

static const struct crm_ops *find_ops(const char *name) {
    for (size_t i = 0; crm_registry[i]; i++)
        if (strcmp(crm_registry[i]->name, name) == 0)
            return crm_registry[i];
    return NULL;
}

/* The section of a target with these caps; NULL none. */
static const struct settings *find_target(const struct config *config, const char *target,
    const char * not, unsigned caps, const struct crm_ops **ops_out) {
    for (size_t i = 0; i < config_count(config, SECTION_CRM); i++) {
        const struct section_type *type;
        const struct settings *s = config_at(config, SECTION_CRM, i, &type);
        const struct crm_ops *ops = find_ops(type->name);
        const char *title = settings_title(s);
        if (!ops || (target && strcmp(title, target) != 0) || (not &&strcmp(title, not ) == 0))
            continue;
        *ops_out = ops;
        if ((ops->caps & caps) == caps)
            return s;
    }
    return NULL;
}

bool cli_crm_exists(const struct config *config, unsigned caps, const char * not ) {
    const struct crm_ops *ops;
    return find_target(config, NULL, not, caps, &ops) != NULL;
}

bool cli_crm_is_target(const struct cli *cli, const struct config *config, const char *target) {
    const struct crm_ops *ops;
    size_t n = config_count(config, SECTION_CRM);
    if (find_target(config, target, NULL, 0, &ops))
        return true;
    fprintf(stderr, "switchboard %s: there is no CRM target \"%s\"; there %s", cli->command, target,
        n ? "are:" : "is none");
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, " %s", settings_title(config_at(config, SECTION_CRM, i, NULL)));
    fputs("\n", stderr);
    return false;
}

int cli_crm_open(struct cli_crm *c, struct cli_session *s, const char *target, const char * not,
    unsigned caps, struct err *err) {
    const struct crm_ops *ops = NULL;
    const struct settings *section = find_target(s->config, target, not, caps, &ops);
    *c = (struct cli_crm){.s = s};
    if (!section && ops && target)
        return err_set(err, ERR_UNSUPPORTED, "%s cannot tell what it has of ours", ops->name);
    if (!section)
        return err_set(err, ERR_NOT_FOUND, "there is no such CRM target");
    c->client = http_client_create(&s->env);
    c->crm = mem_zalloc(ops->size);
    c->crm->ops = ops;
    c->crm->target = settings_title(section);
    c->crm->env = &s->env;
    c->crm->client = c->client;
    c->crm->redis = store_redis(s->store);
    c->crm->public_url = settings_str(config_section(s->config, ""), "public_url");
    const char *data_dir = settings_str(config_section(s->config, ""), "data_dir");
    if (ops->init(c->crm, section, data_dir, err) == 0 && ops->start(c->crm, err) == 0)
        return 0;
    cli_crm_close(c);
    return -1;
}

void cli_crm_close(struct cli_crm *c) {
    if (!c->crm)
        return;
    c->crm->ops->stop(c->crm);
    http_client_destroy(&c->client);
    c->crm->ops->finish(c->crm);
    free(c->crm);
    c->crm = NULL;
}

void cli_on_result(void *session, const json_t *result, const struct err *err) {
    cli_on_json(session, (json_t *)result, err);
}

/* --- the command ----------------------------------------------------------------------------- */

int cli_crm(struct cli *cli) {
    static const struct {
        const char *verb;
        int (*run)(struct cli *cli, struct cli_session *s, const char *target);
        const char *options; /* that it knows, of all that the command has */
        int failed;          /* exit code when nothing could be done */
    } verbs[] = {{"verify", cli_crm_verify, " --since --repair --json ", 2},
        {"replay", cli_crm_replay, " --thread --channel --from --to ", CLI_FAILED},
        {"backfill", cli_crm_backfill, " --restart ", CLI_FAILED}};
    int code;
    for (size_t i = 0; i < ARRAY_LEN(verbs) && cli->nargs; i++) {
        if (strcmp(cli->args[0], verbs[i].verb) != 0)
            continue;
        for (int o = 0; o < cli->noptions; o += 2) {
            char name[32];
            snprintf(name, sizeof name, " %s ", cli->options[o]);
            if (strstr(verbs[i].options, name))
                continue;
            fprintf(stderr, "switchboard crm: %s is no option of %s (see --help)\n",
                cli->options[o], verbs[i].verb);
            return CLI_USAGE;
        }
        if (cli->nargs != 2) {
            fprintf(stderr, "switchboard crm: expected %s TARGET (see --help)\n", verbs[i].verb);
            return CLI_USAGE;
        }
        struct cli_session *s = cli_session_open(cli, &code);
        if (!s)
            return code == CLI_FAILED ? verbs[i].failed : code;
        code = cli_crm_is_target(cli, s->config, cli->args[1]) ? verbs[i].run(cli, s, cli->args[1])
                                                               : CLI_USAGE;
        cli_session_close(&s);
        return code;
    }
    fputs("switchboard crm: expected verify, replay or backfill (see --help)\n", stderr);
    return CLI_USAGE;
}
