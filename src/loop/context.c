/*
 * Stacks and the switch between them. The only file that knows ucontext, mmap'd stacks and the
 * sanitizers' fiber hooks.
 *
 * A context is one mapping, used again by later flows:
 *
 *   low                                                         high
 *   | guard page, no access | stack, grows down ............ |
 *
 * Happy path: context_enter runs a flow on its stack until it parks or leaves; parking comes back here.
 * Failing to map a stack ends the process: flow_count_max bounds how many there are.
 * Invariant: exactly one side of each switch is running; loop->current says which.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/private.h"

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

enum { STACK_BYTES = 256 * 1024, IDLE_CONTEXTS_MAX = 64 };

struct flow_context {
    ucontext_t flow, loop;
    char *map;
    size_t map_bytes, guard_bytes;
    struct flow_context *next_idle;
    void (*entry)(struct flow *f);
    struct flow *runs;
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

/* First code on a new stack. makecontext passes ints only, so the pointer comes in two halves. */
static void trampoline(unsigned high, unsigned low)
{
    struct flow_context *c = (struct flow_context *)(((uintptr_t)high << 32) | (uintptr_t)low);
#ifdef HAVE_ASAN
    __sanitizer_finish_switch_fiber(NULL, &c->loop_stack, &c->loop_stack_bytes);
#endif
    c->entry(c->runs);
    abort(); /* entry ends in context_leave */
}

/* getcontext returns twice as far as a compiler knows; here no variable lives across it. */
static __attribute__((noinline)) void context_seed(ucontext_t *u)
{
    getcontext(u);
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
    context_seed(&c->flow);
    c->flow.uc_stack.ss_sp = c->map + c->guard_bytes;
    c->flow.uc_stack.ss_size = STACK_BYTES;
    c->flow.uc_link = NULL;
    uintptr_t p = (uintptr_t)c;
    makecontext(&c->flow, (void (*)(void))trampoline, 2, (unsigned)(p >> 32),
                (unsigned)(p & 0xffffffffu));
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
    swapcontext(&c->loop, &c->flow);
#ifdef HAVE_ASAN
    __sanitizer_finish_switch_fiber(c->loop_fake_stack, NULL, NULL);
#endif
    l->current = NULL;
}

void context_park(struct loop *l, struct flow *f)
{
    struct flow_context *c = f->context;
    assert(l->current == f);
#ifdef HAVE_ASAN
    __sanitizer_start_switch_fiber(&c->flow_fake_stack, c->loop_stack, c->loop_stack_bytes);
#endif
    swapcontext(&c->flow, &c->loop);
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
    setcontext(&c->loop);
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
