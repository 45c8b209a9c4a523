#include "sandbox/brain.h"

#include <inttypes.h>
#include <string.h>

#include "sandbox/features.h"

/*
 * Reads a prompt into facts and tells them again.
 *
 *   prompt -> ticket, sources, question -> sentences, each known as symptom, cause, fix or other
 *          -> summary | solution | answer | reply, in Korean or English
 *
 * A sentence is known when it is one of the families' (family_find); else clue words decide, so that
 * tickets typed by a person work too. Private notes, greetings and signatures are passed over. Cannot
 * fail: a prompt without data gets a polite sentence. Invariant: every fact is a substring of the
 * prompt's data.
 */

int64_t token_estimate(struct str text)
{
    int64_t tenths = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x80)
            tenths += 3;
        else if (c >= 0xc0)
            tenths += 7;
    }
    return (tenths + 9) / 10;
}

static bool has(struct str text, const char *word)
{
    return str_find(text, str_from(word), 0) != SIZE_MAX;
}

static bool has_any(struct str text, const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        if (has(text, words[i]))
            return true;
    return false;
}

static size_t first_of(struct str text, const char *const *words)
{
    size_t first = SIZE_MAX;
    for (size_t i = 0; words[i]; i++)
        first = MIN(first, str_find(text, str_from(words[i]), 0));
    return first;
}

/* What stands between `open` (with its attributes, up to '>') and `close`; advances *at behind it. */
static bool between(struct str text, const char *open, const char *close, size_t *at,
                    struct str *ret_head, struct str *ret_inner)
{
    size_t from = str_find(text, str_from(open), *at);
    if (from == SIZE_MAX)
        return false;
    size_t head_end = str_find(text, STR(">"), from);
    size_t end = head_end == SIZE_MAX ? SIZE_MAX : str_find(text, str_from(close), head_end);
    if (end == SIZE_MAX)
        return false;
    *ret_head = str_sub(text, from, head_end - from);
    *ret_inner = str_sub(text, head_end + 1, end - head_end - 1);
    *at = end + strlen(close);
    return true;
}

/* ---- sentences ---- */

static const char *const cause_clues[] = {"원인",   "때문",      "탓", "because",
                                          "due to", "the cause", NULL};
static const char *const fix_clues[] = {"주세요",  "해결됩니다", "처리했", "조치",     "please ",
                                        "Please ", "try ",       "fixed",  "resolved", NULL};
static const char *const small_talk[] = {
    "안녕하세요",   "감사합니다", "감사드립니다", "수고",       "드림",    "부탁드립니다",
    "Hello",        "Hi ",        "Dear ",        "Thank",      "Regards", "regards",
    "Good morning", "| 010-",     "[internal#",   "죄송합니다", NULL};

static enum saying saying_of(struct str sentence)
{
    enum saying known = family_find(sentence, NULL);
    if (known != SAYING_OTHER)
        return known;
    if (has_any(sentence, cause_clues))
        return SAYING_CAUSE;
    return has_any(sentence, fix_clues) ? SAYING_FIX : SAYING_OTHER;
}

