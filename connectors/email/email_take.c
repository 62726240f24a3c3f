/* email_take.c - a mail into its thread. Whose dialogue is it? The sender's own, unless the mail is
 * an answer in somebody else's and the sender took part there: our own mark in it, or the id of a
 * mail that we know, names the dialogue; nobody else can get in. A few steps, each safe to repeat:
 * when one fails, the mail is taken again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/email/email_body.h"
#include "connectors/email/email_bounce.h"
#include "connectors/email/email_ids.h"
#include "connectors/email/email_private.h"

#define CLUES_MAX 12 /* ids that are asked for */
#define PEOPLE_MAX 20
#define COPY_S (30u * 24 * 3600)
#define COPY_TRIES 3 /* for a mail that comes to another mailbox of ours, too: some seconds */

struct clue {
    char name[EMAIL_NAME_SIZE]; /* of what is kept: "t:<thread>" or "i:<hash>" */
    bool is_of_mail;            /* our mark in a Message-ID, not in the address it came to */
};

struct taking {
    struct email *e;
    struct email_taking in;
    email_taken_fn fn;
    void *arg;
    char *from; /* the sender's identity */
    char *from_name;
    char *address; /* whose dialogue it is */
    char *related; /* the dialogue that it names, but that is not the sender's */
    struct clue clues[CLUES_MAX];
    size_t nclues, clue;
    bool is_answer; /* a dialogue was found by a mark or an id */
    char copy_name[EMAIL_NAME_SIZE];
    struct email *other; /* of our mailboxes: the next to be asked for the same mail */
    struct email_taken out;
    char thread[ID_SIZE];
};

static void end(struct taking *k, const struct err *err) {
    k->fn(k->arg, &k->out, err);
    free(k->from);
    free(k->from_name);
    free(k->address);
    free(k->related);
    free(k);
}

static void end_later(void *arg) {
    end(arg, NULL);
}

/* --- who and where --------------------------------------------------------------------------- */

static bool address_from(struct taking *k, const json_t *list) {
    size_t i;
    json_t *a;
    json_array_foreach((json_t *)list, i, a) {
        k->from = email_identity(json_text(a, "address"));
        if (k->from) {
            k->from_name = mem_strdup(json_text(a, "name"));
            return true;
        }
    }
    return false;
}

/* From, else Sender, else the envelope; a mail of nobody has a dialogue of its own kind. */
static void find_sender(struct taking *k) {
    const json_t *mail = k->in.mail;
    if (address_from(k, json_object_get(mail, "from")) ||
        address_from(k, json_object_get(mail, "sender")))
        return;
    const char *path = mail ? json_text(mail, "return_path") : k->in.scanned;
    k->from = *path ? email_identity(path) : NULL;
    if (!k->from)
        k->from = mem_strdup("unknown@invalid");
    k->from_name = mem_strdup("");
}

static void add_clue(struct taking *k, char kind, const char *what, bool is_of_mail) {
    if (k->nclues == CLUES_MAX)
        return;
    struct clue *c = &k->clues[k->nclues++];
    c->is_of_mail = is_of_mail;
    if (kind == 't')
        snprintf(c->name, sizeof c->name, "t:%s", what);
    else
        email_kept_name(kind, what, c->name);
}

static void add_id(struct taking *k, const char *secret, const char *id) {
    struct email_mark mark;
    if (secret && email_message_id_read(secret, k->e->base.channel, id, &mark))
        add_clue(k, 't', mark.thread, true);
    else if (*id)
        add_clue(k, 'i', id, false);
}

static void add_reply_address(struct taking *k, const char *secret, const char *address) {
    struct email_mark mark;
    char *same = secret ? email_identity(address) : NULL; /* however its domain is written */
    if (same && email_reply_address_read(secret, k->e->base.channel, same, k->e->address, &mark))
        add_clue(k, 't', mark.thread, false);
    free(same);
}

