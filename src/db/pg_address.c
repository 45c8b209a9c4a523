/*
 * db/pg_address.c: a connection string to keyword/value pairs, with our own defaults.
 *
 * libpq resolves host names synchronously even in PQconnectStart, so the host list is kept apart: the
 * connection resolves it first and passes hostaddr (libpq manual, 34.1.2: host then only serves TLS
 * verification and passwords). Sockets' folders need no resolution. What the user wrote wins over our
 * defaults (gssencmode off: Kerberos would look for tickets over the network; TCP keepalives, so that
 * a vanished server is noticed). Fails with E_CONFIG on what libpq does not understand.
 */
#include "db/pg_address.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "db/libpq.h"

static const char *const defaults[][2] = {
    {"client_encoding", "UTF8"},   {"gssencmode", "disable"}, {"keepalives_idle", "30"},
    {"keepalives_interval", "10"}, {"keepalives_count", "3"}, {"tcp_user_timeout", "30000"},
};

static void add(struct pg_address *a, const char *keyword, const char *value)
{
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->keywords[i], keyword) == 0)
            return;
    assert(a->count < PG_ADDRESS_KEY_COUNT_MAX - 4);
    a->keywords[a->count] = mem_strdup(keyword);
    a->values[a->count++] = mem_strdup(value);
}

int pg_address_parse(struct pg_address *a, const char *url, const char *application_name,
                     struct err *err)
{
    *a = (struct pg_address){.count = 0};
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &why);
    if (options == NULL) {
        PQfreemem(why);
        return err_set(err, E_CONFIG,
                       "not an address of PostgreSQL, such as "
                       "postgresql://user:password@host:5432/database");
    }
    for (PQconninfoOption *o = options; o->keyword; o++) {
        if (o->val == NULL || strcmp(o->keyword, "client_encoding") == 0)
            continue;
        if (strcmp(o->keyword, "host") == 0)
            a->host = mem_strdup(o->val);
        else if (strcmp(o->keyword, "hostaddr") == 0)
            a->hostaddr = mem_strdup(o->val);
        else if (strcmp(o->keyword, "port") == 0)
            a->port = mem_strdup(o->val);
        else
            add(a, o->keyword, o->val);
    }
    PQconninfoFree(options);
    const char *env = getenv("PGHOST"); /* libpq would take it, and resolve it synchronously */
    if (a->host == NULL && a->hostaddr == NULL && env && env[0])
        a->host = mem_strdup(env);
    if (application_name)
        add(a, "application_name", application_name);
    for (size_t i = 0; i < ARRAY_COUNT(defaults); i++)
        add(a, defaults[i][0], defaults[i][1]);
    return 0;
}

void pg_address_done(struct pg_address *a)
{
    for (size_t i = 0; i < a->count; i++) {
        mem_free(a->keywords[i]);
        mem_free(a->values[i]);
    }
    mem_free(a->host);
    mem_free(a->hostaddr);
    mem_free(a->port);
    *a = (struct pg_address){.count = 0};
}

/* The i-th of a list with commas; a list of one serves every place when `repeat`. */
static bool item(const char *list, size_t i, bool repeat, struct str *ret)
{
    struct str rest = str_from(list), part = STR_NONE, first = STR_NONE;
    size_t n = 0;
    while (str_cut(&rest, ',', &part)) {
        if (n == 0)
            first = part;
        if (n++ == i) {
            *ret = part;
            return true;
        }
    }
    *ret = first;
    return repeat && n <= 1;
}

bool pg_address_at(const struct pg_address *a, size_t i, struct str *ret_host, struct str *ret_port)
{
    if (a->host == NULL || !item(a->host, i, false, ret_host))
        return false;
    if (a->port == NULL || !item(a->port, i, true, ret_port))
        *ret_port = STR("");
    return true;
}

bool pg_address_is_local(struct str host)
{
    return host.len == 0 || host.ptr[0] == '/' || host.ptr[0] == '@';
}
