// pages.test.mjs - words, links, times, rows: the pure helpers of the pages.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Backoff } from "../shared/backoff.mjs";
import { I18n, preferredLanguage } from "../shared/i18n.mjs";
import { isUlid, ulid } from "../shared/ids.mjs";
import { linkify, plainName, webAddress } from "../shared/links.mjs";
import { fileSize } from "../shared/size.mjs";
import { ago, dayMark, short } from "../shared/time.mjs";
import { fileName } from "./api.mjs";
import { due, lostSocket, makeEntry, nextDue, refused, started } from "./outbox.mjs";
import { parseRoute, signInOutcome } from "./routes.mjs";
import { en as first } from "./strings_en.mjs";
import { client } from "./strings_en_client.mjs";
import { ru } from "./strings_ru.mjs";
import { sentences } from "./strings_ru_sentences.mjs";
import { settings } from "./strings_ru_settings.mjs";
import { whatsapp } from "./strings_ru_whatsapp.mjs";
import { PART, inParts, timeline } from "./timeline.mjs";

const en = { ...first, ...client };
globalThis.crypto ??= webcrypto; // Node 18 has no global one
const here = dirname(fileURLToPath(import.meta.url));
const sources = readdirSync(here).filter((f) => /\.(jsx|mjs)$/.test(f) && !/test|strings/.test(f))
    .map((f) => readFileSync(join(here, f), "utf8")).join("\n");
const names = (text) => [...JSON.stringify(text).matchAll(/\{(\w+)\}/g)].map((m) => m[1]);

test("both languages have the same keys, the same names in them, and all plural forms", () => {
    const ours = Object.keys(ru).filter((key) => !(key in whatsapp) && !(key in settings) && !(key in sentences) && !key.startsWith("say:")); // the gateway says those in English
    assert.deepEqual(ours.sort(), Object.keys(en).sort());
    for (const key of Object.keys(en)) {
        assert.deepEqual([...new Set(names(ru[key]))].sort(), [...new Set(names(en[key]))].sort(), key);
        if (typeof en[key] === "object") {
            assert.deepEqual(Object.keys(en[key]).sort(), ["one", "other"], key);
            assert.deepEqual(Object.keys(ru[key]).sort(), ["few", "many", "one", "other"], key);
        }
    }
});

test("every key that the page asks for is there", () => {
    for (const [, key] of sources.matchAll(/\bt\("([^"]+)"/g)) {
        if (key.endsWith(".")) assert.ok(Object.keys(en).some((k) => k.startsWith(key)), key);
        else assert.ok(key in en, key);
    }
});

test("Russian plurals", () => {
    const words = new I18n("ru", ru, en);
    const say = (n) => words.t("list.unread", { n });
    assert.equal(say(1), "1 непрочитанное сообщение");
    assert.equal(say(2), "2 непрочитанных сообщения");
    assert.equal(say(5), "5 непрочитанных сообщений");
    assert.equal(say(11), "11 непрочитанных сообщений");
    assert.equal(say(21), "21 непрочитанное сообщение");
    assert.equal(new I18n("ru", {}, en).t("state.close"), "Close");
    assert.equal(words.t("no.such.key"), "no.such.key");
    assert.equal(preferredLanguage(null, ["fr", "ru-RU"]), "ru");
    assert.equal(preferredLanguage("en", ["ru"]), "en");
    assert.equal(preferredLanguage("xx", []), "en");
});

