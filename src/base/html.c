#include "base/html.h"

#include "base/html_entity.h"

/*
 * HTML to text in one walk over the bytes. Text goes out through put(), which first pays what is
 * owed: line breaks and blanks are only counted when met, and written before the next visible
 * character, so folding needs no look back and nothing trails at the end.
 *
 * Never fails. What looks like markup and is not stays text: "a < b", "<<", an unclosed comment or
 * tag, "&nope;".
 *
 * Linear time: each byte is consumed once, and every search ahead that can fail is remembered.
 * A missing '>' or "-->" or "</script" further on will be missing for all later ones too (the lost_*
 * fields). A quoted attribute may make a tag scan run far and fail; the bytes scanned for nothing are
 * summed, and past twice the input quotes are no longer looked at, which ends scans at the next '<'.
 */

enum skip { SKIP_SCRIPT, SKIP_STYLE, SKIP_HEAD, SKIP_TITLE, SKIP_TEMPLATE, SKIP_NONE };

static const char *const skip_names[] = {"script", "style", "head", "title", "template"};

enum block { BLOCK_NONE, BLOCK_CELL, BLOCK_BR, BLOCK_LINE, BLOCK_PARAGRAPH, BLOCK_ITEM, BLOCK_PRE };

static const struct {
    const char *name;
    enum block block;
} blocks[] = {
    {"address", BLOCK_LINE},    {"article", BLOCK_LINE},    {"aside", BLOCK_LINE},
    {"blockquote", BLOCK_LINE}, {"body", BLOCK_LINE},       {"br", BLOCK_BR},
    {"caption", BLOCK_LINE},    {"center", BLOCK_LINE},     {"dd", BLOCK_LINE},
    {"div", BLOCK_LINE},        {"dl", BLOCK_LINE},         {"dt", BLOCK_LINE},
    {"fieldset", BLOCK_LINE},   {"figcaption", BLOCK_LINE}, {"figure", BLOCK_LINE},
    {"footer", BLOCK_LINE},     {"form", BLOCK_LINE},       {"h1", BLOCK_PARAGRAPH},
    {"h2", BLOCK_PARAGRAPH},    {"h3", BLOCK_PARAGRAPH},    {"h4", BLOCK_PARAGRAPH},
    {"h5", BLOCK_PARAGRAPH},    {"h6", BLOCK_PARAGRAPH},    {"header", BLOCK_LINE},
    {"hr", BLOCK_LINE},         {"html", BLOCK_LINE},       {"li", BLOCK_ITEM},
    {"main", BLOCK_LINE},       {"nav", BLOCK_LINE},        {"ol", BLOCK_LINE},
    {"option", BLOCK_LINE},     {"p", BLOCK_PARAGRAPH},     {"pre", BLOCK_PRE},
    {"section", BLOCK_LINE},    {"table", BLOCK_LINE},      {"tbody", BLOCK_LINE},
    {"td", BLOCK_CELL},         {"tfoot", BLOCK_LINE},      {"th", BLOCK_CELL},
    {"thead", BLOCK_LINE},      {"tr", BLOCK_LINE},         {"ul", BLOCK_LINE},
};

