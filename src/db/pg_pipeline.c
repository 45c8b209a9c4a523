/*
 * db/pg_pipeline.c: the usual job: several statements in one round trip.
 *
 *   [BEGIN]  set tenant  [DEALLOCATE]  [Parse]  Bind+Execute x rows  [COMMIT | ROLLBACK]  Sync
 *
 * A transaction that begins and ends in one job needs neither BEGIN nor COMMIT: the server takes all up to
 * Sync as one (manual 34.5.1.1), and Sync's answer says that it is committed.
 * The plan is made when the job starts; `sent_count` and `got_count` walk through it. Rows are sent a
 * window at a time: the server answers only at a flush request or a full buffer, so every FLUSH_ROWS
 * rows one is sent, and it is read while it is written, so two full buffers never face each other.
 * After the first failure the server skips everything up to Sync; we stop sending rows, send Sync and
 * read on until its answer, so that the connection is in step again. libpq gives each statement's
 * result, then NULL; Sync gives its result only (libpq manual 34.5).
 * Invariant: a job is drained exactly when Sync's answer was read.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "db/pg_conn.h"
#include "db/pg_error.h"

#define FLUSH_ROWS 64
#define WINDOW_ROWS 512
#define TURN_BYTES (256u << 10) /* handed to libpq before the kernel took the last of it */
#define LOCK_TIMEOUT_MS 10000
#define IDLE_IN_TX_TIMEOUT_MS 60000

static void stmt_name(const struct pg_stmt *s, char ret_name[32])
{
    snprintf(ret_name, 32, "s%" PRIu64, s->id);
}

static void add_step(struct pg_job *j, enum pg_step step)
{
    assert(j->step_count < ARRAY_COUNT(j->steps));
    j->steps[j->step_count++] = step;
}

static void make_plan(struct pg_conn *c, struct pg_job *j)
{
    if (j->kind == JOB_OPEN) {
        add_step(j, STEP_SETTINGS);
        add_step(j, STEP_TENANT_PREPARE);
    }
    bool whole = j->begin && j->commit; /* what stands before a Sync is a transaction by itself */
    if (j->begin) {
        if (!whole)
            add_step(j, STEP_BEGIN);
        add_step(j, STEP_TENANT);
        c->tx_open = true;
    }
    if (j->sql) {
        j->stmt = stmt_find(c, j->sql);
        if (j->stmt == NULL) {
            if (c->stmt_count >= PG_STMT_COUNT_MAX) {
                struct pg_stmt *oldest = list_entry(c->stmts.next, struct pg_stmt, lru);
                c->dealloc_id = oldest->id;
                stmt_drop(c, oldest);
                add_step(j, STEP_DEALLOCATE);
            }
            j->stmt = stmt_add(c, j->sql);
            add_step(j, STEP_PREPARE);
        }
    } else {
        assert(j->row_count == 0);
    }
    j->row_at = j->step_count;
    if (j->commit && !whole)
        add_step(j, STEP_COMMIT);
    if (j->rollback)
        add_step(j, STEP_ROLLBACK);
    add_step(j, STEP_SYNC);
}

/* ---- sending ---- */

static int send_settings(struct pg_conn *c)
{
    /* One SELECT, so that it fits the pipeline. jit: its compile time is longer than our statements. */
    static const char sql[] =
        "select set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false), "
        "set_config('idle_in_transaction_session_timeout', $3, false), "
        "set_config('search_path', $4, false), set_config('TimeZone', 'UTC', false), "
        "set_config('DateStyle', 'ISO', false), set_config('jit', 'off', false), "
        "set_config('extra_float_digits', '1', false)";
    uint32_t statement_ms = c->pool->statement_timeout_ms;
    char statement[24], lock[24], idle[24];
    snprintf(statement, sizeof(statement), "%" PRIu32, statement_ms);
    snprintf(lock, sizeof(lock), "%" PRIu32,
             statement_ms ? MIN(statement_ms, (uint32_t)LOCK_TIMEOUT_MS) : LOCK_TIMEOUT_MS);
    snprintf(idle, sizeof(idle), "%d", IDLE_IN_TX_TIMEOUT_MS);
    const char *values[] = {statement, lock, idle, c->pool->search_path};
    return PQsendQueryParams(c->pq, sql, 4, NULL, values, NULL, NULL, 0);
}

