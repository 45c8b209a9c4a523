/*
 * Flows: start, wait, cancel, end; deadlines and shields.
 *
 * Happy path: flow_new queues a kick; the loop enters the flow's stack; each flow_wait parks it until its
 * op has finished; when the function returns, the group is told and the memory goes.
 * Faults: a cancel or a deadline while parked asks the op to stop and the wait returns once the op has
 * really ended, so an op may live on the flow's stack.
 * Invariant: a parked flow has exactly one op it waits on, and that op's waiter is the flow.
 */
#include "loop/flow.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "loop/private.h"

enum { FLOW_ARENA_BYTES_MAX = 64 * 1024 * 1024 };

/* Waits are bounded by a timer that lives on the waiting flow's stack. */
struct wait_limit {
    struct timer timer;
    struct flow *flow;
};

struct flow *flow_new(struct loop *l, const char *name, flow_fn *fn, void *arg)
{
    struct flow *f = mem_alloc(sizeof(*f));
    arena_init(&f->arena, FLOW_ARENA_BYTES_MAX);
    f->loop = l;
    f->id = ++l->next_flow_id;
    f->name = name;
    f->fn = fn;
    f->arg = arg;
    f->start_ns = l->now_ns;
    f->deadline_ns = UINT64_MAX;
    list_init(&f->sibling);
    list_push(&l->flows, &f->live);
    l->flow_count++;
    op_begin(&f->kick, l, "start", NULL);
    f->kick.waiter = f;
    f->waiting = &f->kick;
    op_finish(&f->kick, 0);
    return f;
}

void flow_free(struct flow *f)
{
    assert(f->ended);
    arena_done(&f->arena);
    list_remove(&f->live);
    f->loop->flow_count--;
    mem_free(f);
}

static void flow_entry(struct flow *f)
{
    f->status = f->fn(f, f->arg);
    f->ended = true;
    context_leave(f->loop, f);
}

/* Back on the loop's stack after the flow's function has returned. */
static void flow_over(struct flow *f)
{
    struct loop *l = f->loop;
    context_release(l, f);
    if (f->group) {
        group_child_ended(f->group, f);
        void (*on_end)(void *arg, int status) = f->on_end;
        void *arg = f->arg;
        int status = f->status;
        flow_free(f);
        if (on_end)
            on_end(arg, status);
    }
}

void flow_resume(struct flow *f)
{
    f->waiting = NULL;
    log_context(f->id, f->request_id[0] ? f->request_id : NULL);
    context_enter(f->loop, f, flow_entry);
    log_context(0, NULL);
    if (f->ended)
        flow_over(f);
}

/* Why a wait must not go on, or 0. Cancel outranks timeout, both outrank data. */
static int flow_stop_reason(const struct flow *f)
{
    if (f->cancelled && f->shield_depth == 0)
        return -ECANCELED;
    if (f->deadline_ns <= f->loop->now_ns)
        return -ETIMEDOUT;
    if (f->arena.exceeded && f->shield_depth == 0)
        return E_LIMIT;
    return 0;
}

static int flow_refuse(struct flow *f, int reason)
{
    switch (reason) {
    case -ECANCELED: return err_set(&f->err, reason, "cancelled");
    case -ETIMEDOUT: return err_set(&f->err, reason, "timed out");
    case E_LIMIT:
        return err_set(&f->err, reason, "%s uses more than %zu bytes of memory", f->name,
                       f->arena.bytes_max);
    default: return 0;
    }
}

int flow_check(struct flow *f)
{
    return flow_refuse(f, flow_stop_reason(f));
}

/* Parks until the op has ended. */
static void flow_park(struct flow *f, struct op *op)
{
    assert(f->loop->current == f);
    assert(op->state == OP_RUNNING || op->state == OP_FINISHING);
    assert(!op->waiter && !op->done);
    op->waiter = f;
    f->waiting = op;
    context_park(f->loop, f);
    assert(op->state == OP_FINISHED);
    op->waiter = NULL;
}

