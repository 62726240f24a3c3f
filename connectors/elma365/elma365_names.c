/* elma365_names.c - the table, and what is done with its two kinds of rows: paths and places in
 * JSON. */
#include "connectors/elma365/elma365_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/crm/crm_call.h"

#define PATH_MAX_BYTES 8192

static const struct {
    const char *name, *preset;
} table[NAMES] = {
    [NAME_MESSAGE] = {"message", "/feed/{section}/{app}/{card}/message"},
    [NAME_COMMENT] = {"comment", "/feed/{section}/{app}/{card}/message/{message}/comment"},
    [NAME_LIST] = {"list", "/feed/{section}/{app}/{card}/message/list"},
    [NAME_SCHEME] = {"scheme", "/scheme/namespaces/{section}/apps/{app}"},
    [NAME_MESSAGE_ID] = {"message_id", "message.__id"},
    [NAME_ROWS] = {"rows", "result.result"},
    [NAME_ROW_ID] = {"row_id", "__id"},
    [NAME_ROW_TEXT] = {"row_text", "body"},
    [NAME_ROW_AT] = {"row_at", "__createdAt"},
    [NAME_ROW_COMMENTS] = {"row_comments", "comments"},
    [NAME_FILES] = {"files", "files"},
    [NAME_FILE_ID] = {"file_id", "file.__id"},
    [NAME_DEAL_NAME] = {"deal_name", "__name"},
    [NAME_DEAL_CONTACT] = {"deal_contact", "_contacts"},
};

static int row_of(const char *row) {
    const char *is = strchr(row, '=');
    for (int i = 0; is && i < NAMES; i++)
        if (strlen(table[i].name) == (size_t)(is - row) &&
            strncmp(table[i].name, row, (size_t)(is - row)) == 0)
            return i;
    return -1;
}

int elma365_names_check(const char *row, struct err *err) {
    int i = row ? row_of(row) : 0;
    if (!row)
        return 0;
    if (i < 0)
        return err_set(err, ERR_INVALID,
            "\"%.60s\" is no name=value of what this adapter calls by a name: see its README", row);
    const char *value = strchr(row, '=') + 1;
    bool is_path = table[i].preset[0] == '/';
    if (!*value || strcspn(value, " \"\\?#") != strlen(value) || (value[0] == '/') != is_path)
        return err_set(err, ERR_INVALID, "%s=...: expected %s like %s", table[i].name,
            is_path ? "a path" : "a field", table[i].preset);
    return 0;
}

void elma365_names_read(struct elma365_names *n, const char *const *rows) {
    for (int i = 0; i < NAMES; i++)
        n->of[i] = table[i].preset;
    for (; rows && *rows; rows++) {
        int i = row_of(*rows);
        if (i >= 0)
            n->of[i] = strchr(*rows, '=') + 1;
    }
}

char *elma365_path(const char *base, const char *path, const struct elma365_place *p) {
    const struct {
        const char *name, *value;
    } words[] = {{"{section}", p->section}, {"{app}", p->app}, {"{card}", p->card},
        {"{message}", p->message}};
    struct buf b;
    buf_init(&b, PATH_MAX_BYTES);
    buf_adds(&b, base);
    while (*path) {
        size_t i = 0;
        while (i < ARRAY_LEN(words) && strncmp(path, words[i].name, strlen(words[i].name)) != 0)
            i++;
        if (i == ARRAY_LEN(words)) {
            buf_add(&b, path++, 1);
            continue;
        }
        char *value = crm_escape(words[i].value ? words[i].value : "");
        buf_adds(&b, value);
        free(value);
        path += strlen(words[i].name);
    }
    return buf_take(&b);
}
