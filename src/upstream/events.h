#pragma once
/*
 * Parser of server-sent events on bytes (WHATWG HTML §9.2.6), fed in pieces of any size. Passes the list
 * of llm-apis §8: LF, CRLF, CR also split across pieces, BOM, optional space, several data lines joined
 * with LF, comments, empty data, unknown fields, an `error:` field line (kept as event "error"), a last
 * event without its blank line, a cap on one event. A block without any data line is no event, one with
 * an empty data line is (its data is ""). Bytes are passed on as they are: UTF-8 cut by reads is whole
 * again, because only whole lines are looked at.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct events_parser {
    struct buf line, name, data, id;
    size_t event_bytes_max;
    bool after_cr; /* an LF right after a CR belongs to it, also in the next piece */
    bool has_data; /* a data line came since the last event */
    bool began;    /* the first line is over: no byte order mark any more */
    bool given;    /* name and data were handed out and go with the next call */
};
struct event {
    struct str name; /* "" when unnamed */
    struct str data;
    struct str id; /* the last one sent, kept from event to event */
};
void events_init(struct events_parser *p, size_t event_bytes_max);
void events_done(struct events_parser *p);
/* Consumes bytes of *piece up to the end of the next event. 1: *ret_event filled (borrowed until the next
 * call) and *piece is what is left; 0: all consumed, no event yet; E_LIMIT: event over its cap. */
int events_next(struct events_parser *p, struct str *piece, struct event *ret_event) _must_check_;
/* At the end of the stream: 1 when an unfinished event was pending and is given. */
int events_finish(struct events_parser *p, struct event *ret_event) _must_check_;
