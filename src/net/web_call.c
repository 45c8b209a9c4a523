/*
 * One HTTP transfer: curl's options, its callbacks, its end.
 *
 * Happy path: launch sets the options and adds the handle; on_connected ends the connecting phase;
 * on_head gathers header lines until the final answer's empty line; on_body appends to the call's buffer
 * and wakes the reader, at most once a turn since waking only queues; the end comes through
 * web_call_curl_done.
 * Fails: curl's codes are translated here, once. Before the head everything is E_UPSTREAM (or E_PROTOCOL
 * for what is not HTTP), after it E_TRUNCATED. Our own limits end the call from inside a callback by
 * returning 0, and the error that was set first stays.
 * Invariant: after web_call_end no callback touches the call's buffers; `closed` is checked before
 * anything the flow owned, because the flow may be gone.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/web_private.h"

enum { CONNECT_MS = 5000 };

/* ---- the end ---- */

void web_call_end(struct web_call *c, int status, const char *fmt, ...)
{
    if (c->state == WEB_ENDED)
        return;
    if (c->state != WEB_QUEUED)
        c->web->stats.active_count--;
    c->state = WEB_ENDED;
    c->status = status;
    timer_stop(&c->timer);
    if (status < 0) {
        char text[200];
        va_list args;
        va_start(args, fmt);
        vsnprintf(text, sizeof(text), fmt, args);
        va_end(args);
        err_set(&c->err, status, "%s", text); /* strangers read it: no host */
        c->web->stats.failed_count++;
    }
    log_debug("web.end", "host=%s status=%d http=%d bytes=%zu why=\"%s\"", c->host, status,
              c->http_status, c->bytes_in, c->curl_text[0] ? c->curl_text : c->err.msg);
    if (c->op.state == OP_RUNNING)
        op_finish(&c->op, 0); /* only wakes: the flow's side reads c->status */
}

/* Takes the transfer out of curl; an unfinished one loses its connection. */
void web_call_detach(struct web_call *c)
{
    struct web *w = c->web;
    if (!c->easy)
        return;
    curl_off_t sent = 0;
    long head_sent = 0;
    curl_easy_getinfo(c->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &head_sent);
    w->stats.bytes_out += (uint64_t)sent + (uint64_t)head_sent;
    curl_multi_remove_handle(w->multi, c->easy);
    if (w->spare_count < WEB_SPARE_MAX) {
        curl_easy_reset(c->easy);
        w->spare[w->spare_count++] = c->easy;
    } else {
        curl_easy_cleanup(c->easy);
    }
    c->easy = NULL;
    curl_slist_free_all(c->lines);
    c->lines = NULL;
}

static int translate(const struct web_call *c, CURLcode code)
{
    switch (code) {
    case CURLE_OUT_OF_MEMORY: return E_LIMIT; /* 7.88's word for a header line over its own cap */
    case CURLE_OPERATION_TIMEDOUT: return -ETIMEDOUT;
    case CURLE_UNSUPPORTED_PROTOCOL: /* the scheme was checked, so this is an answer without a head */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING: return E_PROTOCOL;
    default: return c->head_done ? E_TRUNCATED : E_UPSTREAM;
    }
}

void web_call_curl_done(struct web_call *c, CURLcode code)
{
    if (code == CURLE_OK && c->head_done)
        web_call_end(c, 0, "%s", "");
    else if (code == CURLE_OK)
        web_call_end(c, E_PROTOCOL, "ended without an answer");
    else
        web_call_end(c, translate(c, code), "%s", curl_easy_strerror(code));
    web_call_detach(c);
}

/* ---- our timeouts ---- */

/* When the present phase is over its time, on the loop's clock; UINT64_MAX: never. */
static uint64_t phase_end_ns(const struct web_call *c, uint64_t *ret_ms)
{
    const struct web_request *rq = &c->rq;
    uint64_t from = c->byte_ns, ms = rq->idle_ms;
    if (c->state == WEB_CONNECTING) {
        from = c->start_ns;
        ms = rq->connect_ms ? rq->connect_ms : CONNECT_MS;
    } else if (c->state == WEB_WAITING) {
        from = c->sent_ns;
        ms = rq->first_byte_ms ? rq->first_byte_ms : rq->idle_ms;
    } else if (c->paused) {
        from = loop_now_ns(c->web->loop); /* the reader is slow, not the peer */
    }
    *ret_ms = ms;
    return ms ? from + ms * 1000000 : UINT64_MAX;
}

