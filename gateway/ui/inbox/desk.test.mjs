// desk.test.mjs - what the page asks for, and when: with an API and a line that are made up.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Desk } from "./desk.mjs";
import { makeEntry } from "./outbox.mjs";
import { createStore } from "./store.mjs";

const T = "01J0000000000000000000000T";
const thread = { id: T, client: { id: "c", name: "Ann" }, state: "open", assignee: null, labels: [], channel: "site",
    unread: 0, last_seq: 3, last_at: "2026-03-01T10:00:00.000Z", agent_read_seq: 3, merged_into: null };
const message = (seq) => ({ id: "m" + seq, thread: T, seq, direction: "in", text: "text " + seq });
const soon = () => new Promise((done) => setTimeout(done, 5));

// fields: what the API answers; everything else is empty.
function opened(fields) {
    const empty = { agents: [], channels: [], counts: {}, drafts: [], views: [], canned: [], teams: [], preferences: {},
        threads: [], next: null, thread, messages: [] };
    const api = new Proxy(fields, { get: (o, k) => o[k] ?? (async () => structuredClone(empty)) });
    const storage = new Proxy({}, { get: () => () => new Map() });
    const connection = { start() {}, stop() {}, isOnline: () => true, send: () => true };
    const desk = new Desk({ store: createStore(), api, storage, connection });
    desk.dispatch({ type: "signed_in", agent: { name: "ann" } });
    desk.dispatch({ type: "phase", phase: "app" });
    desk.show({ page: "inbox", view: "open", thread: T });
    return desk;
}

test("a session that ends while a new password is being chosen leads to the sign-in", () => {
    const desk = opened({});
    desk.openPassword();
    desk.failed({ status: 403 });
    assert.equal(desk.db.phase, "password");
    desk.failed({ status: 401 });
    assert.equal(desk.db.phase, "signin");
    clearTimeout(desk.countsTimer);
});

test("nobody is told that he has signed out while his session goes on", async () => {
    for (const status of [0, 503, 401]) {
        const desk = opened({ signOut: () => Promise.reject(Object.assign(new Error("no"), { status })) });
        const [told] = await Promise.allSettled([desk.signOut()]);
        assert.deepEqual([told.status, desk.db.phase], status === 401 ? ["fulfilled", "signin"] : ["rejected", "app"]);
        clearTimeout(desk.countsTimer);
    }
});

test("a dialogue that became old while it was being loaded is asked for again", async () => {
    const asked = [];
    const desk = opened({ messages: () => new Promise((done) => asked.push(done)) });
    desk.onReset(false); // the place in the stream begins after what the first answer has
    asked[0]({ messages: [message(1), message(2)], next: null });
    await soon();
    assert.equal(asked.length, 2);
    asked[1]({ messages: [message(1), message(2), message(3)], next: null });
    await soon();
    assert.deepEqual(desk.db.logs.get(T).items.map((m) => m.seq), [1, 2, 3]);
    assert.equal(desk.db.logs.get(T).stale, false);
    assert.equal(asked.length, 2);
    clearTimeout(desk.countsTimer);
});

test("a dialogue that is gone and comes back is there again", async () => {
    const page = async () => ({ messages: [message(1), message(2), message(3)], next: null });
    const desk = opened({ messages: page });
    await soon();
    desk.onEvent({ type: "gone", thread: T });
    assert.deepEqual([desk.db.logs.get(T).items.length, desk.db.logs.get(T).error], [0, { status: 404 }]);
    desk.onEvent({ type: "thread", thread: { ...thread, assignee: "ann" } });
    await soon();
    const log = desk.db.logs.get(T);
    assert.deepEqual([log.items.map((m) => m.seq), log.next, log.error], [[1, 2, 3], null, null]);
    clearTimeout(desk.countsTimer);
});

test("an old answer does not undo what was typed and told meanwhile", async () => {
    const asked = [], saved = [];
    const desk = opened({ drafts: () => new Promise((done) => asked.push(done)),
        saveDraft: async (id, draft) => saved.push(draft.text) });
    desk.onEvent({ type: "desk", what: "drafts", id: T, tab: "another" });
    desk.draft(T, "mine", false);
    desk.keeps.tell(T);
    await soon();
    asked[0]({ drafts: [{ thread: T, text: "theirs", note: false, at: "2026-03-01T10:00:00.000Z" }] });
    await soon();
    assert.deepEqual([saved, desk.db.drafts.get(T).text], [["mine"], "mine"]);
    clearTimeout(desk.countsTimer);
});

