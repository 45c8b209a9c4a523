#pragma once
/*
 * The texts that are embedded and searched: of a ticket symptom, cause, resolution; of an article intent
 * and procedure. And full-text search over them.
 *
 * Search terms are made here, not by the server's parser, so that they do not depend on the database's
 * locale: Latin words lower-cased and lightly stemmed; Hangul, Han and kana as overlapping pairs of
 * characters, which meet across Korean particles (환불이 and 환불을 share 환불).
 */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/crypto.h"
#include "db/pg.h"
#include "store/vectors.h" /* enum vector_collection: tickets or kb */

struct item_texts {
    int64_t id;
    /* tickets: symptom, cause, resolution; kb: intent, procedure, unused. The places of vectors.h. */
    struct str texts[VECTORS_PER_POINT_MAX];
    struct str title;    /* also searched; not stored here */
    struct str more;     /* e.g. the thread's text: searched (first 8 KiB), not stored here */
    struct str language; /* "ko", "en", "" */
    uint8_t hash[SHA256_BYTES]; /* of what the texts were made from */
};
int texts_upsert(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                 const struct item_texts *items, size_t count) _must_check_;
/* Those that exist, by id; arena. title and more are empty. */
int texts_get_many(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                   const int64_t *ids, size_t count, struct item_texts **ret_items,
                   size_t *ret_count) _must_check_;

struct text_hit {
    int64_t id;
    double rank; /* > 0, larger is better; of use within one answer only */
};
/* Items that share terms with `query` (any text, cut to 4 KiB), rare terms counting more; best first, ties by
 * id; at most `limit` <= 200; arena. exclude_id 0: none. No usable term: no hits. */
int search_text(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                struct str query, int limit, int64_t exclude_id, struct text_hit **ret_hits,
                size_t *ret_count) _must_check_;
/* The distinct search terms of a text, at most term_count_max, with spaces between; arena. Each is letters
 * and digits only, so the result is a valid tsvector literal. */
struct str search_terms(struct arena *a, struct str text, size_t term_count_max);
/* The stored terms of an item. For store/ only. */
struct str texts_terms(struct arena *a, const struct item_texts *item);
