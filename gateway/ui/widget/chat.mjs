// chat.mjs - one visitor's chat: messages, what is not sent yet, ticks, typing, unread. Fed by the
// socket, kept by the bridge, drawn by the views. A message is sent again under its own cid until
// the server has acknowledged it, and the server makes it one. They go one after the other, so that
// one which must be sent again is not overtaken.
import { ulid } from "../shared/ids.mjs";
import { webAddress } from "../shared/links.mjs";
import { Socket } from "./socket.mjs";
import { Uploads } from "./uploads.mjs";

const TYPING_SEND_MS = 3000;
const TYPING_SHOW_MS = 6000;
const ANSWER_MS = 15000;
const WAIT_MAX_MS = 600000;
const OUTBOX_MAX = 50;
const DOOR_MS = 10000;
const NOTES_MAX = 20;

// What the page keeps for us: a text, or nothing; what cannot be read is nothing.
function readSaved(text) {
    try {
        while (typeof text === "string" && text) text = JSON.parse(text);
    } catch {
        return {};
    }
    return text && typeof text === "object" ? text : {};
}

export class Chat {
    constructor(bridge) {
        this.bridge = bridge;
        this.listeners = new Set();
        this.version = 0;
        this.open = false;
        this.user = undefined;
        this.page = {};
        this.options = {};
        this.limits = { text: 4000, file_bytes: 20 << 20, files: 5 };
        this.uploads = new Uploads(this);
        this.clear();
        document.addEventListener("visibilitychange", () => this.tellRead());
    }

    clear() {
        this.token = undefined;
        this.cursor = undefined;
        this.epoch = undefined;
        this.messages = []; // ascending by seq
        clearTimeout(this.sendTimer);
        this.outbox = []; // {cid, text, files, at, state: "sending" | "failed", detail}, the oldest first
        this.asked = null; // the cid that went out on this socket and has no answer yet
        this.sendAt = 0; // not before: the server asked for patience
        this.read = 0; // seen by the visitor
        this.agentsRead = 0;
        this.next = 1; // older messages end before this one
        this.more = false;
        this.loadingOlder = false;
        this.typing = false;
        this.agentsOnline = null;
        this.state = "idle"; // idle | connecting | live | waiting | closed
        this.refused = null; // why the chat cannot be used
        this.loaded = false; // the first ready came
        this.doors = []; // messengers where the dialogue may go on: {connector, title}
        clearTimeout(this.leaveTimer);
        this.form = null; // what he said of himself: {name, email, phone}
        this.formAsked = false; // ... and the server has not answered yet
        this.formWrong = ""; // the field that the server does not take
        this.lacks = ""; // what the server wants before the first message
        this.byEmail = false; // an e-mail channel stands
        this.closed = false; // an agent has ended the talk
        this.rated = 0; // the talk up to this seq was rated, or he did not want to
        this.notes = []; // ratings and events that are not noted yet: {type, cid, ...}, the oldest first
        this.leaving = null; // {id, connector, title, state: "asked" | "open" | "blocked" | "failed", url}
        this.uploads.clear();
    }

    subscribe(fn) {
        this.listeners.add(fn);
        return () => this.listeners.delete(fn);
    }

    changed() {
        this.version++;
        for (const fn of this.listeners) fn();
    }

    /* --- from the page that frames us ------------------------------------------------------------ */

    start({ saved: text, page, user, open }) {
        if (this.socket) return;
        const saved = readSaved(text);
        this.page = page;
        this.user = user;
        this.token = saved.token;
        this.read = saved.read ?? 0;
        this.consented = saved.consent;
        this.form = saved.form ?? null;
        this.rated = saved.rated ?? 0;
        this.notes = saved.notes ?? [];
        this.mute = !!saved.mute;
        this.outbox = (saved.outbox ?? []).map((m) => ({ ...m, state: m.state === "failed" ? "failed" : "sending" }));
        const scheme = location.protocol === "https:" ? "wss://" : "ws://";
        this.socket = new Socket(scheme + location.host + "/ws/visitor", {
            hello: () => this.hello(),
            onFrame: (f) => this.heard(f),
            onState: (state, code) => this.onState(state, code),
        });
        if (open) this.setOpen(true);
        else if (this.token || this.outbox.length) this.socket.start();
        this.changed();
    }

