/*
 * Timers: a binary heap ordered by time, then by start order.
 *
 * Happy path: timer_start puts the timer in; the loop calls timer_fire_due once a turn, which takes due
 * timers out one by one and calls them. Nothing here fails; the heap grows with the number of timers.
 * Invariant: slots[i]->heap_place == i for every i in 1..count, and a parent is never later than its
 * children.
 */
#include "loop/timer.h"

#include <assert.h>

#include "base/mem.h"
#include "loop/private.h"

static bool earlier(const struct timer *a, const struct timer *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void place(struct timer_heap *h, size_t at, struct timer *t)
{
    h->slots[at] = t;
    t->heap_place = at;
}

static void sift_up(struct timer_heap *h, size_t at)
{
    struct timer *t = h->slots[at];
    while (at > 1 && earlier(t, h->slots[at / 2])) {
        place(h, at, h->slots[at / 2]);
        at /= 2;
    }
    place(h, at, t);
}

static void sift_down(struct timer_heap *h, size_t at)
{
    struct timer *t = h->slots[at];
    for (;;) {
        size_t child = at * 2;
        if (child > h->count)
            break;
        if (child < h->count && earlier(h->slots[child + 1], h->slots[child]))
            child++;
        if (!earlier(h->slots[child], t))
            break;
        place(h, at, h->slots[child]);
        at = child;
    }
    place(h, at, t);
}

void timer_start_at(struct timer *t, struct loop *l, uint64_t at_ns,
                    void (*on_fire)(struct timer *t))
{
    timer_stop(t);
    struct timer_heap *h = &l->timers;
    if (h->count + 2 > h->cap) {
        h->cap = h->cap ? h->cap * 2 : 64;
        h->slots = mem_realloc(h->slots, h->cap * sizeof(*h->slots));
    }
    t->loop = l;
    t->at_ns = at_ns;
    t->order = h->next_order++;
    t->on_fire = on_fire;
    h->count++;
    place(h, h->count, t);
    sift_up(h, h->count);
}

void timer_start(struct timer *t, struct loop *l, uint64_t ms, void (*on_fire)(struct timer *t))
{
    if (l->polling)
        loop_clock_update(l);
    timer_start_at(t, l, loop_now_ns(l) + ms * 1000000, on_fire);
}

void timer_stop(struct timer *t)
{
    if (!t->heap_place)
        return;
    struct timer_heap *h = &t->loop->timers;
    size_t at = t->heap_place;
    assert(at <= h->count && h->slots[at] == t);
    t->heap_place = 0;
    struct timer *last = h->slots[h->count--];
    if (last == t)
        return;
    place(h, at, last);
    sift_up(h, at);
    sift_down(h, last->heap_place);
}

uint64_t timer_next_ns(const struct loop *l)
{
    return l->timers.count ? l->timers.slots[1]->at_ns : UINT64_MAX;
}

bool timer_fire_due(struct loop *l)
{
    bool fired = false;
    /* Timers started by callbacks for "now" wait for the next turn: no callback can starve the poll. */
    uint64_t order_end = l->timers.next_order;
    while (l->timers.count) {
        struct timer *t = l->timers.slots[1];
        if (t->at_ns > l->now_ns || t->order >= order_end)
            break;
        timer_stop(t);
        fired = true;
        t->on_fire(t);
    }
    return fired;
}

void timer_heap_done(struct loop *l)
{
    assert(l->timers.count == 0);
    mem_free(l->timers.slots);
    l->timers = (struct timer_heap){0};
}
