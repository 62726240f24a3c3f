/* metrics_list.h - every metric family: id, kind, name, label names joined by '|' (or ""), help.
 * Included with METRIC() defined; no include guard on purpose. */
METRIC(M_RECEIVED, METRIC_COUNTER, "sb_received_total", "channel|result",
    "Messages taken from channels, by result (stored, duplicate, refused, unavailable).")
METRIC(M_STORED, METRIC_COUNTER, "sb_stored_total", "direction",
    "Entries appended to threads (in, out, note, event).")
METRIC(M_STORE_SECONDS, METRIC_HISTOGRAM, "sb_store_seconds", "",
    "How long a sender waits for the store: from the append's first command to Redis's "
    "confirmation. "
    "Repeats that were recognised count too (sb_stored_total has new entries only); failures do "
    "not.")
METRIC(M_PUSHED, METRIC_COUNTER, "sb_pushed_total", "kind", "Frames written to websockets.")
METRIC(M_PUSH_SECONDS, METRIC_HISTOGRAM, "sb_push_seconds", "",
    "Age of an event when the last local socket has its frame.")
METRIC(M_DELIVERED, METRIC_COUNTER, "sb_delivered_total", "target|result",
    "Deliveries to channels and CRM targets, by result (ok, retry, rejected, unknown, cancelled).")
METRIC(M_DELIVERY_SECONDS, METRIC_HISTOGRAM, "sb_delivery_seconds", "target",
    "Time from storing a message to the end of its delivery.")
METRIC(M_STORING, METRIC_GAUGE, "sb_messages_storing", "",
    "Messages from channels on their way into the store.")
METRIC(M_QUEUE_DEPTH, METRIC_GAUGE, "sb_queue_depth", "queue", "Deliveries waiting, by queue.")
METRIC(M_QUEUE_OLDEST, METRIC_GAUGE, "sb_queue_oldest_seconds", "queue",
    "Age of the oldest waiting delivery, by queue.")
METRIC(M_DEAD, METRIC_COUNTER, "sb_dead_total", "target", "Deliveries given up.")
METRIC(M_WS_SESSIONS, METRIC_GAUGE, "sb_websocket_sessions", "kind", "Open websocket sessions.")
METRIC(M_WS_CLOSED, METRIC_COUNTER, "sb_websocket_closed_total", "kind|reason",
    "Websocket sessions closed by us, by reason (slow, idle, policy, drain).")
METRIC(M_WS_RESUMED, METRIC_COUNTER, "sb_websocket_resumed_total", "result",
    "Sessions that came back with a cursor (replayed, reset).")
METRIC(M_HTTP, METRIC_COUNTER, "sb_http_requests_total", "class", "HTTP answers by status class.")
METRIC(M_HTTP_SECONDS, METRIC_HISTOGRAM, "sb_http_seconds", "", "Time to answer an HTTP request.")
METRIC(M_REFUSED, METRIC_COUNTER, "sb_refused_total", "reason",
    "Requests, frames and logins refused (bad_request, rate, origin, auth, too_large, slow).")
METRIC(M_REDIS_ERRORS, METRIC_COUNTER, "sb_redis_errors_total", "kind",
    "Errors from Redis (timeout, disconnected, LOADING, OOM, MISCONF, READONLY, other).")
METRIC(M_REDIS_SECONDS, METRIC_HISTOGRAM, "sb_redis_seconds", "", "Round trip of a Redis command.")
METRIC(M_REDIS_UP, METRIC_GAUGE, "sb_redis_up", "", "1 while Redis accepts writes (per worker).")
METRIC(M_LOOP_LAG, METRIC_HISTOGRAM, "sb_loop_lag_seconds", "",
    "How late a 100 ms timer of the event loop fires.")
METRIC(M_LEASES, METRIC_GAUGE, "sb_leases", "", "Shards whose deliveries this gateway owns.")
METRIC(M_LOGIN, METRIC_COUNTER, "sb_logins_total", "result",
    "Sign-ins (ok, wrong, throttled; refused: a provider vouches for somebody who may not).")
METRIC(M_MEDIA_BYTES, METRIC_COUNTER, "sb_media_bytes_total", "direction",
    "Bytes of attachments taken in and given out.")
