/* media_name.c - names and types of attachments: what is refused, how a name is shown. Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "media/media_private.h"

#define NAME_POINTS 120
#define ENDING_MAX 20 /* bytes */

/* Characters of valid UTF-8 up to `end`. */
static size_t points_to(const char *s, const char *end) {
    size_t n = 0;
    for (; s < end; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

/* Of a long name the stem is cut, never the ending: that says what it is. */
static void shorten(char *name) {
    char *end = name + strlen(name), *dot = strrchr(name, '.'), *p = end;
    if (!dot || dot == name || end - dot > ENDING_MAX)
        dot = end;
    size_t room = NAME_POINTS - points_to(dot, end);
    if (points_to(name, dot) <= room)
        return;
    for (p = name; room; room--)
        for (p++; ((unsigned char)*p & 0xc0) == 0x80;)
            p++;
    memmove(p, dot, (size_t)(end - dot) + 1);
}

char *media_clean_name(const char *name) {
    const char *base = name;
    for (const char *p = name; *p; p++)
        if (*p == '/' || *p == '\\')
            base = p + 1;
    char *clean = utf8_clean_name(base, strlen(base));
    shorten(clean);
    char *p = clean;
    while (*p == '.' || *p == ' ') /* no hidden files, no ".." */
        p++;
    size_t n = strlen(p);
    while (n && (p[n - 1] == '.' || p[n - 1] == ' ')) /* Windows drops these: "x.exe." is x.exe */
        n--;
    memmove(clean, p, n);
    clean[n] = '\0';
    if (*clean)
        return clean;
    free(clean);
    return mem_strdup("file");
}

bool media_is_denied(const char *const *deny, const char *name, const char *mime) {
    size_t n = strlen(name);
    for (; *deny; deny++) {
        size_t d = strlen(*deny);
        if (**deny == '.' ? (n >= d && strcasecmp(name + n - d, *deny) == 0)
                          : (mime && strcasecmp(mime, *deny) == 0))
            return true;
    }
    return false;
}

const char *media_kind(const char *mime) {
    if (strncmp(mime, "image/", 6) == 0)
        return "image";
    if (strncmp(mime, "video/", 6) == 0)
        return "video";
    if (strncmp(mime, "audio/", 6) == 0)
        return "audio";
    return "document";
}

/* An exact list: nothing that can carry a script, and no parameters in the type. */
bool media_may_inline(const char *mime) {
    static const char *const safe[] = {"image/png", "image/jpeg", "image/gif", "image/webp",
        "image/avif", "image/bmp", "audio/mpeg", "audio/ogg", "audio/wav", "audio/x-wav",
        "audio/webm", "audio/mp4", "audio/aac", "video/mp4", "video/webm", "video/ogg"};
    for (size_t i = 0; mime && i < ARRAY_LEN(safe); i++)
        if (strcmp(mime, safe[i]) == 0)
            return true;
    return false;
}

char *media_disposition(const char *name, bool is_inline) {
    struct buf b;
    buf_init(&b, 4096);
    buf_addf(&b, "%s; filename=\"", is_inline ? "inline" : "attachment");
    for (const unsigned char *p = (const unsigned char *)name; *p; p++)
        buf_addf(
            &b, "%c", *p < 0x20 || *p > 0x7e || *p == '"' || *p == '\\' || *p == '%' ? '_' : *p);
    buf_adds(&b, "\"; filename*=UTF-8''");
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
                     (*p >= 'A' && *p <= 'Z') || strchr(".-_~", *p);
        buf_addf(&b, plain ? "%c" : "%%%02X", *p);
    }
    return buf_take(&b);
}
