/*
 * The run of a day.
 *
 * Happy path: begin (one runner a day), read all questions, then pages of pending ones become jobs of some
 * chats each; every job is a flow that asks and keeps its answers in one transaction. A page is read while the
 * calls of the last one are under way, so the line to the model never runs dry. At the end the classified
 * questions are written back and the run is closed.
 * Fails by: the source or our database being away for longer than KEEP_TRYING_MS, the model as batch.h says, the
 * lock being lost. Cancelled: answers that have come are kept first, then the run is 'stopped'.
 * Invariant: a job's answers are stored before the job is gone; whatever is not stored is pending still.
 */
#include "chats/batch.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "upstream/llm.h"

enum {
    JOB_BYTES_MAX = 24 * 1024, /* of text in one call */
    KEEP_TRYING_MS = 60000,    /* a database that is away */
    WAIT_MS_MAX = 30000,
    SHIELD_MS = 10000,
    BEAT_MS = 30000,
    TELL_MS = 200,
    GIVEN_UP_MAX = 8, /* calls in a row that found no model */
};

struct working {
    const struct batch *batch;
    struct chat_run_hold *hold;
    struct sink *out;
    struct batch_result *result;
    struct list ready, running; /* jobs */
    uint8_t after[SHA256_BYTES];
    bool has_after, at_end;
    uint32_t given_up;
    int64_t total, done, failed; /* questions of this run's asking */
    int64_t blank;               /* of the failed ones: nothing to classify in them */
    uint64_t asking_ms, told_ms;
};
struct job {
    struct list node;
    struct arena arena;
    struct working *work;
    struct chat_pending *items;
    size_t count;
};

/* ---- trying again ---- */

struct patience {
    uint64_t until_ms, wait_ms;
};

static struct patience patience(struct flow *f, uint64_t first_ms, uint64_t all_ms)
{
    return (struct patience){.until_ms = loop_now_ms(f->loop) + all_ms,
                             .wait_ms = MAX(first_ms, 1)};
}

/* Waits and gives 0 when it is worth another try; else `r`. */
static int wait_again(struct flow *f, struct patience *p, int r)
{
    struct err kept = f->err;
    if (loop_now_ms(f->loop) + p->wait_ms > p->until_ms)
        return r;
    int slept = flow_sleep(f, p->wait_ms);
    if (slept < 0)
        return slept;
    p->wait_ms = MIN(p->wait_ms * 2, (uint64_t)WAIT_MS_MAX);
    f->err = kept;
    return 0;
}

static bool is_db_trouble(int r)
{
    return r == E_DB_AWAY || r == E_DB_RETRY;
}

/* ---- telling ---- */

static int tell_stage(struct flow *f, const struct working *w, const char *stage)
{
    if (!w->out)
        return 0;
    char day[11];
    struct buf *text = arena_buf(&f->arena, 0);
    struct jw j = JW_INIT(text);
    day_text(w->hold->day, day);
    jw_obj(&j, NULL);
    jw_text(&j, "day", day);
    jw_text(&j, "stage", stage);
    jw_end_obj(&j);
    return sink_send(f, w->out, "batch.stage", buf_view(text));
}

static int tell_progress(struct flow *f, struct working *w, bool last)
{
    uint64_t now_ms = loop_now_ms(f->loop), spent_ms = now_ms - w->asking_ms;
    if (!w->out || (!last && now_ms - w->told_ms < TELL_MS))
        return 0;
    w->told_ms = now_ms;
    char day[11];
    struct buf *text = arena_buf(&f->arena, 0);
    struct jw j = JW_INIT(text);
    const struct chat_cost *cost = &w->result->cost;
    double rate = spent_ms > 0 ? (double)w->done * 60000 / (double)spent_ms : 0;
    day_text(w->hold->day, day);
    jw_obj(&j, NULL);
    jw_text(&j, "day", day);
    jw_i64(&j, "total", w->total);
    jw_i64(&j, "done", w->done);
    jw_i64(&j, "classified", w->done - w->failed);
    jw_i64(&j, "failed", w->failed);
    jw_i64(&j, "calls", cost->call_count);
    jw_i64(&j, "prompt_tokens", cost->prompt_tokens);
    jw_i64(&j, "completion_tokens", cost->completion_tokens);
    jw_f64(&j, "cost_krw", cost->cost_krw, 2);
    jw_f64(&j, "rate_per_min", rate, 1);
    if (rate > 0)
        jw_f64(&j, "eta_s", (double)(w->total - w->done) * 60 / rate, 0);
    jw_end_obj(&j);
    return sink_send(f, w->out, "batch.progress", buf_view(text));
}

