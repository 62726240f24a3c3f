/* telegram_content.c - what a message says: one reader for each kind of content. Where a kind
 * brings a double along for old clients (animation and document, venue and location), the special
 * one stands first in the table. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/telegram/telegram_text.h"
#include "connectors/telegram/telegram_update_private.h"
#include "model/message.h"

#define SIDE_MAX 100000      /* pixels */
#define DURATION_MAX 2678400 /* a month, in seconds */
#define SIZE_MAX_BYTES ((int64_t)1 << 52)
#define FILE_ID_MAX 512
#define MIME_MAX 100
#define PHONE_DIGITS_MIN 5
#define PHONE_DIGITS_MAX 15 /* E.164 */

struct content_kind {
    enum telegram_field field;
    const char *word; /* in a quote */
    /* False when the value is not of that kind. NULL: we can only say what it is. */
    bool (*read)(struct telegram_reading *r, json_t *v);
};

void telegram_content_raw(struct telegram_reading *r, const char *raw_type) {
    char *word = telegram_name(raw_type);
    r->u->understood = false;
    json_object_set_new(r->u->body, "raw_type", json_string(*word ? word : "unsupported"));
    free(word);
}

/* --- text
 * ------------------------------------------------------------------------------------------ */

bool telegram_content_text(struct telegram_reading *r, json_t *v, const json_t *entities) {
    struct telegram_update *u = r->u;
    json_t *text = telegram_text_of(v, MESSAGE_TEXT_MAX);
    if (json_string_length(text) == 0) {
        json_decref(text);
        return false;
    }
    json_object_set_new_nocheck(u->body, "text", text);
    if (json_string_length(v) > MESSAGE_TEXT_MAX ||
        json_array_size(entities) > TELEGRAM_ENTITIES_MAX)
        u->understood = false;
    char *html = entities ? telegram_html(json_string_value(v), entities) : NULL;
    if (!html)
        return true;
    if (strlen(html) <= MESSAGE_TEXT_MAX)
        json_object_set_new_nocheck(u->body, "html", json_string(html));
    else
        u->understood = false; /* hidden links of a hundred kilobytes */
    free(html);
    return true;
}

static bool read_text(struct telegram_reading *r, json_t *v) {
    return telegram_content_text(r, v, r->m.at[F_entities]);
}

static void read_caption(struct telegram_reading *r) {
    if (r->m.at[F_caption])
        telegram_content_text(r, r->m.at[F_caption], r->m.at[F_caption_entities]);
}

/* --- files
 * ------------------------------------------------------------------------------------------ */

/* How a kind of file is shown; name and mime stand in where Telegram tells none. */
struct file_look {
    const char *kind, *role, *name, *mime;
};

/* The last part of the sender's name of the file. The caller frees; NULL for none. */
static char *file_name(const json_t *file) {
    const char *name = telegram_string(file, "file_name");
    if (!name)
        return NULL;
    for (const char *p = name; *p; p++)
        if (*p == '/' || *p == '\\')
            name = p + 1;
    char *clean = telegram_name(name);
    if (*clean)
        return clean;
    free(clean);
    return NULL;
}

/* A piece of music is known by who plays what. */
static char *music_name(const json_t *file) {
    const char *performer = telegram_string(file, "performer");
    const char *title = telegram_string(file, "title");
    if (!title || !*title)
        return NULL;
    char *who = telegram_name(performer), *what = telegram_name(title);
    char *both = mem_printf("%s%s%s", who, *who ? " - " : "", what);
    char *name = telegram_name(both);
    for (char *p = strpbrk(name, "/\\"); p; p = strpbrk(p, "/\\"))
        *p = '_'; /* AC/DC are no folder */
    free(who);
    free(what);
    free(both);
    return name;
}

static bool is_mime(const char *s) {
    size_t n = s ? strlen(s) : 0, slashes = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] <= 0x20 || s[i] >= 0x7f)
            return false;
        slashes += s[i] == '/';
    }
    return n >= 3 && n <= MIME_MAX && slashes == 1;
}

