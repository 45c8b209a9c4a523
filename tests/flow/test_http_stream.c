/*
 * Streamed answers over real loopback sockets: framing, event streams, slow readers, clients that leave,
 * and the server's drain. Whole answers are in test_http_server.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/server.h"
#include "http/sse.h"
#include "support/client.h"
#include "support/torture.h"

#define HEARTBEAT_MS 15000
#define PIECE_BYTES ((size_t)32 * 1024)

/* ---- the server under test ---- */

struct world {
    int running;        /* handlers alive */
    int children;       /* of them, children alive */
    int cancelled;      /* handlers that ended with -ECANCELED */
    int stopped_count;  /* of these, whose client was there still */
    int children_ended; /* with -ECANCELED */
    int after_count;
    uint64_t written_bytes;
    struct cond go; /* lets handlers go on */
    int go_count;
};

static int await_go(struct flow *f, struct world *w, int count)
{
    while (w->go_count < count) {
        int r = cond_wait(f, &w->go);
        if (r < 0)
            return r;
    }
    return 0;
}

static void go(struct world *w)
{
    w->go_count++;
    cond_broadcast(&w->go);
}

static int ended(struct world *w, int r)
{
    w->running--;
    w->cancelled += r == -ECANCELED;
    return r;
}

/* Three pieces, the second when told; how it ends is in the path. */
static int stream_pieces(struct flow *f, struct http_exchange *x, struct world *w)
{
    int r = http_stream_begin(f, x, 200, "text/plain");
    if (r >= 0)
        r = http_stream_write(f, x, STR("one"));
    if (r >= 0)
        r = http_stream_write(f, x, STR(""));
    if (r >= 0)
        r = await_go(f, w, 1);
    if (r >= 0)
        r = http_stream_write(f, x, STR("two-two-two-two-"));
    if (r < 0)
        return r;
    struct str way = http_param(x, "way");
    if (str_eq(way, STR("fail")))
        return err_set(&f->err, E_UPSTREAM, "broke off");
    return str_eq(way, STR("end")) ? http_stream_end(f, x) : 0;
}

static int handle_stream(struct flow *f, struct http_exchange *x, void *context)
{
    struct world *w = context;
    w->running++;
    return ended(w, stream_pieces(f, x, w));
}

static int child_run(struct flow *f, void *arg)
{
    struct world *w = arg;
    w->children++;
    int r = flow_sleep(f, 3600 * 1000);
    w->children--;
    w->children_ended += r == -ECANCELED;
    return r;
}

static int hang(struct flow *f, struct http_exchange *x, struct world *w)
{
    int r = http_stream_begin(f, x, 200, "text/plain");
    if (r >= 0)
        r = http_stream_write(f, x, STR("begun"));
    if (r < 0)
        return r;
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    r = group_spawn(&g, "child", child_run, w);
    if (r >= 0)
        r = group_spawn(&g, "child", child_run, w);
    return r < 0 ? r : group_wait(f, &g);
}

static int handle_hang(struct flow *f, struct http_exchange *x, void *context)
{
    struct world *w = context;
    w->running++;
    return ended(w, hang(f, x, w));
}

/* Says nothing until the server stops: its client is still there then. */
static int handle_never(struct flow *f, struct http_exchange *x, void *context)
{
    struct world *w = context;
    w->running++;
    int r = flow_sleep(f, 3600 * 1000);
    w->stopped_count += !http_client_left(x);
    return ended(w, r);
}

static int flood(struct flow *f, struct http_exchange *x, struct world *w)
{
    struct str count_text;
    int64_t count = 0;
    if (!http_query(&f->arena, http_request_of(x), "pieces", &count_text) ||
        !str_to_i64(count_text, &count))
        return err_set(&f->err, E_INPUT, "pieces?");
    char *piece = arena_alloc(&f->arena, PIECE_BYTES);
    memset(piece, 'x', PIECE_BYTES);
    int r = http_stream_begin(f, x, 200, "text/plain");
    for (int64_t i = 0; i < count && r >= 0; i++) {
        r = http_stream_write(f, x, str_of(piece, PIECE_BYTES));
        w->written_bytes += r >= 0 ? PIECE_BYTES : 0;
    }
    return r < 0 ? r : http_stream_end(f, x);
}

