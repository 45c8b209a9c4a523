/*
 * The first two sheets: the cover, which says whether all that came in is accounted for, and the indicators
 * against yesterday, the same weekday and the mean of the week.
 *
 * The happy path writes what the figures hold; a value that is not known is told as "–". Nothing fails here
 * but the library (sheet.c keeps that).
 * Invariant: the cover's sum is a formula over its own cells, so a reader sees in = classified + failed checked.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/wall.h"
#include "chats/sheet.h"

/* ---- cover ---- */

static void section(struct sheet *s, const char *title)
{
    sheet_row(s, 1, 20);
    sheet_text(s, 0, title, LOOK_SECTION);
}

static void write_title(struct sheet *s, const struct chat_figures *f)
{
    static const char *const weekdays[] = {"월", "화", "수", "목", "금", "토", "일"};
    char text[256];
    int64_t at_ms;
    const char *weekday = "";
    bool one_day = str_eq(f->from, f->to);
    if (one_day && wall_parse_iso(f->from, &at_ms))
        weekday = weekdays[(at_ms / INT64_C(86400000) + 3) % 7];
    sheet_row(s, 0, 36);
    sheet_text(s, 0, "채팅 키워드 분류 보고서", LOOK_TITLE);
    sheet_row(s, 0, 20);
    if (one_day)
        snprintf(text, sizeof(text), "%.*s 보고서  ·  %.*s (%s)  ·  %.*s%s%.*s", STR_ARG(f->kind),
                 STR_ARG(f->from), weekday, STR_ARG(f->zone), f->organisation.len ? "  ·  " : "",
                 STR_ARG(f->organisation));
    else
        snprintf(text, sizeof(text), "%.*s 보고서  ·  %.*s ~ %.*s  ·  %.*s%s%.*s", STR_ARG(f->kind),
                 STR_ARG(f->from), STR_ARG(f->to), STR_ARG(f->zone),
                 f->organisation.len ? "  ·  " : "", STR_ARG(f->organisation));
    sheet_text(s, 0, text, LOOK_SUBTITLE);
}

static void count_row(struct sheet *s, const char *name, int64_t questions, int64_t chats,
                      int64_t of_chats)
{
    sheet_row(s, 0, 18);
    sheet_text(s, 0, name, LOOK_LABEL);
    sheet_number(s, 1, (double)questions, LOOK_STRONG);
    sheet_number(s, 2, (double)chats, LOOK_STRONG);
    if (of_chats > 0)
        sheet_number(s, 3, (double)chats / (double)of_chats, LOOK_PERCENT);
    else
        sheet_text(s, 3, "–", LOOK_CENTER);
}

static void write_check(struct sheet *s, lxw_row_t first, bool good)
{
    char formula[160];
    const char *result = good ? "일치 ✔" : "불일치 ✘";
    unsigned in = (unsigned)first + 1, last = (unsigned)s->row + 1;
    sheet_row(s, 0, 18);
    sheet_text(s, 0, "검산", LOOK_LABEL);
    sheet_text(s, 1, "접수 = 완료 + 실패 + 미처리", LOOK_SPAN);
    sheet_text(s, 2, "", LOOK_SPAN);
    snprintf(formula, sizeof(formula),
             "=IF(AND(B%u=SUM(B%u:B%u),C%u=SUM(C%u:C%u)),\"일치 ✔\",\"불일치 ✘\")", in, in + 1,
             last, in, in + 1, last);
    lxw_error e = worksheet_write_formula_str(s->native, s->row, 3, formula,
                                              s->book->looks[good ? LOOK_GOOD : LOOK_BAD], result);
    if (e != LXW_NO_ERROR && s->book->failed == LXW_NO_ERROR)
        s->book->failed = e;
}

