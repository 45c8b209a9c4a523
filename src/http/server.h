#pragma once
/*
 * The HTTP/1.1 server: connections are llhttp machines, each request is a flow of its own.
 *
 *   struct http_server_spec spec = {.routes = ..., ...};
 *   r = http_server_open(f, l, &spec, &server, &f->err);      // listening
 *   ... stop signal ...
 *   http_server_drain(f, server, drain_ms);                   // stop accepting, let flows end, cancel
 *
 * The connection keeps reading while a handler runs: end-of-stream or reset cancels the handler's
 * flow; the connection is freed after that flow has ended. Pipelined requests are answered in order.
 * Refused before a handler sees them: bad syntax 400, head over its cap 431, body over its cap 413,
 * too slow 408, too many flows or connections 503. Errors a handler returns become JSON
 * {"detail": "..."} with f->err.http or the err table's status, unless the answer has begun (then the
 * connection is closed without the last chunk); a handler that returns 0 without an answer is a 500;
 * -ECANCELED closes quietly. A stream that was not ended is ended when its handler returns 0.
 * HEAD is answered like GET without a body; for it http_stream_write returns -ECANCELED.
 * Each request has an id: X-Request-Id when it is 1-39 of [A-Za-z0-9._-], else 16 random hex digits;
 * it is in f->request_id of the handler's flow and comes back as X-Request-Id.
 * Sources: RFC 9110, RFC 9112, llhttp 9.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "loop/flow.h"

struct http_server;
struct http_exchange;

struct http_header {
    struct str name, value;
};

/* A request as its handler sees it; lives in the handler flow's arena. */
struct http_request {
    struct str method; /* "GET" */
    struct str target; /* as sent */
    struct str path;   /* percent-decoded, without query; NUL bytes refused */
    struct str query;  /* as sent, without '?' */
    const struct http_header *headers;
    size_t header_count;
    struct str body;
    const char *peer;
    uint64_t read_ns; /* when the request had been read */
};
struct str http_header(const struct http_request *rq,
                       const char *name); /* any case; "" if absent */
bool http_has_header(const struct http_request *rq, const char *name);
/* Decoded query parameter ('+' is a space); false when absent. In the arena. */
bool http_query(struct arena *a, const struct http_request *rq, const char *name,
                struct str *ret_value);
/* Value of `{name}` in the route's pattern; "" when the pattern has none. */
struct str http_param(const struct http_exchange *x, const char *name);

typedef int http_handler_fn(struct flow *f, struct http_exchange *x, void *context);

struct http_route {
    const char *method;  /* "GET", "POST", ... or "*" */
    const char *pattern; /* "/v1/tickets/{id}/assist"; a last "{rest*}" takes everything */
    http_handler_fn *handler;
    size_t body_bytes_max; /* 0: the server's */
    uint32_t timeout_ms;   /* deadline of the handler's flow; 0: none; over: 504 */
};

struct http_server_spec {
    const char *host;
    int port; /* 0 picks one */
    const struct http_route
        *routes; /* first match wins; known path, other method: 405 with Allow */
    size_t route_count;
    void *context; /* given to handlers */
    /* Called before routing; a return != 0 means it has answered. For CORS, preflight. May be NULL. */
    int (*before)(struct flow *f, struct http_exchange *x, void *context);
    /* Called once an exchange has ended, from its flow, for access logs and metrics; must not wait.
     * Requests refused before a handler are only counted in the stats. May be NULL. */
    void (*after)(const struct http_exchange *x, void *context);
    size_t connection_count_max, header_bytes_max, body_bytes_max; /* 0: 10000, 64 KiB, 4 MiB */
    size_t unsent_bytes_high;                                      /* 0: 256 KiB */
    uint32_t idle_timeout_ms, request_timeout_ms, slow_reader_ms;  /* 0: 75 s, 30 s, 30 s */
    size_t flow_arena_bytes_max;                                   /* 0: 64 MiB */
};

int http_server_open(struct flow *f, const struct http_server_spec *spec,
                     struct http_server **ret_server) _must_check_;
int http_server_port(const struct http_server *s);
/* Stops listening, answers new requests on open connections with 503 and `Connection: close`, waits up
 * to drain_ms for running exchanges, then cancels them; ends with every connection closed. Called from
 * the flow that opened the server; works although that flow is cancelled. A second call returns at once. */
void http_server_drain(struct flow *f, struct http_server *s, uint32_t drain_ms);
/* NULL is fine. Drains with 0 ms when that was not done: so it may suspend the flow that opened. */
void http_server_free(struct http_server *s);
bool http_server_draining(const struct http_server *s);

struct http_stats {
    uint64_t request_count, status_count[6]; /* by hundreds; [0] broken before an answer */
    size_t connection_count, exchange_count, stream_count;
};
struct http_stats http_server_stats(const struct http_server *s);

/* ---- answering; from the handler's flow or its children ---- */

const struct http_request *http_request_of(const struct http_exchange *x);
/* A header of the answer; before it begins; replaces one of that name. Both are copied. CR, LF and NUL
 * in a value: assert, so callers sanitise. Not for Content-Length, Content-Type, Connection, Date and
 * Transfer-Encoding, which are the server's. */
void http_set_header(struct http_exchange *x, const char *name, struct str value);
/* Whole answer. Body over 1 KiB is gzipped when the client takes it and type is text or JSON (in the
 * thread pool over 64 KiB). */
int http_answer(struct flow *f, struct http_exchange *x, int status, const char *content_type,
                struct str body) _must_check_;
int http_answer_json(struct flow *f, struct http_exchange *x, int status, struct str json)
    _must_check_;
/* {"detail": detail} */
int http_answer_error(struct flow *f, struct http_exchange *x, int status, struct str detail)
    _must_check_;
/* Streamed answer (chunked; plain until close for HTTP/1.0). http_stream_write appends the piece whole,
 * then waits while unsent bytes are over the high-water mark. -ECANCELED when the client has left. */
int http_stream_begin(struct flow *f, struct http_exchange *x, int status, const char *content_type)
    _must_check_;
int http_stream_write(struct flow *f, struct http_exchange *x, struct str piece) _must_check_;
int http_stream_end(struct flow *f, struct http_exchange *x) _must_check_;
/* Why a handler was cancelled: its client is gone, or (false) the server stops and a last word still arrives. */
bool http_client_left(const struct http_exchange *x);
bool http_answer_begun(const struct http_exchange *x);
int http_answer_status(const struct http_exchange *x); /* 0 before it has begun */
uint64_t http_answer_bytes(const struct http_exchange *x);
/* Pattern of the route that took it; "" when none did. For logs and metrics. */
const char *http_route_of(const struct http_exchange *x);
/* A word about the exchange for `after`, such as who asked. Copied, cut at 63 bytes. */
void http_set_label(struct http_exchange *x, struct str label);
const char *http_label(const struct http_exchange *x);
