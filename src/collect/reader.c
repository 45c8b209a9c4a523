/*
 * collect/reader.c: an archive's tickets in order.
 *
 *   look (with the writer's leave)   how much of the chunk is on disk for certain
 *   read (pool thread)               texts of so many items, from where the last batch ended
 *   parse (pool thread)              ticket and thread, in the flow's arena
 *
 * Behind a writer no item is told before the ledger that tells of it has been synced: a place that a reader
 * has reached exists after a power cut, too.
 * Fails as files do; an old chunk that breaks off ends there; a ticket that is no JSON is counted and passed over.
 * Invariant: the place moves only past items that were handed out or passed over.
 */
#include "collect/reader.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "collect/writer.h"
#include "loop/flow.h"

#define BATCH_BYTES ((size_t)2 << 20)

/* ---- where it stands ---- */

struct look {
    struct reader *rd;
    struct err err;
    bool exists, is_last;
    uint32_t count, tidy_count;
    char *path; /* that it was opened from */
};

static int open_file(struct archive *a, const struct chunk *c, struct look *look, struct err *err)
{
    struct buf path = BUF_INIT(0);
    buf_printf(&path, "%s/%s%s", a->dir, c->path, c->is_sealed ? "" : ".part");
    int r = items_file_open(&look->rd->file, path.ptr, err);
    buf_done(&path);
    look->rd->is_open = r >= 0;
    return r;
}

/* With the writer's leave, or alone. */
static int look_at(struct archive *a, void *arg, struct err *err)
{
    struct look *look = arg;
    struct reader *rd = look->rd;
    look->exists = rd->chunk < a->chunk_count;
    if (!look->exists)
        return 0;
    const struct chunk *c = &a->chunks[rd->chunk];
    look->is_last = rd->chunk + 1 == a->chunk_count;
    look->count = c->count;
    look->tidy_count = c->tidy_count;
    rd->is_sealed = c->is_sealed;
    rd->is_old = c->is_old;
    int r = rd->writer ? archive_sync(a, err) : 0;
    if (r < 0 || rd->is_open || c->count == 0)
        return r;
    rd->tidy_count = c->tidy_count;
    return open_file(a, c, look, err);
}

static int look_alone(void *arg)
{
    struct look *look = arg;
    return look_at(look->rd->archive, look, &look->err);
}

static int take_look(struct flow *f, struct look *look)
{
    struct reader *rd = look->rd;
    if (rd->writer)
        return writer_run(f, rd->writer, look_at, look);
    int r = work_run(f, look_alone, look);
    return r < 0 && look->err.msg[0] ? err_set(&f->err, r, "%s", look->err.msg) : r;
}

/* ---- items ---- */

struct read {
    struct reader *rd;
    struct arena *arena;
    size_t count_max, count;
    struct reading *readings;
    struct buf text; /* of one ticket, without its thread */
    bool is_over;
    struct err err;
};

/* The object without its conversations. */
static void strip(struct str object, struct buf *out)
{
    struct str key, value;
    bool first = true;
    buf_clear(out);
    buf_byte(out, '{');
    for (size_t at = 0; items_member(object, &at, &key, &value);) {
        if (str_eq(key, STR("conversations")) || str_eq(key, STR("attachments_dir")))
            continue;
        if (!first)
            buf_byte(out, ',');
        first = false;
        buf_byte(out, '"');
        buf_str(out, key);
        buf_text(out, "\":");
        buf_str(out, value);
    }
    buf_byte(out, '}');
}

static int parse_talks(struct arena *a, struct str text, struct reading *out, struct err *err)
{
    struct json v;
    int r = json_parse(a, text, &v, err);
    if (r < 0)
        return r;
    out->talks = ARENA_ARRAY(a, MAX(json_count(v), 1), struct conversation);
    for (struct json_iter it = json_iter(v); json_next(&it);)
        if (conversation_from_json(a, it.value, &out->talks[out->talk_count], err) >= 0)
            out->talk_count++;
    out->has_talks = true;
    return 0;
}

static int parse(struct read *w, const struct item *item, struct reading *out)
{
    struct json v;
    *out = (struct reading){.has_talks = false};
    strip(item->text, &w->text);
    int r = json_parse(w->arena, buf_view(&w->text), &v, &w->err);
    if (r >= 0)
        r = ticket_from_json(w->arena, v, &out->ticket, &w->err);
    if (r >= 0 && item->talks.len > 0)
        r = parse_talks(w->arena, item->talks, out, &w->err);
    return r;
}

/* Whether it is the version that counts; always behind a writer, whose index is not ours to read. */
static bool is_wanted(const struct reader *rd, const struct item *item)
{
    struct index_entry e;
    struct err ignored;
    if (rd->writer)
        return true;
    return index_get(&rd->archive->index, item->id, &e, &ignored) >= 0 && e.is_held &&
           e.chunk == rd->chunk && e.updated_s == item->updated_s &&
           e.has_talks == (item->talks.len > 0) && e.has_files == item->has_files;
}

