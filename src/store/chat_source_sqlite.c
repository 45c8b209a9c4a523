/*
 * Chats in a SQLite file: the old three tables, read and written on pool threads.
 *
 * Reading opens the file read-only, so that nothing of it can change; writing waits for other writers and
 * takes the write lock at once (begin immediate), so that it does not fail in the middle. Times are compared
 * as what they are: texts ("2024-03-15 10:20:30.5", also with a T) as local times, numbers as unix seconds.
 * Sorting goes to a temporary file, not to memory.
 * Fails as db/sqlite does. Invariant: texts are grouped and compared as blobs, byte for byte.
 */
#include <inttypes.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/wall.h"
#include "db/sqlite.h"
#include "store/chat_source_home.h"

#define BUSY_MS 20000

/* A blob of what is read. */
#define SQL_TEXT "deskstream_left(coalesce({input_text}, ''), {max})"
#define SQL_QUERY_TEXT "deskstream_left(coalesce({query_text}, ''), {max})"
/* Rows of a day: ?1 and ?2 as texts, ?3 and ?4 as unix seconds. Any text is greater than any number. */
#define SQL_DAY                                                                                    \
    "(({created_at} >= ?1 and {created_at} < ?2) or ({created_at} >= ?3 and {created_at} < ?4))"

static int open_file(struct flow *f, struct chat_source *s, bool read_only, struct sqlite **ret)
{
    return sqlite_open(f, s->url.database, read_only, BUSY_MS, ret);
}

static struct str sql_of(struct arena *a, const struct chat_source *s, const char *sql)
{
    return str_from(chat_sql(a, &s->names, '"', sql));
}

/* The four bounds of SQL_DAY; texts in the arena. */
static void day_args(struct arena *a, const struct chat_source *s, struct day day,
                     struct sqlite_arg ret_args[4])
{
    char text[11];
    day_text(day, text);
    ret_args[0] = SQLITE_ARG_TEXT(arena_str(a, str_from(text)));
    day_text(day_add(day, 1), text);
    ret_args[1] = SQLITE_ARG_TEXT(arena_str(a, str_from(text)));
    ret_args[2] = SQLITE_ARG_I64(day_start(s->zone, day) / 1000);
    ret_args[3] = SQLITE_ARG_I64(day_start(s->zone, day_add(day, 1)) / 1000);
}

static int64_t number(struct str s)
{
    int64_t n;
    return str_to_i64(s, &n) ? n : 0;
}

/* ---- reading ---- */

static int sqlite_check(struct flow *f, struct chat_source *s, struct str *ret_note)
{
    static const char *const looks[] = {
        "select {input_text}, {created_at}, {chatting_pk} from {chats} limit 0",
        ("select {query_text}, {keyword}, {category_id}, {query_count}, {created_at}, "
         "{batch_created_at} from {keywords} limit 0"),
        "select {category_id}, {category_name} from {categories} limit 0",
    };
    _cleanup_(sqlite_closep) struct sqlite *db = NULL;
    int r = open_file(f, s, true, &db);
    for (size_t i = 0; i < ARRAY_COUNT(looks) && r >= 0; i++)
        r = sqlite_query(f, db, sql_of(&f->arena, s, looks[i]), NULL, 0);
    if (r >= 0)
        *ret_note = arena_printf(&f->arena, "SQLite %s, %s", sqlite_version(), s->label);
    return r;
}

static int sqlite_size(struct flow *f, struct chat_source *s, struct day day,
                       struct chat_day_size *ret)
{
    struct sqlite_arg args[4];
    day_args(&f->arena, s, day, args);
    _cleanup_(sqlite_closep) struct sqlite *db = NULL;
    struct sqlite_row *rows;
    size_t n = 0;
    int r = open_file(f, s, true, &db);
    if (r >= 0)
        r = sqlite_query(f, db,
                         sql_of(&f->arena, s,
                                "select coalesce(sum(n), 0), count(*), "
                                "coalesce(sum(length(cast(t as text))), 0) from (select " SQL_TEXT
                                " as t, count(*) as n from {chats} where " SQL_DAY " group by 1)"),
                         args, 4);
    if (r >= 0)
        r = sqlite_fetch(f, db, &f->arena, 1, &rows, &n);
    if (r < 0)
        return r;
    if (n != 1)
        return err_set(&f->err, E_DB, "sums without a row");
    *ret = (struct chat_day_size){number(rows[0].columns[0]), number(rows[0].columns[1]),
                                  number(rows[0].columns[2])};
    return 0;
}

