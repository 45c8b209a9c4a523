/* Buckets under a virtual clock, with a simulated peer that counts: never over in any window, nearly all
 * used, live first, and what cancels, holds and learning do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "support/torture.h"
#include "upstream/bucket.h"

enum { MINUTE_MS = 60000, RUN_MS = 10 * MINUTE_MS, ARRIVAL_MAX = 200000 };

/* What arrived at the peer. */
struct arrivals {
    double *at_ms, *cost;
    size_t count;
};
static struct arrivals arrivals_new(void)
{
    return (struct arrivals){mem_alloc(ARRIVAL_MAX * sizeof(double)),
                             mem_alloc(ARRIVAL_MAX * sizeof(double)), 0};
}
static void arrivals_done(struct arrivals *a)
{
    mem_free(a->at_ms);
    mem_free(a->cost);
}
static void arrive(struct arrivals *a, double at_ms, double cost)
{
    assert_true(a->count < ARRIVAL_MAX);
    /* Delays may have changed the order. */
    size_t i = a->count++;
    for (; i > 0 && a->at_ms[i - 1] > at_ms; i--) {
        a->at_ms[i] = a->at_ms[i - 1];
        a->cost[i] = a->cost[i - 1];
    }
    a->at_ms[i] = at_ms;
    a->cost[i] = cost;
}
/* The most that any window [t, t + ms) holds. Windows that begin at an arrival are the fullest ones, so
 * this covers sliding windows and fixed ones of every alignment. */
static double fullest(const struct arrivals *a, double ms)
{
    double most = 0, sum = 0;
    for (size_t first = 0, end = 0; first < a->count; first++) {
        for (; end < a->count && a->at_ms[end] < a->at_ms[first] + ms; end++)
            sum += a->cost[end];
        most = MAX(most, sum);
        sum -= a->cost[first];
    }
    return most;
}
static double total(const struct arrivals *a)
{
    double sum = 0;
    for (size_t i = 0; i < a->count; i++)
        sum += a->cost[i];
    return sum;
}

struct run {
    struct bucket *bucket;
    uint64_t end_ms;
    double jitter_ms;
    struct rng rng;
    struct arrivals calls, tokens;
    double cost_from, cost_to; /* of limit 1; 0: not touched */
};

static int bulk_flow(struct flow *f, void *arg)
{
    struct run *run = arg;
    while (loop_now_ms(f->loop) < run->end_ms) {
        double cost[BUCKET_LIMITS_MAX] = {1};
        if (run->cost_to > 0)
            cost[1] = run->cost_from + (run->cost_to - run->cost_from) * rng_unit(&run->rng);
        int r = bucket_take(f, run->bucket, PRIORITY_BULK, cost);
        if (r < 0)
            return r;
        if (loop_now_ms(f->loop) >= run->end_ms)
            break;
        double at_ms = (double)loop_now_ns(f->loop) / 1e6 + run->jitter_ms * rng_unit(&run->rng);
        arrive(&run->calls, at_ms, 1);
        arrive(&run->tokens, at_ms, cost[1]);
    }
    return 0;
}

/* ---- never over, nearly all used ---- */

struct rate_row {
    const char *name;
    double per_minute, jitter_ms, used_min;
};
static const struct rate_row rate_rows[] = {
    {"trial 50", 50, 0, 0.97},
    {"growth 200", 200, 0, 0.98},
    {"pro 400", 400, 0, 0.98},
    {"enterprise 700", 700, 0, 0.98},
    {"lists 20", 20, 0, 0.98},
    {"delayed 50", 50, 300, 0.97},
    {"delayed 400", 400, 300, 0.98},
    {"delayed 700", 700, 300, 0.98},
    {"one", 1, 300, 0.9},
    {"six thousand", 6000, 100, 0.98},
};

