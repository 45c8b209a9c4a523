#pragma once
/*
 * Memory that lives and dies together. Every flow owns one; what a request parses or builds is
 * allocated here and freed in one go.
 *
 * The byte cap is soft: past it memory is still given, so that no caller has to check for NULL,
 * but `exceeded` is set and the owning flow's next wait returns E_LIMIT. Bodies that a peer sizes
 * are capped before they get here, so between two waits the overshoot is bounded.
 * Objects over 4 KiB get a block of their own. In ASan builds each object is a malloc of its own, so that checkers see overruns.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/macro.h"
#include "base/str.h"

struct arena_block;
struct arena_hook;

struct arena {
    struct arena_block *blocks;
    struct arena_hook *hooks;
    size_t bytes_used;
    size_t bytes_max; /* 0: no cap */
    bool exceeded;
};

void arena_init(struct arena *a, size_t bytes_max);
void arena_done(struct arena *a);  /* hooks run last-in first-out, then all memory goes */
void arena_reset(struct arena *a); /* arena_done, ready for use again; for loops over many items */

void *arena_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull)); /* zeroed, 16 */
/* Grows an object that arena_alloc gave with `size_old` bytes; what is added is not zeroed. Objects over
 * 4 KiB leave no copy behind. NULL gives a new one; shrinking does nothing. */
void *arena_resize(struct arena *a, void *ptr, size_t size_old, size_t size)
    __attribute__((returns_nonnull));
void *arena_copy(struct arena *a, const void *bytes, size_t len) __attribute__((returns_nonnull));
char *arena_text(struct arena *a, struct str s) __attribute__((returns_nonnull)); /* NUL-ended */
struct str arena_str(struct arena *a, struct str s); /* copied, and NUL-ended past its length */
struct str arena_printf(struct arena *a, const char *fmt, ...) _printf_(2, 3);
/* An array of `count` zeroed items; the product is overflow-checked (aborts: our mistake). */
void *arena_array(struct arena *a, size_t count, size_t item_size);
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, count, type) ((type *)arena_array((a), (count), sizeof(type)))

/* Calls fn(arg) when the arena dies. Hooks must not wait. */
void arena_hook(struct arena *a, void (*fn)(void *arg), void *arg);
/* A heap buffer freed with the arena. */
struct buf *arena_buf(struct arena *a, size_t bytes_max);
