/*
 * db/pg_pool.c: connections to lend.
 *
 * A lease takes the idle connection used last, or opens one while there are fewer than the limit, or
 * waits. Waiting is first come, first served: what becomes free is handed to the one that has waited
 * longest, either a connection or the right to open one (a slot), so nobody overtakes. Who is
 * cancelled after something was handed over passes it on.
 * An idle connection is watched: when the server hangs up it leaves the pool; what hung up in this very
 * moment is found by a look at its socket when it is lent. After a failed connect the pool rests (50 ms,
 * doubling to 1 s): leases that would need a new connection meanwhile fail at once with the same words.
 * Invariant: slot_count = connections alive + being opened + handed out as a slot <= slot_count_max.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/pg_conn.h"

#define AWAY_MS_MIN 50
#define AWAY_MS_MAX 1000
#define CLOSE_MS 10000

struct waiter {
    struct op op;
    struct list node;
    struct pg_pool *pool;
    struct pg_conn *conn; /* handed over, or NULL for a slot */
    bool granted;
};

int pg_pool_new(struct loop *l, const struct pg_spec *spec, struct pg_pool **ret_pool,
                struct err *err)
{
    struct pg_pool *p = mem_alloc(sizeof(*p));
    int r = pg_address_parse(&p->address, spec->url, spec->application_name, err);
    if (r < 0) {
        mem_free(p);
        return r;
    }
    p->loop = l;
    p->statement_timeout_ms = spec->statement_timeout_ms;
    p->connect_timeout_ms = spec->connect_timeout_ms ? spec->connect_timeout_ms : 5000;
    p->search_path = mem_strdup(spec->search_path ? spec->search_path : "deskstream, public");
    p->slot_count_max = spec->connection_count_max ? spec->connection_count_max : 1;
    list_init(&p->idle);
    list_init(&p->waiters);
    *ret_pool = p;
    return 0;
}

void pg_pool_free(struct pg_pool *p)
{
    if (p == NULL)
        return;
    assert(p->slot_count == 0 && p->loose_count == 0 && list_empty(&p->waiters));
    pg_address_done(&p->address);
    mem_free(p->search_path);
    mem_free(p);
}

struct pg_stats pg_pool_stats(const struct pg_pool *p)
{
    struct pg_stats s = p->stats;
    s.open_count = p->slot_count;
    s.connection_count_max = p->slot_count_max;
    s.idle_count = s.waiting_count = 0;
    list_each (n, &p->idle)
        s.idle_count++;
    list_each (n, &p->waiters)
        s.waiting_count++;
    return s;
}

/* ---- handing over ---- */

/* Gives the longest waiting one a connection, or a slot when `c` is NULL. */
static bool grant(struct pg_pool *p, struct pg_conn *c)
{
    struct list *n = list_shift(&p->waiters);
    if (n == NULL)
        return false;
    struct waiter *w = list_entry(n, struct waiter, node);
    w->conn = c;
    w->granted = true;
    op_finish(&w->op, 0);
    return true;
}

static void slot_free(struct pg_pool *p)
{
    if (grant(p, NULL))
        return; /* the slot moved on */
    p->slot_count--;
    cond_broadcast(&p->closed);
}

static void conn_drop(struct pg_conn *c)
{
    struct pg_pool *p = c->pool;
    conn_free(c);
    slot_free(p);
}

void pool_idle_died(struct pg_conn *c)
{
    log_debug("db.idle", "event=closed");
    conn_drop(c);
}

void pool_release(struct pg_conn *c)
{
    struct pg_pool *p = c->pool;
    bool good = c->state == PG_IDLE && !c->spoiled && !c->tx_open && !p->closing &&
                PQtransactionStatus(c->pq) == PQTRANS_IDLE;
    if (!good)
        conn_drop(c);
    else if (!grant(p, c))
        list_push(p->idle.next, &c->node); /* before the first: used last, lent first */
}

static void on_waiter_cancel(struct op *op)
{
    struct waiter *w = container_of(op, struct waiter, op);
    list_remove(&w->node);
    op_finish(op, -ECANCELED);
}

