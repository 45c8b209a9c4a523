/*
 * api/input.c: path, query and body of a request, checked field by field.
 *
 * The happy path: a getter finds its value, converts it and returns it. A value that cannot be converted
 * becomes one more item of `faults` and the getter returns its default, so that a handler reads all its
 * fields and asks once whether anything was wrong.
 *
 *   {"detail":[{"type":"int_parsing","loc":["query","limit"],"msg":"Input should be ...","input":"x"}]}
 *
 * Fails by: nothing; faults are data. Invariant: `input` repeats at most ECHO_BYTES_MAX of what was sent.
 * Source: legacy-contracts §1.1 and §2.1; pydantic 2 error types.
 */
#include "api/input.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define ECHO_BYTES_MAX 4096

enum place { IN_PATH, IN_QUERY, IN_BODY };
static const char *const place_names[] = {"path", "query", "body"};

void input_begin(struct input *in, struct flow *f, const struct http_exchange *x)
{
    *in = (struct input){.flow = f, .exchange = x, .request = http_request_of(x)};
    in->faults = arena_buf(&f->arena, 0);
    in->writer = (struct jw)JW_INIT(in->faults);
    jw_obj(&in->writer, NULL);
    jw_arr(&in->writer, "detail");
}

bool input_is_bad(const struct input *in)
{
    return in->fault_count > 0;
}

int input_refuse(struct flow *f, struct http_exchange *x, struct input *in)
{
    jw_end_arr(&in->writer);
    jw_end_obj(&in->writer);
    return http_answer_json(f, x, 422, buf_view(in->faults));
}

/* ---- faults ---- */

struct fault {
    const char *type, *msg;
    enum place place;
    const char *name;     /* NULL: the body as a whole */
    int64_t index;        /* of a list's item; < 0: none */
    struct str input;     /* JSON */
    const char *ctx_name; /* NULL: none */
    int64_t ctx_value;
};

static void add(struct input *in, const struct fault *fault)
{
    struct jw *w = &in->writer;
    in->fault_count++;
    jw_obj(w, NULL);
    jw_text(w, "type", fault->type);
    jw_arr(w, "loc");
    jw_text(w, NULL, place_names[fault->place]);
    if (fault->name != NULL)
        jw_text(w, NULL, fault->name);
    if (fault->index >= 0)
        jw_i64(w, NULL, fault->index);
    jw_end_arr(w);
    jw_text(w, "msg", fault->msg);
    jw_raw(w, "input", fault->input.len > ECHO_BYTES_MAX ? STR("null") : fault->input);
    if (fault->ctx_name != NULL) {
        jw_obj(w, "ctx");
        jw_i64(w, fault->ctx_name, fault->ctx_value);
        jw_end_obj(w);
    }
    jw_end_obj(w);
}

/* JSON of a value, for echoing. */
static struct str echo(struct input *in, struct json v)
{
    struct buf *out = arena_buf(&in->flow->arena, 0);
    if (json_exists(v))
        json_write(out, v);
    else
        buf_text(out, "null");
    return buf_view(out);
}

static struct str echo_text(struct input *in, struct str text)
{
    struct buf *out = arena_buf(&in->flow->arena, 0);
    json_quote(out, text);
    return buf_view(out);
}

static void add_value(struct input *in, const char *name, struct json v, const char *type,
                      const char *msg)
{
    add(in, &(struct fault){.type = type,
                            .msg = msg,
                            .place = IN_BODY,
                            .name = name,
                            .index = -1,
                            .input = echo(in, v)});
}

/* ---- conversions, as pydantic's lax mode does them ---- */

static bool word_in(struct str word, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (str_eq_nocase(word, str_from(*words)))
            return true;
    }
    return false;
}

static bool text_to_bool(struct str text, bool *ret_value)
{
    static const char *const yes[] = {"true", "1", "yes", "on", "t", "y", NULL};
    static const char *const no[] = {"false", "0", "no", "off", "f", "n", NULL};
    bool is_yes = word_in(text, yes);
    if (!is_yes && !word_in(text, no))
        return false;
    *ret_value = is_yes;
    return true;
}

enum int_result { INT_GOOD, INT_JUNK, INT_TOO_LARGE };

