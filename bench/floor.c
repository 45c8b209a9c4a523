/*
 * Bench: the floor. libuv and curl_multi with as little around them as works: one POST upstream per client,
 * each CLOVA event's content found by a plain search and written into a new event. No routing, no checks, no
 * accounts, no limits, no timeouts. Writes are gathered per client and leave after curl_multi_socket_action.
 *
 *   floor PORT UPSTREAM_URL
 *
 * Buffers grow with what they hold, reads go to one shared space, and a request's bytes are dropped once it is
 * under way: what a stream costs here is libcurl's and libuv's part and little else.
 * Fails by dropping the client. Invariant: a client is in the dirty list exactly while it has unsent bytes.
 */
#include <curl/curl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/buf.h"
#include "base/mem.h"

struct client {
    uv_tcp_t tcp;
    CURL *easy;
    struct curl_slist *headers;
    struct buf in, line, out;
    struct client *next_dirty;
    bool dirty, began, closing;
};
struct poll_context {
    uv_poll_t poll;
    curl_socket_t fd;
};

static uv_loop_t *loop;
static CURLM *multi;
static uv_timer_t timeout;
static struct client *dirty_list;
static const char *upstream_url;

/* Where uv reads to: a read is consumed within its callback. */
static char read_space[65536];

struct sent {
    uv_write_t request;
    struct buf bytes;
};

static void on_written(uv_write_t *w, int status)
{
    (void)status;
    struct sent *s = container_of(w, struct sent, request);
    buf_done(&s->bytes);
    mem_free(s);
}

static void flush_client(struct client *c)
{
    uv_buf_t b = uv_buf_init(c->out.ptr, (unsigned)c->out.len);
    if (c->out.len == 0 || c->closing)
        return;
    int n = uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
    size_t sent = n > 0 ? (size_t)n : 0;
    if (sent < c->out.len) {
        struct sent *s = mem_alloc(sizeof(*s));
        s->bytes = c->out;
        c->out = (struct buf)BUF_INIT(0);
        b = uv_buf_init(s->bytes.ptr + sent, (unsigned)(s->bytes.len - sent));
        uv_write(&s->request, (uv_stream_t *)&c->tcp, &b, 1, on_written);
    }
    buf_clear(&c->out);
}

static void flush_all(void)
{
    while (dirty_list) {
        struct client *c = dirty_list;
        dirty_list = c->next_dirty;
        c->dirty = false;
        flush_client(c);
    }
}

static void add(struct client *c, const char *bytes, size_t len)
{
    buf_add(&c->out, bytes, len);
    if (!c->dirty) {
        c->dirty = true;
        c->next_dirty = dirty_list;
        dirty_list = c;
    }
}

static void add_chunk(struct client *c, const char *bytes, size_t len)
{
    char head[24];
    add(c, head, (size_t)snprintf(head, sizeof(head), "%zx\r\n", len));
    add(c, bytes, len);
    add(c, "\r\n", 2);
}

static void on_line(struct client *c, const char *line, size_t len)
{
    static const char key[] = "\"content\":\"", last[] = "\"usage\":{";
    const char *content = memmem(line, len, key, sizeof(key) - 1);
    if (len < 5 || memcmp(line, "data:", 5) != 0 || !content ||
        memmem(line, len, last, sizeof(last) - 1))
        return;
    content += sizeof(key) - 1;
    const char *end = memchr(content, '"', (size_t)(line + len - content));
    char event[1024];
    int n = snprintf(event, sizeof(event),
                     "event: token\ndata: {\"type\":\"answer.delta\",\"text\":\"%.*s\"}\n\n",
                     end ? (int)(end - content) : 0, content);
    add_chunk(c, event, (size_t)n);
}

/* A line that lies whole in these bytes is read in place, a cut one is gathered first. */
static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct client *c = data;
    const char *at = bytes, *end = bytes + size * count, *lf;
    for (; at < end && (lf = memchr(at, '\n', (size_t)(end - at))) != NULL; at = lf + 1) {
        if (c->line.len == 0) {
            on_line(c, at, (size_t)(lf - at));
            continue;
        }
        buf_add(&c->line, at, (size_t)(lf - at));
        on_line(c, c->line.ptr, c->line.len);
        buf_clear(&c->line);
    }
    if (at < end)
        buf_add(&c->line, at, (size_t)(end - at));
    return size * count;
}

static void on_closed(uv_handle_t *h)
{
    struct client *c = h->data;
    buf_done(&c->in);
    buf_done(&c->line);
    buf_done(&c->out);
    mem_free(c);
}

