/*
 * http/parse.c: from bytes to a request, by llhttp (strict).
 *
 * The happy path: url and header spans are appended to exchange.head and noted as offsets; when the
 * head is whole the target is split and decoded, the route is looked up (its body cap counts) and
 * framing is checked; body spans go to exchange.body; at the end of the message llhttp is paused, so
 * that pipelined bytes stay unread.
 *
 * Fails by a negative HTTP status: 400 for what llhttp or we refuse, 413 body over its cap, 417
 * unknown expectation, 431 head over its cap (nothing past the cap is kept or parsed), 501 CONNECT and
 * transfer codings other than chunked, 505 versions other than 1.0 and 1.1.
 *
 * Invariant: spans may arrive split anywhere; nothing of the caller's bytes is kept. Once head_done is
 * set `head` does not move any more, so path, query and parameters may point into it.
 */
#include <assert.h>

#include "http/internal.h"

#define HEAD_SLACK 512 /* bytes of capacity worth giving back once the head is whole */

static struct http_exchange *exchange_of(llhttp_t *p)
{
    return &container_of(p, struct http_connection, parser)->exchange;
}

static int refuse(struct http_exchange *x, int status)
{
    x->refused = status;
    return HPE_USER;
}

static struct str span_str(const struct http_exchange *x, struct http_span s)
{
    return str_of(x->head.ptr + s.at, s.len);
}

static size_t field_count(const struct http_exchange *x)
{
    return x->fields.len / sizeof(struct http_field);
}

static struct http_field *field_at(const struct http_exchange *x, size_t index)
{
    return (struct http_field *)(void *)x->fields.ptr + index;
}

static struct str field_value(const struct http_exchange *x, size_t index)
{
    return str_trim(span_str(x, field_at(x, index)->value));
}

/* ---- spans ---- */

static int on_url(llhttp_t *p, const char *at, size_t len)
{
    struct http_exchange *x = exchange_of(p);
    buf_add(&x->head, at, len);
    x->target.len += (uint32_t)len;
    return 0;
}

/* Trailers and chunk extensions have a meaning to nobody here. */
static int count_extra(struct http_exchange *x, size_t len)
{
    x->extra_bytes += len;
    return x->extra_bytes > x->connection->server->spec.header_bytes_max ? refuse(x, 431) : 0;
}

static int on_header_field(llhttp_t *p, const char *at, size_t len)
{
    struct http_exchange *x = exchange_of(p);
    if (x->head_done)
        return count_extra(x, len);
    if (x->in_value || field_count(x) == 0) {
        if (field_count(x) == HTTP_HEADER_COUNT_MAX)
            return refuse(x, 431);
        struct http_field fresh = {.name = {.at = (uint32_t)x->head.len}};
        buf_add(&x->fields, &fresh, sizeof(fresh));
        x->in_value = false;
    }
    buf_add(&x->head, at, len);
    field_at(x, field_count(x) - 1)->name.len += (uint32_t)len;
    return 0;
}

static int on_header_value(llhttp_t *p, const char *at, size_t len)
{
    struct http_exchange *x = exchange_of(p);
    if (x->head_done)
        return count_extra(x, len);
    assert(field_count(x) > 0);
    struct http_field *field = field_at(x, field_count(x) - 1);
    if (!x->in_value)
        field->value.at = (uint32_t)x->head.len;
    x->in_value = true;
    buf_add(&x->head, at, len);
    field->value.len += (uint32_t)len;
    return 0;
}

/* A value without bytes has no span: this keeps the next name from joining the last one. */
static int on_header_value_complete(llhttp_t *p)
{
    exchange_of(p)->in_value = true;
    return 0;
}

static int on_chunk_extension(llhttp_t *p, const char *at, size_t len)
{
    (void)at;
    return count_extra(exchange_of(p), len);
}

/* A chunk's size is known before its bytes: what cannot fit is not waited for. */
static int on_chunk_header(llhttp_t *p)
{
    struct http_exchange *x = exchange_of(p);
    return p->content_length > x->body_bytes_max - MIN(x->body.len, x->body_bytes_max)
               ? refuse(x, 413)
               : 0;
}

static int on_body(llhttp_t *p, const char *at, size_t len)
{
    struct http_exchange *x = exchange_of(p);
    if (len > x->body_bytes_max - MIN(x->body.len, x->body_bytes_max))
        return refuse(x, 413);
    buf_add(&x->body, at, len);
    return 0;
}

static int on_message_complete(llhttp_t *p)
{
    struct http_exchange *x = exchange_of(p);
    x->keep = llhttp_should_keep_alive(p) != 0;
    return HPE_PAUSED;
}

/* ---- the head is whole ---- */

