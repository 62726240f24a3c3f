// store.mjs - all that the page knows, in one place, changed only by actions. The socket feeds it
// events, the API answers, the person's deeds. Things inside are replaced, never edited, when they
// change, so that "is it the same object" tells whether to draw again. No DOM, no network here.
import { addPage, belongs, listKey, makeList, membersOf, place } from "./lists.mjs";
import { addMessages, findSeq, gapAfter, makeLog, newestOf, setAhead, withSolid } from "./log.mjs";
import * as outbox from "./outbox.mjs";
import { PRESETS } from "./preferences.mjs";

const SETTLED_MAX = 200;
export const TYPING_MS = 6000;

export function makeState() {
    return {
        phase: "loading", // loading, signin, password, app, failed
        me: null,
        version: "",
        conn: { state: "connecting", storeUp: true, since: 0 },
        online: [],
        agents: [],
        channels: [],
        counts: {},
        viewCounts: {}, // saved view id -> threads
        views: [], // saved: {id, name, view, channel, assignee, label}
        canned: [],
        preferences: PRESETS,
        outdated: false, // the gateway has a newer page than this
        teams: [],
        viewers: new Map(), // thread -> names of those who look at it
        countsStale: false,
        threads: new Map(),
        clients: new Map(),
        lists: new Map(),
        logs: new Map(),
        outbox: [],
        settled: [], // "thread:seq" of own messages whose answer has come
        typing: new Map(), // thread -> Map(who -> until ms)
        drafts: new Map(), // thread -> {text, note, html, at: when it was changed}
        drafted: 0, // numbers the drafts that were given
        compose: new Map(), // thread -> {reply, edit: messages; choices: [text], request: "contact";
        // mail: subject, cc, bcc: as typed, all: it goes to all}
        uploads: new Map(), // thread -> [upload]
        toasts: [],
        stamp: 0, // moves with every event
        stamps: new Map(), // thread or client id -> stamp of the last event about it
        route: { page: "inbox", view: "open" },
        search: null, // {q, loading, hits, error}
        marks: new Map(), // thread -> seq after which messages are new since it was opened
    };
}

const me = (db) => db.me?.name;
const withMembers = (db, list) => ({ ...list, members: membersOf(db.teams, list.filter.assignee) });

// --- threads and clients ------------------------------------------------------------------------

// asked: the stamp when the request went out, undefined for events. An answer that is older than
// what events told meanwhile is dropped.
function putThread(db, thread, asked) {
    const old = db.threads.get(thread.id);
    if (asked !== undefined) {
        const newer = (db.stamps.get(thread.id) ?? 0) > asked;
        if (newer && (!old || thread.last_seq <= old.last_seq)) return; // without an old one it is gone
        if (old && thread.last_seq < old.last_seq) return;
    }
    if (asked === undefined) {
        if (old && thread.last_seq < old.last_seq) return;
        db.stamps.set(thread.id, db.stamp);
    }
    // Though nothing is new, a list may have been made by an answer that is older than what is known.
    for (const list of db.lists.values()) {
        const now = place(list, db.threads, old, thread, me(db));
        if (now !== list) db.lists.set(list.key, now);
    }
    if (old && JSON.stringify(old) === JSON.stringify(thread)) return;
    if (!old || old.state !== thread.state || old.assignee !== thread.assignee || old.channel !== thread.channel ||
        old.labels.join("\n") !== thread.labels.join("\n") ||
        old.merged_into !== thread.merged_into) db.countsStale = true;
    db.threads.set(thread.id, thread);
}

function putClient(db, client, asked) {
    const old = db.clients.get(client.id);
    if (asked !== undefined && old && (db.stamps.get(client.id) ?? 0) > asked) return;
    if (asked === undefined) db.stamps.set(client.id, db.stamp);
    // Only a full answer has the card; an event does not take it away.
    db.clients.set(client.id, { ...(old?.card ? { card: old.card } : {}), ...client });
    const thread = db.threads.get(client.thread);
    // Lists know it by its id: one that may be old (nobody told of it while the line was away) must not come back into them.
    if (thread && thread.client.id === client.id && client.name && thread.client.name !== client.name)
        db.threads.set(thread.id, { ...thread, client: { ...thread.client, name: client.name } });
}