static int rate_flow(struct flow *f, void *arg)
{
    const struct rate_row *row = arg;
    struct bucket_spec spec = {
        .name = "x", .limits = {{"calls", row->per_minute, MINUTE_MS}}, .limit_count = 1};
    struct run run = {.bucket = bucket_new(f->loop, &spec),
                      .end_ms = loop_now_ms(f->loop) + RUN_MS,
                      .jitter_ms = row->jitter_ms,
                      .calls = arrivals_new(),
                      .tokens = arrivals_new()};
    int r;
    {
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        for (int i = 0; i < 8; i++)
            group_spawn(&g, "bulk", bulk_flow, &run);
        r = group_wait(f, &g);
    }
    double most = fullest(&run.calls, MINUTE_MS);
    double used = total(&run.calls) / (row->per_minute * RUN_MS / MINUTE_MS);
    print_message("%s: fullest %.0f, used %.4f\n", row->name, most, used);
    arrivals_done(&run.calls);
    arrivals_done(&run.tokens);
    bucket_free(run.bucket);
    if (r < 0)
        return r;
    FLOW_CHECK(most <= row->per_minute);
    FLOW_CHECK(used >= row->used_min);
    return 0;
}

/* Bulk that has nothing to do for 12 s in each minute, which catching up makes good. */
static int idle_flow(struct flow *f, void *arg)
{
    struct run *run = arg;
    for (uint64_t pause_ms = loop_now_ms(f->loop); loop_now_ms(f->loop) < run->end_ms;) {
        if (loop_now_ms(f->loop) >= pause_ms) {
            int r = flow_sleep(f, 12000);
            if (r < 0)
                return r;
            pause_ms += MINUTE_MS;
        }
        const double cost[BUCKET_LIMITS_MAX] = {1};
        int r = bucket_take(f, run->bucket, PRIORITY_BULK, cost);
        if (r < 0)
            return r;
        if (loop_now_ms(f->loop) < run->end_ms)
            arrive(&run->calls, (double)loop_now_ns(f->loop) / 1e6, 1);
    }
    return 0;
}

static int catch_up_flow(struct flow *f, void *arg)
{
    static const struct {
        uint32_t percent;
        double used_min, used_max;
    } rows[] = {{0, 0.70, 0.85}, {25, 0.96, 1}};
    (void)arg;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct bucket_spec spec = {.name = "x",
                                   .limits = {{"calls", 200, MINUTE_MS}},
                                   .limit_count = 1,
                                   .catch_up_percent = rows[i].percent};
        struct run run = {.bucket = bucket_new(f->loop, &spec),
                          .end_ms = loop_now_ms(f->loop) + RUN_MS,
                          .calls = arrivals_new()};
        int r = idle_flow(f, &run);
        double most = fullest(&run.calls, MINUTE_MS);
        double used = total(&run.calls) / (200.0 * RUN_MS / MINUTE_MS);
        print_message("catch up %d %%: fullest %.0f, used %.4f\n", (int)rows[i].percent, most,
                      used);
        arrivals_done(&run.calls);
        bucket_free(run.bucket);
        if (r < 0)
            return r;
        FLOW_CHECK(most <= 200);
        FLOW_CHECK(used >= rows[i].used_min && used <= rows[i].used_max);
    }
    return 0;
}

static void test_rates(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rate_rows); i++)
        torture_run(rate_rows[i].name, rate_flow, (void *)(uintptr_t)&rate_rows[i]);
}

static void test_catch_up(void **state)
{
    (void)state;
    torture_run("catch up", catch_up_flow, NULL);
}

