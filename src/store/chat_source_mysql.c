/*
 * Chats in MySQL or MariaDB: the old three tables, as they are.
 *
 * Every call opens a connection of its own, in the batch's offset, so that TIMESTAMP columns show local times
 * as DATETIME columns do. A day is grouped by the server, by the SHA-256 of the text in utf8mb4, because its
 * collations take different texts for equal (case, accents, trailing blanks), and streamed. The same hash
 * finds rows of a question again, 10,000 of them in one statement.
 * Fails as db/maria does. A row that the table of keywords does not take (a character that its character set
 * lacks) is left out and counted; any other failure fails the write, and the server rolls back.
 * Invariant: texts reach the server as hexadecimal literals only.
 */
#include <inttypes.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/wall.h"
#include "db/maria.h"
#include "store/chat_source_home.h"

#define SQL_TEXT "left(convert(coalesce({input_text}, '') using utf8mb4), {max})"
#define SQL_QUERY_HASH "sha2(left(convert({query_text} using utf8mb4), {max}), 256)"

static int open_at(struct flow *f, struct chat_source *s, int64_t at_ms, struct maria **ret)
{
    struct maria_spec spec = {
        .url = &s->url,
        .connect_timeout_ms = s->connect_timeout_ms,
        .statement_timeout_ms = s->statement_timeout_ms,
        .zone_offset_s = zone_offset_s(s->zone, at_ms),
    };
    return maria_open(f, &spec, ret);
}

static struct str sql_of(struct arena *a, const struct chat_source *s, const char *sql)
{
    return str_from(chat_sql(a, &s->names, '`', sql));
}

/* Runs a statement and reads what it gives at once; for small results. */
static int all_rows(struct flow *f, struct maria *m, struct str sql, size_t count_max,
                    struct maria_row **ret, size_t *ret_count)
{
    int r = maria_query(f, m, sql);
    if (r >= 0)
        r = maria_fetch(f, m, &f->arena, count_max, ret, ret_count);
    return r;
}

static int64_t number(struct str s)
{
    int64_t n;
    return str_to_i64(s, &n) ? n : 0;
}

/* The day's bounds, as two literals. */
static struct str day_range(struct arena *a, struct day day)
{
    char from[24], to[24];
    chat_day_begin(day, from);
    chat_day_begin(day_add(day, 1), to);
    return arena_printf(a, "{created_at} >= '%s' and {created_at} < '%s'", from, to);
}

/* ---- reading ---- */

static int mysql_check(struct flow *f, struct chat_source *s, struct str *ret_note)
{
    static const char *const looks[] = {
        "select {input_text}, {created_at}, {chatting_pk} from {chats} limit 0",
        ("select {query_text}, {keyword}, {category_id}, {query_count}, {created_at}, "
         "{batch_created_at} from {keywords} limit 0"),
        "select {category_id}, {category_name} from {categories} limit 0",
    };
    _cleanup_(maria_closep) struct maria *m = NULL;
    int r = open_at(f, s, loop_wall_ms(f->loop), &m);
    for (size_t i = 0; i < ARRAY_COUNT(looks) && r >= 0; i++) {
        struct maria_row *rows;
        size_t n;
        r = all_rows(f, m, sql_of(&f->arena, s, looks[i]), 1, &rows, &n);
    }
    if (r < 0)
        return r;
    *ret_note = arena_printf(&f->arena, "%s, %s", maria_version(m), s->label);
    return 0;
}

static int mysql_size(struct flow *f, struct chat_source *s, struct day day,
                      struct chat_day_size *ret)
{
    struct arena *a = &f->arena;
    struct str sql = arena_printf(
        a,
        "select coalesce(sum(n), 0), count(*), coalesce(sum(size), 0) from (select count(*) as n, "
        "max(char_length(" SQL_TEXT ")) as size from {chats} where %.*s "
        "group by sha2(" SQL_TEXT ", 256)) as q",
        STR_ARG(day_range(a, day)));
    _cleanup_(maria_closep) struct maria *m = NULL;
    struct maria_row *rows;
    size_t n = 0;
    int r = open_at(f, s, day_start(s->zone, day), &m);
    if (r >= 0)
        r = all_rows(f, m, sql_of(a, s, sql.ptr), 2, &rows, &n);
    if (r < 0)
        return r;
    if (n != 1)
        return err_set(&f->err, E_DB, "sums without a row");
    *ret = (struct chat_day_size){number(rows[0].columns[0]), number(rows[0].columns[1]),
                                  number(rows[0].columns[2])};
    return 0;
}

