// keeps.mjs - what the gateway keeps for this agent beside dialogues: drafts, saved views, canned answers, preferences; and
// who looks at which dialogue. Drafts are written here first and told to the gateway a moment later.
import { ulid } from "../shared/ids.mjs";

const SAVE_MS = 700;

export class Keeps {
    constructor(desk) {
        this.desk = desk;
        this.tab = ulid();
        this.timers = new Map(); // thread -> timer of a draft that is not told yet
        this.told = new Map(); // thread -> what was told last, as text
        this.telling = new Map(); // thread -> what is on its way
        this.later = new Set(); // what could not be told: when the line is back
        this.sent = []; // what waited for the line when it came
        this.wanted = []; // preferences that are on their way
        this.saving = Promise.resolve();
    }

    start() {
        this.loadDrafts();
        this.loadViews();
        this.loadCanned();
        this.loadPreferences();
        this.loadTeams();
    }

    // Something that was kept has changed elsewhere.
    hear(frame) {
        if (frame.what === "views") this.loadViews();
        else if (frame.what === "canned") this.loadCanned();
        else if (frame.what === "reminder") this.desk.remind(frame.id, frame.step);
        else if (frame.what === "preferences") this.loadPreferences();
        else if (frame.what === "teams") this.loadTeams();
        else if (frame.what === "agents") this.desk.loadAgents();
        else if (frame.what === "channels") setTimeout(() => this.desk.loadChannels(), 1000); // all workers know by then
        else if (frame.what === "drafts" && frame.tab !== this.tab) this.loadDrafts(frame.id);
        else dispatchEvent(new CustomEvent("kept", { detail: frame.what })); // a page beside the inbox may show it
    }

    // --- drafts ---

    // only: a thread whose draft was changed on another page; else what is newer wins.
    loadDrafts(only) {
        const told = new Map(this.told); // what is told from now on is newer, and what is on its way may be
        for (const thread of this.telling.keys()) told.delete(thread);
        return this.desk.ask(only, this.desk.api.drafts(), ({ drafts }) => {
            const there = new Set(drafts.map((d) => d.thread));
            const same = (id) => (!only || id === only) && this.told.get(id) === told.get(id);
            for (const d of drafts) if (same(d.thread)) this.take(d, only);
            // Sent, or emptied, on another page; here it may have been changed since.
            for (const thread of told.keys()) if (!there.has(thread) && same(thread)) this.take({ thread, at: "2000" }, only);
        });
    }

    take({ thread, text = "", html = null, note = this.desk.db.drafts.get(thread)?.note, at }, changed) {
        const mine = this.desk.db.drafts.get(thread);
        if (this.timers.has(thread)) return; // what is being typed here is newer
        const when = Date.parse(at) || Date.now();
        const before = this.told.get(thread);
        this.told.set(thread, key({ text, html, note }));
        // What is as it was told is not newer, whatever the clocks say. And what was sent is no draft, though nobody could be told.
        if (!changed && (mine ? mine.at > when && key(mine) !== before : this.sent.some((e) => e.thread === thread && e.text?.startsWith(text.trim()))))
            return void this.changed(thread);
        if (mine ? key(mine) === key({ text, html, note }) : !text && !html) return;
        this.desk.dispatch({ type: "draft", thread, text, note, html, given: true, at: when });
    }

    changed(thread) {
        clearTimeout(this.timers.get(thread));
        this.timers.set(thread, setTimeout(() => this.tell(thread), SAVE_MS));
    }

    // One after another: an older one must not come last.
    tell(thread, leaving) {
        if (this.telling.has(thread) && !leaving) return this.changed(thread);
        const told = this.tellNow(thread, leaving).finally(() => this.telling.delete(thread));
        return this.telling.set(thread, told);
    }

