/*
 * The subset of JSON schema that answers of models are checked against.
 *
 * Happy path: type (one or several), properties, required, additionalProperties false, items, enum, const,
 * anyOf, oneOf, minimum, maximum, minItems, maxItems, minLength, maxLength. Every fault becomes one line in
 * Korean, "$.steps[2].text: ...", since the lines go back to a Korean model when it is asked again.
 * Unknown words are passed over. A required member that may be null may also be missing: readers of JSON here
 * see no difference, and CLOVA's schema mode cannot express it.
 * llm_schema_reduce writes the part CLOVA's schema mode takes (llm-apis §9.1).
 * Invariant: recursion follows the schema's depth, which json_parse caps at 64; at most 20 faults are told.
 */
#include "upstream/llm_vendor.h"

#include <stdarg.h>
#include <stdio.h>

#define FAULT_COUNT_MAX 20

struct check {
    struct buf *faults;
    size_t fault_count;
    struct buf path;
};

static void fault(struct check *c, const char *fmt, ...) _printf_(2, 3);
static void fault(struct check *c, const char *fmt, ...)
{
    char text[200];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (c->fault_count++ >= FAULT_COUNT_MAX || len < 0 || !c->faults)
        return;
    buf_text(c->faults, "$");
    buf_str(c->faults, buf_view(&c->path));
    buf_text(c->faults, ": ");
    buf_str(c->faults, str_cut_utf8(str_from(text), sizeof(text) - 1));
    buf_byte(c->faults, '\n');
}

static bool value_is(struct json v, struct str type)
{
    if (str_eq(type, STR("object")))
        return json_is_obj(v);
    if (str_eq(type, STR("array")))
        return json_is_arr(v);
    if (str_eq(type, STR("string")))
        return json_is_str(v);
    if (str_eq(type, STR("integer")))
        return json_is_int(v);
    if (str_eq(type, STR("number")))
        return json_is_num(v);
    if (str_eq(type, STR("boolean")))
        return json_is_bool(v);
    if (str_eq(type, STR("null")))
        return json_is_null(v);
    return true; /* a word we do not know excludes nothing */
}

static bool values_equal(struct json a, struct json b)
{
    struct buf x = BUF_INIT(65536), y = BUF_INIT(65536);
    json_write(&x, a);
    json_write(&y, b);
    bool same = (!x.failed && !y.failed && str_eq(buf_view(&x), buf_view(&y))) ||
                (json_is_num(a) && json_is_num(b) && json_f64(a, 0) == json_f64(b, 1));
    buf_done(&x);
    buf_done(&y);
    return same;
}

static bool type_allows(struct json schema, struct json v)
{
    struct json type = json_get(schema, "type");
    if (json_is_str(type))
        return value_is(v, json_str(type));
    if (!json_is_arr(type))
        return true;
    for (struct json_iter it = json_iter(type); json_next(&it);)
        if (value_is(v, json_str(it.value)))
            return true;
    return false;
}

/* True when null fits: such a member may be missing. */
static bool allows_null(struct json schema)
{
    struct json type = json_get(schema, "type");
    if (str_eq(json_str(type), STR("null")))
        return true;
    for (struct json_iter it = json_iter(type); json_is_arr(type) && json_next(&it);)
        if (str_eq(json_str(it.value), STR("null")))
            return true;
    for (struct json_iter it = json_iter(json_get(schema, "anyOf")); json_next(&it);)
        if (allows_null(it.value))
            return true;
    for (struct json_iter it = json_iter(json_get(schema, "oneOf")); json_next(&it);)
        if (allows_null(it.value))
            return true;
    return json_bool(json_get(schema, "nullable"), false);
}

static void check_value(struct check *c, struct json schema, struct json v);

static void path_key(struct check *c, struct str key)
{
    buf_byte(&c->path, '.');
    buf_str(&c->path, str_cut_utf8(key, 60));
}

static void path_back(struct check *c, size_t len)
{
    c->path.len = len;
    if (c->path.ptr)
        c->path.ptr[len] = '\0';
}

