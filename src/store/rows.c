/*
 * Helpers of the store's files.
 *
 * A batch goes to the server as one array a column (unnest), because that is one statement and one
 * round trip whatever the number of rows, and because COPY is refused on tables with row-level
 * security (PostgreSQL manual, "COPY", notes). What has no array of its own travels as text: bytes as hex,
 * tag lists joined by the unit separator.
 *
 * jsonb refuses the escape \u0000 although JSON allows it; rows_json drops it, and nothing else.
 */
#include "store/rows.h"

#include <inttypes.h>
#include <string.h>

struct str rows_hex(struct arena *a, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_alloc(a, 2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return str_of(text, 2 * len);
}

static unsigned digit_value(unsigned char c)
{
    return c <= '9' ? c - 48U : (c | 0x20U) - 87U; /* '0', 'a' - 10 */
}

struct str rows_unhex(struct arena *a, struct str hex)
{
    char *bytes = arena_alloc(a, hex.len / 2 + 1);
    for (size_t i = 0; i < hex.len / 2; i++)
        bytes[i] = (char)(digit_value((unsigned char)hex.ptr[2 * i]) << 4 |
                          digit_value((unsigned char)hex.ptr[2 * i + 1]));
    return str_of(bytes, hex.len / 2);
}

struct str rows_tags(struct arena *a, const struct str *tags, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += tags[i].len + 1;
    char *text = arena_alloc(a, len + 1);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < tags[i].len; k++)
            text[at++] = tags[i].ptr[k] == '\x1f' ? ' ' : tags[i].ptr[k];
        text[at++] = '\x1f';
    }
    return str_of(text, at > 0 ? at - 1 : 0);
}

struct str *rows_untags(struct arena *a, struct str joined, size_t *ret_count)
{
    *ret_count = 0;
    if (joined.len == 0)
        return NULL;
    size_t count = 1;
    for (size_t i = 0; i < joined.len; i++)
        count += joined.ptr[i] == '\x1f';
    struct str *tags = ARENA_ARRAY(a, count, struct str);
    struct str rest = arena_str(a, joined), part;
    size_t n = 0;
    while (n < count && str_cut(&rest, '\x1f', &part))
        tags[n++] = part;
    *ret_count = n;
    return tags;
}

struct str rows_json(struct arena *a, struct str text, const char *otherwise)
{
    if (text.len == 0)
        return str_from(otherwise);
    if (str_find(text, STR("\\u0000"), 0) == SIZE_MAX)
        return text;
    char *out = arena_alloc(a, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len;) {
        if (text.ptr[i] != '\\' || i + 1 >= text.len) {
            out[n++] = text.ptr[i++];
        } else if (str_starts(str_sub(text, i, 6), STR("\\u0000"))) {
            i += 6;
        } else { /* an escape and what it escapes: a backslash before u0000 may itself be escaped */
            out[n++] = text.ptr[i++];
            out[n++] = text.ptr[i++];
        }
    }
    return str_of(out, n);
}

struct str rows_json_value(struct arena *a, struct json v, const char *otherwise)
{
    if (!json_exists(v))
        return str_from(otherwise);
    struct buf *text = arena_buf(a, 0);
    json_write(text, v);
    return rows_json(a, buf_view(text), otherwise);
}

struct str rows_text(struct arena *a, const struct pg_result *r, int row, int column)
{
    return arena_str(a, pg_text(r, row, column));
}

int64_t *rows_ids(struct arena *a, const struct pg_result *r)
{
    int64_t *ids = ARENA_ARRAY(a, (size_t)r->row_count, int64_t);
    for (int i = 0; i < r->row_count; i++)
        ids[i] = pg_i64(r, i, 0);
    return ids;
}

int rows_of_none(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *table,
                 int status)
{
    if (status != E_DB)
        return status;
    struct err said = f->err;
    struct str name = arena_printf(&f->arena, "deskstream.%s_t%" PRId64, table, tenant_id);
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r = pg_once(f, p, tenant_id, "select to_regclass($1) is null", PG_ARGS(PG_TEXT(name)),
                    &row);
    if (r < 0)
        return r;
    bool is_missing = row.row_count == 1 && pg_bool(&row, 0, 0);
    f->err = is_missing ? (struct err){0} : said;
    return is_missing ? 0 : status;
}
