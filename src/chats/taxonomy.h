#pragma once
/*
 * The categories that chats are sorted into: of a file (config/categories.json, or one of the user's own) or
 * of the source's table of categories. A category that is not in here is never accepted from a model.
 *
 *   {"categories": [{"id": 11, "name": "기타", "hint": "what belongs there"}, ...]}
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/chat_source.h"

enum { CATEGORY_COUNT_MAX = 200, CATEGORY_NAME_BYTES_MAX = 400, CATEGORY_HINT_BYTES_MAX = 1000 };

struct category {
    int64_t id;            /* 1..INT32_MAX, unique */
    struct str name, hint; /* name unique, one line each; the hint may be empty */
};
struct taxonomy {
    struct category *items; /* in the order of the file or by id; arena */
    size_t count;           /* >= 1 */
};

/* Reads a file's text; strings are copied to the arena. E_CONFIG names what is wrong and where. */
int taxonomy_parse(struct arena *a, struct str json, struct taxonomy *ret_taxonomy, struct err *err)
    _must_check_;
/* The shipped one. */
void taxonomy_shipped(struct arena *a, struct taxonomy *ret_taxonomy);
/* What a table holds, without the ids in `excluded` ("3,7"); hints come from `hints` by equal names. E_CONFIG
 * when nothing is left, or more than CATEGORY_COUNT_MAX. */
int taxonomy_from_table(struct arena *a, const struct chat_category *rows, size_t row_count,
                        const struct taxonomy *hints, struct str excluded,
                        struct taxonomy *ret_taxonomy, struct err *err) _must_check_;
/* NULL: there is none. Borrowed. */
const struct category *taxonomy_find(const struct taxonomy *t, int64_t id);
const struct category *taxonomy_named(const struct taxonomy *t, struct str name);
/* Appends lines "5 | name | hint", as the prompts end with them. */
void taxonomy_write(struct buf *out, const struct taxonomy *t);
/* For chat_categories_seed; arena. */
struct chat_category *taxonomy_rows(struct arena *a, const struct taxonomy *t);
