/* email_imap.c - the session: its beginning and end, what the server says unasked, deadlines. The
 * commands are email_imap_fetch.c and email_imap_command.c. */
#include "connectors/email/email_imap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/email/email_imap_private.h"
#include "connectors/email/email_imap_text.h"

#define CONNECT_MS 30000u
#define ANSWER_MS 120000u
#define DONE_MS 30000u
#define MOVED_LEAST 262144u /* bytes a deadline */
#define ALERTS_MAX 5u       /* that are logged of one session */

/* --- the end --------------------------------------------------------------------------------- */

static void free_session(struct email_imap *s) {
    mail_stream_close(&s->stream);
    loop_timer_stop(&s->timer);
    email_imap_parse_free(&s->parse);
    email_imap_free_command(s);
    buf_free(&s->list.name);
    free(s->list.found);
    free(s->sent);
    free(s->use);
    free(s->folder);
    free(s->host);
    free(s);
}

static void leave(struct email_imap *s) {
    s->inside = false;
    if (s->gone)
        free_session(s);
}

static int end(struct email_imap *s, const struct err *err) {
    const struct email_imap_command *command = s->command;
    if (s->gone)
        return -1;
    s->command = NULL;
    s->ready = false; /* the command's function can begin no other */
    if (command && command->tell)
        command->tell(s, err);
    if (!s->gone) {
        s->gone = true;
        s->fns.on_closed(s->arg, err);
    }
    return -1;
}

int email_imap_fail(struct email_imap *s, enum err_code code, const char *fmt, ...) {
    struct err err;
    va_list ap;
    va_start(ap, fmt);
    err_setv(&err, code, fmt, ap);
    va_end(ap);
    return end(s, &err);
}

void email_imap_close(struct email_imap **s_) {
    struct email_imap *s = *s_;
    if (!s)
        return;
    *s_ = NULL;
    if (s->ready)
        mail_stream_send(s->stream, span_str("x LOGOUT\r\n"));
    s->gone = true;
    if (!s->inside)
        free_session(s);
}

/* --- commands -------------------------------------------------------------------------------- */

void email_imap_set_timer(struct email_imap *s, unsigned ms) {
    s->armed = ms > 0;
    s->moved = 0;
    s->unsent = mail_stream_unsent(s->stream);
    s->fetch.mails = 0;
    if (!s->paused)
        loop_timer_again(s->timer, ms ? ms : UINT32_MAX, 0);
}

void email_imap_send(
    struct email_imap *s, const struct email_imap_command *command, const char *fmt, ...) {
    va_list ap;
    char *text = NULL;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        abort(); /* out of memory */
    s->command = command;
    snprintf(s->tag, sizeof s->tag, "s%u", ++s->commands);
    char *line = mem_printf("%s %s\r\n", s->tag, text);
    mail_stream_send(s->stream, span_str(line));
    free(line);
    free(text);
    email_imap_set_timer(s, s->options.answer_ms);
}

void email_imap_finish(struct email_imap *s, const struct err *err) {
    const struct email_imap_command *command = s->command;
    s->command = NULL;
    email_imap_set_timer(s, 0);
    command->tell(s, err);
}

int email_imap_may_begin(const struct email_imap *s, struct err *err) {
    if (!s->ready || s->gone || s->command)
        return err_set(err, ERR_CONFLICT,
            s->ready ? "the session has a command running" : "the session is not ready");
    return 0;
}

static void on_overdue(void *arg) {
    struct email_imap *s = arg;
    if (!s->armed || !s->command || s->paused)
        return;
    size_t unsent = mail_stream_unsent(s->stream);
    size_t moved = s->moved + (s->unsent > unsent ? s->unsent - unsent : 0);
    s->inside = true;
    if (s->command->moves_mails && (moved >= MOVED_LEAST || s->fetch.mails))
        email_imap_set_timer(s, s->options.answer_ms);
    else if (s->command->on_overdue)
        s->command->on_overdue(s);
    else
        email_imap_fail(s, ERR_TIMEOUT, "the server was too slow at %s", s->command->name);
    leave(s);
}

void email_imap_pause(struct email_imap *s, bool paused) {
    if (s->paused == paused || s->gone)
        return;
    s->paused = paused;
    mail_stream_pause(s->stream, paused);
    if (paused)
        loop_timer_again(s->timer, UINT32_MAX, 0);
    else if (s->armed)
        email_imap_set_timer(s, s->options.answer_ms);
}

/* --- what the server says -------------------------------------------------------------------- */

static void clean_words(struct span text, char *out, size_t size) {
    char *copy = mem_strndup(text.n ? text.p : "", text.n);
    char *clean = utf8_clean_name(copy, 200);
    snprintf(out, size, "%s", clean);
    utf8_repair(out);
    free(clean);
    free(copy);
}

bool email_imap_code_is(const struct email_imap_event *e, const char *code) {
    size_t n = strlen(code);
    return e->code.n >= n && strncasecmp(e->code.p, code, n) == 0 &&
           (e->code.n == n || e->code.p[n] == ' ');
}

