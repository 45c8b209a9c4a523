/*
 * Texts for cells.
 *
 * The happy path copies code point by code point. Nothing fails: what cannot stand in a workbook is replaced
 * by a visible character, and what is too long is cut visibly.
 * Invariant: the result is valid XML character data (but for & < >, which the writer escapes) of at most
 * units_max UTF-16 units after its escapes are decoded.
 */
#include "chats/cell.h"

static bool is_xml(uint32_t c)
{
    return c == '\t' || c == '\n' || (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
           c >= 0x10000;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* "_xHHHH_" at the beginning. */
static bool is_escape(struct str s)
{
    return s.len >= 7 && s.ptr[0] == '_' && s.ptr[1] == 'x' && is_hex(s.ptr[2]) &&
           is_hex(s.ptr[3]) && is_hex(s.ptr[4]) && is_hex(s.ptr[5]) && s.ptr[6] == '_';
}

void cell_text(struct buf *out, struct str s, size_t units_max)
{
    size_t units = 0, cut_len = 0; /* cut_len: what stays when the mark "…" must fit as well */
    buf_clear(out);
    while (s.len > 0) {
        uint32_t c;
        size_t n = str_decode(s, &c);
        struct str rest = s;
        s = str_sub(s, n, s.len);
        if (c == '\r' && s.len > 0 && s.ptr[0] == '\n')
            continue;
        units += c >= 0x10000 ? 2 : 1;
        if (units > units_max) {
            out->len = cut_len;
            buf_text(out, "…");
            return;
        }
        if (c == '\r')
            buf_byte(out, '\n');
        else if (!is_xml(c) || c == 0xFFFD)
            buf_text(out, "\xEF\xBF\xBD");
        else if (is_escape(rest))
            buf_text(out, "_x005F_");
        else
            buf_str(out, str_sub(rest, 0, n));
        if (units < units_max)
            cut_len = out->len;
    }
}

static size_t width_of(uint32_t c)
{
    static const struct {
        uint32_t from, to;
        size_t width;
    } ranges[] = {
        {0x0300, 0x036F, 0},   {0x1100, 0x115F, 2},   {0x1160, 0x11FF, 0}, {0x200B, 0x200F, 0},
        {0x2E80, 0x303E, 2},   {0x3041, 0xA4CF, 2},   {0xAC00, 0xD7A3, 2}, {0xF900, 0xFAFF, 2},
        {0xFE00, 0xFE0F, 0},   {0xFE30, 0xFE6F, 2},   {0xFF01, 0xFF60, 2}, {0xFFE0, 0xFFE6, 2},
        {0x1F300, 0x1FAFF, 2}, {0x20000, 0x3FFFD, 2},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return ranges[i].width;
    return c < 0x20 ? 0 : 1;
}

size_t cell_width(struct str s)
{
    size_t widest = 0, width = 0;
    uint32_t c;
    for (size_t n = str_decode(s, &c); n > 0; n = str_decode(s, &c)) {
        s = str_sub(s, n, s.len);
        if (c == '\n')
            width = 0;
        else
            width += width_of(c);
        widest = width > widest ? width : widest;
    }
    return widest;
}

size_t cell_lines(struct str s, size_t width)
{
    size_t lines = 0;
    struct str line;
    while (str_cut(&s, '\n', &line)) {
        size_t wide = cell_width(line);
        lines += wide <= width ? 1 : (wide + width - 1) / width;
    }
    return lines > 0 ? lines : 1;
}
