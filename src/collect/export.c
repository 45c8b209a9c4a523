/*
 * collect/export.c: the result files, made by streaming: all_tickets.json, tickets_export.csv and
 * summary_report.json (legacy-contracts §4.3).
 *
 * Happy path: chunk after chunk, on a pool thread: each ticket that is held goes out as it stands into the
 * merged list and as a row into the table, and is counted. One ticket is in memory at a time.
 * Fails with the system's code; the files of the last export stay whole until the new ones are.
 * Invariant: a ticket is in the results once, in its newest version.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "collect/archive.h"
#include "collect/collect.h"
#include "collect/files.h"

enum { BY_STATUS, BY_PRIORITY, BY_TYPE, BY_SOURCE, DISTRIBUTION_COUNT };
#define VALUES_MAX 1000 /* different values of one member that are counted by name */

struct value_count {
    char *value;
    uint64_t count;
};
struct distribution {
    struct value_count *items;
    size_t count;
};

struct export
{
    struct archive_visitor visitor;
    struct archive archive;
    struct file_out merged, table;
    struct arena arena; /* of one ticket */
    struct distribution by[DISTRIBUTION_COUNT];
    uint64_t ticket_count, talk_sum, talk_max, file_sum, file_max;
    size_t next_chunk;
    const char *dir;
    struct err err;
};

static void count_value(struct distribution *d, struct json v)
{
    char text[128];
    struct str s = json_str(v);
    if (json_is_null(v))
        s = STR("null");
    else if (!json_is_str(v))
        s = str_of(text, (size_t)snprintf(text, sizeof(text), "%" PRId64, json_i64(v, 0)));
    for (size_t i = 0; i < d->count; i++)
        if (str_eq(str_from(d->items[i].value), s)) {
            d->items[i].count++;
            return;
        }
    if (d->count == VALUES_MAX)
        return;
    d->items = mem_realloc(d->items, (d->count + 1) * sizeof(d->items[0]));
    struct buf copy = BUF_INIT(0);
    buf_str(&copy, s);
    d->items[d->count++] = (struct value_count){mem_strdup(copy.ptr ? copy.ptr : ""), 1};
    buf_done(&copy);
}

/* A field the way Python's csv writes it: quoted only where it must be. */
static void csv_field(struct buf *out, struct str s)
{
    bool plain = true;
    for (size_t i = 0; i < s.len && plain; i++)
        plain = s.ptr[i] != ',' && s.ptr[i] != '"' && s.ptr[i] != '\n' && s.ptr[i] != '\r';
    if (plain) {
        buf_str(out, s);
        return;
    }
    buf_byte(out, '"');
    for (const char *p = s.ptr, *end = s.ptr + s.len; p < end; p++) {
        if (*p == '"')
            buf_byte(out, '"');
        buf_byte(out, *p);
    }
    buf_byte(out, '"');
}

static void csv_value(struct buf *out, struct json v)
{
    if (json_is_str(v))
        csv_field(out, json_str(v));
    else if (json_is_num(v))
        json_write(out, v);
    else if (json_is_bool(v))
        buf_text(out, json_bool(v, false) ? "True" : "False");
}

static void csv_tags(struct buf *out, struct json tags)
{
    struct buf joined = BUF_INIT(0);
    for (struct json_iter it = json_iter(tags); json_next(&it);) {
        if (it.index > 0)
            buf_byte(&joined, ',');
        buf_str(&joined, json_str(it.value));
    }
    csv_field(out, buf_view(&joined));
    buf_done(&joined);
}

static const char *const columns[] = {
    "id",         "subject",    "description_text", "status",       "priority",   "type",
    "created_at", "updated_at", "requester_id",     "responder_id", "company_id", "product_id",
    "source"};

static uint64_t attachments_of(struct json t)
{
    uint64_t count = json_count(json_get(t, "attachments"));
    for (struct json_iter it = json_iter(json_get(t, "conversations")); json_next(&it);)
        count += json_count(json_get(it.value, "attachments"));
    return count;
}

