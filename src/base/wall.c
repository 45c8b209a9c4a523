#include "base/wall.h"

#include <time.h>

/*
 * Calendar arithmetic on the proleptic Gregorian calendar, on integers alone.
 *
 * Days are counted in eras of 400 years (146097 days) from 1 March of year 0, so that the leap day is
 * the last day of a year and month lengths follow one formula; 719468 days later is 1970-01-01.
 *
 * Parsers walk a cursor over the text and fail at the first byte that does not fit; they never look
 * past the end. Invariant: a parsed time is inside years 1..9999 before its offset is applied.
 */

#define DAY_MS 86400000LL

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days from 1970-01-01 to a date; the month is 1..12, the day may be anything. */
static int64_t days_of(int64_t year, int month, int64_t day)
{
    year -= month <= 2;
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era + day - 1 - 719468;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* 0 is Sunday. */
static int weekday(int64_t days)
{
    return (int)((days + 4) - floor_div(days + 4, 7) * 7);
}

struct wall_parts wall_split(int64_t at_ms)
{
    int64_t days = floor_div(at_ms, DAY_MS);
    int64_t rest = at_ms - days * DAY_MS;
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    return (struct wall_parts){
        .year = (int)(yoe + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .hour = (int)(rest / 3600000),
        .minute = (int)(rest / 60000 % 60),
        .second = (int)(rest / 1000 % 60),
        .ms = (int)(rest % 1000),
    };
}

int64_t wall_join(const struct wall_parts *parts)
{
    int64_t month = (int64_t)parts->month - 1;
    int64_t year = parts->year + floor_div(month, 12);
    month -= floor_div(month, 12) * 12;
    int64_t days = days_of(year, (int)month + 1, parts->day);
    int64_t seconds = (int64_t)parts->hour * 3600 + (int64_t)parts->minute * 60 + parts->second;
    return days * DAY_MS + seconds * 1000 + parts->ms;
}

void wall_write(struct buf *out, int64_t at_ms)
{
    struct wall_parts p = wall_split(at_ms);
    buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", p.year, p.month, p.day, p.hour, p.minute,
               p.second);
}

void wall_write_naive(struct buf *out, int64_t at_ms)
{
    struct wall_parts p = wall_split(at_ms);
    buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", p.year, p.month, p.day, p.hour, p.minute,
               p.second);
    if (p.ms) /* isoformat leaves a fraction of zero out */
        buf_printf(out, ".%03d000", p.ms);
}

void wall_write_http(struct buf *out, int64_t at_ms)
{
    struct wall_parts p = wall_split(at_ms);
    buf_printf(out, "%s, %02d %s %04d %02d:%02d:%02d GMT",
               day_names[weekday(floor_div(at_ms, DAY_MS))], p.day, month_names[p.month - 1],
               p.year, p.hour, p.minute, p.second);
}

int64_t wall_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- reading ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes exactly `count` digits. */
static bool take_digits(struct str *s, size_t count, int *ret_value)
{
    if (s->len < count)
        return false;
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_digit(s->ptr[i]))
            return false;
        value = value * 10 + (s->ptr[i] - '0');
    }
    *s = str_sub(*s, count, SIZE_MAX);
    *ret_value = value;
    return true;
}

static bool take_byte(struct str *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = str_sub(*s, 1, SIZE_MAX);
    return true;
}

/* Takes a word of a table of three-letter names; its index or -1. */
static int take_name(struct str *s, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        if (str_starts(*s, str_from(names[i]))) {
            *s = str_sub(*s, 3, SIZE_MAX);
            return i;
        }
    }
    return -1;
}

/* Monday of week 1 of an ISO year: the week that holds 4 January. */
static int64_t week_one(int year)
{
    int64_t fourth = days_of(year, 1, 4);
    return fourth - (weekday(fourth) + 6) % 7;
}

/* The rest of a week date after the W: ww, ww-d or wwd. */
static bool take_week(struct str *s, int year, bool dashes, int64_t *ret_days)
{
    int week, day = 1;
    if (!take_digits(s, 2, &week))
        return false;
    /* "2024-W05-10:00" has a time after a dash in Python; a T or a space is asked for here, so what
     * follows a week is a day or the end of the date. */
    if (dashes ? take_byte(s, '-') : s->len > 0 && is_digit(s->ptr[0])) {
        if (!take_digits(s, 1, &day))
            return false;
    }
    int64_t start = week_one(year);
    int64_t week_count = (week_one(year + 1) - start) / 7;
    if (week < 1 || week > week_count || day < 1 || day > 7)
        return false;
    *ret_days = start + (week - 1) * 7 + day - 1;
    return *ret_days <= days_of(9999, 12, 31) && *ret_days >= days_of(1, 1, 1);
}

