// loader.js - the script that a site includes: one button, and a frame that is loaded when it is
// needed. It owns what must live in the site's own storage (the visitor's token, unsent messages)
// and hands it to the frame by postMessage with exact origins. One global: switchboard(). It lives
// among scripts that have changed prototypes and globals: plain loops and plain calls, no JSON.
import { inkOn, isColor } from "../shared/contrast.mjs";
import { loaderCss } from "./loader_css.mjs";
import { openSaved } from "./saved.mjs";

const WORDS = {
    en: { open: "Open the chat", close: "Close the chat", unread: "unread messages", chat: "Chat", hide: "Hide" },
    ru: { open: "Открыть чат", close: "Закрыть чат", unread: "непрочитанных сообщений", chat: "Чат", hide: "Скрыть" },
};
const CHAT = "M12 3.5c-5 0-9 3.4-9 7.7 0 2.2 1.1 4.2 2.8 5.6-.1 1.1-.6 2.3-1.5 3.3 1.9-.1 3.5-.8 4.7-1.7 1 .3 2 .4 3 .4 5 0 9-3.4 9-7.6s-4-7.7-9-7.7Z";
const DOWN = "m6 9.5 6 6 6-6";
const UTM = ["source", "medium", "campaign", "term", "content"];
// What a page may say of the panel; the channel's settings say it otherwise.
const SAID = ["site", "title", "greeting", "color", "consent", "consentText", "consentUrl", "consentVersion"];
const NARROW = "(max-width:480px)";

const make = (name, className, text) => {
    const e = document.createElement(name);
    e.className = className;
    if (name === "button") e.type = "button";
    if (text) e.textContent = text;
    return e;
};

