/*
 * db/pg_stmt.c: which statements a connection has prepared, by their text.
 *
 * A statement is added when its Parse is sent and dropped again when that Parse failed or was skipped
 * (the pipeline before it had failed). Prepared statements survive a rollback, so nothing else takes
 * them away. Past PG_STMT_COUNT_MAX the least recently used one is deallocated on the server in the
 * same round trip. Invariant: what the map holds, the server holds or is about to.
 */
#include "base/mem.h"
#include "db/pg_conn.h"

struct pg_stmt *stmt_find(struct pg_conn *c, const char *sql)
{
    struct pg_stmt *s = map_get(&c->stmt_map, str_from(sql));
    if (s) {
        list_remove(&s->lru);
        list_push(&c->stmts, &s->lru);
    }
    return s;
}

struct pg_stmt *stmt_add(struct pg_conn *c, const char *sql)
{
    struct pg_stmt *s = mem_alloc(sizeof(*s));
    s->id = ++c->stmt_last;
    s->sql = mem_strdup(sql);
    list_push(&c->stmts, &s->lru);
    map_put(&c->stmt_map, str_from(sql), s);
    c->stmt_count++;
    return s;
}

void stmt_drop(struct pg_conn *c, struct pg_stmt *s)
{
    map_take(&c->stmt_map, str_from(s->sql));
    list_remove(&s->lru);
    mem_free(s->sql);
    mem_free(s);
    c->stmt_count--;
}

void stmt_drop_all(struct pg_conn *c)
{
    while (!list_empty(&c->stmts))
        stmt_drop(c, list_entry(c->stmts.next, struct pg_stmt, lru));
}