static void write_counts(struct sheet *s, const struct chat_sum *sum)
{
    static const char *const titles[] = {"구분", "고유 질문", "채팅", "채팅 비율"};
    section(s, "접수와 처리");
    sheet_row(s, 0, 20);
    for (unsigned i = 0; i < ARRAY_COUNT(titles); i++)
        sheet_text(s, i, titles[i], LOOK_HEAD);
    count_row(s, "접수 (In)", sum->question_count, sum->chat_count, sum->chat_count);
    lxw_row_t first = s->row;
    count_row(s, "분류 완료", sum->classified_questions, sum->classified_chats, sum->chat_count);
    count_row(s, "분류 실패", sum->failed_questions, sum->failed_chats, sum->chat_count);
    if (sum->pending_questions > 0)
        count_row(s, "미처리", sum->pending_questions, sum->pending_chats, sum->chat_count);
    write_check(s, first,
                sum->chat_count == sum->classified_chats + sum->failed_chats + sum->pending_chats &&
                    sum->question_count ==
                        sum->classified_questions + sum->failed_questions + sum->pending_questions);
}

static void write_reasons(struct sheet *s, const struct chat_figures *f)
{
    enum { REASONS_MAX = 8 };
    section(s, "분류 실패 사유");
    if (f->reason_count == 0) {
        sheet_row(s, 0, 18);
        sheet_text(s, 0, "실패한 질문이 없습니다.", LOOK_NOTE);
        return;
    }
    int64_t rest_questions = 0, rest_chats = 0;
    for (size_t i = 0; i < f->reason_count; i++) {
        const struct chat_reason_row *row = &f->reasons[i];
        if (i >= REASONS_MAX) {
            rest_questions += row->question_count;
            rest_chats += row->chat_count;
            continue;
        }
        sheet_row(s, 0, 18);
        sheet_str(s, 0, str_cut_utf8(row->reason, 120), LOOK_LABEL);
        sheet_number(s, 1, (double)row->question_count, LOOK_NUMBER);
        sheet_number(s, 2, (double)row->chat_count, LOOK_NUMBER);
    }
    if (rest_questions > 0) {
        sheet_row(s, 0, 18);
        sheet_text(s, 0, "그 밖의 사유", LOOK_LABEL);
        sheet_number(s, 1, (double)rest_questions, LOOK_NUMBER);
        sheet_number(s, 2, (double)rest_chats, LOOK_NUMBER);
    }
}

static void fact(struct sheet *s, const char *name, const char *value)
{
    sheet_row(s, 0, 18);
    sheet_text(s, 0, name, LOOK_LABEL);
    sheet_text(s, 1, value, LOOK_SPAN);
    s->widths[1] = 0; /* spans three columns */
    sheet_text(s, 2, "", LOOK_SPAN);
    sheet_text(s, 3, "", LOOK_SPAN);
}

static void time_fact(struct sheet *s, const char *name, int64_t local_ms)
{
    char text[64] = "–";
    if (local_ms != WALL_NONE) {
        struct wall_parts p = wall_split(local_ms);
        snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:%02d:%02d", p.year, p.month, p.day,
                 p.hour, p.minute, p.second);
    }
    fact(s, name, text);
}

static void write_facts(struct sheet *s, const struct chat_figures *f)
{
    char text[256];
    section(s, "처리 정보");
    snprintf(text, sizeof(text), "%.*s", STR_ARG(f->model));
    fact(s, "모델", f->model.len ? text : "–");
    snprintf(text, sizeof(text), "%.*s", STR_ARG(f->prompt_version));
    fact(s, "프롬프트 판", f->prompt_version.len ? text : "–");
    snprintf(text, sizeof(text), "%" PRId64 "회 실행, %" PRId64 "회 호출", f->run_count,
             f->call_count);
    fact(s, "실행", text);
    snprintf(text, sizeof(text), "입력 %" PRId64 " / 출력 %" PRId64, f->prompt_tokens,
             f->completion_tokens);
    fact(s, "토큰", text);
    snprintf(text, sizeof(text), "%.2f원", f->cost_krw);
    fact(s, "비용", text);
    snprintf(text, sizeof(text), "%" PRId64 "분 %" PRId64 "초", f->busy_ms / 60000,
             f->busy_ms / 1000 % 60);
    fact(s, "소요 시간", text);
    time_fact(s, "시작", f->started_at);
    time_fact(s, "종료", f->finished_at);
    snprintf(text, sizeof(text), "%.*s", STR_ARG(f->source));
    fact(s, "자료 출처", f->source.len ? text : "–");
    time_fact(s, "보고서 생성", f->made_at);
}

