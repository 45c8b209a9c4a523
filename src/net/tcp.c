/*
 * net/tcp.c: server side TCP on uv: listen, accept, gathered writes, water marks, stall limit.
 *
 *      tcp_write ... tcp_write      turn's end          socket full            socket free
 *      out: |aaaa|bbbbbbb|   --> uv_try_write(out)  --> rest: |bbb|     -->  uv_write's callback,
 *                                one send                out: |ccc|            then out again
 *
 * The happy path is one appended buffer and one send a turn; uv_write is only used for what the socket
 * did not take. An empty buffer larger than BUF_KEPT_MAX is given back, so that a parked stream costs
 * little.
 * New connections are taken ACCEPTS_PER_TURN at a time: uv listens on only once the one it holds has been
 * accepted, so the one too many is left with uv until the turn's end.
 *
 * Fails by: reset or a failed write (on_end < 0), a peer that takes nothing for stall_ms (on_end
 * -ETIMEDOUT). Invariant: while `writing`, uv has the rest and nobody touches it; between turns either `out` is
 * empty or `writing` is set or the flush task is posted.
 */
#include "net/tcp.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <uv.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/timer.h"

#define LISTEN_BACKLOG 1024
#define BUF_KEPT_MAX 4096 /* bytes of capacity an empty write buffer may keep */
#define PROBE_MS 1000     /* how often a paused stream is asked whether its peer has gone */
#define ACCEPTS_PER_TURN 16

struct tcp_listener {
    uv_tcp_t handle;
    struct loop *loop;
    void *owner;
    void (*on_connection)(void *owner, struct tcp *stream);
    struct loop_task more;
    uint64_t turn; /* that `accepted` counts in */
    unsigned accepted;
    int port;
};

/* What the socket did not take, with uv until it is written. Most streams never have one, and thousands of
 * streams are parked, so it is made when needed. */
struct tcp_rest {
    uv_write_t write;
    struct tcp *tcp;
    struct buf bytes;
};

struct tcp {
    uv_tcp_t handle;
    uv_shutdown_t shutdown;
    struct loop *loop;
    struct tcp_spec spec;   /* .events NULL: not adopted yet */
    struct buf out;         /* appended, not yet given to the kernel */
    struct loop_task flush; /* tcp_close makes it the closing */
    struct timer probe;     /* while paused */
    struct timer stall;     /* while writing */
    uint64_t progress_ns;
    size_t queue_seen; /* uv's queue when progress was last noted */
    bool writing;
    bool over;
    bool paused;
    bool peer_ended;
    bool broken;
    bool ending;
    bool shut;
    bool closing;
    char peer[64];
};

/* Where uv reads to. One for all streams: a read is consumed within its callback, on the one loop
 * thread. */
static char read_space[64 * 1024];

static uv_stream_t *stream_of(struct tcp *t)
{
    return (uv_stream_t *)&t->handle;
}

/* ---- listening ---- */

static void peer_name(struct tcp *t)
{
    struct sockaddr_storage at;
    int len = sizeof(at);
    char host[48] = "?";
    int port = 0;
    if (uv_tcp_getpeername(&t->handle, (struct sockaddr *)&at, &len) == 0) {
        uv_ip_name((const struct sockaddr *)&at, host, sizeof(host));
        if (at.ss_family == AF_INET)
            port = ntohs(((const struct sockaddr_in *)&at)->sin_port);
        else if (at.ss_family == AF_INET6)
            port = ntohs(((const struct sockaddr_in6 *)&at)->sin6_port);
    }
    snprintf(t->peer, sizeof(t->peer), at.ss_family == AF_INET6 ? "[%s]:%d" : "%s:%d", host, port);
}

static void flush_run(struct loop_task *task);

static void accept_one(struct tcp_listener *tl)
{
    struct tcp *t = mem_alloc(sizeof(*t));
    t->loop = tl->loop;
    loop_task_init(&t->flush, flush_run);
    int r = uv_tcp_init(loop_uv(tl->loop), &t->handle);
    assert(r == 0);
    r = uv_accept((uv_stream_t *)&tl->handle, stream_of(t));
    if (r == 0)
        r = fault_check("tcp.accept", -ECONNRESET);
    if (r == 0) {
        uv_tcp_nodelay(&t->handle, 1);
        peer_name(t);
        tl->on_connection(tl->owner, t);
    }
    if (t->spec.events == NULL)
        tcp_close(t);
}

