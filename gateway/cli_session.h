/* cli_session.h - a command's short life on a loop of its own, with the gateway's data. */
#ifndef SB_CLI_SESSION_H
#define SB_CLI_SESSION_H

#include "cli.h"
#include "core/users.h"
#include "store/store.h"

struct cli_session {
    struct config *config;
    struct log *log;
    struct env env;
    struct store *store;
    struct users *users;
    struct err err; /* of the last call */
    json_t *result; /* of the last call; freed by the next */
    bool up, opening;
};

/* Connects; says on stderr why not and returns NULL (exit code in *code_out). */
struct cli_session *cli_session_open(struct cli *cli, int *code_out);
void cli_session_close(struct cli_session **s);

/* Pass these with the session as arg, then cli_wait(): 0, or -1 after printing the error. */
void cli_on_json(void *session, json_t *result, const struct err *err);
void cli_on_done(void *session, const struct err *err);
int cli_wait(struct cli_session *s);
/* The same without a word on stderr, however long it takes: for questions to others than Redis,
 * which end by themselves. */
int cli_wait_quiet(struct cli_session *s);

/* Writes into the audit log (core/audit.h) that whoever runs this command did this. Takes detail
 * (NULL: nothing more). 0, or -1 after printing why it could not be written. */
int cli_note(struct cli_session *s, const char *what, const char *subject, json_t *detail);

#endif
