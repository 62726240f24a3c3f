/* main.c - the command line: one table of commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "cli.h"
#include "connectors/email/email_child.h"
#include "config/value.h"
#include "master.h"
#include "sections.h"
#include "base/version.h"

static int run_gateway(struct cli *cli) {
    struct config *c = cli_config(cli);
    if (!c)
        return CLI_CONFIG;
    struct config_source source = {cli->config_path, cli->sets, cli->types};
    return master_run(c, &source);
}

static void on_wrong(void *arg, const char *section, const char *title, const struct err *err) {
    fprintf(stderr, "%s: %s \"%s\": %s\n", (const char *)arg, section, title, err->text);
}

/* What the sections' own rules say; those of the tables are kept by now. */
static unsigned try_sections(const struct cli *cli, const struct config *c) {
    struct log log;
    log_init(&log);
    struct env env = {loop_create(), &log, metrics_create(1)};
    unsigned wrong = sections_try(c, &env, on_wrong, (void *)cli->config_path);
    metrics_destroy(&env.metrics);
    loop_destroy(&env.loop);
    return wrong;
}

static int check_config(struct cli *cli) {
    struct buf out;
    buf_init(&out, 1 << 20);
    if (cli_option(cli, "--print-sample")) {
        config_print_sample(cli->types, &out);
        fputs(buf_str(&out), stdout);
        buf_free(&out);
        return CLI_OK;
    }
    struct config *c = cli_config(cli);
    if (!c)
        return CLI_CONFIG;
    if (try_sections(cli, c) > 0) {
        buf_free(&out);
        config_destroy(&c);
        return CLI_CONFIG;
    }
    if (cli_option(cli, "--print")) {
        config_print(c, &out);
        fputs(buf_str(&out), stdout);
    } else {
        printf("%s: good (channels: %zu, CRM targets: %zu)\n", cli->config_path,
            config_count(c, SECTION_CHANNEL), config_count(c, SECTION_CRM));
    }
    buf_free(&out);
    config_destroy(&c);
    return CLI_OK;
}

static int print_version(struct cli *cli) {
    (void)cli;
    puts("switchboard " SB_VERSION);
    return CLI_OK;
}

