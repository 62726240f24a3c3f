/* email_recipients.c - see email_recipients.h. */
#include "base/json_text.h"
#include "connectors/email/email_recipients.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "connectors/email/email_compose.h"

#define RECIPIENTS_MAX 100

struct gathering {
    struct email_recipients *r;
    size_t nall;
    const char *own;
    struct err *err;
};

static bool is_there(const struct gathering *g, const char *address) {
    for (size_t i = 0; i < g->nall; i++)
        if (strcasecmp(g->r->all[i], address) == 0)
            return true;
    return false;
}

/* support+anything@x.org is ours as support@x.org is. */
static bool is_own(const struct gathering *g, const char *address) {
    const char *at = strrchr(g->own, '@'), *theirs = strrchr(address, '@');
    size_t local = (size_t)(at - g->own);
    return theirs && strcasecmp(at, theirs) == 0 && strncasecmp(address, g->own, local) == 0 &&
           (address[local] == '@' || address[local] == '+');
}

static int add(struct gathering *g, const char **list, const char *address) {
    size_t n = 0;
    char *good = email_address_check(address, g->err);
    if (!good)
        return -1;
    if (is_own(g, good) || is_there(g, good)) {
        free(good);
        return 0;
    }
    if (g->nall == RECIPIENTS_MAX) {
        free(good);
        return err_set(g->err, ERR_INVALID, "a mail has at most %d recipients", RECIPIENTS_MAX);
    }
    while (list[n])
        n++;
    list[n] = good;
    g->r->all[g->nall++] = good;
    return 0;
}

static int add_list(struct gathering *g, const char **list, const json_t *addresses) {
    size_t i;
    json_t *a;
    json_array_foreach((json_t *)addresses, i, a) {
        const char *s = json_is_string(a) ? json_string_value(a) : json_text(a, "address");
        if (add(g, list, s) < 0)
            return -1;
    }
    return 0;
}

/* The others of a mail that came in: an address that is none is no reason to send nothing. */
static void add_others(struct gathering *g, const char **list, const json_t *addresses) {
    struct err ignored, *err = g->err;
    size_t i;
    json_t *a;
    g->err = &ignored;
    json_array_foreach((json_t *)addresses, i, a) {
        add(g, list, json_text(a, "address"));
    }
    g->err = err;
}

static int gather(
    struct gathering *g, const json_t *body, const json_t *answered, const char *client) {
    const json_t *email = json_object_get(answered, "email");
    struct email_recipients *r = g->r;
    add_others(g, r->to, json_object_get(email, "reply_to"));
    if (!g->nall)
        add_others(g, r->to, json_object_get(email, "from"));
    if (!g->nall && add(g, r->to, client) < 0)
        return -1;
    bool client_wrote =
        strcasecmp(
            json_text(json_array_get(json_object_get(email, "from"), 0), "address"), client) == 0;
    if (email && !client_wrote && add(g, r->cc, client) < 0)
        return -1;
    if (json_is_true(json_object_get(body, "reply_all"))) {
        add_others(g, r->cc, json_object_get(email, "to"));
        add_others(g, r->cc, json_object_get(email, "cc"));
    }
    if (add_list(g, r->cc, json_object_get(body, "cc")) < 0 ||
        add_list(g, r->bcc, json_object_get(body, "bcc")) < 0)
        return -1;
    return g->nall ? 0 : err_set(g->err, ERR_INVALID, "the mail would go to ourselves only");
}

int email_recipients(struct email_recipients *r, const json_t *body, const json_t *answered,
    const char *client, const char *own, struct err *err) {
    struct gathering g = {.r = r, .own = own, .err = err};
    const char ***lists[] = {&r->to, &r->cc, &r->bcc, &r->all};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        *lists[i] = mem_zalloc((RECIPIENTS_MAX + 1) * sizeof **lists[i]);
    return gather(&g, body, answered, client);
}

void email_recipients_free(struct email_recipients *r) {
    for (size_t i = 0; r->all && r->all[i]; i++)
        free((char *)r->all[i]);
    free(r->to);
    free(r->cc);
    free(r->bcc);
    free(r->all);
}