static void check_object(struct check *c, struct json schema, struct json v)
{
    struct json properties = json_get(schema, "properties");
    size_t len = c->path.len;
    for (struct json_iter it = json_iter(json_get(schema, "required")); json_next(&it);) {
        struct str key = json_str(it.value);
        if (json_exists(json_get_str(v, key)) || allows_null(json_get_str(properties, key)))
            continue;
        path_key(c, key);
        fault(c, "필수 항목이 없습니다.");
        path_back(c, len);
    }
    struct json extra = json_get(schema, "additionalProperties");
    bool closed = json_is_bool(extra) && !json_bool(extra, true);
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        struct json inner = json_get_str(properties, it.key);
        path_key(c, it.key);
        if (json_exists(inner))
            check_value(c, inner, it.value);
        else if (closed)
            fault(c, "정의되지 않은 항목입니다.");
        path_back(c, len);
    }
}

static void check_array(struct check *c, struct json schema, struct json v)
{
    int64_t count = (int64_t)json_count(v);
    struct json items = json_get(schema, "items");
    size_t len = c->path.len;
    if (count < json_i64(json_get(schema, "minItems"), 0))
        fault(c, "항목이 %lld개보다 적습니다.",
              (long long)json_i64(json_get(schema, "minItems"), 0));
    if (count > json_i64(json_get(schema, "maxItems"), INT64_MAX))
        fault(c, "항목이 %lld개보다 많습니다.",
              (long long)json_i64(json_get(schema, "maxItems"), 0));
    for (struct json_iter it = json_iter(v); json_is_obj(items) && json_next(&it);) {
        buf_printf(&c->path, "[%zu]", it.index);
        check_value(c, items, it.value);
        path_back(c, len);
    }
}

static void check_scalar(struct check *c, struct json schema, struct json v)
{
    if (json_is_num(v)) {
        double n = json_f64(v, 0);
        if (n < json_f64(json_get(schema, "minimum"), n))
            fault(c, "값이 %g보다 작습니다.", json_f64(json_get(schema, "minimum"), 0));
        if (n > json_f64(json_get(schema, "maximum"), n))
            fault(c, "값이 %g보다 큽니다.", json_f64(json_get(schema, "maximum"), 0));
    } else if (json_is_str(v)) {
        int64_t length = (int64_t)str_code_points(json_str(v));
        if (length < json_i64(json_get(schema, "minLength"), 0))
            fault(c, "글자 수가 너무 적습니다.");
        if (length > json_i64(json_get(schema, "maxLength"), INT64_MAX))
            fault(c, "글자 수가 너무 많습니다.");
    }
}

static void check_enum(struct check *c, struct json schema, struct json v)
{
    struct json allowed = json_get(schema, "enum");
    struct json only = json_get(schema, "const");
    if (json_exists(only) && !values_equal(only, v))
        fault(c, "정해진 값이 아닙니다.");
    if (!json_is_arr(allowed))
        return;
    for (struct json_iter it = json_iter(allowed); json_next(&it);)
        if (values_equal(it.value, v))
            return;
    struct buf list = BUF_INIT(150);
    json_write(&list, allowed);
    fault(c, "허용된 값이 아닙니다. 허용: %.*s", STR_ARG(str_cut_utf8(buf_view(&list), 120)));
    buf_done(&list);
}

/* anyOf: one must fit; oneOf is read the same way (exactly one is not asked of a model). */
static void check_choice(struct check *c, struct json choices, struct json v)
{
    if (!json_is_arr(choices) || json_count(choices) == 0)
        return;
    for (struct json_iter it = json_iter(choices); json_next(&it);) {
        struct check trial = {.faults = NULL};
        check_value(&trial, it.value, v);
        buf_done(&trial.path);
        if (trial.fault_count == 0)
            return;
    }
    fault(c, "허용된 형식 가운데 어느 것에도 맞지 않습니다.");
}

static void check_value(struct check *c, struct json schema, struct json v)
{
    if (!json_is_obj(schema))
        return;
    if (json_is_null(v) && json_bool(json_get(schema, "nullable"), false))
        return;
    if (!type_allows(schema, v)) {
        struct buf want = BUF_INIT(100);
        json_write(&want, json_get(schema, "type"));
        fault(c, "형식이 다릅니다. 필요한 형식: %.*s", STR_ARG(str_cut_utf8(buf_view(&want), 90)));
        buf_done(&want);
        return;
    }
    check_enum(c, schema, v);
    check_choice(c, json_get(schema, "anyOf"), v);
    check_choice(c, json_get(schema, "oneOf"), v);
    if (json_is_obj(v))
        check_object(c, schema, v);
    else if (json_is_arr(v))
        check_array(c, schema, v);
    else
        check_scalar(c, schema, v);
}

