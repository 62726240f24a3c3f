/* email_mail.c - one mail on its way in: its bytes go to disk as they come; when its key is not
 * known yet, a child reads it, its parts go to disk, and it is taken into its thread. Each step may
 * be done again after a crash: what is stored already is recognised. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/email/email_body.h"
#include "connectors/email/email_ids.h"
#include "connectors/email/email_private.h"
#include "connectors/email/email_quarantine.h"
#include "media/media.h"

#define HEAD_KEPT 65536u /* bytes, for a mail that no child can read */
#define PEOPLE_MAX 50u   /* of those that a mail names, whose order with it counts */
#define AGAIN_MS 500
#define AGAIN_MAX_MS 30000
#define READ_TRIES 2 /* a machine that is out of breath ends a child, too */
#define TELL_EACH 5  /* tries of a mail that nobody takes, for a reason that does not pass */

enum step { ARRIVING, CHECKING, SAVING, READING, READY, TAKING, ENDED };

struct email_mail {
    struct email *e; /* not to be touched once is_orphan */
    const struct env *env;
    const struct email_mail_fns *fns;
    void *arg;
    uint32_t uid;
    uint64_t room; /* bytes that may still be kept */
    enum step step;
    bool is_orphan, is_cut, is_check;
    bool lost;        /* the disk refused it */
    unsigned running; /* callbacks that will come */
    unsigned tries;
    unsigned unread;   /* so many children failed at it */
    uint64_t began_us; /* 0: its wait is counted */

    struct email_key *hasher;
    char key[33];
    struct buf head;
    struct media_upload *upload; /* of the source */
    char source_id[ID_SIZE];
    struct email_reading *reading;
    bool has_reading_ended;
    json_t *mail, *files, *source, *body, *all; /* files: by part; all: what is to be put */
    char *scanned;
    struct media_upload *part; /* that is being written */
    size_t part_index;
    struct loop_timer *timer;
    struct email_taking taking;
};

static void save(struct email_mail *m);
static void read_mail(struct email_mail *m);

uint32_t email_mail_uid(const struct email_mail *m) {
    return m->uid;
}

static void mail_destroy(struct email_mail *m) {
    loop_timer_stop(&m->timer);
    if (m->hasher)
        email_key_end(m->hasher, m->key);
    if (m->upload)
        media_upload_abort(m->upload);
    if (m->part)
        media_upload_abort(m->part);
    buf_free(&m->head);
    json_decref(m->mail);
    json_decref(m->files);
    json_decref(m->source);
    json_decref(m->body);
    json_decref(m->all);
    free(m->scanned);
    free(m);
}

/* A callback came. False: nobody waits for this mail any more. */
static bool goes_on(struct email_mail *m) {
    m->running--;
    if (!m->is_orphan)
        return true;
    if (!m->running)
        mail_destroy(m);
    return false;
}

void email_mail_free(struct email_mail *m) {
    m->is_orphan = true;
    loop_timer_stop(&m->timer);
    if (m->reading && !m->has_reading_ended) {
        email_reading_cancel(m->reading);
        m->reading = NULL;
        m->running--;
    }
    if (!m->running)
        mail_destroy(m);
}

/* The last touch of m: it is freed inside. */
static void end(struct email_mail *m, const struct err *err) {
    m->step = ENDED;
    m->fns->on_done(m->arg, m, err);
}

/* --- what was written for nothing ------------------------------------------------------------ */

/* All files from the given place on: nothing names them. */
static void delete_files(struct email_mail *m, size_t from) {
    struct err err;
    for (size_t i = json_array_size(m->all); i-- > from;) {
        const json_t *f = json_array_get(m->all, i);
        media_delete(
            connector_media(&m->e->base), json_string_value(json_object_get(f, "id")), &err);
        json_array_remove(m->all, i);
    }
}

/* --- its bytes ------------------------------------------------------------------------------- */

struct email_mail *email_mail_begin(struct email *e, const struct email_imap_mail *mail,
    const struct email_mail_fns *fns, void *arg) {
    struct email_mail *m = mem_zalloc(sizeof *m);
    m->e = e;
    m->env = e->base.env;
    m->uid = mail->uid;
    m->began_us = clock_mono_us();
    m->fns = fns;
    m->arg = arg;
    m->is_cut = mail->cut;
    m->hasher = email_key_begin();
    m->files = json_array();
    m->all = json_array();
    buf_init(&m->head, HEAD_KEPT);
    /* A server may have said too little: then it is cut here. */
    m->room = (uint64_t)e->max_size;
    m->upload =
        media_upload_begin_own(connector_media(&e->base), 0, "mail.eml", "message/rfc822", m->room);
    return m;
}

