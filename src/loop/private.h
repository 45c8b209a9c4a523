#pragma once
/* What the files of loop/ share among themselves. No other room includes this. */
#include <uv.h>

#include "base/list.h"
#include "loop/flow.h"
#include "loop/loop.h"
#include "loop/op.h"
#include "loop/timer.h"

struct timer_heap {
    struct timer **slots; /* slots[1..count]; slots[0] unused */
    size_t count, cap;
    uint64_t next_order;
};

struct loop {
    uv_loop_t uv;
    uv_timer_t wake; /* fires at the heap's first timer; not used with a virtual clock */
    uv_prepare_t before_poll;
    struct list ready;  /* struct op.node: finished, not yet told */
    struct list late;   /* struct loop_task.node */
    struct list chores; /* the same, for what may wait */
    struct list flows;  /* struct flow.live, oldest first */
    struct timer_heap timers;
    struct flow *first;
    struct flow *current; /* the flow that runs, NULL on the loop's own stack */
    struct flow_context *idle_contexts;
    size_t idle_context_count;
    size_t flow_count, flow_count_max;
    uint64_t next_flow_id;
    uint64_t now_ns;
    int64_t wall_offset_ms; /* wall = now + offset, virtual clock only */
    uint64_t stall_ns, stall_cpu_ns;
    uint64_t turn_count, turn_began_ns, turn_cpu_ns;
    unsigned ops_left; /* that this turn may still tell */
    bool measure_cpu;
    uint64_t wait_count, cancel_at_wait;
    int external_count;
    bool virtual_clock;
    bool polling; /* uv's callbacks run: now_ns is from before the poll */
};

/* timer.c */
uint64_t timer_next_ns(const struct loop *l); /* UINT64_MAX when none */
bool timer_fire_due(struct loop *l);          /* true when one fired */
void timer_heap_done(struct loop *l);

/* context.c: stacks and switching; the only file that knows ucontext. */
void context_enter(struct loop *l, struct flow *f,
                   void (*entry)(struct flow *f)); /* until it parks */
void context_park(struct loop *l, struct flow *f);
void context_leave(struct loop *l, struct flow *f) __attribute__((noreturn)); /* never runs again */
void context_release(struct loop *l, struct flow *f);
void context_free_idle(struct loop *l);

/* flow.c */
struct flow *flow_new(struct loop *l, const char *name, flow_fn *fn, void *arg);
void flow_free(struct flow *f);
void flow_resume(struct flow *f);
/* Waits for the op's end whatever happens: for cleanup. */
void flow_drain(struct flow *f, struct op *op);

/* group.c */
void group_child_ended(struct group *g, struct flow *child);
