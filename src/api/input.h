#pragma once
/*
 * What a request says, checked the way the old servers (FastAPI with pydantic 2) did: every fault is
 * collected, then answered together as 422 {"detail":[{"type","loc","msg","input","ctx"?}]}.
 *
 *   struct input in;
 *   input_begin(&in, f, x);
 *   input_body(&in, true);
 *   struct str query = input_text(&in, "query", INPUT_REQUIRED);
 *   if (input_is_bad(&in))
 *       return input_refuse(f, &in);
 *
 * Values are converted where pydantic converts ("3" is an int, "yes" a bool); null counts as absent but
 * where a field is required. Unknown fields are passed over. Strings live in the flow's arena.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "http/server.h"

enum input_need { INPUT_OPTIONAL, INPUT_REQUIRED };

struct input {
    struct flow *flow;
    const struct http_exchange *exchange;
    const struct http_request *request;
    struct json body;   /* an object, or JSON_NONE */
    struct buf *faults; /* array items so far */
    struct jw writer;
    size_t fault_count;
};

void input_begin(struct input *in, struct flow *f, const struct http_exchange *x);
bool input_is_bad(const struct input *in);
/* Answers 422 with all faults. */
int input_refuse(struct flow *f, struct http_exchange *x, struct input *in) _must_check_;

/* ---- path and query ---- */

/* {name} of the path as a ticket id. */
int64_t input_path_id(struct input *in, const char *name);
bool input_query_bool(struct input *in, const char *name, bool otherwise);
int64_t input_query_int(struct input *in, const char *name, int64_t otherwise, int64_t min,
                        int64_t max);
struct str input_query_text(struct input *in, const char *name); /* "" when absent */

/* ---- body ---- */

/* Reads the body. An empty one is a fault when required. */
void input_body(struct input *in, enum input_need need);
struct str input_text(struct input *in, const char *name, enum input_need need);
bool input_bool(struct input *in, const char *name, bool otherwise);
int64_t input_int(struct input *in, const char *name, int64_t otherwise);
/* An id that old clients send as a number or as text; 0 when absent or empty. */
int64_t input_id(struct input *in, const char *name);
/* A list of texts; the JSON array, or JSON_NONE. */
struct json input_texts(struct input *in, const char *name);
