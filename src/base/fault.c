#include "base/fault.h"

#include <inttypes.h>

#include "base/log.h"

/*
 * The torture switch: a test arms it with N = 1, 2, ... and runs the same scenario each time, until
 * a run passes through without having met its fault. Every place that can fail for reasons outside
 * itself asks here first.
 *
 * Invariant: one armed fault fires once, so the error path that follows it runs undisturbed.
 */

static uint64_t armed_at;
static uint64_t passed;
static bool fired;

void fault_arm(uint64_t nth)
{
    armed_at = nth;
    passed = 0;
    fired = false;
}

uint64_t fault_count(void)
{
    return passed;
}

bool fault_fired(void)
{
    return fired;
}

int fault_check(const char *site, int code)
{
    passed++;
    if (passed != armed_at)
        return 0;
    fired = true;
    log_debug("fault.fired", "site=%s nth=%" PRIu64, site, passed);
    return code;
}
