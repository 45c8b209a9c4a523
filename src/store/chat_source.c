/*
 * The one interface of the chats: opens the home that the URL names, keeps what all homes do alike.
 *
 * Statements are written once per home with {names}; chat_sql puts the configured ones in, quoted, and
 * that is the only place where a configured name meets SQL. The write-back's order is here, too: for each
 * batch of rows the old ones of these questions go first, but only when the day had rows at all, which a
 * first write-back need not find out text by text.
 * Fails with E_CONFIG (URL, name) and what the homes say. Invariant: write_end is called exactly once for
 * each write_begin, with the transaction committed or not.
 */
#include "store/chat_source.h"

#include <assert.h>
#include <string.h>

#include "base/config.h"
#include "base/mem.h"
#include "base/wall.h"
#include "store/chat_source_home.h"

#define DELETE_COUNT_MAX 10000

/* ---- names ---- */

#define NAMES(X)                                                                                   \
    X(chats, table_chats, "deskstream.chats")                                                      \
    X(keywords, table_keywords, "deskstream.chat_keywords")                                        \
    X(categories, table_categories, "deskstream.categories")                                       \
    X(input_text, column_input_text, "input_text")                                                 \
    X(chatting_pk, column_chatting_pk, "chat_id")                                                  \
    X(created_at, column_created_at, "created_at")                                                 \
    X(query_text, column_query_text, "query_text")                                                 \
    X(keyword, column_keyword, "keyword")                                                          \
    X(category_id, column_category_id, "category_id")                                              \
    X(query_count, column_query_count, "query_count")                                              \
    X(batch_created_at, column_batch_created_at, "batch_created_at")                               \
    X(category_name, column_category_name, "name")

static const struct {
    const char *name;
    size_t at;
    const char *own;
} names_table[] = {
#define NAME_(name, row, own) {#name, offsetof(struct chat_names, name), own},
    NAMES(NAME_)
#undef NAME_
};

static const char **name_at(struct chat_names *n, size_t i)
{
    return (const char **)(void *)((char *)n + names_table[i].at);
}

void chat_names_from(const struct config *c, struct chat_names *ret_names)
{
#define NAME_(name, row, own) ret_names->name = c->row;
    NAMES(NAME_)
#undef NAME_
}

void chat_sql_name(struct buf *out, const char *name, char quote)
{
    buf_byte(out, quote);
    for (; *name; name++) {
        if (*name == '.') {
            buf_byte(out, quote);
            buf_byte(out, '.');
            buf_byte(out, quote);
            continue;
        }
        if (*name == quote)
            buf_byte(out, quote);
        buf_byte(out, *name);
    }
    buf_byte(out, quote);
}

static bool put_name(struct buf *out, const struct chat_names *names, char quote, struct str key)
{
    for (size_t i = 0; i < ARRAY_COUNT(names_table); i++) {
        if (!str_eq(key, str_from(names_table[i].name)))
            continue;
        struct chat_names n = *names;
        chat_sql_name(out, *name_at(&n, i), quote);
        return true;
    }
    return false;
}

const char *chat_sql(struct arena *a, const struct chat_names *names, char quote, const char *sql)
{
    struct buf b = BUF_INIT(0);
    for (const char *p = sql; *p; p++) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (end == NULL) {
            buf_byte(&b, *p);
            continue;
        }
        struct str key = str_of(p + 1, (size_t)(end - p) - 1);
        if (str_eq(key, STR("max")))
            buf_i64(&b, CHAT_TEXT_CHARS_MAX);
        else if (!put_name(&b, names, quote, key))
            buf_str(&b, str_of(p, (size_t)(end - p) + 1)); /* an empty array: {} */
        p = end;
    }
    const char *text = arena_text(a, buf_view(&b));
    buf_done(&b);
    return text;
}

/* A name as the settings give it: neither empty between its dots nor with control characters. */
static bool name_is_good(const char *name)
{
    size_t part = 0;
    for (const char *p = name; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7F || (*p == '.' && part == 0))
            return false;
        part = *p == '.' ? 0 : part + 1;
    }
    return part > 0;
}

