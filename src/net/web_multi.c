/*
 * The machine under web.c: curl's multi handle driven by uv (socket action).
 *
 * Happy path: a flow queues a call and posts the turn; the turn launches it (curl_multi_add_handle) and
 * gives curl its first push; from then on poll callbacks queue their socket, the turn calls
 * curl_multi_socket_action for each, curl calls the callbacks in web_call.c, and finished transfers are
 * drained. What is ended is let go in the same turn; launches and sockets are taken as the turn has room for.
 * Two clocks: curl reads the machine's clock by itself, so its timer is a raw uv_timer; every timeout
 * that is ours (connect, first byte, idle) is a loop timer and virtual in tests.
 * Fails: a poll error becomes CURL_CSELECT_ERR (uv has stopped the handle already) and curl turns it into
 * an error of the transfer. A socket callback never returns -1: that would kill the whole multi handle.
 * Invariant: curl is called from web_turn only, never on a flow's stack and never inside one
 * of curl's callbacks; a socket is in web.ready exactly while it has flags.
 */
#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/address.h"
#include "net/web_private.h"

#define WEB_NAME_(symbol) #symbol,
const char *web_state_name(enum web_state state)
{
    static const char *const names[] = {WEB_STATES(WEB_NAME_)};
    return names[state];
}
#undef WEB_NAME_

/* ---- transfers that ended ---- */

/* Must follow every action: curl tells ends only here. */
static void drain(struct web *w)
{
    int left;
    for (;;) {
        CURLMsg *m = curl_multi_info_read(w->multi, &left);
        if (!m)
            return;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode code = m->data.result; /* m dies with curl_multi_remove_handle */
        struct web_call *c = NULL;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        web_call_curl_done(c, code);
    }
}

static void act(struct web *w, curl_socket_t fd, int flags)
{
    int running;
    CURLMcode code = curl_multi_socket_action(w->multi, fd, flags, &running);
    if (code != CURLM_OK)
        log_debug("web.action", "error=\"%s\"", curl_multi_strerror(code));
    drain(w);
}

