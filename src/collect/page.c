/*
 * collect/page.c: one page of a list, from the request to the disk.
 *
 * Happy path: the page comes as text; a pool thread cuts it into tickets; those that are held in this
 * version, or lie outside the window, fall away; the others are written, with their threads when wanted.
 * The walk is told as soon as the page's last row is known, so that it asks for the next meanwhile.
 * Fails: 401 and a full disk end the run. A thread that cannot be had (403, 404, tries used up) is named in
 * the ledger and the ticket written without it. A page that cannot be had fails its window.
 * Invariant: is_settled is set and told whatever happens, so nobody waits for ever.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/json.h"
#include "base/log.h"
#include "collect/attach.h"
#include "collect/walk.h"

#define ROWS_MAX 1000 /* of one answer; the vendor's most is 100 */

struct cut_work {
    struct page *page;
    struct str body;
    struct item *items;
    size_t count, cap;
};

/* On a pool thread: the rows of the page that belong to its window. */
static int cut(void *arg)
{
    struct cut_work *w = arg;
    struct page *p = w->page;
    struct str text;
    for (size_t at = 0; items_next(w->body, &at, &text);) {
        struct item item;
        p->row_count++;
        if (!item_read(text, &item))
            continue;
        if (p->first_s == 0)
            p->first_s = item.updated_s;
        p->last_s = item.updated_s;
        bool inside = item.updated_s >= p->window->from_s &&
                      (p->window->to_s == 0 || item.updated_s < p->window->to_s);
        if (inside && w->count < w->cap)
            w->items[w->count++] = item;
    }
    return 0;
}

/* ---- what is new ---- */

struct known_work {
    struct item *items;
    size_t count;
    bool talks, files;
};

static int drop_known(struct archive *a, void *arg, struct err *err)
{
    struct known_work *w = arg;
    size_t kept = 0;
    for (size_t i = 0; i < w->count; i++) {
        struct index_entry e = {.is_held = false};
        int r = index_get(&a->index, w->items[i].id, &e, err);
        if (r < 0 && r != E_LIMIT)
            return r;
        if (e.is_held && e.updated_s >= w->items[i].updated_s && (e.has_talks || !w->talks) &&
            (e.has_files || !w->files))
            continue;
        w->items[kept++] = w->items[i];
    }
    w->count = kept;
    return 0;
}

/* ---- threads ---- */

struct talk {
    struct collector *c;
    struct window *window;
    struct record record;
};

static bool ends_all(int r)
{
    return r == E_UPSTREAM_AUTH || r == -ECANCELED || r == -ENOSPC || r == -EDQUOT || r == -EROFS;
}

static int fetch_talk(struct flow *f, struct talk *t)
{
    struct freshdesk_raw raw;
    struct collector *c = t->c;
    if (t->record.has_talks)
        return 0; /* an export brought it along */
    if (t->record.item.is_silent) {
        t->record.talks = STR("[]");
        t->record.has_talks = true;
        return 0;
    }
    if (c->talks_denied)
        return 0;
    int r = freshdesk_conversations_raw(f, c->deps->freshdesk, &c->deps->as, t->record.item.id,
                                        &raw);
    if (r >= 0) {
        t->record.talks = raw.body;
        t->record.has_talks = true;
        return 0;
    }
    if (ends_all(r) || r == E_CIRCUIT)
        return r;
    if (r == E_UPSTREAM_DENIED && !c->talks_denied) {
        log_warn("collect.denied", "resource=conversations error=\"%s\"", f->err.msg);
        c->talks_denied = true; /* asking again for each ticket only costs credits */
    }
    return collect_skip(f, c, t->record.item.id, "conversations");
}

static int talk_run(struct flow *f, void *arg)
{
    struct talk *t = arg;
    const struct collect_spec *spec = t->c->spec;
    int r = collect_gate(f, t->c);
    if (r >= 0 && spec->talks)
        r = fetch_talk(f, t);
    if (r >= 0 && spec->attachments && !t->record.has_files)
        r = attach_fetch(f, t->c, &t->record);
    if (r >= 0)
        r = writer_put(f, &t->c->writer, &t->record, 1);
    t->c->talk_count_now--; /* only now: what waits for the disk is memory, too */
    cond_broadcast(&t->c->talk_room);
    return r;
}

