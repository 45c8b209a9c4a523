#pragma once
/* Intrusive doubly linked ring. A node that is in no list points to itself (after list_init). */
#include <stdbool.h>

#include "base/macro.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}
static inline bool list_linked(const struct list *n)
{
    return n->next != n;
}
static inline void list_push(struct list *l, struct list *n) /* at the end */
{
    n->prev = l->prev;
    n->next = l;
    l->prev->next = n;
    l->prev = n;
}
static inline void list_remove(struct list *n) /* fine when in no list */
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}
static inline struct list *list_shift(struct list *l) /* first, removed; NULL when empty */
{
    if (list_empty(l))
        return NULL;
    struct list *n = l->next;
    list_remove(n);
    return n;
}
#define list_entry(node, type, member) container_of(node, type, member)
#define list_each(pos, l) for (struct list *pos = (l)->next; pos != (l); pos = pos->next)
/* The body may remove `pos`. */
#define list_each_safe(pos, l)                                                                     \
    for (struct list *pos = (l)->next, *pos##_next = pos->next; pos != (l);                        \
         pos = pos##_next, pos##_next = pos->next)