static int send_simple(struct pg_conn *c, const char *sql)
{
    return PQsendQueryParams(c->pq, sql, 0, NULL, NULL, NULL, NULL, 0);
}

static int send_tenant(struct pg_conn *c)
{
    char id[24];
    snprintf(id, sizeof(id), "%" PRId64, c->job->tenant_id);
    const char *values[] = {id};
    return PQsendQueryPrepared(c->pq, "tenant", 1, values, NULL, NULL, 0);
}

/* From now on only Sync is sent: a failed row ends them all, and COMMIT must not follow it. */
static void cut_plan(struct pg_job *j)
{
    if (j->sent_count >= j->row_at + j->row_count)
        return; /* all rows and perhaps COMMIT are out; the server skips what it must */
    j->row_count = j->sent_count > j->row_at ? j->sent_count - j->row_at : 0;
    j->steps[j->row_at] = STEP_SYNC;
    j->step_count = j->row_at + 1;
}

/* 1 sent, 0 libpq refused, -1 the parameters are too large (the plan was cut). */
static int send_row(struct pg_conn *c)
{
    struct pg_job *j = c->job;
    struct err err;
    const struct pg_arg *args = j->args.args;
    if (j->make) {
        memset(j->row, 0, j->column_count * sizeof(*j->row));
        j->make(j->rows, j->sent_count - j->row_at, j->row);
        args = j->row;
    }
    int r = pg_params_encode(&c->params, args, j->column_count, &err);
    if (r < 0) {
        j->failed_row = j->failed ? j->failed_row : j->sent_count - j->row_at;
        conn_fail_code(c, r, err.msg);
        cut_plan(j);
        return -1;
    }
    char name[32];
    stmt_name(j->stmt, name);
    return PQsendQueryPrepared(c->pq, name, (int)j->column_count, c->params.values,
                               c->params.lengths, c->params.formats, 0);
}

static int send_step(struct pg_conn *c, enum pg_step step)
{
    char name[32], sql[48];
    switch (step) {
    case STEP_SETTINGS: return send_settings(c);
    case STEP_TENANT_PREPARE:
        return PQsendPrepare(c->pq, "tenant", "select set_config('deskstream.tenant_id', $1, true)",
                             0, NULL);
    case STEP_BEGIN: return send_simple(c, "begin");
    case STEP_TENANT: return send_tenant(c);
    case STEP_DEALLOCATE:
        snprintf(sql, sizeof(sql), "deallocate s%" PRIu64, c->dealloc_id);
        return send_simple(c, sql);
    case STEP_PREPARE:
        stmt_name(c->job->stmt, name);
        return PQsendPrepare(c->pq, name, c->job->sql, 0, NULL);
    case STEP_ROW: return send_row(c);
    case STEP_COMMIT: return send_simple(c, "commit");
    case STEP_ROLLBACK: return send_simple(c, "rollback");
    case STEP_SYNC: return PQpipelineSync(c->pq);
    }
    abort();
}

/* Hands libpq as much of the plan as the window allows. False: the connection is lost. */
static bool send_more(struct pg_conn *c)
{
    struct pg_job *j = c->job;
    size_t bytes = 0;
    while (j->sent_count < job_plan_count(j) && j->sent_count - j->got_count < WINDOW_ROWS &&
           bytes < TURN_BYTES) {
        enum pg_step step = job_step(j, j->sent_count);
        if (step == STEP_ROW && (j->failed || c->cancel_wanted))
            cut_plan(j);
        step = job_step(j, j->sent_count);
        int r = send_step(c, step);
        if (r == 0)
            return false;
        if (r < 0)
            continue;
        j->sent_count++;
        bytes += step == STEP_ROW ? c->params.bytes.len : 64;
        bool ends = step == STEP_SYNC;
        if (ends) {
            j->flushed_count = j->sent_count;
        } else if (j->sent_count - j->flushed_count >= FLUSH_ROWS || bytes >= TURN_BYTES) {
            if (!PQsendFlushRequest(c->pq))
                return false;
            j->flushed_count = j->sent_count;
        }
    }
    if (c->params.bytes.cap > (1u << 20))
        buf_done(&c->params.bytes);
    return true;
}