/* Telegram's ids of files go into calls of ours: nothing strange passes. */
static const char *file_id(const json_t *file, const char *key) {
    const char *id = telegram_string(file, key);
    size_t n = 0;
    while (id && id[n] > 0x20 && id[n] < 0x7f)
        n++;
    return id && !id[n] && n >= 1 && n <= FILE_ID_MAX ? id : NULL;
}

static void set_number(
    json_t *to, const char *key, const json_t *from, const char *its, int64_t hi) {
    int64_t n = telegram_int_in(from, its, 0, hi);
    if (n >= 0)
        json_object_set_new_nocheck(to, key, json_integer(n));
}

/* Adds the file to the body; without a file_id it can only be named. True when it can be had. */
static bool attach(struct telegram_reading *r, const struct file_look *look, const json_t *file) {
    const char *id = file_id(file, "file_id"), *unique = file_id(file, "file_unique_id");
    const char *mime = telegram_string(file, "mime_type");
    json_t *list = json_object_get(r->u->body, "attachments");
    if (!list) {
        list = json_array();
        json_object_set_new_nocheck(r->u->body, "attachments", list);
    }
    if (json_array_size(list) >= MESSAGE_ATTACHMENTS_MAX)
        return false;
    char *name = file_name(file);
    if (!name && !look->role && strcmp(look->kind, "audio") == 0)
        name = music_name(file);
    json_t *a = json_pack("{s:s,s:s*,s:s,s:s*,s:s,s:s}", "kind", look->kind, "role", look->role,
        "name", name ? name : look->name, "mime", is_mime(mime) ? mime : look->mime, "state",
        id ? "waiting" : "unavailable", "external_id", r->u->external_id);
    free(name);
    set_number(a, "size", file, "file_size", SIZE_MAX_BYTES);
    set_number(a, "duration", file, "duration", DURATION_MAX);
    set_number(a, "width", file, "width", SIDE_MAX);
    set_number(a, "height", file, "height", SIDE_MAX);
    if (id)
        json_object_set_new_nocheck(
            a, "remote", json_pack("{s:s,s:s*}", "file_id", id, "unique", unique));
    json_array_append_new(list, a);
    return id != NULL;
}

static bool read_file(struct telegram_reading *r, json_t *v, const struct file_look *look) {
    if (!json_is_object(v) || !telegram_string(v, "file_id"))
        return false;
    if (!attach(r, look, v))
        return false;
    read_caption(r);
    return true;
}

/* The picture is there in several sizes. */
static bool attach_photo(struct telegram_reading *r, const json_t *sizes) {
    static const struct file_look look = {"image", NULL, "photo.jpg", "image/jpeg"};
    const json_t *best = NULL;
    int64_t most = -1;
    for (size_t i = 0; i < json_array_size(sizes); i++) {
        const json_t *one = json_array_get(sizes, i);
        int64_t w = telegram_int_in(one, "width", 1, SIDE_MAX);
        int64_t h = telegram_int_in(one, "height", 1, SIDE_MAX);
        int64_t area = w > 0 && h > 0 ? w * h : 0;
        if (telegram_string(one, "file_id") && area > most) {
            most = area;
            best = one;
        }
    }
    return best && attach(r, &look, best);
}

static bool read_photo(struct telegram_reading *r, json_t *v) {
    if (!attach_photo(r, v))
        return false;
    read_caption(r);
    return true;
}

/* The still picture of it, which comes along as `photo`. */
static bool read_live_photo(struct telegram_reading *r, json_t *v) {
    (void)v;
    if (!attach_photo(r, r->m.at[F_photo]))
        return false;
    telegram_content_raw(r, "live_photo");
    read_caption(r);
    return true;
}

