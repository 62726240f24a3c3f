/* loop_curl_mime.c - the parts of a form. Each is read once and never again from its beginning: see
 * on_part_rewind. */
#include "loop/loop_curl_mime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

struct part {
    struct loop_curl_mime *m;
    char *data; /* of a part without a file */
    int fd;     /* or -1 */
    uint64_t size, at;
};

struct loop_curl_mime {
    curl_mime *mime;
    struct err err;
    size_t n;
    struct part parts[];
};

/* --- what curl asks of a part ---------------------------------------------------------------- */

static size_t read_file(struct part *p, char *to, size_t n) {
    ssize_t got;
    do
        got = read(p->fd, to, n);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        return (size_t)got;
    if (got < 0)
        err_set(&p->m->err, ERR_IO, "the file to send cannot be read: %s", strerror(errno));
    else
        err_set(&p->m->err, ERR_IO, "the file to send is shorter than was said");
    return CURL_READFUNC_ABORT;
}

static size_t on_part_wanted(char *to, size_t size, size_t n, void *arg) {
    struct part *p = arg;
    size_t take = size * n;
    if (take > p->size - p->at)
        take = (size_t)(p->size - p->at);
    if (take == 0)
        return 0;
    if (p->fd >= 0) {
        take = read_file(p, to, take);
        if (take == CURL_READFUNC_ABORT)
            return take;
    } else {
        memcpy(to, p->data + p->at, take);
    }
    p->at += take;
    return take;
}

/* Going back would let curl send the form a second time: see on_begin in loop_curl.c. */
static int on_part_rewind(void *arg, curl_off_t offset, int origin) {
    (void)arg;
    (void)offset;
    (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

/* --- making and freeing ---------------------------------------------------------------------- */

/* As browsers do it: a quote is %22 (and there are no control characters). */
static void add_quoted(struct buf *b, const char *s) {
    buf_adds(b, "\"");
    for (; *s; s++)
        if (*s == '"')
            buf_adds(b, "%22");
        else
            buf_add(b, s, 1);
    buf_adds(b, "\"");
}

/* In curl's place, which guesses a type where it knows of a file name and of no type. */
static void set_untyped_names(curl_mimepart *to, const struct loop_curl_part *from) {
    struct buf b;
    buf_init(&b, SIZE_MAX);
    buf_adds(&b, "Content-Disposition: form-data; name=");
    add_quoted(&b, from->name);
    buf_adds(&b, "; filename=");
    add_quoted(&b, from->file_name);
    struct curl_slist *headers = curl_slist_append(NULL, buf_str(&b));
    if (!headers || curl_mime_headers(to, headers, 1) != CURLE_OK)
        abort(); /* out of memory */
    buf_free(&b);
}

static void set_names(curl_mimepart *to, const struct loop_curl_part *from) {
    if (curl_mime_name(to, from->name) != CURLE_OK ||
        curl_mime_filename(to, from->file_name) != CURLE_OK ||
        curl_mime_type(to, from->type) != CURLE_OK)
        abort(); /* out of memory */
}

static void add_part(struct loop_curl_mime *m, struct part *p, const struct loop_curl_part *from) {
    curl_mimepart *to = curl_mime_addpart(m->mime);
    if (!to)
        abort(); /* out of memory */
    p->m = m;
    p->fd = from->fd;
    p->size = from->size;
    if (from->fd < 0) {
        p->size = from->data.n;
        p->data = mem_strndup(from->data.p ? from->data.p : "", from->data.n);
    }
    if (from->file_name && !from->type)
        set_untyped_names(to, from);
    else
        set_names(to, from);
    if (curl_mime_data_cb(to, (curl_off_t)p->size, on_part_wanted, on_part_rewind, NULL, p) !=
        CURLE_OK)
        abort(); /* out of memory */
}

struct loop_curl_mime *loop_curl_mime_create(
    CURL *easy, const struct loop_curl_part *parts, size_t nparts) {
    struct loop_curl_mime *m = mem_zalloc(sizeof *m + nparts * sizeof m->parts[0]);
    m->n = nparts;
    m->mime = curl_mime_init(easy);
    if (!m->mime)
        abort(); /* out of memory */
    for (size_t i = 0; i < nparts; i++)
        add_part(m, &m->parts[i], &parts[i]);
    curl_easy_setopt(easy, CURLOPT_MIMEPOST, m->mime);
    return m;
}

void loop_curl_mime_free(struct loop_curl_mime *m) {
    if (!m)
        return;
    curl_mime_free(m->mime);
    for (size_t i = 0; i < m->n; i++) {
        free(m->parts[i].data);
        if (m->parts[i].fd >= 0)
            close(m->parts[i].fd);
    }
    free(m);
}

const struct err *loop_curl_mime_error(const struct loop_curl_mime *m) {
    return m && m->err.code != ERR_NONE ? &m->err : NULL;
}
