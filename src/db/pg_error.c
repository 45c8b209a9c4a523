/*
 * db/pg_error.c: SQLSTATE to error codes, in one table.
 *
 * A row matches by its first 2 or all 5 characters; the first match counts, so exact codes come
 * before their class. Source: PostgreSQL manual, appendix A. What matters to callers is only: does the
 * database answer at all (E_DB_AWAY), does running the transaction again help (E_DB_RETRY), does the
 * row exist already (E_DB_CONFLICT), did it take too long (-ETIMEDOUT), or is it our fault (E_DB)?
 * Invariant: messages carry the server's primary text and nothing that was bound as a parameter.
 */
#include "db/pg_error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static const struct {
    const char *prefix;
    int code;
} rows[] = {
    {"08P01", E_DB},          /* protocol violation: ours */
    {"08", E_DB_AWAY},        /* connection exceptions */
    {"23505", E_DB_CONFLICT}, /* unique violation */
    {"23P01", E_DB_CONFLICT}, /* exclusion violation */
    {"25P03", E_DB_RETRY},    /* idle in transaction for too long; the server hung up */
    {"26000", E_DB_RETRY},    /* prepared statement is gone */
    {"40003", E_DB_AWAY},     /* completion unknown */
    {"40", E_DB_RETRY},       /* serialization failure, deadlock */
    {"53", E_DB_AWAY},        /* too many connections, out of memory, disk full */
    {"55P03", E_DB_RETRY},    /* lock not available (lock_timeout, NOWAIT) */
    {"57014", -ETIMEDOUT},    /* query cancelled: statement_timeout */
    {"57P", E_DB_AWAY},       /* shutdown, crash, starting up, idle session */
    {"58", E_DB_AWAY},        /* system error outside PostgreSQL */
};

int pg_error_code(const char *sqlstate)
{
    if (sqlstate == NULL || sqlstate[0] == '\0')
        return E_DB_AWAY;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (strncmp(sqlstate, rows[i].prefix, strlen(rows[i].prefix)) == 0)
            return rows[i].code;
    return E_DB;
}

bool pg_error_is_stale_plan(const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    if (state == NULL)
        return false;
    if (strcmp(state, "26000") == 0)
        return true;
    /* "cached plan must not change result type": its text is translated, its place in the server is
     * not (backend/utils/cache/plancache.c). */
    const char *where = PQresultErrorField(res, PG_DIAG_SOURCE_FUNCTION);
    return strcmp(state, "0A000") == 0 && where && strcmp(where, "RevalidateCachedQuery") == 0;
}

int pg_error_result(const PGresult *res, struct err *err)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    int code = pg_error_is_stale_plan(res) ? E_DB_RETRY : pg_error_code(state);
    if (state == NULL && PQresultStatus(res) != PGRES_FATAL_ERROR)
        code = E_DB; /* not an error to libpq, but nothing we asked for */
    if (text == NULL || text[0] == '\0')
        text = PQresStatus(PQresultStatus(res));
    if (state)
        return err_set(err, code, "%s (%s)", text, state);
    return err_set(err, code, "%s", text);
}

int pg_error_connection(const PGconn *pq, struct err *err)
{
    char line[200];
    snprintf(line, sizeof(line), "%s", PQerrorMessage(pq));
    size_t len = strlen(line);
    while (len > 0 && strchr(" \n\t\r", line[len - 1]))
        line[--len] = '\0';
    for (size_t i = 0; i < len; i++)
        if (line[i] == '\n' || line[i] == '\t')
            line[i] = ' ';
    return err_set(err, E_DB_AWAY, "%s", len ? line : "the connection broke");
}
