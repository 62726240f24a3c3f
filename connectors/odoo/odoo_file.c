/* odoo_file.c - the files of a note: first how large each is, then one after the other, from its
 * attachment to media. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/odoo/odoo_private.h"
#include "connectors/odoo/odoo_said.h"

#define ATTACHMENT "ir.attachment"

struct fetching {
    struct odoo *o;
    json_t *ids, *files, *media; /* files: {"id","name"} of each */
    crm_result_fn fn;
    void *arg;
};

static void fetching_end(struct fetching *f, const struct err *err) {
    f->fn(f->arg, err ? NULL : f->media, err);
    json_decref(f->ids);
    json_decref(f->files);
    json_decref(f->media);
    free(f);
}

static void fetch_next(struct fetching *f);

static void on_put(void *arg, const json_t *media, const struct err *err) {
    struct fetching *f = arg;
    if (err) {
        fetching_end(f, err);
        return;
    }
    json_array_append(f->media, (json_t *)media);
    fetch_next(f);
}

static void on_bytes(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct fetching *f = arg;
    struct err bad;
    unsigned char *bytes = NULL;
    size_t n = 0;
    const json_t *file = json_array_get(f->files, json_array_size(f->media));
    (void)retry_ms;
    if (!err && odoo_bytes(result, &bytes, &n, &bad) < 0)
        err = &bad;
    if (err)
        fetching_end(f, err);
    else
        crm_file_put(&f->o->flow.base, json_string_value(json_object_get(file, "name")),
            span_of((const char *)bytes, n), on_put, f);
    free(bytes);
}

static void fetch_next(struct fetching *f) {
    const json_t *file = json_array_get(f->files, json_array_size(f->media));
    if (!file)
        fetching_end(f, NULL);
    else
        odoo_ask(f->o, ATTACHMENT, "read", json_pack("[O]", json_object_get(file, "id")),
            json_pack("{s:[s]}", "fields", "datas"), on_bytes, f);
}

static void on_files(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct fetching *f = arg;
    struct err bad;
    (void)retry_ms;
    if (!err && !(f->files = odoo_files(result, f->ids, ODOO_FILE_MAX, &bad)))
        err = &bad;
    if (err)
        fetching_end(f, err);
    else
        fetch_next(f);
}

void odoo_fetch(struct odoo *o, const json_t *ids, crm_result_fn fn, void *arg) {
    struct fetching *f = mem_zalloc(sizeof *f);
    *f = (struct fetching){
        .o = o, .ids = json_incref((json_t *)ids), .media = json_array(), .fn = fn, .arg = arg};
    odoo_search(o, ATTACHMENT, json_pack("[[s,s,O]]", "id", "in", f->ids),
        json_pack("[s,s,s]", "name", "file_size", "type"), 0, ODOO_PAGE, on_files, f);
}