static int export_one(struct archive_visitor *v, const struct item *item, struct err *err)
{
    struct export *x = container_of(v, struct export, visitor);
    struct json t;
    int r = json_parse(&x->arena, item->text, &t, err);
    if (r < 0)
        return err_wrap(err, r, "ticket %" PRId64, item->id);
    uint64_t talks = json_count(json_get(t, "conversations")), files = attachments_of(t);
    buf_text(&x->merged.buf, x->ticket_count++ == 0 ? "[\n" : ",\n");
    buf_str(&x->merged.buf, item->text);
    struct buf *row = &x->table.buf;
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        csv_value(row, json_get(t, columns[i]));
        buf_byte(row, ',');
    }
    csv_tags(row, json_get(t, "tags"));
    buf_printf(row, ",%" PRIu64 ",%" PRIu64 "\n", talks, files);
    static const char *const counted[] = {"status", "priority", "type", "source"};
    for (size_t i = 0; i < DISTRIBUTION_COUNT; i++)
        count_value(&x->by[i], json_get(t, counted[i]));
    x->talk_sum += talks;
    x->talk_max = MAX(x->talk_max, talks);
    x->file_sum += files;
    x->file_max = MAX(x->file_max, files);
    arena_reset(&x->arena);
    r = file_out_flush(&x->merged, false, err);
    return r < 0 ? r : file_out_flush(&x->table, false, err);
}

/* ---- the steps, each on a pool thread ---- */

static int begin(void *arg)
{
    struct export *x = arg;
    const struct archive_spec spec = {.dir = x->dir, .read_only = true};
    int r = archive_open(&x->archive, &spec, &x->err);
    if (r < 0)
        return r;
    _cleanup_(mem_freep) char *merged = archive_path(&x->archive, "all_tickets.json");
    _cleanup_(mem_freep) char *table = archive_path(&x->archive, "tickets_export.csv");
    r = file_out_open(&x->merged, merged, &x->err);
    if (r >= 0)
        r = file_out_open(&x->table, table, &x->err);
    buf_text(&x->table.buf, "\xef\xbb\xbf");
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++)
        buf_printf(&x->table.buf, "%s,", columns[i]);
    buf_text(&x->table.buf, "tags,conversations_count,attachments_count\n");
    return r;
}

static int one_chunk(void *arg)
{
    struct export *x = arg;
    if (x->archive.chunks[x->next_chunk].count == 0)
        return 0;
    return archive_each_of(&x->archive, x->next_chunk, &x->visitor, &x->err);
}

static double average(uint64_t sum, uint64_t count)
{
    return count ? (double)sum / (double)count : 0;
}

static int by_count(const void *a, const void *b)
{
    const struct value_count *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->value, y->value);
}

static int write_summary(struct export *x)
{
    static const char *const names[] = {"status_distribution", "priority_distribution",
                                        "type_distribution", "source_distribution"};
    _cleanup_(buf_done) struct buf text = BUF_INIT(0);
    struct jw w = JW_INIT(&text);
    jw_obj(&w, NULL);
    jw_i64(&w, "total_tickets", (int64_t)x->ticket_count);
    for (size_t i = 0; i < DISTRIBUTION_COUNT; i++) {
        if (x->by[i].count > 0)
            qsort(x->by[i].items, x->by[i].count, sizeof(x->by[i].items[0]), by_count);
        jw_obj(&w, names[i]);
        for (size_t k = 0; k < x->by[i].count; k++)
            jw_i64(&w, x->by[i].items[k].value, (int64_t)x->by[i].items[k].count);
        jw_end_obj(&w);
    }
    jw_obj(&w, "conversation_stats");
    jw_f64(&w, "avg_conversations_per_ticket", average(x->talk_sum, x->ticket_count), -1);
    jw_i64(&w, "max_conversations", (int64_t)x->talk_max);
    jw_i64(&w, "total_conversations", (int64_t)x->talk_sum);
    jw_end_obj(&w);
    jw_obj(&w, "attachment_stats");
    jw_f64(&w, "avg_attachments_per_ticket", average(x->file_sum, x->ticket_count), -1);
    jw_i64(&w, "max_attachments", (int64_t)x->file_max);
    jw_i64(&w, "total_attachments", (int64_t)x->file_sum);
    jw_end_obj(&w);
    jw_end_obj(&w);
    buf_byte(&text, '\n');
    _cleanup_(mem_freep) char *path = archive_path(&x->archive, "summary_report.json");
    return file_replace(path, buf_view(&text), &x->err);
}

