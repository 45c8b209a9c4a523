/*
 * db/pg_tx.c: the suspending calls: transactions, statements, COPY, scripts.
 *
 * pg_begin leases a connection and sends nothing; BEGIN and the tenant setting go with the first
 * statement. pg_once puts all of it, COMMIT included, into one round trip. Any failure breaks the
 * transaction: later calls fail at once and pg_end rolls back under a shield of its own, so that a
 * cancelled flow, too, leaves a clean connection; one that will not come back in time is closed.
 * Waits that end early (cancel, deadline) come back only after the connection has stopped using what
 * the job points to. Invariant: a connection returns to the pool idle, outside of a transaction.
 */
#include <assert.h>
#include <errno.h>

#include "base/fault.h"
#include "base/log.h"
#include "db/pg_conn.h"

#define ROLLBACK_MS 3000

static int fault(struct flow *f, const char *site)
{
    int r = fault_check(site, E_DB_AWAY);
    return r < 0 ? err_set(&f->err, r, "%s: injected failure", site) : 0;
}

/* The first job of a transaction: BEGIN goes with it. A connection that died since it was leased is
 * replaced, for nothing was executed on it. */
static int first(struct flow *f, struct pg_tx *tx, struct pg_job *j)
{
    j->begin = true;
    j->tenant_id = tx->tenant_id;
    if (conn_is_alive(tx->conn))
        return 0;
    pool_release(TAKE(tx->conn));
    return pool_lease(f, tx->pool, &tx->conn);
}

/* Runs a job on the transaction's connection. */
static int run(struct flow *f, struct pg_tx *tx, struct pg_job *j, const char *name)
{
    assert(tx->open);
    int r = flow_check(f);
    if (r < 0)
        return r;
    if (tx->conn && j->kind == JOB_PIPELINE && !tx->conn->tx_open) {
        r = first(f, tx, j);
        if (r < 0)
            return r;
    }
    struct pg_conn *c = tx->conn;
    if (c == NULL || c->state == PG_DEAD)
        return err_set(&f->err, E_DB_AWAY, "the transaction has lost its connection");
    if (c->tx_broken)
        return err_set(&f->err, E_DB, "the transaction has failed before");
    conn_start(c, j, name);
    r = flow_wait(f, &j->op);
    if (r < 0 && c->tx_open)
        c->tx_broken = true; /* also when only the wait failed and the statement was run */
    return r;
}

/* COPY and scripts leave pipeline mode, so BEGIN goes before them. */
static int begin_now(struct flow *f, struct pg_tx *tx)
{
    assert(tx->open);
    if (tx->conn && tx->conn->tx_open)
        return 0;
    _cleanup_(job_done) struct pg_job j = PG_JOB_INIT(JOB_PIPELINE);
    return run(f, tx, &j, "pg.begin");
}

static void give_back(struct pg_tx *tx)
{
    tx->open = false;
    if (tx->conn)
        pool_release(TAKE(tx->conn));
}

static void take_result(struct pg_job *j, struct pg_result *ret)
{
    if (ret == NULL)
        return;
    pg_result_done(ret);
    ret->native = (struct pg_result_native *)TAKE(j->result);
    ret->row_count = PQntuples((PGresult *)ret->native);
    ret->affected = j->affected;
}

/* A statement once for each row, which `make` fills in. */
static struct pg_job rows_job(enum pg_job_kind kind, const char *sql, size_t row_count,
                              size_t column_count, pg_make_fn *make, void *rows)
{
    assert(column_count > 0 && column_count <= PG_PARAM_COUNT_MAX);
    struct pg_job j = PG_JOB_INIT(kind);
    j.sql = sql;
    j.row_count = row_count;
    j.column_count = column_count;
    j.make = make;
    j.rows = rows;
    return j;
}

static struct pg_job statement_job(const char *sql, struct pg_args args)
{
    struct pg_job j = PG_JOB_INIT(JOB_PIPELINE);
    j.sql = sql;
    j.row_count = 1;
    j.args = args;
    j.column_count = args.count;
    return j;
}

int pg_begin(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct pg_tx *ret_tx)
{
    assert(!ret_tx->open);
    int r = fault(f, "pg.begin");
    if (r < 0)
        return r;
    struct pg_conn *c;
    r = pool_lease(f, p, &c);
    if (r < 0)
        return r;
    *ret_tx = (struct pg_tx){.flow = f, .pool = p, .conn = c, .tenant_id = tenant_id, .open = true};
    return 0;
}

int pg_query(struct flow *f, struct pg_tx *tx, const char *sql, struct pg_args args,
             struct pg_result *ret_result)
{
    int r = fault(f, "pg.query");
    if (r < 0)
        return r;
    _cleanup_(job_done) struct pg_job j = statement_job(sql, args);
    r = run(f, tx, &j, "pg.query");
    if (r < 0)
        return r;
    take_result(&j, ret_result);
    return 0;
}

