#pragma once
/*
 * Reads a model's solutions as they stream (format solutions-v1 of config/prompts):
 *
 *   ## title
 *   - what to do [2] <<words copied from source 2>>
 *
 * and checks them: a step without an existing source is dropped, a quote that does not stand in its source is
 * dropped and counted. What may be shown at once comes out while it streams; quotes are held back.
 * A model that finds no fitting source says NONE (없음) and nothing else: `none` is set, nothing is shown.
 */
#include <stddef.h>

#include "assist/run.h"

struct step {
    struct str text, quote; /* quote "" when none was given or it was dropped */
    int source;             /* n */
};
struct solution {
    struct str title;
    struct step *steps;
    size_t step_count;
};
enum { SOLUTIONS_MAX = 5, STEPS_MAX = 12 };

struct steps_reader {
    struct arena *arena;
    const struct source *sources;
    size_t source_count;
    struct buf line;
    size_t shown; /* bytes of the line already given out */
    struct solution items[SOLUTIONS_MAX];
    size_t item_count;
    bool is_full; /* the present title came after the last item there is room for: its steps go */
    int dropped_quotes, dropped_steps;
    bool none;   /* valid after steps_finish */
    bool spoken; /* something was shown */
};
void steps_init(struct steps_reader *r, struct arena *a, const struct source *sources,
                size_t count);
void steps_done(struct steps_reader *r);
/* Takes a piece; what may be shown of it is appended to ret_show. */
void steps_feed(struct steps_reader *r, struct str piece, struct buf *ret_show);
/* The last line, and items without steps go. */
void steps_finish(struct steps_reader *r, struct buf *ret_show);
/* Solutions copied from the sources themselves, for when no model can write them. */
void steps_extract(struct steps_reader *r);