static int handle_flood(struct flow *f, struct http_exchange *x, void *context)
{
    struct world *w = context;
    w->running++;
    return ended(w, flood(f, x, w));
}

static int handle_sse(struct flow *f, struct http_exchange *x, void *context)
{
    struct world *w = context;
    bool full = str_eq(http_param(x, "dialect"), STR("full"));
    _cleanup_(sse_done) struct sse s = SSE_INIT;
    int r = sse_begin(f, &s, x, full ? SSE_FULL : SSE_LEGACY, HEARTBEAT_MS);
    if (r >= 0)
        r = sse_send(f, &s, "meta", STR("{\"type\":\"meta\"}"));
    if (r >= 0)
        r = await_go(f, w, 1);
    if (r >= 0)
        r = flow_sleep(f, 2 * HEARTBEAT_MS + 100);
    s.next_id = 7;
    if (r >= 0)
        r = sse_send(f, &s, "done", STR("{\"type\":\"done\"}"));
    if (r >= 0 && !full)
        r = sse_send_data(f, &s, STR("[DONE]"));
    return r < 0 ? r : sse_end(f, &s);
}

static int handle_hello(struct flow *f, struct http_exchange *x, void *context)
{
    (void)context;
    return http_answer_json(f, x, 200, STR("{\"hello\":\"world\"}"));
}

static void after(const struct http_exchange *x, void *context)
{
    struct world *w = context;
    w->after_count += str_starts(str_from(http_request_of(x)->peer), STR("127.0.0.1:"));
}

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/stream/{way}", .handler = handle_stream},
    {.method = "GET", .pattern = "/hang", .handler = handle_hang},
    {.method = "GET", .pattern = "/never", .handler = handle_never},
    {.method = "GET", .pattern = "/flood", .handler = handle_flood},
    {.method = "GET", .pattern = "/sse/{dialect}", .handler = handle_sse},
    {.method = "GET", .pattern = "/hello", .handler = handle_hello},
};

static int server_start(struct flow *f, struct world *w, struct http_server **ret_server)
{
    *w = (struct world){0};
    struct http_server_spec spec = {
        .routes = routes,
        .route_count = ARRAY_COUNT(routes),
        .context = w,
        .after = after,
        .unsent_bytes_high = 64 * 1024,
        .slow_reader_ms = 30000,
    };
    return http_server_open(f, &spec, ret_server);
}

static void server_freep(struct http_server **s)
{
    http_server_free(*s);
}

static bool has(struct client *c, const char *needle)
{
    return str_find(client_received(c), str_from(needle), 0) != SIZE_MAX;
}

static struct str body_of(struct client *c)
{
    struct str all = client_received(c);
    return str_sub(all, str_find(all, STR("\r\n\r\n"), 0) + 4, SIZE_MAX);
}

/* Waits until no handler runs. */
static int await_quiet(struct flow *f, const struct http_server *s)
{
    while (http_server_stats(s).exchange_count > 0)
        TRY(f, flow_sleep(f, 250));
    return 0;
}

/* ---- framing ---- */

