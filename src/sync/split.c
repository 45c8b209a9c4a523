/*
 * Texts of a ticket without a model: symptom, cause and resolution by cue words in two languages.
 *
 *   symptom     subject, description, what the customer added before the first public answer
 *   cause       of resolved tickets: sentences of public agent replies that tell a cause
 *   resolution  of resolved tickets: sentences that tell what helped; none: the last public agent reply
 *
 * Nothing here fails or waits. Limits: 6 KiB symptom, 2 KiB cause, 4 KiB resolution.
 * Invariant: a private note never reaches one of the three texts (they feed drafts to customers); it is
 * found by search only.
 */
#include "sync/run.h"

#include "base/buf.h"

enum {
    SYMPTOM_BYTES_MAX = 6144,
    CAUSE_BYTES_MAX = 2048,
    RESOLUTION_BYTES_MAX = 4096,
    MORE_BYTES_MAX = 8192,
    PROCEDURE_BYTES_MAX = 24576,
    LANGUAGE_BYTES_MAX = 4096,
    STATUS_RESOLVED = 4,
    STATUS_CLOSED = 5,
};

static const struct str cause_cues[] = {
    STR("원인"),          STR("때문"),       STR("인해"),           STR("탓에"),
    STR("문제였"),        STR("이유는"),     STR("because"),        STR("caused by"),
    STR("the cause"),     STR("root cause"), STR("due to"),         STR("the reason"),
    STR("was triggered"), STR("turned out"), STR("as a result of"),
};
static const struct str resolution_cues[] = {
    STR("해결"),       STR("조치"),    STR("재설정"),  STR("초기화"),      STR("변경해"),
    STR("설정해"),     STR("눌러"),    STR("클릭"),    STR("선택하"),      STR("삭제하"),
    STR("업데이트"),   STR("재시도"),  STR("다시 "),   STR("복구"),        STR("수정"),
    STR("fixed"),      STR("resolve"), STR("please"),  STR("reset"),       STR("solution"),
    STR("workaround"), STR("to fix"),  STR("click"),   STR("go to "),      STR("restart"),
    STR("reinstall"),  STR("try "),    STR("updated"), STR("we have now"), STR("corrected"),
};
/* Sentences that say nothing about the matter. */
static const struct str courtesies[] = {
    STR("안녕하세요"),    STR("안녕하십니까"), STR("감사합니다"),   STR("고맙습니다"),
    STR("문의해 주셔서"), STR("문의 주셔서"),  STR("불편을 드려"),  STR("죄송합니다"),
    STR("추가 문의"),     STR("hello"),        STR("hi "),          STR("dear "),
    STR("thank you for"), STR("thanks for"),   STR("best regards"), STR("kind regards"),
    STR("sorry for the"), STR("let us know"),  STR("we apologi"),   STR("sincerely"),
};

static bool is_same_nocase(const char *text, struct str cue)
{
    for (size_t i = 0; i < cue.len; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != cue.ptr[i])
            return false;
    }
    return true;
}

/* Where the first of the cues (lower case) is in s; SIZE_MAX: nowhere. */
static size_t first_cue(struct str s, const struct str *cues, size_t count)
{
    for (size_t at = 0; at < s.len; at++) {
        for (size_t i = 0; i < count; i++) {
            if (cues[i].len <= s.len - at && is_same_nocase(s.ptr + at, cues[i]))
                return at;
        }
    }
    return SIZE_MAX;
}

static bool is_courtesy(struct str sentence)
{
    return sentence.len < 120 &&
           first_cue(str_sub(sentence, 0, 48), courtesies, ARRAY_COUNT(courtesies)) != SIZE_MAX;
}

