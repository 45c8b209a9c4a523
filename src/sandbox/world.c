#include "sandbox/world.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

/*
 * The arithmetic of world.h: ids, times, orders and what each ticket is like.
 *
 * Everything is a pure function of (spec, number) but for the changes. Hot: a list page computes a
 * hundred tickets, so nothing here allocates or loops. The whole-block permutation has a power of
 * two as its size, where every odd factor can be inverted; the last block's size is any number, so
 * a factor that has no common divisor with it is sought once.
 * Nothing fails; numbers out of range are asserted or answered by false.
 * Invariant: created_at never falls with the index, updated_at never with the slot.
 */

#define ID_GROUP 50
#define LISTED_PER_GROUP 48
#define SPAN_S (INT64_C(3) * 365 * 86400)
#define HELD_BASE INT64_C(900000000)
#define CHANGES_MAX 1000000

uint64_t world_hash(uint64_t seed, uint64_t n)
{
    struct rng r = {.state = seed ^ (n * UINT64_C(0x9e3779b97f4a7c15) + 0x1b873593)};
    return rng_next(&r);
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* x with a * x = 1 (mod m); a and m have no common divisor. */
static uint32_t invert(uint32_t a, uint32_t m)
{
    int64_t t = 0, next_t = 1, r = m, next_r = a;
    while (next_r) {
        int64_t q = r / next_r, keep = next_t;
        next_t = t - q * next_t;
        t = keep;
        keep = next_r;
        next_r = r - q * next_r;
        r = keep;
    }
    return (uint32_t)(t < 0 ? t + m : t);
}

void world_init(struct world *w, const struct world_spec *spec)
{
    assert(spec->ticket_count > 0 && spec->ticket_count <= TICKETS_MAX);
    memset(w, 0, sizeof(*w));
    w->spec = *spec;
    w->spec.burst = MAX(spec->burst, 1U);
    w->start_s = spec->end_s - SPAN_S;
    /* A block covers some days, four tickets at least. */
    uint32_t n = spec->ticket_count;
    w->block = 1;
    while (w->block < n / 2 && w->block < (uint32_t)((int64_t)n * 4 * 86400 / SPAN_S))
        w->block *= 2;
    while ((w->block < 4 || w->block < w->spec.burst) && w->block <= n / 4)
        w->block *= 2;
    w->spec.burst = MIN(w->spec.burst, w->block);
    w->last_block_size = n % w->block;
    if (w->last_block_size > 1) {
        uint32_t a = (uint32_t)(world_hash(spec->seed, 77) % w->last_block_size) | 1;
        while (gcd(a, w->last_block_size) != 1)
            a++;
        w->last_factor = a % w->last_block_size;
        w->last_inverse = invert(w->last_factor, w->last_block_size);
    } else {
        w->last_factor = w->last_inverse = 1;
    }
    w->company_count = MAX(n / 160, 8U);
    w->requester_count = w->company_count * 32;
}

void world_done(struct world *w)
{
    idset_done(&w->moved);
    idset_done(&w->gone);
    mem_free(w->by_index);
    mem_free(w->by_time);
    memset(w, 0, sizeof(*w));
}

/* ---- orders ---- */

struct lane {
    uint32_t base, size, factor, inverse, shift;
};

static struct lane lane_of(const struct world *w, uint32_t number)
{
    uint32_t b = number / w->block;
    uint64_t h = world_hash(w->spec.seed ^ 0xb10c, b);
    struct lane l = {.base = b * w->block, .size = w->block};
    if (w->spec.ticket_count - l.base < w->block) {
        l.size = w->last_block_size;
        l.factor = w->last_factor;
        l.inverse = w->last_inverse;
    } else {
        /* Newton: each step doubles the bits that are right (mod 2^32, so mod block too). */
        l.factor = (uint32_t)h | 1;
        uint32_t x = l.factor;
        for (int i = 0; i < 4; i++)
            x *= 2 - l.factor * x;
        l.inverse = x & (w->block - 1);
        l.factor &= w->block - 1;
    }
    l.shift = (uint32_t)(h >> 32) % l.size;
    return l;
}

uint32_t world_slot_of_index(const struct world *w, uint32_t index)
{
    struct lane l = lane_of(w, index);
    return l.base + (uint32_t)(((uint64_t)(index - l.base) * l.factor + l.shift) % l.size);
}

uint32_t world_index_of_slot(const struct world *w, uint32_t slot)
{
    struct lane l = lane_of(w, slot);
    uint32_t k = (slot - l.base + l.size - l.shift) % l.size;
    return l.base + (uint32_t)((uint64_t)k * l.inverse % l.size);
}

/* Place `n` of ticket_count + block places on the time line, with a wobble that keeps the order. */
static int64_t place_s(const struct world *w, uint64_t n, uint64_t salt)
{
    int64_t places = (int64_t)w->spec.ticket_count + w->block;
    int64_t step = SPAN_S / places;
    int64_t wobble = step > 1 ? (int64_t)(world_hash(w->spec.seed ^ salt, n) % (uint64_t)step) : 0;
    return w->start_s + (int64_t)n * SPAN_S / places + wobble;
}

int64_t world_created_s(const struct world *w, uint32_t index)
{
    return place_s(w, index, 0xc4ea);
}

int64_t world_slot_s(const struct world *w, uint32_t slot)
{
    return place_s(w, (uint64_t)(slot - slot % w->block % w->spec.burst) + w->block, 0x0bda);
}

typedef int64_t time_fn(const struct world *w, uint32_t n);

static uint32_t first_from(const struct world *w, time_fn *time_of, int64_t at_s)
{
    uint32_t low = 0, high = w->spec.ticket_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (time_of(w, mid) < at_s)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t world_index_from(const struct world *w, int64_t created_s)
{
    return first_from(w, world_created_s, created_s);
}

uint32_t world_slot_from(const struct world *w, int64_t updated_s)
{
    return first_from(w, world_slot_s, updated_s);
}

/* ---- what a ticket is like ---- */

static uint8_t pick_status(uint64_t h, int64_t age_s)
{
    uint32_t dice = (uint32_t)(h % 100);
    if (age_s > INT64_C(30) * 86400)
        return dice < 78 ? STATUS_CLOSED : dice < 97 ? STATUS_RESOLVED : STATUS_PENDING;
    if (dice < 30)
        return STATUS_OPEN;
    if (dice < 42)
        return STATUS_PENDING;
    if (dice < 50)
        return STATUS_WAITING_CUSTOMER;
    if (dice < 54)
        return STATUS_WAITING_THIRD;
    return dice < 84 ? STATUS_RESOLVED : STATUS_CLOSED;
}

static uint16_t pick_conversations(uint64_t h, uint8_t status)
{
    static const uint8_t solved[16] = {1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8};
    static const uint8_t waiting[16] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5};
    if (h % 499 == 7)
        return (uint16_t)(60 + h / 499 % 90);
    uint64_t dice = (h >> 20) % 16;
    if (status == STATUS_RESOLVED || status == STATUS_CLOSED)
        return (h >> 30) % 33 == 0 ? 0 : solved[dice];
    return waiting[dice];
}

static uint8_t pick_source(uint64_t dice)
{
    return dice < 50 ? 1 : dice < 75 ? 2 : dice < 83 ? 3 : dice < 95 ? 7 : 9;
}

/* Everything that follows from the hash and the times. */
static void flesh(const struct world *w, struct ticket *t)
{
    uint64_t h = t->hash, g = world_hash(h, 1);
    t->lang = h % 100 < 70 ? LANG_KO : LANG_EN;
    t->family = (uint16_t)((h >> 8) % FAMILY_COUNT);
    t->symptom = (h >> 24) % SYMPTOM_LISTED;
    t->cause = (h >> 28) % CAUSE_COUNT;
    t->fix = (h >> 32) % FIX_COUNT;
    t->status = pick_status(g, w->spec.end_s - t->updated_s);
    uint64_t dice = (g >> 8) % 100;
    t->priority = dice < 45 ? 1 : dice < 80 ? 2 : dice < 95 ? 3 : 4;
    t->source = pick_source((g >> 16) % 100);
    t->type = (g >> 24) % 5;
    t->group = (uint8_t)(family_area(t->family) / 2);
    t->conversation_count = pick_conversations(world_hash(h, 2), t->status);
    bool taken = t->conversation_count > 0 || t->status != STATUS_OPEN || (g >> 32) % 3 == 0;
    t->agent = taken ? (uint8_t)(1 + (g >> 40) % AGENT_COUNT) : 0;
    /* The index decides who asks, so that one requester's tickets can be found without a search. */
    t->requester = (uint32_t)((uint64_t)t->index * 7919 % w->requester_count);
    t->company = t->requester % w->company_count;
}

const struct change *world_change_of(const struct world *w, uint32_t index)
{
    size_t low = 0, high = w->by_index_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (w->by_index[mid].index < index)
            low = mid + 1;
        else
            high = mid;
    }
    return low < w->by_index_count && w->by_index[low].index == index ? &w->by_index[low] : NULL;
}

