// worker.mjs - the service worker of the inbox. It keeps the shell (the page, its scripts, styles, words, icons), so that the page
// opens without a network, and nothing else: what the API answers never passes here. What the gateway gives now always comes
// first; what is kept is for when it gives nothing. So no page is stuck on an old version.
/* global SHELL, VERSION */ // {address: SHA-256 of the file} and their common mark: put in by build.mjs
const PREFIX = "sb-shell-";
const NAME = PREFIX + VERSION;
const PAGES = ["/", "/admin"]; // the same page

async function sum(bytes) {
    return [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

// While a gateway is being replaced, another version may answer: that one is not kept as this.
async function keep(cache, address, hash) {
    const answer = await fetch(address, { cache: "no-cache" });
    if (!answer.ok || await sum(await answer.clone().arrayBuffer()) !== hash) throw new Error("another version of " + address);
    await cache.put(address, answer);
}

async function fill() {
    if (await caches.has(NAME)) return;
    const cache = await caches.open(NAME);
    try {
        await Promise.all(Object.entries(SHELL).map(([address, hash]) => keep(cache, address, hash)));
    } catch (e) {
        await caches.delete(NAME);
        throw e;
    }
}

async function clear() {
    for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== NAME) await caches.delete(name);
}

async function current(request, address) {
    let answer = null;
    try {
        answer = await fetch(request);
        if (answer.status < 500) return answer;
    } catch {
        // no network
    }
    return (await caches.match(address, { cacheName: NAME })) ?? answer ?? Response.error();
}

addEventListener("install", (e) => e.waitUntil(fill().then(() => globalThis.skipWaiting())));
addEventListener("activate", (e) => e.waitUntil(clear().then(() => globalThis.clients.claim())));
// Signing out has emptied the cache; who signs in again wants it filled.
addEventListener("message", (e) => e.data === "keep" && e.waitUntil(fill().catch(() => {})));
addEventListener("fetch", (e) => {
    const { request } = e;
    const url = new URL(request.url);
    const address = request.mode === "navigate" && PAGES.includes(url.pathname) ? PAGES[0] : url.pathname;
    if (request.method === "GET" && url.origin === globalThis.location.origin && Object.hasOwn(SHELL, address)) e.respondWith(current(request, address));
});
