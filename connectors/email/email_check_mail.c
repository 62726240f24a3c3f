/* email_check_mail.c - a mail from the mailbox to itself: does it go out, does IDLE tell of it, is
 * it there? It is known by a mark that a running gateway knows too, and is removed afterwards. The
 * session's commands run one after the other: step() says what comes next. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "connectors/email/email_check_private.h"
#include "connectors/email/email_compose.h"
#include "connectors/email/email_ids.h"

#define ROUND_S 30u   /* of IDLE */
#define POLL_MS 2000  /* where there is none */
#define SMTP_MS 30000 /* to log in and to send */
#define UIDS_MAX 500u /* of one search */
#define ALL_MAX 100000u
#define KEPT_BYTES 65536u /* of a mail: it is much smaller */
#define DAY_MS (24 * 3600 * 1000LL)

static void step(struct email_check *k);

const char *email_check_key(struct email *e) {
    if (!*e->check_key &&
        crypto_stretch(span_str(e->check_seed), span_str(e->address), e->check_key) < 0)
        return NULL;
    return e->check_key;
}

/* --- what is said ---------------------------------------------------------------------------- */

static void say_idle_refused(struct email_check *k, const struct err *err) {
    email_check_say(k, "warn", mem_printf("the server offers IDLE and refuses it: %s", err->text),
        "new mail is looked for every `poll` instead: make it shorter, or ask the provider");
}

static void say_left(struct email_check *k) {
    if (k->left.code)
        email_check_say(k, "ok",
            mem_printf("the mail to itself stays in the mailbox: %s", k->left.text),
            "remove it by hand; it is no client's message");
}

static void say_in_folder(struct email_check *k, unsigned ms) {
    if (k->polls)
        email_check_say(k, "ok",
            mem_printf("a mail to itself arrived after %u.%u s", ms / 1000, ms % 1000 / 100), NULL);
    else if (k->has_idle_told)
        email_check_say(k, "ok",
            mem_printf("a mail to itself arrived after %u.%u s, and IDLE told of it", ms / 1000,
                ms % 1000 / 100),
            NULL);
    else
        email_check_say(k, "warn",
            mem_printf(
                "a mail to itself arrived, but IDLE did not tell of it within %u s", ms / 1000),
            "new mail is seen at each `idle_renew` only: make it 1m or shorter, and ask the "
            "provider, or whoever keeps the firewall in between");
}

static void say_arrived(struct email_check *k) {
    if (k->place == CHECK_FOLDER)
        say_in_folder(k, (unsigned)(k->arrived_ms - k->began_ms));
    else if (k->place == CHECK_MOVED)
        email_check_say(k, "ok",
            mem_printf("a mail to itself arrived, and was moved to %s before it was looked at",
                k->e->done_name),
            "by another gateway, with other settings, or a filter");
    else
        email_check_say(k, "fail", mem_strdup("a mail to itself was put into the folder for spam"),
            "clients' mails may end there too: let the provider's spam filter pass this address, "
            "and look into that folder");
    say_left(k);
}

static void say_missing(struct email_check *k) {
    char *text = k->has_come_back
                     ? mem_printf("a mail to itself came back: the report lies in %s", k->e->folder)
                     : mem_printf("a mail to itself was sent, and did not arrive in %s within %u s",
                           k->e->folder, k->o.wait_ms / 1000);
    email_check_say(k, "fail", text,
        k->has_come_back
            ? "read there why the server does not deliver to this address"
            : "is `address` this very mailbox's? Look for the mail in its folders for spam and "
              "what filters move; a slow provider: doctor --wait 120");
}

/* --- our mail among others ------------------------------------------------------------------- */

/* Does the mark stand in a header line of ours? In others it is a report about our mail. */
static bool is_in_our_header(const char *head, const char *at) {
    const char *line = at;
    while (line > head && !(line[-1] == '\n' && *line != ' ' && *line != '\t'))
        line--;
    return strncasecmp(line, "Message-ID:", strlen("Message-ID:")) == 0 ||
           strncasecmp(line, "X-Switchboard:", strlen("X-Switchboard:")) == 0;
}

