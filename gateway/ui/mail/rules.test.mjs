// rules.test.mjs - what of a mail's HTML may be shown. The whole of it meets the attacks in
// tests/browser/test_inbox_email.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ATTRS, TAGS, cidOf, deceptive, isTracker, linkOf, pictureOf, safeStyle } from "./rules.mjs";

test("nothing that runs, loads or names anything is on the lists", () => {
    for (const tag of ["script", "style", "svg", "math", "form", "input", "iframe", "object", "embed", "base", "meta", "link", "video", "audio",
        "source", "picture", "template", "noscript", "select", "option", "button", "textarea", "dialog", "details", "area", "map", "body"])
        assert.ok(!TAGS.includes(tag), tag);
    for (const name of ["id", "name", "class", "srcset", "background", "ping", "action", "formaction", "poster", "target", "rel", "is", "slot"])
        assert.ok(!ATTRS.includes(name), name);
    assert.ok(!ATTRS.some((name) => name.startsWith("on")));
});

test("styles: looks, never places or addresses", () => {
    for (const [name, value] of [["color", "rgb(1, 2, 3)"], ["background-color", "rgba(0, 0, 0, 0.5)"], ["font-family", '"PT Sans", Arial, sans-serif'],
        ["padding-left", "12px"], ["border-top-style", "solid"], ["width", "100%"], ["display", "inline-block"], ["display", "none"], ["margin-top", "0px"],
        ["font-size", "1.2em"], ["color", "red !important"]])
        assert.ok(safeStyle(name, value), name + value);
    for (const [name, value] of [["background-image", "url(x)"], ["color", "url(x)"], ["color", "var(--x)"], ["width", "expression(x)"], ["width", "calc(1px)"],
        ["position", "fixed"], ["z-index", "1"], ["transform", "scale(9)"], ["top", "0"], ["display", "flex"], ["display", "contents"], ["margin-left", "-9px"],
        ["color", "\\75rl(x)"], ["font-family", "x;y"], ["content", "x"], ["filter", "none"], ["--x", "1"], ["animation-name", "x"], ["color", "a".repeat(301)],
        ["color", "</style>"], ["list-style-image", "none"], ["cursor", "auto"], ["behavior", "x"], ["border-image-source", "none"]])
        assert.ok(!safeStyle(name, value), name + value);
});

test("a style's value is read in the length of it", () => {
    const from = performance.now();
    for (const unit of ["rgb(", "rgb(1", "a ", "rgb()"]) safeStyle("color", unit.repeat(60));
    assert.ok(performance.now() - from < 200);
});

test("pictures: raster data, parts of the mail, and the web only by name", () => {
    assert.equal(pictureOf("data:image/png;base64,AAAA").kind, "data");
    assert.equal(pictureOf("data:image/PNG;base64,AA\nAA").value, "data:image/PNG;base64,AAAA");
    assert.deepEqual(pictureOf("cid:logo%40x"), { kind: "cid", value: "logo@x" });
    assert.deepEqual(pictureOf(" HTTP://x.example/a b"), { kind: "remote", value: "http://x.example/a%20b" });
    for (const bad of ["data:image/svg+xml;base64,AAAA", "data:image/png,x", "data:text/html;base64,AA", "javascript:x", "//x.example/a", "/api/v1/session",
        "x.png", "blob:http://x", "file:///x", "ftp://x/y", "", null, undefined, "http://", "data:image/png;base64,AA\"onerror=x"])
        assert.equal(pictureOf(bad).kind, "none", bad);
    assert.equal(cidOf("<a%zz>"), "a%zz");
    for (const [w, h] of [["1", "1"], ["1px", null], [null, "0"], ["2", "200"]]) assert.ok(isTracker(w, h), `${w} ${h}`);
    for (const [w, h] of [[null, null], ["10", "10"], ["100%", ""], ["1em", null], ["12", null]]) assert.ok(!isTracker(w, h), `${w} ${h}`);
});

test("links lead to the web, to mail and to telephones", () => {
    assert.equal(linkOf(" https://x.example "), "https://x.example/");
    assert.equal(linkOf("mailto:a@b"), "mailto:a@b");
    assert.equal(linkOf("tel:+1"), "tel:+1");
    for (const bad of ["javascript:x", "java\nscript:x", "data:text/html,x", "vbscript:x", "#x", "/x", "x", "//x.example", "blob:x", "intent:x", "file:///x", "", null])
        assert.equal(linkOf(bad), null, bad);
});

test("a link whose words name another host is told", () => {
    const lies = (text, href) => deceptive(text, href);
    assert.equal(lies("https://www.bank.example/login", "https://evil.example/"), "evil.example");
    assert.equal(lies("bank.example", "http://bank.example.evil.example:8080/"), "bank.example.evil.example:8080");
    assert.equal(lies("write to help@bank.example now", "https://evil.example"), "evil.example");
    assert.equal(lies("bаnk.example", "https://bank.example/"), "bank.example", "a Cyrillic letter");
    assert.equal(lies("evil.example", "https://bank.example@evil.example/"), null);
    assert.equal(lies("https://bank.example@evil.example", "https://other.example/"), "other.example");
    for (const [text, href] of [["Our shop", "https://shop.example"], ["shop.example", "https://www.shop.example/x"], ["www.shop.example", "https://shop.example"],
        ["shop.example", "https://click.shop.example/r"], ["invoice.pdf", "https://files.example/1"], ["ann@x.example", "mailto:other@y.example"], ["пример.рф", "https://xn--e1afmkfd.xn--p1ai/"],
        ["1.2.3", "https://x.example"], ["", "https://x.example"], ["bank.example", ""]])
        assert.equal(lies(text, href), null, text);
    const from = performance.now();
    for (const unit of ["a.", "a-", "a", ".", "@a."]) deceptive(unit.repeat(5000), "https://x.example");
    assert.ok(performance.now() - from < 500);
});
