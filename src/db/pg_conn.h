#pragma once
/*
 * One connection to PostgreSQL: a machine that does one job at a time. For db/ only.
 *
 *   NEW -> RESOLVING -> CONNECTING -> PIPELINE (settings) -> IDLE <-> PIPELINE
 *                                                            IDLE <-> COPY_OPEN, COPY_FEED, COPY_END
 *   any -> DEAD (closed; only memory is left)                IDLE <-> SCRIPT
 *
 * Every libpq call that may touch the socket happens in the machine's own turn (conn_turn), posted by
 * whoever has news: a flow with a job, the poll callback, an errand, a timer.
 */
#include <netdb.h>

#include "base/list.h"
#include "base/map.h"
#include "db/libpq.h"
#include "db/pg.h"
#include "db/pg_address.h"
#include "db/pg_args.h"
#include "loop/op.h"
#include "loop/timer.h"

#define PG_STATES(X)                                                                               \
    X(NEW, "new")                                                                                  \
    X(RESOLVING, "resolving")                                                                      \
    X(CONNECTING, "connecting")                                                                    \
    X(IDLE, "idle")                                                                                \
    X(PIPELINE, "pipeline")                                                                        \
    X(COPY_OPEN, "copy opening")                                                                   \
    X(COPY_FEED, "copy feeding")                                                                   \
    X(COPY_END, "copy ending")                                                                     \
    X(SCRIPT, "script")                                                                            \
    X(DEAD, "dead")
#define PG_STATE_ENUM_(symbol, text) PG_##symbol,
enum pg_state { PG_STATES(PG_STATE_ENUM_) };
#undef PG_STATE_ENUM_
const char *pg_state_name(enum pg_state state);

/* Steps of a pipeline; ROW is the statement itself, once per row. */
enum pg_step {
    STEP_SETTINGS,
    STEP_TENANT_PREPARE,
    STEP_BEGIN,
    STEP_TENANT,
    STEP_DEALLOCATE,
    STEP_PREPARE,
    STEP_ROW,
    STEP_COMMIT,
    STEP_ROLLBACK,
    STEP_SYNC
};

enum pg_job_kind { JOB_OPEN, JOB_PIPELINE, JOB_COPY, JOB_SCRIPT };

typedef void pg_make_fn(void *rows, size_t i, struct pg_arg *ret_args);

/* What a flow wants of its connection; on the flow's stack. */
struct pg_job {
    struct op op;
    struct pg_conn *conn;
    enum pg_job_kind kind;
    /* set by the flow; what it points to is borrowed until the op has finished */
    bool begin, commit, rollback;
    int64_t tenant_id;
    const char *sql;  /* NULL: none */
    size_t row_count; /* how often; 1 unless made */
    size_t column_count;
    struct pg_args args; /* of the one row when `make` is NULL */
    pg_make_fn *make;
    void *rows;
    /* results */
    PGresult *result; /* of a single row; job_done releases it */
    int64_t affected;
    size_t failed_row; /* SIZE_MAX: none */
    /* ---- the machine's: a pipeline's plan is steps[0..row_at), row_count rows, the other steps */
    enum pg_step steps[10];
    size_t step_count, row_at;
    size_t sent_count, got_count; /* positions in the plan */
    size_t flushed_count;         /* `sent_count` when the server was last asked to answer */
    struct pg_stmt *stmt;
    struct pg_arg *row; /* room for one made row */
    int null_count;     /* NULL results in a row, see receive() */
    bool seen;          /* the step's result has come, its end not yet */
    bool failed;
    bool started;
    bool drained; /* the server is done with it */
};
#define PG_JOB_INIT(k)                                                                             \
    {                                                                                              \
        .kind = (k), .failed_row = SIZE_MAX                                                        \
    }
void job_done(struct pg_job *j);
static inline size_t job_plan_count(const struct pg_job *j)
{
    return j->step_count + j->row_count;
}
static inline enum pg_step job_step(const struct pg_job *j, size_t at)
{
    if (at < j->row_at)
        return j->steps[at];
    return at < j->row_at + j->row_count ? STEP_ROW : j->steps[at - j->row_count];
}

/* A prepared statement of one connection. */
struct pg_stmt {
    struct list lru; /* conn->stmts, least recently used first */
    uint64_t id;     /* its name is s<id> */
    char *sql;
};
#define PG_STMT_COUNT_MAX 200

struct pg_poll;
struct pg_errand;

