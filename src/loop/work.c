/*
 * Work off the loop: uv's thread pool behind one suspending call, and signals behind another.
 *
 * Happy path: work_run queues fn on the pool and parks; the loop resumes the flow with fn's result.
 * A cancel before a thread took it gives -ECANCELED; after that the wait lasts until fn is through.
 * Invariant: fn's argument is not touched by the loop's thread between queueing and the end.
 */
#include <assert.h>
#include <errno.h>

#include "base/fault.h"
#include "base/mem.h"
#include "loop/private.h"

struct work_op {
    struct op op;
    uv_work_t request;
    int (*fn)(void *arg);
    void *arg;
    int status;
};

static void on_work(uv_work_t *request)
{
    struct work_op *w = container_of(request, struct work_op, request);
    w->status = w->fn(w->arg);
}

static void on_work_over(uv_work_t *request, int uv_status)
{
    struct work_op *w = container_of(request, struct work_op, request);
    loop_external(w->op.loop, -1);
    op_finish(&w->op, uv_status < 0 ? -ECANCELED : w->status);
}

static void on_work_cancel(struct op *op)
{
    struct work_op *w = container_of(op, struct work_op, op);
    uv_cancel((uv_req_t *)&w->request); /* -EBUSY when a thread has it: on_work_over comes anyway */
}

int work_run(struct flow *f, int (*fn)(void *arg), void *arg)
{
    int r = fault_check("work.run", E_OVERLOAD);
    if (r < 0)
        return err_set(&f->err, r, "no worker thread");
    struct work_op w = {.fn = fn, .arg = arg};
    op_begin(&w.op, f->loop, "work", on_work_cancel);
    r = uv_queue_work(loop_uv(f->loop), &w.request, on_work, on_work_over);
    assert(r == 0);
    loop_external(f->loop, 1);
    return flow_wait(f, &w.op);
}

/* ---- signals ---- */

enum { SIGNALS_MAX = 8 };

struct signal_op {
    struct op op;
    uv_signal_t handles[SIGNALS_MAX];
    size_t open_count;
    int number; /* the one that came; 0: none */
};

static void on_signal_closed(uv_handle_t *handle)
{
    struct signal_op *s = handle->data;
    if (--s->open_count == 0)
        op_finish(&s->op, s->number ? s->number : -ECANCELED);
}

static void signals_close(struct signal_op *s)
{
    for (size_t i = 0; i < s->open_count; i++) {
        if (!uv_is_closing((uv_handle_t *)&s->handles[i]))
            uv_close((uv_handle_t *)&s->handles[i], on_signal_closed);
    }
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct signal_op *s = handle->data;
    if (s->number)
        return;
    s->number = number;
    signals_close(s);
}

static void on_signal_cancel(struct op *op)
{
    signals_close(container_of(op, struct signal_op, op));
}

int signal_wait(struct flow *f, const int *signals, size_t signal_count)
{
    assert(signal_count > 0 && signal_count <= SIGNALS_MAX);
    struct signal_op s = {0};
    op_begin(&s.op, f->loop, "signal", on_signal_cancel);
    for (size_t i = 0; i < signal_count; i++) {
        int r = uv_signal_init(loop_uv(f->loop), &s.handles[i]);
        assert(r == 0);
        s.handles[i].data = &s;
        s.open_count++;
        r = uv_signal_start(&s.handles[i], on_signal, signals[i]);
        assert(r == 0);
    }
    return flow_wait(f, &s.op);
}
