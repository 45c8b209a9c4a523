#pragma once
/*
 * The sandbox (stand-in of Freshdesk and CLOVA Studio) in the test's own process and loop. Without limits and
 * latency; its data end at the virtual clock's start.
 */
#include <stdint.h>

#include "loop/flow.h"

struct desk;
/* Call desk_warm once before any loop runs (it takes a moment), desk_forget at the very end. */
void desk_warm(void);
void desk_forget(void);
int desk_open(struct flow *f, uint32_t ticket_count, struct desk **ret_desk) _must_check_;
/* Waits for its connections, also in a cancelled flow. NULL is fine. */
void desk_close(struct flow *f, struct desk *d);
/* Rules as POST /sandbox/control takes them (a JSON array); kept until the desk is closed. */
int desk_faults(struct flow *f, struct desk *d, const char *rules) _must_check_;
/* Puts a ticket of the account "demo" into the trash; false: there is none. */
bool desk_delete(struct desk *d, int64_t ticket_id);
int desk_port(const struct desk *d);
uint64_t desk_embed_calls(const struct desk *d);
uint64_t desk_thread_calls(const struct desk *d);
