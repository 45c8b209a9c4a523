/*
 * db/pg_conn.c: a connection's life: resolve, connect, idle, dead; its poll handle, turn and cancel.
 *
 * Happy path: conn_new, an OPEN job (resolve names -> PQconnectStart/Poll -> settings in one pipeline),
 * then one job after the other, each begun in the machine's own turn, and conn_kill.
 * Ways to fail: names do not resolve, the server refuses or does not answer in time, the socket
 * breaks; all end in conn_kill, which finishes a running job with E_DB_AWAY. Cancelling a job that is
 * opening or rolling back kills the connection; any other is drained: the server is asked to cancel,
 * what it still sends is read, and after DRAIN_MS the connection is killed.
 * Invariant: a job finishes exactly once, and a connection in state IDLE without a job has nothing
 * outstanding on the wire: neither results nor a cancel request that might hit a later statement.
 */
#include "db/pg_conn.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/log.h"
#include "base/mem.h"
#include "db/pg_error.h"

#define DRAIN_MS 3000
#define HOST_LIST_BYTES_MAX 8192

/* The handle is closed asynchronously, so it lives apart from the connection. */
struct pg_poll {
    uv_poll_t handle;
    struct pg_conn *conn; /* NULL: being closed */
    struct pg_pool *pool;
    int events;
};

const char *pg_state_name(enum pg_state state)
{
#define NAME_(symbol, text) [PG_##symbol] = text,
    static const char *const names[] = {PG_STATES(NAME_)};
#undef NAME_
    return names[state];
}

/* ---- poll handle ---- */

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct pg_poll *w = container_of(handle, struct pg_poll, handle);
    if (w->conn == NULL)
        return;
    /* On an error libuv has stopped the handle; reading tells libpq what is wrong. */
    if (status < 0 || (events & UV_READABLE))
        w->conn->readable = true;
    if (status < 0)
        w->events = 0;
    loop_post(w->conn->loop, &w->conn->task);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct pg_poll *w = container_of((uv_poll_t *)handle, struct pg_poll, handle);
    w->pool->loose_count--;
    cond_broadcast(&w->pool->closed);
    mem_free(w);
}

static void unwatch(struct pg_conn *c)
{
    if (c->poll == NULL)
        return;
    struct pg_poll *w = TAKE(c->poll);
    w->conn = NULL;
    uv_close((uv_handle_t *)&w->handle, on_poll_closed);
}

/* Watches the connection's socket for these events, with a new handle when there is none. */
static bool watch(struct pg_conn *c, int events)
{
    if (c->poll == NULL) {
        struct pg_poll *w = mem_alloc(sizeof(*w));
        if (uv_poll_init(loop_uv(c->loop), &w->handle, PQsocket(c->pq)) < 0) {
            mem_free(w);
            return false;
        }
        w->conn = c;
        w->pool = c->pool;
        w->pool->loose_count++;
        c->poll = w;
    }
    if (c->poll->events == events)
        return true;
    c->poll->events = events;
    return uv_poll_start(&c->poll->handle, events, on_poll) >= 0;
}

void conn_watch(struct pg_conn *c, bool write)
{
    if (!watch(c, UV_READABLE | (write ? UV_WRITABLE : 0)))
        conn_kill(c, E_DB_AWAY, "the socket cannot be watched");
}

/* ---- life ---- */

static void conn_turn(struct loop_task *t);

struct pg_conn *conn_new(struct pg_pool *p)
{
    struct pg_conn *c = mem_alloc(sizeof(*c));
    c->pool = p;
    c->loop = p->loop;
    list_init(&c->node);
    list_init(&c->stmts);
    map_init(&c->stmt_map);
    buf_init(&c->hosts, HOST_LIST_BYTES_MAX);
    buf_init(&c->addresses, HOST_LIST_BYTES_MAX);
    buf_init(&c->ports, HOST_LIST_BYTES_MAX);
    loop_task_init(&c->task, conn_turn);
    return c;
}