static int framing_run(struct flow *f, void *arg)
{
    (void)arg;
    struct world w;
    _cleanup_(server_freep) struct http_server *s = NULL;
    TRY(f, server_start(f, &w, &s));
    _cleanup_(client_close) struct client *c = NULL;
    TRY(f, client_open(f, http_server_port(s), &c));

    client_send(c, STR("GET /stream/end HTTP/1.1\r\nHost: x\r\n\r\n"));
    TRY(f, client_wait(f, c, "3\r\none\r\n"));
    CHECK(f, client_read_count(c) == 1); /* the head leaves together with the first piece */
    CHECK(f, http_server_stats(s).stream_count == 1);
    go(&w);
    TRY(f, client_wait(f, c, "\r\n0\r\n\r\n"));
    CHECK(f, has(c, "HTTP/1.1 200 OK\r\n") && has(c, "Transfer-Encoding: chunked\r\n"));
    CHECK(f, has(c, "Connection: keep-alive\r\n") && !has(c, "Content-Length"));
    CHECK(f, str_eq(body_of(c), STR("3\r\none\r\n10\r\ntwo-two-two-two-\r\n0\r\n\r\n")));
    CHECK(f, http_server_stats(s).stream_count == 0);

    client_drop(c); /* a handler that returns 0 has meant to end it */
    client_send(c, STR("GET /stream/return HTTP/1.1\r\nHost: x\r\n\r\n"));
    TRY(f, client_wait(f, c, "\r\n0\r\n\r\n"));

    client_drop(c);
    client_send(c, STR("HEAD /stream/end HTTP/1.1\r\nHost: x\r\n\r\n"
                       "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    TRY(f, client_wait(f, c, "world"));
    CHECK(f, has(c, "Transfer-Encoding: chunked\r\n") && !has(c, "one"));
    CHECK(f, w.cancelled == 1); /* nobody reads a stream's body after HEAD */

    client_drop(c); /* a failure after the beginning: closed without the last chunk */
    client_send(c, STR("GET /stream/fail HTTP/1.1\r\nHost: x\r\n\r\n"));
    int status;
    TRY(f, client_wait_end(f, c, &status));
    CHECK(f, !has(c, "\r\n0\r\n\r\n"));
    CHECK(f, w.running == 0 && w.after_count == 5);
    return 0;
}

static void test_framing(void **state)
{
    (void)state;
    torture_run("framing", framing_run, NULL);
}

static int old_client_run(struct flow *f, void *arg)
{
    (void)arg;
    struct world w;
    _cleanup_(server_freep) struct http_server *s = NULL;
    TRY(f, server_start(f, &w, &s));
    _cleanup_(client_close) struct client *c = NULL;
    TRY(f, client_open(f, http_server_port(s), &c));
    go(&w);
    client_send(c, STR("GET /stream/end HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    int status;
    TRY(f, client_wait_end(f, c, &status));
    CHECK(f, status == 0 && has(c, "Connection: close\r\n") && !has(c, "chunked"));
    CHECK(f, str_eq(body_of(c), STR("onetwo-two-two-two-")));
    return 0;
}

static void test_old_client(void **state)
{
    (void)state;
    torture_run("old client", old_client_run, NULL);
}

/* ---- event streams ---- */

struct sse_row {
    const char *path, *first, *beat, *last;
    size_t beats;
};

static const struct sse_row sse_rows[] = {
    {"/sse/full", "retry: 2000\nid: 1\nevent: meta\ndata: {\"type\":\"meta\"}\n\n\r\n",
     ": heartbeat\n\n\r\n", "id: 7\nevent: done\ndata: {\"type\":\"done\"}\n\n\r\n0\r\n\r\n", 2},
    {"/sse/legacy", "data: {\"type\":\"meta\"}\n\n\r\n", "data: {\"type\":\"heartbeat\"}\n\n\r\n",
     "data: {\"type\":\"done\"}\n\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n", 2},
};

static size_t count_of(struct str text, const char *needle)
{
    size_t count = 0;
    for (size_t at = 0; (at = str_find(text, str_from(needle), at)) != SIZE_MAX; at++)
        count++;
    return count;
}

static int sse_run(struct flow *f, void *arg)
{
    const struct sse_row *row = arg;
    struct world w;
    _cleanup_(server_freep) struct http_server *s = NULL;
    TRY(f, server_start(f, &w, &s));
    _cleanup_(client_close) struct client *c = NULL;
    TRY(f, client_open(f, http_server_port(s), &c));
    client_send(c, arena_printf(&f->arena, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", row->path));
    TRY(f, client_wait(f, c, row->first));
    CHECK(f, has(c, "Content-Type: text/event-stream; charset=utf-8\r\n"));
    CHECK(f, has(c, "Cache-Control: no-cache, no-transform\r\n"));
    CHECK(f, has(c, "X-Accel-Buffering: no\r\n") && has(c, "Connection: keep-alive\r\n"));
    go(&w);
    TRY(f, client_wait(f, c, "0\r\n\r\n"));
    CHECK(f, str_ends(client_received(c), str_from(row->last)));
    CHECK(f, count_of(client_received(c), row->beat) == row->beats);
    CHECK(f, count_of(client_received(c), "retry:") == (row == sse_rows ? 1 : 0));
    return 0;
}

static void test_sse(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(sse_rows); i++)
        torture_run(sse_rows[i].path, sse_run, (void *)(uintptr_t)&sse_rows[i]);
}

/* ---- clients that leave ---- */

enum leave { LEAVE_CLOSE, LEAVE_SHUT, LEAVE_RESET, LEAVE_PIPELINED };

static int leave_run(struct flow *f, void *arg)
{
    enum leave way = *(const enum leave *)arg;
    struct world w;
    _cleanup_(server_freep) struct http_server *s = NULL;
    TRY(f, server_start(f, &w, &s));
    _cleanup_(client_close) struct client *c = NULL;
    TRY(f, client_open(f, http_server_port(s), &c));
    client_send(c, STR("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n"));
    TRY(f, client_wait(f, c, "begun"));
    TRY(f, flow_sleep(f, 1));
    CHECK(f, w.running == 1 && w.children == 2);
    if (way == LEAVE_PIPELINED) {
        /* So much that reading is paused: the end must be seen all the same. */
        char *more = arena_alloc(&f->arena, 100 * 1024);
        memset(more, 'x', 100 * 1024);
        client_send(c, str_of(more, 100 * 1024));
        TRY(f, flow_sleep(f, 10));
        CHECK(f, w.running == 1);
    }
    if (way == LEAVE_SHUT)
        client_shut(c);
    else if (way == LEAVE_RESET)
        client_reset(&c);
    else
        client_close(&c);
    TRY(f, await_quiet(f, s));
    CHECK(f, w.running == 0 && w.children == 0);
    CHECK(f, w.cancelled == 1 && w.children_ended == 2 && w.after_count == 1);
    TRY(f, flow_sleep(f, 1));
    CHECK(f, http_server_stats(s).connection_count == 0);
    return 0;
}

static void test_leave(void **state)
{
    (void)state;
    static const char *const names[] = {"close", "shut", "reset", "pipelined"};
    for (enum leave way = LEAVE_CLOSE; way <= LEAVE_PIPELINED; way++)
        torture_run(names[way], leave_run, &way);
}

/* ---- slow readers ---- */

#define FLOOD_PIECES 600 /* 19 MB: more than the kernel holds for both sides */

static int slow_reader_run(struct flow *f, void *arg)
{
    bool comes_back = *(const bool *)arg;
    struct world w;
    _cleanup_(server_freep) struct http_server *s = NULL;
    TRY(f, server_start(f, &w, &s));
    _cleanup_(client_close) struct client *c = NULL;
    TRY(f, client_open(f, http_server_port(s), &c));
    client_pause(c);
    client_send(c, arena_printf(&f->arena, "GET /flood?pieces=%d HTTP/1.1\r\nHost: x\r\n\r\n",
                                FLOOD_PIECES));
    TRY(f, flow_sleep(f, 10000));
    CHECK(f, w.running == 1 && w.written_bytes < FLOOD_PIECES * PIECE_BYTES);
    if (!comes_back) {
        TRY(f, flow_sleep(f, 40000));
        CHECK(f, w.running == 0 && w.cancelled == 1);
        CHECK(f, http_server_stats(s).connection_count == 0);
        return 0;
    }
    client_resume(c);
    TRY(f, client_wait_bytes(f, c, FLOOD_PIECES * PIECE_BYTES));
    TRY(f, await_quiet(f, s));
    CHECK(f, w.written_bytes == FLOOD_PIECES * PIECE_BYTES && w.cancelled == 0);
    client_drop(c);
    client_send(c, STR("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    TRY(f, client_wait(f, c, "world"));
    return 0;
}

static void test_slow_reader(void **state)
{
    (void)state;
    bool comes_back = true;
    torture_run("slow reader", slow_reader_run, &comes_back);
    comes_back = false;
    torture_run("stuck reader", slow_reader_run, &comes_back);
}

/* ---- the end of the server ---- */

struct drain_case {
    struct world w;
    struct http_server *server;
    bool finished;
};

/* A client of its own flow, since the first flow waits in drain. */
static int drain_client_run(struct flow *f, void *arg)
{
    struct drain_case *d = arg;
    _cleanup_(client_close) struct client *idle = NULL;
    _cleanup_(client_close) struct client *busy = NULL;
    int port = http_server_port(d->server);
    TRY(f, client_open(f, port, &idle));
    TRY(f, client_open(f, port, &busy));
    client_send(idle, STR("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    TRY(f, client_wait(f, idle, "world"));
    client_send(busy, STR("GET /stream/end HTTP/1.1\r\nHost: x\r\n\r\n"));
    TRY(f, client_wait(f, busy, "one"));
    while (!http_server_draining(d->server))
        TRY(f, flow_sleep(f, 1));
    int status;
    TRY(f, client_wait_end(f, idle, &status));
    client_send(busy, STR("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")); /* comes too late */
    TRY(f, flow_sleep(f, 100));
    go(&d->w);
    TRY(f, client_wait_end(f, busy, &status));
    CHECK(f, status == 0 && has(busy, "\r\n0\r\n\r\n"));
    CHECK(f, has(busy, "HTTP/1.1 503 ") || !has(busy, "world"));
    d->finished = true;
    return 0;
}

static int drain_run(struct flow *f, void *arg)
{
    (void)arg;
    struct drain_case d = {.finished = false};
    TRY(f, server_start(f, &d.w, &d.server));
    _cleanup_(server_freep) struct http_server *s = d.server;
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    TRY(f, group_spawn(&g, "client", drain_client_run, &d));
    TRY(f, flow_sleep(f, 50));
    uint64_t begin_ms = loop_now_ms(f->loop);
    http_server_drain(f, s, 10000);
    CHECK(f, http_server_stats(s).connection_count == 0);
    CHECK(f, loop_now_ms(f->loop) - begin_ms < 10000);
    TRY(f, group_wait(f, &g));
    CHECK(f, d.finished && d.w.cancelled == 0);
    return 0;
}

static void test_drain(void **state)
{
    (void)state;
    torture_run("drain", drain_run, NULL);
}

/* What does not end by itself is cancelled when the time is over. */
static int drain_cancels_run(struct flow *f, void *arg)
{
    (void)arg;
    struct world w;
    _cleanup_(server_freep) struct http_server *s = NULL;
    TRY(f, server_start(f, &w, &s));
    _cleanup_(client_close) struct client *c = NULL;
    TRY(f, client_open(f, http_server_port(s), &c));
    client_send(c, STR("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n"));
    TRY(f, client_wait(f, c, "begun"));
    _cleanup_(client_close) struct client *silent = NULL;
    TRY(f, client_open(f, http_server_port(s), &silent));
    client_send(silent, STR("GET /never HTTP/1.1\r\nHost: x\r\n\r\n"));
    for (int ms = 0; w.running < 2; ms++) /* never, when its flow could not begin */
        TRY(f, ms < 1000 ? flow_sleep(f, 1) : -ETIMEDOUT);
    uint64_t begin_ms = loop_now_ms(f->loop);
    http_server_drain(f, s, 5000);
    CHECK(f, loop_now_ms(f->loop) - begin_ms >= 5000);
    CHECK(f, w.running == 0 && w.cancelled == 2 && w.children == 0 && w.stopped_count == 1);
    CHECK(f, http_server_stats(s).connection_count == 0);
    int status;
    TRY(f, client_wait_end(f, c, &status));
    TRY(f, client_wait_end(f, silent, &status));
    CHECK(f, has(silent, "HTTP/1.1 503 ") && has(silent, "The server is stopping"));
    _cleanup_(client_close) struct client *late = NULL;
    CHECK(f, client_open(f, http_server_port(s), &late) < 0);
    return 0;
}

static void test_drain_cancels(void **state)
{
    (void)state;
    torture_run("drain cancels", drain_cancels_run, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_framing),       cmocka_unit_test(test_old_client),
        cmocka_unit_test(test_sse),           cmocka_unit_test(test_leave),
        cmocka_unit_test(test_slow_reader),   cmocka_unit_test(test_drain),
        cmocka_unit_test(test_drain_cancels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
