/*
 * collect/progress.c: progress.json, collection_stats.json and diagnostic_info.json with the old names and
 * members (legacy-contracts §4.3), and the numbers for progress bars.
 *
 * Happy path: what windows tell is written down on the loop, what chunks tell on the pool thread that owns
 * them; each file is replaced whole. They are for people and old tools: the ledger is what counts.
 * Fails with the system's code.
 * Invariant: an old progress.json's lists are not taken over; they are made from what is held.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/wall.h"
#include "collect/files.h"
#include "collect/walk.h"
#include "upstream/account.h"

#define WINDOW_TICKETS_USUAL ((uint64_t)(PAGE_NUMBER_MAX - 1) * PAGE_ROWS)
#define SAMPLE 100

struct save {
    struct buf ranges, details; /* insides of completed_ranges and range_details */
    int64_t at_ms;              /* local time as if it were UTC */
    int64_t wall_ms;
    uint64_t range_count, file_count;
    bool is_over, is_complete;
};

static int64_t local_ms(int64_t at_ms)
{
    time_t at_s = (time_t)(at_ms / 1000);
    struct tm tm;
    localtime_r(&at_s, &tm);
    return at_ms + (int64_t)tm.tm_gmtoff * 1000;
}

static void naive(struct jw *w, const char *key, int64_t at_ms)
{
    struct buf text = BUF_INIT(0);
    wall_write_naive(&text, at_ms);
    jw_str(w, key, buf_view(&text));
    buf_done(&text);
}

/* "2024-01-01T00:00:00Z_2024-01-30T23:59:59Z" */
static void range_name(struct buf *out, const struct window *w)
{
    wall_write(out, w->from_s * 1000);
    buf_byte(out, '_');
    if (w->to_s > 0)
        wall_write(out, (w->to_s - 1) * 1000);
    else
        buf_text(out, "now");
}

static void write_windows(struct save *s, const struct archive *a)
{
    struct jw ranges = JW_INIT(&s->ranges), details = JW_INIT(&s->details);
    jw_arr(&ranges, NULL);
    jw_obj(&details, NULL);
    for (size_t i = 0; i < a->window_count; i++) {
        const struct window *w = a->windows[i];
        if (w->kind != WINDOW_TICKETS || (!w->is_done && w->count == 0))
            continue;
        struct buf name = BUF_INIT(0);
        range_name(&name, w);
        if (w->is_done) {
            jw_str(&ranges, NULL, buf_view(&name));
            s->range_count++;
        }
        jw_obj(&details, name.ptr);
        jw_i64(&details, "tickets_collected", (int64_t)w->count);
        jw_bool(&details, "partial", !w->is_done);
        if (w->done_at_ms > 0)
            naive(&details, "completed_at", local_ms(w->done_at_ms));
        else
            jw_null(&details, "completed_at");
        jw_end_obj(&details);
        buf_done(&name);
    }
    jw_end_arr(&ranges);
    jw_end_obj(&details);
}

static size_t sealed_count(const struct archive *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->chunk_count; i++)
        n += a->chunks[i].is_sealed;
    return n;
}

static void write_progress(struct buf *out, const struct archive *a, const struct save *s)
{
    struct jw w = JW_INIT(out);
    jw_obj(&w, NULL);
    naive(&w, "last_updated", s->at_ms);
    jw_f64(&w, "last_updated_timestamp", (double)s->wall_ms / 1000, 3);
    jw_i64(&w, "total_collected", (int64_t)a->held_count);
    jw_raw(&w, "completed_ranges", buf_view(&s->ranges));
    jw_raw(&w, "range_details", buf_view(&s->details));
    jw_arr(&w, "chunks_completed");
    for (size_t i = 0; i < a->chunk_count; i++)
        if (a->chunks[i].is_sealed)
            jw_fmt(&w, NULL, "%04zu", i);
    jw_end_arr(&w);
    jw_obj(&w, "raw_data_progress");
    static const char *const lists[] = {"ticket_details_chunks", "conversations_chunks",
                                        "attachments_chunks", "knowledge_base_chunks"};
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        jw_arr(&w, lists[i]);
        jw_end_arr(&w);
    }
    jw_end_obj(&w);
    jw_arr(&w, "failed_ranges");
    jw_end_arr(&w);
    jw_end_obj(&w);
    buf_byte(out, '\n');
}

