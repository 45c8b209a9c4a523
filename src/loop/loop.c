/*
 * The loop: turns, the clock, the ready queue and late tasks.
 *
 * Happy path of a turn: uv polls and its callbacks only queue; due timers fire; ready ops are told
 * (flows run until they park); late tasks run (gathered writes leave, curl and libpq are called); again
 * until nothing is ready or the turn is spent; then the next poll.
 * With a virtual clock: when nothing is ready, no descriptor is readable (checked twice, a millisecond of
 * real time apart, so that the kernel can deliver what loopback peers wrote) and nothing external is
 * awaited, the clock jumps to the next timer.
 * Fails: a program whose flows wait for nothing that can ever come is ended with the list of its flows.
 * Invariant: flows and done callbacks run only from loop_tell, never inside a uv callback.
 */
#include "loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/wall.h"
#include "loop/private.h"

enum {
    FLOW_COUNT_MAX = 4096,
    ROUNDS_PER_TURN_MAX = 64,
    OPS_PER_TURN_MAX = 128,
    CHORES_PER_TURN_MIN = 4,
    CHORE_COST = 4
};
#define TURN_NS_MAX 500000
#define WALL_START_MS 1767225600000 /* 2026-01-01T00:00:00Z, for virtual clocks */
#define VIRTUAL_START_NS 1000000000ull

static uint64_t real_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

static bool loop_is_busy(const struct loop *l)
{
    return !list_empty(&l->ready) || !list_empty(&l->late) || !list_empty(&l->chores);
}

/* Ends the poll: due timers fire in the turn. libuv before 1.45 runs its timers before it polls, too;
 * the stop makes a poll that follows return at once instead of waiting for input alone. */
static void on_wake(uv_timer_t *wake)
{
    uv_stop(wake->loop);
}

/* Older versions of uv fire their timers (curl's, among them) before they poll, within one uv_run. What such
 * a callback made ready must not wait until the poll ends: a stopped loop polls without waiting. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *l = container_of(prepare, struct loop, before_poll);
    if (loop_is_busy(l))
        uv_stop(&l->uv);
}

struct loop *loop_new(const struct loop_spec *spec)
{
    /* Writing to a peer that has left is an error, not a death: uv and curl (NOSIGNAL) rely on it. */
    signal(SIGPIPE, SIG_IGN);
    struct loop *l = mem_alloc(sizeof(*l));
    int r = uv_loop_init(&l->uv);
    assert(r == 0);
    r = uv_timer_init(&l->uv, &l->wake);
    assert(r == 0);
    uv_unref((uv_handle_t *)&l->wake);
    uv_prepare_init(&l->uv, &l->before_poll);
    uv_prepare_start(&l->before_poll, on_prepare);
    uv_unref((uv_handle_t *)&l->before_poll);
    list_init(&l->ready);
    list_init(&l->late);
    list_init(&l->chores);
    list_init(&l->flows);
    l->virtual_clock = spec->virtual_clock;
    l->measure_cpu = spec->measure_cpu;
    l->flow_count_max = spec->flow_count_max ? spec->flow_count_max : FLOW_COUNT_MAX;
    l->now_ns = spec->virtual_clock ? VIRTUAL_START_NS : real_now_ns();
    int64_t start_ms = spec->wall_start_ms ? spec->wall_start_ms : WALL_START_MS;
    l->wall_offset_ms = start_ms - (int64_t)(l->now_ns / 1000000);
    return l;
}

/* False when there is none. */
static bool run_first(struct list *tasks)
{
    if (list_empty(tasks))
        return false;
    struct loop_task *t = list_entry(list_shift(tasks), struct loop_task, node);
    t->run(t);
    return true;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    assert(l->flow_count == 0 && list_empty(&l->ready));
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->before_poll, NULL);
    /* Handles whose close callbacks are still due. */
    for (int i = 0; i < ROUNDS_PER_TURN_MAX; i++) {
        uv_run(&l->uv, UV_RUN_NOWAIT);
        while (run_first(&l->late) || run_first(&l->chores))
            ;
    }
    timer_heap_done(l);
    int r = uv_loop_close(&l->uv);
    if (r < 0)
        uv_print_all_handles(&l->uv, stderr);
    assert(r == 0);
    context_free_idle(l);
    mem_free(l);
}

uv_loop_t *loop_uv(struct loop *l)
{
    return &l->uv;
}

