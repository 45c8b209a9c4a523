/*
 * sync/source.c: a run over tickets that somebody else has at hand (an archive), without Freshdesk.
 *
 *   batch: tickets with threads -> what the store has newer falls away -> store, texts, vectors, progress
 *
 * The happy path asks Freshdesk for nothing. Batches come one after the other; what is parallel is the embedding.
 * A ticket whose thread the source does not have goes to the retry queue: the next ordinary run fetches it.
 * Fails by what ends a run, and as the source fails; done again, what was written is passed over by its hash.
 * Invariant: the cursor moves only when the source has been read to its end, and only as far as it vouches for.
 */
#include <inttypes.h>

#include "base/log.h"
#include "base/wall.h"
#include "store/tickets.h"
#include "sync/ticket_walk.h"

enum { BATCH_COUNT = 200 };

struct batch_job {
    struct walk *walk;
    bool more;
};

static void fill_slots(struct page *page, const struct ticket_item *items, size_t count,
                       const bool *overtaken)
{
    for (size_t i = 0; i < count; i++) {
        const struct ticket_item *item = &items[i];
        struct slot *s = &page->slots[page->count++];
        *s = (struct slot){.id = item->ticket->id, .ticket = item->ticket, .state = SLOT_READY};
        s->talks = (struct conversation *)item->talks;
        s->talk_count = item->talk_count;
        if (overtaken[i]) {
            s->state = SLOT_FRESH;
        } else if (item->ticket->deleted || item->ticket->spam) {
            s->state = SLOT_GONE;
        } else if (!item->has_talks) {
            s->state = SLOT_FAILED;
            s->code = E_NOT_FOUND;
            s->reason = STR("its thread was not collected");
        }
    }
}

static int batch_run(struct flow *f, void *arg)
{
    struct batch_job *job = arg;
    struct run *run = job->walk->run;
    struct sync_source *source = run->wish.source;
    struct ticket_item *items;
    size_t count = 0;
    int r = source->next(f, source, BATCH_COUNT, &items, &count);
    if (r < 0)
        return r;
    job->more = r > 0;
    if (count == 0)
        return 0;
    bool *overtaken = ARENA_ARRAY(&f->arena, count, bool);
    r = PATIENT(f, tickets_overtaken(f, run->sync->deps.pool, run->who->tenant_id, items, count,
                                     overtaken));
    if (r < 0)
        return r;
    struct page page = {.walk = job->walk, .slots = ARENA_ARRAY(&f->arena, count, struct slot)};
    fill_slots(&page, items, count, overtaken);
    run->fetched_count += (int64_t)count;
    r = page_store(f, &page);
    if (r >= 0)
        r = run_save(f, run);
    return r < 0 ? r : run_tell(f, run, "sync.progress", "running");
}

int source_walk(struct flow *f, struct run *run)
{
    struct walk w = {.run = run};
    struct batch_job job = {.walk = &w, .more = true};
    const struct sync_source *source = run->wish.source;
    run->total_count = source->count;
    while (job.more) {
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        (void)group_spawn(&g, "sync.batch", batch_run, &job);
        int r = group_wait(f, &g);
        if (r < 0)
            return err_wrap(&f->err, r, "after %" PRId64 " tickets", run->done_count);
    }
    if (source->covers_until != WALL_NONE)
        cursor_walked(&run->cursor, 0, source->covers_until - SYNC_OVERLAP_MS, false, true);
    return 0;
}
