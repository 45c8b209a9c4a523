/*
 * The batch's mails.
 *
 * The happy path writes the same facts twice: lines of text, and a table in HTML with styles in place, since
 * mail readers drop style sheets. Texts of chats and errors are escaped. Nothing fails.
 * Invariant: what the HTML says the text says as well.
 */
#include "chats/letter.h"

#include <inttypes.h>

#include "base/wall.h"

#define FOOTER "채팅 키워드 배치 처리 시스템"

struct writer {
    struct buf *text, *html;
};

static void escape(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        switch (s.ptr[i]) {
        case '&': buf_text(out, "&amp;"); break;
        case '<': buf_text(out, "&lt;"); break;
        case '>': buf_text(out, "&gt;"); break;
        case '"': buf_text(out, "&quot;"); break;
        case '\n': buf_text(out, "<br>"); break;
        default: buf_byte(out, s.ptr[i]);
        }
    }
}

static void begin(struct writer *w, struct arena *a, struct str title)
{
    w->text = arena_buf(a, 0);
    w->html = arena_buf(a, 0);
    buf_printf(w->text, "%.*s\r\n\r\n", STR_ARG(title));
    buf_text(w->html, "<!doctype html><html lang=\"ko\"><body style=\"margin:0;padding:24px;"
                      "background:#f4f6f8;font-family:'Malgun Gothic','Apple SD Gothic Neo',"
                      "sans-serif;font-size:14px;color:#222\"><div style=\"max-width:640px;"
                      "margin:0 auto;background:#fff;border:1px solid #d0d7de;padding:24px\">"
                      "<h2 style=\"margin:0 0 16px;font-size:18px;color:#1f3864\">");
    escape(w->html, title);
    buf_text(w->html, "</h2>");
}

static void section(struct writer *w, const char *title)
{
    buf_printf(w->text, "\r\n[%s]\r\n", title);
    buf_printf(w->html,
               "<h3 style=\"margin:20px 0 8px;font-size:14px;color:#1f4e78\">%s</h3>"
               "<table style=\"border-collapse:collapse;width:100%%\">",
               title);
}

static void end_section(struct writer *w)
{
    buf_text(w->html, "</table>");
}

static void fact(struct writer *w, struct str name, struct str value)
{
    buf_printf(w->text, "- %.*s: %.*s\r\n", STR_ARG(name), STR_ARG(value));
    buf_text(w->html, "<tr><td style=\"padding:6px 10px;border:1px solid #d0d7de;"
                      "background:#eaf1f8;width:40%\">");
    escape(w->html, name);
    buf_text(w->html, "</td><td style=\"padding:6px 10px;border:1px solid #d0d7de\">");
    escape(w->html, value);
    buf_text(w->html, "</td></tr>");
}

static void line(struct writer *w, struct str text)
{
    buf_printf(w->text, "%.*s\r\n", STR_ARG(text));
    buf_text(w->html, "<p style=\"margin:8px 0\">");
    escape(w->html, text);
    buf_text(w->html, "</p>");
}

static void end(struct writer *w, struct letter *ret_letter)
{
    buf_text(w->text, "\r\n--\r\n" FOOTER "\r\n");
    buf_text(w->html, "<p style=\"margin:24px 0 0;font-size:12px;color:#7f7f7f\">" FOOTER
                      "</p></div></body></html>\r\n");
    ret_letter->text = buf_view(w->text);
    ret_letter->html = buf_view(w->html);
}

/* "1,234,567" */
static struct str grouped(struct arena *a, int64_t n, const char *unit)
{
    struct str digits = arena_printf(a, "%" PRId64, n < 0 ? -n : n);
    struct buf *out = arena_buf(a, 0);
    if (n < 0)
        buf_byte(out, '-');
    for (size_t i = 0; i < digits.len; i++) {
        if (i > 0 && (digits.len - i) % 3 == 0)
            buf_byte(out, ',');
        buf_byte(out, digits.ptr[i]);
    }
    buf_text(out, unit);
    return buf_view(out);
}

static struct str time_text(struct arena *a, int64_t local_ms)
{
    if (local_ms == WALL_NONE)
        return STR("–");
    struct wall_parts p = wall_split(local_ms);
    return arena_printf(a, "%04d-%02d-%02d %02d:%02d:%02d", p.year, p.month, p.day, p.hour,
                        p.minute, p.second);
}

static void categories(struct writer *w, struct arena *a, const struct chat_category_row *rows,
                       size_t count)
{
    section(w, "카테고리별 분포");
    size_t shown = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].question_count == 0)
            continue;
        fact(w, rows[i].name, grouped(a, rows[i].question_count, "개"));
        shown++;
    }
    if (shown == 0)
        fact(w, STR("분류된 질문"), STR("없음"));
    end_section(w);
}