test("a draft that was sent on another page while this one was away is gone here, one that was changed here is not", async () => {
    let there = [{ thread: T, text: "told", note: false, at: "2026-03-01T10:00:00.000Z" }];
    const saved = [];
    const desk = opened({ drafts: async () => ({ drafts: there }), saveDraft: async (id, draft) => saved.push(draft.text) });
    await desk.keeps.loadDrafts();
    assert.equal(desk.db.drafts.get(T).text, "told");
    there = [];
    await desk.keeps.loadDrafts();
    assert.equal(desk.db.drafts.get(T).text, "");
    there = [{ thread: T, text: "told again", note: true, at: "2026-03-01T10:00:00.000Z" }];
    await desk.keeps.loadDrafts();
    there = [];
    desk.dispatch({ type: "draft", thread: T, text: "mine", note: true });
    await desk.keeps.loadDrafts();
    assert.deepEqual([desk.db.drafts.get(T).text, desk.db.drafts.get(T).note], ["mine", true]);
    await desk.keeps.flush();
    assert.deepEqual(saved, ["mine"]);
    desk.dispatch({ type: "draft", thread: T, text: "", note: true }); // it was sent, the next note is to come
    desk.keeps.tell(T);
    await soon();
    await desk.keeps.loadDrafts();
    assert.deepEqual([saved, desk.db.drafts.get(T).note], [["mine", ""], true]);
    clearTimeout(desk.countsTimer);
});

test("what is told of a draft is told in order, and an answer from before does not undo it", async () => {
    const asked = [], saved = [];
    const desk = opened({ drafts: async () => ({ drafts: [{ thread: T, text: "old", note: false, at: "2026-03-01T10:00:00.000Z" }] }),
        saveDraft: (id, draft) => new Promise((done) => {
            saved.push(draft.text);
            asked.push(done);
        }) });
    desk.draft(T, "one", false);
    desk.keeps.tell(T);
    await desk.keeps.loadDrafts();
    assert.equal(desk.db.drafts.get(T).text, "one");
    desk.draft(T, "two", false);
    desk.keeps.tell(T);
    assert.deepEqual(saved, ["one"]);
    asked[0]({});
    await soon();
    desk.keeps.tell(T);
    assert.deepEqual(saved, ["one", "two"]);
    asked[1]({});
    await soon();
    assert.equal(desk.keeps.timers.size + desk.keeps.telling.size, 0);
    clearTimeout(desk.countsTimer);
});

test("what was sent without a line is no draft when the page was loaded again meanwhile", async () => {
    const saved = [];
    const there = [{ thread: T, text: "all of ", note: false, at: "2026-03-01T10:00:00.000Z" },
        { thread: "another", text: "all of ", note: false, at: "2026-03-01T10:00:00.000Z" }];
    const desk = opened({ drafts: async () => ({ drafts: there }), saveDraft: async (id, draft) => saved.push([id, draft.text]) });
    desk.dispatch({ type: "outbox_load", entries: [makeEntry({ key: "k", thread: T, text: "all of it", after: 3, at: 0 })] });
    desk.keeps.online();
    desk.dispatch({ type: "outbox_ok", key: "k", message: { ...message(4), direction: "out", from: { agent: "ann" } } });
    await soon();
    assert.deepEqual([...desk.db.drafts.keys()], ["another"]);
    await desk.keeps.flush();
    assert.deepEqual(saved, [[T, ""]]);
    clearTimeout(desk.countsTimer);
});

test("a page whose clock is ahead takes what was written elsewhere later", async () => {
    const there = { thread: T, text: "first", note: false, at: "2026-03-01T10:00:00.000Z" };
    const desk = opened({ drafts: async () => ({ drafts: [there] }), saveDraft: async () => {} });
    desk.draft(T, "first", false);
    desk.db.drafts.get(T).at = Date.parse("2036-03-01T10:00:00.000Z");
    await desk.keeps.flush();
    there.text = "second";
    await desk.keeps.loadDrafts();
    assert.equal(desk.db.drafts.get(T).text, "second");
    clearTimeout(desk.countsTimer);
});

