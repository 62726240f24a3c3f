// store.test.mjs - what the page knows stays right: whatever comes twice, late, out of order or
// from two sides, each message is there once and each list is in its order.
import assert from "node:assert/strict";
import { test } from "node:test";
import { listKey } from "./lists.mjs";
import { gapAfter, newestOf } from "./log.mjs";
import { makeEntry, visible } from "./outbox.mjs";
import { makeState, reduce } from "./store.mjs";

const T = "01J0000000000000000000000T";

function thread(id, fields = {}) {
    return { id, client: { id: "c" + id, name: "Ann " + id }, state: "open", assignee: null, labels: [],
        channel: "site", unread: 0, last_seq: 1, last_at: "2026-03-01T10:00:00.000Z", agent_read_seq: 0,
        merged_into: null, ...fields };
}

function message(seq, fields = {}) {
    return { id: "m" + seq, thread: T, seq, direction: "in", text: "text " + seq, status: "received",
        received_at: "2026-03-01T10:00:00.000Z", ...fields };
}

function desk(...steps) {
    const db = makeState();
    reduce(db, { type: "signed_in", agent: { name: "ann" } });
    for (const s of steps) reduce(db, s);
    return db;
}

const event = (frame) => ({ type: "event", frame, now: 0 });
const arrived = (seq, m = {}, t = {}) =>
    event({ type: "message", message: message(seq, m), thread: thread(T, { last_seq: seq, ...t }) });
const seqs = (db) => db.logs.get(T).items.map((m) => m.seq);
const opened = { type: "log_open", thread: T };
const page = (messages, next = null, asked = 0, more = { newest: true }) =>
    ({ type: "log_page", thread: T, messages, next, asked, ...more });

test("a message that comes by event, page and event again is there once", () => {
    const db = desk(opened, arrived(3), page([message(1), message(2), message(3)]), arrived(3), arrived(2));
    assert.deepEqual(seqs(db), [1, 2, 3]);
});

test("events before the first page wait in place", () => {
    const db = desk(opened, arrived(7), arrived(6), page([message(4), message(5), message(6)], 4));
    assert.deepEqual(seqs(db), [4, 5, 6, 7]);
    assert.equal(db.logs.get(T).next, 4);
    assert.equal(gapAfter(db.logs.get(T)), null);
});

test("a gap is seen, and a page fills it", () => {
    const db = desk(opened, page([message(1), message(2)]), arrived(5));
    assert.equal(gapAfter(db.logs.get(T)), 2);
    reduce(db, page([message(3), message(4), message(5)], null, db.stamp, { after: 2 }));
    assert.deepEqual(seqs(db), [1, 2, 3, 4, 5]);
    assert.equal(gapAfter(db.logs.get(T)), null);
});

test("a hole that the server has too is asked for once only", () => {
    const db = desk(opened, page([message(1), message(2)]), arrived(5));
    reduce(db, page([message(5)], null, db.stamp, { after: 2 }));
    assert.equal(gapAfter(db.logs.get(T)), null);
});

test("an old answer does not undo what an event said meanwhile", () => {
    const db = desk(opened, page([message(1, { direction: "out", status: "sent" })]));
    const asked = db.stamp;
    reduce(db, event({ type: "status", message: message(1, { direction: "out", status: "read" }), thread: thread(T) }));
    reduce(db, page([message(1, { direction: "out", status: "sent" })], null, asked));
    assert.equal(db.logs.get(T).items[0].status, "read");
});

test("an old thread does not undo a newer one", () => {
    const db = desk();
    reduce(db, event({ type: "thread", thread: thread(T, { last_seq: 5, assignee: "ann" }) }));
    reduce(db, { type: "thread", thread: thread(T, { last_seq: 4 }), asked: 0 });
    assert.equal(db.threads.get(T).assignee, "ann");
    reduce(db, { type: "thread", thread: thread(T, { last_seq: 5, assignee: null }), asked: 0 });
    assert.equal(db.threads.get(T).assignee, "ann");
    reduce(db, { type: "thread", thread: thread(T, { last_seq: 5, unread: 2 }), asked: db.stamp });
    assert.equal(db.threads.get(T).unread, 2);
});

