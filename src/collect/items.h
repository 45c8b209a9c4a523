#pragma once
/*
 * Cutting a JSON array into the texts of its items, from memory or from a file of any size, and reading
 * the few members of a ticket that the collector needs. Nothing is copied or decoded.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* The text of the value at `at`, or an empty one when it is cut off or no JSON. White space before it is
 * passed over. Brackets and strings are matched, nothing else is checked. */
struct str items_value(struct str text, size_t at);
/* Members of an object's text, in order: size_t at = 0; while (items_member(object, &at, &key, &value)).
 * `key` is without quotes, escapes as they stand. False at the end, and when it is no object. */
bool items_member(struct str object, size_t *at, struct str *ret_key, struct str *ret_value);
/* Items of an array's text: size_t at = 0; while (items_next(array, &at, &item)). */
bool items_next(struct str array, size_t *at, struct str *ret_item);

/* What the collector reads of a ticket. */
struct item {
    struct str text; /* the whole object */
    int64_t id;
    int64_t updated_s, created_s; /* unix seconds; 0 when missing */
    struct str talks;             /* text of its conversations array; empty when it has none */
    bool has_attachments;         /* it has that member */
    bool has_files;               /* written by us with its attachments on disk */
    bool
        is_silent; /* nothing has happened since it was created, and nobody has answered: no thread */
};
/* False when the text is no object or has no id. */
bool item_read(struct str text, struct item *ret_item);
/* Seconds of "2026-11-20T16:43:00Z" and other ISO times; 0 when it is none. */
int64_t item_time(struct str value);

/* Items of a file that holds one array, by blocks. Blocking: for pool threads. */
struct items_file {
    int fd;
    struct buf buf; /* from the item being read on */
    size_t at;      /* in buf */
    bool begun, ended, over;
    uint64_t offset;    /* of buf's first byte in the file */
    uint64_t bytes_max; /* an item may not be larger */
};
#define ITEMS_FILE_INIT                                                                            \
    {                                                                                              \
        .fd = -1                                                                                   \
    }
int items_file_open(struct items_file *f, const char *path, struct err *err) _must_check_;
void items_file_close(struct items_file *f); /* _cleanup_ */
/* 1 and an item, borrowed until the next call; 0 at the end; E_JSON for a file that is cut off or no
 * array (what came before it was good). */
int items_file_next(struct items_file *f, struct str *ret_item, struct err *err) _must_check_;
