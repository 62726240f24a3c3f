/* kommo_file.c - files of messages: brought to the account's drive, then named on the contact. What
 * a file is called on the drive is kept: a second try names the same one again, which changes
 * nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/mem.h"
#include "connectors/kommo/kommo_private.h"
#include "core/crm/crm_file.h"

#define FILE_MAX ((size_t)20 * 1024 * 1024) /* it is held in memory */
#define PART_MIN 1024
#define KEPT_S (8u * 86400u) /* tries end before */
#define UUID_MAX 64

struct bringing {
    struct kommo *k;
    struct crm_about about;
    crm_step_fn fn;
    void *arg;
    char *card, *kept; /* under which name the uuid is kept */
    json_t *file;
    char *bytes;
    size_t n, at, part;
    char *next; /* where the next part goes */
    char uuid[UUID_MAX + 1];
};

static void bringing_end(struct bringing *b, const struct err *err, unsigned retry_ms) {
    json_t *told = json_object();
    b->fn(b->arg, err ? NULL : told, err, retry_ms);
    json_decref(told);
    json_decref(b->file);
    free(b->card);
    free(b->kept);
    free(b->bytes);
    free(b->next);
    free(b);
}

static void protocol(struct bringing *b, const char *what) {
    struct err err;
    err_set(&err, ERR_PROTOCOL, "Kommo %s", what);
    bringing_end(b, &err, 0);
}

/* --- on the contact -------------------------------------------------------------------------- */

static void on_doubted(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    bringing_end(arg, err, retry_ms);
}

static void on_named(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct bringing *b = arg;
    (void)result;
    if (err && (err->code == ERR_INVALID || err->code == ERR_NOT_FOUND)) {
        char *path = mem_printf("/contacts/%s", b->card);
        kommo_is_it_gone(b->k, path, err, on_doubted, b);
        free(path);
    } else {
        bringing_end(b, err, retry_ms);
    }
}

static void name_it(struct bringing *b) {
    char *path = mem_printf("/contacts/%s/files", b->card);
    kommo_call(b->k, "PUT", path, json_pack("[{s:s}]", "file_uuid", b->uuid), on_named, b);
    free(path);
}

static void on_kept(void *arg, const struct err *err) {
    struct bringing *b = arg;
    struct crm *c = &b->k->flow.base;
    struct crm_about was = crm_about_swap(c, b->about);
    if (err)
        bringing_end(b, err, 0);
    else
        name_it(b);
    crm_about_swap(c, was);
}

/* --- to the drive ---------------------------------------------------------------------------- */

static void send_part(struct bringing *b);

/* The token goes with it: to nobody but the drive. */
static bool is_theirs(const struct kommo *k, const char *url) {
    size_t n = strlen(k->drive);
    return strncmp(url, k->drive, n) == 0 && url[n] == '/';
}

static void on_part(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct bringing *b = arg;
    const char *next = json_text(result, "next_url"), *uuid = json_text(result, "uuid");
    if (err) {
        bringing_end(b, err, retry_ms);
        return;
    }
    b->at += b->n - b->at < b->part ? b->n - b->at : b->part;
    free(b->next);
    b->next = NULL;
    if (b->at < b->n && is_theirs(b->k, next)) {
        b->next = mem_strdup(next);
        send_part(b);
    } else if (b->at < b->n || !*uuid || strlen(uuid) > UUID_MAX) {
        protocol(b, "took a file and did not say what it is called");
    } else {
        memcpy(b->uuid, uuid, strlen(uuid) + 1);
        crm_keep(&b->k->flow.base, b->kept, span_str(b->uuid), KEPT_S, on_kept, b);
    }
}

static const char *type_of(const json_t *file) {
    const char *mime = json_text(file, "mime");
    return *mime && !mime[strcspn(mime, "\r\n")] ? mime : "application/octet-stream";
}

static void send_part(struct bringing *b) {
    size_t left = b->n - b->at;
    kommo_call_url(b->k, "POST", b->next,
        span_of(b->bytes + b->at, left < b->part ? left : b->part), type_of(b->file),
        "a part of a file", on_part, b);
}

static void on_session(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct bringing *b = arg;
    json_int_t part = json_integer_value(json_object_get(result, "max_part_size"));
    if (err) {
        bringing_end(b, err, retry_ms);
    } else if (part < PART_MIN || !is_theirs(b->k, json_text(result, "upload_url"))) {
        protocol(b, "did not say where a file goes");
    } else {
        b->part = (size_t)part;
        b->next = mem_strdup(json_text(result, "upload_url"));
        send_part(b);
    }
}

static void begin_session(struct bringing *b) {
    const char *name = json_text(b->file, "name");
    char *url = mem_printf("%s/v1.0/sessions", b->k->drive);
    json_t *j = json_pack("{s:s,s:I,s:s}", "file_name", *name ? name : "file", "file_size",
        (json_int_t)b->n, "content_type", type_of(b->file));
    char *body = json_dumps(j, JSON_COMPACT);
    kommo_call_url(
        b->k, "POST", url, span_str(body), "application/json", "/v1.0/sessions", on_session, b);
    free(body);
    free(url);
    json_decref(j);
}

static void on_account(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct bringing *b = arg;
    const char *url = json_text(result, "drive_url");
    size_t n = strlen(url);
    struct err bad;
    while (n && url[n - 1] == '/')
        n--;
    if (!err && crm_check_url(url, &bad) < 0)
        err = (err_set(&bad, ERR_PROTOCOL, "Kommo did not say where the account's drive is"), &bad);
    if (err) {
        bringing_end(b, err, retry_ms);
        return;
    }
    free(b->k->drive);
    b->k->drive = mem_strndup(url, n);
    begin_session(b);
}

static void on_bytes(void *arg, const char *bytes, size_t n, const struct err *err) {
    struct bringing *b = arg;
    if (err) {
        bringing_end(b, err, 0);
        return;
    }
    b->bytes = mem_strndup(n ? bytes : "", n);
    b->n = n;
    if (b->k->drive)
        begin_session(b);
    else
        kommo_call(b->k, "GET", "/account?with=drive_url", NULL, on_account, b);
}

/* --- beginning ------------------------------------------------------------------------------- */

static void on_known(void *arg, struct span uuid, const struct err *err) {
    struct bringing *b = arg;
    struct crm *c = &b->k->flow.base;
    struct crm_about was = crm_about_swap(c, b->about);
    if (err) {
        bringing_end(b, err, 0);
    } else if (uuid.n && uuid.n <= UUID_MAX) {
        memcpy(b->uuid, uuid.p, uuid.n);
        name_it(b);
    } else {
        crm_file_read(c, json_text(b->file, "id"), FILE_MAX, on_bytes, b);
    }
    crm_about_swap(c, was);
}

void kommo_upload(
    struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg) {
    struct bringing *b = mem_zalloc(sizeof *b);
    b->k = kommo_of(c);
    b->about = c->about;
    b->fn = fn;
    b->arg = arg;
    b->card = mem_printf("%lld", strtoll(card, NULL, 10));
    b->file = json_deep_copy(attachment);
    b->kept = mem_printf("file:%s", json_text(attachment, "id"));
    crm_kept(c, b->kept, on_known, b);
}
