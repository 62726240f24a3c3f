// notices.test.mjs - of what an agent is told, and of what not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { asNews, isQuiet, newestOfEach, reasonOf, waitsFor } from "./notices.mjs";
import { PRESETS } from "./preferences.mjs";

const frame = (message, thread = {}) => ({ type: "message", message: { thread: "t", direction: "in", ...message },
    thread: { id: "t", state: "open", ...thread } });
const reason = (f, wants = {}) => reasonOf(f, "ann", { ...PRESETS, ...wants });

test("told of: what is mine, what is nobody's, what calls me", () => {
    assert.equal(reason(frame({}, { assignee: "ann" })), "mine");
    assert.equal(reason(frame({})), "unassigned");
    assert.equal(reason(frame({ direction: "note", from: { agent: "bob" }, mentions: ["ann"] }, { assignee: "bob" })), "mentions");
    assert.equal(reason(frame({ direction: "event", event: { type: "assigned", to: "ann", by: "bob" } }, { assignee: "ann" })), "mine");
});

test("not of: others' threads, own deeds, the past, blocked clients, what was not wanted", () => {
    assert.equal(reason(frame({}, { assignee: "bob" })), null);
    assert.equal(reason(frame({ direction: "out", from: { agent: "ann" } }, { assignee: "ann" })), null);
    assert.equal(reason(frame({ direction: "event", event: { type: "assigned", to: "ann", by: "ann" } })), null);
    assert.equal(reason(frame({ direction: "note", from: { agent: "ann" }, mentions: ["ann"] })), null);
    assert.equal(reason(frame({ direction: "note", from: { agent: "bob" }, mentions: ["carl"] })), null);
    assert.equal(reason(frame({ past: true })), null);
    assert.equal(reason(frame({}, { blocked: true })), null);
    assert.equal(reason(frame({}, { state: "closed" })), null);
    assert.equal(reason({ ...frame({}), type: "status" }), null);
    assert.equal(reason(frame({}), { unassigned: false }), null);
    assert.equal(reason(frame({}, { assignee: "ann" }), { mine: false }), null);
});

test("reminders: of what is mine, of nobody's, of another's whom I look after; each once", () => {
    const threads = new Map([["m", { assignee: "ann" }], ["n", { assignee: null }], ["o", { assignee: "bob" }]]);
    const of = (id, wants) => reason(asNews({ type: "desk", what: "reminder", id, step: "late", seq: 7 }, threads), wants);
    assert.deepEqual(["m", "n", "o", "unknown"].map((id) => of(id)), ["mine", "unassigned", "mine", "mine"]);
    assert.deepEqual(["m", "n", "o"].map((id) => of(id, { mine: false, unassigned: false })), [null, null, "mine"]);
    assert.equal(reason(asNews({ type: "desk", what: "canned", id: "x" }, threads)), null);
    const { message } = asNews({ type: "desk", what: "reminder", id: "m", step: "soon", seq: 7 }, threads);
    assert.deepEqual([message.thread, message.seq], ["m", 7]);
});

test("quiet hours, over midnight, too", () => {
    const at = (h, m = 0) => new Date(2026, 1, 1, h, m);
    const night = { quiet_from: "22:00", quiet_to: "08:30" };
    assert.deepEqual([at(21, 59), at(22), at(3), at(8, 29), at(8, 30)].map((t) => isQuiet(night, t)), [false, true, true, true, false]);
    assert.deepEqual([at(11), at(12), at(13)].map((t) => isQuiet({ quiet_from: "12:00", quiet_to: "13:00" }, t)), [false, true, false]);
    assert.equal(isQuiet({ quiet_from: null, quiet_to: null }, at(3)), false);
    assert.equal(isQuiet({ quiet_from: "08:00", quiet_to: "08:00" }, at(8)), false);
});

test("the title counts what waits for the agent", () => {
    const t = (fields) => waitsFor({ unread: 1, state: "open", ...fields }, "ann", PRESETS);
    assert.equal(t({}), true);
    assert.equal(t({ assignee: "ann" }), true);
    assert.equal(t({ assignee: "bob" }), false);
    assert.equal(t({ unread: 0 }), false);
    assert.equal(waitsFor({ unread: 1, state: "open" }, "ann", { ...PRESETS, unassigned: false }), false);
});

test("of many messages of one thread the newest is told", () => {
    const f = (thread, seq) => ({ message: { thread, seq } });
    assert.deepEqual(newestOfEach([f("a", 1), f("b", 1), f("a", 2)]).map((x) => [x.message.thread, x.message.seq]), [["b", 1], ["a", 2]]);
});