static bool read_document(struct telegram_reading *r, json_t *v) {
    static const struct file_look look = {"document", NULL, "file", "application/octet-stream"};
    return read_file(r, v, &look);
}

static bool read_animation(struct telegram_reading *r, json_t *v) {
    static const struct file_look look = {"video", "animation", "animation.mp4", "video/mp4"};
    return read_file(r, v, &look);
}

static bool read_video(struct telegram_reading *r, json_t *v) {
    static const struct file_look look = {"video", NULL, "video.mp4", "video/mp4"};
    return read_file(r, v, &look);
}

static bool read_video_note(struct telegram_reading *r, json_t *v) {
    static const struct file_look look = {"video", "video_note", "video_note.mp4", "video/mp4"};
    return read_file(r, v, &look);
}

static bool read_audio(struct telegram_reading *r, json_t *v) {
    static const struct file_look look = {"audio", NULL, "audio.mp3", "audio/mpeg"};
    return read_file(r, v, &look);
}

static bool read_voice(struct telegram_reading *r, json_t *v) {
    static const struct file_look look = {"audio", "voice", "voice.ogg", "audio/ogg"};
    return read_file(r, v, &look);
}

static bool read_sticker(struct telegram_reading *r, json_t *v) {
    static const struct file_look still = {"image", "sticker", "sticker.webp", "image/webp"};
    static const struct file_look video = {"video", "sticker", "sticker.webm", "video/webm"};
    static const struct file_look drawn = {
        "document", "sticker", "sticker.tgs", "application/x-tgsticker"};
    bool is_video = json_is_true(json_object_get(v, "is_video"));
    bool is_drawn = json_is_true(json_object_get(v, "is_animated"));
    if (!read_file(r, v, is_video ? &video : is_drawn ? &drawn : &still))
        return false;
    telegram_set_text(json_array_get(json_object_get(r->u->body, "attachments"), 0), "emoji",
        telegram_excerpt(telegram_string(v, "emoji") ? telegram_string(v, "emoji") : "", 16));
    return true;
}

/* What is not paid for yet is a preview without a file. */
static bool read_paid_media(struct telegram_reading *r, json_t *v) {
    static const struct file_look video = {"video", NULL, "video.mp4", "video/mp4"};
    static const struct file_look hidden = {"document", NULL, "paid media", NULL};
    json_t *list = json_object_get(v, "paid_media"), *one;
    bool whole = true;
    size_t i;
    if (!json_array_size(list))
        return false;
    json_array_foreach(list, i, one) {
        if (attach_photo(r, json_object_get(one, "photo")))
            whole = whole && !json_object_get(one, "live_photo");
        else if (json_is_object(json_object_get(one, "video")))
            whole = attach(r, &video, json_object_get(one, "video")) && whole;
        else
            whole = attach(r, &hidden, one) && whole;
    }
    if (!whole)
        telegram_content_raw(r, "paid_media");
    read_caption(r);
    return true;
}

/* --- places and people
 * ---------------------------------------------------------------------------- */

static bool read_degrees(const json_t *o, const char *key, double max, double *out) {
    const json_t *v = json_object_get(o, key);
    *out = json_number_value(v);
    return json_is_number(v) && isfinite(*out) && fabs(*out) <= max;
}

/* A new object, or NULL when it is nowhere on earth. */
static json_t *location_of(const json_t *v, const json_t *sent) {
    double lat, lon, accuracy;
    int64_t began, period = telegram_int_in(v, "live_period", 1, INT32_MAX);
    if (!read_degrees(v, "latitude", 90, &lat) || !read_degrees(v, "longitude", 180, &lon))
        return NULL;
    json_t *place = json_pack("{s:f,s:f}", "lat", lat, "lon", lon);
    if (read_degrees(v, "horizontal_accuracy", 1e7, &accuracy))
        json_object_set_new_nocheck(place, "accuracy", json_real(accuracy));
    if (period > 0 && telegram_int(sent, &began) && began > 0 && began < INT64_MAX / 2) {
        json_t *until = json_integer(began + period);
        telegram_set_time(place, "live_until", until);
        json_decref(until);
    }
    return place;
}