/* Our mail server found that the sender is somebody else. */
static bool is_found_false(const struct taking *k) {
    const json_t *email = json_object_get(k->in.body, "email");
    return strcmp(json_text(json_object_get(email, "auth"), "dmarc"), "fail") == 0;
}

static bool is_bounce(const struct taking *k) {
    return strcmp(json_text(k->in.mail, "auto"), "bounce") == 0 && !is_found_false(k);
}

/* On delivery: by a mail server, as far as can be seen (email_auto.h). Anybody can write the rest
 * of it. */
static bool is_believed_report(const struct taking *k) {
    const json_t *report = json_object_get(k->in.mail, "report");
    return report && (is_bounce(k) || strcmp(json_text(report, "kind"), "read") == 0);
}

/* Our reply addresses first, then what it answers, then the chain from its end. */
static void find_clues(struct taking *k) {
    static const char *const where[] = {"to", "cc"};
    const json_t *mail = k->in.mail, *refs = json_object_get(mail, "references");
    const char *secret = connector_secret(&k->e->base);
    size_t i;
    json_t *one;
    for (size_t w = 0; w < ARRAY_LEN(where); w++)
        json_array_foreach(json_object_get(mail, where[w]), i, one) {
            add_reply_address(k, secret, json_text(one, "address"));
        }
    json_array_foreach(json_object_get(mail, "delivered_to"), i, one) {
        add_reply_address(k, secret, json_string_value(one));
    }
    json_array_foreach(json_object_get(mail, "in_reply_to"), i, one) {
        add_id(k, secret, json_string_value(one));
    }
    if (is_believed_report(k))
        json_array_foreach(json_object_get(json_object_get(mail, "report"), "original"), i, one) {
            add_id(k, secret, json_string_value(one));
        }
    for (i = json_array_size(refs); i-- > 0;)
        add_id(k, secret, json_string_value(json_array_get(refs, i)));
}

static void found_dialogue(struct taking *k);

/* --- people ---------------------------------------------------------------------------------- */

static const char *person_name(
    const char *dialogue, const char *person, char name[EMAIL_NAME_SIZE]) {
    char *both = mem_printf("%s|%s", dialogue, person);
    email_kept_name('p', both, name);
    free(both);
    return name;
}

/* Those whom the mail names besides the client and us may answer in his dialogue. */
static void remember_people(struct taking *k) {
    static const char *const where[] = {"from", "to", "cc"};
    char name[EMAIL_NAME_SIZE];
    size_t n = 0, i;
    json_t *one;
    for (size_t w = 0; w < ARRAY_LEN(where); w++)
        json_array_foreach(json_object_get(k->in.mail, where[w]), i, one) {
            char *who = n < PEOPLE_MAX ? email_identity(json_text(one, "address")) : NULL;
            if (who && strcmp(who, k->address) != 0 && !email_of_address(k->e, who)) {
                connector_keep(&k->e->base, person_name(k->address, who, name), span_str("1"),
                    EMAIL_REMEMBER_S);
                n++;
            }
            free(who);
        }
}

/* More than us got it: others may answer it. */
static bool has_company(const struct taking *k) {
    size_t n = json_array_size(json_object_get(k->in.mail, "to")) +
               json_array_size(json_object_get(k->in.mail, "cc"));
    return n > 1 || strcmp(k->from, k->address) != 0;
}

/* --- storing it ------------------------------------------------------------------------------ */

/* It is done with: should it come again, it is known. */
static void remember_key(struct taking *k) {
    char name[EMAIL_NAME_SIZE], *done = mem_printf("d%s", k->thread);
    snprintf(name, sizeof name, "m:%s", k->in.key);
    connector_keep(&k->e->base, name, span_str(done), EMAIL_REMEMBER_S);
    free(done);
}