/* ---- sockets ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct web_socket *s = container_of(poll, struct web_socket, poll);
    if (status < 0)
        s->flags |= CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        s->flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        s->flags |= CURL_CSELECT_OUT;
    if (!list_linked(&s->ready))
        list_push(&s->web->ready, &s->ready);
    loop_post(s->web->loop, &s->web->turn);
}

static struct web_socket *socket_get(struct web *w, curl_socket_t fd)
{
    return (size_t)fd < w->fd_count ? w->by_fd[fd] : NULL;
}

/* Names what a descriptor stands for, since its number is soon used again; 0: nothing. */
static uint64_t inode_of(curl_socket_t fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

static struct web_socket *socket_new(struct web *w, curl_socket_t fd, bool ours)
{
    if ((size_t)fd >= w->fd_count) {
        size_t count = MAX((size_t)fd + 1, w->fd_count ? w->fd_count * 2 : 256);
        w->by_fd = mem_realloc(w->by_fd, count * sizeof(struct web_socket *));
        memset(w->by_fd + w->fd_count, 0, (count - w->fd_count) * sizeof(struct web_socket *));
        w->fd_count = count;
    }
    struct web_socket *s = mem_alloc(sizeof(*s));
    s->web = w;
    list_init(&s->ready);
    s->fd = fd;
    s->ours = ours;
    s->inode = ours ? inode_of(fd) : 0;
    w->by_fd[fd] = s;
    return s;
}

/* The last handle of a closing client ends its close op. */
static void handle_gone(struct web *w)
{
    assert(w->handle_count > 0);
    if (--w->handle_count == 0 && w->closing && w->closed)
        op_finish(&w->close_op, 0);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct web_socket *s = container_of((uv_poll_t *)handle, struct web_socket, poll);
    handle_gone(s->web);
    mem_free(s);
}

/* Closing the handle leaves epoll at once, so the descriptor may be closed right after. */
static void socket_free(struct web_socket *s)
{
    s->web->by_fd[s->fd] = NULL;
    list_remove(&s->ready);
    if (s->poll_open)
        uv_close((uv_handle_t *)&s->poll, on_poll_closed);
    else
        mem_free(s);
}

static void socket_closed(struct web_socket *s)
{
    if (s->ours)
        s->web->stats.connection_count--;
    socket_free(s);
}

/* curl tells that it does not want to hear of a socket: after a request, and for the last time when it has
 * closed one. One that was never connected (7.88 up to 8.x: given up, or slower than another address) is
 * closed without a call of on_close_socket. */
static void socket_unwanted(struct web_socket *s)
{
    if (!s->ours || inode_of(s->fd) != s->inode) {
        socket_closed(s);
        return;
    }
    if (s->poll_open)
        uv_poll_stop(&s->poll);
    s->events = 0;
}

static void socket_watch(struct web_socket *s, int events)
{
    int r = 0;
    if (!s->poll_open) {
        r = uv_poll_init_socket(loop_uv(s->web->loop), &s->poll, s->fd);
        s->poll_open = r >= 0;
        s->web->handle_count += r >= 0;
    }
    if (r >= 0)
        r = uv_poll_start(&s->poll, events, on_poll);
    s->events = events;
    if (r < 0) /* the transfer then ends by its timeout */
        log_error("web.poll", "fd=%d error=\"%s\"", (int)s->fd, uv_strerror(r));
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
    (void)easy;
    (void)socket_context;
    struct web *w = context;
    struct web_socket *s = socket_get(w, fd);
    if (what == CURL_POLL_REMOVE) {
        if (s) /* else never polled: curl tells all the same */
            socket_unwanted(s);
        return 0;
    }
    if (!s)
        s = socket_new(w, fd, false);
    socket_watch(s, (what & CURL_POLL_IN ? UV_READABLE : 0) |
                        (what & CURL_POLL_OUT ? UV_WRITABLE : 0));
    return 0;
}

curl_socket_t on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct web *w = context;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    struct web_socket *old = socket_get(w, fd); /* closed before curl ever polled it */
    int events = old ? old->events : 0;
    if (old)
        socket_closed(old);
    struct web_socket *s = socket_new(w, fd, true);
    w->stats.connection_count++;
    if (events) /* curl did not tell of the old one's end, so it need not tell of a beginning */
        socket_watch(s, events);
    return fd;
}

curl_socket_t on_open_public(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    if (address_is_public(&address->addr))
        return on_open_socket(context, purpose, address);
    log_warn("web.refused", "error=\"an address of a private network was asked for\"");
    return CURL_SOCKET_BAD;
}

int on_close_socket(void *context, curl_socket_t fd)
{
    struct web *w = context;
    struct web_socket *s = socket_get(w, fd);
    if (s)
        socket_closed(s);
    return close(fd);
}

/* ---- curl's timer ---- */

static void on_timer(uv_timer_t *timer)
{
    struct web *w = container_of(timer, struct web, timer);
    w->due = true;
    loop_post(w->loop, &w->turn);
}

/* Called by curl from inside its calls, so nothing of curl may be called here: 0 means soon. The time is
 * the machine's even under a virtual clock, because curl measures with its own clock. */
