/*
 * The embedding cache. Vectors leave the server in their binary form as hex (halfvec_send: dimensions and
 * zero as two 16-bit numbers, then big-endian halves), a quarter of the size of their text and without
 * parsing of decimals.
 */
#include "store/embedding_cache.h"

#include <stdlib.h>
#include <string.h>

#include "db/half.h"
#include "store/rows.h"
#include "upstream/llm.h"

#define ITEMS_MAX 2048
#define HEX_LEN (2 * (4 + 2 * EMBED_DIMENSIONS))

static int nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static bool vector_read(struct str hex, float *ret_vector)
{
    if (hex.len != HEX_LEN)
        return false;
    for (size_t i = 0; i < EMBED_DIMENSIONS; i++) {
        const char *at = hex.ptr + 8 + 4 * i;
        int half = nibble(at[0]) << 12 | nibble(at[1]) << 8 | nibble(at[2]) << 4 | nibble(at[3]);
        ret_vector[i] = half_to_float((uint16_t)half);
    }
    return true;
}

int embedding_cache_get(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str model,
                        struct embedding *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        items[i].found = false;
    if (count == 0)
        return 0;
    if (count > ITEMS_MAX)
        return err_set(&f->err, E_LIMIT, "%zu embeddings at once", count);
    struct str *hashes = ARENA_ARRAY(&f->arena, count, struct str);
    for (size_t i = 0; i < count; i++)
        hashes[i] = rows_hex(&f->arena, items[i].hash, SHA256_BYTES);
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(f, p, tenant_id,
                    "select g.place - 1, encode(halfvec_send(e.vector), 'hex') "
                    "from unnest($3::text[]) with ordinality as g(hash, place) "
                    "join deskstream.embedding_cache e on e.tenant_id = $1 and e.model = $2 "
                    "and e.hash = decode(g.hash, 'hex')",
                    PG_ARGS(PG_I64(tenant_id), PG_TEXT(model), PG_TEXTS(hashes, count)), &rows);
    if (r < 0)
        return r;
    for (int row = 0; row < rows.row_count; row++) {
        size_t place = (size_t)pg_i64(&rows, row, 0);
        if (place < count)
            items[place].found = vector_read(pg_text(&rows, row, 1), items[place].vector);
    }
    return 0;
}

struct put {
    int64_t tenant_id;
    struct str model;
    const struct embedding **items;
};

static void on_make(void *rows, size_t i, struct pg_arg *ret_args)
{
    const struct put *put = rows;
    ret_args[0] = PG_I64(put->tenant_id);
    ret_args[1] = PG_TEXT(put->model);
    ret_args[2] = PG_BYTES(str_of(put->items[i]->hash, SHA256_BYTES));
    ret_args[3] = PG_HALFVEC(put->items[i]->vector, EMBED_DIMENSIONS);
}

static int by_hash(const void *a, const void *b)
{
    const struct embedding *const *left = a, *const *right = b;
    return memcmp((*left)->hash, (*right)->hash, SHA256_BYTES);
}

int embedding_cache_put(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str model,
                        const struct embedding *items, size_t count)
{
    struct put put = {tenant_id, model, ARENA_ARRAY(&f->arena, count, const struct embedding *)};
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!items[i].found)
            put.items[n++] = &items[i];
    }
    if (n == 0)
        return 0;
    qsort(put.items, n, sizeof(*put.items), by_hash); /* two writers wait, not deadlock */
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, p, tenant_id, &tx);
    if (r < 0)
        return r;
    int64_t written;
    r = pg_each(f, &tx,
                "insert into deskstream.embedding_cache (tenant_id, model, hash, vector) "
                "values ($1, $2, $3, $4) on conflict do nothing",
                n, 4, on_make, &put, &written);
    if (r < 0)
        return r;
    return pg_commit(f, &tx);
}
