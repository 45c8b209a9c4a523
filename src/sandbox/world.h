#pragma once
/*
 * One account's tickets, computed from (seed, number) whenever asked: nothing is held but the few
 * tickets that were changed while the program runs.
 *
 * Ids come in groups of 50: 48 are listed, one is deleted or spam, one is archived or a gap. Listed
 * tickets have an index 0..ticket_count-1 that grows with the id and with created_at.
 *
 *   index   |  block 0   |  block 1   | ...      created_at grows with the index
 *   slot    |  block 0   |  block 1   | ...      updated_at grows with the slot
 *
 * Inside a block of `block` tickets, slot = (a * index + c) mod block, which can be turned round; a
 * slot's time is one block later than the same index's, so no ticket is updated before it was
 * created. Hence a page in either order, from any time on, costs O(page) (plus one block when one
 * order is cut by the other's time).
 *
 * Changed tickets leave their slot (`moved`) and stand behind all slots, by time of change.
 * Held-back tickets (world_held_id) are in no list but can be viewed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/family.h"
#include "sandbox/idset.h"

#define TICKETS_MAX UINT32_C(5000000)
#define HELD_COUNT_MAX UINT32_C(100000)
#define AGENT_COUNT 12
#define GROUP_COUNT 5

enum ticket_kind { TICKET_LISTED, TICKET_DELETED, TICKET_SPAM, TICKET_ARCHIVED, TICKET_HELD };

/* Freshdesk's numbers (reference: ticket properties). */
enum ticket_status {
    STATUS_OPEN = 2,
    STATUS_PENDING = 3,
    STATUS_RESOLVED = 4,
    STATUS_CLOSED = 5,
    STATUS_WAITING_CUSTOMER = 6,
    STATUS_WAITING_THIRD = 7
};

struct ticket {
    int64_t id;
    uint64_t hash;                /* source of everything that is made up about it */
    int64_t created_s, updated_s; /* unix seconds */
    uint32_t index;               /* of listed ones */
    uint32_t requester;           /* 0..requester_count-1 */
    uint32_t company;             /* 0..company_count-1 */
    uint32_t revision;            /* changes since the program began */
    uint16_t family;
    uint16_t conversation_count;
    enum ticket_kind kind;
    enum lang lang;
    uint8_t status, priority, source, type;
    uint8_t symptom, cause, fix; /* wordings */
    uint8_t agent, group;        /* agent 0: nobody yet */
};

struct change {
    int64_t at_s;
    uint32_t index, revision;
    bool deleted;
};

struct world_spec {
    uint64_t seed;
    uint32_t ticket_count; /* listed ones; 1..TICKETS_MAX */
    int64_t end_s;         /* the last base ticket was updated about then */
    uint32_t burst;        /* so many neighbours in updated_at share one second; 0 is 1 */
};

struct world {
    struct world_spec spec;
    int64_t start_s;
    uint32_t block, last_block_size;
    uint32_t last_factor, last_inverse; /* of the permutation of the last, shorter block */
    uint32_t requester_count, company_count;
    struct idset moved; /* slots whose ticket was changed */
    struct idset gone;  /* indexes deleted since the program began */
    struct change *by_index,
        *by_time; /* the same changes, in two orders; deleted ones only in by_index */
    size_t by_index_count, by_index_cap, by_time_count, by_time_cap;
};

void world_init(struct world *w, const struct world_spec *spec);
void world_done(struct world *w);

/* False when there is no such id. Kinds other than TICKET_LISTED included. */
bool world_find(const struct world *w, int64_t id, struct ticket *ret_ticket);
void world_ticket(const struct world *w, uint32_t index, struct ticket *ret_ticket);
int64_t world_held_id(uint32_t n); /* n below HELD_COUNT_MAX */

/* Marks a listed ticket as changed: new updated_at, one more customer message. False: not listed. */
bool world_change(struct world *w, int64_t id, int64_t now_s);
bool world_delete(struct world *w, int64_t id, int64_t now_s);

/* First index created at or after / first slot updated at or after. */
uint32_t world_index_from(const struct world *w, int64_t created_s);
uint32_t world_slot_from(const struct world *w, int64_t updated_s);
uint32_t world_index_of_slot(const struct world *w, uint32_t slot);
uint32_t world_slot_of_index(const struct world *w, uint32_t index);
int64_t world_created_s(const struct world *w, uint32_t index);
int64_t world_slot_s(const struct world *w, uint32_t slot);
const struct change *world_change_of(const struct world *w, uint32_t index); /* NULL: unchanged */
/* First of by_time at or after. */
size_t world_changes_from(const struct world *w, int64_t at_s);

/* How many of a kind there are beside the listed ones, and the n-th of them in id order. */
uint32_t world_kind_count(const struct world *w, enum ticket_kind kind);
void world_kind_ticket(const struct world *w, enum ticket_kind kind, uint32_t n,
                       struct ticket *ret_ticket);

uint64_t world_hash(uint64_t seed, uint64_t n); /* splitmix of both */