test("links: only known schemes, without the sentence's stops", () => {
    const hrefs = (text) => linkify(text).filter((p) => p.href).map((p) => p.href);
    assert.deepEqual(hrefs("see https://a.example/x?y=1."), ["https://a.example/x?y=1"]);
    assert.deepEqual(hrefs("(www.a.example/b_(c)), then"), ["https://www.a.example/b_(c)"]);
    assert.deepEqual(hrefs("пишите: ann@пример.рф, спасибо"), ["mailto:" + encodeURI("ann@пример.рф")]);
    assert.deepEqual(hrefs("tel:+7-912-000 mailto:a@b.example"), ["tel:+7-912-000", "mailto:a@b.example"]);
    for (const bad of ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc", "blob:https", "jAvAsCrIpT:alert(1)"])
        assert.deepEqual(hrefs(bad), [], bad);
    for (const text of ["", "plain", "a https://x.example b", "<b>&amp; https://x.example/<script>"])
        assert.equal(linkify(text).map((p) => p.text).join(""), text);
});

test("finding links takes time in the length of the text", () => {
    for (const unit of ["a", "a@", "www.", "a.", "https://", "@a.", "1+"]) {
        const text = unit.repeat(Math.floor(64000 / unit.length)) + " ann@x.example";
        const from = performance.now();
        linkify(text);
        assert.ok(performance.now() - from < 1000, unit);
    }
});

test("names lose what reorders or hides text; addresses must be of the web", () => {
    assert.equal(plainName("A\u202enn\u0000 \u200bB"), "Ann B");
    assert.equal(webAddress("javascript:alert(1)"), null);
    assert.equal(webAddress("https://x.example/a"), "https://x.example/a");
});

test("times and sizes", () => {
    const now = new Date(2026, 2, 15, 14, 30).getTime();
    const day = 86400000;
    const words = { today: "Today", yesterday: "Yesterday" };
    assert.equal(short("en", now - 60000, now), "14:29");
    assert.equal(short("en", now - day, now, "Yesterday"), "Yesterday");
    assert.equal(dayMark("en", now, words, now), "Today");
    assert.equal(dayMark("en", now - day, words, now), "Yesterday");
    assert.match(dayMark("ru", now - 400 * day, words, now), /2025/);
    assert.equal(short("en", "nonsense", now), "");
    assert.deepEqual(ago(now - 125 * 60000, now), { unit: "hours", n: 2 });
    assert.equal(fileSize("en", 812, ["B", "KB"]), "812\u00a0B");
    assert.equal(fileSize("ru", 1536, ["Б", "КБ"]), "1,5\u00a0КБ");
});

test("ids, backoff, file names, addresses", () => {
    assert.ok(isUlid(ulid()));
    assert.ok(ulid(1000) < ulid(2000));
    const b = new Backoff({ random: () => 1 });
    assert.deepEqual([b.next(), b.next(), b.next()], [1000, 2000, 4000]);
    for (let i = 0; i < 20; i++) b.next();
    assert.equal(b.next(), 30000);
    const long = fileName("ж".repeat(300) + ".pdf");
    assert.ok(new TextEncoder().encode(long).length <= 250 && long.endsWith(".pdf"));
    assert.deepEqual(parseRoute("#/t/ABC/12", { view: "mine" }), { page: "inbox", view: "mine", thread: "ABC", seq: 12 });
    assert.deepEqual(parseRoute("#/v/closed"), { page: "inbox", view: "closed" });
    assert.deepEqual(parseRoute("#/%E0%A4%A/x"), { page: "inbox", view: "open" });
    assert.equal(parseRoute("#/agents").page, "agents");
    assert.deepEqual(signInOutcome({ pathname: "/", search: "?sign_in=ok&x=1", hash: "#/t/A" }), { outcome: "ok", address: "/?x=1#/t/A" });
    assert.deepEqual(signInOutcome({ pathname: "/admin", search: "", hash: "" }), { outcome: null, address: "/admin" });
});

test("the outbox keeps a thread's order and never loses a key", () => {
    const make = (key, thread) => makeEntry({ key, thread, text: key, after: 0, at: 0 });
    let box = [make("a", "1"), make("b", "1"), make("c", "2")];
    assert.deepEqual(due(box, 0).map((e) => e.key), ["a", "c"]);
    box = started(box, "a");
    assert.deepEqual(due(box, 0).map((e) => e.key), ["c"]);
    box = lostSocket(box);
    assert.deepEqual(due(box, 0).map((e) => e.key), ["a", "c"]);
    assert.equal(nextDue(box), 0);
});

test("what waits behind a message that is to be tried later does not keep it from being tried", () => {
    const make = (key, thread) => makeEntry({ key, thread, text: key, after: 0, at: 0 });
    let box = started([make("a", "1"), make("b", "1"), make("c", "2")], "a");
    box = refused(started(box, "c"), "c", { code: "too_many" }, 5000);
    assert.equal(nextDue(box), 6000); // c; of the other thread an answer is awaited
    box = refused(box, "a", { code: "unavailable", retry_after_ms: 500 }, 5000);
    assert.equal(nextDue(box), 5500);
    assert.deepEqual([due(box, 5499), due(box, 5500).map((e) => e.key)], [[], ["a"]]);
    box = refused(box, "a", { code: "invalid" }, 5600);
    assert.deepEqual(due(box, 5600).map((e) => e.key), ["b"]);
});

test("rows: days, the mark of new messages, groups, what waits", () => {
    const m = (seq, direction, minute, fields = {}) => ({ seq, direction, received_at: new Date(2026, 2, 1, 10, minute).toISOString(), ...fields });
    const rows = timeline([
        m(1, "in", 0), m(2, "in", 1), m(3, "out", 2, { from: { agent: "a" } }), m(4, "event", 2), m(5, "in", 3),
        { ...m(6, "in", 0), received_at: new Date(2026, 2, 2, 9, 0).toISOString() },
    ], [makeEntry({ key: "k", thread: "t", text: "x", after: 6, at: new Date(2026, 2, 2, 9, 1).getTime() })], 4,
    new Date(2026, 2, 2, 9, 5).getTime());
    assert.deepEqual(rows.map((r) => r.kind), ["day", "message", "message", "message", "event", "new", "message", "day", "message", "entry"]);
    assert.deepEqual(rows.filter((r) => r.kind === "message").map((r) => r.first), [true, false, true, true, true]);
    assert.equal(new Set(rows.map((r) => r.key)).size, rows.length);
});

test("parts stay the same ones, whatever comes before or after", () => {
    const m = (seq) => ({ seq, direction: "in", received_at: new Date(2026, 2, 1, 10, 0, seq).toISOString() });
    const some = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => m(from + i));
    const entry = makeEntry({ key: "k", thread: "t", text: "x", after: 6, at: new Date(2026, 2, 1, 11).getTime() });
    const parts = inParts(timeline(some(PART - 2, 3 * PART), [entry], PART + 1, new Date(2026, 2, 1, 12).getTime()));
    assert.deepEqual(parts.map((p) => p.key), [0, 1, 2, 3, "end"]);
    assert.deepEqual(parts[0].rows.map((r) => r.kind), ["day", "message", "message"]);
    assert.deepEqual(parts[1].rows.slice(0, 4).map((r) => r.kind), ["message", "message", "new", "message"]);
    const more = inParts(timeline(some(1, 3 * PART + 1), [], null));
    assert.deepEqual(more.map((p) => p.key), [0, 1, 2, 3]);
    assert.deepEqual(more[2].rows.map((r) => r.key), parts[2].rows.map((r) => r.key));
    assert.deepEqual(inParts([]), []);
});
