// kinds.test.mjs - kinds of messages: what is shown of them, what may be done with them, and that
// strangers' markup becomes nothing but what we know.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Changes } from "./changes.mjs";
import * as k from "./kinds.mjs";
import { makeEntry } from "./outbox.mjs";
import { partsOf } from "./rich.mjs";
import { Sender } from "./sender.mjs";
import { createStore, makeState, reduce } from "./store.mjs";
import { en } from "./strings_en.mjs";
import { timeline } from "./timeline.mjs";

const T = "01J0000000000000000000000T";
const ALL = ["edit", "delete", "react", "reply", "buttons", "request_contact"];

// --- the channel's words -------------------------------------------------------------------------

test("a channel's error gives its word, its sentence and what was said", () => {
    assert.deepEqual(k.troubleOf("blocked: The client has blocked this bot. [Forbidden: bot was blocked by the user]"),
        { word: "blocked", sentence: "The client has blocked this bot.", said: "Forbidden: bot was blocked by the user" });
    assert.deepEqual(k.troubleOf("other: Telegram has refused it. [Bad Request: x [1] y]"),
        { word: "other", sentence: "Telegram has refused it.", said: "Bad Request: x [1] y" });
    assert.deepEqual(k.troubleOf("too_big: The file is too big for Telegram."),
        { word: "too_big", sentence: "The file is too big for Telegram.", said: "" });
    for (const plain of ["connection refused", "smtp: 550 no such user", "Blocked: no", "", undefined, "constructor: x"])
        assert.equal(k.troubleOf(plain).word, null, plain);
    for (const word of ["blocked", "deactivated", "cannot_begin", "kicked", "not_member", "chat_gone", "no_rights", "too_big",
        "closed_topic", "business_right", "voice_forbidden", "too_old", "other"]) {
        assert.equal(k.troubleOf(word + ": x").word, word);
        assert.ok(en["trouble." + word], word);
    }
});

test("an error of ten thousand brackets takes no time", () => {
    const from = performance.now();
    k.troubleOf("other: " + " [".repeat(30000));
    assert.ok(performance.now() - from < 1000);
});

// --- files -----------------------------------------------------------------------------------------

test("files are shown by what they are, and those not here as missing", () => {
    const look = (file) => k.lookOf({ id: "f", ...file });
    assert.equal(look({ kind: "image", mime: "image/jpeg" }), "picture");
    assert.equal(look({ kind: "image", mime: "image/svg+xml" }), "file");
    assert.equal(look({ kind: "audio", role: "voice" }), "voice");
    assert.equal(look({ kind: "audio" }), "audio");
    assert.equal(look({ kind: "video", role: "video_note" }), "note");
    assert.equal(look({ kind: "video", role: "animation" }), "animation");
    assert.equal(look({ kind: "image", role: "animation", mime: "image/gif" }), "picture");
    assert.equal(look({ kind: "document", role: "voice" }), "file");
    assert.equal(look({ kind: "document", role: "sticker", emoji: "🐸" }), "sticker");
    assert.equal(look({ kind: "video", state: "ready" }), "video");
    assert.equal(k.lookOf({ kind: "image", mime: "image/png", state: "waiting" }), "missing");
    assert.equal(k.lookOf({ kind: "image", role: "sticker", state: "failed" }), "missing");
    assert.equal(k.lookOf({ kind: "image", role: "sticker", state: "waiting", emoji: "🐸" }), "sticker");
    assert.equal(look({ kind: "document", state: "too_large" }), "missing");
});

test("boxes fit, and keep their shape; lengths read as time", () => {
    assert.deepEqual(k.fit({ width: 960, height: 540 }, 320, 320), { width: 320, height: 180 });
    assert.deepEqual(k.fit({ width: 600, height: 900 }, 320, 320), { width: 213, height: 320 });
    assert.deepEqual(k.fit({ width: 20, height: 10 }, 320, 320), { width: 20, height: 10 });
    assert.deepEqual(k.fit({ width: 10000, height: 1 }, 320, 320), { width: 320, height: 1 });
    for (const bad of [{}, { width: 0, height: 5 }, { width: "x", height: 5 }, { width: 5 }]) assert.equal(k.fit(bad, 320, 320), null);
    assert.deepEqual([0, 7, 65.4, 3725, undefined].map(k.lengthText), ["0:00", "0:07", "1:05", "1:02:05", "0:00"]);
});

// --- content -----------------------------------------------------------------------------------------

