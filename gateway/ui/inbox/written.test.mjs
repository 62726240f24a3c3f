// written.test.mjs - what the editor holds becomes the small HTML that channels take.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isPlain, picturesIn, plainHtml, written } from "./written.mjs";

const ID = "01M84DM5EGXX078JEX5YT2BT08";
const text = (data) => ({ nodeType: 3, data });
const el = (nodeName, attributes, ...childNodes) => ({ nodeType: 1, nodeName: nodeName.toUpperCase(), childNodes,
    getAttribute: (key) => attributes?.[key] ?? null,
    get textContent() {
        return childNodes.map((c) => c.data ?? c.textContent).join("");
    } });
const is = (nodes, html) => assert.equal(written({ childNodes: nodes }), html);
const line = (...nodes) => el("div", {}, ...nodes);

test("lines, and empty ones between them", () => {
    is([line(text("a")), line(el("br")), line(text("b"))], "a<br><br>b");
    is([line(el("br")), line(text("a & <b>")), line(el("br")), line(el("br"))], "a &amp; &lt;b&gt;");
    is([text("a"), el("br"), text("b"), el("p", {}, text("c"))], "a<br>b<br>c");
    is([line(text("a"), el("br"))], "a");
    is([line(el("br"))], "");
    is([], "");
});

test("spaces are what was typed", () => {
    is([line(text("take\u00a0"), el("b", {}, text("\u200bbus")), text("\u00a0or"))], "take <b>bus</b> or");
    is([line(text("two\u00a0 spaces"))], "two\u00a0 spaces");
});

test("known markup stays, all else are words", () => {
    is([line(el("strong", {}, text("a")), el("em", {}, text("b")), el("del", {}, text("c")), el("font", { color: "red" }, text("d")), el("b", {}))],
        "<b>a</b><i>b</i><s>c</s>d");
    is([line(el("a", { href: "https://x.example/?a=1&b=\"2\"" }, text("x")), el("a", { href: "javascript:alert(1)" }, text("y")))],
        "<a href=\"https://x.example/?a=1&amp;b=%222%22\">x</a>y");
    is([line(text("a")), el("ul", {}, text("\n"), el("li", {}, line(text("1"))), text(" "), el("li", {}, line(text("2")))), line(text("b"))],
        "a<ul><li>1</li><li>2</li></ul>b");
    is([el("blockquote", {}, line(text("a")), line(text("b")))], "<blockquote>a<br>b</blockquote>");
    is([el("pre", {}, text("if (a < b)\n  c"))], "<pre>if (a &lt; b)\n  c</pre>");
    is([el("ul", {}, el("li", {}, line(el("br"))))], "");
});

test("pictures are files of ours, by their ids", () => {
    is([line(el("img", { "data-media": ID, src: "/api/v1/media/x", alt: "a \"b\"", width: "120" }))],
        `<img src="cid:${ID}" alt="a &quot;b&quot;" width="120">`);
    is([line(el("img", { src: "https://x.example/track.gif" }), el("img", { src: "cid:logo" }), text("x"))], "x");
    is([line(el("img", { src: "cid:" + ID, width: "90000" }))], `<img src="cid:${ID}" alt="">`);
    assert.deepEqual(picturesIn(`<img src="cid:${ID}" alt=""><img src="cid:${ID}" alt="x">`), [ID]);
    assert.deepEqual(picturesIn(undefined), []);
});

test("a very deep tree ends as text", () => {
    let node = text("deep");
    for (let i = 0; i < 300; i++) node = el(i % 2 ? "b" : "blockquote", {}, node);
    assert.ok(written({ childNodes: [node] }).includes("deep"));
});

test("text without formatting", () => {
    assert.equal(plainHtml("a & b\n<c>"), "a &amp; b<br>&lt;c&gt;");
    assert.ok(isPlain("a<br>b") && isPlain("") && isPlain(null) && !isPlain("<b>a</b>") && !isPlain("a<br><img src=\"cid:x\">"));
});
