#pragma once
/* Asking the server that runs on HOST:PORT. */
#include "cli/cli.h"

struct server_question {
    const struct config *config;
    const char *path;
    bool show; /* prints the parts that /health names */
};
/* `question` is a struct server_question. -ENOTCONN: no server there, -ETIMEDOUT: it does not answer, E_UPSTREAM: it
 * says that something does not work. */
int server_ask(struct flow *f, void *question);
