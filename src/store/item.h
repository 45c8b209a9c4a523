#pragma once
/* What tickets and articles have in common in the store. */
#include <stdint.h>

#include "base/crypto.h"
#include "db/pg.h"

/* What an upsert found. Work is due until *_mark_synced tells that the vectors of this very content have
 * been written, so a run that broke off is taken up by the next. */
enum item_state {
    ITEM_UNCHANGED, /* same content, its vectors are written: nothing to do */
    ITEM_DUE,       /* new, changed, or not finished last time */
};
struct item_result {
    int64_t id;
    enum item_state state;
    uint8_t hash[SHA256_BYTES]; /* for *_mark_synced */
};
