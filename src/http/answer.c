/*
 * http/answer.c: what goes back to the client, and the flow that runs a handler.
 *
 * The happy path of a whole answer: head and body are appended to the stream in one turn and leave in
 * one send. Of a streamed answer: the head is appended without being flushed, so that it leaves together
 * with the first piece of that turn; each piece is one chunk; over the high-water mark the writer waits
 * until the reader has taken enough.
 *
 *   HTTP/1.1 200 OK CRLF Date Content-Type Content-Length|Transfer-Encoding X-Request-Id ... CRLF CRLF
 *   chunk: size in hex CRLF piece CRLF;  end: 0 CRLF CRLF
 *
 * Fails by: the client has left (-ECANCELED); a handler's error, which becomes {"detail"} unless the
 * answer has begun, when only closing tells the client that it is not whole.
 *
 * Invariant: `ended` is set only when every byte that the framing promises has been appended.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "base/wall.h"
#include "http/internal.h"

#define GZIP_BYTES_MIN 1024

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (rows[i].status == status)
            return rows[i].text;
    }
    return "Status";
}

/* ---- the head ---- */

static const char *date_text(struct http_server *s)
{
    int64_t now_ms = loop_wall_ms(s->loop);
    if (now_ms / 1000 != s->date_s) {
        struct buf text = BUF_INIT(sizeof(s->date) - 1);
        wall_write_http(&text, now_ms);
        snprintf(s->date, sizeof(s->date), "%s", text.ptr ? text.ptr : "");
        s->date_s = now_ms / 1000;
        buf_done(&text);
    }
    return s->date;
}

/* Finds the line of header `name` in "Name: value\r\n" lines. */
static bool header_find(const struct buf *lines, struct str name, size_t *ret_at, size_t *ret_len)
{
    struct str all = buf_view(lines);
    size_t at = 0;
    while (at < all.len) {
        size_t end = str_find(all, STR("\r\n"), at) + 2;
        struct str line = str_sub(all, at, end - at);
        if (line.len > name.len && line.ptr[name.len] == ':' && str_starts_nocase(line, name)) {
            *ret_at = at;
            *ret_len = end - at;
            return true;
        }
        at = end;
    }
    return false;
}

static bool header_is_set(const struct http_exchange *x, const char *name)
{
    size_t at, len;
    return header_find(&x->answer_headers, str_from(name), &at, &len);
}

static bool header_is_ours(struct str name)
{
    return str_eq_nocase(name, STR("content-length")) || str_eq_nocase(name, STR("content-type")) ||
           str_eq_nocase(name, STR("transfer-encoding")) ||
           str_eq_nocase(name, STR("connection")) || str_eq_nocase(name, STR("date"));
}

void http_set_header(struct http_exchange *x, const char *name, struct str value)
{
    struct str key = str_from(name);
    assert(!x->begun && key.len > 0 && !header_is_ours(key));
    for (size_t i = 0; i < value.len; i++)
        assert(value.ptr[i] != '\r' && value.ptr[i] != '\n' && value.ptr[i] != '\0');
    struct buf *lines = &x->answer_headers;
    size_t at, len;
    if (header_find(lines, key, &at, &len)) {
        memmove(lines->ptr + at, lines->ptr + at + len, lines->len - at - len + 1);
        lines->len -= len;
    }
    buf_printf(lines, "%s: ", name);
    buf_str(lines, value);
    buf_text(lines, "\r\n");
}

static bool status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* Appends the head. body_bytes < 0: a stream. */
static void head_write(struct http_exchange *x, int status, const char *content_type,
                       int64_t body_bytes)
{
    struct http_server *s = x->connection->server;
    assert(!x->begun && status >= 200 && status <= 599);
    if (s->draining)
        x->keep = false;
    x->begun = true;
    x->status = status;
    x->stream = body_bytes < 0;
    x->chunked = x->stream && !x->is_http10 && status_has_body(status);
    if (x->stream && x->is_http10)
        x->keep = false; /* the end of the connection is the end of the body */

    char head[512];
    int len = snprintf(head, sizeof(head), "HTTP/1.1 %d %s\r\nDate: %s\r\n", status,
                       http_reason(status), date_text(s));
    if (x->chunked)
        len += snprintf(head + len, sizeof(head) - (size_t)len, "Transfer-Encoding: chunked\r\n");
    else if (!x->stream && status_has_body(status))
        len += snprintf(head + len, sizeof(head) - (size_t)len, "Content-Length: %" PRId64 "\r\n",
                        body_bytes);
    if (!x->keep)
        len += snprintf(head + len, sizeof(head) - (size_t)len, "Connection: close\r\n");
    else if (x->is_http10 || x->stream)
        len += snprintf(head + len, sizeof(head) - (size_t)len, "Connection: keep-alive\r\n");
    struct tcp *t = x->connection->tcp;
    tcp_write(t, str_of(head, (size_t)len));
    if (content_type != NULL && content_type[0] != '\0') {
        tcp_write(t, STR("Content-Type: "));
        tcp_write(t, str_from(content_type));
        tcp_write(t, STR("\r\n"));
    }
    tcp_write(t, buf_view(&x->answer_headers));
    tcp_write(t, STR("\r\n"));
    buf_done(&x->answer_headers);
}