void letter_batch(struct arena *a, const struct letter_batch *in, struct letter *ret_letter)
{
    struct writer w;
    ret_letter->subject = arena_printf(a, "%s - %.*s",
                                       in->failed ? "❌ 채팅 키워드 배치 처리 실패"
                                                  : "✅ 채팅 키워드 배치 처리 완료",
                                       STR_ARG(in->period));
    begin(&w, a, ret_letter->subject);
    section(&w, "처리 결과");
    fact(&w, STR("처리 날짜"), in->period);
    fact(&w, STR("시작 시간"), time_text(a, in->started_at));
    fact(&w, STR("종료 시간"), time_text(a, in->finished_at));
    if (in->started_at != WALL_NONE && in->finished_at != WALL_NONE) {
        int64_t ms = in->finished_at - in->started_at;
        fact(&w, STR("소요 시간"),
             arena_printf(a, "%" PRId64 "분 %" PRId64 "초", ms / 60000, ms / 1000 % 60));
    }
    fact(&w, STR("전체 데이터"), grouped(a, in->question_count, "개"));
    fact(&w, STR("전체 채팅"), grouped(a, in->chat_count, "건"));
    fact(&w, STR("처리 완료"), grouped(a, in->classified_count, "개"));
    fact(&w, STR("중복 스킵"), grouped(a, in->known_count, "개"));
    fact(&w, STR("분류 실패"), grouped(a, in->failed_count, "개"));
    fact(&w, STR("비용"), arena_printf(a, "%.2f원", in->cost_krw));
    end_section(&w);
    if (!in->failed || in->classified_count > 0)
        categories(&w, a, in->categories, in->category_count);
    if (in->failed) {
        section(&w, "오류 정보");
        if (in->failed_dates.len > 0)
            fact(&w, STR("실패한 날짜"), in->failed_dates);
        fact(&w, STR("오류"), in->error.len > 0 ? in->error : STR("알 수 없는 오류"));
        end_section(&w);
    }
    end(&w, ret_letter);
}

void letter_report(struct arena *a, const struct letter_report *in, struct letter *ret_letter)
{
    const struct chat_figures *f = in->figures;
    struct writer w;
    struct str period = str_eq(f->from, f->to)
                            ? f->from
                            : arena_printf(a, "%.*s ~ %.*s", STR_ARG(f->from), STR_ARG(f->to));
    ret_letter->subject = arena_printf(a, "📊 채팅 키워드 분류 보고서 - %.*s", STR_ARG(period));
    begin(&w, a, ret_letter->subject);
    section(&w, "요약");
    fact(&w, STR("기간"), arena_printf(a, "%.*s (%.*s)", STR_ARG(period), STR_ARG(f->zone)));
    fact(&w, STR("전체 채팅"), grouped(a, f->sum.chat_count, "건"));
    fact(&w, STR("고유 질문"), grouped(a, f->sum.question_count, "개"));
    fact(&w, STR("분류 완료"), grouped(a, f->sum.classified_questions, "개"));
    fact(&w, STR("분류 실패"), grouped(a, f->sum.failed_questions, "개"));
    fact(&w, STR("고유 키워드"), grouped(a, f->sum.keyword_count, "개"));
    for (size_t i = 0; i < f->against_count; i++) {
        const struct chat_against *then = &f->against[i];
        if (then->span_count == 0 || then->sum.chat_count == 0)
            continue;
        double mean = (double)then->sum.chat_count / (double)then->span_count;
        fact(&w, arena_printf(a, "%.*s 대비 채팅", STR_ARG(then->label)),
             arena_printf(a, "%+.1f%%", 100 * ((double)f->sum.chat_count / mean - 1)));
    }
    end_section(&w);
    categories(&w, a, f->categories, f->category_count);
    section(&w, "상위 키워드");
    for (size_t i = 0; i < f->keyword_count && i < 10; i++)
        fact(&w, f->keywords[i].keyword, grouped(a, f->keywords[i].chat_count, "건"));
    if (f->keyword_count == 0)
        fact(&w, STR("키워드"), STR("없음"));
    end_section(&w);
    section(&w, "보고서 구성");
    fact(&w, STR("기본 시트"),
         STR("채팅키워드분류, 카테고리별통계, 일별통계, 상위키워드, 상위질문, 요약정보"));
    fact(&w, STR("추가 시트"),
         STR("표지, 핵심지표, 키워드변화, 시간대, 다시볼답변, 상세, 데이터사전"));
    end_section(&w);
    if (in->instead.len > 0) {
        line(&w, arena_printf(
                     a, "보고서 파일이 %.1f MB로 첨부 한도를 넘어 첨부하지 않았습니다. 파일 위치:",
                     (double)in->file_bytes / (1 << 20)));
        line(&w, in->instead);
    } else {
        line(&w, arena_printf(a, "첨부 파일: %.*s", STR_ARG(in->file_name)));
    }
    end(&w, ret_letter);
}
