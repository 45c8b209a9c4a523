/* Timers: order, ties, stopping and restarting, against a plain sorted model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "base/rng.h"
#include "loop/flow.h"
#include "loop/op.h"
#include "loop/timer.h"

enum { COUNT = 500 };

struct probe {
    struct timer timer;
    uint64_t at_ms;
    int number;
    bool stopped, fired;
};
static uint64_t last_ms;
static int last_number, fired_count;

static void on_fire(struct timer *t)
{
    struct probe *p = container_of(t, struct probe, timer);
    uint64_t now_ms = loop_now_ms(t->loop);
    assert_false(p->stopped);
    assert_false(p->fired);
    assert_int_equal(now_ms, p->at_ms);
    if (now_ms == last_ms)
        assert_true(p->number > last_number); /* ties in the order of starting */
    assert_true(now_ms >= last_ms);
    last_ms = now_ms;
    last_number = p->number;
    p->fired = true;
    fired_count++;
}

static int timers_flow(struct flow *f, void *arg)
{
    struct probe *probes = arg;
    struct rng rng = {7};
    uint64_t now_ms = loop_now_ms(f->loop);
    for (int i = 0; i < COUNT; i++) {
        uint64_t ms = rng_below(&rng, 200);
        probes[i].number = i;
        probes[i].at_ms = now_ms + ms;
        timer_start(&probes[i].timer, f->loop, ms, on_fire);
        assert_true(timer_running(&probes[i].timer));
    }
    for (int i = 0; i < COUNT; i += 3) {
        timer_stop(&probes[i].timer);
        probes[i].stopped = true;
        timer_stop(&probes[i].timer); /* again is fine */
    }
    return flow_sleep(f, 1000);
}

static void timers_fire_in_order_and_stopped_ones_never(void **state)
{
    (void)state;
    struct probe *probes = test_calloc(COUNT, sizeof(*probes));
    last_ms = 0;
    fired_count = 0;
    struct loop *l = loop_new(&(struct loop_spec){.virtual_clock = true});
    assert_int_equal(loop_run(l, "test", timers_flow, probes, NULL), 0);
    loop_free(l);
    assert_int_equal(fired_count, COUNT - (COUNT + 2) / 3);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(probes[i].fired, !probes[i].stopped);
    test_free(probes);
}

static int real_flow(struct flow *f, void *arg)
{
    uint64_t begin_ns = loop_now_ns(f->loop);
    int r = flow_sleep(f, 20);
    *(uint64_t *)arg = loop_now_ns(f->loop) - begin_ns;
    return r;
}

static void a_real_clock_sleeps_at_least_as_long_as_asked(void **state)
{
    (void)state;
    uint64_t ns = 0;
    struct loop *l = loop_new(&(struct loop_spec){0});
    assert_int_equal(loop_run(l, "test", real_flow, &ns, NULL), 0);
    loop_free(l);
    assert_true(ns >= 20 * 1000000ull);
}

/* What libcurl's timer does: a callback of uv's own, fired before or after the poll, ends an op. */
struct raw {
    uv_timer_t soon, late;
    struct op op;
    bool late_fired;
};

static void on_soon(uv_timer_t *t)
{
    op_finish(&container_of(t, struct raw, soon)->op, 0);
}

static void on_late(uv_timer_t *t)
{
    struct raw *raw = container_of(t, struct raw, late);
    raw->late_fired = true;
    if (raw->op.state == OP_RUNNING)
        op_finish(&raw->op, 0);
}

static int raw_flow(struct flow *f, void *arg)
{
    struct raw *raw = arg;
    uv_timer_init(loop_uv(f->loop), &raw->soon);
    uv_timer_init(loop_uv(f->loop), &raw->late);
    uv_timer_start(&raw->late, on_late, 5000, 0);
    op_begin(&raw->op, f->loop, "raw", NULL);
    uv_timer_start(&raw->soon, on_soon, 0, 0);
    int r = flow_wait(f, &raw->op);
    uv_close((uv_handle_t *)&raw->soon, NULL);
    uv_close((uv_handle_t *)&raw->late, NULL);
    return r;
}

static void what_uv_s_timers_end_is_told_before_the_next_poll(void **state)
{
    (void)state;
    struct raw raw = {0};
    struct loop *l = loop_new(&(struct loop_spec){0});
    assert_int_equal(loop_run(l, "test", raw_flow, &raw, NULL), 0);
    loop_free(l);
    assert_false(raw.late_fired); /* the poll would have slept until then */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order_and_stopped_ones_never),
        cmocka_unit_test(a_real_clock_sleeps_at_least_as_long_as_asked),
        cmocka_unit_test(what_uv_s_timers_end_is_told_before_the_next_poll),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
