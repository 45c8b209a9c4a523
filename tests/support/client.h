#pragma once
/*
 * A raw TCP client for tests, on the loop under test: sends bytes as told, collects what comes, waits
 * in flows. Knows nothing of HTTP.
 */
#include "base/buf.h"
#include "loop/flow.h"

/* Checks for scenarios, which may run tortured: each returns an error that names the line, and only an
 * untouched run must come through. Unless `cond` holds: */
#define CHECK(f, cond)                                                                             \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return err_set(&(f)->err, E_PROTOCOL, "%s:%d: %s", __FILE__, __LINE__, #cond);         \
    } while (0)
/* When `call` gives < 0: */
#define TRY(f, call)                                                                               \
    do {                                                                                           \
        int try_result_ = (call);                                                                  \
        if (try_result_ < 0)                                                                       \
            return err_wrap(&(f)->err, try_result_, "%s:%d", __FILE__, __LINE__);                  \
    } while (0)

struct client; /* freed by client_close; memory goes with its handle */

/* Connects to 127.0.0.1. Suspends. */
int client_open(struct flow *f, int port, struct client **ret_client) _must_check_;
void client_close(struct client **c); /* _cleanup_; NULL inside is fine */
void client_reset(struct client **c); /* closes with RST */
/* Hands the bytes to the kernel, or to uv where it does not take them. */
void client_send(struct client *c, struct str bytes);
void client_shut(struct client *c);  /* ends our side */
void client_pause(struct client *c); /* stops reading */
void client_resume(struct client *c);
/* What has come and was not dropped. Borrowed until the next wait. */
struct str client_received(const struct client *c);
void client_drop(struct client *c); /* forgets what has come */
bool client_has_ended(const struct client *c);
size_t client_read_count(const struct client *c); /* reads that gave bytes, since the beginning */
/* Waits until `needle` has come; -ECONNRESET when the stream ended first. */
int client_wait(struct flow *f, struct client *c, const char *needle) _must_check_;
/* Waits until at least `len` bytes have come. */
int client_wait_bytes(struct flow *f, struct client *c, size_t len) _must_check_;
/* Waits until the peer has ended its side or reset; returns uv's status (0 after a clean end). */
int client_wait_end(struct flow *f, struct client *c, int *ret_status) _must_check_;