test("a status of a message that was not loaded makes no hole", () => {
    const db = desk(opened, page([message(50), message(51)], 50));
    reduce(db, event({ type: "status", message: message(3), thread: thread(T, { last_seq: 51 }) }));
    assert.deepEqual(seqs(db), [50, 51]);
});

test("an old answer brings no message as it was before an event told of it", () => {
    const db = desk(opened, arrived(3)); // while the first page is on its way
    const asked = db.stamp - 1;
    const sent = message(2, { direction: "out", status: "sent" });
    reduce(db, event({ type: "status", message: sent, thread: thread(T, { last_seq: 3 }) }));
    assert.deepEqual(seqs(db), [3]);
    reduce(db, page([message(1), message(2, { direction: "out", status: "sending" }), message(3)], null, asked));
    assert.equal(db.logs.get(T).items[1].status, "sent");
    reduce(db, page([{ ...sent, status: "read" }], null, db.stamp, { after: 1 }));
    assert.equal(db.logs.get(T).items[1].status, "read");
});

// --- lists ---------------------------------------------------------------------------------------

const key = listKey("open");
const at = (minute) => `2026-03-01T10:${String(minute).padStart(2, "0")}:00.000Z`;

function listed(threads, next = null, view = "open") {
    return desk({ type: "list_open", view }, { type: "list_loading", key: listKey(view), asked: 0 },
        { type: "list_page", key: listKey(view), threads, next, first: true, asked: 0 });
}

test("an old answer does not bring back what is gone", () => {
    const db = listed([thread("a", { last_at: at(3) }), thread("b", { last_at: at(2) })]);
    const asked = db.stamp;
    reduce(db, event({ type: "gone", thread: "b" }));
    reduce(db, { type: "list_page", key, threads: [thread("a"), thread("b")], next: null, first: true, asked });
    reduce(db, { type: "thread", thread: thread("b"), asked });
    assert.deepEqual(db.lists.get(key).ids, ["a"]);
});

test("what was gone before the first answer came does not come with it", () => {
    const db = desk({ type: "list_open", view: "open" });
    reduce(db, event({ type: "gone", thread: "c" })); // nobody has asked: nothing to remember
    reduce(db, { type: "list_loading", key, asked: db.stamp });
    const asked = db.stamp;
    reduce(db, event({ type: "gone", thread: "b" }));
    reduce(db, { type: "list_page", key, threads: [thread("a"), thread("b")], next: null, first: true, asked });
    assert.deepEqual(db.lists.get(key).ids, ["a"]);
    assert.deepEqual([...db.stamps.keys()].filter((id) => id !== "a"), ["b"]);
});

test("a client's new name brings no thread into a list that has it no more", () => {
    const db = listed([thread("a", { last_at: at(3) }), thread("b", { last_at: at(2), client: { id: "c1", name: "Ann" } })]);
    reduce(db, { type: "reset", replaced: false }); // b was closed while the line was away
    reduce(db, { type: "list_page", key, threads: [thread("a", { last_at: at(3) })], next: null, first: true, asked: db.stamp });
    reduce(db, event({ type: "client", client: { id: "c1", thread: "b", name: "Bea" } }));
    assert.deepEqual(db.lists.get(key).ids, ["a"]);
    assert.equal(db.threads.get("b").client.name, "Bea");
});

