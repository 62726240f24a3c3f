/* telegram_answer.c - what an answer of the Bot API means: by its code, then by a part of the
 * description, as Telegram has no finer codes. The texts change: what no row fits is refused. */
#include "connectors/telegram/telegram_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/telegram/telegram_json.h"

#define RETRY_DEFAULT_S 5
#define RETRY_MAX_S 604800 /* a week */
#define QUOTED_MAX 170     /* bytes of Telegram's words in our sentence */

struct rule {
    const char *contains; /* of the description, in any case; NULL: any */
    enum telegram_class cls;
    enum err_code code;
    const char *word, *sentence;
};

/* 400 and 403. The first that fits counts. */
static const struct rule refusals[] = {{"message is not modified", TELEGRAM_OK, ERR_NONE, "", ""},
    {"bot was blocked by the user", TELEGRAM_REFUSED, ERR_DENIED, "blocked",
        "The client has blocked this bot."},
    {"user is deactivated", TELEGRAM_REFUSED, ERR_NOT_FOUND, "deactivated",
        "The client's Telegram account does not exist any more."},
    {"can't initiate conversation", TELEGRAM_REFUSED, ERR_DENIED, "cannot_begin",
        "The client has to write to this bot first."},
    {"bot was kicked", TELEGRAM_REFUSED, ERR_DENIED, "kicked",
        "This bot was removed from the chat."},
    {"bot is not a member", TELEGRAM_REFUSED, ERR_DENIED, "not_member",
        "This bot is not a member of the chat."},
    {"chat was deleted", TELEGRAM_REFUSED, ERR_NOT_FOUND, "chat_gone", "The group was deleted."},
    {"can't send messages to the bot", TELEGRAM_REFUSED, ERR_DENIED, "other",
        "Telegram does not let this bot write to another bot."},
    {"upgraded to a supergroup", TELEGRAM_REFUSED, ERR_NOT_FOUND, "chat_gone",
        "The group goes on under another number, which Telegram does not tell."},
    {"chat not found", TELEGRAM_REFUSED, ERR_NOT_FOUND, "chat_gone",
        "Telegram does not find this chat."},
    {"PEER_ID_INVALID", TELEGRAM_REFUSED, ERR_NOT_FOUND, "chat_gone",
        "Telegram does not find this chat."},
    {"user not found", TELEGRAM_REFUSED, ERR_NOT_FOUND, "chat_gone",
        "Telegram does not find this client."},
    {"chat_id is empty", TELEGRAM_REFUSED, ERR_INVALID, "chat_gone", "The chat has no number."},
    {"QUOTE_TEXT_INVALID", TELEGRAM_NO_QUOTE, ERR_INVALID, "other",
        "The quoted words are not in the message."},
    {"message to be replied not found", TELEGRAM_NO_REPLY, ERR_NOT_FOUND, "other",
        "The message that is answered does not exist any more."},
    {"message thread not found", TELEGRAM_NO_TOPIC, ERR_NOT_FOUND, "closed_topic",
        "The topic does not exist any more."},
    {"TOPIC_CLOSED", TELEGRAM_NO_TOPIC, ERR_DENIED, "closed_topic", "The topic is closed."},
    {"TOPIC_DELETED", TELEGRAM_NO_TOPIC, ERR_NOT_FOUND, "closed_topic",
        "The topic does not exist any more."},
    {"can't parse entities", TELEGRAM_PLAIN, ERR_INVALID, "other",
        "Telegram does not accept the formatting."},
    {"entity begins in a middle", TELEGRAM_PLAIN, ERR_INVALID, "other",
        "Telegram does not accept the formatting."},
    {"PHOTO_INVALID_DIMENSIONS", TELEGRAM_AS_DOCUMENT, ERR_INVALID, "other",
        "Telegram does not accept the picture's width and height."},
    {"IMAGE_PROCESS_FAILED", TELEGRAM_AS_DOCUMENT, ERR_INVALID, "other",
        "Telegram cannot read the picture."},
    {"PHOTO_SAVE_FILE_INVALID", TELEGRAM_AS_DOCUMENT, ERR_INVALID, "other",
        "Telegram cannot read the picture."},
    {"file is too big", TELEGRAM_REFUSED, ERR_TOO_LARGE, "too_big",
        "The file is too big for Telegram."},
    {"Request Entity Too Large", TELEGRAM_REFUSED, ERR_TOO_LARGE, "too_big",
        "The file is too big for Telegram."},
    {"temporarily unavailable", TELEGRAM_TRY_AGAIN, ERR_UNAVAILABLE, "other",
        "Telegram does not have the file at hand."},
    {"VOICE_MESSAGES_FORBIDDEN", TELEGRAM_REFUSED, ERR_DENIED, "voice_forbidden",
        "The client does not accept voice messages."},
    {"business connection not found", TELEGRAM_REFUSED, ERR_DENIED, "business_right",
        "The business account is not connected to this bot any more."},
    {"BUSINESS_", TELEGRAM_REFUSED, ERR_DENIED, "business_right",
        "The business account does not let this bot do it."},
    {"not enough rights", TELEGRAM_REFUSED, ERR_DENIED, "no_rights",
        "This bot may not do it in the chat."},
    {"have no write access", TELEGRAM_REFUSED, ERR_DENIED, "no_rights",
        "This bot may not write in the chat."},
    {"CHAT_WRITE_FORBIDDEN", TELEGRAM_REFUSED, ERR_DENIED, "no_rights",
        "This bot may not write in the chat."},
    {"query is too old", TELEGRAM_REFUSED, ERR_NOT_FOUND, "too_old",
        "The client pressed the button too long ago."},
    {"message can't be edited", TELEGRAM_REFUSED, ERR_DENIED, "too_old",
        "Telegram does not let this message be changed any more."},
    {"message can't be deleted", TELEGRAM_REFUSED, ERR_DENIED, "too_old",
        "Telegram does not let this message be deleted any more."},
    {"message to edit not found", TELEGRAM_REFUSED, ERR_NOT_FOUND, "other",
        "The message does not exist any more."},
    {"message to delete not found", TELEGRAM_REFUSED, ERR_NOT_FOUND, "other",
        "The message does not exist any more."},
    {"REACTION_INVALID", TELEGRAM_REFUSED, ERR_INVALID, "other",
        "Telegram does not know this reaction."},
    {NULL, TELEGRAM_REFUSED, ERR_INVALID, "other", "Telegram has refused it."}};

