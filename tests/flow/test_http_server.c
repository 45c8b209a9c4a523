/*
 * The HTTP server over real loopback sockets, raw bytes in and out: answers, malformed requests, routing,
 * limits, keep-alive and pipelining. Streams and leaving clients are in test_http_stream.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/mem.h"
#include "http/server.h"
#include "support/client.h"
#include "support/torture.h"

/* ---- the server under test ---- */

struct world {
    int after_count;
    int last_status;
    char last_path[64];
};

static int handle_hello(struct flow *f, struct http_exchange *x, void *context)
{
    (void)context;
    return http_answer_json(f, x, 200, STR("{\"hello\":\"world\"}"));
}

static int handle_echo(struct flow *f, struct http_exchange *x, void *context)
{
    (void)context;
    const struct http_request *rq = http_request_of(x);
    http_set_header(x, "X-Method", rq->method);
    http_set_header(x, "X-Query", rq->query);
    http_set_header(x, "X-Twice", STR("first"));
    http_set_header(x, "x-twice", STR("second"));
    return http_answer(f, x, 200, "application/octet-stream", rq->body);
}

static int handle_item(struct flow *f, struct http_exchange *x, void *context)
{
    (void)context;
    const struct http_request *rq = http_request_of(x);
    struct str q = STR("-");
    http_query(&f->arena, rq, "q", &q);
    struct str text = arena_printf(&f->arena, "id=%.*s rest=%.*s q=%.*s h=%.*s",
                                   STR_ARG(http_param(x, "id")), STR_ARG(http_param(x, "rest")),
                                   STR_ARG(q), STR_ARG(http_header(rq, "x-some")));
    return http_answer(f, x, 200, "text/plain; charset=utf-8", text);
}

static int handle_error(struct flow *f, struct http_exchange *x, void *context)
{
    (void)context;
    struct str kind = http_param(x, "kind");
    if (str_eq(kind, STR("plain")))
        return E_NOT_FOUND;
    if (str_eq(kind, STR("text")))
        return err_set(&f->err, E_SCHEMA, "ticket: \"id\" is missing");
    if (str_eq(kind, STR("status"))) {
        int r = err_set(&f->err, E_INPUT, "teapot");
        f->err.http = 418;
        return r;
    }
    if (str_eq(kind, STR("late"))) {
        int r = flow_sleep(f, 60000);
        return r < 0 ? r : 0;
    }
    if (str_eq(kind, STR("quiet")))
        return -ECANCELED;
    return 0;
}

static int handle_big(struct flow *f, struct http_exchange *x, void *context)
{
    (void)context;
    struct str bytes;
    int64_t len = 0;
    if (!http_query(&f->arena, http_request_of(x), "bytes", &bytes) || !str_to_i64(bytes, &len))
        return err_set(&f->err, E_INPUT, "bytes?");
    char *text = arena_alloc(&f->arena, (size_t)len + 1);
    for (int64_t i = 0; i < len; i++)
        text[i] = (char)('a' + i % 23);
    return http_answer(f, x, 200, "text/plain", str_of(text, (size_t)len));
}

static int before(struct flow *f, struct http_exchange *x, void *context)
{
    (void)context;
    http_set_header(x, "X-Before", STR("yes"));
    if (!str_eq(http_request_of(x)->path, STR("/stopped")))
        return 0;
    int r = http_answer(f, x, 204, NULL, STR(""));
    return r < 0 ? r : 1;
}

static void after(const struct http_exchange *x, void *context)
{
    struct world *w = context;
    w->after_count++;
    w->last_status = http_answer_status(x);
    snprintf(w->last_path, sizeof(w->last_path), "%.*s", STR_ARG(http_request_of(x)->path));
}

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/hello", .handler = handle_hello},
    {.method = "POST", .pattern = "/hello", .handler = handle_hello},
    {.method = "*", .pattern = "/echo", .handler = handle_echo},
    {.method = "POST", .pattern = "/small", .handler = handle_echo, .body_bytes_max = 10},
    {.method = "GET", .pattern = "/items/{id}", .handler = handle_item},
    {.method = "GET", .pattern = "/items/{id}/x", .handler = handle_item},
    {.method = "GET", .pattern = "/files/{rest*}", .handler = handle_item},
    {.method = "GET", .pattern = "/error/{kind}", .handler = handle_error, .timeout_ms = 1000},
    {.method = "GET", .pattern = "/big", .handler = handle_big},
};