/* ---- jobs ---- */

static void job_free(struct job *j)
{
    list_remove(&j->node);
    arena_done(&j->arena);
    mem_free(j);
}

static void jobs_free(struct list *jobs)
{
    while (!list_empty(jobs))
        job_free(container_of(jobs->next, struct job, node));
}

static void job_new(struct working *w, const struct chat_pending *items, size_t count)
{
    struct job *j = mem_alloc(sizeof(*j));
    arena_init(&j->arena, 0);
    j->work = w;
    j->count = count;
    j->items = arena_copy(&j->arena, items, count * sizeof(items[0]));
    for (size_t i = 0; i < count; i++)
        j->items[i].text = arena_str(&j->arena, items[i].text);
    list_push(&w->ready, &j->node);
}

/* A flow of its own, so that a page's memory goes with it. */
static int page_flow(struct flow *f, void *arg)
{
    struct working *w = arg;
    const struct batch *b = w->batch;
    struct chat_pending *items = NULL;
    size_t count = 0;
    int r = chat_questions_pending(f, w->hold, w->has_after ? w->after : NULL, (int)b->page_size,
                                   &items, &count);
    if (r < 0)
        return r;
    w->at_end = count == 0;
    for (size_t at = 0, n; at < count; at += n) {
        size_t bytes = MIN(items[at].text.len, (size_t)CHAT_SHOWN_BYTES_MAX);
        for (n = 1; n < b->chats_per_call && at + n < count; n++) {
            bytes += MIN(items[at + n].text.len, (size_t)CHAT_SHOWN_BYTES_MAX);
            if (bytes > JOB_BYTES_MAX)
                break;
        }
        job_new(w, &items[at], n);
    }
    if (count > 0)
        memcpy(w->after, items[count - 1].hash, SHA256_BYTES);
    w->has_after = count > 0;
    return 0;
}

static int take_page(struct flow *f, struct working *w)
{
    struct patience p = patience(f, 200, KEEP_TRYING_MS);
    for (;;) {
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        group_spawn(&g, "batch.page", page_flow, w);
        int r = group_wait(f, &g);
        if (is_db_trouble(r))
            r = wait_again(f, &p, r);
        else if (r >= 0)
            return 0;
        if (r < 0)
            return r;
    }
}

/* ---- one call ---- */

/* Errors after which no other call would fare better. */
static bool is_fatal(int r)
{
    return r == E_UPSTREAM_AUTH || r == E_UPSTREAM_DENIED || r == E_CONFIG;
}

static int ask_until_done(struct flow *f, struct working *w, struct classify_item *items,
                          size_t count, struct chat_cost *cost)
{
    const struct batch *b = w->batch;
    struct patience p = patience(f, b->retry_ms, b->away_ms);
    for (;;) {
        int r = classify_chats(f, &b->classifier, items, count, cost);
        if (r >= 0) {
            w->given_up = 0;
            return 0;
        }
        if (is_fatal(r) || flow_check(f) < 0)
            return r;
        int again = wait_again(f, &p, r);
        if (again < 0 && again != r)
            return again;
        if (again == 0)
            continue;
        for (size_t i = 0; i < count; i++) {
            if (!items[i].done)
                classify_give_up(&f->arena, &b->classifier, &items[i], VERDICT_AWAY, &f->err);
        }
        return ++w->given_up >= GIVEN_UP_MAX ? r : 0;
    }
}