test("what is empty, what ends with text, what needs no bubble", () => {
    assert.equal(k.isEmpty({ raw_type: "giveaway" }), true);
    assert.equal(k.isEmpty({ text: "x" }), false);
    assert.equal(k.isEmpty({ quote: { text: "x" } }), false);
    for (const key of ["location", "contact", "poll", "checklist", "button"]) {
        assert.equal(k.isEmpty({ [key]: {} }), false, key);
        assert.equal(k.endsWithText({ text: "x", [key]: {} }), key === "contact", key); // more contacts, below the first
    }
    assert.equal(k.endsWithText({ html: "<b>x</b>" }), true);
    assert.equal(k.endsWithText({ text: "x", buttons: [[{ text: "y" }]] }), false);
    assert.equal(k.endsWithText({ text: "x", deleted_at: "2026-01-01T00:00:00Z" }), false);
    const sticker = { direction: "in", attachments: [{ id: "s", kind: "image", role: "sticker", mime: "image/webp" }] };
    assert.equal(k.isBare(sticker), true);
    assert.equal(k.isBare({ ...sticker, reply_to: "m" }), false);
    assert.equal(k.isBare({ ...sticker, direction: "note" }), false);
    assert.equal(k.isBare({ direction: "in", attachments: [...sticker.attachments, ...sticker.attachments] }), false);
});

test("a message in one line, and a quote of what has no words", () => {
    assert.deepEqual(k.gist({ text: "hello" }), { text: "hello" });
    assert.deepEqual(k.gist({ attachments: [{ kind: "audio", role: "voice" }] }), { kind: "voice", text: undefined });
    assert.deepEqual(k.gist({ attachments: [{ kind: "document", name: "a.pdf" }] }), { kind: "document", text: "a.pdf" });
    assert.deepEqual(k.gist({ poll: {} }), { kind: "poll" });
    assert.deepEqual(k.gist({}), { kind: "message" });
    assert.equal(k.quotedKind("[voice message]"), "voice");
    assert.equal(k.quotedKind("[nonsense]"), null);
    assert.equal(k.quotedKind("[constructor]"), null);
    assert.equal(k.quotedKind("hello [photo]"), null);
    for (const word of ["photo", "video", "animation", "file", "audio", "video message", "voice message", "sticker", "place", "location",
        "contact", "poll", "checklist", "story", "message"]) assert.ok(en["kind." + k.quotedKind(`[${word}]`)], word);
});

test("addresses of places and telephones are ours to make", () => {
    assert.equal(k.mapHref({ lat: 55.75, lon: -37.6 }), "https://www.openstreetmap.org/?mlat=55.750000&mlon=-37.600000#map=16/55.750000/-37.600000");
    assert.equal(k.mapHref({ lat: "1&x=<script>", lon: 2 }).includes("script"), false);
    assert.equal(k.telHref("+7 (900) 111-22-33"), "tel:+79001112233");
    assert.equal(k.telHref("javascript:alert(1)"), null);
    assert.equal(k.telHref(undefined), null);
    const now = Date.parse("2026-03-01T12:00:00Z");
    assert.equal(k.isLive({ live_until: "2026-03-01T12:00:01Z" }, now), true);
    assert.equal(k.isLive({ live_until: "2026-03-01T12:00:00Z" }, now), false);
    assert.equal(k.isLive({}, now), false);
});

test("versions: what was, then what is", () => {
    const versions = k.versionsOf({ edits: [{ at: "1", text: "a" }, { at: "2", html: "b" }], edited_at: "3", text: "c" });
    assert.deepEqual(versions.map((v) => v.text ?? v.html), ["a", "b", "c"]);
    assert.equal(versions[2].at, "3");
});

// --- reactions ------------------------------------------------------------------------------------

test("reactions: in groups, one a person, with and without the colour sign alike", () => {
    const list = [{ emoji: "❤", by: "client" }, { emoji: "👍", by: "ann" }, { emoji: "❤\ufe0f", by: "bob" }];
    assert.deepEqual(k.groupReactions(list, "ann").map((g) => [g.emoji, g.n, g.own]), [["❤", 2, false], ["👍", 1, true]]);
    assert.deepEqual(k.groupReactions(undefined, "ann"), []);
    const now = k.withReaction(list, "ann", "🔥");
    assert.deepEqual(now.map((r) => r.by + r.emoji), ["client❤", "bob❤\ufe0f", "ann🔥"]);
    assert.deepEqual(k.withReaction(now, "ann", "").map((r) => r.by), ["client", "bob"]);
    assert.equal(k.EMOJI.length, 10);
});

// --- what may be done ----------------------------------------------------------------------------

