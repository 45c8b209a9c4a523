/*
 * The torture runner. Each round has a loop of its own; the process's fault counter is armed for one
 * round only. A bound on the rounds turns an endless retry into a failed test.
 */
#include "support/torture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fault.h"

enum {
    ROUND_COUNT_MAX = 5000,
    SHORT_WHOLE = 100, /* under TORTURE_SHORT: so many rounds each, then one in SHORT_STEP */
    SHORT_STEP = 17,
};

static bool is_on;
static int failed_checks;

bool torture_is_on(void)
{
    return is_on;
}

int torture_check_failed(const char *file, int line, const char *text)
{
    failed_checks++;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
    return -EINVAL;
}

int torture_check_status(const char *file, int line, const char *text, int got, int want,
                         const char *msg)
{
    failed_checks++;
    fprintf(stderr, "%s:%d: %s gave %s, not %s: %s\n", file, line, text,
            got < 0 ? err_name(got) : "good", want < 0 ? err_name(want) : "good", msg);
    return got < 0 ? got : -EINVAL;
}

/* One round; true when the fault fired or the cancel came. */
static bool run_round(const char *name, flow_fn *fn, void *arg, uint64_t fault, uint64_t cancel,
                      int *ret_status, struct err *ret_err)
{
    struct loop *l = loop_new(&(struct loop_spec){.virtual_clock = true});
    is_on = fault || cancel;
    fault_arm(fault);
    loop_cancel_at_wait(l, cancel);
    *ret_status = loop_run(l, name, fn, arg, ret_err);
    bool touched = fault_fired() || (cancel && loop_wait_count(l) >= cancel);
    fault_arm(0);
    is_on = false;
    loop_free(l);
    return touched;
}

static void run_rounds(const char *name, flow_fn *fn, void *arg, bool faults)
{
    uint64_t step = getenv("TORTURE_SHORT") ? SHORT_STEP : 1;
    for (uint64_t n = 1; n <= ROUND_COUNT_MAX; n += n < SHORT_WHOLE ? 1 : step) {
        int status;
        struct err err = {0};
        bool touched = run_round(name, fn, arg, faults ? n : 0, faults ? 0 : n, &status, &err);
        if (failed_checks)
            fail_msg("%s: %s %llu: a check failed", name, faults ? "fault" : "cancel",
                     (unsigned long long)n);
        if (touched)
            continue;
        if (status < 0)
            fail_msg("%s: untouched round %llu gave %s: %s", name, (unsigned long long)n,
                     err_name(status), err.msg);
        return;
    }
    fail_msg("%s: still touched after %d rounds", name, ROUND_COUNT_MAX);
}

void torture_run(const char *name, flow_fn *fn, void *arg)
{
    int status;
    struct err err = {0};
    failed_checks = 0;
    run_round(name, fn, arg, 0, 0, &status, &err);
    if (failed_checks || status < 0)
        fail_msg("%s gave %s: %s", name, status < 0 ? err_name(status) : "failed checks", err.msg);
    if (!getenv("TORTURE"))
        return;
    run_rounds(name, fn, arg, true);
    run_rounds(name, fn, arg, false);
}
