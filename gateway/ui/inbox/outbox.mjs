// outbox.mjs - what this agent sent and the server has not confirmed yet. An entry keeps its key for
// life: however often it goes out, the server makes one message of it. Pure functions over an array.
//
// state: "waiting" (to go out when it can), "sending" (went out on the socket that is open now),
// "failed" (refused; error says why). seq: the message in the thread that is this entry, as far as
// we know: sure after the answer, a guess by content while an event came before the answer.

// What a message may have beside words and files, as the frame has it. A template's words are the
// gateway's: the entry has them only to be shown.
export const EXTRAS = ["channel", "reply_to", "buttons", "request", "location", "contact", "template",
    "subject", "cc", "bcc", "reply_all", "no_quote", "html"];

export function makeEntry({ key, thread, text, note, attachments = [], after, at, ...more }) {
    const extras = Object.fromEntries(EXTRAS.map((name) => [name, more[name]]));
    return { key, thread, text, note: Boolean(note), attachments, ...extras, after, at,
        state: "waiting", tries: 0, notBefore: 0, error: null, seq: 0 };
}

function change(outbox, key, fields) {
    return outbox.map((e) => (e.key === key ? { ...e, ...fields } : e));
}

// The first entry of each thread that was not refused: the others wait for it, so that a thread's order is kept.
function first(outbox) {
    const threads = new Set();
    return outbox.filter((e) => e.state !== "failed" && !threads.has(e.thread) && threads.add(e.thread));
}

// The next entries to go out.
export const due = (outbox, now) => first(outbox).filter((e) => e.state === "waiting" && e.notBefore <= now);

// The earliest moment at which something is to be tried; null when nothing is. What waits behind another has no moment of
// its own.
export function nextDue(outbox) {
    const times = first(outbox).filter((e) => e.state === "waiting").map((e) => e.notBefore);
    return times.length ? Math.min(...times) : null;
}

export function started(outbox, key) {
    const e = outbox.find((x) => x.key === key);
    return e ? change(outbox, key, { state: "sending", tries: e.tries + 1 }) : outbox;
}

// The socket is gone: what had no answer goes out again with the same key.
export function lostSocket(outbox) {
    return outbox.some((e) => e.state === "sending")
        ? outbox.map((e) => (e.state === "sending" ? { ...e, state: "waiting", notBefore: 0 } : e))
        : outbox;
}

export function confirmed(outbox, key) {
    return outbox.filter((e) => e.key !== key);
}

// Refusals that time heals: the entry stays and goes out again by itself.
const TEMPORARY = new Set(["unavailable", "timeout", "too_many", "io"]);

export function refused(outbox, key, error, now) {
    const e = outbox.find((x) => x.key === key);
    if (!e) return outbox;
    const wait = error.retry_after_ms;
    if (wait > 0 || TEMPORARY.has(error.code)) {
        const pause = wait > 0 ? wait : Math.min(30000, 500 * 2 ** Math.min(e.tries, 6));
        return change(outbox, key, { state: "waiting", notBefore: now + pause, error, seq: 0 });
    }
    return change(outbox, key, { state: "failed", error, seq: 0 });
}

export function retried(outbox, key) {
    return change(outbox, key, { state: "waiting", notBefore: 0, error: null });
}

// Others have answered, or are about to: sent all the same.
export function anyway(outbox, key) {
    return change(outbox, key, { state: "waiting", notBefore: 0, error: null, anyway: true });
}

// Is it refused because somebody else answers? Then it may be sent anyway.
export const isSecond = (error) => error?.code === "conflict" &&
    / (is writing an answer in this thread|has answered in this thread meanwhile)$/.test(error.text ?? "");

function sameText(a, b) {
    return (a ?? "").replace(/\r\n/g, "\n").trim() === (b ?? "").replace(/\r\n/g, "\n").trim();
}

const HELD = ["location", "contact", "template"];

function sameFiles(entry, message) {
    const ids = (message.attachments ?? []).map((a) => a.id);
    return ids.length === entry.attachments.length &&
        entry.attachments.every((a) => ids.includes(a.id));
}

// A message came by an event or a page. If it is what an entry on its way looks like, the entry is
// tied to it, so that it is not shown twice until the answer settles it. settled(seq): the answer
// of another entry has already claimed that message.
export function matched(outbox, message, me, settled) {
    if (message.direction !== "out" && message.direction !== "note") return outbox;
    if (message.from?.agent !== me) return outbox;
    if (outbox.some((e) => e.thread === message.thread && e.seq === message.seq)) return outbox;
    if (settled(message.thread, message.seq)) return outbox;
    const e = outbox.find((x) => x.thread === message.thread && x.tries > 0 && !x.seq &&
        x.state !== "failed" && message.seq > x.after && x.note === (message.direction === "note") &&
        sameText(x.text, message.text) && sameText(x.html, message.html) && sameFiles(x, message) &&
        HELD.every((name) => Boolean(x[name]) === Boolean(message[name])));
    return e ? change(outbox, e.key, { seq: message.seq }) : outbox;
}

// The entries of a thread that the page must still draw itself.
export function visible(outbox, thread, hasSeq) {
    return outbox.filter((e) => e.thread === thread && !(e.seq && hasSeq(e.seq)));
}