const icon = (path) => {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    const p = document.createElementNS(ns, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    p.setAttribute("d", path);
    svg.appendChild(p);
    return svg;
};

const pageNow = () => {
    const page = { url: location.href.slice(0, 2000), title: document.title.slice(0, 250) };
    const query = new URLSearchParams(location.search);
    for (let i = 0; i < UTM.length; i++) {
        const v = query.get("utm_" + UTM[i]);
        if (v) (page.utm = page.utm || {})[UTM[i]] = v.slice(0, 250);
    }
    if (document.referrer) page.referrer = document.referrer.slice(0, 2000);
    return page;
};

function start(options, looks, nonce, host) {
    const origin = new URL(options.host || host).origin;
    const saved = openSaved("switchboard:" + options.site);
    let lang, words, frame = null, ready = false, isOpen = false, unread = 0, user = options.user;
    const events = {}, waiting = [];

    const root = make("div", options.position || looks.position || "right");
    root.id = "switchboard";
    const shadow = root.attachShadow({ mode: "closed" });
    const badge = make("span", "badge"), button = make("button", "bubble"), peek = make("div", "peek"), box = make("div", "box");
    const edge = make("div", "edge");
    button.appendChild(icon(CHAT));
    button.appendChild(icon(DOWN));
    button.appendChild(badge);
    peek.setAttribute("role", "status");
    peek.hidden = true;
    box.id = "chat";
    shadow.appendChild(edge);
    shadow.appendChild(peek);
    shadow.appendChild(button);
    shadow.appendChild(box);
    loaderCss(shadow, options.nonce || nonce);
    button.hidden = options.launcher === "none";
    button.setAttribute("aria-controls", "chat");

    const paint = (color) => {
        if (!isColor(color)) return;
        root.style.setProperty("--accent", color);
        root.style.setProperty("--on-accent", inkOn(color));
    };
    const emit = (name, value) => {
        const list = events["on " + name] || [];
        for (let i = 0; i < list.length; i++) list[i](value);
    };
    const say = (type, data) => {
        if (ready) frame.contentWindow.postMessage({ switchboard: type, data }, origin);
    };
    const label = () => {
        button.setAttribute("aria-label", (isOpen ? words.close : words.open) + (unread ? `, ${unread} ${words.unread}` : ""));
        button.setAttribute("aria-expanded", isOpen);
        badge.hidden = !unread || isOpen;
        badge.textContent = unread > 99 ? "99+" : unread;
        if (frame) frame.title = options.title || looks["title_" + (words === WORDS.ru ? "ru" : "en")] || words.chat;
    };
    const speak = (name) => {
        lang = String(name || "en").slice(0, 2).toLowerCase();
        words = WORDS[lang] || WORDS.en;
    };

    // The frame does not know the edges of the screen (notch, home bar), nor how much the keyboard leaves.
    function edges() {
        const s = getComputedStyle(edge);
        return matchMedia(NARROW).matches ? { top: s.paddingTop, bottom: s.paddingBottom } : {};
    }
    function fit() {
        const v = window.visualViewport;
        const full = isOpen && v && v.scale < 1.05 && matchMedia(NARROW).matches;
        box.style.height = full ? v.height + "px" : "";
        box.style.top = full ? v.offsetTop + "px" : "";
    }

    function load() {
        if (frame) return;
        frame = make("iframe", "");
        frame.allow = "clipboard-write; autoplay";
        frame.src = `${origin}/widget/panel.html?site=${encodeURIComponent(options.site)}`;
        label();
        frame.addEventListener("load", () => {
            ready = true;
            const said = {};
            for (let i = 0; i < SAID.length; i++) said[SAID[i]] = options[SAID[i]];
            say("start", { saved: saved.get(), page: pageNow(), user, lang, open: isOpen, options: said, edges: edges() });
            for (let i = 0; i < waiting.length; i++) say("event", waiting[i]);
            waiting.length = 0;
        });
        box.appendChild(frame);
    }

    function setOpen(on) {
        if (on === isOpen) return;
        if (on) load();
        isOpen = on;
        root.toggleAttribute("open", on);
        peek.hidden = true;
        fit();
        say(on ? "open" : "close", pageNow());
        if (on) frame.focus();
        else button.focus();
        label();
        emit(on ? "open" : "close");
    }

    function showPeek({ name, text }) {
        if (isOpen || button.hidden) return;
        const hide = make("button", "hide", "×"), go = make("button", "go");
        hide.setAttribute("aria-label", words.hide);
        hide.onclick = () => { peek.hidden = true; };
        go.onclick = () => setOpen(true);
        go.appendChild(make("b", "", name));
        go.appendChild(make("span", "", text));
        peek.textContent = "";
        peek.appendChild(go);
        peek.appendChild(hide);
        peek.hidden = false;
    }

    function heard(type, data) {
        if (type === "save") saved.set(data);
        else if (type === "close") setOpen(false);
        else if (type === "peek") showPeek(data);
        else if (type === "looks") {
            looks = data;
            if (!options.color) paint(looks.color);
            label();
        } else if (type === "unread") {
            unread = data;
            label();
            emit("unread", data);
        } else if (type === "sent" || type === "message" || type === "rated") emit(type, data);
    }
    window.addEventListener("message", (e) => {
        if (frame && e.source === frame.contentWindow && e.origin === origin && e.data) heard(e.data.switchboard, e.data.data);
    });
    if (window.visualViewport) {
        visualViewport.addEventListener("resize", fit);
        visualViewport.addEventListener("scroll", fit);
    }
    /* A page that swaps its body without loading takes the button along. */
    const attach = () => {
        if (root.isConnected || !document.body) return;
        ready = false;
        document.body.appendChild(root);
        watch.observe(document.body, { childList: true });
    };
    const watch = new MutationObserver(attach);
    watch.observe(document.documentElement, { childList: true });
    speak(options.locale || document.documentElement.lang || navigator.language);
    paint(options.color || looks.color);
    attach();

    button.onclick = () => setOpen(!isOpen);
    button.onpointerenter = button.onfocus = load;
    label();
    /* Who was here before hears at once of answers; nobody else is connected before the click. */
    if (saved.get()) (window.requestIdleCallback || setTimeout)(load);
    if (options.open) setOpen(true);

    const identify = (u) => {
        user = u;
        say("user", u);
    };
    return {
        __proto__: null,
        open: () => setOpen(true),
        close: () => setOpen(false),
        show: () => { button.hidden = false; },
        hide: () => { setOpen(false); button.hidden = true; },
        user: identify,
        identify,
        event: (name, data) => {
            const it = { name: String(name), data };
            if (ready) say("event", it);
            else if (waiting.length < 20) waiting[waiting.length] = it;
        },
        locale: (name) => {
            speak(name);
            label();
            say("locale", lang);
        },
        reset: () => { user = undefined; saved.set(""); unread = 0; label(); say("reset"); },
        on: (name, fn) => {
            const list = events["on " + name] = events["on " + name] || [];
            list[list.length] = fn;
        },
    };
}

(() => {
    const script = document.currentScript;
    const stub = window.switchboard;
    if (stub && stub.loaded) return;
    const looks = (script && script.switchboardLooks) || {};
    const host = script && script.src ? new URL(script.src).origin : location.origin;
    const later = [];
    let widget = null;
    const call = (name, a, b) => {
        if (name === "start" && !widget) {
            const options = { ...a };
            options.site = options.site || looks.site;
            if (!options.site) return;
            widget = start(options, options.site === looks.site ? looks : {}, script && script.nonce, host);
            for (let i = 0; i < later.length; i++) call(later[i][0], later[i][1], later[i][2]);
        } else if (widget && widget[name]) widget[name](a, b);
        else if (!widget) later[later.length] = [name, a, b];
    };
    call.loaded = true;
    window.switchboard = call;
    const begin = () => {
        const queue = (stub && stub.q) || [];
        let asked = false;
        for (let i = 0; i < queue.length; i++) asked = asked || queue[i][0] === "start";
        if (script && script.dataset.site) call("start", script.dataset);
        else if (looks.site && !asked) call("start", script.dataset);
        for (let i = 0; i < queue.length; i++) call(queue[i][0], queue[i][1], queue[i][2]);
    };
    if (document.body) begin();
    else addEventListener("DOMContentLoaded", begin, { once: true });
})();
