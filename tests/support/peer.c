/*
 * The scripted peer on uv directly, so that it shares no code with what it tests.
 *
 * Happy path: accept -> play steps: an expectation waits for bytes, a send waits for its write callback
 * (so a client that does not read holds the script), a pause waits for a loop timer.
 * Invariant: a connection's memory goes in its handle's close callback; peer_close waits for the last.
 */
#include "support/peer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/buf.h"
#include "base/mem.h"
#include "loop/timer.h"

struct peer {
    struct loop *loop;
    uv_tcp_t listener;
    const struct peer_script *scripts;
    size_t script_count;
    struct list conns;
    struct buf received;
    size_t accepted_count, left_count, handle_count;
    int port;
    bool closing;
    struct op close_op;
};

struct conn {
    uv_tcp_t tcp;
    struct peer *peer;
    struct list node;
    const struct peer_script *script;
    size_t at;     /* step */
    size_t sent;   /* bytes or repetitions of the step that are out */
    struct buf in; /* not yet taken by an expectation */
    struct timer timer;
    bool writing, closing;
};

static void play(struct conn *c);

static void handle_gone(struct peer *p)
{
    if (--p->handle_count == 0 && p->closing)
        op_finish(&p->close_op, 0);
}

static void on_conn_closed(uv_handle_t *handle)
{
    struct conn *c = container_of((uv_tcp_t *)handle, struct conn, tcp);
    handle_gone(c->peer);
    buf_done(&c->in);
    mem_free(c);
}

static void conn_close(struct conn *c, bool reset)
{
    if (c->closing)
        return;
    c->closing = true;
    timer_stop(&c->timer);
    list_remove(&c->node);
    if (!reset || uv_tcp_close_reset(&c->tcp, on_conn_closed) < 0)
        uv_close((uv_handle_t *)&c->tcp, on_conn_closed);
}

struct sending {
    uv_write_t write;
    struct conn *conn;
    char bytes[];
};

static void on_pause_over(struct timer *t)
{
    struct conn *c = container_of(t, struct conn, timer);
    play(c);
}

static void on_written(uv_write_t *write, int status)
{
    struct sending *s = container_of(write, struct sending, write);
    struct conn *c = s->conn;
    mem_free(s);
    c->writing = false;
    if (status < 0 || c->closing)
        return; /* the reading side tells about a client that left */
    const struct peer_step *step = &c->script->steps[c->at];
    uint64_t want = step->act == PEER_ACT_SPLIT ? step->len : step->count;
    if (++c->sent >= want) {
        c->sent = 0;
        c->at++;
    }
    if (step->act == PEER_ACT_SPLIT)
        timer_start(&c->timer, c->peer->loop, 0, on_pause_over);
    else
        play(c);
}

static void conn_send(struct conn *c, const char *bytes, size_t len)
{
    struct sending *s = mem_alloc(sizeof(*s) + len);
    s->conn = c;
    memcpy(s->bytes, bytes, len);
    c->writing = true;
    uv_buf_t b = uv_buf_init(s->bytes, (unsigned)len);
    int r = uv_write(&s->write, (uv_stream_t *)&c->tcp, &b, 1, on_written);
    if (r < 0) {
        c->writing = false;
        mem_free(s);
    }
}

static void play(struct conn *c)
{
    while (!c->closing && !c->writing && !timer_running(&c->timer) &&
           c->at < c->script->step_count) {
        const struct peer_step *step = &c->script->steps[c->at];
        switch (step->act) {
        case PEER_ACT_EXPECT: {
            size_t at = str_find(buf_view(&c->in), str_of(step->text, step->len), 0);
            if (at == SIZE_MAX)
                return;
            buf_drop(&c->in, at + step->len);
            c->at++;
            break;
        }
        case PEER_ACT_SEND:
        case PEER_ACT_REPEAT: conn_send(c, step->text, step->len); return;
        case PEER_ACT_SPLIT: conn_send(c, step->text + c->sent, 1); return;
        case PEER_ACT_PAUSE:
            c->at++;
            timer_start(&c->timer, c->peer->loop, step->count, on_pause_over);
            return;
        case PEER_ACT_AGAIN: c->at = 0; break;
        case PEER_ACT_CLOSE: conn_close(c, false); return;
        case PEER_ACT_RESET: conn_close(c, true); return;
        }
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    (void)handle;
    (void)suggested;
    static char room[16384];
    *ret_buf = uv_buf_init(room, sizeof(room));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
    struct conn *c = container_of((uv_tcp_t *)stream, struct conn, tcp);
    if (len < 0) {
        c->peer->left_count++;
        conn_close(c, false);
        return;
    }
    buf_add(&c->in, bytes->base, (size_t)len);
    buf_add(&c->peer->received, bytes->base, (size_t)len);
    play(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct peer *p = container_of((uv_tcp_t *)listener, struct peer, listener);
    if (status < 0 || p->closing)
        return;
    struct conn *c = mem_alloc(sizeof(*c));
    c->peer = p;
    size_t which = MIN(p->accepted_count, p->script_count - 1);
    c->script = &p->scripts[which];
    p->accepted_count++;
    uv_tcp_init(loop_uv(p->loop), &c->tcp);
    p->handle_count++;
    list_push(&p->conns, &c->node);
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) < 0) {
        conn_close(c, false);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    play(c);
}

static void on_listener_closed(uv_handle_t *handle)
{
    handle_gone(container_of((uv_tcp_t *)handle, struct peer, listener));
}

struct peer *peer_open(struct loop *l, const struct peer_script *scripts, size_t script_count)
{
    struct peer *p = mem_alloc(sizeof(*p));
    p->loop = l;
    p->scripts = scripts;
    p->script_count = script_count;
    list_init(&p->conns);
    struct sockaddr_in address;
    struct sockaddr_storage got;
    int len = sizeof(got);
    if (uv_ip4_addr("127.0.0.1", 0, &address) < 0 || uv_tcp_init(loop_uv(l), &p->listener) < 0 ||
        uv_tcp_bind(&p->listener, (const struct sockaddr *)&address, 0) < 0 ||
        uv_listen((uv_stream_t *)&p->listener, 256, on_connection) < 0 ||
        uv_tcp_getsockname(&p->listener, (struct sockaddr *)&got, &len) < 0)
        abort();
    p->handle_count = 1;
    p->port = ntohs(((struct sockaddr_in *)&got)->sin_port);
    return p;
}

void peer_close(struct flow *f, struct peer *p)
{
    if (!p)
        return;
    _cleanup_(shield_done) struct shield s = flow_shield(f, 5000);
    p->closing = true;
    op_begin(&p->close_op, p->loop, "peer.close", NULL);
    uv_close((uv_handle_t *)&p->listener, on_listener_closed);
    list_each_safe (n, &p->conns)
        conn_close(list_entry(n, struct conn, node), false);
    int r = flow_wait(f, &p->close_op); /* not cancellable: it has ended whatever the wait says */
    (void)r;
    buf_done(&p->received);
    mem_free(p);
}

int peer_port(const struct peer *p)
{
    return p->port;
}

struct str peer_url(struct flow *f, const struct peer *p, const char *path)
{
    return arena_printf(&f->arena, "http://127.0.0.1:%d%s", p->port, path);
}

size_t peer_accepted(const struct peer *p)
{
    return p->accepted_count;
}

size_t peer_left(const struct peer *p)
{
    return p->left_count;
}

struct str peer_received(const struct peer *p)
{
    return buf_view(&p->received);
}
