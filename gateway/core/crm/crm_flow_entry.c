/* crm_flow_entry.c - a message as entries of a card: files first, then the text in pieces; over
 * what is there of it, if anything is. What the CRM calls a message is remembered as
 * "17,18+2:ABCDEFGH": its entries, how many files were brought for it, and four letters of the id
 * of each that it has now ("+2!:.." some are links). An entry says at its end, too: "#01J.. 2/2 +2"
 * is the second of two pieces, two files came with it or before it; "#01J..+3" is no piece: with it
 * came files that were there later, or for another. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/crm/crm_flow_private.h"

/* Bytes of crm_outcome.external_id; entries beyond are found by their mark. */
#define NAMED_MAX 180
/* Letters of a file's id: those of its end that are its own (base/id.h). */
#define TAG 4
#define TAG_AT (ID_LEN - ID_SHARD_LEN - TAG)
/* Of a message with more files only their number is remembered. */
#define TAGS_MAX 24

struct attach {
    struct crm_flow *f;
    crm_done_fn fn;
    void *arg;
    char *card, *taken_by;
    json_t *message, *client;
    json_t *ids;    /* of the text's entries that are there, as strings */
    json_t *pieces; /* texts */
    json_t *files;  /* to be brought */
    json_t *refs;   /* upload()'s of those that were */
    size_t next;    /* file, or piece */
    uint64_t bytes; /* of the files that were brought now */
    size_t brought; /* files that are there already */
    size_t known;   /* of them, those that we knew of */
    size_t total;   /* of them, once `files` are */
    char *tags;     /* of those that we knew of and that the message may still have; NULL: its first
                       ones */
    size_t skip;    /* first pieces that are there; what cannot be rewritten */
    char mark[CRM_MARK_SIZE];
    bool is_known, again, late, left_out;
    bool cut;   /* ids are not all */
    bool extra; /* the new files get an entry of their own */
    bool links; /* some file cannot be brought */
};

/* --- the end --------------------------------------------------------------------------------- */

static bool brings(const struct attach *a) {
    return a->f->ops->upload && a->f->options.files;
}

static const char *tag_of(const json_t *file) {
    const char *id = json_text(file, "id");
    return strlen(id) == ID_LEN ? id + TAG_AT : NULL;
}

/* ":ABCDEFGH" of the files that are there now; "": unknown. */
static void write_tags(const struct attach *a, char out[TAGS_MAX * TAG + 2]) {
    const json_t *list = json_object_get(a->message, "attachments");
    size_t i, n = 0;
    json_t *one;
    out[0] = '\0';
    if (!brings(a) && a->tags)
        snprintf(out, TAGS_MAX * TAG + 2, ":%s", a->tags);
    if (!brings(a) || json_array_size(list) > TAGS_MAX)
        return;
    out[n++] = ':';
    json_array_foreach(list, i, one) {
        if (tag_of(one)) {
            memcpy(out + n, tag_of(one), TAG);
            n += TAG;
        }
    }
    out[n] = '\0';
}

static char *external_id(const struct attach *a) {
    char out[NAMED_MAX + 40], tags[TAGS_MAX * TAG + 2] = "";
    size_t n = 0, i;
    json_t *one;
    if (a->brought)
        write_tags(a, tags);
    json_array_foreach(a->ids, i, one) {
        if (n + json_string_length(one) + 2 > NAMED_MAX - strlen(tags)) {
            n += (size_t)snprintf(out + n, sizeof out - n, ",*");
            break;
        }
        n +=
            (size_t)snprintf(out + n, sizeof out - n, "%s%s", i ? "," : "", json_string_value(one));
    }
    if (n && a->brought)
        snprintf(out + n, sizeof out - n, "+%zu%s%s", a->brought, a->links ? "!" : "", tags);
    return n ? mem_strdup(out) : NULL;
}