/* Answers of the items that are done. */
static size_t answers_of(const struct job *j, const struct classify_item *items,
                         struct chat_answer *ret_answers)
{
    size_t count = 0;
    for (size_t i = 0; i < j->count; i++) {
        const struct classify_item *it = &items[i];
        if (!it->done)
            continue;
        struct chat_answer *a = &ret_answers[count++];
        *a = (struct chat_answer){.failed = it->failed,
                                  .category_id = it->category_id,
                                  .keywords = it->failed ? STR("[]") : it->keywords,
                                  .confidence = it->failed ? -1 : it->confidence,
                                  .quote = it->quote,
                                  .reason = it->reason,
                                  .attempt_count = it->attempt_count,
                                  .model = str_from(it->model)};
        memcpy(a->hash, j->items[i].hash, SHA256_BYTES);
    }
    return count;
}

/* Each try is shielded: what was paid for is kept also while the run is being stopped. */
static int put(struct flow *f, struct working *w, const struct chat_answer *answers, size_t count,
               const struct chat_cost *cost)
{
    struct patience p = patience(f, 200, KEEP_TRYING_MS);
    for (;;) {
        int r;
        {
            _cleanup_(shield_done) struct shield s = flow_shield(f, SHIELD_MS);
            r = chat_answers_put(f, w->hold, answers, count, cost);
        }
        if (r >= 0)
            return 0;
        if (is_db_trouble(r) || r == -ETIMEDOUT)
            r = wait_again(f, &p, r);
        if (r < 0)
            return err_wrap(&f->err, r, "keep answers");
    }
}

static void count_in(struct working *w, const struct chat_answer *answers, size_t count,
                     const struct chat_cost *cost)
{
    struct chat_cost *sum = &w->result->cost;
    sum->call_count += cost->call_count;
    sum->prompt_tokens += cost->prompt_tokens;
    sum->completion_tokens += cost->completion_tokens;
    sum->cost_krw += cost->cost_krw;
    w->done += (int64_t)count;
    for (size_t i = 0; i < count; i++)
        w->failed += answers[i].failed;
}

static int64_t count_blank(const struct classify_item *items, size_t count)
{
    int64_t blank = 0;
    for (size_t i = 0; i < count; i++)
        blank += items[i].done && items[i].blank;
    return blank;
}

static int keep(struct flow *f, struct job *j, const struct classify_item *items,
                const struct chat_cost *cost)
{
    struct working *w = j->work;
    struct chat_answer *answers = ARENA_ARRAY(&f->arena, j->count, struct chat_answer);
    size_t count = answers_of(j, items, answers);
    if (count == 0 && cost->call_count == 0)
        return 0;
    int r = put(f, w, answers, count, cost);
    if (r < 0)
        return r;
    count_in(w, answers, count, cost);
    w->blank += count_blank(items, j->count);
    return r;
}

static int call_flow(struct flow *f, void *arg)
{
    struct job *j = arg;
    struct working *w = j->work;
    struct classify_item *items = ARENA_ARRAY(&f->arena, j->count, struct classify_item);
    struct chat_cost cost = {.call_count = 0};
    for (size_t i = 0; i < j->count; i++)
        items[i] = (struct classify_item){.text = j->items[i].text, .cut = j->items[i].cut};
    int r = ask_until_done(f, w, items, j->count, &cost);
    struct err err = f->err;
    int kept = keep(f, j, items, &cost);
    job_free(j);
    if (r < 0) {
        f->err = err;
        return r;
    }
    return kept < 0 ? kept : tell_progress(f, w, false);
}

/* ---- all calls ---- */

