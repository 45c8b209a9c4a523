#pragma once
/* The only place that calls malloc. Out of memory ends the process: small allocations have no
 * useful recovery. Whatever a peer can size is checked against a limit before it comes here. */
#include <stddef.h>

#include "base/macro.h"

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *mem_realloc(void *ptr, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *text);
void mem_free(void *ptr); /* NULL is fine */

/* _cleanup_(mem_freep) char *p = NULL; */
static inline void mem_freep(void *p)
{
    mem_free(*(void **)p);
}