/* Checks what llhttp leaves to us: one Host, codings, expectation. 0 or a status. */
static int check_fields(struct http_exchange *x, bool *ret_expects)
{
    size_t hosts = 0;
    for (size_t i = 0; i < field_count(x); i++) {
        struct str name = span_str(x, field_at(x, i)->name);
        struct str value = field_value(x, i);
        if (str_eq_nocase(name, STR("host"))) {
            hosts++;
        } else if (str_eq_nocase(name, STR("transfer-encoding"))) {
            if (x->is_http10)
                return 400;
            if (!str_eq_nocase(value, STR("chunked")))
                return 501;
        } else if (str_eq_nocase(name, STR("expect")) && !x->is_http10) {
            if (!str_eq_nocase(value, STR("100-continue")))
                return 417;
            *ret_expects = true;
        }
    }
    if (hosts > 1 || (hosts == 0 && !x->is_http10))
        return 400;
    return 0;
}

static int on_headers_complete(llhttp_t *p)
{
    struct http_exchange *x = exchange_of(p);
    struct http_connection *c = x->connection;
    struct http_request *rq = &x->request;
    if (llhttp_get_http_major(p) != 1 || llhttp_get_http_minor(p) > 1)
        return refuse(x, 505), -1;
    if (llhttp_get_method(p) == HTTP_CONNECT)
        return refuse(x, 501), -1;
    x->is_http10 = llhttp_get_http_minor(p) == 0;
    bool expects = false;
    int status = check_fields(x, &expects);
    if (status != 0)
        return refuse(x, status), -1;

    rq->method = str_from(llhttp_method_name((llhttp_method_t)llhttp_get_method(p)));
    x->is_head = str_eq(rq->method, STR("HEAD"));
    struct buf path = BUF_INIT(0);
    struct str query;
    bool good = http_target_split(rq->method, span_str(x, x->target), &path, &query);
    size_t query_at = good && query.ptr != NULL ? (size_t)(query.ptr - x->head.ptr) : 0;
    size_t path_at = x->head.len;
    buf_str(&x->head, buf_view(&path));
    if (x->head.cap > x->head.len + HEAD_SLACK)
        buf_shrink(&x->head);
    rq->target = span_str(x, x->target);
    rq->path = str_of(x->head.ptr + path_at, path.len);
    rq->query = good && query.len > 0 ? str_of(x->head.ptr + query_at, query.len) : STR("");
    buf_done(&path);
    x->head_done = true;
    if (!good)
        return refuse(x, 400), -1;

    http_route_find(&c->server->spec, x);
    x->body_bytes_max = x->route != NULL && x->route->body_bytes_max > 0
                            ? x->route->body_bytes_max
                            : c->server->spec.body_bytes_max;
    bool has_body = (p->flags & F_CHUNKED) != 0 || p->content_length > 0;
    if ((p->flags & F_CONTENT_LENGTH) != 0 && p->content_length > x->body_bytes_max)
        return refuse(x, 413), -1;
    x->awaits_continue = expects && has_body;
    p->upgrade = 0; /* offers to change the protocol (curl's h2c) are passed over: RFC 9110 §7.8 */
    return 0;
}

/* ---- targets ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends s percent-decoded. False on a bad escape or NUL; `plus`: '+' is a space (queries). */
static bool decode(struct str s, bool plus, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '%') {
            int high = i + 2 < s.len ? hex_digit(s.ptr[i + 1]) : -1;
            int low = i + 2 < s.len ? hex_digit(s.ptr[i + 2]) : -1;
            if (high < 0 || low < 0 || high + low == 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        } else if (c == '\0') {
            return false;
        }
        buf_byte(out, c);
    }
    return true;
}

bool http_target_split(struct str method, struct str target, struct buf *out, struct str *ret_query)
{
    *ret_query = STR("");
    if (str_eq(target, STR("*"))) {
        buf_byte(out, '*');
        return str_eq(method, STR("OPTIONS"));
    }
    struct str rest = target;
    bool absolute = str_starts_nocase(rest, STR("http://")) ||
                    str_starts_nocase(rest, STR("https://"));
    if (absolute) {
        size_t at = str_find(rest, STR("//"), 0) + 2;
        size_t from = at;
        while (at < rest.len && rest.ptr[at] != '/' && rest.ptr[at] != '?')
            at++;
        if (at == from)
            return false; /* no authority */
        rest = str_sub(rest, at, SIZE_MAX);
    }
    if (str_find(rest, STR("#"), 0) != SIZE_MAX)
        return false;
    size_t mark = str_find(rest, STR("?"), 0);
    struct str path = str_sub(rest, 0, MIN(mark, rest.len));
    if (mark != SIZE_MAX)
        *ret_query = str_sub(rest, mark + 1, SIZE_MAX);
    if (path.len == 0 && absolute)
        path = STR("/");
    return path.len > 0 && path.ptr[0] == '/' && decode(path, false, out);
}