static enum err_code refusal_code(const struct email_imap_event *e) {
    if (email_imap_code_is(e, "TRYCREATE") || email_imap_code_is(e, "NONEXISTENT"))
        return ERR_NOT_FOUND;
    if (email_imap_code_is(e, "NOPERM") || email_imap_code_is(e, "AUTHORIZATIONFAILED"))
        return ERR_DENIED;
    if (email_imap_code_is(e, "OVERQUOTA") || email_imap_code_is(e, "TOOBIG"))
        return ERR_TOO_LARGE;
    return ERR_UNAVAILABLE;
}

int email_imap_answer_error(
    const struct email_imap *s, const struct email_imap_event *e, struct err *err) {
    char words[256];
    if (span_eq(e->name, "OK"))
        return 0;
    clean_words(e->text, words, sizeof words);
    return err_set(err, refusal_code(e), "the server refused %s: %s%.*s%s%s", s->command->name,
        e->code.n ? "[" : "", e->code.n < 40 ? (int)e->code.n : 40, e->code.n ? e->code.p : "",
        e->code.n ? "] " : "", words);
}

static uint32_t code_number(const struct email_imap_event *e) {
    const char *space = memchr(e->code.p, ' ', e->code.n);
    uint32_t value = 0;
    if (space)
        email_imap_uid_read(
            span_of(space + 1, e->code.n - (size_t)(space + 1 - e->code.p)), &value);
    return value;
}

static int on_code(struct email_imap *s, const struct email_imap_event *e) {
    char words[256];
    const char *text = words;
    uint32_t number;
    if (email_imap_code_is(e, "ALERT")) {
        clean_words(e->text, words, sizeof words);
        if (s->alerts++ < ALERTS_MAX)
            LOG_WARN(s->env->log, "email.alert", LOG_S("host", s->host), LOG_S("text", text));
    } else if (email_imap_code_is(e, "UIDVALIDITY") && (number = code_number(e))) {
        if (s->ready && number != s->box.uidvalidity)
            return email_imap_fail(s, ERR_UNAVAILABLE, "the folder was made anew meanwhile");
        s->box.uidvalidity = number;
    } else if (email_imap_code_is(e, "UIDNEXT") && (number = code_number(e))) {
        s->box.uidnext = number;
    } else if (email_imap_code_is(e, "PERMANENTFLAGS")) {
        s->box.takes_keywords = memmem(e->code.p, e->code.n, "\\*", 2) != NULL;
    } else if (email_imap_code_is(e, "READ-ONLY")) {
        s->box.read_only = true;
    } else if (email_imap_code_is(e, "READ-WRITE")) {
        s->box.read_only = false;
    }
    return 0;
}

static int on_status(struct email_imap *s, const struct email_imap_event *e) {
    char words[256];
    if (span_eq(e->name, "BYE")) {
        clean_words(e->text, words, sizeof words);
        return email_imap_fail(s, ERR_UNAVAILABLE, "the server ended the session: %s", words);
    }
    if (e->code.n && on_code(s, e) < 0)
        return -1;
    if (span_eq(e->tag, "*"))
        return 0;
    if (!s->command || !span_eq(e->tag, s->tag))
        return email_imap_fail(s, ERR_PROTOCOL, "the server answered what was not asked");
    s->command->on_answer(s, e);
    return 0;
}

static void on_exists(struct email_imap *s, uint64_t n) {
    bool more = n > s->box.exists;
    s->box.exists = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    if (!more || !s->ready)
        return;
    s->fns.on_new(s->arg);
    if (!s->gone)
        email_imap_on_news(s);
}

static void on_capability(struct email_imap *s, struct span word) {
    s->box.has_idle = s->box.has_idle || span_ieq(word, "IDLE");
    s->box.has_move = s->box.has_move || span_ieq(word, "MOVE");
    s->box.has_uidplus = s->box.has_uidplus || span_ieq(word, "UIDPLUS");
    s->box.has_special_use = s->box.has_special_use || span_ieq(word, "SPECIAL-USE");
    s->has_id = s->has_id || span_ieq(word, "ID");
    s->literal_plus = s->literal_plus || span_ieq(word, "LITERAL+");
    s->literal_minus = s->literal_minus || span_ieq(word, "LITERAL-");
    if (span_ieq(word, "IMAP4rev2")) /* has these without saying so */
        s->box.has_idle = s->box.has_move = s->box.has_uidplus = s->literal_minus = true;
}

static enum email_imap_data data_of(struct span name) {
    if (span_eq(name, "CAPABILITY"))
        return DATA_CAPABILITY;
    if (span_eq(name, "SEARCH"))
        return DATA_SEARCH;
    if (span_eq(name, "FETCH"))
        return DATA_FETCH;
    return span_eq(name, "LIST") ? DATA_LIST : DATA_OTHER;
}

static int on_data(struct email_imap *s, const struct email_imap_event *e) {
    if (e->kind == EMAIL_IMAP_DATA) {
        s->data = data_of(e->name);
        if (span_eq(e->name, "EXISTS"))
            on_exists(s, e->number);
        else if (span_eq(e->name, "EXPUNGE") && s->box.exists)
            s->box.exists--;
    }
    if (s->gone)
        return -1;
    if (s->data == DATA_CAPABILITY && e->kind == EMAIL_IMAP_ATOM)
        on_capability(s, e->text);
    if (s->data != DATA_OTHER && s->command && s->command->wants == s->data)
        return s->command->on_data(s, e);
    return 0;
}

