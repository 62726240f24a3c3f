/* visitor_frame_fuzz.c - any text as a visitor's frame: what passes is bounded and can be written
 * as JSON again, the kept page too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "connectors/sitechat/sitechat_form.h"
#include "connectors/sitechat/sitechat_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good) {
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct visitor_frame f;
    struct err err;
    if (!utf8_is_valid((const char *)data, size)) /* the socket lets nothing else through */
        return 0;
    int rc = visitor_frame_parse(span_of((const char *)data, size), 4000, &f, &err);
    if (f.cid)
        must(strlen(f.cid) >= 1 && strlen(f.cid) <= VISITOR_CID_MAX);
    if (rc == 0) {
        must(f.nfiles <= VISITOR_FILES_MAX && f.upto >= 0 && f.before >= 0 && f.cursor >= -1);
        must(!f.text || utf8_length(f.text, strlen(f.text)) <= 4000);
        json_t *page = visitor_page_clean(f.page);
        char *text = json_dumps(page, JSON_COMPACT);
        must(text != NULL);
        free(text);
        json_decref(page);
        must(f.score >= 0 && f.score <= VISITOR_SCORE_MAX && json_object_size(f.data) <= 10);
        json_t *form = f.form ? form_clean(f.form, &err) : NULL;
        const char *email = json_string_value(json_object_get(form, "email"));
        must(!email || !strpbrk(email, " \t\r\n,;<>")); /* it becomes a mail's recipient */
        must(form_missing(0, form, NULL) == NULL);
        json_decref(form);
    }
    visitor_frame_free(&f);
    return 0;
}
