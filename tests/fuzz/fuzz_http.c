#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "http/internal.h"

/*
 * Foreign requests: what is understood (requests, or the status of a refusal) does not depend on how the
 * bytes are split, stays within its caps, and a path that is accepted holds no NUL.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD_MAX 1024
#define BODY_MAX 256

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/a/{id}"},
    {.method = "POST", .pattern = "/b", .body_bytes_max = 8},
    {.method = "*", .pattern = "/c/{x}/d/{rest*}"},
};

static void exchange_done(struct http_exchange *x)
{
    buf_done(&x->head);
    buf_done(&x->fields);
    buf_done(&x->body);
}

static void describe(struct http_exchange *x, struct buf *out)
{
    struct arena a;
    arena_init(&a, 0);
    http_request_headers(x, &a);
    const struct http_request *rq = &x->request;
    assert(rq->path.len > 0 && memchr(rq->path.ptr, '\0', rq->path.len) == NULL);
    assert(rq->header_count <= HTTP_HEADER_COUNT_MAX && rq->body.len <= x->body_bytes_max);
    buf_printf(out, "%.*s [", STR_ARG(rq->method));
    buf_str(out, rq->path);
    buf_byte(out, '?');
    buf_str(out, rq->query);
    buf_printf(out, "] keep=%d route=%s", x->keep, x->route != NULL ? x->route->pattern : "-");
    for (size_t i = 0; i < x->param_count; i++) {
        buf_byte(out, ' ');
        buf_str(out, x->params[i].value);
    }
    for (size_t i = 0; i < rq->header_count; i++) {
        assert(rq->headers[i].name.len > 0);
        buf_byte(out, '\n');
        buf_str(out, rq->headers[i].name);
        buf_byte(out, ':');
        buf_str(out, rq->headers[i].value);
        assert(str_eq(http_header(rq, "host"), STR("")) || http_has_header(rq, "Host"));
    }
    struct str value;
    if (http_query(&a, rq, "q", &value)) {
        buf_text(out, "\nq=");
        buf_str(out, value);
    }
    buf_text(out, "\n\n");
    buf_str(out, rq->body);
    buf_byte(out, '\n');
    arena_done(&a);
}

/* Feeds all bytes in pieces of `step` and writes down what came of it. */
static void run(struct str bytes, size_t step, struct buf *out)
{
    struct http_server server = {
        .spec = {.routes = routes,
                 .route_count = ARRAY_COUNT(routes),
                 .header_bytes_max = HEAD_MAX,
                 .body_bytes_max = BODY_MAX},
    };
    http_parse_setup(&server.parser_settings);
    struct http_connection c = {.server = &server};
    http_parse_begin(&c);
    while (bytes.len > 0) {
        struct str piece = str_sub(bytes, 0, step);
        size_t before = piece.len;
        int r = http_parse_feed(&c, &piece);
        bytes = str_sub(bytes, before - piece.len, SIZE_MAX);
        if (r < 0) {
            assert(-r >= 400 && -r <= 505);
            buf_printf(out, "refused %d\n", -r);
            break;
        }
        assert(r == 1 || piece.len == 0);
        assert(c.exchange.head.len <= 2 * (HEAD_MAX + 1) && c.exchange.body.len <= BODY_MAX);
        if (r == 1) {
            describe(&c.exchange, out);
            bool keep = c.exchange.keep;
            exchange_done(&c.exchange);
            http_parse_begin(&c);
            if (!keep)
                break;
        }
    }
    exchange_done(&c.exchange);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_of(data, size);
    struct buf whole = BUF_INIT(0), single = BUF_INIT(0), some = BUF_INIT(0);
    run(bytes, size + 1, &whole);
    run(bytes, 1, &single);
    run(bytes, 2 + size % 11, &some);
    assert(str_eq(buf_view(&whole), buf_view(&single)));
    assert(str_eq(buf_view(&whole), buf_view(&some)));
    buf_done(&whole);
    buf_done(&single);
    buf_done(&some);
    return 0;
}
