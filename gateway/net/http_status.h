/* http_status.h - the names of HTTP statuses. */
#ifndef SB_NET_HTTP_STATUS_H
#define SB_NET_HTTP_STATUS_H

/* "Not Found" for 404; "Error" for one that we never send. */
const char *http_status_title(int status);

#endif
