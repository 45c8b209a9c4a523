/*
 * The keyset over the ticket list (see ticket_walk.h): pure bookkeeping, no I/O.
 *
 * Whether updated_since is inclusive is not documented; one second back is right either way. Invariant: the
 * anchor never moves back, and each call moves the anchor or the page, so a walk ends.
 */
#include "sync/ticket_walk.h"

#include "base/mem.h"
#include "base/wall.h"

enum { SECOND_MS = 1000, PAGE_COUNT_MAX = 300 };

void keyset_init(struct keyset *k, int64_t start)
{
    *k = (struct keyset){.anchor = MAX(start - SECOND_MS, 0), .page = 1};
}

void keyset_done(struct keyset *k)
{
    mem_free(k->seen);
    *k = (struct keyset){.page = 1};
}

bool keyset_has(const struct keyset *k, const struct ticket *t)
{
    for (size_t i = 0; i < k->seen_count; i++) {
        if (k->seen[i].id == t->id && k->seen[i].updated_at == t->updated_at)
            return true;
    }
    return false;
}

static void seen_add(struct keyset *k, const struct ticket *t)
{
    if (keyset_has(k, t))
        return;
    if (k->seen_count == k->seen_cap) {
        k->seen_cap = k->seen_cap ? k->seen_cap * 2 : 128;
        k->seen = mem_realloc(k->seen, k->seen_cap * sizeof(*k->seen));
    }
    k->seen[k->seen_count++] = (struct seen){t->id, t->updated_at};
}

int keyset_advance(struct keyset *k, const struct ticket *rows, size_t count)
{
    int64_t last = WALL_NONE;
    int r = 0;
    for (size_t i = 0; i < count; i++)
        last = MAX(last, rows[i].updated_at);
    int64_t anchor = last == WALL_NONE ? k->anchor : MAX(k->anchor, last - SECOND_MS);
    if (anchor > k->anchor) {
        k->anchor = anchor;
        k->page = 1;
    } else if (k->page < PAGE_COUNT_MAX) {
        k->page++;
    } else {
        k->anchor += 2 * SECOND_MS;
        k->page = 1;
        r = E_LIMIT;
    }
    size_t kept = 0;
    for (size_t i = 0; i < k->seen_count; i++) {
        if (k->seen[i].updated_at >= k->anchor)
            k->seen[kept++] = k->seen[i];
    }
    k->seen_count = kept;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].updated_at >= k->anchor)
            seen_add(k, &rows[i]);
    }
    return r;
}
