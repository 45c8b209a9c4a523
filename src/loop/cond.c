/*
 * Conditions: flows that wait for something another flow or machine will announce, first come first
 * served. Waiting ends by a signal, a broadcast or a cancel; nothing else fails.
 * Invariant: a waiter is in the list exactly while its op is RUNNING.
 */
#include <errno.h>

#include "loop/private.h"

struct cond_wait {
    struct op op;
    struct list node;
};

static void on_cond_cancel(struct op *op)
{
    struct cond_wait *w = container_of(op, struct cond_wait, op);
    list_remove(&w->node);
    op_finish(op, -ECANCELED);
}

int cond_wait(struct flow *f, struct cond *c)
{
    struct cond_wait w = {0};
    if (!c->waiters.next)
        list_init(&c->waiters);
    list_push(&c->waiters, &w.node);
    op_begin(&w.op, f->loop, "cond", on_cond_cancel);
    int r = flow_wait(f, &w.op);
    if (r < 0 && w.op.status == 0)
        cond_signal(c); /* woken and cancelled in one turn: the wake-up is for the next one */
    return r;
}

bool cond_has_waiters(const struct cond *c)
{
    return c->waiters.next && !list_empty(&c->waiters);
}

void cond_signal(struct cond *c)
{
    if (!cond_has_waiters(c))
        return;
    struct cond_wait *w = list_entry(list_shift(&c->waiters), struct cond_wait, node);
    op_finish(&w->op, 0);
}

void cond_broadcast(struct cond *c)
{
    while (cond_has_waiters(c))
        cond_signal(c);
}
