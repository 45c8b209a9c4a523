/*
 * Keeps foreign text inside its delimiters.
 *
 * The text is copied from '<' to '<'; one that begins a tag of ours is replaced. Nothing fails; a buffer that
 * is full says so itself. Invariant: no tag of the list, in any case, with blanks or slashes before its name,
 * comes out of here.
 */
#include "base/fence.h"

/* Does `at` begin one of our tags, opening or closing? A model reads "< /ticket" as one too, so blanks and
 * slashes before the name do not count. */
static bool is_tag(struct str at)
{
    static const struct str names[] = {STR("ticket"), STR("source"),  STR("question"),
                                       STR("turn"),   STR("context"), STR("chat")};
    struct str rest = str_sub(at, 1, at.len);
    while (rest.len && (rest.ptr[0] == '/' || (unsigned char)rest.ptr[0] <= ' '))
        rest = str_sub(rest, 1, rest.len);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_starts_nocase(rest, names[i]))
            return true;
    }
    return false;
}

void fence_add(struct buf *out, struct str text, size_t bytes_max)
{
    struct str whole = str_trim(text), cut = str_cut_utf8(whole, bytes_max);
    for (size_t at = 0; at < cut.len;) {
        size_t open = str_find(cut, STR("<"), at);
        if (open == SIZE_MAX)
            open = cut.len;
        buf_add(out, cut.ptr + at, open - at);
        if (open == cut.len)
            break;
        if (is_tag(str_sub(cut, open, cut.len)))
            buf_text(out, "\uff1c");
        else
            buf_byte(out, '<');
        at = open + 1;
    }
    if (cut.len < whole.len)
        buf_text(out, " \u2026");
}
