// desk.mjs - what the page does: signs in, keeps the socket, loads lists and threads, and carries a
// person's deeds to the gateway. All knowledge goes through the store; nothing is drawn here.
import { ulid } from "../shared/ids.mjs";
import { Changes } from "./changes.mjs";
import { Connection } from "./connection.mjs";
import { Keeps } from "./keeps.mjs";
import { listKey } from "./lists.mjs";
import { findSeq, gapAfter, isCalled, lastSeq } from "./log.mjs";
import { Sender } from "./sender.mjs";
import { createUploads } from "./uploads.mjs";

const PAGE = 50;
const CHUNK = 200;
const LOGS_MAX = 12;
const REFRESH_MAX = 1000; // loaded messages that are worth asking for again, else begin anew
const DRAFTS_MS = 3000;
const COUNTS_MS = 1500;
const TYPING_EVERY_MS = 3000;
const READ_AGAIN_MS = 400;
const UNSEEN_MAX = 1000; // messages that are kept of a dialogue which is not on the screen
const FIRST_SHOW_MS = 300;

export class Desk {
    constructor({ store, api, storage, url, connection }) {
        this.store = store;
        this.db = store.db;
        this.api = api;
        this.storage = storage;
        this.requests = new Set(); // keys of loads in flight
        this.hearers = new Set(); // functions that are given each event's frame
        this.sender = new Sender(this);
        this.changes = new Changes(this);
        this.keeps = new Keeps(this);
        this.uploads = createUploads(this);
        this.connection = connection ?? new Connection(url, this.listeners());
        this.typingAt = 0;
        this.searches = 0;
        this.asked = 0;
        this.heard = {}; // kind of question -> number of the one that was answered last
        this.refusal = null; // by a provider, before the page was opened
        store.subscribe(() => this.changed());
    }

    dispatch(action) {
        this.store.dispatch(action);
    }

    // After the store changed: what follows from it.
    changed() {
        if (this.db.countsStale) this.loadCounts();
        this.save();
    }

    save() {
        const { drafts, outbox, me, phase } = this.db;
        if (phase !== "app") return; // what is kept is not here yet, or not any more
        if (drafts !== this.savedDrafts) this.storage.setDrafts(me.name, drafts, this.savedDrafts);
        if (outbox !== this.savedOutbox) this.storage.setOutbox(me.name, outbox);
        this.savedDrafts = drafts;
        this.savedOutbox = outbox;
    }

    // The page may be gone in a moment.
    leave() {
        this.save();
        this.keeps.flush();
    }

    toast(text, kind = "error", more) {
        const id = ulid();
        this.dispatch({ type: "toast", toast: { id, text, kind, ...more } });
        setTimeout(() => this.dispatch({ type: "toast_drop", id }), more ? 20000 : 6000);
    }

    // An answer is due in this thread, soon or since a while.
    remind(thread, step) {
        if (!this.db.threads.has(thread)) this.lookUp(thread);
        this.toast(step + thread, step === "late" ? "error" : "good", { thread, step });
    }

    // A request failed: a session that ended shows the sign-in page, the rest is told by the caller.
    failed(error) {
        if (error.status === 401 && ["app", "password"].includes(this.db.phase)) this.signedOut();
        return error;
    }

    // --- session --------------------------------------------------------------------------------

    async boot() {
        if (!this.storage.mayKnow()) {
            this.dispatch({ type: "phase", phase: "signin" });
            return;
        }
        try {
            const { agent, version } = await this.api.session();
            this.enter(agent, version);
        } catch (e) {
            if (e.status === 401) this.signedOut();
            else {
                this.dispatch({ type: "phase", phase: "failed" });
                setTimeout(() => this.boot(), 3000);
            }
        }
    }

    async signIn(name, password, code) {
        const { agent } = await this.api.signIn(name, password, code);
        this.password = agent.must_change_password ? password : undefined;
        this.enter(agent);
    }

    enter(agent, version) {
        this.storage.setKnown(true);
        this.refusal = null;
        this.dispatch({ type: "signed_in", agent, version });
        if (agent.must_change_password) {
            this.dispatch({ type: "phase", phase: "password" });
            return;
        }
        this.password = undefined;
        this.dispatch({ type: "drafts", drafts: this.storage.drafts(agent.name) });
        this.dispatch({ type: "outbox_load", entries: this.storage.outbox(agent.name) });
        this.savedDrafts = this.db.drafts;
        this.savedOutbox = this.db.outbox;
        this.dispatch({ type: "phase", phase: "app" });
        this.dispatch({ type: "reset", replaced: false });
        this.loadAgents();
        this.loadChannels();
        this.keeps.forget();
        // First the place in the stream, then the lists: so nothing falls between. A socket that
        // does not come must not keep the lists away.
        this.firstShow = setTimeout(() => this.showFirst(), FIRST_SHOW_MS);
        this.connection.start();
    }

