// notices.mjs - of which events an agent is told beside the screen, and when he wants to be left in peace. Pure.

// A reminder that an answer is due, as a frame about a message: the thread's event that says the same. Others stay as they are.
export const asNews = (frame, threads) => (frame.type === "desk" && frame.what === "reminder"
    ? { ...frame, message: { thread: frame.id, seq: frame.seq, direction: "event" }, thread: threads.get(frame.id) } : frame);

// Who is reminded, the gateway has chosen; of whose threads he wants to hear is his own.
function reminds({ thread }, me, wants) {
    if (thread && !thread.assignee) return wants.unassigned ? "unassigned" : null;
    return wants.mine || (thread && thread.assignee !== me) ? "mine" : null;
}

// Why this frame concerns the agent: "mine", "unassigned", "mentions"; null when it does not, or he does not want to know.
export function reasonOf(frame, me, wants) {
    const { type, message: m, thread } = frame;
    if (type === "desk") return m ? reminds(frame, me, wants) : null;
    if (type !== "message" || !m || m.past || m.from?.agent === me || m.event?.by === me) return null;
    if (m.direction === "note") return wants.mentions && m.mentions?.includes(me) ? "mentions" : null;
    if (m.direction === "event") return wants.mine && m.event?.type === "assigned" && m.event.to === me ? "mine" : null;
    if (m.direction !== "in" || thread?.state !== "open" || thread.blocked || thread.merged_into) return null;
    if (thread.assignee) return wants.mine && thread.assignee === me ? "mine" : null;
    return wants.unassigned ? "unassigned" : null;
}

// Is it between the two times of day, which may have midnight between them?
export function isQuiet({ quiet_from: from, quiet_to: to }, now = new Date()) {
    if (!from || !to || from === to) return false;
    const at = String(now.getHours()).padStart(2, "0") + ":" + String(now.getMinutes()).padStart(2, "0");
    return from < to ? at >= from && at < to : at >= from || at < to;
}

// Does the thread wait for this agent, as far as he wants to know: a number in the title.
export function waitsFor(thread, me, wants) {
    if (!thread.unread || thread.state !== "open" || thread.merged_into) return false;
    return thread.assignee ? wants.mine && thread.assignee === me : wants.unassigned;
}

// The newest of each thread, in the order in which they came.
export function newestOfEach(frames) {
    const newest = new Map();
    for (const f of frames) {
        newest.delete(f.message.thread);
        newest.set(f.message.thread, f);
    }
    return [...newest.values()];
}
