#pragma once
/* Tickets and their threads. */
#include <stdbool.h>
#include <stdint.h>

#include "store/item.h"
#include "upstream/freshdesk.h"

struct ticket_item {
    const struct ticket *ticket;
    const struct conversation *talks;
    size_t talk_count;
    bool has_talks; /* false: the thread was not fetched, what is stored stays */
};
/* Writes what changed, in one transaction; ret_results has `count` places, in the order of `items`. Of one
 * ticket given twice the later counts. `salt` names how vectors are made (home, model, extraction): when it
 * changes, everything is due again. At most 500 items. */
int tickets_upsert(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str salt,
                   const struct ticket_item *items, size_t count, struct item_result *ret_results)
    _must_check_;
/* Of tickets as a list shows them, those that are stored just so: same updated_at, same salt, vectors written.
 * Their threads need not be fetched. ret_fresh has `count` places. */
int tickets_fresh(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str salt,
                  const struct ticket *tickets, size_t count, bool *ret_fresh) _must_check_;
/* Of items from elsewhere than the vendor, those that the store has in a newer version, or has marked deleted
 * since. ret_overtaken has `count` places. */
int tickets_overtaken(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                      const struct ticket_item *items, size_t count, bool *ret_overtaken)
    _must_check_;
/* The vectors of these contents are written; each is logged in sync_logs by the same statement. A ticket
 * that changed meanwhile stays due. */
int tickets_mark_synced(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                        const struct item_result *items, size_t count) _must_check_;
/* One ticket with its thread, oldest first, in the flow's arena. E_NOT_FOUND; deleted ones count as absent.
 * Conversations have no json. */
int tickets_get(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t id,
                struct ticket *ret_ticket, struct conversation **ret_talks, size_t *ret_talk_count)
    _must_check_;

/* What a list of similar tickets shows. */
struct ticket_card {
    int64_t id;
    struct str subject, type, language;
    int status, priority;
    struct str *tags;
    size_t tag_count;
    struct str symptom, cause, resolution; /* "" when there is none */
    int64_t created_at, updated_at;
};
/* Cards of those of `ids` that exist and are neither deleted nor spam, in the order of `ids`; arena. */
int tickets_get_many(struct flow *f, struct pg_pool *p, int64_t tenant_id, const int64_t *ids,
                     size_t count, struct ticket_card **ret_cards, size_t *ret_count) _must_check_;
/* Marks as deleted or spam and drops texts; vectors are the caller's. *ret_marked (may be NULL) counts those
 * that were not marked before. */
int tickets_mark_deleted(struct flow *f, struct pg_pool *p, int64_t tenant_id, const int64_t *ids,
                         size_t count, int64_t *ret_marked) _must_check_;
/* How many there are, deleted and spam left out; newest updated_at (WALL_NONE: none). Both may be NULL. */
int tickets_count(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t *ret_count,
                  int64_t *ret_updated_at) _must_check_;
/* Newest first, for pickers: cards without texts. */
int tickets_newest(struct flow *f, struct pg_pool *p, int64_t tenant_id, int limit,
                   struct ticket_card **ret_cards, size_t *ret_count) _must_check_;

/* For store/ only: what content_hash is made of. */
void tickets_hash(struct str salt, const struct ticket_item *item, uint8_t ret_hash[SHA256_BYTES]);