    showFirst() {
        if (!this.firstShow) return;
        clearTimeout(this.firstShow);
        this.firstShow = null;
        this.show(this.db.route);
    }

    // The gateway ends the old session with the old password: the socket must not hear of it.
    async changePassword(old, fresh) {
        this.connection.stop();
        await this.api.password(old, fresh);
        const { agent, version } = await this.api.session();
        this.enter(agent, version);
    }

    openPassword() {
        this.save();
        this.connection.stop();
        this.dispatch({ type: "phase", phase: "password" });
    }

    // Not now (only where it was the person's own wish).
    leavePassword() {
        this.enter(this.db.me);
    }

    async signOut() {
        const name = this.db.me?.name;
        this.connection.stop();
        await Promise.race([this.keeps.flush(), new Promise((done) => setTimeout(done, DRAFTS_MS))]); // while they may be
        let out = null;
        try {
            out = await this.api.signOut();
        } catch (e) {
            if (e.status !== 401) { // the session goes on, and its cookie is here: nobody is to think that it is over
                this.connection.start();
                throw e;
            }
        }
        this.storage.setKnown(false);
        this.dispatch({ type: "signed_out" });
        if (name) this.storage.forget(name);
        this.storage.forgetShell();
        if (out?.go) globalThis.location.assign(out.go); // to sign out at the provider, too
    }

    // The gateway ended the session; drafts and unsent messages stay for the next one.
    signedOut() {
        this.save();
        this.storage.setKnown(false);
        this.connection.stop();
        this.dispatch({ type: "signed_out" });
    }

    // --- the socket -----------------------------------------------------------------------------

    listeners() {
        return {
            state: (state) => this.onState(state),
            event: (frame) => this.onEvent(frame),
            ready: (frame, first) => this.onReady(frame, first),
            reset: (frame, replaced) => this.onReset(replaced),
            answer: (frame) => this.sender.answer(frame),
            signedOut: () => this.signedOut(),
            refused: () => this.onRefused(),
            tooBig: () => this.sender.tooBig(),
        };
    }

    onState(state) {
        const shown = { online: "online", waiting: "offline", stopped: "offline" }[state] ?? "connecting";
        this.dispatch({ type: "conn", state: shown, at: Date.now() });
    }

    onEvent(frame) {
        this.dispatch({ type: "event", frame, now: Date.now() });
        const thread = frame.message?.thread ?? frame.thread?.id;
        const log = this.db.logs.get(thread);
        if (log) {
            if (log.error?.status === 404 && this.db.threads.has(thread)) this.loadNewest(thread); // it is ours again
            this.fillGap(thread);
            if (thread !== this.db.route.thread && log.items.length > UNSEEN_MAX)
                this.dispatch({ type: "log_cut", thread, keep: CHUNK });
        }
        if (frame.type === "typing") setTimeout(
            () => this.dispatch({ type: "tick", now: Date.now() }), 6100);
        if (frame.type === "store" && frame.up) {
            this.sender.flush();
            this.mend(true);
        }
        if (frame.type === "desk") this.keeps.hear(frame);
        for (const hear of this.hearers) hear(frame);
    }

    onReady(frame, first) {
        this.dispatch({ type: "ready", frame });
        this.sender.flush();
        // What was loaded before the socket had its place may have missed something in between.
        if (first && !this.firstShow) this.onReset(false);
        this.showFirst();
        this.loadCounts();
        this.keeps.online();
        if (this.needsReload) {
            this.needsReload = false;
            this.reloadShown();
        } else this.mend(first);
    }

    // What is on the screen and could not be loaded while the line or the store was away. told: and agents and channels are as
    // they were; of their changes nobody tells who was away.
    mend(told) {
        const { agents, channels, route, lists, logs } = this.db;
        const list = lists.get(listKey(route.view, route.filter));
        const log = logs.get(route.thread);
        if (!told || !agents.length) this.loadAgents();
        if (!told || !channels.length) this.loadChannels();
        if (list && !list.loading && (list.stale || !list.loaded)) this.loadList(route.view, true);
        if (log && !log.loading && (log.stale || log.next === undefined)) {
            this.loadThread(route.thread);
            this.refreshLog(route.thread);
        }
    }