test("an answer that comes after that of a later question of its kind is dropped, one that comes before is not", async () => {
    const asked = [];
    const desk = opened({ channels: () => new Promise((done, fail) => asked.push({ done, fail })) });
    for (let i = 0; i < 4; i++) desk.loadChannels();
    const names = () => desk.db.channels.map((c) => c.name);
    const answer = async (i) => {
        asked[i].done({ channels: [{ name: "as " + i, caps: [] }] });
        await soon();
        return names();
    };
    assert.deepEqual([await answer(1), await answer(0), await answer(2)], [["as 1"], ["as 1"], ["as 2"]]);
    asked[3].fail(Object.assign(new Error("lost"), { status: 0 }));
    await soon();
    assert.deepEqual(names(), ["as 2"]);
    clearTimeout(desk.countsTimer);
});

test("what could not be loaded while the store was away is asked for when it is back", async () => {
    let up = false;
    const unless = (answer) => async () => {
        if (up) return answer;
        throw Object.assign(new Error("the store cannot serve now"), { status: 503 });
    };
    const desk = opened({ thread: unless({ thread }), threads: unless({ threads: [thread], next: null }), messages: unless({ messages: [message(1)], next: null }) });
    await soon();
    const now = () => [desk.db.lists.get("open|||").error?.status, desk.db.logs.get(T).error?.status, desk.db.logs.get(T).items.length];
    assert.deepEqual(now(), [503, 503, 0]);
    up = true;
    desk.onEvent({ type: "store", up });
    await soon();
    assert.deepEqual(now(), [undefined, undefined, 1]);
    assert.deepEqual(desk.db.lists.get("open|||").ids, [T]);
    clearTimeout(desk.countsTimer);
});

test("who comes back hears of agents and channels what he was not told while he was away", async () => {
    const asked = [];
    const desk = opened({ agents: async () => asked.push("agents") && { agents: [{ name: "ann" }] }, channels: async () => asked.push("channels") && { channels: [{ name: "site", caps: [] }] } });
    desk.loadAgents();
    desk.loadChannels();
    await soon();
    desk.firstShow = setTimeout(() => {}, 1000);
    desk.onReady({ agent: { name: "ann" } }, true);
    assert.deepEqual(asked, ["agents", "channels"]); // of when the page was opened
    desk.onReady({ agent: { name: "ann" } }, false);
    assert.deepEqual(asked, ["agents", "channels", "agents", "channels"]);
    await soon();
    clearTimeout(desk.countsTimer);
});

// Only what fillGap() needs: a log, and a gateway that answers when it is told to.
function deskWith(seqs) {
    const log = { thread: "t", next: null, solid: new Set(), items: seqs.map((seq) => ({ seq })) };
    const asked = [];
    return {
        asked, log,
        db: { logs: new Map([["t", log]]) },
        requests: new Set(),
        once: Desk.prototype.once,
        fillGap: Desk.prototype.fillGap,
        messages: (thread, fields) => new Promise((answer) => asked.push({ ...fields, answer })),
    };
}

test("a gap that is asked for already is not asked for again and again: the page would stand still", async () => {
    const desk = deskWith([1, 4]);
    desk.fillGap("t");
    desk.fillGap("t");
    await soon(); // never comes when the page turns round in promises
    assert.equal(desk.asked.length, 1);
    desk.log.items = [1, 2, 3, 4, 7].map((seq) => ({ seq }));
    desk.asked[0].answer([{ seq: 2 }, { seq: 3 }]);
    await soon();
    assert.deepEqual(desk.asked.map((a) => a.after), [1, 4]); // what was missed meanwhile
});

test("a gap that the gateway cannot fill, or an error, is not asked for in a circle", async () => {
    for (const answer of [[], null, [{ seq: 2 }]]) {
        const desk = deskWith([1, 4]);
        desk.fillGap("t");
        desk.asked[0].answer(answer);
        await soon();
        assert.equal(desk.asked.length, 1);
    }
});

test("a page that asks for a new password first does not forget what is kept for its agent", () => {
    const kept = [];
    const storage = new Proxy({}, { get: (o, k) => (...given) => void kept.push([k, ...given]) });
    const connection = { start() {}, stop() {}, isOnline: () => false };
    const desk = new Desk({ store: createStore(), api: {}, storage, connection });
    desk.enter({ name: "ann", must_change_password: true });
    desk.leave();
    assert.deepEqual(kept, [["setKnown", true]]);
});