void book_cover(struct book *b)
{
    static const uint16_t widths[] = {24, 13, 13, 13, 2};
    struct sheet *s = sheet_new(b, "표지");
    if (s == NULL)
        return;
    write_title(s, b->figures);
    write_counts(s, &b->figures->sum);
    write_reasons(s, b->figures);
    write_facts(s, b->figures);
    sheet_widths(s, ARRAY_COUNT(widths), widths, 60);
    worksheet_fit_to_pages(s->native, 1, 1);
}

/* ---- indicators ---- */

struct indicator {
    const char *name;
    double (*of)(const struct chat_sum *s);
    bool rate;
    bool more_is_bad;
};

static double ratio(int64_t a, int64_t b)
{
    return b > 0 ? (double)a / (double)b : 0;
}
static double chats_of(const struct chat_sum *s)
{
    return (double)s->chat_count;
}
static double questions_of(const struct chat_sum *s)
{
    return (double)s->question_count;
}
static double classified_of(const struct chat_sum *s)
{
    return (double)s->classified_chats;
}
static double failed_of(const struct chat_sum *s)
{
    return (double)s->failed_chats;
}
static double keywords_of(const struct chat_sum *s)
{
    return (double)s->keyword_count;
}
static double low_of(const struct chat_sum *s)
{
    return (double)s->low_questions;
}
static double success_of(const struct chat_sum *s)
{
    return ratio(s->classified_chats, s->chat_count);
}
static double other_of(const struct chat_sum *s)
{
    return ratio(s->other_chats, s->chat_count);
}
static double confidence_of(const struct chat_sum *s)
{
    return s->confidence;
}
static double repeat_of(const struct chat_sum *s)
{
    return ratio(s->chat_count, s->question_count);
}

static const struct indicator indicators[] = {
    {"전체 채팅", chats_of, false, false},
    {"고유 질문", questions_of, false, false},
    {"분류 완료 (채팅)", classified_of, false, false},
    {"분류 실패 (채팅)", failed_of, false, true},
    {"분류 성공률", success_of, true, false},
    {"평균 신뢰도", confidence_of, true, false},
    {"신뢰도 낮은 질문", low_of, false, true},
    {"고유 키워드", keywords_of, false, false},
    {"기타 비중", other_of, true, true},
    {"질문당 채팅 수", repeat_of, false, false},
};

static double mean_of(const struct indicator *in, const struct chat_against *a)
{
    double value = in->of(&a->sum);
    bool summed = !in->rate && in->of != repeat_of;
    return summed && a->span_count > 1 ? value / (double)a->span_count : value;
}

/* A change is worth a flag when it is large both in proportion and in number. */
static const char *flag_of(const struct indicator *in, double now, double mean, bool *ret_alarm)
{
    double change = in->rate ? now - mean : mean > 0 ? now / mean - 1 : now > 0 ? 1 : 0;
    double strong = in->rate ? 0.05 : 0.3, weak = in->rate ? 0.02 : 0.1;
    bool enough = in->rate || fabs(now - mean) >= 5;
    *ret_alarm = enough && fabs(change) >= strong && (change > 0) == in->more_is_bad;
    if (!enough || fabs(change) < weak)
        return "– 보통";
    if (fabs(change) >= strong)
        return change > 0 ? "▲ 급증" : "▼ 급감";
    return change > 0 ? "▲ 증가" : "▼ 감소";
}