static void on_phase_timer(struct timer *t);

static void phase_watch(struct web_call *c)
{
    uint64_t ms, end_ns = phase_end_ns(c, &ms);
    timer_stop(&c->timer);
    if (end_ns != UINT64_MAX)
        timer_start_at(&c->timer, c->web->loop, end_ns, on_phase_timer);
}

/* Bytes do not restart the timer, they only note their time: one heap operation a silence, not an event. */
static void on_phase_timer(struct timer *t)
{
    struct web_call *c = container_of(t, struct web_call, timer);
    uint64_t ms, end_ns = phase_end_ns(c, &ms);
    if (end_ns > loop_now_ns(c->web->loop)) {
        phase_watch(c);
        return;
    }
    const char *what = c->state == WEB_CONNECTING ? "no connection"
                       : c->state == WEB_WAITING  ? "no answer"
                                                  : "silence";
    web_call_end(c, -ETIMEDOUT, "%s for %llu ms", what, (unsigned long long)ms);
    web_todo(c); /* the turn takes it out of curl */
}

/* ---- curl's callbacks ---- */

static bool is_dead(const struct web_call *c)
{
    return c->closed || c->state == WEB_ENDED;
}

/* Connected, TLS included, or a kept connection was taken; the request leaves next. */
static int on_connected(void *context, char *peer_ip, char *own_ip, int peer_port, int own_port)
{
    (void)peer_ip;
    (void)own_ip;
    (void)peer_port;
    (void)own_port;
    struct web_call *c = context;
    if (is_dead(c))
        return CURL_PREREQFUNC_ABORT;
    c->state = WEB_WAITING;
    c->sent_ns = loop_now_ns(c->web->loop);
    phase_watch(c);
    return CURL_PREREQFUNC_OK;
}

/* "HTTP/1.1 200 OK" or "HTTP/2 200" */
static int status_of(struct str line)
{
    size_t at = str_find(line, STR(" "), 0);
    int64_t status;
    if (at == SIZE_MAX || !str_to_i64(str_sub(line, at + 1, 3), &status))
        return 0;
    return (int)status;
}

static size_t on_head(char *bytes, size_t size, size_t count, void *context)
{
    struct web_call *c = context;
    size_t len = size * count;
    if (is_dead(c))
        return 0;
    c->byte_ns = loop_now_ns(c->web->loop);
    if (c->head_done)
        return len; /* a trailer */
    struct str line = str_trim(str_of(bytes, len));
    if (str_starts(line,
                   STR("HTTP/"))) { /* a new head: 100 and 103 may come before the final one */
        buf_clear(&c->head);
        c->http_status = status_of(line);
        return len;
    }
    if (line.len > 0) {
        buf_str(&c->head, line);
        buf_byte(&c->head, '\n');
        if (c->head.failed) {
            web_call_end(c, E_LIMIT, "header lines over %d bytes", WEB_HEAD_BYTES_MAX);
            return 0;
        }
        return len;
    }
    if (c->http_status < 200)
        return len;
    c->head_done = true;
    c->state = WEB_READING;
    phase_watch(c);
    if (!c->body && c->op.state == OP_RUNNING)
        op_finish(&c->op, 0);
    return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct web_call *c = context;
    size_t len = size * count;
    if (is_dead(c))
        return 0;
    c->byte_ns = loop_now_ns(c->web->loop);
    size_t bytes_max = c->rq.bytes_max ? c->rq.bytes_max : WEB_BODY_BYTES_MAX;
    if (len > bytes_max - c->bytes_in) {
        web_call_end(c, E_LIMIT, "body over %zu bytes", bytes_max);
        return 0;
    }
    if (!c->body && c->in.len >= WEB_PAUSE_BYTES) {
        c->paused = true; /* curl keeps these bytes and gives them again after call_resume */
        return CURL_WRITEFUNC_PAUSE;
    }
    buf_add(c->body ? c->body : &c->in, bytes, len);
    c->bytes_in += len;
    c->web->stats.bytes_in += len;
    if (!c->body && c->op.state == OP_RUNNING)
        op_finish(&c->op, 0);
    return len;
}