// --- messages -----------------------------------------------------------------------------------

function putMessages(db, thread, messages, asked) {
    const settled = (t, seq) => db.settled.includes(t + ":" + seq);
    for (const m of messages) db.outbox = outbox.matched(db.outbox, m, me(db), settled);
    const log = db.logs.get(thread);
    if (!log) return;
    const now = addMessages(log, messages, { stamp: db.stamp, asked });
    if (now !== log) db.logs.set(thread, now);
}

function setLog(db, thread, fields) {
    const log = db.logs.get(thread);
    if (log) db.logs.set(thread, { ...log, ...fields });
}

function stopTyping(db, thread, who) {
    const typers = db.typing.get(thread);
    if (!typers?.has(who)) return;
    const next = new Map(typers);
    next.delete(who);
    db.typing = new Map(db.typing).set(thread, next);
}

// What could not be loaded is to be asked for again.
function again(db) {
    for (const list of db.lists.values()) if (list.error) db.lists.set(list.key, { ...list, error: null, stale: true });
    for (const [id, log] of db.logs)
        if (log.error && log.error.status !== 404) db.logs.set(id, { ...log, error: null, stale: true });
}

// Ids begin with their time.
function newestHit(a, b) {
    const x = (a.match?.message ?? "").slice(0, 10);
    const y = (b.match?.message ?? "").slice(0, 10);
    return x < y ? 1 : x > y ? -1 : 0;
}

// --- actions ------------------------------------------------------------------------------------

const events = {
    message(db, f) {
        if (f.thread?.id) putThread(db, f.thread);
        putMessages(db, f.message.thread, [f.message]);
        if (f.message.mentions?.includes(me(db))) db.countsStale = true;
        if (f.message.direction === "in") stopTyping(db, f.message.thread, "client");
        if (f.message.from?.agent) stopTyping(db, f.message.thread, f.message.from.agent);
    },
    status(db, f) {
        if (f.thread?.id) putThread(db, f.thread);
        const log = db.logs.get(f.message.thread);
        // A change of a message that was not loaded must not make a hole.
        if (log?.items.length && f.message.seq < log.items[0].seq) return setAhead(log, f.message, db.stamp);
        putMessages(db, f.message.thread, [f.message]);
    },
    thread(db, f) {
        putThread(db, f.thread);
        if (db.counts.mentions > 0) db.countsStale = true; // it may be that a note was read
    },
    client(db, f) {
        putClient(db, f.client);
    },
    // The thread is not ours to see any more (or never was).
    gone(db, f) {
        // Of most of those that it never saw nobody has asked.
        if (!db.threads.has(f.thread) && ![...db.lists.values(), ...db.logs.values(), db.search].some((x) => x?.loading)) return;
        for (const list of db.lists.values())
            if (list.ids.includes(f.thread))
                db.lists.set(list.key, { ...list, ids: list.ids.filter((id) => id !== f.thread) });
        db.threads.delete(f.thread);
        db.stamps.set(f.thread, db.stamp);
        setLog(db, f.thread, { items: [], next: undefined, error: { status: 404 } });
        db.countsStale = true;
    },
    typing(db, f) {
        if (f.who === me(db)) return;
        if (!f.on) return stopTyping(db, f.thread, f.who);
        const typers = new Map(db.typing.get(f.thread)).set(f.who, f.now + TYPING_MS);
        db.typing = new Map(db.typing).set(f.thread, typers);
    },
    presence(db, f) {
        db.online = f.online ?? [];
    },
    viewers(db, f) {
        db.viewers = new Map(db.viewers).set(f.thread, f.agents);
    },
    desk() {
        // What it tells of is asked for: keeps.mjs.
    },
    store(db, f) {
        db.conn = { ...db.conn, storeUp: f.up };
        if (f.up) again(db);
    },
};