static int spawn_calls(struct flow *f, struct working *w, struct group *calls)
{
    while (!w->at_end) {
        int r = take_page(f, w);
        while (r >= 0 && !list_empty(&w->ready)) {
            struct job *j = container_of(w->ready.next, struct job, node);
            r = group_room(f, calls, w->batch->call_count_max);
            if (r < 0)
                break;
            list_remove(&j->node);
            list_push(&w->running, &j->node);
            r = group_spawn(calls, "batch.call", call_flow, j);
        }
        if (r < 0)
            return r;
    }
    return group_wait(f, calls);
}

static int calls_flow(struct flow *f, void *arg)
{
    _cleanup_(group_join) struct group calls = GROUP_INIT(f);
    return spawn_calls(f, arg, &calls);
}

struct beating {
    struct group *calls;
    struct working *work;
};

/* The sign of life, beside the calls; when the lock is somebody else's all calls end. */
static int beat_flow(struct flow *f, void *arg)
{
    struct beating *b = arg;
    for (;;) {
        int r = flow_sleep(f, BEAT_MS);
        if (r >= 0)
            r = chat_run_beat(f, b->work->hold);
        if (flow_check(f) < 0)
            return r;
        if (r < 0 && !is_db_trouble(r)) {
            group_cancel(b->calls);
            return r;
        }
    }
}

static int ask_all(struct flow *f, struct working *w)
{
    _cleanup_(group_join) struct group beats = GROUP_INIT(f);
    _cleanup_(group_join) struct group calls = GROUP_INIT(f);
    struct beating beating = {.calls = &calls, .work = w};
    int r = group_spawn(&beats, "batch.beat", beat_flow, &beating);
    if (r >= 0)
        r = group_spawn(&calls, "batch.calls", calls_flow, w);
    if (r >= 0)
        r = group_wait(f, &calls);
    if (r == -ECANCELED && beats.status < 0 && !flow_is_cancelled(f)) {
        f->err = beats.err;
        r = beats.status;
    }
    return r;
}

/* What is still pending has failed for the reason in f->err. */
static int fail_rest(struct flow *f, struct working *w)
{
    struct err why = f->err;
    struct classify_item item = {.done = false};
    const struct chat_cost nothing = {.call_count = 0};
    classify_give_up(&f->arena, &w->batch->classifier, &item, VERDICT_AWAY, &why);
    w->has_after = w->at_end = false;
    while (!w->at_end) {
        int r = take_page(f, w);
        while (r >= 0 && !list_empty(&w->ready)) {
            struct job *j = container_of(w->ready.next, struct job, node);
            struct classify_item *items = ARENA_ARRAY(&f->arena, j->count, struct classify_item);
            struct chat_answer *answers = ARENA_ARRAY(&f->arena, j->count, struct chat_answer);
            for (size_t i = 0; i < j->count; i++)
                items[i] = item;
            size_t count = answers_of(j, items, answers);
            r = put(f, w, answers, count, &nothing);
            count_in(w, answers, count, &nothing);
            job_free(j);
        }
        if (r < 0)
            return r;
    }
    f->err = why;
    return 0;
}

/* ---- the run ---- */

static int read_questions(struct flow *f, struct working *w)
{
    struct patience p = patience(f, 500, KEEP_TRYING_MS);
    enum chat_which which = w->hold->kind == CHAT_RUN_MISSING ? CHATS_MISSING : CHATS_ALL;
    for (;;) {
        int r = chat_source_each(f, w->batch->source, w->hold->day, which, chat_questions_take,
                                 w->hold);
        if (r >= 0)
            r = chat_questions_settle(f, w->hold, &w->result->sum);
        if (r >= 0)
            return 0;
        if (is_db_trouble(r))
            r = wait_again(f, &p, r);
        if (r < 0)
            return err_wrap(&f->err, r, "read chats");
    }
}

static int write_back(struct flow *f, struct working *w)
{
    struct patience p = patience(f, 500, KEEP_TRYING_MS);
    for (;;) {
        int r = chat_write_back(f, w->hold, w->batch->source, w->batch->default_category_id,
                                &w->result->written);
        if (r >= 0)
            return 0;
        if (is_db_trouble(r))
            r = wait_again(f, &p, r);
        if (r < 0)
            return err_wrap(&f->err, r, "write back");
    }
}

