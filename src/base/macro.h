#pragma once
/* Compiler helpers every room uses. Nothing here has state. */
#include <stddef.h>
#include <sys/param.h> /* MIN, MAX */

#define _cleanup_(fn) __attribute__((cleanup(fn), unused)) /* clang counts no cleanup as use */
#define _must_check_ __attribute__((warn_unused_result))
#define _printf_(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))

#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The struct of type `type` whose member `member` is at `ptr`. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Moves a pointer out of its place, leaving NULL: `x->body = TAKE(body);`. */
#define TAKE(p)                                                                                    \
    ({                                                                                             \
        __typeof__(p) *take_from_ = &(p);                                                          \
        __typeof__(p) take_value_ = *take_from_;                                                   \
        *take_from_ = NULL;                                                                        \
        take_value_;                                                                               \
    })