uint64_t loop_now_ns(const struct loop *l)
{
    return l->now_ns;
}

uint64_t loop_now_ms(const struct loop *l)
{
    return l->now_ns / 1000000;
}

int64_t loop_wall_ms(const struct loop *l)
{
    return l->virtual_clock ? (int64_t)(l->now_ns / 1000000) + l->wall_offset_ms : wall_now_ms();
}

void loop_wall_jump(struct loop *l, int64_t by_ms)
{
    assert(l->virtual_clock);
    l->wall_offset_ms += by_ms;
}

void loop_clock_update(struct loop *l)
{
    if (!l->virtual_clock)
        l->now_ns = real_now_ns();
}

void loop_external(struct loop *l, int by)
{
    l->external_count += by;
    assert(l->external_count >= 0);
}

void loop_task_init(struct loop_task *t, void (*run)(struct loop_task *t))
{
    list_init(&t->node);
    t->run = run;
}

void loop_post(struct loop *l, struct loop_task *t)
{
    if (!list_linked(&t->node))
        list_push(&l->late, &t->node);
}

void loop_post_chore(struct loop *l, struct loop_task *t)
{
    if (!list_linked(&t->node))
        list_push(&l->chores, &t->node);
}

void loop_unpost(struct loop_task *t)
{
    if (t->node.next)
        list_remove(&t->node);
}

bool loop_turn_spent(const struct loop *l)
{
    return l->ops_left == 0 ||
           (!l->virtual_clock && real_now_ns() - l->turn_began_ns > TURN_NS_MAX);
}

void loop_turn_charge(struct loop *l, unsigned count)
{
    l->ops_left -= MIN(count, l->ops_left);
}

uint64_t loop_turn_count(const struct loop *l)
{
    return l->turn_count;
}

/* Tells the ends of the ops that are ready now, oldest first, until the turn is spent; those that become
 * ready meanwhile wait for the next round, so that late tasks get their turn. */
static void loop_tell(struct loop *l)
{
    const struct list *newest = l->ready.prev;
    for (bool last = list_empty(&l->ready); !last && !loop_turn_spent(l);) {
        struct list *node = list_shift(&l->ready);
        last = node == newest;
        l->ops_left--;
        struct op *op = list_entry(node, struct op, node);
        op->state = OP_FINISHED;
        if (op->waiter)
            flow_resume(op->waiter);
        else if (op->done)
            op->done(op);
    }
}

static void loop_run_late(struct loop *l)
{
    struct list now;
    list_init(&now);
    while (!list_empty(&l->late))
        list_push(&now, list_shift(&l->late));
    while (run_first(&now))
        ;
}

static void loop_run_chores(struct loop *l)
{
    for (int i = 0; i < CHORES_PER_TURN_MIN || !loop_turn_spent(l); i++) {
        if (!run_first(&l->chores))
            return;
        loop_turn_charge(l, CHORE_COST);
    }
}

/* A poll that waits uses no CPU time, so from turn's end to turn's end is one poll's callbacks and a turn. */
static void measure_cpu(struct loop *l)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    uint64_t now_ns = (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
    if (l->turn_cpu_ns > 0)
        l->stall_cpu_ns = MAX(l->stall_cpu_ns, now_ns - l->turn_cpu_ns);
    l->turn_cpu_ns = now_ns;
}

/* What can be done without polling, in bounded rounds. */
static void loop_turn(struct loop *l)
{
    l->turn_count++;
    l->turn_began_ns = real_now_ns();
    l->ops_left = OPS_PER_TURN_MAX;
    loop_clock_update(l);
    timer_fire_due(l);
    for (int i = 0; i < ROUNDS_PER_TURN_MAX && !loop_turn_spent(l); i++) {
        if (list_empty(&l->ready) && list_empty(&l->late))
            break;
        loop_tell(l);
        if (list_empty(&l->ready))
            loop_run_late(l);
    }
    /* Never poll before them: flows that yield all the time must not keep bytes from leaving, and curl must
     * hear of closed calls before its sockets are looked at again. */
    if (!list_empty(&l->late))
        loop_run_late(l);
    loop_run_chores(l);
    l->stall_ns = MAX(l->stall_ns, real_now_ns() - l->turn_began_ns);
    if (l->measure_cpu)
        measure_cpu(l);
}

static bool loop_has_io(struct loop *l, int timeout_ms)
{
    struct pollfd p = {.fd = uv_backend_fd(&l->uv), .events = POLLIN};
    return poll(&p, 1, timeout_ms) > 0;
}

