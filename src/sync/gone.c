/*
 * Tickets that went to the trash or to spam: they vanish from the ordinary list, so these two lists are read.
 *
 * The happy path reads what was added since the last run; once a day both lists are read whole, since it is
 * not documented that a deletion moves updated_at. The first run of a tenant reads none: nothing is stored.
 * A key that may not see these lists (403) is told in the log and costs nothing else.
 * Invariant: vectors are removed before the row is marked, so a break between the two is made good by the
 * next reading.
 */
#include "sync/ticket_walk.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/wall.h"
#include "store/tickets.h"

enum { DAY_MS = 86400000 };

int gone_drop(struct flow *f, struct run *run, const int64_t *ids, size_t count)
{
    const struct sync_deps *deps = &run->sync->deps;
    int r = PATIENT(f, vectors_delete(f, deps->vectors, &run->tenant, run->collection, ids, count));
    if (r < 0)
        return r;
    int64_t marked = 0;
    r = PATIENT(f, tickets_mark_deleted(f, deps->pool, run->who->tenant_id, ids, count, &marked));
    if (r < 0)
        return r;
    if (marked > 0)
        log_info("sync.deleted", "run=%s count=%" PRId64, run->id, marked);
    return PATIENT(
        f, sync_retry_drop(f, deps->pool, run->who->tenant_id, run->collection, ids, count));
}

struct list_job {
    struct run *run;
    struct keyset *keyset;
    const char *filter;
    bool more;
};

/* One page, in an arena of its own. */
static int list_run(struct flow *f, void *arg)
{
    struct list_job *job = arg;
    struct run *run = job->run;
    const struct ticket_list list = {
        .updated_since = job->keyset->anchor, .page = job->keyset->page, .filter = job->filter};
    struct ticket_page rows;
    int r = PATIENT(f, freshdesk_tickets(f, run->sync->deps.freshdesk, &run->as, &list, &rows));
    if (r < 0)
        return r;
    int64_t *ids = ARENA_ARRAY(&f->arena, MAX(rows.count, 1), int64_t);
    for (size_t i = 0; i < rows.count; i++)
        ids[i] = rows.tickets[i].id;
    job->more = rows.more && rows.count > 0;
    if (keyset_advance(job->keyset, rows.tickets, rows.count) < 0)
        log_warn("sync.deleted", "run=%s filter=%s why=\"over 30,000 in one second\"", run->id,
                 job->filter);
    return rows.count > 0 ? gone_drop(f, run, ids, rows.count) : 0;
}

static int follow(struct flow *f, struct run *run, const char *filter, int64_t since)
{
    _cleanup_(keyset_done) struct keyset k;
    keyset_init(&k, since);
    struct list_job job = {.run = run, .keyset = &k, .filter = filter, .more = true};
    while (job.more) {
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        (void)group_spawn(&g, "sync.deleted", list_run, &job);
        int r = group_wait(f, &g);
        if (r == E_UPSTREAM_DENIED || r == E_UPSTREAM_INPUT || r == E_NOT_FOUND) {
            log_warn("sync.deleted", "run=%s filter=%s code=%s", run->id, filter, err_name(r));
            return 0;
        }
        if (r < 0)
            return err_wrap(&f->err, r, "list of %s tickets", filter);
    }
    return 0;
}

int gone_follow(struct flow *f, struct run *run)
{
    struct sync_cursor *c = &run->cursor;
    bool first = c->gone_at == WALL_NONE;
    bool whole = first || c->gone_full_at == WALL_NONE || run->began_at - c->gone_full_at > DAY_MS;
    if (!first) {
        static const char *const filters[] = {"deleted", "spam"};
        int64_t since = whole ? 0 : c->gone_at - SYNC_OVERLAP_MS;
        for (size_t i = 0; i < ARRAY_COUNT(filters); i++) {
            int r = follow(f, run, filters[i], since);
            if (r < 0)
                return r;
        }
    }
    c->gone_at = run->began_at;
    if (whole)
        c->gone_full_at = run->began_at;
    return run_save(f, run);
}
