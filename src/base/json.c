#include "base/json.h"

#include <inttypes.h>
#include <yyjson.h>

#include "base/mem.h"

/*
 * Reading JSON: a thin skin over yyjson, the only file that includes it.
 *
 * yyjson checks the grammar strictly by default (RFC 8259): no trailing text, no comments, no NaN or
 * infinities, valid UTF-8 and surrogate pairs. It has no limit on depth and does not recurse, so a
 * deep document is parsed and then turned down by check_depth(), one pass over the flat values:
 *
 *     [ arr n=2 | obj n=1 | key | num | str ]      a container knows where it ends
 *       ^ends[0] ------------------------^         depth = open ends at a value
 *
 * Memory comes from the arena, so there is nothing to free; growing values are resized in place.
 * Invariant: struct json holds NULL or a value inside a document whose arena is alive.
 */

#define JSON_DEPTH_MAX 64

static void *on_alloc(void *ctx, size_t size)
{
    return arena_alloc(ctx, size);
}

static void *on_realloc(void *ctx, void *ptr, size_t size_old, size_t size)
{
    return arena_resize(ctx, ptr, size_old, size);
}

static void on_free(void *ctx, void *ptr) /* the arena does it */
{
    (void)ctx;
    (void)ptr;
}

static bool check_depth(yyjson_doc *doc)
{
    yyjson_val *ends[JSON_DEPTH_MAX];
    size_t depth = 0;
    yyjson_val *val = yyjson_doc_get_root(doc);
    for (size_t left = yyjson_doc_get_val_count(doc); left > 0; left--, val++) {
        while (depth > 0 && val >= ends[depth - 1])
            depth--;
        if (!yyjson_is_ctn(val))
            continue;
        if (depth == JSON_DEPTH_MAX)
            return false;
        ends[depth++] = unsafe_yyjson_get_next(val);
    }
    return true;
}

int json_parse(struct arena *a, struct str text, struct json *ret_value, struct err *err)
{
    if (text.len == 0)
        return err_set(err, E_JSON, "json: the text is empty");
    yyjson_alc alc = {.malloc = on_alloc, .realloc = on_realloc, .free = on_free, .ctx = a};
    yyjson_read_err why;
    /* Without YYJSON_READ_INSITU the text is only read: the cast drops a const that yyjson keeps. */
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len, YYJSON_READ_NOFLAG,
                                       &alc, &why);
    if (!doc)
        return err_set(err, E_JSON, "json: %s at byte %zu", why.msg, why.pos);
    if (!check_depth(doc))
        return err_set(err, E_JSON, "json: nested deeper than %d", JSON_DEPTH_MAX);
    *ret_value = (struct json){yyjson_doc_get_root(doc)};
    return 0;
}

struct json json_get_str(struct json v, struct str key)
{
    return (struct json){yyjson_obj_getn(v.val, key.ptr ? key.ptr : "", key.len)};
}

struct json json_get(struct json v, const char *key)
{
    return json_get_str(v, str_from(key));
}

struct json json_path(struct json v, const char *path)
{
    struct str rest = str_from(path), part;
    while (v.val && str_cut(&rest, '.', &part)) {
        int64_t index;
        if (!yyjson_is_arr(v.val))
            v = json_get_str(v, part);
        else if (str_to_i64(part, &index) && index >= 0)
            v = (struct json){yyjson_arr_get(v.val, (size_t)index)};
        else
            v = JSON_NONE;
    }
    return v;
}

bool json_exists(struct json v)
{
    return v.val != NULL;
}

bool json_is_null(struct json v)
{
    return !v.val || yyjson_is_null(v.val);
}

bool json_is_obj(struct json v)
{
    return yyjson_is_obj(v.val);
}

bool json_is_arr(struct json v)
{
    return yyjson_is_arr(v.val);
}

bool json_is_str(struct json v)
{
    return yyjson_is_str(v.val);
}

bool json_is_num(struct json v)
{
    return yyjson_is_num(v.val);
}