void email_mail_bytes(struct email_mail *m, struct span piece) {
    struct err err;
    size_t room = HEAD_KEPT - m->head.n;
    email_key_add(m->hasher, piece);
    buf_add(&m->head, piece.p, piece.n < room ? piece.n : room);
    if (piece.n > m->room) {
        piece.n = (size_t)m->room;
        m->is_cut = true;
    }
    m->room -= piece.n;
    if (m->lost || !piece.n || media_upload_write(m->upload, piece, &err) == 0)
        return;
    m->lost = true;
    LOG_ERROR(m->env->log, "email.not_stored", LOG_S("channel", m->e->base.channel), LOG_E(&err));
}

/* --- known already? -------------------------------------------------------------------------- */

static void again(void *arg);

static void later(struct email_mail *m) {
    uint64_t ms = (uint64_t)AGAIN_MS << (m->tries < 6 ? m->tries : 6);
    m->tries++;
    loop_timer_stop(&m->timer);
    m->timer = loop_timer_start(m->env->loop, ms < AGAIN_MAX_MS ? ms : AGAIN_MAX_MS, 0, again, m);
}

static void on_known(void *arg, struct span value, const struct err *err) {
    struct email_mail *m = arg;
    if (!goes_on(m))
        return;
    if (err) {
        later(m);
    } else if (value.n && value.p[0] == 'd') {
        LOG_DEBUG(
            m->env->log, "email.known", LOG_S("channel", m->e->base.channel), LOG_I("uid", m->uid));
        end(m, NULL);
    } else {
        m->tries = 0;
        save(m);
    }
}

static void look_up(struct email_mail *m) {
    char name[EMAIL_NAME_SIZE];
    m->step = CHECKING;
    m->running++;
    snprintf(name, sizeof name, "m:%s", m->key);
    connector_kept(&m->e->base, name, on_known, m);
}

/* Its bytes are needed once more. */
static void no_disk(struct email_mail *m) {
    struct err err;
    err_set(&err, ERR_IO, "a mail could not be stored; it is fetched again");
    end(m, &err);
}

static void lost_later(void *arg) {
    struct email_mail *m = arg;
    if (goes_on(m))
        no_disk(m);
}

void email_mail_end(struct email_mail *m) {
    email_key_end(m->hasher, m->key);
    m->hasher = NULL;
    if (m->lost) {
        m->running++;
        loop_defer(m->env->loop, lost_later, m);
        return;
    }
    look_up(m);
}

/* --- the source on disk ---------------------------------------------------------------------- */

static void add_file(struct email_mail *m, json_t *file) {
    json_array_append(m->all, file);
}

static void on_saved(void *arg, const struct media_info *info, const struct err *err) {
    struct email_mail *m = arg;
    if (!goes_on(m))
        return;
    if (err) {
        LOG_ERROR(
            m->env->log, "email.not_stored", LOG_S("channel", m->e->base.channel), LOG_E(err));
        no_disk(m);
        return;
    }
    m->source = media_info_json(info);
    memcpy(m->source_id, info->id, ID_SIZE);
    add_file(m, m->source);
    read_mail(m);
}

static void save(struct email_mail *m) {
    struct media_upload *u = m->upload;
    m->step = SAVING;
    m->upload = NULL;
    m->running++;
    media_upload_finish(u, on_saved, m);
}

/* --- reading --------------------------------------------------------------------------------- */

static void part_done(struct email_mail *m);

struct part {
    struct email_mail *mail;
    size_t index;
};

static json_t *refused_part(const json_t *part, const struct err *err) {
    const char *name = json_string_value(json_object_get(part, "name"));
    const char *mime = json_string_value(json_object_get(part, "mime"));
    return json_pack("{s:s,s:s,s:s,s:s,s:s}", "kind", "document", "name", name ? name : "", "mime",
        mime ? mime : "", "state", err->code == ERR_TOO_LARGE ? "too_large" : "failed", "error",
        err->text);
}

static void on_part_saved(void *arg, const struct media_info *info, const struct err *err) {
    struct part *p = arg;
    struct email_mail *m = p->mail;
    size_t index = p->index;
    free(p);
    if (!goes_on(m))
        return;
    const json_t *part = json_array_get(json_object_get(m->mail, "parts"), index);
    if (err && err->code == ERR_IO) {
        m->lost = true;
    } else {
        json_t *file = err ? refused_part(part, err) : media_info_json(info);
        if (!err)
            add_file(m, file);
        json_array_set_new(m->files, index, file);
    }
    part_done(m);
}

