#pragma once
/*
 * TCP listener and stream for servers, on uv. Bytes, no meaning. A machine: callbacks, no flows.
 *
 * Writing gathers: tcp_write only appends; what one turn appended leaves in one send at the turn's end.
 * TCP_NODELAY is on. Reading stops and starts with tcp_pause/tcp_resume; the end of the peer's stream
 * and resets are reported even while nothing is written.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "loop/loop.h"

struct tcp;
struct tcp_listener;

struct tcp_events {
    /* Bytes that came; borrowed for the call. */
    void (*on_data)(void *owner, struct str bytes);
    /* The peer has ended its side (status 0) or the connection broke (< 0). Once. */
    void (*on_end)(void *owner, int status);
    /* Unsent bytes fell to or below the low-water mark after having been above the high one. */
    void (*on_drain)(void *owner);
    /* After tcp_close: the handle is gone, memory of `owner` may go. */
    void (*on_closed)(void *owner);
};

/* host: numeric address or name resolved once at start; port 0 picks one. */
int tcp_listen(struct loop *l, const char *host, int port, void *owner,
               void (*on_connection)(void *owner, struct tcp *stream),
               struct tcp_listener **ret_listener, struct err *err) _must_check_;
int tcp_listener_port(const struct tcp_listener *tl);
void tcp_listener_close(struct tcp_listener *tl); /* NULL is fine; frees itself on the loop */

/* From on_connection: adopts the stream. high_bytes/low_bytes are the water marks of unsent bytes. */
void tcp_adopt(struct tcp *t, void *owner, const struct tcp_events *events, size_t high_bytes,
               size_t low_bytes);
void tcp_write(struct tcp *t, struct str bytes); /* copied; ignored after an error */
size_t tcp_unsent(const struct tcp *t);
bool tcp_is_over(const struct tcp *t); /* unsent bytes are above the high-water mark */
void tcp_pause(struct tcp *t);
void tcp_resume(struct tcp *t);
void tcp_end(struct tcp *t);   /* sends what is left, then closes our side */
void tcp_close(struct tcp *t); /* drops what is unsent */
const char *tcp_peer(const struct tcp *t); /* "127.0.0.1:4711"; as long as t */
uint64_t tcp_progress_ns(const struct tcp *t); /* when bytes last left; for slow-reader checks */
