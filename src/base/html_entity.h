#pragma once
/* Named character references, for html.c. */
#include <stdint.h>

#include "base/str.h"

#define HTML_ENTITY_BYTES_MAX 8 /* longest name: "thetasym" */

/* Code point of a name without & and ; (case matters), or 0 when HTML 4 has no such name. */
uint32_t html_entity(struct str name);
