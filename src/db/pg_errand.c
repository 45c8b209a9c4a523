/*
 * db/pg_errand.c: name resolution and cancel requests, beside the connection itself.
 *
 * Both may take long and may outlive the connection, so they own their memory: a connection that no
 * longer cares leaves its errand (conn = NULL) and may be freed; the pool counts what is still out
 * and is not closed before all of it is back. libpq 17 has an asynchronous cancel that keeps the
 * connection's encryption; before it PQcancel, which blocks, runs on a pool thread (it is thread-safe
 * on its PGcancel: libpq manual 34.7). A cancel request that fails is no error: statement_timeout and
 * the drain's own limit remain. Invariant: an errand ends exactly once, in over().
 */
#include "base/log.h"
#include "base/mem.h"
#include "db/pg_conn.h"

#include <assert.h>
#include <uv.h>

#define CANCEL_MS 5000

struct pg_errand {
    struct pg_conn *conn; /* NULL: nobody waits any more */
    struct pg_pool *pool;
    char *host; /* being resolved, or NULL: a cancel request */
    uv_getaddrinfo_t resolve;
#ifdef LIBPQ_HAS_ASYNC_CANCEL
    PGcancelConn *cancel;
    struct cancel_poll *poll;
    struct timer timer;
#else
    uv_work_t work;
    PGcancel *cancel;
    char why[256];
    bool ok;
#endif
};

static struct pg_errand *errand_new(struct pg_conn *c)
{
    assert(c->errand == NULL);
    struct pg_errand *e = mem_alloc(sizeof(*e));
    e->conn = c;
    e->pool = c->pool;
    c->errand = e;
    e->pool->loose_count++;
    loop_external(e->pool->loop, 1);
    return e;
}

/* Ends the errand; returns the connection that still waits for it, or NULL. */
static struct pg_conn *over(struct pg_errand *e)
{
    struct pg_conn *c = e->conn;
    if (c)
        c->errand = NULL;
    loop_external(e->pool->loop, -1);
    e->pool->loose_count--;
    cond_broadcast(&e->pool->closed);
    mem_free(e->host);
    mem_free(e);
    return c;
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    struct pg_errand *e = container_of(req, struct pg_errand, resolve);
    char *host = TAKE(e->host);
    struct pg_conn *c = over(e);
    if (c)
        conn_resolved(c, status < 0 ? NULL : found, host);
    uv_freeaddrinfo(found);
    mem_free(host);
}

bool errand_resolve(struct pg_conn *c, const char *host)
{
    struct pg_errand *e = errand_new(c);
    e->host = mem_strdup(host);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int r = uv_getaddrinfo(loop_uv(c->loop), &e->resolve, on_resolved, host, NULL, &hints);
    if (r < 0)
        over(e);
    return r >= 0;
}

#ifdef LIBPQ_HAS_ASYNC_CANCEL

/* ---- libpq 17 and later: the request is one more small connection on the loop ---- */

struct cancel_poll {
    uv_poll_t handle;
    struct pg_errand *errand; /* NULL: being closed */
    struct pg_pool *pool;
};

static void on_cancel_poll_closed(uv_handle_t *handle)
{
    struct cancel_poll *w = container_of((uv_poll_t *)handle, struct cancel_poll, handle);
    w->pool->loose_count--;
    cond_broadcast(&w->pool->closed);
    mem_free(w);
}

static void cancel_unwatch(struct pg_errand *e)
{
    if (e->poll == NULL)
        return;
    struct cancel_poll *w = TAKE(e->poll);
    w->errand = NULL;
    uv_close((uv_handle_t *)&w->handle, on_cancel_poll_closed);
}

static void cancel_end(struct pg_errand *e, bool ok)
{
    if (!ok)
        log_debug("db.cancel", "result=failed");
    timer_stop(&e->timer);
    cancel_unwatch(e);
    PQcancelFinish(TAKE(e->cancel));
    struct pg_conn *c = over(e);
    if (c)
        conn_errand_over(c, ok);
}

static void cancel_step(struct pg_errand *e);

static void on_cancel_poll(uv_poll_t *handle, int status, int events)
{
    struct cancel_poll *w = container_of(handle, struct cancel_poll, handle);
    (void)status; /* libpq finds out by itself */
    (void)events;
    if (w->errand)
        cancel_step(w->errand);
}

static void on_cancel_timeout(struct timer *t)
{
    cancel_end(container_of(t, struct pg_errand, timer), false);
}

/* A fresh handle for each step, since libpq may have changed its socket. */
static bool cancel_watch(struct pg_errand *e, int events)
{
    struct cancel_poll *w = mem_alloc(sizeof(*w));
    if (uv_poll_init(loop_uv(e->pool->loop), &w->handle, PQcancelSocket(e->cancel)) < 0) {
        mem_free(w);
        return false;
    }
    w->errand = e;
    w->pool = e->pool;
    w->pool->loose_count++;
    e->poll = w;
    return uv_poll_start(&w->handle, events, on_cancel_poll) >= 0;
}

static void cancel_step(struct pg_errand *e)
{
    cancel_unwatch(e);
    PostgresPollingStatusType next = PQcancelPoll(e->cancel);
    if (next == PGRES_POLLING_OK || next == PGRES_POLLING_FAILED)
        cancel_end(e, next == PGRES_POLLING_OK);
    else if (!cancel_watch(e, next == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE))
        cancel_end(e, false);
}

void errand_cancel(struct pg_conn *c)
{
    PGcancelConn *cancel = PQcancelCreate(c->pq);
    if (cancel == NULL || !PQcancelStart(cancel)) {
        PQcancelFinish(cancel);
        return;
    }
    struct pg_errand *e = errand_new(c);
    e->cancel = cancel;
    timer_start(&e->timer, c->loop, CANCEL_MS, on_cancel_timeout);
    if (!cancel_watch(e, UV_WRITABLE)) /* as if PQcancelPoll had said PGRES_POLLING_WRITING */
        cancel_end(e, false);
}

static void cancel_leave(struct pg_errand *e)
{
    if (e->cancel)
        cancel_end(e, false);
}

#else

/* ---- before that: PQcancel, which blocks, on a pool thread ---- */

static void cancel_run(uv_work_t *req)
{
    struct pg_errand *e = container_of(req, struct pg_errand, work);
    e->ok = PQcancel(e->cancel, e->why, sizeof(e->why)) == 1;
}

static void on_cancel_ran(uv_work_t *req, int status)
{
    struct pg_errand *e = container_of(req, struct pg_errand, work);
    bool good = status >= 0 && e->ok;
    if (!good)
        log_debug("db.cancel", "result=failed");
    PQfreeCancel(e->cancel);
    struct pg_conn *c = over(e);
    if (c)
        conn_errand_over(c, good);
}

void errand_cancel(struct pg_conn *c)
{
    PGcancel *cancel = PQgetCancel(c->pq);
    if (cancel == NULL)
        return;
    struct pg_errand *e = errand_new(c);
    e->cancel = cancel;
    int r = uv_queue_work(loop_uv(c->loop), &e->work, cancel_run, on_cancel_ran);
    assert(r == 0); /* fails only without a function to run */
}

static void cancel_leave(struct pg_errand *e)
{
    (void)e; /* the thread cannot be stopped; its end is counted by the pool */
}

#endif

void errand_leave(struct pg_conn *c)
{
    if (c->errand == NULL)
        return;
    struct pg_errand *e = TAKE(c->errand);
    e->conn = NULL;
    if (e->host)
        uv_cancel((uv_req_t *)&e->resolve); /* may be too late; its callback comes anyway */
    else
        cancel_leave(e);
}
