/*
 * Time zones out of TZif files.
 *
 *   header | version 1 block | header | version 2+ block (64-bit times) | "\n" POSIX rule "\n"
 *
 * The happy path reads the second block's transitions; instants after the last one follow the rule of the
 * footer ("EST5EDT,M3.2.0,M11.1.0"), computed for the year in question. Files of version 1 have neither and
 * keep their last offset.
 * Fails: anything that is not such a file is E_INPUT; every count is checked against the bytes that are there
 * before it is used. Source: RFC 9636 §3; POSIX.1-2017 §8.3 (TZ).
 * Invariant: offsets lie within ±26 hours, transitions are in order.
 */
#include "base/zone.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define DAY_S INT64_C(86400)
#define OFFSET_S_MAX (26 * 3600)
#define TRANSITIONS_MAX 20000

/* When a rule's change comes: month, week and day; or a day of the year. */
struct change {
    char kind; /* 'M', 'J' (1..365, no Feb 29), 'D' (0..365) */
    int month, week, day;
    int32_t time_s; /* local, may be negative or over a day */
};

struct zone {
    int64_t *at_s;     /* transitions */
    int32_t *offset_s; /* from each on */
    size_t count;
    int32_t first_s; /* before the first */
    bool has_rule, has_dst;
    int32_t standard_s, dst_s;
    struct change begin, end; /* of daylight time */
};

static int64_t big(const char *p, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | (unsigned char)p[i];
    return bytes == 4 ? (int64_t)(int32_t)(uint32_t)v : (int64_t)v;
}

/* ---- the footer's rule ---- */

static bool take_int(struct str *s, int least, int most, int *ret_value)
{
    int value = 0;
    size_t n = 0;
    while (n < s->len && n < 4 && s->ptr[n] >= '0' && s->ptr[n] <= '9')
        value = value * 10 + (s->ptr[n++] - '0');
    if (n == 0 || value < least || value > most)
        return false;
    *s = str_sub(*s, n, s->len);
    *ret_value = value;
    return true;
}

static bool take_byte(struct str *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = str_sub(*s, 1, s->len);
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct str *s, int hours_max, int32_t *ret_seconds)
{
    bool negative = take_byte(s, '-');
    if (!negative)
        take_byte(s, '+');
    int h, m = 0, sec = 0;
    if (!take_int(s, 0, hours_max, &h))
        return false;
    if (take_byte(s, ':') && !take_int(s, 0, 59, &m))
        return false;
    if (take_byte(s, ':') && !take_int(s, 0, 59, &sec))
        return false;
    *ret_seconds = (negative ? -1 : 1) * (h * 3600 + m * 60 + sec);
    return true;
}

/* "EST" or "<+09>" */
static bool take_name(struct str *s)
{
    size_t n = 0;
    if (take_byte(s, '<')) {
        while (n < s->len && s->ptr[n] != '>')
            n++;
        *s = str_sub(*s, n, s->len);
        return n > 0 && take_byte(s, '>');
    }
    while (n < s->len && ((s->ptr[n] | 32) >= 'a' && (s->ptr[n] | 32) <= 'z'))
        n++;
    *s = str_sub(*s, n, s->len);
    return n >= 3;
}

static bool take_change(struct str *s, struct change *ret_change)
{
    struct change c = {.kind = 'D', .time_s = 7200};
    bool good;
    if (take_byte(s, 'M')) {
        c.kind = 'M';
        good = take_int(s, 1, 12, &c.month) && take_byte(s, '.') && take_int(s, 1, 5, &c.week) &&
               take_byte(s, '.') && take_int(s, 0, 6, &c.day);
    } else if (take_byte(s, 'J')) {
        c.kind = 'J';
        good = take_int(s, 1, 365, &c.day);
    } else {
        good = take_int(s, 0, 365, &c.day);
    }
    if (good && take_byte(s, '/'))
        good = take_time(s, 167, &c.time_s);
    *ret_change = c;
    return good;
}

static bool parse_rule(struct str s, struct zone *z)
{
    int32_t west;
    if (s.len == 0)
        return true;
    if (!take_name(&s) || !take_time(&s, 24, &west))
        return false;
    z->standard_s = -west;
    z->dst_s = -west + 3600;
    z->has_rule = true;
    if (s.len == 0)
        return true;
    if (!take_name(&s))
        return false;
    if (s.len > 0 && s.ptr[0] != ',') {
        if (!take_time(&s, 24, &west))
            return false;
        z->dst_s = -west;
    }
    z->has_dst = true;
    return take_byte(&s, ',') && take_change(&s, &z->begin) && take_byte(&s, ',') &&
           take_change(&s, &z->end) && s.len == 0;
}

