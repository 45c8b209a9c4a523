/*
 * collect/walk.c: walks one window of time, [from, to) by updated_at, without ever losing a row.
 *
 *   page 1 since S  ->  its last row's second is the next S  ->  ...  until to, or a short page
 *
 * Keyset: page numbers drift when tickets change during the walk, an anchor does not. A ticket that changes
 * moves towards now and is found there later. Rows of the anchor's second come again and are dropped by
 * (id, updated_at). The next page is asked for while the threads of the last ones are still on their way.
 *
 * When a full page ends in the second it began with, the anchor cannot move and pages 2, 3... are needed.
 * A row that leaves such a second shifts all later ones to the left, over a page's edge that was read
 * already. So pages are first counted up, doubling, until one reaches past the second, and then read from
 * there down to 1: what shifts left is then read again, never passed over.
 * Over 30,000 tickets in one second: from that second on by created_at from both ends; what may still hide
 * between is told to the ledger and looked for by id at the end of the run (gaps_run).
 *
 * Fails as page_run does; what was stored stays. Invariant: `seen` is told to the ledger only when all pages
 * up to it are stored.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "collect/walk.h"

#define PAGES_AHEAD 2 /* pages of a window whose threads may be under way at once */

struct walk {
    struct collector *c;
    struct window *window;
    struct page *oldest, *newest; /* not yet told, in order */
    struct cond changed;
    struct group group;
};

static struct page *add(struct walk *k, int64_t since_s, int number)
{
    struct page *p = mem_alloc(sizeof(*p));
    *p = (struct page){.c = k->c,
                       .window = k->window,
                       .since_s = since_s,
                       .number = number,
                       .settled = &k->changed};
    if (k->newest)
        k->newest->next = p;
    else
        k->oldest = p;
    k->newest = p;
    return p;
}

/* Pages that are stored, from the front: forgotten, and what they prove is told. */
static int reap(struct flow *f, struct walk *k)
{
    int64_t seen_s = 0;
    while (k->oldest && k->oldest->is_stored) {
        struct page *p = k->oldest;
        seen_s = p->seen_s ? p->seen_s : seen_s;
        k->oldest = p->next;
        if (k->oldest == NULL)
            k->newest = NULL;
        mem_free(p);
    }
    if (seen_s <= k->window->since_s)
        return 0;
    k->window->since_s = seen_s;
    return writer_tell(f, &k->c->writer,
                       arena_printf(&f->arena, "{\"seen\":%" PRIu32 ",\"since\":%" PRId64 "}",
                                    k->window->number, seen_s));
}

/* Asks for one page and waits until its rows are known; storing goes on behind. */
static int ask(struct flow *f, struct walk *k, struct page *p)
{
    int r = group_room(f, &k->group, PAGES_AHEAD);
    if (r < 0)
        return r;
    r = group_spawn(&k->group, "collect.page", page_run, p);
    if (r < 0)
        return r;
    while (!p->is_settled) {
        r = cond_wait(f, &k->changed);
        if (r < 0)
            return r;
    }
    if (p->status >= 0 && k->group.status >= 0)
        return 0;
    r = group_wait(f, &k->group);
    return r < 0 ? r : p->status;
}

/* Waits until everything asked for is stored. */
static int drain(struct flow *f, struct walk *k)
{
    int r = group_wait(f, &k->group);
    return r < 0 ? r : reap(f, k);
}

struct rows {
    size_t count;
    int64_t first_s, last_s;
    bool more;
};

static int read_page(struct flow *f, struct walk *k, int64_t since_s, int number,
                     struct rows *ret_rows)
{
    struct page *p = add(k, since_s, number);
    int r = ask(f, k, p);
    if (r < 0)
        return r;
    *ret_rows = (struct rows){p->row_count, p->first_s, p->last_s, p->more};
    return 0;
}

/* ---- a second that fills pages ---- */

static int by_created(struct flow *f, struct walk *k, int64_t since_s, bool descending)
{
    for (int n = 1; n <= PAGE_NUMBER_MAX; n++) {
        struct page *p = add(k, since_s, n);
        p->order_by = "created_at";
        p->descending = descending;
        int r = ask(f, k, p);
        if (r < 0)
            return r;
        if (!p->more)
            return 0;
    }
    return 1; /* there is more */
}

