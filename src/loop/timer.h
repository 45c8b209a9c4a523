#pragma once
/* Timers on the loop's clock: a binary heap under one uv_timer, virtual in tests. For machines;
 * flows use flow_sleep and deadline. Callbacks run from the loop, never inside timer_start. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

struct timer {
    uint64_t at_ns;
    uint64_t order;    /* ties fire in the order they were started */
    size_t heap_place; /* 1-based place in the heap; 0: not running */
    void (*on_fire)(struct timer *t);
    struct loop *loop;
};
/* Starts or restarts. The owner keeps the memory until it fired or timer_stop. */
void timer_start(struct timer *t, struct loop *l, uint64_t ms, void (*on_fire)(struct timer *t));
void timer_start_at(struct timer *t, struct loop *l, uint64_t at_ns,
                    void (*on_fire)(struct timer *t));
void timer_stop(struct timer *t); /* fine when not running or zeroed */
static inline bool timer_running(const struct timer *t)
{
    return t->heap_place != 0;
}
