/*
 * The tables: the old system's statistics with their names and columns, keywords with their change, the heat
 * map, and charts fed by these ranges; at the end the dictionary of all sheets.
 *
 * The happy path writes each table once, top to bottom; charts are hung beside them and on the cover. A table
 * without rows keeps its head. Nothing fails here but the library (sheet.c keeps that).
 * Invariant: names and columns of the six old sheets are what readers' macros know.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "chats/cell.h"
#include "chats/sheet.h"

enum {
    TOP_COUNT = 10,
    TOP_TEXT_CHARS = 100,
    /* A chart hangs between two cells, and the library reckons with rows of default height. */
    DEFAULT_ROW_PIXELS = 20,
    COVER_CHART_ROWS = 13
};

static const uint32_t blue = 0x2F75B5, green = 0x548235, orange = 0xC55A11;

static struct sheet *begin(struct book *b, const char *name, const char *const *titles,
                           size_t count)
{
    struct sheet *s = sheet_new(b, name);
    if (s != NULL)
        sheet_head(s, titles, count);
    return s;
}

static void end(struct sheet *s, size_t column_count, const uint16_t *fixed)
{
    sheet_widths(s, column_count, fixed, 48);
    sheet_filter(s, column_count);
}

static struct chart_range column_range(const struct sheet *s, unsigned column)
{
    return (struct chart_range){s->head_row + 1, (lxw_col_t)column, s->row, (lxw_col_t)column};
}

/* The same chart beside its table and on the cover. */
static void hang(struct book *b, struct sheet *s, unsigned column, struct chart_spec spec,
                 lxw_row_t cover_row)
{
    sheet_chart(s, 1, column, &spec);
    if (cover_row == 0)
        return;
    spec.width = 620;
    spec.height = COVER_CHART_ROWS * DEFAULT_ROW_PIXELS;
    sheet_chart(b->sheets[0], cover_row, 5, &spec);
}

static void category_table(struct book *b)
{
    static const char *const titles[] = {"카테고리", "레코드수", "총질문횟수", "고유키워드수"};
    const struct chat_figures *f = b->figures;
    struct sheet *s = begin(b, "카테고리별통계", titles, ARRAY_COUNT(titles));
    if (s == NULL)
        return;
    for (size_t i = 0; i < f->category_count; i++) {
        const struct chat_category_row *c = &f->categories[i];
        sheet_row(s, 0, 18);
        sheet_str(s, 0, c->name, LOOK_LABEL);
        sheet_number(s, 1, (double)c->question_count, LOOK_NUMBER);
        sheet_number(s, 2, (double)c->chat_count, LOOK_NUMBER);
        sheet_number(s, 3, (double)c->keyword_count, LOOK_NUMBER);
    }
    end(s, ARRAY_COUNT(titles), NULL);
    if (f->category_count == 0)
        return;
    struct chart_spec spec = {.from = s,
                              .categories = column_range(s, 0),
                              .values = column_range(s, 2),
                              .title = "카테고리별 질문 횟수",
                              .type = LXW_CHART_BAR,
                              .color = blue,
                              .width = 620,
                              .height = 380,
                              .labels = true,
                              .reverse = true};
    hang(b, s, 5, spec, 3);
}

static void day_table(struct book *b)
{
    static const char *const titles[] = {"날짜", "레코드수", "고유질문수", "총질문횟수",
                                         "고유키워드수"};
    const struct chat_figures *f = b->figures;
    struct sheet *s = begin(b, "일별통계", titles, ARRAY_COUNT(titles));
    if (s == NULL)
        return;
    for (size_t i = 0; i < f->day_count; i++) {
        const struct chat_day_row *d = &f->days[i];
        sheet_row(s, 0, 18);
        sheet_day(s, 0, d->day);
        sheet_number(s, 1, (double)d->classified_questions, LOOK_NUMBER);
        sheet_number(s, 2, (double)d->question_count, LOOK_NUMBER);
        sheet_number(s, 3, (double)d->chat_count, LOOK_NUMBER);
        sheet_number(s, 4, (double)d->keyword_count, LOOK_NUMBER);
    }
    end(s, ARRAY_COUNT(titles), NULL);
    if (f->day_count < 2)
        return;
    struct chart_spec spec = {.from = s,
                              .categories = column_range(s, 0),
                              .values = column_range(s, 3),
                              .title = "일별 질문 횟수",
                              .type = LXW_CHART_LINE,
                              .color = green,
                              .width = 620,
                              .height = 320};
    hang(b, s, 6, spec, 0);
}