static void attach_end(struct attach *a, const struct err *err, unsigned retry_ms) {
    char *id = err ? NULL : external_id(a);
    a->fn(
        a->arg, &(struct crm_outcome){
                    .err = err, .retry_ms = retry_ms, .external_id = id, .left_out = a->left_out});
    free(id);
    free(a->card);
    free(a->taken_by);
    free(a->tags);
    json_decref(a->message);
    json_decref(a->client);
    json_decref(a->ids);
    json_decref(a->pieces);
    json_decref(a->files);
    json_decref(a->refs);
    free(a);
}

static void on_remembered(void *arg, const struct err *err) {
    attach_end(arg, err, 0);
}

/* agent: ours, "" nobody; user: the CRM's who is responsible now, NULL: whoever was. */
static void remember(struct attach *a, const char *agent, const char *user) {
    char *echo = mem_printf("a:%s", agent);
    struct store_card_says says = {
        .client = json_text(a->client, "id"), .user = user, .echo = echo};
    flow_says(a->f, &says, on_remembered, a);
    free(echo);
}

/* The agent who is responsible by this message, "" nobody; NULL: it is about nobody. */
static const char *agent_of(const struct attach *a) {
    const json_t *event = json_object_get(a->message, "event");
    return strcmp(json_text(event, "type"), "assigned") == 0 ? json_text(event, "to") : a->taken_by;
}

static void on_assigned(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct attach *a = arg;
    const char *agent = agent_of(a);
    (void)result;
    if (err && (err->code == ERR_INVALID || err->code == ERR_DENIED)) {
        LOG_WARN(a->f->crm->env->log, "crm.not_assigned", LOG_S("target", a->f->crm->target),
            LOG_S("card", a->card), LOG_E(err));
        remember(a, agent, NULL); /* the entry says who it is */
    } else if (err) {
        attach_end(a, err, retry_ms);
    } else {
        remember(a, agent, crm_flow_user(a->f, agent));
    }
}

/* All is there. The card's responsible follows what was written of him. */
static void written(struct attach *a) {
    const char *agent = agent_of(a);
    const char *user = agent ? crm_flow_user(a->f, agent) : NULL;
    if (json_array_size(a->files))
        a->brought = a->total;
    if (user && a->f->ops->assign)
        a->f->ops->assign(a->f->crm, a->card, user, on_assigned, a);
    else if (agent)
        remember(a, agent, NULL); /* nobody there: nothing comes back of it */
    else
        attach_end(a, NULL, 0);
}

/* --- entries --------------------------------------------------------------------------------- */

static void write_next(struct attach *a);

static struct crm_text_options text_options(const struct attach *a) {
    const struct crm_flow_options *o = &a->f->options;
    return (struct crm_text_options){.markup = o->markup,
        .russian = o->russian,
        .utc_offset_min = o->utc_offset_min,
        .max = o->text_max,
        .links = brings(a) && !a->links ? (struct media_links){0} : crm_links(a->f->crm),
        .late = a->late};
}

static struct crm_flow_entry entry_of(
    const struct attach *a, size_t piece, const char *text, const json_t *files) {
    return (struct crm_flow_entry){.card = a->card,
        .text = text,
        .mark = a->mark,
        .message = a->message,
        .client = a->client,
        .files = files,
        .piece = piece,
        .pieces = json_array_size(a->pieces)};
}

static void on_extra(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result; /* it is found by its mark, if ever */
    if (err)
        attach_end(arg, err, retry_ms);
    else
        written(arg);
}

/* Files that came later, for a CRM that cannot add them to an entry: one of their own. */
static void write_extra(struct attach *a) {
    struct crm_text_options o = text_options(a);
    json_t *said = json_copy(a->message);
    json_object_set(said, "attachments", a->files);
    json_object_del(said, "text");
    json_t *texts = crm_text(said, a->client, &o);
    char *text = mem_printf("%s+%zu", json_string_value(json_array_get(texts, 0)), a->total);
    struct crm_flow_entry e = entry_of(a, 0, text, a->refs);
    e.pieces = 1;
    a->f->ops->write(a->f->crm, &e, on_extra, a);
    free(text);
    json_decref(texts);
    json_decref(said);
}

