#pragma once
/* Parts of db/maria.c that need no machine: options of a connection, errors. For db/ only. */
#include <stdbool.h>

#include "db/libmariadb.h"
#include "db/maria.h"

/* Sets what a fresh handle needs before it connects. */
void maria_options(MYSQL *my, const struct maria_spec *spec);
/* The server's certificate must be good and bear the host's name. */
bool maria_verifies(const struct db_url *u);
/* Translates the handle's last error. */
int maria_error(MYSQL *my, struct err *err);
bool maria_error_is_refusal(unsigned number);
