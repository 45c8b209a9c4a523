#pragma once
/* A made-up day of chats with its figures, the same in every run. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/macro.h"
#include "base/wall.h"
#include "store/chat_figures.h"

struct sample {
    struct arena arena;
    struct chat_figures figures;
    struct chat_detail *details;
    size_t detail_count;
};

static const char *const sample_categories[] = {"학교폭력",     "교권보호 (교육활동 보호)",
                                                "학생 생활",    "평가(성적) 관련",
                                                "전학, 편입",   "입학 관련",
                                                "검정고시",     "교원 임용고시 관련",
                                                "제 증명 관련", "정보공개",
                                                "기타"};
static const char *const sample_keywords[] = {
    "학교폭력 신고", "교권 침해", "수강신청",   "성적 이의신청", "전학 서류", "입학 설명회",
    "검정고시 접수", "임용시험",  "재학증명서", "정보공개 청구", "기숙사"};

static inline struct str sample_text(struct arena *a, size_t i)
{
    static const char *const odd[] = {"=1+1 은 수식이 아닙니다",
                                      "+82-2-1234-5678 로 연락 주세요",
                                      "-5점은 왜 감점인가요?",
                                      "@담당자 확인 부탁드립니다",
                                      "제어문자 \x01 와 _x0041_ 그리고 <b>&amp;</b>",
                                      "줄\r\n바꿈이 있는 질문 😀"};
    if (i < ARRAY_COUNT(odd))
        return str_from(odd[i]);
    return arena_printf(
        a, "%s 관련해서 문의드립니다. 접수 기간과 필요한 서류가 무엇인지 알려 주세요. (%zu)",
        sample_keywords[i % ARRAY_COUNT(sample_keywords)], i);
}

static inline void sample_details(struct sample *s)
{
    struct arena *a = &s->arena;
    struct chat_sum *sum = &s->figures.sum;
    s->details = ARENA_ARRAY(a, s->detail_count + 1, struct chat_detail);
    for (size_t i = 0; i < s->detail_count; i++) {
        size_t category = (i * i + i / 7) % ARRAY_COUNT(sample_categories);
        struct chat_detail *d = &s->details[i];
        bool failed = i % 37 == 36;
        *d = (struct chat_detail){
            .day = STR("2024-03-15"),
            .text = sample_text(a, i),
            .category = failed ? STR("") : str_from(sample_categories[category]),
            .keywords = failed ? STR("") : str_from(sample_keywords[category]),
            .quote = failed ? STR("") : str_from("접수 기간과 필요한 서류"),
            .reason = failed ? STR("모델의 답이 질문의 순서와 맞지 않음") : STR(""),
            .model = STR("HCX-005"),
            .chat_count = 1 + (int64_t)(i % 5),
            .first_at = INT64_C(1710460800000) + (int64_t)(i % 600) * 90000,
            .last_at = INT64_C(1710460800000) + (int64_t)(i % 600) * 90000 + 3600000,
            .confidence = failed ? -1 : 0.42 + 0.01 * (double)(i % 57),
            .failed = failed,
        };
        sum->question_count++;
        sum->chat_count += d->chat_count;
        *(failed ? &sum->failed_questions : &sum->classified_questions) += 1;
        *(failed ? &sum->failed_chats : &sum->classified_chats) += d->chat_count;
        sum->low_questions += !failed && d->confidence < 0.6;
        sum->other_chats += !failed && category == 10 ? d->chat_count : 0;
        struct chat_category_row *c = &s->figures.categories[category];
        c->question_count += !failed;
        c->chat_count += failed ? 0 : d->chat_count;
        c->keyword_count = c->question_count > 0;
    }
    sum->day_count = 1;
    sum->keyword_count = (int64_t)MIN(s->detail_count, ARRAY_COUNT(sample_keywords));
    sum->confidence = s->detail_count > 0 ? 0.74 : 0;
}

static inline void sample_init(struct sample *s, size_t question_count)
{
    memset(s, 0, sizeof(*s));
    arena_init(&s->arena, 0);
    s->detail_count = question_count;
    struct chat_figures *f = &s->figures;
    struct arena *a = &s->arena;
    *f = (struct chat_figures){.from = STR("2024-03-15"),
                               .to = STR("2024-03-15"),
                               .zone = STR("Asia/Seoul"),
                               .kind = STR("일일"),
                               .source = STR("MariaDB shop.chattings"),
                               .made_at = INT64_C(1710554520000),
                               .model = STR("HCX-005"),
                               .prompt_version = STR("chats-3"),
                               .run_count = 1,
                               .call_count = 84,
                               .prompt_tokens = 182340,
                               .completion_tokens = 40211,
                               .cost_krw = 412.37,
                               .started_at = INT64_C(1710550800000),
                               .finished_at = INT64_C(1710551523000),
                               .busy_ms = 723000,
                               .category_count = ARRAY_COUNT(sample_categories),
                               .heat_from = STR("2024-03-09"),
                               .heat_to = STR("2024-03-15")};
    f->categories = ARENA_ARRAY(a, f->category_count, struct chat_category_row);
    for (size_t i = 0; i < f->category_count; i++) {
        f->categories[i].name = str_from(sample_categories[i]);
        f->categories[i].chats_before = (int64_t)(question_count / 4 + i * 3);
    }
    sample_details(s);
    f->days = ARENA_ARRAY(a, 1, struct chat_day_row);
    f->days[0] = (struct chat_day_row){STR("2024-03-15"),   f->sum.question_count,
                                       f->sum.chat_count,   f->sum.keyword_count,
                                       f->sum.failed_chats, f->sum.classified_questions};
    f->day_count = 1;
    static const char *const labels[] = {"어제", "지난주 같은 요일", "최근 7일 평균"};
    for (size_t i = 0; i < ARRAY_COUNT(labels); i++) {
        f->against[i] = (struct chat_against){
            .label = str_from(labels[i]), .sum = f->sum, .span_count = i == 2 ? 7 : 1};
        struct chat_sum *then = &f->against[i].sum;
        int64_t spans = i == 2 ? 7 : 1, less = 3 + (int64_t)i;
        then->chat_count -= then->chat_count * less / 25;
        then->question_count -= then->question_count * less / 30;
        then->failed_chats += i == 0 ? -then->failed_chats / 2 : then->failed_chats / 5;
        then->failed_questions = then->failed_chats / 3;
        then->classified_chats = then->chat_count - then->failed_chats;
        then->low_questions -= then->low_questions / 8;
        then->other_chats -= then->other_chats / 3;
        then->confidence -= 0.01 * (double)i;
        int64_t *const counts[] = {&then->chat_count,       &then->question_count,
                                   &then->failed_chats,     &then->failed_questions,
                                   &then->classified_chats, &then->low_questions,
                                   &then->other_chats,      &then->keyword_count};
        for (size_t k = 0; k < ARRAY_COUNT(counts); k++)
            *counts[k] *= spans;
    }
    f->against_count = ARRAY_COUNT(labels);
    f->keyword_count = question_count > 0 ? ARRAY_COUNT(sample_keywords) : 0;
    f->keywords = ARENA_ARRAY(a, ARRAY_COUNT(sample_keywords), struct chat_keyword_row);
    for (size_t i = 0; i < f->keyword_count; i++)
        f->keywords[i] = (struct chat_keyword_row){
            .keyword = str_from(sample_keywords[i]),
            .category = str_from(sample_categories[i]),
            .question_count = 60 - 4 * (int64_t)i,
            .chat_count = 160 - 11 * (int64_t)i,
            .chats_before = i == 4   ? 0
                            : i == 2 ? 40
                                     : 120,
            .is_new = i == 4,
        };
    f->top_count = MIN(question_count, (size_t)10);
    f->tops = ARENA_ARRAY(a, 10, struct chat_top_row);
    for (size_t i = 0; i < f->top_count; i++)
        f->tops[i] = (struct chat_top_row){s->details[i].text, 30 - 2 * (int64_t)i,
                                           str_from(sample_keywords[i])};
    if (f->sum.failed_questions > 0) {
        f->reasons = ARENA_ARRAY(a, 1, struct chat_reason_row);
        f->reasons[0] = (struct chat_reason_row){STR("모델의 답이 질문의 순서와 맞지 않음"),
                                                 f->sum.failed_questions, f->sum.failed_chats};
        f->reason_count = 1;
    }
    for (size_t d = 0; d < 7; d++)
        for (size_t h = 0; h < 24; h++)
            f->heat[d][h] = question_count == 0 ? 0
                            : h < 7             ? (int64_t)(h % 3)
                            : d >= 5            ? (int64_t)((h * 5 + d) % 9)
                                                : (int64_t)(12 + (h * 13 + d * 7) % 31);
}

static inline void sample_done(struct sample *s)
{
    arena_done(&s->arena);
}