static void keyword_table(struct book *b)
{
    static const char *const titles[] = {"키워드", "레코드수", "총질문횟수"};
    const struct chat_figures *f = b->figures;
    struct sheet *s = begin(b, "상위키워드", titles, ARRAY_COUNT(titles));
    if (s == NULL)
        return;
    for (size_t i = 0; i < f->keyword_count && i < TOP_COUNT; i++) {
        const struct chat_keyword_row *k = &f->keywords[i];
        sheet_row(s, 0, 18);
        sheet_str(s, 0, k->keyword, LOOK_LABEL);
        sheet_number(s, 1, (double)k->question_count, LOOK_NUMBER);
        sheet_number(s, 2, (double)k->chat_count, LOOK_NUMBER);
    }
    end(s, ARRAY_COUNT(titles), NULL);
    if (f->keyword_count == 0)
        return;
    struct chart_spec spec = {.from = s,
                              .categories = column_range(s, 0),
                              .values = column_range(s, 2),
                              .title = "상위 키워드",
                              .type = LXW_CHART_BAR,
                              .color = orange,
                              .width = 620,
                              .height = 340,
                              .labels = true,
                              .reverse = true};
    hang(b, s, 4, spec, 0);
}

static void top_table(struct book *b)
{
    static const char *const titles[] = {"질문내용", "질문횟수", "관련키워드"};
    static const uint16_t widths[] = {84, 0, 36};
    const struct chat_figures *f = b->figures;
    struct sheet *s = begin(b, "상위질문", titles, ARRAY_COUNT(titles));
    if (s == NULL)
        return;
    for (size_t i = 0; i < f->top_count; i++) {
        const struct chat_top_row *t = &f->tops[i];
        struct str rest = t->text;
        uint32_t c;
        for (size_t n = 0; n < TOP_TEXT_CHARS && rest.len > 0; n++)
            rest = str_sub(rest, str_decode(rest, &c), rest.len);
        struct buf text = BUF_INIT(0);
        buf_str(&text, str_sub(t->text, 0, t->text.len - rest.len));
        buf_text(&text, rest.len > 0 ? "..." : "");
        sheet_row_of(s, MAX(cell_lines(buf_view(&text), 96), cell_lines(t->keywords, 41)));
        sheet_str(s, 0, buf_view(&text), LOOK_WRAP);
        sheet_number(s, 1, (double)t->chat_count, LOOK_NUMBER);
        sheet_str(s, 2, t->keywords, LOOK_WRAP);
        buf_done(&text);
    }
    end(s, ARRAY_COUNT(titles), widths);
}

static void summary_row(struct sheet *s, const char *name, int64_t value)
{
    sheet_row(s, 0, 18);
    sheet_text(s, 0, name, LOOK_LABEL);
    sheet_number(s, 1, (double)value, LOOK_NUMBER);
}

static void summary_table(struct book *b)
{
    static const char *const titles[] = {"항목", "값"};
    const struct chat_figures *f = b->figures;
    struct sheet *s = begin(b, "요약정보", titles, ARRAY_COUNT(titles));
    if (s == NULL)
        return;
    char text[64];
    snprintf(text, sizeof(text), "%.*s ~ %.*s", STR_ARG(f->from), STR_ARG(f->to));
    sheet_row(s, 0, 18);
    sheet_text(s, 0, "조회기간", LOOK_LABEL);
    sheet_text(s, 1, text, LOOK_CENTER);
    summary_row(s, "총 레코드 수", f->sum.classified_questions);
    summary_row(s, "고유 질문 수", f->sum.question_count);
    summary_row(s, "고유 키워드 수", f->sum.keyword_count);
    summary_row(s, "총 질문 횟수", f->sum.chat_count);
    end(s, ARRAY_COUNT(titles), NULL);
}