static bool has_left(const struct http_exchange *x)
{
    return x->connection->left;
}

static int left_error(struct flow *f)
{
    return err_set(&f->err, -ECANCELED, "the client has left");
}

/* ---- whole answers ---- */

static void answer_write(struct http_exchange *x, int status, const char *content_type,
                         struct str body)
{
    if (has_left(x))
        return;
    head_write(x, status, content_type, (int64_t)body.len);
    if (!x->is_head && status_has_body(status)) {
        tcp_write(x->connection->tcp, body);
        x->answer_bytes = body.len;
    }
    x->ended = true;
}

int http_answer(struct flow *f, struct http_exchange *x, int status, const char *content_type,
                struct str body)
{
    assert(!x->begun);
    if (has_left(x))
        return left_error(f);
    _cleanup_(buf_done) struct buf packed = BUF_INIT(0);
    if (body.len > GZIP_BYTES_MIN && http_type_is_text(content_type) &&
        !header_is_set(x, "Content-Encoding")) {
        buf_text(&x->answer_headers,
                 "Vary: Accept-Encoding\r\n"); /* beside a Vary of the handler's */
        if (http_accepts_gzip(http_header(&x->request, "accept-encoding"))) {
            int r = http_gzip(f, body, &packed);
            if (r < 0)
                return r;
            if (has_left(x))
                return left_error(f);
            http_set_header(x, "Content-Encoding", STR("gzip"));
            body = buf_view(&packed);
        }
    }
    answer_write(x, status, content_type, body);
    return 0;
}

int http_answer_json(struct flow *f, struct http_exchange *x, int status, struct str json)
{
    return http_answer(f, x, status, "application/json", json);
}

void http_answer_plain_error(struct http_exchange *x, int status, struct str detail)
{
    struct buf body = BUF_INIT(0);
    struct jw w = JW_INIT(&body);
    jw_obj(&w, NULL);
    jw_str(&w, "detail", detail);
    jw_end_obj(&w);
    answer_write(x, status, "application/json", buf_view(&body));
    buf_done(&body);
}

int http_answer_error(struct flow *f, struct http_exchange *x, int status, struct str detail)
{
    assert(!x->begun);
    if (has_left(x))
        return left_error(f);
    http_answer_plain_error(x, status, detail);
    return 0;
}

/* ---- streams ---- */

int http_stream_begin(struct flow *f, struct http_exchange *x, int status, const char *content_type)
{
    if (has_left(x))
        return left_error(f);
    head_write(x, status, content_type, -1);
    x->connection->server->stats.stream_count++;
    x->ended = x->is_head;
    return 0;
}

bool http_stream_put(struct http_exchange *x, const struct str *pieces, size_t count)
{
    assert(x->stream);
    if (has_left(x) || x->ended)
        return false;
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += pieces[i].len;
    if (len == 0)
        return true; /* a chunk of 0 bytes would be the end */
    struct tcp *t = x->connection->tcp;
    if (x->chunked) {
        char size[24];
        int n = snprintf(size, sizeof(size), "%zx\r\n", len);
        tcp_write(t, str_of(size, (size_t)n));
    }
    for (size_t i = 0; i < count; i++)
        tcp_write(t, pieces[i]);
    if (x->chunked)
        tcp_write(t, STR("\r\n"));
    x->answer_bytes += len;
    return true;
}

int http_stream_write_pieces(struct flow *f, struct http_exchange *x, const struct str *pieces,
                             size_t count)
{
    int r = flow_check(f);
    if (r < 0)
        return r;
    if (!http_stream_put(x, pieces, count))
        return left_error(f);
    while (!has_left(x) && tcp_is_over(x->connection->tcp)) {
        r = cond_wait(f, &x->room);
        if (r < 0)
            return r;
    }
    return has_left(x) ? left_error(f) : 0;
}

int http_stream_write(struct flow *f, struct http_exchange *x, struct str piece)
{
    return http_stream_write_pieces(f, x, &piece, 1);
}

static void stream_finish(struct http_exchange *x)
{
    if (x->ended || has_left(x))
        return;
    if (x->chunked)
        tcp_write(x->connection->tcp, STR("0\r\n\r\n"));
    x->ended = true;
}

int http_stream_end(struct flow *f, struct http_exchange *x)
{
    assert(x->stream);
    if (has_left(x))
        return left_error(f);
    stream_finish(x);
    return 0;
}

/* ---- the exchange's flow ---- */

