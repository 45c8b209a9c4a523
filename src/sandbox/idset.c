#include "sandbox/idset.h"

#include <string.h>

#include "base/mem.h"

/*
 * A sorted array with binary search. Adding moves what lies behind, which is cheap for the some ten
 * thousand tickets that a test changes. idset_nth_absent rests on ids[i] - i (how many numbers are
 * absent below ids[i]) never falling. Cannot fail; memory is only bounded by what callers add.
 */

void idset_done(struct idset *s)
{
    mem_free(s->ids);
    *s = (struct idset){0};
}

size_t idset_below(const struct idset *s, uint32_t id)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (s->ids[mid] < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool idset_has(const struct idset *s, uint32_t id)
{
    size_t at = idset_below(s, id);
    return at < s->count && s->ids[at] == id;
}

bool idset_add(struct idset *s, uint32_t id)
{
    size_t at = idset_below(s, id);
    if (at < s->count && s->ids[at] == id)
        return false;
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        s->ids = mem_realloc(s->ids, s->cap * sizeof(s->ids[0]));
    }
    memmove(s->ids + at + 1, s->ids + at, (s->count - at) * sizeof(s->ids[0]));
    s->ids[at] = id;
    s->count++;
    return true;
}

uint32_t idset_nth_absent(const struct idset *s, uint32_t rank)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (s->ids[mid] - (uint32_t)mid <= rank)
            low = mid + 1;
        else
            high = mid;
    }
    return rank + (uint32_t)low;
}
