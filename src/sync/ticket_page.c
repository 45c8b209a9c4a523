/*
 * One page of tickets: threads in parallel, then, in the order of pages, store, texts, vectors, progress.
 *
 *   workers: take a slot -> (ticket) -> thread -> next          all slots arrived -> my turn -> store
 *
 * Workers keep what they fetched in their own arenas and stay until the page is over, so nothing is copied.
 * The happy path touches only tickets that changed. Per item: a thread that cannot be read (retry queue), a
 * thread that is gone (404: deleted, merged or archived meanwhile; taken out of store and vectors).
 * Fails by what ends a run, and when ten or more items of a page failed and none got through: then the
 * upstream is at fault, and the cursor stays before the page.
 * Invariant: the cursor is moved after the page's last write.
 */
#include "sync/ticket_walk.h"

#include <inttypes.h>

#include "base/json.h"
#include "base/log.h"
#include "base/wall.h"
#include "store/tickets.h"

enum { ALL_FAILED_MIN = 10 };

/* ---- threads ---- */

static int slot_fetch(struct flow *f, struct run *run, struct slot *s)
{
    struct freshdesk *fd = run->sync->deps.freshdesk;
    if (!s->ticket) {
        struct ticket *t = ARENA_NEW(&f->arena, struct ticket);
        int r = PATIENT(f, freshdesk_ticket(f, fd, &run->as, s->id, t));
        if (r < 0)
            return r;
        if (t->deleted || t->spam)
            return err_set(&f->err, E_NOT_FOUND, "ticket %" PRId64 " is deleted or spam", s->id);
        s->ticket = t;
    }
    return PATIENT(f, freshdesk_conversations(f, fd, &run->as, s->id, &s->talks, &s->talk_count));
}

static int slot_fill(struct flow *f, struct page *page, struct slot *s)
{
    struct run *run = page->walk->run;
    int r = run_thread_take(f, run);
    if (r < 0)
        return r;
    r = slot_fetch(f, run, s);
    run_thread_give(run);
    if (run_is_fatal(r))
        return r;
    run->fetched_count++;
    s->state = r >= 0 ? SLOT_READY : r == E_NOT_FOUND ? SLOT_GONE : SLOT_FAILED;
    s->code = MIN(r, 0);
    s->reason = r < 0 ? arena_str(&f->arena, str_from(f->err.msg)) : STR_NONE;
    return 0;
}

static int worker_fetch(struct flow *f, struct page *page)
{
    while (page->next < page->count) {
        struct slot *s = &page->slots[page->next++];
        if (s->state != SLOT_WAITING)
            continue;
        int r = slot_fill(f, page, s);
        if (r < 0)
            return r;
        if (--page->left == 0)
            cond_broadcast(&page->arrived);
    }
    while (!page->over) {
        int r = cond_wait(f, &page->ended);
        if (r < 0)
            return r;
    }
    return 0;
}

static int worker(struct flow *f, void *arg)
{
    struct page *page = arg;
    int r = worker_fetch(f, page);
    if (r < 0 && page->status == 0) {
        page->status = r;
        cond_broadcast(&page->arrived);
    }
    return r;
}

/* Starts workers and waits until every slot has its thread. */
static int fetch_threads(struct flow *f, struct page *page, struct group *g)
{
    for (size_t i = 0; i < page->count; i++)
        page->left += page->slots[i].state == SLOT_WAITING;
    size_t worker_count = MIN(page->left, (size_t)page->walk->run->sync->deps.thread_count_max);
    for (size_t i = 0; i < worker_count; i++) {
        if (group_spawn(g, "sync.thread", worker, page) < 0)
            return group_wait(f, g);
    }
    while (page->left > 0 && page->status == 0) {
        int r = cond_wait(f, &page->arrived);
        if (r < 0)
            return r;
    }
    return page->status < 0 ? group_wait(f, g) : 0;
}

/* ---- store ---- */

