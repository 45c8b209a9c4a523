/*
 * collect/verify.c: is everything there?
 *
 * Happy path: the ledger is replayed, which checks each window's ids against its hash; every ticket the
 * ledger tells is looked for in the chunk files. With `recount` the account is counted a second way: search
 * totals for each day of creation, against the held tickets of that day. Where a day differs its tickets are
 * looked at one by one: created or changed since, deleted or spam, archived; what remains is unexplained and
 * named.
 * Fails as calls and files do. Invariant: nothing is repaired or written here.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/wall.h"
#include "collect/archive.h"
#include "collect/collect.h"

#define DAYS_MAX 40000 /* since 1970 */
#define NAMED_MAX 20
#define DAY_S 86400
#define SEARCH_PAGES_MAX 10

struct verify {
    struct collect_verify *spec;
    struct archive_visitor visitor;
    struct archive archive;
    struct index found;
    uint32_t *days; /* held tickets by day of creation */
    uint64_t found_count;
    int64_t missing[NAMED_MAX];
    uint64_t missing_count;
    int64_t first_day, last_day;
    int64_t *ids; /* held tickets of one day */
    size_t id_count, id_cap;
    int64_t day; /* -1: count all days */
    size_t next_chunk;
    struct err err;
};

static int note(struct archive_visitor *visitor, const struct item *item, struct err *err)
{
    struct verify *v = container_of(visitor, struct verify, visitor);
    int64_t day = item->created_s / DAY_S;
    if (v->day >= 0) {
        if (day != v->day)
            return 0;
        if (v->id_count == v->id_cap) {
            v->id_cap = v->id_cap ? v->id_cap * 2 : 256;
            v->ids = mem_realloc(v->ids, v->id_cap * sizeof(v->ids[0]));
        }
        v->ids[v->id_count++] = item->id;
        return 0;
    }
    struct index_entry seen;
    int r = index_get(&v->found, item->id, &seen, err);
    if (r < 0 || seen.is_held)
        return r;
    v->found_count++;
    if (day >= 0 && day < DAYS_MAX) {
        v->days[day]++;
        v->first_day = v->first_day < 0 || day < v->first_day ? day : v->first_day;
        v->last_day = MAX(v->last_day, day);
    }
    return index_put(&v->found, item->id, &(struct index_entry){.is_held = true}, err);
}

static int open_all(void *arg)
{
    struct verify *v = arg;
    const struct archive_spec spec = {.dir = v->spec->dir, .read_only = true};
    int r = archive_open(&v->archive, &spec, &v->err);
    return r < 0 ? r : index_open(&v->found, v->spec->dir, &v->err);
}

static int one_chunk(void *arg)
{
    struct verify *v = arg;
    if (v->archive.chunks[v->next_chunk].count == 0)
        return 0;
    return archive_each_of(&v->archive, v->next_chunk, &v->visitor, &v->err);
}

static int find_missing(void *arg)
{
    struct verify *v = arg;
    for (int64_t id = 1; id <= v->archive.index.id_max; id++) {
        struct index_entry held, found;
        int r = index_get(&v->archive.index, id, &held, &v->err);
        if (r >= 0)
            r = index_get(&v->found, id, &found, &v->err);
        if (r < 0)
            return r;
        if (held.is_held && !found.is_held) {
            if (v->missing_count < NAMED_MAX)
                v->missing[v->missing_count] = id;
            v->missing_count++;
        }
    }
    return 0;
}

static int step(struct flow *f, struct verify *v, int (*fn)(void *arg))
{
    v->err.msg[0] = '\0';
    int r = work_run(f, fn, v);
    return r < 0 && v->err.msg[0] != '\0' ? err_set(&f->err, r, "%s", v->err.msg) : r;
}

static int read_files(struct flow *f, struct verify *v)
{
    int r = 0;
    for (v->next_chunk = 0; r >= 0 && v->next_chunk < v->archive.chunk_count; v->next_chunk++)
        r = step(f, v, one_chunk);
    return r;
}

static void say(struct verify *v, struct str line)
{
    char text[512];
    snprintf(text, sizeof(text), "%.*s", STR_ARG(line));
    v->spec->say(v->spec, text);
}

/* ---- counted a second way ---- */

struct day_rows {
    int64_t ids[SEARCH_PAGES_MAX * 30];
    size_t count;
};

static int day_total(struct flow *f, struct verify *v, int64_t day, int page,
                     struct ticket_page *ret_page, int64_t *ret_total)
{
    struct buf text = BUF_INIT(0);
    wall_write(&text, day * DAY_S * 1000);
    struct str date = str_sub(buf_view(&text), 0, 10);
    struct str query = arena_printf(&f->arena, "created_at:>'%.*s' AND created_at:<'%.*s'",
                                    STR_ARG(date), STR_ARG(date));
    buf_done(&text);
    return freshdesk_search(f, v->spec->deps->freshdesk, &v->spec->deps->as, query, page, ret_page,
                            ret_total);
}

/* What search gives and we do not hold. */
static int look_for_missing(struct flow *f, struct verify *v, int64_t day, struct day_rows *rows,
                            struct collect_verdict *verdict)
{
    struct ticket_page page = {.more = true};
    for (int n = 1; n <= SEARCH_PAGES_MAX && page.more; n++) {
        int64_t total;
        int r = day_total(f, v, day, n, &page, &total);
        if (r < 0)
            return r;
        for (size_t i = 0; i < page.count; i++) {
            const struct ticket *t = &page.tickets[i];
            struct index_entry found;
            r = index_get(&v->found, t->id, &found, &f->err);
            if (r < 0)
                return r;
            if (rows->count < ARRAY_COUNT(rows->ids))
                rows->ids[rows->count++] = t->id;
            if (found.is_held)
                continue;
            bool since = t->updated_at / 1000 >= v->archive.run.newest_s;
            verdict->changed_since += since;
            verdict->unexplained += !since;
            verdict->expected++;
            say(v, arena_printf(&f->arena, "ticket %" PRId64 ": not held: %s", t->id,
                                since ? "created or changed since the run" : "UNEXPLAINED"));
        }
    }
    return 0;
}