struct pg_conn {
    struct list node; /* in the pool's list of idle connections */
    struct pg_pool *pool;
    struct loop *loop;
    PGconn *pq;
    struct pg_poll *poll;
    struct pg_errand *errand; /* name resolution or cancel request under way */
    struct pg_job *job;
    struct loop_task task;
    struct timer timer; /* connecting, or draining after a cancel */
    struct pg_params params;
    struct buf chunk;                   /* COPY data on its way */
    struct buf hosts, addresses, ports; /* what resolution found, with commas */
    size_t host_index;                  /* the next to resolve */
    size_t host_count;                  /* in those lists */
    struct map stmt_map;                /* by text */
    struct list stmts;
    size_t stmt_count;
    uint64_t stmt_last;
    uint64_t dealloc_id; /* for STEP_DEALLOCATE */
    enum pg_state state;
    bool readable;
    bool copy_binary;
    bool cancel_wanted;
    bool tx_open;   /* BEGIN was sent and its end was not seen */
    bool tx_broken; /* a statement failed: only ROLLBACK helps */
    bool spoiled;   /* not to be pooled again */
};

/* pg_conn.c */
struct pg_conn *conn_new(struct pg_pool *p);
void conn_start(struct pg_conn *c, struct pg_job *j, const char *name); /* an op starts */
/* Closes what is open; a running job finishes with `code`. Idempotent. */
void conn_kill(struct pg_conn *c, int code, const char *why);
void conn_free(struct pg_conn *c); /* no job; from outside the machine's turn */
/* False when the peer has hung up or says something while nobody asked. */
bool conn_is_alive(const struct pg_conn *c);

/* for the machine's parts */
void conn_watch(struct pg_conn *c, bool write);
/* The server is done with the job; finishes it unless a cancel request is still under way. */
void conn_drained(struct pg_conn *c);
/* Notes the job's first failure. */
void conn_fail(struct pg_conn *c, const PGresult *res);
void conn_fail_code(struct pg_conn *c, int code, const char *why);
/* Reads what has come. False: the connection is gone (what was said before has been read). */
bool conn_consume(struct pg_conn *c);
/* True while libpq holds bytes the kernel does not take; < 0 is lost. */
int conn_flush(struct pg_conn *c);
/* The connection broke while a job was running: kills it, with libpq's words unless the server said
 * more before. */
void conn_lost(struct pg_conn *c);

/* pg_pipeline.c, pg_copy.c */
void pipeline_start(struct pg_conn *c);
void pipeline_run(struct pg_conn *c);
void copy_start(struct pg_conn *c);
void copy_run(struct pg_conn *c);
void copy_cancel(struct pg_conn *c);
void script_start(struct pg_conn *c);
void script_run(struct pg_conn *c);

/* pg_errand.c: what may block goes to the thread pool, and outlives the connection when it must. */
bool errand_resolve(struct pg_conn *c, const char *host);
void errand_cancel(struct pg_conn *c);
void errand_leave(struct pg_conn *c); /* the connection no longer wants the answer */
void conn_resolved(struct pg_conn *c, const struct addrinfo *found, const char *host);
void conn_errand_over(struct pg_conn *c, bool good); /* a cancel request has ended */

/* pg_stmt.c */
struct pg_stmt *stmt_find(struct pg_conn *c, const char *sql); /* NULL: not prepared here */
struct pg_stmt *stmt_add(struct pg_conn *c, const char *sql);
void stmt_drop(struct pg_conn *c, struct pg_stmt *s);
void stmt_drop_all(struct pg_conn *c);

/* pg_pool.c */
struct pg_pool {
    struct loop *loop;
    struct pg_address address;
    uint32_t statement_timeout_ms, connect_timeout_ms;
    char *search_path;
    struct list idle; /* most recently used first */
    struct list waiters;
    struct cond closed;                /* something of it ended */
    size_t slot_count, slot_count_max; /* connections open, being opened or promised */
    size_t loose_count;                /* handles and errands whose end is still to come */
    uint64_t away_until_ns;            /* no new connection before */
    uint64_t away_ms;                  /* how long the next rest will be */
    struct err away;
    bool closing;
    struct pg_stats stats;
};
void pool_idle_died(struct pg_conn *c); /* the machine found it dead in the idle list; frees it */
int pool_lease(struct flow *f, struct pg_pool *p, struct pg_conn **ret_conn) _must_check_;
void pool_release(struct pg_conn *c);