static struct http_server_spec spec_of(struct world *w)
{
    return (struct http_server_spec){
        .routes = routes,
        .route_count = ARRAY_COUNT(routes),
        .context = w,
        .before = before,
        .after = after,
        .connection_count_max = 8,
        .header_bytes_max = 4096,
        .body_bytes_max = 100000,
        .idle_timeout_ms = 75000,
        .request_timeout_ms = 30000,
        .slow_reader_ms = 5000,
    };
}

static void server_freep(struct http_server **s)
{
    http_server_free(*s);
}

/* Sends one request on a connection of its own and gives all that came until the server's end. */
static int ask(struct flow *f, const struct http_server *s, struct str request,
               struct str *ret_answer)
{
    _cleanup_(client_close) struct client *c = NULL;
    TRY(f, client_open(f, http_server_port(s), &c));
    client_send(c, request);
    int status;
    TRY(f, client_wait_end(f, c, &status));
    *ret_answer = arena_str(&f->arena, client_received(c));
    CHECK(f, status == 0);
    return 0;
}

static bool has(struct str text, const char *needle)
{
    return str_find(text, str_from(needle), 0) != SIZE_MAX;
}

static size_t count_of(struct str text, const char *needle)
{
    size_t count = 0;
    for (size_t at = 0; (at = str_find(text, str_from(needle), at)) != SIZE_MAX; at++)
        count++;
    return count;
}

/* ---- answers ---- */

#define CLOSE "Host: x\r\nConnection: close\r\n"

struct answer_row {
    const char *name, *request;
    const char *want[6];
    const char *want_not;
};

