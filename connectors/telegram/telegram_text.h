/* telegram_text.h - text with entities to safe HTML and back, and splitting it. Pure.
 * Source: Bot API, "MessageEntity": offsets and lengths count UTF-16 code units. */
#ifndef SB_CONNECTORS_TELEGRAM_TELEGRAM_TEXT_H
#define SB_CONNECTORS_TELEGRAM_TELEGRAM_TEXT_H

#include <jansson.h>
#include <stddef.h>

#define TELEGRAM_ENTITIES_MAX 200 /* of one text; later ones are left out */
#define TELEGRAM_TEXT_UNITS 4096  /* of a message */
#define TELEGRAM_CAPTION_UNITS 1024

/* The text as HTML with the tags b i u s code pre blockquote a and span class="spoiler", properly
 * nested; everything else of it is escaped. NULL when no entity changes how it looks. Entities that
 * lie outside of the text, begin in the middle of a character, or have an unknown type are left
 * out; of two that overlap in part the later one ends with the earlier one. Links keep only
 * http, https, mailto, tel and tg. The caller frees. */
char *telegram_html(const char *text, const json_t *entities);

/* Length of valid UTF-8 in UTF-16 code units. */
size_t telegram_units(const char *text);

/* The other way: an agent's HTML (valid UTF-8) as plain text and entities (a new array, owned by
 * the caller). Known tags: b strong i em u ins s strike del code pre blockquote a(href)
 * span.spoiler tg-spoiler, and br p div li ul ol tr h1..h6 for lines; all others are dropped and
 * their content kept, script, style and title with their content. Named entities amp lt gt quot
 * nbsp apos and numeric ones are decoded. A line break of the source counts, as the inbox shows it,
 * but not beside a tag that makes lines. Entities never overlap in part; at most
 * TELEGRAM_ENTITIES_MAX. The caller frees. */
char *telegram_from_html(const char *html, json_t **entities_out);

/* One part of a text that was too long: bytes from..to, and its own entities (owned). */
struct telegram_part {
    size_t from, to;
    json_t *entities; /* may be an empty array */
};
#define TELEGRAM_PARTS_MAX 64
/* Cuts text (valid UTF-8) into parts of at most max_units (2 or more), at an empty line, else a
 * line's end, else a space, and only when there is none of these in the second half of a part
 * inside a word; never inside a character, a surrogate pair, a ZWJ sequence or before a combining
 * mark or variation selector. Entities that cross a cut go on in the next part. White space at a
 * cut is dropped; no part is blank. Returns the number of parts (0 for blank text); at most
 * TELEGRAM_PARTS_MAX, the rest of a longer text is left out. */
size_t telegram_split(
    const char *text, const json_t *entities, size_t max_units, struct telegram_part *parts);
void telegram_parts_free(struct telegram_part *parts, size_t n);

#endif
