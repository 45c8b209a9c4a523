#pragma once
/*
 * HTTP and SMTP clients: one curl multi handle on the loop (socket action), one connection cache.
 * Bytes, no meaning: statuses are data here, not errors.
 *
 *   web_fetch: whole answer into the flow's arena      web_open / web_next / web_close: streamed
 *
 * Errors: E_UPSTREAM (connect, reset, TLS, DNS; err says which), E_TRUNCATED (body cut short),
 * E_LIMIT (body over bytes_max), E_PROTOCOL (not HTTP), -ETIMEDOUT by the caller's deadline or
 * connect_ms, -ECANCELED. Never follows redirects. Never reads proxies from the environment.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "loop/flow.h"

struct web;
struct web_call;

struct web_spec {
    size_t connection_count_max;      /* cache; 0: 1024 */
    size_t host_connection_count_max; /* per host; 0: unlimited */
    const char *user_agent;           /* NULL: "deskstream" */
    const char *ca_file;              /* PEM bundle to trust; NULL: the system's */
};
/* < 0 with `err` when this libcurl cannot serve (no asynchronous resolver, no TLS). */
int web_new(struct loop *l, const struct web_spec *spec, struct web **ret_web, struct err *err)
    _must_check_;
/* All calls must have ended. Finishes its own closing on the loop: call from the last flow. Waits even
 * when that flow is cancelled. A client that made no call needs web_free only. */
void web_close_all(struct flow *f, struct web *w);
void web_free(struct web *w);

struct web_header {
    struct str name, value;
};

struct web_request {
    const char *method; /* "GET"... */
    struct str url;     /* absolute, already encoded */
    const struct web_header *headers;
    size_t header_count;
    struct str body;     /* borrowed until the call has ended */
    size_t bytes_max;    /* answer's body; 0: 16 MiB */
    uint32_t connect_ms; /* 0: 5,000 */
    uint32_t idle_ms;    /* silence between bytes, the first included; 0: none beyond deadlines */
    uint32_t first_byte_ms; /* until the answer's head; 0: idle_ms */
    bool gzip;              /* ask for compressed bodies */
    bool public_only;       /* the host was named by others: a connection of its own, and only to
                             * addresses of the public internet (net/address.h) */
    uint32_t age_max_s;     /* do not reuse a connection idle for longer; 0: curl's own default */
};

struct web_reply {
    int status;
    struct web_header *headers; /* names as sent; look up with web_header */
    size_t header_count;
    struct str body; /* in the flow's arena (web_fetch) */
    uint64_t duration_ns;
};
/* Value of the first header of that name, any case; empty when absent. */
struct str web_header_find(const struct web_reply *reply, const char *name);

int web_fetch(struct flow *f, struct web *w, const struct web_request *rq,
              struct web_reply *ret_reply) _must_check_;

/* Streamed: web_open waits for the head; then web_next gives pieces as they come: > 0 a piece, 0 the
 * end, < 0 an error. A piece is borrowed until the next call. While nobody calls web_next the transfer
 * is paused at 256 KiB. web_close (cleanup) drops the transfer at the turn's end, and the connection when
 * unfinished; request strings and body must live until then, which arenas and stacks of the flow do. */
struct web_stream {
    struct web_reply reply;
    struct web_call *call;
};
#define WEB_STREAM_INIT                                                                            \
    {                                                                                              \
        .call = NULL                                                                               \
    }
int web_open(struct flow *f, struct web *w, const struct web_request *rq,
             struct web_stream *ret_stream) _must_check_;
int web_next(struct flow *f, struct web_stream *s, struct str *ret_piece) _must_check_;
/* Reads the rest (for error bodies) into the flow's arena; what is past bytes_max is left unread. */
int web_rest(struct flow *f, struct web_stream *s, size_t bytes_max, struct str *ret_body)
    _must_check_;
void web_close(struct web_stream *s);

struct web_stats {
    uint64_t call_count, failed_count, connection_count, bytes_in, bytes_out;
    size_t active_count;
};
struct web_stats web_stats(const struct web *w);
