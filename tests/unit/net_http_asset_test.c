/* net_http_asset_test.c - who takes gzip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/http_asset.h"

static void accept_encoding(void **state) {
    (void)state;
    static const char *const yes[] = {"gzip", "GZip", "br, gzip", "deflate;q=1, gzip;q=0.5",
        "gzip , br", "br;q=0,gzip", "gzip;q=1.0"};
    static const char *const no[] = {"", "br", "identity", "gzip;q=0", "gzip; q=0.0", "x-gzip",
        "gzipped", "br;x=gzip", ",,,", "gzip;q="};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!http_takes_gzip(yes[i]))
            fail_msg("\"%s\" takes it", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (http_takes_gzip(no[i]))
            fail_msg("\"%s\" does not take it", no[i]);
    assert_false(http_takes_gzip(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(accept_encoding)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
