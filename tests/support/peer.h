#pragma once
/*
 * A scripted TCP peer on loopback, in the test's own loop: what an upstream says and does, byte by byte.
 *
 *   static const struct peer_step steps[] = {
 *       PEER_EXPECT("\r\n\r\n"), PEER_SEND("HTTP/1.1 200 OK\r\n..."), PEER_PAUSE(500), PEER_CLOSE(),
 *   };
 *   static const struct peer_script scripts[] = {PEER_SCRIPT(steps)};
 *   struct peer *p = peer_open(f->loop, scripts, ARRAY_COUNT(scripts));
 *   ... peer_url(p, "/x") ...
 *   peer_close(f, p);
 *
 * The nth connection plays the nth script, later ones the last. After its last step a connection stays
 * open and reads on. Time in steps is the loop's clock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "loop/flow.h"

enum peer_act {
    PEER_ACT_EXPECT,
    PEER_ACT_SEND,
    PEER_ACT_SPLIT,
    PEER_ACT_REPEAT,
    PEER_ACT_PAUSE,
    PEER_ACT_AGAIN,
    PEER_ACT_CLOSE,
    PEER_ACT_RESET
};
struct peer_step {
    enum peer_act act;
    const char *text;
    size_t len;
    uint64_t count; /* ms of a pause, repetitions */
};
/* Reads on until `literal` has come, and takes everything up to its end. */
#define PEER_EXPECT(literal)                                                                       \
    {                                                                                              \
        PEER_ACT_EXPECT, (literal), sizeof(literal) - 1, 0                                         \
    }
#define PEER_SEND(literal)                                                                         \
    {                                                                                              \
        PEER_ACT_SEND, (literal), sizeof(literal) - 1, 1                                           \
    }
#define PEER_SEND_BYTES(ptr, bytes)                                                                \
    {                                                                                              \
        PEER_ACT_SEND, (ptr), (bytes), 1                                                           \
    }
/* Byte by byte, each in a turn of its own. */
#define PEER_SPLIT(literal)                                                                        \
    {                                                                                              \
        PEER_ACT_SPLIT, (literal), sizeof(literal) - 1, 0                                          \
    }
#define PEER_REPEAT(literal, times)                                                                \
    {                                                                                              \
        PEER_ACT_REPEAT, (literal), sizeof(literal) - 1, (times)                                   \
    }
#define PEER_PAUSE(ms)                                                                             \
    {                                                                                              \
        PEER_ACT_PAUSE, "", 0, (ms)                                                                \
    }
#define PEER_AGAIN()                                                                               \
    {                                                                                              \
        PEER_ACT_AGAIN, "", 0, 0                                                                   \
    } /* from the first step, on the same connection */
#define PEER_CLOSE()                                                                               \
    {                                                                                              \
        PEER_ACT_CLOSE, "", 0, 0                                                                   \
    }
#define PEER_RESET()                                                                               \
    {                                                                                              \
        PEER_ACT_RESET, "", 0, 0                                                                   \
    }

struct peer_script {
    const struct peer_step *steps;
    size_t step_count;
};
#define PEER_SCRIPT(array)                                                                         \
    {                                                                                              \
        (array), sizeof(array) / sizeof((array)[0])                                                \
    }

struct peer;
/* Listens on a port of the system's choice on 127.0.0.1. Aborts when that fails. */
struct peer *peer_open(struct loop *l, const struct peer_script *scripts, size_t script_count);
/* Closes listener and connections and waits for it, also in a cancelled flow. NULL is fine. */
void peer_close(struct flow *f, struct peer *p);
int peer_port(const struct peer *p);
/* "http://127.0.0.1:PORT<path>" in the flow's arena. */
struct str peer_url(struct flow *f, const struct peer *p, const char *path);

size_t peer_accepted(const struct peer *p); /* connections so far */
size_t peer_left(const struct peer *p);     /* of them, ended by the client (close or reset) */
/* All that came, in the order of arrival. Borrowed until the next turn. */
struct str peer_received(const struct peer *p);
