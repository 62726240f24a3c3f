// fuzz.mjs - agents at their pages go offline and come back while others act, by random schedules; then each page must be what
// the gateway says: threads, numbers, messages, statuses. Run by run.py.
// Usage: node fuzz.mjs '{"url", "cookies": {name: cookie}, "seed", "schedules", "steps", "patience", "master": pid}'
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { listKey } from "../../gateway/ui/inbox/lists.mjs";
import { shownStatus } from "../../gateway/ui/inbox/log.mjs";
import { Page, sleep } from "./page.mjs";

const given = JSON.parse(process.argv[2]);
const { url, cookies, master } = given;
const VIEWS = ["open", "mine", "unassigned", "snoozed", "closed", "all"];
const LABELS = ["vip", "a b", "<i>"];
const PEOPLE = 3;
const FIRST_PAGE = 50;

// mulberry32: the same numbers for the same seed.
function numbers(seed) {
    let a = seed >>> 0;
    return () => {
        a = (a + 0x6d2b79f5) >>> 0;
        let t = Math.imul(a ^ (a >>> 15), 1 | a);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}

// --- what stands at the gateway ---

const witness = Object.fromEntries(Object.entries(cookies).map(([name, cookie]) => [name, new Page(url, name, cookie)]));
const others = witness.admin.api;

async function everyMessage(api, thread) {
    let all = [], before;
    do {
        const page = await api.messages(thread, { before, limit: 200 });
        all = [...page.messages, ...all];
        before = page.next;
    } while (before);
    return all;
}

async function hook(address, text, id) {
    const answer = await witness.admin.raw("/hooks/loopback/test", { method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ from: { address, name: address }, id, text }) });
    return JSON.parse(await answer.text());
}

function killWorker(random) {
    const children = readFileSync(`/proc/${master}/task/${master}/children`, "utf8").trim().split(/\s+/);
    const workers = children.filter((pid) => {
        try {
            return !/redis|valkey/.test(readFileSync(`/proc/${pid}/comm`, "utf8"));
        } catch {
            return false;
        }
    });
    const pid = Number(workers[Math.floor(random() * workers.length)]);
    if (pid) process.kill(pid, "SIGKILL");
}

// --- what happens ---

class Schedule {
    constructor(seed, steps) {
        Object.assign(this, { seed, steps, random: numbers(seed), told: [], running: [], n: 0 });
        this.pages = Object.keys(cookies).map((name) => new Page(url, name, cookies[name]));
    }

    pick(list) {
        return list[Math.floor(this.random() * list.length)];
    }

    // A deed of a person's: a refusal, or the network's loss, is told to him and is no failure here.
    does(promise) {
        this.running.push(Promise.resolve(promise).catch(() => {}));
    }

    say(...words) {
        this.told.push(words.join(" "));
    }

    async begin() {
        this.threads = [];
        for (let i = 0; i < PEOPLE; i++) this.threads.push((await until(() => hook(`p${this.seed}-${i}`, "hello", `h${this.seed}-${i}`), "a client's word")).thread);
        for (const page of this.pages) page.begin();
        await until(() => this.pages.every((p) => p.desk.connection.isOnline()), "the pages to be online");
    }

    message(page) {
        const logs = [...page.db.logs.values()].filter((l) => l.items.length);
        return logs.length ? this.pick(this.pick(logs).items) : null;
    }