/* ---- times ---- */

void chat_day_begin(struct day d, char ret_text[24])
{
    day_text(d, ret_text);
    memcpy(ret_text + 10, " 00:00:00", 10);
}

int64_t chat_local_time(const struct chat_source *s, struct str text)
{
    int64_t local_ms;
    if (text.len < 10 || !wall_parse_iso(text, &local_ms))
        return WALL_NONE;
    struct wall_parts p = wall_split(local_ms);
    return zone_join(s->zone, &p);
}

static void local_text(const struct chat_source *s, int64_t at_ms, char ret_text[24])
{
    struct buf b = BUF_INIT(64);
    int64_t local_ms = at_ms + (int64_t)zone_offset_s(s->zone, at_ms) * 1000;
    wall_write(&b, local_ms); /* 2024-03-15T10:20:30Z */
    assert(b.len == 20);
    memcpy(ret_text, b.ptr, 19);
    ret_text[10] = ' ';
    ret_text[19] = '\0';
    buf_done(&b);
}

struct str chat_keyword_cut(struct str keyword)
{
    size_t at = 0;
    for (int i = 0; i < CHAT_KEYWORD_CHARS_MAX && at < keyword.len; i++) {
        uint32_t unused;
        at += str_decode(str_sub(keyword, at, keyword.len), &unused);
    }
    return str_sub(keyword, 0, at);
}

/* ---- opening ---- */

static int own_init(struct chat_source *s, const struct chat_source_spec *spec, struct err *err)
{
    if (spec->pool == NULL)
        return err_set(err, E_CONFIG, "no database holds our own table of chats");
    for (size_t i = 0; i < ARRAY_COUNT(names_table); i++)
        *name_at(&s->names, i) = names_table[i].own;
    s->ops = &chat_source_pg;
    s->pool = spec->pool;
    s->tenant_id = spec->tenant_id;
    s->label = "Deskstream";
    return 0;
}

static int url_init(struct chat_source *s, const struct chat_source_spec *spec, struct err *err)
{
    static const struct {
        const struct chat_source_ops *ops;
        const char *label;
    } homes[] = {
        [DB_URL_MYSQL] = {&chat_source_mysql, "MariaDB"},
        [DB_URL_POSTGRES] = {&chat_source_pg, "PostgreSQL"},
        [DB_URL_SQLITE] = {&chat_source_sqlite, "SQLite"},
    };
    int r = db_url_parse(&s->arena, spec->url, &s->url, err);
    if (r < 0)
        return err_wrap(err, r, "ENGINE_FOR_SQLALCHEMY");
    for (size_t i = 0; i < ARRAY_COUNT(names_table); i++) {
        struct chat_names names = spec->names;
        const char *name = *name_at(&names, i);
        if (name == NULL || !name_is_good(name))
            return err_set(err, E_CONFIG, "\"%s\" is no name of a table or column (%s)",
                           name ? name : "", names_table[i].name);
        *name_at(&s->names, i) = arena_text(&s->arena, str_from(name));
    }
    s->ops = homes[s->url.kind].ops;
    const char *label = homes[s->url.kind].label;
    if (s->url.kind == DB_URL_SQLITE)
        s->label = arena_printf(&s->arena, "%s %s %s", label, s->url.database, s->names.chats).ptr;
    else
        s->label = arena_printf(&s->arena, "%s %s%s%s %s", label, s->url.host,
                                s->url.host[0] ? "/" : "", s->url.database, s->names.chats)
                       .ptr;
    return s->url.kind == DB_URL_POSTGRES ? chat_source_pg_init(s, err) : 0;
}

