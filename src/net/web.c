/*
 * HTTP client, the flows' side: fetch, open, next, rest, close.
 *
 * Happy path: web_open queues a call for the machine's turn and waits until the head is there; web_next
 * gives what has come since the last time, swapping two buffers so that a piece stays valid while curl
 * goes on adding; web_close hands the call back to the machine, which frees it at the turn's end.
 * Fails: what cannot be a request (address, header with a line break) is E_INPUT and never sent; all
 * else is the call's own error, copied to f->err.
 * Invariant: a flow never calls curl; while it does not wait, the call's op is not running.
 */
#include "net/web.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "net/web_private.h"

enum { CLOSE_MS = 5000 };

/* ---- client ---- */

/* A name of a CA bundle file must exist, since the CA path is switched off (web_call.c). */
static int check_library(struct web *w, struct err *err)
{
    static bool began;
    if (!began && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, E_CONFIG, "curl_global_init failed");
    began = true;
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    if (!(v->features & CURL_VERSION_ASYNCHDNS))
        return err_set(err, E_CONFIG,
                       "libcurl %s resolves names synchronously and would stop the loop",
                       v->version);
    if (!(v->features & CURL_VERSION_SSL))
        return err_set(err, E_CONFIG, "libcurl %s was built without TLS", v->version);
    if (v->version_num < 0x075800)
        return err_set(err, E_CONFIG, "libcurl %s is older than 7.88", v->version);
    if (w->ca_file)
        return 0;
    const char *ca_file = NULL;
    CURL *e = curl_easy_init();
    if (e) {
        curl_easy_getinfo(e, CURLINFO_CAINFO, &ca_file);
        if (!ca_file)
            w->ca_file = mem_strdup("/etc/ssl/certs/ca-certificates.crt");
        curl_easy_cleanup(e);
    }
    return 0;
}

int web_new(struct loop *l, const struct web_spec *spec, struct web **ret_web, struct err *err)
{
    struct web *w = mem_alloc(sizeof(*w));
    w->loop = l;
    w->user_agent = mem_strdup(spec->user_agent ? spec->user_agent : "deskstream");
    w->ca_file = spec->ca_file ? mem_strdup(spec->ca_file) : NULL;
    list_init(&w->queue);
    list_init(&w->todo);
    list_init(&w->ready);
    loop_task_init(&w->turn, web_turn);
    int r = fault_check("web.new", E_CONFIG);
    if (r < 0)
        err_set(err, r, "no HTTP client");
    else
        r = check_library(w, err);
    if (r >= 0)
        r = web_multi_open(w, spec, err);
    if (r < 0) {
        web_free(w);
        return r;
    }
    *ret_web = w;
    return 0;
}

void web_close_all(struct flow *f, struct web *w)
{
    if (!w || w->closing)
        return;
    _cleanup_(shield_done) struct shield s = flow_shield(f, CLOSE_MS);
    w->closing = true;
    op_begin(&w->close_op, w->loop, "web.close", NULL);
    loop_post(w->loop, &w->turn);
    /* The op cannot be cancelled, so it has ended whatever the wait says. */
    int r = flow_wait(f, &w->close_op);
    (void)r;
}

void web_free(struct web *w)
{
    if (!w)
        return;
    assert(w->call_open_count == 0 && w->handle_count == 0);
    loop_unpost(&w->turn);
    if (w->multi)
        curl_multi_cleanup(w->multi);
    mem_free(w->by_fd);
    mem_free(w->user_agent);
    mem_free(w->ca_file);
    mem_free(w);
}

struct web_stats web_stats(const struct web *w)
{
    return w->stats;
}

struct str web_header_find(const struct web_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->header_count; i++)
        if (str_eq_nocase(reply->headers[i].name, str_from(name)))
            return reply->headers[i].value;
    return STR_NONE;
}

/* ---- checking a request ---- */

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= 0x20 || c >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", c))
            return false;
    }
    return s.len > 0;
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

/* http(s) only, no user:password (keys belong into headers), no blanks. The host goes to c->host. */
static int check_url(struct web_call *c, struct str url, struct err *err)
{
    size_t skip = str_starts_nocase(url, STR("https://"))  ? 8
                  : str_starts_nocase(url, STR("http://")) ? 7
                                                           : 0;
    if (skip == 0)
        return err_set(err, E_INPUT, "an upstream address must begin with http:// or https://");
    size_t end = skip;
    while (end < url.len && !strchr("/?#", url.ptr[end]))
        end++;
    struct str host = str_sub(url, skip, end - skip);
    if (host.len == 0 || str_find(host, STR("@"), 0) != SIZE_MAX)
        return err_set(err, E_INPUT, "an upstream address needs a host and no user name");
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.ptr[i] <= 0x20 || url.ptr[i] == 0x7f)
            return err_set(err, E_INPUT, "an upstream address holds a blank or control byte");
    struct str shown = str_cut_utf8(host, sizeof(c->host) - 1);
    memcpy(c->host, shown.ptr, shown.len);
    return 0;
}

static int check_request(struct web_call *c, const struct web_request *rq, struct err *err)
{
    if (!is_token(str_from(rq->method)))
        return err_set(err, E_INPUT, "not an HTTP method");
    for (size_t i = 0; i < rq->header_count; i++) {
        const struct web_header *h = &rq->headers[i];
        if (!is_token(h->name))
            return err_set(err, E_INPUT, "not the name of a header");
        if (has_control(h->value)) /* the value may be a secret: never shown */
            return err_set(err, E_INPUT, "header %.*s holds a control character", STR_ARG(h->name));
    }
    return check_url(c, rq->url, err);
}