bool llm_schema_check(struct str schema, struct json v, struct arena *a, struct buf *ret_faults)
{
    struct json rules;
    struct err ignored;
    struct check c = {.faults = ret_faults};
    if (schema.len > 0) {
        if (json_parse(a, schema, &rules, &ignored) < 0) {
            fault(&c, "스키마를 읽을 수 없습니다.");
            return false;
        }
        check_value(&c, rules, v);
    } else if (!json_is_obj(v)) {
        fault(&c, "JSON 객체가 아닙니다.");
    }
    buf_done(&c.path);
    return c.fault_count == 0;
}

/* ---- the part that CLOVA takes ---- */

static void reduce(struct jw *w, const char *key, struct json schema);

static void reduce_type(struct jw *w, struct json type)
{
    if (json_is_str(type))
        jw_json(w, "type", type);
    for (struct json_iter it = json_iter(type); json_is_arr(type) && json_next(&it);)
        if (!str_eq(json_str(it.value), STR("null"))) {
            jw_json(w, "type", it.value);
            return;
        }
}

static void reduce_properties(struct jw *w, struct json schema)
{
    struct json properties = json_get(schema, "properties");
    if (!json_is_obj(properties))
        return;
    jw_obj(w, "properties");
    for (struct json_iter it = json_iter(properties); json_next(&it);) {
        char name[256];
        snprintf(name, sizeof(name), "%.*s", STR_ARG(it.key));
        reduce(w, name, it.value);
    }
    jw_end_obj(w);
    struct json required = json_get(schema, "required");
    if (!json_is_arr(required))
        return;
    jw_arr(w, "required");
    for (struct json_iter it = json_iter(required); json_next(&it);)
        if (!allows_null(json_get_str(properties, json_str(it.value))))
            jw_json(w, NULL, it.value);
    jw_end_arr(w);
}

static void reduce_list(struct jw *w, const char *key, struct json list)
{
    if (!json_is_arr(list))
        return;
    jw_arr(w, key);
    for (struct json_iter it = json_iter(list); json_next(&it);)
        if (!str_eq(json_str(json_get(it.value, "type")), STR("null")))
            reduce(w, NULL, it.value);
    jw_end_arr(w);
}

static void reduce_enum(struct jw *w, struct json schema)
{
    struct json allowed = json_get(schema, "enum");
    if (json_is_arr(allowed)) {
        jw_arr(w, "enum");
        for (struct json_iter it = json_iter(allowed); json_next(&it);)
            if (!json_is_null(it.value))
                jw_json(w, NULL, it.value);
        jw_end_arr(w);
    } else if (json_exists(json_get(schema, "const"))) {
        jw_arr(w, "enum");
        jw_json(w, NULL, json_get(schema, "const"));
        jw_end_arr(w);
    }
}

static void reduce(struct jw *w, const char *key, struct json schema)
{
    static const char *const plain[] = {"format", "minimum", "maximum", "minItems", "maxItems"};
    jw_obj(w, key);
    reduce_type(w, json_get(schema, "type"));
    for (size_t i = 0; i < ARRAY_COUNT(plain); i++)
        if (!json_is_null(json_get(schema, plain[i])))
            jw_json(w, plain[i], json_get(schema, plain[i]));
    reduce_enum(w, schema);
    reduce_properties(w, schema);
    if (json_is_obj(json_get(schema, "items")))
        reduce(w, "items", json_get(schema, "items"));
    reduce_list(w, "anyOf", json_get(schema, "anyOf"));
    if (!json_is_arr(json_get(schema, "anyOf")))
        reduce_list(w, "anyOf", json_get(schema, "oneOf"));
    jw_end_obj(w);
}

void llm_schema_reduce(struct buf *out, struct json schema)
{
    struct jw w = JW_INIT(out);
    reduce(&w, NULL, schema);
}
