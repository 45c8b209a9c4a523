#pragma once
/*
 * Wall-time math: ISO 8601 text to and from unix milliseconds, without the process's time zone and
 * without libc's gmtime. Years 1..9999. Source: RFC 3339; Python 3.11 datetime.fromisoformat for
 * wall_parse_iso's wider forms (legacy-contracts §2.1).
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define WALL_NONE INT64_MIN /* "no time" in structs */

struct wall_parts {
    int year, month, day, hour, minute, second, ms;
};

/* Accepts date only, with or without seconds or fraction, `Z` / `+hh:mm` / `+hhmm` / `+hh`, a `T`
 * or a space between date and time, basic form (20240101T100000). No zone means UTC.
 * Week dates (2024-W01, 2024-W01-1, 2024W011) are taken as well. False on anything else, epoch numbers
 * included. What is taken means the same in Python; turned down here although Python takes them are
 * other separators, a fraction without seconds (Python adds it as seconds) and offset minutes over 59.
 * Digits past the millisecond are cut. */
bool wall_parse_iso(struct str s, int64_t *ret_at_ms) _must_check_;
struct wall_parts wall_split(int64_t at_ms);       /* UTC */
int64_t wall_join(const struct wall_parts *parts); /* out-of-range fields are carried over */
/* "2026-11-20T16:43:00Z" */
void wall_write(struct buf *out, int64_t at_ms);
/* "2026-11-20T16:43:00.123456" without zone, as Python's naive utcnow().isoformat(). */
void wall_write_naive(struct buf *out, int64_t at_ms);
/* HTTP date of RFC 9110 §5.6.7 (IMF-fixdate): parse for Retry-After, write for Date. */
bool wall_parse_http(struct str s, int64_t *ret_at_ms) _must_check_;
void wall_write_http(struct buf *out, int64_t at_ms);
int64_t wall_now_ms(void); /* the machine's clock; code under a loop uses loop_wall_ms instead */
