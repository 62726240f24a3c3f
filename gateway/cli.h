/* cli.h - the commands of the program. Each has --help, --config FILE and --set key=value. */
#ifndef SB_CLI_H
#define SB_CLI_H

#include <stdbool.h>

#include "config/config.h"

#define CLI_OK 0
#define CLI_FAILED 1
#define CLI_USAGE 2
#define CLI_CONFIG 78
#define CLI_SETS_MAX 64

/* A command line, taken apart. */
struct cli {
    const char *command;
    const char *config_path;
    const char *sets[CLI_SETS_MAX + 1];
    const char *args[16]; /* what is no option, after the command */
    int nargs;
    const char
        *options[32]; /* the command's own: "--role", "admin", "--json", NULL, ... in pairs */
    int noptions;
    const struct section_type *types;
};

struct cli_command {
    const char *name, *usage, *summary, *help;
    const char *examples; /* command lines, one a line */
    /* The command's own options, space-separated; one that takes a value ends in '='. */
    const char *options;
    int (*run)(struct cli *cli);
};

/* The value of an option, "" for one without, NULL when it was not given. */
const char *cli_option(const struct cli *cli, const char *name);

/* Reads the configuration; prints the problems and returns NULL when there are any. */
struct config *cli_config(const struct cli *cli);

/* Takes the words after "switchboard COMMAND" apart, in place. 0, or -1 after having said on stderr
 * what is wrong. */
int cli_parse(const struct cli_command *c, struct cli *cli, int argc, char **argv);

/* cli_user.c, cli_message.c, cli_doctor.c */
int cli_user(struct cli *cli);
int cli_token(struct cli *cli);
int cli_trace(struct cli *cli);
int cli_dead(struct cli *cli);
int cli_doctor(struct cli *cli);

/* cli_crm.c, cli_export.c */
int cli_crm(struct cli *cli);
int cli_export(struct cli *cli);

#endif