/* The one that uv holds; from here on it listens again. */
static void accept_more(struct loop_task *task)
{
    accept_one(container_of(task, struct tcp_listener, more));
}

static void on_connection(uv_stream_t *server, int status)
{
    struct tcp_listener *tl = container_of(server, struct tcp_listener, handle);
    loop_clock_update(tl->loop); /* the poll may have slept for long, and timers will be started */
    if (status < 0) {
        log_warn("tcp.accept", "error=%s", uv_err_name(status));
        return;
    }
    if (tl->turn != loop_turn_count(tl->loop))
        tl->accepted = 0;
    tl->turn = loop_turn_count(tl->loop);
    if (tl->accepted++ < ACCEPTS_PER_TURN)
        accept_one(tl);
    else
        loop_post(tl->loop, &tl->more);
}

/* The first address of `host`, with `port`. */
static int resolve(struct loop *l, const char *host, int port, struct sockaddr_storage *ret_at,
                   struct err *err)
{
    char service[8];
    snprintf(service, sizeof(service), "%d", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    uv_getaddrinfo_t req;
    int r = uv_getaddrinfo(loop_uv(l), &req, NULL, host, service, &hints);
    if (r < 0)
        return err_set(err, r > -1000 ? r : E_CONFIG, "cannot resolve %s: %s", host,
                       uv_strerror(r));
    assert(req.addrinfo->ai_addrlen <= sizeof(*ret_at));
    memcpy(ret_at, req.addrinfo->ai_addr, req.addrinfo->ai_addrlen);
    uv_freeaddrinfo(req.addrinfo);
    return 0;
}

static void on_listener_closed(uv_handle_t *handle)
{
    mem_free(container_of(handle, struct tcp_listener, handle));
}

int tcp_listen(struct loop *l, const char *host, int port, void *owner,
               void (*on_connection_fn)(void *owner, struct tcp *stream),
               struct tcp_listener **ret_listener, struct err *err)
{
    struct sockaddr_storage at;
    int r = fault_check("tcp.listen", -EADDRINUSE);
    if (r < 0)
        return err_set(err, r, "cannot listen on %s port %d: %s", host, port, err_text(r));
    r = resolve(l, host, port, &at, err);
    if (r < 0)
        return r;
    signal(SIGPIPE, SIG_IGN);

    struct tcp_listener *tl = mem_alloc(sizeof(*tl));
    tl->loop = l;
    tl->owner = owner;
    tl->on_connection = on_connection_fn;
    loop_task_init(&tl->more, accept_more);
    r = uv_tcp_init(loop_uv(l), &tl->handle);
    assert(r == 0);
    r = uv_tcp_bind(&tl->handle, (const struct sockaddr *)&at, 0);
    if (r == 0)
        r = uv_listen((uv_stream_t *)&tl->handle, LISTEN_BACKLOG, on_connection);
    int len = sizeof(at);
    if (r == 0)
        r = uv_tcp_getsockname(&tl->handle, (struct sockaddr *)&at, &len);
    if (r < 0) {
        tcp_listener_close(tl);
        return err_set(err, r, "cannot listen on %s port %d: %s", host, port, uv_strerror(r));
    }
    tl->port = ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                              : ((struct sockaddr_in *)&at)->sin_port);
    *ret_listener = tl;
    return 0;
}

int tcp_listener_port(const struct tcp_listener *tl)
{
    return tl->port;
}

void tcp_listener_close(struct tcp_listener *tl)
{
    if (tl == NULL)
        return;
    loop_unpost(&tl->more);
    uv_close((uv_handle_t *)&tl->handle, on_listener_closed);
}

/* ---- the end of things ---- */

static void buf_give_back(struct buf *b)
{
    if (b->cap > BUF_KEPT_MAX)
        buf_done(b);
    else
        buf_clear(b);
}

