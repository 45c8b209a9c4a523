/*
 * main.c: the program. Everything it can do is a row of the table in cli/cli.c; this file only hands
 * over the words of the command line.
 *
 * Exit status: 0 done, 1 failed, 2 wrong usage or configuration.
 */
#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
