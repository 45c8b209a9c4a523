#pragma once
/*
 * Inside the language-model files only: what the vendors share.
 *
 *   llm_text.c    half characters, error texts, JSON inside prose, prices
 *   llm_limits.c  a call that remembers what the vendor said about its refusal, and rate headers
 *   llm_feed.c    one open event stream: bytes -> events -> whole UTF-8 deltas
 *   llm_json.c    answers by JSON schema: ask, check, ask again
 */
#include "upstream/events.h"
#include "upstream/llm.h"

enum { LLM_LIMIT_CALLS, LLM_LIMIT_TOKENS };

/* ---- llm_text.c ---- */

/* Copies an event's data to `out`, each byte that is not valid UTF-8 as a code point of its own (U+10FF00 +
 * byte), so that JSON with half a character in it can be parsed; llm_delta_add turns them back. */
void llm_data_escape(struct buf *out, struct str data);
/* Appends a delta to the bytes held back, undoing llm_data_escape. */
void llm_delta_add(struct buf *held, struct str delta);
/* Moves what is whole UTF-8 from `held` to `out` (cleared first); `last`: everything. Bad bytes become U+FFFD.
 * Returns how many bytes `out` has. */
size_t llm_delta_take(struct buf *held, struct buf *out, bool last);
/* The vendor's words for a failure, by the order of llm-apis §5.2's last line; "" when there are none. */
struct str llm_error_text(struct json v);
/* True when a data object at HTTP 200 is a failure in one of the shapes seen in the field. */
bool llm_is_error(struct json v);
/* The object inside a model's answer: code fences and prose around it dropped, double encoding undone.
 * E_MODEL when there is none; nothing is ever repaired. */
int llm_json_extract(struct arena *a, struct str text, struct json *ret_value, struct err *err)
    _must_check_;
/* "stop", "length", ... as static text; vendors' other words become "other". */
struct str llm_finish_reason(struct str word);
/* The longest message that is no system message without its middle half; false when it is short already. */
bool llm_messages_cut(struct arena *a, struct llm_message *messages, size_t count);
int64_t llm_prompt_estimate(const struct llm_message *messages, size_t count);
/* Appends the messages as a JSON array named "messages", every system text merged into one, put first. */
void llm_messages_write(struct jw *w, const struct llm_message *messages, size_t count);

/* ---- llm_limits.c ---- */

/* One call; the account hands `call` back to llm_learn, which fills the rest. */
struct llm_try {
    struct account_call call;
    int status;       /* of the last answer; 0: none came */
    int64_t code;     /* CLOVA's status.code or a numeric error.code; 0: none */
    char reason[64];  /* error.code or error.type as text: "insufficient_quota" */
    int64_t reserved; /* tokens of input taken from the bucket */
};
account_learn_fn llm_learn;
/* Refines what the account made of a failure by the vendor's own code; f->err keeps its text. Timeouts of
 * one try, not of the caller's deadline, become E_UPSTREAM. */
int llm_refine(struct flow *f, const struct llm_try *t, int r);
/* The same for an error object inside a stream or at HTTP 200; its code goes into `t`. A text that repeats the
 * key is not shown. */
int llm_refuse(struct llm_try *t, struct err *err, struct json v);
/* Code 40003 and its like: the input is too long for the model. */
bool llm_is_too_long(const struct llm_try *t, const struct err *err);
/* Costs of a call: one request, and tokens clamped to what the bucket can hold. */
void llm_reserve(struct llm_try *t, struct account *a, int64_t input_tokens, int64_t output_tokens);
/* Input was counted by the vendor: corrects that part of the reservation. The requested output stays taken:
 * CLOVA counts it whole (llm-apis §4.2). */
void llm_settle(const struct llm_try *t, struct account *a, int64_t input_tokens);

/* ---- llm_feed.c ---- */

struct llm_feed {
    struct llm_call call; /* first: what the router holds */
    struct llm_try sent;
    struct account *account;
    struct web_stream web;
    struct events_parser events;
    struct str piece;   /* rest of what web_next gave */
    struct arena arena; /* one event's JSON */
    struct buf data, held, out;
    uint64_t start_ns;
    uint32_t first_token_ms;
    int64_t text_bytes; /* given out so far */
    int64_t prompt_estimate;
    bool has_finish; /* a finish reason was seen: only the end mark may still come */
    bool ended;      /* the end mark was seen */
    bool has_usage;
    bool reported; /* account_result was called */
    bool settled;  /* llm_settle was called */
    bool primed;   /* `out` holds what the next llm_feed_next gives; primed_status is its return */
    int primed_status;
    /* Reads one event: appends text with llm_delta_add(&feed->held), sets has_finish, ended, usage. */
    int (*on_event)(struct llm_feed *feed, const struct event *e, struct err *err);
    /* The answer came as one JSON body although a stream was asked for. */
    int (*on_whole)(struct llm_feed *feed, struct json body, struct err *err);
};
/* Sends; waits for the head. On < 0 the feed is empty again. Its spec was filled by the vendor: sent, account,
 * call.provider, call.usage.model, handlers. */
int llm_feed_open(struct flow *f, struct llm_feed *feed) _must_check_;
int llm_feed_next(struct flow *f, struct llm_feed *feed, struct str *ret_delta) _must_check_;
/* Waits for the first text, which llm_feed_next then gives: a refusal may come as an event at HTTP 200. */
int llm_feed_prime(struct flow *f, struct llm_feed *feed) _must_check_;
void llm_feed_free(struct llm_feed *feed);
/* Takes usage from a vendor's numbers; the last one told wins, nothing is ever summed. */
void llm_feed_usage(struct llm_feed *feed, struct json prompt, struct json completion);
void llm_feed_finish(struct llm_feed *feed, struct str reason);

/* ---- llm_json.c ---- */

struct llm_answer {
    struct str text;        /* in the flow's arena */
    struct llm_usage usage; /* finish_reason included */
};
struct llm_asker {
    /* One whole answer. */
    int (*ask)(struct flow *f, struct llm_asker *a, const struct llm_message *messages,
               size_t count, int max_tokens, struct llm_answer *ret_answer);
    int tokens_max; /* the model's own limit of output */
    bool by_schema; /* the vendor enforces the schema: no rules in the prompt */
};
int llm_json_ask(struct flow *f, struct llm_asker *a, const struct llm_spec *spec,
                 struct json *ret_value, struct llm_usage *ret_usage) _must_check_;
/* Appends `schema` with only the words CLOVA's schema mode knows (llm-apis §9.1). */
void llm_schema_reduce(struct buf *out, struct json schema);
