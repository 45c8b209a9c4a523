/*
 * Cron expressions.
 *
 * The happy path: fields become bit sets; cron_next walks local days from the day before `after` (an offset
 * may have pulled an instant over midnight) and takes the earliest instant of the first day that has one.
 * Fails: E_INPUT with the field and its text; E_NOT_FOUND for a date that never comes.
 * Invariant: results grow strictly: cron_next(x) > x, so a caller that goes from result to result fires each
 * instant once.
 */
#include "jobs/cron.h"

enum { DAYS_AHEAD_MAX = 9 * 366, CLOCK_MS = 4 * 3600 * 1000 };

struct field {
    const char *name;
    int least, most;
    const char *names; /* three letters each, in order; NULL: none */
};
static const struct field fields[] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of month", 1, 31, NULL},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of week", 0, 7, "sunmontuewedthufrisat"},
};

static int wrong(struct err *err, const struct field *f, struct str text)
{
    return err_set(err, E_INPUT, "\"%.*s\" is no %s (%d to %d)", STR_ARG(str_cut_utf8(text, 40)),
                   f->name, f->least, f->most);
}

static bool read_value(const struct field *f, struct str s, int *ret_value)
{
    int64_t value;
    if (str_to_i64(s, &value)) {
        if (value < f->least || value > f->most)
            return false;
        *ret_value = (int)value;
        return true;
    }
    struct str names = str_from(f->names);
    for (size_t i = 0; s.len == 3 && i < names.len; i += 3) {
        if (str_eq_nocase(str_sub(names, i, 3), s)) {
            *ret_value = (int)(i / 3) + (f->least == 1);
            return true;
        }
    }
    return false;
}

static bool read_item(const struct field *f, struct str item, uint64_t *bits)
{
    int64_t step = 1;
    int from = f->least, to = f->most;
    size_t slash = str_find(item, STR("/"), 0);
    if (slash != SIZE_MAX &&
        (!str_to_i64(str_sub(item, slash + 1, item.len), &step) || step < 1 || step > f->most))
        return false;
    struct str range = str_sub(item, 0, slash);
    size_t dash = str_find(range, STR("-"), 0);
    if (dash != SIZE_MAX) {
        if (!read_value(f, str_sub(range, 0, dash), &from) ||
            !read_value(f, str_sub(range, dash + 1, range.len), &to))
            return false;
        if (from > to && to == 0 && f->most == 7)
            to = 7; /* fri-sun */
        if (from > to)
            return false;
    } else if (!str_eq(range, STR("*")) && !str_eq(range, STR("?"))) {
        if (!read_value(f, range, &from))
            return false;
        if (slash == SIZE_MAX)
            to = from;
    } else if (f->most == 7) {
        to = 6; /* Sunday is in * once */
    }
    for (int64_t v = from; v <= to; v += step)
        *bits |= UINT64_C(1) << v;
    return true;
}

static int read_field(const struct field *f, struct str text, uint64_t *ret_bits, struct err *err)
{
    struct str rest = text, item;
    uint64_t bits = 0;
    if (text.len == 0 || text.ptr[text.len - 1] == ',')
        return wrong(err, f, text);
    while (str_cut(&rest, ',', &item)) {
        if (item.len == 0 || !read_item(f, item, &bits))
            return wrong(err, f, text);
    }
    *ret_bits = bits;
    return 0;
}

static struct str take_word(struct str *rest)
{
    *rest = str_trim(*rest);
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != ' ' && rest->ptr[n] != '\t')
        n++;
    struct str word = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->len);
    return word;
}

static struct str nickname(struct str text)
{
    static const struct {
        struct str name, meaning;
    } names[] = {
        {STR("@yearly"), STR("0 0 1 1 *")},  {STR("@annually"), STR("0 0 1 1 *")},
        {STR("@monthly"), STR("0 0 1 * *")}, {STR("@weekly"), STR("0 0 * * 0")},
        {STR("@daily"), STR("0 0 * * *")},   {STR("@midnight"), STR("0 0 * * *")},
        {STR("@hourly"), STR("0 * * * *")},
    };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (str_eq_nocase(text, names[i].name))
            return names[i].meaning;
    return text;
}