static enum int_result text_to_int(struct str text, int64_t *ret_value)
{
    text = str_trim(text);
    if (text.len > 1 && text.ptr[0] == '+' && text.ptr[1] != '-')
        text = str_sub(text, 1, SIZE_MAX);
    if (str_to_i64(text, ret_value))
        return INT_GOOD;
    size_t digits = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    for (size_t i = digits; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return INT_JUNK;
    }
    return text.len > digits ? INT_TOO_LARGE : INT_JUNK;
}

static const char msg_int_parsing[] =
    "Input should be a valid integer, unable to parse string as an integer";
static const char msg_int_size[] =
    "Unable to parse input string as an integer, exceeded maximum size";

/* A text in the path or query that must be an integer. */
static bool int_at(struct input *in, enum place place, const char *name, struct str text,
                   int64_t *ret_value)
{
    enum int_result result = text_to_int(text, ret_value);
    if (result == INT_GOOD)
        return true;
    bool large = result == INT_TOO_LARGE;
    add(in, &(struct fault){.type = large ? "int_parsing_size" : "int_parsing",
                            .msg = large ? msg_int_size : msg_int_parsing,
                            .place = place,
                            .name = name,
                            .index = -1,
                            .input = echo_text(in, text)});
    return false;
}

/* ---- path and query ---- */

int64_t input_path_id(struct input *in, const char *name)
{
    int64_t value = 0;
    return int_at(in, IN_PATH, name, http_param(in->exchange, name), &value) ? value : 0;
}

bool input_query_bool(struct input *in, const char *name, bool otherwise)
{
    struct str text;
    if (!http_query(&in->flow->arena, in->request, name, &text))
        return otherwise;
    bool value = otherwise;
    if (!text_to_bool(text, &value))
        add(in, &(struct fault){.type = "bool_parsing",
                                .msg = "Input should be a valid boolean, unable to interpret input",
                                .place = IN_QUERY,
                                .name = name,
                                .index = -1,
                                .input = echo_text(in, text)});
    return value;
}

int64_t input_query_int(struct input *in, const char *name, int64_t otherwise, int64_t min,
                        int64_t max)
{
    struct str text;
    if (!http_query(&in->flow->arena, in->request, name, &text))
        return otherwise;
    int64_t value = otherwise;
    if (!int_at(in, IN_QUERY, name, text, &value) || (value >= min && value <= max))
        return value;
    bool low = value < min;
    char msg[96];
    snprintf(msg, sizeof(msg), "Input should be %s than or equal to %" PRId64,
             low ? "greater" : "less", low ? min : max);
    add(in, &(struct fault){.type = low ? "greater_than_equal" : "less_than_equal",
                            .msg = msg,
                            .place = IN_QUERY,
                            .name = name,
                            .index = -1,
                            .input = echo_text(in, text),
                            .ctx_name = low ? "ge" : "le",
                            .ctx_value = low ? min : max});
    return otherwise;
}

struct str input_query_text(struct input *in, const char *name)
{
    struct str text;
    return http_query(&in->flow->arena, in->request, name, &text) ? text : STR("");
}

/* ---- body ---- */

/* What Python's json module would say about the text at the place where it broke. */
static const char *json_complaint(struct str text, size_t at)
{
    size_t i = MIN(at, text.len);
    while (i > 0 && strchr(" \t\r\n", text.ptr[i - 1]) != NULL)
        i--;
    char before = i > 0 ? text.ptr[i - 1] : '\0';
    if (before == '{')
        return "Expecting property name enclosed in double quotes";
    if (before == '\0' || before == ':' || before == '[' || before == ',')
        return "Expecting value";
    return at >= text.len ? "Expecting ',' delimiter" : "Extra data";
}

static void add_broken(struct input *in, const char *why)
{
    const char *number = strstr(why, "at byte ");
    int64_t at = 0;
    if (number == NULL || !str_to_i64(str_from(number + strlen("at byte ")), &at) || at < 0)
        at = 0;
    struct jw *w = &in->writer;
    in->fault_count++;
    jw_obj(w, NULL);
    jw_text(w, "type", "json_invalid");
    jw_arr(w, "loc");
    jw_text(w, NULL, "body");
    jw_i64(w, NULL, at);
    jw_end_arr(w);
    jw_text(w, "msg", "JSON decode error");
    jw_raw(w, "input", STR("{}"));
    jw_obj(w, "ctx");
    jw_text(w, "error", json_complaint(in->request->body, (size_t)at));
    jw_end_obj(w);
    jw_end_obj(w);
}