struct walk {
    struct buf *out;
    struct str in;
    size_t at;
    bool started; /* something visible was written */
    bool owes_blank;
    int owes_breaks; /* 0..2 */
    bool owes_bullet;
    int pre_depth;
    bool lost_gt, lost_comment_end, lost_skip_end[SKIP_NONE];
    size_t wasted_bytes; /* scanned by tag scans that failed */
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void put(struct walk *w, const char *bytes, size_t len)
{
    if (w->started && w->owes_breaks)
        buf_add(w->out, "\n\n", (size_t)w->owes_breaks);
    else if (w->started && w->owes_blank)
        buf_byte(w->out, ' ');
    if (w->owes_bullet)
        buf_text(w->out, "- ");
    buf_add(w->out, bytes, len);
    w->started = true;
    w->owes_blank = w->owes_bullet = false;
    w->owes_breaks = 0;
}

static void owe_blank(struct walk *w, char c)
{
    if (c == '\n' && w->pre_depth > 0)
        w->owes_breaks = MIN(w->owes_breaks + 1, 2);
    else
        w->owes_blank = true;
}

/* White space, invisible and control characters, all others. */
static void put_code_point(struct walk *w, uint32_t cp)
{
    if (cp <= 0x20 || (cp >= 0x7F && cp <= 0xA0) || cp == 0x3000 ||
        (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 || cp == 0x202F) {
        owe_blank(w, cp == '\n' ? '\n' : ' ');
        return;
    }
    if (cp == 0xAD || cp == 0x200B || cp == 0xFEFF)
        return;
    char text[4];
    size_t len = 0;
    if (cp < 0x80) {
        text[len++] = (char)cp;
    } else if (cp < 0x800) {
        text[len++] = (char)(0xC0 | cp >> 6);
        text[len++] = (char)(0x80 | (cp & 0x3F));
    } else if (cp < 0x10000) {
        text[len++] = (char)(0xE0 | cp >> 12);
        text[len++] = (char)(0x80 | (cp >> 6 & 0x3F));
        text[len++] = (char)(0x80 | (cp & 0x3F));
    } else {
        text[len++] = (char)(0xF0 | cp >> 18);
        text[len++] = (char)(0x80 | (cp >> 12 & 0x3F));
        text[len++] = (char)(0x80 | (cp >> 6 & 0x3F));
        text[len++] = (char)(0x80 | (cp & 0x3F));
    }
    put(w, text, len);
}

/* A numeric reference's value as browsers take it: C1 values mean Windows-1252. */
static uint32_t numeric_fixed(uint32_t cp)
{
    static const uint16_t windows[32] = {
        0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};
    if (cp >= 0x80 && cp < 0xA0)
        return windows[cp - 0x80];
    if (cp == 0 || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
        return 0xFFFD;
    return cp;
}

/* &#1234; and &#x4d2;, the semicolon may be missing. Returns bytes used, 0 when it is none. */
static size_t numeric(struct str s, uint32_t *ret_code_point)
{
    bool hex = s.len > 2 && lower(s.ptr[2]) == 'x';
    size_t i = hex ? 3 : 2;
    size_t first = i;
    uint32_t cp = 0;
    for (; i < s.len; i++) {
        char c = lower(s.ptr[i]);
        uint32_t digit;
        if (is_digit(c))
            digit = (uint32_t)(c - '0');
        else if (hex && c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a') + 10;
        else
            break;
        cp = cp > 0x10FFFF ? cp : cp * (hex ? 16 : 10) + digit;
    }
    if (i == first)
        return 0;
    *ret_code_point = numeric_fixed(cp);
    return i < s.len && s.ptr[i] == ';' ? i + 1 : i;
}

/* Decodes the reference at the start of s ("&..."). Returns bytes used, 0 when it is none. */
static size_t reference(struct str s, uint32_t *ret_code_point)
{
    if (s.len > 1 && s.ptr[1] == '#')
        return numeric(s, ret_code_point);
    size_t len = 0;
    while (len <= HTML_ENTITY_BYTES_MAX && len + 1 < s.len &&
           (is_letter(s.ptr[len + 1]) || is_digit(s.ptr[len + 1])))
        len++;
    if (len == 0 || len > HTML_ENTITY_BYTES_MAX)
        return 0;
    struct str name = str_sub(s, 1, len);
    bool ended = len + 1 < s.len && s.ptr[len + 1] == ';';
    /* Old mail leaves the semicolon out of these; of others "&copy=1" in an address is likelier. */
    if (!ended && !str_eq(name, STR("nbsp")) && !str_eq(name, STR("amp")) &&
        !str_eq(name, STR("lt")) && !str_eq(name, STR("gt")) && !str_eq(name, STR("quot")))
        return 0;
    uint32_t cp = html_entity(name);
    if (!cp)
        return 0;
    *ret_code_point = cp;
    return 1 + len + (ended ? 1 : 0);
}

static void owe_breaks(struct walk *w, int count)
{
    w->owes_breaks = MAX(w->owes_breaks, count);
}

static void on_tag(struct walk *w, struct str name, bool closing)
{
    enum block block = BLOCK_NONE;
    for (size_t i = 0; i < ARRAY_COUNT(blocks) && block == BLOCK_NONE; i++)
        if (str_eq_nocase(name, str_from(blocks[i].name)))
            block = blocks[i].block;
    switch (block) {
    case BLOCK_NONE: break;
    case BLOCK_CELL: w->owes_blank = true; break;
    case BLOCK_BR: w->owes_breaks = MIN(w->owes_breaks + 1, 2); break;
    case BLOCK_LINE: owe_breaks(w, 1); break;
    case BLOCK_PARAGRAPH:
        if (w->owes_bullet) /* <li><p>: the item's own line */
            break;
        owe_breaks(w, 2);
        break;
    case BLOCK_ITEM:
        owe_breaks(w, 1);
        w->owes_bullet = !closing;
        break;
    case BLOCK_PRE:
        owe_breaks(w, 1);
        if (!closing)
            w->pre_depth++;
        else if (w->pre_depth > 0)
            w->pre_depth--;
        break;
    }
}

/* Index past the '>' of the tag that begins at `from`; SIZE_MAX when there is none before the next
 * '<' (then it is no tag). A '>' or '<' inside a quoted attribute value does not count. */
static size_t tag_end(struct walk *w, size_t from)
{
    if (w->lost_gt)
        return SIZE_MAX;
    bool quotes = w->wasted_bytes <= 2 * w->in.len;
    size_t i = from + 1;
    while (i < w->in.len) {
        char c = w->in.ptr[i];
        if (c == '>')
            return i + 1;
        if (c == '<')
            break;
        bool opens = quotes && (c == '"' || c == '\'') && w->in.ptr[i - 1] == '=';
        const char *close = opens ? memchr(w->in.ptr + i + 1, c, w->in.len - i - 1) : NULL;
        if (opens && !close)
            w->wasted_bytes += w->in.len - i;
        i = close ? (size_t)(close - w->in.ptr) + 1 : i + 1;
    }
    w->wasted_bytes += i - from;
    if (i >= w->in.len && !memchr(w->in.ptr + from, '>', w->in.len - from))
        w->lost_gt = true;
    return SIZE_MAX;
}

/* Where content that is not shown ends: at its closing tag. SIZE_MAX when it is never closed; a head
 * also ends where the body starts. */
static size_t skip_end(struct walk *w, size_t from, enum skip kind)
{
    struct str name = str_from(skip_names[kind]);
    const char *p = w->in.ptr + from;
    const char *end = w->in.ptr + w->in.len;
    while (!w->lost_skip_end[kind]) {
        p = memchr(p, '<', (size_t)(end - p));
        if (!p)
            break;
        struct str rest = str_of(p + 1, (size_t)(end - p) - 1);
        if (str_starts(rest, STR("/")) && str_starts_nocase(str_sub(rest, 1, SIZE_MAX), name))
            return (size_t)(p - w->in.ptr);
        if (kind == SKIP_HEAD && str_starts_nocase(rest, STR("body")))
            return (size_t)(p - w->in.ptr);
        p++;
    }
    w->lost_skip_end[kind] = true;
    return SIZE_MAX;
}

/* Takes a tag at w->at ("<x" or "</x"). False: it is text. */
static bool take_tag(struct walk *w)
{
    size_t end = tag_end(w, w->at);
    if (end == SIZE_MAX)
        return false;
    bool closing = w->in.ptr[w->at + 1] == '/';
    size_t from = w->at + (closing ? 2 : 1);
    size_t len = 0;
    while (from + len < end - 1 &&
           (is_letter(w->in.ptr[from + len]) || is_digit(w->in.ptr[from + len]) ||
            w->in.ptr[from + len] == ':'))
        len++;
    struct str name = str_sub(w->in, from, len);
    bool empty = w->in.ptr[end - 2] == '/';
    w->at = end;
    on_tag(w, name, closing);
    if (closing || empty)
        return true;
    for (int kind = 0; kind < SKIP_NONE; kind++) {
        if (!str_eq_nocase(name, str_from(skip_names[kind])))
            continue;
        size_t skip = skip_end(w, end, (enum skip)kind);
        if (skip != SIZE_MAX)
            w->at = skip;
    }
    return true;
}

/* Takes <!-- -->, <!doctype>, <![CDATA[, <?xml?> at w->at. False: it is text. */
static bool take_declaration(struct walk *w)
{
    if (str_starts(str_sub(w->in, w->at, 4), STR("<!--"))) {
        size_t end = w->lost_comment_end ? SIZE_MAX : str_find(w->in, STR("-->"), w->at + 2);
        if (end != SIZE_MAX) {
            w->at = end + 3;
            return true;
        }
        w->lost_comment_end = true;
        return false;
    }
    const char *gt = w->lost_gt ? NULL : memchr(w->in.ptr + w->at, '>', w->in.len - w->at);
    w->lost_gt = !gt;
    if (gt)
        w->at = (size_t)(gt - w->in.ptr) + 1;
    return gt != NULL;
}

static bool take_markup(struct walk *w)
{
    char next = w->at + 1 < w->in.len ? w->in.ptr[w->at + 1] : ' ';
    char after = w->at + 2 < w->in.len ? w->in.ptr[w->at + 2] : ' ';
    if (is_letter(next) || (next == '/' && is_letter(after)))
        return take_tag(w);
    if (next == '!' || next == '?')
        return take_declaration(w);
    return false;
}

static bool is_plain(char c)
{
    return (unsigned char)c > 0x20 && (unsigned char)c < 0x7F && c != '<' && c != '&';
}

void html_to_text(struct buf *out, struct str html)
{
    struct walk w = {.out = out, .in = html};
    while (w.at < html.len) {
        char c = html.ptr[w.at];
        uint32_t cp = (unsigned char)c;
        size_t run = 0;
        while (w.at + run < html.len && is_plain(html.ptr[w.at + run]))
            run++;
        if (run > 0) {
            put(&w, html.ptr + w.at, run);
            w.at += run;
            continue;
        }
        if (c == '<' && take_markup(&w))
            continue;
        if (c == '&')
            run = reference(str_sub(html, w.at, SIZE_MAX), &cp);
        else
            run = str_decode(str_sub(html, w.at, SIZE_MAX), &cp);
        put_code_point(&w, cp);
        w.at += run ? run : 1;
    }
}

void html_escape(struct buf *out, struct str s)
{
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        const char *text = NULL;
        switch (s.ptr[i]) {
        case '&': text = "&amp;"; break;
        case '<': text = "&lt;"; break;
        case '>': text = "&gt;"; break;
        case '"': text = "&quot;"; break;
        case '\'': text = "&#39;"; break;
        default: continue;
        }
        buf_add(out, s.ptr + from, i - from);
        buf_text(out, text);
        from = i + 1;
    }
    buf_str(out, str_sub(s, from, SIZE_MAX));
}
