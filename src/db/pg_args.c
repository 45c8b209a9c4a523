/*
 * db/pg_args.c: parameters to text or binary, array literals, rows of COPY.
 *
 * Scalars, arrays and times go as text: the server then reads them as whatever type the statement's
 * context wants (bigint, int, jsonb, uuid, ...). Bytes and half vectors go in binary, since their text
 * forms cost most. COPY (FORMAT binary) has no such freedom: its columns must be exactly what
 * pg.h says for each kind. Sources: PostgreSQL manual, array input and output syntax (8.15), COPY file
 * formats; pgvector src/halfvec.c (halfvec_recv: int16 dimensions, int16 0, halves).
 *
 * Fails only when a statement's parameters are larger than PG_PARAM_BYTES_MAX.
 * Invariant: no text that leaves here holds a zero byte or broken UTF-8.
 */
#include "db/pg_args.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/wall.h"
#include "db/half.h"

#define OID_INT8 20 /* source: pg_type.dat */
#define OID_TEXT 25
#define EPOCH_2000_MS INT64_C(946684800000)

/* ---- text ---- */

void pg_text_clean(struct buf *out, struct str s)
{
    if (s.len == 0)
        return;
    if (memchr(s.ptr, '\0', s.len) == NULL && str_is_utf8(s)) {
        buf_str(out, s);
        return;
    }
    while (s.len > 0) {
        uint32_t point;
        size_t used = str_decode(s, &point);
        /* A bad byte decodes to U+FFFD and 1; a true U+FFFD has 3 bytes and is copied. */
        if (point == 0 || (point == 0xfffd && used == 1))
            buf_text(out, "\xef\xbf\xbd");
        else
            buf_add(out, s.ptr, used);
        s = str_sub(s, used, s.len);
    }
}

void pg_array_i64(struct buf *out, const int64_t *items, size_t count)
{
    buf_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_byte(out, ',');
        buf_i64(out, items[i]);
    }
    buf_byte(out, '}');
}

/* Appends clean text with a backslash before each of `marks` (which are ASCII). */
static void escaped(struct buf *out, struct str s, const char *marks)
{
    struct buf clean = BUF_INIT(0);
    pg_text_clean(&clean, s);
    struct str rest = buf_view(&clean);
    size_t from = 0;
    for (size_t i = 0; i < rest.len; i++) {
        if (strchr(marks, rest.ptr[i]) == NULL)
            continue;
        buf_add(out, rest.ptr + from, i - from);
        buf_byte(out, '\\');
        from = i; /* the mark itself goes with the next stretch */
    }
    buf_add(out, rest.ptr + from, rest.len - from);
    buf_done(&clean);
}

void pg_array_text(struct buf *out, const struct str *items, size_t count)
{
    buf_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        buf_text(out, i ? ",\"" : "\"");
        escaped(out, items[i], "\"\\");
        buf_byte(out, '"');
    }
    buf_byte(out, '}');
}

static void time_text(struct buf *out, int64_t at_ms)
{
    struct wall_parts p = wall_split(at_ms);
    buf_printf(out, "%04d-%02d-%02d %02d:%02d:%02d.%03d+00", p.year, p.month, p.day, p.hour,
               p.minute, p.second, p.ms);
}

/* ---- binary, big-endian ---- */

static void add16(struct buf *out, uint16_t v)
{
    v = htobe16(v);
    buf_add(out, &v, sizeof(v));
}
static void add32(struct buf *out, uint32_t v)
{
    v = htobe32(v);
    buf_add(out, &v, sizeof(v));
}
static void add64(struct buf *out, uint64_t v)
{
    v = htobe64(v);
    buf_add(out, &v, sizeof(v));
}

static void halfvec_binary(struct buf *out, const float *items, size_t count)
{
    add16(out, (uint16_t)count);
    add16(out, 0);
    char *room = buf_room(out, 2 * count);
    if (room == NULL)
        return; /* the buffer says `failed` */
    for (size_t i = 0; i < count; i++) {
        uint16_t half = htobe16(half_from_float(items[i]));
        memcpy(room + 2 * i, &half, sizeof(half));
    }
    buf_used(out, 2 * count);
}

static bool is_null(const struct pg_arg *a)
{
    return a->kind == PG_KIND_NULL || (a->kind == PG_KIND_TIME && a->i64 == WALL_NONE);
}

/* Appends one value that is not null as text; for kinds that have a text form. */
static void value_text(struct buf *out, const struct pg_arg *a)
{
    switch (a->kind) {
    case PG_KIND_TEXT:
    case PG_KIND_JSON: pg_text_clean(out, a->text); break;
    case PG_KIND_I64:
    case PG_KIND_I32: buf_i64(out, a->i64); break;
    case PG_KIND_F64: buf_printf(out, "%.17g", a->f64); break;
    case PG_KIND_BOOL: buf_byte(out, a->i64 ? 't' : 'f'); break;
    case PG_KIND_I64_ARRAY: pg_array_i64(out, a->items, a->item_count); break;
    case PG_KIND_TEXT_ARRAY: pg_array_text(out, a->items, a->item_count); break;
    case PG_KIND_TIME: time_text(out, a->i64); break;
    case PG_KIND_BYTES:
        buf_text(out, "\\x");
        buf_hex(out, a->text.ptr, a->text.len);
        break;
    case PG_KIND_HALFVEC:
        buf_byte(out, '[');
        for (size_t i = 0; i < a->item_count; i++)
            buf_printf(out, i ? ",%.9g" : "%.9g", (double)((const float *)a->items)[i]);
        buf_byte(out, ']');
        break;
    case PG_KIND_NULL: assert(!"null has no value");
    }
}

