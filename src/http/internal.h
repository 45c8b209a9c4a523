#pragma once
/*
 * What the files of http/ share: server, connection and exchange. Nobody outside includes this.
 *
 *   server 1 --- n connection 1 --- 1 exchange (embedded, used again for each request)
 *                    |                    |
 *                 struct tcp          handler's flow, child of the server's group
 *
 * Who frees what: the server its connections' list and group; a connection itself, once its tcp stream
 * is closed and no handler's flow runs; the exchange's buffers when the exchange ends.
 */
#include <llhttp.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/rng.h"
#include "http/server.h"
#include "loop/timer.h"
#include "net/tcp.h"

#define HTTP_HEADER_COUNT_MAX 128
#define HTTP_PARAM_COUNT_MAX 8
#define HTTP_EARLY_BYTES_MAX (64u * 1024) /* pipelined bytes held before reading is paused */
#define HTTP_LINGER_MS 2000               /* how long we read and drop after our side has ended */
#define HTTP_REQUEST_ID_MAX 39            /* what fits struct flow.request_id */

/* A piece of exchange.head, as offsets since the buffer may move while it grows. */
struct http_span {
    uint32_t at, len;
};
struct http_field {
    struct http_span name, value;
};

struct http_exchange {
    struct http_connection *connection;
    struct flow *flow; /* of the handler; NULL before it runs and after it ended */

    /* the request as it comes */
    struct buf head;   /* target, names and values, then the decoded path */
    struct buf fields; /* array of struct http_field */
    struct buf body;
    struct http_span target;
    size_t head_bytes;  /* raw bytes before the head was complete */
    size_t extra_bytes; /* trailers and chunk extensions: counted, not kept */
    size_t body_bytes_max;
    bool head_done;
    bool in_value;        /* the last span belonged to a value */
    bool awaits_continue; /* the client holds the body back until it is told to go on */
    int refused;          /* status, when a callback refused the request */

    /* the request as it was understood */
    struct http_request request;
    const struct http_route *route; /* NULL: none */
    bool path_known;                /* some route has this path, with another method */
    struct http_param {
        struct str name, value;
    } params[HTTP_PARAM_COUNT_MAX];
    size_t param_count;
    bool is_head, is_http10;

    /* the answer */
    struct buf answer_headers; /* "Name: value\r\n" lines */
    struct cond room;          /* writers that wait for the reader */
    uint64_t answer_bytes;
    int status;
    char label[64]; /* see http_set_label */
    bool keep;      /* the connection may go on after this */
    bool begun;     /* the head has been written */
    bool stream;    /* http_stream_begin */
    bool chunked;
    bool ended; /* the answer is whole */
};

#define HTTP_STATES(X)                                                                             \
    X(IDLE, "idle")           /* nothing of a next request has come */                             \
    X(READING, "reading")     /* a request is arriving */                                          \
    X(RUNNING, "running")     /* its handler's flow lives */                                       \
    X(FLUSHING, "flushing")   /* the answer is whole, the reader is slow; no next request yet */   \
    X(LINGERING, "lingering") /* our side ends; what comes is dropped, so that no reset is sent */ \
    X(GONE, "gone")           /* tcp_close was called, no flow lives */
#define HTTP_STATE_ENUM_(symbol, text) HTTP_##symbol,
enum http_state { HTTP_STATES(HTTP_STATE_ENUM_) };
#undef HTTP_STATE_ENUM_
const char *http_state_name(enum http_state state);

struct http_connection {
    struct http_server *server;
    struct list node; /* in server->connections */
    struct tcp *tcp;  /* NULL once closed */
    enum http_state state;
    bool left;       /* the client has gone, or we dropped it; nothing can be written any more */
    bool peer_ended; /* the client ended its side while we flush or linger */
    bool sent;       /* our side is shut */
    char peer[64];   /* outlives tcp: handlers may ask until they have ended */
    llhttp_t parser;
    struct timer timer; /* idle, request or linger, by state */
    struct buf early;   /* pipelined bytes, from early_at */
    size_t early_at;
    struct http_exchange exchange;
};

struct http_server {
    struct http_server_spec spec; /* defaults filled in */
    struct loop *loop;
    struct flow *owner;
    struct tcp_listener *listener; /* NULL when not listening */
    int port;
    struct group group; /* the handlers' flows */
    struct list connections;
    struct cond quiet; /* an exchange or a connection has ended */
    struct op closed;  /* runs while draining; finishes when no connection is left */
    struct rng rng;    /* for request ids */
    struct http_stats stats;
    bool draining;
    bool drained;
    llhttp_settings_t parser_settings;
    int64_t date_s; /* second that `date` was written for */
    char date[40];
};

/* ---- connection.c ---- */

/* tcp_listen's callback; owner is the server. */
void http_connection_accept(void *owner, struct tcp *stream);
/* Drops the connection now; a running handler is cancelled. Idempotent. */
void http_connection_drop(struct http_connection *c);
/* Ends a connection that has nothing to do. */
void http_connection_retire(struct http_connection *c);

/* ---- parse.c ---- */

void http_parse_setup(llhttp_settings_t *settings);
/* A new request begins on this connection. */
void http_parse_begin(struct http_connection *c);
/* Feeds bytes and cuts what was used off their front. 1: the request is whole; 0: more is needed;
 * < 0: refused, the negative HTTP status. */
int http_parse_feed(struct http_connection *c, struct str *bytes) _must_check_;
/* Fills x->request but for its headers' array, which http_request_headers makes in the flow's arena. */
void http_request_headers(struct http_exchange *x, struct arena *a);
/* Splits and decodes a target in any of its forms; the decoded path is appended to `out`. False: bad. */
bool http_target_split(struct str method, struct str target, struct buf *out,
                       struct str *ret_query);

/* ---- router.c ---- */

/* Sets x->route, params and path_known from method and path. */
void http_route_find(const struct http_server_spec *spec, struct http_exchange *x);
/* Does `pattern` take `path`? Fills params (at most HTTP_PARAM_COUNT_MAX). */
bool http_pattern_match(const char *pattern, struct str path, struct http_param *ret_params,
                        size_t *ret_count);
/* Value of Allow for the routes that have this path. */
void http_route_allow(const struct http_server_spec *spec, struct str path, struct buf *out);

/* ---- answer.c ---- */

const char *http_reason(int status);
/* The flow of an exchange. */
int http_exchange_run(struct flow *f, void *arg);
/* Writes a whole {"detail"} answer without a flow. The answer must not have begun. */
void http_answer_plain_error(struct http_exchange *x, int status, struct str detail);
/* Appends the pieces as one chunk, without waiting. False when the client has left. */
bool http_stream_put(struct http_exchange *x, const struct str *pieces, size_t count);
/* http_stream_put, then waits while the reader is slow. */
int http_stream_write_pieces(struct flow *f, struct http_exchange *x, const struct str *pieces,
                             size_t count) _must_check_;
struct loop *http_loop_of(const struct http_exchange *x);

/* ---- gzip.c ---- */

/* Would this client take gzip? By Accept-Encoding, RFC 9110 §12.5.3. */
bool http_accepts_gzip(struct str accept_encoding);
/* Is a body of this media type worth it? */
bool http_type_is_text(const char *content_type);
/* Compresses into `out`; in the thread pool when large. */
int http_gzip(struct flow *f, struct str body, struct buf *out) _must_check_;
