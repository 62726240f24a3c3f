/* store_text.c - reads the small texts of Redis and of screens. Strict: what is malformed is
 * nothing, and never reaches Redis as an argument. */
#include "store/store_text.h"

#include <stdbool.h>
#include <string.h>

#define DIGITS_MAX 19 /* of a number below 2^63 */

/* Takes digits off the front. 0, or -1 when there are none or too many. */
static int take_number(struct span *s, uint64_t *out) {
    size_t i = 0;
    *out = 0;
    while (i < s->n && i <= DIGITS_MAX && s->p[i] >= '0' && s->p[i] <= '9')
        *out = *out * 10 + (uint64_t)(s->p[i++] - '0');
    *s = span_of(s->p + i, s->n - i);
    return i >= 1 && i <= DIGITS_MAX && *out <= INT64_MAX ? 0 : -1;
}

static bool take(struct span *s, char c) {
    if (!s->n || s->p[0] != c)
        return false;
    *s = span_of(s->p + 1, s->n - 1);
    return true;
}

/* A valid id, NUL-ended in out. */
static bool take_id(struct span *s, char *out) {
    if (s->n < ID_LEN)
        return false;
    memcpy(out, s->p, ID_LEN);
    out[ID_LEN] = '\0';
    *s = span_of(s->p + ID_LEN, s->n - ID_LEN);
    return id_is_valid(out);
}

static bool take_seq(struct span *s, int64_t *out) {
    uint64_t n;
    if (take_number(s, &n) < 0)
        return false;
    *out = (int64_t)n;
    return true;
}

/* --- places ---------------------------------------------------------------------------------- */

int stream_id_parse(struct span text, struct stream_id *out) {
    bool good = take_number(&text, &out->ms) == 0 && take(&text, '-') &&
                take_number(&text, &out->n) == 0 && text.n == 0;
    return good ? 0 : -1;
}

int stream_id_compare(const struct stream_id *a, const struct stream_id *b) {
    if (a->ms != b->ms)
        return a->ms < b->ms ? -1 : 1;
    return a->n < b->n ? -1 : a->n > b->n;
}

int store_place_parse(
    const char *text, unsigned shards, unsigned *shard_out, struct stream_id *out) {
    struct span s = span_str(text);
    uint64_t shard;
    if (take_number(&s, &shard) < 0 || shard >= shards || !take(&s, ':'))
        return -1;
    *shard_out = (unsigned)shard;
    return stream_id_parse(s, out);
}

int store_cursors_parse(
    const char *text, const char *epoch, unsigned shards, char (*out)[STORE_CURSOR_SIZE]) {
    struct span s = span_str(text);
    unsigned known = 0;
    memset(out, 0, shards * sizeof *out);
    if (!span_starts(s, epoch))
        return -1;
    s = span_of(s.p + strlen(epoch), s.n - strlen(epoch));
    if (!take(&s, ';'))
        return -1;
    while (s.n) {
        const char *comma = memchr(s.p, ',', s.n);
        struct span id, place = span_of(s.p, comma ? (size_t)(comma - s.p) : s.n);
        struct stream_id ignored;
        uint64_t shard;
        s = span_of(s.p + place.n, s.n - place.n);
        take(&s, ',');
        if (take_number(&place, &shard) < 0 || shard >= shards || !take(&place, ':'))
            return -1;
        id = place;
        if (stream_id_parse(id, &ignored) < 0 || id.n >= STORE_CURSOR_SIZE)
            return -1;
        known += !out[shard][0];
        memcpy(out[shard], id.p, id.n);
        out[shard][id.n] = '\0';
    }
    return known == shards ? 0 : -1;
}

/* --- what scripts write ---------------------------------------------------------------------- */

/* " <dir>[ <signs>][x<rules>][ w]": "i" for what a client wrote, and the signs; with "p" it is no
 * news. */
static void take_signs(struct span s, char *out, size_t size, int64_t *unwanted) {
    static const char known[] = "nrcalpufb";
    bool is_in = s.n >= 3 && memcmp(s.p, " in", 3) == 0 && (s.n == 3 || s.p[3] == ' ');
    const char *at = s.n > 1 ? memchr(s.p + 1, ' ', s.n - 1) : NULL;
    size_t n = is_in ? 1 : 0, left = at ? s.n - (size_t)(at + 1 - s.p) : 0;
    out[0] = 'i';
    for (size_t i = 0; i < left && at[1 + i] != ' ' && n < size - 1; i++) {
        struct span number = span_of(at + 2 + i, left - i - 1);
        if (memchr(known, at[1 + i], sizeof known - 1))
            out[n++] = at[1 + i];
        else if (at[1 + i] == 'x' && !take_seq(&number, unwanted))
            *unwanted = 0;
    }
    out[n] = '\0';
    if (strchr(out, 'p'))
        out[0] = '\0';
}

int store_event_parse(struct store_event *e, const char *text) {
    struct span s = span_str(text);
    memset(e, 0, sizeof *e);
    if (!s.n || !strchr("mstcw", s.p[0]))
        return -1;
    e->kind = s.p[0];
    s = span_of(s.p + 1, s.n - 1);
    if (!take(&s, ' ') || !take_id(&s, e->id))
        return -1;
    if (e->kind == 'm' || e->kind == 's') {
        if (!take(&s, ' ') || !take_seq(&s, &e->seq))
            return -1;
        if (e->kind == 'm')
            take_signs(s, e->signs, sizeof e->signs, &e->unwanted);
        e->has_work = span_eq(s, " out") || span_starts(s, " out ") || span_ends(s, " w");
    }
    e->has_work = e->has_work || e->kind == 'w';
    return 0;
}

/* What is to be done with a message that was sent before: " edit"; nothing: it is to be sent. */
static bool take_op(struct span *s, char *out) {
    if (s->n == 0)
        return true;
    if (!take(s, ' ') || s->n == 0 || s->n >= STORE_OP_SIZE)
        return false;
    for (size_t i = 0; i < s->n; i++)
        if (s->p[i] < 'a' || s->p[i] > 'z')
            return false;
    memcpy(out, s->p, s->n);
    out[s->n] = '\0';
    return true;
}

void store_entry_parse(struct store_entry *e, const char *text) {
    struct span s = span_str(text);
    e->kind = 'm';
    e->op[0] = '\0';
    e->seq = 0;
    e->object[0] = '\0';
    if (s.n > 2 && s.p[1] == ' ') {
        e->kind = s.p[0];
        s = span_of(s.p + 2, s.n - 2);
    }
    bool good = take_id(&s, e->subject) && take(&s, ' ');
    if (good && (e->kind == 'g' || e->kind == 'u' || e->kind == 'x'))
        good = take_id(&s, e->object) &&
               (s.n == 0 || (e->kind != 'x' && take(&s, ' ') && take_seq(&s, &e->seq) && s.n == 0));
    else if (good)
        good = (e->kind == 'm' || e->kind == 'c' || e->kind == 'f') && take_seq(&s, &e->seq) &&
               (e->kind == 'm' ? take_op(&s, e->op) : s.n == 0);
    if (!good)
        e->kind = '?';
}
