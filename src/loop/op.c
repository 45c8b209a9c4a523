/*
 * The end of operations: op_finish queues, the loop's ready queue tells.
 *
 * Happy path: a machine calls op_begin in x_start and op_finish when it is through; in the same or the
 * next turn the waiting flow is resumed or `done` is called. Cancelling marks the op once and asks the
 * machine, which finishes it when it can. Invariant: between op_begin and the telling an op is told
 * about exactly once, and never from within op_finish.
 */
#include "loop/op.h"

#include <assert.h>

#include "loop/private.h"

void op_begin(struct op *op, struct loop *l, const char *name, void (*on_cancel)(struct op *op))
{
    assert(op->state == OP_IDLE || op->state == OP_FINISHED);
    op->loop = l;
    op->name = name;
    op->on_cancel = on_cancel;
    op->err = (struct err){0};
    op->status = 0;
    op->cancelled = false;
    op->state = OP_RUNNING;
    list_init(&op->node);
}

void op_finish(struct op *op, int status)
{
    assert(op->state == OP_RUNNING);
    op->status = status;
    if (status < 0 && op->err.code == 0)
        err_set(&op->err, status, "%s", err_text(status));
    op->state = OP_FINISHING;
    list_push(&op->loop->ready, &op->node);
}

void op_cancel(struct op *op)
{
    if (op->state != OP_RUNNING || op->cancelled)
        return;
    op->cancelled = true;
    if (op->on_cancel)
        op->on_cancel(op);
}
