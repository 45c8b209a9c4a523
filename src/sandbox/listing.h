#pragma once
/*
 * One ordered view of a world's tickets, from which a page is read by rank.
 *
 *   rank 0 .. head_count | dense: every number from `first` on that is not in `absent` | tail
 *
 * head and tail are short lists of indexes; the dense part is computed. A listing is made for one
 * request and thrown away: listing_done.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/world.h"

enum list_order { LIST_CREATED, LIST_UPDATED };

#define LIST_ANY INT64_MIN

struct list_query {
    int64_t created_from_s, updated_from_s; /* inclusive; LIST_ANY */
    int64_t requester, company;             /* -1: any */
    enum ticket_kind kind;                  /* LISTED, DELETED or SPAM */
    enum list_order order;
    bool descending;
    bool open_only; /* new_and_my_open */
};

struct listing {
    const struct world *world;
    const struct idset *absent; /* of the dense part */
    uint32_t *head;
    size_t head_count;
    uint32_t *tail; /* NULL: world->by_time from tail_first on */
    size_t tail_count, tail_first;
    uint32_t first, dense_count;
    enum ticket_kind kind;
    enum list_order order;
    bool descending;
};

void listing_open(struct listing *l, const struct world *w, const struct list_query *q);
void listing_done(struct listing *l);
size_t listing_count(const struct listing *l);
/* The ticket at `rank` below listing_count in the asked direction. */
void listing_at(const struct listing *l, size_t rank, struct ticket *ret_ticket);
