/*
 * db/sqlite.c: SQLite on pool threads.
 *
 * Happy path: open, prepare + bind, step a batch of rows per hop to a thread, close. A connection is used by
 * one flow and so by one thread at a time; the library is in its serialized mode, so it may be another thread
 * at each hop (SQLite, "Using SQLite in multi-threaded applications"). A cancelled flow interrupts the
 * statement (sqlite3_interrupt may be called from another thread as long as the connection is open, and it
 * is: the wait does not return before the work has).
 * Fails as error_of translates: locked, away, broken, refused. Invariant: while a thread works nothing of
 * struct sqlite is touched by the loop, except for sqlite3_interrupt.
 */
#include "db/sqlite.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <uv.h>

#include "base/crypto.h"
#include "base/fault.h"
#include "base/mem.h"

struct sqlite {
    sqlite3 *native;
    sqlite3_stmt *stmt;
    char *path;
    bool read_only;
    uint32_t busy_ms;
};

const char *sqlite_version(void)
{
    return sqlite3_libversion();
}

static int code_of(int result)
{
    switch (result & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return E_DB_RETRY;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_PROTOCOL: return E_DB_AWAY;
    case SQLITE_INTERRUPT: return -ECANCELED;
    case SQLITE_CONSTRAINT: return E_DB_CONFLICT;
    case SQLITE_TOOBIG: return E_LIMIT;
    default: return E_DB;
    }
}

/* ---- on a pool thread ---- */

struct hop {
    struct op op;
    uv_work_t request;
    int (*work)(struct hop *h);
    int status;
    bool interruptible;
    struct sqlite *db;
    struct err err;
    struct str sql;
    const struct sqlite_arg *args;
    size_t row_count, column_count;
    struct arena *arena;
    struct sqlite_row *rows;
    size_t count, count_max;
};

static int fail(struct hop *h, int result)
{
    const char *said = h->db->native ? sqlite3_errmsg(h->db->native) : sqlite3_errstr(result);
    return err_set(&h->err, code_of(result), "SQLite: %.200s", said);
}

static void on_hash(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    uint8_t digest[SHA256_BYTES];
    const void *bytes = sqlite3_value_blob(values[0]); /* before _bytes, which counts that form */
    sha256(str_of(bytes, (size_t)sqlite3_value_bytes(values[0])), digest);
    sqlite3_result_blob(context, digest, sizeof(digest), SQLITE_TRANSIENT);
}

/* SQLite's own substr and length end at a NUL. */
static size_t left_bytes(struct str s, int64_t chars)
{
    size_t at = 0;
    for (int64_t i = 0; i < chars && at < s.len; i++) {
        uint32_t unused;
        at += str_decode(str_sub(s, at, s.len), &unused);
    }
    return at;
}

static void on_left(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    const void *bytes = sqlite3_value_blob(values[0]);
    struct str s = str_of(bytes, (size_t)sqlite3_value_bytes(values[0]));
    size_t n = left_bytes(s, sqlite3_value_int64(values[1]));
    sqlite3_result_blob64(context, n ? bytes : "", n, SQLITE_TRANSIENT);
}

static void on_is_longer(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    const void *bytes = sqlite3_value_blob(values[0]);
    struct str s = str_of(bytes, (size_t)sqlite3_value_bytes(values[0]));
    sqlite3_result_int(context, left_bytes(s, sqlite3_value_int64(values[1])) < s.len);
}

static int functions_add(sqlite3 *native)
{
    static const struct {
        const char *name;
        int arg_count;
        void (*fn)(sqlite3_context *context, int count, sqlite3_value **values);
    } functions[] = {
        {"deskstream_hash", 1, on_hash},
        {"deskstream_left", 2, on_left},
        {"deskstream_is_longer", 2, on_is_longer},
    };
    int r = SQLITE_OK;
    for (size_t i = 0; i < ARRAY_COUNT(functions) && r == SQLITE_OK; i++)
        r = sqlite3_create_function(native, functions[i].name, functions[i].arg_count,
                                    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                    functions[i].fn, NULL, NULL);
    return r;
}