int pg_commit(struct flow *f, struct pg_tx *tx)
{
    assert(tx->open);
    int r = fault(f, "pg.commit");
    if (r < 0)
        return r;
    if (tx->conn && !tx->conn->tx_open) { /* there was no statement */
        give_back(tx);
        return 0;
    }
    _cleanup_(job_done) struct pg_job j = PG_JOB_INIT(JOB_PIPELINE);
    j.commit = true;
    r = run(f, tx, &j, "pg.commit");
    if (r < 0)
        return r;
    give_back(tx);
    return 0;
}

void pg_end(struct pg_tx *tx)
{
    if (!tx->open)
        return;
    struct pg_conn *c = tx->conn;
    if (c && c->state == PG_IDLE && c->tx_open && !c->spoiled) {
        struct flow *f = tx->flow;
        struct err said = f->err; /* the failure that led here is what the caller reports */
        {
            _cleanup_(shield_done) struct shield s = flow_shield(f, ROLLBACK_MS);
            _cleanup_(job_done) struct pg_job j = PG_JOB_INIT(JOB_PIPELINE);
            j.rollback = true;
            conn_start(c, &j, "pg.rollback");
            if (flow_wait(f, &j.op) < 0)
                c->spoiled = true;
        }
        f->err = said;
    }
    give_back(tx);
}

int pg_once(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *sql,
            struct pg_args args, struct pg_result *ret_result)
{
    int r = fault(f, "pg.once");
    if (r < 0)
        return r;
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    r = pg_begin(f, p, tenant_id, &tx);
    if (r < 0)
        return r;
    _cleanup_(job_done) struct pg_job j = statement_job(sql, args);
    j.commit = true;
    r = run(f, &tx, &j, "pg.once");
    if (r < 0)
        return r;
    take_result(&j, ret_result);
    return 0;
}

int pg_each(struct flow *f, struct pg_tx *tx, const char *sql, size_t row_count,
            size_t column_count, pg_make_fn *make, void *rows, int64_t *ret_affected)
{
    int r = fault(f, "pg.each");
    if (r < 0)
        return r;
    _cleanup_(job_done) struct pg_job j = rows_job(JOB_PIPELINE, sql, row_count, column_count, make,
                                                   rows);
    if (row_count > 0) {
        r = run(f, tx, &j, "pg.each");
        if (r < 0 && j.failed_row != SIZE_MAX)
            return err_wrap(&f->err, r, "row %zu", j.failed_row);
        if (r < 0)
            return r;
    }
    if (ret_affected)
        *ret_affected = j.affected;
    return 0;
}

int pg_copy(struct flow *f, struct pg_tx *tx, const char *sql, size_t row_count,
            size_t column_count, pg_make_fn *make, void *rows, int64_t *ret_rows)
{
    int r = fault(f, "pg.copy");
    if (r < 0)
        return r;
    r = begin_now(f, tx);
    if (r < 0)
        return r;
    _cleanup_(job_done) struct pg_job j = rows_job(JOB_COPY, sql, row_count, column_count, make,
                                                   rows);
    r = run(f, tx, &j, "pg.copy");
    if (r < 0)
        return r;
    if (ret_rows)
        *ret_rows = j.affected;
    return 0;
}

int pg_script_in(struct flow *f, struct pg_tx *tx, const char *sql)
{
    int r = fault(f, "pg.script");
    if (r < 0)
        return r;
    r = begin_now(f, tx);
    if (r < 0)
        return r;
    _cleanup_(job_done) struct pg_job j = PG_JOB_INIT(JOB_SCRIPT);
    j.sql = sql;
    return run(f, tx, &j, "pg.script");
}

int pg_script(struct flow *f, struct pg_pool *p, const char *sql)
{
    static const char limits[] = "set statement_timeout = 0; set lock_timeout = 0";
    int r = fault(f, "pg.script");
    if (r < 0)
        return r;
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    r = pg_begin(f, p, 0, &tx);
    if (r < 0)
        return r;
    const char *const texts[] = {limits, sql};
    for (size_t i = 0; i < ARRAY_COUNT(texts) && r >= 0; i++) {
        _cleanup_(job_done) struct pg_job j = PG_JOB_INIT(JOB_SCRIPT);
        j.sql = texts[i];
        r = run(f, &tx, &j, "pg.script");
        /* What the script set in its session must meet nobody else. */
        tx.conn->spoiled = true;
    }
    return r;
}

int pg_ping(struct flow *f, struct pg_pool *p)
{
    return pg_once(f, p, 0, "select 1", PG_NO_ARGS, NULL);
}
