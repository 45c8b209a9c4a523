#pragma once
/* Names and addresses of the made-up people. All text is static or appended to a buffer. */
#include <stdint.h>

#include "base/buf.h"
#include "sandbox/family.h"

#define AGENT_ID_BASE INT64_C(1070040306600)
#define REQUESTER_ID_BASE INT64_C(2043000000000)
#define COMPANY_ID_BASE INT64_C(158020260000)
#define GROUP_ID_BASE INT64_C(158000117000)

void person_name(struct buf *out, uint32_t requester, enum lang lang);
void person_email(struct buf *out, uint32_t requester, uint32_t company);
void company_name(struct buf *out, uint32_t company, enum lang lang);
const char *company_domain(uint32_t company);
const char *agent_name(uint32_t agent); /* 1..AGENT_COUNT; 0 gives "" */
const char *agent_email(uint32_t agent);
const char *group_name(uint32_t group);
const char *ticket_type_name(uint32_t type); /* 0..4 */