/* Where the two unlisted ids of a group are: a below b. */
static void odd_places(const struct world *w, uint32_t group, uint32_t *ret_a, uint32_t *ret_b)
{
    uint64_t h = world_hash(w->spec.seed ^ 0x0dd, group);
    uint32_t a = (uint32_t)(h % ID_GROUP), b = (uint32_t)((h >> 32) % (ID_GROUP - 1));
    if (b >= a)
        b++;
    *ret_a = MIN(a, b);
    *ret_b = MAX(a, b);
}

static int64_t id_of_index(const struct world *w, uint32_t index)
{
    uint32_t group = index / LISTED_PER_GROUP, place = index % LISTED_PER_GROUP, a, b;
    odd_places(w, group, &a, &b);
    place += place >= a;
    place += place >= b;
    return (int64_t)group * ID_GROUP + place + 1;
}

void world_ticket(const struct world *w, uint32_t index, struct ticket *ret_ticket)
{
    assert(index < w->spec.ticket_count);
    struct ticket *t = ret_ticket;
    *t = (struct ticket){
        .id = id_of_index(w, index),
        .hash = world_hash(w->spec.seed, (uint64_t)index + 1000),
        .index = index,
        .kind = TICKET_LISTED,
        .created_s = world_created_s(w, index),
        .updated_s = world_slot_s(w, world_slot_of_index(w, index)),
    };
    flesh(w, t);
    const struct change *c = w->by_index_count ? world_change_of(w, index) : NULL;
    if (!c)
        return;
    t->updated_s = c->at_s;
    t->revision = c->revision;
    if (c->deleted)
        t->kind = TICKET_DELETED;
    if (c->revision) {
        t->conversation_count = (uint16_t)(t->conversation_count + MIN(c->revision, 40U));
        t->status = c->revision % 3 == 0 ? STATUS_RESOLVED : STATUS_OPEN;
    }
}