static void finish(struct pg_conn *c)
{
    struct pg_job *j = TAKE(c->job);
    timer_stop(&c->timer);
    c->cancel_wanted = false;
    int status = j->failed ? j->op.err.code : 0;
    if (j->failed && j->op.cancelled && status != E_DB_AWAY)
        status = err_set(&j->op.err, -ECANCELED, "%s was cancelled", j->op.name);
    if (j->failed)
        c->tx_broken = c->tx_open;
    c->pool->stats.query_count += j->sql != NULL;
    c->pool->stats.failed_count += j->failed;
    loop_external(c->loop, -1);
    op_finish(&j->op, status);
}

void conn_drained(struct pg_conn *c)
{
    c->job->drained = true;
    if (c->state != PG_DEAD) {
        c->state = PG_IDLE;
        if (PQtransactionStatus(c->pq) == PQTRANS_IDLE)
            c->tx_open = c->tx_broken = false;
        conn_watch(c, false);
    }
    if (c->job && c->errand == NULL)
        finish(c);
}

void conn_errand_over(struct pg_conn *c, bool good)
{
    c->spoiled |= !good; /* it may yet arrive, and would hit somebody else's statement */
    if (c->job && c->job->drained)
        finish(c);
}

void conn_kill(struct pg_conn *c, int code, const char *why)
{
    if (c->state == PG_DEAD)
        return;
    errand_leave(c);
    c->state = PG_DEAD;
    c->spoiled = true;
    timer_stop(&c->timer);
    unwatch(c); /* before libpq closes the descriptor under libuv */
    if (c->pq)
        PQfinish(TAKE(c->pq));
    stmt_drop_all(c);
    if (c->job == NULL)
        return;
    /* The server may have said more before it hung up; and whatever it said, it is gone now. */
    struct err *err = &c->job->op.err;
    if (!c->job->failed)
        err_set(err, code, "%s", why);
    else if (err->code != E_DB_AWAY && code == E_DB_AWAY)
        err->code = E_DB_AWAY;
    c->job->failed = true;
    finish(c);
}

void conn_free(struct pg_conn *c)
{
    assert(c->job == NULL);
    conn_kill(c, E_DB_AWAY, "closed");
    loop_unpost(&c->task);
    list_remove(&c->node);
    map_done(&c->stmt_map);
    buf_done(&c->params.bytes);
    buf_done(&c->chunk);
    buf_done(&c->hosts);
    buf_done(&c->addresses);
    buf_done(&c->ports);
    mem_free(c);
}

