#include "sandbox/listing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/*
 * Cuts a world's two orders by times and kinds without walking it.
 *
 * When an order is cut by its own time the dense part begins somewhere and that is all. When it is
 * cut by the other order's time, only one block is mixed, since indexes and slots share blocks: that
 * block's fitting tickets become the head, everything behind it is dense. Changed tickets are few
 * and are put into head or tail by looking at each. Requesters' tickets lie at equal distances.
 * Cannot fail. Invariant: no ticket is in two parts.
 */

struct ids {
    uint32_t *list;
    size_t count, cap;
};

static void add(struct ids *s, uint32_t index)
{
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 256;
        s->list = mem_realloc(s->list, s->cap * sizeof(s->list[0]));
    }
    s->list[s->count++] = index;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void sort(struct ids *s)
{
    if (s->count)
        qsort(s->list, s->count, sizeof(s->list[0]), by_number);
}

static uint32_t dense_from(const struct listing *l, uint32_t first)
{
    uint32_t all = l->world->spec.ticket_count;
    size_t gone = l->absent->count - idset_below(l->absent, first);
    return all - first - (uint32_t)gone;
}

/* Order created_at, cut by updated_at: slot `cut` is the first that fits. */
static void cut_created(struct listing *l, uint32_t cut, int64_t updated_from_s,
                        uint32_t index_from)
{
    const struct world *w = l->world;
    uint32_t block = cut / w->block, end = MIN((block + 1) * w->block, w->spec.ticket_count);
    uint32_t base = MIN(block * w->block, end);
    struct ids head = {0};
    for (size_t i = 0; i < w->by_index_count; i++) {
        const struct change *c = &w->by_index[i];
        if (!c->deleted && c->index < end && c->index >= index_from && c->at_s >= updated_from_s)
            add(&head, c->index);
    }
    for (uint32_t i = MAX(base, index_from); i < end; i++) {
        uint32_t slot = world_slot_of_index(w, i);
        if (slot >= cut && !idset_has(&w->moved, slot))
            add(&head, i);
    }
    sort(&head);
    l->head = head.list;
    l->head_count = head.count;
    l->first = MAX(end, index_from);
}

/* Order updated_at, cut by created_at: index `cut` is the first that fits. */
static void cut_updated(struct listing *l, uint32_t cut, uint32_t slot_from)
{
    const struct world *w = l->world;
    uint32_t block = cut / w->block, end = MIN((block + 1) * w->block, w->spec.ticket_count);
    struct ids slots = {0}, tail = {0};
    for (uint32_t i = cut; i < end; i++) {
        uint32_t slot = world_slot_of_index(w, i);
        if (slot >= slot_from && !idset_has(&w->moved, slot))
            add(&slots, slot);
    }
    sort(&slots);
    for (size_t i = 0; i < slots.count; i++)
        slots.list[i] = world_index_of_slot(w, slots.list[i]);
    for (size_t i = l->tail_first; i < w->by_time_count; i++)
        if (w->by_time[i].index >= cut)
            add(&tail, w->by_time[i].index);
    l->head = slots.list;
    l->head_count = slots.count;
    l->first = MAX(end, slot_from);
    l->tail = tail.list ? tail.list : mem_alloc(sizeof(uint32_t));
    l->tail_count = tail.count;
}

static void open_whole(struct listing *l, const struct list_query *q)
{
    const struct world *w = l->world;
    uint32_t index_from = q->created_from_s == LIST_ANY ? 0
                                                        : world_index_from(w, q->created_from_s);
    uint32_t slot_from = q->updated_from_s == LIST_ANY ? 0 : world_slot_from(w, q->updated_from_s);
    if (l->order == LIST_CREATED) {
        l->absent = &w->gone;
        l->first = index_from;
        if (slot_from > 0)
            cut_created(l, slot_from, q->updated_from_s, index_from);
    } else {
        l->absent = &w->moved;
        l->first = slot_from;
        l->tail_first = q->updated_from_s == LIST_ANY ? 0
                                                      : world_changes_from(w, q->updated_from_s);
        l->tail_count = w->by_time_count - l->tail_first;
        if (index_from > 0)
            cut_updated(l, index_from, slot_from);
    }
    l->dense_count = dense_from(l, l->first);
}

/* ---- short lists, made whole ---- */

static const struct world *sort_world; /* of the running qsort */

static int by_update(const void *a, const void *b)
{
    struct ticket x, y;
    world_ticket(sort_world, *(const uint32_t *)a, &x);
    world_ticket(sort_world, *(const uint32_t *)b, &y);
    if (x.updated_s != y.updated_s)
        return x.updated_s < y.updated_s ? -1 : 1;
    return x.id < y.id ? -1 : x.id > y.id;
}

