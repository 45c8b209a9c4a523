/*
 * Ticket sync: pages of the list in order, each in a flow of its own.
 *
 *   page n     list | threads ........... | store, embed, vectors, progress
 *   page n+1         list | threads .....   (waits for its turn)   | store ...
 *   page n+2               list | threads
 *
 * The happy path: due items of the retry queue first, then the walk, then deleted tickets and spam. Lists are
 * asked one after the other, since each tells where the next begins; the second half is done in order too, so
 * that of a ticket seen twice the later words stay, and the cursor only covers what is stored.
 * Fails by what ends a run; the cursor then stands after the last whole page. Memory: three pages at most.
 */
#include "sync/ticket_walk.h"

#include <assert.h>
#include <inttypes.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/wall.h"
#include "store/tickets.h"

enum { RETRIES_MAX = 100, DAY_MS = 86400000 };

/* ---- listing ---- */

/* Rows not seen before and within the limit become slots; `fresh` is by row. */
static void take_rows(struct flow *f, struct page *page, const struct ticket_page *rows,
                      const bool *fresh)
{
    struct walk *w = page->walk;
    page->slots = ARENA_ARRAY(&f->arena, MAX(rows->count, 1), struct slot);
    size_t i = 0;
    for (; i < rows->count; i++) {
        const struct ticket *t = &rows->tickets[i];
        if (keyset_has(&w->keyset, t))
            continue;
        if (w->left == 0)
            break;
        if (w->left > 0 && !(w->resumed && fresh[i]))
            w->left--;
        struct slot *s = &page->slots[page->count++];
        *s = (struct slot){.id = t->id, .ticket = t};
        s->state = fresh[i] ? SLOT_FRESH : SLOT_WAITING;
        if (t->deleted || t->spam)
            s->state = SLOT_GONE;
        w->position = MAX(w->position, t->updated_at);
    }
    w->reached_end = i == rows->count && !rows->more;
    w->ended = w->reached_end || w->left == 0;
}

static int page_list(struct flow *f, struct page *page)
{
    struct walk *w = page->walk;
    struct run *run = w->run;
    const struct sync_deps *deps = &run->sync->deps;
    const struct ticket_list list = {
        .updated_since = w->keyset.anchor, .page = w->keyset.page, .description = true};
    struct ticket_page rows;
    int r = PATIENT(f, freshdesk_tickets(f, deps->freshdesk, &run->as, &list, &rows));
    if (r == E_NOT_FOUND) /* a path of Freshdesk's, not one of ours */
        f->err.http = err_http(E_UPSTREAM);
    if (r < 0)
        return err_wrap(&f->err, r, "Failed to fetch tickets");
    bool *fresh = ARENA_ARRAY(&f->arena, MAX(rows.count, 1), bool);
    r = PATIENT(f, tickets_fresh(f, deps->pool, run->who->tenant_id, run->salt, rows.tickets,
                                 rows.count, fresh));
    if (r < 0)
        return r;
    take_rows(f, page, &rows, fresh);
    if (keyset_advance(&w->keyset, rows.tickets, rows.count) < 0)
        run_note(run, STR("Failed to fetch tickets: over 30,000 changed in one second"));
    page->position = w->position;
    page->is_last = w->ended;
    run->total_count = MAX(run->total_count, run->done_count + (int64_t)page->count);
    return 0;
}

static int page_run(struct flow *f, void *arg)
{
    struct page *page = arg;
    struct walk *w = page->walk;
    int r = page_list(f, page);
    w->listing = false;
    cond_broadcast(&w->listed);
    if (r >= 0)
        r = page_handle(f, page);
    page->in_use = false;
    return r;
}

/* ---- the retry queue ---- */

static int retry_run(struct flow *f, void *arg)
{
    struct page *page = arg;
    struct run *run = page->walk->run;
    struct sync_retry *items;
    size_t count;
    int r = PATIENT(f, sync_retry_due(f, run->sync->deps.pool, run->who->tenant_id, VECTORS_TICKETS,
                                      RETRIES_MAX, &items, &count));
    if (r < 0)
        return r;
    page->slots = ARENA_ARRAY(&f->arena, MAX(count, 1), struct slot);
    page->count = count;
    for (size_t i = 0; i < count; i++)
        page->slots[i] = (struct slot){.id = items[i].item_id};
    return page_handle(f, page);
}

/* ---- how many there are ---- */

/* Only for the reader's progress: the vendor's search tells how many tickets changed since a day. */
static int estimate_run(struct flow *f, void *arg)
{
    struct walk *w = arg;
    struct run *run = w->run;
    struct wall_parts day = wall_split(MAX(w->start - DAY_MS, 0));
    struct str query = arena_printf(&f->arena, "updated_at:>'%04d-%02d-%02d'", day.year, day.month,
                                    day.day);
    struct ticket_page rows;
    int64_t total = 0;
    int r = freshdesk_search(f, run->sync->deps.freshdesk, &run->as, query, 1, &rows, &total);
    if (r < 0) {
        log_debug("sync.estimate", "run=%s code=%s", run->id, err_name(r));
        return 0;
    }
    run->total_count = MAX(run->total_count, total);
    return 0;
}

/* ---- the walk ---- */

static int next_page(struct flow *f, struct group *g, struct walk *w)
{
    int r = group_room(f, g, PAGES_MAX);
    if (r < 0)
        return r;
    size_t place = 0;
    while (w->pages[place].in_use)
        place++;
    assert(place < PAGES_MAX); /* or there would be no room in the group */
    struct page *page = &w->pages[place];
    *page = (struct page){.walk = w, .number = w->spawned, .in_use = true};
    w->listing = true;
    r = group_spawn(g, "sync.page", page_run, page);
    if (r < 0)
        return group_wait(f, g);
    w->spawned++;
    while (w->listing && g->status == 0) {
        r = cond_wait(f, &w->listed);
        if (r < 0)
            return r;
    }
    return g->status < 0 ? group_wait(f, g) : 0;
}

static int walk_pages(struct flow *f, struct walk *w)
{
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    struct page *retry = ARENA_NEW(&f->arena, struct page);
    *retry = (struct page){.walk = w, .number = w->spawned, .is_retry = true};
    if (group_spawn(&g, "sync.retry", retry_run, retry) < 0)
        return group_wait(f, &g);
    w->spawned++;
    if (w->left < 0)
        (void)group_spawn(&g, "sync.estimate", estimate_run, w);
    while (!w->ended) {
        int r = next_page(f, &g, w);
        if (r < 0)
            return r;
    }
    return group_wait(f, &g);
}

static void walk_done(struct walk *w)
{
    keyset_done(&w->keyset);
}

int tickets_walk(struct flow *f, struct run *run)
{
    _cleanup_(walk_done) struct walk w = {.run = run};
    w.start = cursor_start(&run->cursor, run->wish.since, run->wish.limit > 0, &w.resumed);
    w.position = w.start;
    w.left = run->wish.limit > 0 ? run->wish.limit : -1;
    run->total_count = run->wish.limit;
    keyset_init(&w.keyset, w.start);
    log_debug("sync.walk", "run=%s start=%" PRId64 " resumed=%d", run->id, w.start, w.resumed);
    int r = walk_pages(f, &w);
    return r < 0 ? r : gone_follow(f, run);
}
