/*
 * Sync runs, the log of synced items, and what failed.
 *
 *   begin -> running --progress (counts, sign of life)--> finish -> done | failed
 *
 * One run of a kind may be `running` for a tenant: a partial unique index decides, also between processes.
 * A run whose process died gives no sign of life; the next begin fails it and takes its place. The dead one's
 * process, if it was only slow, learns of that at its next progress (E_BUSY).
 */
#include "store/sync_runs.h"

#include <string.h>

#include "store/rows.h"

#define STALE_MS 60000

static const struct {
    const char *name, *item_type, *kind, *label;
} collections[VECTOR_COLLECTION_COUNT] = {
    [VECTORS_TICKETS] = {"support_tickets", "ticket", "tickets", "Ticket"},
    [VECTORS_KB] = {"kb_procedures", "kb_article", "kb", "KB"},
};

const char *vector_collection_name(enum vector_collection c)
{
    return collections[c].name;
}
const char *vector_collection_item_type(enum vector_collection c)
{
    return collections[c].item_type;
}
const char *vector_collection_kind(enum vector_collection c)
{
    return collections[c].kind;
}

/* ---- runs ---- */

int sync_run_begin(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                   enum vector_collection kind, struct str owner, int64_t since, int limit,
                   uint64_t stale_ms, char ret_id[37])
{
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, p, tenant_id, &tx);
    if (r < 0)
        return r;
    struct str kind_text = str_from(collections[kind].kind);
    r = pg_query(f, &tx,
                 "update deskstream.sync_runs set state = 'failed', finished_at = now(), "
                 "errors = errors || '[\"the process that ran it has gone\"]'::jsonb "
                 "where tenant_id = $1 and kind = $2 and state = 'running' "
                 "and heartbeat_at < now() - make_interval(secs => $3::float8 / 1000)",
                 PG_ARGS(PG_I64(tenant_id), PG_TEXT(kind_text),
                         PG_I64((int64_t)(stale_ms ? stale_ms : STALE_MS))),
                 NULL);
    if (r < 0)
        return r;
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    r = pg_query(
        f, &tx,
        "insert into deskstream.sync_runs (tenant_id, kind, owner, since, item_limit) "
        "values ($1, $2, $3, $4, $5) on conflict (tenant_id, kind) where state = 'running' "
        "do nothing returning id::text",
        PG_ARGS(PG_I64(tenant_id), PG_TEXT(kind_text), PG_TEXT(owner), PG_TIME(since),
                PG_I64(limit)),
        &row);
    if (r < 0)
        return r;
    if (row.row_count == 0)
        return err_set(&f->err, E_BUSY, "%s sync already in progress", collections[kind].label);
    struct str id = pg_text(&row, 0, 0);
    if (id.len != 36)
        return err_set(&f->err, E_DB, "a run without an id");
    r = pg_commit(f, &tx);
    if (r < 0)
        return r;
    memcpy(ret_id, id.ptr, 36);
    ret_id[36] = '\0';
    return 0;
}

static struct str errors_json(struct arena *a, const struct sync_progress *progress)
{
    struct buf *out = arena_buf(a, 0);
    struct jw w = JW_INIT(out);
    jw_arr(&w, NULL);
    for (size_t i = 0; i < MIN(progress->error_count, (size_t)SYNC_ERRORS_MAX); i++)
        jw_str(&w, NULL, progress->errors[i]);
    jw_end_arr(&w);
    return rows_json(a, buf_view(out), "[]");
}

static int run_update(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *id,
                      struct str state, const struct sync_progress *progress)
{
    _cleanup_(pg_result_done) struct pg_result done = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id,
        "update deskstream.sync_runs set state = $3, total_count = $4, done_count = $5, "
        "written_count = $6, skipped_count = $7, failed_count = $8, cursor = $9, "
        "errors = $10::jsonb, heartbeat_at = now(), "
        "finished_at = case when $3 <> 'running' then now() end "
        "where tenant_id = $1 and id = $2::uuid and state = 'running'",
        PG_ARGS(PG_I64(tenant_id), PG_TEXT(str_from(id)), PG_TEXT(state),
                PG_I64(progress->total_count), PG_I64(progress->done_count),
                PG_I64(progress->written_count), PG_I64(progress->skipped_count),
                PG_I64(progress->failed_count), PG_TEXT(progress->cursor),
                PG_TEXT(errors_json(&f->arena, progress))),
        &done);
    if (r < 0)
        return r;
    if (done.affected == 0)
        return err_set(&f->err, E_BUSY, "sync run %s was taken over", id);
    return 0;
}

