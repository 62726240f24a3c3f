/* elma365_names.h - what no document that we could read confirms of ELMA365's web API: paths and
 * names of fields, in one table. An admin corrects a row by the setting `names`. Pure. */
#ifndef SB_CONNECTORS_ELMA365_ELMA365_NAMES_H
#define SB_CONNECTORS_ELMA365_ELMA365_NAMES_H

#include "base/err.h"

enum elma365_name {
    NAME_MESSAGE,      /* path: POST writes into a card's feed */
    NAME_COMMENT,      /* path: POST comments on a message there */
    NAME_LIST,         /* path: POST lists a feed */
    NAME_SCHEME,       /* path: GET tells an application's fields */
    NAME_MESSAGE_ID,   /* where the answer to NAME_MESSAGE and NAME_COMMENT has the id */
    NAME_ROWS,         /* where the answer to NAME_LIST has the messages */
    NAME_ROW_ID,       /* of a message or comment there */
    NAME_ROW_TEXT,     /* its text */
    NAME_ROW_AT,       /* when it was made, RFC 3339 */
    NAME_ROW_COMMENTS, /* a message's comments */
    NAME_FILES,        /* field of a new message or comment: ids of files */
    NAME_FILE_ID,      /* where an upload's answer has the id */
    NAME_DEAL_NAME,    /* field of a deal or lead: what it is called */
    NAME_DEAL_CONTACT, /* its contacts */
    NAMES
};

struct elma365_names {
    const char *of[NAMES];
};

/* The presets, then what the rows "name=value" say, which must live as long. */
void elma365_names_read(struct elma365_names *n, const char *const *rows);
/* A setting's check of one such row. */
int elma365_names_check(const char *row, struct err *err);

/* What stands for {section}, {app}, {card}, {message} in a path. */
struct elma365_place {
    const char *section, *app, *card, *message;
};
/* base and path with these in it, percent-encoded. The caller frees. */
char *elma365_path(const char *base, const char *path, const struct elma365_place *p);

#endif
