/* cli.c - takes a command line apart. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *cli_option(const struct cli *cli, const char *name) {
    for (int i = 0; i + 1 < cli->noptions; i += 2)
        if (strcmp(cli->options[i], name) == 0)
            return cli->options[i + 1];
    return NULL;
}

struct config *cli_config(const struct cli *cli) {
    struct buf problems;
    buf_init(&problems, 1 << 20);
    struct config *c = config_read(cli->config_path, cli->sets, cli->types, &problems);
    if (!c)
        fputs(buf_str(&problems), stderr);
    buf_free(&problems);
    return c;
}

/* Is `name` among the command's own options; does it take a value? -1 no, 0 without, 1 with one. */
static int own_option(const struct cli_command *c, const char *name) {
    size_t n = strlen(name);
    for (const char *p = c->options; *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        if (len == n && memcmp(p, name, n) == 0)
            return 0;
        if (len == n + 1 && memcmp(p, name, n) == 0 && p[n] == '=')
            return 1;
        p += len;
    }
    return -1;
}

static int refuse(const struct cli_command *c, const char *what, const char *why) {
    fprintf(stderr, "switchboard %s: %s %s (see --help)\n", c->name, what, why);
    return -1;
}

/* The option at argv[*i], "--name value" or "--name=value"; 0, or -1 after having said what is
 * wrong. */
static int take_option(
    const struct cli_command *c, struct cli *cli, int *nsets, char **argv, int *i) {
    char *name = argv[*i], *value = strchr(name, '=');
    if (value)
        *value++ = '\0';
    bool is_config = strcmp(name, "--config") == 0, is_set = strcmp(name, "--set") == 0;
    int own = is_config || is_set ? 1 : own_option(c, name);
    if (own < 0)
        return refuse(c, name, "is not an option of it");
    if (own == 0 && value)
        return refuse(c, name, "takes no value");
    if (own == 1 && !value && !(value = argv[++*i]))
        return refuse(c, name, "needs a value");
    if (is_config) {
        cli->config_path = value;
    } else if (is_set) {
        if (*nsets == CLI_SETS_MAX)
            return refuse(c, name, "was given too often");
        cli->sets[(*nsets)++] = value;
    } else {
        if (cli->noptions + 2 > (int)ARRAY_LEN(cli->options))
            return refuse(c, name, "is one option too many");
        cli->options[cli->noptions++] = name;
        cli->options[cli->noptions++] = own ? value : "";
    }
    return 0;
}

int cli_parse(const struct cli_command *c, struct cli *cli, int argc, char **argv) {
    int nsets = 0;
    for (int i = 2; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            if (take_option(c, cli, &nsets, argv, &i) < 0)
                return -1;
        } else if (cli->nargs < (int)ARRAY_LEN(cli->args)) {
            cli->args[cli->nargs++] = argv[i];
        } else {
            return refuse(c, argv[i], "is one word too many");
        }
    }
    return 0;
}
