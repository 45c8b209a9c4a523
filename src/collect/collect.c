/*
 * collect/collect.c: one run from beginning to end.
 *
 * Happy path: open the folder (or go on with what is there), learn the newest update, plan windows and walk
 * them at once, then catch up with what changed meanwhile, look at deleted and spam, end the chunk, take
 * superseded versions out, tell the ledger that the run is complete.
 * A complete archive is brought up to date: only what changed since is walked.
 * Fails as collect.h says; whatever happens, what was fetched is kept and progress is saved.
 * Invariant: a run is told complete only after every window of it was walked to its end.
 */
#include "collect/collect.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wall.h"
#include "collect/walk.h"

#define OVERLAP_S 120 /* writes may become visible out of order (freshdesk-api §3) */
#define SHIELD_MS 60000

/* ---- small things ---- */

int collect_skip(struct flow *f, struct collector *c, int64_t id, const char *what)
{
    struct buf *line = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(line);
    jw_obj(&w, NULL);
    jw_i64(&w, "skip", id);
    jw_text(&w, "what", what);
    jw_text(&w, "why", f->err.msg);
    jw_end_obj(&w);
    log_warn("collect.skip", "id=%" PRId64 " what=%s error=\"%s\"", id, what, f->err.msg);
    c->skipped_now++;
    return writer_tell(f, &c->writer, buf_view(line));
}

int collect_gate(struct flow *f, struct collector *c)
{
    int r = 0;
    while (r >= 0 && c->is_paused)
        r = cond_wait(f, &c->resumed);
    return r;
}

/* ---- the run ---- */

static bool goes_on(const struct run *run, const struct collect_spec *spec)
{
    return run->number > 0 && !run->is_complete && run->talks == spec->talks &&
           run->files == spec->attachments && run->from_s == spec->from_s &&
           run->to_s == spec->to_s;
}

/* Begins a run, or takes up the one that was not finished. */
static int begin(struct flow *f, struct collector *c)
{
    const struct collect_spec *spec = c->spec;
    struct run *run = &c->archive->run;
    int64_t newest_s;
    int r = plan_newest(f, c, &newest_s);
    if (r < 0)
        return r;
    if (goes_on(run, spec)) {
        log_info("collect.resume", "run=%" PRIu32 " held=%" PRIu64, run->number,
                 c->archive->held_count);
        return 0;
    }
    int64_t from_s = spec->from_s;
    bool updates = run->number > 0 && run->is_complete && run->talks >= spec->talks &&
                   run->files >= spec->attachments && spec->from_s == 0 && run->from_s == 0 &&
                   run->newest_s > 0 && strcmp(run->mode, "full") == 0;
    *run = (struct run){.number = run->number + 1,
                        .from_s = from_s,
                        .to_s = spec->to_s,
                        .newest_s = updates ? run->newest_s : newest_s,
                        .talks = spec->talks,
                        .files = spec->attachments,
                        .is_planned = updates};
    struct buf *line = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(line);
    jw_obj(&w, NULL);
    jw_i64(&w, "run", run->number);
    jw_text(&w, "mode", spec->ticket_count_max ? "part" : "full");
    jw_str(&w, "domain", c->deps->as.domain);
    jw_bool(&w, "talks", run->talks);
    jw_bool(&w, "files", run->files);
    jw_i64(&w, "from", run->from_s);
    jw_i64(&w, "to", run->to_s);
    jw_i64(&w, "newest", run->newest_s);
    struct buf *at = arena_buf(&f->arena, 0);
    wall_write(at, loop_wall_ms(f->loop));
    jw_str(&w, "at", buf_view(at));
    jw_end_obj(&w);
    r = writer_tell(f, &c->writer, buf_view(line));
    if (r >= 0 && run->is_planned)
        r = writer_tell(f, &c->writer,
                        arena_printf(&f->arena, "{\"planned\":%" PRIu32 "}", run->number));
    log_info("collect.begin", "run=%" PRIu32 " mode=%s held=%" PRIu64, run->number, spec->mode,
             c->archive->held_count);
    return r;
}

