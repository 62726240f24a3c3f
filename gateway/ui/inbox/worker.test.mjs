// worker.test.mjs - the service worker in a browser of our own: what it keeps, what it leaves alone, how a new version follows.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

const source = readFileSync(join(dirname(fileURLToPath(import.meta.url)), "worker.mjs"), "utf8");
const hash = (text) => createHash("sha256").update(text).digest("hex");

// A browser's part of it. site: {address: text}, null: no network.
function browser() {
    const stores = new Map();
    const b = {
        site: {}, asked: [], stores,
        caches: {
            has: async (name) => stores.has(name),
            keys: async () => [...stores.keys()],
            delete: async (name) => stores.delete(name),
            open: async (name) => {
                if (!stores.has(name)) stores.set(name, new Map());
                return { put: async (address, answer) => stores.get(name).set(address, answer) };
            },
            match: async (address, { cacheName }) => stores.get(cacheName)?.get(address)?.clone(),
        },
        fetch: async (what) => {
            const address = typeof what === "string" ? what : new URL(what.url).pathname;
            b.asked.push(address);
            if (!b.site) throw new TypeError("no network");
            if (b.site[address] === 503) return new Response("", { status: 503 });
            return address in b.site ? new Response(b.site[address]) : new Response("", { status: 404 });
        },
    };
    return b;
}

function worker(b, shell, version) {
    const on = {};
    const calls = [];
    vm.runInNewContext(source, { SHELL: shell, VERSION: version, caches: b.caches, fetch: b.fetch, crypto: globalThis.crypto, URL, Uint8Array,
        Response, Object, Promise, Error, location: { origin: "https://x" }, addEventListener: (name, fn) => (on[name] = fn),
        skipWaiting: () => calls.push("skip"), clients: { claim: () => calls.push("claim") } });
    const tell = async (name, event = {}) => {
        let wait = null;
        on[name]({ ...event, waitUntil: (p) => (wait = p) });
        await wait;
    };
    const ask = (path, { mode = "cors", method = "GET", origin = "https://x" } = {}) => {
        let answer;
        on.fetch({ request: { url: origin + path, method, mode }, respondWith: (p) => (answer = p) });
        return answer;
    };
    return { tell, ask, calls };
}

const V1 = { "/": "page 1", "/assets/inbox.js": "script 1" };
const V2 = { "/": "page 2", "/assets/inbox.js": "script 2" };
const shellOf = (site) => Object.fromEntries(Object.entries(site).map(([address, text]) => [address, hash(text)]));

test("it keeps the shell and serves it only when the gateway gives nothing", async () => {
    const b = browser();
    b.site = V1;
    const w = worker(b, shellOf(V1), "1");
    await w.tell("install");
    await w.tell("activate");
    assert.deepEqual(w.calls, ["skip", "claim"]);
    assert.deepEqual([...b.stores.keys()], ["sb-shell-1"]);
    b.site = { ...V1, "/": "page of now" };
    assert.equal(await (await w.ask("/", { mode: "navigate" })).text(), "page of now");
    b.site = null;
    assert.equal(await (await w.ask("/", { mode: "navigate" })).text(), "page 1");
    assert.equal(await (await w.ask("/admin", { mode: "navigate" })).text(), "page 1");
    assert.equal(await (await w.ask("/assets/inbox.js")).text(), "script 1");
    b.site = { "/": 503, "/assets/inbox.js": 503 };
    assert.equal(await (await w.ask("/", { mode: "navigate" })).text(), "page 1");
});

test("it leaves everything else alone", async () => {
    const b = browser();
    b.site = V1;
    const w = worker(b, shellOf(V1), "1");
    await w.tell("install");
    for (const path of ["/api/v1/threads", "/api/v1/session", "/api/v1/media/x", "/ws/agent", "/sw.js", "/widget.js", "/assets/admin.js"])
        assert.equal(w.ask(path), undefined, path);
    assert.equal(w.ask("/", { method: "POST" }), undefined);
    assert.equal(w.ask("/", { origin: "https://y" }), undefined);
    assert.equal(w.ask("/api/v1/session", { mode: "navigate" }), undefined);
    assert.deepEqual([...b.stores.get("sb-shell-1").keys()].sort(), Object.keys(V1).sort());
});

test("a new version follows, and the old one's cache goes", async () => {
    const b = browser();
    b.site = V1;
    const one = worker(b, shellOf(V1), "1");
    await one.tell("install");
    b.site = V2;
    const two = worker(b, shellOf(V2), "2");
    await two.tell("install");
    await two.tell("activate");
    assert.deepEqual([...b.stores.keys()], ["sb-shell-2"]);
    b.site = null;
    assert.equal(await (await two.ask("/assets/inbox.js")).text(), "script 2");
});

test("what is of another version is not kept as this one", async () => {
    const b = browser();
    b.site = { ...V2, "/": V1["/"] }; // an old worker process answers once
    const w = worker(b, shellOf(V2), "2");
    await assert.rejects(w.tell("install"), /another version of \//);
    assert.deepEqual([...b.stores.keys()], []);
    assert.deepEqual(w.calls, []);
});

test("after signing out it is empty; signing in fills it again", async () => {
    const b = browser();
    b.site = V1;
    const w = worker(b, shellOf(V1), "1");
    await w.tell("install");
    b.stores.clear();
    b.asked = [];
    await w.tell("message", { data: "anything" });
    assert.deepEqual(b.asked, []);
    await w.tell("message", { data: "keep" });
    assert.deepEqual([...b.stores.keys()], ["sb-shell-1"]);
});
