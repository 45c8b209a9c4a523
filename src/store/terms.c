/*
 * Search terms of a text.
 *
 *   "결제가 안됩니다. Payments failed (E-401)"  ->  결제 안됩 됩니 니다 payment fail e 401 e401
 *
 * Runs of one script make words. Latin, Greek, Cyrillic letters and digits: lower case, lightly stemmed (a
 * plural s, ing, ed). Hangul, Han and kana: overlapping pairs of characters, or the one character of a word
 * that has no more; so a stem is found whatever particle follows it, and the pair that a
 * particle makes with the stem's end is left out. Words joined by - . _ or : that
 * hold a digit (versions, error codes) are one term more, without the signs. The same function makes
 * the terms of stored texts and of queries; that is its one invariant. Never fails; linear but for the
 * look-up of terms already taken.
 */
#include <stdbool.h>
#include <string.h>

#include "base/macro.h"
#include "store/texts.h"

#define WORD_BYTES_MAX 40
#define TERMS_MAX 4096

enum script { SCRIPT_NONE, SCRIPT_LATIN, SCRIPT_PAIRS };

static bool between(uint32_t c, uint32_t from, uint32_t to)
{
    return c >= from && c <= to;
}

static enum script script_of(uint32_t c)
{
    if (between(c, '0', '9') || between(c, 'a', 'z') || between(c, 'A', 'Z'))
        return SCRIPT_LATIN;
    if (c < 0xc0)
        return SCRIPT_NONE;
    if (between(c, 0xc0, 0x24f) || between(c, 0x370, 0x52f))
        return c == 0xd7 || c == 0xf7 || c == 0x37e || c == 0x387 || between(c, 0x482, 0x489)
                   ? SCRIPT_NONE
                   : SCRIPT_LATIN;
    if (between(c, 0xac00, 0xd7a3) || between(c, 0x4e00, 0x9fff) || between(c, 0x3400, 0x4dbf) ||
        between(c, 0x3041, 0x3096) || between(c, 0x30a1, 0x30fa) || between(c, 0x30fc, 0x30fe) ||
        between(c, 0x1100, 0x11ff) || between(c, 0x3131, 0x318e))
        return SCRIPT_PAIRS;
    return SCRIPT_NONE;
}

static uint32_t lower(uint32_t c)
{
    if (between(c, 'A', 'Z') || (between(c, 0xc0, 0xde) && c != 0xd7) || between(c, 0x391, 0x3a9) ||
        between(c, 0x410, 0x42f))
        return c + 32;
    if (between(c, 0x400, 0x40f))
        return c + 80;
    return c;
}

static size_t encode(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    out[0] = (char)(0xe0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 63));
    out[2] = (char)(0x80 | (c & 63));
    return 3;
}

/* ---- the set of terms ---- */

struct set {
    struct arena *arena;
    struct str *slots; /* open addressing; ptr NULL: free */
    size_t slot_count; /* a power of two, over twice count_max */
    size_t count, count_max;
    struct buf *out;
};

static void set_add(struct set *s, struct str term)
{
    if (s->count >= s->count_max || term.len == 0)
        return;
    size_t at = (size_t)str_hash(term) & (s->slot_count - 1);
    for (; s->slots[at].ptr != NULL; at = (at + 1) & (s->slot_count - 1)) {
        if (str_eq(s->slots[at], term))
            return;
    }
    s->slots[at] = arena_str(s->arena, term);
    s->count++;
    if (s->out->len > 0)
        buf_byte(s->out, ' ');
    buf_str(s->out, term);
}

/* ---- words ---- */

static bool has_digit(struct str word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] >= '0' && word.ptr[i] <= '9')
            return true;
    }
    return false;
}

