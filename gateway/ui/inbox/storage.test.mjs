// storage.test.mjs - what two tabs of one agent keep in the same place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { storage } from "./storage.mjs";

function area() {
    const kept = new Map();
    return { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v), removeItem: (k) => kept.delete(k) };
}

const draft = (text) => ({ text, note: false, html: null, at: 1 });
const texts = () => Object.fromEntries([...storage.drafts("ann")].map(([thread, d]) => [thread, d.text]));

test("a tab writes its own drafts and leaves those of another", () => {
    globalThis.localStorage = area();
    const empty = new Map();
    const first = new Map([["a", draft("of the first")]]);
    storage.setDrafts("ann", first, empty);
    const second = new Map([["b", draft("of the second")]]);
    storage.setDrafts("ann", second, empty);
    assert.deepEqual(texts(), { a: "of the first", b: "of the second" });
    const more = new Map([...first, ["c", draft("more")]]);
    storage.setDrafts("ann", more, first);
    assert.deepEqual(texts(), { a: "of the first", b: "of the second", c: "more" });
    storage.setDrafts("ann", empty, second); // sent
    assert.deepEqual(texts(), { a: "of the first", c: "more" });
    storage.setDrafts("ann", new Map([["a", draft("")], ["c", more.get("c")]]), more); // emptied
    assert.deepEqual(texts(), { c: "more" });
    storage.setDrafts("ann", empty, more);
    assert.equal(localStorage.getItem("sb.drafts.ann"), null);
});

test("a hundred drafts are kept, the newest ones", () => {
    globalThis.localStorage = area();
    const many = new Map(Array.from({ length: 120 }, (_, i) => [`t${i}`, draft(String(i))]));
    storage.setDrafts("ann", many, new Map());
    const again = new Map([...many].map(([t, d]) => [t, t === "t20" ? draft("written once more") : d]));
    storage.setDrafts("ann", again, many);
    assert.equal(storage.drafts("ann").size, 100);
    assert.deepEqual([...storage.drafts("ann").keys()].slice(-1), ["t20"]);
});
