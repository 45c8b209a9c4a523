#pragma once
/*
 * The made-up knowledge base: 120 articles about the families' fixes, computed when asked.
 *
 *   category  one for each area
 *     folder 0  "해결 방법" (visible to all): Korean articles of the area's families 0..5
 *       subfolder 3  "심화" (logged-in users): families 6, 7
 *     folder 1  "Guides in English" (all): English articles of families 0..2
 *     folder 2  "상담원 전용" (agents only): one internal runbook
 */
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "sandbox/family.h"

#define ARTICLES_PER_AREA 12
#define ARTICLE_COUNT (AREA_COUNT * ARTICLES_PER_AREA)
#define FOLDERS_PER_AREA 4
#define CATEGORY_ID_BASE INT64_C(158000300000)
#define FOLDER_ID_BASE INT64_C(158000400000)
#define ARTICLE_ID_BASE INT64_C(158000500000)

struct article {
    int64_t id;
    uint32_t area, folder; /* folder 0..3 of its area */
    size_t family;
    enum lang lang;
};

void article_at(uint32_t n, struct article *ret_article); /* n below ARTICLE_COUNT */
void article_title(const struct article *a, struct buf *out);
void article_text(const struct article *a, struct buf *out); /* a paragraph a line */
void folder_name(uint32_t folder, struct buf *out);
int folder_visibility(uint32_t folder); /* 1 all, 2 logged-in, 3 agents */
uint32_t folder_article_count(uint32_t folder);
