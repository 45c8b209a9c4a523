/*
 * Where walks over tickets begin, and what is covered when they end.
 *
 *   no since, no limit   from full_at: everything that is not stored yet
 *   no since, limit      from 1970: always the same first tickets
 *   since                from there; but when an earlier run with `since` was stopped by its limit (or
 *                        killed) and began no later than this one would, from where that one stopped
 *
 * Nothing here fails or waits. Invariant: [1970, full_at] and [part_from, part_at] hold only what was
 * handled, so going on at their ends loses nothing.
 */
#include "sync/cursor.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/macro.h"
#include "base/wall.h"

void cursor_read(struct arena *a, struct str text, struct str salt, struct sync_cursor *ret_cursor)
{
    struct json v = JSON_NONE;
    struct err ignored = {0};
    if (text.len > 0 && json_parse(a, text, &v, &ignored) < 0)
        v = JSON_NONE;
    *ret_cursor = (struct sync_cursor){
        .full_at = json_i64(json_get(v, "full_at"), WALL_NONE),
        .part_from = json_i64(json_get(v, "part_from"), WALL_NONE),
        .part_at = json_i64(json_get(v, "part_at"), WALL_NONE),
        .part_open = json_bool(json_get(v, "part_open"), false),
        .gone_at = json_i64(json_get(v, "gone_at"), WALL_NONE),
        .gone_full_at = json_i64(json_get(v, "gone_full_at"), WALL_NONE),
    };
    if (!str_eq(json_str(json_get(v, "salt")), salt)) {
        ret_cursor->full_at = ret_cursor->part_from = ret_cursor->part_at = WALL_NONE;
        ret_cursor->part_open = false;
    }
    if (ret_cursor->part_from == WALL_NONE || ret_cursor->part_at == WALL_NONE)
        ret_cursor->part_open = false;
}

static void write_time(struct jw *w, const char *key, int64_t at)
{
    if (at != WALL_NONE)
        jw_i64(w, key, at);
}

struct str cursor_write(struct arena *a, const struct sync_cursor *c, struct str salt)
{
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_str(&w, "salt", salt);
    write_time(&w, "full_at", c->full_at);
    write_time(&w, "part_from", c->part_from);
    write_time(&w, "part_at", c->part_at);
    jw_bool(&w, "part_open", c->part_open);
    write_time(&w, "gone_at", c->gone_at);
    write_time(&w, "gone_full_at", c->gone_full_at);
    jw_end_obj(&w);
    struct str text = arena_str(a, buf_view(&out));
    buf_done(&out);
    return text;
}

int64_t cursor_start(const struct sync_cursor *c, int64_t since, bool limited, bool *ret_resumed)
{
    *ret_resumed = false;
    if (since != WALL_NONE) {
        if (!c->part_open || since < c->part_from)
            return MAX(since, 0);
        *ret_resumed = true;
        return c->part_at;
    }
    if (limited || c->full_at == WALL_NONE)
        return 0;
    *ret_resumed = true;
    return c->full_at;
}

void cursor_walked(struct sync_cursor *c, int64_t start, int64_t at, bool has_since, bool ended)
{
    at = MAX(at, start);
    if (start == 0 || (c->full_at != WALL_NONE && start <= c->full_at))
        c->full_at = c->full_at == WALL_NONE ? at : MAX(c->full_at, at);
    if (has_since) {
        bool joins = c->part_from != WALL_NONE && c->part_from <= start && start <= c->part_at;
        c->part_from = joins ? c->part_from : start;
        c->part_at = joins ? MAX(c->part_at, at) : at;
        c->part_open = true;
    }
    if (c->part_from != WALL_NONE && c->full_at != WALL_NONE && c->part_from <= c->full_at) {
        c->full_at = MAX(c->full_at, c->part_at);
        c->part_at = c->full_at;
    }
    if (ended)
        c->part_open = false;
}
