/*
 * collect/load.c: the archive into PostgreSQL while it grows.
 *
 *   walk -> files, ledger -> reader (collect/reader.h) -> load_batch: rows and place in one transaction
 *
 * The loader follows the files, not the walk: what it has not loaded when it is killed it finds there, at the
 * place that the database tells. So the walk never waits for the database, and a database that is away for
 * a while costs nothing. At the end the rows are counted: fewer than are held (a restored backup, a copied
 * folder) and all is loaded once more, which changes only what is missing.
 * Fails by a database that stays away once the walk is over, or refuses whole batches: the files are kept and
 * complete, the next run loads the rest. A ticket that is refused alone is named in the ledger.
 * Invariant: the place in the database is never past a ticket that is not in it, refused ones apart.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/log.h"
#include "collect/reader.h"
#include "collect/walk.h"
#include "store/load.h"

#define BATCH_ROWS 100
#define LOOK_MS 250
#define ALL_FAILED_MIN 10
#define RETRY_MS 250 /* doubled each time, up to */
#define RETRY_MS_MAX 8000
#define RETRY_COUNT 10 /* once the walk is over; before that for as long as it lasts */

bool load_again(struct flow *f, struct collector *c, unsigned *attempt, int *r)
{
    if (*r != E_DB_AWAY && *r != E_DB_RETRY)
        return false;
    if (*attempt >= RETRY_COUNT && (c->load.is_last || *r == E_DB_RETRY))
        return false;
    uint64_t ms = MIN((uint64_t)RETRY_MS << MIN(*attempt, 8u), (uint64_t)RETRY_MS_MAX);
    if (++*attempt == 4)
        log_warn("collect.load", "error=\"%s\" waiting=1", f->err.msg);
    int slept = flow_sleep(f, ms);
    *r = slept < 0 ? slept : *r;
    return slept >= 0;
}

static void fill(struct flow *f, struct collector *c, struct load_item *items,
                 const struct reading *readings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct reading *g = &readings[i];
        items[i].item = (struct ticket_item){
            .ticket = &g->ticket,
            .talks = g->talks,
            .talk_count = g->talk_count,
            .has_talks = g->has_talks,
        };
        c->deps->make_texts(&f->arena, &g->ticket, g->talks, g->talk_count, &items[i].texts);
    }
}

static int put(struct flow *f, struct collector *c, const struct load_item *items, size_t count,
               const struct load_cursor *to)
{
    int64_t written = 0;
    unsigned attempt = 0;
    int r;
    do {
        r = load_batch(f, c->deps->pool, c->deps->tenant_id, c->archive->id, c->deps->salt, items,
                       count, to, &written);
    } while (r < 0 && load_again(f, c, &attempt, &r));
    if (r >= 0)
        c->load.written_count += (uint64_t)written;
    return r;
}

/* When the database refuses the batch, one by one; the place moves with the last. */
static int put_each(struct flow *f, struct collector *c, const struct load_item *items,
                    size_t count, const struct load_cursor *from, const struct load_cursor *to)
{
    size_t failed = 0;
    int code = 0;
    for (size_t i = 0; i < count; i++) {
        int r = put(f, c, &items[i], 1, from);
        if (r != E_DB && r != E_LIMIT) {
            if (r < 0)
                return r;
            continue;
        }
        code = r;
        if (++failed >= ALL_FAILED_MIN && failed == i + 1)
            return r; /* it is not the tickets' fault */
        r = collect_skip(f, c, items[i].item.ticket->id, "postgres");
        if (r < 0)
            return r;
        c->load.refused_count++;
    }
    if (failed == count && failed >= ALL_FAILED_MIN)
        return code;
    return put(f, c, NULL, 0, to);
}

static int load_some(struct flow *f, struct collector *c, const struct reader *rd,
                     struct load_cursor *place, const struct reading *readings, size_t count)
{
    struct load_item *items = ARENA_ARRAY(&f->arena, MAX(count, 1), struct load_item);
    const struct load_cursor to = {(int64_t)rd->chunk, (int64_t)rd->item_count, rd->tidy_count};
    fill(f, c, items, readings, count);
    int r = put(f, c, items, count, &to);
    if (r == E_DB || r == E_LIMIT)
        r = put_each(f, c, items, count, place, &to);
    if (r >= 0)
        *place = to;
    return r;
}

/* Loads whatever is there; returns when nothing is left and somebody waits for that. */
static int load_rest(struct flow *f, struct collector *c, struct reader *rd,
                     struct load_cursor *place)
{
    for (;;) {
        uint64_t asked = c->load.asked;
        struct reading *readings;
        size_t count;
        int r = reader_next(f, rd, BATCH_ROWS, &readings, &count);
        if (r > 0)
            r = load_some(f, c, rd, place, readings, count);
        else if (r == 0 && asked > c->load.answered)
            return 0;
        else if (r == 0)
            r = flow_sleep(f, LOOK_MS);
        if (r < 0)
            return r;
        arena_reset(&f->arena);
    }
}

static int where(struct flow *f, struct collector *c, struct load_cursor *ret_place)
{
    unsigned attempt = 0;
    int r;
    do {
        r = load_where(f, c->deps->pool, c->deps->tenant_id, c->archive->id, ret_place);
    } while (r < 0 && load_again(f, c, &attempt, &r));
    return r;
}

/* 1 when rows are missing in the database. */
static int is_short(struct flow *f, struct collector *c, const struct reader *rd)
{
    int64_t count = 0;
    unsigned attempt = 0;
    int r;
    do {
        r = load_count(f, c->deps->pool, c->deps->tenant_id, &count);
    } while (r < 0 && load_again(f, c, &attempt, &r));
    uint64_t left_out = rd->bad_count + c->load.refused_count;
    return r < 0 ? r : (uint64_t)count + left_out < c->archive->held_count;
}

static int load_all(struct flow *f, struct collector *c, struct reader *rd)
{
    struct load_cursor place;
    int r = where(f, c, &place);
    if (r >= 0)
        r = reader_seek(f, rd, (size_t)place.chunk, (uint64_t)place.item_count,
                        (uint32_t)place.tidy_count);
    bool whole = place.chunk == 0 && place.item_count == 0;
    while (r >= 0) {
        r = load_rest(f, c, rd, &place);
        if (r >= 0 && !whole)
            r = is_short(f, c, rd);
        if (r > 0) {
            log_warn("collect.load", "held=%" PRIu64 " error=\"rows are missing; loading all\"",
                     c->archive->held_count);
            whole = true;
            place = (struct load_cursor){0};
            r = reader_seek(f, rd, 0, 0, 0);
            continue;
        }
        if (r < 0)
            break;
        c->load.answered = c->load.asked;
        cond_broadcast(&c->load.changed);
        if (c->load.is_last)
            return 0;
    }
    return r;
}

int load_run(struct flow *f, void *arg)
{
    struct collector *c = arg;
    _cleanup_(reader_close) struct reader rd = READER_INIT;
    reader_follow(&rd, &c->writer);
    int r = load_all(f, c, &rd);
    c->load.is_over = true;
    if (r < 0) {
        c->load.status = r;
        c->load.err = f->err;
        if (r != -ECANCELED)
            log_warn("collect.load", "error=\"%s\"", f->err.msg);
    }
    cond_broadcast(&c->load.changed);
    return r;
}

int load_drain(struct flow *f, struct collector *c, bool is_last)
{
    uint64_t mine = ++c->load.asked;
    c->load.is_last = is_last;
    while (!c->load.is_over && c->load.answered < mine) {
        int r = cond_wait(f, &c->load.changed);
        if (r < 0)
            return r;
    }
    return 0;
}
