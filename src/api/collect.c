/*
 * api/collect.c: collections on the server: start, status, cancel.
 *
 * The happy path: the start answers at once with the run's id while it goes on in the background; the status
 * has its numbers; a cancel keeps what was fetched, and the next start goes on there.
 * Fails by: 422 for the body, 400 for dates, 409 while one runs for the tenant, 404 when there is none to cancel.
 * Invariant: the folder is chosen here, never by a request.
 */
#include <inttypes.h>

#include "api/input.h"
#include "api/internal.h"
#include "base/wall.h"
#include "collect/jobs.h"

#define TEST_TICKETS 100
#define DAY_S 86400

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

static int answer(struct flow *f, struct http_exchange *x, struct api *a, const struct caller *who,
                  const char *message)
{
    struct collect_view v;
    collect_look(a->spec.collect, who, &v);
    const struct collect_progress *p = &v.progress;
    bool running = v.state == COLLECT_RUNNING || v.state == COLLECT_STOPPING;
    struct buf *out = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(out);
    jw_obj(&w, NULL);
    jw_bool(&w, "success", v.state != COLLECT_FAILED);
    if (message)
        jw_text(&w, "message", message);
    jw_bool(&w, "collection_in_progress", running);
    jw_text(&w, "status", collect_state_name(v.state));
    jw_str_or_null(&w, "run_id", str_from(v.id));
    write_when(&w, "started_at", v.started_at);
    write_when(&w, "finished_at", v.finished_at);
    jw_i64(&w, "total_tickets_collected", (int64_t)p->held_count);
    jw_i64(&w, "tickets_new", (int64_t)p->new_count);
    jw_i64(&w, "conversations_collected", (int64_t)p->talk_count);
    jw_i64(&w, "attachments_collected", (int64_t)p->file_count);
    jw_i64(&w, "rows_loaded", (int64_t)p->loaded_count);
    jw_i64(&w, "left_out", (int64_t)p->skip_count);
    jw_i64(&w, "deleted_or_spam", (int64_t)p->gone_count);
    jw_i64(&w, "expected", (int64_t)p->expected_count);
    jw_i64(&w, "windows", p->window_count);
    jw_i64(&w, "windows_done", p->window_done_count);
    jw_i64(&w, "chunks_created", p->chunk_count);
    jw_bool(&w, "paused", p->is_paused);
    if (running && p->expected_count > 0)
        jw_i64(&w, "progress",
               (int64_t)(MIN(p->held_count, p->expected_count) * 100 / p->expected_count));
    else
        jw_i64(&w, "progress", v.state == COLLECT_COMPLETED ? 100 : 0);
    jw_f64(&w, "duration_seconds", (double)p->elapsed_ms / 1000, 3);
    jw_str_or_null(&w, "error", str_from(v.error));
    jw_end_obj(&w);
    return http_answer_json(f, x, 200, buf_view(out));
}

/* False when it is no date. A day's end is included. */
static bool read_day(struct str text, bool is_end, int64_t *ret_s)
{
    int64_t at_ms;
    if (text.len == 0)
        return true;
    if (!wall_parse_iso(text, &at_ms) || at_ms < 0)
        return false;
    *ret_s = at_ms / 1000 + (is_end && text.len <= 10 ? DAY_S : 0);
    return true;
}

static int read_wish(struct input *in, struct collect_wish *wish, bool *ret_days_good)
{
    input_body(in, INPUT_OPTIONAL);
    struct str mode = input_text(in, "mode", INPUT_OPTIONAL);
    int64_t max = input_int(in, "max_tickets", 0);
    *wish = (struct collect_wish){
        .talks = input_bool(in, "include_conversations", true),
        .attachments = input_bool(in, "include_attachments", false),
        .archived = input_bool(in, "include_archived", false),
        .to_postgres = str_eq(input_text(in, "to", INPUT_OPTIONAL), STR("postgres")),
        .ticket_count_max = max > 0                     ? (uint64_t)max
                            : str_eq(mode, STR("test")) ? TEST_TICKETS
                                                        : 0,
    };
    struct str start = input_text(in, "start_date", INPUT_OPTIONAL);
    struct str end = input_text(in, "end_date", INPUT_OPTIONAL);
    *ret_days_good = read_day(start, false, &wish->from_s) && read_day(end, true, &wish->to_s) &&
                     (wish->to_s == 0 || wish->to_s > wish->from_s);
    return input_is_bad(in);
}

int on_collect_start(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct input in;
    struct collect_wish wish;
    struct caller who;
    bool days_good;
    char id[37];
    input_begin(&in, f, x);
    if (read_wish(&in, &wish, &days_good))
        return input_refuse(f, x, &in);
    int r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    if (!days_good)
        return err_set(&f->err, E_INPUT, "start_date and end_date are ISO dates, in that order");
    r = collect_start(f, a->spec.collect, &who, &wish, id);
    return r < 0 ? r : answer(f, x, a, &who, "데이터 수집을 시작했습니다.");
}

int on_collect_status(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct caller who;
    int r = claim_caller(f, a, x, &who);
    return r < 0 ? r : answer(f, x, a, &who, NULL);
}

int on_collect_cancel(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct caller who;
    int r = claim_caller(f, a, x, &who);
    if (r >= 0)
        r = collect_cancel(f, a->spec.collect, &who);
    return r < 0 ? r : answer(f, x, a, &who, "수집을 중단하고 있습니다.");
}
