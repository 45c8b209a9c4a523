#pragma once
/*
 * What a model said about some chats, checked: pure, no I/O.
 *
 *   {"answers":[{"n":1,"category":5,"keywords":["..."],"confidence":0.9,"quote":"..."}]}
 *
 * An answer counts when its number is that of one chat of the call and of no other answer, its category is of
 * the taxonomy, and its quote stands in that very chat. A quote that stands in several chats of the call whose
 * answers differ proves nothing: those chats are asked alone. So answers that were swapped, shifted or made
 * up are found.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "chats/taxonomy.h"

/* Columns: symbol, for people in Korean, in English. */
#define VERDICT_TABLE(X)                                                                           \
    X(GOOD, "", "")                                                                                \
    X(EMPTY, "분류할 내용이 없는 글입니다", "there is nothing to classify in this text")           \
    X(MISSING, "모델이 이 글에 답하지 않았습니다", "the model gave no answer for this chat")       \
    X(TWICE, "모델이 이 글에 여러 번 답했습니다", "the model answered this chat more than once")   \
    X(CATEGORY, "모델이 분류표에 없는 분류를 답했습니다", "the model named an unknown category")   \
    X(CONFIDENCE, "모델이 답한 확신도가 0에서 1 사이의 수가 아닙니다",                             \
      "the model's confidence is not a number from 0 to 1")                                        \
    X(QUOTE, "모델이 근거로 든 구절이 글에 없습니다",                                              \
      "the words that the model quotes are not in the chat")                                       \
    X(MIXED, "근거가 여러 글에 있어 어느 글의 답인지 확실하지 않습니다",                           \
      "the quote stands in several chats, so whose answer it is cannot be told")                   \
    X(UNREADABLE, "모델의 답이 정해진 JSON이 아닙니다",                                            \
      "the model's answer is not the JSON asked for")                                              \
    X(REFUSED, "모델이 이 글을 받지 않았습니다", "the model refused this chat")                    \
    X(AWAY, "모델에 물어보지 못했습니다", "the model could not be asked")
#define VERDICT_ENUM_(symbol, ko, en) VERDICT_##symbol,
enum verdict_kind { VERDICT_TABLE(VERDICT_ENUM_) VERDICT_KIND_COUNT };
#undef VERDICT_ENUM_
/* Static text; Korean unless `language` is "en". */
const char *verdict_text(enum verdict_kind kind, const char *language);

enum { KEYWORD_COUNT_MAX = 5, CHAT_SHOWN_BYTES_MAX = 6000 };

struct verdict {
    enum verdict_kind kind;
    const struct category *category; /* borrowed from the taxonomy; the rest is in the arena */
    struct str keywords[KEYWORD_COUNT_MAX];
    size_t keyword_count; /* >= 1 when good */
    double confidence;
    struct str quote;
};

/* The text as a model is shown it: control characters and runs of white space are single blanks, it cannot
 * open or close a tag, and is cut at CHAT_SHOWN_BYTES_MAX. Empty when there is nothing but blanks. Arena. */
struct str chat_shown(struct arena *a, struct str text, bool *ret_cut);
/* One verdict a chat; `shown` are those of the call, numbered from 1. */
void verdicts_read(struct arena *a, struct json answer, const struct taxonomy *t,
                   const struct str *shown, size_t count, struct verdict *ret_verdicts);
/* A keyword as it is kept: without punctuation and pictures, at most 100 code points. Empty when fewer than
 * two or only digits are left, or when it is longer than 50 and the whole chat. Arena. */
struct str keyword_clean(struct arena *a, struct str keyword, struct str chat);
/* [{"keyword":"...","categories":["name"]}, ...]; arena. */
struct str keywords_json(struct arena *a, const struct verdict *v);