static const struct answer_row answer_rows[] = {
    {"get",
     "GET /hello HTTP/1.1\r\n" CLOSE "\r\n",
     {"HTTP/1.1 200 OK\r\n", "Date: Thu, 01 Jan 2026 00:00:", "Content-Length: 17\r\n",
      "Content-Type: application/json\r\n", "X-Before: yes\r\n", "\r\n\r\n{\"hello\":\"world\"}"},
     "Server:"},
    {"head",
     "HEAD /hello HTTP/1.1\r\n" CLOSE "\r\n",
     {"HTTP/1.1 200 OK\r\n", "Content-Length: 17\r\n"},
     "{\"hello\""},
    {"request id kept",
     "GET /hello HTTP/1.1\r\nX-Request-Id: a.B-9_z\r\n" CLOSE "\r\n",
     {"X-Request-Id: a.B-9_z\r\n"},
     NULL},
    {"request id refused",
     "GET /hello HTTP/1.1\r\nX-Request-Id: a b\r\n" CLOSE "\r\n",
     {"X-Request-Id: "},
     "X-Request-Id: a b"},
    {"post",
     "POST /echo?a=b HTTP/1.1\r\nContent-Length: 5\r\n" CLOSE "\r\nabcde",
     {"200 OK", "X-Method: POST\r\n", "X-Query: a=b\r\n", "x-twice: second\r\n", "\r\n\r\nabcde"},
     "X-Twice: first"},
    {"chunked",
     "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE
     "\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
     {"200 OK", "Content-Length: 5\r\n", "\r\n\r\nabcde"},
     NULL},
    {"http 1.0",
     "GET /hello HTTP/1.0\r\n\r\n",
     {"HTTP/1.1 200 OK\r\n", "Connection: close\r\n"},
     NULL},
    {"absolute target", "GET http://x/items/7 HTTP/1.1\r\n" CLOSE "\r\n", {"id=7"}, NULL},
    {"absolute without path", "GET http://x HTTP/1.1\r\n" CLOSE "\r\n", {"404 Not Found"}, NULL},
    {"percent",
     "GET /items/a%20b%C3%A9?q=1%2B1+%EA%B0%80&z HTTP/1.1\r\nX-Some:  v w \r\n" CLOSE "\r\n",
     {"id=a b\xC3\xA9", "q=1+1 \xEA\xB0\x80", "h=v w"},
     NULL},
    {"rest", "GET /files/a/../b HTTP/1.1\r\n" CLOSE "\r\n", {"rest=a/../b"}, NULL},
    {"empty rest", "GET /files/ HTTP/1.1\r\n" CLOSE "\r\n", {"200 OK", "rest= q"}, NULL},
    {"trailing slash", "GET /items/7/ HTTP/1.1\r\n" CLOSE "\r\n", {"200 OK", "id=7 "}, NULL},
    {"not found",
     "GET /nowhere HTTP/1.1\r\n" CLOSE "\r\n",
     {"404 Not Found\r\n", "application/json", "{\"detail\":\"Not Found\"}"},
     NULL},
    {"empty segment", "GET /items/ HTTP/1.1\r\n" CLOSE "\r\n", {"404 Not Found\r\n"}, NULL},
    {"wrong method",
     "DELETE /hello HTTP/1.1\r\n" CLOSE "\r\n",
     {"405 Method Not Allowed\r\n", "Allow: GET, HEAD, POST\r\n",
      "{\"detail\":\"Method Not Allowed\"}"},
     NULL},
    {"options for all",
     "OPTIONS * HTTP/1.1\r\n" CLOSE "\r\n",
     {"204 No Content\r\n", "Allow: GET, HEAD, POST\r\n"},
     "Content-Length"},
    {"before answers",
     "GET /stopped HTTP/1.1\r\n" CLOSE "\r\n",
     {"204 No Content"},
     "Content-Length"},
    {"error by code",
     "GET /error/plain HTTP/1.1\r\n" CLOSE "\r\n",
     {"404 Not Found", "{\"detail\":\"there is no such thing\"}"},
     NULL},
    {"error by text",
     "GET /error/text HTTP/1.1\r\n" CLOSE "\r\n",
     {"422 Unprocessable", "{\"detail\":\"ticket: \\\"id\\\" is missing\"}"},
     NULL},
    {"error with status",
     "GET /error/status HTTP/1.1\r\n" CLOSE "\r\n",
     {"HTTP/1.1 418 ", "teapot"},
     NULL},
    {"handler too slow",
     "GET /error/late HTTP/1.1\r\n" CLOSE "\r\n",
     {"504 Gateway Timeout"},
     NULL},
    {"no answer", "GET /error/none HTTP/1.1\r\n" CLOSE "\r\n", {"500 Internal Server Error"}, NULL},
    {"expect, body at once",
     "POST /echo HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n" CLOSE "\r\nab",
     {"HTTP/1.1 200 OK\r\n", "\r\n\r\nab"},
     "100 Continue"},
    {"upgrade passed over",
     "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n",
     {"200 OK", "world"},
     NULL},
    {"leading line ends", "\r\n\r\nGET /hello HTTP/1.1\r\n" CLOSE "\r\n", {"200 OK"}, NULL},
    {"empty header",
     "GET /items/1 HTTP/1.1\r\nX-None:\r\nX-Some: s\r\n" CLOSE "\r\n",
     {"h=s"},
     NULL},
};

