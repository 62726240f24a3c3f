// whatsapp.test.mjs - windows, templates, places, error codes: what the page decides about WhatsApp.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { adviceOf, ownText, troubleOf } from "./kinds.mjs";
import { placeOf } from "./place.mjs";
import { whatsapp } from "./strings_ru_whatsapp.mjs";
import { filled, findTemplates, headerFile, missing, templateText } from "./template.mjs";
import { timeline } from "./timeline.mjs";
import { leftWords, windowOf } from "./window.mjs";

const NOW = Date.parse("2026-11-24T12:00:00Z");

test("a window is open until its time, and there is none where the channel has none", () => {
    const until = (text, free = null) => ({ windows: { wa: { until: text, free_until: free } } });
    assert.equal(windowOf(until("2026-11-24T13:00:00Z"), "wa", ["reply"], NOW), null);
    const open = windowOf(until("2026-11-25T11:00:00Z", "2026-11-26T12:00:00Z"), "wa", ["window"], NOW);
    assert.deepEqual([open.open, open.soon, open.left, open.free > NOW], [true, false, 23 * 3600000, true]);
    const soon = windowOf(until("2026-11-24T13:00:00Z", "2026-11-24T11:00:00Z"), "wa", ["window"], NOW);
    assert.deepEqual([soon.open, soon.soon, soon.free], [true, true, null]);
    for (const shut of [until("2026-11-24T12:00:00Z"), until(null), {}, { windows: { other: {} } }])
        assert.deepEqual(windowOf(shut, "wa", ["window"], NOW), { open: false, soon: false, until: windowOf(shut, "wa", ["window"], NOW).until, left: 0, free: null });
    assert.deepEqual(leftWords(23 * 3600000), { key: "window.whole", h: 23, m: 0 });
    assert.deepEqual(leftWords(23 * 3600000 + 1000), { key: "window.hours", h: 23, m: 1 });
    assert.deepEqual(leftWords(61000), { key: "window.minutes", h: 0, m: 2 });
});

const TPL = { name: "named", language: "en", usable: true, header: { kind: "text", text: "For {{who}}" },
    body: "Dear {{ first_name }}, {{other}}", footer: "The shop", fields: [{ id: "header.who" }, { id: "body.first_name" }] };

test("a template is filled in as the gateway does it", () => {
    const values = { "header.who": "Ann", "body.first_name": "$& <b>" };
    assert.equal(templateText(TPL, values), "For Ann\n\nDear $& <b>, {{other}}\n\nThe shop");
    assert.equal(filled(TPL, {}, (n) => `[${n}]`).header, "For [who]");
    assert.deepEqual(missing(TPL, { "header.who": " " }).map((f) => f.id), ["header.who", "body.first_name"]);
    assert.equal(headerFile(TPL), null);
    assert.match(headerFile({ header: { kind: "image" } }), /image\/png/);
    assert.equal(templateText({ body: "Look", fields: [], header: { kind: "image" } }, {}), "Look");
});

test("templates are found by any of their words, usable ones first", () => {
    const list = [{ ...TPL, name: "z" }, { ...TPL, name: "b", usable: false }, { ...TPL, name: "a", body: "Sale" }];
    assert.deepEqual(findTemplates(list, "").map((t) => t.name), ["a", "z", "b"]);
    assert.deepEqual(findTemplates(list, "SHOP dear").map((t) => t.name), ["z", "b"]);
    assert.deepEqual(findTemplates(list, "nothing"), []);
});

test("a place is read from numbers and from links of maps", () => {
    const berlin = { lat: 52.52, lon: 13.405 };
    for (const text of ["52.52, 13.405", " 52.52 13.405 ", "52.52;13.405",
        "https://www.openstreetmap.org/?mlat=52.52&mlon=13.405#map=16/1/2", "https://www.openstreetmap.org/#map=16/52.52/13.405",
        "https://www.google.com/maps/@52.52,13.405,15z", "https://maps.google.com/?q=52.52,13.405",
        "https://www.google.com/maps/place/X/@1,2,3z/data=!3m1!3d52.52!4d13.405", "https://yandex.ru/maps/?ll=13.405%2C52.52&z=12"])
        assert.deepEqual(placeOf(text), berlin, text);
    for (const text of ["", "Berlin", "52.52", "91, 0", "0, 181", "1.2.3, 4"]) assert.equal(placeOf(text), null, text);
});

test("forms and orders: only what the client said himself", () => {
    const items = [{ id: "a" }, { id: "b" }];
    assert.equal(ownText({ text: "please\n2 x a\n1 x b", order: { items } }), "please");
    assert.equal(ownText({ text: "2 x a\n1 x b", order: { items } }), "");
    assert.equal(ownText({ text: "date: x", form: { values: {} } }), "");
    assert.equal(ownText({ text: "hi" }), "hi");
});

test("a phone's history stands at the day when it was said, also behind what came before it", () => {
    const said = (seq, sent_at, past) => ({ seq, direction: "in", received_at: "2026-11-24T12:00:00Z", sent_at, past });
    const rows = timeline([said(1, "2026-11-24T12:00:00Z"), said(2, "2026-11-20T12:00:00Z", true), said(3, "2026-11-24T12:00:00Z")], [], null, NOW);
    assert.deepEqual(rows.map((r) => r.kind), ["day", "message", "day", "message", "day", "message"]);
    assert.equal(rows[2].at, Date.parse("2026-11-20T12:00:00Z"));
    assert.equal(new Set(rows.map((r) => r.key)).size, 6);
});

test("every code that the gateway knows has its words in Russian", () => {
    const source = readFileSync(new URL("../../../connectors/whatsapp/whatsapp_codes.c", import.meta.url), "utf8");
    const codes = [...source.matchAll(/\{(?:ONE\((\d+)\)|(\d+), (\d+)), WHATSAPP_/g)].map((m) => [m[1] ?? m[2], m[1] ?? m[3]]);
    assert.ok(codes.length > 60);
    for (const code of codes.flat()) {
        const words = code === "0" ? "WhatsApp does not accept the token." : "Something.";
        const { word, sentence, said } = troubleOf(`w${code}: ${words} [as they say]`);
        assert.ok(whatsapp["trouble." + word], code);
        assert.deepEqual([sentence, said], [words, "as they say"]);
    }
    assert.equal(troubleOf("w99999999: New.").word, "w99999999");
    assert.equal(troubleOf("wx: New.").word, null);
    assert.equal(troubleOf("w0: WhatsApp takes at most 10 choices.").word, "other", "without a code it is not about the token");
});

test("what to do is said in both languages, once", () => {
    for (const [sentence, advice] of [["It is overloaded. Send it again.", "trouble.again"], ["It is overloaded.", null],
        ["It is locked. Send it again when that is mended.", "trouble.againLater"]]) {
        assert.equal(adviceOf(sentence), advice);
        assert.ok(!advice || whatsapp[advice]);
    }
});
