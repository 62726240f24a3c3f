// rule.test.mjs - a rule goes through the form unchanged.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formOf, namesLabel, orderAt, ruleOf } from "./rule.mjs";
import { words } from "./words.mjs";

test("what was kept comes back out of the form", () => {
    const rule = {
        name: "Refunds", on: "unanswered", after: 90,
        if: { channels: ["a", "b"], any: ["refund", "money back"], language: "ru", contact: "known", responsible: true, assigned: false, open: true },
        then: [{ assign: { responsible: true, agents: ["ann"], how: "least", online: true, capacity: 3 } }, { label: "x" }, { send: "Hello, <b>" }, { close: true }],
    };
    assert.deepEqual(ruleOf(formOf({ ...rule, id: "1", rev: 2, enabled: true, order: 5 })), rule);
    assert.deepEqual(ruleOf(formOf(null)), { name: "", on: "message", if: {}, then: [] });
});

test("a rule that is moved stands between its new neighbours", () => {
    const rules = [{ order: 0 }, { order: 1000 }, { order: 1500 }, { order: 9000 }];
    assert.equal(orderAt(rules, 2, -1), 500);
    assert.equal(orderAt(rules, 1, 1), 5250);
    assert.equal(orderAt(rules, 2, 1), 10000);
    assert.equal(orderAt(rules, 1, -1), 0);
});

test("a rule names the labels of its conditions and actions", () => {
    const rule = { if: { labels: ["a"], without: ["b"], any: ["word"] }, then: [{ label: "c" }, { unlabel: "d" }, { note: "note" }] };
    assert.deepEqual(["a", "b", "c", "d", "word", "note", "ab"].filter((l) => namesLabel(rule, l)), ["a", "b", "c", "d"]);
    assert.equal(namesLabel({ if: {}, then: [{ close: true }] }, "a"), false);
});

test("both languages have the same words", () => {
    assert.deepEqual(Object.keys(words.ru), Object.keys(words.en));
});
