/*
 * Bodies and headers of vendors' answers.
 *
 * Happy path: small bodies are parsed in place; large ones (a page of 100 tickets with descriptions can
 * pass 10 MB) on a pool thread, since one parse of that size would hold up every stream on the loop.
 * Fails with E_PROTOCOL only, or what the wait for the thread gives.
 * Invariant: nothing here trusts a header; an odd value reads as "not told".
 */
#include "upstream/reply.h"

#include <math.h>

#define PARSE_INLINE_BYTES_MAX ((size_t)256 * 1024)

struct parse_work {
    struct arena *arena; /* the parked flow's: nobody else touches it meanwhile */
    struct str body;
    struct json value;
    struct err err;
};

static int parse(void *arg)
{
    struct parse_work *w = arg;
    return json_parse_lax(w->arena, w->body, &w->value, &w->err);
}

int reply_json(struct flow *f, struct str body, struct json *ret_value)
{
    struct parse_work w = {.arena = &f->arena, .body = body};
    int r = body.len <= PARSE_INLINE_BYTES_MAX ? parse(&w) : work_run(f, parse, &w);
    if (r == E_JSON)
        return err_set(&f->err, E_PROTOCOL, "the answer is not JSON: %s",
                       w.err.msg[0] ? w.err.msg : err_text(r));
    if (r < 0)
        return w.err.code == r ? err_set(&f->err, r, "%s", w.err.msg) : r;
    *ret_value = w.value;
    return 0;
}

double reply_number(const struct web_reply *reply, const char *name)
{
    double value;
    struct str text = str_trim(web_header_find(reply, name));
    if (!str_to_double(text, &value) || !isfinite(value) || value < 0)
        return -1;
    return value;
}

/* Reads "12", "1.5" at the front of *rest. */
static bool duration_number(struct str *rest, double *ret_value)
{
    size_t len = 0;
    while (len < rest->len &&
           (rest->ptr[len] == '.' || (rest->ptr[len] >= '0' && rest->ptr[len] <= '9')))
        len++;
    if (len > 18 || !str_to_double(str_sub(*rest, 0, len), ret_value))
        return false;
    *rest = str_sub(*rest, len, rest->len - len);
    return true;
}

static double duration_unit_ms(struct str *rest)
{
    static const struct {
        struct str name;
        double ms;
    } units[] = {{STR("ms"), 1},    {STR("us"), 0.001},  {STR("ns"), 0.000001}, {STR("s"), 1000},
                 {STR("m"), 60000}, {STR("h"), 3600000}, {STR("d"), 86400000}};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++)
        if (str_starts(*rest, units[i].name)) {
            *rest = str_sub(*rest, units[i].name.len, rest->len - units[i].name.len);
            return units[i].ms;
        }
    return -1;
}

bool reply_duration(struct str text, double *ret_ms)
{
    struct str rest = str_trim(text);
    double total_ms = 0;
    if (rest.len == 0)
        return false;
    while (rest.len > 0) {
        double number;
        if (!duration_number(&rest, &number))
            return false;
        if (rest.len == 0 && total_ms == 0) { /* a plain number is seconds */
            total_ms = number * 1000;
            break;
        }
        double unit_ms = duration_unit_ms(&rest);
        if (unit_ms < 0)
            return false;
        total_ms += number * unit_ms;
    }
    *ret_ms = total_ms;
    return true;
}
