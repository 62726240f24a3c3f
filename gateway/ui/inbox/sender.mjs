// sender.mjs - carries the outbox over the socket: in order within a thread, again with the same key
// after a loss, until the gateway has said yes or no. What an entry is, outbox.mjs says.
import { ulid } from "../shared/ids.mjs";
import { EXTRAS, due, makeEntry, nextDue } from "./outbox.mjs";
import { lastSeq } from "./log.mjs";

const ANSWER_MS = 15000;

export class Sender {
    constructor(desk) {
        this.desk = desk;
        this.store = desk.store;
        this.answers = new Map(); // key -> timer
    }

    // more: what outbox.mjs calls EXTRAS. An answer takes the channel that was chosen in the composer (useVia), if one was.
    send(thread, { text, note, attachments, ...more }) {
        const { db } = this.store;
        const log = db.logs.get(thread);
        const after = Math.max(db.threads.get(thread)?.last_seq ?? 0, log ? lastSeq(log) : 0);
        const entry = makeEntry({ key: ulid(), thread, text, note, attachments, after,
            at: Date.now(), ...more, channel: more.channel ?? (note ? undefined : this.chosen(thread)) });
        this.store.dispatch({ type: "outbox_add", entry });
        this.flush();
    }

    chosen(thread) {
        const { channel, channelOf } = this.store.db.compose.get(thread) ?? {};
        return channelOf && channelOf === this.store.db.threads.get(thread)?.channel ? channel : undefined;
    }

    retry(key) {
        this.store.dispatch({ type: "outbox_retry", key });
        this.flush();
    }

    anyway(key) {
        this.store.dispatch({ type: "outbox_anyway", key });
        this.flush();
    }

    drop(key) {
        this.store.dispatch({ type: "outbox_drop", key });
        this.flush();
    }

    flush() {
        const { connection, db } = this.desk;
        clearTimeout(this.timer);
        if (!connection.isOnline()) return;
        for (const e of due(db.outbox, Date.now())) {
            const frame = { type: "send", id: e.key, thread: e.thread, note: e.note };
            if (e.text && !e.template) frame.text = e.text;
            if (e.attachments.length) frame.attachments = e.attachments.map((a) => a.id);
            for (const key of EXTRAS) if (e[key]) frame[key] = e[key];
            if (!e.note && !e.anyway) frame.seen = e.after;
            if (!connection.send(frame)) return;
            this.store.dispatch({ type: "outbox_started", key: e.key });
            this.expect(e.key);
        }
        const at = nextDue(db.outbox);
        if (at !== null && at > Date.now())
            this.timer = setTimeout(() => this.flush(), Math.max(50, at - Date.now()));
    }

    // No answer on a line that seems open: the line is not to be trusted.
    expect(key) {
        clearTimeout(this.answers.get(key));
        this.answers.set(key, setTimeout(() => {
            this.answers.delete(key);
            const e = this.store.db.outbox.find((x) => x.key === key);
            if (e?.state === "sending") this.desk.connection.restart();
        }, ANSWER_MS));
    }

    answer(frame) {
        clearTimeout(this.answers.get(frame.id));
        this.answers.delete(frame.id);
        if (!this.store.db.outbox.some((e) => e.key === frame.id)) return;
        if (frame.type === "ok")
            this.store.dispatch({ type: "outbox_ok", key: frame.id, message: frame.message, thread: frame.thread });
        else
            this.store.dispatch({ type: "outbox_error", key: frame.id, now: Date.now(),
                error: { code: frame.code, text: frame.detail, retry_after_ms: frame.retry_after_ms } });
        const thread = frame.message?.thread;
        if (thread && this.store.db.logs.has(thread)) this.desk.fillGap(thread);
        this.flush();
    }

    tooBig() {
        for (const e of this.store.db.outbox)
            if (e.state === "sending")
                this.store.dispatch({ type: "outbox_error", key: e.key, now: Date.now(),
                    error: { code: "too_large" } });
    }
}