/* The part that was being written is whole. */
static void close_part(struct email_mail *m) {
    struct part *p;
    if (!m->part)
        return;
    p = mem_alloc(sizeof *p);
    *p = (struct part){m, m->part_index};
    m->running++;
    media_upload_finish(m->part, on_part_saved, p);
    m->part = NULL;
}

static void on_mail(void *arg, const json_t *mail) {
    struct email_mail *m = arg;
    size_t n = json_array_size(json_object_get(mail, "parts"));
    json_decref(m->mail);
    m->mail = json_incref((json_t *)mail);
    json_array_clear(m->files);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(m->files, json_null());
    m->part_index = SIZE_MAX;
}

static void begin_part(struct email_mail *m, size_t index) {
    const json_t *part = json_array_get(json_object_get(m->mail, "parts"), index);
    const char *name = json_string_value(json_object_get(part, "name"));
    const char *what = json_string_value(json_object_get(part, "what"));
    struct media *media = connector_media(&m->e->base);
    struct err err;
    bool is_html = what && strcmp(what, "html") == 0;
    close_part(m);
    m->part_index = index;
    m->part = is_html ? media_upload_begin_own(media, id_shard(m->source_id), "mail.html",
                            "text/html", (uint64_t)m->e->max_size * 2)
                      : media_upload_begin(media, id_shard(m->source_id),
                            name && *name ? name : "attachment", 0, &err);
    if (m->part)
        return;
    if (err.code == ERR_IO)
        m->lost = true;
    else
        json_array_set_new(m->files, index, refused_part(part, &err));
}

static void on_part(void *arg, size_t index, struct span piece) {
    struct email_mail *m = arg;
    struct err err;
    if (index != m->part_index)
        begin_part(m, index);
    if (!m->part || media_upload_write(m->part, piece, &err) == 0)
        return;
    media_upload_abort(m->part);
    m->part = NULL;
    if (err.code == ERR_IO)
        m->lost = true;
    else
        json_array_set_new(m->files, index,
            refused_part(json_array_get(json_object_get(m->mail, "parts"), index), &err));
}

/* No child could read it: it is shown with its bytes, and nobody tries again. */
static void quarantine(struct email_mail *m, const struct err *err) {
    LOG_ERROR(m->env->log, "email.quarantined", LOG_S("channel", m->e->base.channel),
        LOG_I("uid", m->uid), LOG_S("media", m->source_id), LOG_E(err));
    if (m->part)
        media_upload_abort(m->part);
    m->part = NULL;
    json_decref(m->mail);
    m->mail = NULL;
    json_array_clear(m->files);
    m->scanned = email_quarantine_from(buf_span(&m->head));
}

static void on_read(void *arg, const struct err *err) {
    struct email_mail *m = arg;
    m->has_reading_ended = true;
    if (!goes_on(m))
        return;
    m->reading = NULL;
    if (err && err->code == ERR_UNAVAILABLE) {
        later(m);
        return;
    }
    if (err && ++m->unread < READ_TRIES) {
        LOG_WARN(m->env->log, "email.read_again", LOG_S("channel", m->e->base.channel),
            LOG_I("uid", m->uid), LOG_E(err));
        m->lost = true;
    } else if (err) {
        quarantine(m, err);
    }
    close_part(m);
    part_done(m);
}

static void read_mail(struct email_mail *m) {
    static const struct email_reading_fns fns = {on_mail, on_part, on_read};
    struct err err;
    uint64_t size;
    int fd = media_fd(connector_media(&m->e->base), m->source_id, &size, &err);
    m->step = READING;
    if (fd < 0) {
        later(m);
        return;
    }
    m->has_reading_ended = false;
    m->running++;
    m->reading = email_readers_read(email_shared_get(m->e)->readers, fd, &fns, m);
}

/* --- into its thread ------------------------------------------------------------------------- */

static void note(json_t *mail, const char *what) {
    json_t *notes = json_object_get(mail, "notes");
    if (!notes)
        json_object_set_new(mail, "notes", notes = json_array());
    json_array_append_new(notes, json_string(what));
}

static json_t *quarantined_body(const struct email_mail *m) {
    return json_pack("{s:s,s:{s:[s],s:O}}", "text", "", "email", "notes", "quarantined", "source",
        json_object_get(m->source, "id"));
}

