// timeline.mjs - a thread's messages as the rows that are drawn: marks of days, the mark of new
// messages, messages in groups of one author, and what waits to be sent; and the rows in parts. Pure.
import { dayOf, toMs } from "../shared/time.mjs";

const GROUP_MS = 5 * 60000;

// When it came; what is of the past, from a phone's history, when it was said.
export function moment(m) {
    return ((m.past || m.moved_from) && m.sent_at) || (m.received_at ?? m.sent_at ?? "");
}

// Who of a group, and in which of its topics, or which agent, or who in a CRM.
function author(m) {
    const who = m.author?.address ?? m.author?.name ?? (m.direction === "in" ? "" : m.from?.agent ?? m.from?.name ?? "");
    return [m.direction, who, m.topic?.id ?? ""].join(":");
}

// rows: {key, kind: "day"|"new"|"event"|"message"|"entry", message?, entry?, at?, first}; first: a
// new author, or a pause: the row shows who writes. mark: seq after which the client's messages
// are new.
export function timeline(messages, entries, mark, now = Date.now()) {
    const rows = [];
    let day = null;
    let before = null;
    // Where the new ones begin is known only when what stands before them is loaded.
    let marked = mark === undefined || mark === null || !messages.length || messages[0].seq > mark + 1;
    const at = (ms, key) => {
        const d = dayOf(ms);
        if (d === day || Number.isNaN(d)) return;
        day = d;
        before = null;
        rows.push({ kind: "day", key: "d" + key, at: ms }); // a history that comes late goes back a day
    };
    for (const m of messages) {
        const ms = toMs(moment(m));
        at(ms, m.seq);
        if (!marked && m.direction === "in" && m.seq > mark) {
            marked = true;
            before = null;
            rows.push({ kind: "new", key: "new" });
        }
        if (m.direction === "event") {
            rows.push({ kind: "event", key: "m" + m.seq, message: m });
            before = null;
            continue;
        }
        const who = author(m);
        const first = !before || before.who !== who || ms - before.ms > GROUP_MS;
        rows.push({ kind: "message", key: "m" + m.seq, message: m, first });
        before = { who, ms };
    }
    for (const e of entries) {
        at(Math.min(e.at, now), e.key);
        rows.push({ kind: "entry", key: "e" + e.key, entry: e, first: !before || before.who !== "entry" });
        before = { who: "entry", ms: e.at };
    }
    return rows;
}

export const PART = 40; // messages

// The rows in parts, {key, rows}, that stay the same ones whatever comes before or after them. A day or the mark of new
// messages is with what follows it; what waits to be sent is by itself.
export function inParts(rows) {
    const parts = [];
    let ahead = [];
    for (const row of rows) {
        ahead.push(row);
        if (!row.message && row.kind !== "entry") continue;
        const key = row.message ? Math.floor(row.message.seq / PART) : "end";
        const last = parts[parts.length - 1];
        if (last?.key === key) last.rows.push(...ahead);
        else parts.push({ key, rows: ahead });
        ahead = [];
    }
    return parts;
}
