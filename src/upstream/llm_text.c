/*
 * Text of models and of their failures.
 *
 * Half characters: byte-fallback models send a Hangul syllable in pieces, each inside its own JSON string,
 * which is then not valid UTF-8. Such bytes are carried through the JSON parser as private code points
 * (U+10FF80..U+10FFFF), turned back into bytes, and held until the character is whole.
 * Error texts: every shape seen at HTTP 200 or after it (llm-apis §5.2). JSON: an object is found inside
 * fences or prose, never repaired. Prices: llm-apis §1.2.
 * Invariant: what llm_delta_take gives is valid UTF-8.
 */
#include "upstream/llm_vendor.h"

#include <string.h>
#include <strings.h>

#define ESCAPE_BASE 0x10FF00u
#define UNWRAP_COUNT_MAX 2

/* ---- half characters ---- */

static bool is_continuation(struct str s, size_t at)
{
    return at < s.len && ((unsigned char)s.ptr[at] & 0xC0) == 0x80;
}

void llm_data_escape(struct buf *out, struct str data)
{
    struct str rest = data;
    while (rest.len > 0) {
        uint32_t code;
        size_t used = str_decode(rest, &code);
        unsigned char byte = (unsigned char)rest.ptr[0];
        if (used == 1 && byte >= 0x80) { /* U+10FF00 + byte, as four bytes of UTF-8 */
            uint32_t c = ESCAPE_BASE + byte;
            const char utf8[4] = {(char)0xF4, (char)(0x80 | ((c >> 12) & 0x3F)),
                                  (char)(0x80 | ((c >> 6) & 0x3F)), (char)(0x80 | (c & 0x3F))};
            buf_add(out, utf8, sizeof(utf8));
        } else {
            buf_add(out, rest.ptr, used);
        }
        rest = str_sub(rest, used, rest.len - used);
    }
}

void llm_delta_add(struct buf *held, struct str delta)
{
    if (delta.len == 0 ||
        !memchr(delta.ptr, 0xF4, delta.len)) { /* no private code point begins otherwise */
        buf_str(held, delta);
        return;
    }
    struct str rest = delta;
    while (rest.len > 0) {
        uint32_t code;
        size_t used = str_decode(rest, &code);
        if (used == 4 && code >= ESCAPE_BASE + 0x80 && code <= ESCAPE_BASE + 0xFF)
            buf_byte(held, (char)(unsigned char)(code - ESCAPE_BASE));
        else
            buf_add(held, rest.ptr, used);
        rest = str_sub(rest, used, rest.len - used);
    }
}

size_t llm_delta_take(struct buf *held, struct buf *out, bool last)
{
    struct str all = buf_view(held);
    size_t whole = last ? all.len : all.len - str_utf8_tail(all);
    struct str rest = str_sub(all, 0, whole);
    buf_clear(out);
    if (str_is_utf8(rest)) { /* nearly always */
        buf_str(out, rest);
        rest = STR_NONE;
    }
    while (rest.len > 0) {
        uint32_t code;
        size_t used = str_decode(rest, &code);
        if (used == 1 && (unsigned char)rest.ptr[0] >= 0x80) {
            while (is_continuation(rest, used)) /* one mark for one broken character */
                used++;
            buf_text(out, "\xEF\xBF\xBD");
        } else {
            buf_add(out, rest.ptr, used);
        }
        rest = str_sub(rest, used, rest.len - used);
    }
    buf_drop(held, whole);
    return out->len;
}

/* ---- failures ---- */

struct str llm_error_text(struct json v)
{
    static const char *const paths[] = {"error.message", "error",         "status.message",
                                        "message",       "error_message", "detail"};
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        struct str text = str_trim(json_str(json_path(v, paths[i])));
        if (text.len > 0)
            return text;
    }
    return STR_NONE;
}

static bool is_truthy(struct json v)
{
    if (json_is_null(v) || (json_is_bool(v) && !json_bool(v, false)))
        return false;
    return !(json_is_str(v) && json_str(v).len == 0);
}

bool llm_is_error(struct json v)
{
    if (is_truthy(json_get(v, "error")) || is_truthy(json_get(v, "error_message")) ||
        is_truthy(json_get(v, "error_type")) ||
        str_eq(json_str(json_get(v, "object")), STR("error")))
        return true;
    struct json code = json_path(v, "status.code");
    if (!json_is_obj(json_get(v, "status")) || json_is_null(code))
        return false;
    return !str_eq(json_str(code), STR("20000")) && json_i64(code, 0) != 20000;
}

/* ---- JSON inside an answer ---- */

static struct str without_fence(struct str s)
{
    s = str_trim(s);
    if (!str_starts(s, STR("```")))
        return s;
    size_t line = str_find(s, STR("\n"), 0);
    size_t body = line == SIZE_MAX ? 3 : line + 1;
    s = str_trim(str_sub(s, body, s.len - body));
    if (str_ends(s, STR("```")))
        s = str_trim(str_sub(s, 0, s.len - 3));
    return s;
}