/* Requests and tokens together: whichever binds, neither is ever passed. */
static int tokens_flow(struct flow *f, void *arg)
{
    (void)arg;
    struct bucket_spec spec = {
        .name = "clova",
        .limits = {{"calls", 60, MINUTE_MS}, {"tokens", 60000, MINUTE_MS}},
        .limit_count = 2,
    };
    struct run run = {.bucket = bucket_new(f->loop, &spec),
                      .end_ms = loop_now_ms(f->loop) + RUN_MS,
                      .jitter_ms = 200,
                      .cost_from = 800,
                      .cost_to = 4000,
                      .calls = arrivals_new(),
                      .tokens = arrivals_new()};
    int r;
    {
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        for (int i = 0; i < 8; i++)
            group_spawn(&g, "bulk", bulk_flow, &run);
        r = group_wait(f, &g);
    }
    double calls = fullest(&run.calls, MINUTE_MS), tokens = fullest(&run.tokens, MINUTE_MS);
    double used = total(&run.tokens) / (60000.0 * RUN_MS / MINUTE_MS);
    print_message("tokens: fullest %.0f calls, %.0f tokens, used %.4f\n", calls, tokens, used);
    arrivals_done(&run.calls);
    arrivals_done(&run.tokens);
    bucket_free(run.bucket);
    if (r < 0)
        return r;
    FLOW_CHECK(calls <= 60 && tokens <= 60000);
    FLOW_CHECK(used >= 0.88);
    return 0;
}

static void test_tokens(void **state)
{
    (void)state;
    torture_run("tokens", tokens_flow, NULL);
}

/* A call that needs a scarce limit too must not keep others from the plentiful one. */
struct mixed {
    struct run all;
    struct arrivals lists;
};
static int list_flow(struct flow *f, void *arg)
{
    struct mixed *m = arg;
    while (loop_now_ms(f->loop) < m->all.end_ms) {
        double cost[BUCKET_LIMITS_MAX] = {1, 1};
        int r = bucket_take(f, m->all.bucket, PRIORITY_BULK, cost);
        if (r < 0)
            return r;
        if (loop_now_ms(f->loop) >= m->all.end_ms)
            break;
        double at_ms = (double)loop_now_ns(f->loop) / 1e6;
        arrive(&m->all.calls, at_ms, 1);
        arrive(&m->lists, at_ms, 1);
    }
    return 0;
}
static int mixed_flow(struct flow *f, void *arg)
{
    (void)arg;
    struct bucket_spec spec = {
        .name = "freshdesk",
        .limits = {{"calls", 400, MINUTE_MS}, {"lists", 100, MINUTE_MS}},
        .limit_count = 2,
    };
    struct mixed m = {.all = {.bucket = bucket_new(f->loop, &spec),
                              .end_ms = loop_now_ms(f->loop) + RUN_MS,
                              .calls = arrivals_new(),
                              .tokens = arrivals_new()},
                      .lists = arrivals_new()};
    int r;
    {
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        for (int i = 0; i < 4; i++) {
            group_spawn(&g, "bulk", bulk_flow, &m.all);
            group_spawn(&g, "list", list_flow, &m);
        }
        r = group_wait(f, &g);
    }
    double calls = total(&m.all.calls) / (400.0 * 10), lists = total(&m.lists) / (100.0 * 10);
    double most_calls = fullest(&m.all.calls, MINUTE_MS), most_lists = fullest(&m.lists, MINUTE_MS);
    print_message("mixed: calls %.4f, lists %.4f used\n", calls, lists);
    arrivals_done(&m.all.calls);
    arrivals_done(&m.all.tokens);
    arrivals_done(&m.lists);
    bucket_free(m.all.bucket);
    if (r < 0)
        return r;
    FLOW_CHECK(most_calls <= 400 && most_lists <= 100);
    FLOW_CHECK(calls >= 0.97 && lists >= 0.97);
    return 0;
}
static void test_mixed(void **state)
{
    (void)state;
    torture_run("mixed", mixed_flow, NULL);
}

/* ---- priorities ---- */

struct live_row {
    const char *name;
    double bulk_cost;
};
static const struct live_row live_rows[] = {{"single", 1}, {"pages of 7 credits", 7}};

struct live {
    struct run run;
    double bulk_cost, wait_max_ms;
};

static int live_bulk(struct flow *f, void *arg)
{
    struct live *l = arg;
    while (loop_now_ms(f->loop) < l->run.end_ms) {
        double cost[BUCKET_LIMITS_MAX] = {l->bulk_cost};
        int r = bucket_take(f, l->run.bucket, PRIORITY_BULK, cost);
        if (r < 0)
            return r;
        if (loop_now_ms(f->loop) >= l->run.end_ms)
            break;
        arrive(&l->run.calls, (double)loop_now_ns(f->loop) / 1e6, l->bulk_cost);
    }
    return 0;
}