static struct str each_sql(struct arena *a, const struct chat_source *s, struct day day,
                           enum chat_which which)
{
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    struct str range = day_range(a, day);
    /* The hint: sort, rather than keep a temporary table with a key; half the work with long texts. */
    buf_text(&b, "select sql_big_result min(t), count(*), min(moment), max(moment), max(cut)");
    for (int i = 0; i < 24; i++)
        buf_printf(&b, ", sum(clock = %d)", i);
    buf_text(&b, " from (select " SQL_TEXT " as t, sha2(" SQL_TEXT ", 256) as h, "
                 "{created_at} as moment, hour({created_at}) as clock, "
                 "char_length(coalesce({input_text}, '')) > {max} as cut from {chats} where ");
    buf_str(&b, range);
    buf_text(&b, ") as q");
    if (which == CHATS_MISSING) {
        buf_text(&b, " left join (select distinct " SQL_QUERY_HASH " as h from {keywords} where ");
        buf_str(&b, range);
        buf_text(&b, ") as k on k.h = q.h where k.h is null");
    }
    buf_text(&b, " group by q.h");
    return sql_of(a, s, b.ptr);
}

static void question_from_row(const struct chat_source *s, const struct maria_row *row,
                              struct chat_question *q)
{
    const struct str *c = row->columns;
    q->text = c[0];
    q->count = number(c[1]);
    q->first_at = chat_local_time(s, c[2]);
    q->last_at = chat_local_time(s, c[3]);
    q->cut = number(c[4]) != 0;
    for (int i = 0; i < 24; i++)
        q->by_hour[i] = (int32_t)number(c[5 + i]);
}

static int mysql_each(struct flow *f, struct chat_source *s, struct day day, enum chat_which which,
                      chat_questions_fn *fn, void *arg)
{
    _cleanup_(mem_freep) struct chat_question *batch = mem_alloc(CHAT_BATCH_COUNT * sizeof(*batch));
    _cleanup_(maria_closep) struct maria *m = NULL;
    int r = open_at(f, s, day_start(s->zone, day), &m);
    if (r >= 0)
        r = maria_query(f, m, each_sql(&f->arena, s, day, which));
    while (r >= 0) {
        _cleanup_(arena_done) struct arena a;
        arena_init(&a, 0);
        struct maria_row *rows;
        size_t n = 0;
        r = maria_fetch(f, m, &a, CHAT_BATCH_COUNT, &rows, &n);
        if (r < 0 || n == 0)
            break;
        for (size_t i = 0; i < n; i++)
            question_from_row(s, &rows[i], &batch[i]);
        r = fn(f, arg, batch, n);
    }
    return r;
}

static int mysql_categories(struct flow *f, struct chat_source *s, struct chat_category **ret,
                            size_t *ret_count)
{
    struct arena *a = &f->arena;
    _cleanup_(maria_closep) struct maria *m = NULL;
    int r = open_at(f, s, loop_wall_ms(f->loop), &m);
    struct maria_row *rows;
    size_t n = 0;
    if (r >= 0)
        r = all_rows(f, m,
                     sql_of(a, s,
                            "select {category_id}, {category_name} from {categories} where "
                            "{category_id} is not null and {category_name} is not null order by 1"),
                     10000, &rows, &n);
    if (r < 0)
        return r;
    *ret = ARENA_ARRAY(a, n, struct chat_category);
    for (size_t i = 0; i < n; i++)
        (*ret)[i] = (struct chat_category){number(rows[i].columns[0]), rows[i].columns[1]};
    *ret_count = n;
    return 0;
}

/* ---- writing ---- */