test("a new message moves its thread to the top", () => {
    const db = listed([thread("a", { last_at: at(3) }), thread("b", { last_at: at(2) }), thread("c", { last_at: at(1) })]);
    reduce(db, event({ type: "thread", thread: thread("c", { last_at: at(4), last_seq: 2 }) }));
    assert.deepEqual(db.lists.get(key).ids, ["c", "a", "b"]);
    reduce(db, event({ type: "thread", thread: thread("c", { last_at: at(4), last_seq: 2 }) }));
    assert.deepEqual(db.lists.get(key).ids, ["c", "a", "b"]);
});

test("a closed thread leaves the open view and enters the closed one", () => {
    const db = listed([thread("a", { last_at: at(3) }), thread("b", { last_at: at(2) })]);
    reduce(db, { type: "list_open", view: "closed" });
    reduce(db, { type: "list_page", key: listKey("closed"), threads: [], next: null, first: true, asked: 0 });
    reduce(db, event({ type: "thread", thread: thread("a", { last_at: at(3), last_seq: 2, state: "closed" }) }));
    assert.deepEqual(db.lists.get(key).ids, ["b"]);
    assert.deepEqual(db.lists.get(listKey("closed")).ids, ["a"]);
    assert.equal(db.countsStale, true);
});

test("a thread past the loaded end waits for its page", () => {
    const db = listed([thread("a", { last_at: at(9) }), thread("b", { last_at: at(8) })], "cursor");
    reduce(db, event({ type: "thread", thread: thread("z", { last_at: at(1) }) }));
    assert.deepEqual(db.lists.get(key).ids, ["a", "b"]);
    reduce(db, { type: "list_page", key, threads: [thread("y", { last_at: at(2) }), thread("z", { last_at: at(1) })],
        next: null, first: false, asked: db.stamp });
    assert.deepEqual(db.lists.get(key).ids, ["a", "b", "y", "z"]);
});

test("a thread that became active while the page was on its way is kept", () => {
    const db = listed([]);
    reduce(db, { type: "list_loading", key, asked: db.stamp });
    const asked = db.stamp;
    reduce(db, event({ type: "thread", thread: thread("new", { last_at: at(5) }) }));
    reduce(db, { type: "list_page", key, threads: [thread("a", { last_at: at(1) })], next: null, first: true, asked });
    assert.deepEqual(db.lists.get(key).ids, ["new", "a"]);
});

test("a thread that was closed while the page was on its way does not come back", () => {
    const db = listed([thread("a", { last_at: at(1) })]);
    const asked = db.stamp;
    reduce(db, event({ type: "thread", thread: thread("a", { last_at: at(1), last_seq: 2, state: "closed" }) }));
    reduce(db, { type: "list_page", key, threads: [thread("a", { last_at: at(1) })], next: null, first: true, asked });
    assert.deepEqual(db.lists.get(key).ids, []);
});

test("an answer to an older request is not put over a newer one", () => {
    const db = listed([thread("a", { last_at: at(1) })]);
    reduce(db, { type: "reset", replaced: false });
    reduce(db, { type: "list_loading", key, asked: db.stamp });
    reduce(db, { type: "list_page", key, threads: [], next: null, first: true, asked: 0 });
    assert.deepEqual(db.lists.get(key).ids, ["a"]);
});

test("a change whose answer came before an older page of the list, and its event after, is in the list", () => {
    const key = listKey("snoozed"), snoozed = { state: "snoozed" };
    const db = desk(event({ type: "thread", thread: thread("a") }), { type: "list_open", view: "snoozed" });
    const asked = db.stamp;
    reduce(db, { type: "list_loading", key, asked });
    reduce(db, { type: "thread", thread: thread("a", snoozed), asked });
    reduce(db, { type: "list_page", key, threads: [], next: null, first: true, asked });
    assert.deepEqual(db.lists.get(key).ids, []); // as it was when it was asked for
    reduce(db, event({ type: "thread", thread: thread("a", snoozed) }));
    assert.deepEqual(db.lists.get(key).ids, ["a"]);
    const list = db.lists.get(key), known = db.threads.get("a");
    reduce(db, event({ type: "thread", thread: thread("a", snoozed) }));
    assert.equal(db.lists.get(key), list);
    assert.equal(db.threads.get("a"), known); // nothing is drawn again
});