/* The old shape (legacy-contracts §2.2). */
static struct str payload_of(struct arena *a, const struct ticket *t)
{
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_fmt(&w, "ticket_id", "%" PRId64, t->id);
    jw_str(&w, "subject", t->subject);
    jw_str(&w, "description", t->description_text);
    jw_fmt(&w, "content", "%.*s\n\n%.*s", STR_ARG(t->subject), STR_ARG(t->description_text));
    jw_i64(&w, "status", t->status);
    jw_i64(&w, "priority", t->priority);
    jw_str_or_null(&w, "type", t->type);
    jw_json(&w, "created_at", json_get(t->json, "created_at"));
    jw_json(&w, "updated_at", json_get(t->json, "updated_at"));
    jw_arr(&w, "tags");
    for (size_t i = 0; i < t->tag_count; i++)
        jw_str(&w, NULL, t->tags[i]);
    jw_end_arr(&w);
    jw_end_obj(&w);
    struct str text = arena_str(a, buf_view(&out));
    buf_done(&out);
    return text;
}

struct batch {
    struct slot **slots; /* of the page, those that are ready */
    struct ticket_item *items;
    struct item_result *results;
    size_t count;
};

static int upsert(struct flow *f, struct run *run, struct batch *b, size_t from, size_t count)
{
    return PATIENT(f, tickets_upsert(f, run->sync->deps.pool, run->who->tenant_id, run->salt,
                                     b->items + from, count, b->results + from));
}

/* Writes the ready ones; when the database refuses the batch, one by one. */
static int batch_store(struct flow *f, struct run *run, struct batch *b)
{
    int r = upsert(f, run, b, 0, b->count);
    if (r != E_DB && r != E_LIMIT)
        return r;
    for (size_t i = 0; i < b->count; i++) {
        r = upsert(f, run, b, i, 1);
        if (r < 0 && r != E_DB && r != E_LIMIT)
            return r;
        if (r < 0) {
            b->slots[i]->state = SLOT_FAILED;
            b->slots[i]->code = r;
            b->slots[i]->reason = arena_str(&f->arena, str_from(f->err.msg));
        }
    }
    return 0;
}

static void batch_fill(struct arena *a, const struct page *page, struct batch *b)
{
    b->slots = ARENA_ARRAY(a, MAX(page->count, 1), struct slot *);
    b->items = ARENA_ARRAY(a, MAX(page->count, 1), struct ticket_item);
    b->results = ARENA_ARRAY(a, MAX(page->count, 1), struct item_result);
    for (size_t i = 0; i < page->count; i++) {
        struct slot *s = &page->slots[i];
        if (s->state != SLOT_READY)
            continue;
        b->slots[b->count] = s;
        b->items[b->count++] = (struct ticket_item){
            .ticket = s->ticket, .talks = s->talks, .talk_count = s->talk_count, .has_talks = true};
    }
}

/* Texts and vectors of those that are due. */
static int batch_write(struct flow *f, struct run *run, struct batch *b)
{
    struct work *works = ARENA_ARRAY(&f->arena, MAX(b->count, 1), struct work);
    const struct ticket_item **due = ARENA_ARRAY(&f->arena, MAX(b->count, 1),
                                                 const struct ticket_item *);
    struct slot **slots = ARENA_ARRAY(&f->arena, MAX(b->count, 1), struct slot *);
    size_t count = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->slots[i]->state != SLOT_READY)
            continue;
        if (b->results[i].state == ITEM_UNCHANGED) {
            b->slots[i]->state = SLOT_FRESH;
            continue;
        }
        const struct ticket_item *item = &b->items[i];
        struct work *w = &works[count];
        split_ticket(&f->arena, item->ticket, item->talks, item->talk_count, &w->texts);
        w->result = b->results[i];
        w->payload = payload_of(&f->arena, item->ticket);
        w->updated_at = item->ticket->updated_at;
        due[count] = item;
        slots[count++] = b->slots[i];
    }
    if (run->sync->deps.llm) {
        int r = extract_tickets(f, run, due, works, count);
        if (r < 0)
            return r;
    }
    int64_t embedded;
    int r = items_write(f, run, works, count, &embedded);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        if (works[i].status >= 0)
            continue;
        slots[i]->state = SLOT_FAILED;
        slots[i]->code = works[i].status;
        slots[i]->reason = works[i].reason;
    }
    return r;
}