static void indicator_row(struct sheet *s, const struct indicator *in, const struct chat_figures *f)
{
    double now = in->of(&f->sum);
    enum look look = in->rate ? LOOK_PERCENT : in->of == repeat_of ? LOOK_MONEY : LOOK_NUMBER;
    sheet_row(s, 0, 18);
    sheet_text(s, 0, in->name, LOOK_LABEL);
    sheet_number(s, 1, now, look);
    const struct chat_against *base = NULL;
    for (unsigned i = 0; i < f->against_count; i++) {
        const struct chat_against *a = &f->against[i];
        unsigned column = 2 + 2 * i;
        if (a->span_count == 0) {
            sheet_text(s, column, "–", LOOK_CENTER);
            sheet_text(s, column + 1, "–", LOOK_CENTER);
            continue;
        }
        double then = mean_of(in, a);
        base = a;
        sheet_number(s, column, then, look);
        if (in->rate)
            sheet_number(s, column + 1, now - then, LOOK_CHANGE);
        else if (then > 0)
            sheet_number(s, column + 1, now / then - 1, LOOK_CHANGE);
        else
            sheet_text(s, column + 1, "–", LOOK_CENTER);
    }
    bool alarm = false;
    const char *flag = base != NULL ? flag_of(in, now, mean_of(in, base), &alarm) : "–";
    sheet_text(s, 2 + 2 * (unsigned)f->against_count, flag, alarm ? LOOK_BAD : LOOK_CENTER);
}

static void category_rows(struct sheet *s, const struct chat_figures *f)
{
    static const char *const titles[] = {"카테고리", "채팅", "비중", "이전", "증감"};
    section(s, "카테고리 변화");
    sheet_row(s, 0, 20);
    for (unsigned i = 0; i < ARRAY_COUNT(titles); i++)
        sheet_text(s, i, titles[i], LOOK_HEAD);
    for (size_t i = 0; i < f->category_count; i++) {
        const struct chat_category_row *c = &f->categories[i];
        sheet_row(s, 0, 18);
        sheet_str(s, 0, c->name, LOOK_LABEL);
        sheet_number(s, 1, (double)c->chat_count, LOOK_NUMBER);
        sheet_number(s, 2, ratio(c->chat_count, f->sum.classified_chats), LOOK_PERCENT);
        sheet_number(s, 3, (double)c->chats_before, LOOK_NUMBER);
        if (c->chats_before > 0)
            sheet_number(s, 4, ratio(c->chat_count, c->chats_before) - 1, LOOK_CHANGE);
        else
            sheet_text(s, 4, c->chat_count > 0 ? "신규" : "–", LOOK_CENTER);
    }
}

void book_indicators(struct book *b)
{
    const struct chat_figures *f = b->figures;
    struct sheet *s = sheet_new(b, "핵심지표");
    if (s == NULL)
        return;
    sheet_row(s, 0, 30);
    sheet_text(s, 0, "핵심 지표", LOOK_TITLE);
    sheet_row(s, 0, 18);
    sheet_text(s, 0,
               "증감은 비교 기간에 대한 비율, 비율 지표는 차이(%p). 표시는 마지막 비교 기간을 "
               "기준으로 ±30% (비율 ±5%p) 이상이면 급증·급감.",
               LOOK_NOTE);
    sheet_row(s, 0, 22);
    sheet_text(s, 0, "지표", LOOK_HEAD);
    sheet_text(s, 1, "이번", LOOK_HEAD);
    unsigned column = 2;
    for (size_t i = 0; i < f->against_count; i++) {
        sheet_str(s, column++, f->against[i].label, LOOK_HEAD);
        sheet_text(s, column++, "증감", LOOK_HEAD);
    }
    sheet_text(s, column++, "표시", LOOK_HEAD);
    for (size_t i = 0; i < ARRAY_COUNT(indicators); i++)
        indicator_row(s, &indicators[i], f);
    category_rows(s, f);
    for (unsigned i = 1; i < column; i++)
        s->widths[i] = MAX(s->widths[i], 11);
    sheet_widths(s, column, NULL, 32);
}
