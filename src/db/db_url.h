#pragma once
/*
 * Database addresses in SQLAlchemy's form: dialect[+driver]://user:password@host:port/database?key=value.
 * Source: SQLAlchemy 2.0, "Engine Configuration", "Database URLs", and engine/url.py. User and password are
 * percent-decoded ('+' stays a plus), query values are form-decoded, host and database stand as they are.
 * An unescaped '@' in a password is understood as well, as SQLAlchemy 1.3 did. Whatever the driver's name,
 * ours is used.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum db_url_kind { DB_URL_MYSQL, DB_URL_POSTGRES, DB_URL_SQLITE };

struct db_url_param {
    const char *key, *value;
};
/* All texts NUL-ended in the arena, never NULL; "" when not given. */
struct db_url {
    enum db_url_kind kind;
    const char *user, *password;
    const char *host; /* without the brackets of an IPv6 address */
    uint16_t port;    /* 0: the default */
    const char
        *database; /* SQLite: the path; a relative one is relative to the working directory */
    struct db_url_param *params;
    size_t param_count;
};

/* E_CONFIG. No message repeats the text, which may hold a password. */
int db_url_parse(struct arena *a, struct str text, struct db_url *ret_url, struct err *err)
    _must_check_;
/* A parameter's value, or NULL. */
const char *db_url_param(const struct db_url *u, const char *key);
/* "true", "1", "yes", "on" (any case); `otherwise` when it is not given. */
bool db_url_flag(const struct db_url *u, const char *key, bool otherwise);
/* Of a PostgreSQL URL: the connection string for libpq (keyword='value' pairs). Parameters that libpq does
 * not know are left out; asyncpg's ssl becomes sslmode. */
void db_url_conninfo(const struct db_url *u, struct buf *out);
