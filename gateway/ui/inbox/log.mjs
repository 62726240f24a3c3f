// log.mjs - the messages of one thread on the page, keyed by seq. Whatever comes twice, late or from
// two sides (a page of history, an event, an answer) is there once and in order. Pure functions.

export function makeLog(thread) {
    // items: ascending by seq. next: pass as `before` for older ones; null: the beginning is here;
    // undefined: nothing was loaded. stamps: when an event last set a seq. solid: seqs after which
    // the server has nothing more, though numbers are missing. ahead: what events told of messages
    // that are not here: an answer that is on its way may bring them as they were before. since: what
    // was asked for before this stamp does not make it fresh.
    return { thread, items: [], next: undefined, loading: false, stale: false, since: 0, error: null,
        stamps: new Map(), solid: new Set(), ahead: new Map() };
}

const AHEAD_MAX = 100;

// An event of a message that is not loaded makes no hole: it is kept for whoever brings the message.
export function setAhead(log, message, stamp) {
    log.stamps.set(message.seq, stamp);
    log.ahead.delete(message.seq);
    log.ahead.set(message.seq, message);
    if (log.ahead.size > AHEAD_MAX) log.ahead.delete(log.ahead.keys().next().value);
}

function indexOfSeq(items, seq) {
    let lo = 0;
    let hi = items.length;
    while (lo < hi) {
        const mid = (lo + hi) >> 1;
        if (items[mid].seq < seq) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

export function findSeq(log, seq) {
    const at = indexOfSeq(log.items, seq);
    return log.items[at]?.seq === seq ? log.items[at] : undefined;
}

// Does a note here call this agent, who may not have read it?
export function isCalled(db, thread) {
    return db.counts.mentions > 0 && Boolean(db.logs.get(thread)?.items.some((m) => m.mentions?.includes(db.me?.name)));
}

export function lastSeq(log) {
    return log.items.length ? log.items[log.items.length - 1].seq : 0;
}

// Puts messages in. stamp: the page's own clock of events; asked: its value when a request went
// out (undefined for events, which are always the newest word). An answer that is older than an
// event about the same message does not undo it.
export function addMessages(log, messages, { stamp, asked } = {}) {
    let items = null;
    for (const given of messages) {
        if (!Number.isSafeInteger(given.seq) || given.seq <= 0) continue;
        const list = items ?? log.items;
        const at = indexOfSeq(list, given.seq);
        const known = list[at]?.seq === given.seq;
        const older = asked !== undefined && (log.stamps.get(given.seq) ?? 0) > asked;
        if (known && older) continue;
        const m = (older && log.ahead.get(given.seq)) || given;
        log.ahead.delete(m.seq);
        if (known && JSON.stringify(list[at]) === JSON.stringify(m)) continue;
        items ??= log.items.slice();
        items.splice(at, known ? 1 : 0, m);
    }
    if (asked === undefined && stamp !== undefined)
        for (const m of messages) log.stamps.set(m.seq, stamp);
    return items ? { ...log, items } : log;
}

// The first gap: the seq after which messages are missing, or null. Seqs of a thread have no holes
// on the server, so a hole here means something was missed.
export function gapAfter(log) {
    const { items } = log;
    for (let i = items.length - 1; i > 0; i--)
        if (items[i].seq !== items[i - 1].seq + 1 && !log.solid.has(items[i - 1].seq))
            return items[i - 1].seq;
    return null;
}

export function withSolid(log, seq) {
    const solid = new Set(log.solid);
    solid.add(seq);
    return { ...log, solid };
}

// The same log with its newest messages alone; the older ones are to be asked for again.
export function newestOf(log, keep) {
    const items = log.items.slice(-keep);
    const { seq } = items[0];
    const since = (of) => of.filter(([at]) => at >= seq);
    return { ...log, items, next: seq > 1 ? seq : null, stamps: new Map(since([...log.stamps])), solid: new Set([...log.solid].filter((at) => at >= seq)) };
}

// What the tick of an own message shows: the message's status, lifted by the client's read marks.
export function shownStatus(message, thread) {
    const { status, seq } = message;
    if (status === "sent" || status === "delivered") {
        if (thread && seq <= (thread.client_read_seq ?? 0)) return "read";
        if (thread && seq <= (thread.client_delivered_seq ?? 0)) return "delivered";
    }
    return status;
}
