/*
 * cli/settings.c: `deskstream config`: what is set, and the page that documents it; cli/validate.c
 * tries what is set.
 *
 *   show       NAME=value  # where from        docs      the text of docs/config.md
 *
 * Fails by: no word (status 1, as the old command), an unknown word (status 2), settings that are not valid
 * (status 2; validate: 1, as the old command).
 * Invariant: a secret is never printed whole.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

static bool is_of(const char *name, const char *const *prefixes)
{
    for (size_t i = 0; prefixes[i] != NULL; i++) {
        if (str_starts(str_from(name), str_from(prefixes[i])))
            return true;
    }
    return false;
}

/* The old command's groups once more, a line each. */
static void show_groups(struct buf *out, const struct config *config)
{
    static const struct {
        const char *title;
        const char *prefixes[6];
    } groups[] = {{"🔧 병렬 처리:", {"PARALLEL_", NULL}},
                  {"📦 배치:", {"BATCH_", "CLASSIFICATION_", "CATEGORIES_", NULL}},
                  {"📧 이메일:", {"SMTP_", "SENDER_", "RECIPIENT_", "EMAIL_", NULL}}};
    for (size_t g = 0; g < ARRAY_COUNT(groups); g++) {
        buf_text(out, groups[g].title);
        for (size_t i = 0; i < CONFIG_ROW_COUNT; i++) {
            if (!is_of(config_rows[i].name, groups[g].prefixes))
                continue;
            buf_printf(out, " %s=", config_rows[i].name);
            config_show(out, config, &config_rows[i]);
        }
        buf_byte(out, '\n');
    }
    const char *docker = getenv("DOCKER"), *container = getenv("CONTAINER_NAME");
    buf_printf(out, "🐳 도커: DOCKER=%s CONTAINER_NAME=%s\n", docker ? docker : "false",
               container ? container : "");
}

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
    show_groups(out, &cli->config);
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
    if (cli->word_count != 1) {
        r = cli_usage(cli, "say what to do");
        return cli->word_count == 0 ? 1 : r; /* as the old command did */
    }
    struct str word = str_from(cli->words[0]);
    if (str_eq(word, STR("show")))
        return show(cli);
    if (str_eq(word, STR("docs")))
        return docs(cli);
    if (str_eq(word, STR("validate")))
        return cli_validate(cli);
    return cli_usage(cli, "there is no \"config %.*s\"", STR_ARG(word));
}
