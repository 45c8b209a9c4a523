/*
 * Runs of the chat batch: who may run a day, what a run says of itself.
 *
 *   begin -> running --finish--> done | partial | failed        leave without finish -> stopped
 *
 * Who runs a (tenant, day) holds an advisory lock in a transaction that stays open and empty on a connection
 * of its own: it has neither a snapshot nor a transaction number between statements, so it holds up no
 * vacuum. The lock ends with its connection, thus with the process. Whoever gets the lock may therefore end
 * what the table still calls running. The partial unique index batch_runs_one is the second net, for a
 * holder whose connection broke while it went on.
 * Fails with E_BUSY (the lock is somebody else's), E_CONFIG (no second connection), and what db/pg says.
 * Invariant: a run has ended, in any way, before its lock is let go, unless the database is away.
 */
#include "store/chat_runs.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "store/rows.h"

#define LEAVE_MS 5000

static const char *const kinds[] = {
    [CHAT_RUN_BATCH] = "batch",
    [CHAT_RUN_MISSING] = "missing",
};
static const char *const states[] = {
    [CHAT_RUN_RUNNING] = "running", [CHAT_RUN_DONE] = "done",       [CHAT_RUN_PARTIAL] = "partial",
    [CHAT_RUN_FAILED] = "failed",   [CHAT_RUN_STOPPED] = "stopped",
};

const char *chat_run_kind_name(enum chat_run_kind kind)
{
    return kinds[kind];
}
const char *chat_run_state_name(enum chat_run_state state)
{
    return states[state];
}

static int place_of(struct str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(name, str_from(names[i])))
            return (int)i;
    return -1;
}

/* ---- the lock ---- */

static int lock_take(struct flow *f, struct chat_run_hold *h)
{
    int r = pg_begin(f, h->pool, h->tenant_id, &h->lock);
    if (r < 0)
        return r;
    char day[11];
    day_text(h->day, day);
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    r = pg_query(f, &h->lock,
                 "select pg_try_advisory_xact_lock(hashtextextended("
                 "'deskstream.chats ' || $1::bigint || ' ' || $2::text, 0)), "
                 "set_config('idle_in_transaction_session_timeout', '0', true)",
                 PG_ARGS(PG_I64(h->tenant_id), PG_TEXT(str_from(day))), &row);
    if (r >= 0 && (row.row_count != 1 || !pg_bool(&row, 0, 0)))
        r = err_set(&f->err, E_BUSY, "the chats of %s are being classified by another run", day);
    if (r < 0)
        pg_end(&h->lock);
    h->lock.flow = h->owner; /* a beat may come from a child, which ends before */
    return r;
}

int chat_run_begin(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                   const struct chat_run_spec *spec, struct chat_run_hold *ret_hold)
{
    assert(ret_hold->run_id == 0 && !ret_hold->lock.open);
    if (pg_pool_stats(p).connection_count_max < 2)
        return err_set(&f->err, E_CONFIG, "DB_CONNECTIONS must be at least 2 for the chat batch");
    *ret_hold = (struct chat_run_hold){
        .pool = p,
        .owner = f,
        .tenant_id = tenant_id,
        .day = spec->day,
        .kind = spec->kind,
        .model = spec->model,
        .prompt_version = spec->prompt_version,
    };
    int r = lock_take(f, ret_hold);
    if (r < 0)
        return r;
    char day[11];
    day_text(spec->day, day);
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    r = pg_begin(f, p, tenant_id, &tx);
    if (r >= 0)
        r = pg_query(f, &tx,
                     "update deskstream.batch_runs set state = 'stopped', finished_at = now(), "
                     "error = 'the process that ran it has gone' "
                     "where tenant_id = $1 and day = $2::date and state = 'running'",
                     PG_ARGS(PG_I64(tenant_id), PG_TEXT(str_from(day))), NULL);
    if (r >= 0)
        r = pg_query(
            f, &tx,
            "insert into deskstream.batch_runs (tenant_id, day, kind, source, model, "
            "prompt_version) values ($1, $2::date, $3, $4, $5, $6) returning run_id, started_at",
            PG_ARGS(PG_I64(tenant_id), PG_TEXT(str_from(day)), PG_TEXT(str_from(kinds[spec->kind])),
                    PG_TEXT(spec->source), PG_TEXT(spec->model), PG_TEXT(spec->prompt_version)),
            &row);
    if (r >= 0 && row.row_count != 1)
        r = err_set(&f->err, E_DB, "a run of the chat batch was not made");
    if (r >= 0)
        r = pg_commit(f, &tx);
    if (r < 0) {
        pg_end(&ret_hold->lock);
        return r;
    }
    ret_hold->run_id = pg_i64(&row, 0, 0);
    ret_hold->started_at = pg_time(&row, 0, 1);
    return 0;
}