/* ---- calls ---- */

static void on_call_cancel(struct op *op)
{
    op_finish(op, -ECANCELED); /* the transfer goes on until web_close */
}

static int call_wait(struct flow *f, struct web_call *c, const char *name)
{
    op_begin(&c->op, f->loop, name, on_call_cancel);
    return flow_wait(f, &c->op);
}

static void fill_reply(struct flow *f, const struct web_call *c, struct web_reply *ret_reply)
{
    struct str text = arena_str(&f->arena, buf_view(&c->head));
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    *ret_reply = (struct web_reply){.status = c->http_status};
    ret_reply->headers = ARENA_ARRAY(&f->arena, count, struct web_header);
    struct str line;
    while (str_cut(&text, '\n', &line)) {
        size_t colon = str_find(line, STR(":"), 0);
        if (colon == SIZE_MAX || colon == 0)
            continue;
        ret_reply->headers[ret_reply->header_count++] = (struct web_header){
            .name = str_sub(line, 0, colon),
            .value = str_trim(str_sub(line, colon + 1, line.len)),
        };
    }
    ret_reply->duration_ns = loop_now_ns(f->loop) - c->start_ns;
}

/* Queues a call; it is in ret_stream from here on, so that web_close drops it whatever comes. */
static int call_start(struct flow *f, struct web *w, const struct web_request *rq, bool whole,
                      struct web_stream *ret_stream)
{
    assert(!w->closing);
    int r = flow_check(f);
    if (r < 0)
        return r;
    struct web_call *c = mem_alloc(sizeof(*c));
    r = check_request(c, rq, &f->err);
    if (r >= 0 && (r = fault_check("web.start", E_UPSTREAM)) < 0)
        err_set(&f->err, r, "no connection");
    if (r < 0) {
        mem_free(c);
        return r;
    }
    c->web = w;
    c->rq = *rq;
    c->start_ns = c->byte_ns = loop_now_ns(f->loop);
    buf_init(&c->head, WEB_HEAD_BYTES_MAX);
    if (whole)
        c->body = arena_buf(&f->arena, 0); /* capped by on_body */
    list_init(&c->todo);
    w->call_open_count++;
    w->stats.call_count++;
    *ret_stream = (struct web_stream){.call = c};
    web_todo(c);
    return 0;
}

static int call_error(struct flow *f, const struct web_call *c)
{
    f->err = c->err;
    return c->status;
}

int web_fetch(struct flow *f, struct web *w, const struct web_request *rq,
              struct web_reply *ret_reply)
{
    _cleanup_(web_close) struct web_stream s = WEB_STREAM_INIT;
    int r = call_start(f, w, rq, true, &s);
    if (r < 0)
        return r;
    r = call_wait(f, s.call, "web.fetch");
    if (r < 0)
        return err_set(&f->err, r, "%s", err_text(r));
    if (s.call->status < 0)
        return call_error(f, s.call);
    fill_reply(f, s.call, ret_reply);
    ret_reply->body = buf_view(s.call->body);
    return 0;
}

int web_open(struct flow *f, struct web *w, const struct web_request *rq,
             struct web_stream *ret_stream)
{
    _cleanup_(web_close) struct web_stream s = WEB_STREAM_INIT;
    int r = call_start(f, w, rq, false, &s);
    if (r < 0)
        return r;
    r = call_wait(f, s.call, "web.head");
    if (r < 0)
        return err_set(&f->err, r, "%s", err_text(r));
    if (!s.call->head_done)
        return call_error(f, s.call);
    fill_reply(f, s.call, &s.reply);
    *ret_stream = s;
    s.call = NULL;
    return 0;
}

int web_next(struct flow *f, struct web_stream *s, struct str *ret_piece)
{
    struct web_call *c = s->call;
    assert(c && !c->closed);
    for (;;) {
        int r = flow_check(f);
        if (r < 0)
            return r;
        if (c->in.len > 0)
            break;
        if (c->state == WEB_ENDED)
            return c->status < 0 ? call_error(f, c) : 0;
        r = call_wait(f, c, "web.body");
        if (r < 0)
            return err_set(&f->err, r, "%s", err_text(r));
    }
    buf_clear(&c->out);
    struct buf piece = c->in;
    c->in = c->out;
    c->out = piece;
    if (c->paused)
        web_todo(c); /* resumed in the machine's turn */
    *ret_piece = buf_view(&c->out);
    return 1;
}

int web_rest(struct flow *f, struct web_stream *s, size_t bytes_max, struct str *ret_body)
{
    struct buf *body = arena_buf(&f->arena, bytes_max);
    while (body->len < bytes_max) {
        struct str piece = STR_NONE;
        int r = web_next(f, s, &piece);
        if (r < 0)
            return r;
        if (r == 0)
            break;
        buf_str(body, str_sub(piece, 0, bytes_max - body->len));
    }
    *ret_body = buf_view(body);
    return 0;
}

void web_close(struct web_stream *s)
{
    struct web_call *c = s->call;
    if (!c)
        return;
    assert(!op_active(&c->op));
    s->call = NULL;
    c->closed = true;
    if (c->state != WEB_ENDED)
        loop_turn_charge(c->web->loop, WEB_CLOSE_COST);
    web_todo(c);
}
