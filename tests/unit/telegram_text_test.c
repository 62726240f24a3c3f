/* telegram_text_test.c - entities to HTML and HTML to entities. */
#include "json_trial.h"

#include "connectors/telegram/telegram_text.h"

#define E(type, from, length) "{'type':'" type "','offset':" #from ",'length':" #length "}"

static void expect_html(const char *text, const char *entities, const char *want) {
    json_t *list = json_of(entities);
    char *html = telegram_html(text, list);
    if (want ? !html || strcmp(html, want) != 0 : html != NULL)
        fail_msg("%s with %s: %s, not %s", text, entities, html ? html : "none", want);
    free(html);
    json_decref(list);
}

static void entities_become_tags(void **state) {
    (void)state;
    expect_html("bold", "[" E("bold", 0, 4) "]", "<b>bold</b>");
    expect_html("a b c", "[" E("italic", 2, 1) "]", "a <i>b</i> c");
    expect_html("x", "[" E("underline", 0, 1) "]", "<u>x</u>");
    expect_html("x", "[" E("strikethrough", 0, 1) "]", "<s>x</s>");
    expect_html("x", "[" E("spoiler", 0, 1) "]", "<span class=\"spoiler\">x</span>");
    expect_html("x", "[" E("code", 0, 1) "]", "<code>x</code>");
    expect_html("x", "[{'type':'pre','language':'c','offset':0,'length':1}]", "<pre>x</pre>");
    expect_html("x", "[" E("expandable_blockquote", 0, 1) "]", "<blockquote>x</blockquote>");
    expect_html("x", "[" E("mention", 0, 1) "," E("custom_emoji", 0, 1) "]", NULL);
    expect_html("x", "[]", NULL);
    expect_html("x", "{}", NULL);
}

static void text_is_escaped(void **state) {
    (void)state;
    expect_html("<b>&\"'\x01\x7f\n\t", "[" E("bold", 0, 3) "]", "<b>&lt;b&gt;</b>&amp;&quot;'\n\t");
    expect_html("x", "[{'type':'text_link','offset':0,'length':1,'url':'https://a/?b=1&c=\\\"<'}]",
        "<a href=\"https://a/?b=1&amp;c=&quot;&lt;\">x</a>");
}

static void only_safe_links_stay(void **state) {
    (void)state;
    static const char *const bad[] = {"javascript:alert(1)", "data:text/html,x", "", " https://x",
        "//x", "file:///etc/passwd", "httpx://y"};
    static const char *const good[] = {
        "http://x", "HTTPS://x", "mailto:a@b", "tel:+49", "tg://user"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *e = mem_printf("[{'type':'text_link','offset':0,'length':1,'url':'%s'}]", bad[i]);
        expect_html("x", e, NULL);
        free(e);
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char *e = mem_printf("[{'type':'text_link','offset':0,'length':1,'url':'%s'}]", good[i]);
        char *want = mem_printf("<a href=\"%s\">x</a>", good[i]);
        expect_html("x", e, want);
        free(e);
        free(want);
    }
    expect_html("x", "[" E("text_link", 0, 1) "]", NULL);
}

static void tags_are_nested(void **state) {
    (void)state;
    expect_html("abcd", "[" E("bold", 0, 4) "," E("italic", 1, 2) "]", "<b>a<i>bc</i>d</b>");
    expect_html("abcd", "[" E("italic", 0, 4) "," E("bold", 0, 4) "]", "<i><b>abcd</b></i>");
    expect_html("abcd", "[" E("bold", 0, 4) "," E("blockquote", 0, 4) "]",
        "<blockquote><b>abcd</b></blockquote>");
    /* In part: the later one ends with the earlier one. */
    expect_html("abcd", "[" E("bold", 0, 3) "," E("italic", 2, 2) "]", "<b>ab<i>c</i></b>d");
    expect_html("ab", "[" E("bold", 0, 1) "," E("bold", 1, 1) "]", "<b>a</b><b>b</b>");
    /* No link in a link. */
    expect_html("ab",
        "[{'type':'text_link','offset':0,'length':2,'url':'http://x'},"
        "{'type':'text_link','offset':1,'length':1,'url':'http://y'}]",
        "<a href=\"http://x\">ab</a>");
}