static bool is_any(struct str word)
{
    return word.len > 0 && (word.ptr[0] == '*' || word.ptr[0] == '?');
}

int cron_parse(struct str text, struct cron *ret_cron, struct err *err)
{
    struct str rest = nickname(str_trim(text)), words[ARRAY_COUNT(fields)];
    uint64_t bits[ARRAY_COUNT(fields)];
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        words[i] = take_word(&rest);
        if (words[i].len == 0)
            return err_set(err, E_INPUT, "\"%.*s\" has %zu of the five fields of a cron expression",
                           STR_ARG(str_cut_utf8(text, 60)), i);
        int r = read_field(&fields[i], words[i], &bits[i], err);
        if (r < 0)
            return r;
    }
    if (str_trim(rest).len > 0)
        return err_set(err, E_INPUT, "\"%.*s\" has more than the five fields of a cron expression",
                       STR_ARG(str_cut_utf8(text, 60)));
    *ret_cron = (struct cron){
        .minutes = bits[0],
        .hours = (uint32_t)bits[1],
        .days = (uint32_t)bits[2],
        .months = (uint32_t)bits[3],
        .weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7F),
        .any_hour = is_any(words[1]),
        .any_day = is_any(words[2]),
        .any_weekday = is_any(words[4]),
    };
    return 0;
}

static bool day_matches(const struct cron *c, const struct wall_parts *p)
{
    if (!(c->months >> p->month & 1))
        return false;
    bool day = c->days >> p->day & 1, weekday = c->weekdays >> zone_weekday(p) & 1;
    return c->any_day || c->any_weekday ? day && weekday : day || weekday;
}

/* Takes the earliest instant after `after_ms` at which the clock shows `p`. */
static void consider(const struct cron *c, const struct zone *z, const struct wall_parts *p,
                     int64_t after_ms, int64_t *best_ms)
{
    int64_t at_ms[2];
    int64_t local_ms = wall_join(p), offset_ms = (int64_t)zone_offset_s(z, after_ms) * 1000;
    /* Clocks are put back and forth by less than these hours: far from what counts, nothing to look at. */
    if (local_ms - offset_ms < after_ms - CLOCK_MS ||
        (*best_ms != INT64_MAX && local_ms - offset_ms > *best_ms + CLOCK_MS))
        return;
    size_t count = zone_instants(z, p, at_ms);
    if (!c->any_hour) { /* a fixed time: once, whatever clocks do */
        at_ms[0] = count > 0 ? at_ms[0] : zone_join(z, p);
        count = 1;
    }
    for (size_t i = 0; i < count; i++)
        if (at_ms[i] > after_ms && at_ms[i] < *best_ms)
            *best_ms = at_ms[i];
}

int cron_next(const struct cron *c, const struct zone *z, int64_t after_ms, int64_t *ret_at_ms)
{
    struct wall_parts today = zone_split(z, after_ms);
    for (int ahead = -1; ahead <= DAYS_AHEAD_MAX; ahead++) {
        struct wall_parts p = {.year = today.year, .month = today.month, .day = today.day + ahead};
        p = wall_split(wall_join(&p));
        if (!day_matches(c, &p))
            continue;
        int64_t best_ms = INT64_MAX;
        for (p.hour = 0; p.hour < 24; p.hour++) {
            if (!(c->hours >> p.hour & 1))
                continue;
            for (p.minute = 0; p.minute < 60; p.minute++)
                if (c->minutes >> p.minute & 1)
                    consider(c, z, &p, after_ms, &best_ms);
        }
        if (best_ms != INT64_MAX) {
            *ret_at_ms = best_ms;
            return 0;
        }
    }
    return E_NOT_FOUND;
}