    // deed(page, thread, name): what it does is in its name.
    deeds = {
        writes: (page, thread) => {
            const who = this.threads.indexOf(thread);
            this.does(hook(`p${this.seed}-${who}`, `word ${++this.n}`, `w${this.seed}-${this.n}`));
        },
        answers: (page, thread) => page.desk.sender.send(thread, { text: `answer ${++this.n} of ${page.name}`, note: false, attachments: [] }),
        notes: (page, thread) => page.desk.sender.send(thread, { text: `note ${++this.n} @${this.pick(Object.keys(cookies))}`, note: true, attachments: [] }),
        opens: (page, thread) => page.desk.show({ page: "inbox", view: page.db.route.view, thread, filter: page.db.route.filter }),
        looks: (page) => {
            const filter = this.pick([undefined, undefined, { label: this.pick(LABELS) }, { assignee: this.pick(Object.keys(cookies)) }, { channel: "test" }]);
            page.desk.show({ page: "inbox", view: this.pick(VIEWS), thread: page.db.route.thread, filter });
        },
        reads: (page, thread) => page.desk.read(thread),
        assigns: (page, thread) => this.does(page.desk.change(thread, { assignee: this.pick([...Object.keys(cookies), null]) })),
        turns: (page, thread) => this.does(page.desk.change(thread, { state: this.pick(["open", "closed"]) })),
        snoozes: (page, thread) => this.does(page.desk.change(thread, { state: "snoozed", snooze_until: new Date(Date.now() + 3600000).toISOString() })),
        labels: (page, thread) => this.does(page.desk.change(thread, { labels: LABELS.filter(() => this.random() < 0.4) })),
        blocks: (page, thread) => this.does(page.desk.change(thread, { blocked: this.random() < 0.5 })),
        renames: (page, thread) => {
            const client = page.db.threads.get(thread)?.client.id;
            if (client) this.does(page.desk.changeClient(client, { name: `Name ${++this.n}` }));
        },
        reacts: (page) => {
            const m = this.message(page);
            if (m) this.does(page.desk.changes.react(m, this.pick(["👍", "🔥", ""])));
        },
        edits: (page) => {
            const m = this.message(page);
            if (m?.direction === "out" && m.from?.agent === page.name) this.does(page.desk.changes.edit(m, `edited ${++this.n}`));
        },
        removes: (page) => {
            const m = this.message(page);
            if (m?.direction === "out" && m.from?.agent === page.name) this.does(page.desk.changes.remove(m));
        },
        merges: (page, thread) => {
            const [a, b] = [thread, this.pick(this.threads)].map((t) => page.db.threads.get(t)?.client.id);
            if (a && b && a !== b && this.random() < 0.3) this.does(page.desk.merge(a, b));
        },
        leaves: (page) => {
            const told = this.random() < 0.7;
            this.say(told ? "(told)" : "(without a word)");
            page.goOffline(told);
            if (this.random() < 0.2) {
                this.say("(for very long)");
                page.forget();
            }
        },
        returns: (page) => page.offline && page.goOnline(),
        kills: () => this.random() < 0.15 && master && killWorker(this.random),
    };

    async run() {
        await this.begin();
        const weights = { writes: 6, answers: 4, opens: 4, looks: 3, leaves: 4, returns: 4, reads: 2, assigns: 2, turns: 2 };
        const names = Object.keys(this.deeds).flatMap((name) => Array(weights[name] ?? 1).fill(name));
        for (let i = 0; i < this.steps; i++) {
            const name = this.pick(names), page = this.pick(this.pages), thread = this.pick(this.threads);
            this.say(`${page.name}${page.offline ? " (offline)" : ""} ${name} p${this.threads.indexOf(thread)}`);
            this.deeds[name](page, thread);
            if (this.random() < 0.5) await sleep(this.random() * 12);
        }
        for (const page of this.pages) if (page.offline) page.goOnline();
        await Promise.all(this.running);
        await this.compare();
    }

    // What was refused because somebody else had answered waits for a person's word: he takes it back.
    drop(page) {
        for (const e of page.db.outbox) if (e.state === "failed") page.desk.sender.drop(e.key);
    }

    async compare() {
        let wrong = "";
        await until(async () => {
            for (const page of this.pages) {
                this.drop(page);
                wrong = await difference(page);
                if (wrong) {
                    wrong = `${page.name}'s page: ${wrong}`;
                    return false;
                }
            }
            return true;
        }, () => wrong);
    }

    async end() {
        for (const page of this.pages) page.end();
        for (const thread of this.threads)
            await others.change(thread, { state: "closed", labels: [], assignee: null, blocked: false }).catch(() => {}); // it was merged
    }
}

async function until(what, why) {
    const end = Date.now() + 15000 * given.patience;
    for (;;) {
        let failure = "";
        try {
            const got = await what();
            if (got) return got;
        } catch (e) {
            failure = String(e.stack ?? e);
        }
        if (Date.now() > end) throw new Error(`waited in vain for ${typeof why === "function" ? why() : why} ${failure}`);
        await sleep(15);
    }
}

// --- is the page what the gateway says? ---

const short = (v) => (JSON.stringify(v) ?? "nothing").slice(0, 700);

function unlike(what, seen, true_) {
    if (isDeepStrictEqual(seen, true_)) return "";
    if (seen && true_ && typeof seen === "object" && !Array.isArray(seen)) {
        const keys = [...new Set([...Object.keys(seen), ...Object.keys(true_)])].filter((k) => !isDeepStrictEqual(seen[k], true_[k]));
        return `${what}: ${keys.map((k) => `${k} is ${short(seen[k])}, should be ${short(true_[k])}`).join("; ")}`;
    }
    return `${what} is ${short(seen)}, should be ${short(true_)}`;
}

