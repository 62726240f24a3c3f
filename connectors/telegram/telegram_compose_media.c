/* telegram_compose_media.c - attachments as calls: by which method each file goes, which of them
 * make an album. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "connectors/telegram/telegram_compose_private.h"
#include "model/message.h"

#define MB (1024ll * 1024)
#define PHOTO_BYTES (10 * MB)
#define FILE_BYTES (50 * MB)
#define LOCAL_BYTES (2000 * MB)
#define PHOTO_SIDES 10000 /* width and height together */
#define PHOTO_RATIO 20

/* What may stand in one album. */
enum album { ALONE, PICTURES, DOCUMENTS, MUSIC };

/* A way to send a file: the method, the parameter that names the file (and the type in an album).
 */
struct way {
    const char *method, *part;
    enum album album;
    bool has_size;   /* width, height */
    bool has_length; /* duration */
};
static const struct way photo = {"sendPhoto", "photo", PICTURES, false, false};
static const struct way video = {"sendVideo", "video", PICTURES, true, true};
static const struct way animation = {"sendAnimation", "animation", ALONE, true, true};
static const struct way audio = {"sendAudio", "audio", MUSIC, false, true};
static const struct way voice = {"sendVoice", "voice", ALONE, false, true};
static const struct way document = {"sendDocument", "document", DOCUMENTS, false, false};

/* What goes how, by the attachment's kind and type; what is not here goes as a document. */
static const struct {
    const char *kind, *mime;
    const struct way *way;
} ways[] = {{"image", "image/jpeg", &photo}, {"image", "image/png", &photo},
    {"image", "image/webp", &photo}, {"image", "image/gif", &animation},
    {"video", "video/mp4", &video}, {"audio", "audio/mpeg", &audio}, {"audio", "audio/mp3", &audio},
    {"audio", "audio/mp4", &audio}, {"audio", "audio/x-m4a", &audio},
    {"audio", "audio/m4a", &audio}, {"audio", "audio/ogg", &voice}};

static const char *string_at(const json_t *o, const char *key, const char *none) {
    const char *s = json_string_value(json_object_get(o, key));
    return s && *s ? s : none;
}

static json_int_t number_at(const json_t *o, const char *key) {
    json_int_t n = json_integer_value(json_object_get(o, key));
    return n > 0 ? n : 0;
}

/* Larger or thinner ones are refused as photos. */
static bool is_fit_photo(const json_t *a) {
    json_int_t w = number_at(a, "width"), h = number_at(a, "height");
    if (number_at(a, "size") > PHOTO_BYTES || w > PHOTO_SIDES || h > PHOTO_SIDES ||
        w + h > PHOTO_SIDES)
        return false;
    return !w || !h || (w <= h * PHOTO_RATIO && h <= w * PHOTO_RATIO);
}

static const struct way *way_of(const json_t *a) {
    const char *kind = string_at(a, "kind", ""), *mime = string_at(a, "mime", "");
    const char *role = string_at(a, "role", "");
    size_t n = strcspn(mime, "; ");
    const struct way *way = &document;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        if (strcmp(ways[i].kind, kind) == 0 && strlen(ways[i].mime) == n &&
            strncasecmp(ways[i].mime, mime, n) == 0)
            way = ways[i].way;
    if (way == &photo && !is_fit_photo(a))
        return &document;
    return way == &audio && strcmp(role, "voice") == 0 ? &voice : way;
}

static void set_measures(json_t *to, const json_t *a, const struct way *way) {
    static const char *const keys[] = {"width", "height", "duration"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if ((i < 2 ? way->has_size : way->has_length) && number_at(a, keys[i]))
            json_object_set_new(to, keys[i], json_integer(number_at(a, keys[i])));
    if (way == &video)
        json_object_set_new(to, "supports_streaming", json_true());
}

static void add_upload(struct telegram_call *call, const json_t *a, const char *part) {
    struct telegram_upload *u = &call->uploads[call->nuploads++];
    snprintf(u->part, sizeof u->part, "%s", part);
    u->media = string_at(a, "id", "");
    u->name = string_at(a, "name", "file");
    u->mime = string_at(a, "mime", "application/octet-stream");
}

static void compose_one(struct telegram_call *call, const json_t *a, const struct way *way) {
    call->method = way->method;
    set_measures(call->params, a, way);
    add_upload(call, a, way->part);
}

static void compose_album(struct telegram_call *call, const json_t *files, size_t from, size_t n) {
    json_t *media = json_array();
    call->method = "sendMediaGroup";
    for (size_t i = 0; i < n; i++) {
        const json_t *a = json_array_get(files, from + i);
        const struct way *way = way_of(a);
        char part[sizeof call->uploads[0].part], attach[sizeof part + 16];
        snprintf(part, sizeof part, "file%u", (unsigned)i);
        snprintf(attach, sizeof attach, "attach://%s", part);
        json_t *item = json_pack("{s:s,s:s}", "type", way->part, "media", attach);
        set_measures(item, a, way);
        add_upload(call, a, part);
        json_array_append_new(media, item);
    }
    json_object_set_new(call->params, "media", media);
}

/* Is it there, and will Telegram take it? */
static int check_file(const json_t *a, bool local, struct err *err) {
    const char *name = string_at(a, "name", "file");
    if (!*string_at(a, "id", ""))
        return err_set(err, ERR_INVALID, "an attachment is not ready");
    if (number_at(a, "size") <= (local ? LOCAL_BYTES : FILE_BYTES))
        return 0;
    return err_set(err, ERR_TOO_LARGE, "\"%.100s\" is larger than the %lld MB that Telegram takes",
        name, (local ? LOCAL_BYTES : FILE_BYTES) / MB);
}

/* How many files from here go in one call. */
static size_t group_length(const json_t *files, size_t from, size_t end) {
    enum album album = way_of(json_array_get(files, from))->album;
    size_t n = 1;
    while (album != ALONE && from + n < end && n < TELEGRAM_UPLOADS_MAX &&
           way_of(json_array_get(files, from + n))->album == album)
        n++;
    return n;
}

int telegram_compose_files(const json_t *body, const struct telegram_target *to, bool albums,
    struct telegram_call *calls, struct err *err) {
    const json_t *files = json_object_get(body, "attachments");
    size_t end = json_array_size(files), n;
    int made = 0;
    if (end > MESSAGE_ATTACHMENTS_MAX)
        return err_set(err, ERR_TOO_LARGE, "more than %d attachments", MESSAGE_ATTACHMENTS_MAX);
    for (size_t i = 0; i < end; i++)
        if (check_file(json_array_get(files, i), to->local_files, err) < 0)
            return -1;
    for (size_t i = 0; i < end; i += n) {
        n = albums ? group_length(files, i, end) : 1;
        struct telegram_call *call = &calls[made++];
        *call = (struct telegram_call){.params = telegram_compose_params(to)};
        if (n > 1)
            compose_album(call, files, i, n);
        else
            compose_one(call, json_array_get(files, i), way_of(json_array_get(files, i)));
    }
    return made;
}
