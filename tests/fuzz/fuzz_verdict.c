#include <assert.h>
#include <stdint.h>

#include "base/quote.h"
#include "chats/verdict.h"

/*
 * A model's answer about three chats: whatever it says, each chat gets one verdict; a good one names a category of
 * the taxonomy, is sure from 0 to 1, quotes its own chat and has a keyword that a column can hold. The input
 * is also a chat of its own: what is shown of it opens no tag.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_good(struct arena *a, const struct taxonomy *t, const struct verdict *v,
                       struct str shown)
{
    assert(taxonomy_find(t, v->category->id) == v->category);
    assert(v->confidence >= 0 && v->confidence <= 1);
    assert(quote_stands_in(a, shown, v->quote));
    assert(v->keyword_count >= 1 && v->keyword_count <= KEYWORD_COUNT_MAX);
    for (size_t i = 0; i < v->keyword_count; i++) {
        assert(v->keywords[i].len > 0 && str_is_utf8(v->keywords[i]));
        assert(str_code_points(v->keywords[i]) <= CHAT_KEYWORD_CHARS_MAX);
    }
    struct json back;
    struct err err;
    assert(json_parse(a, keywords_json(a, v), &back, &err) == 0);
    assert(json_count(back) == v->keyword_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct taxonomy t;
    struct json answer;
    struct err err = {0};
    bool cut;
    arena_init(&a, 0);
    taxonomy_shipped(&a, &t);
    struct str own = chat_shown(&a, str_of(data, size), &cut);
    assert(str_is_utf8(own) && str_find(own, STR("<chat"), 0) == SIZE_MAX &&
           str_find(own, STR("</chat"), 0) == SIZE_MAX);
    const struct str shown[] = {chat_shown(&a, STR("전학 절차를 알려 주세요"), &cut),
                                chat_shown(&a, STR("검정고시 과목을 알려 주세요"), &cut), own};
    struct verdict verdicts[3];
    if (json_parse(&a, str_of(data, size), &answer, &err) == 0) {
        verdicts_read(&a, answer, &t, shown, 3, verdicts);
        for (size_t i = 0; i < 3; i++) {
            assert(verdicts[i].kind < VERDICT_KIND_COUNT);
            if (verdicts[i].kind == VERDICT_GOOD)
                check_good(&a, &t, &verdicts[i], shown[i]);
        }
    }
    arena_done(&a);
    return 0;
}