static void judge_mail(struct email_check *k) {
    const char *head = buf_str(&k->mail), *at = strcasestr(head, k->mark);
    const char *body = strstr(head, "\r\n\r\n");
    if (!at)
        return;
    for (; at && (!body || at < body); at = strcasestr(at + 1, k->mark))
        if (is_in_our_header(head, at)) {
            k->uid = k->mail_uid;
            k->arrived_ms = clock_mono_ms();
            return;
        }
    k->has_come_back = true;
}

static int on_mail(void *arg, const struct email_imap_mail *mail) {
    struct email_check *k = arg;
    if (mail->cut)
        return -1;
    buf_free(&k->mail);
    buf_init(&k->mail, KEPT_BYTES);
    k->mail_uid = mail->uid;
    return 0;
}

static void on_bytes(void *arg, struct span piece) {
    struct email_check *k = arg;
    size_t room = KEPT_BYTES - k->mail.n;
    buf_add(&k->mail, piece.p, piece.n < room ? piece.n : room);
}

static void on_mail_end(void *arg) {
    struct email_check *k = arg;
    if (!k->uid)
        judge_mail(k);
}

static void on_removed(void *arg, const struct err *err) {
    struct email_check *k = arg;
    k->is_busy = false;
    if (err)
        k->left = *err;
    step(k);
}

static void remove_mail(struct email_check *k) {
    k->was_removed = true;
    k->is_busy = true;
    if (email_imap_mark(k->imap, &k->uid, 1, EMAIL_MARK_REMOVE, NULL, on_removed, k, &k->left) == 0)
        return;
    k->is_busy = false;
    step(k);
}

static void on_fetched(void *arg, const struct err *err) {
    struct email_check *k = arg;
    k->is_busy = false;
    if (err)
        email_check_lost(k, err);
    else
        step(k);
}

static void fetch(struct email_check *k) {
    static const struct email_imap_fetch_fns fns = {
        on_mail, on_bytes, on_mail_end, on_fetched, NULL};
    struct err err;
    k->is_busy = true;
    if (email_imap_fetch(k->imap, k->uids, k->nuids, KEPT_BYTES, &fns, k, &err) < 0)
        email_check_lost(k, &err);
}

static void on_uids(void *arg, const uint32_t *uids, size_t n, const struct err *err) {
    struct email_check *k = arg;
    k->is_busy = false;
    if (err) {
        email_check_lost(k, err);
        return;
    }
    k->nuids = n < EMAIL_CHECK_UIDS_MAX ? n : EMAIL_CHECK_UIDS_MAX;
    if (!k->nuids) {
        step(k);
        return;
    }
    /* All that are new, in turn; elsewhere the newest. */
    memcpy(k->uids, k->place == CHECK_FOLDER ? uids : uids + n - k->nuids, k->nuids * sizeof *uids);
    if (k->place == CHECK_FOLDER) {
        k->looked = k->uids[k->nuids - 1];
        k->is_new = k->is_new || n > k->nuids;
    }
    fetch(k);
}

static void search(struct email_check *k) {
    struct err err;
    int rc;
    k->is_busy = true;
    k->is_new = false;
    if (k->place == CHECK_FOLDER)
        rc = email_imap_search(k->imap, k->looked + 1, UIDS_MAX, on_uids, k, &err);
    else
        rc = email_imap_search_since(k->imap, clock_ms() - DAY_MS, ALL_MAX, on_uids, k, &err);
    if (rc < 0)
        email_check_lost(k, &err);
}

/* --- IDLE ------------------------------------------------------------------------------------ */

void email_check_on_new(struct email_check *k) {
    k->is_new = true;
    k->has_idle_told = k->has_idle_told || k->is_idling;
}

static void on_poll(void *arg) {
    struct email_check *k = arg;
    loop_timer_stop(&k->timer);
    k->is_new = true;
    step(k);
}

static void on_idle_over(void *arg, const struct err *err) {
    struct email_check *k = arg;
    k->is_busy = k->is_idling = false;
    k->is_new = true; /* some servers lose what they should tell */
    k->has_idled = k->has_idled || !err;
    if (err && email_imap_box(k->imap)->has_idle) {
        email_check_lost(k, err);
        return;
    }
    if (err) {
        say_idle_refused(k, err);
        k->polls = true;
    }
    step(k);
}