int sync_run_progress(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *id,
                      const struct sync_progress *progress)
{
    return run_update(f, p, tenant_id, id, STR("running"), progress);
}

int sync_run_finish(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *id,
                    bool failed, const struct sync_progress *progress)
{
    return run_update(f, p, tenant_id, id, failed ? STR("failed") : STR("done"), progress);
}

#define RUN_COLUMNS                                                                                \
    "id::text, kind, state, since, item_limit, total_count, done_count, written_count, "           \
    "skipped_count, "                                                                              \
    "failed_count, errors::text, cursor, started_at, finished_at"

static int run_from_row(struct flow *f, const struct pg_result *r, int row,
                        struct sync_run *ret_run)
{
    struct arena *a = &f->arena;
    *ret_run = (struct sync_run){
        .kind = str_eq(pg_text(r, row, 1), STR("kb")) ? VECTORS_KB : VECTORS_TICKETS,
        .state = rows_text(a, r, row, 2),
        .since = pg_time(r, row, 3),
        .limit = (int)pg_i64(r, row, 4),
        .total_count = pg_i64(r, row, 5),
        .done_count = pg_i64(r, row, 6),
        .written_count = pg_i64(r, row, 7),
        .skipped_count = pg_i64(r, row, 8),
        .failed_count = pg_i64(r, row, 9),
        .cursor = rows_text(a, r, row, 11),
        .started_at = pg_time(r, row, 12),
        .finished_at = pg_time(r, row, 13),
    };
    struct str id = pg_text(r, row, 0);
    memcpy(ret_run->id, id.ptr, MIN(id.len, sizeof(ret_run->id) - 1));
    struct json errors;
    int e = json_parse(a, pg_text(r, row, 10), &errors, &f->err);
    if (e < 0)
        return e;
    ret_run->errors = ARENA_ARRAY(a, json_count(errors), struct str);
    for (struct json_iter it = json_iter(errors); json_next(&it);)
        ret_run->errors[ret_run->error_count++] = json_str(it.value);
    return 0;
}

int sync_run_get(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *id,
                 struct sync_run *ret_run)
{
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r = pg_once(f, p, tenant_id,
                    "select " RUN_COLUMNS " from deskstream.sync_runs "
                    "where tenant_id = $1 and id::text = $2",
                    PG_ARGS(PG_I64(tenant_id), PG_TEXT(str_from(id))), &row);
    if (r < 0)
        return r;
    if (row.row_count == 0)
        return err_set(&f->err, E_NOT_FOUND, "there is no sync run %.40s", id);
    return run_from_row(f, &row, 0, ret_run);
}

int sync_run_newest(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                    enum vector_collection kind, int limit, struct sync_run **ret_runs,
                    size_t *ret_count)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id,
        "select " RUN_COLUMNS " from deskstream.sync_runs where tenant_id = $1 and kind = $2 "
        "order by started_at desc, id limit $3",
        PG_ARGS(PG_I64(tenant_id), PG_TEXT(str_from(collections[kind].kind)), PG_I64(limit)),
        &rows);
    if (r < 0)
        return r;
    struct sync_run *runs = ARENA_ARRAY(&f->arena, (size_t)rows.row_count, struct sync_run);
    for (int i = 0; i < rows.row_count; i++) {
        r = run_from_row(f, &rows, i, &runs[i]);
        if (r < 0)
            return r;
    }
    *ret_runs = runs;
    *ret_count = (size_t)rows.row_count;
    return 0;
}