static void remember_mail(struct taking *k) {
    const char *id = json_text(k->in.mail, "message_id");
    char name[EMAIL_NAME_SIZE];
    if (k->in.mail && has_company(k)) {
        remember_people(k);
        if (*id)
            connector_keep(&k->e->base, email_kept_name('i', id, name), span_str(k->address),
                EMAIL_REMEMBER_S);
    }
    remember_key(k);
}

static void on_shown(void *arg, const struct err *err) {
    struct taking *k = arg;
    if (err &&
        err->code == ERR_INVALID) { /* another try would hear the same; the message is there */
        LOG_ERROR(k->e->base.env->log, "email.files_not_shown",
            LOG_S("channel", k->e->base.channel), LOG_S("key", k->in.key), LOG_E(err));
        err = NULL;
    }
    if (!err)
        remember_mail(k);
    end(k, err);
}

/* Stored before, by a try that did not come to its end: its files are those of then. */
static void on_first(void *arg, json_t *messages, const struct err *err) {
    struct taking *k = arg;
    const json_t *m = json_array_get(messages, 0), *email = json_object_get(m, "email");
    json_t *files = json_array(), *one;
    size_t i;
    if (err || !m) {
        json_decref(files);
        on_shown(k, err);
        return;
    }
    json_array_foreach(json_object_get(m, "attachments"), i, one) {
        if (json_object_get(one, "id"))
            json_array_append(files, one);
    }
    if (*json_text(email, "html"))
        json_array_append_new(files, json_pack("{s:O}", "id", json_object_get(email, "html")));
    if (*json_text(email, "source"))
        json_array_append_new(files, json_pack("{s:O}", "id", json_object_get(email, "source")));
    if (json_array_size(files))
        connector_files_show(&k->e->base, json_text(m, "thread"), files, on_shown, k);
    else
        on_shown(k, NULL);
    json_decref(files);
}

static void on_stored(void *arg, const struct inbound_result *r, const struct err *err) {
    struct taking *k = arg;
    if (err) {
        end(k, err);
        return;
    }
    memcpy(k->thread, r->thread, ID_SIZE);
    k->out.duplicate = r->duplicate;
    if (r->duplicate) {
        connector_history(&k->e->base, r->thread, r->seq - 1, 1, on_first, k);
        return;
    }
    if (k->copy_name[0])
        connector_keep(&k->e->base, k->copy_name, span_str(r->message), COPY_S);
    connector_files_show(&k->e->base, r->thread, k->in.files, on_shown, k);
}

static void on_put(void *arg, const struct err *err) {
    struct taking *k = arg;
    const json_t *mail = k->in.mail;
    bool is_ours = email_of_address(k->e, k->from) != NULL;
    bool is_quiet = k->is_answer && (strcmp(json_text(mail, "auto"), "reply") == 0 ||
                                        strcmp(json_text(mail, "auto"), "bounce") == 0);
    if (err) {
        end(k, err);
        return;
    }
    struct inbound in = {.kind = is_ours && k->is_answer ? INBOUND_OWN : INBOUND_MESSAGE,
        .from = {EMAIL_KIND, k->address, k->from_name, false},
        .external_id = k->in.key,
        .past_ms = is_quiet ? clock_ms() : 0,
        .body = k->in.body};
    if (strcmp(k->address, k->from) != 0)
        in.from.name = NULL;
    connector_inbound(&k->e->base, &in, on_stored, k);
}

static void add_author(struct taking *k) {
    if (strcmp(k->address, k->from) == 0)
        return;
    json_object_set_new(k->in.body, "author",
        json_pack("{s:s,s:s}", "name", *k->from_name ? k->from_name : k->from, "address", k->from));
}

static void put(struct taking *k) {
    json_t *email = json_object_get(k->in.body, "email");
    add_author(k);
    if (k->related) {
        json_object_set_new(email, "warning", json_string("stranger"));
        json_object_set_new(email, "related", json_string(k->related));
    }
    connector_files_put(&k->e->base, k->in.files, on_put, k);
}

/* --- the same mail in another mailbox of ours ------------------------------------------------ */

static void ask_other(struct taking *k);