/* ---- the others ---- */

static void odd_ticket(const struct world *w, uint32_t group, uint32_t place, enum ticket_kind kind,
                       struct ticket *t)
{
    uint32_t index = group * LISTED_PER_GROUP;
    *t = (struct ticket){
        .id = (int64_t)group * ID_GROUP + place + 1,
        .hash = world_hash(w->spec.seed ^ 0x0dd7, (uint64_t)group * ID_GROUP + place),
        .index = index,
        .kind = kind,
        .created_s = world_created_s(w, index),
        .updated_s = place_s(w, (uint64_t)index + w->block, 0x0bda),
    };
    flesh(w, t);
    if (kind == TICKET_ARCHIVED)
        t->status = STATUS_CLOSED;
}

/* Archived tickets are old ones: the last fifth of the groups has gaps in their place. */
static bool group_archives(const struct world *w, uint32_t group)
{
    uint32_t groups = w->spec.ticket_count / LISTED_PER_GROUP;
    return group % 4 != 3 && group < groups - groups / 5;
}

static void held_ticket(const struct world *w, uint32_t n, struct ticket *t)
{
    uint64_t h = world_hash(w->spec.seed ^ 0x4e1d, n);
    *t = (struct ticket){
        .id = HELD_BASE + n,
        .hash = h,
        .index = (uint32_t)(h % w->spec.ticket_count),
        .kind = TICKET_HELD,
        .created_s = w->spec.end_s - 60 - (int64_t)n * 60,
        .updated_s = w->spec.end_s - (int64_t)n * 60,
    };
    flesh(w, t);
    t->symptom = SYMPTOM_COUNT - 1;
    t->status = STATUS_OPEN;
    t->conversation_count = 0;
}

int64_t world_held_id(uint32_t n)
{
    return HELD_BASE + n;
}

