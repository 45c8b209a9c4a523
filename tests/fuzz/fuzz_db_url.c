#include <assert.h>
#include <stdint.h>

#include "db/db_url.h"
#include "db/pg_address.h"

/*
 * Database addresses from a settings file: what is taken has no control characters and no NULL, and what we
 * make of one for libpq is a connection string that libpq understands.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text)
{
    assert(text);
    for (; *text; text++)
        assert((unsigned char)*text >= 0x20 && *text != 0x7F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(arena_done) struct arena a;
    arena_init(&a, 0);
    struct db_url u;
    struct err err = {0};
    int r = db_url_parse(&a, str_of(data, size), &u, &err);
    if (r < 0) {
        assert(r == E_CONFIG && err.msg[0]);
        return 0;
    }
    check(u.user);
    check(u.password);
    check(u.host);
    check(u.database);
    assert(u.database[0]);
    for (size_t i = 0; i < u.param_count; i++) {
        check(u.params[i].key);
        check(u.params[i].value);
        assert(db_url_param(&u, u.params[i].key));
    }
    if (u.kind != DB_URL_POSTGRES)
        return 0;
    _cleanup_(buf_done) struct buf conninfo = BUF_INIT(0);
    db_url_conninfo(&u, &conninfo);
    struct pg_address address;
    assert(pg_address_parse(&address, conninfo.ptr, NULL, &err) == 0);
    pg_address_done(&address);
    return 0;
}