    async tellNow(thread, leaving = false) {
        clearTimeout(this.timers.get(thread));
        const { db, api } = this.desk;
        const draft = db.drafts.get(thread) ?? { text: "", html: null, note: false };
        const now = key(draft);
        this.timers.delete(thread);
        if (this.told.get(thread) === now || (!this.told.has(thread) && !draft.text && !draft.html)) return;
        const before = this.told.get(thread);
        this.told.set(thread, now);
        try {
            await api.saveDraft(thread, { text: draft.text, html: draft.html ?? undefined, note: draft.note, tab: this.tab }, leaving);
        } catch (e) {
            this.desk.failed(e);
            if (before === undefined) this.told.delete(thread);
            else this.told.set(thread, before);
            if (e.status === 0 || e.status >= 500) this.later.add(thread);
        }
    }

    online() {
        this.sent = this.desk.db.outbox;
        for (const thread of this.later) this.changed(thread);
        this.later.clear();
        this.shown = null;
        this.show(this.desk.db.route.thread);
        this.start();
    }

    // All that is not told yet, on its way; the promise is kept when it has arrived.
    flush() {
        for (const thread of [...this.timers.keys()]) this.tell(thread, true);
        return Promise.allSettled(this.telling.values());
    }

    forget() {
        for (const timer of this.timers.values()) clearTimeout(timer);
        this.timers.clear();
        this.told.clear();
        this.kept = null;
        this.shown = null;
    }

    // --- saved views, canned answers ---

    loadViews() {
        return this.desk.ask("views", this.desk.api.views(), ({ views }) => {
            this.desk.dispatch({ type: "views", views: views.sort((a, b) => (a.id < b.id ? -1 : 1)) });
            this.desk.loadCounts();
        });
    }

    async addView(fields) {
        await this.desk.api.addView(fields).catch((e) => {
            throw this.desk.failed(e);
        });
        return this.loadViews();
    }

    async changeView(view) {
        await this.desk.api.changeView(view).catch((e) => {
            throw this.desk.failed(e);
        });
        return this.loadViews();
    }

    async removeView(id) {
        await this.desk.api.removeView(id).catch((e) => {
            throw this.desk.failed(e);
        });
        return this.loadViews();
    }

    loadTeams() {
        return this.desk.ask("teams", this.desk.api.kept("teams"), ({ teams }) => {
            this.desk.dispatch({ type: "teams", teams });
            this.desk.freshen(); // a list of a team
        });
    }

    loadCanned() {
        return this.desk.ask("canned", this.desk.api.kept("canned"), ({ canned }) => this.desk.dispatch({ type: "canned",
            canned: canned.sort((a, b) => a.shortcut.localeCompare(b.shortcut)) }));
    }

    loadPreferences() {
        return this.desk.ask("preferences", this.desk.api.preferences(), ({ preferences }) => this.prefers(preferences));
    }

    // kept: as the gateway has them; what is on its way there is shown already.
    prefers(kept) {
        this.kept = kept;
        const preferences = Object.assign({}, kept, ...this.wanted);
        this.desk.dispatch({ type: "preferences", preferences });
        this.desk.storage.setTheme(preferences.theme);
    }

    // One change after another, each onto what is there by then: no page undoes another's.
    prefer(fields) {
        this.wanted = [...this.wanted, fields];
        if (this.kept) this.prefers(this.kept);
        const done = this.saving.then(() => this.savePreference(fields));
        this.saving = done.catch(() => {});
        return done;
    }

    async savePreference(fields) {
        const { api } = this.desk;
        try {
            const { preferences } = await api.preferences();
            this.kept = (await api.prefer({ ...preferences, ...fields })).preferences;
        } catch (e) {
            throw this.desk.failed(e);
        } finally {
            this.wanted = this.wanted.filter((f) => f !== fields);
            if (this.kept) this.prefers(this.kept);
        }
    }

    // --- who looks ---

    show(thread) {
        const { connection } = this.desk;
        if (this.shown === thread || !connection.isOnline()) return;
        const before = this.shown;
        this.shown = thread;
        if (thread) connection.send({ type: "view", id: ulid(), thread, on: true });
        else if (before) connection.send({ type: "view", id: ulid(), thread: before, on: false });
    }
}

const key = (d) => JSON.stringify([d.text ?? "", d.html || null, Boolean(d.note)]);