    setOpen(on) {
        this.open = on;
        if (on) this.socket?.start();
        else this.stopTyping();
        this.tellRead();
        this.changed();
    }

    setUser(user) {
        this.user = user;
        this.socket?.again();
    }

    // Forgets everything that this browser has of the visitor: for shared computers and sign-outs.
    reset() {
        this.user = undefined;
        this.clear();
        this.consented = undefined;
        this.save();
        this.socket?.stop();
        if (this.open) this.socket?.start();
        this.changed();
    }

    save() {
        const data = {};
        if (this.token) data.token = this.token;
        if (this.read) data.read = this.read;
        if (this.consented) data.consent = this.consented;
        if (this.form) data.form = this.form;
        if (this.rated) data.rated = this.rated;
        if (this.notes.length) data.notes = this.notes;
        if (this.mute) data.mute = true;
        if (this.outbox.length) data.outbox = this.outbox.map(({ cid, text, files, at, state }) => ({ cid, text, files, at, state }));
        this.bridge.say("save", Object.keys(data).length ? JSON.stringify(data) : "");
    }

    /* --- the socket -------------------------------------------------------------------------------- */

    hello() {
        const page = { ...this.page, locale: navigator.language };
        try {
            page.timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;
        } catch {
            /* unknown then */
        }
        if (this.consented) page.consent = this.consented;
        const f = { type: "hello", v: 1, site: this.options.site, page };
        if (this.token) f.token = this.token;
        if (this.user) f.user = this.user;
        if (this.form) f.form = this.form;
        if (this.cursor !== undefined) f.cursor = this.cursor;
        if (this.epoch) f.epoch = this.epoch;
        return f;
    }

    onState(state, code) {
        this.state = state;
        if (state !== "live") this.typing = false;
        if (state !== "live") this.asked = this.noteAsked = null;
        this.changed();
        if (state !== "waiting") return;
        if (code === 4401) {
            const named = this.user;
            this.token = this.cursor = this.epoch = undefined;
            this.save();
            if (!named || this.identityFailed !== named) {
                this.identityFailed = named;
                return "now";
            }
        }
        if (code === 4403 || code === 1008 || code === 4401) {
            this.refused = code;
            this.changed();
            return "stop";
        }
    }

    heard(f) {
        const handler = {
            ready: this.onReady, msg: (m) => this.onMessage(m.message), ack: this.onAck, nack: this.onNack,
            history: this.onHistory, continue: this.onContinue, typing: this.onTyping, status: this.onStatus,
            online: (m) => { this.agentsOnline = m.on; },
            form: this.onForm, noted: this.onNoted, state: (m) => { this.closed = m.closed; },
            error: this.onError,
        }[f.type];
        handler?.call(this, f);
        if (f.cid && f.cid === this.asked && f.type !== "msg") {
            this.asked = null;
            this.sendNext();
        }
        this.changed();
    }

    onReady(f) {
        if (f.reset || (this.epoch && f.epoch !== this.epoch)) {
            this.messages = [];
            this.more = false;
        }
        this.token = f.token;
        this.epoch = f.epoch;
        this.toldDelivered = this.toldRead = 0; // said again: it may have been lost
        this.agentsOnline = f.online;
        this.opensAt = f.opens_at ?? "";
        this.agentsRead = Math.max(f.read_seq, 0);
        this.limits = f.limits;
        this.doors = Array.isArray(f.continue) ? f.continue : [];
        this.refused = null;
        this.loaded = true;
        this.closed = !!f.closed;
        this.byEmail = !!f.by_email;
        this.lacks = f.lacks ?? "";
        this.formAsked = false;
        for (const m of f.messages) this.put(m);
        if (this.cursor === undefined || f.reset || f.more) {
            this.more = f.more;
            this.next = f.next;
        }
        this.cursor = f.cursor;
        this.save();
        this.sendAt = 0;
        this.sendNext();
        this.tellDelivered();
        this.tellRead();
        this.uploads.resume();
        this.sendNotes();
    }

    // In its place by seq; what we had of it (our own, from the ack) is replaced.
    put(m) {
        if (m.cid) this.outbox = this.outbox.filter((o) => o.cid !== m.cid);
        let i = this.messages.length;
        while (i > 0 && this.messages[i - 1].seq > m.seq) i--;
        const same = i > 0 && this.messages[i - 1].seq === m.seq;
        const old = same ? this.messages[i - 1] : null;
        this.messages = [...this.messages.slice(0, same ? i - 1 : i), { ...m, key: old?.key ?? m.cid ?? m.id }, ...this.messages.slice(i)];
    }

