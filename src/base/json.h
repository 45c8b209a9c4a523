#pragma once
/*
 * JSON: reading by a thin skin over yyjson (the only place that sees it), writing by a streaming
 * writer into a buf, which needs no tree.
 *
 * Read:  struct json v; r = json_parse(&f->arena, text, &v, &f->err);
 *        struct str subject = json_str(json_get(v, "subject"));
 * Every getter takes a missing or wrongly typed value and gives an empty result, so that a foreign
 * document can be walked without checks; ask json_is_* where the difference matters.
 * Limits: depth 64 (deeper is E_JSON), size as the caller capped the text. Invalid UTF-8 is E_JSON.
 * Members of one name: the first wins. Numbers are doubles or 64-bit integers; NaN, infinities and what
 * would overflow a double are E_JSON.
 * Ownership: values and strings live in the arena given to json_parse.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct json {
    void *val; /* yyjson_val; NULL when missing */
};
#define JSON_NONE ((struct json){NULL})

/* The whole text is one JSON value (white space around it allowed). `text` is copied. */
int json_parse(struct arena *a, struct str text, struct json *ret_value, struct err *err)
    _must_check_;
/* For what peers send: text that strict JSON forbids (half a surrogate pair, bytes that are no UTF-8, raw control
 * characters in strings, a byte order mark) reads as U+FFFD, as what was meant, or not at all. Broken grammar
 * stays E_JSON. Costs a copy only then. */
int json_parse_lax(struct arena *a, struct str text, struct json *ret_value, struct err *err)
    _must_check_;

/* Member of an object; missing, null or not an object: JSON_NONE for missing, the null otherwise. */
struct json json_get(struct json v, const char *key);
struct json json_get_str(struct json v, struct str key);
/* Nested members: json_path(v, "result.message.content"); numbers index arrays: "choices.0.delta". */
struct json json_path(struct json v, const char *path);

bool json_exists(struct json v);  /* present, null included */
bool json_is_null(struct json v); /* present and null, or missing */
bool json_is_obj(struct json v);
bool json_is_arr(struct json v);
bool json_is_str(struct json v);
bool json_is_num(struct json v);
bool json_is_int(struct json v); /* a number without fraction that fits int64 */
bool json_is_bool(struct json v);

struct str json_str(struct json v);                 /* "" unless a string */
int64_t json_i64(struct json v, int64_t otherwise); /* numbers; 3.0 is 3; "12" is not a number */
double json_f64(struct json v, double otherwise);
bool json_bool(struct json v, bool otherwise);

size_t json_count(struct json v); /* items of an array or members of an object, else 0 */

/* for (struct json_iter it = json_iter(v); json_next(&it);) use it.key (objects), it.value */
struct json_iter {
    struct str key; /* empty for arrays */
    struct json value;
    size_t index;
    struct json of;
    void *pos; /* private */
};
struct json_iter json_iter(struct json v);
bool json_next(struct json_iter *it);

/* Appends v as compact JSON. */
void json_write(struct buf *out, struct json v);
/* Copies an array of numbers to floats; returns how many it has, or -1 when it is not an array of
 * numbers or has more than `count_max`. */
int json_floats(struct json v, float *ret_values, size_t count_max);

/* ---- writing ---- */

/* Commas and escapes are the writer's business. Values: jw_*(w, key, value) inside an object,
 * key NULL inside an array or at the top. Bad UTF-8 is replaced by U+FFFD. Numbers that JSON cannot
 * hold (NaN, infinities) become null. Nesting over 32 asserts: our mistake. */
struct jw {
    struct buf *out;
    uint32_t depth;
    uint32_t has_items; /* bit per depth */
};
#define JW_INIT(buf_ptr)                                                                           \
    {                                                                                              \
        .out = (buf_ptr)                                                                           \
    }
void jw_obj(struct jw *w, const char *key);
void jw_arr(struct jw *w, const char *key);
void jw_end_obj(struct jw *w);
void jw_end_arr(struct jw *w);
void jw_str(struct jw *w, const char *key, struct str value);
void jw_text(struct jw *w, const char *key, const char *value); /* NULL becomes null */
void jw_fmt(struct jw *w, const char *key, const char *fmt, ...) _printf_(3, 4);
void jw_i64(struct jw *w, const char *key, int64_t value);
/* decimals < 0: as few digits as read back to the same number. */
void jw_f64(struct jw *w, const char *key, double value, int decimals);
void jw_bool(struct jw *w, const char *key, bool value);
void jw_null(struct jw *w, const char *key);
void jw_json(struct jw *w, const char *key, struct json value); /* null when missing */
void jw_raw(struct jw *w, const char *key, struct str json); /* already JSON; the caller's word */
/* A str that is null when empty. */
void jw_str_or_null(struct jw *w, const char *key, struct str value);

/* Appends `s` as a JSON string with its quotes. */
void json_quote(struct buf *out, struct str s);