int chat_run_beat(struct flow *f, struct chat_run_hold *h)
{
    int r = h->lock.open ? pg_query(f, &h->lock, "select 1", PG_NO_ARGS, NULL) : E_DB_AWAY;
    if (r < 0 && r != -ECANCELED) { /* its connection broke: a restart; the lock went with it */
        h->lock.flow = f;           /* who beats now waits for the end, not who began */
        pg_end(&h->lock);
        r = lock_take(f, h);
    }
    if (r < 0)
        return r;
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    r = pg_once(f, h->pool, h->tenant_id,
                "update deskstream.batch_runs set heartbeat_at = now() "
                "where tenant_id = $1 and run_id = $2 and state = 'running' returning 1",
                PG_ARGS(PG_I64(h->tenant_id), PG_I64(h->run_id)), &row);
    if (r >= 0 && row.row_count == 0)
        return err_set(&f->err, E_BUSY, "another run of that day has taken over");
    return r;
}

int chat_run_finish(struct flow *f, struct chat_run_hold *h, enum chat_run_state state,
                    const char *error)
{
    assert(h->run_id > 0 && state != CHAT_RUN_RUNNING);
    char day[11];
    day_text(h->day, day);
    int r = pg_once(
        f, h->pool, h->tenant_id,
        "update deskstream.batch_runs b set state = $3, error = $4, finished_at = now(), "
        "chat_count = q.chats, question_count = q.questions, classified_count = q.classified, "
        "failed_count = q.failed from (select coalesce(sum(chat_count), 0) as chats, "
        "count(*) as questions, count(*) filter (where state = 'classified') as classified, "
        "count(*) filter (where state = 'failed') as failed from deskstream.chat_results "
        "where tenant_id = $1 and day = $5::date and run_id = $2) q "
        "where b.tenant_id = $1 and b.run_id = $2 and b.state = 'running'",
        PG_ARGS(PG_I64(h->tenant_id), PG_I64(h->run_id), PG_TEXT(str_from(states[state])),
                PG_TEXT_OR_NULL(str_from(error)), PG_TEXT(str_from(day))),
        NULL);
    if (r >= 0)
        h->finished = true;
    return r;
}

void chat_run_leave(struct chat_run_hold *h)
{
    if (h->run_id > 0 && !h->finished) {
        struct flow *f = h->owner;
        struct err kept = f->err; /* of what ended the run; nobody asks for ours */
        _cleanup_(shield_done) struct shield s = flow_shield(f, LEAVE_MS);
        int r = chat_run_finish(f, h, CHAT_RUN_STOPPED, kept.code < 0 ? kept.msg : NULL);
        (void)r; /* the next run of the day ends it */
        f->err = kept;
    }
    pg_end(&h->lock);
    h->run_id = 0;
}

/* ---- what there was ---- */

static int run_from_row(struct flow *f, const struct pg_result *rows, int i, struct chat_run *ret)
{
    int kind = place_of(pg_text(rows, i, 2), kinds, ARRAY_COUNT(kinds));
    int state = place_of(pg_text(rows, i, 3), states, ARRAY_COUNT(states));
    if (kind < 0 || state < 0 || !day_parse(pg_text(rows, i, 1), &ret->day))
        return err_set(&f->err, E_DB, "a run of the chat batch has a kind, state or day of no use");
    struct arena *a = &f->arena;
    ret->run_id = pg_i64(rows, i, 0);
    ret->kind = (enum chat_run_kind)kind;
    ret->state = (enum chat_run_state)state;
    ret->source = rows_text(a, rows, i, 4);
    ret->model = rows_text(a, rows, i, 5);
    ret->prompt_version = rows_text(a, rows, i, 6);
    ret->error = rows_text(a, rows, i, 7);
    ret->chat_count = pg_i64(rows, i, 8);
    ret->question_count = pg_i64(rows, i, 9);
    ret->classified_count = pg_i64(rows, i, 10);
    ret->failed_count = pg_i64(rows, i, 11);
    ret->call_count = pg_i64(rows, i, 12);
    ret->prompt_tokens = pg_i64(rows, i, 13);
    ret->completion_tokens = pg_i64(rows, i, 14);
    ret->cost_krw = pg_f64(rows, i, 15);
    ret->started_at = pg_time(rows, i, 16);
    ret->finished_at = pg_time(rows, i, 17);
    ret->written_at = pg_time(rows, i, 18);
    return 0;
}

int chat_run_newest(struct flow *f, struct pg_pool *p, int64_t tenant_id, const struct day *day,
                    int limit, struct chat_run **ret_runs, size_t *ret_count)
{
    char text[11] = "";
    if (day)
        day_text(*day, text);
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id,
        "select run_id, day::text, kind, state, source, model, prompt_version, error, chat_count, "
        "question_count, classified_count, failed_count, call_count, prompt_tokens, "
        "completion_tokens, cost_krw, started_at, finished_at, written_at "
        "from deskstream.batch_runs where tenant_id = $1 and ($2::date is null or day = $2::date) "
        "order by run_id desc limit $3",
        PG_ARGS(PG_I64(tenant_id), day ? PG_TEXT(str_from(text)) : PG_NULL(), PG_I64(limit)),
        &rows);
    if (r < 0)
        return r;
    struct chat_run *runs = ARENA_ARRAY(&f->arena, (size_t)rows.row_count, struct chat_run);
    for (int i = 0; i < rows.row_count; i++) {
        r = run_from_row(f, &rows, i, &runs[i]);
        if (r < 0)
            return r;
    }
    *ret_runs = runs;
    *ret_count = (size_t)rows.row_count;
    return 0;
}