    onMessage(m) {
        this.put(m);
        this.cursor = Math.max(this.cursor ?? 0, m.seq);
        if (m.direction === "out") {
            this.typing = false;
            this.tellDelivered();
            this.tellRead();
            if (!this.mute && (!this.open || document.visibilityState !== "visible")) this.ring?.();
            if (!this.open) this.bridge.say("peek", { name: m.from.name, text: m.text || m.attachments?.[0]?.name || "" });
            this.bridge.say("message");
        }
        this.save();
    }

    onAck(f) {
        const m = this.outbox.find((o) => o.cid === f.cid);
        if (!m) return;
        this.put({ id: f.id, seq: f.seq, at: f.at, cid: f.cid, direction: "in", text: m.text, attachments: m.files,
            from: { kind: "visitor", name: "" }, status: "received" });
        this.save();
        this.bridge.say("sent");
        this.sendNotes();
    }

    onNack(f) {
        const m = this.outbox.find((o) => o.cid === f.cid);
        if (!m) return;
        if (f.code === "denied") this.socket.again(); // it asks for something first: the next ready says what
        if (["too_many", "unavailable", "timeout"].includes(f.code)) {
            this.sendAt = Date.now() + Math.min(f.retry_after_ms ?? 3000, WAIT_MAX_MS);
        } else {
            m.state = "failed";
            m.detail = f.detail;
            this.save();
        }
    }

    onHistory(f) {
        this.loadingOlder = false;
        this.more = f.more;
        this.next = f.next;
        for (const m of f.messages) this.put(m);
        if (!f.messages.length && f.more) this.older();
    }

    // The way into the messenger, good once and for this visitor only.
    onContinue(f) {
        const url = webAddress(f.url);
        if (!url || f.id !== this.leaving?.id) return;
        clearTimeout(this.leaveTimer);
        const tab = window.open(url, "_blank");
        if (tab) tab.opener = null;
        this.leaving = { ...this.leaving, state: tab ? "open" : "blocked", url };
    }

    onError(f) {
        console.warn("chat:", f.code, f.detail);
        if (this.formAsked) {
            this.formAsked = false;
            this.formWrong = /^(name|email|phone):/.exec(f.detail ?? "")?.[1] ?? "form";
            this.form = this.formBefore ?? null;
            this.save();
        } else if (this.noteAsked) {
            this.dropNote(this.noteAsked); // refused: it would be again
        }
        if (this.leaving?.state === "asked") this.leaveFailed();
    }

    onTyping(f) {
        this.typing = f.on;
        clearTimeout(this.typingEnd);
        if (f.on)
            this.typingEnd = setTimeout(() => {
                this.typing = false;
                this.changed();
            }, TYPING_SHOW_MS);
    }

    onStatus(f) {
        if (f.status === "read") this.agentsRead = Math.max(this.agentsRead, f.upto);
    }

    /* --- what the visitor does ------------------------------------------------------------------------ */

    send(text, files) {
        const m = { cid: ulid(), text, files, at: new Date().toISOString(), state: "sending" };
        this.outbox = [...this.outbox, m];
        this.stopTyping();
        this.save();
        this.sendNext();
        this.changed();
    }

    isFull() {
        return this.outbox.length >= OUTBOX_MAX;
    }

    // The oldest that waits, unless one is on its way. No answer in time: the line is not to be trusted.
    sendNext() {
        const m = this.outbox.find((o) => o.state === "sending");
        clearTimeout(this.sendTimer);
        if (!m || this.asked || this.state !== "live") return;
        const pause = this.sendAt - Date.now();
        if (pause > 0) {
            this.sendTimer = setTimeout(() => this.sendNext(), pause);
            return;
        }
        const f = { type: "msg", cid: m.cid };
        if (m.text) f.text = m.text;
        if (m.files?.length) f.attachments = m.files.map((a) => a.id);
        if (!this.socket.send(f)) return;
        this.asked = m.cid;
        this.sendTimer = setTimeout(() => this.socket.again(), ANSWER_MS);
    }