bool world_find(const struct world *w, int64_t id, struct ticket *ret_ticket)
{
    if (id >= HELD_BASE && id < HELD_BASE + HELD_COUNT_MAX) {
        held_ticket(w, (uint32_t)(id - HELD_BASE), ret_ticket);
        return true;
    }
    uint32_t groups = w->spec.ticket_count / LISTED_PER_GROUP;
    if (id < 1 || id > ((int64_t)groups + 1) * ID_GROUP)
        return false;
    uint32_t group = (uint32_t)((id - 1) / ID_GROUP), place = (uint32_t)((id - 1) % ID_GROUP), a, b;
    odd_places(w, group, &a, &b);
    if (place == a || place == b) {
        if (group >= groups || (place == b && !group_archives(w, group)))
            return false;
        enum ticket_kind kind = place == b       ? TICKET_ARCHIVED
                                : group % 3 == 2 ? TICKET_SPAM
                                                 : TICKET_DELETED;
        odd_ticket(w, group, place, kind, ret_ticket);
        return true;
    }
    uint32_t index = group * LISTED_PER_GROUP + place - (place > a) - (place > b);
    if (index >= w->spec.ticket_count)
        return false;
    world_ticket(w, index, ret_ticket);
    return true;
}

uint32_t world_kind_count(const struct world *w, enum ticket_kind kind)
{
    uint32_t groups = w->spec.ticket_count / LISTED_PER_GROUP;
    if (kind == TICKET_SPAM)
        return groups / 3;
    return kind == TICKET_DELETED ? groups - groups / 3 : 0;
}

void world_kind_ticket(const struct world *w, enum ticket_kind kind, uint32_t n,
                       struct ticket *ret_ticket)
{
    assert(n < world_kind_count(w, kind));
    uint32_t group = kind == TICKET_SPAM ? n * 3 + 2 : n / 2 * 3 + n % 2, a, b;
    odd_places(w, group, &a, &b);
    odd_ticket(w, group, a, kind, ret_ticket);
}

/* ---- changes ---- */

size_t world_changes_from(const struct world *w, int64_t at_s)
{
    size_t low = 0, high = w->by_time_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (w->by_time[mid].at_s < at_s)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void drop_from_times(struct world *w, const struct change *c)
{
    for (size_t i = world_changes_from(w, c->at_s); i < w->by_time_count; i++) {
        if (w->by_time[i].index == c->index) {
            memmove(w->by_time + i, w->by_time + i + 1,
                    (w->by_time_count - i - 1) * sizeof(w->by_time[0]));
            w->by_time_count--;
            return;
        }
    }
}

static void grow(struct change **list, size_t count, size_t *cap)
{
    if (count < *cap)
        return;
    *cap = *cap ? *cap * 2 : 64;
    *list = mem_realloc(*list, *cap * sizeof(**list));
}

static struct change *change_slot(struct world *w, uint32_t index)
{
    struct change *known = (struct change *)world_change_of(w, index);
    if (known) {
        drop_from_times(w, known);
        return known;
    }
    if (w->by_index_count >= CHANGES_MAX)
        return NULL;
    grow(&w->by_index, w->by_index_count, &w->by_index_cap);
    size_t at = w->by_index_count;
    while (at > 0 && w->by_index[at - 1].index > index)
        at--;
    memmove(w->by_index + at + 1, w->by_index + at,
            (w->by_index_count - at) * sizeof(w->by_index[0]));
    w->by_index_count++;
    w->by_index[at] = (struct change){.index = index};
    idset_add(&w->moved, world_slot_of_index(w, index));
    return &w->by_index[at];
}

static bool change(struct world *w, int64_t id, int64_t now_s, bool deleted)
{
    struct ticket t;
    if (!world_find(w, id, &t) || t.kind != TICKET_LISTED)
        return false;
    struct change *c = change_slot(w, t.index);
    if (!c)
        return false;
    /* Never before the base data's end nor before an earlier change: by_time stays sorted. */
    int64_t last = w->by_time_count ? w->by_time[w->by_time_count - 1].at_s : w->spec.end_s;
    c->at_s = MAX(now_s, last);
    c->deleted = deleted;
    c->revision += deleted ? 0 : 1;
    if (deleted) {
        idset_add(&w->gone, t.index);
        return true;
    }
    grow(&w->by_time, w->by_time_count, &w->by_time_cap);
    w->by_time[w->by_time_count++] = *c;
    return true;
}

bool world_change(struct world *w, int64_t id, int64_t now_s)
{
    return change(w, id, now_s, false);
}

bool world_delete(struct world *w, int64_t id, int64_t now_s)
{
    return change(w, id, now_s, true);
}