async function unlikeList(db, list, api) {
    const { threads, next } = await api.threads({ view: list.view, ...list.filter, limit: FIRST_PAGE });
    const wanted = threads.map((t) => t.id);
    const there = list.ids.slice(0, FIRST_PAGE);
    if (list.next === null && next === null && list.ids.length !== wanted.length) return `the list ${list.key} has ${short(list.ids)}, should have ${short(wanted)}`;
    const n = Math.min(there.length, wanted.length);
    if (n < wanted.length && list.next === null) return `the list ${list.key} has ${n} threads, should have ${wanted.length}`;
    return unlike(`the list ${list.key}`, there.slice(0, n), wanted.slice(0, n)) ||
        threads.slice(0, n).map((t) => unlike(`the thread ${t.id} of the list ${list.key}`, db.threads.get(t.id), t)).find(Boolean) || "";
}

// A message as it is shown: how far it got follows from the thread's marks, too.
function shown(m, thread) {
    if (m?.direction === "in" && m.seq <= thread.agent_read_seq) return { ...m, status: "read" };
    return m && { ...m, status: shownStatus(m, thread) };
}

async function unlikeLog(db, log, api) {
    const messages = await everyMessage(api, log.thread);
    const from = log.items[0]?.seq ?? 0;
    if (log.next === null && from !== messages[0]?.seq) return `the log of ${log.thread} begins with ${from}, not with ${messages[0]?.seq}`;
    const wanted = messages.filter((m) => m.seq >= from);
    const thread = db.threads.get(log.thread);
    const bad = wanted.find((m, i) => !isDeepStrictEqual(shown(m, thread), shown(log.items[i], thread)));
    if (bad) return unlike(`message ${bad.seq} of ${log.thread}`, shown(log.items.find((m) => m.seq === bad.seq), thread), shown(bad, thread));
    return log.items.length === wanted.length ? "" : `the log of ${log.thread} has ${log.items.length} messages, should have ${wanted.length}`;
}

async function difference(page) {
    const { db, name } = page;
    const { api } = witness[name];
    if (db.phase !== "app" || !page.desk.connection.isOnline()) return `is not online: ${db.phase}, ${page.desk.connection.state}`;
    if (db.outbox.length) return `not sent: ${short(db.outbox)}`;
    const { view, filter, thread } = db.route;
    const list = db.lists.get(listKey(view, filter));
    if (!list?.loaded || list.stale || list.error) return `the list on the screen is ${short({ ...list, ids: undefined })}`;
    // What was looked at before is shown at once when it is looked at again.
    for (const each of db.lists.values()) {
        const bad = each.loaded && !each.stale && await unlikeList(db, each, api);
        if (bad) return bad;
    }
    for (const log of db.logs.values()) {
        if (log.thread === thread && (log.next === undefined || log.stale || log.error)) return `the log on the screen is ${short({ ...log, items: undefined })}`;
        const bad = log.next !== undefined && !log.stale && await unlikeLog(db, log, api);
        if (bad) return bad;
        const { thread: now, client } = await api.thread(log.thread);
        const wrong = unlike(`the thread ${log.thread}`, db.threads.get(log.thread), now) ||
            (log.thread === thread && client && unlike(`the client's name`, db.clients.get(client.id)?.name, client.name));
        if (wrong) return wrong;
    }
    const { counts } = await api.counts();
    return unlike("the numbers", db.counts, counts);
}

// --- all of them ---

let current = null;
process.on("unhandledRejection", (e) => {
    console.log(`seed ${current?.seed}: nobody took care of ${e?.stack ?? e}`);
    process.exit(1);
});
let connects = 0, resets = 0, steps = 0;
for (let i = 0; i < given.schedules; i++) {
    if (i && i % 100 === 0) console.error(`${i} schedules, all equal`);
    const seed = given.seed + i;
    const s = new Schedule(seed, given.steps);
    current = s;
    try {
        await s.run();
    } catch (e) {
        console.log(`seed ${seed}: ${e.message}\n${s.told.map((line) => "  " + line).join("\n")}`);
        process.exit(1);
    }
    await s.end();
    steps += given.steps;
    for (const page of s.pages) {
        connects += page.connects;
        resets += page.resets;
    }
}
console.log(`schedules ${given.schedules}, from seed ${given.seed}: ${steps} steps, ${connects} connections, ${resets} resets, every screen equal`);
process.exit(0);
