import assert from "node:assert/strict";
import { test } from "node:test";
import { daysBefore, everyDay, isSpan, shade, span, today } from "./figures.mjs";
import { words } from "./words.mjs";

test("both languages say the same things", () => {
    assert.deepEqual(Object.keys(words.ru), Object.keys(words.en));
    for (const [key, text] of Object.entries(words.en)) {
        const names = (x) => [...JSON.stringify(x).matchAll(/\{(\w+)\}/g)].map((m) => m[1]);
        assert.deepEqual(new Set(names(words.ru[key])), new Set(names(text)), key);
    }
});

test("days are the company's", () => {
    const ms = Date.parse("2026-11-29T22:30:00Z");
    assert.equal(today("Europe/Moscow", ms), "2026-11-30");
    assert.equal(today("America/New_York", ms), "2026-11-29");
    assert.equal(today("Nowhere/Else", ms), "2026-11-29");
    assert.equal(daysBefore("2026-03-01", 1), "2026-02-28");
    assert.deepEqual(everyDay("2026-02-28", "2026-03-01", [{ name: "2026-03-01", in: 1 }]),
        [["2026-02-28", null], ["2026-03-01", { name: "2026-03-01", in: 1 }]]);
});

test("a span is at most a year and not backwards", () => {
    assert.ok(isSpan("2026-01-01", "2026-12-31") && isSpan("2026-01-01", "2026-01-01"));
    assert.ok(!isSpan("2026-01-02", "2026-01-01") && !isSpan("2025-01-01", "2026-12-31") && !isSpan("", "2026-01-01"));
});

test("times are said as people do", () => {
    assert.deepEqual([null, 0.4, 59, 120, 5400, 9000, 90000, 400000].map((s) => span(s)).map((x) => x.n + x.unit),
        ["0no", "0s", "59s", "2m", "90m", "2.5h", "25h", "4.6d"]);
});

test("shades", () => {
    assert.deepEqual([0, 1, 50, 100].map((n) => shade(n, 100)), [0, 1, 3, 5]);
});