static struct str each_sql(struct arena *a, const struct chat_source *s, enum chat_which which)
{
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    buf_text(&b, "select t, count(*), min(moment), max(moment), max(cut)");
    for (int i = 0; i < 24; i++)
        buf_printf(&b, ", sum(hour = %d)", i);
    /* Numbers become local texts (?5 is the zone's offset that day), so that one form is left. */
    buf_text(&b, " from (select t, cut, moment, cast(substr(moment, 12, 2) as integer) as hour "
                 "from (select " SQL_TEXT " as t, "
                 "deskstream_is_longer(coalesce({input_text}, ''), {max}) as cut, "
                 "case when typeof({created_at}) = 'text' then {created_at} "
                 "else datetime({created_at} + ?5, 'unixepoch') end as moment "
                 "from {chats} where " SQL_DAY "))");
    if (which == CHATS_MISSING)
        buf_text(&b,
                 " where t not in (select " SQL_QUERY_TEXT " from {keywords} where " SQL_DAY ")");
    buf_text(&b, " group by t");
    return sql_of(a, s, b.ptr);
}

static void question_from_row(const struct chat_source *s, const struct sqlite_row *row,
                              struct chat_question *q)
{
    const struct str *c = row->columns;
    q->text = c[0];
    q->count = number(c[1]);
    q->first_at = chat_local_time(s, str_sub(c[2], 0, 23));
    q->last_at = chat_local_time(s, str_sub(c[3], 0, 23));
    q->cut = number(c[4]) != 0;
    for (int i = 0; i < 24; i++)
        q->by_hour[i] = (int32_t)number(c[5 + i]);
}

static int sqlite_each(struct flow *f, struct chat_source *s, struct day day, enum chat_which which,
                       chat_questions_fn *fn, void *arg)
{
    _cleanup_(mem_freep) struct chat_question *batch = mem_alloc(CHAT_BATCH_COUNT * sizeof(*batch));
    struct sqlite_arg args[5];
    day_args(&f->arena, s, day, args);
    args[4] = SQLITE_ARG_I64(zone_offset_s(s->zone, day_start(s->zone, day)));
    _cleanup_(sqlite_closep) struct sqlite *db = NULL;
    int r = open_file(f, s, true, &db);
    if (r >= 0)
        r = sqlite_query(f, db, each_sql(&f->arena, s, which), args, ARRAY_COUNT(args));
    while (r >= 0) {
        _cleanup_(arena_done) struct arena a;
        arena_init(&a, 0);
        struct sqlite_row *rows;
        size_t n = 0;
        r = sqlite_fetch(f, db, &a, CHAT_BATCH_COUNT, &rows, &n);
        if (r < 0 || n == 0)
            break;
        for (size_t i = 0; i < n; i++)
            question_from_row(s, &rows[i], &batch[i]);
        r = fn(f, arg, batch, n);
    }
    return r;
}

static int sqlite_categories(struct flow *f, struct chat_source *s, struct chat_category **ret,
                             size_t *ret_count)
{
    struct arena *a = &f->arena;
    _cleanup_(sqlite_closep) struct sqlite *db = NULL;
    struct sqlite_row *rows;
    size_t n = 0;
    int r = open_file(f, s, true, &db);
    if (r >= 0)
        r = sqlite_query(f, db,
                         sql_of(a, s,
                                "select {category_id}, {category_name} from {categories} where "
                                "{category_id} is not null and {category_name} is not null "
                                "order by 1"),
                         NULL, 0);
    if (r >= 0)
        r = sqlite_fetch(f, db, a, 10000, &rows, &n);
    if (r < 0)
        return r;
    *ret = ARENA_ARRAY(a, n, struct chat_category);
    for (size_t i = 0; i < n; i++)
        (*ret)[i] = (struct chat_category){number(rows[i].columns[0]), rows[i].columns[1]};
    *ret_count = n;
    return 0;
}

/* ---- writing ---- */

static int exec_plain(struct flow *f, struct sqlite *db, struct str sql)
{
    return sqlite_exec(f, db, sql, 1, 0, NULL);
}

