#pragma once
/*
 * Reads an archive's tickets, in batches, as what they mean: for loading into stores. Of a folder nobody collects
 * into, or behind a run that is still writing.
 *
 *   _cleanup_(reader_close) struct reader rd = READER_INIT;
 *   r = reader_open(f, &rd, dir);
 *   while ((r = reader_next(f, &rd, 100, &readings, &count)) > 0) ...; arena_reset(&f->arena);
 *
 * What was read stands at a place that stays the same as long as a chunk is not rewritten (tidy_count).
 */
#include "collect/archive.h"
#include "upstream/freshdesk.h"

struct writer;

struct reading {
    struct ticket ticket; /* its json is without the thread */
    struct conversation *talks;
    size_t talk_count;
    bool has_talks; /* false: the thread was not collected */
};
struct reader {
    struct archive *archive;
    struct archive own;    /* of reader_open */
    struct writer *writer; /* NULL: nobody writes */
    size_t chunk;
    uint64_t item_count; /* of the chunk, that were read */
    uint32_t tidy_count; /* of the chunk */
    struct items_file file;
    uint32_t told_count; /* tickets of the chunk that are on disk for certain */
    bool is_open, is_sealed, is_old;
    uint64_t bad_count; /* tickets that could not be understood */
};
#define READER_INIT                                                                                \
    {                                                                                              \
        .own = ARCHIVE_INIT, .file = ITEMS_FILE_INIT                                               \
    }
/* E_NOT_FOUND when there is no archive. Suspends, as the next does. */
int reader_open(struct flow *f, struct reader *rd, const char *dir) _must_check_;
/* Behind a run's writer: what it has not written yet is not there yet. */
void reader_follow(struct reader *rd, struct writer *w);
/* Goes to a place told by an earlier reader; when that chunk was rewritten meanwhile, to its start. */
int reader_seek(struct flow *f, struct reader *rd, size_t chunk, uint64_t item_count,
                uint32_t tidy_count) _must_check_;
/* Up to `count_max` tickets (fewer when they are large) in the flow's arena. > 0: go on, though *ret_count may
 * be 0 where none could be read; 0: there is no more, or not yet. Without a writer each ticket is told once, in
 * the version that counts; behind one superseded versions come too, older ones first. */
int reader_next(struct flow *f, struct reader *rd, size_t count_max, struct reading **ret_readings,
                size_t *ret_count) _must_check_;
void reader_close(struct reader *rd); /* _cleanup_ */
