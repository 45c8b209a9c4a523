#include "unit/base/check.h"

#include "base/config.h"

/* Settings: where values come from, every kind of fault, and all faults in one go. */

struct read {
    struct arena arena;
    struct config config;
    struct buf faults;
    int result;
};

static void read_done(struct read *r)
{
    arena_done(&r->arena);
    buf_done(&r->faults);
}

static void read_all(struct read *r, char *const *env, const char *file)
{
    *r = (struct read){0};
    r->result = config_read(&r->arena, env, str_from(file), &r->config, &r->faults);
}

static const struct config_row *row_named(const char *name)
{
    for (size_t i = 0; i < CONFIG_ROW_COUNT; i++)
        if (strcmp(config_rows[i].name, name) == 0)
            return &config_rows[i];
    fail_msg("no row %s", name);
    return NULL;
}

static void shown(struct buf *out, const struct config *c, const char *name)
{
    buf_clear(out);
    config_show(out, c, row_named(name));
}

static void test_defaults_are_valid(void **state)
{
    (void)state;
    _cleanup_(read_done) struct read r;
    read_all(&r, NULL, "");
    CHECK_BUF("no faults", &r.faults, "");
    assert_int_equal(r.result, 0);
    assert_int_equal(r.config.port, 8000);
    assert_string_equal(r.config.host, "127.0.0.1");
    assert_string_equal(r.config.database_url, "");
    assert_false(r.config.sandbox);
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    for (size_t i = 0; i < CONFIG_ROW_COUNT; i++) {
        CHECK_I64(config_rows[i].name, r.config.sources[i], CONFIG_DEFAULT);
        shown(&b, &r.config, config_rows[i].name);
        CHECK_BUF(config_rows[i].name, &b, config_rows[i].otherwise);
        for (size_t k = 0; k < i; k++)
            CHECK(config_rows[i].name, strcmp(config_rows[i].name, config_rows[k].name) != 0);
    }
}

static void test_environment_over_file_over_default(void **state)
{
    (void)state;
    char *env[] = {(char[]){"PORT=1"}, (char[]){"HOST="}, (char[]){"PORTX=9"},
                   (char[]){"COMPANY_ID="}, NULL};
    _cleanup_(read_done) struct read r;
    read_all(&r, env, "PORT=2\nLLM_ORDER=openai\nHOST=0.0.0.0\nCOMPANY_ID=acme\nDRAIN_MS=\n");
    assert_int_equal(r.result, 0);
    assert_int_equal(r.config.port, 1);
    assert_string_equal(r.config.llm_order, "openai");
    assert_string_equal(r.config.company_id, "");    /* set, empty */
    assert_string_equal(r.config.host, "127.0.0.1"); /* cannot be empty: the default */
    assert_int_equal(r.config.drain_ms, 10000);
    assert_int_equal(r.config.sources[row_named("PORT") - config_rows], CONFIG_ENVIRONMENT);
    assert_int_equal(r.config.sources[row_named("LLM_ORDER") - config_rows], CONFIG_FILE);
    assert_int_equal(r.config.sources[row_named("HOST") - config_rows], CONFIG_DEFAULT);
}

