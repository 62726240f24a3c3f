// connection.test.mjs - the socket's life with a clock and sockets of our own: cursors, losses,
// heartbeats, close codes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection, DEAD_MS, PING_MS } from "./connection.mjs";

class Clock {
    constructor() {
        this.now = 0;
        this.timers = new Map();
        this.ids = 0;
        this.random = () => 0.5;
    }

    set(fn, ms) {
        this.timers.set(++this.ids, { at: this.now + ms, fn });
        return this.ids;
    }

    clear(id) {
        this.timers.delete(id);
    }

    run(ms) {
        const end = this.now + ms;
        for (;;) {
            const due = [...this.timers].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
            if (!due) break;
            this.timers.delete(due[0]);
            this.now = due[1].at;
            due[1].fn();
        }
        this.now = end;
    }
}

class Socket {
    constructor() {
        this.sent = [];
        this.closed = false;
    }

    send(text) {
        this.sent.push(JSON.parse(text));
    }

    close() {
        this.closed = true;
    }

    say(frame) {
        this.onmessage({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
    }

    end(code = 1006, reason = "") {
        this.onclose({ code, reason });
    }
}

function setUp() {
    const clock = new Clock();
    const sockets = [];
    const calls = [];
    const record = (name) => (...args) => calls.push([name, ...args]);
    const on = {};
    for (const n of ["state", "event", "ready", "reset", "answer", "signedOut", "refused", "tooBig"]) on[n] = record(n);
    const connection = new Connection("ws://x", on, {
        clock,
        make() {
            sockets.push(new Socket());
            return sockets[sockets.length - 1];
        },
    });
    const last = () => sockets[sockets.length - 1];
    const online = (cursor = "E;0:1-0,1:5-0") => {
        last().onopen();
        last().say({ type: "ready", cursor });
    };
    return { clock, sockets, calls, connection, last, online, of: (n) => calls.filter((c) => c[0] === n) };
}

test("says hello without a cursor first, and with the moved one later", () => {
    const s = setUp();
    s.connection.start();
    s.last().onopen();
    assert.deepEqual(s.last().sent, [{ type: "hello" }]);
    s.last().say({ type: "ready", cursor: "E;0:1-0,1:5-0" });
    assert.equal(s.connection.state, "online");
    s.last().say({ type: "thread", cursor: "1:7-0", thread: {} });
    s.last().say({ type: "thread", cursor: "3:2-1", thread: {} });
    s.last().say({ type: "typing", thread: "t" });
    s.last().end();
    s.clock.run(1000);
    s.last().onopen();
    assert.deepEqual(s.last().sent, [{ type: "hello", cursor: "E;0:1-0,1:7-0,3:2-1" }]);
    assert.equal(s.of("event").length, 3);
});

test("a place never goes back", () => {
    const s = setUp();
    s.connection.start();
    s.online();
    s.last().say({ type: "thread", cursor: "1:10-0" });
    s.last().say({ type: "thread", cursor: "1:9-0" });
    assert.equal(s.connection.cursor.text(), "E;0:1-0,1:10-0");
});

test("tells first ready from later ones, and another epoch from the same", () => {
    const s = setUp();
    s.connection.start();
    s.online();
    assert.equal(s.of("ready")[0][2], true);
    s.last().end();
    s.clock.run(1000);
    s.last().onopen();
    s.last().say({ type: "reset", cursor: "F;0:1-0" });
    s.last().say({ type: "ready", cursor: "F;0:1-0" });
    assert.equal(s.of("reset")[0][2], true);
    assert.equal(s.of("ready")[1][2], false);
    s.last().end();
    s.clock.run(1000);
    s.last().onopen();
    s.last().say({ type: "reset", cursor: "F;0:9-0" });
    assert.equal(s.of("reset")[1][2], false);
});

test("waits longer with each failure, at most thirty seconds, with jitter", () => {
    const s = setUp();
    s.connection.start();
    const waits = [];
    for (let i = 0; i < 9; i++) {
        const n = s.sockets.length;
        const from = s.clock.now;
        s.last().end();
        while (s.sockets.length === n) s.clock.run(10);
        waits.push(s.clock.now - from);
    }
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15000, 15000, 15000, 15000]);
    s.online();
    s.last().end();
    const n = s.sockets.length;
    s.clock.run(500);
    assert.equal(s.sockets.length, n + 1);
});