/* ---- what handlers ask ---- */

struct str http_header(const struct http_request *rq, const char *name)
{
    struct str wanted = str_from(name);
    for (size_t i = 0; i < rq->header_count; i++) {
        if (str_eq_nocase(rq->headers[i].name, wanted))
            return rq->headers[i].value;
    }
    return STR("");
}

bool http_has_header(const struct http_request *rq, const char *name)
{
    struct str wanted = str_from(name);
    for (size_t i = 0; i < rq->header_count; i++) {
        if (str_eq_nocase(rq->headers[i].name, wanted))
            return true;
    }
    return false;
}

/* Decoded in the arena; what is badly escaped is taken as it stands, as browsers' forms are. */
static struct str query_decode(struct arena *a, struct str s)
{
    struct buf out = BUF_INIT(0);
    struct str text = decode(s, true, &out) ? arena_str(a, buf_view(&out)) : arena_str(a, s);
    buf_done(&out);
    return text;
}

bool http_query(struct arena *a, const struct http_request *rq, const char *name,
                struct str *ret_value)
{
    struct str rest = rq->query, part, wanted = str_from(name);
    while (str_cut(&rest, '&', &part)) {
        size_t mark = str_find(part, STR("="), 0);
        struct str key = str_sub(part, 0, MIN(mark, part.len));
        if (!str_eq(key, wanted) && !str_eq(query_decode(a, key), wanted))
            continue;
        *ret_value = mark == SIZE_MAX ? STR("")
                                      : query_decode(a, str_sub(part, mark + 1, SIZE_MAX));
        return true;
    }
    return false;
}

void http_request_headers(struct http_exchange *x, struct arena *a)
{
    struct http_header *headers = ARENA_ARRAY(a, field_count(x), struct http_header);
    for (size_t i = 0; i < field_count(x); i++)
        headers[i] = (struct http_header){span_str(x, field_at(x, i)->name), field_value(x, i)};
    x->request.headers = headers;
    x->request.header_count = field_count(x);
    x->request.body = buf_view(&x->body);
}

/* ---- feeding ---- */

void http_parse_setup(llhttp_settings_t *settings)
{
    llhttp_settings_init(settings);
    settings->on_url = on_url;
    settings->on_header_field = on_header_field;
    settings->on_header_value = on_header_value;
    settings->on_header_value_complete = on_header_value_complete;
    settings->on_headers_complete = on_headers_complete;
    settings->on_chunk_header = on_chunk_header;
    settings->on_chunk_extension_name = on_chunk_extension;
    settings->on_chunk_extension_value = on_chunk_extension;
    settings->on_body = on_body;
    settings->on_message_complete = on_message_complete;
}

void http_parse_begin(struct http_connection *c)
{
    llhttp_init(&c->parser, HTTP_REQUEST, &c->server->parser_settings);
    struct http_exchange *x = &c->exchange;
    *x = (struct http_exchange){.connection = c};
}

/* Status for what llhttp itself refused. */
static int status_of(llhttp_t *p, llhttp_errno_t error)
{
    /* HPE_INVALID_VERSION is also a good version with a bare line feed behind it. */
    bool known = llhttp_get_http_major(p) == 1 && llhttp_get_http_minor(p) <= 1;
    return error == HPE_PAUSED_H2_UPGRADE || (error == HPE_INVALID_VERSION && !known) ? 505 : 400;
}

int http_parse_feed(struct http_connection *c, struct str *bytes)
{
    struct http_exchange *x = &c->exchange;
    while (bytes->len > 0) {
        size_t len = bytes->len;
        size_t room = c->server->spec.header_bytes_max - x->head_bytes + 1;
        if (!x->head_done)
            len = MIN(len, room);
        llhttp_errno_t error = llhttp_execute(&c->parser, bytes->ptr, len);
        if (x->refused != 0)
            return -x->refused;
        if (error == HPE_PAUSED) {
            size_t used = (size_t)(llhttp_get_error_pos(&c->parser) - bytes->ptr);
            *bytes = str_sub(*bytes, used, SIZE_MAX);
            return 1;
        }
        if (error != HPE_OK)
            return -status_of(&c->parser, error);
        *bytes = str_sub(*bytes, len, SIZE_MAX);
        x->head_bytes += x->head_done ? 0 : len;
        if (!x->head_done && x->head_bytes > c->server->spec.header_bytes_max)
            return -431;
    }
    return 0;
}