static void on_written(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct attach *a = arg;
    struct err bad;
    if (!err && !*json_text(result, "id"))
        err = (err_set(&bad, ERR_PROTOCOL, "the CRM took an entry and did not say which"), &bad);
    if (err) {
        attach_end(a, err, retry_ms);
        return;
    }
    json_array_append(a->ids, json_object_get(result, "id"));
    a->next++;
    write_next(a);
}

static void on_rewritten(
    void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct attach *a = arg;
    (void)result;
    if (err && err->code == ERR_NOT_FOUND) { /* somebody took it away there */
        json_array_remove(a->ids, a->next);
        write_next(a);
    } else if (err) {
        attach_end(a, err, retry_ms);
    } else {
        a->next++;
        write_next(a);
    }
}

/* A piece, or what is written over an entry that is left over. The caller frees. */
static char *piece_of(const struct attach *a, size_t i) {
    size_t n = json_array_size(a->pieces);
    size_t files = json_array_size(a->files) && !a->extra ? a->total : a->brought;
    const char *text = json_string_value(json_array_get(a->pieces, i));
    if (i >= n)
        return mem_printf("… %s", a->mark);
    return i + 1 == n && files ? mem_printf("%s +%zu", text, files) : mem_strdup(text);
}

/* The entries get the new pieces, one after another. */
static void write_next(struct attach *a) {
    size_t i = a->next, n = json_array_size(a->pieces);
    bool over = a->f->ops->rewrite && i < json_array_size(a->ids);
    bool filed = json_array_size(a->refs) && !a->extra;
    if (i >= n && !over) {
        if (a->extra)
            write_extra(a);
        else
            written(a);
        return;
    }
    json_t *none = json_array();
    char *text = piece_of(a, i);
    struct crm_flow_entry e = entry_of(a, i, text, filed ? (i + 1 == n ? a->refs : none) : NULL);
    if (over)
        a->f->ops->rewrite(
            a->f->crm, json_string_value(json_array_get(a->ids, i)), &e, on_rewritten, a);
    else
        a->f->ops->write(a->f->crm, &e, on_written, a);
    free(text);
    json_decref(none);
}

static void begin_writing(struct attach *a) {
    struct crm_text_options o = text_options(a);
    a->pieces = crm_text(a->message, a->client, &o);
    a->next = a->skip;
    a->extra = json_array_size(a->files) && a->f->ops->rewrite && !a->f->ops->rewrite_takes_files &&
               json_array_size(a->ids) >= json_array_size(a->pieces);
    write_next(a);
}

/* --- files ----------------------------------------------------------------------------------- */

static void bring_next(struct attach *a);

static const json_t *file_next(const struct attach *a) {
    return json_array_get(a->files, a->next);
}

static uint64_t size_of(const json_t *file) {
    json_int_t size = json_integer_value(json_object_get(file, "size"));
    return size > 0 ? (uint64_t)size : 0;
}

/* Too large for the CRM, or of a kind that it does not take. */
static void refused(struct attach *a, const struct err *err) {
    LOG_INFO(a->f->crm->env->log, "crm.file_refused", LOG_S("target", a->f->crm->target),
        LOG_S("message", a->mark + 1), LOG_E(err));
    a->links = true;
}

static void on_brought(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct attach *a = arg;
    if (crm_waits(err)) {
        attach_end(a, err, retry_ms);
        return;
    }
    if (err) {
        refused(a, err);
    } else {
        json_array_append(a->refs, (json_t *)result);
        a->bytes += size_of(file_next(a));
    }
    a->next++;
    bring_next(a);
}

/* Where one request carries all files, those that it has no room for are not even read. */
static void pass_over(struct attach *a) {
    uint64_t max = a->f->ops->files_max;
    struct err err;
    for (; max && file_next(a) && a->bytes + size_of(file_next(a)) > max; a->next++) {
        err_set(&err, ERR_TOO_LARGE, "the files of one entry have more than %llu bytes together",
            (unsigned long long)max);
        refused(a, &err);
    }
}

static void bring_next(struct attach *a) {
    pass_over(a);
    if (file_next(a))
        a->f->ops->upload(a->f->crm, a->card, file_next(a), on_brought, a);
    else
        begin_writing(a);
}