/* From the first brace to the last: for objects with words before or after them. */
static struct str braces_of(struct str s)
{
    size_t from = str_find(s, STR("{"), 0);
    size_t to = s.len;
    while (to > 0 && s.ptr[to - 1] != '}')
        to--;
    return from == SIZE_MAX || to <= from ? STR_NONE : str_sub(s, from, to - from);
}

int llm_json_extract(struct arena *a, struct str text, struct json *ret_value, struct err *err)
{
    struct str rest = text;
    struct err reason = {.code = 0};
    if (str_starts(rest, STR("\xEF\xBB\xBF")))
        rest = str_sub(rest, 3, rest.len - 3);
    for (int unwrapped = 0; unwrapped <= UNWRAP_COUNT_MAX; unwrapped++) {
        struct json v;
        rest = without_fence(rest);
        int r = json_parse(a, rest, &v, &reason);
        if (r < 0) {
            struct str inner = braces_of(rest);
            if (inner.len == 0 || json_parse(a, inner, &v, &reason) < 0)
                return err_set(err, E_MODEL, "not a JSON object: %s", reason.msg);
        }
        if (json_is_obj(v)) {
            *ret_value = v;
            return 0;
        }
        if (!json_is_str(v))
            break;
        rest = json_str(v);
    }
    return err_set(err, E_MODEL, "the answer is JSON, but not an object");
}

/* ---- prices and estimates ---- */

double llm_cost_krw(const char *model, int64_t prompt_tokens, int64_t completion_tokens)
{
    static const struct {
        const char *model;
        double input, output; /* KRW per 1,000 tokens, without VAT */
    } prices[] = {{"HCX-005", 1.25, 5},
                  {"HCX-007", 1.25, 5},
                  {"HCX-DASH-002", 0.25, 1},
                  {"HCX-003", 5, 5},
                  {"HCX-DASH-001", 1, 1}};
    for (size_t i = 0; i < ARRAY_COUNT(prices); i++)
        if (model && strcasecmp(model, prices[i].model) == 0)
            return ((double)prompt_tokens * prices[i].input +
                    (double)completion_tokens * prices[i].output) /
                   1000;
    return 0;
}

int64_t llm_token_estimate(struct str text)
{
    return MAX((int64_t)(text.len / 4), 1);
}

int64_t llm_prompt_estimate(const struct llm_message *messages, size_t count)
{
    int64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += llm_token_estimate(messages[i].text) + 15;
    return total;
}

struct str llm_finish_reason(struct str word)
{
    static const struct {
        struct str word, reason;
    } reasons[] = {{STR("stop"), STR("stop")},
                   {STR("end_token"), STR("stop")},
                   {STR("stop_before"), STR("stop")},
                   {STR("end_turn"), STR("stop")},
                   {STR("length"), STR("length")},
                   {STR("max_tokens"), STR("length")},
                   {STR("tool_calls"), STR("tool_calls")},
                   {STR("content_filter"), STR("content_filter")}};
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++)
        if (str_eq_nocase(word, reasons[i].word))
            return reasons[i].reason;
    return word.len > 0 ? STR("other") : STR_NONE;
}

bool llm_messages_cut(struct arena *a, struct llm_message *messages, size_t count)
{
    struct llm_message *longest = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(messages[i].role, "system") != 0 &&
            (!longest || messages[i].text.len > longest->text.len))
            longest = &messages[i];
    if (!longest || longest->text.len < 1024)
        return false;
    struct str text = longest->text;
    struct str head = str_cut_utf8(text, text.len / 4);
    size_t from = text.len - text.len / 4;
    while (is_continuation(text, from))
        from++;
    struct str tail = str_sub(text, from, text.len - from);
    longest->text = arena_printf(a, "%.*s\n…\n%.*s", STR_ARG(head), STR_ARG(tail));
    return true;
}

static void message_write(struct jw *w, const char *role, struct str text)
{
    jw_obj(w, NULL);
    jw_text(w, "role", role);
    jw_str(w, "content", text);
    jw_end_obj(w);
}

void llm_messages_write(struct jw *w, const struct llm_message *messages, size_t count)
{
    struct buf system = BUF_INIT(0);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(messages[i].role, "system") != 0 || messages[i].text.len == 0)
            continue;
        if (system.len > 0)
            buf_text(&system, "\n\n");
        buf_str(&system, messages[i].text);
    }
    jw_arr(w, "messages");
    if (system.len > 0)
        message_write(w, "system", buf_view(&system));
    for (size_t i = 0; i < count; i++)
        if (strcmp(messages[i].role, "system") != 0)
            message_write(w, messages[i].role, messages[i].text);
    jw_end_arr(w);
    buf_done(&system);
}
