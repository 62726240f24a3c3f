/* odoo_said_fuzz.c - any HTML of a note, and any note. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/odoo/odoo_said.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void files(const json_t *told, const json_t *ids) {
    struct err err = {0};
    unsigned char *bytes;
    size_t n = 0;
    json_t *found = odoo_files(told, ids, 1000, &err);
    if ((found == NULL) != (err.code != ERR_NONE) ||
        (found && json_array_size(found) != json_array_size(ids)))
        abort();
    json_decref(found);
    err.code = ERR_NONE;
    if ((odoo_bytes(told, &bytes, &n, &err) < 0) != (err.code != ERR_NONE) ||
        (bytes == NULL) != (err.code != ERR_NONE))
        abort();
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *html = mem_strndup(size ? (const char *)data : "", size);
    json_t *note = json_loadb(html, size, 0, NULL), *text = json_string(html);
    json_t *made = json_pack("{s:i,s:i,s:[i,s]}", "id", 7, "res_id", 8, "create_uid", 17, "Anna");
    if (text) /* it is UTF-8 */
        json_object_set_new(made, "body", text);
    char *seen = odoo_text(html);
    size_t n = strlen(seen);
    if (n > strlen(html) || (n && (strchr(" \t\n", seen[0]) || strchr(" \t\n", seen[n - 1]))))
        abort();
    if (text && !utf8_is_valid(seen, n))
        abort();
    json_t *reply = odoo_reply_of(made, "/r ");
    if ((reply != NULL) != (text && strncasecmp(seen, "/r ", 3) == 0))
        abort();
    json_decref(reply);
    reply = odoo_reply_of(note, "/r ");
    files(note, json_object_get(reply, "files"));
    json_decref(reply);
    json_t *changes = odoo_told_changes(note);
    if (json_array_size(changes) > 1)
        abort();
    json_decref(changes);
    json_decref(made);
    json_decref(note);
    free(seen);
    free(html);
    return 0;
}