static void test_file_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line, *want; /* of COMPANY_ID */
    } rows[] = {
        {"COMPANY_ID=acme", "acme"},
        {"  export COMPANY_ID = acme  ", "acme"},
        {"export\tCOMPANY_ID=acme", "acme"},
        {"COMPANY_ID=0 1 * * *", "0 1 * * *"},
        {"COMPANY_ID=a#b # comment", "a#b"},
        {"COMPANY_ID=a\t#comment", "a"},
        {"COMPANY_ID=# comment", ""},
        {"COMPANY_ID=", ""},
        {"COMPANY_ID=\"a b # c\" # d", "a b # c"},
        {"COMPANY_ID='a \\n b'", "a \\n b"},
        {"COMPANY_ID=\"say \\\"hi\\\" \\\\ \\x\"", "say \"hi\" \\ \\x"},
        {"COMPANY_ID=\" kept \"", " kept "},
        {"COMPANY_ID=''", ""},
        {"COMPANY_ID=a=b", "a=b"},
        {"COMPANY_ID=it's", "it's"},
        {"COMPANY_ID=한국", "한국"},
        {"COMPANY_ID=one\nCOMPANY_ID=two", "two"},
        {"COMPANY_ID=one\r\n\r\n# x\r\n", "one"},
        {"\xEF\xBB\xBF"
         "COMPANY_ID=bom",
         "bom"},
        {"no assignment\n=x\n1A=2\nCOMPANY_ID: y\nCOMPANY_ID=z", "z"},
        {"#COMPANY_ID=x", ""},
        {"COMPANY_ID", ""},
        {"UNKNOWN=\"open\nCOMPANY_ID=x", "x"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(read_done) struct read r;
        read_all(&r, NULL, rows[i].line);
        CHECK_BUF(rows[i].line, &r.faults, "");
        CHECK_I64(rows[i].line, r.result, 0);
        CHECK_TEXT(rows[i].line, r.config.company_id, rows[i].want);
    }
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *line, *name, *want; /* want: shown, or the fault when it has a ": " */
    } rows[] = {
        {"PORT=\" 81 \"", "PORT", "81"},
        {"PORT=0", "PORT", "0"},
        {"PORT=80000", "PORT", "PORT: \"80000\" is not a number from 0 to 65535\n"},
        {"PORT=-1", "PORT", "PORT: \"-1\" is not a number from 0 to 65535\n"},
        {"PORT=8k", "PORT", "PORT: \"8k\" is not a number from 0 to 65535\n"},
        {"PORT=99999999999999999999", "PORT",
         "PORT: \"99999999999999999999\" is not a number from 0 to 65535\n"},
        {"SANDBOX=TRUE", "SANDBOX", "true"},
        {"SANDBOX=1", "SANDBOX", "true"},
        {"SANDBOX=yes", "SANDBOX", "true"},
        {"SANDBOX= On ", "SANDBOX", "true"},
        {"SANDBOX=No", "SANDBOX", "false"},
        {"SANDBOX=off", "SANDBOX", "false"},
        {"SANDBOX=0", "SANDBOX", "false"},
        {"SANDBOX=", "SANDBOX", "false"},
        {"SANDBOX=2", "SANDBOX", "SANDBOX: \"2\" is neither true nor false\n"},
        {"QDRANT_URL=http://h:6333/", "QDRANT_URL", "http://h:6333"},
        {"QDRANT_URL=HTTPS://a.b-c_d/x/y//", "QDRANT_URL", "HTTPS://a.b-c_d/x/y"},
        {"QDRANT_URL=http://[::1]:80/v@1", "QDRANT_URL", "http://[::1]:80/v@1"},
        {"QDRANT_URL=http://[::1]", "QDRANT_URL", "http://[::1]"},
        {"QDRANT_URL=", "QDRANT_URL", ""},
        {"QDRANT_URL=h:6333", "QDRANT_URL",
         "QDRANT_URL: does not begin with http:// or https://\n"},
        {"QDRANT_URL=ftp://h", "QDRANT_URL",
         "QDRANT_URL: does not begin with http:// or https://\n"},
        {"QDRANT_URL=http://", "QDRANT_URL", "QDRANT_URL: has no valid host name\n"},
        {"QDRANT_URL=http:///x", "QDRANT_URL", "QDRANT_URL: has no valid host name\n"},
        {"QDRANT_URL=http://:80", "QDRANT_URL", "QDRANT_URL: has no valid host name\n"},
        {"QDRANT_URL=http://a%20b", "QDRANT_URL", "QDRANT_URL: has no valid host name\n"},
        {"QDRANT_URL=http://한국", "QDRANT_URL",
         "QDRANT_URL: has a character that an address cannot have\n"},
        {"QDRANT_URL=http://a b", "QDRANT_URL",
         "QDRANT_URL: has a character that an address cannot have\n"},
        {"QDRANT_URL=http://u:secret@h", "QDRANT_URL",
         "QDRANT_URL: must not hold a user name or password\n"},
        {"QDRANT_URL=http://h?x", "QDRANT_URL", "QDRANT_URL: must not have a query or fragment\n"},
        {"QDRANT_URL=http://h/#x", "QDRANT_URL", "QDRANT_URL: must not have a query or fragment\n"},
        {"QDRANT_URL=http://h:0", "QDRANT_URL",
         "QDRANT_URL: has a port that is not a number from 1 to 65535\n"},
        {"QDRANT_URL=http://h:", "QDRANT_URL",
         "QDRANT_URL: has a port that is not a number from 1 to 65535\n"},
        {"QDRANT_URL=http://[::1]:x", "QDRANT_URL",
         "QDRANT_URL: has a port that is not a number from 1 to 65535\n"},
        {"ORG_LANGUAGE=x", "ORG_LANGUAGE", "ORG_LANGUAGE: must have from 2 to 8 bytes, has 1\n"},
        {"ADMIN_TOKEN=\"a\\nb\"", "ADMIN_TOKEN", "ADMIN_TOKEN: has control characters\n"},
        {"COMPANY_ID=\xff", "COMPANY_ID", "COMPANY_ID: is not valid UTF-8\n"},
        {"# one\nADMIN_TOKEN=\"open", "ADMIN_TOKEN",
         "ADMIN_TOKEN: line 2 of the file has a quote without its end\n"},
        {"ADMIN_TOKEN='a'b", "ADMIN_TOKEN",
         "ADMIN_TOKEN: line 1 of the file has a quote without its end\n"},
        {"LOG_LEVEL=loud", "LOG_LEVEL",
         "LOG_LEVEL: \"loud\" is not one of debug, info, warning, error\n"},
        {"LOG_LEVEL=WARNING", "LOG_LEVEL", "WARNING"},
        {"LOG_FORMAT=xml", "LOG_FORMAT", "LOG_FORMAT: \"xml\" is not one of text, json\n"},
        {"ADMIN_TOKEN=short", "ADMIN_TOKEN", "****"},
        {"ADMIN_TOKEN=exactly12byt", "ADMIN_TOKEN", "****"},
        {"ADMIN_TOKEN=thirteenbytes", "ADMIN_TOKEN", "****ytes"},
        {"ADMIN_TOKEN=", "ADMIN_TOKEN", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(read_done) struct read r;
        read_all(&r, NULL, rows[i].line);
        if (r.result < 0) {
            CHECK_I64(rows[i].line, r.result, E_CONFIG);
            CHECK_BUF(rows[i].line, &r.faults, rows[i].want);
            continue;
        }
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        shown(&b, &r.config, rows[i].name);
        CHECK_BUF(rows[i].line, &b, rows[i].want);
    }
}

