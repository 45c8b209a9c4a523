/*
 * collect/items.c: cuts arrays into the texts of their items.
 *
 * Happy path: strings are jumped over by memchr, brackets counted; everything between is looked at byte by
 * byte. A page of 100 tickets is mostly strings, so this runs at memory speed. Files are read in blocks; an
 * item that reaches past the block is looked at again when more has come.
 * Fails by: a text that ends inside an item, or that is no array (E_JSON); items over 64 MiB (E_LIMIT).
 * Invariant: what is handed out is a piece of the text it was read from, with matching brackets. Whether it
 * is JSON was checked when it was fetched.
 */
#include "collect/items.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/wall.h"

#define BLOCK_BYTES ((size_t)256 * 1024)
#define ITEM_BYTES_MAX ((uint64_t)64 << 20)

static const char *skip_blank(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* Past the closing quote of the string that begins at p; NULL when it does not end. */
static const char *skip_string(const char *p, const char *end)
{
    const char *from = p + 1;
    for (p = from; p < end;) {
        const char *quote = memchr(p, '"', (size_t)(end - p));
        if (quote == NULL)
            return NULL;
        const char *slash = quote;
        while (slash > from && slash[-1] == '\\')
            slash--;
        if ((quote - slash) % 2 == 0)
            return quote + 1;
        p = quote + 1;
    }
    return NULL;
}

static const char *skip_nested(const char *p, const char *end)
{
    size_t depth = 0;
    while (p < end) {
        switch (*p) {
        case '"':
            p = skip_string(p, end);
            if (p == NULL)
                return NULL;
            continue;
        case '[':
        case '{': depth++; break;
        case ']':
        case '}':
            if (--depth == 0)
                return p + 1;
            break;
        default: break;
        }
        p++;
    }
    return NULL;
}

static const char *skip_value(const char *p, const char *end)
{
    if (p == end)
        return NULL;
    if (*p == '"')
        return skip_string(p, end);
    if (*p == '{' || *p == '[')
        return skip_nested(p, end);
    const char *from = p;
    while (p < end && *p != ',' && *p != ']' && *p != '}' && (unsigned char)*p > ' ')
        p++;
    return p == from || p == end ? NULL : p; /* a number may go on in the next block */
}

struct str items_value(struct str text, size_t at)
{
    const char *end = text.ptr + text.len;
    const char *from = skip_blank(text.ptr + MIN(at, text.len), end);
    const char *to = skip_value(from, end);
    return to ? str_of(from, (size_t)(to - from)) : STR_NONE;
}

/* Goes to the next item or member: past `open` the first time, past a comma later. NULL at the end. */
static const char *step(struct str text, size_t at, char open)
{
    const char *end = text.ptr + text.len;
    const char *p = skip_blank(text.ptr + at, end);
    if (p == end || *p != (at == 0 ? open : ','))
        return NULL;
    p = skip_blank(p + 1, end);
    return p < end ? p : NULL;
}

bool items_member(struct str object, size_t *at, struct str *ret_key, struct str *ret_value)
{
    const char *end = object.ptr + object.len;
    const char *p = object.len ? step(object, *at, '{') : NULL;
    if (p == NULL || *p != '"')
        return false;
    const char *after = skip_string(p, end);
    if (after == NULL)
        return false;
    *ret_key = str_of(p + 1, (size_t)(after - p) - 2);
    p = skip_blank(after, end);
    if (p == end || *p != ':')
        return false;
    *ret_value = items_value(object, (size_t)(p + 1 - object.ptr));
    if (ret_value->len == 0)
        return false;
    *at = (size_t)(ret_value->ptr + ret_value->len - object.ptr);
    return true;
}

bool items_next(struct str array, size_t *at, struct str *ret_item)
{
    const char *p = array.len ? step(array, *at, '[') : NULL;
    if (p == NULL || *p == ']')
        return false;
    *ret_item = items_value(array, (size_t)(p - array.ptr));
    if (ret_item->len == 0)
        return false;
    *at = (size_t)(ret_item->ptr + ret_item->len - array.ptr);
    return true;
}

/* ---- a ticket ---- */

static struct str unquote(struct str value)
{
    return value.len >= 2 && value.ptr[0] == '"' ? str_sub(value, 1, value.len - 2) : value;
}

int64_t item_time(struct str value)
{
    int64_t at_ms;
    if (value.len < 12 || !wall_parse_iso(unquote(value), &at_ms))
        return 0;
    return at_ms / 1000;
}

static bool is_null(struct str value)
{
    return str_eq(value, STR("null"));
}

/* Both members must be there, and null: an account may leave stats out. */
static bool stats_are_silent(struct str stats)
{
    struct str key, value;
    int nulls = 0;
    for (size_t at = 0; items_member(stats, &at, &key, &value);)
        nulls += is_null(value) && (str_eq(key, STR("agent_responded_at")) ||
                                    str_eq(key, STR("requester_responded_at")));
    return nulls == 2;
}

bool item_read(struct str text, struct item *ret_item)
{
    struct item item = {.text = text};
    struct str key, value;
    for (size_t at = 0; items_member(text, &at, &key, &value);) {
        if (str_eq(key, STR("id"))) {
            if (!str_to_i64(unquote(value), &item.id))
                return false;
        } else if (str_eq(key, STR("updated_at"))) {
            item.updated_s = item_time(value);
        } else if (str_eq(key, STR("created_at"))) {
            item.created_s = item_time(value);
        } else if (str_eq(key, STR("stats"))) {
            item.is_silent = stats_are_silent(value);
        } else if (str_eq(key, STR("conversations")) && value.ptr[0] == '[') {
            item.talks = value;
        } else if (str_eq(key, STR("attachments"))) {
            item.has_attachments = true;
        } else if (str_eq(key, STR("attachments_dir"))) {
            item.has_files = true;
        }
    }
    /* Private notes are in no stats, but whatever is added changes the ticket. */
    item.is_silent &= item.created_s > 0 && item.created_s == item.updated_s;
    *ret_item = item;
    return item.id > 0;
}

/* ---- files ---- */

int items_file_open(struct items_file *f, const char *path, struct err *err)
{
    int r = fault_check("items.open", -EIO);
    if (r < 0)
        return err_set(err, r, "%s: %s", path, err_text(r));
    *f = (struct items_file){.fd = open(path, O_RDONLY | O_CLOEXEC), .bytes_max = ITEM_BYTES_MAX};
    return f->fd < 0 ? err_set(err, -errno, "%s: %s", path, err_text(-errno)) : 0;
}

void items_file_close(struct items_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    buf_done(&f->buf);
}

/* Reads one more block. 1, 0 at the file's end, < 0. */
static int more(struct items_file *f, struct err *err)
{
    if (f->ended)
        return 0;
    if (f->at > 0) {
        buf_drop(&f->buf, f->at);
        f->offset += f->at;
        f->at = 0;
    }
    if (f->buf.len > f->bytes_max)
        return err_set(err, E_LIMIT, "one item is over %llu bytes",
                       (unsigned long long)f->bytes_max);
    char *room = buf_room(&f->buf, BLOCK_BYTES);
    ssize_t n = read(f->fd, room, BLOCK_BYTES);
    if (n < 0)
        return err_set(err, -errno, "reading: %s", err_text(-errno));
    f->ended = n == 0;
    buf_used(&f->buf, (size_t)n);
    return n > 0;
}

/* The next byte that is not white space, without taking it; 0 at the file's end. */
static int peek(struct items_file *f, char *ret_byte, struct err *err)
{
    for (;;) {
        const char *end = f->buf.ptr + f->buf.len;
        const char *p = f->buf.ptr ? skip_blank(f->buf.ptr + f->at, end) : NULL;
        if (p && p < end) {
            f->at = (size_t)(p - f->buf.ptr);
            *ret_byte = *p;
            return 1;
        }
        f->at = f->buf.len;
        int r = more(f, err);
        if (r <= 0)
            return r;
    }
}

static int broken(struct items_file *f, struct err *err)
{
    f->over = true;
    return err_set(err, E_JSON, "not a whole JSON list: broken at byte %llu",
                   (unsigned long long)f->offset + f->at);
}

/* Takes '[' or ',' or ']'. 1: an item follows; 0: the end. */
static int separator(struct items_file *f, struct err *err)
{
    char c;
    int r = peek(f, &c, err);
    if (r == 1 && !f->begun && c == '\xef') { /* a byte order mark */
        f->at += 3;
        r = peek(f, &c, err);
    }
    if (r < 0)
        return r;
    if (r == 0 || (c != (f->begun ? ',' : '[') && !(f->begun && c == ']')))
        return broken(f, err);
    f->at++;
    bool first = !f->begun;
    f->begun = true;
    if (c == ']') {
        f->over = true;
        return 0;
    }
    r = peek(f, &c, err);
    if (r == 1 && first && c == ']') {
        f->at++;
        f->over = true;
        return 0;
    }
    return r == 0 ? broken(f, err) : r;
}

int items_file_next(struct items_file *f, struct str *ret_item, struct err *err)
{
    if (f->over)
        return 0;
    int r = separator(f, err);
    while (r > 0) {
        struct str item = items_value(buf_view(&f->buf), f->at);
        if (item.len > 0) {
            f->at = (size_t)(item.ptr + item.len - f->buf.ptr);
            *ret_item = item;
            return 1;
        }
        r = more(f, err);
        if (r == 0)
            return broken(f, err);
    }
    return r;
}