    retry(cid) {
        const m = this.outbox.find((o) => o.cid === cid);
        if (!m) return;
        m.state = "sending";
        this.sendNext();
        this.changed();
    }

    discard(cid) {
        this.outbox = this.outbox.filter((o) => o.cid !== cid);
        this.save();
        this.changed();
    }

    older() {
        if (this.loadingOlder || !this.more) return;
        this.loadingOlder = this.socket.send({ type: "history", before: this.next, limit: 50 });
        this.changed();
    }

    typed() {
        const now = Date.now();
        if (now - (this.typedAt ?? 0) < TYPING_SEND_MS) return;
        if (this.socket?.send({ type: "typing", on: true })) this.typedAt = now;
        clearTimeout(this.typedEnd);
        this.typedEnd = setTimeout(() => this.stopTyping(), TYPING_SHOW_MS);
    }

    stopTyping() {
        clearTimeout(this.typedEnd);
        if (this.typedAt) this.socket?.send({ type: "typing", on: false });
        this.typedAt = 0;
    }

    // Asks for the way into a messenger; the same dialogue goes on there.
    continueIn({ connector, title }) {
        const id = ulid();
        const asked = this.socket?.send({ type: "continue", id, connector });
        this.leaving = { id, connector, title, state: asked ? "asked" : "failed" };
        clearTimeout(this.leaveTimer);
        if (asked) this.leaveTimer = setTimeout(() => this.leaveFailed(), DOOR_MS);
        this.changed();
    }

    leaveFailed() {
        clearTimeout(this.leaveTimer);
        this.leaving = { ...this.leaving, state: "failed" };
        this.changed();
    }

    consent(version) {
        this.consented = version;
        this.save();
        this.socket?.send({ type: "form", consent: version });
        this.changed();
    }

    // What he says of himself; goes with each hello too, so that a lost frame loses nothing.
    fillForm(form) {
        this.formBefore = this.form;
        this.form = { ...this.form, ...form };
        this.formWrong = "";
        this.formAsked = !!this.socket?.send({ type: "form", ...this.form });
        this.save();
        this.changed();
    }

    onForm(f) {
        this.formAsked = false;
        this.lacks = f.lacks ?? "";
    }

    /* --- ratings and events: each until the server has noted it ---------------------------------------- */

    note(note) {
        if (this.notes.length >= NOTES_MAX) return;
        this.notes = [...this.notes, { ...note, cid: ulid() }];
        this.save();
        this.sendNotes();
        this.changed();
    }

    // They belong to a dialogue: before his first message they wait.
    sendNotes() {
        const next = this.notes[0];
        if (next && next.cid !== this.noteAsked && this.messages.length && this.socket?.send(next)) this.noteAsked = next.cid;
    }

    onNoted(f) {
        this.dropNote(f.cid);
    }

    dropNote(cid) {
        this.notes = this.notes.filter((n) => n.cid !== cid);
        this.noteAsked = undefined;
        this.save();
        this.sendNotes();
    }

    // Since he was last asked somebody has answered, and then ended the talk.
    asksRating() {
        return !!this.options.rating && this.closed && this.lastOut() > this.rated;
    }

    rate(score, text) {
        this.rated = this.lastOut();
        if (score) {
            this.note(text ? { type: "rate", score, text } : { type: "rate", score });
            this.bridge.say("rated", score);
        }
        this.save();
        this.changed();
    }

    setMute(on) {
        this.mute = on;
        this.save();
        this.changed();
    }

    /* --- ticks ------------------------------------------------------------------------------------------- */

    lastOut() {
        for (let i = this.messages.length - 1; i >= 0; i--) if (this.messages[i].direction === "out") return this.messages[i].seq;
        return 0;
    }

    tellDelivered() {
        const upto = this.lastOut();
        if (upto > (this.toldDelivered ?? 0) && this.socket.send({ type: "delivered", upto })) this.toldDelivered = upto;
    }

    tellRead() {
        const upto = this.lastOut();
        const seen = this.open && document.visibilityState === "visible";
        if (seen && upto > this.read) {
            this.read = upto;
            this.save();
        }
        if (seen && upto && upto > (this.toldRead ?? 0) && this.socket?.send({ type: "read", upto })) this.toldRead = upto;
        this.bridge.say("unread", this.messages.filter((m) => m.direction === "out" && m.seq > this.read).length);
    }
}