bool conn_is_alive(const struct pg_conn *c)
{
    if (c->state != PG_IDLE || c->spoiled)
        return false;
    char byte;
    ssize_t n = recv(PQsocket(c->pq), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* ---- resolve and connect ---- */

static void list_add(struct buf *list, size_t place, struct str item)
{
    if (place > 0)
        buf_byte(list, ',');
    buf_str(list, item);
}

static void add_host(struct pg_conn *c, const char *host, const char *address)
{
    struct str unused, port;
    pg_address_at(&c->pool->address, c->host_index, &unused, &port);
    list_add(&c->hosts, c->host_count, str_from(host));
    list_add(&c->addresses, c->host_count, str_from(address));
    list_add(&c->ports, c->host_count, port);
    c->host_count++;
}

static void on_connect_timeout(struct timer *t)
{
    struct pg_conn *c = container_of(t, struct pg_conn, timer);
    conn_kill(c, E_DB_AWAY, "the server did not answer in time");
}

static void on_notice(void *arg, const PGresult *res)
{
    (void)arg;
    log_debug("db.notice", "sqlstate=%s",
              PQresultErrorField(res, PG_DIAG_SQLSTATE) ? PQresultErrorField(res, PG_DIAG_SQLSTATE)
                                                        : "-");
}

static void connect_start(struct pg_conn *c)
{
    const struct pg_address *a = &c->pool->address;
    const char *keywords[PG_ADDRESS_KEY_COUNT_MAX], *values[PG_ADDRESS_KEY_COUNT_MAX];
    size_t n = 0;
    for (; n < a->count; n++) {
        keywords[n] = a->keywords[n];
        values[n] = a->values[n];
    }
    bool resolved = c->host_count > 0;
    const char *const where[][2] = {
        {"host", resolved ? c->hosts.ptr : a->host},
        {"hostaddr", resolved ? c->addresses.ptr : a->hostaddr},
        {"port", resolved ? c->ports.ptr : a->port},
    };
    for (size_t i = 0; i < ARRAY_COUNT(where); i++) {
        if (where[i][1] == NULL)
            continue;
        keywords[n] = where[i][0];
        values[n++] = where[i][1];
    }
    keywords[n] = values[n] = NULL;
    c->state = PG_CONNECTING;
    c->pq = PQconnectStartParams(keywords, values, 0);
    if (c->pq == NULL) {
        conn_kill(c, E_DB_AWAY, "libpq has no memory");
        return;
    }
    PQsetNoticeReceiver(c->pq, on_notice, NULL);
    if (PQstatus(c->pq) == CONNECTION_BAD) {
        conn_lost(c);
        return;
    }
    if (!watch(c, UV_WRITABLE)) /* as if PQconnectPoll had said PGRES_POLLING_WRITING */
        conn_kill(c, E_DB_AWAY, "the socket cannot be watched");
}

static void connect_poll(struct pg_conn *c)
{
    /* PQconnectPoll may close its socket and open another, even of the same number; epoll forgets a
     * closed one without a word. So each step gets a fresh handle. */
    unwatch(c);
    switch (PQconnectPoll(c->pq)) {
    case PGRES_POLLING_READING:
        if (!watch(c, UV_READABLE))
            conn_kill(c, E_DB_AWAY, "the socket cannot be watched");
        return;
    case PGRES_POLLING_WRITING:
        if (!watch(c, UV_WRITABLE))
            conn_kill(c, E_DB_AWAY, "the socket cannot be watched");
        return;
    case PGRES_POLLING_OK:
        c->pool->stats.connect_count++;
        if (PQsetnonblocking(c->pq, 1) < 0 || !PQenterPipelineMode(c->pq)) {
            conn_lost(c);
            return;
        }
        pipeline_start(c);
        return;
    default: conn_lost(c);
    }
}

static void resolve(struct pg_conn *c)
{
    const struct pg_address *a = &c->pool->address;
    struct str host, port;
    c->state = PG_RESOLVING;
    while (a->hostaddr == NULL && pg_address_at(a, c->host_index, &host, &port)) {
        char name[256];
        if (host.len >= sizeof(name)) {
            conn_kill(c, E_DB_AWAY, "a host name is too long");
            return;
        }
        memcpy(name, host.len ? host.ptr : "", host.len);
        name[host.len] = '\0';
        if (!pg_address_is_local(host)) {
            if (!errand_resolve(c, name))
                conn_kill(c, E_DB_AWAY, "a host name cannot be resolved");
            return; /* conn_resolved goes on */
        }
        add_host(c, name, "");
        c->host_index++;
    }
    if (a->host && c->host_count == 0 && a->hostaddr == NULL)
        conn_kill(c, E_DB_AWAY, "the host name cannot be resolved");
    else
        connect_start(c);
}

void conn_resolved(struct pg_conn *c, const struct addrinfo *found, const char *host)
{
    for (const struct addrinfo *i = found; i; i = i->ai_next) {
        char address[INET6_ADDRSTRLEN + 20];
        if (getnameinfo(i->ai_addr, i->ai_addrlen, address, sizeof(address), NULL, 0,
                        NI_NUMERICHOST) == 0)
            add_host(c, host, address);
    }
    c->host_index++;
    loop_post(c->loop, &c->task);
}

/* ---- jobs ---- */

static void on_cancel(struct op *op)
{
    struct pg_conn *c = container_of(op, struct pg_job, op)->conn;
    c->cancel_wanted = true;
    loop_post(c->loop, &c->task);
}

void job_done(struct pg_job *j)
{
    PQclear(TAKE(j->result));
    mem_free(TAKE(j->row));
}

void conn_start(struct pg_conn *c, struct pg_job *j, const char *name)
{
    assert(c->job == NULL && c->state != PG_DEAD);
    assert(j->kind == JOB_OPEN ? c->state == PG_NEW : c->state == PG_IDLE);
    op_begin(&j->op, c->loop, name, on_cancel);
    j->conn = c;
    c->job = j;
    loop_external(c->loop, 1);
    loop_post(c->loop, &c->task);
}

void conn_fail_code(struct pg_conn *c, int code, const char *why)
{
    if (!c->job->failed)
        err_set(&c->job->op.err, code, "%s", why);
    c->job->failed = true;
}

void conn_fail(struct pg_conn *c, const PGresult *res)
{
    if (pg_error_is_stale_plan(res))
        c->spoiled = true;
    if (!c->job->failed)
        pg_error_result(res, &c->job->op.err);
    c->job->failed = true;
}

bool conn_consume(struct pg_conn *c)
{
    if (!c->readable)
        return true;
    c->readable = false;
    return PQconsumeInput(c->pq) == 1;
}

int conn_flush(struct pg_conn *c)
{
    return PQflush(c->pq);
}

void conn_lost(struct pg_conn *c)
{
    struct err err;
    pg_error_connection(c->pq, &err);
    conn_kill(c, E_DB_AWAY, err.msg);
}

static void on_drain_timeout(struct timer *t)
{
    struct pg_conn *c = container_of(t, struct pg_conn, timer);
    conn_kill(c, -ECANCELED, "the server did not stop the statement in time");
}

/* The flow wants its job to end; see the head of this file. */
static void cancel(struct pg_conn *c)
{
    struct pg_job *j = c->job;
    c->cancel_wanted = false;
    if (j == NULL || j->drained)
        return;
    if (j->kind == JOB_OPEN || j->rollback) {
        conn_kill(c, -ECANCELED, "cancelled");
        return;
    }
    if (!j->started) { /* nothing was sent */
        conn_fail_code(c, -ECANCELED, "cancelled");
        conn_drained(c);
        return;
    }
    timer_start(&c->timer, c->loop, DRAIN_MS, on_drain_timeout);
    if (c->state == PG_COPY_FEED)
        copy_cancel(c);
    else if (!j->commit || j->sql) /* a commit on its own way is not disturbed, only waited for */
        errand_cancel(c);
}

static void job_start(struct pg_conn *c)
{
    c->job->started = true;
    if (c->job->kind == JOB_PIPELINE)
        pipeline_start(c);
    else if (c->job->kind == JOB_COPY)
        copy_start(c);
    else
        script_start(c);
}

/* Nobody asked, yet there is something to read: a notice, or the server's good-bye. */
static void idle_read(struct pg_conn *c)
{
    bool ok = conn_consume(c) && PQstatus(c->pq) == CONNECTION_OK;
    if (ok)
        ok = !PQisBusy(c->pq); /* lets libpq read asynchronous messages */
    if (ok && PQstatus(c->pq) == CONNECTION_OK)
        return;
    conn_kill(c, E_DB_AWAY, "closed while idle");
    if (list_linked(&c->node))
        pool_idle_died(c);
}

static void conn_turn(struct loop_task *t)
{
    struct pg_conn *c = container_of(t, struct pg_conn, task);
    if (c->cancel_wanted)
        cancel(c);
    switch (c->state) {
    case PG_NEW:
        timer_start(&c->timer, c->loop, c->pool->connect_timeout_ms, on_connect_timeout);
        resolve(c);
        break;
    case PG_RESOLVING:
        if (c->errand == NULL)
            resolve(c);
        break;
    case PG_CONNECTING: connect_poll(c); break;
    case PG_IDLE:
        if (c->job && !c->job->started)
            job_start(c);
        else
            idle_read(c);
        break;
    case PG_PIPELINE: pipeline_run(c); break;
    case PG_COPY_OPEN:
    case PG_COPY_FEED:
    case PG_COPY_END: copy_run(c); break;
    case PG_SCRIPT: script_run(c); break;
    case PG_DEAD: break;
    }
}