static int open_as(struct hop *h, const char *name, int flags)
{
    struct sqlite *db = h->db;
    sqlite3_close(TAKE(db->native));
    int r = sqlite3_open_v2(name, &db->native, flags, NULL);
    if (r != SQLITE_OK)
        return r;
    sqlite3_busy_timeout(db->native, (int)db->busy_ms);
    sqlite3_limit(db->native, SQLITE_LIMIT_ATTACHED, 0);
    /* A foreign file's schema may hold anything: its triggers and views shall not run functions with side
     * effects (SQLite, "Defense Against The Dark Arts"). */
    sqlite3_db_config(db->native, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* Or a quoted name that is no column would be taken as a text. */
    sqlite3_db_config(db->native, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    r = functions_add(db->native);
    if (r != SQLITE_OK)
        return r;
    /* The first read finds out whether it is a database, and in WAL mode whether it can be read. */
    return sqlite3_exec(db->native, "pragma schema_version", NULL, NULL, NULL);
}

static int open_work(struct hop *h)
{
    struct sqlite *db = h->db;
    int r = open_as(h, db->path, db->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    if ((r & 0xFF) == SQLITE_CANTOPEN && db->read_only) {
        /* A WAL file beside a database on a read-only file system: nobody can be writing. */
        struct buf name = BUF_INIT(32768);
        buf_text(&name, "file:");
        buf_percent(&name, str_from(db->path), "/");
        buf_text(&name, "?immutable=1");
        r = name.failed ? r : open_as(h, name.ptr, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
        buf_done(&name);
    }
    if (r == SQLITE_OK)
        return 0;
    fail(h, r);
    return err_wrap(&h->err, h->err.code, "%s", db->path);
}

static int bind_row(struct hop *h, const struct sqlite_arg *args)
{
    for (size_t i = 0; i < h->column_count; i++) {
        int r = args[i].is_text ? sqlite3_bind_text64(h->db->stmt, (int)i + 1,
                                                      args[i].text.ptr ? args[i].text.ptr : "",
                                                      args[i].text.len, SQLITE_STATIC, SQLITE_UTF8)
                                : sqlite3_bind_int64(h->db->stmt, (int)i + 1, args[i].i64);
        if (r != SQLITE_OK)
            return r;
    }
    return SQLITE_OK;
}

static int prepare(struct hop *h)
{
    sqlite3_finalize(TAKE(h->db->stmt));
    return sqlite3_prepare_v2(h->db->native, h->sql.ptr, (int)h->sql.len, &h->db->stmt, NULL);
}

static int query_work(struct hop *h)
{
    int r = prepare(h);
    if (r == SQLITE_OK)
        r = bind_row(h, h->args);
    return r == SQLITE_OK ? 0 : fail(h, r);
}

static struct str column(struct arena *a, sqlite3_stmt *stmt, int i)
{
    int type = sqlite3_column_type(stmt, i);
    if (type == SQLITE_NULL)
        return STR_NONE;
    const void *bytes = type == SQLITE_BLOB ? sqlite3_column_blob(stmt, i)
                                            : (const void *)sqlite3_column_text(stmt, i);
    return arena_str(a, str_of(bytes, (size_t)sqlite3_column_bytes(stmt, i)));
}

static int fetch_work(struct hop *h)
{
    sqlite3_stmt *stmt = h->db->stmt;
    size_t bytes = 0;
    if (stmt == NULL)
        return 0; /* the end was seen before */
    while (h->count < h->count_max && bytes < SQLITE_FETCH_BYTES) {
        int r = sqlite3_step(stmt);
        if (r == SQLITE_DONE) {
            sqlite3_finalize(TAKE(h->db->stmt));
            return 0;
        }
        if (r != SQLITE_ROW)
            return fail(h, r);
        int n = sqlite3_column_count(stmt);
        struct str *columns = ARENA_ARRAY(h->arena, (size_t)n, struct str);
        for (int i = 0; i < n; i++) {
            columns[i] = column(h->arena, stmt, i);
            bytes += columns[i].len;
        }
        h->rows[h->count++] = (struct sqlite_row){columns, (size_t)n};
    }
    return 0;
}

static int exec_work(struct hop *h)
{
    int r = prepare(h);
    for (size_t i = 0; i < h->row_count && r == SQLITE_OK; i++) {
        r = bind_row(h, h->args + i * h->column_count);
        while (r == SQLITE_OK || r == SQLITE_ROW)
            r = sqlite3_step(h->db->stmt);
        if (r == SQLITE_DONE)
            r = sqlite3_reset(h->db->stmt);
    }
    r = r == SQLITE_OK ? 0 : fail(h, r);
    sqlite3_finalize(TAKE(h->db->stmt));
    return r;
}

/* ---- on the loop ---- */

static void on_work(uv_work_t *request)
{
    struct hop *h = container_of(request, struct hop, request);
    h->status = h->work(h);
}

static void on_work_over(uv_work_t *request, int uv_status)
{
    struct hop *h = container_of(request, struct hop, request);
    loop_external(h->op.loop, -1);
    int status = uv_status < 0 ? -ECANCELED : h->status;
    if (status < 0 && status == h->err.code)
        h->op.err = h->err;
    op_finish(&h->op, status);
}

static void on_cancel(struct op *op)
{
    struct hop *h = container_of(op, struct hop, op);
    /* -EBUSY: a thread has it. An interrupt that comes before its first step is lost; the step is short
     * then or the next call finds the flow cancelled. */
    if (uv_cancel((uv_req_t *)&h->request) < 0 && h->interruptible)
        sqlite3_interrupt(h->db->native);
}

static int hop_run(struct flow *f, struct hop *h, int (*work)(struct hop *h), const char *site)
{
    int r = fault_check(site, E_DB_AWAY);
    if (r < 0)
        return err_set(&f->err, r, "%s: injected failure", site);
    r = flow_check(f);
    if (r < 0)
        return r;
    h->work = work;
    op_begin(&h->op, f->loop, site, on_cancel);
    r = uv_queue_work(loop_uv(f->loop), &h->request, on_work, on_work_over);
    assert(r == 0); /* fails only without a function to run */
    loop_external(f->loop, 1);
    return flow_wait(f, &h->op);
}

int sqlite_open(struct flow *f, const char *path, bool read_only, uint32_t busy_ms,
                struct sqlite **ret_db)
{
    struct sqlite *db = mem_alloc(sizeof(*db));
    db->path = mem_strdup(path);
    db->read_only = read_only;
    db->busy_ms = busy_ms;
    struct hop h = {.db = db};
    int r = hop_run(f, &h, open_work, "sqlite.open");
    if (r < 0) {
        sqlite_close(db);
        return r;
    }
    *ret_db = db;
    return 0;
}

void sqlite_close(struct sqlite *db)
{
    if (db == NULL)
        return;
    sqlite3_finalize(db->stmt);
    int r = sqlite3_close(db->native); /* rolls back what is open */
    assert(r == SQLITE_OK);
    mem_free(db->path);
    mem_free(db);
}

int sqlite_query(struct flow *f, struct sqlite *db, struct str sql, const struct sqlite_arg *args,
                 size_t arg_count)
{
    struct hop h = {
        .db = db, .interruptible = true, .sql = sql, .args = args, .column_count = arg_count};
    return hop_run(f, &h, query_work, "sqlite.query");
}

int sqlite_fetch(struct flow *f, struct sqlite *db, struct arena *a, size_t count_max,
                 struct sqlite_row **ret_rows, size_t *ret_count)
{
    struct hop h = {.db = db, .interruptible = true, .arena = a, .count_max = count_max};
    h.rows = ARENA_ARRAY(a, count_max, struct sqlite_row);
    int r = hop_run(f, &h, fetch_work, "sqlite.fetch");
    if (r < 0)
        return r;
    *ret_rows = h.rows;
    *ret_count = h.count;
    return 0;
}

int sqlite_exec(struct flow *f, struct sqlite *db, struct str sql, size_t row_count,
                size_t column_count, const struct sqlite_arg *args)
{
    struct hop h = {.db = db,
                    .interruptible = true,
                    .sql = sql,
                    .args = args,
                    .row_count = row_count,
                    .column_count = column_count};
    return hop_run(f, &h, exec_work, "sqlite.exec");
}
