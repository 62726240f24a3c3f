// page.mjs - the inbox's page without a screen: its own store, desk and connection under node, with a network that can be taken
// away. In the way of the network: each request and the socket of a page go through here.
import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes, webcrypto } from "node:crypto";
import net from "node:net";
import { api } from "../../gateway/ui/inbox/api.mjs";
import { Connection } from "../../gateway/ui/inbox/connection.mjs";
import { Desk } from "../../gateway/ui/inbox/desk.mjs";
import { createStore } from "../../gateway/ui/inbox/store.mjs";

globalThis.crypto ??= webcrypto; // Node 18 has no global one

// What the page waits for by design (a moment before it asks again) goes by faster here; what it takes for a failure does not.
const FASTER = 10;
const PATIENCE_MS = 10000;
const timeout = globalThis.setTimeout;
globalThis.setTimeout = (fn, ms = 0, ...args) => timeout(fn, ms < PATIENCE_MS ? ms / FASTER : ms, ...args);
export const sleep = (ms) => new Promise((done) => timeout(done, ms));

// A WebSocket as the page knows it, on a wire that can be cut, or go dead without a word.
class Socket {
    constructor(url, page) {
        const { hostname, port, pathname } = new URL(url);
        this.readyState = 0;
        this.data = Buffer.alloc(0);
        this.parts = [];
        this.dead = false;
        this.code = [1006, ""];
        this.wire = net.connect(Number(port), hostname);
        this.wire.setNoDelay(true);
        this.wire.on("connect", () => this.wire.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n` +
            `Connection: Upgrade\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\nSec-WebSocket-Version: 13\r\n` +
            `Origin: ${page.origin}\r\nCookie: ${page.cookie}\r\n\r\n`));
        this.wire.on("data", (d) => {
            if (this.dead) return;
            this.data = Buffer.concat([this.data, d]);
            this.read();
        });
        this.wire.on("error", () => {});
        this.wire.on("close", () => {
            if (!this.dead) this.ended();
        });
    }

    ended() {
        if (this.readyState === 3) return;
        this.readyState = 3;
        this.onclose?.({ code: this.code[0], reason: this.code[1] });
    }

    read() {
        if (this.readyState === 0) {
            const cut = this.data.indexOf("\r\n\r\n");
            if (cut < 0) return;
            if (!this.data.toString("latin1", 0, 12).startsWith("HTTP/1.1 101")) return void this.wire.destroy();
            this.data = this.data.subarray(cut + 4);
            this.readyState = 1;
            this.onopen?.();
        }
        while (this.readyState === 1 && this.frame()) { /* one after another */ }
    }

    frame() {
        const d = this.data;
        if (d.length < 2) return false;
        let at = 2, n = d[1] & 127;
        if (n === 126) {
            if (d.length < 4) return false;
            n = d.readUInt16BE(2);
            at = 4;
        } else if (n === 127) {
            if (d.length < 10) return false;
            n = Number(d.readBigUInt64BE(2));
            at = 10;
        }
        if (d.length < at + n) return false;
        const opcode = d[0] & 15, payload = d.subarray(at, at + n);
        this.data = d.subarray(at + n);
        if (opcode === 9) this.write(10, payload);
        else if (opcode === 8) {
            if (n >= 2) this.code = [payload.readUInt16BE(0), payload.toString("utf8", 2)];
            this.wire.destroy();
            return false;
        } else if (opcode <= 2) {
            this.parts.push(payload);
            if (d[0] & 128) {
                const text = Buffer.concat(this.parts).toString("utf8");
                this.parts = [];
                this.onmessage?.({ data: text });
            }
        }
        return true;
    }

    write(opcode, payload) {
        if (this.dead) return;
        const n = payload.length, mask = randomBytes(4);
        const head = n < 126 ? Buffer.from([128 | opcode, 128 | n]) : n < 65536 ? Buffer.from([128 | opcode, 254, n >> 8, n & 255])
            : Buffer.concat([Buffer.from([128 | opcode, 255, 0, 0, 0, 0]), Buffer.from([n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255])]);
        this.wire.write(Buffer.concat([head, mask, Buffer.from(payload.map((b, i) => b ^ mask[i & 3]))]));
    }

    send(text) {
        this.write(1, Buffer.from(text, "utf8"));
    }

    close() {
        this.readyState = 3;
        this.wire.destroy();
    }

    // told: the browser notices; else nothing comes or goes any more, and nobody says so.
    cut(told) {
        this.dead = true;
        this.wire.destroy();
        if (told) this.ended();
    }
}

const asking = new AsyncLocalStorage(); // whose request is being made

async function ask(path, options) {
    const page = asking.getStore();
    if (!page) throw new Error("a request of nobody: " + path);
    if (page.offline) throw new TypeError("no network");
    const stop = new AbortController();
    const end = () => stop.abort();
    page.requests.add(end);
    options.signal?.addEventListener("abort", end);
    try {
        const answer = await realFetch(page.origin + path, { ...options, signal: stop.signal,
            headers: { ...options.headers, Cookie: page.cookie, Origin: page.origin } });
        const text = await answer.text(); // as long as the network is there
        return { ok: answer.ok, status: answer.status, headers: answer.headers, text: async () => text };
    } finally {
        page.requests.delete(end);
    }
}

const realFetch = globalThis.fetch;
globalThis.fetch = ask;

const apiOf = (page) => new Proxy(api, { get: (all, name) => (typeof all[name] !== "function" ? all[name] : (...args) =>
    asking.run(page, () => all[name](...args))) });

const nothing = () => {};
globalThis.dispatchEvent ??= nothing; // what other parts of a page listen to
globalThis.CustomEvent ??= class {};
const storage = { mayKnow: () => true, setKnown: nothing, drafts: () => new Map(), setDrafts: nothing, outbox: () => [], setOutbox: nothing,
    forget: nothing, forgetShell: nothing, setTheme: nothing, tell: () => true };

export class Page {
    constructor(origin, name, cookie) {
        Object.assign(this, { origin, name, cookie, offline: false, requests: new Set(), sockets: new Set(), resets: 0, connects: 0 });
        const store = createStore();
        this.desk = new Desk({ store, api: apiOf(this), storage, url: "" });
        const on = this.desk.listeners();
        const { ready, reset } = on;
        on.ready = (...args) => {
            this.connects++;
            ready(...args);
        };
        on.reset = (...args) => {
            this.resets++;
            reset(...args);
        };
        this.desk.connection = new Connection(origin.replace(/^http/, "ws") + "/ws/agent", on, { make: (url) => this.open(url) });
        this.db = store.db;
        this.api = this.desk.api;
    }

    open(url) {
        if (this.offline) throw new Error("no network");
        const socket = new Socket(url, this);
        this.sockets.add(socket);
        return socket;
    }

    // A request that is none of the page's API.
    raw(path, options) {
        return asking.run(this, () => ask(path, options));
    }

    begin() {
        return this.desk.boot();
    }

    goOffline(told) {
        this.offline = true;
        for (const end of [...this.requests]) end();
        for (const socket of this.sockets) socket.cut(told);
        this.sockets.clear();
    }

    // As if so much had happened meanwhile that its place is no more among the events that are kept.
    forget() {
        const { places } = this.desk.connection.cursor;
        for (const shard of places.keys()) places.set(shard, "1-0");
    }

    goOnline() {
        this.offline = false;
        this.desk.connection.wake();
    }

    end() {
        this.goOffline(false);
        this.desk.connection.stop();
        this.desk.keeps.forget();
        clearTimeout(this.desk.countsTimer);
        this.db.phase = "signin";
    }
}
