/*
 * db/db_url.c: SQLAlchemy's database URLs, taken apart.
 *
 *   mysql+pymysql :// user : p%40ss @ [::1] : 3306 / shop ? charset=utf8mb4
 *   dialect+driver    user   password  host    port  database  query
 *
 * The order of cutting is the one of SQLAlchemy's regular expression: the user ends at the first ':' or
 * '@', the password at an '@', the host at ':', '/' or '?', the database at '?'. A host holds no '@', so one
 * that would is still part of the password. Fails with E_CONFIG and a text that names the part, never its
 * content. Invariant: what is given back holds no control character and no NUL, so it may go to libraries
 * that take C strings.
 */
#include "db/db_url.h"

#include <string.h>

#define PARAM_COUNT_MAX 32
#define TEXT_BYTES_MAX 8192

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoded; a '%' without two digits stays as it is, as Python's unquote does. */
static struct str decode(struct arena *a, struct str s, bool form)
{
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        int high = i + 2 < s.len ? hex_value(s.ptr[i + 1]) : -1;
        int low = i + 2 < s.len ? hex_value(s.ptr[i + 2]) : -1;
        if (s.ptr[i] == '%' && high >= 0 && low >= 0) {
            out[n++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = form && s.ptr[i] == '+' ? ' ' : s.ptr[i];
        }
    }
    return str_of(out, n);
}

static int take(struct arena *a, struct str s, const char *what, const char **ret, struct err *err)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7F)
            return err_set(err, E_CONFIG, "the %s has a control character", what);
    *ret = arena_text(a, s);
    return 0;
}

static size_t find_any(struct str s, const char *chars)
{
    for (size_t i = 0; i < s.len; i++)
        if (strchr(chars, s.ptr[i]) && s.ptr[i] != '\0')
            return i;
    return s.len;
}

static int parse_kind(struct str name, enum db_url_kind *ret_kind, struct err *err)
{
    static const struct {
        const char *name;
        enum db_url_kind kind;
    } kinds[] = {
        {"mysql", DB_URL_MYSQL},       {"mariadb", DB_URL_MYSQL}, {"postgresql", DB_URL_POSTGRES},
        {"postgres", DB_URL_POSTGRES}, {"sqlite", DB_URL_SQLITE},
    };
    struct str dialect = str_sub(name, 0, find_any(name, "+"));
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (str_eq_nocase(dialect, str_from(kinds[i].name))) {
            *ret_kind = kinds[i].kind;
            return 0;
        }
    }
    for (size_t i = 0; i < dialect.len; i++) {
        char c = dialect.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) || i > 20)
            return err_set(err, E_CONFIG, "it does not begin with the name of a database and ://");
    }
    return err_set(err, E_CONFIG,
                   "%.*s is not supported: it must be mysql, mariadb, postgresql or sqlite",
                   STR_ARG(dialect));
}

/* `rest` after "://": user and password are cut off its front. */
static int parse_login(struct arena *a, struct str *rest, struct db_url *u, struct err *err)
{
    size_t end = find_any(*rest, ":/@");
    bool has_password = end < rest->len && rest->ptr[end] == ':';
    size_t at;
    if (has_password) {
        at = str_find(*rest, STR("@"), end);
        while (at != SIZE_MAX) {
            struct str after = str_sub(*rest, at + 1, rest->len);
            struct str host = str_sub(after, 0, find_any(after, "/?"));
            size_t next = str_find(host, STR("@"), 0);
            if (next == SIZE_MAX)
                break;
            at += 1 + next;
        }
    } else {
        at = end < rest->len && rest->ptr[end] == '@' ? end : SIZE_MAX;
    }
    if (at == SIZE_MAX)
        return 0; /* no login: what looked like a user is the host */
    int r = take(a, decode(a, str_sub(*rest, 0, end), false), "user's name", &u->user, err);
    if (r >= 0 && has_password)
        r = take(a, decode(a, str_sub(*rest, end + 1, at - end - 1), false), "password",
                 &u->password, err);
    *rest = str_sub(*rest, at + 1, rest->len);
    return r;
}

static int parse_host(struct arena *a, struct str *rest, struct db_url *u, struct err *err)
{
    struct str host;
    if (rest->len > 0 && rest->ptr[0] == '[') {
        size_t close = find_any(*rest, "]");
        if (close == rest->len)
            return err_set(err, E_CONFIG, "the host's '[' is not closed");
        host = str_sub(*rest, 1, close - 1);
        if (find_any(host, "/?@") < host.len)
            return err_set(err, E_CONFIG, "the host between [ and ] is no address");
        *rest = str_sub(*rest, close + 1, rest->len);
    } else {
        size_t end = find_any(*rest, ":/?");
        host = str_sub(*rest, 0, end);
        *rest = str_sub(*rest, end, rest->len);
    }
    int r = take(a, host, "host", &u->host, err);
    if (r < 0 || rest->len == 0 || rest->ptr[0] != ':') {
        if (r >= 0 && rest->len > 0 && rest->ptr[0] != '/' && rest->ptr[0] != '?')
            r = err_set(err, E_CONFIG, "after the host there must be a port or a path");
        return r;
    }
    size_t end = find_any(*rest, "/?");
    struct str port = str_sub(*rest, 1, end - 1);
    int64_t number = 0;
    if (port.len > 0 && (!str_to_i64(port, &number) || number < 1 || number > 65535))
        return err_set(err, E_CONFIG,
                       "the port is no number from 1 to 65535 (are / : ? @ in the "
                       "password written as %%2F %%3A %%3F %%40?)");
    u->port = (uint16_t)number;
    *rest = str_sub(*rest, end, rest->len);
    return 0;
}