static struct window *next_window(struct collector *c)
{
    while (c->next_window < c->archive->window_count) {
        struct window *w = c->archive->windows[c->next_window++];
        if (w->run == c->archive->run.number && !w->is_done && w->kind == WINDOW_TICKETS)
            return w;
    }
    return NULL;
}

/* One of the slices: window after window. */
static int slice_run(struct flow *f, void *arg)
{
    struct collector *c = arg;
    for (;;) {
        struct window *w = c->archive->is_full ? NULL : next_window(c);
        int r = 0;
        if (w)
            r = walk_window(f, c, w);
        else if (c->plan_over || c->archive->is_full)
            return 0;
        else
            r = cond_wait(f, &c->planned);
        if (r < 0)
            return r;
        arena_reset(&f->arena);
    }
}

static int walk_all(struct flow *f, struct collector *c)
{
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    c->next_window = 0;
    group_spawn(&g, "collect.plan", plan_run, c);
    for (uint32_t i = 0; i < c->slice_count; i++)
        group_spawn(&g, "collect.slice", slice_run, c);
    return group_wait(f, &g);
}

/* What changed while the windows were walked, to the present; again while that brings something. */
static int catch_up(struct flow *f, struct collector *c)
{
    struct run *run = &c->archive->run;
    int64_t from_s = run->newest_s;
    for (int round = 0; round < 3 && !c->archive->is_full; round++) {
        uint64_t before = c->new_count;
        struct window *w;
        int64_t newest_s;
        int r = plan_newest(f, c, &newest_s);
        if (r >= 0 && (newest_s > from_s || round == 0))
            r = plan_add(f, c, WINDOW_TICKETS, MAX(from_s - OVERLAP_S, run->from_s), 0, &w);
        else if (r >= 0)
            return 0;
        if (r >= 0)
            r = walk_window(f, c, w);
        if (r < 0)
            return r;
        run->newest_s = MAX(newest_s, run->newest_s);
        if (c->new_count == before)
            return 0;
        from_s = newest_s;
    }
    return 0;
}

static int seal(struct archive *a, void *arg, struct err *err)
{
    (void)arg;
    return archive_seal(a, err);
}

static int tidy(struct archive *a, void *arg, struct err *err)
{
    (void)arg;
    return archive_tidy(a, err);
}

static int finish(struct flow *f, struct collector *c)
{
    int r = writer_run(f, &c->writer, seal, NULL);
    if (r >= 0 && c->spec->to_postgres)
        r = load_drain(f, c, true); /* before chunks are rewritten under the reader */
    if (r >= 0)
        r = writer_run(f, &c->writer, tidy, NULL);
    if (r < 0)
        return r;
    struct run *run = &c->archive->run;
    run->is_complete = true;
    return writer_tell(f, &c->writer,
                       arena_printf(&f->arena, "{\"end\":%" PRIu32 ",\"newest\":%" PRId64 "}",
                                    run->number, run->newest_s));
}

static int whole_walk(struct flow *f, struct collector *c)
{
    const struct collect_spec *spec = c->spec;
    int r = begin(f, c);
    if (r >= 0 && c->archive->run.newest_s > 0)
        r = walk_all(f, c);
    if (r >= 0 && spec->to_s == 0)
        r = catch_up(f, c);
    if (r >= 0 && spec->to_postgres)
        r = load_drain(f, c, false); /* what is gone is marked in what is loaded */
    if (r >= 0 && spec->ticket_count_max == 0)
        r = gone_run(f, c);
    if (r >= 0 && (spec->archived || c->archive->run.is_crowded))
        r = gaps_run(f, c);
    return r < 0 ? r : finish(f, c);
}

/* ---- around it ---- */