static int ask_and_write(struct flow *f, struct working *w)
{
    const struct chat_run_sum *sum = &w->result->sum;
    w->total = sum->pending_questions;
    w->result->known_count = sum->classified_questions;
    w->asking_ms = loop_now_ms(f->loop);
    int r = tell_stage(f, w, "asking");
    if (r < 0)
        return r;
    int asked = ask_all(f, w);
    struct err why = f->err;
    bool is_models = is_fatal(asked) ||
                     (err_retryable(asked) && !is_db_trouble(asked) && asked != E_BUSY);
    if (asked < 0 && !is_models)
        return asked; /* cancelled, the lock lost, or our own database */
    jobs_free(&w->ready);
    r = asked < 0 ? fail_rest(f, w) : 0;
    if (r >= 0)
        r = tell_progress(f, w, true);
    if (r >= 0)
        r = tell_stage(f, w, "writing");
    if (r >= 0)
        r = write_back(f, w);
    if (r < 0 || asked >= 0)
        return r;
    f->err = why;
    return asked;
}

static int run_day(struct flow *f, struct working *w)
{
    int r = tell_stage(f, w, "reading");
    if (r >= 0)
        r = read_questions(f, w);
    if (r < 0 || w->result->sum.question_count == 0)
        return r;
    return ask_and_write(f, w);
}

/* Closes the run as `r` says; f->err is kept. */
static int close_run(struct flow *f, struct working *w, int r)
{
    struct batch_result *res = w->result;
    struct err err = f->err;
    if (r == -ECANCELED || flow_is_cancelled(f)) {
        res->state = CHAT_RUN_STOPPED; /* chat_run_leave says so in the database */
        return r;
    }
    int summed = chat_run_sum(f, w->hold, &res->sum);
    /* Blank texts fail for ever and say nothing against the run. */
    bool some = res->sum.classified_questions > 0 || res->sum.failed_questions <= w->blank;
    res->state = r < 0                            ? CHAT_RUN_FAILED
                 : res->sum.failed_questions == 0 ? CHAT_RUN_DONE
                 : some                           ? CHAT_RUN_PARTIAL
                                                  : CHAT_RUN_FAILED;
    if (r >= 0 && res->state == CHAT_RUN_FAILED)
        r = err_set(&err, E_MODEL, "not one of %" PRId64 " questions could be classified",
                    res->sum.failed_questions);
    int closed = chat_run_finish(f, w->hold, res->state, r < 0 ? err.msg : NULL);
    res->finished_at = loop_wall_ms(f->loop);
    if (r >= 0 && (summed < 0 || closed < 0))
        return err_wrap(&f->err, summed < 0 ? summed : closed, "close the run");
    f->err = err;
    return r;
}

int batch_run(struct flow *f, const struct batch *b, struct day day, enum chat_run_kind kind,
              struct sink *out, struct batch_result *ret_result)
{
    _cleanup_(chat_run_leave) struct chat_run_hold hold = CHAT_RUN_HOLD_INIT;
    struct working w = {.batch = b, .hold = &hold, .out = out, .result = ret_result};
    const struct chat_run_spec spec = {.day = day,
                                       .kind = kind,
                                       .source = str_from(chat_source_label(b->source)),
                                       .model = str_from(b->model),
                                       .prompt_version = str_from(b->classifier.version)};
    *ret_result = (struct batch_result){.started_at = loop_wall_ms(f->loop),
                                        .state = CHAT_RUN_FAILED};
    list_init(&w.ready);
    list_init(&w.running);
    int r = chat_run_begin(f, b->pool, b->tenant_id, &spec, &hold);
    if (r < 0)
        return r;
    ret_result->run_id = hold.run_id;
    r = run_day(f, &w);
    jobs_free(&w.ready);
    jobs_free(&w.running);
    return close_run(f, &w, r);
}