static int pass_wall(struct flow *f, struct walk *k, int64_t since_s)
{
    log_warn("collect.crowded", "second=%" PRId64 " tickets_over=%d", since_s,
             PAGE_ROWS * PAGE_NUMBER_MAX);
    int r = by_created(f, k, since_s, false);
    if (r > 0)
        r = by_created(f, k, since_s, true);
    if (r <= 0)
        return r;
    k->c->archive->run.is_crowded = true;
    return writer_tell(f, &k->c->writer,
                       arena_printf(&f->arena, "{\"crowded\":%" PRId64 "}", since_s));
}

/* All pages since `since_s` up to one that reaches past `crowded_s`, read from there down. */
static int read_crowded(struct flow *f, struct walk *k, int64_t since_s, int64_t crowded_s,
                        struct rows *ret_rows)
{
    struct rows top = {.more = true};
    int high = 1;
    while (high < PAGE_NUMBER_MAX && (top.count == 0 || top.last_s <= crowded_s) && top.more) {
        high = high * 2 < PAGE_NUMBER_MAX ? high * 2 : PAGE_NUMBER_MAX;
        int r = read_page(f, k, since_s, high, &top);
        if (r < 0)
            return r;
        if (top.count == 0)
            break;
    }
    if (top.count > 0 && top.last_s <= crowded_s && top.more)
        return pass_wall(f, k, since_s);
    *ret_rows = top;
    for (int n = high - 1; n >= 1; n--) {
        struct rows rows;
        int r = read_page(f, k, since_s, n, &rows);
        if (r < 0)
            return r;
        if (ret_rows->count == 0)
            *ret_rows = rows; /* doubling went past the last page */
        int stored = reap(f, k);
        if (stored < 0)
            return stored;
    }
    return 0;
}

/* ---- the window ---- */

static bool is_over(const struct walk *k, const struct rows *rows)
{
    const struct window *w = k->window;
    return rows->count == 0 || !rows->more || (w->to_s > 0 && rows->last_s >= w->to_s) ||
           k->c->archive->is_full;
}

static int hold_back(struct flow *f, const struct collector *c)
{
    return c->spec->delay_ms ? flow_sleep(f, c->spec->delay_ms) : 0;
}

static int walk(struct flow *f, struct walk *k)
{
    int64_t anchor_s = k->window->since_s;
    for (;;) {
        struct rows rows;
        int64_t since_s = anchor_s > 0 && !k->c->is_inclusive ? anchor_s - 1 : anchor_s;
        int r = read_page(f, k, since_s, 1, &rows);
        if (r < 0)
            return r;
        bool over = is_over(k, &rows);
        if (!over && rows.last_s <= anchor_s) {
            r = read_crowded(f, k, since_s, rows.last_s, &rows);
            if (r >= 0)
                r = drain(f, k);
            if (r < 0)
                return r;
            over = is_over(k, &rows);
            if (rows.last_s <= anchor_s)
                rows.last_s = anchor_s + 1; /* past the wall */
        }
        if (k->newest)
            k->newest->seen_s = rows.last_s;
        r = reap(f, k);
        if (r < 0 || over)
            return r;
        anchor_s = rows.last_s;
        arena_reset(&f->arena);
        r = hold_back(f, k->c);
        if (r < 0)
            return r;
    }
}

static void walk_done(struct walk *k)
{
    group_join(&k->group);
    while (k->oldest) {
        struct page *p = k->oldest;
        k->oldest = p->next;
        mem_free(p);
    }
}

int walk_window(struct flow *f, struct collector *c, struct window *w)
{
    _cleanup_(walk_done) struct walk k = {.c = c, .window = w, .group = GROUP_INIT(f)};
    int r = walk(f, &k);
    if (r >= 0)
        r = drain(f, &k);
    if (r < 0)
        return err_wrap(&f->err, r, "window %" PRIu32, w->number);
    if (c->archive->is_full)
        return 0;
    w->is_done = true;
    w->done_at_ms = loop_wall_ms(f->loop);
    return writer_tell(f, &c->writer,
                       arena_printf(&f->arena,
                                    "{\"done\":%" PRIu32 ",\"count\":%" PRIu64
                                    ",\"hash\":\"%016" PRIx64 "\"}",
                                    w->number, w->count, w->hash));
}
