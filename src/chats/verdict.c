/*
 * Checks a model's answers about chats.
 *
 * Happy path: each item of "answers" is put to its chat by number, its category looked up, its quote looked
 * for in the text that the model was shown; then quotes are compared across the chats of the call.
 * Nothing fails: each chat gets a verdict, good or the reason why not. Answers for numbers that were not asked
 * are passed over; their chats count as missing.
 * Invariant: a good verdict names a category of the taxonomy and quotes its own chat.
 */
#include "chats/verdict.h"

#include <string.h>

#include "base/fence.h"
#include "base/quote.h"

const char *verdict_text(enum verdict_kind kind, const char *language)
{
    static const char *const texts[VERDICT_KIND_COUNT][2] = {
#define VERDICT_TEXT_(symbol, ko, en) {ko, en},
        VERDICT_TABLE(VERDICT_TEXT_)
#undef VERDICT_TEXT_
    };
    return texts[kind][strcmp(language, "en") == 0];
}

/* ---- texts ---- */

static bool is_blank(uint32_t c)
{
    return c <= ' ' || (c >= 0x7f && c <= 0xa0) || c == 0x200b || c == 0x3000 || c == 0xfeff ||
           c == 0x2028 || c == 0x2029;
}

struct str chat_shown(struct arena *a, struct str text, bool *ret_cut)
{
    struct buf flat = BUF_INIT(0);
    struct buf *out = arena_buf(a, 0);
    bool gap = false;
    *ret_cut = false;
    while (text.len) {
        uint32_t c;
        size_t n = str_decode(text, &c);
        if (is_blank(c)) {
            gap = flat.len > 0;
        } else if (flat.len + n >= CHAT_SHOWN_BYTES_MAX) {
            *ret_cut = true;
            break;
        } else {
            if (gap)
                buf_byte(&flat, ' ');
            gap = false;
            if (c == 0xfffd && n == 1)
                buf_text(&flat, "\uFFFD");
            else
                buf_add(&flat, text.ptr, n);
        }
        text = str_sub(text, n, text.len);
    }
    fence_add(out, buf_view(&flat), SIZE_MAX);
    buf_done(&flat);
    return buf_view(out);
}

/* ---- keywords ---- */

static bool is_mark(uint32_t c)
{
    if (c < 0x80) {
        return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
    }
    return is_blank(c) || c == 0xb7 || c == 0xab || c == 0xbb || (c >= 0x2000 && c <= 0x206f) ||
           (c >= 0x2190 && c <= 0x2bff) || (c >= 0x3000 && c <= 0x303f) ||
           (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xff01 && c <= 0xff0f) ||
           (c >= 0xff1a && c <= 0xff20) || (c >= 0xff3b && c <= 0xff40) || c == 0xfffd ||
           (c >= 0x1f000 && c <= 0x1faff);
}

/* Marks become blanks, runs of blanks one. At most `points_max` code points. */
static struct str without_marks(struct arena *a, struct str s, size_t points_max)
{
    struct buf *out = arena_buf(a, 0);
    bool gap = false;
    for (size_t points = 0; s.len && points < points_max;) {
        uint32_t c;
        size_t n = str_decode(s, &c);
        if (is_mark(c)) {
            gap = out->len > 0;
        } else {
            if (gap && ++points < points_max)
                buf_byte(out, ' ');
            if (points < points_max)
                buf_add(out, s.ptr, n);
            points++;
            gap = false;
        }
        s = str_sub(s, n, s.len);
    }
    return str_trim(buf_view(out));
}

static bool is_keyword(struct str s)
{
    size_t digits = 0;
    for (size_t i = 0; i < s.len; i++)
        digits += (s.ptr[i] >= '0' && s.ptr[i] <= '9') || s.ptr[i] == ' ';
    return digits < s.len && str_code_points(s) >= 2;
}

struct str keyword_clean(struct arena *a, struct str keyword, struct str chat)
{
    struct str clean = without_marks(a, keyword, 101);
    if (!is_keyword(clean) || str_code_points(clean) > CHAT_KEYWORD_CHARS_MAX)
        return STR_NONE;
    if (str_code_points(clean) > 50 && str_eq(clean, without_marks(a, chat, SIZE_MAX)))
        return STR_NONE;
    return clean;
}