static bool read_location(struct telegram_reading *r, json_t *v) {
    json_t *place = location_of(v, r->m.at[F_date]);
    if (place)
        json_object_set_new_nocheck(r->u->body, "location", place);
    return place != NULL;
}

static bool read_venue(struct telegram_reading *r, json_t *v) {
    json_t *place = location_of(json_object_get(v, "location"), NULL);
    if (!place)
        return false;
    telegram_set_text(place, "name", telegram_name(telegram_string(v, "title")));
    telegram_set_text(place, "address", telegram_name(telegram_string(v, "address")));
    json_object_set_new_nocheck(r->u->body, "location", place);
    return true;
}

/* "+" and digits. A number of a Telegram account is international also where the plus is missing;
 * one of a card that somebody typed may be anything. The caller frees; NULL for none. */
static char *phone_of(const char *s, bool is_account) {
    char digits[PHONE_DIGITS_MAX + 1];
    size_t n = 0, spaces = strspn(s, " ");
    bool plus = s[spaces] == '+';
    for (const char *p = s + spaces + plus; *p; p++) {
        if (*p >= '0' && *p <= '9' && n < PHONE_DIGITS_MAX)
            digits[n++] = *p;
        else if (!strchr(" -().\t", *p))
            return NULL;
    }
    digits[n] = '\0';
    if (n < PHONE_DIGITS_MIN || digits[0] == '0' || (!plus && !is_account))
        return NULL;
    return mem_printf("+%s", digits);
}

/* The number is proven only where Telegram says that it is the sender's own. */
static bool is_own_contact(const struct telegram_reading *r, const json_t *contact) {
    int64_t user, from;
    return !r->u->is_group && !r->u->business && !r->m.at[F_forward_origin] &&
           telegram_int(json_object_get(contact, "user_id"), &user) && user > 0 &&
           telegram_int(json_object_get(r->m.at[F_from], "id"), &from) && user == from;
}

static bool read_contact(struct telegram_reading *r, json_t *v) {
    const char *phone = telegram_string(v, "phone_number");
    int64_t user;
    if (!phone || !*phone)
        return false;
    bool is_account = telegram_int(json_object_get(v, "user_id"), &user);
    bool own = is_own_contact(r, v);
    char *number = phone_of(phone, is_account), *name = telegram_name_of(v);
    if (own && number) {
        free(r->u->own_phone);
        r->u->own_phone = mem_strdup(number);
    }
    json_t *contact = json_pack("{s:s,s:b}", "name", name, "own", own && number);
    telegram_set_text(contact, "phone", number ? number : telegram_name(phone));
    json_object_set_new_nocheck(r->u->body, "contact", contact);
    if (json_object_get(v, "vcard"))
        r->u->understood = false; /* it may say more than name and number */
    free(name);
    return true;
}

/* --- lists
 * ----------------------------------------------------------------------------------------- */

static void add_line(json_t *list, const json_t *item, const char *key, json_t *value) {
    char *text = telegram_excerpt(telegram_string(item, "text"), 500);
    json_array_append_new(list, json_pack("{s:s,s:o}", "text", text, key, value));
    free(text);
}

static bool read_poll(struct telegram_reading *r, json_t *v) {
    json_t *options = json_object_get(v, "options"), *one, *list;
    const char *question = telegram_string(v, "question");
    size_t i;
    if (!question)
        return false;
    list = json_array();
    json_array_foreach(options, i, one) {
        int64_t votes = telegram_int_in(one, "voter_count", 0, INT32_MAX);
        if (i < TELEGRAM_LIST_MAX && telegram_string(one, "text"))
            add_line(list, one, "votes", json_integer(votes > 0 ? votes : 0));
        else
            r->u->understood = false;
    }
    char *text = telegram_excerpt(question, 500);
    json_object_set_new_nocheck(r->u->body, "poll",
        json_pack("{s:s,s:o,s:b}", "question", text, "options", list, "closed",
            json_is_true(json_object_get(v, "is_closed"))));
    free(text);
    return true;
}

