#pragma once
/*
 * The switch from one stack to another. context.c alone includes this. docs/decisions has why it is ours.
 *
 * On x86-64 it saves what the System V ABI calls callee-saved on the stack that is left and takes it from
 * the one that is entered:
 *
 *   low                                                  high
 *   | r15 | r14 | r13 | r12 | rbx | rbp | return address | frames...
 *   ^ sp
 *
 * The signal mask, which swapcontext sets with two system calls a wait, is not switched: flows share their
 * thread's. Nor are the rounding modes of x87 and SSE: nothing here changes them. Elsewhere, and where the
 * compiler protects returns with a shadow stack, it is ucontext.
 */
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__LP64__) && !(defined(__CET__) && (__CET__ & 2))
#define SWITCH_IS_OURS 1
#endif

#ifdef SWITCH_IS_OURS

struct switch_point {
    void *sp; /* while it does not run */
};

/* Saves where we are in `from` and goes on where `to` was saved. */
void switch_to(struct switch_point *from, const struct switch_point *to);
/* Calls r12(rbx): the first return of a fresh stack leads here. Never returns. */
void switch_begin(void);

__asm__(".text\n"
        ".p2align 4\n"
        ".hidden switch_to\n"
        ".globl switch_to\n"
        ".type switch_to, @function\n"
        "switch_to:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq (%rsi), %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size switch_to, .-switch_to\n"
        ".p2align 4\n"
        ".hidden switch_begin\n"
        ".globl switch_begin\n"
        ".type switch_begin, @function\n"
        "switch_begin:\n"
        "    movq %rbx, %rdi\n"
        "    call *%r12\n"
        "    ud2\n"
        ".size switch_begin, .-switch_begin\n");

/* The first switch to `p` calls first(arg) on this stack. */
static inline void switch_prepare(struct switch_point *p, void *stack, size_t stack_bytes,
                                  void (*first)(void *arg), void *arg)
{
    uintptr_t top = ((uintptr_t)stack + stack_bytes) & ~(uintptr_t)15;
    /* With the return address taken, sp is `top`, aligned as a call wants it; rbp 0 ends backtraces. */
    uintptr_t *frame = (uintptr_t *)top - 7;
    frame[0] = frame[1] = frame[2] = 0; /* r15 r14 r13 */
    frame[3] = (uintptr_t)first;        /* r12 */
    frame[4] = (uintptr_t)arg;          /* rbx */
    frame[5] = 0;                       /* rbp */
    frame[6] = (uintptr_t)switch_begin; /* return address */
    p->sp = frame;
}

#else
#include <ucontext.h>

struct switch_point {
    ucontext_t context;
    void (*first)(void *arg);
    void *arg;
};

static inline void switch_to(struct switch_point *from, const struct switch_point *to)
{
    swapcontext(&from->context, &to->context);
}

/* makecontext passes ints only, so the pointer comes in two halves. */
static inline void switch_begin(unsigned high, unsigned low)
{
    struct switch_point *p = (struct switch_point *)(((uintptr_t)high << 32) | (uintptr_t)low);
    p->first(p->arg);
}

/* getcontext returns twice as far as a compiler knows; here no variable lives across it. */
static __attribute__((noinline)) void switch_seed(ucontext_t *u)
{
    getcontext(u);
}

static inline void switch_prepare(struct switch_point *p, void *stack, size_t stack_bytes,
                                  void (*first)(void *arg), void *arg)
{
    uintptr_t self = (uintptr_t)p;
    p->first = first;
    p->arg = arg;
    switch_seed(&p->context);
    p->context.uc_stack.ss_sp = stack;
    p->context.uc_stack.ss_size = stack_bytes;
    p->context.uc_link = NULL;
    makecontext(&p->context, (void (*)(void))switch_begin, 2, (unsigned)((uint64_t)self >> 32),
                (unsigned)(self & 0xffffffffu));
}

#endif
