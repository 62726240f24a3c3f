/* whatsapp_host.c - a link's server, compared with those of the platform. Pure. */
#include "connectors/whatsapp/whatsapp_host.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/span.h"

static bool is_of(struct span host, const char *domain) {
    size_t n = strlen(domain);
    return host.n >= n && strncasecmp(host.p + host.n - n, domain, n) == 0 &&
           (host.n == n || host.p[host.n - n - 1] == '.');
}

bool whatsapp_host_may_have_token(const char *url, const char *api_url) {
    static const char *const domains[] = {"fbsbx.com", "facebook.com", "fbcdn.net", "whatsapp.net"};
    size_t n = strlen(api_url);
    if (strpbrk(url, "@\\ \t\r\n"))
        return false;
    if (strncasecmp(url, api_url, n) == 0 && url[n] == '/')
        return true;
    if (strncasecmp(url, "https://", 8) != 0)
        return false;
    struct span host = span_of(url + 8, strcspn(url + 8, "/?#:"));
    if (url[8 + host.n] == ':')
        return false;
    for (size_t i = 0; i < ARRAY_LEN(domains); i++)
        if (is_of(host, domains[i]))
            return true;
    return false;
}
