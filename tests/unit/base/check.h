#pragma once
/* What every cmocka program of tests/unit/base includes: cmocka with the headers it needs first, and
 * checks that print the row they failed on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/macro.h"
#include "base/str.h"

#define CHECK(row, condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("row \"%s\": not true: %s", (row), #condition);                               \
    } while (0)

#define CHECK_I64(row, got, want)                                                                  \
    do {                                                                                           \
        int64_t got_ = (int64_t)(got), want_ = (int64_t)(want);                                    \
        if (got_ != want_)                                                                         \
            fail_msg("row \"%s\": got %" PRId64 ", want %" PRId64, (row), got_, want_);            \
    } while (0)

#define CHECK_STR(row, got, want)                                                                  \
    do {                                                                                           \
        struct str got_ = (got), want_ = (want);                                                   \
        if (!str_eq(got_, want_))                                                                  \
            fail_msg("row \"%s\":\n got  \"%.*s\"\n want \"%.*s\"", (row), STR_ARG(got_),          \
                     STR_ARG(want_));                                                              \
    } while (0)

#define CHECK_TEXT(row, got, want) CHECK_STR(row, str_from(got), str_from(want))
#define CHECK_BUF(row, buf, want) CHECK_STR(row, buf_view(buf), str_from(want))
