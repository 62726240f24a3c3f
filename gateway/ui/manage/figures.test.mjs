import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { I18n } from "../shared/i18n.mjs";
import { dayRange, detailOf, stepsOf } from "./figures.mjs";
import { words } from "./words.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const sources = readdirSync(here).filter((f) => f.endsWith(".jsx")).map((f) => readFileSync(join(here, f), "utf8")).join("\n");

test("both languages say the same things", () => {
    assert.deepEqual(Object.keys(words.ru), Object.keys(words.en));
    for (const [key, text] of Object.entries(words.en)) {
        const names = (x) => [...JSON.stringify(x).matchAll(/\{(\w+)\}/g)].map((m) => m[1]);
        assert.deepEqual(new Set(names(words.ru[key])), new Set(names(text)), key);
    }
});

test("every word that a page asks for is there", () => {
    for (const [, key] of sources.matchAll(/\bw\.t\("([^"]+)"/g))
        assert.ok(key.endsWith(".") ? Object.keys(words.en).some((k) => k.startsWith(key)) : key in words.en, key);
});

test("days are the reader's, whole", () => {
    const { from, to } = dayRange("2026-11-28", "2026-11-29");
    assert.equal(Date.parse(to) - Date.parse(from), 2 * 86400000 - 1);
    assert.deepEqual(dayRange("", ""), { from: undefined, to: undefined });
    assert.deepEqual(dayRange("nonsense", ""), { from: undefined, to: undefined });
});

test("what an entry says more", () => {
    const w = new I18n("en", words.en);
    const t = (key) => key;
    assert.equal(detailOf({ role: "admin", disabled: true }, w, t), "Role: role.admin; Blocked: yes");
    assert.equal(detailOf({ reason: "name", waits_s: 30 }, w, t), "Why: there is no such name; Then waits, s: 30");
    assert.equal(detailOf({ settings: ["a", "b"], other: 1 }, w, t), "Settings: a, b; other: 1");
    assert.equal(detailOf(undefined, w, t), "");
});

test("the first steps get their ticks by what is there", () => {
    const nothing = { channels: [], totals: { in: 0, out: 0 }, agents: [{ name: "admin" }], me: { name: "admin" } };
    const done = (known) => stepsOf({ ...nothing, ...known }).filter((s) => s.done).map((s) => s.key);
    assert.deepEqual(done({}), []);
    assert.deepEqual(stepsOf(nothing).filter((s) => s.next).map((s) => s.key), ["channel"]);
    const channels = [{ name: "bot", connector: "telegram", state: "lost", info: { link: "https://t.me/bot" } }];
    assert.deepEqual(done({ channels }), ["channel"]);
    assert.equal(stepsOf({ ...nothing, channels }).find((s) => s.key === "message").link, "https://t.me/bot");
    assert.equal(stepsOf({ ...nothing, channels: [{ ...channels[0], info: { link: "javascript:alert(1)" } }] }).find((s) => s.key === "message").link, undefined);
    assert.equal(stepsOf({ ...nothing, channels: [...channels, { connector: "sitechat" }] }).find((s) => s.key === "message").link, "/demo");
    assert.deepEqual(done({ channels: [{ state: "ready" }], totals: { in: 1, out: 1 }, agents: [{ name: "admin", second_factor: true }, { name: "ann" }] }),
        ["channel", "works", "message", "answer", "people", "factor"]);
});
