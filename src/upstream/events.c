/*
 * Server-sent events, parsed on bytes.
 *
 * Happy path: pieces are cut at CR, LF or CRLF; a line that lies whole in one piece is read in place, a
 * cut one is gathered first; `data` lines add up until the blank line, which gives the event.
 * Fails: E_LIMIT when one event (its data and the line being read) is over the cap; the stream is of no
 * use after that.
 * Invariant: whatever the cuts, the same bytes give the same events.
 */
#include "upstream/events.h"

#include <string.h>

void events_init(struct events_parser *p, size_t event_bytes_max)
{
    *p = (struct events_parser){.event_bytes_max = event_bytes_max};
}

void events_done(struct events_parser *p)
{
    buf_done(&p->line);
    buf_done(&p->name);
    buf_done(&p->data);
    buf_done(&p->id);
}

static void data_add(struct events_parser *p, struct str value)
{
    if (p->has_data)
        buf_byte(&p->data, '\n');
    p->has_data = true;
    buf_str(&p->data, value);
}

static void field(struct events_parser *p, struct str name, struct str value)
{
    if (str_eq(name, STR("data"))) {
        data_add(p, value);
    } else if (str_eq(name, STR("event"))) {
        buf_clear(&p->name);
        buf_str(&p->name, value);
    } else if (str_eq(name, STR("id"))) {
        if (value.len > 0 && memchr(value.ptr, '\0', value.len))
            return;
        buf_clear(&p->id);
        buf_str(&p->id, value);
    } else if (str_eq(name, STR("error"))) {
        /* Not in the standard: older llama.cpp servers told errors so, at status 200. */
        buf_clear(&p->name);
        buf_text(&p->name, "error");
        data_add(p, value);
    }
}

/* One line without its end. True when it ends an event. */
static bool line_take(struct events_parser *p, struct str line)
{
    if (!p->began) {
        p->began = true;
        if (str_starts(line, STR("\xEF\xBB\xBF")))
            line = str_sub(line, 3, line.len);
    }
    if (line.len == 0) {
        if (p->has_data)
            return true;
        buf_clear(&p->name);
        return false;
    }
    size_t colon = str_find(line, STR(":"), 0);
    if (colon == 0)
        return false; /* a comment */
    if (colon == SIZE_MAX) {
        field(p, line, STR_NONE);
        return false;
    }
    struct str value = str_sub(line, colon + 1, line.len);
    if (str_starts(value, STR(" ")))
        value = str_sub(value, 1, value.len);
    field(p, str_sub(line, 0, colon), value);
    return false;
}

static int give(struct events_parser *p, struct event *ret_event)
{
    p->given = true;
    *ret_event = (struct event){buf_view(&p->name), buf_view(&p->data), buf_view(&p->id)};
    return 1;
}

static void forget_given(struct events_parser *p)
{
    if (!p->given)
        return;
    p->given = p->has_data = false;
    buf_clear(&p->name);
    buf_clear(&p->data);
}

/* Bytes up to the line's end, or SIZE_MAX when it is not in the piece. */
static size_t line_length(struct str piece)
{
    const char *lf = memchr(piece.ptr, '\n', piece.len);
    size_t len = lf ? (size_t)(lf - piece.ptr) : piece.len;
    const char *cr = memchr(piece.ptr, '\r', len);
    if (cr)
        return (size_t)(cr - piece.ptr);
    return lf ? len : SIZE_MAX;
}

int events_next(struct events_parser *p, struct str *piece, struct event *ret_event)
{
    forget_given(p);
    while (piece->len > 0) {
        if (p->after_cr) {
            p->after_cr = false;
            if (piece->ptr[0] == '\n') {
                *piece = str_sub(*piece, 1, piece->len);
                continue;
            }
        }
        size_t len = line_length(*piece);
        bool whole = len != SIZE_MAX;
        struct str part = str_sub(*piece, 0, whole ? len : piece->len);
        if (p->line.len + p->data.len + part.len > p->event_bytes_max)
            return E_LIMIT;
        if (!whole) {
            buf_str(&p->line, part);
            *piece = STR_NONE;
            return 0;
        }
        p->after_cr = piece->ptr[len] == '\r';
        *piece = str_sub(*piece, len + 1, piece->len);
        bool is_end;
        if (p->line.len > 0) {
            buf_str(&p->line, part);
            is_end = line_take(p, buf_view(&p->line));
            buf_clear(&p->line);
        } else {
            is_end = line_take(p, part);
        }
        if (is_end)
            return give(p, ret_event);
    }
    return 0;
}

int events_finish(struct events_parser *p, struct event *ret_event)
{
    forget_given(p);
    if (p->line.len > 0) {
        line_take(p, buf_view(&p->line));
        buf_clear(&p->line);
    }
    return p->has_data ? give(p, ret_event) : 0;
}