static bool read_checklist(struct telegram_reading *r, json_t *v) {
    json_t *tasks = json_object_get(v, "tasks"), *one, *list;
    const char *title = telegram_string(v, "title");
    size_t i;
    if (!title || !json_is_array(tasks))
        return false;
    list = json_array();
    json_array_foreach(tasks, i, one) {
        bool done = json_object_get(one, "completed_by_user") ||
                    json_object_get(one, "completed_by_chat") ||
                    telegram_int_in(one, "completion_date", 1, INT64_MAX) > 0;
        if (i < TELEGRAM_LIST_MAX && telegram_string(one, "text"))
            add_line(list, one, "done", json_boolean(done));
        else
            r->u->understood = false;
    }
    char *text = telegram_excerpt(title, 500);
    json_object_set_new_nocheck(
        r->u->body, "checklist", json_pack("{s:s,s:o}", "title", text, "tasks", list));
    free(text);
    return true;
}

static bool read_dice(struct telegram_reading *r, json_t *v) {
    int64_t value = telegram_int_in(v, "value", 0, 1000);
    const char *emoji = telegram_string(v, "emoji");
    if (!emoji || value < 0)
        return false;
    char *sign = telegram_excerpt(emoji, 8), *text = mem_printf("%s %d", sign, (int)value);
    json_object_set_new_nocheck(r->u->body, "text", json_string(text));
    json_object_set_new_nocheck(r->u->body, "raw_type", json_string("dice"));
    free(sign);
    free(text);
    return true;
}

/* --- the kinds
 * ------------------------------------------------------------------------------------- */

static const struct content_kind kinds[] = {{F_text, "[text]", read_text},
    {F_animation, "[animation]", read_animation}, {F_live_photo, "[photo]", read_live_photo},
    {F_photo, "[photo]", read_photo}, {F_document, "[file]", read_document},
    {F_video, "[video]", read_video}, {F_video_note, "[video message]", read_video_note},
    {F_voice, "[voice message]", read_voice}, {F_audio, "[audio]", read_audio},
    {F_sticker, "[sticker]", read_sticker}, {F_paid_media, "[paid media]", read_paid_media},
    {F_venue, "[place]", read_venue}, {F_location, "[location]", read_location},
    {F_contact, "[contact]", read_contact}, {F_poll, "[poll]", read_poll},
    {F_checklist, "[checklist]", read_checklist}, {F_dice, "[dice]", read_dice},
    {F_story, "[story]", NULL}, {F_rich_message, "[formatted message]", NULL},
    {F_game, "[game]", NULL}, {F_invoice, "[invoice]", NULL}, {F_giveaway, "[giveaway]", NULL},
    {F_giveaway_winners, "[giveaway winners]", NULL}};

bool telegram_content_read(struct telegram_reading *r) {
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        json_t *v = r->m.at[kinds[i].field];
        if (!v)
            continue;
        if (kinds[i].read && kinds[i].read(r, v))
            return true;
        telegram_content_raw(r, telegram_field_name(kinds[i].field));
        read_caption(r);
        return true;
    }
    if (r->m.at[F_caption]) /* of something that we do not know: its words are worth having */
        read_caption(r);
    return false;
}

char *telegram_content_excerpt(const struct telegram_fields *m) {
    const char *text = json_string_value(m->at[F_text] ? m->at[F_text] : m->at[F_caption]);
    if (text && *text)
        return telegram_excerpt(text, TELEGRAM_QUOTE_POINTS);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (m->at[kinds[i].field])
            return mem_strdup(kinds[i].word);
    return mem_strdup("[message]");
}
