/*
 * db/pg_errand.c: name resolution and cancel requests, off the loop.
 *
 * Both may take long and neither can be stopped, so they own their memory: a connection that no
 * longer cares leaves its errand (conn = NULL) and may be freed; the pool counts what is still out
 * and is not closed before all of it is back. libpq 15 and 16 have no asynchronous cancel: PQcancel
 * runs on a pool thread (it is thread-safe on its PGcancel). From libpq 17 on the same thread runs
 * PQcancelBlocking, which, unlike PQcancel, keeps the connection's encryption.
 * A cancel request that fails is no error: statement_timeout and the drain's own limit remain.
 */
#include "base/log.h"
#include "base/mem.h"
#include "db/pg_conn.h"

#include <assert.h>
#include <uv.h>

struct pg_errand {
    struct pg_conn *conn; /* NULL: nobody waits any more */
    struct pg_pool *pool;
    char *host;
    uv_getaddrinfo_t resolve;
    uv_work_t work;
#ifdef LIBPQ_HAS_ASYNC_CANCEL
    PGcancelConn *cancel;
#else
    PGcancel *cancel;
    char why[256];
#endif
    bool ok;
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

void errand_leave(struct pg_conn *c)
{
    if (c->errand == NULL)
        return;
    c->errand->conn = NULL;
    if (c->state == PG_RESOLVING)
        uv_cancel((uv_req_t *)&c->errand->resolve); /* may be too late; its callback comes anyway */
    c->errand = NULL;
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

static void cancel_run(uv_work_t *req) /* on a pool thread */
{
    struct pg_errand *e = container_of(req, struct pg_errand, work);
#ifdef LIBPQ_HAS_ASYNC_CANCEL
    e->ok = PQcancelBlocking(e->cancel) == 1;
#else
    e->ok = PQcancel(e->cancel, e->why, sizeof(e->why)) == 1;
#endif
}

static void on_cancel_ran(uv_work_t *req, int status)
{
    struct pg_errand *e = container_of(req, struct pg_errand, work);
    if (status < 0 || !e->ok)
        log_debug("db.cancel", "result=failed");
#ifdef LIBPQ_HAS_ASYNC_CANCEL
    PQcancelFinish(e->cancel);
#else
    PQfreeCancel(e->cancel);
#endif
    struct pg_conn *c = over(e);
    if (c)
        conn_errand_over(c);
}

void errand_cancel(struct pg_conn *c)
{
#ifdef LIBPQ_HAS_ASYNC_CANCEL
    PGcancelConn *cancel = PQcancelCreate(c->pq);
#else
    PGcancel *cancel = PQgetCancel(c->pq);
#endif
    if (cancel == NULL)
        return;
    struct pg_errand *e = errand_new(c);
    e->cancel = cancel;
    int r = uv_queue_work(loop_uv(c->loop), &e->work, cancel_run, on_cancel_ran);
    assert(r == 0); /* fails only without a function to run */
}