const ours = { direction: "out", channel: "sales", status: "read", external_id: "1", text: "x" };
const theirs = { direction: "in", channel: "sales", status: "received", external_id: "2", text: "y" };

test("only what the channel can and the message allows", () => {
    assert.deepEqual(k.mayDo(ours, ALL, "sales"), { reply: true, react: true, edit: true, remove: true });
    assert.deepEqual(k.mayDo(theirs, ALL, "sales"), { reply: true, react: true, edit: false, remove: false });
    assert.equal(k.mayAny(k.mayDo(ours, ["attachments"], "sales")), false);
    assert.equal(k.mayDo(theirs, ALL, "site").reply, false);
    assert.equal(k.mayDo({ ...ours, text: undefined, attachments: [{}] }, ALL, "sales").edit, false);
    for (const not of [{ status: "queued" }, { status: "failed" }, { external_id: undefined }, { deleted_at: "x" }, { direction: "note" }])
        assert.equal(k.mayAny(k.mayDo({ ...ours, ...not }, ALL, "sales")), false, JSON.stringify(not));
    assert.equal(k.mayAny(k.mayDo({ direction: "event" }, ALL, "sales")), false);
});

test("choices: a row each, trimmed, at most eight of at most 64 characters", () => {
    assert.deepEqual(k.choiceRows(["Yes ", "", " No"]), [[{ text: "Yes" }], [{ text: "No" }]]);
    assert.equal(k.choiceRows(["", " "]), undefined);
    assert.equal(k.choiceRows(undefined), undefined);
    assert.equal(k.choiceRows(Array(12).fill("x")).length, 8);
    assert.equal([...k.choiceRows(["🙂".repeat(100)])[0][0].text].length, 64);
});

// --- markup ---------------------------------------------------------------------------------------

const text = (data) => ({ nodeType: 3, data });
const el = (nodeName, attributes = {}, ...childNodes) => ({ nodeType: 1, nodeName: nodeName.toUpperCase(), childNodes,
    getAttribute: (key) => attributes[key] ?? null,
    get textContent() {
        return childNodes.map((c) => c.data ?? c.textContent).join("");
    } });
const parts = (...nodes) => partsOf({ childNodes: nodes });

test("of a tree only known tags and schemes are taken over", () => {
    assert.deepEqual(parts(text("a "), el("b", {}, text("b"), el("i", {}, text("c")))),
        ["a ", { tag: "b", children: ["b", { tag: "i", children: ["c"] }] }]);
    assert.deepEqual(parts(el("a", { href: "https://x.example/y" }, text("z"))), [{ tag: "a", href: "https://x.example/y", children: ["z"] }]);
    for (const href of ["javascript:alert(1)", " java\nscript:alert(1)", "data:text/html,x", "tg://user?id=1", "//x.example", "/x", null])
        assert.deepEqual(parts(el("a", { href }, text("z"))), ["z"], String(href));
    assert.deepEqual(parts(el("span", { class: "spoiler" }, text("s"))), [{ tag: "spoiler", children: ["s"] }]);
    assert.deepEqual(parts(el("span", { class: "other" }, text("s"))), ["s"]);
    assert.deepEqual(parts(el("img", { src: "x", onerror: "alert(1)" }), el("script", {}, text("alert(1)")), el("br")), ["alert(1)", "\n"]);
    assert.deepEqual(parts({ nodeType: 8, data: "comment" }), []);
});

test("a very deep tree ends as text", () => {
    let node = text("deep");
    for (let i = 0; i < 300; i++) node = el("b", {}, node);
    const flat = JSON.stringify(parts(node));
    assert.ok(flat.includes("deep") && flat.split("tag").length < 60);
});

// --- rows, the store, the outbox --------------------------------------------------------------------

test("a group's messages: another author or another topic begins a new group", () => {
    const at = (s) => new Date(2026, 2, 1, 10, 0, s).toISOString();
    const m = (seq, fields) => ({ seq, direction: "in", received_at: at(seq), ...fields });
    const bob = { author: { name: "Bob", address: "7" } };
    const rows = timeline([m(1, bob), m(2, bob), m(3, { author: { name: "Bob", address: "8" } }), m(4, bob),
        m(5, { ...bob, topic: { id: "1" } }), m(6, { ...bob, topic: { id: "1" } }), m(7, {}), m(8, {})], [], null);
    assert.deepEqual(rows.filter((r) => r.kind === "message").map((r) => r.first), [true, false, true, true, true, false, true, false]);
});

