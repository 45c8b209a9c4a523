#pragma once
/* A command that goes on without its terminal. */
#include "base/err.h"

/* Leaves the terminal before anything else was begun: the caller's process tells the new one's number in the words
 * of the old scripts (legacy-contracts §4.5) and gets 1 back, the new process 0, with its output appended to `log`
 * and its number in `pid_file`. E_BUSY when the process of that file is alive. */
int background_start(const char *pid_file, const char *log, struct err *err) _must_check_;
