#pragma once
/* Reads a time zone by its IANA name, once at start: a file of a few kilobytes. */
#include "base/zone.h"

/* Looks in $TZDIR, /usr/share/zoneinfo, /usr/lib/zoneinfo. "UTC", "GMT" and "" need no file; a leading ":"
 * is passed over. E_CONFIG names a zone that is not there or no name of a zone (never leaves those folders). */
int zone_load(const char *name, struct zone **ret_zone, struct err *err) _must_check_;
