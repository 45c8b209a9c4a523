#pragma once
/*
 * Server-sent events, in two dialects (requirements R5):
 *   SSE_FULL    /v1 paths: retry once, id, event, one data line, heartbeat comments
 *   SSE_LEGACY  other paths: only `data: <json>` lines, heartbeats {"type":"heartbeat"} as data
 * LF only; one event is one write. Headers for proxies: Cache-Control no-cache, no-transform,
 * X-Accel-Buffering no, Connection keep-alive. A timer sends heartbeats while the stream is silent.
 * Source: WHATWG HTML §9.2; legacy-contracts §1.12-1.13.
 */
#include "base/str.h"
#include "http/server.h"
#include "loop/flow.h"

enum sse_dialect { SSE_FULL, SSE_LEGACY };

struct sse {
    struct http_exchange *exchange;
    enum sse_dialect dialect;
    uint64_t next_id;
    uint64_t last_send_ns;
    uint32_t heartbeat_ms;
    bool begun;
};
int sse_begin(struct flow *f, struct sse *s, struct http_exchange *x, enum sse_dialect dialect,
              uint32_t heartbeat_ms) _must_check_;
/* `json` is one object without line breaks; `event` a word. SSE_LEGACY sends the data line alone. */
int sse_send(struct flow *f, struct sse *s, const char *event, struct str json) _must_check_;
int sse_heartbeat(struct flow *f, struct sse *s) _must_check_; /* when heartbeat_ms of silence are over */
int sse_end(struct flow *f, struct sse *s) _must_check_;