static void on_copy(void *arg, struct span value, const struct err *err) {
    struct taking *k = arg;
    if (!err && value.n) {
        json_object_set_new(
            json_object_get(k->in.body, "email"), "copy_of", json_stringn(value.p, value.n));
        put(k);
        return;
    }
    k->other = container_of(connector_next(&k->other->base), struct email, base);
    ask_other(k);
}

/* Does the mail name a mailbox of ours whose message is the first of the two? */
static bool names_first(const struct taking *k) {
    static const char *const where[] = {"to", "cc"};
    size_t i;
    json_t *one;
    for (size_t w = 0; w < ARRAY_LEN(where); w++)
        json_array_foreach(json_object_get(k->in.mail, where[w]), i, one) {
            const struct email *other = email_of_address(k->e, json_text(one, "address"));
            if (other && strcmp(other->base.channel, k->e->base.channel) < 0)
                return true;
        }
    return false;
}

static void ask_other(struct taking *k) {
    struct err waits;
    if (k->other != k->e) {
        connector_kept(&k->other->base, k->copy_name, on_copy, k);
    } else if (k->in.tries < COPY_TRIES && names_first(k)) {
        err_set(&waits, ERR_UNAVAILABLE, "the same mail is not yet taken from the other mailbox");
        end(k, &waits);
    } else {
        put(k);
    }
}

static void look_for_copy(struct taking *k) {
    const char *id = json_text(k->in.mail, "message_id");
    k->other = container_of(connector_next(&k->e->base), struct email, base);
    if (k->other == k->e || !*id) {
        put(k);
        return;
    }
    email_kept_name('x', id, k->copy_name);
    ask_other(k);
}

/* --- whose dialogue -------------------------------------------------------------------------- */

/* Written before the message: a second try after a crash comes to the same dialogue. */
static void on_intent(void *arg, const struct err *err) {
    struct taking *k = arg;
    if (err)
        end(k, err);
    else
        look_for_copy(k);
}

static void decide(struct taking *k, const char *address) {
    char name[EMAIL_NAME_SIZE], *intent;
    k->address = mem_strdup(address);
    if (!k->nclues) {
        look_for_copy(k);
        return;
    }
    intent = mem_printf("w%s", address);
    snprintf(name, sizeof name, "m:%s", k->in.key);
    connector_keep_sure(&k->e->base, name, span_str(intent), EMAIL_REMEMBER_S, on_intent, k);
    free(intent);
}

/* A stranger: he has a dialogue of his own, which names the other one. */
static void on_related(void *arg, const struct lookup_result *r, const struct err *err) {
    struct taking *k = arg;
    if (err) {
        end(k, err);
        return;
    }
    if (r->thread[0])
        k->related = mem_strdup(r->thread);
    free(k->address);
    k->address = NULL;
    decide(k, k->from);
}

static void on_person(void *arg, struct span value, const struct err *err) {
    struct taking *k = arg;
    if (err) {
        end(k, err);
        return;
    }
    if (!value.n) {
        struct identity other = {EMAIL_KIND, k->address, NULL, false};
        connector_lookup(&k->e->base, &other, on_related, k);
        return;
    }
    char *address = k->address;
    k->address = NULL;
    k->is_answer = true;
    decide(k, address);
    free(address);
}

/* k->address: whose dialogue the clue names. His own is his; into another's gets who took part in
 * it, or we, who is believed to be that. */
static void found_dialogue(struct taking *k) {
    char name[EMAIL_NAME_SIZE];
    bool is_of_ours = is_bounce(k) && k->clues[k->clue].is_of_mail;
    if (strcmp(k->address, k->from) == 0 || is_of_ours)
        on_person(k, span_str("1"), NULL);
    else if (is_found_false(k))
        on_person(k, span_of(NULL, 0), NULL);
    else if (email_of_address(k->e, k->from))
        on_person(k, span_str("1"), NULL);
    else
        connector_kept(&k->e->base, person_name(k->address, k->from, name), on_person, k);
}