/* Where it does not serve, the server is asked. */
static void idle(struct email_check *k) {
    struct err err;
    if (k->polls) {
        loop_timer_stop(&k->timer);
        k->timer = loop_timer_start(k->e->base.env->loop, POLL_MS, 0, on_poll, k);
        return;
    }
    k->is_busy = k->is_idling = true;
    if (email_imap_idle(k->imap, ROUND_S, on_idle_over, k, &err) < 0)
        email_check_lost(k, &err);
}

static void on_waited(void *arg) {
    struct email_check *k = arg;
    loop_timer_stop(&k->wait);
    k->has_waited = k->is_new = true; /* a last look */
    if (k->is_idling)
        email_imap_wake(k->imap);
    else
        step(k);
}

/* --- the order of things --------------------------------------------------------------------- */

static void conclude(struct email_check *k) {
    say_arrived(k);
    email_check_end(k);
}

static void give_up(struct email_check *k) {
    if (k->has_idled)
        email_check_say(k, "ok", mem_strdup("the server takes IDLE"), NULL);
    email_check_end(k);
}

static void next_place(struct email_check *k) {
    email_imap_close(&k->imap);
    loop_timer_stop(&k->timer);
    k->place++;
    if (k->place == CHECK_MOVED && k->e->processed != EMAIL_MOVE)
        k->place++;
    if (k->place < CHECK_NOWHERE) {
        email_check_open(k);
        return;
    }
    say_missing(k);
    email_check_end(k);
}

static void step(struct email_check *k) {
    if (k->is_busy || !k->imap)
        return;
    if (k->uid && !k->was_removed) {
        remove_mail(k);
    } else if (k->uid) {
        if (k->is_sent) /* else the SMTP server's word is still to come */
            conclude(k);
    } else if (k->has_failed) {
        give_up(k);
    } else if (k->place != CHECK_FOLDER) {
        next_place(k);
    } else if (k->has_come_back) {
        say_missing(k);
        email_check_end(k);
    } else if (k->is_new) {
        search(k);
    } else if (k->has_waited) {
        next_place(k);
    } else {
        idle(k);
    }
}

/* What is still to be said of SMTP? */
static void after_loss(struct email_check *k) {
    if (k->is_sent || k->has_failed) {
        email_check_end(k);
    } else if (k->is_sending) {
        k->is_lost = true; /* on_sent() */
    } else {
        free(k->bytes);
        k->bytes = NULL;
        email_check_smtp(k);
    }
}

void email_check_lost(struct email_check *k, const struct err *err) {
    email_imap_close(&k->imap);
    k->is_busy = k->is_idling = false;
    if (k->uid) {
        k->left = *err;
        if (k->is_sent)
            conclude(k);
    } else if (k->place != CHECK_FOLDER) {
        next_place(k);
    } else {
        email_check_say(k, "fail",
            mem_printf("%s: while mail was waited for, %s", k->e->imap_url, err->text),
            "a session must live for minutes and be let read the folder: is a firewall in "
            "between, or are there too many sessions?");
        after_loss(k);
    }
}

void email_check_look(struct email_check *k) {
    k->is_busy = false;
    search(k);
}

/* --- sending --------------------------------------------------------------------------------- */

static const char *advice(const struct smtp_result *r) {
    if (r->outcome == SMTP_REFUSED)
        return "the login is good, but the server takes no mail from this address to itself: is "
               "`address` right, and may this user send under it?";
    if (r->outcome == SMTP_RETRY && r->code)
        return "the server puts mails off: try again in some minutes";
    return email_check_advice(&r->err);
}

static void on_sent(void *arg, const struct smtp_result *r) {
    struct email_check *k = arg;
    if (k->over)
        return;
    k->call = NULL;
    if (r->outcome == SMTP_ACCEPTED)
        email_check_say(k, "ok", mem_printf("mail goes out through %s", k->e->smtp_url), NULL);
    else if (r->outcome == SMTP_AMBIGUOUS)
        email_check_say(k, "warn", mem_printf("%s: %s", k->e->smtp_url, r->err.text),
            "such answers are sent twice: ask the provider, or look at the firewall");
    else
        email_check_say(k, "fail", mem_printf("%s: %s", k->e->smtp_url, r->err.text), advice(r));
    k->is_sent = r->outcome == SMTP_ACCEPTED || r->outcome == SMTP_AMBIGUOUS;
    k->has_failed = !k->is_sent;
    k->doing = "the wait for a mail to itself";
    if (k->is_lost) {
        email_check_end(k);
        return;
    }
    if (k->is_sent && k->uid && !k->imap) {
        conclude(k);
        return;
    }
    if (k->is_sent)
        k->wait = loop_timer_start(k->e->base.env->loop, k->o.wait_ms, 0, on_waited, k);
    else if (k->is_idling)
        email_imap_wake(k->imap);
    step(k);
}