static int answers_run(struct flow *f, void *arg)
{
    (void)arg;
    struct world w = {0};
    _cleanup_(server_freep) struct http_server *s = NULL;
    struct http_server_spec spec = spec_of(&w);
    TRY(f, http_server_open(f, &spec, &s));
    for (size_t i = 0; i < ARRAY_COUNT(answer_rows); i++) {
        const struct answer_row *row = &answer_rows[i];
        struct str answer;
        int r = ask(f, s, str_from(row->request), &answer);
        if (r < 0)
            return err_wrap(&f->err, r, "%s", row->name);
        for (size_t k = 0; k < ARRAY_COUNT(row->want) && row->want[k] != NULL; k++) {
            if (!has(answer, row->want[k]))
                return err_set(&f->err, E_PROTOCOL, "%s: no \"%s\" in: %.*s", row->name,
                               row->want[k], STR_ARG(answer));
        }
        if (row->want_not != NULL && has(answer, row->want_not))
            return err_set(&f->err, E_PROTOCOL, "%s: \"%s\" in: %.*s", row->name, row->want_not,
                           STR_ARG(answer));
        CHECK(f, has(answer, "Connection: close\r\n"));
    }
    CHECK(f, w.after_count == (int)ARRAY_COUNT(answer_rows));
    struct http_stats stats = http_server_stats(s);
    CHECK(f, stats.request_count == ARRAY_COUNT(answer_rows) && stats.status_count[0] == 0);
    CHECK(f, stats.exchange_count == 0);
    return 0;
}

static void test_answers(void **state)
{
    (void)state;
    torture_run("answers", answers_run, NULL);
}

/* ---- what is refused ---- */

struct bad_row {
    const char *name, *request;
    int want;
};

#define GET "GET /hello HTTP/1.1\r\n"
#define POST "POST /echo HTTP/1.1\r\nHost: x\r\n"