    onReset(replaced) {
        const shown = this.db.route.thread;
        this.dispatch({ type: "reset", replaced });
        for (const id of [...this.db.logs.keys()])
            if (id !== shown) this.dispatch({ type: "log_close", thread: id });
        if (this.connection.isOnline()) this.reloadShown();
        else this.needsReload = true;
    }

    reloadShown() {
        const { route } = this.db;
        this.loadCounts();
        this.loadAgents();
        this.loadChannels();
        this.loadList(route.view, true);
        if (route.thread) {
            this.loadThread(route.thread);
            this.refreshLog(route.thread);
        }
    }

    // The handshake failed: was it the network, or is there no session any more?
    async onRefused() {
        try {
            await this.api.session();
        } catch (e) {
            this.failed(e);
        }
    }

    // --- lists ----------------------------------------------------------------------------------

    // One load of a kind at a time.
    async once(key, fn) {
        if (this.requests.has(key)) return;
        this.requests.add(key);
        try {
            await fn();
        } finally {
            this.requests.delete(key);
        }
    }

    // An answer does not undo that of a later question of its kind.
    ask(kind, call, then) {
        const number = ++this.asked;
        return call.then((r) => {
            if (number < this.heard[kind]) return;
            this.heard[kind] = number;
            then(r);
        }, (e) => this.failed(e));
    }

    show(route) {
        this.dispatch({ type: "route", route });
        if (this.db.phase !== "app" || this.firstShow) return;
        const list = this.db.lists.get(listKey(route.view, route.filter));
        if (!list?.loaded || list.stale) this.loadList(route.view, true);
        this.keeps.show(route.thread);
        if (route.thread) this.openThread(route.thread, route.seq);
    }

    async loadList(view, first, filter = this.db.route.filter) {
        this.dispatch({ type: "list_open", view, filter });
        const key = listKey(view, filter);
        const list = this.db.lists.get(key);
        if (!first && (list.next === null || list.loading)) return;
        await this.once("list " + key + (first ? " first " + this.db.stamp : ""), async () => {
            const asked = this.db.stamp;
            this.dispatch({ type: "list_loading", key, asked });
            try {
                const page = await this.api.threads({ view, ...filter, limit: PAGE,
                    cursor: first ? undefined : list.next });
                this.dispatch({ type: "list_page", key, threads: page.threads, next: page.next, first, asked });
            } catch (e) {
                this.dispatch({ type: "list_failed", key, error: this.failed(e), asked });
            }
        });
    }

    // What is shown is asked for again, if it is known to be old.
    freshen() {
        const { view, filter } = this.db.route;
        if (this.db.lists.get(listKey(view, filter))?.stale) this.loadList(view, true);
    }

    // At once, then at most once in a while: any number of events makes few requests.
    loadCounts() {
        if (this.db.phase !== "app") return;
        this.dispatch({ type: "counts_asked" });
        if (this.countsTimer) {
            this.countsAgain = true;
            return;
        }
        this.countsTimer = setTimeout(() => {
            this.countsTimer = null;
            if (this.countsAgain) this.loadCounts();
        }, COUNTS_MS);
        this.countsAgain = false;
        this.ask("counts", this.api.counts(), (r) => {
            this.dispatch({ type: "counts", counts: r.counts, views: r.views });
            if (this.db.route.view === "mentions") this.freshen();
        });
    }

    loadAgents() {
        return this.ask("agents", this.api.agents(), (r) => this.dispatch({ type: "agents", agents: r.agents }));
    }

    // What each channel can do decides what is offered.
    loadChannels() {
        return this.ask("channels", this.api.channels(), (r) => this.dispatch({ type: "channels", channels: r.channels }));
    }

    // filter: {view, channel, assignee, label}, what is set of them.
    async search(q, filter = {}) {
        const number = ++this.searches;
        if (!q) {
            this.dispatch({ type: "search", search: null });
            return;
        }
        const asked = this.db.stamp;
        this.dispatch({ type: "search", search: { q, loading: true, hits: this.db.search?.hits ?? [], error: null } });
        try {
            const { threads } = await this.api.threads({ q, limit: PAGE, ...filter });
            if (number === this.searches) this.dispatch({ type: "search_page", q, hits: threads, asked });
        } catch (e) {
            if (number === this.searches)
                this.dispatch({ type: "search", search: { q, loading: false, hits: [], error: this.failed(e) } });
        }
    }

