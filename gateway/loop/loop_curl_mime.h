/* loop_curl_mime.h - a multipart/form-data body for curl, read from memory and from files as curl
 * asks for it. Part of loop_curl.c. */
#ifndef SB_LOOP_LOOP_CURL_MIME_H
#define SB_LOOP_LOOP_CURL_MIME_H

#include <curl/curl.h>

#include "loop/loop_curl.h"

struct loop_curl_mime;

/* Copies the parts, owns their files and makes them the body of the request. */
struct loop_curl_mime *loop_curl_mime_create(
    CURL *easy, const struct loop_curl_part *parts, size_t nparts);
/* Closes the files. After curl_easy_cleanup(); takes NULL. */
void loop_curl_mime_free(struct loop_curl_mime *m);

/* Why a part could not be read; NULL: all could. */
const struct err *loop_curl_mime_error(const struct loop_curl_mime *m);

#endif
