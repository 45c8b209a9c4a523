#pragma once
/*
 * TCP listener and stream for servers, on uv. Bytes, no meaning. A machine: callbacks, no flows.
 *
 * Writing gathers: tcp_write only appends; what one turn appended leaves in one send at the turn's
 * end. TCP_NODELAY is on. Reading stops and starts with tcp_pause/tcp_resume. The end of the peer's
 * stream and resets are reported even while nothing is written; while reading is paused the kernel is
 * asked once a second.
 *
 *   adopted --on_end--> over (nothing comes any more; writing may go on after status 0)
 *           --tcp_end--> on_sent when all has left and our side is shut
 *           --tcp_close--> on_closed: the last callback; the stream frees itself
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
    /* The peer has ended its side (status 0), the connection broke (< 0), or the peer took nothing
     * for the stall limit (-ETIMEDOUT). Once; a break after a status 0 comes as a second call. */
    void (*on_end)(void *owner, int status);
    /* Unsent bytes fell to or below the low-water mark after having been above the high one. */
    void (*on_drain)(void *owner);
    /* After tcp_end: everything is with the kernel and our side is shut. May be NULL. */
    void (*on_sent)(void *owner);
    /* After tcp_close: the handle is gone, memory of `owner` may go. */
    void (*on_closed)(void *owner);
};

struct tcp_spec {
    void *owner;
    const struct tcp_events *events;
    size_t high_bytes, low_bytes; /* water marks of unsent bytes */
    uint32_t stall_ms; /* longest time without a byte leaving while some wait; 0: no limit */
};

/* host: numeric address or name resolved once, blocking, at start; port 0 picks one. Ignores SIGPIPE
 * for the whole process, since uv writes with write(2). */
int tcp_listen(struct loop *l, const char *host, int port, void *owner,
               void (*on_connection)(void *owner, struct tcp *stream),
               struct tcp_listener **ret_listener, struct err *err) _must_check_;
int tcp_listener_port(const struct tcp_listener *tl);
void tcp_listener_close(struct tcp_listener *tl); /* NULL is fine; frees itself on the loop */

/* From on_connection: adopts the stream; one that is not adopted is closed. */
void tcp_adopt(struct tcp *t, const struct tcp_spec *spec);
void tcp_write(struct tcp *t, struct str bytes); /* copied; ignored after tcp_end or a break */
size_t tcp_unsent(const struct tcp *t);
bool tcp_is_over(const struct tcp *t); /* unsent bytes have been above high and not yet at low */
void tcp_pause(struct tcp *t);
void tcp_resume(struct tcp *t);
void tcp_end(struct tcp *t);               /* sends what is left, then shuts our side */
void tcp_close(struct tcp *t);             /* drops what is unsent; idempotent */
const char *tcp_peer(const struct tcp *t); /* "127.0.0.1:4711"; as long as t */
