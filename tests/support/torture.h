#pragma once
/*
 * Runs a flow test on a loop with a virtual clock, and tortures it.
 *
 * torture_run always runs the flow once plain; it must return >= 0. With TORTURE=1 in the environment
 * (`make torture`) it runs again and again with the 1st, 2nd, ... fallible call failing, then with the
 * flow cancelled at the 1st, 2nd, ... wait, until a run passes untouched; TORTURE_SHORT (`make test`) takes
 * wider steps after the first 100. A tortured run may fail, but
 * each must end cleanly: loop_free asserts that nothing is left. One program runs one torture at a time.
 *
 * Inside flows use FLOW_CHECK, never cmocka's asserts: those jump to another stack. A failed check
 * fails the test in any round; guard checks that only hold when nothing was broken by returning the
 * error first: `r = web_fetch(...); if (r < 0) return r; FLOW_CHECK(...)`.
 */
#include <errno.h>

#include "loop/flow.h"

void torture_run(const char *name, flow_fn *fn, void *arg);

/* True while a fault or a cancel is due in this round: expectations of a failure's kind do not hold. */
bool torture_is_on(void);

int torture_check_failed(const char *file, int line, const char *text);
#define FLOW_CHECK(cond)                                                                           \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return torture_check_failed(__FILE__, __LINE__, #cond);                                \
    } while (0)
/* `call` must give exactly `want`; when tortured it may also fail otherwise, which ends the flow. */
#define FLOW_EXPECT(f, call, want)                                                                 \
    do {                                                                                           \
        int got_ = (call);                                                                         \
        if (got_ != (want) && torture_is_on())                                                     \
            return got_ < 0 ? got_ : -ECANCELED;                                                   \
        if (got_ != (want))                                                                        \
            return torture_check_status(__FILE__, __LINE__, #call, got_, (want), (f)->err.msg);    \
    } while (0)
int torture_check_status(const char *file, int line, const char *text, int got, int want,
                         const char *msg);