test("pings a silent line and leaves a dead one", () => {
    const s = setUp();
    s.connection.start();
    s.online();
    s.clock.run(PING_MS);
    assert.equal(s.last().sent.at(-1).type, "ping");
    s.last().say({ type: "ok", id: s.last().sent.at(-1).id });
    s.clock.run(DEAD_MS + 1);
    assert.equal(s.connection.state, "online");
    assert.equal(s.of("answer").length, 0);
    s.clock.run(PING_MS - DEAD_MS);
    const first = s.last();
    assert.equal(first.sent.at(-1).id, "ping-2");
    s.clock.run(DEAD_MS + 1);
    assert.equal(first.closed, true);
    assert.equal(s.sockets.length, 2);
});

test("a line that is never opened or never ready is left", () => {
    const s = setUp();
    s.connection.start();
    s.clock.run(14000);
    assert.equal(s.sockets.length, 2);
    s.last().onopen();
    s.clock.run(16000);
    assert.equal(s.sockets.length, 3);
});

test("waking: at once when waiting, a quick check when online", () => {
    const s = setUp();
    s.connection.start();
    s.online();
    s.connection.wake();
    assert.equal(s.last().sent.at(-1).type, "ping");
    s.clock.run(DEAD_MS / 2 + 1);
    assert.equal(s.sockets.length, 2);
    s.last().end();
    s.connection.wake();
    assert.equal(s.sockets.length, 3);
});

test("4401 ends it; 1012 spreads the return; 1009 tells the sender", () => {
    const s = setUp();
    s.connection.start();
    s.online();
    s.last().end(1012, "8000");
    s.clock.run(3999);
    assert.equal(s.sockets.length, 1);
    s.clock.run(2);
    assert.equal(s.sockets.length, 2);
    s.online();
    s.last().end(1009);
    assert.equal(s.of("tooBig").length, 1);
    s.clock.run(5001);
    s.online();
    s.last().end(4401);
    assert.equal(s.of("signedOut").length, 1);
    const n = s.sockets.length;
    s.clock.run(120000);
    assert.equal(s.sockets.length, n);
    assert.equal(s.connection.send({ type: "ping" }), false);
});

test("a store that is away is said, and the line tried again", () => {
    const s = setUp();
    s.connection.start();
    s.last().onopen();
    s.last().say({ type: "error", code: "unavailable", detail: "the store cannot serve now" });
    s.last().end(1013, "the store cannot serve now");
    assert.deepEqual(s.of("event")[0][1], { type: "store", up: false });
    assert.equal(s.of("refused").length, 0);
    s.clock.run(1000);
    assert.equal(s.sockets.length, 2);
});

test("a refused handshake is told, once each", () => {
    const s = setUp();
    s.connection.start();
    s.last().end(1006);
    assert.equal(s.of("refused").length, 1);
});

test("an old socket's words are not heard any more, nor broken ones", () => {
    const s = setUp();
    s.connection.start();
    s.online();
    const old = s.last();
    const heard = old.onmessage;
    old.say("not json");
    old.say("null");
    old.say("[1]");
    s.connection.restart();
    heard({ data: JSON.stringify({ type: "thread", cursor: "0:9-9" }) });
    assert.equal(s.of("event").length, 0);
});

test("a socket that is closing is given nothing", () => {
    const s = setUp();
    s.connection.start();
    s.online();
    const before = s.last().sent.length;
    s.last().readyState = 2;
    assert.equal(s.connection.send({ type: "typing" }), false);
    assert.equal(s.last().sent.length, before);
});