/* Tells the owner, who may close the stream meanwhile. */
static void end_report(struct tcp *t, int status)
{
    if (t->closing || t->broken || (status == 0 && t->peer_ended))
        return;
    t->peer_ended = true;
    uv_read_stop(stream_of(t));
    timer_stop(&t->probe);
    if (status < 0) {
        t->broken = true;
        timer_stop(&t->stall);
        loop_unpost(&t->flush);
        buf_done(&t->out);
    }
    t->spec.events->on_end(t->spec.owner, status);
}

static void on_closed(uv_handle_t *handle)
{
    struct tcp *t = container_of(handle, struct tcp, handle);
    buf_done(&t->out);
    if (t->spec.events != NULL)
        t->spec.events->on_closed(t->spec.owner);
    mem_free(t);
}

static void close_now(struct loop_task *task)
{
    uv_close((uv_handle_t *)&container_of(task, struct tcp, flush)->handle, on_closed);
}

/* Closing is dear, and all clients of a proxy may leave at once: it is a chore. */
void tcp_close(struct tcp *t)
{
    if (t->closing)
        return;
    t->closing = true;
    uv_read_stop(stream_of(t));
    loop_unpost(&t->flush);
    timer_stop(&t->probe);
    timer_stop(&t->stall);
    loop_task_init(&t->flush, close_now);
    loop_post_chore(t->loop, &t->flush);
}

/* ---- reading ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_space)
{
    (void)handle;
    (void)suggested;
    *ret_space = uv_buf_init(read_space, sizeof(read_space));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *space)
{
    struct tcp *t = container_of(stream, struct tcp, handle);
    loop_clock_update(t->loop);
    if (count > 0)
        t->spec.events->on_data(t->spec.owner, str_of(space->base, (size_t)count));
    else if (count < 0)
        end_report(t, count == UV_EOF ? 0 : (int)count);
}

void tcp_adopt(struct tcp *t, const struct tcp_spec *spec)
{
    assert(t->spec.events == NULL && spec->low_bytes <= spec->high_bytes);
    t->spec = *spec;
    t->progress_ns = loop_now_ns(t->loop);
    int r = uv_read_start(stream_of(t), on_alloc, on_read);
    assert(r == 0);
}

/* With reading stopped the kernel does not tell that the peer has gone, so we ask. */
static void on_probe(struct timer *timer)
{
    struct tcp *t = container_of(timer, struct tcp, probe);
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&t->handle, &fd) < 0)
        return;
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    if (poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
        end_report(t, p.revents & POLLERR ? -ECONNRESET : 0);
    else
        timer_start(&t->probe, t->loop, PROBE_MS, on_probe);
}

void tcp_pause(struct tcp *t)
{
    if (t->paused || t->closing || t->peer_ended)
        return;
    t->paused = true;
    uv_read_stop(stream_of(t));
    timer_start(&t->probe, t->loop, PROBE_MS, on_probe);
}

void tcp_resume(struct tcp *t)
{
    if (!t->paused)
        return;
    t->paused = false;
    timer_stop(&t->probe);
    if (t->closing || t->peer_ended)
        return;
    int r = uv_read_start(stream_of(t), on_alloc, on_read);
    assert(r == 0);
}

/* ---- writing ---- */

size_t tcp_unsent(const struct tcp *t)
{
    return t->out.len + (t->writing ? t->handle.write_queue_size : 0);
}

bool tcp_is_over(const struct tcp *t)
{
    return t->over;
}

const char *tcp_peer(const struct tcp *t)
{
    return t->peer;
}

/* Some bytes wait in uv. Bytes that left since the last look count as progress. */
static void on_stall(struct timer *timer)
{
    struct tcp *t = container_of(timer, struct tcp, stall);
    uint64_t now = loop_now_ns(t->loop);
    size_t queue = t->handle.write_queue_size;
    if (queue < t->queue_seen) {
        t->queue_seen = queue;
        t->progress_ns = now;
    }
    uint64_t limit_ns = (uint64_t)t->spec.stall_ms * 1000000;
    if (now - t->progress_ns >= limit_ns)
        end_report(t, -ETIMEDOUT);
    else
        timer_start_at(&t->stall, t->loop, t->progress_ns + limit_ns, on_stall);
}