static void write_stats(struct buf *out, const struct archive *a, const struct save *s)
{
    struct jw w = JW_INIT(out);
    jw_obj(&w, NULL);
    jw_i64(&w, "total_tickets_collected", (int64_t)a->held_count);
    jw_i64(&w, "chunks_created", (int64_t)sealed_count(a));
    jw_i64(&w, "date_ranges_processed", (int64_t)s->range_count);
    jw_bool(&w, "collection_completed", s->is_complete);
    jw_i64(&w, "days_per_chunk", 30);
    jw_bool(&w, "adaptive_rate", true);
    jw_f64(&w, "final_request_delay", 0, 1);
    jw_obj(&w, "raw_data_stats");
    jw_i64(&w, "ticket_details_collected", (int64_t)a->held_count);
    jw_i64(&w, "conversations_collected", (int64_t)a->talk_count);
    jw_i64(&w, "attachments_collected", (int64_t)s->file_count);
    jw_i64(&w, "knowledge_base_collected", 0);
    jw_null(&w, "max_kb_articles");
    jw_end_obj(&w);
    jw_end_obj(&w);
    buf_byte(out, '\n');
}

static int write_diagnosis(struct buf *out, struct archive *a, const struct save *s,
                           struct err *err)
{
    struct jw w = JW_INIT(out);
    jw_obj(&w, NULL);
    naive(&w, "collection_timestamp", s->at_ms);
    jw_i64(&w, "total_tickets_collected", (int64_t)a->held_count);
    jw_i64(&w, "collected_ticket_ids_count", (int64_t)a->held_count);
    jw_arr(&w, "collected_ticket_ids_sample");
    int64_t id = 1;
    for (int n = 0; n < SAMPLE && id <= a->index.id_max && id < SAMPLE * 100; id++) {
        struct index_entry e;
        int r = index_get(&a->index, id, &e, err);
        if (r < 0)
            return r;
        if (e.is_held) {
            jw_i64(&w, NULL, id);
            n++;
        }
    }
    jw_end_arr(&w);
    jw_obj(&w, "raw_data_settings");
    jw_end_obj(&w);
    jw_obj(&w, "raw_data_stats");
    jw_end_obj(&w);
    jw_raw(&w, "date_ranges_processed", buf_view(&s->ranges));
    jw_i64(&w, "total_date_ranges", (int64_t)s->range_count);
    jw_end_obj(&w);
    buf_byte(out, '\n');
    return 0;
}

static int save_job(struct archive *a, void *arg, struct err *err)
{
    const struct save *s = arg;
    static const char *const names[] = {"progress.json", "collection_stats.json",
                                        "diagnostic_info.json"};
    int r = archive_sync(a, err);
    for (size_t i = 0; r >= 0 && i < (s->is_over ? ARRAY_COUNT(names) : 1); i++) {
        _cleanup_(buf_done) struct buf text = BUF_INIT(0);
        if (i == 0)
            write_progress(&text, a, s);
        else if (i == 1)
            write_stats(&text, a, s);
        else
            r = write_diagnosis(&text, a, s, err);
        if (r < 0)
            return r;
        _cleanup_(mem_freep) char *path = archive_path(a, names[i]);
        r = file_replace(path, buf_view(&text), err);
    }
    return r;
}

int progress_save(struct flow *f, struct collector *c, bool is_over)
{
    struct save s = {
        .wall_ms = loop_wall_ms(f->loop),
        .at_ms = local_ms(loop_wall_ms(f->loop)),
        .is_over = is_over,
        .file_count = c->file_count,
        .is_complete = c->archive->run.is_complete,
    };
    write_windows(&s, c->archive);
    int r = writer_run(f, &c->writer, save_job, &s);
    buf_done(&s.ranges);
    buf_done(&s.details);
    return r;
}

/* ---- numbers ---- */

static void add_budget(void *context, struct account *account)
{
    struct collect_progress *p = context;
    struct bucket_stats s = bucket_stats(account_bucket(account));
    p->budget_used += s.used_total[0];
    p->budget_per_minute += s.per_window[0];
}

/* Counts of the archive may be a batch old: a pool thread may be at work on it. */
void progress_of(const struct collector *c, struct collect_progress *ret)
{
    const struct archive *a = c->archive;
    *ret = (struct collect_progress){
        .held_count = a->held_count,
        .new_count = c->new_count,
        .talk_count = a->talk_count,
        .skip_count = a->skip_count + c->skipped_now,
        .gone_count = a->gone_count,
        .file_count = c->file_count,
        .loaded_count = c->load.written_count,
        .page_count = c->page_count,
        .chunk_count = (uint32_t)a->chunk_count,
        .is_paused = c->is_paused,
        .thread_count = c->thread_count,
    };
    for (size_t i = 0; i < a->window_count; i++) {
        const struct window *w = a->windows[i];
        if (w->kind != WINDOW_TICKETS || w->run != a->run.number)
            continue;
        ret->window_count++;
        ret->window_done_count += w->is_done;
        if (c->plan_over)
            ret->expected_count += w->is_done ? w->count : MAX(w->count, WINDOW_TICKETS_USUAL);
    }
    freshdesk_each_account(c->deps->freshdesk, add_budget, ret);
}
