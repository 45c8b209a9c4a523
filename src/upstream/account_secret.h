#pragma once
/* Whether a text tells a key of the request that it is about; see account_secret.c for the forms. */
#include "net/web.h"

#define account_hidden_text "the message repeats the key and is not shown"

bool account_tells_secret(const struct web_request *rq, struct str text);