static void test_all_faults_together_without_secrets(void **state)
{
    (void)state;
    char *env[] = {(char[]){"PORT=x"}, (char[]){"SANDBOX=perhaps"},
                   (char[]){"FRESHDESK_API_KEY=hush\thush"}, NULL};
    _cleanup_(read_done) struct read r;
    read_all(&r, env, "LOG_LEVEL=loud\nQDRANT_URL=http://me:hush@h\nHCX_MAX_TOKENS=1\n");
    assert_int_equal(r.result, E_CONFIG);
    CHECK_BUF("in table order, rules last", &r.faults,
              "PORT: \"x\" is not a number from 0 to 65535\n"
              "SANDBOX: \"perhaps\" is neither true nor false\n"
              "QDRANT_URL: must not hold a user name or password\n"
              "FRESHDESK_API_KEY: has control characters\n"
              "HCX_MAX_TOKENS: \"1\" is not a number from 16 to 32768\n"
              "LOG_LEVEL: \"loud\" is not one of debug, info, warning, error\n");
    assert_null(r.config.host); /* not written */
}

static void test_doubts(void **state)
{
    (void)state;
    static const struct {
        const char *name, *file, *want;
    } rows[] = {
        {"all is well", "# c\n\n  \nPORT=1\nexport HOST=x # y\nSOMEBODY_ELSES=1\n", ""},
        {"no assignment", "PORT 80\n\nHOST=x\n=5\n",
         "line 1 is not NAME=value and is passed over\n"
         "line 4 is not NAME=value and is passed over\n"},
        {"a slip", "FRESHDESK_APIKEY=secret\nfreshdesk_domain=acme\nLOGLEVEL=info\n",
         "line 1: FRESHDESK_APIKEY is no setting; is FRESHDESK_API_KEY meant?\n"
         "line 2: freshdesk_domain is no setting; is FRESHDESK_DOMAIN meant?\n"
         "line 3: LOGLEVEL is no setting; is LOG_LEVEL meant?\n"},
        {"short names and far ones are left alone",
         "PORTS=1\nTYPE=2\nGOOGLE_API_KEY=x\nFASTAPI_PORT=1\n", ""},
        {"a very long name",
         "FRESHDESK_API_KEY_FRESHDESK_API_KEY_FRESHDESK_API_KEY_FRESHDESK_API_KEY=1\n", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a;
        arena_init(&a, 0);
        _cleanup_(buf_done) struct buf doubts = BUF_INIT(0);
        config_doubts(&a, str_from(rows[i].file), &doubts);
        CHECK_BUF(rows[i].name, &doubts, rows[i].want);
        arena_done(&a);
    }
}

static void test_docs_name_every_row(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    config_docs(&b);
    size_t at = 0;
    for (size_t i = 0; i < CONFIG_ROW_COUNT; i++) {
        _cleanup_(buf_done) struct buf start = BUF_INIT(0);
        buf_printf(&start, "\n| `%s` | ", config_rows[i].name);
        at = str_find(buf_view(&b), buf_view(&start), at);
        CHECK(config_rows[i].name, at != SIZE_MAX);
    }
    CHECK("port", str_find(buf_view(&b), STR("| `PORT` | `8000` | 0 to 65535 | port to listen on"),
                           0) != SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_valid),
        cmocka_unit_test(test_environment_over_file_over_default),
        cmocka_unit_test(test_file_lines),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_all_faults_together_without_secrets),
        cmocka_unit_test(test_doubts),
        cmocka_unit_test(test_docs_name_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
