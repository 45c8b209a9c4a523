/*
 * The reader of streamed solutions.
 *
 * Happy path: pieces are gathered into lines; a title opens an item, a dash line adds a step whose source
 * and quote are checked. Lines of other shapes are shown and otherwise ignored, so prose costs nothing but
 * yields no items. Invariant: every step kept names a source that exists, every quote kept stands in it.
 */
#include "assist/steps.h"

#include "base/quote.h"

enum { LINE_BYTES_MAX = 16 * 1024 };

void steps_init(struct steps_reader *r, struct arena *a, const struct source *sources, size_t count)
{
    *r = (struct steps_reader){.arena = a, .sources = sources, .source_count = count};
    buf_init(&r->line, LINE_BYTES_MAX);
}

void steps_done(struct steps_reader *r)
{
    buf_done(&r->line);
}

static const struct source *source_by_number(const struct steps_reader *r, int64_t n)
{
    for (size_t i = 0; i < r->source_count; i++) {
        if (r->sources[i].n == n)
            return &r->sources[i];
    }
    return NULL;
}

static struct solution *item_open(struct steps_reader *r, struct str title)
{
    r->is_full = r->item_count == SOLUTIONS_MAX;
    if (r->is_full)
        return NULL;
    struct solution *item = &r->items[r->item_count++];
    item->title = arena_str(r->arena, title);
    item->steps = ARENA_ARRAY(r->arena, STEPS_MAX, struct step);
    item->step_count = 0;
    return item;
}

/* Takes the last "[n]" off the text; 0 when there is none. */
static int64_t take_number(struct str *text)
{
    for (size_t i = text->len; i-- > 0;) {
        if (text->ptr[i] != '[')
            continue;
        size_t close = str_find(*text, STR("]"), i);
        int64_t n;
        if (close == SIZE_MAX || !str_to_i64(str_sub(*text, i + 1, close - i - 1), &n))
            continue;
        *text = str_trim(str_sub(*text, 0, i));
        return n;
    }
    return 0;
}

static void take_step(struct steps_reader *r, struct str text)
{
    struct str quote = STR_NONE;
    size_t open = str_find(text, STR("<<"), 0);
    if (open != SIZE_MAX) {
        size_t close = str_find(text, STR(">>"), open);
        quote = str_sub(text, open + 2, close == SIZE_MAX ? text.len : close - open - 2);
        text = str_sub(text, 0, open);
    }
    const struct source *source = source_by_number(r, take_number(&text));
    text = str_trim(text);
    if (!source || !text.len || r->is_full) {
        r->dropped_steps++;
        return;
    }
    if (quote.len && !quote_stands_in(r->arena, source->text, quote)) {
        quote = STR_NONE;
        r->dropped_quotes++;
    }
    struct solution *item = r->item_count ? &r->items[r->item_count - 1]
                                          : item_open(r, source->title);
    if (item->step_count == STEPS_MAX)
        return;
    item->steps[item->step_count++] = (struct step){.text = arena_str(r->arena, text),
                                                    .quote = arena_str(r->arena, str_trim(quote)),
                                                    .source = source->n};
}

static void take_line(struct steps_reader *r)
{
    struct str line = str_trim(buf_view(&r->line));
    if (str_starts(line, STR("#"))) {
        while (str_starts(line, STR("#")))
            line = str_sub(line, 1, line.len);
        item_open(r, str_trim(line));
    } else if (str_starts(line, STR("- ")) || str_starts(line, STR("* "))) {
        take_step(r, str_sub(line, 2, line.len));
    }
    buf_clear(&r->line);
    r->shown = 0;
}

/* Could the answer so far be the word that says there is nothing? */
static bool may_be_none(const struct steps_reader *r)
{
    struct str line = str_trim(buf_view(&r->line));
    if (str_ends(line, STR(".")))
        line.len--;
    return !r->spoken && (str_starts(STR("NONE"), line) || str_starts(STR("없음"), line));
}

/* Gives out what is new in the line, up to a quote; a '<' at the end may begin one. */
static void show(struct steps_reader *r, bool is_whole, struct buf *ret_show)
{
    if (may_be_none(r))
        return;
    r->spoken = true;
    struct str line = buf_view(&r->line);
    size_t end = str_find(line, STR("<<"), 0);
    if (end == SIZE_MAX)
        end = line.len && !is_whole && line.ptr[line.len - 1] == '<' ? line.len - 1 : line.len;
    if (end > r->shown)
        buf_add(ret_show, line.ptr + r->shown, end - r->shown);
    r->shown = MAX(r->shown, end);
}

void steps_feed(struct steps_reader *r, struct str piece, struct buf *ret_show)
{
    while (piece.len) {
        size_t end = str_find(piece, STR("\n"), 0);
        buf_str(&r->line, str_sub(piece, 0, end));
        show(r, end != SIZE_MAX, ret_show);
        if (end == SIZE_MAX)
            return;
        if (r->spoken)
            buf_byte(ret_show, '\n');
        r->none |= !r->spoken && str_trim(buf_view(&r->line)).len > 0;
        take_line(r);
        piece = str_sub(piece, end + 1, piece.len);
    }
}

void steps_finish(struct steps_reader *r, struct buf *ret_show)
{
    show(r, true, ret_show);
    r->none |= !r->spoken && str_trim(buf_view(&r->line)).len > 0;
    r->none &= !r->spoken;
    take_line(r);
    size_t kept = 0;
    for (size_t i = 0; i < r->item_count; i++) {
        if (r->items[i].step_count)
            r->items[kept++] = r->items[i];
    }
    r->item_count = kept;
}

/* Not only the number or the dash of a list's item. */
static bool has_words(struct str sentence)
{
    for (size_t i = 0; i < sentence.len; i++) {
        unsigned char c = (unsigned char)sentence.ptr[i];
        if (c >= 0x80 || (c | 0x20u) - 'a' < 26)
            return true;
    }
    return false;
}

void steps_extract(struct steps_reader *r)
{
    for (size_t i = 0; i < r->source_count && r->item_count < 3; i++) {
        const struct source *source = &r->sources[i];
        struct solution *item = item_open(r, source->title);
        struct str rest = source->text, sentence;
        while (item->step_count < 3 && sentence_cut(&rest, &sentence)) {
            if (has_words(sentence))
                item->steps[item->step_count++] = (struct step){
                    .text = sentence, .quote = sentence, .source = source->n};
        }
        if (!item->step_count)
            r->item_count--;
    }
}