int sync_status(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                struct sync_status *ret_status)
{
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id,
        "select (select max(synced_at) from deskstream.sync_logs where tenant_id = $1 "
        "and collection = 'support_tickets'), "
        "(select max(synced_at) from deskstream.sync_logs where tenant_id = $1 "
        "and collection = 'kb_procedures'), "
        "(select count(*) from deskstream.tickets where tenant_id = $1 and not deleted and not "
        "spam), "
        "(select count(*) from deskstream.kb_articles where tenant_id = $1 and not deleted), "
        "exists (select 1 from deskstream.sync_runs where tenant_id = $1 and kind = 'tickets' "
        "and state = 'running' and heartbeat_at > now() - interval '1 minute'), "
        "exists (select 1 from deskstream.sync_runs where tenant_id = $1 and kind = 'kb' "
        "and state = 'running' and heartbeat_at > now() - interval '1 minute')",
        PG_ARGS(PG_I64(tenant_id)), &row);
    if (r < 0)
        return r;
    if (row.row_count != 1)
        return err_set(&f->err, E_DB, "a status without a row");
    for (int c = 0; c < VECTOR_COLLECTION_COUNT; c++) {
        ret_status->last_at[c] = pg_time(&row, 0, c);
        ret_status->stored_count[c] = pg_i64(&row, 0, 2 + c);
        ret_status->running[c] = pg_bool(&row, 0, 4 + c);
    }
    return 0;
}

/* ---- the log ---- */

int sync_logs_append(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                     const int64_t *item_ids, size_t count)
{
    if (count == 0)
        return 0;
    return pg_once(f, p, tenant_id,
                   "insert into deskstream.sync_logs (tenant_id, collection, item_id, item_type) "
                   "select $1, $2, id::text, $3 from unnest($4::bigint[]) as g(id)",
                   PG_ARGS(PG_I64(tenant_id), PG_TEXT(str_from(collections[c].name)),
                           PG_TEXT(str_from(collections[c].item_type)), PG_I64S(item_ids, count)),
                   NULL);
}

/* ---- items to try again ---- */

int sync_retry_put(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                   int64_t item_id, struct str reason)
{
    return pg_once(
        f, p, tenant_id,
        "insert into deskstream.sync_retry as t (tenant_id, kind, item_id, reason, due_at) "
        "values ($1, $2, $3, $4, now() + interval '1 minute') "
        "on conflict (tenant_id, kind, item_id) do update set "
        "attempt_count = t.attempt_count + 1, reason = excluded.reason, due_at = now() + "
        "make_interval(mins => least(60, (1 << least(t.attempt_count, 6))))",
        PG_ARGS(PG_I64(tenant_id), PG_TEXT(str_from(collections[c].kind)), PG_I64(item_id),
                PG_TEXT(str_cut_utf8(reason, 500))),
        NULL);
}

int sync_retry_due(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                   int limit, struct sync_retry **ret_items, size_t *ret_count)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id,
        "select item_id, attempt_count, reason from deskstream.sync_retry "
        "where tenant_id = $1 and kind = $2 and due_at <= now() order by due_at, item_id "
        "limit $3",
        PG_ARGS(PG_I64(tenant_id), PG_TEXT(str_from(collections[c].kind)), PG_I64(limit)), &rows);
    if (r < 0)
        return r;
    struct sync_retry *items = ARENA_ARRAY(&f->arena, (size_t)rows.row_count, struct sync_retry);
    for (int i = 0; i < rows.row_count; i++)
        items[i] = (struct sync_retry){
            .item_id = pg_i64(&rows, i, 0),
            .attempt_count = (int)pg_i64(&rows, i, 1),
            .reason = rows_text(&f->arena, &rows, i, 2),
        };
    *ret_items = items;
    *ret_count = (size_t)rows.row_count;
    return 0;
}

int sync_retry_drop(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                    const int64_t *item_ids, size_t count)
{
    if (count == 0)
        return 0;
    return pg_once(f, p, tenant_id,
                   "delete from deskstream.sync_retry where tenant_id = $1 and kind = $2 "
                   "and item_id = any($3)",
                   PG_ARGS(PG_I64(tenant_id), PG_TEXT(str_from(collections[c].kind)),
                           PG_I64S(item_ids, count)),
                   NULL);
}