    // --- one thread -----------------------------------------------------------------------------

    openThread(id, seq) {
        const known = this.db.logs.get(id);
        this.dispatch({ type: "log_open", thread: id });
        this.loadThread(id);
        if (!known || known.next === undefined) this.loadNewest(id, seq);
        else if (known.stale) this.refreshLog(id);
        else if (seq) this.reach(id, seq);
        const logs = [...this.db.logs.keys()].filter((k) => k !== id);
        for (const old of logs.slice(0, Math.max(0, logs.length - LOGS_MAX)))
            this.dispatch({ type: "log_close", thread: old });
    }

    async loadThread(id) {
        const asked = this.db.stamp;
        try {
            const { thread, client } = await this.api.thread(id);
            this.dispatch({ type: "thread", thread, client, asked });
            if (!this.db.marks.has(id) && thread.unread > 0)
                this.dispatch({ type: "mark", thread: id, seq: thread.agent_read_seq });
            if (client) this.loadClient(client.id);
        } catch (e) {
            this.dispatch({ type: "log_failed", thread: id, error: this.failed(e) });
        }
    }

    // A thread that is only mentioned: enough to show its name.
    async lookUp(id) {
        const asked = this.db.stamp;
        try {
            const { thread } = await this.api.thread(id);
            this.dispatch({ type: "thread", thread, asked });
        } catch (e) {
            this.failed(e);
        }
    }

    // Thread ids whose client may be the one meant: by name among the known, by words in messages.
    async findClients(q) {
        const wanted = q.toLowerCase();
        const names = [...this.db.threads.values()]
            .filter((th) => (th.client?.name ?? "").toLowerCase().includes(wanted)).map((th) => th.id);
        const asked = this.db.stamp;
        const { threads } = await this.api.threads({ q, limit: PAGE }).catch((e) => {
            throw this.failed(e);
        });
        for (const { match, ...thread } of threads) this.dispatch({ type: "thread", thread, asked });
        return [...new Set([...names.slice(0, 20), ...threads.map((th) => th.id)])];
    }

    async loadClient(id) {
        const asked = this.db.stamp;
        try {
            this.dispatch({ type: "client", client: (await this.api.client(id)).client, asked });
        } catch (e) {
            this.failed(e);
        }
    }

    async messages(thread, fields, action) {
        const asked = this.db.stamp;
        this.dispatch({ type: "log_loading", thread });
        try {
            const page = await this.api.messages(thread, fields);
            this.dispatch({ type: "log_page", thread, messages: page.messages, next: page.next, asked, ...action });
            return page.messages;
        } catch (e) {
            this.dispatch({ type: "log_failed", thread, error: this.failed(e) });
            return null;
        }
    }

    // One load of a dialogue at a time; became all of it old meanwhile, it is asked for again.
    async onceLog(thread, fn) {
        const asked = this.db.stamp;
        await this.once("log " + thread, fn);
        if (thread === this.db.route.thread && this.db.logs.get(thread)?.stale && this.db.logs.get(thread).since > asked) this.refreshLog(thread);
    }

    loadNewest(thread, seq) {
        return this.onceLog(thread, async () => {
            const got = await this.messages(thread, { limit: PAGE }, { newest: true });
            if (got && seq) await this.climb(thread, seq);
            this.fillGap(thread);
        });
    }

    loadOlder(thread) {
        const log = this.db.logs.get(thread);
        if (!log || !log.next) return;
        const limit = log.items.length < CHUNK ? PAGE : CHUNK; // whoever goes far back goes in longer steps
        this.onceLog(thread, () => this.messages(thread, { before: log.next, limit }, {}));
    }

    // Loads back until the message is there: a hit of the search in an old part.
    reach(thread, seq) {
        return this.onceLog(thread, () => this.climb(thread, seq));
    }

    async climb(thread, seq) {
        for (let i = 0; i < 20; i++) {
            const log = this.db.logs.get(thread);
            if (!log || !log.next || findSeq(log, seq)) return;
            if (!(await this.messages(thread, { before: log.next, limit: CHUNK }, {}))?.length) return;
        }
    }