const message = (seq, fields = {}) => ({ id: "m" + seq, thread: T, seq, direction: "in", text: "t" + seq, status: "received",
    received_at: "2026-03-01T10:00:00.000Z", ...fields });

function opened() {
    const db = makeState();
    for (const step of [{ type: "signed_in", agent: { name: "ann" } }, { type: "log_open", thread: T },
        { type: "log_page", thread: T, messages: [message(1), message(2)], next: null, asked: 0, newest: true }]) reduce(db, step);
    return db;
}

test("what is composed is kept by thread, and gone when nothing is left", () => {
    const db = opened();
    reduce(db, { type: "compose", thread: T, fields: { reply: message(1), choices: ["a"] } });
    reduce(db, { type: "compose", thread: T, fields: { reply: null } });
    assert.deepEqual(db.compose.get(T).choices, ["a"]);
    reduce(db, { type: "compose", thread: T, fields: { choices: null } });
    assert.equal(db.compose.has(T), false);
});

test("an old answer about one message does not undo a newer event", () => {
    const db = opened();
    const asked = db.stamp;
    reduce(db, { type: "event", now: 0, frame: { type: "status", message: message(2, { text: "newest" }) } });
    reduce(db, { type: "changed", message: message(2, { text: "older" }), asked });
    assert.equal(db.logs.get(T).items[1].text, "newest");
    reduce(db, { type: "changed", message: message(2, { text: "fresh" }), asked: db.stamp });
    assert.equal(db.logs.get(T).items[1].text, "fresh");
});

function desk(api) {
    const store = createStore((fn) => fn());
    for (const step of [{ type: "signed_in", agent: { name: "ann" } }, { type: "log_open", thread: T },
        { type: "log_page", thread: T, messages: [message(1)], next: null, asked: 0, newest: true }]) store.dispatch(step);
    return { store, db: store.db, api, dispatch: (a) => store.dispatch(a), failed: (e) => e };
}
const reactions = (d) => (d.db.logs.get(T).items[0].reactions ?? []).map((r) => r.emoji);

test("a reaction is there at once; a refusal takes it away; the server's word stands", async () => {
    let answer;
    const d = desk({ react: () => new Promise((ok, no) => { answer = { ok, no }; }) });
    const changes = new Changes(d);
    let done = changes.react(message(1), "👍");
    assert.deepEqual(reactions(d), ["👍"]);
    answer.no(new Error("conflict"));
    await assert.rejects(done);
    assert.deepEqual(reactions(d), []);
    done = changes.react(message(1), "👍");
    answer.ok({ message: message(1, { reactions: [{ emoji: "🔥", by: "ann" }] }) });
    await done;
    assert.deepEqual(reactions(d), ["🔥"]);
    done = changes.react(message(1), "");
    assert.deepEqual(reactions(d), []);
    d.dispatch({ type: "event", now: 0, frame: { type: "status", message: message(1, { reactions: [{ emoji: "👏", by: "client" }] }) } });
    answer.no(new Error("late"));
    await assert.rejects(done);
    assert.deepEqual(reactions(d), ["👏"]);
});

test("what goes along with a message goes out with it, again after a loss", () => {
    const sent = [];
    const d = desk({});
    d.connection = { isOnline: () => true, send: (f) => sent.push(f) > 0, restart() {} };
    const sender = new Sender(d);
    const buttons = [[{ text: "Yes" }]];
    sender.send(T, { text: "ok?", note: false, attachments: [], reply_to: "m1", buttons, request: undefined });
    d.dispatch({ type: "conn", state: "offline", at: 1 });
    sender.flush();
    for (const timer of sender.answers.values()) clearTimeout(timer);
    assert.equal(sent.length, 2);
    for (const frame of sent) {
        const { id, ...rest } = frame;
        assert.equal(id, sent[0].id);
        assert.deepEqual(rest, { type: "send", thread: T, note: false, text: "ok?", reply_to: "m1", buttons, seen: 1 });
    }
    assert.equal("request" in makeEntry({ key: "k", thread: T, text: "", after: 0, at: 0 }), true);
});

test("a client is answered through what knows him", () => {
    const channels = [{ name: "sales", identity: "telegram" }, { name: "site", identity: "visitor" }, { name: "mail", identity: "email" }, { name: "odd" }];
    const known = [{ kind: "telegram", address: "1" }, { kind: "email", address: "a@b", former: true }];
    assert.deepEqual(k.reachable(channels, known, "site"), ["sales", "site"]);
    assert.deepEqual(k.reachable(channels, undefined, "odd"), ["odd"]);
});