static bool fits(const struct world *w, uint32_t index, const struct list_query *q)
{
    struct ticket t;
    world_ticket(w, index, &t);
    if (t.kind != TICKET_LISTED || (q->open_only && t.status != STATUS_OPEN))
        return false;
    if (q->requester >= 0 && t.requester != q->requester)
        return false;
    if (q->company >= 0 && t.company != q->company)
        return false;
    if (q->created_from_s != LIST_ANY && t.created_s < q->created_from_s)
        return false;
    return q->updated_from_s == LIST_ANY || t.updated_s >= q->updated_from_s;
}

#define OPEN_SCAN_MAX 20000

static void open_short(struct listing *l, const struct list_query *q)
{
    const struct world *w = l->world;
    struct ids head = {0};
    uint32_t all = w->spec.ticket_count, first = 0, step = 1;
    if (q->requester >= 0 || q->company >= 0) {
        /* requester = index * 7919 mod requester_count, company = requester mod company_count. */
        step = q->requester >= 0 ? w->requester_count : w->company_count;
        uint64_t want = (uint64_t)(q->requester >= 0 ? q->requester : q->company);
        while (first < step && (uint64_t)first * 7919 % step != want)
            first++;
        if (first == step)
            first = all;
    } else if (all > OPEN_SCAN_MAX) {
        first = all - OPEN_SCAN_MAX;
    }
    for (uint64_t i = first; i < all; i += step)
        if (fits(w, (uint32_t)i, q))
            add(&head, (uint32_t)i);
    if (l->order == LIST_UPDATED && head.count) {
        sort_world = w;
        qsort(head.list, head.count, sizeof(head.list[0]), by_update);
    }
    l->head = head.list;
    l->head_count = head.count;
}

/* Deleted and spam: base ones in id order (created and updated rise together), then fresh deletions. */
static void open_odd(struct listing *l, const struct list_query *q)
{
    const struct world *w = l->world;
    uint32_t count = world_kind_count(w, l->kind);
    struct ticket t;
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        world_kind_ticket(w, l->kind, mid, &t);
        bool before = (q->updated_from_s != LIST_ANY && t.updated_s < q->updated_from_s) ||
                      (q->created_from_s != LIST_ANY && t.created_s < q->created_from_s);
        if (before)
            low = mid + 1;
        else
            high = mid;
    }
    l->first = low;
    l->dense_count = count - low;
    struct ids tail = {0};
    if (l->kind == TICKET_DELETED)
        for (size_t i = 0; i < w->by_index_count; i++)
            if (w->by_index[i].deleted && w->by_index[i].at_s >= q->updated_from_s)
                add(&tail, w->by_index[i].index);
    if (tail.count && l->order == LIST_UPDATED) {
        sort_world = w;
        qsort(tail.list, tail.count, sizeof(tail.list[0]), by_update);
    }
    l->tail = tail.list ? tail.list : mem_alloc(sizeof(uint32_t));
    l->tail_count = tail.count;
}

void listing_open(struct listing *l, const struct world *w, const struct list_query *q)
{
    static const struct idset nothing;
    *l = (struct listing){.world = w,
                          .absent = &nothing,
                          .kind = q->kind,
                          .order = q->order,
                          .descending = q->descending};
    if (q->kind != TICKET_LISTED)
        open_odd(l, q);
    else if (q->requester >= 0 || q->company >= 0 || q->open_only)
        open_short(l, q);
    else
        open_whole(l, q);
}

void listing_done(struct listing *l)
{
    mem_free(l->head);
    mem_free(l->tail);
    l->head = l->tail = NULL;
}

size_t listing_count(const struct listing *l)
{
    return l->head_count + l->dense_count + l->tail_count;
}

void listing_at(const struct listing *l, size_t rank, struct ticket *ret_ticket)
{
    const struct world *w = l->world;
    size_t all = listing_count(l);
    assert(rank < all);
    if (l->descending)
        rank = all - 1 - rank;
    if (rank < l->head_count) {
        world_ticket(w, l->head[rank], ret_ticket);
        return;
    }
    rank -= l->head_count;
    if (rank < l->dense_count) {
        if (l->kind != TICKET_LISTED) {
            world_kind_ticket(w, l->kind, l->first + (uint32_t)rank, ret_ticket);
            return;
        }
        uint32_t skipped = l->first - (uint32_t)idset_below(l->absent, l->first);
        uint32_t n = idset_nth_absent(l->absent, skipped + (uint32_t)rank);
        world_ticket(w, l->order == LIST_UPDATED ? world_index_of_slot(w, n) : n, ret_ticket);
        return;
    }
    rank -= l->dense_count;
    world_ticket(w, l->tail ? l->tail[rank] : w->by_time[l->tail_first + rank].index, ret_ticket);
}
