#include "sandbox/chats.h"

#include <inttypes.h>
#include <string.h>

#include "base/macro.h"
#include "sandbox/world.h"

/*
 * The stand-in model's answer to "sort these chats into categories".
 *
 *   lines "5 | name | what it is" of the instructions -> categories; <chat n="3">text</chat> -> chats
 *   -> {"answers":[{"n":3,"category":5,"keywords":[...],"confidence":0.95,"quote":"..."}]}
 *
 * It tells the truth (topic_of), unless a fault is asked for: misorder hands each answer to the next chat,
 * drop leaves one out, invent names a category that is not listed, misquote quotes what nobody wrote, prose
 * talks, cut ends in the middle, stuck texts are talked about whenever they come up.
 * Cannot fail. Invariant: the same call with the same serial gets the same answer.
 */

#define CHATS_MAX 64
#define CATEGORIES_MAX 256

struct listed {
    int64_t id;
    struct str name;
};
struct sheet {
    struct arena *arena;
    struct listed categories[CATEGORIES_MAX];
    size_t category_count;
    int64_t numbers[CHATS_MAX];
    struct str texts[CHATS_MAX];
    size_t count;
};

bool sorting_is_asked(const struct prompt *p)
{
    return str_find(p->instructions, STR("classify-v1"), 0) != SIZE_MAX;
}

static void read_categories(struct sheet *s, struct str rest)
{
    struct str line, id, name;
    while (s->category_count < CATEGORIES_MAX && str_cut(&rest, '\n', &line)) {
        int64_t number;
        if (!str_cut(&line, '|', &id) || !str_to_i64(str_trim(id), &number) ||
            !str_cut(&line, '|', &name))
            continue;
        s->categories[s->category_count++] = (struct listed){number, str_trim(name)};
    }
}

static void read_chats(struct sheet *s, struct str user)
{
    const struct str open = STR("<chat n=\""), close = STR("\n</chat>");
    for (size_t at = 0; s->count < CHATS_MAX;) {
        size_t from = str_find(user, open, at);
        size_t head = from == SIZE_MAX ? SIZE_MAX : str_find(user, STR("\">\n"), from);
        size_t end = head == SIZE_MAX ? SIZE_MAX : str_find(user, close, head);
        int64_t n;
        if (end == SIZE_MAX)
            return;
        if (str_to_i64(str_sub(user, from + open.len, head - from - open.len), &n)) {
            s->numbers[s->count] = n;
            s->texts[s->count++] = str_sub(user, head + 3, end - head - 3);
        }
        at = end + close.len;
    }
}

static int64_t id_of(const struct sheet *s, size_t topic)
{
    int64_t rest = s->category_count ? s->categories[s->category_count - 1].id : 0;
    for (size_t i = 0; i < s->category_count; i++) {
        if (str_eq(s->categories[i].name, str_from(topic_name(topic))))
            return s->categories[i].id;
        if (str_eq(s->categories[i].name, str_from(topic_name(TOPIC_COUNT - 1))))
            rest = s->categories[i].id;
    }
    return rest;
}

/* The first word of a phrase and the one behind it, as keywords go. */
static void write_keywords(struct jw *w, struct str phrase)
{
    struct str rest = phrase, first = STR_NONE;
    str_cut(&rest, ' ', &first);
    jw_arr(w, "keywords");
    if (first.len >= 6)
        jw_str(w, NULL, first);
    size_t end = str_find(phrase, STR(" "), first.len + 1);
    jw_str(w, NULL, end == SIZE_MAX ? phrase : str_sub(phrase, 0, end));
    jw_end_arr(w);
}

static void write_answer(struct jw *w, const struct sheet *s, size_t i, size_t of, bool invent,
                         bool misquote)
{
    struct str phrase;
    bool sure;
    size_t topic = topic_of(s->texts[of], &phrase, &sure);
    jw_obj(w, NULL);
    jw_i64(w, "n", s->numbers[i]);
    jw_i64(w, "category", invent ? 777 : id_of(s, topic));
    write_keywords(w, phrase);
    jw_f64(w, "confidence", sure ? 0.95 : topic + 1 == TOPIC_COUNT ? 0.35 : 0.6, 2);
    jw_str(w, "quote", misquote ? STR("아무도 쓰지 않은 문장입니다") : phrase);
    jw_end_obj(w);
}

static bool strikes(uint64_t serial, unsigned kind, int64_t percent)
{
    return (int64_t)(world_hash(serial, 40 + kind) % 100) < percent;
}

static bool is_stuck(const struct sheet *s, int64_t percent)
{
    for (size_t i = 0; i < s->count; i++)
        if (strikes(str_hash(s->texts[i]), 7, percent))
            return true;
    return false;
}

void sorting_answer(struct arena *a, const struct prompt *p, const struct sorting_faults *faults,
                    uint64_t serial, struct buf *out, uint64_t *ret_count)
{
    struct sheet *s = ARENA_NEW(a, struct sheet);
    s->arena = a;
    read_categories(s, p->instructions);
    read_chats(s, p->user);
    *ret_count += s->count;
    if (strikes(serial, 1, faults->prose) || is_stuck(s, faults->stuck)) {
        buf_text(out, "네, 말씀하신 상담들을 살펴보니 대체로 학교 생활에 관한 문의로 보입니다.");
        return;
    }
    bool misorder = strikes(serial, 2, faults->misorder), drop = strikes(serial, 3, faults->drop);
    size_t odd = s->count ? (size_t)(world_hash(serial, 39) % s->count) : 0;
    struct jw w = JW_INIT(out);
    jw_obj(&w, NULL);
    jw_arr(&w, "answers");
    for (size_t i = 0; i < s->count; i++) {
        if (drop && i == odd)
            continue;
        write_answer(&w, s, i, misorder ? (i + 1) % s->count : i,
                     i == odd && strikes(serial, 4, faults->invent),
                     i == odd && strikes(serial, 5, faults->misquote));
    }
    jw_end_arr(&w);
    jw_end_obj(&w);
    if (strikes(serial, 6, faults->cut)) {
        struct str half = str_cut_utf8(buf_view(out), out->len / 2);
        out->len = half.len;
        out->ptr[half.len] = '\0';
    }
}
