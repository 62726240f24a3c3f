/* mail_server_fuzz.c - any bytes as a mail server's URL: what is taken is given to curl without a
 * login, a path, or anything but what a URL is made of. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/mail_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const schemes[] = {"smtp", "imap"};
    char *url = mem_strndup((const char *)data, size);
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct err err = {0};
        if (mail_server_url_check(url, schemes[i], &err) < 0) {
            if (err.code != ERR_INVALID)
                abort();
            continue;
        }
        char *curl = mail_server_curl_url(url);
        const char *host = strstr(curl, "://");
        if (!host || !host[3] || strstr(curl, "+plain") || strpbrk(host, "@?#\\%<> \t\r\n"))
            abort();
        free(curl);
    }
    free(url);
    return 0;
}
