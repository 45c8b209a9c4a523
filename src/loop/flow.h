#pragma once
/*
 * Flows: stackful coroutines in which use cases are written top to bottom (style §7).
 *
 * Who waits takes `struct flow *f` first. Cancellation is sticky: every later wait returns
 * -ECANCELED at once. Cancel outranks timeout, both outrank data; an op may therefore have
 * succeeded although the wait returned < 0, so results are released by _cleanup_, never by hand.
 * No flow outlives its group; no flow leaves the loop's thread. Stacks are 256 KiB, guarded.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "loop/loop.h"
#include "loop/op.h"

struct flow_context;
struct group;

/* Fields above the line are for everybody; those below for loop/ only. */
struct flow {
    struct arena arena; /* dies with the flow */
    struct err err;     /* what the last failed call said */
    struct loop *loop;
    uint64_t id;
    const char *name;    /* static text */
    char request_id[40]; /* inherited by children; "" outside a request */
    /* ---- */
    struct flow_context *context;
    struct group *group; /* NULL for the first flow */
    struct list sibling; /* in group->children */
    struct list live;    /* in the loop's list */
    flow_fn *fn;
    void *arg;
    void (*on_end)(void *arg, int status);
    struct op kick;     /* puts the flow into the ready queue the first time */
    struct op *waiting; /* what it waits on; NULL while it runs */
    uint64_t start_ns;
    uint64_t deadline_ns; /* UINT64_MAX: none */
    int status;
    uint16_t shield_depth;
    bool cancelled;
    bool ended;
};

/* Waits until `op` has finished and returns its status. On cancel or deadline it asks the op to
 * stop, waits for its end all the same, and returns -ECANCELED or -ETIMEDOUT. E_LIMIT when the
 * flow's arena is over its cap. On < 0 f->err says why. `op` may have finished already. */
int flow_wait(struct flow *f, struct op *op) _must_check_;
/* Requests the end of a flow; from anywhere on the loop's thread; idempotent. */
void flow_cancel(struct flow *f);
/* 0, or what a wait would return now: for long loops that do not wait. */
int flow_check(struct flow *f) _must_check_;
/* Lets everything else that is ready run first. */
int flow_yield(struct flow *f) _must_check_;
int flow_sleep(struct flow *f, uint64_t ms) _must_check_;
bool flow_is_cancelled(const struct flow *f);

/* _cleanup_(deadline_done) struct deadline d = deadline(f, 20000);
 * Waits in this scope return -ETIMEDOUT once the time is over; the nearest of nested ones wins. */
struct deadline {
    struct flow *flow;
    uint64_t outer_ns;
};
struct deadline deadline(struct flow *f, uint64_t ms) _must_check_;
void deadline_done(struct deadline *d);
/* Milliseconds until the flow's nearest deadline; UINT64_MAX without one; 0 when over. */
uint64_t deadline_left_ms(const struct flow *f);

/* _cleanup_(shield_done) struct shield s = flow_shield(f, 2000);
 * For cleanup that must talk (ROLLBACK, lease release): in this scope cancellation, outer deadlines and
 * the arena's cap are not seen; the shield's own deadline is. */
struct shield {
    struct flow *flow;
    uint64_t outer_ns;
};
struct shield flow_shield(struct flow *f, uint64_t ms) _must_check_;
void shield_done(struct shield *s);

/* ---- groups: children end before their parent ---- */

/* _cleanup_(group_join) struct group g = GROUP_INIT(f);
 * The first child that fails (spawning counts) cancels its siblings, and group_wait returns its
 * error. With GROUP_INIT_ALL failures stay with the children: for servers and "collect all results".
 * A child's results go to memory its parent owns; the child's own arena dies with it. */
struct group {
    struct flow *owner;
    struct list children; /* struct flow.sibling; empty ring made on first use */
    size_t count;
    size_t room; /* the op finishes when count < room */
    int status;
    struct err err;
    bool collect_all;
    bool cancelled;
    struct op op;
};
#define GROUP_INIT(f)                                                                              \
    {                                                                                              \
        .owner = (f)                                                                               \
    }
#define GROUP_INIT_ALL(f)                                                                          \
    {                                                                                              \
        .owner = (f), .collect_all = true                                                          \
    }

/* Starts fn(child, arg) later in this turn. < 0: E_OVERLOAD (too many flows) or -ECANCELED (the
 * group is ending); also kept as the group's failure. */
int group_spawn(struct group *g, const char *name, flow_fn *fn, void *arg);
/* For machines: on_end(arg, status) is called from the loop once the flow is gone. */
int group_spawn_watched(struct group *g, const char *name, flow_fn *fn, void *arg,
                        void (*on_end)(void *arg, int status)) _must_check_;
/* Waits for all children. */
int group_wait(struct flow *f, struct group *g) _must_check_;
/* Waits until fewer than `count_max` children live: bounded fan-out. */
int group_room(struct flow *f, struct group *g, size_t count_max) _must_check_;
/* Asks all children to end; later spawns fail with -ECANCELED. Does not wait. */
void group_cancel(struct group *g);
/* Cleanup: cancels what still runs and waits for it. The only wait without a flow argument. */
void group_join(struct group *g);

/* ---- condition: a FIFO of waiting flows ---- */

/* "A wait is a re-read point": while (!ready) { r = cond_wait(f, &c); if (r < 0) return r; } */
struct cond {
    struct list waiters; /* zeroed is valid */
};
int cond_wait(struct flow *f, struct cond *c) _must_check_;
void cond_signal(struct cond *c); /* wakes the one that has waited longest */
void cond_broadcast(struct cond *c);
bool cond_has_waiters(const struct cond *c);

/* ---- gate: so many at a time, first come first served ---- */

struct gate {
    size_t inside_count_max; /* > 0; the rest zeroed is valid */
    size_t inside_count;
    struct list waiters;
};
/* 0: inside, gate_leave is owed. < 0: not inside. */
int gate_enter(struct flow *f, struct gate *g) _must_check_;
void gate_leave(struct gate *g);

/* ---- work off the loop ---- */

/* Runs fn(arg) on a pool thread and waits for it. `arg` must not be touched meanwhile; it may be on
 * the flow's stack since the wait never returns before fn has. Not cancellable once begun.
 * Returns fn's result (< 0 with its code's text, or *err when fn filled one it was given in arg). */
int work_run(struct flow *f, int (*fn)(void *arg), void *arg) _must_check_;

/* Waits for one of the signals (SIGINT, SIGTERM, SIGHUP, SIGUSR1); returns its number. */
int signal_wait(struct flow *f, const int *signals, size_t signal_count) _must_check_;