static void ask_clue(struct taking *k);

static void on_clue(void *arg, struct span value, const struct err *err) {
    struct taking *k = arg;
    if (err) {
        end(k, err);
        return;
    }
    if (value.n) {
        k->address = mem_strndup(value.p, value.n);
        found_dialogue(k);
        return;
    }
    k->clue++;
    ask_clue(k);
}

static void ask_clue(struct taking *k) {
    if (k->clue < k->nclues)
        connector_kept(&k->e->base, k->clues[k->clue].name, on_clue, k);
    else
        decide(k, k->from);
}

/* An earlier try has decided. */
static void on_earlier(void *arg, struct span value, const struct err *err) {
    struct taking *k = arg;
    if (err) {
        end(k, err);
        return;
    }
    if (value.n > 1 && value.p[0] == 'w') {
        k->address = mem_strndup(value.p + 1, value.n - 1);
        k->is_answer = strcmp(k->address, k->from) != 0;
        look_for_copy(k);
        return;
    }
    ask_clue(k);
}

/* --- one mail -------------------------------------------------------------------------------- */

static void on_bounced(void *arg, bool is_whole, const struct err *err) {
    struct taking *k = arg;
    if (err) {
        end(k, err);
    } else if (is_whole) { /* told at its message: nothing else to show */
        k->out.dropped = true;
        remember_key(k);
        end(k, NULL);
    } else {
        ask_clue(k);
    }
}

/* What we sent ourselves comes back: our own copy, a list, a loop. */
static bool is_our_own(const struct taking *k) {
    char *instance = email_instance(k->e);
    bool same = instance && strcmp(json_text(k->in.mail, "ours"), instance) == 0;
    free(instance);
    return same;
}

static bool is_mark(struct email *e, const char *text) {
    const char *key = email_check_mark_may_be(text) ? email_check_key(e) : NULL;
    return key && email_check_mark_is(key, e->address, text);
}

/* A mail that a check of the mailbox sent: from itself, with a mark. Some providers write another
 * Message-ID. */
static bool is_check(const struct taking *k) {
    struct email *sender = email_of_address(k->e, k->from);
    return sender && (is_mark(sender, json_text(k->in.mail, "message_id")) ||
                         is_mark(sender, json_text(k->in.mail, "ours")));
}

/* ... or what a server says of one. */
static bool is_check_report(const struct taking *k) {
    size_t i;
    json_t *id;
    json_array_foreach(json_object_get(json_object_get(k->in.mail, "report"), "original"), i, id) {
        if (is_mark(k->e, json_string_value(id)))
            return true;
    }
    return false;
}

/* Nothing that an agent should see. */
static void drop(struct taking *k, const char *why) {
    LOG_INFO(
        k->e->base.env->log, why, LOG_S("channel", k->e->base.channel), LOG_S("key", k->in.key));
    k->out.dropped = true;
    remember_key(k);
    loop_defer(k->e->base.env->loop, end_later, k);
}

void email_take(const struct email_taking *in, email_taken_fn fn, void *arg) {
    struct taking *k = mem_zalloc(sizeof *k);
    char name[EMAIL_NAME_SIZE];
    k->e = in->e;
    k->in = *in;
    k->fn = fn;
    k->arg = arg;
    find_sender(k);
    if (in->mail && is_our_own(k)) {
        drop(k, "email.our_own");
        return;
    }
    k->out.is_check = in->mail && is_check(k);
    if (k->out.is_check || is_check_report(k)) {
        drop(k, "email.check");
        return;
    }
    find_clues(k);
    if (is_believed_report(k)) {
        email_bounce(k->e, in->mail, on_bounced, k);
    } else if (k->nclues) {
        snprintf(name, sizeof name, "m:%s", in->key);
        connector_kept(&k->e->base, name, on_earlier, k);
    } else {
        decide(k, k->from);
    }
}