test("merged threads leave every list; gone ones leave the page", () => {
    const db = listed([thread("a", { last_at: at(3) }), thread("b", { last_at: at(2) })]);
    reduce(db, event({ type: "thread", thread: thread("a", { last_at: at(3), merged_into: "b" }) }));
    assert.deepEqual(db.lists.get(key).ids, ["b"]);
    reduce(db, event({ type: "gone", thread: "b" }));
    assert.deepEqual(db.lists.get(key).ids, []);
    assert.equal(db.threads.has("b"), false);
});

test("ten thousand threads in random order of events stay sorted and unique", () => {
    const db = listed([]);
    let random = 7;
    const next = (n) => (random = (random * 48271) % 2147483647) % n;
    for (let i = 0; i < 10000; i++)
        reduce(db, event({ type: "thread", thread: thread("t" + i, { last_at: new Date(1e12 + next(1e7) * 1000).toISOString() }) }));
    for (let i = 0; i < 2000; i++) {
        const old = db.threads.get("t" + next(10000));
        reduce(db, event({ type: "thread", thread: { ...old, last_seq: old.last_seq + 1, last_at: new Date(1e12 + (1e7 + i) * 1000).toISOString() } }));
    }
    const { ids } = db.lists.get(key);
    assert.equal(new Set(ids).size, 10000);
    assert.equal(ids.length, 10000);
    const times = ids.map((id) => db.threads.get(id).last_at);
    assert.deepEqual(times, [...times].sort().reverse());
});

// --- the outbox ----------------------------------------------------------------------------------

const entry = (k, text, fields = {}) =>
    ({ type: "outbox_add", entry: makeEntry({ key: k, thread: T, text, after: 1, at: 0, ...fields }) });
const own = (seq, text, fields = {}) =>
    arrived(seq, { direction: "out", text, status: "queued", from: { kind: "agent", agent: "ann" }, ...fields });
const drawn = (db) => [
    ...db.logs.get(T).items.map((m) => m.text),
    ...visible(db.outbox, T, (s) => db.logs.get(T).items.some((m) => m.seq === s)).map((e) => e.text),
];
const ok = (k, seq, text) => ({ type: "outbox_ok", key: k,
    message: message(seq, { direction: "out", text, status: "queued", from: { kind: "agent", agent: "ann" } }) });
const started = (k) => ({ type: "outbox_started", key: k });
const open1 = [opened, page([message(1, { text: "hi" })])];

test("the event before the answer: never drawn twice", () => {
    const db = desk(...open1, entry("k", "yes"), started("k"));
    assert.deepEqual(drawn(db), ["hi", "yes"]);
    reduce(db, own(2, "yes"));
    assert.deepEqual(drawn(db), ["hi", "yes"]);
    reduce(db, ok("k", 2, "yes"));
    assert.deepEqual(drawn(db), ["hi", "yes"]);
    assert.deepEqual(db.outbox, []);
});

test("the answer before the event: never drawn twice", () => {
    const db = desk(...open1, entry("k", "yes"), started("k"), ok("k", 2, "yes"));
    assert.deepEqual(drawn(db), ["hi", "yes"]);
    reduce(db, own(2, "yes"));
    assert.deepEqual(drawn(db), ["hi", "yes"]);
});

test("the same words twice are two messages", () => {
    const db = desk(...open1, entry("a", "ok"), entry("b", "ok"), started("a"));
    reduce(db, ok("a", 2, "ok"));
    reduce(db, started("b"));
    reduce(db, own(2, "ok")); // the first one's event is late
    assert.deepEqual(drawn(db), ["hi", "ok", "ok"]);
    reduce(db, own(3, "ok"));
    assert.deepEqual(drawn(db), ["hi", "ok", "ok"]);
    reduce(db, ok("b", 3, "ok"));
    assert.deepEqual(drawn(db), ["hi", "ok", "ok"]);
});