static void take(struct read *w, struct str text)
{
    struct item item;
    if (!item_read(text, &item)) {
        w->rd->bad_count++;
        return;
    }
    if (!is_wanted(w->rd, &item))
        return;
    if (parse(w, &item, &w->readings[w->count]) >= 0) {
        w->count++;
        return;
    }
    w->rd->bad_count++;
    log_warn("collect.reader", "id=%lld error=\"%s\"", (long long)item.id, w->err.msg);
}

static int read_batch(void *arg)
{
    struct read *w = arg;
    struct reader *rd = w->rd;
    size_t bytes = 0;
    while (w->count < w->count_max && bytes < BATCH_BYTES) {
        struct str text;
        if (!rd->is_sealed && rd->item_count >= rd->told_count)
            return 0;
        int r = items_file_next(&rd->file, &text, &w->err);
        if (r == 0 || (r == E_JSON && rd->is_old)) {
            w->is_over = true;
            return 0;
        }
        if (r < 0)
            return r;
        bytes += text.len;
        take(w, text);
        rd->item_count++;
    }
    return 0;
}

static void read_done(struct read *w)
{
    buf_done(&w->text);
}

static void next_chunk(struct reader *rd)
{
    items_file_close(&rd->file);
    rd->is_open = false;
    rd->chunk++;
    rd->item_count = 0;
    rd->told_count = 0;
    rd->tidy_count = 0;
}

/* 1: there is something to read; 0: nothing, or not yet. */
static int stand(struct flow *f, struct reader *rd)
{
    if (rd->is_open && (rd->is_sealed || rd->item_count < rd->told_count))
        return 1;
    for (;;) {
        struct look look = {.rd = rd};
        int r = take_look(f, &look);
        if (r < 0 || !look.exists)
            return MIN(r, 0);
        rd->told_count = look.count;
        if (rd->is_open && (rd->is_sealed || rd->item_count < look.count))
            return 1;
        if (look.count > 0 || look.is_last)
            return 0;
        next_chunk(rd); /* an empty one between others */
    }
}

int reader_next(struct flow *f, struct reader *rd, size_t count_max, struct reading **ret_readings,
                size_t *ret_count)
{
    int r = stand(f, rd);
    if (r <= 0)
        return r;
    _cleanup_(read_done) struct read w = {.rd = rd, .arena = &f->arena, .count_max = count_max};
    w.readings = ARENA_ARRAY(&f->arena, count_max, struct reading);
    r = work_run(f, read_batch, &w);
    if (r < 0)
        return w.err.msg[0] ? err_set(&f->err, r, "%s", w.err.msg) : r;
    if (w.is_over)
        next_chunk(rd);
    *ret_readings = w.readings;
    *ret_count = w.count;
    return 1;
}

/* ---- opening ---- */

struct opening {
    struct reader *rd;
    struct archive_spec spec;
    struct err err;
};

static int open_own(void *arg)
{
    struct opening *w = arg;
    return archive_open(&w->rd->own, &w->spec, &w->err);
}

int reader_open(struct flow *f, struct reader *rd, const char *dir)
{
    struct opening w = {.rd = rd, .spec = {.dir = dir, .read_only = true}};
    int r = work_run(f, open_own, &w);
    if (r < 0)
        return w.err.msg[0] ? err_set(&f->err, r, "%s", w.err.msg) : r;
    rd->archive = &rd->own;
    return 0;
}

void reader_follow(struct reader *rd, struct writer *w)
{
    rd->archive = w->archive;
    rd->writer = w;
}

struct skip {
    struct reader *rd;
    uint64_t count;
    struct err err;
};

static int skip_items(void *arg)
{
    struct skip *w = arg;
    struct str text;
    int r = 1;
    while (r > 0 && w->rd->item_count < w->count) {
        r = items_file_next(&w->rd->file, &text, &w->err);
        if (r > 0)
            w->rd->item_count++;
    }
    return r == E_JSON && w->rd->is_old ? 0 : r;
}

int reader_seek(struct flow *f, struct reader *rd, size_t chunk, uint64_t item_count,
                uint32_t tidy_count)
{
    items_file_close(&rd->file);
    rd->is_open = false;
    rd->chunk = chunk;
    rd->item_count = 0;
    rd->told_count = 0;
    if (item_count == 0)
        return 0;
    struct look look = {.rd = rd};
    int r = take_look(f, &look);
    if (r < 0 || !look.exists || !rd->is_open || look.tidy_count != tidy_count)
        return MIN(r, 0);
    rd->told_count = look.count;
    struct skip w = {.rd = rd, .count = rd->is_sealed ? item_count : MIN(item_count, look.count)};
    r = work_run(f, skip_items, &w);
    return r < 0 && w.err.msg[0] ? err_set(&f->err, r, "%s", w.err.msg) : MIN(r, 0);
}

void reader_close(struct reader *rd)
{
    items_file_close(&rd->file);
    archive_close(&rd->own);
    rd->is_open = false;
}