static struct str without_number(struct str s)
{
    size_t i = 0;
    while (i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9')
        i++;
    if (i > 0 && i < s.len && (s.ptr[i] == '.' || s.ptr[i] == ')'))
        return str_trim(str_sub(s, i + 1, s.len));
    if (s.len > 1 && (s.ptr[0] == '-' || s.ptr[0] == '*'))
        return str_trim(str_sub(s, 1, s.len));
    return s;
}

static void add_fact(struct mind *m, struct str sentence, int64_t source)
{
    sentence = without_number(str_trim(sentence));
    if (sentence.len < 12 || m->fact_count == FACTS_MAX)
        return;
    enum saying saying = saying_of(sentence);
    if (saying == SAYING_OTHER && has_any(sentence, small_talk))
        return;
    m->facts[m->fact_count++] = (struct fact){sentence, saying, source};
}

/* A known sentence may hold a full stop inside, so a whole line is tried before its parts. */
static void add_line(struct mind *m, struct str line, int64_t source)
{
    line = str_trim(line);
    if (family_find(without_number(line), NULL) != SAYING_OTHER) {
        add_fact(m, line, source);
        return;
    }
    size_t from = 0;
    for (size_t i = 0; i + 1 < line.len; i++) {
        char c = line.ptr[i];
        if ((c != '.' && c != '?' && c != '!') || line.ptr[i + 1] != ' ')
            continue;
        add_fact(m, str_sub(line, from, i + 1 - from), source);
        from = i + 2;
    }
    add_fact(m, str_sub(line, from, line.len), source);
}

static void add_text(struct mind *m, struct str text, int64_t source)
{
    struct str line;
    bool is_note = false; /* agents' notes are not told again */
    while (str_cut(&text, '\n', &line)) {
        if (str_starts(line, STR("<turn ")) || str_starts(line, STR("</turn>")))
            is_note = has(line, "from=\"note\"");
        else if (!is_note)
            add_line(m, line, source);
    }
}

/* ---- reading ---- */

static enum lang lang_of(struct str instructions, struct str data)
{
    static const char *const english[] = {"in English", "영어로", NULL};
    static const char *const korean[] = {"in Korean", "한국어로", NULL};
    if (has_any(instructions, english))
        return LANG_EN;
    if (has_any(instructions, korean))
        return LANG_KO;
    size_t wide = 0, plain = 0;
    for (size_t i = 0; i < data.len; i++) {
        wide += (unsigned char)data.ptr[i] >= 0xe0;
        plain += data.ptr[i] >= 'A' && data.ptr[i] <= 'z';
    }
    return wide * 4 > plain ? LANG_KO : LANG_EN;
}

static enum task task_of(struct str instructions)
{
    static const char *const reply[] = {"답변 초안", "답장",  "회신", "reply",
                                        "Reply",     "draft", NULL};
    static const char *const summary[] = {"요약", "summar", "Summar", NULL};
    static const char *const solution[] = {"해결책",   "해결 방법", "해결 방안", "solution",
                                           "Solution", "steps",     NULL};
    if (has(instructions, "summary-v1"))
        return TASK_SUMMARY;
    if (has(instructions, "solutions-v1"))
        return TASK_SOLUTION;
    if (has(instructions, "reply-v1"))
        return TASK_REPLY;
    if (has(instructions, "answer-v1"))
        return TASK_ANSWER;
    size_t at[4] = {[TASK_ANSWER] = SIZE_MAX,
                    [TASK_SUMMARY] = first_of(instructions, summary),
                    [TASK_SOLUTION] = first_of(instructions, solution),
                    [TASK_REPLY] = first_of(instructions, reply)};
    enum task task = TASK_ANSWER;
    for (int i = TASK_SUMMARY; i <= TASK_REPLY; i++)
        if (at[i] < at[task])
            task = (enum task)i;
    return task;
}

static int64_t number_in(struct str head)
{
    size_t at = str_find(head, STR("n=\""), 0);
    int64_t n;
    if (at == SIZE_MAX)
        return 0;
    struct str rest = str_sub(head, at + 3, head.len), digits;
    return str_cut(&rest, '"', &digits) && str_to_i64(digits, &n) ? n : 0;
}

/* Sources of the ticket's family first; with a question, the nearer to it the earlier. A source fits
 * unless the ticket's family is known and the source tells of others only. */
static void rank_sources(struct mind *m)
{
    const struct fact *symptom = mind_fact(m, SAYING_SYMPTOM, 0, 0);
    size_t want = 0, family = 0;
    bool known = symptom && family_find(symptom->text, &want) != SAYING_OTHER;
    float *question = ARENA_ARRAY(m->arena, 2 * (size_t)FEATURE_DIM, float);
    float *source = question + FEATURE_DIM;
    double score[SOURCES_MAX];
    if (m->question.len)
        features_of(m->question, question);
    for (size_t i = 0; i < m->source_count; i++) {
        bool same = false, other = false;
        for (size_t k = 0; k < m->fact_count; k++)
            if (m->facts[k].source == m->sources[i] &&
                family_find(m->facts[k].text, &family) != SAYING_OTHER)
                *(family == want ? &same : &other) = true;
        m->fits[i] = !known || same || !other || m->question.len > 0;
        score[i] = known && same ? 1 : 0;
        if (m->question.len) {
            features_of(m->source_texts[i], source);
            score[i] = score[i] * 0.1 + features_cosine(question, source);
        }
        size_t at = i;
        for (; at > 0 && score[m->order[at - 1]] < score[i]; at--)
            m->order[at] = m->order[at - 1];
        m->order[at] = i;
    }
}

void mind_read(struct mind *m, struct arena *arena, const struct prompt *p)
{
    *m = (struct mind){.arena = arena, .facts = ARENA_ARRAY(arena, FACTS_MAX, struct fact)};
    struct str head, inner;
    size_t at = 0;
    if (between(p->user, "<ticket", "</ticket>", &at, &head, &inner))
        m->ticket = inner;
    size_t behind = at;
    at = 0;
    if (between(p->user, "<question", "</question>", &at, &head, &inner))
        m->question = str_trim(inner);
    add_text(m, m->ticket, 0);
    at = 0;
    while (m->source_count < SOURCES_MAX &&
           between(p->user, "<source", "</source>", &at, &head, &inner)) {
        int64_t n = number_in(head);
        m->sources[m->source_count] = n ? n : (int64_t)m->source_count + 1;
        m->source_texts[m->source_count++] = inner;
        add_text(m, inner, m->sources[m->source_count - 1]);
        behind = MAX(behind, at);
    }
    if (!m->question.len)
        m->question = str_trim(str_sub(p->user, behind, p->user.len));
    if (!m->fact_count)
        add_text(m, m->question, 0);
    rank_sources(m);
    struct str data = m->ticket.len ? m->ticket : m->question.len ? m->question : p->user;
    m->lang = lang_of(p->instructions, data);
    m->task = task_of(p->instructions);
}

const struct fact *mind_fact(const struct mind *m, enum saying saying, int64_t source, size_t skip)
{
    for (size_t i = 0; i < m->fact_count; i++) {
        const struct fact *fact = &m->facts[i];
        if (fact->saying != saying || (source >= 0 && fact->source != source))
            continue;
        if (skip-- == 0)
            return fact;
    }
    return NULL;
}

/* ---- telling ---- */

static const struct fact *ticket_fact(const struct mind *m, enum saying saying)
{
    return mind_fact(m, saying, 0, 0);
}

static const struct fact *symptom_of(const struct mind *m)
{
    const struct fact *fact = ticket_fact(m, SAYING_SYMPTOM);
    return fact ? fact : ticket_fact(m, SAYING_OTHER);
}

static void say(struct buf *out, const char *before, const struct fact *fact, const char *after)
{
    if (!fact)
        return;
    buf_text(out, before);
    buf_str(out, fact->text);
    buf_text(out, after);
}

static void cite(struct buf *out, const struct fact *fact)
{
    if (fact && fact->source)
        buf_printf(out, " [%" PRId64 "]", fact->source);
}

static void tell_summary(const struct mind *m, struct buf *out)
{
    static const char *const angry[] = {"급하", "빠른 처리", "urgent", "항의", NULL};
    bool ko = m->lang == LANG_KO, hot = has_any(m->ticket, angry);
    const struct fact *cause = ticket_fact(m, SAYING_CAUSE), *fix = ticket_fact(m, SAYING_FIX);
    const struct fact *symptom = symptom_of(m);
    say(out, "", symptom, " ");
    say(out, "", cause, " ");
    buf_text(out, fix ? (ko ? "해결 방법이 안내되었습니다." : "A solution has been given.")
                      : (ko ? "아직 해결 방법이 안내되지 않았습니다."
                            : "No solution has been given yet."));
    buf_byte(out, '\n');
    say(out, "- ", fix, "\n");
    for (size_t i = 0, told = 0; i < 4 && told < 3; i++) {
        const struct fact *other = mind_fact(m, SAYING_OTHER, 0, i);
        if (!other || other == symptom)
            continue;
        say(out, "- ", other, "\n");
        told++;
    }
    if (ko)
        buf_printf(out, "감정: %s\n긴급도: %s", hot ? "부정적" : "중립적", hot ? "높음" : "보통");
    else
        buf_printf(out, "Sentiment: %s\nUrgency: %s", hot ? "negative" : "neutral",
                   hot ? "high" : "normal");
}

static struct str source_title(const struct mind *m, size_t i)
{
    struct str rest = m->source_texts[i], line;
    while (str_cut(&rest, '\n', &line))
        if (str_trim(line).len)
            return str_trim(line);
    return STR_NONE;
}

/* Each fitting source is one solution, its fixes are the steps, each quoted whole. */
static void tell_solution(const struct mind *m, struct buf *out)
{
    size_t told = 0;
    for (size_t k = 0; k < m->source_count && told < 3; k++) {
        size_t i = m->order[k];
        if (!m->fits[i] || !mind_fact(m, SAYING_FIX, m->sources[i], 0))
            continue;
        buf_text(out, told++ ? "\n## " : "## ");
        buf_str(out, str_cut_utf8(source_title(m, i), 150));
        for (size_t step = 0; step < 3; step++) {
            const struct fact *fix = mind_fact(m, SAYING_FIX, m->sources[i], step);
            if (!fix)
                break;
            say(out, "\n- ", fix, "");
            cite(out, fix);
            say(out, " <<", fix, ">>");
        }
    }
    if (!told)
        buf_text(out, m->lang == LANG_KO ? "없음" : "NONE");
}

static void tell_answer(const struct mind *m, struct buf *out)
{
    bool ko = m->lang == LANG_KO;
    size_t told = 0;
    for (size_t k = 0; k < m->source_count && told < 2; k++) {
        size_t i = m->order[k];
        const struct fact *cause = mind_fact(m, SAYING_CAUSE, m->sources[i], 0);
        const struct fact *fix = mind_fact(m, SAYING_FIX, m->sources[i], 0);
        if (!m->fits[i] || (!cause && !fix))
            continue;
        say(out, told ? "\n" : "", cause, "");
        cite(out, cause);
        say(out, cause ? "\n" : "", fix, "");
        cite(out, fix);
        told++;
    }
    if (told)
        return;
    const struct fact *fact = ticket_fact(m, SAYING_FIX);
    fact = fact ? fact : ticket_fact(m, SAYING_SYMPTOM);
    if (fact && m->ticket.len)
        say(out, ko ? "티켓에서 확인된 내용은 다음과 같습니다. " : "The ticket says: ", fact, "");
    else
        buf_text(out,
                 ko ? "자료로는 알 수 없습니다. 오류 코드나 화면을 알려 주시면 더 찾아보겠습니다."
                    : "The sources do not answer this. An error code or a screenshot would help.");
}

static void tell_reply(const struct mind *m, struct buf *out)
{
    bool ko = m->lang == LANG_KO;
    const struct fact *fix = NULL, *cause = NULL;
    for (size_t k = 0; k < m->source_count && !fix; k++) {
        size_t i = m->order[k];
        fix = m->fits[i] ? mind_fact(m, SAYING_FIX, m->sources[i], 0) : NULL;
        cause = fix ? mind_fact(m, SAYING_CAUSE, m->sources[i], 0) : NULL;
    }
    fix = fix ? fix : ticket_fact(m, SAYING_FIX);
    buf_text(out, ko ? "안녕하세요, 고객님.\n\n문의해 주셔서 감사합니다.\n"
                     : "Hello,\n\nthank you for contacting us.\n");
    say(out,
        ko ? "말씀하신 내용은 다음과 같이 이해했습니다: " : "As we understand it: ", symptom_of(m),
        "\n\n");
    say(out, "", cause, "\n\n");
    say(out, "", fix, "\n");
    if (!fix)
        buf_text(out, ko ? "담당 부서에서 확인한 뒤 다시 안내드리겠습니다.\n"
                         : "Our team is looking into it and will come back to you.\n");
    buf_text(out, ko ? "\n추가로 궁금하신 점이 있으면 언제든지 회신해 주세요.\n감사합니다."
                     : "\nPlease reply whenever you have further questions.\nKind regards");
}

/* ---- JSON ---- */

/* The last balanced {...} of the instructions that is JSON; JSON_NONE: none. */
static struct json pattern_of(struct mind *m, struct str text)
{
    struct err err;
    for (size_t end = text.len; end-- > 0;) {
        if (text.ptr[end] != '}')
            continue;
        int depth = 0;
        for (size_t at = end + 1; at-- > 0;) {
            depth += text.ptr[at] == '}';
            depth -= text.ptr[at] == '{';
            if (depth)
                continue;
            struct json v;
            if (json_parse(m->arena, str_sub(text, at, end + 1 - at), &v, &err) >= 0 &&
                json_count(v))
                return v;
            break;
        }
    }
    return JSON_NONE;
}

static void tell_json(struct mind *m, const struct prompt *p, struct buf *out)
{
    struct jw w = JW_INIT(out);
    if (json_exists(p->schema)) {
        mind_fill_schema(m, &w, p->schema);
        return;
    }
    struct json pattern = pattern_of(m, p->instructions);
    if (json_is_obj(json_get(pattern, "properties")))
        mind_fill_schema(m, &w, pattern);
    else if (json_exists(pattern))
        mind_fill_like(m, &w, pattern);
    else
        buf_text(out, "{}");
}

void mind_answer(struct mind *m, const struct prompt *p, struct buf *out)
{
    if (p->wants_json || json_exists(p->schema)) {
        tell_json(m, p, out);
        return;
    }
    switch (m->task) {
    case TASK_SUMMARY: tell_summary(m, out); break;
    case TASK_SOLUTION: tell_solution(m, out); break;
    case TASK_REPLY: tell_reply(m, out); break;
    case TASK_ANSWER: tell_answer(m, out); break;
    }
}