static struct str stem(struct str w)
{
    if (has_digit(w))
        return w;
    if (w.len > 5 && str_ends(w, STR("ing")))
        w.len -= 3;
    else if (w.len > 4 && str_ends(w, STR("ied")))
        w.len -= 2;
    else if (w.len > 4 && str_ends(w, STR("ed")))
        w.len -= 2;
    else if (w.len > 4 && str_ends(w, STR("ies")))
        w.len -= 2;
    else if (w.len > 3 && w.ptr[w.len - 1] == 's' && w.ptr[w.len - 2] != 's')
        w.len -= 1;
    if (w.len > 3 && w.ptr[w.len - 1] == 'e') /* cache, cached, caching */
        w.len -= 1;
    if (w.len > 3 && w.ptr[w.len - 1] == w.ptr[w.len - 2] && w.ptr[w.len - 1] != 's' &&
        w.ptr[w.len - 1] != 'l')
        w.len -= 1; /* stopped, stop */
    return w;
}

struct word {
    char bytes[WORD_BYTES_MAX + 4];
    size_t len;
    enum script script;
    size_t last_at; /* SCRIPT_PAIRS: where the last character begins */
    size_t count;   /* characters */
    /* A word of parts: E-401. */
    char joined[WORD_BYTES_MAX + 4];
    size_t joined_len;
    size_t part_count;
};

/* Korean particles of one syllable: subject, topic, object, place, possessive, and, only, also. */
static bool ends_in_particle(struct str pair)
{
    static const char *const particles[] = {"이", "가", "은", "는", "을", "를", "에",
                                            "의", "로", "와", "과", "도", "만"};
    for (size_t i = 0; i < ARRAY_COUNT(particles); i++) {
        if (str_ends(pair, str_from(particles[i])))
            return true;
    }
    return false;
}

static void word_end(struct set *s, struct word *w, bool joins)
{
    struct str text = str_of(w->bytes, w->len);
    if (w->script == SCRIPT_LATIN) {
        set_add(s, stem(text));
        if (w->joined_len + w->len <= WORD_BYTES_MAX) {
            memcpy(w->joined + w->joined_len, w->bytes, w->len);
            w->joined_len += w->len;
            w->part_count++;
        }
    } else if (w->count < 3 || !ends_in_particle(text)) {
        set_add(s, text);
    }
    if (!joins || w->script != SCRIPT_LATIN) {
        struct str joined = str_of(w->joined, w->joined_len);
        if (w->part_count > 1 && has_digit(joined))
            set_add(s, joined);
        w->joined_len = w->part_count = 0;
    }
    w->len = w->count = w->last_at = 0;
    w->script = SCRIPT_NONE;
}

static void word_add(struct set *s, struct word *w, uint32_t c, enum script script)
{
    w->script = script;
    if (script == SCRIPT_PAIRS) {
        char now[4];
        size_t now_len = encode(c, now), last_len = w->len - w->last_at;
        if (w->count > 1)
            set_add(s, str_of(w->bytes, w->len)); /* the pair before: it does not end the word */
        memmove(w->bytes, w->bytes + w->last_at, last_len);
        memcpy(w->bytes + last_len, now, now_len);
        w->len = last_len + now_len;
        w->last_at = last_len;
        w->count++;
        return;
    }
    if (w->len + 3 <= WORD_BYTES_MAX)
        w->len += encode(lower(c), w->bytes + w->len);
    w->count++;
}

struct str search_terms(struct arena *a, struct str text, size_t term_count_max)
{
    struct set s = {.arena = a, .slot_count = 16, .out = arena_buf(a, 0)};
    s.count_max = MIN(term_count_max, (size_t)TERMS_MAX);
    while (s.slot_count < 2 * s.count_max + 2)
        s.slot_count *= 2;
    s.slots = ARENA_ARRAY(a, s.slot_count, struct str);
    struct word w = {.script = SCRIPT_NONE};
    while (text.len > 0 && s.count < s.count_max) {
        uint32_t c;
        size_t used = str_decode(text, &c);
        text = str_sub(text, used, text.len);
        enum script script = script_of(c);
        if (w.script != SCRIPT_NONE && script != w.script)
            word_end(&s, &w, c == '-' || c == '.' || c == '_' || c == ':');
        if (script != SCRIPT_NONE)
            word_add(&s, &w, c, script);
        else if (c != '-' && c != '.' && c != '_' && c != ':')
            w.joined_len = w.part_count = 0;
    }
    if (w.script != SCRIPT_NONE)
        word_end(&s, &w, false);
    return buf_view(s.out);
}