int chat_source_new(struct loop *l, const struct chat_source_spec *spec,
                    struct chat_source **ret_source, struct err *err)
{
    struct chat_source *s = mem_alloc(sizeof(*s));
    arena_init(&s->arena, 0);
    s->loop = l;
    s->zone = spec->zone;
    s->zone_name = arena_text(&s->arena, spec->zone_name);
    s->connect_timeout_ms = spec->connect_timeout_ms ? spec->connect_timeout_ms : 10000;
    s->statement_timeout_ms = spec->statement_timeout_ms ? spec->statement_timeout_ms : 600000;
    int r = spec->url.len == 0 ? own_init(s, spec, err) : url_init(s, spec, err);
    if (r < 0) {
        arena_done(&s->arena);
        mem_free(s);
        return r;
    }
    *ret_source = s;
    return 0;
}

void chat_source_close(struct flow *f, struct chat_source *s)
{
    if (s == NULL)
        return;
    if (s->ops->close)
        s->ops->close(f, s);
    arena_done(&s->arena);
    mem_free(s);
}

const char *chat_source_label(const struct chat_source *s)
{
    return s->label;
}

/* ---- reading ---- */

int chat_source_check(struct flow *f, struct chat_source *s, struct str *ret_note)
{
    return s->ops->check(f, s, ret_note);
}

int chat_source_size(struct flow *f, struct chat_source *s, struct day day,
                     struct chat_day_size *ret_size)
{
    return s->ops->size(f, s, day, ret_size);
}

int chat_source_each(struct flow *f, struct chat_source *s, struct day day, enum chat_which which,
                     chat_questions_fn *fn, void *arg)
{
    return s->ops->each(f, s, day, which, fn, arg);
}

int chat_source_categories(struct flow *f, struct chat_source *s,
                           struct chat_category **ret_categories, size_t *ret_count)
{
    return s->ops->categories(f, s, ret_categories, ret_count);
}

/* ---- writing ---- */

/* The distinct texts of `rows`, whose rows of one text stand together, are deleted. */
static int delete_texts(struct flow *f, struct chat_writing *w, const struct chat_row *rows,
                        size_t count)
{
    _cleanup_(mem_freep) struct str *texts = mem_alloc(DELETE_COUNT_MAX * sizeof(*texts));
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && str_eq(rows[i].text, rows[i - 1].text))
            continue;
        texts[n++] = rows[i].text;
        if (n < DELETE_COUNT_MAX)
            continue;
        int r = w->source->ops->write_delete(f, w, texts, n);
        if (r < 0)
            return r;
        n = 0;
    }
    return n > 0 ? w->source->ops->write_delete(f, w, texts, n) : 0;
}

/* Inserts by pieces of limited size. */
static int insert_rows(struct flow *f, struct chat_writing *w, const struct chat_row *rows,
                       size_t count)
{
    size_t from = 0, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += rows[i].text.len + rows[i].keyword.len;
        size_t n = i + 1 - from;
        if (n < CHAT_WRITE_COUNT_MAX && bytes < CHAT_WRITE_BYTES_MAX && i + 1 < count)
            continue;
        int r = w->source->ops->write_insert(f, w, rows + from, n);
        if (r < 0)
            return r;
        from = i + 1;
        bytes = 0;
    }
    return 0;
}

static int write_all(struct flow *f, struct chat_writing *w, chat_rows_fn *fn, void *arg)
{
    for (;;) {
        const struct chat_row *rows = NULL;
        size_t count = 0;
        int r = fn(f, arg, &rows, &count);
        if (r < 0 || count == 0)
            return r;
        if (w->has_rows)
            r = delete_texts(f, w, rows, count);
        if (r >= 0)
            r = insert_rows(f, w, rows, count);
        if (r < 0)
            return r;
    }
}

int chat_source_write(struct flow *f, struct chat_source *s, struct day day, int64_t started_at,
                      chat_rows_fn *fn, void *arg, struct chat_written *ret_written)
{
    struct chat_writing w = {.source = s};
    chat_day_begin(day, w.day);
    chat_day_begin(day_add(day, 1), w.next_day);
    local_text(s, started_at, w.started);
    int r = s->ops->write_begin(f, &w);
    if (r >= 0)
        r = write_all(f, &w, fn, arg);
    if (r >= 0)
        r = s->ops->write_commit(f, &w);
    s->ops->write_end(f, &w);
    if (r >= 0)
        *ret_written = w.result;
    return r;
}