/* What we hold and search does not give: asked for by id. */
static int look_for_gone(struct flow *f, struct verify *v, const struct day_rows *rows,
                         struct collect_verdict *verdict)
{
    for (size_t i = 0; i < v->id_count; i++) {
        bool listed = false;
        for (size_t k = 0; k < rows->count && !listed; k++)
            listed = rows->ids[k] == v->ids[i];
        if (listed)
            continue;
        struct freshdesk_raw raw;
        int r = freshdesk_ticket_raw(f, v->spec->deps->freshdesk, &v->spec->deps->as, v->ids[i],
                                     &raw);
        if (r < 0 && r != E_NOT_FOUND)
            return r;
        const char *why = r == E_NOT_FOUND ? "deleted, spam or merged since" : NULL;
        if (why == NULL && raw.archived)
            why = "archived since";
        struct str key, value;
        for (size_t at = 0; why == NULL && r >= 0 && items_member(raw.body, &at, &key, &value);)
            if ((str_eq(key, STR("deleted")) || str_eq(key, STR("spam"))) &&
                str_eq(value, STR("true")))
                why = "deleted or spam since";
        if (why == NULL)
            continue; /* there, only not in the search index */
        verdict->gone++;
        say(v, arena_printf(&f->arena, "ticket %" PRId64 ": held: %s", v->ids[i], why));
    }
    return 0;
}

struct day_job {
    struct verify *v;
    int64_t day;
    struct collect_verdict *verdict;
};

static int one_day(struct flow *f, void *arg)
{
    const struct day_job *job = arg;
    struct verify *v = job->v;
    struct ticket_page page;
    int64_t total;
    int r = day_total(f, v, job->day, 1, &page, &total);
    if (r < 0 || total == (int64_t)v->days[job->day])
        return r;
    struct day_rows *rows = ARENA_NEW(&f->arena, struct day_rows);
    r = look_for_missing(f, v, job->day, rows, job->verdict);
    if (r < 0 || total > SEARCH_PAGES_MAX * 30) {
        int64_t lacking = total - (int64_t)v->days[job->day];
        if (r >= 0 && lacking > 0 && job->verdict->unexplained == 0) {
            job->verdict->expected += (uint64_t)lacking;
            job->verdict->unexplained += (uint64_t)lacking;
        }
        return r;
    }
    if (total > (int64_t)v->days[job->day])
        return 0;
    v->day = job->day;
    v->id_count = 0;
    r = read_files(f, v);
    return r < 0 ? r : look_for_gone(f, v, rows, job->verdict);
}

static int recount(struct flow *f, struct verify *v, struct collect_verdict *verdict)
{
    for (int64_t day = v->first_day; day >= 0 && day <= v->last_day + 1; day++) {
        struct day_job job = {v, day, verdict};
        _cleanup_(group_join) struct group g = GROUP_INIT(f); /* its memory goes with each day */
        int r = group_spawn(&g, "verify.day", one_day, &job);
        if (r >= 0)
            r = group_wait(f, &g);
        if (r < 0)
            return err_wrap(&f->err, r, "counting by day");
    }
    return 0;
}

static void verify_done(struct verify *v)
{
    archive_close(&v->archive);
    index_close(&v->found);
    mem_free(v->days);
    mem_free(v->ids);
}

int collect_verify(struct flow *f, struct collect_verify *spec, struct collect_verdict *ret_verdict)
{
    _cleanup_(verify_done) struct verify v = {
        .spec = spec,
        .visitor = {.each = note},
        .archive = ARCHIVE_INIT,
        .found = {.fd = -1},
        .first_day = -1,
        .day = -1,
    };
    v.days = mem_alloc(DAYS_MAX * sizeof(v.days[0]));
    struct collect_verdict verdict = {0};
    int r = step(f, &v, open_all);
    if (r >= 0)
        r = read_files(f, &v);
    if (r >= 0)
        r = step(f, &v, find_missing);
    if (r < 0)
        return r;
    verdict.expected = v.archive.held_count;
    verdict.held = v.found_count;
    verdict.missing = verdict.unexplained = v.missing_count;
    for (size_t i = 0; i < MIN(v.missing_count, (uint64_t)NAMED_MAX); i++)
        say(&v, arena_printf(&f->arena, "ticket %" PRId64 ": told by the ledger, not in the files",
                             v.missing[i]));
    for (size_t i = 0; i < v.archive.window_count; i++) {
        const struct window *w = v.archive.windows[i];
        bool open = w->kind == WINDOW_TICKETS && !w->is_done && w->run == v.archive.run.number;
        verdict.bad_windows += open;
    }
    if (verdict.bad_windows > 0 || !v.archive.run.is_complete)
        say(&v, arena_printf(&f->arena,
                             "the last run is not complete: %" PRIu64 " windows are not walked to "
                             "their end; `deskstream collect --resume` goes on",
                             verdict.bad_windows));
    if (spec->recount)
        r = recount(f, &v, &verdict);
    *ret_verdict = verdict;
    return r < 0 ? r : v.archive.run.is_complete;
}