static void client_close(struct client *c)
{
    if (c->closing)
        return;
    if (c->dirty) {
        struct client **at = &dirty_list;
        while (*at != c)
            at = &(*at)->next_dirty;
        *at = c->next_dirty;
        c->dirty = false;
    }
    c->closing = true;
    if (c->easy) {
        curl_multi_remove_handle(multi, c->easy);
        curl_easy_cleanup(c->easy);
        curl_slist_free_all(c->headers);
        c->easy = NULL;
    }
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void check_done(void)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(multi, &left))) {
        if (m->msg != CURLMSG_DONE)
            continue;
        struct client *c;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
        static const char last[] = "event: done\ndata: {\"type\":\"done\"}\n\n";
        add_chunk(c, last, sizeof(last) - 1);
        add(c, "0\r\n\r\n", 5);
        curl_multi_remove_handle(multi, c->easy);
        curl_easy_cleanup(c->easy);
        curl_slist_free_all(c->headers);
        c->easy = NULL;
        c->began = false;
    }
    flush_all();
}

static void on_poll(uv_poll_t *p, int status, int events)
{
    struct poll_context *pc = p->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0, running;
    flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    curl_multi_socket_action(multi, pc->fd, flags, &running);
    check_done();
}

static void on_poll_closed(uv_handle_t *h)
{
    mem_free(h->data);
}

static int on_socket(CURL *easy, curl_socket_t fd, int action, void *user, void *socket_data)
{
    (void)easy;
    (void)user;
    struct poll_context *pc = socket_data;
    if (action == CURL_POLL_REMOVE) {
        if (pc) {
            uv_poll_stop(&pc->poll);
            uv_close((uv_handle_t *)&pc->poll, on_poll_closed);
            curl_multi_assign(multi, fd, NULL);
        }
        return 0;
    }
    if (!pc) {
        pc = mem_alloc(sizeof(*pc));
        pc->fd = fd;
        pc->poll.data = pc;
        uv_poll_init_socket(loop, &pc->poll, fd);
        curl_multi_assign(multi, fd, pc);
    }
    int events = (action & CURL_POLL_IN ? UV_READABLE : 0) |
                 (action & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&pc->poll, events, on_poll);
    return 0;
}

static void on_timeout(uv_timer_t *t)
{
    (void)t;
    int running;
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    check_done();
}

static int on_timer(CURLM *m, long ms, void *user)
{
    (void)m;
    (void)user;
    if (ms < 0)
        uv_timer_stop(&timeout);
    else
        uv_timer_start(&timeout, on_timeout, (uint64_t)ms, 0);
    return 0;
}

static void begin(struct client *c, const char *body, size_t len)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    static char json[65536 + 64];
    int n = snprintf(json, sizeof(json),
                     "{\"messages\":[{\"role\":\"user\",\"content\":\"%.*s\"}]}", (int)len, body);
    add(c, head, sizeof(head) - 1);
    c->began = true;
    c->easy = curl_easy_init();
    c->headers = curl_slist_append(NULL, "Content-Type: application/json");
    c->headers = curl_slist_append(c->headers, "Accept: text/event-stream");
    c->headers = curl_slist_append(c->headers, "Expect:");
    curl_easy_setopt(c->easy, CURLOPT_URL, upstream_url);
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE, (long)n);
    curl_easy_setopt(c->easy, CURLOPT_COPYPOSTFIELDS, json);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
    curl_multi_add_handle(multi, c->easy);
}

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *b)
{
    (void)h;
    (void)size;
    *b = uv_buf_init(read_space, sizeof(read_space));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct client *c = s->data;
    if (n < 0) {
        client_close(c);
        return;
    }
    buf_add(&c->in, b->base, (size_t)n);
    const char *body = c->in.ptr ? strstr(c->in.ptr, "\r\n\r\n") : NULL;
    const char *length = c->in.ptr ? strcasestr(c->in.ptr, "content-length:") : NULL;
    if (!body || !length || c->began)
        return;
    body += 4;
    size_t want = strtoul(length + 15, NULL, 10);
    if ((size_t)(c->in.ptr + c->in.len - body) < want)
        return;
    begin(c, body, want);
    buf_done(&c->in);
}

static void on_connection(uv_stream_t *server, int status)
{
    if (status < 0)
        return;
    struct client *c = mem_alloc(sizeof(*c));
    uv_tcp_init(loop, &c->tcp);
    c->tcp.data = c;
    uv_accept(server, (uv_stream_t *)&c->tcp);
    uv_tcp_nodelay(&c->tcp, 1);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    static char url[512];
    snprintf(url, sizeof(url), "%s/v3/chat-completions/HCX-005", argv[2]);
    upstream_url = url;
    loop = uv_default_loop();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 4096L);
    uv_timer_init(loop, &timeout);
    uv_tcp_t server;
    struct sockaddr_in address;
    uv_tcp_init(loop, &server);
    uv_ip4_addr("127.0.0.1", (int)strtol(argv[1], NULL, 10), &address);
    uv_tcp_bind(&server, (struct sockaddr *)&address, 0);
    uv_listen((uv_stream_t *)&server, 4096, on_connection);
    return uv_run(loop, UV_RUN_DEFAULT);
}
