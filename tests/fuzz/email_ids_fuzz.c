/* email_ids_fuzz.c - any bytes as a Message-ID, an address and a mail: nothing proves itself that
 * we did not make, and a mail has the same key in whatever pieces it comes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "connectors/email/email_ids.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good)
        abort();
}

/* What proves itself is what we would write. */
static void check_marks(const char *text) {
    struct email_mark m = {0};
    if (email_message_id_read("secret", "support", text, &m)) {
        char *own = email_message_id("secret", "support", &m, strrchr(text, '@') + 1);
        check(id_is_valid(m.thread) && strcasecmp(own, text) == 0);
        free(own);
    }
    if (email_reply_address_read("secret", "support", text, "a@b.org", &m)) {
        char *own = email_reply_address("secret", "support", m.thread, "a@b.org");
        check(own && strcasecmp(own, text) == 0);
        free(own);
    }
    if (email_check_mark_is("secret", "a@b.org", text))
        check(email_check_mark_may_be(text));
    char *reply = email_reply_address("secret", "support", "01JDFX3T5KABCDEFGHJ0123401", text);
    if (reply)
        check(email_reply_address_read("secret", "support", reply, text, &m));
    free(reply);
}

static void key_of(const uint8_t *data, size_t size, size_t piece, char out[33]) {
    struct email_key *k = email_key_begin();
    for (size_t at = 0; at < size; at += piece)
        email_key_add(k, span_of((const char *)data + at, piece < size - at ? piece : size - at));
    email_key_end(k, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char whole[33], pieces[33];
    if (crypto_start() < 0)
        abort();
    char *text = mem_strndup((const char *)data, size);
    check_marks(text);
    free(text);
    key_of(data, size, size ? size : 1, whole);
    key_of(data, size, size ? data[0] % 7 + 1u : 1, pieces);
    check(strcmp(whole, pieces) == 0 && strlen(whole) == 32);
    return 0;
}