test("the same words from another window of the same agent: the answer settles it", () => {
    const db = desk(...open1, entry("k", "ok"), started("k"), own(2, "ok"), ok("k", 3, "ok"));
    assert.deepEqual(drawn(db), ["hi", "ok", "ok"]);
    assert.deepEqual(seqs(db), [1, 2, 3]);
});

test("old messages with the same words are not taken for the new one", () => {
    const db = desk(opened, entry("k", "ok", { after: 40 }), started("k"),
        page([message(39, { direction: "out", text: "ok", from: { agent: "ann" } }), message(40)], 39));
    assert.deepEqual(drawn(db), ["ok", "text 40", "ok"]);
});

test("a lost socket: the entry goes out again with its key, and is one message", () => {
    const db = desk(...open1, entry("k", "yes"), started("k"), { type: "conn", state: "offline", at: 1 });
    assert.equal(db.outbox[0].state, "waiting");
    assert.equal(db.outbox[0].key, "k");
    reduce(db, own(2, "yes")); // the replay: it had been stored
    assert.deepEqual(drawn(db), ["hi", "yes"]);
    reduce(db, started("k"));
    reduce(db, ok("k", 2, "yes"));
    assert.deepEqual(drawn(db), ["hi", "yes"]);
    assert.equal(db.outbox.length, 0);
});

test("a refusal stays with its reason; a temporary one waits", () => {
    const db = desk(...open1, entry("k", "yes"), started("k"));
    reduce(db, { type: "outbox_error", key: "k", now: 1000, error: { code: "unavailable", retry_after_ms: 700 } });
    assert.equal(db.outbox[0].state, "waiting");
    assert.equal(db.outbox[0].notBefore, 1700);
    reduce(db, started("k"));
    reduce(db, { type: "outbox_error", key: "k", now: 1000, error: { code: "invalid", text: "too long" } });
    assert.equal(db.outbox[0].state, "failed");
    assert.equal(db.outbox[0].error.text, "too long");
    reduce(db, { type: "outbox_retry", key: "k" });
    assert.equal(db.outbox[0].state, "waiting");
    assert.equal(db.outbox[0].key, "k");
});

// --- the rest ------------------------------------------------------------------------------------

test("a reset marks everything old; another epoch forgets it", () => {
    const db = listed([thread("a", { last_at: at(3) })]);
    for (const s of open1) reduce(db, s);
    reduce(db, { type: "reset", replaced: false });
    assert.equal(db.lists.get(key).stale, true);
    assert.equal(db.logs.get(T).stale, true);
    assert.deepEqual(seqs(db), [1]);
    reduce(db, { type: "reset", replaced: true });
    assert.deepEqual(seqs(db), []);
    assert.equal(db.threads.size, 0);
});

test("typing ends by itself, by its end, or by the message", () => {
    const db = desk(opened);
    const typing = (on, now) => ({ type: "event", now, frame: { type: "typing", thread: T, who: "client", on } });
    reduce(db, typing(true, 0));
    assert.equal(db.typing.get(T).size, 1);
    reduce(db, { type: "tick", now: 7000 });
    assert.equal(db.typing.get(T).size, 0);
    reduce(db, typing(true, 0));
    reduce(db, arrived(2));
    assert.equal(db.typing.get(T).size, 0);
});

test("unknown events are let be", () => {
    const db = desk(event({ type: "constructor" }), event({ type: "something new" }));
    assert.equal(db.phase, "loading");
});

test("signing out forgets everything", () => {
    const db = desk(...open1, entry("k", "x"));
    reduce(db, { type: "signed_out" });
    assert.equal(db.phase, "signin");
    assert.equal(db.logs.size + db.outbox.length + db.threads.size, 0);
});

