/*
 * Flows, groups, deadlines, shields and conditions, on a virtual clock. Each test ends by loop_free,
 * which asserts that no flow, timer, task or handle is left.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "loop/flow.h"
#include "loop/timer.h"

static int run(flow_fn *fn, void *arg, struct err *err)
{
    struct loop *l = loop_new(&(struct loop_spec){.virtual_clock = true});
    int r = loop_run(l, "test", fn, arg, err);
    loop_free(l);
    return r;
}

/* ---- sleeping and the clock ---- */

static int sleep_flow(struct flow *f, void *arg)
{
    uint64_t begin_ms = loop_now_ms(f->loop);
    int64_t wall_ms = loop_wall_ms(f->loop);
    int r = flow_sleep(f, 3600 * 1000);
    *(uint64_t *)arg = loop_now_ms(f->loop) - begin_ms;
    assert_int_equal(loop_wall_ms(f->loop) - wall_ms, 3600 * 1000);
    return r;
}

static void sleeping_moves_the_virtual_clock(void **state)
{
    (void)state;
    uint64_t slept_ms = 0;
    assert_int_equal(run(sleep_flow, &slept_ms, NULL), 0);
    assert_int_equal(slept_ms, 3600 * 1000);
}

/* ---- groups ---- */

struct child {
    uint64_t sleep_ms;
    int result;
    int got; /* what its wait returned */
    int order;
    bool ran;
};
static int order_next;

static int child_flow(struct flow *f, void *arg)
{
    struct child *c = arg;
    c->ran = true;
    c->got = flow_sleep(f, c->sleep_ms);
    c->order = ++order_next;
    if (c->got < 0)
        return c->got;
    if (c->result < 0)
        return err_set(&f->err, c->result, "child broke");
    return c->result;
}

struct family {
    struct child children[3];
    bool collect_all;
    bool leave_early;
    uint64_t deadline_ms;
    uint64_t took_ms;
};

static int family_flow(struct flow *f, void *arg)
{
    struct family *fam = arg;
    uint64_t begin_ms = loop_now_ms(f->loop);
    order_next = 0;
    int r = 0;
    {
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        g.collect_all = fam->collect_all;
        _cleanup_(deadline_done) struct deadline d = deadline(f, fam->deadline_ms ? fam->deadline_ms
                                                                                  : 1000000);
        for (size_t i = 0; i < ARRAY_COUNT(fam->children); i++)
            group_spawn(&g, "child", child_flow, &fam->children[i]);
        if (fam->leave_early)
            r = flow_sleep(f, 5);
        else
            r = group_wait(f, &g);
    }
    fam->took_ms = loop_now_ms(f->loop) - begin_ms;
    return r;
}

static void children_run_side_by_side(void **state)
{
    (void)state;
    struct family fam = {.children = {{.sleep_ms = 30}, {.sleep_ms = 10}, {.sleep_ms = 20}}};
    assert_int_equal(run(family_flow, &fam, NULL), 0);
    assert_int_equal(fam.took_ms, 30);
    assert_int_equal(fam.children[1].order, 1);
    assert_int_equal(fam.children[2].order, 2);
    assert_int_equal(fam.children[0].order, 3);
}

static void first_failure_cancels_the_rest(void **state)
{
    (void)state;
    struct family fam = {
        .children = {{.sleep_ms = 1000}, {.sleep_ms = 10, .result = E_MODEL}, {.sleep_ms = 2000}}};
    struct err err;
    assert_int_equal(run(family_flow, &fam, &err), E_MODEL);
    assert_string_equal(err.msg, "child broke");
    assert_int_equal(fam.took_ms, 10);
    assert_int_equal(fam.children[0].got, -ECANCELED);
    assert_int_equal(fam.children[2].got, -ECANCELED);
}

static void collect_all_lets_siblings_finish(void **state)
{
    (void)state;
    struct family fam = {
        .children = {{.sleep_ms = 40}, {.sleep_ms = 10, .result = E_MODEL}, {.sleep_ms = 20}},
        .collect_all = true};
    assert_int_equal(run(family_flow, &fam, NULL), 0);
    assert_int_equal(fam.took_ms, 40);
    assert_int_equal(fam.children[0].got, 0);
}

static void leaving_early_cancels_and_drains(void **state)
{
    (void)state;
    struct family fam = {.children = {{.sleep_ms = 500}, {.sleep_ms = 500}, {.sleep_ms = 500}},
                         .leave_early = true};
    assert_int_equal(run(family_flow, &fam, NULL), 0);
    assert_int_equal(fam.took_ms, 5);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fam.children[i].got, -ECANCELED);
}

