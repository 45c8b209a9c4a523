#include "base/map.h"

#include <assert.h>
#include <stdint.h>

#include "base/mem.h"

/*
 * A hash table by linear probing over a power of two. A slot is empty (no key, not taken), live (key
 * and value), or taken (a grave: probing goes on past it). Keys are heap copies. The table is rebuilt
 * when live slots and graves together fill three quarters; a table full of graves keeps its size.
 *
 * Invariant: used = live + graves < cap, so that every probe meets an empty slot.
 */

struct map_slot {
    char *key; /* NULL: empty or grave */
    size_t key_len;
    uint64_t hash;
    void *value;
    bool taken;
};

#define MAP_SLOTS_MIN 16

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_done(struct map *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->cap; i++)
        mem_free(m->slots[i].key);
    mem_free(m->slots);
    map_init(m);
}

/* FNV-1a leaves its low bits weak; the table uses those. */
static uint64_t hash_of(struct str key)
{
    uint64_t h = str_hash(key);
    h = (h ^ (h >> 32)) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

static struct map_slot *find(const struct map *m, struct str key, uint64_t hash)
{
    if (!m->cap)
        return NULL;
    for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        struct map_slot *slot = &m->slots[i];
        if (!slot->key && !slot->taken)
            return NULL;
        if (slot->key && slot->hash == hash && str_eq(str_of(slot->key, slot->key_len), key))
            return slot;
    }
}

/* Where a key that is not in the table goes: the first slot without one. */
static struct map_slot *free_slot(struct map_slot *slots, size_t cap, uint64_t hash)
{
    size_t i = hash & (cap - 1);
    while (slots[i].key)
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

static void rebuild(struct map *m)
{
    size_t cap = MAX(m->cap, (size_t)MAP_SLOTS_MIN);
    while ((m->count + 1) * 2 > cap)
        cap *= 2;
    struct map_slot *slots = mem_alloc(cap * sizeof(*slots));
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].key)
            *free_slot(slots, cap, m->slots[i].hash) = m->slots[i];
    mem_free(m->slots);
    m->slots = slots;
    m->cap = cap;
    m->used = m->count;
}

void *map_get(const struct map *m, struct str key)
{
    struct map_slot *slot = find(m, key, hash_of(key));
    return slot ? slot->value : NULL;
}

void map_put(struct map *m, struct str key, void *value)
{
    assert(value);
    uint64_t hash = hash_of(key);
    struct map_slot *slot = find(m, key, hash);
    if (slot) {
        slot->value = value;
        return;
    }
    if ((m->used + 1) * 4 > m->cap * 3)
        rebuild(m);
    slot = free_slot(m->slots, m->cap, hash);
    if (!slot->taken)
        m->used++;
    char *copy = mem_alloc(key.len + 1);
    if (key.len)
        memcpy(copy, key.ptr, key.len);
    *slot = (struct map_slot){.key = copy, .key_len = key.len, .hash = hash, .value = value};
    m->count++;
}

void *map_take(struct map *m, struct str key)
{
    struct map_slot *slot = find(m, key, hash_of(key));
    if (!slot)
        return NULL;
    void *value = slot->value;
    mem_free(slot->key); /* `key` may point here: last use was above */
    *slot = (struct map_slot){.taken = true};
    m->count--;
    return value;
}

bool map_next(const struct map *m, size_t *at, struct str *ret_key, void **ret_value)
{
    while (*at < m->cap) {
        const struct map_slot *slot = &m->slots[(*at)++];
        if (!slot->key)
            continue;
        *ret_key = str_of(slot->key, slot->key_len);
        *ret_value = slot->value;
        return true;
    }
    return false;
}
