/*
 * Keeping keys out of what people read: a vendor may repeat the key that it was sent ("Incorrect API key
 * provided: ..."), in its error body, its error event, or inside a text of ours that quotes one.
 *
 * Happy path: the text holds none of the request's secrets, in no form: as sent, without the scheme, decoded
 * from Basic's base64 (whole, or the key before its colon), percent-encoded or with JSON's escaped slashes.
 * Fails by nothing: a text that tells one is replaced whole.
 * Invariant: secrets shorter than SECRET_BYTES_MIN are not looked for; they would be found by chance.
 */
#include "upstream/account_secret.h"

#define SECRET_BYTES_MIN 6

static bool is_secret_name(struct str name)
{
    static const struct str marks[] = {STR("key"), STR("token"), STR("secret")};
    if (str_eq_nocase(name, STR("authorization")))
        return true;
    for (size_t i = 0; i < ARRAY_COUNT(marks); i++)
        for (size_t at = 0; at + marks[i].len <= name.len; at++)
            if (str_starts_nocase(str_sub(name, at, name.len), marks[i]))
                return true;
    return false;
}

static int base64_value(char c)
{
    static const struct str digits = STR(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    size_t at = str_find(digits, str_of(&c, 1), 0);
    return at == SIZE_MAX ? -1 : (int)at;
}

/* RFC 4648 §4; ends at the padding or the first byte that is none of its digits. */
static void base64_decode(struct str text, struct buf *out)
{
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.ptr[i]);
        if (value < 0)
            break;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            buf_byte(out, (char)(unsigned char)(bits >> count & 0xFF));
        }
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The text with %41 decoded and \/ as a slash: then one form of a key is enough to look for. */
static void unescape(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int high = c == '%' && i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
        if (low >= 0) {
            c = (char)(unsigned char)(high * 16 + low);
            i += 2;
        } else if (c == '\\' && i + 1 < text.len && text.ptr[i + 1] == '/') {
            continue;
        }
        buf_byte(out, c);
    }
}

static bool holds(struct str text, struct str secret)
{
    return secret.len >= SECRET_BYTES_MIN && str_find(text, secret, 0) != SIZE_MAX;
}

static bool tells(struct str text, struct str value)
{
    size_t blank = str_find(value, STR(" "), 0);
    struct str secret = blank == SIZE_MAX ? value : str_sub(value, blank + 1, value.len);
    if (holds(text, secret))
        return true;
    if (!str_starts_nocase(value, STR("basic ")))
        return false;
    _cleanup_(buf_done) struct buf pair = BUF_INIT(0);
    base64_decode(secret, &pair);
    size_t colon = str_find(buf_view(&pair), STR(":"), 0);
    return holds(text, buf_view(&pair)) ||
           holds(text, str_sub(buf_view(&pair), 0, MIN(colon, pair.len)));
}

bool account_tells_secret(const struct web_request *rq, struct str text)
{
    _cleanup_(buf_done) struct buf plain = BUF_INIT(0);
    for (size_t i = 0; i < rq->header_count; i++) {
        struct str value = rq->headers[i].value;
        if (!is_secret_name(rq->headers[i].name) || value.len == 0)
            continue;
        if (plain.len == 0)
            unescape(text, &plain);
        if (tells(text, value) || tells(buf_view(&plain), value))
            return true;
    }
    return false;
}