/* ---- launch ---- */

static void set_request(struct web_call *c, CURL *e)
{
    const struct web_request *rq = &c->rq;
    char line[96];
    bool is_post = strcmp(rq->method, "POST") == 0;
    bool has_type = false;
    struct buf text = BUF_INIT(0);
    for (size_t i = 0; i < rq->header_count; i++) {
        const struct web_header *h = &rq->headers[i];
        has_type |= str_eq_nocase(h->name, STR("content-type"));
        buf_clear(&text);
        buf_str(&text, h->name);
        buf_text(&text, h->value.len ? ": " : ";"); /* ";" is curl's way to send an empty value */
        buf_str(&text, h->value);
        c->lines = curl_slist_append(c->lines, text.ptr);
    }
    c->lines = curl_slist_append(c->lines, "Expect:"); /* no 100-continue round trip */
    buf_clear(&text);
    buf_str(&text, rq->url);
    curl_easy_setopt(e, CURLOPT_URL, text.ptr);
    buf_done(&text);

    if (strcmp(rq->method, "GET") == 0 && rq->body.len == 0) {
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    } else if (strcmp(rq->method, "HEAD") == 0) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    } else if (is_post || rq->body.len > 0 || strcmp(rq->method, "PUT") == 0) {
        if (!has_type)
            c->lines = curl_slist_append(c->lines, "Content-Type:"); /* or curl says form data */
        curl_easy_setopt(e, CURLOPT_POST, 1L);
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.len);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, rq->body.len ? rq->body.ptr : "");
    }
    if (!is_post) {
        snprintf(line, sizeof(line), "%s", rq->method);
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, line);
    }
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->lines);
    if (rq->gzip)
        curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (rq->age_max_s)
        curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)rq->age_max_s);
}

static void set_transport(struct web_call *c, CURL *e)
{
    struct web *w = c->web;
    curl_easy_setopt(e, CURLOPT_NOSIGNAL,
                     1L); /* saves 3 system calls an event (SIGPIPE handling) */
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PROXY, ""); /* not the environment's */
    curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    if (str_starts_nocase(c->rq.url, STR("https:")))
        curl_easy_setopt(e, CURLOPT_PIPEWAIT,
                         1L); /* rather share one HTTP/2 connection than open many */
    curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 60L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 30L);
    /* With a CA path set (Debian's default) curl parses the whole bundle for every connection, 25 ms;
     * without it the parsed bundle is cached in the multi handle. The bundle file stays as built in,
     * and verification stays on. web_new has checked that there is such a file name. */
    curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    if (w->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, w->ca_file);
    /* Without this, dropping a call while its name is being resolved joins the resolver's thread and
     * stops the loop for as long as DNS takes. */
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE,
                     (long)(c->body ? WEB_FETCH_BUFFER_BYTES : WEB_STREAM_BUFFER_BYTES));
    curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    curl_easy_setopt(e, CURLOPT_USERAGENT, w->user_agent);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION,
                     c->rq.public_only ? on_open_public : on_open_socket);
    if (c->rq.public_only) { /* an open connection was checked for nobody */
        curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
    }
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, w);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, w);
}

void web_call_launch(struct web_call *c)
{
    struct web *w = c->web;
    CURL *e = w->spare_count ? w->spare[--w->spare_count] : curl_easy_init();
    if (!e) {
        web_call_end(c, -ENOMEM, "curl_easy_init failed");
        return;
    }
    c->easy = e;
    set_transport(c, e);
    set_request(c, e);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->curl_text);
    curl_easy_setopt(e, CURLOPT_PRIVATE, c);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, c);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
    c->state = WEB_CONNECTING;
    w->stats.active_count++;
    phase_watch(c);
    CURLMcode code = curl_multi_add_handle(w->multi, e);
    if (code != CURLM_OK) {
        web_call_end(c, E_UPSTREAM, "%s", curl_multi_strerror(code));
        web_call_detach(c);
    }
}