/* ---- receiving ---- */

static void take_row(struct pg_conn *c, PGresult *res)
{
    struct pg_job *j = c->job;
    j->affected += strtoll(PQcmdTuples(res), NULL, 10);
    if (j->make)
        return;
    PQclear(j->result);
    j->result = res;
}

/* One result of the step that is due. Owns `res`. */
static void take(struct pg_conn *c, enum pg_step step, PGresult *res)
{
    struct pg_job *j = c->job;
    ExecStatusType status = PQresultStatus(res);
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
                status == PGRES_EMPTY_QUERY || status == PGRES_PIPELINE_SYNC;
    if (!good && step == STEP_PREPARE && j->stmt) {
        stmt_drop(c, j->stmt);
        j->stmt = NULL;
    }
    if (!good && step == STEP_DEALLOCATE)
        c->spoiled = true; /* who knows what is prepared there */
    if (!good && status != PGRES_PIPELINE_ABORTED) {
        if (step == STEP_ROW && !j->failed)
            j->failed_row = j->got_count - j->row_at;
        conn_fail(c, res);
        if (status != PGRES_FATAL_ERROR)
            c->spoiled = true; /* COPY, or something newer than us */
    } else if (!good) {
        conn_fail_code(c, E_DB, "the statement was skipped");
    } else if (step == STEP_COMMIT && strcmp(PQcmdStatus(res), "COMMIT") != 0) {
        conn_fail_code(c, E_DB, "the server rolled the transaction back");
    }
    if (good && step == STEP_ROW) {
        take_row(c, res);
        if (j->result == res)
            return;
    }
    PQclear(res);
}

/* Reads all results that have come. 1: the job is drained; 0: more is to come; -1: lost. */
static int receive(struct pg_conn *c)
{
    struct pg_job *j = c->job;
    while (j->got_count < j->sent_count && !PQisBusy(c->pq)) {
        enum pg_step step = job_step(j, j->got_count);
        PGresult *res = PQgetResult(c->pq);
        if (res == NULL) {
            /* The end of a result; also seen once between Sync's answer and the next statement. */
            if (!j->seen && ++j->null_count > 2)
                return -1;
            j->got_count += j->seen;
            j->seen = false;
            continue;
        }
        j->null_count = 0;
        bool bad = PQstatus(c->pq) == CONNECTION_BAD;
        bool sync = PQresultStatus(res) == PGRES_PIPELINE_SYNC;
        if (bad && PQresultErrorField(res, PG_DIAG_SQLSTATE) == NULL) {
            PQclear(res);
            return -1;
        }
        if (sync != (step == STEP_SYNC) && !bad) {
            if (!sync) { /* an error while the transaction ended by Sync */
                conn_fail(c, res);
                PQclear(res);
                continue;
            }
            PQclear(res);
            return -1;
        }
        take(c, step, res);
        if (bad)
            return -1;
        j->seen = true;
        if (sync) {
            j->got_count++;
            return 1;
        }
    }
    return 0;
}

void pipeline_start(struct pg_conn *c)
{
    struct pg_job *j = c->job;
    j->started = true;
    if (j->make)
        j->row = mem_alloc(j->column_count * sizeof(*j->row));
    make_plan(c, j);
    c->state = PG_PIPELINE;
    pipeline_run(c);
}

void pipeline_run(struct pg_conn *c)
{
    struct pg_job *j = c->job;
    bool alive = conn_consume(c);
    for (;;) {
        int got = receive(c);
        if (got > 0) {
            conn_drained(c);
            return;
        }
        if (got < 0 || !alive) {
            conn_lost(c);
            return;
        }
        if (!send_more(c)) {
            conn_lost(c);
            return;
        }
        int r = conn_flush(c);
        if (r < 0) {
            /* A server that hung up may have said why: read that first. */
            c->readable = true;
            conn_consume(c);
            if (receive(c) > 0)
                conn_drained(c);
            else
                conn_lost(c);
            return;
        }
        bool more = j->sent_count < job_plan_count(j) && j->sent_count - j->got_count < WINDOW_ROWS;
        if (r > 0 || (!more && PQisBusy(c->pq))) {
            conn_watch(c, r > 0);
            return;
        }
    }
}
