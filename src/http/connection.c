/*
 * http/connection.c: the machine of one client connection.
 *
 *              bytes               whole              flow ended, kept
 *   IDLE ---------------> READING -------> RUNNING -------------------> IDLE  (early bytes go on)
 *    | idle_timeout         | refused, 408    |  | reader slow
 *    |                      v                 |  +--> FLUSHING --on_drain--> IDLE
 *    |                  LINGERING <-----------+ flow ended, not kept
 *    |                      | end, linger time
 *    +------> GONE <--------+      client leaves in RUNNING: flow_cancel, GONE when the flow has ended
 *
 * Reading goes on in every state, so that the client's leaving is seen; what it pipelines meanwhile
 * waits in `early`, and past HTTP_EARLY_BYTES_MAX reading is paused. net/tcp then asks for the end once a
 * second; an end that is stuck behind more pipelined bytes than the kernel holds is seen when the handler
 * has ended.
 * Fails by dropping the connection; a running handler then sees -ECANCELED.
 *
 * Invariant: the connection is freed when its tcp stream is closed and no flow of its exchange lives,
 * whichever comes last.
 */
#include <assert.h>
#include <stdio.h>

#include "base/mem.h"
#include "http/internal.h"

/* Above the limit this many more are told 503 before the rest is closed without a word. */
#define CONNECTION_SLACK 64

static const struct tcp_events tcp_events;

const char *http_state_name(enum http_state state)
{
#define HTTP_STATE_CASE_(symbol, text)                                                             \
    case HTTP_##symbol: return text;
    switch (state) {
        HTTP_STATES(HTTP_STATE_CASE_)
    }
    return "?";
}

static void exchange_release(struct http_exchange *x)
{
    buf_done(&x->head);
    buf_done(&x->fields);
    buf_done(&x->body);
    buf_done(&x->answer_headers);
    *x = (struct http_exchange){.connection = x->connection};
}

/* Frees the connection once nothing can call it any more. */
static void free_if_over(struct http_connection *c)
{
    if (c->tcp != NULL || c->state == HTTP_RUNNING)
        return;
    struct http_server *s = c->server;
    timer_stop(&c->timer);
    exchange_release(&c->exchange);
    buf_done(&c->early);
    list_remove(&c->node);
    mem_free(c);
    s->stats.connection_count--;
    cond_broadcast(&s->quiet);
    if (s->stats.connection_count == 0 && s->listener == NULL && op_active(&s->closed))
        op_finish(&s->closed, 0);
}

void http_connection_drop(struct http_connection *c)
{
    if (!c->left) {
        c->left = true;
        timer_stop(&c->timer);
        tcp_close(c->tcp);
    }
    if (c->state != HTTP_RUNNING) {
        c->state = HTTP_GONE;
        return;
    }
    if (c->exchange.flow != NULL)
        flow_cancel(c->exchange.flow);
    cond_broadcast(&c->exchange.room);
}

static void on_timer(struct timer *t);

static void timer_for(struct http_connection *c, enum http_state state, uint64_t ms)
{
    c->state = state;
    timer_start(&c->timer, c->server->loop, ms, on_timer);
}

/* Our side ends after what is written; what still comes is dropped. */
static void linger(struct http_connection *c)
{
    timer_stop(&c->timer);
    exchange_release(&c->exchange);
    buf_done(&c->early);
    c->early_at = 0;
    c->state = HTTP_LINGERING;
    tcp_resume(c->tcp);
    tcp_end(c->tcp);
}

static void count_status(struct http_server *s, int status)
{
    s->stats.request_count++;
    s->stats.status_count[status >= 100 && status < 600 ? status / 100 : 0]++;
}

static const char *refusal_text(int status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 408: return "The request did not arrive in time";
    case 413: return "The request body is too large";
    case 431: return "The request head is too large";
    case 503: return "The server has too much to do";
    default: return http_reason(status);
    }
}

/* Answers a request that no handler sees, and ends the connection. */
static void refuse(struct http_connection *c, int status)
{
    struct http_exchange *x = &c->exchange;
    x->keep = false;
    count_status(c->server, status);
    http_answer_plain_error(x, status, str_from(refusal_text(status)));
    linger(c);
}

void http_connection_retire(struct http_connection *c)
{
    if (c->state == HTTP_IDLE)
        http_connection_drop(c);
}

/* ---- one exchange after the other ---- */

static void feed_early(struct http_connection *c);
static void on_exchange_end(void *arg, int status);

static void next_exchange(struct http_connection *c)
{
    exchange_release(&c->exchange);
    timer_for(c, HTTP_IDLE, c->server->spec.idle_timeout_ms);
    feed_early(c);
    if (c->state == HTTP_IDLE && (c->server->draining || c->peer_ended))
        linger(c);
}

static void dispatch(struct http_connection *c)
{
    struct http_server *s = c->server;
    struct http_exchange *x = &c->exchange;
    x->request.peer = c->peer;
    x->request.read_ns = loop_now_ns(s->loop);
    if (s->draining) {
        refuse(c, 503);
        return;
    }
    int r = group_spawn_watched(&s->group, "http.request", http_exchange_run, x, on_exchange_end);
    if (r < 0) {
        refuse(c, 503);
        return;
    }
    timer_stop(&c->timer);
    c->state = HTTP_RUNNING;
    s->stats.exchange_count++;
}

