/*
 * tests/support/client.c: the raw client. Each event wakes every waiting flow, which looks again.
 */
#include "support/client.h"

#include <assert.h>
#include <errno.h>
#include <uv.h>

#include "base/mem.h"

struct client {
    uv_tcp_t handle;
    uv_connect_t connect;
    uv_shutdown_t shutdown;
    struct loop *loop;
    struct op opening;
    struct buf in;
    struct cond changed;
    size_t read_count;
    int status; /* of the end */
    bool ended;
    bool closing;
};

struct client_write {
    uv_write_t req;
    struct buf bytes;
};

static char read_space[64 * 1024];

static void on_closed(uv_handle_t *handle)
{
    struct client *c = container_of(handle, struct client, handle);
    buf_done(&c->in);
    mem_free(c);
}

void client_close(struct client **place)
{
    struct client *c = TAKE(*place);
    if (c == NULL)
        return;
    c->closing = true;
    uv_close((uv_handle_t *)&c->handle, on_closed);
}

void client_reset(struct client **place)
{
    struct client *c = TAKE(*place);
    if (c == NULL)
        return;
    c->closing = true;
    if (uv_tcp_close_reset(&c->handle, on_closed) < 0)
        uv_close((uv_handle_t *)&c->handle, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_space)
{
    (void)handle;
    (void)suggested;
    *ret_space = uv_buf_init(read_space, sizeof(read_space));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *space)
{
    struct client *c = container_of(stream, struct client, handle);
    if (count > 0) {
        buf_add(&c->in, space->base, (size_t)count);
        c->read_count++;
    } else if (count < 0) {
        c->ended = true;
        c->status = count == UV_EOF ? 0 : (int)count;
        uv_read_stop(stream);
    }
    cond_broadcast(&c->changed);
}

static void on_connect(uv_connect_t *req, int status)
{
    struct client *c = container_of(req, struct client, connect);
    op_finish(&c->opening, status);
}

int client_open(struct flow *f, int port, struct client **ret_client)
{
    struct client *c = mem_alloc(sizeof(*c));
    c->loop = f->loop;
    struct sockaddr_in at;
    uv_ip4_addr("127.0.0.1", port, &at);
    int r = uv_tcp_init(loop_uv(f->loop), &c->handle);
    assert(r == 0);
    r = uv_tcp_connect(&c->connect, &c->handle, (const struct sockaddr *)&at, on_connect);
    if (r == 0) {
        op_begin(&c->opening, f->loop, "client.open", NULL);
        r = flow_wait(f, &c->opening);
    }
    if (r == 0) {
        uv_tcp_nodelay(&c->handle, 1);
        r = uv_read_start((uv_stream_t *)&c->handle, on_alloc, on_read);
    }
    if (r < 0)
        client_close(&c);
    else
        *ret_client = c;
    return r;
}

static void on_written(uv_write_t *req, int status)
{
    struct client_write *w = container_of(req, struct client_write, req);
    (void)status;
    buf_done(&w->bytes);
    mem_free(w);
}

void client_send(struct client *c, struct str bytes)
{
    uv_buf_t all = uv_buf_init((char *)(uintptr_t)bytes.ptr, (unsigned)bytes.len);
    int sent = uv_try_write((uv_stream_t *)&c->handle, &all, 1);
    if (sent == (int)bytes.len || (sent < 0 && sent != UV_EAGAIN))
        return;
    struct client_write *w = mem_alloc(sizeof(*w));
    buf_str(&w->bytes, str_sub(bytes, sent > 0 ? (size_t)sent : 0, SIZE_MAX));
    uv_buf_t rest = uv_buf_init(w->bytes.ptr, (unsigned)w->bytes.len);
    if (uv_write(&w->req, (uv_stream_t *)&c->handle, &rest, 1, on_written) < 0)
        on_written(&w->req, 0);
}

static void on_shut(uv_shutdown_t *req, int status)
{
    (void)req;
    (void)status;
}

void client_shut(struct client *c)
{
    int r = uv_shutdown(&c->shutdown, (uv_stream_t *)&c->handle, on_shut);
    (void)r;
}

void client_pause(struct client *c)
{
    uv_read_stop((uv_stream_t *)&c->handle);
}

void client_resume(struct client *c)
{
    if (!c->ended)
        uv_read_start((uv_stream_t *)&c->handle, on_alloc, on_read);
}

struct str client_received(const struct client *c)
{
    return buf_view(&c->in);
}

void client_drop(struct client *c)
{
    buf_clear(&c->in);
}

bool client_has_ended(const struct client *c)
{
    return c->ended;
}

size_t client_read_count(const struct client *c)
{
    return c->read_count;
}

int client_wait(struct flow *f, struct client *c, const char *needle)
{
    while (str_find(buf_view(&c->in), str_from(needle), 0) == SIZE_MAX) {
        if (c->ended)
            return err_set(&f->err, -ECONNRESET, "ended before \"%s\" came: %s", needle,
                           c->in.ptr ? c->in.ptr : "");
        int r = cond_wait(f, &c->changed);
        if (r < 0)
            return r;
    }
    return 0;
}

int client_wait_bytes(struct flow *f, struct client *c, size_t len)
{
    while (c->in.len < len) {
        if (c->ended)
            return err_set(&f->err, -ECONNRESET, "ended after %zu bytes", c->in.len);
        int r = cond_wait(f, &c->changed);
        if (r < 0)
            return r;
    }
    return 0;
}

int client_wait_end(struct flow *f, struct client *c, int *ret_status)
{
    while (!c->ended) {
        int r = cond_wait(f, &c->changed);
        if (r < 0)
            return r;
    }
    *ret_status = c->status;
    return 0;
}
