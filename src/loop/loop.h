#pragma once
/*
 * The one loop: uv_loop_t, our clock, the ready queue and the queue of late tasks.
 *
 * A turn:  poll (uv callbacks only queue)  ->  ready ops: done callbacks, flows run until they wait
 *          ->  late tasks: gathered writes, curl and libpq calls  ->  again while anything is ready.
 * A turn is bounded: after 128 ended ops (or dearer pieces of work that count for several) or half a
 * millisecond it is spent, and what is left waits, first come first served, until the sockets have been
 * looked at again. So a storm of new work or of clients that leave does not hold up what is under way.
 *
 * Virtual clock (tests): time stands still while anything is ready, a descriptor is readable or
 * something outside this process is awaited (loop_external), then jumps to the next timer.
 * One thread only; nothing here may be called from another, or from a signal handler.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"

struct flow;
struct loop;
struct uv_loop_s;

struct loop_spec {
    bool virtual_clock;
    size_t flow_count_max; /* 0: 4096. Spawning past it fails with E_OVERLOAD. */
    int64_t wall_start_ms; /* virtual clock's wall time at start; 0: 2026-01-01T00:00:00Z */
    bool measure_cpu;      /* for loop_stall_take_cpu_ns; costs a system call a turn */
};

struct loop *loop_new(const struct loop_spec *spec);
/* Asserts that no flow, timer, task or handle is left and that uv_loop_close gives 0. NULL is fine. */
void loop_free(struct loop *l);

/* For machines (net, http, db) only. */
struct uv_loop_s *loop_uv(struct loop *l);

uint64_t loop_now_ns(const struct loop *l); /* monotonic; frozen during a turn's poll batch */
uint64_t loop_now_ms(const struct loop *l); /* the same in ms */
int64_t loop_wall_ms(const struct loop *l); /* unix time */
/* As if somebody set the machine's clock; virtual clock only. */
void loop_wall_jump(struct loop *l, int64_t by_ms);
void loop_clock_update(struct loop *l); /* after long CPU work */

/* Runs fn as the first flow and everything it starts, until it has ended. Returns its result; its
 * error in ret_err (may be NULL). The flow's cancel is loop_stop. */
typedef int flow_fn(struct flow *f, void *arg);
int loop_run(struct loop *l, const char *name, flow_fn *fn, void *arg, struct err *ret_err);
/* Cancels the first flow. */
void loop_stop(struct loop *l);

/* A piece of work for the end of this turn; posting one that is posted already does nothing. The
 * owner keeps the memory until it ran or loop_unpost. Machines only. */
struct loop_task {
    struct list node;
    void (*run)(struct loop_task *t);
};
void loop_task_init(struct loop_task *t, void (*run)(struct loop_task *t));
void loop_post(struct loop *l, struct loop_task *t);
/* For what may wait, such as closing: a few a turn, more when the turn has room for them. */
void loop_post_chore(struct loop *l, struct loop_task *t);
void loop_unpost(struct loop_task *t); /* of either queue */
/* Has this turn done its share? A machine with a queue then posts itself again and leaves the rest; it
 * does at least one piece, so that nothing is starved. With a virtual clock only the count counts. */
bool loop_turn_spent(const struct loop *l);
/* Something was begun that will cost this turn as much as `count` ops of some 4 us. */
void loop_turn_charge(struct loop *l, unsigned count);
uint64_t loop_turn_count(const struct loop *l); /* turns so far */

/* Something outside this process is awaited (+1) or has come (-1): the virtual clock stands still. */
void loop_external(struct loop *l, int by);

/* Appends one line a live flow: id, name, what it waits on, age; oldest first. */
void loop_list_flows(struct loop *l, struct buf *out);
size_t loop_flow_count(const struct loop *l);
/* Longest time one turn kept the loop from polling since the last call, ns; then starts anew. */
uint64_t loop_stall_take_ns(struct loop *l);
/* The same in CPU time of the loop's thread, poll callbacks included: what a busy machine does not blur.
 * 0 unless the spec said measure_cpu. */
uint64_t loop_stall_take_cpu_ns(struct loop *l);

/* Torture: cancels the first flow when any flow begins its nth wait (from 1); 0 switches it off. */
void loop_cancel_at_wait(struct loop *l, uint64_t nth);
uint64_t loop_wait_count(const struct loop *l);