/* The handler's flow is gone; whatever it did not answer, it has decided not to. */
static void on_exchange_end(void *arg, int status)
{
    (void)status;
    struct http_exchange *x = arg;
    struct http_connection *c = x->connection;
    struct http_server *s = c->server;
    assert(c->state == HTTP_RUNNING);
    s->stats.exchange_count--;
    if (x->stream)
        s->stats.stream_count--;
    count_status(s, x->status);
    cond_broadcast(&s->quiet);
    x->flow = NULL;
    c->state = HTTP_FLUSHING;
    if (c->left || !x->ended) {
        http_connection_drop(c);
        free_if_over(c);
    } else if (!x->keep) {
        linger(c);
    } else if (!tcp_is_over(c->tcp)) {
        next_exchange(c);
    }
}

/* The body has not come with the head, and the client asked (RFC 9110 §10.1.1). */
static void tell_to_continue(struct http_connection *c)
{
    if (c->exchange.awaits_continue)
        tcp_write(c->tcp, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    c->exchange.awaits_continue = false;
}

/* Parses until the bytes are used up, a request runs or the connection ends. */
static void feed(struct http_connection *c, struct str *bytes)
{
    while (bytes->len > 0 && (c->state == HTTP_IDLE || c->state == HTTP_READING)) {
        if (c->state == HTTP_IDLE) {
            http_parse_begin(c);
            timer_for(c, HTTP_READING, c->server->spec.request_timeout_ms);
        }
        int r = http_parse_feed(c, bytes);
        if (r < 0)
            refuse(c, -r);
        else if (r == 1)
            dispatch(c);
        else
            tell_to_continue(c);
    }
}

static void feed_early(struct http_connection *c)
{
    struct str bytes = str_sub(buf_view(&c->early), c->early_at, SIZE_MAX);
    if (bytes.len == 0)
        return;
    feed(c, &bytes);
    if (c->state == HTTP_LINGERING)
        return; /* early is gone already */
    c->early_at = c->early.len - bytes.len;
    if (bytes.len == 0) {
        buf_done(&c->early);
        c->early_at = 0;
    }
    if (bytes.len <= HTTP_EARLY_BYTES_MAX / 2)
        tcp_resume(c->tcp);
}

static void early_add(struct http_connection *c, struct str bytes)
{
    if (c->early_at > 0)
        buf_drop(&c->early, c->early_at);
    c->early_at = 0;
    buf_str(&c->early, bytes);
    if (c->early.len > HTTP_EARLY_BYTES_MAX)
        tcp_pause(c->tcp);
}

/* ---- what the stream tells ---- */

static void on_data(void *owner, struct str bytes)
{
    struct http_connection *c = owner;
    if (c->left || c->state == HTTP_LINGERING)
        return;
    if (c->early.len == 0)
        feed(c, &bytes);
    if (bytes.len > 0 && (c->state == HTTP_RUNNING || c->state == HTTP_FLUSHING))
        early_add(c, bytes);
}

static void on_end(void *owner, int status)
{
    struct http_connection *c = owner;
    bool answer_waits = c->state == HTTP_FLUSHING || (c->state == HTTP_LINGERING && !c->sent);
    c->peer_ended = true;
    if (status < 0 || !answer_waits)
        http_connection_drop(c);
}

static void on_drain(void *owner)
{
    struct http_connection *c = owner;
    if (c->state == HTTP_RUNNING)
        cond_broadcast(&c->exchange.room);
    else if (c->state == HTTP_FLUSHING)
        next_exchange(c);
}

static void on_sent(void *owner)
{
    struct http_connection *c = owner;
    c->sent = true;
    if (c->peer_ended)
        http_connection_drop(c);
    else
        timer_for(c, HTTP_LINGERING, HTTP_LINGER_MS);
}

static void on_closed(void *owner)
{
    struct http_connection *c = owner;
    c->tcp = NULL;
    free_if_over(c);
}

static void on_timer(struct timer *t)
{
    struct http_connection *c = container_of(t, struct http_connection, timer);
    if (c->state == HTTP_READING)
        refuse(c, 408);
    else
        http_connection_drop(c);
}

static const struct tcp_events tcp_events = {
    .on_data = on_data,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

void http_connection_accept(void *owner, struct tcp *stream)
{
    struct http_server *s = owner;
    if (s->stats.connection_count >= s->spec.connection_count_max + CONNECTION_SLACK)
        return; /* not adopted: closed */
    struct http_connection *c = mem_alloc(sizeof(*c));
    c->server = s;
    c->tcp = stream;
    c->exchange.connection = c;
    snprintf(c->peer, sizeof(c->peer), "%s", tcp_peer(stream));
    list_push(&s->connections, &c->node);
    s->stats.connection_count++;
    tcp_adopt(stream, &(struct tcp_spec){
                          .owner = c,
                          .events = &tcp_events,
                          .high_bytes = s->spec.unsent_bytes_high,
                          .low_bytes = s->spec.unsent_bytes_high / 4,
                          .stall_ms = s->spec.slow_reader_ms,
                      });
    if (s->stats.connection_count > s->spec.connection_count_max || s->draining)
        refuse(c, 503);
    else
        timer_for(c, HTTP_IDLE, s->spec.idle_timeout_ms);
}
