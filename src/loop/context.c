/*
 * Stacks. The only file that knows mmap'd stacks and the sanitizers' fiber hooks; the switch itself is in
 * switch.h.
 *
 * A context is one mapping, used again by later flows:
 *
 *   low                                                         high
 *   | guard page, no access | ....... | what was deepest | parked frames |
 *                                      `- given back at the SETTLED_PARKS'th wait
 *
 * Happy path: context_enter runs a flow on its stack until it parks or leaves; parking comes back here.
 * A page that was touched once stays resident, and a flow that has settled into a loop (a stream) needs far
 * less depth than it took to open its request: so at one wait of its life the pages below are given back.
 * Failing to map a stack ends the process: flow_count_max bounds how many there are.
 * Invariant: exactly one side of each switch is running; loop->current says which.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/private.h"
#include "loop/switch.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define HAVE_VALGRIND 1
#endif
#endif

enum {
    STACK_BYTES = 256 * 1024,
    IDLE_CONTEXTS_MAX = 64,
    SETTLED_PARKS =
        12, /* waits after which a flow's stack is trimmed, once; short requests have fewer */
    TRIM_SLACK_BYTES =
        1024, /* below the parked frame: the red zone and what the next calls touch */
};

struct flow_context {
    struct switch_point flow, loop;
    char *map;
    size_t map_bytes, guard_bytes;
    struct flow_context *next_idle;
    void (*entry)(struct flow *f);
    struct flow *runs;
    unsigned parks; /* of the flow that runs */
#ifdef HAVE_ASAN
    void *flow_fake_stack, *loop_fake_stack;
    const void *loop_stack;
    size_t loop_stack_bytes;
#endif
#ifdef HAVE_VALGRIND
    unsigned valgrind_id;
#endif
};

static struct flow_context *context_map(void)
{
    struct flow_context *c = mem_alloc(sizeof(*c));
    c->guard_bytes = (size_t)sysconf(_SC_PAGESIZE);
    c->map_bytes = STACK_BYTES + c->guard_bytes;
    c->map = mmap(NULL, c->map_bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (c->map == MAP_FAILED || mprotect(c->map, c->guard_bytes, PROT_NONE) < 0) {
        perror("deskstream: no memory for a flow's stack (see vm.max_map_count)");
        abort();
    }
#ifdef HAVE_VALGRIND
    c->valgrind_id = VALGRIND_STACK_REGISTER(c->map + c->guard_bytes, c->map + c->map_bytes);
#endif
    return c;
}

static void context_unmap(struct flow_context *c)
{
#ifdef HAVE_VALGRIND
    VALGRIND_STACK_DEREGISTER(c->valgrind_id);
#endif
#ifdef HAVE_ASAN
    ASAN_UNPOISON_MEMORY_REGION(c->map + c->guard_bytes, c->map_bytes - c->guard_bytes);
#endif
    munmap(c->map, c->map_bytes);
    mem_free(c);
}

/* First code on a new stack. */
static void on_first(void *context)
{
    struct flow_context *c = context;
#ifdef HAVE_ASAN
    __sanitizer_finish_switch_fiber(NULL, &c->loop_stack, &c->loop_stack_bytes);
#endif
    c->entry(c->runs);
    abort(); /* entry ends in context_leave */
}

static struct flow_context *context_take(struct loop *l)
{
    struct flow_context *c = l->idle_contexts;
    if (!c)
        return context_map();
    l->idle_contexts = c->next_idle;
    l->idle_context_count--;
    c->next_idle = NULL;
    return c;
}

static void context_prepare(struct loop *l, struct flow *f, void (*entry)(struct flow *f))
{
    struct flow_context *c = f->context = context_take(l);
    c->entry = entry;
    c->runs = f;
    c->parks = 0;
    switch_prepare(&c->flow, c->map + c->guard_bytes, STACK_BYTES, on_first, c);
}

/* Gives back the pages below the parked frames; they come back zeroed when touched. */
static __attribute__((noinline)) void context_trim(struct flow_context *c)
{
    uintptr_t page = (uintptr_t)c->guard_bytes, low = (uintptr_t)c->map + c->guard_bytes;
    uintptr_t high = ((uintptr_t)__builtin_frame_address(0) - TRIM_SLACK_BYTES) & ~(page - 1);
    if (high > low)
        madvise(c->map + c->guard_bytes, high - low, MADV_DONTNEED);
}

void context_enter(struct loop *l, struct flow *f, void (*entry)(struct flow *f))
{
    if (!f->context)
        context_prepare(l, f, entry);
    struct flow_context *c = f->context;
    assert(!l->current);
    l->current = f;
#ifdef HAVE_ASAN
    __sanitizer_start_switch_fiber(&c->loop_fake_stack, c->map + c->guard_bytes, STACK_BYTES);
#endif
    switch_to(&c->loop, &c->flow);
#ifdef HAVE_ASAN
    __sanitizer_finish_switch_fiber(c->loop_fake_stack, NULL, NULL);
#endif
    l->current = NULL;
}

void context_park(struct loop *l, struct flow *f)
{
    struct flow_context *c = f->context;
    assert(l->current == f);
    if (++c->parks == SETTLED_PARKS)
        context_trim(c);
#ifdef HAVE_ASAN
    __sanitizer_start_switch_fiber(&c->flow_fake_stack, c->loop_stack, c->loop_stack_bytes);
#endif
    switch_to(&c->flow, &c->loop);
#ifdef HAVE_ASAN
    __sanitizer_finish_switch_fiber(c->flow_fake_stack, &c->loop_stack, &c->loop_stack_bytes);
#endif
}

void context_leave(struct loop *l, struct flow *f)
{
    struct flow_context *c = f->context;
    assert(l->current == f);
#ifdef HAVE_ASAN
    __sanitizer_start_switch_fiber(NULL, c->loop_stack,
                                   c->loop_stack_bytes); /* frees the fake stack */
#endif
    switch_to(&c->flow, &c->loop);
    abort();
}

void context_release(struct loop *l, struct flow *f)
{
    struct flow_context *c = f->context;
    f->context = NULL;
    if (!c)
        return;
#ifdef HAVE_ASAN
    ASAN_UNPOISON_MEMORY_REGION(c->map + c->guard_bytes, c->map_bytes - c->guard_bytes);
#endif
    c->runs = NULL;
    if (l->idle_context_count >= IDLE_CONTEXTS_MAX) {
        context_unmap(c);
        return;
    }
    c->next_idle = l->idle_contexts;
    l->idle_contexts = c;
    l->idle_context_count++;
}

void context_free_idle(struct loop *l)
{
    while (l->idle_contexts) {
        struct flow_context *c = l->idle_contexts;
        l->idle_contexts = c->next_idle;
        context_unmap(c);
    }
    l->idle_context_count = 0;
}
