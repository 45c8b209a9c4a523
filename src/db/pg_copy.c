/*
 * db/pg_copy.c: the two jobs that leave pipeline mode: COPY FROM STDIN and scripts.
 *
 *   COPY_OPEN  the statement is sent, the server is to say "copy in"
 *   COPY_FEED  rows go in chunks of CHUNK_BYTES, the next when the kernel took the last
 *   COPY_END   CopyDone (or CopyFail when cancelled) is sent; results are read up to NULL
 *   SCRIPT     the simple protocol, for several statements in one text; results are read up to NULL
 *
 * A server that refuses a row says so in the middle of COPY_FEED: libpq then takes no more data and the
 * result tells why. Afterwards the connection goes back into pipeline mode. A COPY inside a script
 * cannot be fed: the connection is closed.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "db/pg_conn.h"
#include "db/pg_error.h"

#define CHUNK_BYTES (64u << 10)

/* The last result is read: back into pipeline mode. */
static void ended(struct pg_conn *c)
{
    buf_done(&c->chunk);
    if (PQenterPipelineMode(c->pq))
        conn_drained(c);
    else
        conn_lost(c);
}

static void start(struct pg_conn *c, enum pg_state state)
{
    struct pg_job *j = c->job;
    j->started = true;
    c->state = state;
    if (!PQexitPipelineMode(c->pq) || !PQsendQuery(c->pq, j->sql)) {
        conn_lost(c);
        return;
    }
    if (state == PG_SCRIPT)
        script_run(c);
    else
        copy_run(c);
}

/* Sends what is pending. False: lost. Leaves the poll handle watching what is needed. */
static bool flush(struct pg_conn *c, bool more)
{
    int r = conn_flush(c);
    if (r < 0)
        return false;
    conn_watch(c, r > 0 || more);
    return true;
}

/* ---- COPY ---- */

void copy_start(struct pg_conn *c)
{
    c->job->row = mem_alloc(c->job->column_count * sizeof(*c->job->row));
    start(c, PG_COPY_OPEN);
}

static void copy_stop(struct pg_conn *c, const char *why)
{
    c->state = PG_COPY_END;
    PQputCopyEnd(c->pq, why); /* when it fails there is a result that says why */
}

void copy_cancel(struct pg_conn *c)
{
    copy_stop(c, "cancelled");
    copy_run(c);
}

static void copy_fill(struct pg_conn *c)
{
    struct pg_job *j = c->job;
    buf_clear(&c->chunk);
    c->chunk.bytes_max = PG_PARAM_BYTES_MAX;
    if (j->sent_count == 0)
        pg_copy_head(&c->chunk, c->copy_binary);
    while (j->sent_count < j->row_count && c->chunk.len < CHUNK_BYTES) {
        memset(j->row, 0, j->column_count * sizeof(*j->row));
        j->make(j->rows, j->sent_count++, j->row);
        pg_copy_row(&c->chunk, c->copy_binary, j->row, j->column_count);
    }
    if (j->sent_count == j->row_count)
        pg_copy_tail(&c->chunk, c->copy_binary);
}

/* Feeds until the kernel is full or the rows have ended. */
static void copy_feed(struct pg_conn *c)
{
    struct pg_job *j = c->job;
    while (c->state == PG_COPY_FEED) {
        int r = conn_flush(c);
        if (r < 0) {
            copy_stop(c, NULL);
            return;
        }
        if (r > 0)
            return;
        copy_fill(c);
        if (c->chunk.failed) {
            conn_fail_code(c, E_LIMIT, "a row is too large");
            copy_stop(c, "a row is too large");
            return;
        }
        if (PQputCopyData(c->pq, c->chunk.ptr, (int)c->chunk.len) != 1 ||
            j->sent_count == j->row_count)
            copy_stop(c, NULL);
    }
}

/* A result before or after the data. */
static void copy_take(struct pg_conn *c, PGresult *res)
{
    struct pg_job *j = c->job;
    switch (PQresultStatus(res)) {
    case PGRES_COPY_IN:
        if (c->state != PG_COPY_OPEN)
            return; /* the server failed before it saw the end; the error follows */
        c->copy_binary = PQbinaryTuples(res);
        c->state = PG_COPY_FEED;
        if (PQnfields(res) != (int)j->column_count) {
            conn_fail_code(c, E_DB, "COPY has another number of columns than the rows");
            copy_stop(c, "wrong number of columns");
        }
        return;
    case PGRES_COMMAND_OK:
        j->affected += strtoll(PQcmdTuples(res), NULL, 10);
        if (c->state == PG_COPY_OPEN)
            conn_fail_code(c, E_DB, "the statement is no COPY FROM STDIN");
        return;
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY: conn_fail_code(c, E_DB, "the statement is no COPY FROM STDIN"); return;
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH: conn_kill(c, E_DB, "the statement is no COPY FROM STDIN"); return;
    default: conn_fail(c, res);
    }
}

/* False when the machine is to stop here: it is done, lost, or has to wait. */
static bool copy_read(struct pg_conn *c, bool alive)
{
    while (c->state != PG_COPY_FEED && !PQisBusy(c->pq)) {
        PGresult *res = PQgetResult(c->pq);
        if (res == NULL) {
            if (PQstatus(c->pq) == CONNECTION_BAD)
                conn_lost(c);
            else
                ended(c);
            return false;
        }
        if (PQresultErrorField(res, PG_DIAG_SQLSTATE) || PQstatus(c->pq) != CONNECTION_BAD)
            copy_take(c, res);
        PQclear(res);
        if (c->state == PG_DEAD)
            return false;
        if (PQstatus(c->pq) == CONNECTION_BAD) {
            conn_lost(c);
            return false;
        }
    }
    if (!alive)
        conn_lost(c);
    return alive;
}

void copy_run(struct pg_conn *c)
{
    bool alive = conn_consume(c);
    if (!copy_read(c, alive))
        return;
    if (c->state == PG_COPY_FEED) {
        copy_feed(c);
        if (c->state == PG_COPY_END && conn_flush(c) >= 0 && !copy_read(c, true))
            return;
    }
    if (!flush(c, c->state == PG_COPY_FEED))
        conn_lost(c);
}

/* ---- scripts ---- */

void script_start(struct pg_conn *c)
{
    start(c, PG_SCRIPT);
}

void script_run(struct pg_conn *c)
{
    bool alive = conn_consume(c);
    while (!PQisBusy(c->pq)) {
        PGresult *res = PQgetResult(c->pq);
        bool bad = PQstatus(c->pq) == CONNECTION_BAD;
        if (res == NULL) {
            if (bad)
                conn_lost(c);
            else
                ended(c);
            return;
        }
        ExecStatusType status = PQresultStatus(res);
        bool copy = status == PGRES_COPY_IN || status == PGRES_COPY_OUT ||
                    status == PGRES_COPY_BOTH;
        if (status == PGRES_FATAL_ERROR && (!bad || PQresultErrorField(res, PG_DIAG_SQLSTATE)))
            conn_fail(c, res);
        PQclear(res);
        if (copy) {
            conn_kill(c, E_DB, "a script cannot COPY");
            return;
        }
        if (bad) {
            conn_lost(c);
            return;
        }
    }
    if (!alive || !flush(c, false))
        conn_lost(c);
}