void input_body(struct input *in, enum input_need need)
{
    struct json v;
    struct err err = {0};
    struct str body = in->request->body;
    if (str_starts(body, STR("\xEF\xBB\xBF"))) /* Python's reader takes it as well */
        body = str_sub(body, 3, body.len);
    if (str_trim(body).len == 0) {
        if (need == INPUT_REQUIRED)
            add_value(in, NULL, JSON_NONE, "missing", "Field required");
        return;
    }
    if (json_parse(&in->flow->arena, body, &v, &err) < 0) {
        add_broken(in, err.msg);
        return;
    }
    if (json_is_obj(v))
        in->body = v;
    else if (json_is_null(v) && need == INPUT_REQUIRED)
        add_value(in, NULL, JSON_NONE, "missing", "Field required");
    else if (!json_is_null(v))
        add_value(in, NULL, v, "model_attributes_type",
                  "Input should be a valid dictionary or object to extract fields from");
}

struct str input_text(struct input *in, const char *name, enum input_need need)
{
    struct json v = json_get(in->body, name);
    if (json_is_str(v))
        return json_str(v);
    if (json_exists(v) && (need == INPUT_REQUIRED || !json_is_null(v)))
        add_value(in, name, v, "string_type", "Input should be a valid string");
    else if (need == INPUT_REQUIRED && json_exists(in->body))
        add_value(in, name, in->body, "missing", "Field required");
    return STR("");
}

bool input_bool(struct input *in, const char *name, bool otherwise)
{
    struct json v = json_get(in->body, name);
    if (json_is_null(v))
        return otherwise;
    if (json_is_bool(v))
        return json_bool(v, otherwise);
    bool value = otherwise;
    double number = json_f64(v, -1);
    if (json_is_num(v) && (number == 0 || number == 1))
        return number == 1;
    if (json_is_str(v) && text_to_bool(json_str(v), &value))
        return value;
    bool scalar = json_is_str(v) || json_is_num(v);
    add_value(in, name, v, scalar ? "bool_parsing" : "bool_type",
              scalar ? "Input should be a valid boolean, unable to interpret input"
                     : "Input should be a valid boolean");
    return otherwise;
}

static bool int_from(struct input *in, const char *name, struct json v, int64_t *ret_value)
{
    if (json_is_int(v) || (json_is_num(v) && fabs(json_f64(v, 0)) < 9e18 &&
                           json_f64(v, 0) == floor(json_f64(v, 0)))) {
        *ret_value = json_i64(v, 0);
        return true;
    }
    if (json_is_bool(v)) {
        *ret_value = json_bool(v, false) ? 1 : 0;
        return true;
    }
    if (json_is_num(v)) {
        add_value(in, name, v, "int_from_float",
                  "Input should be a valid integer, got a number with a fractional part");
        return false;
    }
    if (!json_is_str(v)) {
        add_value(in, name, v, "int_type", "Input should be a valid integer");
        return false;
    }
    return int_at(in, IN_BODY, name, json_str(v), ret_value);
}

int64_t input_int(struct input *in, const char *name, int64_t otherwise)
{
    struct json v = json_get(in->body, name);
    int64_t value = otherwise;
    return json_is_null(v) || !int_from(in, name, v, &value) ? otherwise : value;
}

int64_t input_id(struct input *in, const char *name)
{
    struct json v = json_get(in->body, name);
    if (json_is_null(v) || (json_is_str(v) && str_trim(json_str(v)).len == 0))
        return 0;
    int64_t value = 0;
    return int_from(in, name, v, &value) ? value : 0;
}

struct json input_texts(struct input *in, const char *name)
{
    struct json v = json_get(in->body, name);
    if (json_is_null(v))
        return JSON_NONE;
    if (!json_is_arr(v)) {
        add_value(in, name, v, "list_type", "Input should be a valid list");
        return JSON_NONE;
    }
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        if (!json_is_str(it.value))
            add(in, &(struct fault){.type = "string_type",
                                    .msg = "Input should be a valid string",
                                    .place = IN_BODY,
                                    .name = name,
                                    .index = (int64_t)it.index,
                                    .input = echo(in, it.value)});
    }
    return v;
}
