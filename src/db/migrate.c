/*
 * db/migrate.c: brings the database's schema to this program's.
 *
 * Each missing file is applied in a transaction of its own that first takes the advisory lock, so that
 * several processes starting at once take turns and each finds what the others did. The table
 * deskstream.migrations keeps number, name and SHA-256 of what was applied.
 * Fails with E_DB when an applied file's text is not the program's any more, or when the database has
 * a migration this program does not know (an older program on a newer database).
 * Invariant: a migration and its row in the table are committed together or not at all.
 */
#include "db/migrate.h"

#include <inttypes.h>

#include "base/crypto.h"
#include "base/log.h"

#define LOCK_KEY "7235414982317459" /* any number, the same in every version of the program */

/* Waiting for another migrator, or building an index, may take long: limits off in this transaction. */
static const char prelude[] =
    "set local statement_timeout = 0; set local lock_timeout = 0;"
    "set local idle_in_transaction_session_timeout = 0;"
    "select pg_advisory_xact_lock(" LOCK_KEY ");"
    "create schema if not exists deskstream;"
    "create table if not exists deskstream.migrations ("
    " number integer primary key, name text not null, sha256 text not null,"
    " applied_at timestamptz not null default now())";

struct plan {
    const struct migration *list;
    size_t count;
};

static const struct migration *find(const struct plan *plan, int64_t number)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->list[i].number == number)
            return &plan->list[i];
    return NULL;
}

/* Checks what is applied; *ret_next is the first that is not, NULL when all are. */
static int compare(struct flow *f, struct pg_tx *tx, const struct plan *plan,
                   const struct migration **ret_next)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_query(f, tx,
                     "select number, name, sha256 from deskstream.migrations order by number",
                     PG_NO_ARGS, &rows);
    if (r < 0)
        return r;
    int64_t last = 0;
    for (int i = 0; i < rows.row_count; i++) {
        const struct migration *m = find(plan, pg_i64(&rows, i, 0));
        char hex[2 * SHA256_BYTES + 1];
        last = pg_i64(&rows, i, 0);
        if (m == NULL)
            return err_set(&f->err, E_DB,
                           "migration %" PRId64 " (%.*s) was applied by a newer program", last,
                           STR_ARG(pg_text(&rows, i, 1)));
        sha256_hex(str_from(m->sql), hex);
        if (!str_eq(str_from(hex), pg_text(&rows, i, 2)))
            return err_set(&f->err, E_DB, "migration %s was changed after it had been applied",
                           m->name);
    }
    *ret_next = NULL;
    for (size_t i = 0; i < plan->count && *ret_next == NULL; i++)
        if (plan->list[i].number > last)
            *ret_next = &plan->list[i];
    return 0;
}

/* One transaction: 1 when it applied a migration, 0 when none is missing. */
static int step(struct flow *f, struct pg_pool *p, const struct plan *plan)
{
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, p, 0, &tx);
    if (r < 0)
        return r;
    r = pg_script_in(f, &tx, prelude);
    if (r < 0)
        return r;
    const struct migration *m = NULL;
    r = compare(f, &tx, plan, &m);
    if (r < 0)
        return r;
    if (m) {
        char hex[2 * SHA256_BYTES + 1];
        sha256_hex(str_from(m->sql), hex);
        r = pg_script_in(f, &tx, m->sql);
        if (r < 0)
            return err_wrap(&f->err, r, "migration %s", m->name);
        r = pg_query(
            f, &tx, "insert into deskstream.migrations (number, name, sha256) values ($1, $2, $3)",
            PG_ARGS(PG_I64(m->number), PG_TEXT(str_from(m->name)), PG_TEXT(str_from(hex))), NULL);
        if (r < 0)
            return r;
    }
    r = pg_commit(f, &tx);
    if (r < 0)
        return r;
    if (m)
        log_debug("db.migrate", "name=%s", m->name);
    return m != NULL;
}

int migrate_apply(struct flow *f, struct pg_pool *p, const struct migration *list, size_t count,
                  int *ret_applied)
{
    struct plan plan = {list, count};
    int applied = 0, r;
    for (;;) {
        r = step(f, p, &plan);
        if (r <= 0)
            break;
        applied++;
    }
    if (r < 0)
        return r;
    if (ret_applied)
        *ret_applied = applied;
    return 0;
}

int migrate_run(struct flow *f, struct pg_pool *p, int *ret_applied)
{
    return migrate_apply(f, p, migrations, migration_count, ret_applied);
}
