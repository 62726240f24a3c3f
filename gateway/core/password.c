/* password.c - which passwords are taken. What is guessed first is refused: names, the words at the
 * head of every list, runs along the keyboard. */
#include "core/password.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define LEAST 10
#define MOST 128
#define KINDS_LEAST 5 /* different characters */

/* What is left of a password when digits and signs at its ends are taken away; small letters. */
static const char *const easy[] = {"password", "passwort", "passw", "pass", "qwerty", "qwertz",
    "azerty", "admin", "administrator", "welcome", "letmein", "iloveyou", "switchboard", "login",
    "secret", "changeme", "monkey", "dragon", "football", "baseball", "superman", "batman",
    "master", "sunshine", "princess", "trustno", "starwars", "whatever", "computer", "internet",
    "support", "manager", "operator", "supervisor", "agent", "user", "test", "guest", "root",
    "hello", "summer", "winter", "spring", "autumn", "qazwsx", "qazwsxedc", "zaqwsx", "abc",
    "parol", "privet", "lubov", "moskva", "moscow", "russia", "nastya", "natasha", "marina",
    "пароль", "привет", "любовь", "йцукен", "москва", "россия", "админ", "passwordpassword",
    "p@ssw0rd", "p@ssword", "passw0rd", "pa55word", "adminadmin", "qwertyqwerty", "testtest"};

static const char *const rows[] = {"abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop[]",
    "asdfghjkl;'", "zxcvbnm,./", "1234567890-=", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/"};

static bool are_neighbours(const char *row, char a, char b) {
    const char *at = strchr(row, a);
    for (; at; at = strchr(at + 1, a))
        if (at[1] == b || (at > row && at[-1] == b))
            return true;
    return false;
}

/* How many times one has to begin anew to type it along the rows. */
static size_t runs(const char *s) {
    size_t n = *s != '\0';
    for (; s[0] && s[1]; s++) {
        bool goes_on = s[0] == s[1];
        for (size_t i = 0; i < ARRAY_LEN(rows) && !goes_on; i++)
            goes_on = are_neighbours(rows[i], s[0], s[1]);
        n += !goes_on;
    }
    return n;
}

static size_t kinds(const char *s) {
    bool seen[256] = {false};
    size_t n = 0;
    for (; *s; s++) {
        n += !seen[(unsigned char)*s];
        seen[(unsigned char)*s] = true;
    }
    return n;
}

/* Cuts digits and signs off both ends. */
static char *core_of(char *s) {
    char *end = s + strlen(s);
    while (end > s && (unsigned char)end[-1] < 128 && !isalpha((unsigned char)end[-1]))
        *--end = '\0';
    while (*s && (unsigned char)*s < 128 && !isalpha((unsigned char)*s))
        s++;
    return s;
}

static char *lowered(const char *s) {
    char *out = mem_strdup(s);
    for (char *p = out; *p; p++)
        if ((unsigned char)*p < 128)
            *p = (char)tolower((unsigned char)*p);
    return out;
}

static bool is_easy(char *low, const char *name) {
    char *core = core_of(low);
    if (*core == '\0') /* digits and signs only: a date, a telephone number */
        return true;
    if (strcmp(core, name) == 0 ||
        (strncmp(core, name, strlen(name)) == 0 && strcmp(core + strlen(name), name) == 0))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(easy); i++)
        if (strcmp(core, easy[i]) == 0)
            return true;
    return false;
}

int password_check(const char *password, const char *name, struct err *err) {
    size_t n = strlen(password);
    if (!utf8_is_text(password, n) || utf8_length(password, n) < LEAST || n > MOST)
        return err_set(err, ERR_INVALID, "password must be 10 to 128 characters long");
    char *low = lowered(password), *who = lowered(name);
    bool few = kinds(low) < KINDS_LEAST, run = runs(low) <= 2, guessed = is_easy(low, who);
    explicit_bzero(low, strlen(low));
    free(low);
    free(who);
    if (few || run)
        return err_set(err, ERR_INVALID,
            "this password is a row of keys or the same characters again and again: take several "
            "words");
    if (guessed)
        return err_set(err, ERR_INVALID,
            "this password is among the first that are tried: take several words");
    return 0;
}
