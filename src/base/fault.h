#pragma once
/*
 * Torture: makes the Nth fallible call fail, so that a test can walk every error path.
 *
 * A function that may fail for reasons outside itself begins with
 *     int r = fault_check("pg.connect", E_DB_AWAY); if (r < 0) return err_set(...);
 * In a release run nothing is armed and the check is one load and a branch.
 * Not thread-safe: loop thread only.
 */
#include <stdbool.h>
#include <stdint.h>

/* Arms: the nth (from 1) check from now fails once. 0 disarms. */
void fault_arm(uint64_t nth);
/* How many checks were passed since fault_arm (armed or not). */
uint64_t fault_count(void);
/* True when the armed check has failed. */
bool fault_fired(void);
/* 0, or `code` when this is the armed one. `site` is for the log. */
int fault_check(const char *site, int code);