/* Where the model gave none that counts: the chat's first meaningful word, else the category's name. */
static struct str keyword_of(struct arena *a, struct str chat, const struct category *category)
{
    struct str rest = without_marks(a, chat, 200), word;
    while (str_cut(&rest, ' ', &word)) {
        if (is_keyword(word) && str_code_points(word) <= 20)
            return word;
    }
    return category->name;
}

static void read_keywords(struct arena *a, struct json list, struct str chat, struct verdict *v)
{
    for (struct json_iter it = json_iter(list); json_is_arr(list) && json_next(&it);) {
        struct str word = keyword_clean(a, json_str(it.value), chat);
        bool known = !word.len;
        for (size_t i = 0; i < v->keyword_count; i++)
            known = known || str_eq(v->keywords[i], word);
        if (!known && v->keyword_count < KEYWORD_COUNT_MAX)
            v->keywords[v->keyword_count++] = word;
    }
    if (!v->keyword_count)
        v->keywords[v->keyword_count++] = keyword_of(a, chat, v->category);
}

struct str keywords_json(struct arena *a, const struct verdict *v)
{
    struct buf *out = arena_buf(a, 0);
    struct jw w = JW_INIT(out);
    jw_arr(&w, NULL);
    for (size_t i = 0; i < v->keyword_count; i++) {
        jw_obj(&w, NULL);
        jw_str(&w, "keyword", v->keywords[i]);
        jw_arr(&w, "categories");
        jw_str(&w, NULL, v->category->name);
        jw_end_arr(&w);
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    return buf_view(out);
}

/* ---- answers ---- */

/* A number, a number in quotes, or the very name. */
static const struct category *read_category(const struct taxonomy *t, struct json v)
{
    int64_t id;
    if (json_is_num(v))
        return json_is_int(v) ? taxonomy_find(t, json_i64(v, 0)) : NULL;
    struct str text = str_trim(json_str(v));
    if (str_to_i64(text, &id))
        return taxonomy_find(t, id);
    return text.len ? taxonomy_named(t, text) : NULL;
}

static void read_one(struct arena *a, struct json item, const struct taxonomy *t, struct str shown,
                     struct verdict *v)
{
    struct json confidence = json_get(item, "confidence");
    *v = (struct verdict){.category = read_category(t, json_get(item, "category")),
                          .confidence = json_f64(confidence, -1),
                          .quote = arena_str(a, str_trim(json_str(json_get(item, "quote"))))};
    if (!v->category)
        v->kind = VERDICT_CATEGORY;
    else if (!(v->confidence >= 0 && v->confidence <= 1))
        v->kind = VERDICT_CONFIDENCE;
    else if (!quote_stands_in(a, shown, v->quote))
        v->kind = VERDICT_QUOTE;
    else
        read_keywords(a, json_get(item, "keywords"), shown, v);
}

/* Marks chats whose answers could have changed places unnoticed. Were chat k given another's answer, its own
 * would lie at some chat i with a quote that stands in both; so wherever a quote of i stands in k, too, and
 * their categories differ (or k has none yet), neither is believed. */
static void find_mixed(struct arena *a, const struct str *shown, size_t count, struct verdict *v)
{
    bool *mixed = ARENA_ARRAY(a, count, bool);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count && v[i].kind == VERDICT_GOOD; k++) {
            bool agrees = k == i || (v[k].kind == VERDICT_GOOD && v[k].category == v[i].category);
            if (!agrees && quote_stands_in(a, shown[k], v[i].quote))
                mixed[i] = mixed[k] = true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (mixed[i] && v[i].kind == VERDICT_GOOD)
            v[i].kind = VERDICT_MIXED;
    }
}

void verdicts_read(struct arena *a, struct json answer, const struct taxonomy *t,
                   const struct str *shown, size_t count, struct verdict *ret_verdicts)
{
    struct json list = json_get(answer, "answers");
    bool *seen = ARENA_ARRAY(a, count, bool);
    for (size_t i = 0; i < count; i++)
        ret_verdicts[i] = (struct verdict){.kind = VERDICT_MISSING};
    for (struct json_iter it = json_iter(list); json_is_arr(list) && json_next(&it);) {
        int64_t n = json_i64(json_get(it.value, "n"), 0);
        if (n < 1 || n > (int64_t)count)
            continue;
        struct verdict *v = &ret_verdicts[n - 1];
        if (seen[n - 1])
            *v = (struct verdict){.kind = VERDICT_TWICE};
        else
            read_one(a, it.value, t, shown[n - 1], v);
        seen[n - 1] = true;
    }
    find_mixed(a, shown, count, ret_verdicts);
}
