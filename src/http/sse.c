/*
 * http/sse.c: writes server-sent events.
 *
 *   SSE_FULL                           SSE_LEGACY
 *   retry: 2000      (first event)     data: {...}
 *   id: 7                              (blank line)
 *   event: summary.delta
 *   data: {...}
 *   (blank line)
 *
 * The happy path: one event is one chunk, appended without an allocation of its own. The heartbeat timer
 * is not touched by events: when it fires it looks how long the stream has been silent and either speaks
 * or sleeps for what is left.
 * Fails by: the reader having left (-ECANCELED). Invariant: the timer runs only between sse_begin and
 * sse_end or sse_done.
 */
#include "http/sse.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "http/internal.h"

#define EVENT_NAME_MAX 64

static void on_heartbeat(struct timer *t);

static void heartbeat_start(struct sse *s)
{
    timer_start_at(&s->heartbeat, http_loop_of(s->exchange),
                   s->last_send_ns + (uint64_t)s->heartbeat_ms * 1000000, on_heartbeat);
}

static void on_heartbeat(struct timer *t)
{
    struct sse *s = container_of(t, struct sse, heartbeat);
    struct http_exchange *x = s->exchange;
    uint64_t now = loop_now_ns(http_loop_of(x));
    if (now - s->last_send_ns >= (uint64_t)s->heartbeat_ms * 1000000) {
        struct str beat = s->dialect == SSE_FULL ? STR(": heartbeat\n\n")
                                                 : STR("data: {\"type\":\"heartbeat\"}\n\n");
        /* A reader that is behind has enough to read. */
        bool behind = !x->connection->left && tcp_is_over(x->connection->tcp);
        if (!behind && !http_stream_put(x, &beat, 1))
            return; /* the reader has left */
        s->last_send_ns = now;
    }
    heartbeat_start(s);
}

int sse_begin(struct flow *f, struct sse *s, struct http_exchange *x, enum sse_dialect dialect,
              uint32_t heartbeat_ms)
{
    assert(!s->begun);
    s->exchange = x;
    s->dialect = dialect;
    s->heartbeat_ms = heartbeat_ms;
    http_set_header(x, "Cache-Control", STR("no-cache, no-transform"));
    http_set_header(x, "X-Accel-Buffering", STR("no"));
    int r = http_stream_begin(f, x, 200, "text/event-stream; charset=utf-8");
    if (r < 0)
        return r;
    s->begun = true;
    s->last_send_ns = loop_now_ns(f->loop);
    if (heartbeat_ms > 0)
        heartbeat_start(s);
    return 0;
}

static bool is_one_line(struct str text)
{
    return text.len == 0 ||
           (memchr(text.ptr, '\n', text.len) == NULL && memchr(text.ptr, '\r', text.len) == NULL);
}

int sse_send(struct flow *f, struct sse *s, const char *event, struct str json)
{
    assert(s->begun && is_one_line(json));
    char head[EVENT_NAME_MAX + 96];
    int len = 0;
    if (s->dialect == SSE_FULL) {
        assert(strlen(event) <= EVENT_NAME_MAX);
        if (!s->retried)
            len = snprintf(head, sizeof(head), "retry: %d\n", SSE_RETRY_MS);
        s->retried = true;
        len += snprintf(head + len, sizeof(head) - (size_t)len, "id: %" PRIu64 "\nevent: %s\n",
                        s->next_id, event);
    }
    len += snprintf(head + len, sizeof(head) - (size_t)len, "data: ");
    s->next_id++;
    s->last_send_ns = loop_now_ns(f->loop);
    struct str pieces[] = {str_of(head, (size_t)len), json, STR("\n\n")};
    return http_stream_write_pieces(f, s->exchange, pieces, ARRAY_COUNT(pieces));
}

int sse_send_data(struct flow *f, struct sse *s, struct str text)
{
    assert(s->begun && is_one_line(text));
    s->last_send_ns = loop_now_ns(f->loop);
    struct str pieces[] = {STR("data: "), text, STR("\n\n")};
    return http_stream_write_pieces(f, s->exchange, pieces, ARRAY_COUNT(pieces));
}

int sse_end(struct flow *f, struct sse *s)
{
    assert(s->begun);
    timer_stop(&s->heartbeat);
    return http_stream_end(f, s->exchange);
}

void sse_done(struct sse *s)
{
    timer_stop(&s->heartbeat);
}
