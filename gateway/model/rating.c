/* rating.c - the question, and what an answer to it says. */
#include "model/rating.h"

#include <stdio.h>
#include <string.h>

static const char spaces[] = " \t\r\n";

/* Where the client's own words end: before what a mail quotes, and before its signature. */
static size_t own_length(const json_t *body, size_t n) {
    static const char *const marks[] = {"quoted_at", "signature_at"};
    const json_t *email = json_object_get(body, "email");
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        json_int_t at = json_integer_value(json_object_get(email, marks[i]));
        if (at > 0 && (size_t)at < n)
            n = (size_t)at;
    }
    return n;
}

int rating_score(const json_t *body) {
    static const char *const others[] = {"forward", "location", "contact", "poll", "raw_type"};
    const json_t *text = json_object_get(body, "text");
    const char *s = json_string_value(text);
    if (!s || json_array_size(json_object_get(body, "attachments")) > 0)
        return 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (json_object_get(body, others[i]))
            return 0;
    size_t n = own_length(body, json_string_length(text)), from = 0;
    while (from < n && strchr(spaces, s[from]))
        from++;
    while (n > from && strchr(spaces, s[n - 1]))
        n--;
    return n - from == 1 && s[from] >= '1' && s[from] <= '0' + RATING_MAX ? s[from] - '0' : 0;
}

/* U+0400 to U+047F. */
static bool has_cyrillic(const char *s) {
    for (; *s; s++)
        if ((unsigned char)*s == 0xd0 || (unsigned char)*s == 0xd1)
            return true;
    return false;
}

bool rating_in_russian(const char *locale, const char *talk) {
    bool is_ru = (locale[0] == 'r' || locale[0] == 'R') && (locale[1] == 'u' || locale[1] == 'U');
    return (is_ru && (!locale[2] || strchr("-_", locale[2]))) || has_cyrillic(talk);
}

const char *rating_words(enum rating_words which, bool russian) {
    static const char *const words[2][2] = {
        {"How was our talk? Please answer with one digit, from 1 (bad) to 5 (excellent).",
            "Thank you for the rating!"},
        {"Оцените, пожалуйста, наш разговор: ответьте одной цифрой от 1 (плохо) до 5 (отлично).",
            "Спасибо за оценку!"}};
    return words[russian][which];
}

/* Nobody wrote it. */
static json_t *message(const char *text, const char *which) {
    return json_pack("{s:s,s:s,s:{s:s}}", "text", text, "rating", which, "from", "kind", "rating");
}

json_t *rating_question(const char *text, bool buttons) {
    json_t *m = message(text, "question");
    json_t *row = json_array();
    for (int score = 1; buttons && score <= RATING_MAX; score++)
        json_array_append_new(row, json_pack("{s:o}", "text", json_sprintf("%d", score)));
    if (buttons)
        json_object_set_new(m, "buttons", json_pack("[O]", row));
    json_decref(row);
    return m;
}

json_t *rating_thanks(const char *text) {
    return message(text, "thanks");
}

json_t *rating_event(int score) {
    return json_pack("{s:{s:s,s:i,s:i,s:o}}", "event", "type", "rating", "score", score, "of",
        RATING_MAX, "text", json_sprintf("%d of %d", score, RATING_MAX));
}
