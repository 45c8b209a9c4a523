#pragma once
/*
 * Server-sent events, in two dialects (requirements R5):
 *   SSE_FULL    /v1 paths: retry once, id, event, one data line, heartbeat comments
 *   SSE_LEGACY  other paths: only `data: <json>` lines, heartbeats {"type":"heartbeat"} as data
 * LF only; one event is one write. Headers for proxies: Cache-Control no-cache, no-transform,
 * X-Accel-Buffering no, Connection keep-alive.
 *
 *   _cleanup_(sse_done) struct sse s = SSE_INIT;
 *   r = sse_begin(f, &s, x, SSE_FULL, heartbeat_ms);
 *   r = sse_send(f, &s, "meta", json); ...
 *   r = sse_end(f, &s);
 *
 * Heartbeats go out by themselves, from a timer, whenever the stream has been silent for heartbeat_ms.
 * Source: WHATWG HTML §9.2; legacy-contracts §1.12-1.13.
 */
#include "base/str.h"
#include "http/server.h"
#include "loop/flow.h"
#include "loop/timer.h"

enum sse_dialect { SSE_FULL, SSE_LEGACY };

#define SSE_RETRY_MS 2000 /* how long an EventSource waits before it comes back */

struct sse {
    struct http_exchange *exchange;
    enum sse_dialect dialect;
    uint64_t next_id; /* id of the next event; 1 at first; set it to go on from a stored stream */
    uint64_t last_send_ns;
    uint32_t heartbeat_ms;
    bool begun;   /* sse_begin has succeeded */
    bool retried; /* the retry line has been sent */
    struct timer heartbeat;
};
#define SSE_INIT                                                                                   \
    {                                                                                              \
        .next_id = 1                                                                               \
    }

/* Begins the answer. heartbeat_ms 0: no heartbeats. `s` must be SSE_INIT and stay where it is. */
int sse_begin(struct flow *f, struct sse *s, struct http_exchange *x, enum sse_dialect dialect,
              uint32_t heartbeat_ms) _must_check_;
/* `json` is one object without line breaks (asserted); `event` a word of at most 64 bytes. Waits while
 * the reader is slow; -ECANCELED when it has left. SSE_LEGACY sends the data line alone. */
int sse_send(struct flow *f, struct sse *s, const char *event, struct str json) _must_check_;
/* One `data:` line with any text without line breaks, e.g. "[DONE]"; no id, no name. */
int sse_send_data(struct flow *f, struct sse *s, struct str text) _must_check_;
int sse_end(struct flow *f, struct sse *s) _must_check_;
void sse_done(struct sse *s); /* stops the heartbeats; cleanup */
