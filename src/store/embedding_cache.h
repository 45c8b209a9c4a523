#pragma once
/* Vectors by the hash of their text and the model's name, so that a text is paid for once. Stored as half
 * floats: what comes back differs from what was put by less than 0.1 % a value. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"
#include "db/pg.h"

struct embedding {
    uint8_t hash[SHA256_BYTES]; /* sha256 of the text */
    float *vector;              /* EMBED_DIMENSIONS floats, the caller's memory */
    bool found;
};
/* Fills `vector` of those known and sets `found` of all. One round trip. */
int embedding_cache_get(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str model,
                        struct embedding *items, size_t count) _must_check_;
/* Puts those whose `found` is false; known hashes are left as they are. */
int embedding_cache_put(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str model,
                        const struct embedding *items, size_t count) _must_check_;