void email_check_send(struct email_check *k, const struct mail_server *server) {
    const char *const to[] = {k->e->address, NULL};
    struct smtp_message m = {.from = k->e->address,
        .to = to,
        .bytes = span_of(k->bytes, k->n),
        .helo = k->e->domain,
        .timeout_ms = SMTP_MS};
    k->doing = "the sending of a mail to itself";
    k->began_ms = clock_mono_ms();
    k->call = smtp_call_start(email_shared_get(k->e)->smtp, server, &m, on_sent, k);
}

static int compose(struct email_check *k, struct err *err) {
    const struct email *e = k->e;
    const char *const to[] = {e->address, NULL}, *key = email_check_key(k->e);
    char nonce[ID_SIZE];
    bool needs_utf8;
    if (!key)
        return err_set(err, ERR_INTERNAL, "there is no memory for it");
    id_make(0, nonce);
    k->mark = email_check_mark(key, e->address, nonce);
    char *id = mem_printf("%s@%s", k->mark, e->domain);
    struct email_draft d = {.from_name = e->name,
        .from = e->address,
        .reply_to = "",
        .to = to,
        .subject = "Switchboard: a check of this mailbox",
        .message_id = id,
        .in_reply_to = "",
        .text = "The mailbox sends this mail to itself, to see that mail goes out and comes in.\n"
                "It is removed again at once; if it was left here, you can delete it.\n\n"
                "Этим письмом ящик проверяет, что почта отправляется и приходит. Оно сразу\n"
                "удаляется; если оно осталось здесь, его можно удалить.\n",
        .html = "",
        .signature = "",
        .quote_intro = "",
        .quote_text = "",
        .date_ms = clock_ms(),
        .auto_submitted = "auto-generated",
        .instance = k->mark,
        .size_max = KEPT_BYTES};
    int rc = email_compose(&d, &k->bytes, &k->n, &needs_utf8, err);
    free(id);
    return rc;
}

static void begin(struct email_check *k) {
    k->is_sending = true;
    email_check_smtp(k);
    step(k);
}

/* The server did not say where new mails begin. */
static void on_first_uids(void *arg, const uint32_t *uids, size_t n, const struct err *err) {
    struct email_check *k = arg;
    k->is_busy = false;
    if (err) {
        email_check_lost(k, err);
        return;
    }
    k->looked = n ? uids[n - 1] : 0;
    begin(k);
}

void email_check_mail(struct email_check *k) {
    const struct email_imap_box *box = email_imap_box(k->imap);
    struct err err;
    k->is_busy = false;
    k->polls = !box->has_idle;
    k->looked = box->uidnext ? box->uidnext - 1 : 0;
    if (compose(k, &err) < 0) {
        email_check_say(k, "fail", mem_printf("a mail to itself cannot be made: %s", err.text),
            "check name and address");
        email_check_end(k);
    } else if (box->uidnext) {
        begin(k);
    } else {
        k->is_busy = true;
        if (email_imap_search(k->imap, 1, ALL_MAX, on_first_uids, k, &err) < 0)
            email_check_lost(k, &err);
    }
}

/* --- without a mail -------------------------------------------------------------------------- */

static void on_idle_tried(void *arg, const struct err *err) {
    struct email_check *k = arg;
    if (err && email_imap_box(k->imap)->has_idle) {
        email_check_lost(k, err);
        return;
    }
    if (err)
        say_idle_refused(k, err);
    else
        email_check_say(k, "ok", mem_strdup("the server takes IDLE"), NULL);
    email_imap_close(&k->imap);
    email_check_smtp(k);
}

void email_check_idle_only(struct email_check *k) {
    struct err err;
    if (!email_imap_box(k->imap)->has_idle) {
        email_imap_close(&k->imap);
        email_check_smtp(k);
        return;
    }
    k->is_busy = true;
    if (email_imap_idle(k->imap, ROUND_S, on_idle_tried, k, &err) < 0)
        email_check_lost(k, &err);
    else
        email_imap_wake(k->imap);
}
