#include "sandbox/articles.h"

#include "base/macro.h"

/*
 * Writes the articles from the families' wordings: what one sees, why, what to do. An article tells
 * all fixes of its family, so that a search by meaning finds steps to recommend. The agents-only
 * runbooks carry "[agents-only]", so that a test can see whether one reached a customer.
 * Cannot fail. Layout of the tree: articles.h.
 */

void article_at(uint32_t n, struct article *ret_article)
{
    uint32_t area = n / ARTICLES_PER_AREA, k = n % ARTICLES_PER_AREA;
    struct article a = {.id = ARTICLE_ID_BASE + n, .area = area};
    if (k < FAMILIES_PER_AREA) {
        a.folder = k < 6 ? 0 : 3;
        a.family = k;
    } else if (k < ARTICLES_PER_AREA - 1) {
        a.folder = 1;
        a.lang = LANG_EN;
        a.family = k - FAMILIES_PER_AREA;
    } else {
        a.folder = 2;
        a.family = area % FAMILIES_PER_AREA;
    }
    a.family += (size_t)area * FAMILIES_PER_AREA;
    *ret_article = a;
}

void article_title(const struct article *a, struct buf *out)
{
    const struct family *f = family_at(a->family);
    const char *title = f->tell[a->lang].title;
    if (a->folder == 2)
        buf_printf(out, "[상담원] %s 처리 절차", title);
    else if (a->lang == LANG_KO)
        buf_printf(out, "%s 해결 방법 (%s)", title, f->code);
    else
        buf_printf(out, "How to solve: %s (%s)", title, f->code);
}

static void list(struct buf *out, const char *head, const char *const *lines, size_t count)
{
    buf_printf(out, "%s\n", head);
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%zu. %s\n", i + 1, lines[i]);
}

void article_text(const struct article *a, struct buf *out)
{
    const struct family *f = family_at(a->family);
    const struct telling *say = &f->tell[a->lang];
    bool ko = a->lang == LANG_KO;
    if (a->folder == 2)
        buf_text(out,
                 "[agents-only] 보상 기준과 에스컬레이션 경로는 고객에게 공개하지 않습니다.\n");
    buf_printf(out,
               ko ? "%s에서 코드 %s와 함께 나타나는 문제를 다룹니다.\n"
                  : "This article is about a problem in %s that shows the code %s.\n",
               f->product, f->code);
    list(out, ko ? "이런 증상이 있습니다" : "What you see", say->symptom, 3);
    list(out, ko ? "원인" : "Why it happens", say->cause, CAUSE_COUNT);
    list(out, ko ? "해결 순서" : "What to do", say->fix, FIX_COUNT);
    buf_text(out, ko ? "해결되지 않으면 고객지원에 문의해 주세요.\n"
                     : "If this does not help, please contact support.\n");
}

void folder_name(uint32_t folder, struct buf *out)
{
    static const char *const names[FOLDERS_PER_AREA] = {"해결 방법", "Guides in English",
                                                        "상담원 전용", "심화: 관리자용"};
    buf_text(out, names[folder % FOLDERS_PER_AREA]);
}

int folder_visibility(uint32_t folder)
{
    static const int visibility[FOLDERS_PER_AREA] = {1, 1, 3, 2};
    return visibility[folder % FOLDERS_PER_AREA];
}

uint32_t folder_article_count(uint32_t folder)
{
    static const uint32_t counts[FOLDERS_PER_AREA] = {6, 3, 1, 2};
    return counts[folder % FOLDERS_PER_AREA];
}
