#include "base/day.h"

#include "base/wall.h"

/*
 * Days of the calendar as numbers, so that going from one to another is addition; the calendar itself is
 * base/wall's, years 1 to 9999. A day begins at its first instant: midnight, or where the clocks were put
 * forward over midnight (zone_join) the end of that gap. Nothing here fails but reading a text.
 */

enum { DAY_MS = 86400000 };

bool day_parse(struct str s, struct day *ret_day)
{
    int64_t at_ms;
    if (s.len != 10 || s.ptr[4] != '-' || s.ptr[7] != '-' || s.ptr[5] == 'W' ||
        !wall_parse_iso(s, &at_ms))
        return false;
    /* Not rounded towards zero: before 1970 the number is negative. */
    ret_day->number = (int32_t)((at_ms - (at_ms < 0 ? DAY_MS - 1 : 0)) / DAY_MS);
    return true;
}

void day_text(struct day d, char ret_text[11])
{
    struct wall_parts p = wall_split((int64_t)d.number * DAY_MS);
    const int digits[] = {p.year / 1000, p.year / 100, p.year / 10, p.year,     -1,
                          p.month / 10,  p.month,      -1,          p.day / 10, p.day};
    for (size_t i = 0; i < ARRAY_COUNT(digits); i++)
        ret_text[i] = digits[i] < 0 ? '-' : (char)('0' + digits[i] % 10);
    ret_text[10] = '\0';
}

struct day day_add(struct day d, int32_t days)
{
    return (struct day){d.number + days};
}

int day_weekday(struct day d)
{
    int n = (d.number + 3) % 7; /* 1970-01-01 was a Thursday */
    return n < 0 ? n + 7 : n;
}

struct day day_at(const struct zone *z, int64_t at_ms)
{
    struct wall_parts p = zone_split(z, at_ms);
    p.hour = p.minute = p.second = p.ms = 0;
    return (struct day){(int32_t)(wall_join(&p) / DAY_MS)};
}

int64_t day_start(const struct zone *z, struct day d)
{
    struct wall_parts p = wall_split((int64_t)d.number * DAY_MS);
    return zone_join(z, &p);
}
