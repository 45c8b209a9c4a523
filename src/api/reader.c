/*
 * api/reader.c: the sinks of the api.
 *
 * The happy path: the service sends events from its flows; each is written whole, so events of parallel
 * sections never tear. A legacy reader parses what it needs to keep (not the deltas) and writes each
 * event with its old fields added. reader_end writes what the dialect promises at the end.
 *
 *   FULL     meta ... done | error             begins with the first event: earlier faults are plain HTTP
 *   LEGACY   meta ... result complete done     begins at once: HTTP 200 even on failure
 *
 * Fails by: the reader having left (-ECANCELED), which ends the run. Invariant: the last event of a stream
 * that was not cut is done or error (FULL), {"type":"done"} (LEGACY).
 */
#include "api/reader.h"

#include <errno.h>
#include <inttypes.h>

#include "base/log.h"
#include "base/wall.h"

#define LAST_WORD_MS 500 /* to a reader whose run is cancelled because the server stops */

static int send_full(struct flow *f, struct sink *s, const char *event, struct str json);
static int send_legacy(struct flow *f, struct sink *s, const char *event, struct str json);
static int send_gather(struct flow *f, struct sink *s, const char *event, struct str json);

void reader_begin(struct reader *rd, struct flow *f, struct api *a, struct http_exchange *x,
                  enum reader_kind kind, enum run_kind run)
{
    static int (*const sends[])(struct flow *, struct sink *, const char *, struct str) = {
        [READER_FULL] = send_full, [READER_LEGACY] = send_legacy, [READER_GATHER] = send_gather};
    rd->sink.send = sends[kind];
    rd->kind = kind;
    rd->run = run;
    rd->api = a;
    rd->exchange = x;
    rd->flow = f;
    rd->begin_ns = loop_now_ns(f->loop);
    rd->with_done_mark = rd->with_done_mark || claim_wants_done_mark(http_request_of(x));
    a->counts.runs[run]++;
}

void reader_done(struct reader *rd)
{
    sse_done(&rd->sse);
}

struct json gather_error(const struct gather *g, const char *section)
{
    for (size_t i = 0; i < g->error_count; i++) {
        if (str_eq(json_str(json_get(g->errors[i], "section")), str_from(section)))
            return g->errors[i];
    }
    return JSON_NONE;
}

/* ---- keeping ---- */

static void count_event(struct reader *rd, const char *event, struct json v)
{
    struct api_counts *c = &rd->api->counts;
    if (strcmp(event, "error") == 0)
        c->section_errors++;
    if (strcmp(event, "usage") != 0)
        return;
    c->prompt_tokens += json_i64(json_get(v, "prompt_tokens"), 0);
    c->completion_tokens += json_i64(json_get(v, "completion_tokens"), 0);
    c->model_calls += json_i64(json_get(v, "calls"), 0);
    c->cost_krw += json_f64(json_get(v, "cost_krw"), 0);
}

static bool is_delta(const char *event)
{
    return str_ends(str_from(event), STR(".delta"));
}

/* Parses an event and keeps it when it is one of those that make the answer. */
static int keep(struct flow *f, struct reader *rd, const char *event, struct str json,
                struct json *ret_value)
{
    struct gather *g = &rd->gather;
    const struct {
        const char *name;
        struct json *place;
    } places[] = {
        {"meta", &g->meta},       {"ticket", &g->ticket},
        {"summary", &g->summary}, {"similar_tickets", &g->similar},
        {"kb_documents", &g->kb}, {"solutions", &g->solutions},
        {"answer", &g->answer},   {"reply", &g->reply},
        {"usage", &g->usage},     {"done", &g->done},
    };
    /* The reader's own flow outlives its children, so what is kept goes to its arena. */
    int r = json_parse(&rd->flow->arena, json, ret_value, &f->err);
    if (r < 0)
        return r;
    count_event(rd, event, *ret_value);
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        if (strcmp(event, places[i].name) == 0)
            *places[i].place = *ret_value;
    }
    if (strcmp(event, "error") == 0 && g->error_count < GATHER_ERRORS_MAX)
        g->errors[g->error_count++] = *ret_value;
    return 0;
}

static int send_gather(struct flow *f, struct sink *s, const char *event, struct str json)
{
    struct reader *rd = container_of(s, struct reader, sink);
    struct json v;
    bool dull = is_delta(event) || strcmp(event, "progress") == 0;
    return dull ? flow_check(f) : keep(f, rd, event, json, &v);
}

/* ---- full ---- */

static int begin_stream(struct flow *f, struct reader *rd)
{
    if (rd->sse.begun)
        return 0;
    return sse_begin(f, &rd->sse, rd->exchange, rd->kind == READER_FULL ? SSE_FULL : SSE_LEGACY,
                     (uint32_t)rd->api->spec.config->heartbeat_ms);
}

static int send_full(struct flow *f, struct sink *s, const char *event, struct str json)
{
    struct reader *rd = container_of(s, struct reader, sink);
    int r = begin_stream(f, rd);
    if (r < 0)
        return r;
    if (strcmp(event, "usage") == 0 || strcmp(event, "error") == 0) {
        struct json v;
        r = json_parse(&f->arena, json, &v, &f->err);
        if (r < 0)
            return r;
        count_event(rd, event, v);
    }
    if (str_starts(json, STR("{\"type\":")))
        return sse_send(f, &rd->sse, event, json);
    bool empty = str_eq(json, STR("{}"));
    struct str typed = arena_printf(&f->arena, "{\"type\":\"%s\"%s%.*s", event, empty ? "" : ",",
                                    STR_ARG(str_sub(json, 1, SIZE_MAX)));
    return sse_send(f, &rd->sse, event, typed);
}

