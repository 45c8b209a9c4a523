#pragma once
/* A sorted set of numbers that answers "how many are below x" and "which is the k-th number that is
 * not in it" in O(log n). For the few tickets that left their place in a list that is computed.
 * Owns heap memory: idset_done. A zeroed one is valid and empty. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idset {
    uint32_t *ids;
    size_t count, cap;
};
void idset_done(struct idset *s);
bool idset_has(const struct idset *s, uint32_t id);
bool idset_add(struct idset *s, uint32_t id); /* false when it was in already */
size_t idset_below(const struct idset *s, uint32_t id);
/* The `rank`-th (from 0) of the numbers 0, 1, 2, ... that are not in the set. */
uint32_t idset_nth_absent(const struct idset *s, uint32_t rank);