/* An opened ticket: two calls at once, at odd moments, 12 a minute. */
static int live_reader(struct flow *f, void *arg)
{
    struct live *l = arg;
    while (loop_now_ms(f->loop) < l->run.end_ms) {
        int r = flow_sleep(f, 7000 + rng_below(&l->run.rng, 6000));
        if (r < 0)
            return r;
        for (int i = 0; i < 2; i++) {
            double cost[BUCKET_LIMITS_MAX] = {1};
            uint64_t asked_ns = loop_now_ns(f->loop);
            r = bucket_take(f, l->run.bucket, PRIORITY_LIVE, cost);
            if (r < 0)
                return r;
            double now_ms = (double)loop_now_ns(f->loop) / 1e6;
            l->wait_max_ms = MAX(l->wait_max_ms, now_ms - (double)asked_ns / 1e6);
            arrive(&l->run.calls, now_ms, 1);
        }
    }
    return 0;
}

static int live_flow(struct flow *f, void *arg)
{
    const struct live_row *row = arg;
    struct bucket_spec spec = {
        .name = "x", .limits = {{"calls", 400, MINUTE_MS}}, .limit_count = 1};
    struct live l = {.run = {.bucket = bucket_new(f->loop, &spec),
                             .end_ms = loop_now_ms(f->loop) + RUN_MS,
                             .calls = arrivals_new()},
                     .bulk_cost = row->bulk_cost};
    int r;
    {
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        for (int i = 0; i < 50; i++)
            group_spawn(&g, "bulk", live_bulk, &l);
        group_spawn(&g, "live", live_reader, &l);
        r = group_wait(f, &g);
    }
    double most = fullest(&l.run.calls, MINUTE_MS), used = total(&l.run.calls) / 4000;
    print_message("live beside %s: longest wait %.1f ms, used %.4f\n", row->name, l.wait_max_ms,
                  used);
    arrivals_done(&l.run.calls);
    bucket_free(l.run.bucket);
    if (r < 0)
        return r;
    FLOW_CHECK(most <= 400);
    FLOW_CHECK(l.wait_max_ms < 300);
    FLOW_CHECK(used >= 0.97);
    return 0;
}

static void test_live(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(live_rows); i++)
        torture_run(live_rows[i].name, live_flow, (void *)(uintptr_t)&live_rows[i]);
}

struct turn {
    struct bucket *bucket;
    enum priority priority;
    char mark;
    struct buf *order;
};
static int turn_flow(struct flow *f, void *arg)
{
    struct turn *t = arg;
    double cost[BUCKET_LIMITS_MAX] = {1};
    int r = bucket_take(f, t->bucket, t->priority, cost);
    if (r < 0)
        return r;
    buf_byte(t->order, t->mark);
    return 0;
}

