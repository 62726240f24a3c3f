/* loop_curl_multi.h - one multi handle of curl as a guest on the loop: a watch for each socket, one
 * timer for all. For the other curl files in this folder only. */
#ifndef SB_LOOP_LOOP_CURL_MULTI_H
#define SB_LOOP_LOOP_CURL_MULTI_H

#include <curl/curl.h>

#include "loop/loop.h"

struct loop_curl_multi;

/* The transfer is over. Called from the loop, never inside curl_multi_add_handle(). */
typedef void (*loop_curl_multi_fn)(void *arg, CURL *easy, CURLcode rc);

struct loop_curl_multi *loop_curl_multi_create(
    const struct env *env, loop_curl_multi_fn fn, void *arg);
/* All easy handles must have been removed. Not while curl is on the stack. */
void loop_curl_multi_destroy(struct loop_curl_multi **m);
/* To add and remove easy handles and to set limits. */
CURLM *loop_curl_multi_handle(struct loop_curl_multi *m);

/* A socket for a connection, to be asked for in curl's open callback: it is watched until curl
 * closes it, also while it is kept. CURL_SOCKET_BAD: there is none. */
curl_socket_t loop_curl_multi_open(struct loop_curl_multi *m, const struct curl_sockaddr *address);
/* For each easy handle that may open one: so that we hear of the close. */
void loop_curl_multi_closes(struct loop_curl_multi *m, CURL *easy);

/* Debian's curl looks for authorities in a file and in a directory that has the same ones. With a
 * directory each connection would read the file anew and hold it: 10 ms and 400 kB. */
void loop_curl_multi_share_authorities(struct loop_curl_multi *m, CURL *easy);

#endif
