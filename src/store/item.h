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

/* ---- for store/ only: constant statements with $1 tenant, $2 ids, $3 hashes as hex ---- */
int items_mark_synced(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *sql,
                      const struct item_result *items, size_t count) _must_check_;
int items_mark_deleted(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *sql,
                       const int64_t *ids, size_t count, int64_t *ret_marked) _must_check_;
int items_count(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *sql,
                int64_t *ret_count, int64_t *ret_updated_at) _must_check_;
