#pragma once
/*
 * Time zones: a TZif file (RFC 9636, versions 1 to 4) as a table of offsets, and what a local clock shows.
 * Pure: loop/zone_file.h reads the files.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/wall.h"

struct zone; /* heap: zone_free */

/* `bytes` is a whole TZif file. E_INPUT when it is not one; leap seconds are refused. */
int zone_parse(struct str bytes, struct zone **ret_zone, struct err *err) _must_check_;
void zone_free(struct zone *z); /* NULL is fine */
/* A fixed offset, e.g. UTC. */
struct zone *zone_fixed(int32_t offset_s);

/* Seconds east of UTC at that instant. */
int32_t zone_offset_s(const struct zone *z, int64_t at_ms);
/* What a clock on the wall shows. */
struct wall_parts zone_split(const struct zone *z, int64_t at_ms);
/* The instants at which a clock shows `parts`: none in a gap (clocks put forward), two in an overlap, in
 * order. */
size_t zone_instants(const struct zone *z, const struct wall_parts *parts, int64_t ret_at_ms[2]);
/* The first instant whose local time is not before `parts`: that of the clock, or the end of the gap. */
int64_t zone_join(const struct zone *z, const struct wall_parts *parts);

/* 0 = Sunday ... 6 = Saturday. */
int zone_weekday(const struct wall_parts *parts);
/* The local day of an instant, moved by `days`, as "2024-03-15". */
void zone_day(const struct zone *z, int64_t at_ms, int days, char ret_text[11]);