static void on_wait_limit(struct timer *t)
{
    struct wait_limit *limit = container_of(t, struct wait_limit, timer);
    if (limit->flow->waiting)
        op_cancel(limit->flow->waiting);
}

static void flow_torture(struct flow *f)
{
    struct loop *l = f->loop;
    if (++l->wait_count == l->cancel_at_wait && l->first)
        flow_cancel(l->first);
}

int flow_wait(struct flow *f, struct op *op)
{
    flow_torture(f);
    int reason = flow_stop_reason(f);
    if (reason < 0)
        op_cancel(op);
    if (op->state != OP_FINISHED) {
        struct wait_limit limit = {.flow = f};
        if (reason == 0 && f->deadline_ns != UINT64_MAX)
            timer_start_at(&limit.timer, f->loop, f->deadline_ns, on_wait_limit);
        flow_park(f, op);
        timer_stop(&limit.timer);
    }
    if (reason == 0)
        reason = flow_stop_reason(f);
    if (reason < 0)
        return flow_refuse(f, reason);
    if (op->status < 0)
        f->err = op->err;
    return op->status;
}

void flow_drain(struct flow *f, struct op *op)
{
    if (op->state != OP_FINISHED)
        flow_park(f, op);
}

void flow_cancel(struct flow *f)
{
    if (f->cancelled)
        return;
    f->cancelled = true;
    if (f->waiting && f->shield_depth == 0 && f->waiting != &f->kick)
        op_cancel(f->waiting);
}

bool flow_is_cancelled(const struct flow *f)
{
    return f->cancelled;
}

int flow_yield(struct flow *f)
{
    struct op op = {0};
    op_begin(&op, f->loop, "yield", NULL);
    op_finish(&op, 0);
    return flow_wait(f, &op);
}

struct sleep_op {
    struct op op;
    struct timer timer;
};

static void on_sleep_cancel(struct op *op)
{
    struct sleep_op *s = container_of(op, struct sleep_op, op);
    timer_stop(&s->timer);
    op_finish(op, -ECANCELED);
}

static void on_sleep_over(struct timer *t)
{
    struct sleep_op *s = container_of(t, struct sleep_op, timer);
    op_finish(&s->op, 0);
}

int flow_sleep(struct flow *f, uint64_t ms)
{
    struct sleep_op s = {0};
    op_begin(&s.op, f->loop, "sleep", on_sleep_cancel);
    timer_start(&s.timer, f->loop, ms, on_sleep_over);
    return flow_wait(f, &s.op);
}

struct deadline deadline(struct flow *f, uint64_t ms)
{
    struct deadline d = {.flow = f, .outer_ns = f->deadline_ns};
    uint64_t at = loop_now_ns(f->loop) + ms * 1000000;
    if (at < f->deadline_ns)
        f->deadline_ns = at;
    return d;
}

void deadline_done(struct deadline *d)
{
    if (d->flow)
        d->flow->deadline_ns = d->outer_ns;
    d->flow = NULL;
}

uint64_t deadline_left_ms(const struct flow *f)
{
    if (f->deadline_ns == UINT64_MAX)
        return UINT64_MAX;
    uint64_t now = loop_now_ns(f->loop);
    return f->deadline_ns <= now ? 0 : (f->deadline_ns - now) / 1000000;
}

struct shield flow_shield(struct flow *f, uint64_t ms)
{
    struct shield s = {.flow = f, .outer_ns = f->deadline_ns};
    f->shield_depth++;
    f->deadline_ns = loop_now_ns(f->loop) + ms * 1000000;
    return s;
}

void shield_done(struct shield *s)
{
    if (!s->flow)
        return;
    assert(s->flow->shield_depth > 0);
    s->flow->shield_depth--;
    s->flow->deadline_ns = s->outer_ns;
    s->flow = NULL;
}
