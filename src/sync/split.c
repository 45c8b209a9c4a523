/*
 * Texts of a ticket without a model: symptom, cause and resolution by what its sentences are for (sentence.c).
 *
 *   symptom     subject, description, what the customer added before the first public answer; no small talk
 *   cause       of resolved tickets: sentences of public agent replies that tell a cause
 *   resolution  of resolved tickets: instructions and deeds of the last agent reply that has some, and of
 *               those right before it; none: what the last reply says about the matter, if anything
 *
 * Nothing here fails or waits. Limits: 6 KiB symptom, 2 KiB cause, 4 KiB resolution.
 * Invariant: a private note never reaches one of the three texts (they feed drafts to customers); it is
 * found by search only.
 */
#include "sync/run.h"

#include "base/buf.h"
#include "sync/sentence.h"

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

/* "Re: ", "회신: " and so on off the front. */
static struct str bare_subject(struct str subject)
{
    static const struct str fronts[] = {STR("re:"),   STR("fw:"),   STR("fwd:"),
                                        STR("회신:"), STR("답장:"), STR("전달:")};
    subject = str_trim(subject);
    for (size_t i = 0; i < ARRAY_COUNT(fronts); i++) {
        if (str_starts_nocase(subject, fronts[i])) {
            subject = str_trim(str_sub(subject, fronts[i].len, subject.len));
            i = SIZE_MAX; /* from the first again */
        }
    }
    return subject;
}

/* What a customer says about the matter; lines stay lines. */
static void add_matter(struct arena *a, struct str mail, struct str subject, struct buf *out)
{
    struct sentence *s;
    size_t count = sentences_read(a, mail, false, &s);
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (s[i].kind != SENTENCE_SAID || str_eq(s[i].text, subject))
            continue;
        if (out->len > 0)
            buf_text(out, first ? "\n\n" : s[i].begins_line ? "\n" : " ");
        buf_str(out, s[i].text);
        first = false;
    }
}

static struct str symptom_of(struct arena *a, const struct ticket *t,
                             const struct conversation *talks, size_t talk_count)
{
    struct buf out = BUF_INIT(0);
    struct str subject = bare_subject(t->subject);
    buf_str(&out, subject);
    add_matter(a, t->description_text, subject, &out);
    for (size_t i = 0; i < talk_count && out.len < SYMPTOM_BYTES_MAX; i++) {
        if (is_answer(&talks[i]))
            break;
        if (!talks[i].incoming || talks[i].is_private ||
            str_eq(str_trim(talks[i].body_text), str_trim(t->description_text)))
            continue; /* web chats repeat their first message */
        add_matter(a, talks[i].body_text, subject, &out);
    }
    return finish(a, &out, SYMPTOM_BYTES_MAX);
}

/* Sentences of one kind of a reply; how many. */
static size_t add_kind(struct arena *a, const struct conversation *reply, enum sentence_kind kind,
                       struct buf *out)
{
    struct sentence *s;
    size_t count = sentences_read(a, reply->body_text, true, &s), added = 0;
    for (size_t i = 0; i < count; i++) {
        if (s[i].kind != kind || str_find(buf_view(out), s[i].text, 0) != SIZE_MAX)
            continue;
        add_sentence(out, s[i].text);
        added++;
    }
    return added;
}

/* The last reply that tells what helped, and those right before it: no word of the customer between. */
static void find_fix(struct arena *a, const struct conversation *talks, size_t talk_count,
                     size_t *ret_from, size_t *ret_end)
{
    *ret_from = *ret_end = 0;
    struct buf ignored = BUF_INIT(0);
    for (size_t i = talk_count; i > 0; i--) {
        const struct conversation *c = &talks[i - 1];
        if (c->incoming && *ret_end > 0)
            break;
        if (!is_answer(c) || add_kind(a, c, SENTENCE_FIX, &ignored) == 0)
            continue;
        *ret_from = i - 1;
        *ret_end = *ret_end > 0 ? *ret_end : i;
        buf_clear(&ignored);
    }
    buf_done(&ignored);
}

static void answer_of(struct arena *a, const struct conversation *talks, size_t talk_count,
                      struct str *ret_cause, struct str *ret_resolution)
{
    struct buf cause = BUF_INIT(0), resolution = BUF_INIT(0);
    size_t from, end;
    for (size_t i = 0; i < talk_count; i++) {
        if (is_answer(&talks[i]))
            (void)add_kind(a, &talks[i], SENTENCE_CAUSE, &cause);
    }
    find_fix(a, talks, talk_count, &from, &end);
    for (size_t i = from; i < end; i++) {
        if (is_answer(&talks[i]))
            (void)add_kind(a, &talks[i], SENTENCE_FIX, &resolution);
    }
    for (size_t i = talk_count; i > 0 && resolution.len == 0; i--) {
        if (is_answer(&talks[i - 1]))
            (void)add_kind(a, &talks[i - 1], SENTENCE_SAID, &resolution);
    }
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
    (void)sentence_take(&rest, &sentence);
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
