/*
 * JSON for Qdrant.
 *
 * One ticket is three vectors, 3,072 numbers: printf would take most of a sync's time, so numbers are
 * written here as fixed point. The bodies of 100 points (about 4 MB) are made on a pool thread: nothing here
 * touches a flow, an arena of one, or the loop.
 *
 * The invariant: every filter comes from vectors_json_filter and holds the tenant; every payload's
 * company_id comes from the tenant, not from the caller's payload.
 */
#include "store/vectors_json.h"

#include <math.h>
#include <string.h>

#include "base/crypto.h"
#include "store/sync_runs.h"
#include "store/vectors_home.h"

#define NUMBER_BYTES_MAX 16

static const char *const item_fields[VECTOR_COLLECTION_COUNT] = {"ticket_id", "article_id"};

const char *vectors_json_item_field(enum vector_collection c)
{
    return item_fields[c];
}

/* "-0.031234567" at `out`; returns its length. |value| <= 9. */
static size_t number(char *out, float value)
{
    size_t n = 0;
    int64_t scaled = llrint((double)value * 1e9);
    if (scaled < 0) {
        out[n++] = '-';
        scaled = -scaled;
    }
    out[n++] = (char)('0' + scaled / 1000000000);
    uint32_t fraction = (uint32_t)(scaled % 1000000000);
    if (fraction == 0)
        return n;
    out[n++] = '.';
    size_t end = n + 9;
    for (size_t at = end; at > n; at--) {
        out[at - 1] = (char)('0' + fraction % 10);
        fraction /= 10;
    }
    while (out[end - 1] == '0')
        end--;
    return end;
}

void vectors_json_floats(struct buf *out, const float *values, size_t count)
{
    char *at = buf_room(out, count * NUMBER_BYTES_MAX + 2);
    if (at == NULL)
        return;
    size_t n = 0;
    at[n++] = '[';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            at[n++] = ',';
        n += number(at + n, values[i] > 9 ? 9 : values[i] < -9 ? -9 : values[i]);
    }
    at[n++] = ']';
    buf_used(out, n);
}

void vectors_json_point_id(const struct vector_tenant *t, enum vector_collection c, int64_t item_id,
                           char ret_uuid[37])
{
    /* Random, made once for this purpose. */
    static const uint8_t space[16] = {0x8c, 0x1e, 0x5b, 0x7a, 0x30, 0xd4, 0x4f, 0x62,
                                      0x9a, 0x05, 0xc7, 0x41, 0xee, 0x93, 0x28, 0xb6};
    _cleanup_(buf_done) struct buf name = BUF_INIT(0);
    buf_printf(&name, "%.*s/%s/%lld", STR_ARG(t->company), vector_collection_kind(c),
               (long long)item_id);
    uuid_v5(space, buf_view(&name), ret_uuid);
}

static int payload_write(struct jw *w, struct arena *scratch, const struct vector_tenant *t,
                         enum vector_collection c, const struct vector_point *p, struct err *err)
{
    jw_obj(w, "payload");
    if (p->payload.len > 0) {
        struct json payload;
        int r = json_parse(scratch, p->payload, &payload, err);
        if (r >= 0 && !json_is_obj(payload))
            r = err_set(err, E_JSON, "not an object");
        if (r < 0)
            return err_wrap(err, r, "payload of %lld", (long long)p->item_id);
        for (struct json_iter it = json_iter(payload); json_next(&it);) {
            if (str_eq(it.key, STR("company_id")) || str_eq(it.key, str_from(item_fields[c])))
                continue;
            jw_json(w, arena_text(scratch, it.key), it.value);
        }
    }
    jw_str(w, "company_id", t->company);
    jw_fmt(w, item_fields[c], "%lld", (long long)p->item_id);
    jw_end_obj(w);
    return 0;
}

int vectors_json_points(struct buf *out, const struct vector_tenant *t, enum vector_collection c,
                        const struct vector_point *points, size_t count, struct err *err)
{
    if (t->company.len == 0)
        return err_set(err, E_INPUT, "points without a company");
    struct arena scratch;
    arena_init(&scratch, 0);
    _cleanup_(buf_done) struct buf numbers = BUF_INIT(0);
    struct jw w = JW_INIT(out);
    int r = 0;
    jw_obj(&w, NULL);
    jw_arr(&w, "points");
    for (size_t i = 0; i < count && r >= 0; i++) {
        char id[37];
        vectors_json_point_id(t, c, points[i].item_id, id);
        jw_obj(&w, NULL);
        jw_text(&w, "id", id);
        jw_obj(&w, "vector");
        for (size_t k = 0; vector_names[c][k] != NULL; k++) {
            if (points[i].vectors[k] == NULL)
                continue;
            buf_clear(&numbers);
            vectors_json_floats(&numbers, points[i].vectors[k], EMBED_DIMENSIONS);
            jw_raw(&w, vector_names[c][k], buf_view(&numbers));
        }
        jw_end_obj(&w);
        r = payload_write(&w, &scratch, t, c, &points[i], err);
        if (r >= 0)
            jw_end_obj(&w);
        arena_reset(&scratch);
    }
    arena_done(&scratch);
    if (r < 0)
        return r;
    jw_end_arr(&w);
    jw_end_obj(&w);
    return out->failed ? err_set(err, E_LIMIT, "points: body over %zu bytes", out->bytes_max) : 0;
}

int vectors_json_filter(struct jw *w, const struct vector_tenant *t, enum vector_collection c,
                        enum vectors_json_ids how, const int64_t *item_ids, size_t count,
                        struct err *err)
{
    if (t->company.len == 0)
        return err_set(err, E_INPUT, "a vector call without a company");
    if (how == IDS_ONLY && count == 0)
        return err_set(err, E_INPUT, "a filter by ids without ids");
    jw_obj(w, "filter");
    jw_arr(w, "must");
    jw_obj(w, NULL);
    jw_text(w, "key", "company_id");
    jw_obj(w, "match");
    jw_str(w, "value", t->company);
    jw_end_obj(w);
    jw_end_obj(w);
    if (how == IDS_BUT) {
        jw_end_arr(w);
        jw_arr(w, "must_not");
    }
    if (how != IDS_ANY) {
        jw_obj(w, NULL);
        jw_arr(w, "has_id");
        for (size_t i = 0; i < count; i++) {
            char id[37];
            vectors_json_point_id(t, c, item_ids[i], id);
            jw_text(w, NULL, id);
            jw_i64(w, NULL, item_ids[i]); /* the id that old systems gave it */
        }
        jw_end_arr(w);
        jw_end_obj(w);
    }
    jw_end_arr(w);
    jw_end_obj(w);
    return 0;
}
