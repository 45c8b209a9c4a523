/*
 * collect/plan.c: cuts the account's time into windows that are walked at once.
 *
 * Happy path: one call tells the newest updated_at; then page 300 of what follows a moment is asked for: its
 * first row lies 29,900 tickets ahead and begins the next window. When there is no such page, page 60, and
 * then the rest is one window. So a window never holds more than the vendor lets us list, whatever the
 * density; windows are walked while later ones are still being looked for. All times are the vendor's own:
 * our clock may jump.
 * Fails as the calls do. A smaller wall than 300 (400 "page") makes the steps smaller.
 * Invariant: windows follow one another without a gap, and each is in the ledger before it is walked.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/wall.h"
#include "collect/walk.h"

#define STEP_SMALL 60
#define STEP_MIN 10

struct cut_ends {
    int64_t first_s, last_s;
    size_t count;
};

static void ends_of(struct str body, struct cut_ends *ret)
{
    struct str text;
    *ret = (struct cut_ends){.count = 0};
    for (size_t at = 0; items_next(body, &at, &text);) {
        struct item item;
        if (!item_read(text, &item))
            continue;
        if (ret->count++ == 0)
            ret->first_s = item.updated_s;
        ret->last_s = item.updated_s;
    }
}

static int list(struct flow *f, struct collector *c, const struct ticket_list *list,
                struct cut_ends *ret)
{
    struct freshdesk_raw raw;
    int r = freshdesk_tickets_raw(f, c->deps->freshdesk, &c->deps->as, list, &raw);
    if (r < 0)
        return r;
    ends_of(raw.body, ret);
    return 0;
}

int plan_newest(struct flow *f, struct collector *c, int64_t *ret_newest_s)
{
    struct cut_ends ends;
    const struct ticket_list newest = {
        .updated_since = WALL_NONE, .per_page = 1, .descending = true};
    int r = list(f, c, &newest, &ends);
    if (r < 0)
        return r;
    *ret_newest_s = ends.count ? ends.last_s : 0;
    if (ends.count == 0 || c->is_inclusive)
        return 0;
    /* Does updated_since give rows of its own second? Not documented; asked once. */
    const struct ticket_list same = {.updated_since = ends.last_s * 1000, .per_page = 1};
    int64_t newest_s = ends.last_s;
    r = list(f, c, &same, &ends);
    c->is_inclusive = r >= 0 && ends.count > 0 && ends.first_s == newest_s;
    return r < 0 ? r : 0;
}

int plan_add(struct flow *f, struct collector *c, enum window_kind kind, int64_t from_s,
             int64_t to_s, struct window **ret_window)
{
    struct window *w = archive_window(c->archive, (uint32_t)c->archive->window_count);
    w->run = c->archive->run.number;
    w->kind = kind;
    w->from_s = w->since_s = from_s;
    w->to_s = to_s;
    if (ret_window)
        *ret_window = w;
    int r = writer_tell(f, &c->writer,
                        arena_printf(&f->arena,
                                     "{\"window\":%" PRIu32 ",\"run\":%" PRIu32
                                     ",\"kind\":\"%s\",\"from\":%" PRId64 ",\"to\":%" PRId64 "}",
                                     w->number, w->run, window_kind_name(kind), from_s, to_s));
    cond_broadcast(&c->planned);
    return r;
}

/* Where the run's windows end so far. */
static int64_t planned_to(const struct collector *c)
{
    int64_t to_s = c->archive->run.from_s;
    for (size_t i = 0; i < c->archive->window_count; i++) {
        const struct window *w = c->archive->windows[i];
        if (w->run == c->archive->run.number && w->kind == WINDOW_TICKETS && w->to_s > to_s)
            to_s = w->to_s;
    }
    return to_s;
}

/* The first second of page `step` after from_s; 0 when there are not so many rows. */
static int probe(struct flow *f, struct collector *c, int64_t from_s, int *step, int64_t *ret_at_s)
{
    for (;;) {
        struct cut_ends ends;
        const struct ticket_list far = {
            .updated_since = from_s * 1000, .page = *step, .per_page = PAGE_ROWS};
        int r = list(f, c, &far, &ends);
        if (r == E_UPSTREAM_INPUT && *step > STEP_MIN) {
            *step = *step > STEP_SMALL ? STEP_SMALL : STEP_MIN; /* a nearer wall than we know of */
            continue;
        }
        if (r < 0)
            return r;
        *ret_at_s = ends.count ? ends.first_s : 0;
        return 0;
    }
}

static int plan(struct flow *f, struct collector *c, int64_t end_s)
{
    int step = PAGE_NUMBER_MAX;
    bool small = c->spec->ticket_count_max > 0 &&
                 c->spec->ticket_count_max <= (uint64_t)STEP_SMALL * PAGE_ROWS;
    int64_t from_s = planned_to(c);
    while (from_s < end_s) {
        int64_t to_s = 0;
        int r = small ? 0 : probe(f, c, from_s, &step, &to_s);
        if (r < 0)
            return r;
        if (to_s == 0 && step > STEP_SMALL && !small) {
            step = STEP_SMALL;
            continue;
        }
        if (to_s == 0 || to_s > end_s)
            to_s = end_s;
        else if (to_s <= from_s)
            to_s = from_s + 1; /* one second holds more than the wall lets through */
        r = plan_add(f, c, WINDOW_TICKETS, from_s, to_s, NULL);
        if (r < 0)
            return r;
        from_s = to_s;
    }
    return 0;
}

int plan_run(struct flow *f, void *arg)
{
    struct collector *c = arg;
    struct run *run = &c->archive->run;
    int64_t end_s = run->newest_s + 1;
    if (run->to_s > 0 && run->to_s < end_s)
        end_s = run->to_s;
    int r = run->is_planned ? 0 : plan(f, c, end_s);
    if (r >= 0 && !run->is_planned) {
        run->is_planned = true;
        r = writer_tell(f, &c->writer,
                        arena_printf(&f->arena, "{\"planned\":%" PRIu32 "}", run->number));
    }
    c->plan_over = true;
    cond_broadcast(&c->planned);
    return r;
}