static int on_event(void *arg, const struct email_imap_event *e) {
    struct email_imap *s = arg;
    int rc = 0;
    if (e->kind == EMAIL_IMAP_STATUS)
        rc = on_status(s, e);
    else if (e->kind != EMAIL_IMAP_GO_ON)
        rc = on_data(s, e);
    else if (s->command && s->command->on_go_on)
        s->command->on_go_on(s);
    return s->gone ? -1 : rc;
}

/* --- the beginning --------------------------------------------------------------------------- */

static void on_selected(struct email_imap *s, const struct email_imap_event *e) {
    struct err err;
    if (email_imap_answer_error(s, e, &err) < 0) {
        bool plain_no = span_eq(e->name, "NO") && !e->code.n;
        email_imap_fail(s, plain_no ? ERR_NOT_FOUND : err.code, "%s", err.text);
    } else if (!s->box.uidvalidity) {
        email_imap_fail(s, ERR_PROTOCOL, "the server names no UIDVALIDITY of the folder");
    } else {
        s->command = NULL;
        email_imap_set_timer(s, 0);
        s->ready = true;
        s->fns.on_ready(s->arg, &s->box);
    }
}

static const struct email_imap_command select_command = {
    .name = "the folder", .on_answer = on_selected};

void email_imap_select(struct email_imap *s) {
    email_imap_send(s, &select_command, "SELECT %s", s->folder);
}

static void go_to_folder(struct email_imap *s) {
    if (s->folder)
        email_imap_select(s);
    else
        email_imap_find_folder(s);
}

static void on_id(struct email_imap *s, const struct email_imap_event *e) {
    (void)e; /* even a refusal is no matter */
    go_to_folder(s);
}

static const struct email_imap_command id_command = {.name = "ID", .on_answer = on_id};

static void on_capabilities(struct email_imap *s, const struct email_imap_event *e) {
    struct err err;
    if (email_imap_answer_error(s, e, &err) < 0)
        email_imap_fail(s, err.code, "%s", err.text);
    else if (s->has_id) /* some let nobody in who does not say a name */
        email_imap_send(s, &id_command, "ID (\"name\" \"switchboard\")");
    else
        go_to_folder(s);
}

static const struct email_imap_command capability_command = {
    .name = "CAPABILITY", .on_answer = on_capabilities};

static void on_open(void *arg) {
    struct email_imap *s = arg;
    s->inside = true;
    if (s->folder || s->use)
        email_imap_send(s, &capability_command, "CAPABILITY");
    else
        email_imap_fail(s, ERR_INVALID, "this can be no folder's name");
    leave(s);
}

static void on_bytes(void *arg, struct span bytes) {
    struct email_imap *s = arg;
    struct err err = {0};
    s->inside = true;
    s->moved += bytes.n;
    if (!s->gone && email_imap_parse_feed(s->parse, bytes, &err) < 0 && !s->gone)
        end(s, &err);
    leave(s);
}

static void on_closed(void *arg, const struct err *err) {
    struct email_imap *s = arg;
    s->inside = true;
    end(s, err);
    leave(s);
}

static char *host_of(const char *url) {
    const char *host = url ? strstr(url, "://") : NULL;
    return host ? mem_strndup(host + 3, strcspn(host + 3, "/")) : mem_strdup("");
}

struct email_imap *email_imap_open(const struct env *env, struct mail_streams *streams,
    const struct mail_server *server, const struct email_imap_options *options,
    const struct email_imap_fns *fns, void *arg) {
    static const struct mail_stream_fns stream_fns = {
        .on_open = on_open, .on_bytes = on_bytes, .on_closed = on_closed};
    struct email_imap *s = mem_zalloc(sizeof *s);
    s->env = env;
    s->fns = *fns;
    s->arg = arg;
    s->options = (struct email_imap_options){
        .connect_ms = options->connect_ms ? options->connect_ms : CONNECT_MS,
        .answer_ms = options->answer_ms ? options->answer_ms : ANSWER_MS,
        .done_ms = options->done_ms ? options->done_ms : DONE_MS};
    s->use = options->use ? mem_strdup(options->use) : NULL;
    s->folder = s->use ? NULL : email_imap_folder_word(options->folder);
    s->host = host_of(server->url);
    s->parse = email_imap_parse_create(on_event, s);
    s->timer = loop_timer_start(env->loop, UINT32_MAX, 0, on_overdue, s);
    buf_init(&s->list.name, EMAIL_IMAP_NAME_MAX);
    buf_init(&s->append.bytes, MAIL_STREAM_UNSENT_MAX / 2);
    s->stream = mail_stream_open(streams, server, s->options.connect_ms, &stream_fns, s);
    return s;
}

const struct email_imap_box *email_imap_box(const struct email_imap *s) {
    return &s->box;
}