static const struct rule wait = {
    NULL, TELEGRAM_WAIT, ERR_TOO_MANY, "other", "Telegram asks to wait before the next message."};
static const struct rule migrated = {
    NULL, TELEGRAM_MIGRATED, ERR_NOT_FOUND, "other", "The group goes on under another number."};
static const struct rule try_again = {
    NULL, TELEGRAM_TRY_AGAIN, ERR_UNAVAILABLE, "other", "Telegram cannot do it now."};
static const struct rule bad_token = {
    NULL, TELEGRAM_BAD_TOKEN, ERR_AUTH, "other", "Telegram does not accept the bot's token."};
static const struct rule conflict = {NULL, TELEGRAM_CONFLICT, ERR_CONFLICT, "other",
    "Another program takes this bot's messages, or a webhook is set."};
static const struct rule too_big = {
    NULL, TELEGRAM_REFUSED, ERR_TOO_LARGE, "too_big", "The file is too big for Telegram."};
static const struct rule refused_by_other = {
    NULL, TELEGRAM_REFUSED, ERR_PROTOCOL, "other", "Something before Telegram has refused it."};
static const struct rule unknown = {NULL, TELEGRAM_UNKNOWN, ERR_TIMEOUT, "other",
    "Telegram's answer was lost: it may have been done or not."};

/* --- words
 * ------------------------------------------------------------------------------------------ */

/* Copies without control characters, cut at a character's end. */
static void clean_copy(char *out, size_t size, const char *s) {
    size_t n = 0;
    for (; *s && n + 1 < size; s++)
        if ((unsigned char)*s >= 0x20 && *s != 0x7f)
            out[n++] = *s;
    if (((unsigned char)*s & 0xc0) == 0x80) { /* the cut is inside a character */
        while (n && ((unsigned char)out[n - 1] & 0xc0) == 0x80)
            n--;
        n -= n > 0;
    }
    out[n] = '\0';
}

static void set_class(struct telegram_answer *a, const struct rule *rule) {
    char quoted[QUOTED_MAX + 1];
    a->cls = rule->cls;
    a->word = rule->word;
    clean_copy(quoted, sizeof quoted, a->description);
    if (rule->cls != TELEGRAM_OK)
        err_set(&a->err, rule->code, *quoted ? "%s: %s [%s]" : "%s: %s", rule->word, rule->sentence,
            quoted);
}