static bool take_date(struct str *s, int64_t *ret_days)
{
    int year, month, day;
    if (!take_digits(s, 4, &year) || year < 1)
        return false;
    bool dashes = take_byte(s, '-');
    if (take_byte(s, 'W'))
        return take_week(s, year, dashes, ret_days);
    if (!take_digits(s, 2, &month) || (dashes && !take_byte(s, '-')) || !take_digits(s, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    *ret_days = days_of(year, month, day);
    return true;
}

/* hh, hh:mm, hhmm, hh:mm:ss, hhmmss, with a fraction after seconds. In microseconds of the day. */
static bool take_clock(struct str *s, int64_t *ret_us)
{
    int hour, minute = 0, second = 0;
    if (!take_digits(s, 2, &hour) || hour > 23)
        return false;
    bool colons = take_byte(s, ':');
    bool more = colons || (s->len > 0 && is_digit(s->ptr[0]));
    if (more && (!take_digits(s, 2, &minute) || minute > 59))
        return false;
    more = more && (colons ? take_byte(s, ':') : s->len > 0 && is_digit(s->ptr[0]));
    if (more && (!take_digits(s, 2, &second) || second > 59))
        return false;
    int64_t us = ((int64_t)hour * 3600 + (int64_t)minute * 60 + second) * 1000000;
    if (more && (take_byte(s, '.') || take_byte(s, ','))) {
        if (s->len == 0 || !is_digit(s->ptr[0]))
            return false;
        for (int64_t unit = 100000; s->len > 0 && is_digit(s->ptr[0]); unit /= 10) {
            us += unit * (s->ptr[0] - '0'); /* digits past the sixth count nothing */
            *s = str_sub(*s, 1, SIZE_MAX);
        }
    }
    *ret_us = us;
    return true;
}

bool wall_parse_iso(struct str s, int64_t *ret_at_ms)
{
    int64_t days, us = 0, offset_us = 0;
    if (!take_date(&s, &days))
        return false;
    if (s.len > 0) {
        if (!take_byte(&s, 'T') && !take_byte(&s, 't') && !take_byte(&s, ' '))
            return false;
        if (!take_clock(&s, &us))
            return false;
        bool minus = s.len > 0 && s.ptr[0] == '-';
        if (minus || (s.len > 0 && s.ptr[0] == '+')) {
            s = str_sub(s, 1, SIZE_MAX);
            if (!take_clock(&s, &offset_us))
                return false;
            offset_us = minus ? -offset_us : offset_us;
        } else {
            take_byte(&s, 'Z');
        }
        if (s.len > 0)
            return false;
    }
    *ret_at_ms = days * DAY_MS + floor_div(us - offset_us, 1000);
    return true;
}

bool wall_parse_http(struct str s, int64_t *ret_at_ms)
{
    struct wall_parts p = {0};
    if (take_name(&s, day_names, 7) < 0 || !take_byte(&s, ',') || !take_byte(&s, ' ') ||
        !take_digits(&s, 2, &p.day) || !take_byte(&s, ' '))
        return false;
    p.month = take_name(&s, month_names, 12) + 1;
    if (p.month == 0 || !take_byte(&s, ' ') || !take_digits(&s, 4, &p.year) || p.year < 1 ||
        !take_byte(&s, ' ') || !take_digits(&s, 2, &p.hour) || !take_byte(&s, ':') ||
        !take_digits(&s, 2, &p.minute) || !take_byte(&s, ':') || !take_digits(&s, 2, &p.second) ||
        !str_eq(s, STR(" GMT")))
        return false;
    if (p.day < 1 || p.day > month_days(p.year, p.month) || p.hour > 23 || p.minute > 59 ||
        p.second > 60) /* RFC 9110 allows a leap second; wall_join carries it over */
        return false;
    *ret_at_ms = wall_join(&p);
    return true;
}