static int reporter_run(struct flow *f, void *arg)
{
    struct collector *c = arg;
    struct collect_watcher *w = c->spec->watcher;
    uint32_t tick_ms = w && w->every_ms ? MIN(w->every_ms, 1000u) : 1000, since_ms = 0;
    for (;;) {
        int r = flow_sleep(f, tick_ms);
        if (r < 0)
            return r;
        since_ms += tick_ms;
        if (c->new_count >= c->saved_count + c->spec->save_interval &&
            loop_now_ns(f->loop) >= c->saved_ns + UINT64_C(1000000000)) {
            c->saved_count = c->new_count;
            r = progress_save(f, c, false);
            c->saved_ns = loop_now_ns(f->loop);
        }
        if (r >= 0 && w && since_ms >= w->every_ms) {
            struct collect_progress p;
            progress_of(c, &p);
            p.elapsed_ms = (loop_now_ns(f->loop) - c->start_ns) / 1000000;
            w->told(w, &p);
            since_ms = 0;
        }
        if (r < 0)
            return r;
        arena_reset(&f->arena);
    }
}

/* A flow of its own: walks reset their flow's memory. */
static int work(struct flow *f, void *arg)
{
    struct collector *c = arg;
    _cleanup_(group_join) struct group around = GROUP_INIT_ALL(f);
    group_spawn(&around, "collect.report", reporter_run, c);
    group_spawn(&around, "collect.guard", guard_run, c);
    int r = c->spec->to_postgres ? group_spawn(&around, "collect.load", load_run, c) : 0;
    if (r < 0)
        return err_set(&f->err, r, "%s", err_text(r)); /* nobody would answer load_drain */
    r = guard_preflight(f, c);
    if (r >= 0 && c->spec->export_file)
        r = export_file_run(f, c, c->spec->export_file);
    if (r >= 0)
        r = whole_walk(f, c);
    if (r >= 0 && c->load.status < 0)
        return err_set(&f->err, c->load.status, "PostgreSQL: %s", c->load.err.msg);
    return r;
}

struct open_work {
    struct archive *archive;
    struct archive_spec spec;
    struct err err;
};

static int open_archive(void *arg)
{
    struct open_work *w = arg;
    return archive_open(w->archive, &w->spec, &w->err);
}

static int run(struct flow *f, struct collector *c)
{
    c->slice_count = MAX(c->spec->slice_count, 1u);
    c->thread_count = MAX(c->spec->thread_count, 1u);
    c->start_ns = loop_now_ns(f->loop);
    writer_init(&c->writer, c->archive);
    c->archive->ticket_count_max = c->spec->ticket_count_max;
    c->archive->is_full = c->spec->ticket_count_max > 0 &&
                          c->archive->held_count >= c->spec->ticket_count_max;
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    group_spawn(&g, "collect.work", work, c);
    int r = group_wait(f, &g);
    struct err kept = f->err;
    group_join(&g);
    _cleanup_(shield_done) struct shield s = flow_shield(f, SHIELD_MS);
    int saved = progress_save(f, c, true);
    if (r >= 0)
        return saved;
    f->err = kept;
    return r;
}

int collect_run(struct flow *f, const struct collect_deps *deps, const struct collect_spec *spec,
                struct collect_report *ret_report)
{
    _cleanup_(archive_close) struct archive archive = ARCHIVE_INIT;
    struct open_work open = {
        .archive = &archive,
        .spec = {.dir = spec->dir, .chunk_size = spec->chunk_size},
    };
    int r = work_run(f, open_archive, &open);
    if (r < 0)
        return open.err.code == r ? err_set(&f->err, r, "%s", open.err.msg) : r;
    struct collector c = {.deps = deps, .spec = spec, .archive = &archive};
    r = run(f, &c);
    progress_of(&c, &ret_report->last);
    ret_report->last.elapsed_ms = (loop_now_ns(f->loop) - c.start_ns) / 1000000;
    ret_report->last.is_over = true;
    ret_report->skipped_now = c.skipped_now;
    ret_report->is_complete = r >= 0 && archive.run.is_complete;
    return r;
}