static const struct cli_command commands[] = {
    {"run", "run", "serve until SIGTERM",
        "Starts the gateway: the embedded Redis (unless redis { url } names another) and the\n"
        "workers. SIGTERM or Ctrl-C drains and stops it within 10 seconds, SIGHUP reads the\n"
        "configuration again. Exits with 0 when it was told to stop, 1 when it could not start, "
        "78\n"
        "when the configuration is wrong.",
        "switchboard run\n"
        "switchboard run --config /etc/switchboard/switchboard.conf --set workers=4",
        "", run_gateway},
    {"check-config", "check-config [--print | --print-sample]", "check the configuration",
        "Says what is wrong with the configuration, file and line each, and exits with 78; or\n"
        "that it is good.\n"
        "  --print          prints the values in force (secrets as ***)\n"
        "  --print-sample   prints a complete commented configuration with every default",
        "switchboard check-config --config /etc/switchboard/switchboard.conf\n"
        "switchboard check-config --print --set redis.timeout=5s --set media.max_size=50M\n"
        "switchboard check-config --print-sample > switchboard.conf",
        "--print --print-sample", check_config},
    {"doctor", "doctor [--no-mail] [--wait SECONDS]",
        "check everything around the gateway and say what to do",
        "Looks at the configuration, the data folder, Redis (version, durability, eviction), the\n"
        "port, limits, libraries, channels and the providers to sign in by. One line each: ok, "
        "warn\n"
        "or fail, and what to do. Room is in MB, times are in ms. A\n"
        "mailbox sends a mail to "
        "itself, which is removed again.\n"
        "  --no-mail       sends none: only the logins are tried\n"
        "  --wait SECONDS  how long such a mail may take (30)\n"
        "Exits with 0 when nothing fails, with 1 when something does, with 78 when the "
        "configuration\n"
        "is wrong.",
        "switchboard doctor\n"
        "switchboard doctor --no-mail --set redis.url=redis://10.0.0.5:6379",
        "--no-mail --wait=", cli_doctor},
    {"user", "user VERB [NAME]", "people who sign in",
        "  user add NAME --role admin|supervisor|agent [--display-name TEXT] --password-stdin\n"
        "  user passwd NAME --password-stdin\n"
        "  user disable NAME      ends his sessions at once\n"
        "  user enable NAME\n"
        "  user unlock NAME       after wrong guesses: he need not wait any more\n"
        "  user sessions NAME [--json]\n"
        "  user sign-out NAME     ends his sessions at once\n"
        "  user reset-second-factor NAME   for who has lost it; ends his sessions, too\n"
        "  user forget-provider NAME       whoever signs in by a provider under his name next is "
        "he\n"
        "  user list [--json]     times are UTC\n"
        "A name is 1 to 64 of a-z, 0-9, dot, _ and -. The password is the first line of stdin: 10\n"
        "characters to 128 bytes, and none of those that are tried first. The gateway, or its "
        "Redis,\n"
        "must be running.",
        "echo 'correct horse battery' | switchboard user add ann --role agent --password-stdin\n"
        "switchboard user list --json",
        "--role= --display-name= --password-stdin --json", cli_user},
    {"token", "token add|list|revoke [NAME]", "API tokens for programs",
        "  token add NAME --role admin|supervisor|agent [--scopes read,write,admin]\n"
        "                         prints the token, this once, for Authorization: Bearer\n"
        "                         (without --scopes: read,write, for an admin all)\n"
        "  token list [--json]    times are UTC\n"
        "  token revoke NAME      at once, its open websockets too",
        "switchboard token add reports --role agent --scopes read\n"
        "switchboard token revoke reports",
        "--role= --scopes= --json", cli_token},
    {"trace", "trace ID [--json]", "where is this message, and why?",
        "Prints a message's way through the gateway: each step with its time (UTC, and the ms "
        "since\n"
        "the first), attempts and errors, and what happens next. The id is the 26 characters that\n"
        "the inbox and the API show.",
        "switchboard trace 01JDFX3T5KABCDEFGHJKMNPQRS\n"
        "switchboard trace 01JDFX3T5KABCDEFGHJKMNPQRS --json",
        "--json", cli_trace},
    {"dead", "dead list|retry [ID]", "deliveries that were given up",
        "  dead list [--json]         newest first, with the reason; times are UTC\n"
        "  dead list --target NAME    those for one CRM\n"
        "  dead retry ID              puts one back at the end of its queue\n"
        "  dead retry --target NAME   all that there are for one CRM\n"
        "  dead retry --all           all that there are now",
        "switchboard dead list\n"
        "switchboard dead retry 3:1732368000123-0\n"
        "switchboard dead retry --target erp",
        "--all --json --target=", cli_dead},
    {"crm", "crm verify|replay|backfill TARGET", "is all in the CRM? bring it there again",
        "  crm verify TARGET [--since TIME] [--repair] [--json]\n"
        "      asks the CRM what it has on the clients' cards, and compares with our ledger:\n"
        "      a line for each thread that differs (how many messages, and a hash over their\n"
        "      ids in order), then what is missing, there twice, out of order, or not known.\n"
        "        --since TIME  only threads where something was written since then\n"
        "        --repair      queues again what is not there: the CRM is looked at before it\n"
        "                      is written, so nothing is doubled; what comes late says so\n"
        "        --json        one JSON object a line\n"
        "      Exits with 0: all equal, 1: differences, 2: not all could be checked.\n"
        "  crm replay TARGET [--thread ID] [--channel NAME] [--from TIME] [--to TIME]\n"
        "      queues messages again that were received then. What is there already is\n"
        "      changed, not doubled. --thread alone brings archived ones, too.\n"
        "  crm backfill TARGET [--restart]\n"
        "      brings all that is stored to a target that was added later, each thread in\n"
        "      order. It goes on where it stopped; once more does no harm.\n"
        "        --restart     from the beginning\n"
        "The gateway runs meanwhile: it empties the queue, which is not filled with more than\n"
        "some 2000 messages. TIME is 2026-11-29T12:00:00Z, 2026-11-29 (UTC), or how long ago:\n"
        "24h, 8d.",
        "switchboard crm verify main --since 24h\n"
        "switchboard crm verify main --repair\n"
        "switchboard crm replay erp --channel sales --from 2026-11-28 --to 2026-11-29T06:00:00Z\n"
        "switchboard crm backfill erp",
        "--since= --repair --json --thread= --channel= --from= --to= --restart", cli_crm},
    {"export", "export [--thread ID] [WHICH]...", "threads as JSON Lines",
        "Prints all threads, or some: of each a line {\"thread\":{..},\"client\":{..}}, then a\n"
        "line {\"message\":{..}} for each of its messages, in order, in the forms of the API\n"
        "(openapi.json). Messages that only the CRM store has any more are among them. Times\n"
        "are UTC, sizes of attachments in bytes. Threads come in no order.\n"
        "  --thread ID                 one thread\n"
        "  --since TIME, --until TIME  messages that were received from then on, before then:\n"
        "                              2026-11-29T12:00:00Z, 2026-11-29, how long ago: 24h\n"
        "  --channel NAME              messages of this channel\n"
        "With the latter, threads without such a message are left out.",
        "switchboard export > threads.jsonl\n"
        "switchboard export --thread 01JDFX3T5KABCDEFGHJKMNPQRS\n"
        "switchboard export --channel sales --since 2026-11-01 --until 2026-12-01",
        "--thread= --since= --until= --channel=", cli_export},
    {"version", "version", "print the version", "Prints the version.", "switchboard version", "",
        print_version},
    {0},
};