static int64_t day_number(int year, int month, int day)
{
    struct wall_parts p = {.year = year, .month = month, .day = day};
    return wall_join(&p) / 1000 / DAY_S;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Local seconds since 1970 at which the change comes in that year. */
static int64_t change_local_s(const struct change *c, int year)
{
    int64_t day = day_number(year, 1, 1);
    if (c->kind == 'D') {
        day += c->day;
    } else if (c->kind == 'J') {
        day += c->day - 1 + (is_leap(year) && c->day >= 60);
    } else {
        int64_t first = day_number(year, c->month, 1);
        int64_t next = c->month == 12 ? day_number(year + 1, 1, 1)
                                      : day_number(year, c->month + 1, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7;
        day = first + (c->day - weekday + 7) % 7 + (c->week - 1) * 7;
        while (day >= next)
            day -= 7;
    }
    return day * DAY_S + c->time_s;
}

static int32_t rule_offset(const struct zone *z, int64_t at_s)
{
    if (!z->has_dst)
        return z->standard_s;
    int year = wall_split((at_s + z->standard_s) * 1000).year;
    int64_t begin = change_local_s(&z->begin, year) - z->standard_s;
    int64_t end = change_local_s(&z->end, year) - z->dst_s;
    bool dst = begin < end ? at_s >= begin && at_s < end : at_s >= begin || at_s < end;
    return dst ? z->dst_s : z->standard_s;
}

/* ---- the file ---- */

struct counts {
    size_t utc, standard, leap, time, type, text;
};

static bool take_header(struct str *s, struct counts *ret_counts, char *ret_version)
{
    if (s->len < 44 || memcmp(s->ptr, "TZif", 4) != 0)
        return false;
    *ret_version = s->ptr[4];
    int64_t n[6];
    for (size_t i = 0; i < 6; i++) {
        n[i] = big(s->ptr + 20 + 4 * i, 4);
        if (n[i] < 0 || n[i] > TRANSITIONS_MAX)
            return false;
    }
    *ret_counts = (struct counts){(size_t)n[0], (size_t)n[1], (size_t)n[2],
                                  (size_t)n[3], (size_t)n[4], (size_t)n[5]};
    *s = str_sub(*s, 44, s->len);
    return true;
}

static size_t block_bytes(const struct counts *c, size_t time_bytes)
{
    return c->time * (time_bytes + 1) + c->type * 6 + c->text + c->leap * (time_bytes + 4) +
           c->standard + c->utc;
}

static bool read_block(struct zone *z, const char *p, const struct counts *c, size_t time_bytes)
{
    const char *index = p + c->time * time_bytes, *types = index + c->time;
    if (c->type == 0 || c->leap != 0)
        return false;
    for (size_t i = 0; i < c->type; i++) {
        int64_t offset = big(types + 6 * i, 4);
        if (offset < -OFFSET_S_MAX || offset > OFFSET_S_MAX)
            return false;
    }
    z->first_s = (int32_t)big(types, 4);
    z->count = c->time;
    z->at_s = mem_alloc((c->time + 1) * sizeof(*z->at_s));
    z->offset_s = mem_alloc((c->time + 1) * sizeof(*z->offset_s));
    for (size_t i = 0; i < c->time; i++) {
        size_t type = (unsigned char)index[i];
        z->at_s[i] = big(p + i * time_bytes, time_bytes);
        if (type >= c->type || (i > 0 && z->at_s[i] <= z->at_s[i - 1]))
            return false;
        z->offset_s[i] = (int32_t)big(types + 6 * type, 4);
    }
    return true;
}

static bool parse(struct str s, struct zone *z)
{
    struct counts c;
    char version;
    if (!take_header(&s, &c, &version) || block_bytes(&c, 4) > s.len)
        return false;
    if (version == '\0')
        return read_block(z, s.ptr, &c, 4);
    s = str_sub(s, block_bytes(&c, 4), s.len);
    if (!take_header(&s, &c, &version) || block_bytes(&c, 8) > s.len)
        return false;
    if (!read_block(z, s.ptr, &c, 8))
        return false;
    s = str_sub(s, block_bytes(&c, 8), s.len);
    if (!take_byte(&s, '\n'))
        return false;
    size_t end = str_find(s, STR("\n"), 0);
    return end != SIZE_MAX && parse_rule(str_sub(s, 0, end), z);
}

int zone_parse(struct str bytes, struct zone **ret_zone, struct err *err)
{
    struct zone *z = mem_alloc(sizeof(*z));
    if (!parse(bytes, z)) {
        zone_free(z);
        return err_set(err, E_INPUT, "not a time zone file");
    }
    *ret_zone = z;
    return 0;
}

struct zone *zone_fixed(int32_t offset_s)
{
    struct zone *z = mem_alloc(sizeof(*z));
    z->first_s = offset_s;
    return z;
}

void zone_free(struct zone *z)
{
    if (z == NULL)
        return;
    mem_free(z->at_s);
    mem_free(z->offset_s);
    mem_free(z);
}

/* ---- instants and clocks ---- */

static int64_t floor_s(int64_t at_ms)
{
    return at_ms >= 0 ? at_ms / 1000 : -((-at_ms + 999) / 1000);
}

int32_t zone_offset_s(const struct zone *z, int64_t at_ms)
{
    int64_t at_s = floor_s(at_ms);
    if (z->count > 0 && at_s < z->at_s[0])
        return z->first_s;
    if (z->has_rule && (z->count == 0 || at_s >= z->at_s[z->count - 1]))
        return rule_offset(z, at_s);
    if (z->count == 0)
        return z->first_s;
    size_t low = 0, high = z->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (z->at_s[middle] <= at_s)
            low = middle;
        else
            high = middle;
    }
    return z->offset_s[low];
}

struct wall_parts zone_split(const struct zone *z, int64_t at_ms)
{
    return wall_split(at_ms + (int64_t)zone_offset_s(z, at_ms) * 1000);
}

size_t zone_instants(const struct zone *z, const struct wall_parts *parts, int64_t ret_at_ms[2])
{
    int64_t local_ms = wall_join(parts);
    size_t count = 0;
    /* An offset that holds at the instant it leads to is right; offsets near it are all there are. */
    for (int64_t hours = -26; hours <= 26 && count < 2; hours += 13) {
        int64_t offset_s = zone_offset_s(z, local_ms + hours * 3600 * 1000);
        int64_t at_ms = local_ms - offset_s * 1000;
        if (zone_offset_s(z, at_ms) != offset_s || (count == 1 && ret_at_ms[0] == at_ms))
            continue;
        ret_at_ms[count++] = at_ms;
    }
    if (count == 2 && ret_at_ms[0] > ret_at_ms[1]) {
        int64_t later = ret_at_ms[0];
        ret_at_ms[0] = ret_at_ms[1];
        ret_at_ms[1] = later;
    }
    return count;
}

int64_t zone_join(const struct zone *z, const struct wall_parts *parts)
{
    int64_t at_ms[2];
    if (zone_instants(z, parts, at_ms) > 0)
        return at_ms[0];
    /* In a gap: local time jumps over `parts` somewhere between these two instants. */
    int64_t local_ms = wall_join(parts);
    int64_t low = floor_s(local_ms) - 27 * 3600, high = floor_s(local_ms) + 27 * 3600;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if ((middle + zone_offset_s(z, middle * 1000)) * 1000 < local_ms)
            low = middle;
        else
            high = middle;
    }
    return high * 1000;
}

int zone_weekday(const struct wall_parts *parts)
{
    struct wall_parts day = {.year = parts->year, .month = parts->month, .day = parts->day};
    int64_t number = floor_s(wall_join(&day)) / DAY_S;
    if (floor_s(wall_join(&day)) % DAY_S < 0)
        number--;
    return (int)(((number + 4) % 7 + 7) % 7);
}

void zone_day(const struct zone *z, int64_t at_ms, int days, char ret_text[11])
{
    struct wall_parts p = zone_split(z, at_ms);
    p = (struct wall_parts){.year = p.year, .month = p.month, .day = p.day + days};
    p = wall_split(wall_join(&p));
    char text[32];
    snprintf(text, sizeof(text), "%04d-%02d-%02d", p.year, p.month, p.day);
    memcpy(ret_text, text, 10);
    ret_text[10] = '\0';
}
