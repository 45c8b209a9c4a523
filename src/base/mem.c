#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Allocation that cannot fail. Everything asked for here is small or was checked against a limit
 * before, so an empty heap means that the machine is out of memory and that no error path of ours
 * could run either: the process says so with a plain write, since stdio allocates, and aborts. The
 * service manager starts it again, and what matters is in Postgres.
 *
 * Invariant: nothing outside src/base calls malloc and friends (make lint).
 */

static void __attribute__((noreturn)) out_of_memory(void)
{
    static const char text[] = "deskstream: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
    (void)ignored;
    abort();
}

void *mem_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *mem_realloc(void *ptr, size_t size)
{
    void *p = realloc(ptr, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

char *mem_strdup(const char *text)
{
    size_t len = strlen(text);
    char *copy = mem_realloc(NULL, len + 1);
    memcpy(copy, text, len + 1);
    return copy;
}

void mem_free(void *ptr)
{
    free(ptr);
}
