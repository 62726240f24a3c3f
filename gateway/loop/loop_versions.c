/* loop_versions.c - versions of the libraries under the loop, as loaded. */
#include "loop/loop_versions.h"

#include <curl/curl.h>
#include <glob.h>
#include <hiredis/hiredis.h>
#include <libwebsockets.h>
#include <microhttpd.h>
#include <uv.h>

#include "base/mem.h"

void loop_versions(struct buf *out) {
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    buf_addf(out, "libuv %s, libwebsockets %s, libmicrohttpd %s, libcurl %s (%s), hiredis %d.%d.%d",
        uv_version_string(), lws_get_library_version(), MHD_get_version(), curl->version,
        curl->ssl_version ? curl->ssl_version : "no TLS", HIREDIS_MAJOR, HIREDIS_MINOR,
        HIREDIS_PATCH);
}

bool loop_has_websocket_plugin(void) {
    static const char *const places[] = {"/usr/lib/*/libwebsockets-evlib_uv.so*",
        "/usr/lib/libwebsockets-evlib_uv.so*", "/usr/lib64/libwebsockets-evlib_uv.so*",
        "/usr/local/lib/libwebsockets-evlib_uv.so*"};
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(places) && !found; i++) {
        glob_t g;
        found = glob(places[i], GLOB_NOSORT, NULL, &g) == 0;
        globfree(&g);
    }
    return found;
}