/* --- the command line ------------------------------------------------------------------------ */

static void print_usage(FILE *out) {
    fputs("Switchboard, a messaging gateway.\n\nusage: switchboard COMMAND [--config FILE] [--set "
          "key=value]...\n\n",
        out);
    for (const struct cli_command *c = commands; c->name; c++)
        fprintf(out, "  %-14s %s\n", c->name, c->summary);
    fputs("\nswitchboard COMMAND --help tells more. The configuration is conf/switchboard.conf\n"
          "unless --config names another; --set overrides one value and may be repeated, e.g.\n"
          "--set listen=127.0.0.1:9000 --set redis.shards=4 --set sitechat.site.origins=self\n",
        out);
}

static void print_help(const struct cli_command *c) {
    printf(
        "usage: switchboard %s [--config FILE] [--set key=value]...\n\n%s\n\n"
        "  --config FILE      conf/switchboard.conf unless another is named\n"
        "  --set key=value    overrides one value; may be repeated. Durations are written 250ms,\n"
        "                     10s, 5m, 2h, 8d; sizes 512 (bytes), 64K, 20M, 1G\n\n",
        c->usage, c->help);
    for (const char *e = c->examples; *e; e += strcspn(e, "\n"), e += *e == '\n')
        printf("%s  %.*s\n", e == c->examples ? "examples:\n" : "", (int)strcspn(e, "\n"), e);
}

static const struct cli_command *find_command(const char *name) {
    const char *near = NULL;
    size_t least = 4;
    for (const struct cli_command *c = commands; c->name; c++) {
        size_t d = value_distance(name, c->name);
        if (d == 0)
            return c;
        if (d < least) {
            least = d;
            near = c->name;
        }
    }
    fprintf(stderr, "switchboard: unknown command \"%s\"", name);
    fprintf(stderr, near ? "; did you mean \"%s\"?\n" : "%s\n", near ? near : "");
    return NULL;
}

int main(int argc, char **argv) {
    struct section_type types[SECTIONS_MAX];
    if (argc == 2 && strcmp(argv[1], "read-mail") == 0) /* only ever started by ourselves */
        return email_child_main();
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? CLI_USAGE : CLI_OK;
    }
    const struct cli_command *c =
        find_command(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (!c)
        return CLI_USAGE;
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(c);
            return CLI_OK;
        }
    sections_list(types);
    struct cli cli = {.command = c->name, .config_path = "conf/switchboard.conf", .types = types};
    if (cli_parse(c, &cli, argc, argv) < 0)
        return CLI_USAGE;
    if (cli.nargs && (c->run == run_gateway || c->run == check_config)) {
        fprintf(stderr, "switchboard %s: \"%s\" is one word too many\n", c->name, cli.args[0]);
        return CLI_USAGE;
    }
    return c->run(&cli);
}
