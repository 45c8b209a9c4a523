#pragma once
/* The sandbox's own routes: /sandbox/control, stats, truth, holdout, chats. They need no credentials. */
#include "sandbox/sandbox.h"

int control_set(struct flow *f, struct http_exchange *x, void *context);
int control_stats(struct flow *f, struct http_exchange *x, void *context);
int control_truth(struct flow *f, struct http_exchange *x, void *context);
int control_holdout(struct flow *f, struct http_exchange *x, void *context);
int control_chats(struct flow *f, struct http_exchange *x, void *context);
/* Changes tickets at knobs.churn_per_s; runs until cancelled. */
int control_churn(struct flow *f, void *arg);
/* Applies one option "name=value" of the command line; false: unknown or out of range. */
bool knob_set(struct knobs *k, struct str name, int64_t value);
void knobs_init(struct knobs *k);
