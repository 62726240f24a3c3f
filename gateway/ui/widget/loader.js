// loader.js - the script that a site includes: one button, and a frame that is loaded when it is
// needed. It owns what must live in the site's own storage (the visitor's token, unsent messages)
// and hands it to the frame by postMessage with exact origins. One global: switchboard().
import { loaderCss } from "./loader_css.mjs";
import { openSaved } from "./saved.mjs";

const WORDS = {
    en: { open: "Open the chat", close: "Close the chat", unread: "unread messages", chat: "Chat", hide: "Hide" },
    ru: { open: "Открыть чат", close: "Закрыть чат", unread: "непрочитанных сообщений", chat: "Чат", hide: "Скрыть" },
};
const CHAT = "M12 3.5c-5 0-9 3.4-9 7.7 0 2.2 1.1 4.2 2.8 5.6-.1 1.1-.6 2.3-1.5 3.3 1.9-.1 3.5-.8 4.7-1.7 1 .3 2 .4 3 .4 5 0 9-3.4 9-7.6s-4-7.7-9-7.7Z";
const DOWN = "m6 9.5 6 6 6-6";

const make = (name, props, ...children) => {
    const e = document.createElement(name);
    Object.assign(e, props);
    e.append(...children);
    return e;
};

const icon = (path) => {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    const p = document.createElementNS(ns, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    p.setAttribute("d", path);
    svg.append(p);
    return svg;
};

const pageNow = () => {
    const utm = {};
    const query = new URLSearchParams(location.search);
    for (const k of ["source", "medium", "campaign", "term", "content"]) {
        const v = query.get("utm_" + k);
        if (v) utm[k] = v.slice(0, 250);
    }
    const page = { url: location.href.slice(0, 2000), title: document.title.slice(0, 250) };
    if (document.referrer) page.referrer = document.referrer.slice(0, 2000);
    if (Object.keys(utm).length) page.utm = utm;
    return page;
};

function start(options, host) {
    const origin = new URL(options.host || host).origin;
    const saved = openSaved("switchboard:" + options.site);
    const lang = (options.locale || document.documentElement.lang || navigator.language || "en").slice(0, 2).toLowerCase();
    const words = WORDS[lang] || WORDS.en;
    const events = {};
    let frame = null, ready = false, isOpen = false, unread = 0, user = options.user;

    const root = make("div", { id: "switchboard" });
    const shadow = root.attachShadow({ mode: "closed" });
    const badge = make("span", { className: "badge", hidden: true });
    const button = make("button", { className: "bubble", type: "button" }, icon(CHAT), icon(DOWN), badge);
    const peek = make("div", { className: "peek", role: "status", hidden: true });
    const box = make("div", { className: "box", id: "chat" });
    shadow.append(box, peek, button);
    loaderCss(shadow, options.nonce);
    if (/^#[0-9a-f]{6}$/i.test(options.color || "")) root.style.setProperty("--accent", options.color);
    if (options.position === "left") root.className = "left";
    button.hidden = options.launcher === "none";
    button.setAttribute("aria-controls", "chat");

    const emit = (name, value) => (events[name] || []).forEach((fn) => fn(value));
    const say = (type, data) => ready && frame.contentWindow.postMessage({ switchboard: type, data }, origin);
    const label = () => {
        button.setAttribute("aria-label", (isOpen ? words.close : words.open) + (unread ? `, ${unread} ${words.unread}` : ""));
        button.setAttribute("aria-expanded", isOpen);
        badge.hidden = !unread || isOpen;
        badge.textContent = unread > 99 ? "99+" : unread;
    };

    function load() {
        if (frame) return;
        frame = make("iframe", { title: options.title || words.chat, allow: "clipboard-write" });
        frame.src = `${origin}/widget/panel.html?site=${encodeURIComponent(options.site)}`;
        frame.addEventListener("load", () => {
            ready = true;
            const { site, title, greeting, color, consent, consentText, consentUrl, consentVersion } = options;
            say("start", { saved: saved.get(), page: pageNow(), user, lang, open: isOpen,
                options: { site, title, greeting, color, consent, consentText, consentUrl, consentVersion } });
        });
        box.append(frame);
    }

    function setOpen(on) {
        if (on === isOpen) return;
        if (on) load();
        isOpen = on;
        root.toggleAttribute("open", on);
        peek.hidden = true;
        say(on ? "open" : "close", pageNow());
        if (on) frame.focus();
        else button.focus();
        label();
        emit(on ? "open" : "close");
    }

    function showPeek({ name, text }) {
        if (isOpen || button.hidden) return;
        const hide = make("button", { className: "hide", type: "button", textContent: "×" });
        hide.setAttribute("aria-label", words.hide);
        hide.onclick = () => { peek.hidden = true; };
        const go = make("button", { className: "go", type: "button", onclick: () => setOpen(true) },
            make("b", { textContent: name }), make("span", { textContent: text }));
        peek.replaceChildren(go, hide);
        peek.hidden = false;
    }

    const heard = {
        save: (data) => saved.set(data),
        close: () => setOpen(false),
        peek: showPeek,
        unread: (n) => { unread = n; label(); emit("unread", n); },
        sent: () => emit("sent"),
        message: () => emit("message"),
    };
    addEventListener("message", (e) => {
        if (!frame || e.source !== frame.contentWindow || e.origin !== origin || !e.data) return;
        const fn = heard[e.data.switchboard];
        if (fn) fn(e.data.data);
    });
    /* A page that swaps its body without loading takes the button along. */
    const attach = () => {
        if (root.isConnected || !document.body) return;
        ready = false;
        document.body.append(root);
        watch.observe(document.body, { childList: true });
    };
    const watch = new MutationObserver(attach);
    watch.observe(document.documentElement, { childList: true });
    attach();

    button.onclick = () => setOpen(!isOpen);
    button.onpointerenter = button.onfocus = load;
    label();
    /* Who was here before hears at once of answers; nobody else is connected before the click. */
    if (saved.get().token) (window.requestIdleCallback || setTimeout)(load);
    if (options.open) setOpen(true);

    return {
        open: () => setOpen(true),
        close: () => setOpen(false),
        show: () => { button.hidden = false; },
        hide: () => { setOpen(false); button.hidden = true; },
        user: (u) => { user = u; say("user", u); },
        reset: () => { user = undefined; saved.set({}); unread = 0; label(); say("reset"); },
        on: (name, fn) => { (events[name] = events[name] || []).push(fn); },
    };
}

(() => {
    const script = document.currentScript;
    const stub = window.switchboard;
    if (stub && stub.loaded) return;
    const host = script && script.src ? new URL(script.src).origin : location.origin;
    let widget = null;
    const call = (name, ...args) => {
        if (name === "start" && !widget && args[0] && args[0].site) {
            widget = start({ nonce: script && script.nonce, ...args[0] }, host);
            later.splice(0).forEach((a) => call(...a));
        } else if (widget && widget[name]) widget[name](...args);
        else if (!widget) later.push([name, ...args]);
    };
    const later = [];
    call.loaded = true;
    window.switchboard = call;
    const data = script ? script.dataset : {};
    const begin = () => {
        if (data.site) call("start", { ...data });
        for (const a of (stub && stub.q) || []) call(...a);
    };
    if (document.body) begin();
    else addEventListener("DOMContentLoaded", begin, { once: true });
})();
