/* email_oauth_answer_fuzz.c - any bytes as a token endpoint's answer: a token that can stand in a
 * login, or an error. The first byte chooses the status. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/email/email_oauth_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

static void check_token(const char *token) {
    for (; *token; token++)
        check(*token > ' ' && *token <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int statuses[] = {200, 400, 401, 503};
    struct email_oauth_answer a;
    struct err err = {0};
    if (!size)
        return 0;
    int rc = email_oauth_answer_read(statuses[data[0] % ARRAY_LEN(statuses)],
        span_of((const char *)data + 1, size - 1), &a, &err);
    check((rc == 0) == (err.code == ERR_NONE) && (rc == 0) == (a.access_token != NULL));
    if (rc == 0) {
        check(a.expires_s >= 1 && a.expires_s <= 86400);
        check_token(a.access_token);
        if (a.refresh_token)
            check_token(a.refresh_token);
    }
    check(utf8_is_valid(err.text, strlen(err.text)));
    free(a.access_token);
    free(a.refresh_token);
    return 0;
}
