#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mem.h"

/*
 * Memory that dies together: blocks in a ring-less double list, the newest shared block first.
 *
 *   blocks -> [shared, filling] <-> [own: big object] <-> [shared, full] <-> ...
 *
 * Objects are cut from the first block. Blocks start at 1 KiB and grow with what was used, up to 64 KiB:
 * a parked stream uses a few hundred bytes and there are thousands of them, a page of tickets uses
 * megabytes. An object over 4 KiB gets a block of its own behind the first, so that the filling one stays
 * in place and arena_resize can grow the object without leaving a copy behind. A reset keeps one small
 * block, so that a loop over small items allocates nothing. In ASan builds every object has a block of
 * its own.
 *
 * Cannot fail; past the cap only `exceeded` is set.
 * Invariant: memory is zeroed when given, aligned to 16, and stays where it is until done or reset.
 */

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_OWN_ALWAYS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_OWN_ALWAYS 1
#endif
#endif
#ifndef ARENA_OWN_ALWAYS
#define ARENA_OWN_ALWAYS 0
#endif

#define ARENA_BLOCK_BYTES ((size_t)1024) /* of the first block, its head included */
#define ARENA_BLOCK_BYTES_MAX ((size_t)65536)
#define ARENA_OWN_BYTES ((size_t)4096)  /* larger objects get a block of their own */
#define ARENA_KEPT_BYTES ((size_t)2048) /* largest block that a reset keeps */

struct arena_block {
    struct arena_block *next, *prev;
    size_t used, size; /* of data; a block of its own is always full */
    _Alignas(16) char data[];
};

struct arena_hook {
    struct arena_hook *next;
    void (*fn)(void *arg);
    void *arg;
};

void arena_init(struct arena *a, size_t bytes_max)
{
    *a = (struct arena){.bytes_max = bytes_max};
}

static void run_hooks(struct arena *a)
{
    while (a->hooks) { /* a hook may still allocate, or add a hook */
        struct arena_hook *hook = a->hooks;
        a->hooks = hook->next;
        hook->fn(hook->arg);
    }
}

void arena_done(struct arena *a)
{
    if (!a)
        return;
    run_hooks(a);
    while (a->blocks) {
        struct arena_block *block = a->blocks;
        a->blocks = block->next;
        mem_free(block);
    }
    arena_init(a, a->bytes_max);
}

static bool is_own(size_t size)
{
    return ARENA_OWN_ALWAYS || size > ARENA_OWN_BYTES;
}

void arena_reset(struct arena *a)
{
    run_hooks(a);
    struct arena_block *block = a->blocks;
    bool kept = block && !is_own(block->size) && block->size <= ARENA_KEPT_BYTES;
    if (kept)
        a->blocks = block->next;
    arena_done(a);
    if (!kept)
        return;
    memset(block->data, 0, block->used);
    block->used = 0;
    block->next = block->prev = NULL;
    a->blocks = block;
}

static void count_bytes(struct arena *a, size_t size)
{
    if (__builtin_add_overflow(a->bytes_used, size, &a->bytes_used))
        a->bytes_used = SIZE_MAX;
    if (a->bytes_max && a->bytes_used > a->bytes_max)
        a->exceeded = true;
}

/* A new block with `size` bytes of data, all of them given away when `own`. */
static struct arena_block *block_new(struct arena *a, size_t size, bool own)
{
    size_t total;
    bool wrapped = __builtin_add_overflow(size, sizeof(struct arena_block), &total);
    assert(!wrapped);
    (void)wrapped;
    struct arena_block *block = mem_alloc(total);
    block->size = size;
    block->used = own ? size : 0;
    if (own && a->blocks) {
        block->prev = a->blocks;
        block->next = a->blocks->next;
        a->blocks->next = block;
    } else {
        block->next = a->blocks;
        a->blocks = block;
    }
    if (block->next)
        block->next->prev = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size == 0)
        size = 1;
    count_bytes(a, size);
    if (is_own(size))
        return block_new(a, size, true)->data;
    size = (size + 15) & ~(size_t)15;
    struct arena_block *block = a->blocks;
    if (!block || block->size - block->used < size) {
        size_t want = MIN(a->bytes_used, ARENA_BLOCK_BYTES_MAX) + 15;
        size_t total = MAX((want & ~(size_t)15), ARENA_BLOCK_BYTES - sizeof(struct arena_block));
        block = block_new(a, total, false);
    }
    void *p = block->data + block->used;
    block->used += size;
    return p;
}

void *arena_resize(struct arena *a, void *ptr, size_t size_old, size_t size)
{
    if (!ptr)
        return arena_alloc(a, size);
    if (size_old == 0)
        size_old = 1;
    if (size <= size_old)
        return ptr;
    if (!is_own(size_old)) {
        void *copy = arena_alloc(a, size);
        memcpy(copy, ptr, size_old);
        return copy;
    }
    struct arena_block *block = container_of(ptr, struct arena_block, data);
    assert(block->size >= size_old);
    count_bytes(a, size - size_old);
    size_t total;
    bool wrapped = __builtin_add_overflow(size, sizeof(*block), &total);
    assert(!wrapped);
    (void)wrapped;
    block = mem_realloc(block, total);
    block->size = block->used = size;
    if (block->prev)
        block->prev->next = block;
    else
        a->blocks = block;
    if (block->next)
        block->next->prev = block;
    return block->data;
}

void *arena_copy(struct arena *a, const void *bytes, size_t len)
{
    void *p = arena_alloc(a, len);
    if (len)
        memcpy(p, bytes, len);
    return p;
}

char *arena_text(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.len + 1);
    if (s.len)
        memcpy(p, s.ptr, s.len);
    return p;
}

struct str arena_str(struct arena *a, struct str s)
{
    return str_of(arena_text(a, s), s.len);
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(n >= 0); /* a broken format is our mistake */
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return str_of(p, (size_t)n);
}

void *arena_array(struct arena *a, size_t count, size_t item_size)
{
    size_t size;
    bool wrapped = __builtin_mul_overflow(count, item_size, &size);
    assert(!wrapped);
    (void)wrapped;
    return arena_alloc(a, size);
}

void arena_hook(struct arena *a, void (*fn)(void *arg), void *arg)
{
    struct arena_hook *hook = ARENA_NEW(a, struct arena_hook);
    *hook = (struct arena_hook){.next = a->hooks, .fn = fn, .arg = arg};
    a->hooks = hook;
}

static void on_buf_done(void *arg)
{
    buf_done(arg);
}

struct buf *arena_buf(struct arena *a, size_t bytes_max)
{
    struct buf *b = ARENA_NEW(a, struct buf);
    buf_init(b, bytes_max);
    arena_hook(a, on_buf_done, b);
    return b;
}