/* Takes a sentence off the front: up to a line break, or an end mark before a blank. */
static bool take_sentence(struct str *rest, struct str *ret_sentence)
{
    while (rest->len > 0) {
        size_t at = 0;
        while (at < rest->len && rest->ptr[at] != '\n') {
            char c = rest->ptr[at];
            bool ends = c == '.' || c == '!' || c == '?';
            at++;
            if (ends && (at == rest->len || rest->ptr[at] == ' ' || rest->ptr[at] == '\n'))
                break;
        }
        struct str sentence = str_trim(str_sub(*rest, 0, at));
        *rest = str_sub(*rest, MIN(at + (at < rest->len && rest->ptr[at] == '\n'), rest->len),
                        rest->len);
        if (sentence.len > 0) {
            *ret_sentence = sentence;
            return true;
        }
    }
    return false;
}

/* Where a quoted mail begins. */
static struct str without_quote(struct str text)
{
    static const struct str marks[] = {STR("\n>"), STR("\n-----Original"), STR("\nFrom: "),
                                       STR("\n보낸 사람:"), STR(" wrote:\n")};
    size_t end = text.len;
    for (size_t i = 0; i < ARRAY_COUNT(marks); i++)
        end = MIN(end, str_find(text, marks[i], 0));
    return str_trim(str_sub(text, 0, end));
}

static void add_sentence(struct buf *out, struct str sentence)
{
    if (out->len > 0)
        buf_byte(out, ' ');
    buf_str(out, sentence);
}

static struct str finish(struct arena *a, struct buf *b, size_t bytes_max)
{
    struct str text = arena_str(a, str_trim(str_cut_utf8(str_trim(buf_view(b)), bytes_max)));
    buf_done(b);
    return text;
}

struct str split_language(struct str text)
{
    size_t hangul = 0, latin = 0, used;
    uint32_t c;
    for (struct str rest = str_sub(text, 0, LANGUAGE_BYTES_MAX); (used = str_decode(rest, &c)) > 0;
         rest = str_sub(rest, used, rest.len)) {
        hangul += (c >= 0xac00 && c <= 0xd7a3) || (c >= 0x3131 && c <= 0x318e);
        latin += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }
    if (hangul == 0 && latin == 0)
        return STR("");
    return hangul * 6 >= hangul + latin ? STR("ko") : STR("en");
}

static bool is_answer(const struct conversation *c)
{
    return !c->incoming && !c->is_private && str_trim(c->body_text).len > 0;
}

static struct str symptom_of(struct arena *a, const struct ticket *t,
                             const struct conversation *talks, size_t talk_count)
{
    struct buf out = BUF_INIT(0);
    buf_str(&out, str_trim(t->subject));
    struct str description = without_quote(t->description_text);
    if (description.len > 0) {
        buf_text(&out, out.len > 0 ? "\n\n" : "");
        buf_str(&out, description);
    }
    for (size_t i = 0; i < talk_count && out.len < SYMPTOM_BYTES_MAX; i++) {
        if (is_answer(&talks[i]))
            break;
        struct str body = without_quote(talks[i].body_text);
        if (!talks[i].incoming || talks[i].is_private || body.len == 0 ||
            str_eq(body, description)) /* web chats repeat their first message */
            continue;
        buf_text(&out, "\n\n");
        buf_str(&out, body);
    }
    return finish(a, &out, SYMPTOM_BYTES_MAX);
}

/* Sorts the sentences of one reply; false when it only had courtesies. */
static void sort_reply(struct str body, struct buf *cause, struct buf *resolution)
{
    struct str rest = without_quote(body), sentence;
    while (take_sentence(&rest, &sentence)) {
        if (is_courtesy(sentence))
            continue;
        size_t tells_cause = first_cue(sentence, cause_cues, ARRAY_COUNT(cause_cues));
        size_t tells_help = first_cue(sentence, resolution_cues, ARRAY_COUNT(resolution_cues));
        if (tells_cause != SIZE_MAX)
            add_sentence(cause, sentence);
        else if (tells_help != SIZE_MAX)
            add_sentence(resolution, sentence);
    }
}