/* ---- legacy ---- */

static int send_shaped(struct flow *f, struct reader *rd, const char *event, struct json v)
{
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    shape_event(&w, rd, event, v);
    return sse_send(f, &rd->sse, event, buf_view(&out));
}

static int send_legacy(struct flow *f, struct sink *s, const char *event, struct str json)
{
    struct reader *rd = container_of(s, struct reader, sink);
    struct json v;
    int r = begin_stream(f, rd);
    if (r < 0)
        return r;
    if (is_delta(event)) {
        struct arena a;
        arena_init(&a, 0);
        r = json_parse(&a, json, &v, &f->err);
        if (r >= 0)
            r = send_shaped(f, rd, event, v);
        arena_done(&a);
        return r;
    }
    r = keep(f, rd, event, json, &v);
    if (r < 0 || strcmp(event, "done") == 0)
        return r; /* the end is reader_end's */
    return send_shaped(f, rd, event, v);
}

/* result and complete with the same data. */
static int send_results(struct flow *f, struct reader *rd)
{
    static const char *const names[] = {"result", "complete"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        _cleanup_(buf_done) struct buf out = BUF_INIT(0);
        struct jw w = JW_INIT(&out);
        jw_obj(&w, NULL);
        jw_text(&w, "type", names[i]);
        jw_i64(&w, "progress", 100);
        if (i == 1)
            jw_text(&w, "message", "완료되었습니다");
        shape_result(&w, "data", rd);
        jw_end_obj(&w);
        int r = sse_send(f, &rd->sse, names[i], buf_view(&out));
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- the end ---- */

int reader_failed(struct flow *f, struct reader *rd, int status)
{
    struct err *e = &f->err;
    rd->api->counts.failed[rd->run]++;
    if (e->code != status || e->msg[0] == '\0')
        err_set(e, status, "%s", err_text(status));
    if (status == E_NOT_FOUND && rd->ticket_id != 0)
        return err_set(e, status, "티켓 ID %" PRId64 "를 찾을 수 없습니다.", rd->ticket_id);
    if (status == -ETIMEDOUT)
        return err_set(e, status, "시간이 초과되었습니다 (timeout after %" PRId64 " ms)",
                       rd->api->spec.config->assist_timeout_ms);
    return status;
}

int reader_answer(struct flow *f, struct reader *rd)
{
    struct buf *out = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(out);
    shape_result(&w, NULL, rd);
    return http_answer_json(f, rd->exchange, 200, buf_view(out));
}

/* What the old streams said when a run failed. */
static struct str legacy_message(struct flow *f, const struct reader *rd, int status)
{
    const char *msg = err_public(&f->err, status);
    if (status == E_NOT_FOUND)
        return str_from(msg);
    if (rd->run == RUN_REPLY && status == E_INPUT)
        return arena_printf(
            &f->arena, "컨텍스트 ID %.*s를 찾을 수 없습니다. 먼저 /init 엔드포인트를 호출해주세요.",
            STR_ARG(rd->context_id));
    static const char *const heads[] = {[RUN_TICKET] = "초기화 중 오류가 발생했습니다",
                                        [RUN_QUESTION] = "쿼리 처리 중 오류가 발생했습니다",
                                        [RUN_REPLY] = "응답 생성 중 오류가 발생했습니다"};
    return arena_printf(&f->arena, "%s: %s", heads[rd->run], msg);
}

static int send_failure(struct flow *f, struct reader *rd, int status)
{
    bool legacy = rd->kind == READER_LEGACY;
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_text(&w, "type", "error");
    jw_text(&w, "section", "run");
    jw_text(&w, "code", err_name(status));
    jw_str(&w, "message",
           legacy ? legacy_message(f, rd, status) : str_from(err_public(&f->err, status)));
    jw_bool(&w, "retryable", err_retryable(status));
    jw_i64(&w, "status", f->err.http != 0 ? f->err.http : err_http(status));
    if (legacy) {
        _cleanup_(buf_done) struct buf now = BUF_INIT(64);
        wall_write(&now, loop_wall_ms(f->loop));
        jw_str(&w, "timestamp", buf_view(&now));
        jw_i64(&w, "progress", 100);
    }
    jw_end_obj(&w);
    return sse_send(f, &rd->sse, "error", buf_view(&out));
}

static int end(struct flow *f, struct reader *rd, int status)
{
    if (status < 0) {
        status = reader_failed(f, rd, status);
        log_info("api.run_failed", "code=%s error=\"%s\"", err_name(status), f->err.msg);
        if (rd->kind == READER_FULL && !rd->sse.begun)
            return status;
    }
    int r = begin_stream(f, rd);
    if (r >= 0 && status < 0)
        r = send_failure(f, rd, status);
    else if (r >= 0 && rd->kind == READER_LEGACY)
        r = send_results(f, rd);
    if (r >= 0 && rd->kind == READER_LEGACY)
        r = sse_send(f, &rd->sse, "done", STR("{\"type\":\"done\"}"));
    if (r >= 0 && rd->kind == READER_LEGACY && rd->with_done_mark)
        r = sse_send_data(f, &rd->sse, STR("[DONE]"));
    return r < 0 ? r : sse_end(f, &rd->sse);
}

int reader_end(struct flow *f, struct reader *rd, int status)
{
    if (status != -ECANCELED)
        return end(f, rd, status);
    if (http_client_left(rd->exchange))
        return status; /* nobody listens */
    _cleanup_(shield_done) struct shield s = flow_shield(f, LAST_WORD_MS);
    return end(f, rd, err_set(&f->err, E_OVERLOAD, "the server is stopping; try again"));
}