static void units_are_utf16(void **state) {
    (void)state;
    assert_int_equal(telegram_units(""), 0);
    assert_int_equal(telegram_units("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), 5);
    expect_html("\xf0\x9f\x98\x80x", "[" E("bold", 2, 1) "]", "\xf0\x9f\x98\x80<b>x</b>");
    expect_html("\xf0\x9f\x98\x80x", "[" E("bold", 1, 1) "]", NULL);
    expect_html("\xf0\x9f\x98\x80x", "[" E("bold", 0, 1) "]", NULL);
    expect_html("abc", "[" E("bold", 0, 3) "]", "<b>abc</b>");
    expect_html("abc",
        "[" E("bold", 0, 4) "," E("bold", -1, 2) "," E("bold", 1,
            0) ","
               "{'type':'bold','offset':'0','length':1},{'type':7,'offset':0,'length':1},7,"
               "{'type':'bold','offset':9223372036854775807,'length':9223372036854775807}]",
        NULL);
}

static void expect_text(const char *html, const char *want, const char *entities) {
    json_t *list;
    char *text = telegram_from_html(html, &list);
    if (strcmp(text, want) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", html, text, want);
    expect_at(list, "", entities);
    free(text);
    json_decref(list);
}

static void tags_become_entities(void **state) {
    (void)state;
    expect_text("plain", "plain", "[]");
    expect_text("<b>a</b> <STRONG>b</STRONG>", "a b",
        "[{'type':'bold','offset':0,'length':1},{'type':'bold','offset':2,'length':1}]");
    expect_text("<i>a<u>b</u></i><s>c</s>", "abc",
        "[{'type':'italic','offset':0,'length':2},{'type':'underline','offset':1,'length':1},"
        "{'type':'strikethrough','offset':2,'length':1}]");
    expect_text("<a title=x href='https://x/?a=1&amp;b'>l</a>", "l",
        "[{'type':'text_link','offset':0,'length':1,'url':'https://x/?a=1&b'}]");
    expect_text("<a href=javascript:alert(1)>l</a><a>m</a>", "lm", "[]");
    expect_text("<span class=\"big spoiler\">a</span><span>b</span><tg-spoiler>c</tg-spoiler>",
        "abc",
        "[{'type':'spoiler','offset':0,'length':1},{'type':'spoiler','offset':2,'length':1}]");
    expect_text("<pre><code class=\"language-c\">int  x;\n y</code></pre>", "int  x;\n y",
        "[{'type':'pre','offset':0,'length':10,'language':'c'}]");
    expect_text("\xf0\x9f\x98\x80<b>\xf0\x9f\x98\x80</b>", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
        "[{'type':'bold','offset':2,'length':2}]");
}

static void blocks_become_lines(void **state) {
    (void)state;
    expect_text("a<br>b<br/><br />c", "a\nb\n\nc", "[]");
    expect_text("<p>a</p>\n  <p>b</p>\n", "a\n\nb", "[]");
    expect_text("a<div>b</div><div><br></div><div>c</div>", "a\nb\n\nc", "[]");
    expect_text(
        "x<ul>\n <li>a</li>\n <li>b</li></ul>y", "x\n\xe2\x80\xa2 a\n\xe2\x80\xa2 b\ny", "[]");
    expect_text("<ul><li></li></ul>a", "a", "[]");
    expect_text("a\nb  c \n d", "a\nb  c\nd", "[]");
    expect_text("<b>a </b><br> b", "a\nb", "[{'type':'bold','offset':0,'length':1}]");
    expect_text("x <b>a</b> y", "x a y", "[{'type':'bold','offset':2,'length':1}]");
    expect_text(
        "<blockquote>q</blockquote>a", "q\na", "[{'type':'blockquote','offset':0,'length':1}]");
    expect_text(" <p> </p> ", "", "[]");
}

static void references_are_decoded(void **state) {
    (void)state;
    expect_text("&lt;&gt;&amp;&quot;&apos;&nbsp;|&#65;&#x20AC;&#X1f600;",
        "<>&\"'\xc2\xa0|A\xe2\x82\xac\xf0\x9f\x98\x80", "[]");
    expect_text("&eacute;&;&#;&#x;&#999999999;&amp", "&eacute;&;&#;&#x;&#999999999;&amp", "[]");
    expect_text(
        "&#0;&#xd800;&#x110000;&#27;", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "[]");
    expect_text("&amp;lt;", "&lt;", "[]");
}

static void what_is_strange_is_borne(void **state) {
    (void)state;
    expect_text("1 < 2 <3 a<>b", "1 < 2 <3 a<>b", "[]");
    expect_text("<font color=red>a</font><x-y z='>'>b</x-y>", "ab", "[]");
    expect_text("a<script>alert('</b>')</script>b<STYLE>x{}</STYLE >c", "abc", "[]");
    expect_text("a<!-- <b> -->b<!doctype html>c<?x?>d", "abcd", "[]");
    expect_text("a<script>b", "a", "[]");
    expect_text("a<!--b", "a", "[]");
    expect_text("a<b class=\"x", "a", "[]");
    expect_text("<b>a", "a", "[{'type':'bold','offset':0,'length':1}]");
    expect_text("a</b></p></div>", "a", "[]");
    expect_text("<b><i>a</b>b</i>c", "abc",
        "[{'type':'bold','offset':0,'length':1},{'type':'italic','offset':0,'length':1}]");
    expect_text("<b><b>a</b>b</b>", "ab", "[{'type':'bold','offset':0,'length':2}]");
    expect_text("<code><b>a</b></code>", "a", "[{'type':'code','offset':0,'length':1}]");
    expect_text("<b></b><i> </i>a", "a", "[]");
    expect_text("a\x01\x7f\r<b>b</b>", "a b", "[{'type':'bold','offset':2,'length':1}]");
    expect_text("<pre>a\rb\x02</pre>", "ab", "[{'type':'pre','offset':0,'length':2}]");
}

static void depth_has_a_ceiling(void **state) {
    (void)state;
    static const char tag[] = "<s><b><i><u>";
    char *deep = mem_alloc(300 * (sizeof tag - 1) + 2), *p = deep;
    for (int i = 0; i < 300; i++, p += sizeof tag - 1)
        memcpy(p, tag, sizeof tag - 1);
    memcpy(p, "x", 2);
    expect_text(deep, "x",
        "[{'type':'strikethrough','offset':0,'length':1},{'type':'bold','offset':0,'length':1},"
        "{'type':'italic','offset':0,'length':1},{'type':'underline','offset':0,'length':1}]");
    free(deep);
}

static void entities_have_a_ceiling(void **state) {
    (void)state;
    char *many = mem_alloc(300 * 8 + 1), *p = many;
    for (int i = 0; i < 300; i++, p += 8)
        memcpy(p, "<b>x</b>", 9);
    json_t *list;
    char *text = telegram_from_html(many, &list);
    assert_int_equal(strlen(text), 300);
    assert_int_equal(json_array_size(list), TELEGRAM_ENTITIES_MAX);
    char *html = telegram_html(text, list);
    assert_int_equal(strlen(html), 200 * 8 + 100);
    free(html);
    free(text);
    free(many);
    json_decref(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(entities_become_tags),
        cmocka_unit_test(text_is_escaped), cmocka_unit_test(only_safe_links_stay),
        cmocka_unit_test(tags_are_nested), cmocka_unit_test(units_are_utf16),
        cmocka_unit_test(tags_become_entities), cmocka_unit_test(blocks_become_lines),
        cmocka_unit_test(references_are_decoded), cmocka_unit_test(what_is_strange_is_borne),
        cmocka_unit_test(depth_has_a_ceiling), cmocka_unit_test(entities_have_a_ceiling)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