/* Live before fresh before bulk, and in order inside each; one in the queue leaves. */
static int order_flow(struct flow *f, void *arg)
{
    (void)arg;
    struct bucket_spec spec = {.name = "x",
                               .limits = {{"calls", 10, MINUTE_MS}},
                               .limit_count = 1,
                               .waiting_count_max = 6};
    struct bucket *b = bucket_new(f->loop, &spec);
    struct buf order = BUF_INIT(0);
    struct turn turns[] = {{b, PRIORITY_BULK, '1', &order},  {b, PRIORITY_BULK, '2', &order},
                           {b, PRIORITY_FRESH, 'f', &order}, {b, PRIORITY_LIVE, 'l', &order},
                           {b, PRIORITY_BULK, '3', &order},  {b, PRIORITY_LIVE, 'm', &order}};
    bucket_hold(b, 1000);
    int r, overload = 0, cancelled = 0;
    struct bucket_stats waiting = {0};
    {
        _cleanup_(group_join) struct group leaver = GROUP_INIT_ALL(f);
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        for (size_t i = 0; i < ARRAY_COUNT(turns); i++)
            group_spawn(i == 1 ? &leaver : &g, "turn", turn_flow, &turns[i]);
        r = flow_sleep(f, 10);
        if (r >= 0) {
            waiting = bucket_stats(b);
            double cost[BUCKET_LIMITS_MAX] = {1};
            overload = bucket_take(f, b, PRIORITY_LIVE, cost);
            group_cancel(&leaver);
            cancelled = group_wait(f, &leaver);
            r = group_wait(f, &g);
        }
    }
    bool is_right = str_eq(buf_view(&order), STR("lmf13"));
    size_t left = bucket_stats(b).waiting_count[PRIORITY_BULK];
    buf_done(&order);
    bucket_free(b);
    if (r < 0)
        return r;
    (void)cancelled;
    FLOW_CHECK(overload == E_OVERLOAD);
    FLOW_CHECK(waiting.waiting_count[PRIORITY_BULK] == 3 &&
               waiting.waiting_count[PRIORITY_LIVE] == 2);
    FLOW_CHECK(waiting.hold_ms == 990 && waiting.rejected_count == 1);
    FLOW_CHECK(left == 0);
    FLOW_CHECK(is_right);
    return 0;
}

static void test_order(void **state)
{
    (void)state;
    torture_run("order", order_flow, NULL);
}

/* ---- limits, corrections, holds ---- */

static int small_flow(struct flow *f, void *arg)
{
    (void)arg;
    struct bucket_spec spec = {
        .name = "x",
        .limits = {{"calls", 100, MINUTE_MS}, {"tokens", 1000, MINUTE_MS}},
        .limit_count = 2,
    };
    struct bucket *b = bucket_new(f->loop, &spec);
    double big[BUCKET_LIMITS_MAX] = {1, 1001}, most[BUCKET_LIMITS_MAX] = {1, 1000};
    double some[BUCKET_LIMITS_MAX] = {1, 400}, none[BUCKET_LIMITS_MAX] = {0};
    uint64_t began_ms = loop_now_ms(f->loop), waited_ms[4] = {0};
    int r_big = bucket_take(f, b, PRIORITY_LIVE, big);
    int r = bucket_take(f, b, PRIORITY_LIVE, none);
    if (r >= 0)
        r = bucket_take(f, b, PRIORITY_BULK, most); /* fits just, alone */
    waited_ms[0] = loop_now_ms(f->loop) - began_ms;
    struct bucket_stats full = bucket_stats(b);
    int r_late = 0;
    if (r >= 0) {
        _cleanup_(deadline_done) struct deadline d = deadline(f, 1000);
        r_late = bucket_take(f, b, PRIORITY_LIVE, some);
    }
    bucket_correct(b, 1, -600); /* it was 400 */
    struct bucket_stats given_back = bucket_stats(b);
    began_ms = loop_now_ms(f->loop);
    if (r >= 0)
        r = bucket_take(f, b, PRIORITY_LIVE, some);
    waited_ms[1] = loop_now_ms(f->loop) - began_ms;
    bucket_correct(b, 1, 5000); /* far more than thought: the level goes below zero */
    struct bucket_stats owing = bucket_stats(b);
    began_ms = loop_now_ms(f->loop);
    if (r >= 0)
        r = bucket_take(f, b, PRIORITY_LIVE, some);
    waited_ms[2] = loop_now_ms(f->loop) - began_ms;
    bucket_free(b);
    if (r_big != E_LIMIT && r_big < 0 && torture_is_on())
        return r_big;
    if (r < 0)
        return r;
    FLOW_CHECK(r_big == E_LIMIT);
    FLOW_CHECK(torture_is_on() || r_late == -ETIMEDOUT);
    FLOW_CHECK(waited_ms[0] == 0);
    FLOW_CHECK(torture_is_on() || (full.level[1] == 0 && full.level[0] == 99));
    FLOW_CHECK(torture_is_on() || given_back.level[1] == 600);
    FLOW_CHECK(torture_is_on() || (owing.level[1] < 0 && waited_ms[2] > MINUTE_MS));
    FLOW_CHECK(torture_is_on() || waited_ms[1] < 30000);
    return 0;
}