    // Everything that is on the screen may have changed while this page was away.
    refreshLog(thread) {
        const log = this.db.logs.get(thread);
        if (!log || log.next === undefined || !log.items.length) return this.loadNewest(thread);
        const from = log.items[0].seq - 1;
        if (lastSeq(log) - from > REFRESH_MAX)
            return this.onceLog(thread, () =>
                this.messages(thread, { limit: PAGE }, { newest: true, fresh: true }));
        return this.onceLog(thread, async () => {
            const asked = this.db.stamp;
            let after = from;
            for (let i = 0; i < 40; i++) {
                const got = await this.messages(thread, { after, limit: CHUNK }, { after });
                if (!got) return;
                if (got.length < CHUNK) break;
                after = got[got.length - 1].seq;
            }
            this.dispatch({ type: "log_fresh", thread, asked });
        });
    }

    // Seqs have no holes on the server: one here means that something was missed. Ask for it.
    fillGap(thread) {
        const log = this.db.logs.get(thread);
        const after = log && log.next !== undefined ? gapAfter(log) : null;
        if (after === null) return;
        const key = "gap " + thread;
        if (this.requests.has(key)) return; // whoever asks looks once more at the end
        let got;
        this.once(key, async () => {
            got = await this.messages(thread, { after, limit: CHUNK }, { after });
        }).then(() => {
            const now = this.db.logs.get(thread);
            if (got?.length && now && gapAfter(now) !== after) this.fillGap(thread);
        });
    }

    // --- what a person does ---------------------------------------------------------------------

    // The thread was seen up to its end.
    read(thread) {
        const t = this.db.threads.get(thread);
        if (!t || !t.last_seq || t.merged_into) return;
        if (!t.unread && t.agent_read_seq >= t.last_seq && !isCalled(this.db, thread)) return;
        const now = Date.now();
        const said = this.readSaid;
        if (said && said.thread === thread && said.seq >= t.last_seq && now - said.at < 5000) return;
        if (said && now - said.at < READ_AGAIN_MS && said.thread === thread) {
            clearTimeout(this.readTimer);
            this.readTimer = setTimeout(() => this.read(thread), READ_AGAIN_MS);
            return;
        }
        if (this.connection.send({ type: "read", id: ulid(), thread, seq: t.last_seq }))
            this.readSaid = { thread, seq: t.last_seq, at: now };
    }

    typing(thread, on) {
        const now = Date.now();
        if (on && this.typingIn === thread && now - this.typingAt < TYPING_EVERY_MS) return;
        if (!on && this.typingIn !== thread) return;
        this.typingIn = on ? thread : null;
        this.typingAt = now;
        this.connection.send({ type: "typing", id: ulid(), thread, on });
    }

    // One key for all tries: a change whose answer was lost is not made twice.
    async change(thread, fields) {
        const key = ulid();
        for (let i = 0; ; i++) {
            const asked = this.db.stamp;
            try {
                const answer = await this.api.change(thread, { id: key, ...fields });
                this.dispatch({ type: "thread", thread: answer.thread, asked });
                return;
            } catch (e) {
                const again = e.status === 0 || e.status === 503 || e.status === 504;
                if (!again || i >= 2) throw this.failed(e);
                await new Promise((done) => setTimeout(done, 500 * 2 ** i));
            }
        }
    }

    async changeClient(id, fields) {
        const asked = this.db.stamp;
        const { client } = await this.api.changeClient(id, fields).catch((e) => {
            throw this.failed(e);
        });
        this.dispatch({ type: "client", client, asked });
    }

    async merge(into, from) {
        const asked = this.db.stamp;
        const { client } = await this.api.merge(into, from).catch((e) => {
            throw this.failed(e);
        });
        this.dispatch({ type: "client", client, asked });
        this.loadClient(into);
    }

    // A delivery that the gateway gave up goes back into its queue: the same message, the same id.
    // False when it is not among those (any more).
    async retryDelivery(message) {
        let cursor;
        for (let i = 0; i < 10; i++) {
            const page = await this.api.dead(cursor, "out:" + message.channel).catch((e) => {
                throw this.failed(e);
            });
            const found = page.dead.find((d) => d.message === message.id ||
                (d.thread === message.thread && d.seq === message.seq && d.target === message.channel));
            if (found) {
                await this.api.retryDead(found.id);
                return true;
            }
            cursor = page.next;
            if (!cursor) return false;
        }
        return false;
    }

    // given: the composer must take it over; otherwise it comes from there. html: its formatting, null none.
    draft(thread, text, note, { given = false, html = null } = {}) {
        this.dispatch({ type: "draft", thread, text, note, given, html });
        this.keeps.changed(thread);
        this.store.flush();
    }

    // What the next message of the thread is beside its words: {reply, edit, choices, request}.
    compose(thread, fields) {
        this.dispatch({ type: "compose", thread, fields });
        this.store.flush();
    }
}
