#pragma once
/* Days of the calendar, in no zone; where one begins in a zone. */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/zone.h"

struct day {
    int32_t number; /* days since 1970-01-01 */
};
bool day_parse(struct str s, struct day *ret_day) _must_check_; /* "2024-03-15", nothing else */
void day_text(struct day d, char ret_text[11]);                 /* "2024-03-15" */
struct day day_add(struct day d, int32_t days);
int day_weekday(struct day d); /* 0 = Monday */
/* The local day of an instant. */
struct day day_at(const struct zone *z, int64_t at_ms);
/* A day's first instant (unix ms); it ends where the next begins. */
int64_t day_start(const struct zone *z, struct day d);
