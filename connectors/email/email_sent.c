/* email_sent.c - a copy of what was sent into the mailbox's own folder for it, one after the other
 * over a session of its own. Nothing depends on it: what fails is logged and forgotten. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "connectors/email/email_private.h"

#define COPIES_MAX 20                /* that wait; more are not copied */
#define COPIES_BYTES_MAX (64u << 20) /* of those, but one may be larger */

struct email_copy {
    struct email_copy *next;
    char *bytes;
    size_t n;
};

/* The session of the copies; e->copies is not empty while it lives. */
struct copier {
    struct email *e;
    struct email_imap *imap;
};

static void begin(struct email *e);

static void copy_free(struct email_copy *c) {
    free(c->bytes);
    free(c);
}

static void drop_all(struct email *e) {
    while (e->copies) {
        struct email_copy *c = e->copies;
        e->copies = c->next;
        copy_free(c);
    }
}

static void say(const struct email *e, const struct err *err) {
    LOG_WARN(e->base.env->log, "email.no_sent_copy", LOG_S("channel", e->base.channel), LOG_E(err));
}

static void copier_end(struct copier *k, const struct err *err) {
    struct email *e = k->e;
    if (err)
        say(e, err);
    if (k->imap)
        email_imap_close(&k->imap);
    e->copier = NULL;
    drop_all(e);
    free(k);
}

static void next_copy(struct copier *k);

static void on_appended(void *arg, const struct err *err) {
    struct copier *k = arg;
    struct email_copy *c = k->e->copies;
    if (err) {
        copier_end(k, err);
        return;
    }
    k->e->copies = c->next;
    copy_free(c);
    next_copy(k);
}

static void next_copy(struct copier *k) {
    const char *folder = *k->e->sent_folder ? k->e->sent_folder : NULL;
    struct email_copy *c;
    struct err err;
    while ((c = k->e->copies)) {
        if (email_imap_append_sent(
                k->imap, folder, span_of(c->bytes, c->n), on_appended, k, &err) == 0)
            return;
        say(k->e, &err); /* too large: the others may be copied */
        k->e->copies = c->next;
        copy_free(c);
    }
    copier_end(k, NULL);
}

static void on_ready(void *arg, const struct email_imap_box *box) {
    (void)box;
    next_copy(arg);
}

static void on_new(void *arg) {
    (void)arg;
}

static void on_closed(void *arg, const struct err *err) {
    struct copier *k = arg;
    k->imap = NULL;
    copier_end(k, err);
}

static void on_login(void *arg, const struct mail_server *server, const struct err *err) {
    static const struct email_imap_fns fns = {on_ready, on_new, on_closed};
    struct copier *k = arg;
    if (k->e->copier != k) { /* stopped meanwhile */
        free(k);
        return;
    }
    if (err) {
        copier_end(k, err);
        return;
    }
    const struct email_imap_options options = {.folder = k->e->folder};
    k->imap =
        email_imap_open(k->e->base.env, email_shared_get(k->e)->streams, server, &options, &fns, k);
}

static void begin(struct email *e) {
    struct copier *k = mem_zalloc(sizeof *k);
    k->e = e;
    e->copier = k;
    email_login(e, false, on_login, k);
}

/* These make a copy themselves. */
static bool provider_copies(const struct email *e) {
    static const char *const hosts[] = {
        "gmail.com", "googlemail.com", "office365.com", "outlook.com"};
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
        if (strstr(e->smtp_url, hosts[i]))
            return true;
    return false;
}

void email_copy_sent(struct email *e, char *bytes, size_t n) {
    size_t waiting = 0, sum = 0;
    struct email_copy **at = &e->copies;
    struct err full;
    for (; *at; at = &(*at)->next) {
        waiting++;
        sum += (*at)->n;
    }
    bool is_full = waiting >= COPIES_MAX || (waiting && sum + n > COPIES_BYTES_MAX);
    bool is_wanted = !e->stopping && e->sent_copy != EMAIL_SENT_NONE &&
                     !(e->sent_copy == EMAIL_SENT_AUTO && provider_copies(e));
    if (is_wanted && is_full) {
        err_set(&full, ERR_TOO_MANY, "too many mails wait for being copied");
        say(e, &full);
    }
    if (is_full || !is_wanted) {
        free(bytes);
        return;
    }
    *at = mem_alloc(sizeof **at);
    **at = (struct email_copy){NULL, bytes, n};
    if (!e->copier)
        begin(e);
}

void email_copies_stop(struct email *e) {
    struct copier *k = e->copier;
    drop_all(e);
    if (!k)
        return;
    e->copier = NULL;
    if (k->imap) {
        email_imap_close(&k->imap);
        free(k);
    } /* else on_login frees it */
}
