/*
 * One JSON object from a model, by schema: ask, read strictly, check, ask again.
 *
 * Happy path: the first answer parses and fits. Otherwise the answer goes back together with what was wrong
 * with it, in Korean, at most twice (or as often as the caller allows). An answer that was cut by its token
 * limit is never repaired: it is asked for once more with twice the room.
 * Models without a schema mode get the rules and the schema in the system message.
 * Fails with E_MODEL when no answer fits; other errors are the vendor's.
 * Invariant: usage is the sum over all tries, since all are paid for; also when none of them fits.
 */
#include "upstream/llm_vendor.h"

#define ASK_COUNT_MAX 3
#define TOKENS_DEFAULT 1000
#define MESSAGES_EXTRA 2 /* the bad answer and what is wrong with it */

static const char rules[] = "반드시 아래 JSON 스키마에 맞는 JSON 객체 하나만 출력하세요. 설명, "
                            "인사말, 코드 블록(```)을 붙이지 "
                            "마세요. 출력은 { 로 시작하고 } 로 끝나야 합니다. 키는 스키마의 영문 "
                            "이름을 그대로 쓰고, 값을 알 수 없으면 "
                            "스키마가 허용하는 경우 null을 쓰세요.\nJSON 스키마:\n";

static bool is_cut(const struct llm_answer *answer)
{
    return str_eq(answer->usage.finish_reason, STR("length")) ||
           str_eq(answer->usage.finish_reason, STR("max_tokens"));
}

static void usage_add(struct llm_usage *sum, const struct llm_usage *one)
{
    struct llm_usage s = *one;
    s.prompt_tokens += sum->prompt_tokens;
    s.completion_tokens += sum->completion_tokens;
    s.total_ns += sum->total_ns;
    s.cost_krw += sum->cost_krw;
    s.estimated = s.estimated || sum->estimated;
    if (sum->first_token_ns)
        s.first_token_ns = sum->first_token_ns;
    *sum = s;
}

/* The caller's messages, with the rules when the vendor does not enforce the schema; room for the re-ask. */
static struct llm_message *messages_of(struct flow *f, const struct llm_asker *a,
                                       const struct llm_spec *spec, size_t *ret_count)
{
    size_t count = 0;
    struct llm_message *m = ARENA_ARRAY(&f->arena, spec->message_count + 1 + MESSAGES_EXTRA,
                                        struct llm_message);
    for (size_t i = 0; i < spec->message_count; i++)
        m[count++] = spec->messages[i];
    if (!a->by_schema)
        m[count++] = (struct llm_message){
            .role = "system",
            .text = arena_printf(
                &f->arena, "%s%.*s", rules,
                STR_ARG(spec->schema.len ? spec->schema : STR("{\"type\":\"object\"}")))};
    *ret_count = count;
    return m;
}

/* 0 and the value, or E_MODEL and what is wrong, one fault a line. */
static int judge(struct flow *f, const struct llm_spec *spec, const struct llm_answer *answer,
                 struct json *ret_value, struct buf *ret_faults)
{
    struct err err = {.code = 0};
    buf_clear(ret_faults);
    if (is_cut(answer)) {
        buf_text(ret_faults, "$: 출력이 도중에 잘렸습니다. 더 짧게 작성하세요.\n");
        return err_set(&f->err, E_MODEL, "the JSON was cut by its token limit");
    }
    int r = llm_json_extract(&f->arena, answer->text, ret_value, &err);
    if (r < 0) {
        buf_text(ret_faults, "$: JSON 객체로 읽을 수 없습니다.\n");
        return err_set(&f->err, r, "%s", err.msg);
    }
    if (llm_schema_check(spec->schema, *ret_value, &f->arena, ret_faults))
        return 0;
    return err_set(&f->err, E_MODEL, "the JSON does not fit: %.*s",
                   STR_ARG(str_cut_utf8(buf_view(ret_faults), 160)));
}

static void reask(struct flow *f, struct llm_message *extra, const struct llm_answer *answer,
                  const struct buf *faults)
{
    extra[0] = (struct llm_message){.role = "assistant", .text = str_cut_utf8(answer->text, 16384)};
    extra[1] = (struct llm_message){
        .role = "user",
        .text = arena_printf(
            &f->arena,
            "방금 출력에 다음 오류가 있습니다.\n%.*s오류를 고쳐서 JSON 객체 하나만 다시 "
            "출력하세요.",
            STR_ARG(buf_view(faults)))};
}

int llm_json_ask(struct flow *f, struct llm_asker *a, const struct llm_spec *spec,
                 struct json *ret_value, struct llm_usage *ret_usage)
{
    size_t count, extra_count = 0;
    struct llm_message *messages = messages_of(f, a, spec, &count);
    _cleanup_(buf_done) struct buf faults = BUF_INIT(8192);
    int max_tokens = spec->max_tokens > 0 ? spec->max_tokens : TOKENS_DEFAULT, r = 0;
    int count_max = spec->ask_count_max > 0 ? spec->ask_count_max : ASK_COUNT_MAX;
    bool grown = false;
    for (int asked = 0; asked < count_max; asked++) {
        struct llm_answer answer = {.text = STR_NONE};
        r = a->ask(f, a, messages, count + extra_count, max_tokens, &answer);
        if (r < 0)
            return r;
        usage_add(ret_usage, &answer.usage);
        r = judge(f, spec, &answer, ret_value, &faults);
        if (r >= 0)
            return 0;
        if (is_cut(&answer) && grown)
            return r;
        if (is_cut(&answer)) { /* the same question, more room */
            max_tokens = MIN(max_tokens * 2, a->tokens_max);
            grown = true;
        } else if (str_trim(answer.text).len > 0) {
            reask(f, &messages[count], &answer, &faults);
            extra_count = MESSAGES_EXTRA;
        }
    }
    return r;
}