static void deadline_of_the_parent_ends_the_children(void **state)
{
    (void)state;
    struct family fam = {.children = {{.sleep_ms = 500}, {.sleep_ms = 5}, {.sleep_ms = 500}},
                         .deadline_ms = 50};
    assert_int_equal(run(family_flow, &fam, NULL), -ETIMEDOUT);
    assert_int_equal(fam.took_ms, 50);
    assert_int_equal(fam.children[0].got, -ECANCELED);
    assert_int_equal(fam.children[1].got, 0);
}

static void a_failing_spawn_fails_the_group(void **state)
{
    (void)state;
    struct family fam = {.children = {{.sleep_ms = 500}, {.sleep_ms = 500}, {.sleep_ms = 500}}};
    fault_arm(2);
    assert_int_equal(run(family_flow, &fam, NULL), E_OVERLOAD);
    assert_true(fault_fired());
    fault_arm(0);
    assert_true(fam.children[0].ran);
    assert_false(fam.children[1].ran);
    assert_false(fam.children[2].ran);
}

static int crowd_flow(struct flow *f, void *arg)
{
    struct child *children = arg;
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    size_t most = 0;
    for (int i = 0; i < 20; i++) {
        int r = group_room(f, &g, 4);
        if (r < 0)
            return r;
        group_spawn(&g, "child", child_flow, &children[i]);
        most = MAX(most, g.count);
    }
    assert_int_equal(most, 4);
    return group_wait(f, &g);
}

static void group_room_bounds_the_fan_out(void **state)
{
    (void)state;
    struct child children[20];
    memset(children, 0, sizeof(children));
    for (int i = 0; i < 20; i++)
        children[i].sleep_ms = (uint64_t)(i % 5) * 7;
    assert_int_equal(run(crowd_flow, children, NULL), 0);
    for (int i = 0; i < 20; i++)
        assert_true(children[i].ran);
}

/* ---- cancel ---- */

struct sticky {
    int first, second, shielded, after, spawned;
};

static int sticky_flow(struct flow *f, void *arg)
{
    struct sticky *s = arg;
    s->first = flow_sleep(f, 1000);
    s->second = flow_sleep(f, 0);
    {
        _cleanup_(shield_done) struct shield shield = flow_shield(f, 100);
        s->shielded = flow_sleep(f, 10);
    }
    s->after = flow_yield(f);
    {
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        struct child c = {.sleep_ms = 1000};
        group_spawn(&g, "child", child_flow, &c);
        s->spawned = group_wait(f, &g);
    }
    return s->after;
}

static int canceller_flow(struct flow *f, void *arg)
{
    (void)arg;
    int r = flow_sleep(f, 20);
    loop_stop(f->loop);
    return r;
}

static int sticky_parent_flow(struct flow *f, void *arg)
{
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    group_spawn(&g, "canceller", canceller_flow, NULL);
    return sticky_flow(f, arg);
}

static void cancel_is_sticky_and_a_shield_hides_it(void **state)
{
    (void)state;
    struct sticky s = {0};
    assert_int_equal(run(sticky_parent_flow, &s, NULL), -ECANCELED);
    assert_int_equal(s.first, -ECANCELED);
    assert_int_equal(s.second, -ECANCELED);
    assert_int_equal(s.shielded, 0);
    assert_int_equal(s.after, -ECANCELED);
    assert_int_equal(s.spawned, -ECANCELED);
}

struct nested {
    int inner, outer, shield;
    uint64_t inner_ms, outer_ms;
};

static int nested_flow(struct flow *f, void *arg)
{
    struct nested *n = arg;
    uint64_t begin_ms = loop_now_ms(f->loop);
    _cleanup_(deadline_done) struct deadline outer = deadline(f, 100);
    {
        _cleanup_(deadline_done) struct deadline inner = deadline(f, 40);
        n->inner = flow_sleep(f, 1000);
        n->inner_ms = loop_now_ms(f->loop) - begin_ms;
    }
    {
        _cleanup_(deadline_done) struct deadline longer = deadline(f, 5000);
        n->outer = flow_sleep(f, 1000);
        n->outer_ms = loop_now_ms(f->loop) - begin_ms;
    }
    _cleanup_(shield_done) struct shield s = flow_shield(f, 30);
    n->shield = flow_sleep(f, 60);
    return 0;
}