int pg_params_encode(struct pg_params *p, const struct pg_arg *args, size_t count, struct err *err)
{
    assert(count <= PG_PARAM_COUNT_MAX);
    buf_clear(&p->bytes);
    p->bytes.bytes_max = PG_PARAM_BYTES_MAX;
    for (size_t i = 0; i < count; i++) {
        const struct pg_arg *a = &args[i];
        p->at[i] = is_null(a) ? SIZE_MAX : p->bytes.len;
        p->formats[i] = 0;
        p->lengths[i] = 0;
        if (is_null(a))
            continue;
        if (a->kind == PG_KIND_HALFVEC) {
            p->formats[i] = 1;
            halfvec_binary(&p->bytes, a->items, a->item_count);
        } else if (a->kind == PG_KIND_BYTES) {
            p->formats[i] = 1;
            buf_add(&p->bytes, a->text.ptr, a->text.len);
        } else {
            value_text(&p->bytes, a);
        }
        p->lengths[i] = (int)(p->bytes.len - p->at[i]);
        buf_byte(&p->bytes, '\0'); /* libpq reads text parameters up to a NUL */
    }
    if (p->bytes.failed)
        return err_set(err, E_LIMIT, "a statement's parameters are larger than %u MiB",
                       PG_PARAM_BYTES_MAX >> 20);
    for (size_t i = 0; i < count; i++)
        p->values[i] = p->at[i] == SIZE_MAX ? NULL : p->bytes.ptr + p->at[i];
    return 0;
}

/* ---- COPY ---- */

static void field_binary(struct buf *out, const struct pg_arg *a);

/* Appends the value's bytes in its type's binary form, without the length before them. */
static void value_binary(struct buf *out, const struct pg_arg *a)
{
    uint64_t bits;
    switch (a->kind) {
    case PG_KIND_I64: add64(out, (uint64_t)a->i64); break;
    case PG_KIND_I32: add32(out, (uint32_t)a->i64); break;
    case PG_KIND_F64:
        memcpy(&bits, &a->f64, sizeof(bits));
        add64(out, bits);
        break;
    case PG_KIND_BOOL: buf_byte(out, a->i64 ? 1 : 0); break;
    case PG_KIND_TIME: add64(out, (uint64_t)((a->i64 - EPOCH_2000_MS) * 1000)); break;
    case PG_KIND_BYTES: buf_add(out, a->text.ptr, a->text.len); break;
    case PG_KIND_JSON:
        buf_byte(out, 1); /* jsonb's version */
        pg_text_clean(out, a->text);
        break;
    case PG_KIND_HALFVEC: halfvec_binary(out, a->items, a->item_count); break;
    case PG_KIND_I64_ARRAY:
    case PG_KIND_TEXT_ARRAY:
        add32(out, a->item_count > 0); /* dimensions */
        add32(out, 0);                 /* no nulls */
        add32(out, a->kind == PG_KIND_I64_ARRAY ? OID_INT8 : OID_TEXT);
        if (a->item_count > 0) {
            add32(out, (uint32_t)a->item_count);
            add32(out, 1); /* index of the first */
        }
        for (size_t i = 0; i < a->item_count; i++) {
            if (a->kind == PG_KIND_I64_ARRAY) {
                add32(out, 8);
                add64(out, (uint64_t)((const int64_t *)a->items)[i]);
            } else {
                struct pg_arg item = PG_TEXT(((const struct str *)a->items)[i]);
                field_binary(out, &item);
            }
        }
        break;
    default: pg_text_clean(out, a->text);
    }
}

static void field_binary(struct buf *out, const struct pg_arg *a)
{
    size_t at = out->len;
    add32(out, 0);
    value_binary(out, a);
    if (out->failed)
        return;
    uint32_t len = htobe32((uint32_t)(out->len - at - 4));
    memcpy(out->ptr + at, &len, sizeof(len));
}

void pg_copy_head(struct buf *out, bool binary)
{
    if (!binary)
        return;
    buf_add(out, "PGCOPY\n\377\r\n\0", 11);
    add32(out, 0); /* flags */
    add32(out, 0); /* no header extension */
}

void pg_copy_row(struct buf *out, bool binary, const struct pg_arg *args, size_t count)
{
    if (binary)
        add16(out, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        if (binary) {
            if (is_null(&args[i]))
                add32(out, UINT32_MAX);
            else
                field_binary(out, &args[i]);
            continue;
        }
        if (i)
            buf_byte(out, '\t');
        if (is_null(&args[i])) {
            buf_text(out, "\\N");
            continue;
        }
        /* A backslash before the byte itself is read as that byte, tabs and line ends included. */
        struct buf value = BUF_INIT(0);
        value_text(&value, &args[i]);
        escaped(out, buf_view(&value), "\\\t\n\r");
        buf_done(&value);
    }
    if (!binary)
        buf_byte(out, '\n');
}

void pg_copy_tail(struct buf *out, bool binary)
{
    if (binary)
        add16(out, UINT16_MAX);
}