bool json_is_bool(struct json v)
{
    return yyjson_is_bool(v.val);
}

/* Does the number fit int64 without loss? */
static bool as_i64(yyjson_val *val, int64_t *ret_value)
{
    if (yyjson_is_uint(val) && yyjson_get_uint(val) > INT64_MAX)
        return false;
    if (yyjson_is_int(val)) {
        *ret_value = yyjson_get_sint(val);
        return true;
    }
    if (!yyjson_is_real(val))
        return false;
    double d = yyjson_get_real(val);
    /* 2^63 is the first double that does not fit; the range comes before the cast. */
    if (!(d >= -0x1p63 && d < 0x1p63) || (double)(int64_t)d != d)
        return false;
    *ret_value = (int64_t)d;
    return true;
}

bool json_is_int(struct json v)
{
    int64_t ignored;
    return as_i64(v.val, &ignored);
}

struct str json_str(struct json v)
{
    return yyjson_is_str(v.val) ? str_of(yyjson_get_str(v.val), yyjson_get_len(v.val)) : STR("");
}

int64_t json_i64(struct json v, int64_t otherwise)
{
    int64_t value;
    return as_i64(v.val, &value) ? value : otherwise;
}

double json_f64(struct json v, double otherwise)
{
    return yyjson_is_num(v.val) ? yyjson_get_num(v.val) : otherwise;
}

bool json_bool(struct json v, bool otherwise)
{
    return yyjson_is_bool(v.val) ? yyjson_get_bool(v.val) : otherwise;
}

size_t json_count(struct json v)
{
    return yyjson_is_ctn(v.val) ? unsafe_yyjson_get_len(v.val) : 0;
}

struct json_iter json_iter(struct json v)
{
    struct json_iter it = {.of = v};
    if (json_count(v) > 0)
        it.pos = (yyjson_val *)v.val + 1;
    return it;
}

bool json_next(struct json_iter *it)
{
    if (!it->pos)
        return false;
    it->index = it->value.val ? it->index + 1 : 0;
    yyjson_val *val = it->pos;
    if (json_is_obj(it->of)) {
        it->key = str_of(unsafe_yyjson_get_str(val), unsafe_yyjson_get_len(val));
        val++;
    }
    it->value = (struct json){val};
    bool more = it->index + 1 < json_count(it->of);
    it->pos = more ? unsafe_yyjson_get_next(val) : NULL;
    return true;
}

int json_floats(struct json v, float *ret_values, size_t count_max)
{
    size_t count = json_count(v);
    if (!json_is_arr(v) || count > count_max || count > INT32_MAX)
        return -1;
    for (struct json_iter it = json_iter(v); json_next(&it);)
        if (!json_is_num(it.value))
            return -1;
    for (struct json_iter it = json_iter(v); json_next(&it);)
        ret_values[it.index] = (float)json_f64(it.value, 0);
    return (int)count;
}

static void *on_heap_alloc(void *ctx, size_t size)
{
    (void)ctx;
    return mem_alloc(size);
}

static void *on_heap_realloc(void *ctx, void *ptr, size_t size_old, size_t size)
{
    (void)ctx;
    (void)size_old;
    return mem_realloc(ptr, size);
}

static void on_heap_free(void *ctx, void *ptr)
{
    (void)ctx;
    mem_free(ptr);
}

void json_write(struct buf *out, struct json v)
{
    if (!v.val) {
        buf_text(out, "null");
        return;
    }
    const yyjson_alc heap = {
        .malloc = on_heap_alloc, .realloc = on_heap_realloc, .free = on_heap_free};
    size_t len = 0;
    yyjson_write_err why;
    char *text = yyjson_val_write_opts(v.val, YYJSON_WRITE_NOFLAG, &heap, &len, &why);
    if (text)
        buf_add(out, text, len);
    else
        out->failed = true; /* not met: the value came from a text that was valid */
    mem_free(text);
}
