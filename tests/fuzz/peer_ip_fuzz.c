/* peer_ip_fuzz.c - any text as an address, and as an X-Forwarded-For header: what is understood
 * survives being written and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/peer_ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const trusted_texts[] = {"127.0.0.0/8", "10.0.0.0/8", "fd00::/8", NULL};
    struct span text = span_of((const char *)data, size);
    struct peer_ip ip, again;
    struct peer_nets trusted;
    struct err err;
    char out[PEER_IP_TEXT];
    if (peer_ip_parse(text, &ip)) {
        peer_ip_format(&ip, out);
        if (!peer_ip_parse(span_str(out), &again) || !peer_ip_eq(&ip, &again))
            abort();
        peer_ip_is_public(&ip);
    }
    if (peer_nets_parse(trusted_texts, &trusted, &err) < 0)
        abort();
    peer_ip_parse(span_str("127.0.0.1"), &ip);
    peer_ip_unproxy(&ip, text, &trusted);
    peer_nets_free(&trusted);
    return 0;
}
