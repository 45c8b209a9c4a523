#pragma once
/* libmariadb's header, without the macro of its own lists that bears a name of ours. For db/ only. */
#include <mariadb/errmsg.h>
#include <mariadb/mysql.h>
#undef list_push
