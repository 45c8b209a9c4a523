/*
 * Reading what a refused answer says: its text for people and the wait it asks for.
 *
 * Bodies come in as many shapes as there are vendors; the order of account_error_text covers them
 * (llm-apis.md §5.2, freshdesk-api.md §8). What is no JSON is cut and cleaned; HTML pages of proxies are
 * only named. Nothing here fails.
 */
#include <math.h>

#include "base/json.h"
#include "base/wall.h"
#include "upstream/account.h"

enum { TEXT_BYTES_MAX = 160, WAIT_MS_MAX = 3600 * 1000 };

/* Control characters and runs of blanks become one blank, so that a log line stays one line. */
static void add_clean(struct buf *out, struct str text)
{
    bool is_blank = true;
    text = str_cut_utf8(str_trim(text), TEXT_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++) {
        bool is_space = (unsigned char)text.ptr[i] <= 0x20 || text.ptr[i] == 0x7f;
        if (!is_space || !is_blank)
            buf_byte(out, is_space ? ' ' : text.ptr[i]);
        is_blank = is_space;
    }
}

static struct str first_text(struct json v, const char *const paths[])
{
    for (size_t i = 0; paths[i]; i++) {
        struct str text = str_trim(json_str(json_path(v, paths[i])));
        if (text.len > 0)
            return text;
    }
    return STR_NONE;
}

/* Freshdesk's shape A: {"description":..., "errors":[{"field","message","code"}]} */
static bool add_description(struct buf *out, struct json v)
{
    struct str description = json_str(json_get(v, "description"));
    struct json first = json_path(v, "errors.0");
    struct str field = json_str(json_get(first, "field")),
               message = json_str(json_get(first, "message"));
    if (description.len == 0 && message.len == 0)
        return false;
    add_clean(out, description);
    if (message.len > 0) {
        buf_text(out, description.len ? ": " : "");
        add_clean(out, field);
        buf_text(out, field.len ? " " : "");
        add_clean(out, message);
    }
    return true;
}

static bool add_json(struct arena *a, struct str body, struct buf *out)
{
    static const char *const texts[] = {
        "error.message", "error", "status.message", "status.error", "message",
        "error_message", NULL};
    static const char *const codes[] = {"error.code", "status.code", "code", "errors.0.code", NULL};
    struct json v;
    struct err ignored;
    if (json_parse_lax(a, body, &v, &ignored) < 0)
        return false;
    if (json_is_arr(v))
        v = json_path(v, "0");
    struct str text = first_text(v, texts);
    if (text.len > 0)
        add_clean(out, text);
    else if (!add_description(out, v))
        return false;
    struct str code = first_text(v, codes);
    if (code.len > 0 && code.len <= 40) {
        buf_text(out, " (");
        add_clean(out, code);
        buf_text(out, ")");
    }
    return true;
}

void account_error_text(struct arena *a, struct str content_type, struct str body, struct buf *out)
{
    body = str_trim(body);
    if (body.len == 0) {
        buf_text(out, "no message");
    } else if (str_starts(body, STR("<")) || str_find(content_type, STR("html"), 0) != SIZE_MAX) {
        buf_text(out, "an HTML page");
    } else if (!add_json(a, body, out)) {
        if (str_is_utf8(body))
            add_clean(out, body);
        else
            buf_printf(out, "%zu bytes that are no text", body.len);
    }
}

static int64_t clamp_ms(double ms)
{
    if (!(ms > 0))
        return 0;
    return ms > WAIT_MS_MAX ? WAIT_MS_MAX : (int64_t)ceil(ms);
}

int64_t account_wait_ms(const struct web_reply *reply, int64_t wall_now_ms)
{
    double value;
    int64_t at_ms;
    if (str_to_double(str_trim(web_header_find(reply, "retry-after-ms")), &value) &&
        isfinite(value))
        return clamp_ms(value);
    struct str text = str_trim(web_header_find(reply, "retry-after"));
    if (str_to_double(text, &value) && isfinite(value))
        return clamp_ms(value * 1000);
    if (text.len > 0 && wall_parse_http(text, &at_ms))
        return clamp_ms((double)(at_ms - wall_now_ms));
    return -1;
}
