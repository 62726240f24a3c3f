/* whatsapp_compose_media.c - files of a message: as which type each goes, and with which caption.
 * Source: Cloud API, "Media", "Supported media types". Pure. */
#include <string.h>

#include "base/json_text.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/whatsapp/whatsapp_compose_private.h"

#define CAPTION_MAX 1024
#define MB (1024LL * 1024)
#define KB 1024LL

/* What WhatsApp shows as itself; everything else goes as a document. */
static const struct {
    const char *type, *mime;
    long long max;
} shown[] = {{"image", "image/jpeg", 5 * MB}, {"image", "image/png", 5 * MB},
    {"video", "video/mp4", 16 * MB}, {"video", "video/3gpp", 16 * MB},
    {"audio", "audio/aac", 16 * MB}, {"audio", "audio/amr", 16 * MB},
    {"audio", "audio/mpeg", 16 * MB}, {"audio", "audio/mp4", 16 * MB},
    {"audio", "audio/ogg", 16 * MB}};

#define DOCUMENT_MAX (100 * MB)

static bool is_sticker(const json_t *file, json_int_t size) {
    long long max = json_is_true(json_object_get(file, "animated")) ? 500 * KB : 100 * KB;
    return strcmp(json_text(file, "role"), "sticker") == 0 &&
           strcmp(json_text(file, "mime"), "image/webp") == 0 && size <= max;
}

static const char *type_of(const json_t *file) {
    json_int_t size = json_integer_value(json_object_get(file, "size"));
    if (is_sticker(file, size))
        return "sticker";
    for (size_t i = 0; i < ARRAY_LEN(shown); i++)
        if (strcmp(json_text(file, "mime"), shown[i].mime) == 0 && size <= shown[i].max)
            return shown[i].type;
    return "document";
}

static bool takes_caption(const char *type) {
    return strcmp(type, "image") == 0 || strcmp(type, "video") == 0 ||
           strcmp(type, "document") == 0;
}

void whatsapp_call_file(struct whatsapp_call *call, const json_t *file, const char *place) {
    const char *mime = json_text(file, "mime"), *name = json_text(file, "name");
    call->media = json_text(file, "id");
    call->mime = *mime ? mime : "application/octet-stream";
    call->name = *name ? name : "file";
    call->place = place;
}

static void add_file(
    struct whatsapp_composing *c, const json_t *file, const char *type, const char *caption) {
    json_t *part = json_object();
    if (*caption)
        json_object_set_new(part, "caption", json_string(caption));
    if (strcmp(type, "document") == 0)
        json_object_set_new(part, "filename",
            json_string(*json_text(file, "name") ? json_text(file, "name") : "file"));
    if (strcmp(type, "audio") == 0 && strcmp(json_text(file, "role"), "voice") == 0 &&
        strcmp(json_text(file, "mime"), "audio/ogg") == 0)
        json_object_set_new(part, "voice", json_true());
    struct whatsapp_call *call = whatsapp_call_add(c, type, part);
    if (call)
        whatsapp_call_file(call, file, type);
}

/* Can the platform never take it? */
static bool is_refused(const struct whatsapp_composing *c, const json_t *file) {
    const char *mime = json_text(file, "mime"), *name = json_text(file, "name");
    if (json_integer_value(json_object_get(file, "size")) > DOCUMENT_MAX)
        err_set(
            c->err, ERR_TOO_LARGE, "w0: \"%.100s\" is larger than the 100 MB of WhatsApp", name);
    else if (!*mime || strcmp(mime, "application/octet-stream") == 0)
        err_set(c->err, ERR_UNSUPPORTED,
            "no_type_whatsapp: WhatsApp does not take a file whose type is not known. Put it into "
            "a "
            "ZIP archive and send that. [%.100s]",
            name);
    else
        return false;
    return true;
}

bool whatsapp_add_files(struct whatsapp_composing *c, const json_t *files, const char *text) {
    bool fits = *text && utf8_length(text, strlen(text)) <= CAPTION_MAX, is_used = false;
    size_t i;
    json_t *file;
    json_array_foreach((json_t *)files, i, file) {
        const char *type = type_of(file);
        bool with_text = fits && !is_used && takes_caption(type);
        if (is_refused(c, file)) {
            c->failed = true;
            return true;
        }
        if (i == 0 && *text && !(fits && takes_caption(type))) { /* the text goes first */
            whatsapp_add_text(c, text);
            is_used = true;
        }
        add_file(c, file, type, with_text ? text : "");
        is_used = is_used || with_text;
    }
    return is_used;
}
