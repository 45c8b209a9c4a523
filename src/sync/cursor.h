#pragma once
/*
 * What a run of ticket sync leaves behind for the next one, as a JSON text in sync_runs.cursor.
 *
 *   1970 ----------- full_at            everything up to here is handled
 *                part_from ===== part_at ......  covered by runs with `since`; open: more is waiting
 *
 * Positions are updated_at of tickets, kept OVERLAP behind the clock, since rows become visible out of order.
 * A cursor made under another salt (model, extraction, vector home) counts as none.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct sync_cursor {
    int64_t full_at; /* unix ms; WALL_NONE: never began at the beginning */
    int64_t part_from, part_at;
    bool part_open;
    int64_t gone_at;      /* deleted and spam are followed up to here */
    int64_t gone_full_at; /* when these lists were last read whole */
};
#define SYNC_OVERLAP_MS 300000

/* Never fails: what cannot be read is no cursor. */
void cursor_read(struct arena *a, struct str text, struct str salt, struct sync_cursor *ret_cursor);
struct str cursor_write(struct arena *a, const struct sync_cursor *c, struct str salt);
/* Where a walk begins: unix ms, 0 for the beginning. *ret_resumed: it goes on where another ended. */
int64_t cursor_start(const struct sync_cursor *c, int64_t since, bool limited, bool *ret_resumed);
/* A walk that began at `start` (has_since: of a run with `since`) has handled everything up to `at`;
 * `ended`: and nothing is left. */
void cursor_walked(struct sync_cursor *c, int64_t start, int64_t at, bool has_since, bool ended);