static void change_table(struct book *b)
{
    static const char *const titles[] = {"순위", "키워드", "카테고리", "레코드수",
                                         "채팅", "이전",   "증감",     "구분"};
    const struct chat_figures *f = b->figures;
    struct sheet *s = begin(b, "키워드변화", titles, ARRAY_COUNT(titles));
    if (s == NULL)
        return;
    for (size_t i = 0; i < f->keyword_count; i++) {
        const struct chat_keyword_row *k = &f->keywords[i];
        double change = k->chats_before > 0 ? (double)k->chat_count / (double)k->chats_before - 1
                                            : 0;
        sheet_row(s, 0, 18);
        sheet_number(s, 0, (double)(i + 1), LOOK_NUMBER);
        sheet_str(s, 1, k->keyword, LOOK_LABEL);
        sheet_str(s, 2, k->category, LOOK_TEXT);
        sheet_number(s, 3, (double)k->question_count, LOOK_NUMBER);
        sheet_number(s, 4, (double)k->chat_count, LOOK_NUMBER);
        sheet_number(s, 5, (double)k->chats_before, LOOK_NUMBER);
        if (k->chats_before > 0)
            sheet_number(s, 6, change, LOOK_CHANGE);
        else
            sheet_text(s, 6, "–", LOOK_CENTER);
        if (k->is_new)
            sheet_text(s, 7, "★ 신규", LOOK_GOOD);
        else if (change >= 0.5 && k->chat_count - k->chats_before >= 5)
            sheet_text(s, 7, "▲ 급증", LOOK_BAD);
        else
            sheet_text(s, 7, change <= -0.5 ? "▼ 급감" : "", LOOK_CENTER);
    }
    end(s, ARRAY_COUNT(titles), NULL);
}

static void heat_table(struct book *b)
{
    static const char *const days[] = {"월", "화", "수", "목", "금", "토", "일"};
    const struct chat_figures *f = b->figures;
    struct sheet *s = sheet_new(b, "시간대");
    if (s == NULL)
        return;
    char text[96];
    snprintf(text, sizeof(text), "요일 × 시간대 채팅 수 (%.*s ~ %.*s)", STR_ARG(f->heat_from),
             STR_ARG(f->heat_to));
    sheet_row(s, 0, 24);
    sheet_text(s, 0, text, LOOK_SECTION);
    sheet_row(s, 0, 20);
    s->head_row = s->row;
    sheet_text(s, 0, "요일", LOOK_HEAD);
    for (unsigned h = 0; h < 24; h++) {
        snprintf(text, sizeof(text), "%02u", h);
        sheet_text(s, 1 + h, text, LOOK_HEAD);
    }
    sheet_text(s, 25, "합계", LOOK_HEAD);
    int64_t by_hour[24] = {0};
    for (size_t d = 0; d < ARRAY_COUNT(days); d++) {
        int64_t total = 0;
        sheet_row(s, 0, 20);
        sheet_text(s, 0, days[d], LOOK_LABEL);
        for (unsigned h = 0; h < 24; h++) {
            sheet_number(s, 1 + h, (double)f->heat[d][h], LOOK_HEAT);
            total += f->heat[d][h];
            by_hour[h] += f->heat[d][h];
        }
        sheet_number(s, 25, (double)total, LOOK_STRONG);
    }
    lxw_row_t last = s->row;
    int64_t total = 0;
    sheet_row(s, 0, 20);
    sheet_text(s, 0, "합계", LOOK_LABEL);
    for (unsigned h = 0; h < 24; h++) {
        sheet_number(s, 1 + h, (double)by_hour[h], LOOK_STRONG);
        total += by_hour[h];
    }
    sheet_number(s, 25, (double)total, LOOK_STRONG);
    lxw_conditional_format heat = {
        .type = LXW_CONDITIONAL_2_COLOR_SCALE, .min_color = 0xFFFFFF, .max_color = 0xE8702A};
    worksheet_conditional_format_range(s->native, s->head_row + 1, 1, last, 24, &heat);
    static uint16_t widths[26];
    for (size_t i = 0; i < ARRAY_COUNT(widths); i++)
        widths[i] = i == 0 ? 6 : i == 25 ? 8 : 5;
    sheet_widths(s, ARRAY_COUNT(widths), widths, 10);
    worksheet_freeze_panes(s->native, s->head_row + 1, 1);
    struct chart_spec spec = {.from = s,
                              .categories = {s->head_row, 1, s->head_row, 24},
                              .values = {s->row, 1, s->row, 24},
                              .title = "시간대별 채팅 수",
                              .type = LXW_CHART_COLUMN,
                              .color = blue,
                              .width = 1000,
                              .height = 300};
    sheet_chart(s, s->row + 2, 0, &spec);
    if (str_eq(f->from, f->to))
        spec.title = "시간대별 채팅 수 (최근 7일)";
    spec.width = 620;
    spec.height = COVER_CHART_ROWS * DEFAULT_ROW_PIXELS;
    sheet_chart(b->sheets[0], 3 + COVER_CHART_ROWS + 1, 5, &spec);
}