static bool request_id_good(struct str id)
{
    if (id.len < 1 || id.len > HTTP_REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '.' || c == '_' || c == '-'))
            return false;
    }
    return true;
}

static void request_id_set(struct flow *f, struct http_exchange *x)
{
    struct str given = http_header(&x->request, "x-request-id");
    if (request_id_good(given))
        snprintf(f->request_id, sizeof(f->request_id), "%.*s", STR_ARG(given));
    else
        snprintf(f->request_id, sizeof(f->request_id), "%016" PRIx64,
                 rng_next(&x->connection->server->rng));
    log_context(f->id, f->request_id);
    http_set_header(x, "X-Request-Id", str_from(f->request_id));
}

/* No route: 404, 405 with Allow, or the answer to OPTIONS on the server as a whole. */
static void answer_unrouted(struct http_exchange *x)
{
    const struct http_server_spec *spec = &x->connection->server->spec;
    bool all = str_eq(x->request.path, STR("*"));
    if (!all && !x->path_known) {
        http_answer_plain_error(x, 404, STR("Not Found"));
        return;
    }
    struct buf allow = BUF_INIT(0);
    http_route_allow(spec, x->request.path, &allow);
    http_set_header(x, "Allow", buf_view(&allow));
    buf_done(&allow);
    if (all)
        answer_write(x, 204, NULL, STR(""));
    else
        http_answer_plain_error(x, 405, STR("Method Not Allowed"));
}

static int handle(struct flow *f, struct http_exchange *x)
{
    const struct http_server_spec *spec = &x->connection->server->spec;
    if (spec->before != NULL) {
        int r = spec->before(f, x, spec->context);
        if (r != 0)
            return MIN(r, 0);
    }
    if (x->route == NULL) {
        answer_unrouted(x);
        return 0;
    }
    if (x->route->timeout_ms == 0)
        return x->route->handler(f, x, spec->context);
    _cleanup_(deadline_done) struct deadline d = deadline(f, x->route->timeout_ms);
    return x->route->handler(f, x, spec->context);
}

/* What the handler left open. Its error ends here, so it is logged here. */
static void conclude(struct flow *f, struct http_exchange *x, int r)
{
    if (has_left(x) || x->ended)
        return;
    if (x->begun) {
        if (r >= 0)
            stream_finish(x);
        else
            log_info("http.broken", "path=\"%.*s\" error=\"%s\"", STR_ARG(x->request.path),
                     f->err.msg);
        return;
    }
    if (r == -ECANCELED) { /* the client is there: it is the server that stops */
        http_answer_plain_error(x, 503, STR("The server is stopping"));
        return;
    }
    if (r >= 0) {
        log_error("http.unanswered", "path=\"%.*s\"", STR_ARG(x->request.path));
        http_answer_plain_error(x, 500, STR("Internal Server Error"));
        return;
    }
    bool told = f->err.code == r && f->err.msg[0] != '\0';
    int status = f->err.code == r && f->err.http != 0 ? f->err.http : err_http(r);
    if (status < 400 || status > 599 || status == 499)
        status = 500;
    if (status >= 500)
        log_warn("http.error", "path=\"%.*s\" status=%d error=%s text=\"%s\"",
                 STR_ARG(x->request.path), status, err_name(r), told ? f->err.msg : err_text(r));
    http_answer_plain_error(x, status, str_from(err_public(&f->err, r)));
}

int http_exchange_run(struct flow *f, void *arg)
{
    struct http_exchange *x = arg;
    const struct http_server_spec *spec = &x->connection->server->spec;
    f->arena.bytes_max = spec->flow_arena_bytes_max;
    x->flow = f;
    http_request_headers(x, &f->arena);
    request_id_set(f, x);
    int r = has_left(x) ? -ECANCELED : handle(f, x);
    conclude(f, x, r);
    if (spec->after != NULL)
        spec->after(x, spec->context);
    x->flow = NULL;
    return 0;
}

/* ---- what others ask ---- */

const struct http_request *http_request_of(const struct http_exchange *x)
{
    return &x->request;
}

bool http_client_left(const struct http_exchange *x)
{
    return has_left(x);
}

bool http_answer_begun(const struct http_exchange *x)
{
    return x->begun;
}

int http_answer_status(const struct http_exchange *x)
{
    return x->status;
}

uint64_t http_answer_bytes(const struct http_exchange *x)
{
    return x->answer_bytes;
}

const char *http_route_of(const struct http_exchange *x)
{
    return x->route != NULL ? x->route->pattern : "";
}

void http_set_label(struct http_exchange *x, struct str label)
{
    struct str cut = str_cut_utf8(label, sizeof(x->label) - 1);
    snprintf(x->label, sizeof(x->label), "%.*s", STR_ARG(cut));
}

const char *http_label(const struct http_exchange *x)
{
    return x->label;
}

struct loop *http_loop_of(const struct http_exchange *x)
{
    return x->connection->server->loop;
}
