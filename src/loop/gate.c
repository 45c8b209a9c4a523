/*
 * Gates: at most so many flows inside at a time, first come first served.
 *
 * Happy path: gate_enter at once or after a wait, gate_leave; who leaves hands the place to the flow that
 * has waited longest, so nobody overtakes. Waiting ends early by a cancel or a deadline only; a place that
 * was handed over in the same turn goes on to the next.
 * Invariant: while anybody waits, all places are taken.
 */
#include <assert.h>
#include <errno.h>

#include "loop/private.h"

struct gate_wait {
    struct op op;
    struct list node;
    bool granted;
};

static void on_gate_cancel(struct op *op)
{
    struct gate_wait *w = container_of(op, struct gate_wait, op);
    list_remove(&w->node);
    op_finish(op, -ECANCELED);
}

int gate_enter(struct flow *f, struct gate *g)
{
    assert(g->inside_count_max > 0);
    if (g->inside_count < g->inside_count_max) {
        g->inside_count++;
        return 0;
    }
    struct gate_wait w = {.granted = false};
    if (!g->waiters.next)
        list_init(&g->waiters);
    list_push(&g->waiters, &w.node);
    op_begin(&w.op, f->loop, "gate", on_gate_cancel);
    int r = flow_wait(f, &w.op);
    if (r < 0 && w.granted)
        gate_leave(g);
    return r;
}

void gate_leave(struct gate *g)
{
    assert(g->inside_count > 0);
    if (!g->waiters.next || list_empty(&g->waiters)) {
        g->inside_count--;
        return;
    }
    struct gate_wait *w = list_entry(list_shift(&g->waiters), struct gate_wait, node);
    w->granted = true;
    op_finish(&w->op, 0);
}