test("a log that was cut asks for the rest as if it had never been there", () => {
    const db = desk(opened, page([1, 2, 3, 4, 5].map((seq) => message(seq))));
    reduce(db, { type: "log_cut", thread: T, keep: 2 });
    assert.deepEqual([seqs(db), db.logs.get(T).next], [[4, 5], 4]);
    reduce(db, event({ type: "status", message: message(2, { status: "read" }), thread: thread(T) }));
    assert.deepEqual(seqs(db), [4, 5]);
    reduce(db, page([message(2), message(3)], 2, db.stamp, {}));
    assert.deepEqual([seqs(db), db.logs.get(T).next, gapAfter(db.logs.get(T))], [[2, 3, 4, 5], 2, null]);
    assert.equal(newestOf(db.logs.get(T), 10).items.length, 4);
});

test("what a lost line has kept from being loaded is stale when it is back", () => {
    const db = desk(opened, page([message(1)]), { type: "list_open", view: "open" });
    reduce(db, { type: "list_failed", key: listKey("open"), error: { status: 0 } });
    reduce(db, { type: "log_failed", thread: T, error: { status: 0 } });
    reduce(db, { type: "ready", frame: { online: [] } });
    const list = db.lists.get(listKey("open")), log = db.logs.get(T);
    assert.deepEqual([list.error, list.stale, log.error, log.stale], [null, true, null, true]);
    reduce(db, { type: "log_failed", thread: T, error: { status: 404 } });
    reduce(db, { type: "ready", frame: { online: [] } });
    assert.equal(db.logs.get(T).error.status, 404);
});

test("a thread that an event brings while the first page is on its way is in the list", () => {
    const key = listKey("open");
    const db = desk({ type: "list_open", view: "open" });
    reduce(db, { type: "list_loading", key, asked: db.stamp });
    const asked = db.stamp;
    reduce(db, event({ type: "thread", thread: thread("01A") }));
    reduce(db, event({ type: "thread", thread: thread("01C", { state: "closed" }) }));
    reduce(db, { type: "list_page", key, threads: [thread("01B", { last_at: "2026-03-02T10:00:00.000Z" })], next: null, first: true, asked });
    assert.deepEqual(db.lists.get(key).ids, ["01B", "01A"]);
});

test("an answer from before the line was lost makes no dialogue fresh", () => {
    const db = desk(opened, page([message(1)]));
    const asked = db.stamp;
    reduce(db, { type: "reset", replaced: false });
    for (const old of [page([message(1)], null, asked), { ...page([message(1)], null, asked), fresh: true }, { type: "log_fresh", thread: T, asked }]) {
        reduce(db, old);
        assert.equal(db.logs.get(T).stale, true);
    }
    reduce(db, page([message(1), message(2)], null, db.stamp));
    assert.deepEqual([seqs(db), db.logs.get(T).stale], [[1, 2], false]);
});

test("a load that fails after a newer one was begun says nothing of the list", () => {
    const db = listed([thread("a", { last_at: at(3) })]);
    reduce(db, { type: "list_loading", key, asked: 5 });
    reduce(db, { type: "list_failed", key, error: { status: 0 }, asked: 4 });
    assert.deepEqual([db.lists.get(key).error, db.lists.get(key).loading], [null, true]);
    reduce(db, { type: "list_failed", key, error: { status: 0 }, asked: 5 });
    assert.deepEqual([db.lists.get(key).error, db.lists.get(key).loading], [{ status: 0 }, false]);
});

test("a list of mentions that is not all here is old only when their number changes", () => {
    const mentions = listKey("mentions");
    const db = listed([thread("a")], "next", "mentions");
    const stale = (n) => {
        reduce(db, { type: "counts", counts: { mentions: n } });
        return db.lists.get(mentions).stale;
    };
    stale(60);
    db.lists.set(mentions, { ...db.lists.get(mentions), stale: false });
    assert.deepEqual([stale(60), stale(61)], [false, true]);
});