static void doubt_sheet(struct book *b)
{
    static const char *const titles[] = {"날짜",   "질문내용",  "상태",     "카테고리",
                                         "신뢰도", "근거 문장", "질문횟수", "사유"};
    b->doubt = begin(b, "다시볼답변", titles, ARRAY_COUNT(titles));
}

void book_tables(struct book *b)
{
    category_table(b);
    day_table(b);
    keyword_table(b);
    top_table(b);
    change_table(b);
    heat_table(b);
    doubt_sheet(b);
    summary_table(b);
}

/* ---- dictionary ---- */

static const char *const meanings[][3] = {
    {"표지", "접수 (In)", "기간에 들어온 모든 채팅. 분류 완료 + 분류 실패(+ 미처리)와 같다."},
    {"표지", "고유 질문 / 채팅",
     "같은 날 같은 문장은 고유 질문 하나이고, 물어본 횟수만큼 채팅이다."},
    {"표지", "비용", "모델 사용량(입력·출력 토큰)으로 계산한 금액."},
    {"핵심지표", "표시", "마지막 비교 기간의 평균과 견준 변화. 빨강은 살펴볼 변화."},
    {"카테고리별통계", "레코드수", "그 카테고리로 분류된 고유 질문 수."},
    {"카테고리별통계", "총질문횟수", "그 질문들이 들어온 채팅 수."},
    {"카테고리별통계", "고유키워드수", "그 카테고리에서 나온 서로 다른 키워드 수."},
    {"일별통계", "레코드수", "그날의 분류가 끝난 고유 질문 수."},
    {"일별통계", "고유질문수", "그날의 서로 다른 질문 수(실패 포함)."},
    {"상위키워드", "레코드수 / 총질문횟수",
     "키워드가 나온 고유 질문 수 / 채팅 수. 많은 순으로 10개."},
    {"상위질문", "관련키워드", "그 질문에서 뽑은 키워드, 최대 3개."},
    {"키워드변화", "이전 / 증감", "바로 앞 기간의 채팅 수와 그에 대한 변화율."},
    {"키워드변화", "구분",
     "★ 신규: 지난 30일에 없던 키워드. ▲ 급증: 50% 이상, 5건 이상 늘어남. ▼ 급감: 절반 이하."},
    {"시간대", "요일 × 시간", "현지 시각 기준. 일일 보고서에서는 그날까지의 7일."},
    {"다시볼답변", "신뢰도",
     "모델이 스스로 매긴 값. 60% 미만이거나 분류에 실패한 질문을 모은 목록."},
    {"채팅키워드분류", "키워드", "쉼표로 이어 적은 키워드."},
    {"채팅키워드분류", "카테고리", "목록에 있는 카테고리 하나."},
    {"채팅키워드분류", "생성일시", "질문이 들어온 날."},
    {"상세", "상태", "분류 또는 실패. 실패에는 사유가 있다."},
    {"상세", "근거 문장", "분류의 근거로 든, 질문 안에 그대로 있는 문장."},
    {"상세", "첫 접수 / 마지막 접수", "그날 이 질문이 처음 / 마지막으로 들어온 현지 시각."},
    {"요약정보", "총 레코드 수", "분류가 끝난 고유 질문 수."},
};

void book_dictionary(struct book *b)
{
    static const char *const titles[] = {"시트", "열", "뜻"};
    static const uint16_t widths[] = {18, 26, 92};
    struct sheet *s = begin(b, "데이터사전", titles, ARRAY_COUNT(titles));
    if (s == NULL)
        return;
    for (size_t i = 0; i < ARRAY_COUNT(meanings); i++) {
        sheet_row_of(s, cell_lines(str_from(meanings[i][2]), 105));
        sheet_text(s, 0, meanings[i][0], LOOK_LABEL);
        sheet_text(s, 1, meanings[i][1], LOOK_TEXT);
        sheet_text(s, 2, meanings[i][2], LOOK_WRAP);
    }
    end(s, ARRAY_COUNT(titles), widths);
}