static void loop_stuck(struct loop *l)
{
    struct buf out = BUF_INIT(0);
    loop_list_flows(l, &out);
    fprintf(stderr, "deskstream: nothing can wake these flows any more:\n%.*s",
            STR_ARG(buf_view(&out)));
    abort();
}

static void loop_uv_run(struct loop *l, uv_run_mode mode)
{
    l->polling = true;
    uv_run(&l->uv, mode);
    l->polling = false;
}

static void loop_poll_virtual(struct loop *l)
{
    loop_uv_run(l, UV_RUN_NOWAIT);
    bool uv_is_busy = uv_loop_alive(&l->uv) && uv_backend_timeout(&l->uv) == 0;
    if (loop_is_busy(l) || uv_is_busy || loop_has_io(l, 0))
        return;
    if (l->external_count > 0) {
        loop_uv_run(l, UV_RUN_ONCE);
        return;
    }
    if (uv_loop_alive(&l->uv) && loop_has_io(l, 1))
        return;
    uint64_t next_ns = timer_next_ns(l);
    if (next_ns != UINT64_MAX)
        l->now_ns = MAX(next_ns, l->now_ns);
    else if (uv_loop_alive(&l->uv))
        loop_uv_run(l, UV_RUN_ONCE);
    else
        loop_stuck(l);
}

static void loop_poll(struct loop *l)
{
    if (l->virtual_clock) {
        loop_poll_virtual(l);
        return;
    }
    uint64_t next_ns = timer_next_ns(l);
    if (loop_is_busy(l) || next_ns <= l->now_ns) {
        loop_uv_run(l, UV_RUN_NOWAIT);
        return;
    }
    if (next_ns == UINT64_MAX) {
        if (!uv_loop_alive(&l->uv))
            loop_stuck(l);
        loop_uv_run(l, UV_RUN_ONCE);
        return;
    }
    uv_update_time(&l->uv);
    loop_clock_update(l);
    uint64_t wait_ms = next_ns > l->now_ns ? (next_ns - l->now_ns + 999999) / 1000000 : 0;
    uv_timer_start(&l->wake, on_wake, wait_ms, 0);
    uv_ref((uv_handle_t *)&l->wake);
    loop_uv_run(l, UV_RUN_ONCE);
    uv_timer_stop(&l->wake);
    uv_unref((uv_handle_t *)&l->wake);
}

int loop_run(struct loop *l, const char *name, flow_fn *fn, void *arg, struct err *ret_err)
{
    assert(!l->first);
    loop_clock_update(l);
    struct flow *f = l->first = flow_new(l, name, fn, arg);
    for (;;) {
        loop_turn(l);
        if (f->ended)
            break;
        loop_poll(l);
    }
    int status = f->status;
    if (ret_err)
        *ret_err = f->err;
    flow_free(f);
    l->first = NULL;
    /* What the last flow's machines left to do: closing handles. */
    for (int i = 0; i < ROUNDS_PER_TURN_MAX; i++) {
        loop_turn(l);
        uv_run(&l->uv, UV_RUN_NOWAIT);
    }
    return status;
}

void loop_stop(struct loop *l)
{
    if (l->first)
        flow_cancel(l->first);
}

void loop_list_flows(struct loop *l, struct buf *out)
{
    list_each (n, &l->flows) {
        struct flow *f = list_entry(n, struct flow, live);
        buf_printf(out, "%" PRIu64 " %s waiting=%s age_ms=%" PRIu64 "%s%s\n", f->id, f->name,
                   f->waiting ? f->waiting->name : "-", (l->now_ns - f->start_ns) / 1000000,
                   f->request_id[0] ? " req=" : "", f->request_id);
    }
}

size_t loop_flow_count(const struct loop *l)
{
    return l->flow_count;
}

uint64_t loop_stall_take_ns(struct loop *l)
{
    uint64_t ns = l->stall_ns;
    l->stall_ns = 0;
    return ns;
}

uint64_t loop_stall_take_cpu_ns(struct loop *l)
{
    uint64_t ns = l->stall_cpu_ns;
    l->stall_cpu_ns = 0;
    return ns;
}

void loop_cancel_at_wait(struct loop *l, uint64_t nth)
{
    l->wait_count = 0;
    l->cancel_at_wait = nth;
}

uint64_t loop_wait_count(const struct loop *l)
{
    return l->wait_count;
}