static int on_timer_wanted(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct web *w = context;
    w->due = timeout_ms == 0;
    if (!w->timer_open)
        return 0; /* closing */
    if (timeout_ms < 0)
        uv_timer_stop(&w->timer);
    else
        uv_timer_start(&w->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_gone(container_of((uv_timer_t *)handle, struct web, timer));
}

/* ---- the machine's turn ---- */

void web_todo(struct web_call *c)
{
    struct web *w = c->web;
    list_remove(&c->todo);
    list_push(c->state == WEB_QUEUED && !c->closed ? &w->queue : &w->todo, &c->todo);
    loop_post(w->loop, &w->turn);
}

static void call_free(struct web_call *c)
{
    struct web *w = c->web;
    assert(!op_active(&c->op));
    timer_stop(&c->timer);
    if (c->state != WEB_ENDED)
        w->stats.failed_count++;
    if (c->state == WEB_CONNECTING || c->state == WEB_WAITING || c->state == WEB_READING)
        w->stats.active_count--;
    web_call_detach(c);
    buf_done(&c->head);
    buf_done(&c->in);
    buf_done(&c->out);
    w->call_open_count--;
    mem_free(c);
}

static void call_resume(struct web_call *c)
{
    c->paused = false;
    c->byte_ns = loop_now_ns(c->web->loop);
    /* Gives what curl held back at once (into on_body) and asks for its timer. */
    curl_easy_pause(c->easy, CURLPAUSE_CONT);
}

/* Closes what curl holds; the rest of the handles follows in their close callbacks. */
static void close_now(struct web *w)
{
    assert(w->call_open_count == 0);
    if (w->timer_open) {
        w->timer_open = false;
        uv_close((uv_handle_t *)&w->timer, on_timer_closed);
    }
    while (w->spare_count > 0)
        curl_easy_cleanup(w->spare[--w->spare_count]);
    curl_multi_cleanup(w->multi);
    w->multi = NULL;
    for (size_t fd = 0; fd < w->fd_count; fd++) {
        if (w->by_fd[fd])
            socket_closed(w->by_fd[fd]);
    }
    w->closed = true;
    if (w->handle_count == 0)
        op_finish(&w->close_op, 0);
}

/* Gives curl what the polls have told, one socket at least. */
static void ready_tell(struct web *w)
{
    for (bool more = !list_empty(&w->ready); more;) {
        struct web_socket *s = list_entry(list_shift(&w->ready), struct web_socket, ready);
        int flags = s->flags;
        s->flags = 0;
        act(w, s->fd, flags); /* may free s and others that wait here */
        more = !list_empty(&w->ready) && !loop_turn_spent(w->loop);
    }
}

/* One at least. Most of what a launch costs comes with curl's first push, after this: so it is counted. */
static void launch_some(struct web *w)
{
    for (bool more = !list_empty(&w->queue); more;) {
        web_call_launch(list_entry(list_shift(&w->queue), struct web_call, todo));
        loop_turn_charge(w->loop, WEB_LAUNCH_COST);
        more = !list_empty(&w->queue) && !loop_turn_spent(w->loop);
    }
}

void web_turn(struct loop_task *t)
{
    struct web *w = container_of(t, struct web, turn);
    if (!w->timer_open && !w->closing) {
        /* Opened with the first call, so that a client never used needs no closing. */
        int r = uv_timer_init(loop_uv(w->loop), &w->timer);
        assert(r == 0);
        w->timer_open = true;
        w->handle_count++;
    }
    while (!list_empty(&w->todo)) {
        struct web_call *c = list_entry(list_shift(&w->todo), struct web_call, todo);
        if (c->closed)
            call_free(c);
        else if (c->state == WEB_ENDED)
            web_call_detach(c);
        else if (c->paused && c->easy)
            call_resume(c);
    }
    ready_tell(w);
    launch_some(w);
    if (w->due) {
        /* The first push of what was launched, without waiting for the poll. */
        w->due = false;
        uv_timer_stop(&w->timer);
        act(w, CURL_SOCKET_TIMEOUT, 0);
    } else if (w->multi) {
        drain(w);
    }
    if (w->closing && !w->closed)
        close_now(w);
    else if (!list_empty(&w->ready) || !list_empty(&w->queue))
        loop_post(w->loop, &w->turn);
}

int web_multi_open(struct web *w, const struct web_spec *spec, struct err *err)
{
    w->multi = curl_multi_init();
    if (!w->multi)
        return err_set(err, -ENOMEM, "curl_multi_init failed");
    curl_multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(w->multi, CURLMOPT_SOCKETDATA, w);
    curl_multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    curl_multi_setopt(w->multi, CURLMOPT_TIMERDATA, w);
    curl_multi_setopt(w->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    /* At or above the concurrency, or each further connection is closed after its request and the price
     * of TLS is paid again. */
    long cache = (long)(spec->connection_count_max ? spec->connection_count_max : 1024);
    curl_multi_setopt(w->multi, CURLMOPT_MAXCONNECTS, cache);
    if (spec->host_connection_count_max)
        curl_multi_setopt(w->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                          (long)spec->host_connection_count_max);
    return 0;
}
