/*
 * Tasks with a time.
 *
 * The happy path: put at start, claimed when due, beaten while it runs, finished with its next time. A claim is
 * one statement, so of any number of servers one gets it.
 * Fails: as the database does. Invariant: next_at moves only in schedules_finish (and with a new expression), so
 * a time that nobody has finished stays due.
 */
#include "store/schedules.h"

#include "base/wall.h"
#include "store/rows.h"

#define COLUMNS                                                                                    \
    "name, cron, zone, coalesce(holder, ''), coalesce(last_state, ''), coalesce(last_error, ''), " \
    "next_at, retry_at, last_due_at, last_started_at, last_finished_at, attempt_count, run_count"

static struct schedule_row read_row(struct arena *a, const struct pg_result *r, int row)
{
    return (struct schedule_row){
        .name = rows_text(a, r, row, 0),
        .cron = rows_text(a, r, row, 1),
        .zone = rows_text(a, r, row, 2),
        .holder = rows_text(a, r, row, 3),
        .last_state = rows_text(a, r, row, 4),
        .last_error = rows_text(a, r, row, 5),
        .next_at = pg_time(r, row, 6),
        .retry_at = pg_time(r, row, 7),
        .last_due_at = pg_time(r, row, 8),
        .last_started_at = pg_time(r, row, 9),
        .last_finished_at = pg_time(r, row, 10),
        .attempt_count = pg_i64(r, row, 11),
        .run_count = pg_i64(r, row, 12),
    };
}

int schedules_put(struct flow *f, struct pg_pool *p, struct str name, struct str cron,
                  struct str zone, int64_t next_at)
{
    return pg_once(f, p, 0,
                   "insert into deskstream.schedules as s (name, cron, zone, next_at) "
                   "values ($1, $2, $3, $4) on conflict (name) do update set cron = excluded.cron, "
                   "zone = excluded.zone, next_at = case when s.cron = excluded.cron and "
                   "s.zone = excluded.zone then s.next_at else excluded.next_at end",
                   PG_ARGS(PG_TEXT(name), PG_TEXT(cron), PG_TEXT(zone), PG_TIME(next_at)), NULL);
}

int schedules_drop(struct flow *f, struct pg_pool *p, struct str name)
{
    return pg_once(f, p, 0, "delete from deskstream.schedules where name = $1",
                   PG_ARGS(PG_TEXT(name)), NULL);
}

int schedules_get(struct flow *f, struct pg_pool *p, struct str name, struct schedule_row *ret_row)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(f, p, 0, "select " COLUMNS " from deskstream.schedules where name = $1",
                    PG_ARGS(PG_TEXT(name)), &rows);
    if (r < 0)
        return r;
    if (rows.row_count != 1)
        return err_set(&f->err, E_NOT_FOUND, "there is no schedule %.*s", STR_ARG(name));
    *ret_row = read_row(&f->arena, &rows, 0);
    return 0;
}

int schedules_all(struct flow *f, struct pg_pool *p, struct schedule_row **ret_rows,
                  size_t *ret_count)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(f, p, 0, "select " COLUMNS " from deskstream.schedules order by name",
                    PG_NO_ARGS, &rows);
    if (r < 0)
        return r;
    *ret_count = (size_t)rows.row_count;
    *ret_rows = ARENA_ARRAY(&f->arena, *ret_count + 1, struct schedule_row);
    for (int i = 0; i < rows.row_count; i++)
        (*ret_rows)[i] = read_row(&f->arena, &rows, i);
    return 0;
}

int schedules_claim(struct flow *f, struct pg_pool *p, struct str name, struct str holder,
                    int64_t now_ms, int64_t silent_ms, struct schedule_row *ret_row)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(
        f, p, 0,
        "update deskstream.schedules set holder = $2, heartbeat_at = $3, "
        "attempt_count = attempt_count + 1, last_started_at = $3 where name = $1 and "
        "next_at <= $3 and coalesce(retry_at, next_at) <= $3 and "
        "(holder is null or heartbeat_at < $4) returning " COLUMNS,
        PG_ARGS(PG_TEXT(name), PG_TEXT(holder), PG_TIME(now_ms), PG_TIME(now_ms - silent_ms)),
        &rows);
    if (r < 0 || rows.row_count == 0)
        return r < 0 ? r : 0;
    *ret_row = read_row(&f->arena, &rows, 0);
    return 1;
}

int schedules_beat(struct flow *f, struct pg_pool *p, struct str name, struct str holder,
                   int64_t now_ms)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(f, p, 0,
                    "update deskstream.schedules set heartbeat_at = $3 where name = $1 and "
                    "holder = $2 returning 1",
                    PG_ARGS(PG_TEXT(name), PG_TEXT(holder), PG_TIME(now_ms)), &rows);
    return r < 0 ? r : rows.row_count == 1;
}

int schedules_finish(struct flow *f, struct pg_pool *p, const struct schedule_end *e)
{
    return pg_once(
        f, p, 0,
        "update deskstream.schedules set holder = null, heartbeat_at = null, last_state = $3, "
        "last_error = $4, last_finished_at = $5, last_due_at = coalesce($6, last_due_at), "
        "next_at = coalesce($7, next_at), retry_at = $8, "
        "attempt_count = case when $7::timestamptz is null then attempt_count else 0 end, "
        "run_count = run_count + case when $3 = 'stopped' then 0 else 1 end "
        "where name = $1 and holder = $2",
        PG_ARGS(PG_TEXT(e->name), PG_TEXT(e->holder), PG_TEXT(str_from(e->state)),
                e->error != NULL ? PG_TEXT(str_from(e->error)) : PG_NULL(), PG_TIME(e->now_ms),
                PG_TIME(e->due_at), PG_TIME(e->next_at), PG_TIME(e->retry_at)),
        NULL);
}