static void the_nearest_deadline_wins(void **state)
{
    (void)state;
    struct nested n = {0};
    assert_int_equal(run(nested_flow, &n, NULL), 0);
    assert_int_equal(n.inner, -ETIMEDOUT);
    assert_int_equal(n.inner_ms, 40);
    assert_int_equal(n.outer, -ETIMEDOUT);
    assert_int_equal(n.outer_ms, 100);
    assert_int_equal(n.shield, -ETIMEDOUT);
}

/* ---- an op that ends only when it wants to ---- */

struct stubborn {
    struct op op;
    struct timer timer;
    int cancel_count;
};

static void on_stubborn_over(struct timer *t)
{
    op_finish(&container_of(t, struct stubborn, timer)->op, 7);
}

static void on_stubborn_cancel(struct op *op)
{
    container_of(op, struct stubborn, op)->cancel_count++;
}

static int stubborn_flow(struct flow *f, void *arg)
{
    struct stubborn *s = arg;
    _cleanup_(deadline_done) struct deadline d = deadline(f, 10);
    op_begin(&s->op, f->loop, "stubborn", on_stubborn_cancel);
    timer_start(&s->timer, f->loop, 500, on_stubborn_over);
    uint64_t begin_ms = loop_now_ms(f->loop);
    int r = flow_wait(f, &s->op);
    assert_int_equal(loop_now_ms(f->loop) - begin_ms, 500); /* drained, not abandoned */
    return r;
}

static void a_wait_never_leaves_its_op_behind(void **state)
{
    (void)state;
    struct stubborn s = {0};
    assert_int_equal(run(stubborn_flow, &s, NULL), -ETIMEDOUT);
    assert_int_equal(s.cancel_count, 1);
    assert_int_equal(s.op.status, 7);
}

/* ---- memory ---- */

static int greedy_flow(struct flow *f, void *arg)
{
    (void)arg;
    f->arena.bytes_max = 100000;
    for (int i = 0; i < 1000; i++) {
        memset(arena_alloc(&f->arena, 1000), 1, 1000);
        int r = flow_yield(f);
        if (r < 0)
            return r;
    }
    return 0;
}

static void a_flow_over_its_memory_is_stopped(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(run(greedy_flow, NULL, &err), E_LIMIT);
    assert_non_null(strstr(err.msg, "memory"));
}

/* Cleanup that talks must be able to, however the flow came to its end. */
static int greedy_shielded_flow(struct flow *f, void *arg)
{
    int *ret_shielded = arg;
    f->arena.bytes_max = 1000;
    memset(arena_alloc(&f->arena, 100000), 1, 100000);
    {
        _cleanup_(shield_done) struct shield shield = flow_shield(f, 100);
        *ret_shielded = flow_sleep(f, 10);
    }
    return flow_yield(f);
}

static void a_shield_hides_the_memory_cap(void **state)
{
    (void)state;
    int shielded = -1;
    assert_int_equal(run(greedy_shielded_flow, &shielded, NULL), E_LIMIT);
    assert_int_equal(shielded, 0);
}

/* ---- conditions ---- */

struct queue {
    struct cond cond;
    int turns[4], turn_count;
    int permits;
};
struct waiter {
    struct queue *queue;
    int number;
    uint64_t patience_ms;
};

static int waiter_flow(struct flow *f, void *arg)
{
    struct waiter *w = arg;
    _cleanup_(deadline_done) struct deadline d = deadline(f, w->patience_ms);
    while (w->queue->permits == 0) {
        int r = cond_wait(f, &w->queue->cond);
        if (r == -ETIMEDOUT)
            return 0;
        if (r < 0)
            return r;
    }
    w->queue->permits--;
    w->queue->turns[w->queue->turn_count++] = w->number;
    return 0;
}

static int queue_flow(struct flow *f, void *arg)
{
    struct queue *q = arg;
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    struct waiter waiters[4] = {{q, 1, 1000}, {q, 2, 10}, {q, 3, 1000}, {q, 4, 1000}};
    for (size_t i = 0; i < ARRAY_COUNT(waiters); i++)
        group_spawn(&g, "waiter", waiter_flow, &waiters[i]);
    for (int i = 0; i < 3; i++) {
        int r = flow_sleep(f, 20);
        if (r < 0)
            return r;
        q->permits++;
        cond_signal(&q->cond);
    }
    return group_wait(f, &g);
}

