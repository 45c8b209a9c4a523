/*
 * A mail in sentences, each with what it is for.
 *
 *   mail -> without what it quotes -> sentences -> kind by words and endings -> signature by its place
 *
 * Mails of customers are only freed of small talk: what they say is never judged further. Those of agents are
 * sorted on: progress, questions, causes, fixes. Many helpdesks send texts without line breaks, so everything
 * works on sentences; lines only help.
 * Nothing here fails or waits. Invariant: a sentence that says something about the matter beside its courtesy
 * ("it fails, please check") is no courtesy: that takes all of its words.
 */
#include "sync/sentence.h"

#include "sync/cues.h"

enum {
    GREETING_BYTES_MAX = 48, /* "Hello support team," */
    SIGNATURE_BYTES_MAX = 90,
    SIGNATURE_LINES_MAX = 6,
    COURTESY_BYTES_MAX = 240,
    TAIL_BYTES = 45, /* where a request stands in a Korean sentence */
    QUOTE_HEAD_BYTES = 200,
};

/* ---- cutting ---- */

static bool is_number(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    }
    return s.len > 0 && s.len <= 3;
}

/* Bytes of an end mark at `at`; 0: none. A stop within a number, a name or after a list's number is none. */
static size_t end_mark(struct str s, size_t at)
{
    if (str_starts(str_sub(s, at, 3), STR("。")))
        return 3;
    char c = s.ptr[at];
    if (c != '.' && c != '!' && c != '?')
        return 0;
    if (c == '.' && is_number(str_trim(str_sub(s, 0, at))))
        return 0;
    return at + 1 == s.len || s.ptr[at + 1] == ' ' || s.ptr[at + 1] == '\n' ? 1 : 0;
}

bool sentence_take(struct str *rest, struct str *ret_sentence)
{
    while (rest->len > 0) {
        size_t at = 0, end = 0;
        while (at < rest->len && rest->ptr[at] != '\n' && end == 0) {
            end = end_mark(*rest, at);
            at += end ? end : 1;
        }
        struct str sentence = str_trim(str_sub(*rest, 0, at));
        bool ends_line = at < rest->len && rest->ptr[at] == '\n';
        *rest = str_sub(*rest, at + ends_line, rest->len);
        if (sentence.len > 0) {
            *ret_sentence = sentence;
            return true;
        }
    }
    return false;
}

/* ---- quoted mails ---- */

/* "On <day>, <somebody> wrote:"; where it begins. */
static size_t find_wrote(struct str s)
{
    for (size_t at = 0; (at = str_find(s, STR(" wrote:"), at)) != SIZE_MAX; at++) {
        size_t from = at > QUOTE_HEAD_BYTES ? at - QUOTE_HEAD_BYTES : 0;
        for (size_t i = at; i > from; i--) {
            if (str_starts(str_sub(s, i - 1, s.len), STR("On ")) &&
                (i == 1 || s.ptr[i - 2] == '\n' || s.ptr[i - 2] == ' '))
                return i - 1;
        }
    }
    return SIZE_MAX;
}

/* Back from `at` to the begin of its line; of texts without lines: `at` itself. */
static size_t line_begin(struct str s, size_t at)
{
    size_t from = at;
    while (from > 0 && s.ptr[from - 1] != '\n' && at - from < QUOTE_HEAD_BYTES)
        from--;
    return from == 0 || s.ptr[from - 1] == '\n' ? from : at;
}

/* A mail's head: "From:" at the begin of a line, then one of the other fields soon. */
static size_t find_head(struct str s)
{
    for (size_t i = 0; i < ARRAY_COUNT(cue_head_first); i++) {
        for (size_t at = 0; (at = str_find(s, cue_head_first[i], at)) != SIZE_MAX; at++) {
            struct str near = str_sub(s, at, 2 * QUOTE_HEAD_BYTES);
            if ((at == 0 || s.ptr[at - 1] == '\n') &&
                cues_find(near, cue_head_next, ARRAY_COUNT(cue_head_next)) != SIZE_MAX)
                return at;
        }
    }
    return SIZE_MAX;
}

static struct str without_quote(struct str mail)
{
    size_t end = MIN(mail.len, MIN(find_wrote(mail), find_head(mail)));
    size_t mark = cues_find(mail, cue_quote_marks, ARRAY_COUNT(cue_quote_marks));
    end = MIN(end, mark);
    size_t author = cues_find(mail, cue_quote_authors, ARRAY_COUNT(cue_quote_authors));
    if (author < end)
        end = line_begin(mail, author);
    return str_trim(str_sub(mail, 0, end));
}