static int mysql_write_begin(struct flow *f, struct chat_writing *w)
{
    struct arena *a = &f->arena;
    struct chat_source *s = w->source;
    int r = open_at(f, s, loop_wall_ms(f->loop), &w->maria);
    if (r >= 0)
        r = maria_query(f, w->maria, STR("start transaction"));
    struct maria_row *rows;
    size_t n = 0;
    if (r >= 0)
        r = all_rows(f, w->maria,
                     sql_of(a, s,
                            arena_printf(a,
                                         "select exists (select 1 from {keywords} where "
                                         "{created_at} >= '%s' and {created_at} < '%s')",
                                         w->day, w->next_day)
                                .ptr),
                     2, &rows, &n);
    if (r < 0)
        return r;
    w->has_rows = n == 1 && number(rows[0].columns[0]) != 0;
    /* The answer was read, its end was not. */
    r = maria_fetch(f, w->maria, a, 1, &rows, &n);
    return r;
}

static int mysql_write_delete(struct flow *f, struct chat_writing *w, const struct str *texts,
                              size_t n)
{
    _cleanup_(arena_done) struct arena a;
    arena_init(&a, 0);
    _cleanup_(buf_done) struct buf sql = BUF_INIT(0);
    struct str head = arena_printf(&a,
                                   "delete from {keywords} where {created_at} >= '%s' and "
                                   "{created_at} < '%s' and " SQL_QUERY_HASH " in (",
                                   w->day, w->next_day);
    buf_str(&sql, sql_of(&a, w->source, head.ptr));
    for (size_t i = 0; i < n; i++) {
        char hex[2 * SHA256_BYTES + 1];
        sha256_hex(texts[i], hex);
        buf_printf(&sql, "%s'%s'", i ? "," : "", hex);
    }
    buf_byte(&sql, ')');
    return maria_query(f, w->maria, buf_view(&sql));
}

static int insert(struct flow *f, struct chat_writing *w, const struct chat_row *rows, size_t n)
{
    _cleanup_(arena_done) struct arena a;
    arena_init(&a, 0);
    _cleanup_(buf_done) struct buf sql = BUF_INIT(0);
    buf_str(&sql, sql_of(&a, w->source,
                         "insert into {keywords} ({query_text}, {keyword}, {category_id}, "
                         "{query_count}, {created_at}, {batch_created_at}) values "));
    for (size_t i = 0; i < n; i++) {
        buf_text(&sql, i ? ", (" : "(");
        maria_text(&sql, rows[i].text);
        buf_byte(&sql, ',');
        maria_text(&sql, chat_keyword_cut(rows[i].keyword));
        buf_printf(&sql, ",%" PRId64 ",%" PRId64 ",'%s','%s')", rows[i].category_id, rows[i].count,
                   w->day, w->started);
    }
    return maria_query(f, w->maria, buf_view(&sql));
}

static int mysql_write_insert(struct flow *f, struct chat_writing *w, const struct chat_row *rows,
                              size_t n)
{
    int r = insert(f, w, rows, n);
    if (r >= 0)
        w->result.row_count += (int64_t)n;
    if (r >= 0 || !maria_refused(w->maria))
        return r;
    if (n > 1) { /* some row of these: each half for itself, down to the one */
        r = mysql_write_insert(f, w, rows, n / 2);
        return r < 0 ? r : mysql_write_insert(f, w, rows + n / 2, n - n / 2);
    }
    w->result.refused_count++;
    if (w->result.refusal.len == 0)
        w->result.refusal = arena_str(&f->arena, str_from(f->err.msg));
    return 0;
}

static int mysql_write_commit(struct flow *f, struct chat_writing *w)
{
    return maria_query(f, w->maria, STR("commit"));
}

static void mysql_write_end(struct flow *f, struct chat_writing *w)
{
    (void)f;
    maria_close(TAKE(w->maria)); /* the server rolls back what was not committed */
}

const struct chat_source_ops chat_source_mysql = {
    .check = mysql_check,
    .size = mysql_size,
    .each = mysql_each,
    .categories = mysql_categories,
    .write_begin = mysql_write_begin,
    .write_delete = mysql_write_delete,
    .write_insert = mysql_write_insert,
    .write_commit = mysql_write_commit,
    .write_end = mysql_write_end,
};
