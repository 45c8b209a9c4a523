#pragma once
/*
 * Faults on demand: rules by path with a probability, or one call's `X-Sandbox-Fault` header.
 *
 *   status:500  timeout  garbage  half  reset  html  truncated  slow  error  overload
 *
 * status    that status in the vendor's shape of error
 * timeout   no answer until the client leaves (10 minutes at most)
 * garbage   200 with bytes that are no JSON; in a stream, events that are none
 * half      a stream breaks off in the middle, without result; a body after half its bytes
 * reset     the answer begins and the connection is closed at once
 * html      502 with an HTML page, as a proxy gives
 * truncated a whole answer whose JSON is cut in half
 * slow      the body drips, a few bytes every 50 ms
 * error     a stream's error event after some tokens; elsewhere status 500
 * overload  429 with CLOVA's 42902
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/str.h"

#define FAULT_TABLE(X)                                                                             \
    X(NONE, "none")                                                                                \
    X(STATUS, "status")                                                                            \
    X(TIMEOUT, "timeout")                                                                          \
    X(GARBAGE, "garbage")                                                                          \
    X(HALF, "half")                                                                                \
    X(RESET, "reset")                                                                              \
    X(HTML, "html")                                                                                \
    X(TRUNCATED, "truncated")                                                                      \
    X(SLOW, "slow")                                                                                \
    X(ERROR, "error")                                                                              \
    X(OVERLOAD, "overload")
#define FAULT_ENUM_(symbol, name) FAULT_##symbol,
enum fault_kind { FAULT_TABLE(FAULT_ENUM_) FAULT_KIND_COUNT };
#undef FAULT_ENUM_

struct fault {
    enum fault_kind kind;
    int status; /* of FAULT_STATUS */
};

struct fault_rule {
    struct fault fault;
    char path[96];      /* prefix; "" is every path but /sandbox/ */
    double probability; /* 0..1 */
    int64_t after;      /* so many fitting calls are let through first */
    int64_t count;      /* then so many may fail; -1: no end */
};

#define FAULT_RULE_MAX 32
struct fault_rules {
    struct fault_rule rules[FAULT_RULE_MAX];
    size_t count;
    struct rng rng;
};

/* "status:429", "half"; false when unknown. */
bool fault_parse(struct str text, struct fault *ret_fault);
/* The array {"path","kind","probability","after","count"} replaces all rules. E_SCHEMA. */
int fault_rules_read(struct fault_rules *rules, struct json array, struct err *err) _must_check_;
struct fault fault_pick(struct fault_rules *rules, struct str path, struct str header);