/* ---- what a sentence looks like ---- */

static bool is_mark(char c)
{
    return c == '.' || c == '!' || c == '?' || c == ',' || c == '~' || c == '^' || c == ':' ||
           c == ';' || c == ')' || c == '(' || c == '"' || c == '*';
}

static struct str without_marks(struct str s)
{
    while (s.len > 0 && (is_mark(s.ptr[s.len - 1]) || s.ptr[s.len - 1] == ' '))
        s.len--;
    return s;
}

static bool has_end_mark(struct str s)
{
    char c = s.len > 0 ? s.ptr[s.len - 1] : ' ';
    return c == '.' || c == '!' || c == '?' || str_ends(s, STR("。"));
}

static bool has(struct str s, const struct str *cues, size_t count)
{
    return cues_find(s, cues, count) != SIZE_MAX;
}
#define HAS(s, table) has((s), (table), ARRAY_COUNT(table))

static bool ends_so(struct str s, const struct str *endings, size_t count)
{
    struct str bare = without_marks(s);
    for (size_t i = 0; i < count; i++) {
        if (str_ends(bare, endings[i]))
            return true;
    }
    return false;
}
#define ENDS_SO(s, table) ends_so((s), (table), ARRAY_COUNT(table))

/* The last part of the sentence, where Korean says what is wanted. */
static struct str tail_of(struct str s)
{
    size_t from = s.len > TAIL_BYTES ? s.len - TAIL_BYTES : 0;
    while (from < s.len && ((unsigned char)s.ptr[from] & 0xc0) == 0x80)
        from++;
    return str_sub(s, from, s.len);
}

/* "010-1234-5678", "+82 2 123 4567": seven digits or more, in groups. */
static bool has_phone(struct str s)
{
    size_t digits = 0, groups = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool is_digit = c >= '0' && c <= '9';
        if (is_digit)
            digits++;
        else if (digits > 0 && (c == '-' || c == '.' || c == ' ') && i + 1 < s.len &&
                 s.ptr[i + 1] >= '0' && s.ptr[i + 1] <= '9')
            groups++;
        else if (digits >= 7 && groups >= 2)
            return true;
        else
            digits = groups = 0;
    }
    return digits >= 7 && groups >= 2;
}

/* ---- small talk ---- */

static bool is_small_word(struct str word)
{
    for (size_t i = 0; i < ARRAY_COUNT(cue_small_stems); i++) {
        if (str_starts(word, cue_small_stems[i]))
            return true;
    }
    for (size_t i = 0; i < ARRAY_COUNT(cue_small_words); i++) {
        if (str_eq_nocase(word, cue_small_words[i]))
            return true;
    }
    return false;
}

/* All words of it are small talk. */
static bool is_small_talk(struct str s)
{
    struct str rest = s, word;
    size_t count = 0;
    if (s.len > COURTESY_BYTES_MAX)
        return false;
    while (str_cut(&rest, ' ', &word)) {
        word = without_marks(word);
        while (word.len > 0 && is_mark(word.ptr[0]))
            word = str_sub(word, 1, word.len);
        if (word.len == 0)
            continue;
        if (!is_small_word(word))
            return false;
        count++;
    }
    return count > 0;
}

static size_t word_count(struct str s)
{
    struct str rest = s, word;
    size_t count = 0;
    while (str_cut(&rest, ' ', &word))
        count += without_marks(word).len > 0;
    return count;
}

/* Cuts the greeting and whom it is for off the front. */
static struct str without_greeting(struct str s)
{
    for (size_t i = 0; i < ARRAY_COUNT(cue_greetings); i++) {
        struct str word = cue_greetings[i];
        if (!str_starts_nocase(s, word))
            continue;
        struct str rest = str_sub(s, word.len, s.len);
        bool is_latin = (unsigned char)word.ptr[0] < 0x80;
        if (is_latin && rest.len > 0 && rest.ptr[0] != ' ' && !is_mark(rest.ptr[0]))
            continue;
        for (size_t at = 0; is_latin && at < MIN(rest.len, (size_t)GREETING_BYTES_MAX); at++) {
            if (rest.ptr[at] == ',' || rest.ptr[at] == '!' || rest.ptr[at] == ':')
                return str_trim(str_sub(rest, at + 1, rest.len));
        }
        while (rest.len > 0 && (is_mark(rest.ptr[0]) || rest.ptr[0] == ' '))
            rest = str_sub(rest, 1, rest.len);
        if (is_latin && word_count(rest) <= 3 && !has_end_mark(rest) && is_small_talk(rest))
            return STR("");
        return str_trim(rest);
    }
    return s;
}

