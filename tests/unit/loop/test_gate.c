/*
 * Gates on a virtual clock: how many are inside, in which order they come in, and that a place is never lost
 * to a flow that was cancelled or timed out while it waited.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/flow.h"

#define VISITOR_COUNT 5

struct house {
    struct gate gate;
    size_t inside_count, inside_count_seen;
    int order_next;
};
struct visitor {
    struct house *house;
    uint64_t stay_ms, patience_ms; /* 0: any */
    int order;                     /* 0: was never inside */
    int status;
};

static int visit_flow(struct flow *f, void *arg)
{
    struct visitor *v = arg;
    struct house *h = v->house;
    {
        _cleanup_(deadline_done) struct deadline d = deadline(f, v->patience_ms ? v->patience_ms
                                                                                : 100000);
        v->status = gate_enter(f, &h->gate);
    }
    if (v->status < 0)
        return v->status;
    v->order = ++h->order_next;
    h->inside_count++;
    h->inside_count_seen = MAX(h->inside_count_seen, h->inside_count);
    v->status = flow_sleep(f, v->stay_ms);
    h->inside_count--;
    gate_leave(&h->gate);
    return v->status;
}

struct visit {
    struct house house;
    struct visitor visitors[VISITOR_COUNT];
    uint64_t took_ms;
};

static int visit_all_flow(struct flow *f, void *arg)
{
    struct visit *v = arg;
    uint64_t begin_ms = loop_now_ms(f->loop);
    _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
    for (size_t i = 0; i < VISITOR_COUNT; i++) {
        v->visitors[i].house = &v->house;
        group_spawn(&g, "visitor", visit_flow, &v->visitors[i]);
    }
    int r = group_wait(f, &g);
    v->took_ms = loop_now_ms(f->loop) - begin_ms;
    return r;
}

static int run(flow_fn *fn, void *arg, uint64_t cancel_at_wait)
{
    struct loop *l = loop_new(&(struct loop_spec){.virtual_clock = true});
    loop_cancel_at_wait(l, cancel_at_wait);
    int r = loop_run(l, "test", fn, arg, NULL);
    loop_free(l);
    return r;
}

static void so_many_at_a_time_in_their_order(void **state)
{
    (void)state;
    struct visit v = {.house.gate.inside_count_max = 2};
    for (size_t i = 0; i < VISITOR_COUNT; i++)
        v.visitors[i].stay_ms = 10;
    assert_int_equal(run(visit_all_flow, &v, 0), 0);
    assert_int_equal(v.house.inside_count_seen, 2);
    assert_int_equal(v.took_ms, 30);
    for (size_t i = 0; i < VISITOR_COUNT; i++)
        assert_int_equal(v.visitors[i].order, i + 1);
    assert_int_equal(v.house.gate.inside_count, 0);
}

static void who_gives_up_is_passed_over(void **state)
{
    (void)state;
    struct visit v = {.house.gate.inside_count_max = 1};
    for (size_t i = 0; i < VISITOR_COUNT; i++)
        v.visitors[i].stay_ms = 10;
    v.visitors[1].patience_ms = 5;
    assert_int_equal(run(visit_all_flow, &v, 0), 0);
    assert_int_equal(v.visitors[1].status, -ETIMEDOUT);
    assert_int_equal(v.visitors[1].order, 0);
    assert_int_equal(v.visitors[2].order, 2);
    assert_int_equal(v.took_ms, 40);
    assert_int_equal(v.house.gate.inside_count, 0);
}

/* Two wait; the first is let in and cancelled before it has run: the second must get the place. */
static int handed_on_flow(struct flow *f, void *arg)
{
    struct house *h = arg;
    struct visitor first = {.house = h}, second = {.house = h};
    int r = gate_enter(f, &h->gate);
    _cleanup_(group_join) struct group doomed = GROUP_INIT(f), other = GROUP_INIT(f);
    group_spawn(&doomed, "first", visit_flow, &first);
    group_spawn(&other, "second", visit_flow, &second);
    if (r >= 0)
        r = flow_sleep(f, 1);
    gate_leave(&h->gate);
    group_cancel(&doomed);
    if (r >= 0)
        r = group_wait(f, &other);
    assert_int_equal(first.status, -ECANCELED);
    assert_int_equal(first.order, 0);
    assert_int_equal(second.order, 1);
    return r;
}

static void a_place_is_handed_on(void **state)
{
    (void)state;
    struct house h = {.gate.inside_count_max = 1};
    assert_int_equal(run(handed_on_flow, &h, 0), 0);
    assert_int_equal(h.gate.inside_count, 0);
}

static void cancelled_at_any_wait_nothing_is_lost(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n++) {
        struct visit v = {.house.gate.inside_count_max = 2};
        for (size_t i = 0; i < VISITOR_COUNT; i++)
            v.visitors[i].stay_ms = 10;
        int r = run(visit_all_flow, &v, n);
        assert_int_equal(v.house.gate.inside_count, 0);
        if (r == 0)
            break;
        assert_int_equal(r, -ECANCELED);
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_at_a_time_in_their_order),
        cmocka_unit_test(who_gives_up_is_passed_over),
        cmocka_unit_test(a_place_is_handed_on),
        cmocka_unit_test(cancelled_at_any_wait_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