/* An empty file has no bytes that came; it is shown all the same. */
static void show_empty_parts(struct email_mail *m) {
    const json_t *parts = json_object_get(m->mail, "parts");
    struct err empty;
    err_set(&empty, ERR_INVALID, "The file is empty.");
    for (size_t i = 0; i < json_array_size(parts); i++)
        if (json_is_null(json_array_get(m->files, i)))
            json_array_set_new(m->files, i, refused_part(json_array_get(parts, i), &empty));
}

/* All of it is on disk. */
static void part_done(struct email_mail *m) {
    if (m->step != READING || m->running || m->reading)
        return;
    if (m->lost) {
        m->lost = false;
        later(m); /* reads again */
        return;
    }
    show_empty_parts(m);
    if (m->mail && m->is_cut)
        note(m->mail, "mail_cut");
    m->body =
        m->mail ? email_body(m->mail, m->files, m->source, m->e->authserv) : quarantined_body(m);
    m->step = READY;
    m->tries = 0;
    m->fns->on_ready(m->arg);
}

static void on_taken(void *arg, const struct email_taken *r, const struct err *err) {
    struct email_mail *m = arg;
    if (!goes_on(m))
        return;
    if (err) { /* given up never: the mailbox has it, and nobody else */
        if (m->tries % TELL_EACH == TELL_EACH - 1 && !err_passes(err))
            LOG_ERROR(m->env->log, "email.not_taken", LOG_S("channel", m->e->base.channel),
                LOG_I("uid", m->uid), LOG_I("tries", m->tries + 1), LOG_E(err));
        m->step = READY;
        later(m);
        return;
    }
    m->is_check = r->is_check;
    if (r->duplicate || r->dropped)
        delete_files(m, 0);
    end(m, NULL);
}

bool email_mail_is_read(const struct email_mail *m) {
    return m->step >= READY;
}

bool email_mail_is_check(const struct email_mail *m) {
    return m->is_check;
}

void email_mail_take(struct email_mail *m) {
    if (m->step != READY || m->timer)
        return;
    m->step = TAKING;
    m->running++;
    if (m->began_us) /* a backlog is what CRM writers give way to */
        connector_waited(&m->e->base, clock_mono_us() - m->began_us);
    m->began_us = 0;
    m->taking = (struct email_taking){.e = m->e,
        .key = m->key,
        .mail = m->mail,
        .scanned = m->scanned ? m->scanned : "",
        .files = m->all,
        .body = m->body,
        .tries = m->tries};
    email_take(&m->taking, on_taken, m);
}

static bool names(const json_t *ids, const char *id) {
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)ids, i, one) {
        if (*id && strcmp(json_string_value(one), id) == 0)
            return true;
    }
    return false;
}

/* Is it an answer that goes to this one, too? Then it may be in his dialogue. */
static bool is_answer_to(const json_t *mail, const char *address) {
    static const char *const where[] = {"to", "cc"};
    size_t i;
    json_t *one;
    if (!json_array_size(json_object_get(mail, "references")) &&
        !json_array_size(json_object_get(mail, "in_reply_to")))
        return false;
    for (size_t w = 0; w < ARRAY_LEN(where); w++)
        json_array_foreach(json_object_get(mail, where[w]), i, one) {
            const char *a = json_string_value(json_object_get(one, "address"));
            if (i < PEOPLE_MAX && a && strcasecmp(a, address) == 0)
                return true;
        }
    return false;
}

bool email_mail_follows(const struct email_mail *m, const struct email_mail *earlier) {
    const char *id = json_string_value(json_object_get(earlier->mail, "message_id"));
    if (!m->mail || !earlier->mail)
        return !m->mail && !earlier->mail;
    const char *from = email_first_address(m->mail, "from");
    const char *before = email_first_address(earlier->mail, "from");
    if (strcmp(m->key, earlier->key) == 0 || strcasecmp(from, before) == 0 ||
        is_answer_to(earlier->mail, from) || is_answer_to(m->mail, before))
        return true;
    return id && (names(json_object_get(m->mail, "references"), id) ||
                     names(json_object_get(m->mail, "in_reply_to"), id));
}

static void again(void *arg) {
    struct email_mail *m = arg;
    loop_timer_stop(&m->timer);
    if (m->step == CHECKING) {
        look_up(m);
    } else if (m->step == READING) {
        delete_files(m, 1);
        read_mail(m);
    } else if (m->step == READY) {
        m->fns->on_ready(m->arg);
    }
}
