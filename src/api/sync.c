/*
 * api/sync.c: the sync API: start (tickets, kb), status of all and of one run, live events (S1, S4).
 *
 * The happy path: the start answers at once in the old shape plus run_id while the run goes on in the
 * background; wait=true answers when it has ended, with the true counts. Events are data lines until the
 * reader leaves.
 * Fails by: 422 for limit, 409 while one of the kind runs, 400 for since, 503 while Postgres or the vector
 * store is away. Invariant: last_sync_time is naive UTC, as the old server wrote it.
 */
#include <errno.h>
#include <string.h>

#include "api/input.h"
#include "api/reader.h"
#include "base/wall.h"
#include "sync/sync.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 500

static const char bad_since[] = "Invalid ISO timestamp format for 'since' parameter";

static void write_errors(struct jw *w, const struct sync_result *result)
{
    jw_arr(w, "errors");
    for (size_t i = 0; i < result->error_count; i++)
        jw_str(w, NULL, result->errors[i]);
    jw_end_arr(w);
}

static int answer_result(struct flow *f, struct http_exchange *x, const struct sync_result *result,
                         bool whole)
{
    struct buf *out = arena_buf(&f->arena, 0);
    _cleanup_(buf_done) struct buf at = BUF_INIT(64);
    struct jw w = JW_INIT(out);
    wall_write_naive(&at, result->finished_at);
    jw_obj(&w, NULL);
    jw_bool(&w, "success", result->success);
    jw_i64(&w, "items_synced", result->synced_count);
    jw_str(&w, "last_sync_time", buf_view(&at));
    write_errors(&w, result);
    jw_text(&w, "run_id", result->run_id);
    if (whole) {
        jw_i64(&w, "items_total", result->total_count);
        jw_i64(&w, "items_written", result->written_count);
        jw_i64(&w, "items_skipped", result->skipped_count);
        jw_i64(&w, "items_failed", result->failed_count);
        jw_i64(&w, "items_embedded", result->embedded_count);
    }
    jw_end_obj(&w);
    return http_answer_json(f, x, 200, buf_view(out));
}

/* Old words for a run that is in the way; others pass. */
static int start_error(struct flow *f, enum sync_kind kind, int r)
{
    if (r == E_BUSY)
        return err_set(&f->err, r, "%s sync already in progress",
                       kind == SYNC_TICKETS ? "Ticket" : "KB");
    return r;
}

/* A run in the way is told before a bad `since`, as the old server did. */
static int since_error(struct flow *f, struct api *a, const struct caller *who, enum sync_kind kind)
{
    struct sync_overview o;
    int r = sync_overview(f, a->spec.sync, who, &o);
    if (r == -ECANCELED)
        return r;
    if (r >= 0 && o.kind_running[kind])
        return start_error(f, kind, E_BUSY);
    return err_set(&f->err, E_INPUT, "%s", bad_since);
}

static int start(struct flow *f, struct api *a, struct http_exchange *x, enum sync_kind kind)
{
    struct input in;
    struct caller who;
    input_begin(&in, f, x);
    struct sync_wish wish = {.kind = kind, .since = WALL_NONE};
    struct str since = input_query_text(&in, "since");
    wish.limit = (int)input_query_int(&in, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX);
    bool wait = input_query_bool(&in, "wait", false);
    if (input_is_bad(&in))
        return input_refuse(f, x, &in);
    int r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    if (since.len > 0 && !wall_parse_iso(since, &wish.since))
        return since_error(f, a, &who, kind);
    struct sync_result result = {.success = true, .finished_at = loop_wall_ms(f->loop)};
    if (wait)
        r = sync_run(f, a->spec.sync, &who, &wish, NULL, &result);
    else
        r = sync_start(f, a->spec.sync, &who, &wish, result.run_id);
    return r < 0 ? start_error(f, kind, r) : answer_result(f, x, &result, wait);
}

int on_sync_tickets(struct flow *f, struct http_exchange *x, void *context)
{
    return start(f, context, x, SYNC_TICKETS);
}

int on_sync_kb(struct flow *f, struct http_exchange *x, void *context)
{
    return start(f, context, x, SYNC_KB);
}

static void write_when(struct jw *w, const char *key, int64_t at_ms)
{
    _cleanup_(buf_done) struct buf text = BUF_INIT(64);
    if (at_ms == WALL_NONE) {
        jw_null(w, key);
        return;
    }
    wall_write_naive(&text, at_ms);
    jw_str(w, key, buf_view(&text));
}