static void on_shut(uv_shutdown_t *req, int status)
{
    struct tcp *t = container_of(req, struct tcp, shutdown);
    loop_clock_update(t->loop);
    if (t->closing || t->broken)
        return;
    if (status < 0 && status != UV_ENOTCONN)
        end_report(t, status);
    else if (t->spec.events->on_sent != NULL)
        t->spec.events->on_sent(t->spec.owner);
}

static void flush(struct tcp *t);

static void on_written(uv_write_t *req, int status)
{
    struct tcp_rest *rest = container_of(req, struct tcp_rest, write);
    struct tcp *t = rest->tcp;
    loop_clock_update(t->loop);
    t->writing = false;
    buf_done(&rest->bytes);
    mem_free(rest);
    timer_stop(&t->stall);
    if (t->closing || t->broken)
        return;
    if (status < 0) {
        end_report(t, status);
        return;
    }
    t->progress_ns = loop_now_ns(t->loop);
    flush(t);
}

/* Hands what the socket did not take to uv, which goes on when it is writable. */
static int send_rest(struct tcp *t, size_t sent)
{
    struct tcp_rest *rest = mem_alloc(sizeof(*rest));
    rest->tcp = t;
    rest->bytes = t->out;
    t->out = (struct buf)BUF_INIT(0);
    uv_buf_t bytes = uv_buf_init(rest->bytes.ptr + sent, (unsigned)(rest->bytes.len - sent));
    int r = uv_write(&rest->write, stream_of(t), &bytes, 1, on_written);
    if (r < 0) {
        buf_done(&rest->bytes);
        mem_free(rest);
        return r;
    }
    t->writing = true;
    t->queue_seen = t->handle.write_queue_size;
    if (t->spec.stall_ms > 0)
        timer_start(&t->stall, t->loop, t->spec.stall_ms, on_stall);
    return 0;
}

static int send_out(struct tcp *t)
{
    int r = fault_check("tcp.write", -ECONNRESET);
    if (r < 0)
        return r;
    /* uv's buffers have 32-bit lengths; what is more goes with the next callback. */
    uv_buf_t all = uv_buf_init(t->out.ptr, (unsigned)MIN(t->out.len, (size_t)INT32_MAX));
    int sent = uv_try_write(stream_of(t), &all, 1);
    if (sent < 0 && sent != UV_EAGAIN)
        return sent;
    if (sent > 0)
        t->progress_ns = loop_now_ns(t->loop);
    else
        sent = 0;
    if ((size_t)sent < t->out.len)
        return send_rest(t, (size_t)sent);
    buf_give_back(&t->out);
    return 0;
}

/* Sends what can be sent; tells the owner when there is room again. */
static void flush(struct tcp *t)
{
    if (!t->writing && t->out.len > 0) {
        int r = send_out(t);
        if (r < 0) {
            end_report(t, r);
            return;
        }
    }
    if (t->ending && !t->shut && !t->writing && t->out.len == 0) {
        t->shut = true;
        if (uv_shutdown(&t->shutdown, stream_of(t), on_shut) < 0) {
            end_report(t, -ENOTCONN);
            return;
        }
    }
    if (t->over && tcp_unsent(t) <= t->spec.low_bytes) {
        t->over = false;
        t->spec.events->on_drain(t->spec.owner);
    }
}

static void flush_run(struct loop_task *task)
{
    flush(container_of(task, struct tcp, flush));
}

void tcp_write(struct tcp *t, struct str bytes)
{
    if (t->closing || t->broken || t->ending || bytes.len == 0)
        return;
    buf_str(&t->out, bytes);
    if (tcp_unsent(t) > t->spec.high_bytes)
        t->over = true;
    if (!t->writing)
        loop_post(t->loop, &t->flush);
}

void tcp_end(struct tcp *t)
{
    if (t->closing || t->broken || t->ending)
        return;
    t->ending = true;
    if (!t->writing)
        loop_post(t->loop, &t->flush);
}