static unsigned clamp_retry(json_int_t s) {
    return s < 1 ? 1 : s > RETRY_MAX_S ? RETRY_MAX_S : (unsigned)s;
}

/* Seconds in "Too Many Requests: retry after 8"; 0 when it says none. */
static unsigned retry_in(const char *description) {
    static const char words[] = "retry after ";
    const char *p = strcasestr(description, words);
    char *end;
    if (!p || p[sizeof words - 1] < '0' || p[sizeof words - 1] > '9')
        return 0;
    unsigned long long s = strtoull(p + sizeof words - 1, &end, 10);
    return clamp_retry(s > RETRY_MAX_S ? RETRY_MAX_S : (json_int_t)s);
}

static const struct rule *find_refusal(const char *description) {
    const struct rule *r = refusals;
    while (r->contains && !strcasestr(description, r->contains))
        r++;
    return r;
}

/* --- the answer
 * -------------------------------------------------------------------------------------- */

/* {"ok":false,...} of the Bot API itself. */
static void read_refusal(struct telegram_answer *a, int status) {
    const json_t *parameters = json_object_get(a->root, "parameters");
    const json_t *retry = json_object_get(parameters, "retry_after");
    json_int_t moved = json_integer_value(json_object_get(parameters, "migrate_to_chat_id"));
    json_int_t code = json_integer_value(json_object_get(a->root, "error_code"));
    unsigned hidden = retry_in(a->description);
    bool too_many = strcasestr(a->description, "Too Many Requests") != NULL;
    a->error_code = code >= 100 && code <= 999 ? (int)code : status;
    a->partly = strcasestr(a->description, "failed to send message #") != NULL;
    if (a->error_code == 429 || a->error_code == 420 || json_is_integer(retry) || too_many) {
        a->retry_s = json_is_integer(retry) ? clamp_retry(json_integer_value(retry))
                     : hidden               ? hidden
                                            : RETRY_DEFAULT_S;
        set_class(a, &wait);
    } else if (moved) {
        snprintf(a->moved_to, sizeof a->moved_to, "%lld", (long long)moved);
        set_class(a, &migrated);
    } else if (a->error_code == 401 || a->error_code == 404) {
        set_class(a, &bad_token);
    } else if (a->error_code == 409) {
        set_class(a, &conflict);
    } else if (a->error_code == 413) {
        set_class(a, &too_big);
    } else if (status != 502 && status != 504 && (a->error_code == 500 || a->error_code == 503)) {
        set_class(a, &try_again);
    } else if (a->error_code >= 500 || status >= 500) {
        set_class(a, &unknown);
    } else {
        set_class(a, find_refusal(a->description));
    }
}

/* A proxy, a web server, half an answer. */
static void read_foreign(struct telegram_answer *a, int status) {
    a->error_code = status;
    if (status >= 400)
        snprintf(a->description, sizeof a->description, "HTTP %d", status);
    if (status == 429 || status == 420) {
        a->retry_s = RETRY_DEFAULT_S;
        set_class(a, &wait);
    } else if (status == 413) {
        set_class(a, &too_big);
    } else if (status == 408 || (status >= 300 && status < 400)) {
        set_class(a, &try_again);
    } else if (status >= 400 && status < 500) {
        set_class(a, &refused_by_other);
    } else {
        set_class(a, &unknown);
    }
}

void telegram_answer_read(int status, struct span body, struct telegram_answer *out) {
    json_error_t why;
    memset(out, 0, sizeof *out);
    out->root = json_loadb(body.p ? body.p : "", body.n, 0, &why);
    if (!out->root && body.n && body.p[0] == '{')
        out->root = telegram_json_mended(body);
    const json_t *ok = json_object_get(out->root, "ok");
    json_t *result = json_object_get(out->root, "result");
    const char *description = json_string_value(json_object_get(out->root, "description"));
    out->word = "";
    if (json_is_false(ok)) {
        clean_copy(out->description, sizeof out->description, description ? description : "");
        read_refusal(out, status);
    } else if (json_is_true(ok) && status >= 200 && status < 300) {
        set_class(out, &refusals[0]);
    } else {
        read_foreign(out, status);
    }
    if (out->cls == TELEGRAM_OK)
        out->result = result ? json_incref(result) : json_true();
}

void telegram_answer_free(struct telegram_answer *a) {
    json_decref(a->result);
    json_decref(a->root);
    memset(a, 0, sizeof *a);
}

const char *telegram_answer_word(const struct telegram_answer *a) {
    return a->word;
}