/* Those that are gone leave store, vectors and retry queue. */
static int drop_gone(struct flow *f, struct page *page)
{
    struct run *run = page->walk->run;
    int64_t *ids = ARENA_ARRAY(&f->arena, MAX(page->count, 1), int64_t);
    size_t count = 0;
    for (size_t i = 0; i < page->count; i++) {
        if (page->slots[i].state != SLOT_GONE)
            continue;
        ids[count++] = page->slots[i].id;
        log_info("sync.gone", "run=%s ticket=%" PRId64, run->id, page->slots[i].id);
    }
    return count > 0 ? gone_drop(f, run, ids, count) : 0;
}

/* Retried ones that turned out to be up to date need no further try. */
static int drop_fresh(struct flow *f, struct page *page)
{
    struct run *run = page->walk->run;
    int64_t *ids = ARENA_ARRAY(&f->arena, MAX(page->count, 1), int64_t);
    size_t count = 0;
    for (size_t i = 0; i < page->count; i++) {
        if (page->slots[i].state == SLOT_FRESH)
            ids[count++] = page->slots[i].id;
    }
    return count == 0 ? 0
                      : PATIENT(f, sync_retry_drop(f, run->sync->deps.pool, run->who->tenant_id,
                                                   VECTORS_TICKETS, ids, count));
}

/* When nothing got through it was not the items' fault. */
static int check_failures(struct flow *f, const struct page *page)
{
    size_t failed = 0, good = 0;
    const struct slot *first = NULL;
    for (size_t i = 0; i < page->count; i++) {
        const struct slot *s = &page->slots[i];
        good += s->state == SLOT_READY || s->state == SLOT_FRESH;
        if (s->state != SLOT_FAILED || !err_retryable(s->code))
            continue;
        failed++;
        first = first ? first : s;
    }
    if (good > 0 || failed < ALL_FAILED_MIN)
        return 0;
    return err_set(&f->err, first->code, "all %zu tickets of a page failed: %.*s", failed,
                   STR_ARG(first->reason));
}

static int count_slots(struct flow *f, struct page *page)
{
    struct run *run = page->walk->run;
    for (size_t i = 0; i < page->count; i++) {
        const struct slot *s = &page->slots[i];
        run->done_count++;
        if (s->state == SLOT_READY)
            run->written_count++;
        else if (s->state != SLOT_FAILED)
            run->skipped_count++;
        else {
            int r = run_fail_item(f, run, s->id, s->reason);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int page_store(struct flow *f, struct page *page)
{
    struct run *run = page->walk->run;
    struct batch b = {.count = 0};
    batch_fill(&f->arena, page, &b);
    int r = b.count > 0 ? batch_store(f, run, &b) : 0;
    if (r >= 0)
        r = batch_write(f, run, &b);
    if (r >= 0)
        r = check_failures(f, page);
    if (r >= 0)
        r = drop_gone(f, page);
    if (r >= 0 && page->is_retry)
        r = drop_fresh(f, page);
    return r < 0 ? r : count_slots(f, page);
}

/* Cursor, counts, the reader. */
static int commit_page(struct flow *f, struct page *page)
{
    struct walk *w = page->walk;
    struct run *run = w->run;
    if (!page->is_retry) {
        int64_t safe = MIN(page->position, run->began_at - SYNC_OVERLAP_MS);
        cursor_walked(&run->cursor, w->start, safe, run->wish.since != WALL_NONE,
                      page->is_last && w->reached_end);
    }
    int r = run_save(f, run);
    return r < 0 ? r : run_tell(f, run, "sync.progress", "running");
}

int page_handle(struct flow *f, struct page *page)
{
    struct walk *w = page->walk;
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    int r = fetch_threads(f, page, &g);
    while (r >= 0 && w->stored != page->number)
        r = cond_wait(f, &w->turn);
    if (r >= 0)
        r = page_store(f, page);
    if (r >= 0)
        r = commit_page(f, page);
    if (r < 0)
        return r;
    w->stored++;
    cond_broadcast(&w->turn);
    page->over = true;
    cond_broadcast(&page->ended);
    return group_wait(f, &g);
}