/* Of a CRM where rewriting says what an entry's files are: they move when the last piece does. */
static bool files_move(const struct attach *a) {
    struct crm_text_options o = text_options(a);
    json_t *texts = crm_text(a->message, a->client, &o);
    bool moves = json_array_size(a->ids) && json_array_size(a->ids) != json_array_size(texts);
    json_decref(texts);
    return moves;
}

/* Did we know of it, the message's nth? */
static bool was_known(const struct attach *a, const json_t *file, size_t n) {
    const char *tag = tag_of(file);
    if (!a->tags)
        return n < a->known;
    for (const char *p = a->tags; tag && strlen(p) >= TAG; p += TAG)
        if (strncmp(p, tag, TAG) == 0)
            return true;
    return false;
}

/* Which files are to be brought: those that we knew nothing of, without those that are there all
 * the same, since an answer was lost. */
static void bring(struct attach *a) {
    bool sets = a->f->ops->rewrite && a->f->ops->rewrite_takes_files;
    size_t i, n = 0, lost = a->brought - a->known;
    json_t *one, *all = json_array(), *fresh = json_array();
    json_array_foreach(json_object_get(a->message, "attachments"), i, one) {
        if (!*json_text(one, "id"))
            continue;
        json_array_append(all, one);
        if (!was_known(a, one, n++))
            json_array_append(fresh, one);
    }
    n = json_array_size(fresh);
    a->total = n > lost ? a->known + n : a->brought;
    if (n == json_array_size(all))
        a->links = false; /* none of those that were links is left */
    a->files = json_array();
    a->refs = json_array();
    if (brings(a) && sets && (n > lost || (a->brought && files_move(a))))
        json_array_extend(a->files, all);
    for (i = lost; brings(a) && !sets && i < n; i++)
        json_array_append(a->files, json_array_get(fresh, i));
    json_decref(all);
    json_decref(fresh);
    bring_next(a);
}

/* --- are they there? ------------------------------------------------------------------------- */

/* What an entry says of itself at its end. A mark that a client wrote is none: ours comes after. */
struct place {
    unsigned piece, of, files;
    bool is_extra;
};

static struct place place_of(const struct attach *a, const char *text) {
    struct place p = {.piece = 1, .of = 1};
    const char *at = NULL;
    int n = 0;
    for (const char *next = strstr(text, a->mark); next; next = strstr(next + 1, a->mark))
        at = next;
    if (!at || strchr(at + 1, '#'))
        return (struct place){0};
    at += strlen(a->mark);
    if (sscanf(at, "+%4u", &p.files) == 1) {
        p.is_extra = true;
        return p;
    }
    if (sscanf(at, " %6u/%6u%n", &p.piece, &p.of, &n) == 2)
        at += n;
    else
        p.piece = p.of = 1;
    if (sscanf(at, " +%4u", &p.files) != 1)
        p.files = 0;
    return p;
}

static bool is_found(const json_t *found, const char *text) {
    size_t i, n = strlen(text);
    json_t *one;
    json_array_foreach(found, i, one) {
        const char *held = json_text(one, "text");
        if (strncmp(held, text, n) == 0 && (!held[n] || held[n] == ' '))
            return true;
    }
    return false;
}

/* How many of the first pieces are there, word by word? All of them: the message is there. */
static size_t count_same(const struct attach *a, const json_t *found, bool late) {
    struct crm_text_options o = text_options(a);
    size_t n = 0;
    o.late = late;
    json_t *texts = crm_text(a->message, a->client, &o);
    while (
        n < json_array_size(texts) && is_found(found, json_string_value(json_array_get(texts, n))))
        n++;
    json_decref(texts);
    return n;
}

/* Of entries that cannot be rewritten: how many pieces are there already? What has changed is
 * written once more, as a whole; is it this that is there? */
static size_t count_there(const struct attach *a, const json_t *found) {
    if (!a->is_known)
        return json_array_size(a->ids);
    size_t as_now = count_same(a, found, a->late), other = count_same(a, found, !a->late);
    return as_now > other ? as_now : other;
}