const actions = {
    event(db, { frame, now }) {
        db.stamp++;
        if (Object.hasOwn(events, frame.type)) events[frame.type](db, { ...frame, now });
    },
    phase(db, { phase }) {
        db.phase = phase;
    },
    signed_in(db, { agent, version }) {
        db.me = agent;
        if (version) db.version = version;
    },
    signed_out(db) {
        const { conn, route, outdated } = db; // the address stays, so what it means does, too
        Object.assign(db, makeState(), { conn, phase: "signin", route, outdated });
    },
    conn(db, { state, at }) {
        // since: when the line was lost or found, however often it was tried in between.
        const same = (state === "online") === (db.conn.state === "online");
        if (db.conn.state !== state)
            db.conn = { ...db.conn, state, since: same ? db.conn.since : at };
        if (state !== "online") {
            db.outbox = outbox.lostSocket(db.outbox);
            db.typing = new Map();
            db.viewers = new Map();
        }
    },
    ready(db, { frame }) {
        again(db);
        if (frame.agent) db.me = frame.agent;
        db.online = frame.online ?? [];
        db.conn = { ...db.conn, storeUp: frame.store !== false };
    },
    // Everything known may be old. replaced: the data behind is another; its numbers mean nothing.
    reset(db, { replaced }) {
        db.stamp++;
        for (const list of db.lists.values()) db.lists.set(list.key, { ...list, stale: true });
        for (const [id, log] of db.logs)
            db.logs.set(id, { ...(replaced ? makeLog(id) : log), stale: true, since: db.stamp });
        if (replaced) {
            db.threads.clear();
            db.clients.clear();
            db.settled = [];
            for (const list of db.lists.values())
                db.lists.set(list.key, { ...withMembers(db, makeList(list.view, list.filter)), stale: true });
        }
        db.countsStale = true;
    },
    counts(db, { counts, views = {} }) {
        const called = db.lists.get(listKey("mentions"));
        if (called && counts.mentions !== (called.next ? db.counts.mentions : called.ids.length)) db.lists.set(called.key, { ...called, stale: true });
        db.counts = counts;
        db.viewCounts = views;
    },
    views(db, { views }) {
        db.views = views;
    },
    canned(db, { canned }) {
        db.canned = canned;
    },
    preferences(db, { preferences }) {
        db.preferences = preferences;
    },
    outdated(db) {
        db.outdated = true;
    },
    teams(db, { teams }) {
        db.teams = teams;
        for (const [key, list] of db.lists) {
            const now = withMembers(db, list);
            if (String(now.members) !== String(list.members)) db.lists.set(key, { ...now, stale: true });
        }
    },
    counts_asked(db) {
        db.countsStale = false;
    },
    agents(db, { agents }) {
        db.agents = agents;
    },

    channels(db, { channels }) {
        db.channels = channels;
    },

    list_open(db, { view, filter }) {
        const key = listKey(view, filter);
        if (!db.lists.has(key)) db.lists.set(key, withMembers(db, makeList(view, filter)));
    },
    list_loading(db, { key, asked }) {
        const list = db.lists.get(key);
        if (list) db.lists.set(key, { ...list, loading: true, error: null, asked });
    },
    list_failed(db, { key, error, asked }) {
        const list = db.lists.get(key);
        if (list && !(asked < list.asked)) db.lists.set(key, { ...list, loading: false, error });
    },
    list_page(db, { key, threads, next, first, asked }) {
        for (const thread of threads) putThread(db, thread, asked);
        const list = db.lists.get(key);
        if (!list || asked < list.asked) return; // a newer request is on its way
        const page = threads.map((t) => db.threads.get(t.id)).filter(Boolean); // one may be gone meanwhile
        const news = new Set([...db.stamps].filter(([id, stamp]) => stamp > asked && db.threads.has(id)).map(([id]) => id));
        const now = addPage(list, db.threads, page, next ?? null, { first, news, me: me(db) });
        db.lists.set(key, { ...now, stale: false });
    },

    thread(db, { thread, client, asked }) {
        if (thread) putThread(db, thread, asked);
        if (client) putClient(db, client, asked);
    },
    client(db, { client, asked }) {
        putClient(db, client, asked);
    },

    log_open(db, { thread }) {
        if (!db.logs.has(thread)) db.logs.set(thread, makeLog(thread));
    },
    log_close(db, { thread }) {
        db.logs.delete(thread);
    },
    log_loading(db, { thread }) {
        setLog(db, thread, { loading: true, error: null });
    },
    log_failed(db, { thread, error }) {
        setLog(db, thread, { loading: false, error });
    },
    // newest: the page reaches the end of the thread. after: the page is what follows that seq.
    log_page(db, { thread, messages, next, asked, newest, after, fresh }) {
        if (fresh) {
            const log = db.logs.get(thread);
            const kept = log ? log.items.filter((m) => (log.stamps.get(m.seq) ?? 0) > asked) : [];
            db.logs.set(thread, { ...makeLog(thread), items: kept, stamps: log?.stamps ?? new Map(), ahead: log?.ahead ?? new Map(),
                stale: log?.stale ?? false, since: log?.since ?? 0 });
        }
        putMessages(db, thread, messages, asked);
        const log = db.logs.get(thread);
        if (!log) return;
        const fields = { loading: false, error: null };
        if (newest ? log.next === undefined || fresh : after === undefined) fields.next = next ?? null;
        if (newest && asked >= log.since) fields.stale = false;
        db.logs.set(thread, { ...log, ...fields });
        if (after !== undefined) {
            const hole = gapAfter(db.logs.get(thread));
            if (hole === after) db.logs.set(thread, withSolid(db.logs.get(thread), after));
        }
    },
    // The newest are kept: a dialogue that is looked at all day does not grow.
    log_cut(db, { thread, keep }) {
        const log = db.logs.get(thread);
        if (log && log.items.length > keep) db.logs.set(thread, newestOf(log, keep));
    },
    log_fresh(db, { thread, asked }) {
        setLog(db, thread, { stale: asked < db.logs.get(thread)?.since, loading: false });
    },
    mark(db, { thread, seq }) {
        db.marks = new Map(db.marks);
        if (seq === null) db.marks.delete(thread);
        else db.marks.set(thread, seq);
    },

    // An answer about one message that is here.
    changed(db, { message, asked }) {
        const log = db.logs.get(message.thread);
        if (log) db.logs.set(message.thread, addMessages(log, [message], { asked }));
    },
    // What it will be, as this page thinks: any word of the server's is better.
    guess(db, { message }) {
        const log = db.logs.get(message.thread);
        if (log && findSeq(log, message.seq)) db.logs.set(message.thread, addMessages(log, [message]));
    },

    outbox_load(db, { entries }) {
        db.outbox = entries;
    },
    outbox_add(db, { entry }) {
        db.outbox = [...db.outbox, entry];
        if (!entry.note) actions.mark(db, { thread: entry.thread, seq: null });
    },
    outbox_started(db, { key }) {
        db.outbox = outbox.started(db.outbox, key);
    },
    outbox_ok(db, { key, message, thread }) {
        const entry = db.outbox.find((e) => e.key === key);
        db.stamp++;
        if (thread) putThread(db, thread);
        if (message) {
            db.settled = [...db.settled, message.thread + ":" + message.seq].slice(-SETTLED_MAX);
            // A guess that tied this message to another entry was wrong.
            db.outbox = db.outbox.map((e) => e.key !== key && e.thread === message.thread &&
                e.seq === message.seq ? { ...e, seq: 0 } : e);
        }
        if (entry) db.outbox = outbox.confirmed(db.outbox, key);
        if (message) {
            const log = db.logs.get(message.thread);
            // Events may have told more of it already; the answer only fills in what is missing.
            if (!log || !findSeq(log, message.seq)) putMessages(db, message.thread, [message]);
        }
    },
    outbox_error(db, { key, error, now }) {
        db.outbox = outbox.refused(db.outbox, key, error, now);
    },
    outbox_retry(db, { key }) {
        db.outbox = outbox.retried(db.outbox, key);
    },
    outbox_anyway(db, { key }) {
        db.outbox = outbox.anyway(db.outbox, key);
    },
    outbox_drop(db, { key }) {
        db.outbox = outbox.confirmed(db.outbox, key);
    },

    drafts(db, { drafts }) {
        db.drafts = drafts;
    },
    // given: somebody else than the composer says what stands there now.
    // html: the same words with their formatting, null without.
    draft(db, { thread, text, note, given, html = null, at = Date.now() }) {
        const rev = given ? ++db.drafted : db.drafts.get(thread)?.rev ?? 0;
        db.drafts = new Map(db.drafts);
        if (text || note || html || given) db.drafts.set(thread, { text, note: Boolean(note), html, rev, at });
        else db.drafts.delete(thread);
    },
    compose(db, { thread, fields }) {
        const now = { ...db.compose.get(thread), ...fields };
        db.compose = new Map(db.compose);
        if (Object.values(now).some((v) => v || v === "")) db.compose.set(thread, now);
        else db.compose.delete(thread);
    },
    uploads(db, { thread, uploads }) {
        db.uploads = new Map(db.uploads);
        if (uploads.length) db.uploads.set(thread, uploads);
        else db.uploads.delete(thread);
    },
    upload(db, { thread, id, fields }) {
        const list = db.uploads.get(thread);
        if (!list?.some((u) => u.id === id)) return;
        db.uploads = new Map(db.uploads).set(
            thread, list.map((u) => (u.id === id ? { ...u, ...fields } : u)));
    },
    route(db, { route }) {
        db.route = route;
    },
    search(db, { search }) {
        db.search = search;
    },
    search_page(db, { q, hits, asked }) {
        if (db.search?.q !== q) return;
        for (const { match, ...thread } of hits) putThread(db, thread, asked);
        db.search = { q, loading: false, error: null,
            hits: hits.map((h) => ({ thread: h.id, match: h.match ?? null })).sort(newestHit) };
    },
    tick(db, { now }) {
        let typing = null;
        for (const [thread, typers] of db.typing) {
            const left = new Map([...typers].filter(([, until]) => until > now));
            if (left.size !== typers.size) typing = (typing ?? new Map(db.typing)).set(thread, left);
        }
        if (typing) db.typing = typing;
    },
    toast(db, { toast }) {
        db.toasts = [...db.toasts.filter((t) => t.text !== toast.text), toast].slice(-3);
    },
    toast_drop(db, { id }) {
        db.toasts = db.toasts.filter((t) => t.id !== id);
    },
};

// One step of the store: pure but for db itself, which it changes.
export function reduce(db, action) {
    if (!Object.hasOwn(actions, action.type)) throw new Error("no such action: " + action.type);
    actions[action.type](db, action);
    return db;
}

// The store that the page uses. schedule: runs a function soon; many actions make one drawing.
export function createStore(schedule = queueMicrotask) {
    const db = makeState();
    const listeners = new Set();
    let scheduled = false;
    const tell = () => {
        if (!scheduled) return;
        scheduled = false;
        for (const fn of [...listeners]) fn(db);
    };
    return {
        db,
        dispatch(action) {
            reduce(db, action);
            if (scheduled) return;
            scheduled = true;
            schedule(tell);
        },
        // Tells now: what a person types or presses must not wait for a frame.
        flush: tell,
        subscribe(fn) {
            listeners.add(fn);
            return () => listeners.delete(fn);
        },
    };
}

export { belongs };