int on_sync_status(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct caller who;
    struct sync_overview o;
    int r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    r = sync_overview(f, a->spec.sync, &who, &o);
    if (r < 0) {
        err_wrap(&f->err, r, "Failed to retrieve sync status");
        f->err.http = 503;
        return r;
    }
    struct buf *out = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(out);
    jw_obj(&w, NULL);
    write_when(&w, "last_ticket_sync", o.last_ticket_at);
    write_when(&w, "last_kb_sync", o.last_kb_at);
    jw_i64(&w, "total_tickets", o.ticket_count);
    jw_i64(&w, "total_kb_articles", o.kb_count);
    jw_bool(&w, "sync_in_progress", o.running);
    jw_end_obj(&w);
    return http_answer_json(f, x, 200, buf_view(out));
}

/* One run by its id, in the words of the newer clients (legacy-contracts §3) and in ours. */
static void write_job(struct jw *w, const struct sync_job *job)
{
    bool running = strcmp(job->state, "running") == 0;
    int64_t total = MAX(job->total_count, job->done_count);
    jw_obj(w, NULL);
    jw_text(w, "job_id", job->id);
    jw_text(w, "run_id", job->id);
    jw_text(w, "kind", job->kind == SYNC_KB ? "kb" : "tickets");
    jw_text(w, "status", strcmp(job->state, "done") == 0 ? "completed" : job->state);
    jw_text(w, "state", job->state);
    jw_i64(w, "progress", running && total > 0 ? job->done_count * 100 / total : running ? 0 : 100);
    jw_i64(w, "items_total", job->total_count);
    jw_i64(w, "items_done", job->done_count);
    jw_i64(w, "items_synced", job->written_count + job->skipped_count);
    jw_i64(w, "items_written", job->written_count);
    jw_i64(w, "items_skipped", job->skipped_count);
    jw_i64(w, "items_failed", job->failed_count);
    write_when(w, "started_at", job->started_at);
    write_when(w, "finished_at", job->finished_at);
    jw_arr(w, "errors");
    for (size_t i = 0; i < job->error_count; i++)
        jw_str(w, NULL, job->errors[i]);
    jw_end_arr(w);
    jw_end_obj(w);
}

int on_sync_job(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct caller who;
    struct sync_job job;
    int r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    r = sync_job(f, a->spec.sync, &who, http_param(x, "job_id"), &job);
    if (r < 0)
        return r;
    struct buf *out = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(out);
    write_job(&w, &job);
    return http_answer_json(f, x, 200, buf_view(out));
}

/* ---- live ---- */

struct watcher {
    struct sink sink;
    struct sse sse;
};

static int send_event(struct flow *f, struct sink *s, const char *event, struct str json)
{
    struct watcher *watcher = container_of(s, struct watcher, sink);
    if (str_starts(json, STR("{\"type\":")))
        return sse_send(f, &watcher->sse, event, json);
    _cleanup_(buf_done) struct buf typed = BUF_INIT(0);
    buf_printf(&typed, "{\"type\":\"%s\"%s", event, str_eq(json, STR("{}")) ? "" : ",");
    buf_str(&typed, str_sub(json, 1, SIZE_MAX));
    return sse_send(f, &watcher->sse, event, buf_view(&typed));
}

static void watcher_done(struct watcher *watcher)
{
    sse_done(&watcher->sse);
}

int on_sync_events(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct caller who;
    int r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    _cleanup_(watcher_done) struct watcher watcher = {.sink.send = send_event, .sse = SSE_INIT};
    r = sse_begin(f, &watcher.sse, x, SSE_LEGACY, (uint32_t)a->spec.config->heartbeat_ms);
    if (r < 0)
        return r;
    r = sync_watch(f, a->spec.sync, &who, &watcher.sink);
    if (r < 0 && r != -ECANCELED) {
        struct buf *out = arena_buf(&f->arena, 0);
        struct jw w = JW_INIT(out);
        jw_obj(&w, NULL);
        jw_text(&w, "type", "error");
        jw_text(&w, "code", err_name(r));
        jw_text(&w, "message", err_public(&f->err, r));
        jw_bool(&w, "retryable", err_retryable(r));
        jw_end_obj(&w);
        r = sse_send(f, &watcher.sse, "error", buf_view(out));
    }
    return r < 0 ? r : sse_end(f, &watcher.sse);
}
