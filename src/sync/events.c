/*
 * The JSON of the events that tell of a run.
 *
 *   sync.progress {run_id, kind, state, total, fetched, done, written, skipped, failed, embedded, rate_per_s,
 *   eta_s, waiting {account, calls, per_minute}}; sync.error {run_id, message}; sync.done: the members of sync.progress.
 *
 * Fails only as the sink does. Invariant: `type` is the event's name; what is not known is null.
 */
#include "sync/run.h"

#include "base/json.h"

static void add_count(struct jw *w, const char *key, int64_t count)
{
    if (count < 0)
        jw_null(w, key);
    else
        jw_i64(w, key, count);
}

int events_progress(struct flow *f, struct sink *out, const char *event, const struct run_view *v)
{
    double rate = v->elapsed_s > 0 ? (double)v->done_count / v->elapsed_s : 0;
    struct buf text = BUF_INIT(0);
    struct jw w = JW_INIT(&text);
    jw_obj(&w, NULL);
    jw_text(&w, "type", event);
    jw_text(&w, "run_id", v->id);
    jw_text(&w, "kind", vector_collection_kind(v->collection));
    jw_text(&w, "state", v->state);
    add_count(&w, "total", v->total_count);
    add_count(&w, "fetched", v->fetched_count);
    add_count(&w, "done", v->done_count);
    add_count(&w, "written", v->written_count);
    add_count(&w, "skipped", v->skipped_count);
    add_count(&w, "failed", v->failed_count);
    add_count(&w, "embedded", v->embedded_count);
    jw_f64(&w, "rate_per_s", rate, 2);
    if (rate > 0 && v->total_count >= v->done_count)
        jw_f64(&w, "eta_s", (double)(v->total_count - v->done_count) / rate, 0);
    else
        jw_null(&w, "eta_s");
    if (v->wait.account) {
        jw_obj(&w, "waiting");
        jw_text(&w, "account", v->wait.account);
        jw_i64(&w, "calls", (int64_t)v->wait.call_count);
        jw_f64(&w, "per_minute", v->wait.per_minute, 0);
        jw_end_obj(&w);
    } else {
        jw_null(&w, "waiting");
    }
    jw_end_obj(&w);
    int r = sink_send(f, out, event, buf_view(&text));
    buf_done(&text);
    return r;
}

int events_error(struct flow *f, struct sink *out, const char *run_id, struct str message)
{
    struct buf text = BUF_INIT(0);
    struct jw w = JW_INIT(&text);
    jw_obj(&w, NULL);
    jw_text(&w, "type", "sync.error");
    jw_text(&w, "run_id", run_id);
    jw_str(&w, "message", message);
    jw_end_obj(&w);
    int r = sink_send(f, out, "sync.error", buf_view(&text));
    buf_done(&text);
    return r;
}

static void look(void *context, struct account *a)
{
    struct run_wait *wait = context;
    struct bucket_stats stats = bucket_stats(account_bucket(a));
    if (stats.waiting_count[PRIORITY_BULK] > wait->call_count)
        *wait = (struct run_wait){account_name(a), stats.waiting_count[PRIORITY_BULK],
                                  stats.per_window[0]};
}

struct run_wait run_wait_of(const struct run *run)
{
    struct run_wait wait = {.account = NULL};
    const struct sync_deps *deps = &run->sync->deps;
    look(&wait, embedder_account(deps->embedder));
    freshdesk_each_account(deps->freshdesk, look, &wait);
    if (deps->llm)
        llm_each_account(deps->llm, look, &wait);
    return wait;
}

int run_tell(struct flow *f, struct run *run, const char *event, const char *state)
{
    if (!run->out)
        return 0;
    const struct run_view v = {
        .id = run->id,
        .state = state,
        .collection = run->collection,
        .total_count = run->total_count,
        .fetched_count = run->fetched_count,
        .done_count = run->done_count,
        .written_count = run->written_count,
        .skipped_count = run->skipped_count,
        .failed_count = run->failed_count,
        .embedded_count = run->embedded_count,
        .elapsed_s = (double)(loop_now_ns(f->loop) - run->began_ns) / 1e9,
        .wait = run_wait_of(run),
    };
    return events_progress(f, run->out, event, &v);
}
