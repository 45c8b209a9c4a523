/*
 * cli/settings.c: `deskstream config`: what is set, and the page that documents it; cli/validate.c
 * tries what is set.
 *
 *   show       NAME=value  # where from        docs      the text of docs/config.md
 *
 * Fails by: an unknown word (status 2), settings that are not valid (status 2, by cli_config).
 * Invariant: a secret is never printed whole.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"

static int show(struct cli *cli)
{
    static const char *const sources[] = {
        [CONFIG_DEFAULT] = "default", [CONFIG_FILE] = ".env", [CONFIG_ENVIRONMENT] = "environment"};
    int r = cli_config(cli);
    if (r != CLI_GO_ON)
        return r;
    struct buf *out = arena_buf(&cli->arena, 0);
    for (size_t i = 0; i < CONFIG_ROW_COUNT; i++) {
        size_t from = out->len;
        buf_printf(out, "%s=", config_rows[i].name);
        config_show(out, &cli->config, &config_rows[i]);
        int width = out->len - from < 48 ? (int)(48 - (out->len - from)) : 1;
        buf_printf(out, "%*s# %s\n", width, "", sources[cli->config.sources[i]]);
    }
    printf("%.*s", STR_ARG(buf_view(out)));
    return 0;
}

static int docs(struct cli *cli)
{
    struct buf *out = arena_buf(&cli->arena, 0);
    config_docs(out);
    printf("%.*s", STR_ARG(buf_view(out)));
    return 0;
}

int cli_settings(struct cli *cli)
{
    int r = cli_options(cli, NULL, 0);
    if (r != CLI_GO_ON)
        return r;
    if (cli->word_count != 1)
        return cli_usage(cli, "say what to do");
    struct str word = str_from(cli->words[0]);
    if (str_eq(word, STR("show")))
        return show(cli);
    if (str_eq(word, STR("docs")))
        return docs(cli);
    if (str_eq(word, STR("validate")))
        return cli_validate(cli);
    return cli_usage(cli, "there is no \"config %.*s\"", STR_ARG(word));
}
