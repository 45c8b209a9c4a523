#include "unit/base/check.h"

#include "base/html.h"

/* HTML to text: what mail looks like, markup that is none, and hostile input of a megabyte. The last
 * would take hours if any of it cost quadratic time, so the runner's limit is the check. */

static void test_to_text(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"  a \r\n\t b  ", "a b"},
        {"<p>안녕하세요&nbsp;고객님,</p><p>결제가 <b>실패</b>했습니다.<br>확인 부탁</p>",
         "안녕하세요 고객님,\n\n결제가 실패했습니다.\n확인 부탁"},
        {"<ul><li>하나</li><li><p>둘</p></li><li></li></ul>끝", "- 하나\n- 둘\n\n끝"},
        {"<div>a</div><div><br></div><div>b</div>", "a\n\nb"},
        {"<div>a<br></div><div>b</div>", "a\nb"},
        {"a<br/><BR><br >b", "a\n\nb"},
        {"<h1>T</h1>x", "T\n\nx"},
        {"<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3"},
        {"x<script>if (a<b) alert('</p>')</script>y<style>p{}</style>z", "xyz"},
        {"<html><head><title>t</title></head><body>b</body></html>", "b"},
        {"<head><meta x><body>b", "b"},
        {"a<!-- <p> -- > -->b<!doctype html>c<?xml?>d<![CDATA[e]]>f", "abcdf"},
        {"a<!-->b", "ab"},
        {"<a href=\"x>y\">link</a> <a title='>' href=z>two</a>", "link two"},
        {"<o:p>word</o:p><span\nclass=x>s</span>", "words"},
        {"<pre>one\n  two\n\n\n\nthree</pre>", "one\ntwo\n\nthree"},
        {"<blockquote type=cite>quoted</blockquote>after", "quoted\nafter"},
        {"<div class=\"gmail_quote\">On Monday</div>", "On Monday"},
        /* entities */
        {"&lt;b&gt; &amp;amp; &quot;&apos;", "<b> &amp; \"&apos;"},
        {"&eacute;&Eacute;&hellip;&euro;&thetasym;", "éÉ…€ϑ"},
        {"&#44032;&#xAC00;&#XAC00", "가가가"},
        {"&#128;&#150;", "€–"},
        {"&#0;&#xD800;&#x110000;&#99999999999999999999;", "����"},
        {"&nope; &; & &# &#x; &#; &verylongname;", "&nope; &; & &# &#x; &#; &verylongname;"},
        {"a&nbspb a&nbsp b x?a=1&copy=2&lt", "a&nbspb a b x?a=1&copy=2<"},
        {"&#10;&#32;a&#13;b", "a b"},
        {"soft&shy;hyphen zero\u200bwidth \u3000wide\u00a0", "softhyphen zerowidth wide"},
        /* markup that is none */
        {"a < b && c > d <3 <<x", "a < b && c > d <3 <<x"},
        {"if a<b then<br>c", "if a<b then\nc"},
        {"x <b", "x <b"},
        {"x </", "x </"},
        {"x <!-- open", "x <!-- open"},
        {"x <! open", "x <! open"},
        {"x<script>alert(1)", "xalert(1)"},
        {"<a href=\"unclosed>text</a>", "text"},
        {"</p></li></nope>x", "x"},
        {"bad \xff utf-8 \xed\x95", "bad � utf-8 ��"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        html_to_text(&b, str_from(rows[i].in));
        CHECK_BUF(rows[i].in, &b, rows[i].want);
    }
}

static void test_appends(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    buf_text(&b, "head:");
    html_to_text(&b, STR("<p> x </p>"));
    CHECK_BUF("no leading break", &b, "head:x");
    html_to_text(&b, str_of("a\0b", 3));
    CHECK_BUF("NUL is white space", &b, "head:xa b");
}

static void test_hostile(void **state)
{
    (void)state;
    static const struct {
        const char *unit, *end;
    } rows[] = {
        {"<", ""},         {"<a ", ""},
        {"<a =\"", ""},    {"<a =\"<b ='", ">"},
        {"<!--", ""},      {"<!-", ""},
        {"&", ""},         {"&#1", ""},
        {"<script>", ""},  {"<script><style><head><title><template>", ""},
        {"<div>", "x"},    {"<![", ""},
        {"\xff", ""},      {"<a =\"x\" ", ""},
        {"</script", ""},  {"<a=\"'>\"'", ""},
        {"<li><p>", "x"},  {"<a =\"'\"<b ='\"'", ">"},
        {"<?", ""},        {"<pre>\n", "x"},
        {"&#x", ";"},      {"&aaaaaaaaa", ""},
        {"<a ='\"", ">"},  {"<aaaaaaaa", ">"},
        {"=\"<a ", "\">"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(buf_done) struct buf in = BUF_INIT(0);
        _cleanup_(buf_done) struct buf out = BUF_INIT(0);
        while (in.len < 1 << 20)
            buf_text(&in, rows[i].unit);
        buf_text(&in, rows[i].end);
        html_to_text(&out, buf_view(&in));
        CHECK(rows[i].unit, str_is_utf8(buf_view(&out)) && out.len <= 3 * in.len);
    }
}

static void test_escape(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } rows[] = {{"", ""},
                {"한글", "한글"},
                {"<a href=\"x\">T&C's</a>", "&lt;a href=&quot;x&quot;&gt;T&amp;C&#39;s&lt;/a&gt;"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        html_escape(&b, str_from(rows[i].in));
        CHECK_BUF(rows[i].in, &b, rows[i].want);
        _cleanup_(buf_done) struct buf back = BUF_INIT(0);
        html_to_text(&back, buf_view(&b));
        CHECK_BUF(rows[i].in, &back, rows[i].in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_text),
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