static void plain_reply(struct str body, struct buf *out)
{
    struct str rest = without_quote(body), sentence;
    while (take_sentence(&rest, &sentence)) {
        if (!is_courtesy(sentence))
            add_sentence(out, sentence);
    }
}

static void answer_of(struct arena *a, const struct conversation *talks, size_t talk_count,
                      struct str *ret_cause, struct str *ret_resolution)
{
    struct buf cause = BUF_INIT(0), resolution = BUF_INIT(0);
    const struct conversation *last = NULL;
    for (size_t i = 0; i < talk_count; i++) {
        if (!is_answer(&talks[i]))
            continue;
        last = &talks[i];
        sort_reply(talks[i].body_text, &cause, &resolution);
    }
    if (resolution.len == 0 && last)
        plain_reply(last->body_text, &resolution);
    *ret_cause = finish(a, &cause, CAUSE_BYTES_MAX);
    *ret_resolution = finish(a, &resolution, RESOLUTION_BYTES_MAX);
}

static struct str more_of(struct arena *a, const struct ticket *t, const struct conversation *talks,
                          size_t talk_count)
{
    struct buf out = BUF_INIT(0);
    buf_str(&out, str_cut_utf8(t->description_text, MORE_BYTES_MAX));
    for (size_t i = 0; i < t->tag_count; i++)
        buf_printf(&out, " %.*s", STR_ARG(t->tags[i]));
    for (size_t i = 0; i < talk_count && out.len < MORE_BYTES_MAX; i++) {
        buf_byte(&out, '\n');
        buf_str(&out, talks[i].body_text);
    }
    return finish(a, &out, MORE_BYTES_MAX);
}

static void texts_hash(struct item_texts *texts)
{
    const struct str parts[] = {texts->texts[0], texts->texts[1], texts->texts[2], texts->title,
                                texts->more};
    sha256_parts(parts, ARRAY_COUNT(parts), texts->hash);
}

void split_ticket(struct arena *a, const struct ticket *t, const struct conversation *talks,
                  size_t talk_count, struct item_texts *ret_texts)
{
    *ret_texts = (struct item_texts){.id = t->id, .title = t->subject};
    ret_texts->texts[VECTOR_SYMPTOM] = symptom_of(a, t, talks, talk_count);
    if (t->status == STATUS_RESOLVED || t->status == STATUS_CLOSED)
        answer_of(a, talks, talk_count, &ret_texts->texts[VECTOR_CAUSE],
                  &ret_texts->texts[VECTOR_RESOLUTION]);
    ret_texts->more = more_of(a, t, talks, talk_count);
    ret_texts->language = split_language(ret_texts->texts[VECTOR_SYMPTOM]);
    texts_hash(ret_texts);
}

/* The intent is what a reader asks for: where it stands, the title, how it begins. */
void split_article(struct arena *a, const struct article *v, struct item_texts *ret_texts)
{
    struct str body = str_trim(v->description_text);
    struct str start = str_cut_utf8(body, 600), sentence = start;
    struct str rest = start;
    (void)take_sentence(&rest, &sentence);
    *ret_texts = (struct item_texts){.id = v->id, .title = v->title};
    ret_texts->texts[VECTOR_INTENT] = str_trim(
        arena_printf(a, "%.*s\n%.*s", STR_ARG(str_trim(v->title)), STR_ARG(sentence)));
    if (body.len > 0)
        ret_texts->texts[VECTOR_PROCEDURE] = str_trim(
            arena_printf(a, "%.*s\n\n%.*s", STR_ARG(str_trim(v->title)),
                         STR_ARG(str_cut_utf8(body, PROCEDURE_BYTES_MAX))));
    ret_texts->more = str_cut_utf8(body, MORE_BYTES_MAX);
    ret_texts->language = split_language(ret_texts->texts[VECTOR_INTENT]);
    texts_hash(ret_texts);
}
