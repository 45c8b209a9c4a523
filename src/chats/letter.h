#pragma once
/* The mails of the batch: subjects and bodies in the old words (legacy-contracts §5.7), as text and HTML. Pure. */
#include "base/arena.h"
#include "store/chat_figures.h"

struct letter {
    struct str subject, text, html; /* arena */
};

struct letter_batch {
    bool failed;                     /* then `error` says why */
    struct str period;               /* "2024-03-15", or "2024-03-11~2024-03-17" */
    int64_t started_at, finished_at; /* local ms; WALL_NONE: not known */
    int64_t chat_count, question_count, classified_count, known_count, failed_count;
    double cost_krw;
    const struct chat_category_row *categories;
    size_t category_count;
    struct str failed_dates; /* "2024-03-15, 2024-03-16" */
    struct str error;
};
/* "✅ 채팅 키워드 배치 처리 완료 - <period>" or "❌ 채팅 키워드 배치 처리 실패 - <period>". */
void letter_batch(struct arena *a, const struct letter_batch *in, struct letter *ret_letter);

struct letter_report {
    const struct chat_figures *figures;
    struct str file_name;
    uint64_t file_bytes;
    struct str
        instead; /* where the workbook is when it is too large to attach; empty: it is attached */
};
/* "📊 채팅 키워드 분류 보고서 - <period>". */
void letter_report(struct arena *a, const struct letter_report *in, struct letter *ret_letter);
