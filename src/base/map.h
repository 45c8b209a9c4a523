#pragma once
/*
 * A small hash table from text to a pointer, open addressing, keys copied. For caches and
 * per-tenant tables. A value never moves or vanishes during a call, but a pointer *into* the table
 * must not be held across a wait: look again.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct map_slot;
struct map {
    struct map_slot *slots;
    size_t count, cap, used;
};
void map_init(struct map *m);
void map_done(struct map *m);                             /* does not free values */
void *map_get(const struct map *m, struct str key);       /* NULL when absent */
void map_put(struct map *m, struct str key, void *value); /* replaces; value must not be NULL */
void *map_take(struct map *m, struct str key); /* removes and returns; NULL when absent */
/* Iterates: size_t at = 0; while (map_next(m, &at, &key, &value)) ...; no put or take meanwhile,
 * except map_take of the current key. */
bool map_next(const struct map *m, size_t *at, struct str *ret_key, void **ret_value);
