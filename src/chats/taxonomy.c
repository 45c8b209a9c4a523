/*
 * Categories out of a file or a table.
 *
 * Happy path: each item is checked (number, name, both unique, one line) and copied. Whatever comes from a
 * table is taken as it is, since other programs wrote it: line breaks and bars in a name become blanks in the
 * prompt only.
 * Fails with E_CONFIG and the item's place. Invariant: at least one category, and no two with one id or name.
 */
#include "chats/taxonomy.h"

#include <assert.h>
#include <inttypes.h>

#include "base/asset.h"
#include "base/json.h"

static bool is_line(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == '|')
            return false;
    }
    return true;
}

const struct category *taxonomy_find(const struct taxonomy *t, int64_t id)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->items[i].id == id)
            return &t->items[i];
    }
    return NULL;
}

const struct category *taxonomy_named(const struct taxonomy *t, struct str name)
{
    for (size_t i = 0; i < t->count; i++) {
        if (str_eq(t->items[i].name, name))
            return &t->items[i];
    }
    return NULL;
}

static int read_item(struct arena *a, struct json v, size_t index, struct taxonomy *t,
                     struct err *err)
{
    struct category c = {.id = json_i64(json_get(v, "id"), 0),
                         .name = str_trim(json_str(json_get(v, "name"))),
                         .hint = str_trim(json_str(json_get(v, "hint")))};
    if (!json_is_int(json_get(v, "id")) || c.id < 1 || c.id > INT32_MAX)
        return err_set(err, E_CONFIG, "category %zu: id is not a number from 1 to %d", index + 1,
                       INT32_MAX);
    if (!c.name.len || c.name.len > CATEGORY_NAME_BYTES_MAX || !is_line(c.name))
        return err_set(err, E_CONFIG, "category %" PRId64 ": name must be one line without |",
                       c.id);
    if (c.hint.len > CATEGORY_HINT_BYTES_MAX || !is_line(c.hint))
        return err_set(err, E_CONFIG, "category %" PRId64 ": hint must be one line without |",
                       c.id);
    if (taxonomy_find(t, c.id) || taxonomy_named(t, c.name))
        return err_set(err, E_CONFIG, "category %" PRId64 ": its id or name is there twice", c.id);
    t->items[t->count++] = (struct category){c.id, arena_str(a, c.name), arena_str(a, c.hint)};
    return 0;
}

int taxonomy_parse(struct arena *a, struct str json, struct taxonomy *ret_taxonomy, struct err *err)
{
    struct json v;
    int r = json_parse(a, json, &v, err);
    if (r < 0)
        return err_wrap(err, E_CONFIG, "categories");
    struct json list = json_get(v, "categories");
    size_t count = json_count(list);
    if (!json_is_arr(list) || count == 0 || count > CATEGORY_COUNT_MAX)
        return err_set(err, E_CONFIG, "categories: a list of 1 to %d items is needed",
                       CATEGORY_COUNT_MAX);
    struct taxonomy t = {.items = ARENA_ARRAY(a, count, struct category)};
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        r = read_item(a, it.value, it.index, &t, err);
        if (r < 0)
            return err_wrap(err, r, "categories");
    }
    *ret_taxonomy = t;
    return 0;
}

void taxonomy_shipped(struct arena *a, struct taxonomy *ret_taxonomy)
{
    const struct asset *asset = asset_find("config/categories.json");
    struct err err;
    assert(asset);
    int r = taxonomy_parse(a, str_of(asset->data, asset->len), ret_taxonomy, &err);
    assert(r == 0); /* a unit test reads the same file */
}

static bool is_excluded(struct str excluded, int64_t id)
{
    struct str part;
    int64_t number;
    while (str_cut(&excluded, ',', &part)) {
        if (str_to_i64(str_trim(part), &number) && number == id)
            return true;
    }
    return false;
}

int taxonomy_from_table(struct arena *a, const struct chat_category *rows, size_t row_count,
                        const struct taxonomy *hints, struct str excluded,
                        struct taxonomy *ret_taxonomy, struct err *err)
{
    struct taxonomy t = {.items = ARENA_ARRAY(a, MAX(row_count, 1), struct category)};
    for (size_t i = 0; i < row_count; i++) {
        struct str name = rows[i].name; /* untouched: results are written back by it */
        if (is_excluded(excluded, rows[i].id) || !str_trim(name).len || rows[i].id < 1 ||
            rows[i].id > INT32_MAX || taxonomy_find(&t, rows[i].id) || taxonomy_named(&t, name))
            continue;
        const struct category *known = taxonomy_named(hints, name);
        t.items[t.count++] = (struct category){rows[i].id, arena_str(a, name),
                                               known ? known->hint : STR_NONE};
    }
    if (t.count == 0 || t.count > CATEGORY_COUNT_MAX)
        return err_set(err, E_CONFIG, "the table of categories has %zu usable rows, not 1 to %d",
                       t.count, CATEGORY_COUNT_MAX);
    *ret_taxonomy = t;
    return 0;
}

static void write_field(struct buf *out, struct str s, size_t bytes_max)
{
    s = str_cut_utf8(s, bytes_max);
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        buf_byte(out, (unsigned char)c < ' ' || c == '|' ? ' ' : c);
    }
}

void taxonomy_write(struct buf *out, const struct taxonomy *t)
{
    for (size_t i = 0; i < t->count; i++) {
        buf_printf(out, "%" PRId64 " | ", t->items[i].id);
        write_field(out, t->items[i].name, CATEGORY_NAME_BYTES_MAX);
        buf_text(out, " | ");
        write_field(out, t->items[i].hint, CATEGORY_HINT_BYTES_MAX);
        buf_byte(out, '\n');
    }
}

struct chat_category *taxonomy_rows(struct arena *a, const struct taxonomy *t)
{
    struct chat_category *rows = ARENA_ARRAY(a, t->count, struct chat_category);
    for (size_t i = 0; i < t->count; i++)
        rows[i] = (struct chat_category){.id = t->items[i].id, .name = t->items[i].name};
    return rows;
}