static int parse_query(struct arena *a, struct str query, struct db_url *u, struct err *err)
{
    struct str part;
    while (str_cut(&query, '&', &part)) {
        if (part.len == 0)
            continue;
        if (u->param_count == PARAM_COUNT_MAX)
            return err_set(err, E_CONFIG, "it has too many parameters");
        size_t eq = find_any(part, "=");
        struct db_url_param *p = &u->params[u->param_count];
        int r = take(a, decode(a, str_sub(part, 0, eq), true), "parameter's name", &p->key, err);
        if (r >= 0)
            r = take(a, decode(a, str_sub(part, eq + 1, part.len), true), "parameter's value",
                     &p->value, err);
        if (r < 0)
            return r;
        u->param_count++;
    }
    return 0;
}

/* What must be there for each kind. */
static int check(struct db_url *u, struct err *err)
{
    if (u->kind != DB_URL_SQLITE) {
        if (u->database[0] == '\0')
            return err_set(err, E_CONFIG, "it names no database (…host:port/name)");
        return 0;
    }
    if (strncmp(u->database, "file:", 5) == 0 && db_url_flag(u, "uri", false))
        u->database += 5;
    if (u->host[0] || u->user[0])
        return err_set(err, E_CONFIG,
                       "a SQLite file is written sqlite:///relative/path or "
                       "sqlite:////absolute/path");
    if (u->database[0] == '\0' || strcmp(u->database, ":memory:") == 0)
        return err_set(err, E_CONFIG, "it names no file: a SQLite database in memory is empty");
    return 0;
}

int db_url_parse(struct arena *a, struct str text, struct db_url *ret_url, struct err *err)
{
    struct db_url u = {.user = "", .password = "", .host = "", .database = ""};
    u.params = ARENA_ARRAY(a, PARAM_COUNT_MAX, struct db_url_param);
    text = str_trim(text);
    size_t mark = str_find(text, STR("://"), 0);
    if (mark == SIZE_MAX || text.len > TEXT_BYTES_MAX)
        return err_set(err, E_CONFIG,
                       "it is no address of the form mysql+pymysql://user:password"
                       "@host:3306/database");
    int r = parse_kind(str_sub(text, 0, mark), &u.kind, err);
    struct str rest = str_sub(text, mark + 3, text.len);
    if (r >= 0)
        r = parse_login(a, &rest, &u, err);
    if (r >= 0)
        r = parse_host(a, &rest, &u, err);
    if (r < 0)
        return r;
    if (rest.len > 0 && rest.ptr[0] == '/') {
        size_t end = find_any(rest, "?");
        r = take(a, str_sub(rest, 1, end - 1), "database's name", &u.database, err);
        rest = str_sub(rest, end, rest.len);
    }
    if (r >= 0 && rest.len > 0)
        r = parse_query(a, str_sub(rest, 1, rest.len), &u, err);
    if (r >= 0)
        r = check(&u, err);
    if (r >= 0)
        *ret_url = u;
    return r;
}

const char *db_url_param(const struct db_url *u, const char *key)
{
    for (size_t i = 0; i < u->param_count; i++)
        if (strcmp(u->params[i].key, key) == 0)
            return u->params[i].value;
    return NULL;
}

bool db_url_flag(const struct db_url *u, const char *key, bool otherwise)
{
    static const char *const yes[] = {"true", "1", "yes", "on"};
    const char *value = db_url_param(u, key);
    if (value == NULL)
        return otherwise;
    for (size_t i = 0; i < ARRAY_COUNT(yes); i++)
        if (str_eq_nocase(str_from(value), str_from(yes[i])))
            return true;
    return false;
}

/* ---- PostgreSQL ---- */

/* A parameter that says something wins over what the address says in its place. */
static const char *param_or(const struct db_url *u, const char *key, const char *otherwise)
{
    const char *value = db_url_param(u, key);
    return value && value[0] ? value : otherwise;
}

static void pair(struct buf *out, const char *keyword, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    buf_printf(out, "%s%s='", out->len ? " " : "", keyword);
    for (; *value; value++) { /* libpq manual 34.1.1.1: \ and ' are escaped by \ */
        if (*value == '\\' || *value == '\'')
            buf_byte(out, '\\');
        buf_byte(out, *value);
    }
    buf_byte(out, '\'');
}

void db_url_conninfo(const struct db_url *u, struct buf *out)
{
    static const char *const known[] = {
        "sslmode",         "sslrootcert",          "sslcert",         "sslkey",
        "sslcrl",          "sslpassword",          "connect_timeout", "application_name",
        "options",         "target_session_attrs", "channel_binding", "keepalives",
        "keepalives_idle", "require_auth",         "hostaddr",        "passfile",
    };
    char port[8] = "";
    if (u->port) {
        struct buf b = BUF_INIT(sizeof(port));
        buf_i64(&b, u->port);
        memcpy(port, b.ptr, b.len + 1);
        buf_done(&b);
    }
    pair(out, "host", param_or(u, "host", u->host)); /* psycopg2: a socket's folder, or several */
    pair(out, "port", param_or(u, "port", port));
    pair(out, "user", u->user);
    pair(out, "password", u->password);
    pair(out, "dbname", param_or(u, "dbname", u->database));
    for (size_t i = 0; i < ARRAY_COUNT(known); i++)
        pair(out, known[i], db_url_param(u, known[i]));
    const char *ssl = db_url_param(u, "ssl");
    if (ssl && db_url_param(u, "sslmode") == NULL)
        pair(out, "sslmode", db_url_flag(u, "ssl", false) ? "require" : ssl);
}