static int store_with_talks(struct flow *f, struct collector *c, struct window *w,
                            struct record *records, size_t count)
{
    struct talk *talks = ARENA_ARRAY(&f->arena, count, struct talk);
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    for (size_t i = 0; i < count; i++) {
        while (c->talk_count_now >= c->thread_count) {
            int r = cond_wait(f, &c->talk_room);
            if (r < 0)
                return r;
        }
        if (g.status < 0)
            break;
        talks[i] = (struct talk){.c = c, .window = w, .record = records[i]};
        c->talk_count_now++;
        int r = group_spawn(&g, "collect.talk", talk_run, &talks[i]);
        if (r < 0) {
            c->talk_count_now--;
            break;
        }
    }
    int r = group_wait(f, &g);
    for (size_t i = 0; i < count; i++)
        records[i].is_written = talks[i].record.is_written;
    return r;
}

int page_store_items(struct flow *f, struct collector *c, struct window *w, struct item *items,
                     size_t count)
{
    struct known_work known = {
        .items = items, .count = count, .talks = c->spec->talks, .files = c->spec->attachments};
    int r = writer_run(f, &c->writer, drop_known, &known);
    if (r < 0 || known.count == 0)
        return r;
    struct record *records = ARENA_ARRAY(&f->arena, known.count, struct record);
    for (size_t i = 0; i < known.count; i++)
        records[i] = (struct record){
            .kind = RECORD_TICKET,
            .item = items[i],
            .talks = items[i].talks,
            .has_talks = items[i].talks.len > 0,
            .has_files = items[i].has_files,
            .window = w->number,
        };
    r = c->spec->talks || c->spec->attachments ? store_with_talks(f, c, w, records, known.count)
                                               : writer_put(f, &c->writer, records, known.count);
    for (size_t i = 0; i < known.count; i++) {
        if (!records[i].is_written)
            continue;
        archive_count(c->archive, w, records[i].item.id, records[i].item.updated_s);
        c->new_count++;
    }
    return r;
}

/* ---- the page ---- */

static void settle(struct page *p)
{
    p->is_settled = true;
    if (p->settled)
        cond_broadcast(p->settled);
}

static int list(struct flow *f, struct page *p, struct cut_work *work)
{
    struct collector *c = p->c;
    struct freshdesk_raw raw;
    const struct ticket_list list = {
        .updated_since = p->since_s * 1000,
        .page = p->number,
        .per_page = PAGE_ROWS,
        .description = p->window->kind == WINDOW_TICKETS,
        .stats = p->window->kind == WINDOW_TICKETS && c->spec->talks,
        .filter = p->window->kind == WINDOW_DELETED ? "deleted"
                  : p->window->kind == WINDOW_SPAM  ? "spam"
                                                    : NULL,
        .order_by = p->order_by,
        .descending = p->descending,
    };
    int r = freshdesk_tickets_raw(f, c->deps->freshdesk, &c->deps->as, &list, &raw);
    if (r < 0)
        return r;
    c->page_count++;
    *work = (struct cut_work){.page = p, .body = raw.body, .cap = ROWS_MAX};
    work->items = ARENA_ARRAY(&f->arena, ROWS_MAX, struct item);
    r = work_run(f, cut, work);
    if (r < 0)
        return r;
    p->more = raw.more || p->row_count >= PAGE_ROWS;
    return 0;
}

int page_run(struct flow *f, void *arg)
{
    struct page *p = arg;
    struct cut_work work;
    int r = collect_gate(f, p->c);
    if (r >= 0)
        r = list(f, p, &work);
    p->status = r;
    settle(p);
    if (r >= 0)
        r = page_store_items(f, p->c, p->window, work.items, work.count);
    p->is_stored = r >= 0;
    if (p->settled)
        cond_broadcast(p->settled);
    return r;
}