/* Waits for its turn. 0: *ret_conn is a connection, or NULL and a slot is ours. */
static int wait_turn(struct flow *f, struct pg_pool *p, struct pg_conn **ret_conn)
{
    struct waiter w = {.pool = p};
    op_begin(&w.op, p->loop, "pg.lease", on_waiter_cancel);
    list_push(&p->waiters, &w.node);
    int r = flow_wait(f, &w.op);
    if (r >= 0) {
        *ret_conn = w.conn;
        return 0;
    }
    if (w.granted && w.conn)
        pool_release(w.conn);
    else if (w.granted)
        slot_free(p);
    return r;
}

/* ---- opening ---- */

static void note_away(struct pg_pool *p, const struct err *err)
{
    p->away = *err;
    p->away_ms = p->away_ms ? MIN(p->away_ms * 2, (uint64_t)AWAY_MS_MAX) : AWAY_MS_MIN;
    p->away_until_ns = loop_now_ns(p->loop) + p->away_ms * 1000000;
}

/* Opens a connection on a slot that is ours; gives the slot back when it fails. */
static int open_conn(struct flow *f, struct pg_pool *p, struct pg_conn **ret_conn)
{
    int r = fault_check("pg.connect", E_DB_AWAY);
    if (r < 0) {
        slot_free(p);
        return err_set(&f->err, r, "postgres: injected connect failure");
    }
    if (loop_now_ns(p->loop) < p->away_until_ns) {
        r = err_set(&f->err, E_DB_AWAY, "%s", p->away.msg);
        slot_free(p);
        return r;
    }
    struct pg_conn *c = conn_new(p);
    _cleanup_(job_done) struct pg_job j = PG_JOB_INIT(JOB_OPEN);
    conn_start(c, &j, "pg.connect");
    r = flow_wait(f, &j.op);
    if (r < 0) {
        if (j.op.status == E_DB_AWAY || j.op.status == E_DB) {
            err_set(&f->err, E_DB_AWAY, "postgres: %s", j.op.err.msg);
            note_away(p, &f->err);
            r = r == -ECANCELED || r == -ETIMEDOUT ? r : E_DB_AWAY;
        }
        if (c->state == PG_IDLE)
            pool_release(c); /* opened all the same, only too late for this flow */
        else
            conn_drop(c);
        return r;
    }
    p->away_ms = p->away_until_ns = 0;
    *ret_conn = c;
    return 0;
}

int pool_lease(struct flow *f, struct pg_pool *p, struct pg_conn **ret_conn)
{
    int r = flow_check(f);
    if (r < 0)
        return r;
    r = fault_check("pg.lease", E_DB_AWAY);
    if (r < 0)
        return err_set(&f->err, r, "postgres: injected lease failure");
    if (p->closing)
        return err_set(&f->err, E_DB_AWAY, "postgres: the pool is closing");
    struct pg_conn *c = NULL;
    if (list_empty(&p->waiters)) {
        while (c == NULL && !list_empty(&p->idle)) {
            c = list_entry(p->idle.next, struct pg_conn, node);
            list_remove(&c->node);
            if (!conn_is_alive(c)) {
                conn_drop(c);
                c = NULL;
            }
        }
        if (c) {
            *ret_conn = c;
            return 0;
        }
    }
    if (list_empty(&p->waiters) && p->slot_count < p->slot_count_max) {
        p->slot_count++;
    } else {
        r = wait_turn(f, p, &c);
        if (r < 0)
            return r;
    }
    if (c && !conn_is_alive(c)) {
        conn_free(c); /* its slot stays ours */
        c = NULL;
    }
    if (c == NULL)
        return open_conn(f, p, ret_conn);
    *ret_conn = c;
    return 0;
}

void pg_pool_close(struct flow *f, struct pg_pool *p)
{
    if (p == NULL)
        return;
    p->closing = true;
    while (!list_empty(&p->idle))
        conn_drop(list_entry(p->idle.next, struct pg_conn, node));
    assert(list_empty(&p->waiters));
    _cleanup_(shield_done) struct shield s = flow_shield(f, CLOSE_MS);
    while (p->slot_count > 0 || p->loose_count > 0)
        if (cond_wait(f, &p->closed) < 0)
            break;
}