static void conditions_are_first_come_first_served(void **state)
{
    (void)state;
    struct queue q = {0};
    assert_int_equal(run(queue_flow, &q, NULL), 0);
    assert_int_equal(q.turn_count, 3);
    assert_int_equal(q.turns[0], 1);
    assert_int_equal(q.turns[1], 3);
    assert_int_equal(q.turns[2], 4);
}

/* Every wait of the queue is cancelled in turn; nothing may be left behind. */
static void cancel_at_every_wait_ends_clean(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n++) {
        struct loop *l = loop_new(&(struct loop_spec){.virtual_clock = true});
        loop_cancel_at_wait(l, n);
        struct queue q = {0};
        int r = loop_run(l, "test", queue_flow, &q, NULL);
        bool reached = loop_wait_count(l) >= n;
        loop_free(l);
        if (!reached) {
            assert_int_equal(r, 0);
            assert_true(n > 5);
            break;
        }
        assert_true(r == 0 || r == -ECANCELED);
    }
}

/* ---- work ---- */

static int double_it(void *arg)
{
    *(int *)arg *= 2;
    return 5;
}

static int work_flow(struct flow *f, void *arg)
{
    return work_run(f, double_it, arg);
}

static void work_runs_on_a_thread(void **state)
{
    (void)state;
    int value = 21;
    assert_int_equal(run(work_flow, &value, NULL), 5);
    assert_int_equal(value, 42);
}

/* ---- many ---- */

static int tiny_flow(struct flow *f, void *arg)
{
    ++*(int *)arg;
    return flow_yield(f);
}

static int many_flow(struct flow *f, void *arg)
{
    _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
    int refused = 0;
    for (int i = 0; i < 150; i++)
        refused += group_spawn(&g, "tiny", tiny_flow, arg) == E_OVERLOAD;
    assert_int_equal(refused, 51); /* 100 at once, this flow is one of them */
    struct buf out = BUF_INIT(0);
    loop_list_flows(f->loop, &out);
    assert_non_null(strstr(out.ptr, "tiny waiting=start"));
    buf_done(&out);
    return group_wait(f, &g);
}

static void flows_are_bounded(void **state)
{
    (void)state;
    int count = 0;
    struct loop *l = loop_new(&(struct loop_spec){.virtual_clock = true, .flow_count_max = 100});
    assert_int_equal(loop_run(l, "test", many_flow, &count, NULL), 0);
    loop_free(l);
    assert_int_equal(count, 99);
}

/* ---- late tasks ---- */

struct late {
    struct loop_task task;
    bool ran;
};

static void on_late(struct loop_task *t)
{
    container_of(t, struct late, task)->ran = true;
}

static int yielding_flow(struct flow *f, void *arg)
{
    struct late *late = arg;
    loop_task_init(&late->task, on_late);
    loop_post(f->loop, &late->task);
    for (int i = 0; i < 1000 && !late->ran; i++) {
        int r = flow_yield(f);
        if (r < 0)
            return r;
    }
    return late->ran;
}

static void yielding_does_not_hold_up_late_tasks(void **state)
{
    (void)state;
    struct late late = {.ran = false};
    assert_int_equal(run(yielding_flow, &late, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleeping_moves_the_virtual_clock),
        cmocka_unit_test(children_run_side_by_side),
        cmocka_unit_test(first_failure_cancels_the_rest),
        cmocka_unit_test(collect_all_lets_siblings_finish),
        cmocka_unit_test(leaving_early_cancels_and_drains),
        cmocka_unit_test(deadline_of_the_parent_ends_the_children),
        cmocka_unit_test(a_failing_spawn_fails_the_group),
        cmocka_unit_test(group_room_bounds_the_fan_out),
        cmocka_unit_test(cancel_is_sticky_and_a_shield_hides_it),
        cmocka_unit_test(the_nearest_deadline_wins),
        cmocka_unit_test(a_wait_never_leaves_its_op_behind),
        cmocka_unit_test(a_flow_over_its_memory_is_stopped),
        cmocka_unit_test(a_shield_hides_the_memory_cap),
        cmocka_unit_test(conditions_are_first_come_first_served),
        cmocka_unit_test(cancel_at_every_wait_ends_clean),
        cmocka_unit_test(work_runs_on_a_thread),
        cmocka_unit_test(flows_are_bounded),
        cmocka_unit_test(yielding_does_not_hold_up_late_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