static void test_small(void **state)
{
    (void)state;
    torture_run("small", small_flow, NULL);
}

/* ---- learning: a peer with fixed windows, shared with other programs ---- */

struct peer_row {
    const char *name;
    double guess, really; /* per minute */
    double others;        /* per minute, by other programs, evenly */
    double used_before;   /* of the present window when we begin */
    uint64_t phase_ms;    /* of the window when we begin */
    double used_min;      /* of what the others leave, over ten minutes */
};
static const struct peer_row peer_rows[] = {
    {"guessed too high", 400, 50, 0, 0, 10000, 0.9},
    {"guessed too low", 50, 400, 0, 0, 10000, 0.9},
    {"restarted in mid-window", 400, 400, 0, 300, 30000, 0.85},
    {"nothing left at the start", 400, 400, 0, 399, 1000, 0.8},
    {"shared by half", 400, 400, 200, 0, 0, 0.85},
};

struct shared_peer {
    const struct peer_row *row;
    uint64_t window_ms, now_ms; /* start of the present window; how far we have come */
    double used;
    size_t rejected, taken;
};

static void shared_advance(struct shared_peer *sp, uint64_t now_ms)
{
    uint64_t from_ms = sp->now_ms;
    if (now_ms >= sp->window_ms + MINUTE_MS) {
        sp->window_ms += (now_ms - sp->window_ms) / MINUTE_MS * MINUTE_MS;
        sp->used = 0;
        from_ms = sp->window_ms;
    }
    sp->used += sp->row->others / MINUTE_MS * (double)(now_ms - from_ms);
    sp->now_ms = now_ms;
}

static int learn_flow(struct flow *f, void *arg)
{
    const struct peer_row *row = arg;
    struct bucket_spec spec = {
        .name = "x", .limits = {{"calls", row->guess, MINUTE_MS}}, .limit_count = 1};
    struct bucket *b = bucket_new(f->loop, &spec);
    uint64_t now_ms = loop_now_ms(f->loop), end_ms = now_ms + RUN_MS;
    uint64_t shift_ms = row->phase_ms; /* the peer's clock is ahead by this */
    struct shared_peer sp = {
        .row = row, .window_ms = now_ms, .now_ms = now_ms + shift_ms, .used = row->used_before};
    int r = 0;
    while (r >= 0 && loop_now_ms(f->loop) < end_ms) {
        double cost[BUCKET_LIMITS_MAX] = {1};
        r = bucket_take(f, b, PRIORITY_BULK, cost);
        if (r < 0)
            break;
        shared_advance(&sp, loop_now_ms(f->loop) + shift_ms);
        if (sp.used + 1 > row->really) {
            sp.rejected++;
            bucket_hold(b, sp.window_ms + MINUTE_MS - loop_now_ms(f->loop) - shift_ms);
            continue;
        }
        sp.used++;
        sp.taken++;
        bucket_learn(b, 0, row->really, row->really - sp.used);
    }
    double used = (double)sp.taken / ((row->really - row->others) * RUN_MS / MINUTE_MS);
    print_message("%s: %zu taken, %zu rejected, used %.3f\n", row->name, sp.taken, sp.rejected,
                  used);
    struct bucket_stats stats = bucket_stats(b);
    bucket_free(b);
    if (r < 0)
        return r;
    FLOW_CHECK(stats.per_window[0] == row->really);
    FLOW_CHECK(sp.rejected == 0);
    FLOW_CHECK(used >= row->used_min);
    return 0;
}

static void test_learn(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(peer_rows); i++)
        torture_run(peer_rows[i].name, learn_flow, (void *)(uintptr_t)&peer_rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),  cmocka_unit_test(test_catch_up),
        cmocka_unit_test(test_tokens), cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_live),   cmocka_unit_test(test_order),
        cmocka_unit_test(test_small),  cmocka_unit_test(test_learn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
