#pragma once
/* Knowledge-base articles; the same rules as tickets.h. */
#include <stdbool.h>
#include <stdint.h>

#include "store/item.h"
#include "upstream/freshdesk.h"

int articles_upsert(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str salt,
                    const struct article *items, size_t count, struct item_result *ret_results)
    _must_check_;
int articles_mark_synced(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                         const struct item_result *items, size_t count) _must_check_;

struct article_card {
    int64_t id;
    struct str title, body_text, folder_name, category_name, language;
    int64_t folder_id, category_id;
    int status, type, visibility;
    struct str *tags;
    size_t tag_count;
    struct str intent, procedure; /* "" when there is none */
    int64_t created_at, updated_at;
};
/* Those of `ids` that exist and are not deleted, in the order of `ids`; arena. */
int articles_get_many(struct flow *f, struct pg_pool *p, int64_t tenant_id, const int64_t *ids,
                      size_t count, struct article_card **ret_cards, size_t *ret_count)
    _must_check_;
int articles_mark_deleted(struct flow *f, struct pg_pool *p, int64_t tenant_id, const int64_t *ids,
                          size_t count, int64_t *ret_marked) _must_check_;
/* Ids that are stored, not deleted: to find those that the vendor no longer has. Ascending, arena. */
int articles_ids(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t **ret_ids,
                 size_t *ret_count) _must_check_;
int articles_count(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t *ret_count,
                   int64_t *ret_updated_at) _must_check_;