static int sqlite_write_begin(struct flow *f, struct chat_writing *w)
{
    struct arena *a = &f->arena;
    struct sqlite_arg args[4];
    for (int i = 0; i < 2; i++) {
        const char *day = i ? w->next_day : w->day;
        args[i] = SQLITE_ARG_TEXT(str_of(day, 10));
    }
    int r = open_file(f, w->source, false, &w->sqlite);
    if (r >= 0)
        r = exec_plain(f, w->sqlite, STR("begin immediate"));
    struct sqlite_row *rows;
    size_t n = 0;
    if (r >= 0)
        r = sqlite_query(f, w->sqlite,
                         sql_of(a, w->source,
                                "select exists (select 1 from {keywords} where {created_at} >= ?1 "
                                "and {created_at} < ?2)"),
                         args, 2);
    if (r >= 0)
        r = sqlite_fetch(f, w->sqlite, a, 2, &rows, &n);
    if (r >= 0)
        w->has_rows = n == 1 && number(rows[0].columns[0]) != 0;
    return r;
}

static int sqlite_write_delete(struct flow *f, struct chat_writing *w, const struct str *texts,
                               size_t n)
{
    _cleanup_(arena_done) struct arena a;
    arena_init(&a, 0);
    _cleanup_(buf_done) struct buf sql = BUF_INIT(0);
    buf_str(&sql, sql_of(&a, w->source,
                         "delete from {keywords} where {created_at} >= ?1 and {created_at} < ?2 "
                         "and deskstream_hash(" SQL_QUERY_TEXT ") in ("));
    for (size_t i = 0; i < n; i++) {
        char hex[2 * SHA256_BYTES + 1];
        sha256_hex(texts[i], hex);
        buf_printf(&sql, "%sx'%s'", i ? "," : "", hex);
    }
    buf_byte(&sql, ')');
    const struct sqlite_arg args[] = {SQLITE_ARG_TEXT(str_of(w->day, 10)),
                                      SQLITE_ARG_TEXT(str_of(w->next_day, 10))};
    return sqlite_exec(f, w->sqlite, buf_view(&sql), 1, 2, args);
}

static int sqlite_write_insert(struct flow *f, struct chat_writing *w, const struct chat_row *rows,
                               size_t n)
{
    _cleanup_(arena_done) struct arena a;
    arena_init(&a, 0);
    enum { COLUMNS = 6 };
    struct sqlite_arg *args = ARENA_ARRAY(&a, n * COLUMNS, struct sqlite_arg);
    for (size_t i = 0; i < n; i++) {
        struct sqlite_arg *row = args + i * COLUMNS;
        row[0] = SQLITE_ARG_TEXT(rows[i].text);
        row[1] = SQLITE_ARG_TEXT(chat_keyword_cut(rows[i].keyword));
        row[2] = SQLITE_ARG_I64(rows[i].category_id);
        row[3] = SQLITE_ARG_I64(rows[i].count);
        row[4] = SQLITE_ARG_TEXT(str_from(w->day));
        row[5] = SQLITE_ARG_TEXT(str_from(w->started));
    }
    int r = sqlite_exec(f, w->sqlite,
                        sql_of(&a, w->source,
                               "insert into {keywords} ({query_text}, {keyword}, {category_id}, "
                               "{query_count}, {created_at}, {batch_created_at}) "
                               "values (?1, ?2, ?3, ?4, ?5, ?6)"),
                        n, COLUMNS, args);
    if (r >= 0)
        w->result.row_count += (int64_t)n;
    return r;
}

static int sqlite_write_commit(struct flow *f, struct chat_writing *w)
{
    return exec_plain(f, w->sqlite, STR("commit"));
}

static void sqlite_write_end(struct flow *f, struct chat_writing *w)
{
    (void)f;
    sqlite_close(TAKE(w->sqlite));
}

const struct chat_source_ops chat_source_sqlite = {
    .check = sqlite_check,
    .size = sqlite_size,
    .each = sqlite_each,
    .categories = sqlite_categories,
    .write_begin = sqlite_write_begin,
    .write_delete = sqlite_write_delete,
    .write_insert = sqlite_write_insert,
    .write_commit = sqlite_write_commit,
    .write_end = sqlite_write_end,
};
