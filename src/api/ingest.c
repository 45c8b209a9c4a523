/*
 * api/ingest.c: POST /ingest of the June client: syncs tickets and articles inside the request.
 *
 * Takes the bodies of all three generations (legacy-contracts §1.9), every field optional: incremental,
 * include_kb, max_tickets, max_articles, start_date; data_types, date_range; the others mean nothing here.
 * The happy path: tickets, then articles, each by sync_run; the answer is the union of the result fields.
 * Fails by: HTTP 200 with success false, as the old server did; only 422, 400 and 401 have their status.
 * Invariant: purge and force_rebuild never delete anything: a sync makes what is stored right.
 */
#include <errno.h>

#include "api/input.h"
#include "api/internal.h"
#include "base/wall.h"
#include "sync/sync.h"

struct ingest {
    struct sync_wish wishes[SYNC_KIND_COUNT];
    bool wanted[SYNC_KIND_COUNT];
};

static bool has_type(struct json types, const char *name)
{
    for (struct json_iter it = json_iter(types); json_next(&it);) {
        if (str_starts(json_str(it.value), str_from(name)))
            return true;
    }
    return false;
}

static void read_ingest(struct input *in, struct ingest *wish, bool *ret_since_good)
{
    input_body(in, INPUT_OPTIONAL);
    struct json types = input_texts(in, "data_types");
    bool all = json_count(types) == 0;
    struct str since = input_text(in, "start_date", INPUT_OPTIONAL);
    if (since.len == 0)
        since = json_str(json_path(in->body, "date_range.start"));
    int64_t since_ms = WALL_NONE;
    *ret_since_good = since.len == 0 || wall_parse_iso(since, &since_ms);
    bool kb = input_bool(in, "include_kb", true);
    for (int kind = 0; kind < SYNC_KIND_COUNT; kind++)
        wish->wishes[kind] = (struct sync_wish){.kind = (enum sync_kind)kind, .since = since_ms};
    int64_t tickets = input_int(in, "max_tickets", 0), articles = input_int(in, "max_articles", 0);
    wish->wishes[SYNC_TICKETS].limit = (int)(tickets > 0 && tickets < INT32_MAX ? tickets : 0);
    wish->wishes[SYNC_KB].limit = (int)(articles > 0 && articles < INT32_MAX ? articles : 0);
    wish->wanted[SYNC_TICKETS] = all || has_type(types, "ticket");
    wish->wanted[SYNC_KB] = kb && (all || has_type(types, "kb") || has_type(types, "solution") ||
                                   has_type(types, "article"));
}

static void write_time(struct jw *w, const char *key, int64_t at_ms)
{
    _cleanup_(buf_done) struct buf text = BUF_INIT(64);
    wall_write_naive(&text, at_ms);
    jw_str(w, key, buf_view(&text));
}

static int answer(struct flow *f, struct http_exchange *x, const struct sync_result *results,
                  int64_t begin_ms, struct str error)
{
    struct buf *out = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(out);
    const struct sync_result *t = &results[SYNC_TICKETS], *k = &results[SYNC_KB];
    double seconds = (double)(loop_wall_ms(f->loop) - begin_ms) / 1000;
    bool good = error.len == 0;
    jw_obj(&w, NULL);
    jw_bool(&w, "success", good);
    jw_text(&w, "message",
            good ? "데이터 수집이 완료되었습니다." : "데이터 수집 중 오류가 발생했습니다.");
    write_time(&w, "start_time", begin_ms);
    write_time(&w, "end_time", loop_wall_ms(f->loop));
    jw_f64(&w, "duration_seconds", seconds, 3);
    jw_f64(&w, "processing_time_seconds", seconds, 3);
    jw_i64(&w, "documents_processed", t->synced_count + k->synced_count);
    jw_i64(&w, "tickets_processed", t->synced_count);
    jw_i64(&w, "articles_processed", k->synced_count);
    jw_i64(&w, "vectors_created", t->embedded_count + k->embedded_count);
    jw_str_or_null(&w, "error", error);
    jw_end_obj(&w);
    return http_answer_json(f, x, 200, buf_view(out));
}

int on_ingest(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct input in;
    struct ingest wish = {0};
    struct caller who;
    bool since_good;
    input_begin(&in, f, x);
    read_ingest(&in, &wish, &since_good);
    if (input_is_bad(&in))
        return input_refuse(f, x, &in);
    int r = claim_caller(f, a, x, &who);
    if (r < 0)
        return r;
    int64_t begin_ms = loop_wall_ms(f->loop);
    struct sync_result results[SYNC_KIND_COUNT] = {0};
    struct str error = since_good ? STR_NONE : STR("start_date is not an ISO date");
    for (int kind = 0; kind < SYNC_KIND_COUNT && error.len == 0; kind++) {
        if (!wish.wanted[kind])
            continue;
        r = sync_run(f, a->spec.sync, &who, &wish.wishes[kind], NULL, &results[kind]);
        if (r == -ECANCELED)
            return r;
        if (r < 0)
            error = arena_str(&f->arena, str_from(err_public(&f->err, r)));
        else if (!results[kind].success)
            error = results[kind].error_count > 0 ? results[kind].errors[0] : STR("nothing synced");
    }
    return answer(f, x, results, begin_ms, error);
}
