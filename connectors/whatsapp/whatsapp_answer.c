/* whatsapp_answer.c - an answer of the Graph API, sorted: what is to be done, and what to say.
 * Pure. */
#include "connectors/whatsapp/whatsapp_answer.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/whatsapp/whatsapp_codes.h"

#define WORDS_POINTS 120

/* Meta's own words, without control characters. */
static void clean(const json_t *v, char *out, size_t size) {
    const char *s = json_string_value(v);
    size_t n = 0;
    for (; s && *s && n + 1 < size; s++)
        if ((unsigned char)*s >= 0x20 && *s != 0x7f)
            out[n++] = *s;
    out[n] = '\0';
    utf8_repair(out);
}

static int int_of(const json_t *v) {
    json_int_t n = json_integer_value(v);
    return n > 0 && n < INT32_MAX ? (int)n : 0;
}

/* What is to be done about a message that was taken and came back: nobody sends it by itself, for
 * others went after it, and one that is given back may still be told as delivered. */
static const char *advice(const struct whatsapp_answer *out) {
    switch (out->late ? out->cls : WHATSAPP_OK) {
    case WHATSAPP_WAIT_PAIR:
    case WHATSAPP_WAIT_NUMBER:
    case WHATSAPP_TRY_AGAIN:
        return " Send it again.";
    case WHATSAPP_CHANNEL:
        return " Send it again when that is mended.";
    default:
        return "";
    }
}

/* "w131047: The client has ... [Re-engagement message]" */
static void say(struct whatsapp_answer *out, enum err_code code, const char *sentence) {
    size_t n = utf8_prefix(out->description, strlen(out->description), WORDS_POINTS);
    if (n)
        err_set(&out->err, code, "w%d: %s%s [%.*s]", out->code, sentence, advice(out), (int)n,
            out->description);
    else
        err_set(&out->err, code, "w%d: %s%s", out->code, sentence, advice(out));
}

static void sort_by_code(struct whatsapp_answer *out, const json_t *e, int status) {
    const struct whatsapp_code *c =
        json_is_integer(json_object_get(e, "code")) ? whatsapp_code_find(out->code) : NULL;
    if (c) {
        out->cls = c->cls;
        say(out, c->code, c->sentence);
    } else if (status == 429) {
        out->cls = WHATSAPP_WAIT_NUMBER;
        say(out, ERR_TOO_MANY, "Too many requests to WhatsApp.");
    } else if (status >= 500 || status == 408) {
        out->cls = WHATSAPP_TRY_AGAIN;
        say(out, ERR_UNAVAILABLE, "WhatsApp cannot do it at the moment.");
    } else {
        out->cls = WHATSAPP_REFUSED;
        say(out, ERR_INVALID, "WhatsApp refuses this message.");
    }
    if ((out->code == 4 || out->code == 80007 || out->code == 131064) && !out->retry_s)
        out->retry_s = 300;
}

/* message, details, code, trace of an error object of either form. */
static void read_error(const json_t *e, struct whatsapp_answer *out) {
    const json_t *details = json_object_get(json_object_get(e, "error_data"), "details");
    const json_t *title = json_object_get(e, "title"), *words = json_object_get(e, "message");
    out->code = int_of(json_object_get(e, "code"));
    out->subcode = int_of(json_object_get(e, "error_subcode"));
    clean(json_string_length(details) ? details
          : json_string_length(words) ? words
                                      : title,
        out->description, sizeof out->description);
    clean(json_object_get(e, "fbtrace_id"), out->trace, sizeof out->trace);
}

/* Nobody of the platform said anything that we can read. */
static void sort_by_status(int status, struct whatsapp_answer *out) {
    snprintf(out->description, sizeof out->description, "HTTP %d", status);
    if (status == 429) {
        out->cls = WHATSAPP_WAIT_NUMBER;
        say(out, ERR_TOO_MANY, "Too many requests to WhatsApp.");
    } else if ((status >= 300 && status < 400) || status == 408) {
        out->cls = WHATSAPP_TRY_AGAIN;
        say(out, ERR_UNAVAILABLE, "WhatsApp's server is not where it should be.");
    } else if (status >= 400 && status < 500) {
        out->cls = WHATSAPP_REFUSED;
        say(out, ERR_PROTOCOL, "Something in front of WhatsApp refuses the message.");
    } else {
        out->cls = WHATSAPP_UNKNOWN;
        say(out, ERR_TIMEOUT,
            "WhatsApp's answer got lost, so it is not known whether the client has the message.");
    }
}

void whatsapp_answer_read(int status, struct span body, struct whatsapp_answer *out) {
    *out = (struct whatsapp_answer){0};
    json_t *root = json_loadb(body.p ? body.p : "", body.n, 0, NULL);
    const json_t *error = json_object_get(root, "error");
    if (!json_is_object(root)) {
        sort_by_status(status, out);
    } else if (json_is_object(error)) {
        read_error(error, out);
        sort_by_code(out, error, status);
    } else if (status >= 200 && status < 300) {
        out->cls = WHATSAPP_OK;
        out->result = json_incref(root);
    } else {
        sort_by_status(status, out);
    }
    json_decref(root);
}

void whatsapp_error_read(const json_t *error, struct whatsapp_answer *out) {
    *out = (struct whatsapp_answer){0};
    read_error(error, out);
    sort_by_code(out, error, 400);
}

void whatsapp_failure_read(const json_t *error, struct whatsapp_answer *out) {
    *out = (struct whatsapp_answer){.late = true};
    read_error(error, out);
    sort_by_code(out, error, 400);
}

void whatsapp_answer_free(struct whatsapp_answer *a) {
    json_decref(a->result);
    a->result = NULL;
}