static const struct bad_row bad_rows[] = {
    {"garbage", "\x16\x03\x01\x02\r\n\r\n", 400},
    {"unknown method", "BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"connect", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 501},
    {"http 2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"http 2 version", "GET /hello HTTP/2.0\r\nHost: x\r\n\r\n", 505},
    {"http 1.2", "GET /hello HTTP/1.2\r\nHost: x\r\n\r\n", 505},
    {"http 0.9", "GET /hello HTTP/0.9\r\nHost: x\r\n\r\n", 505},
    {"no host", GET "\r\n", 400},
    {"two hosts", GET "Host: x\r\nHost: x\r\n\r\n", 400},
    {"space before colon", GET "Host : x\r\n\r\n", 400},
    {"obs-fold", GET "Host: x\r\nX-A: b\r\n c\r\n\r\n", 400},
    {"obs-fold by tab", GET "Host: x\r\nX-A: b\r\n\tc\r\n\r\n", 400},
    {"fold of an empty value", GET "Host: x\r\nX-A:\r\n c\r\n\r\n", 400},
    {"bare lf", "GET /hello HTTP/1.1\nHost: x\n\n", 400},
    {"control byte in a value",
     GET "Host: x\r\nX-A: b\x01"
         "c\r\n\r\n",
     400},
    {"two lengths", POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
    {"length list", POST "Content-Length: 1, 1\r\n\r\na", 400},
    {"signed length", POST "Content-Length: +1\r\n\r\na", 400},
    {"huge length", POST "Content-Length: 99999999999999999999\r\n\r\na", 400},
    {"length and coding",
     POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 400},
    {"coding and length",
     POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1\r\na\r\n0\r\n\r\n", 400},
    {"two codings", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
    {"chunked not last", POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400},
    {"coding in 1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"bad chunk size", POST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
    {"bad chunk end", POST "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400},
    {"body too large", POST "Content-Length: 100001\r\n\r\n", 413},
    {"route's body too large", "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n",
     413},
    {"chunks too large",
     "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n",
     413},
    {"chunk size too large", POST "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 413},
    {"expected body too large", POST "Content-Length: 100001\r\nExpect: 100-continue\r\n\r\n", 413},
    {"unknown expectation", POST "Content-Length: 1\r\nExpect: more\r\n\r\n", 417},
    {"bad escape", "GET /items/%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"cut escape", "GET /items/%4 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"nul in the path", "GET /items/a%00b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"fragment", "GET /hello#a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"star", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"relative target", "GET hello HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"no authority", "GET http:///hello HTTP/1.1\r\nHost: x\r\n\r\n", 400},
};

static int refusals_run(struct flow *f, void *arg)
{
    (void)arg;
    struct world w = {0};
    _cleanup_(server_freep) struct http_server *s = NULL;
    struct http_server_spec spec = spec_of(&w);
    TRY(f, http_server_open(f, &spec, &s));
    for (size_t i = 0; i < ARRAY_COUNT(bad_rows); i++) {
        const struct bad_row *row = &bad_rows[i];
        struct str answer;
        int r = ask(f, s, str_from(row->request), &answer);
        if (r < 0)
            return err_wrap(&f->err, r, "%s", row->name);
        char want[32];
        snprintf(want, sizeof(want), "HTTP/1.1 %d ", row->want);
        if (!str_starts(answer, str_from(want)) || !has(answer, "Connection: close\r\n") ||
            !has(answer, "{\"detail\":\"") || count_of(answer, "HTTP/1.1 ") != 1)
            return err_set(&f->err, E_PROTOCOL, "%s: want %d, got: %.*s", row->name, row->want,
                           STR_ARG(answer));
    }
    CHECK(f, w.after_count == 0);
    CHECK(f, http_server_stats(s).request_count == ARRAY_COUNT(bad_rows));
    return 0;
}

static void test_refusals(void **state)
{
    (void)state;
    torture_run("refusals", refusals_run, NULL);
}

/* A mebibyte of header: refused after the cap, and what goes on coming is dropped without a reset. */
static int huge_head_run(struct flow *f, void *arg)
{
    (void)arg;
    struct world w = {0};
    _cleanup_(server_freep) struct http_server *s = NULL;
    struct http_server_spec spec = spec_of(&w);
    TRY(f, http_server_open(f, &spec, &s));
    _cleanup_(buf_done) struct buf request = BUF_INIT(0);
    for (int kind = 0; kind < 3; kind++) {
        buf_clear(&request);
        buf_text(&request, kind == 0   ? "GET /hello HTTP/1.1\r\nHost: x\r\nX-Huge: "
                           : kind == 1 ? "GET /"
                                       : "");
        char *room = buf_room(&request, 1 << 20);
        memset(room, kind == 2 ? '\n' : 'a', 1 << 20);
        buf_used(&request, 1 << 20);
        struct str answer;
        TRY(f, ask(f, s, buf_view(&request), &answer));
        CHECK(f, str_starts(answer, STR("HTTP/1.1 431 ")));
    }
    buf_clear(&request);
    buf_text(&request, "GET /hello HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 200; i++)
        buf_text(&request, "A: b\r\n");
    buf_text(&request, "\r\n");
    struct str answer;
    TRY(f, ask(f, s, buf_view(&request), &answer));
    CHECK(f, str_starts(answer, STR("HTTP/1.1 431 ")));
    return 0;
}

static void test_huge_head(void **state)
{
    (void)state;
    torture_run("huge head", huge_head_run, NULL);
}

/* ---- one connection, many requests ---- */

static int keep_alive_run(struct flow *f, void *arg)
{
    (void)arg;
    struct world w = {0};
    _cleanup_(server_freep) struct http_server *s = NULL;
    struct http_server_spec spec = spec_of(&w);
    TRY(f, http_server_open(f, &spec, &s));
    _cleanup_(client_close) struct client *c = NULL;
    TRY(f, client_open(f, http_server_port(s), &c));
    for (int i = 0; i < 3; i++) {
        client_send(c, STR("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"));
        TRY(f, client_wait(f, c, "\r\n\r\nabc"));
        client_drop(c);
    }
    client_send(c, STR("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    TRY(f, client_wait(f, c, "world"));
    CHECK(f, has(client_received(c), "Connection: keep-alive\r\n"));
    CHECK(f, http_server_stats(s).connection_count == 1);
    client_drop(c);

    client_send(c, STR("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                       "Expect: 100-continue\r\n\r\n"));
    TRY(f, client_wait(f, c, "\r\n\r\n"));
    CHECK(f, str_eq(client_received(c), STR("HTTP/1.1 100 Continue\r\n\r\n")));
    client_send(c, STR("abc"));
    TRY(f, client_wait(f, c, "\r\n\r\nabc"));
    client_drop(c);

    /* Byte by byte, which splits every span. */
    struct str request = STR(
        "POST /items?a=b%20c HTTP/1.1\r\nHost: x\r\nX-Some: one two\r\n"
        "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
        "POST /echo?q HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5;e=f\r\nabcde\r\n00\r\nT: u\r\n\r\n");
    for (size_t i = 0; i < request.len; i++) {
        client_send(c, str_sub(request, i, 1));
        TRY(f, flow_yield(f));
        TRY(f, flow_sleep(f, 1));
    }
    TRY(f, client_wait(f, c, "\r\n\r\nabcde"));
    CHECK(f, str_starts(client_received(c), STR("HTTP/1.1 404 ")));
    CHECK(f, has(client_received(c), "X-Query: q\r\n"));

    /* Silent for the idle time: closed without a word. */
    client_drop(c);
    int status;
    TRY(f, client_wait_end(f, c, &status));
    CHECK(f, client_received(c).len == 0);
    return 0;
}

static void test_keep_alive(void **state)
{
    (void)state;
    torture_run("keep-alive", keep_alive_run, NULL);
}

static int pipeline_run(struct flow *f, void *arg)
{
    (void)arg;
    struct world w = {0};
    _cleanup_(server_freep) struct http_server *s = NULL;
    struct http_server_spec spec = spec_of(&w);
    TRY(f, http_server_open(f, &spec, &s));
    _cleanup_(client_close) struct client *c = NULL;
    TRY(f, client_open(f, http_server_port(s), &c));
    /* More than is held early, so that reading is paused and goes on; the first one is slow. */
    enum { COUNT = 400 };
    _cleanup_(buf_done) struct buf all = BUF_INIT(0);
    buf_text(&all, "GET /error/late HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < COUNT; i++) {
        buf_printf(&all, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n");
        buf_printf(&all, "<%06d>%492s", i, "");
    }
    buf_text(&all, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    buf_text(&all, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"); /* after the last: never answered */
    client_send(c, buf_view(&all));
    int status;
    TRY(f, client_wait_end(f, c, &status));
    struct str got = client_received(c);
    CHECK(f, count_of(got, "HTTP/1.1 200 OK\r\n") == COUNT + 1);
    CHECK(f, str_starts(got, STR("HTTP/1.1 504 ")));
    size_t at = 0;
    for (int i = 0; i < COUNT; i++) {
        char mark[16];
        snprintf(mark, sizeof(mark), "<%06d>", i);
        at = str_find(got, str_from(mark), at);
        CHECK(f, at != SIZE_MAX);
    }
    CHECK(f, str_ends(got, STR("{\"hello\":\"world\"}")));
    return 0;
}

static void test_pipeline(void **state)
{
    (void)state;
    torture_run("pipeline", pipeline_run, NULL);
}

/* ---- time and numbers ---- */

static int slow_request_run(struct flow *f, void *arg)
{
    (void)arg;
    struct world w = {0};
    _cleanup_(server_freep) struct http_server *s = NULL;
    struct http_server_spec spec = spec_of(&w);
    TRY(f, http_server_open(f, &spec, &s));
    _cleanup_(client_close) struct client *c = NULL;
    TRY(f, client_open(f, http_server_port(s), &c));
    client_send(c, STR("GET /hello HTTP/1.1\r\n"));
    for (int i = 0; i < 100 && !client_has_ended(c); i++) {
        client_send(c, STR("X: y\r\n")); /* a drop at a time does not help */
        TRY(f, flow_sleep(f, 1000));
    }
    CHECK(f, str_starts(client_received(c), STR("HTTP/1.1 408 ")));
    return 0;
}

static void test_slow_request(void **state)
{
    (void)state;
    torture_run("slow request", slow_request_run, NULL);
}

static int crowd_run(struct flow *f, void *arg)
{
    (void)arg;
    struct world w = {0};
    _cleanup_(server_freep) struct http_server *s = NULL;
    struct http_server_spec spec = spec_of(&w);
    spec.connection_count_max = 2;
    TRY(f, http_server_open(f, &spec, &s));
    _cleanup_(client_close) struct client *a = NULL;
    _cleanup_(client_close) struct client *b = NULL;
    _cleanup_(client_close) struct client *c = NULL;
    TRY(f, client_open(f, http_server_port(s), &a));
    TRY(f, client_open(f, http_server_port(s), &b));
    client_send(a, STR("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    client_send(b, STR("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    TRY(f, client_wait(f, a, "world"));
    TRY(f, client_wait(f, b, "world"));
    TRY(f, client_open(f, http_server_port(s), &c));
    client_send(c, STR("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    int status;
    TRY(f, client_wait_end(f, c, &status));
    CHECK(f, str_starts(client_received(c), STR("HTTP/1.1 503 ")));
    return 0;
}

static void test_crowd(void **state)
{
    (void)state;
    torture_run("crowd", crowd_run, NULL);
}

/* ---- gzip ---- */

static int inflate_all(struct flow *f, struct str packed, struct buf *out)
{
    z_stream z = {0};
    CHECK(f, inflateInit2(&z, 15 + 16) == Z_OK);
    z.next_in = (Bytef *)(uintptr_t)packed.ptr;
    z.avail_in = (uInt)packed.len;
    z.next_out = (Bytef *)buf_room(out, 1 << 20);
    z.avail_out = 1 << 20;
    int r = inflate(&z, Z_FINISH);
    buf_used(out, z.total_out);
    inflateEnd(&z);
    CHECK(f, r == Z_STREAM_END);
    return 0;
}

struct gzip_row {
    const char *accept;
    int bytes;
    bool want;
};

static const struct gzip_row gzip_rows[] = {
    {"gzip", 1024, false},
    {"gzip", 1025, true},
    {"gzip", 300000, true},
    {"deflate, gzip;q=0.5", 2000, true},
    {"gzip;q=0", 2000, false},
    {"gzip; q=0.000, *", 2000, false},
    {"*", 2000, true},
    {"*;q=0", 2000, false},
    {"br", 2000, false},
    {"", 2000, false},
    {"identity, GZIP;q=1", 2000, true},
};

static int gzip_run(struct flow *f, void *arg)
{
    (void)arg;
    struct world w = {0};
    _cleanup_(server_freep) struct http_server *s = NULL;
    struct http_server_spec spec = spec_of(&w);
    TRY(f, http_server_open(f, &spec, &s));
    for (size_t i = 0; i < ARRAY_COUNT(gzip_rows); i++) {
        const struct gzip_row *row = &gzip_rows[i];
        struct str request = arena_printf(
            &f->arena, "GET /big?bytes=%d HTTP/1.1\r\nAccept-Encoding: %s\r\n" CLOSE "\r\n",
            row->bytes, row->accept);
        struct str answer;
        TRY(f, ask(f, s, request, &answer));
        size_t at = str_find(answer, STR("\r\n\r\n"), 0) + 4;
        struct str body = str_sub(answer, at, SIZE_MAX);
        if (has(answer, "Content-Encoding: gzip\r\n") != row->want)
            return err_set(&f->err, E_PROTOCOL, "row %zu: %s", i, row->accept);
        CHECK(f, has(answer, "Vary: Accept-Encoding\r\n") == (row->bytes > 1024));
        _cleanup_(buf_done) struct buf plain = BUF_INIT(0);
        if (row->want) {
            CHECK(f, body.len < (size_t)row->bytes);
            TRY(f, inflate_all(f, body, &plain));
            body = buf_view(&plain);
        }
        CHECK(f, body.len == (size_t)row->bytes &&
                     body.ptr[body.len - 1] == 'a' + (row->bytes - 1) % 23);
    }
    return 0;
}

static void test_gzip(void **state)
{
    (void)state;
    torture_run("gzip", gzip_run, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_huge_head), cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_pipeline),  cmocka_unit_test(test_slow_request),
        cmocka_unit_test(test_crowd),     cmocka_unit_test(test_gzip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