static int end(void *arg)
{
    struct export *x = arg;
    buf_text(&x->merged.buf, x->ticket_count == 0 ? "[]\n" : "\n]\n");
    int r = file_out_commit(&x->merged, &x->err);
    if (r >= 0)
        r = file_out_commit(&x->table, &x->err);
    return r < 0 ? r : write_summary(x);
}

/* all_tickets.json.gz beside the other. */
static int compress_merged(void *arg)
{
    struct export *x = arg;
    _cleanup_(mem_freep) char *from = archive_path(&x->archive, "all_tickets.json");
    _cleanup_(mem_freep) char *to = archive_path(&x->archive, "all_tickets.json.gz");
    _cleanup_(mem_freep) char *temporary = archive_path(&x->archive, "all_tickets.json.gz.tmp");
    gzFile out = gzopen(temporary, "wb6");
    FILE *in = fopen(from, "rbe");
    char block[4096];
    int r = out == NULL || in == NULL ? err_set(&x->err, -EIO, "%s: cannot be written", to) : 0;
    for (size_t n = 1; r >= 0 && n > 0;) {
        n = fread(block, 1, sizeof(block), in);
        if (n > 0 && gzwrite(out, block, (unsigned)n) != (int)n)
            r = err_set(&x->err, -EIO, "%s: cannot be written", to);
    }
    if (in)
        fclose(in);
    if (out && gzclose(out) != Z_OK && r >= 0)
        r = err_set(&x->err, -EIO, "%s: cannot be written", to);
    if (r >= 0 && rename(temporary, to) < 0)
        r = err_set(&x->err, -errno, "%s: %s", to, err_text(-errno));
    if (r < 0)
        remove(temporary);
    return r;
}

static void export_done(struct export *x)
{
    file_out_close(&x->merged);
    file_out_close(&x->table);
    archive_close(&x->archive);
    arena_done(&x->arena);
    for (size_t i = 0; i < DISTRIBUTION_COUNT; i++) {
        for (size_t k = 0; k < x->by[i].count; k++)
            mem_free(x->by[i].items[k].value);
        mem_free(x->by[i].items);
    }
}

static int step(struct flow *f, struct export *x, int (*fn)(void *arg))
{
    x->err.msg[0] = '\0';
    int r = work_run(f, fn, x);
    return r < 0 && x->err.msg[0] != '\0' ? err_set(&f->err, r, "%s", x->err.msg) : r;
}

int collect_export(struct flow *f, const char *dir, struct collect_export *export)
{
    _cleanup_(export_done) struct export x = {
        .visitor = {.each = export_one},
        .archive = ARCHIVE_INIT,
        .merged = FILE_OUT_INIT,
        .table = FILE_OUT_INIT,
        .dir = dir,
    };
    arena_init(&x.arena, 0);
    int r = step(f, &x, begin);
    for (; r >= 0 && x.next_chunk < x.archive.chunk_count; x.next_chunk++)
        r = step(f, &x, one_chunk);
    if (r >= 0)
        r = step(f, &x, end);
    if (r >= 0 && export->gzip)
        r = step(f, &x, compress_merged);
    export->ticket_count = x.ticket_count;
    export->talk_count = x.talk_sum;
    export->talk_average = average(x.talk_sum, x.ticket_count);
    return r;
}
