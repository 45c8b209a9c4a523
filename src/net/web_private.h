#pragma once
/* What web.c (the flows' side) and web_multi.c, web_call.c (the machine's side) share. Nobody else
 * includes this. */
#include <curl/curl.h>
#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "loop/loop.h"
#include "loop/op.h"
#include "loop/timer.h"
#include "net/web.h"

enum {
    WEB_SPARE_MAX = 64,                /* easy handles kept for reuse */
    WEB_PAUSE_BYTES = 256 * 1024,      /* unread bytes at which a stream stops reading */
    WEB_HEAD_BYTES_MAX = 64 * 1024,    /* an answer's header lines together */
    WEB_BODY_BYTES_MAX = 16 << 20,     /* default of web_request.bytes_max */
    WEB_STREAM_BUFFER_BYTES = 1024,    /* curl's receive buffer of a stream: its least */
    WEB_FETCH_BUFFER_BYTES = 64 << 10, /* ... of a whole answer: fewer reads for big pages */
    WEB_LAUNCH_COST = 32, /* ops of a turn: a new connection takes curl and the kernel 0.2 ms */
    WEB_CLOSE_COST = 8,   /* ... and an unfinished one 40 us */
};

/* One socket that curl told us about. Those that we opened live until curl closes them, so that a kept
 * connection costs no new poll handle per request; the resolver's live from poll to poll. */
struct web_socket {
    uv_poll_t poll;
    struct web *web;
    struct list ready; /* in web.ready while it has `flags` to tell */
    int flags;         /* CURL_CSELECT_*: what the polls have told since curl looked last */
    curl_socket_t fd;
    uint64_t inode; /* of ours: tells whether fd is still the same socket */
    bool ours;      /* opened by on_open_socket */
    bool poll_open; /* `poll` is initialised */
    int events;     /* UV_*: what it is polled for */
};

struct web {
    struct loop *loop;
    CURLM *multi;
    char *user_agent, *ca_file; /* ca_file NULL: the library's default */
    uv_timer_t timer;           /* curl's own; see on_timer_wanted */
    bool timer_open;
    bool due; /* curl wants to be called soon */
    struct loop_task turn;
    struct list queue;      /* calls to be launched, oldest first */
    struct list todo;       /* calls that the turn must look at */
    struct list ready;      /* sockets that curl must look at */
    size_t call_open_count; /* web_call structs not yet freed */
    size_t handle_count;    /* uv handles whose close callback has not run */
    struct web_socket **by_fd;
    size_t fd_count;
    CURL *spare[WEB_SPARE_MAX];
    size_t spare_count;
    bool closing, closed;
    struct op close_op;
    struct web_stats stats;
};

#define WEB_STATES(X) X(QUEUED) X(CONNECTING) X(WAITING) X(READING) X(ENDED)
#define WEB_ENUM_(symbol) WEB_##symbol,
enum web_state { WEB_STATES(WEB_ENUM_) };
#undef WEB_ENUM_
const char *web_state_name(enum web_state state);

/*
 *   QUEUED --turn--> CONNECTING --prereq--> WAITING --head--> READING --> ENDED
 *      `----------------------any error, timeout or the end----------------^
 * Freed by the turn after web_close has set `closed`, in whatever state.
 */
struct web_call {
    struct op op; /* what the flow waits on: head, piece or end */
    struct web *web;
    CURL *easy; /* NULL before launch and after the end */
    struct curl_slist *lines;
    struct web_request rq; /* its pointers are good until `closed` */
    struct list todo;
    struct timer timer;
    struct buf head;    /* header lines, LF-ended, of the final answer */
    struct buf *body;   /* whole answers: in the flow's arena; NULL for streams */
    struct buf in, out; /* streams: what curl adds to; what the reader has borrowed */
    size_t bytes_in;    /* of the body, decompressed */
    uint64_t start_ns, sent_ns, byte_ns;
    struct err err; /* when status < 0 */
    int status;     /* once ENDED */
    int http_status;
    enum web_state state;
    bool head_done, closed, paused;
    char host[128]; /* for messages: host and port, cut if longer */
    /* Not err.msg, although it has the room: curl adds its own words after a callback of ours has failed. */
    char curl_text[CURL_ERROR_SIZE];
};

/* web_call.c */
void web_call_launch(struct web_call *c);
void web_call_detach(struct web_call *c);
void web_call_curl_done(struct web_call *c, CURLcode code);
void web_call_end(struct web_call *c, int status, const char *fmt, ...) _printf_(3, 4);

/* web_multi.c */
void web_todo(struct web_call *c);
void web_turn(struct loop_task *t);
curl_socket_t on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address);
/* The same for addresses of the public internet only. */
curl_socket_t on_open_public(void *context, curlsocktype purpose, struct curl_sockaddr *address);
int on_close_socket(void *context, curl_socket_t fd);
int web_multi_open(struct web *w, const struct web_spec *spec, struct err *err);
