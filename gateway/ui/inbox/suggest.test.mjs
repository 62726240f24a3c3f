// suggest.test.mjs - which word is offered help, what fits it, what placeholders become; the address of a view.
import assert from "node:assert/strict";
import test from "node:test";
import { anyway, isSecond, makeEntry, refused } from "./outbox.mjs";
import { parseRoute, viewHref } from "./routes.mjs";
import { filled, matching, wordBefore } from "./suggest.mjs";

test("the word before the caret, with its mark", () => {
    assert.deepEqual(wordBefore("/he", 3, false), { mark: "/", word: "he", from: 0 });
    assert.deepEqual(wordBefore("good /прив", 10, false), { mark: "/", word: "прив", from: 5 });
    assert.deepEqual(wordBefore("a\n@bo tail", 5, true), { mark: "@", word: "bo", from: 2 });
    for (const text of ["https://x", "1/2", "a b", "mail@x", "/a/b", "/done "]) assert.equal(wordBefore(text, text.length, true), null, text);
    assert.equal(wordBefore("@bo", 3, false), null); // only a note calls
    assert.equal(wordBefore("/he", 0, false), null);
});

test("what begins with the word comes first", () => {
    const items = [{ k: "price", t: "hello inside" }, { k: "Hello", t: "x" }, { k: "say-hello", t: "y" }, { k: "z", t: "" }];
    assert.deepEqual(matching(items, "HELLO", (c) => [c.k, "", c.t]).map((c) => c.k), ["Hello", "say-hello", "price"]);
    assert.equal(matching(items, "", (c) => [c.k, null, undefined]).length, 4);
});

test("placeholders: what is not known leaves no hole", () => {
    const who = { client: { name: "Ann Lee" }, agent: { name: "bob", display_name: "Bob" }, channel: "site" };
    assert.equal(filled("Dear {{client.first_name}}, {{agent.name}} of {{channel}} here: {{client.phone}}.", who), "Dear Ann, Bob of site here:.");
    assert.equal(filled("Hello {{client.name}}!", { client: {}, agent: null }), "Hello!");
    assert.equal(filled("{{constructor}} {{x.y}} {{client.name}}", { client: { name: "{{channel}}" }, channel: "c" }), "{{constructor}} {{x.y}} {{channel}}");
});

test("a view's address and back", () => {
    const filter = { channel: "site", label: "a/b?c&d #ю" };
    const route = parseRoute(viewHref("mine", filter));
    assert.deepEqual(route, { page: "inbox", view: "mine", filter });
    assert.deepEqual(parseRoute("#/t/ABC", route), { page: "inbox", view: "mine", thread: "ABC", seq: undefined, filter });
    assert.deepEqual(parseRoute("#/v/open?x=1&label=", route), { page: "inbox", view: "open" });
});

test("an answer that was second waits for a word, and goes out without the question", () => {
    const e = makeEntry({ key: "k", thread: "t", text: "x", note: false, after: 3, at: 0 });
    const error = { code: "conflict", text: "ann is writing an answer in this thread" };
    const [no] = refused([e], "k", error, 0);
    assert.ok(no.state === "failed" && isSecond(no.error) && !isSecond({ code: "conflict", text: "this thread goes on as X" }));
    const [again] = anyway([no], "k");
    assert.ok(again.state === "waiting" && again.anyway && !again.error);
});
