#pragma once
/*
 * How a service speaks to its reader: a stream of named events with one JSON object each. api/ turns
 * them into SSE (both dialects) or one JSON answer, cli/ into text, tests into a buffer.
 * Several flows of one run may send to the same sink: an event is never torn.
 */
#include "base/str.h"
#include "loop/flow.h"

struct sink {
    /* Takes one event; waits while the reader is slow. -ECANCELED when it has left. `json` is one
     * complete object, borrowed for the call. */
    int (*send)(struct flow *f, struct sink *s, const char *event, struct str json);
};
static inline _must_check_ int sink_send(struct flow *f, struct sink *s, const char *event,
                                         struct str json)
{
    return s->send(f, s, event, json);
}
