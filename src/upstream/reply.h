#pragma once
/* What every vendor file needs of an answer: its JSON, parsed off the loop when it is large, and numbers
 * and waiting times out of its headers. */
#include <stdbool.h>

#include "base/json.h"
#include "net/web.h"

/* The body as JSON, in the flow's arena. Bodies over 256 KiB are parsed in the thread pool. Suspends then.
 * E_PROTOCOL for anything that is not one JSON value: a peer's fault, not a caller's. */
int reply_json(struct flow *f, struct str body, struct json *ret_value) _must_check_;

/* A header as a number: "100" and "100.0" alike; -1 when absent, negative or not a number. */
double reply_number(const struct web_reply *reply, const char *name);

/* "34", "1.5" (seconds), "12ms", "1m2s", "6m0s", "1h": milliseconds. False on anything else. */
bool reply_duration(struct str text, double *ret_ms) _must_check_;
