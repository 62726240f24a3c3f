// storage.mjs - what outlives a reload of the page: drafts and the language for long, unsent
// messages for the life of the tab. Storage that is full or forbidden is as good as empty.

function read(area, key) {
    try {
        return JSON.parse(area().getItem(key));
    } catch {
        return null;
    }
}

function write(area, key, value) {
    try {
        if (value === null) area().removeItem(key);
        else area().setItem(key, JSON.stringify(value));
    } catch {
        // The page works on; only a reload forgets.
    }
}

const TOLD_MAX = 100;
const local = () => localStorage;
const session = () => sessionStorage;

export const storage = {
    // Has somebody signed in here? A stranger need not be asked for a session: the answer is known.
    mayKnow() {
        try {
            return localStorage.getItem("sb.signed") !== null;
        } catch {
            return true;
        }
    },
    setKnown: (known) => write(local, "sb.signed", known || null),
    lang: () => read(local, "sb.lang"),
    setLang: (lang) => write(local, "sb.lang", lang),
    theme: () => read(local, "sb.theme"),
    setTheme: (theme) => write(local, "sb.theme", theme === "auto" ? null : theme),
    // Does this agent format what he writes? where: "mail" or "chat".
    formats: (where) => read(local, "sb.formats." + where) === true,
    setFormats: (where, on) => write(local, "sb.formats." + where, on || null),
    // The emoji that were used last.
    emoji: () => (read(local, "sb.emoji") ?? []).filter((e) => typeof e === "string"),
    setEmoji: (list) => write(local, "sb.emoji", list),
    panel: () => read(local, "sb.panel") !== false,
    setPanel: (open) => write(local, "sb.panel", open),

    drafts(agent) {
        const saved = read(local, "sb.drafts." + agent);
        const drafts = new Map();
        if (!saved || typeof saved !== "object") return drafts;
        for (const [thread, d] of Object.entries(saved))
            if (d && typeof d.text === "string")
                drafts.set(thread, { text: d.text, note: d.note === true, html: typeof d.html === "string" ? d.html : null,
                    at: Number(d.at) || 0 });
        return drafts;
    },
    // Only what has changed since `was`: another tab keeps its own here.
    setDrafts(agent, drafts, was) {
        const all = this.drafts(agent);
        for (const thread of was.keys()) if (!drafts.has(thread)) all.delete(thread);
        for (const [thread, draft] of drafts) {
            if (draft === was.get(thread)) continue;
            all.delete(thread); // the newest is the last
            all.set(thread, draft);
        }
        const newest = [...all].filter(([, d]) => d.text || d.html || d.note).slice(-100);
        write(local, "sb.drafts." + agent, newest.length ? Object.fromEntries(newest) : null);
    },

    outbox(agent) {
        const saved = read(session, "sb.outbox." + agent);
        if (!Array.isArray(saved)) return [];
        return saved
            .filter((e) => e && typeof e.key === "string" && typeof e.thread === "string")
            .map((e) => ({ ...e, seq: 0, notBefore: 0,
                state: e.state === "failed" ? "failed" : "waiting" }));
    },
    setOutbox(agent, entries) {
        write(session, "sb.outbox." + agent, entries.length ? entries : null);
    },

    // Was this agent told of it by another tab? If not, this one does.
    tell(agent, key) {
        const told = read(local, "sb.told." + agent) ?? [];
        if (told.includes(key)) return false;
        write(local, "sb.told." + agent, [...told, key].slice(-TOLD_MAX));
        return true;
    },

    forget(agent) {
        write(local, "sb.drafts." + agent, null);
        write(local, "sb.told." + agent, null);
        write(local, "sb.emoji", null);
        write(session, "sb.outbox." + agent, null);
    },
    // The page that is kept for when there is no network, and who keeps it.
    async forgetShell() {
        try {
            for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
            for (const name of await caches.keys()) await caches.delete(name);
        } catch {
            // There was none.
        }
    },
};