/* "Kim 드림", also with a team or a number behind; *ret_name: Kim. */
static bool is_signed(struct str s, struct str *ret_name)
{
    if (s.len > SIGNATURE_BYTES_MAX || has_end_mark(s))
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(cue_signed); i++) {
        size_t at = str_find(s, cue_signed[i], 0);
        if (at == SIZE_MAX || at == 0 || word_count(str_sub(s, 0, at)) > 4)
            continue;
        struct str behind = str_sub(s, at + cue_signed[i].len, s.len);
        if (behind.len > 0 && behind.ptr[0] != ',' && !has_phone(behind) &&
            str_find(behind, STR("|"), 0) == SIZE_MAX)
            continue;
        struct str rest = str_sub(s, 0, at), word;
        while (str_cut(&rest, ' ', &word))
            *ret_name = word;
        return true;
    }
    return false;
}

static bool is_signature(struct str s)
{
    if (s.len > SIGNATURE_BYTES_MAX || has_end_mark(s))
        return false;
    return has_phone(s) || ENDS_SO(s, cue_team_endings);
}

static bool is_footer(struct str s)
{
    if (HAS(s, cue_footers))
        return true;
    return HAS(s, cue_this_mail) && HAS(s, cue_legal);
}

/* ---- agents ---- */

/* Cuts "1. ", "- ", "please" and the like off the front; *ret_is_item: it was an item of a list. */
static struct str bare_front(struct str s, bool *ret_is_item)
{
    *ret_is_item = false;
    size_t digits = 0;
    while (digits < s.len && digits < 2 && s.ptr[digits] >= '0' && s.ptr[digits] <= '9')
        digits++;
    if (digits > 0 && digits + 1 < s.len && (s.ptr[digits] == '.' || s.ptr[digits] == ')') &&
        s.ptr[digits + 1] == ' ') {
        s = str_trim(str_sub(s, digits + 1, s.len));
        *ret_is_item = true;
    } else if (str_starts(s, STR("- ")) || str_starts(s, STR("* ")))
        s = str_trim(str_sub(s, 2, s.len));
    for (size_t i = 0; i < ARRAY_COUNT(cue_fronts); i++) {
        if (str_starts_nocase(s, cue_fronts[i])) {
            s = str_trim(str_sub(s, cue_fronts[i].len, s.len));
            i = SIZE_MAX; /* from the first again */
        }
    }
    return s;
}

static bool begins_with_verb(struct str s)
{
    struct str rest = s, word;
    if (!str_cut(&rest, ' ', &word))
        return false;
    word = without_marks(word);
    for (size_t i = 0; i < ARRAY_COUNT(cue_verbs); i++) {
        if (str_eq_nocase(word, cue_verbs[i]))
            return true;
    }
    return false;
}

/* An instruction. */
static bool is_instruction(struct str s)
{
    bool is_item;
    struct str bare = bare_front(s, &is_item);
    if (is_item || begins_with_verb(bare) || HAS(s, cue_advice))
        return true;
    /* "If it is red, press reset": the instruction follows the condition. */
    size_t comma = str_find(bare, STR(", "), 0);
    if (comma != SIZE_MAX) {
        struct str main = bare_front(str_sub(bare, comma + 2, bare.len), &is_item);
        if (begins_with_verb(main) && HAS(str_sub(bare, 0, comma), cue_conditions))
            return true;
    }
    if (ENDS_SO(s, cue_imperatives))
        return true;
    return HAS(s, cue_if) && ENDS_SO(s, cue_outcomes);
}

static bool tells_deed(struct str s)
{
    if (HAS(s, cue_not))
        return false;
    if (HAS(s, cue_done))
        return true;
    return ENDS_SO(s, cue_done_endings) && HAS(s, cue_deeds);
}

static enum sentence_kind kind_by_agent(struct str s)
{
    if (is_small_talk(s))
        return SENTENCE_COURTESY;
    bool instructs = is_instruction(s);
    bool is_cause = HAS(s, cue_causes) && !HAS(s, cue_unknown);
    bool is_progress = HAS(s, cue_progress) && !ENDS_SO(s, cue_imperatives);
    if (s.len <= COURTESY_BYTES_MAX && HAS(s, cue_courtesies) && !is_cause)
        return SENTENCE_COURTESY;
    if (s.ptr[s.len - 1] == '?' || HAS(tail_of(s), cue_ask_tails) || HAS(s, cue_asks))
        return SENTENCE_ASK;
    if (is_progress || HAS(s, cue_unknown))
        return SENTENCE_PROGRESS;
    if (HAS(s, cue_announce) && (ENDS_SO(s, cue_announce_endings) || s.ptr[s.len - 1] == ':'))
        return SENTENCE_ANNOUNCE;
    if (is_cause && !instructs)
        return SENTENCE_CAUSE;
    return instructs || tells_deed(s) ? SENTENCE_FIX : SENTENCE_SAID;
}

