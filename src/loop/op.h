#pragma once
/*
 * The one async convention (style §6). An operation is a caller-owned struct with `struct op op`
 * first.
 *
 *   x_start()  < 0  nothing began, nothing to release
 *              = 0  it finishes exactly once, always later, from the loop's ready queue
 *   op_cancel()     a request: idempotent, any time; the op still finishes
 *   x_done()        releases results, after it has finished
 *
 *      IDLE --op_begin--> RUNNING --op_finish--> FINISHING --ready queue--> FINISHED (= IDLE)
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/list.h"

struct flow;
struct loop;

enum op_state { OP_IDLE, OP_RUNNING, OP_FINISHING, OP_FINISHED };

struct op {
    struct loop *loop;
    const char *name; /* static text, e.g. "pg.query"; shown in the list of flows */
    /* Asks the machine to finish soon; NULL: it does so by itself. Called at most once, while
     * RUNNING; may call op_finish. */
    void (*on_cancel)(struct op *op);
    /* For machines only; from the ready queue; may free the op. Flows leave it NULL and wait. */
    void (*done)(struct op *op);
    struct flow *waiter;
    struct list node;
    struct err err; /* set before op_finish(< 0); else filled with the code's text */
    int status;     /* of the finished op */
    enum op_state state;
    bool cancelled;
};

/* Makes a zeroed or finished op RUNNING. Called by x_start when nothing can fail any more. */
void op_begin(struct op *op, struct loop *l, const char *name, void (*on_cancel)(struct op *op));
/* Queues the end; legal once per op_begin. */
void op_finish(struct op *op, int status);
void op_cancel(struct op *op);

static inline bool op_active(const struct op *op)
{
    return op->state == OP_RUNNING || op->state == OP_FINISHING;
}