static void on_entries(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct attach *a = arg;
    size_t i;
    json_t *one;
    if (err) {
        attach_end(a, err, retry_ms);
        return;
    }
    json_array_clear(a->ids);
    json_array_foreach(result, i, one) {
        struct place p = place_of(a, json_text(one, "text"));
        a->brought = p.files > a->brought ? p.files : a->brought;
        if (p.of && !p.is_extra)
            json_array_append(a->ids, json_object_get(one, "id"));
    }
    if (!a->f->ops->rewrite)
        a->skip = count_there(a, result);
    bring(a);
}

static void look_for_entries(struct attach *a) {
    if (a->again || a->cut || (a->is_known && json_array_size(a->ids) == 0))
        a->f->ops->entries(a->f->crm, a->card, a->mark, on_entries, a);
    else
        bring(a);
}

/* An entry on a card that was merged into another would be taken, and seen by nobody. */
static void on_card(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct attach *a = arg;
    struct err gone;
    if (!err && strcmp(json_text(result, "id"), a->card) != 0)
        err = (err_set(
                   &gone, ERR_NOT_FOUND, "the card was deleted in the CRM, or merged into another"),
            &gone);
    if (err)
        attach_end(a, err, retry_ms);
    else
        look_for_entries(a);
}

/* --- beginning ------------------------------------------------------------------------------- */

/* "17,18+2:ABCDEFGH", "17,18,*", of before "17,18+2": what external_id() made. */
static void take_known(struct attach *a, const char *known) {
    const char *plus = strrchr(known, '+'), *tags = plus ? strchr(plus, ':') : NULL;
    size_t n = plus ? (size_t)(plus - known) : strlen(known);
    a->is_known = true;
    a->known = plus ? (size_t)strtoul(plus + 1, NULL, 10) : 0;
    a->brought = a->known;
    a->tags = tags ? mem_strdup(tags + 1) : NULL;
    a->links = plus && strchr(plus, '!');
    for (size_t at = 0; at < n;) {
        size_t len = strcspn(known + at, ",");
        len = at + len > n ? n - at : len;
        if (len == 1 && known[at] == '*')
            a->cut = true;
        else if (len)
            json_array_append_new(a->ids, json_stringn(known + at, len));
        at += len + 1;
    }
}

static void on_nothing_to_do(void *arg) {
    attach_end(arg, NULL, 0);
}

static void on_status(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    (void)result;
    attach_end(arg, err, retry_ms);
}

/* A status alone is written down where it is bad news, and can be added to what is there. */
static bool has_nothing_to_say(const struct attach *a, const struct crm_attach *in) {
    if (a->left_out)
        return true;
    return in->only_status &&
           (!a->f->ops->rewrite || strcmp(json_text(in->message, "status"), "failed") != 0);
}

void crm_flow_attach(struct crm *c, const struct crm_attach *in, crm_done_fn fn, void *arg) {
    struct crm_flow *f = container_of(c, struct crm_flow, base);
    struct attach *a = mem_zalloc(sizeof *a);
    a->f = f;
    a->fn = fn;
    a->arg = arg;
    a->card = mem_strdup(in->card_id);
    a->message = json_deep_copy(in->message);
    a->client = json_deep_copy(in->client);
    a->ids = json_array();
    a->taken_by = in->taken_by ? mem_strdup(in->taken_by) : NULL;
    a->again = in->again;
    a->late = in->late;
    a->left_out =
        in->own || (strcmp(json_text(in->message, "direction"), "note") == 0 && !f->options.notes);
    crm_text_mark(in->message, a->mark);
    if (in->known)
        take_known(a, in->known);
    if (in->own && f->ops->status)
        f->ops->status(f->crm, in, on_status, a);
    else if (has_nothing_to_say(a, in))
        loop_defer(f->crm->env->loop, on_nothing_to_do, a);
    else if (f->ops->looks_before)
        f->ops->look(f->crm, a->card, on_card, a);
    else
        look_for_entries(a);
}