/* ---- the whole ---- */

static enum sentence_kind kind_of(struct sentence *s, bool by_agent)
{
    struct str name;
    if (is_footer(s->text))
        return SENTENCE_FOOTER;
    if (is_signed(s->text, &name) || is_signature(s->text))
        return SENTENCE_SIGNATURE;
    struct str bare = without_greeting(s->text);
    if (without_marks(bare).len == 0)
        return SENTENCE_OPENING;
    s->text = bare;
    if (by_agent)
        return kind_by_agent(bare);
    return is_small_talk(bare) ? SENTENCE_COURTESY : SENTENCE_SAID;
}

/* What stands before the matter is an opening, whatever it says; so is who introduces himself. */
static void find_openings(struct sentence *s, size_t count)
{
    struct str signer = STR_NONE;
    for (size_t i = 0; i < count && signer.len == 0; i++)
        (void)is_signed(s[i].text, &signer);
    for (size_t i = 0; i < count; i++) {
        bool named = signer.len > 3 && str_find(s[i].text, signer, 0) != SIZE_MAX;
        bool introduces = s[i].text.len <= SIGNATURE_BYTES_MAX &&
                          ((named && ENDS_SO(s[i].text, cue_i_am)) ||
                           ENDS_SO(s[i].text, cue_speaking));
        if (s[i].kind == SENTENCE_COURTESY || introduces)
            s[i].kind = SENTENCE_OPENING;
        else if (s[i].kind != SENTENCE_OPENING)
            break;
    }
}

/* Short pieces without an end mark behind the last courtesy are names, firms and numbers. */
static void find_signature(struct sentence *s, size_t count)
{
    size_t begin = count, pieces = 0;
    for (size_t i = count; i > 0 && pieces <= SIGNATURE_LINES_MAX; i--) {
        const struct sentence *last = &s[i - 1];
        bool is_end = last->kind == SENTENCE_COURTESY;
        if (is_end || last->kind == SENTENCE_SIGNATURE)
            begin = i;
        else if (last->kind != SENTENCE_FOOTER) {
            is_end = last->text.len > SIGNATURE_BYTES_MAX || has_end_mark(last->text);
            pieces++;
        }
        if (is_end)
            break;
    }
    for (size_t i = begin; i < count; i++) {
        if (s[i].kind != SENTENCE_FOOTER)
            s[i].kind = SENTENCE_SIGNATURE;
    }
}

/* What was announced is what was found. */
static void find_findings(struct sentence *s, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (s[i - 1].kind == SENTENCE_ANNOUNCE && s[i].kind == SENTENCE_SAID)
            s[i].kind = SENTENCE_CAUSE;
    }
}

struct reading {
    struct arena *arena;
    struct sentence *sentences;
    size_t count, cap;
};

static void read_line(struct reading *g, struct str line, bool by_agent)
{
    struct str text;
    for (bool first = true; g->count < SENTENCES_MAX && sentence_take(&line, &text);
         first = false) {
        if (g->count == g->cap) {
            struct sentence *more = ARENA_ARRAY(g->arena, MAX(g->cap * 2, 16), struct sentence);
            if (g->count > 0)
                memcpy(more, g->sentences, g->count * sizeof(*more));
            g->sentences = more;
            g->cap = MAX(g->cap * 2, 16);
        }
        struct sentence *s = &g->sentences[g->count++];
        *s = (struct sentence){.text = text, .begins_line = first};
        s->kind = kind_of(s, by_agent);
    }
}

size_t sentences_read(struct arena *a, struct str mail, bool by_agent,
                      struct sentence **ret_sentences)
{
    struct reading g = {.arena = a};
    struct str rest = without_quote(mail), line;
    while (str_cut(&rest, '\n', &line)) {
        line = str_trim(line);
        if (!str_starts(line, STR(">"))) /* answers stand between the lines that they quote */
            read_line(&g, line, by_agent);
    }
    find_openings(g.sentences, g.count);
    find_signature(g.sentences, g.count);
    if (by_agent)
        find_findings(g.sentences, g.count);
    *ret_sentences = g.sentences;
    return g.count;
}
