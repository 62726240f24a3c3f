// thread_view.jsx - one dialogue: its head, its messages, its composer. Keeps the place of reading
// when messages come in below or history comes in above, and tells the gateway what was read.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Composer } from "./composer.jsx";
import { useAgentName, useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Late } from "./late.jsx";
import { findSeq, isCalled } from "./log.mjs";
import { DayRow, EntryRow, EventRow, MessageRow, NewRow } from "./message.jsx";
import { visible } from "./outbox.mjs";
import { Button, Spinner } from "./parts.jsx";
import { Part, areMany, useNear } from "./parts_near.jsx";
import { threadHref } from "./routes.mjs";
import { ThreadHead } from "./thread_head.jsx";
import { PART, inParts, timeline } from "./timeline.mjs";

const NEAR_BOTTOM = 80;
const NEAR_TOP = 400;
const KEPT = 500; // messages, when there are many and the end is looked at
const NO_CAPS = [];

function Typing({ id }) {
    const { t } = useWords();
    const typers = useStore((db) => db.typing.get(id));
    const agentName = useAgentName();
    const who = typers ? [...typers.keys()] : [];
    return (
        <div class="typing" role="status">
            {who.map((w) => (
                <span key={w} class="typing-who">
                    <i class="dots" aria-hidden="true"><i /><i /><i /></i>
                    {w === "client" ? t("thread.typingClient") : t("thread.typing", { who: agentName(w) })}
                </span>
            ))}
        </div>
    );
}

// Reading is: this thread on screen, its end in sight, the window visible and in use.
function useReading(id, thread, atBottom) {
    const desk = useDesk();
    const called = useStore((db) => isCalled(db, id));
    const line = useStore((db) => db.conn.state); // without one nobody is told
    useEffect(() => {
        const read = () => {
            if (document.visibilityState === "visible" && document.hasFocus() && atBottom.current) desk.read(id);
        };
        read();
        addEventListener("focus", read);
        document.addEventListener("visibilitychange", read);
        return () => {
            removeEventListener("focus", read);
            document.removeEventListener("visibilitychange", read);
        };
    }, [id, thread?.last_seq, thread?.unread, called, line]);
}

function Messages({ id, seq, thread, openTrace }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const log = useStore((db) => db.logs.get(id));
    const outbox = useStore((db) => db.outbox);
    const mark = useStore((db) => db.marks.get(id));
    const me = useStore((db) => db.me?.name);
    const channels = useStore((db) => db.channels);
    const box = useRef(null);
    const inside = useRef(null);
    const atBottom = useRef(true);
    const place = useRef({ first: 0, last: 0, height: 0, settled: false });
    const [away, setAway] = useState(false);
    const [missed, setMissed] = useState(0);
    const entries = useMemo(() => visible(outbox, id, (s) => Boolean(log && findSeq(log, s))), [outbox, log, id]);
    const items = log?.items ?? [];
    const rows = useMemo(() => timeline(items, entries, mark), [items, entries, mark]);
    const parts = useMemo(() => inParts(rows), [rows]);
    const watch = useNear(box);
    const byId = useMemo(() => new Map(items.map((m) => [m.id, m])), [items]);
    const caps = useMemo(() => new Map(channels.map((c) => [c.name, c.caps])), [channels]);
    useReading(id, thread, atBottom);

    const toBottom = () => {
        box.current.scrollTop = box.current.scrollHeight;
    };

    // After each drawing: history above must not move what is read; at the end, stay at the end.
    useLayoutEffect(() => {
        const el = box.current;
        const p = place.current;
        const first = items[0]?.seq ?? 0;
        const last = items[items.length - 1]?.seq ?? 0;
        if (!items.length && !entries.length) return;
        if (!p.settled) {
            p.settled = log?.next !== undefined;
            const target = el.querySelector(seq ? `[data-seq="${seq}"]` : ".new-mark");
            if (target) target.scrollIntoView({ block: seq ? "center" : "start" });
            else toBottom();
        } else if (first < p.first) {
            el.scrollTop += el.scrollHeight - p.height;
        } else if (atBottom.current || entries.length > p.entries) {
            toBottom();
        } else if (last > p.last) {
            const fresh = items.filter((m) => m.seq > p.last && m.direction === "in").length;
            if (fresh) setMissed((n) => n + fresh);
        }
        Object.assign(p, { first, last, height: el.scrollHeight, rows: rows.length, entries: entries.length });
        onScroll();
    }, [rows]);

    // Pictures, the keyboard and the composer change sizes without a drawing of ours.
    useLayoutEffect(() => {
        const resize = new ResizeObserver(() => {
            if (atBottom.current) toBottom();
            place.current.height = box.current.scrollHeight;
        });
        resize.observe(box.current);
        resize.observe(inside.current);
        return () => resize.disconnect();
    }, []);

    // The part that it is in may have to be drawn first.
    const jump = useCallback((message, tries = 20) => {
        const target = box.current?.querySelector(`[data-seq="${message.seq}"]`);
        if (!target) {
            const part = box.current?.querySelector(`[data-part="${Math.floor(message.seq / PART)}"]`);
            part?.scrollIntoView({ block: "center" });
            if (part && tries) requestAnimationFrame(() => jump(message, tries - 1));
            return;
        }
        target.scrollIntoView({ block: "center" });
        target.classList.remove("found");
        void target.offsetWidth; // so that the mark begins anew
        target.classList.add("found");
    }, []);

    // A hit of the search: show it, once it is loaded.
    const found = seq && log ? Boolean(findSeq(log, seq)) : false;
    useEffect(() => {
        if (found) jump({ seq });
    }, [found, seq]);

    const onScroll = () => {
        const el = box.current;
        if (!el) return; // a scroll that is told after the dialogue was left
        atBottom.current = el.scrollHeight - el.scrollTop - el.clientHeight < NEAR_BOTTOM;
        setAway(!atBottom.current);
        if (atBottom.current) {
            setMissed(0);
            if (items.length > 2 * KEPT && !log.loading && (!seq || found)) desk.dispatch({ type: "log_cut", thread: id, keep: KEPT });
            if (document.visibilityState === "visible" && document.hasFocus()) desk.read(id);
        }
        if (el.scrollTop < NEAR_TOP && log?.next && !log.loading && place.current.settled) desk.loadOlder(id);
    };

    // A short way smoothly, a long one at once.
    const down = () => {
        const el = box.current;
        if (el.scrollHeight - el.scrollTop > el.clientHeight * 4) return void toBottom();
        el.scrollTo({ top: el.scrollHeight,
            behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    };
    // Of a part of history that comes in now; undefined: it is drawn at once.
    const guess = (own) => {
        const { settled, first, height, rows: drawn } = place.current;
        const seq = own[own.length - 1].message?.seq ?? first;
        return settled && areMany(parts) && seq < first ? Math.round(own.length * height / drawn) : undefined;
    };
    const draw = (row) => {
        if (row.kind === "day") return <DayRow key={row.key} at={row.at} />;
        if (row.kind === "new") return <NewRow key={row.key} />;
        if (row.kind === "event") return <EventRow key={row.key} message={row.message} />;
        if (row.kind === "entry") return <EntryRow key={row.key} entry={row.entry} replied={byId.get(row.entry.reply_to)} />;
        const { message } = row;
        const own = message.direction === "out";
        return (
            <MessageRow key={row.key} message={message} first={row.first} me={me} openTrace={openTrace}
                replied={message.reply_to ? byId.get(message.reply_to) : undefined} jump={jump}
                caps={caps.get(message.channel) ?? NO_CAPS} current={thread?.channel}
                readSeq={own ? thread?.client_read_seq ?? 0 : 0}
                deliveredSeq={own ? thread?.client_delivered_seq ?? 0 : 0} />
        );
    };
    return (
        <div class="log-wrap">
            <div class="log" ref={box} onScroll={onScroll} tabIndex={0} id="log"
                role="log" aria-label={t("thread.log")} aria-live="polite" aria-relevant="additions">
                <div class="log-inside" ref={inside}>
                    {log?.next && <div class="log-more"><Spinner label={t("thread.older")} /></div>}
                    {log?.next === null && items.length > 0 && <p class="log-start">{t("thread.start")}</p>}
                    {log?.error && (
                        <div class="empty" role="alert">
                            <p>{log.error.status === 404 ? t("thread.missing") : t("thread.error") + " " + why(log.error)}</p>
                            {log.error.status !== 404 && <Button onClick={() => desk.refreshLog(id)}>{t("list.again")}</Button>}
                        </div>
                    )}
                    {!log?.error && log?.next === undefined && <div class="log-first"><Spinner label={t("app.loading")} /></div>}
                    {parts.map(({ key, rows: own }) => (
                        <Part key={key} name={key} rows={own} draw={draw} whole={!areMany(parts)} watch={watch} box={box}
                            guess={guess(own)} />
                    ))}
                    <Typing id={id} />
                </div>
            </div>
            {away && (
                <button type="button" class={`to-end${missed ? " to-end-new" : ""}`} onClick={down}
                    aria-label={missed ? undefined : t("thread.latest")} title={t("thread.latest")}>
                    <Icon name="down" size={18} />{missed > 0 && t("thread.down", { n: missed })}
                </button>
            )}
        </div>
    );
}

export function ThreadView({ id, seq, view, panel, setPanel }) {
    const { t } = useWords();
    const desk = useDesk();
    const thread = useStore((db) => db.threads.get(id));
    const paused = useStore((db) => db.channels.find((c) => c.name === thread?.channel)?.paused);
    const erased = useStore((db) => Boolean(db.clients.get(thread?.client?.id)?.erased));
    const [traced, setTraced] = useState(null);
    // Leaving a thread ends its "new messages" mark.
    useEffect(() => () => desk.dispatch({ type: "mark", thread: id, seq: null }), [id]);
    return (
        <main class="thread" id="main" tabIndex={-1} aria-label={thread?.client?.name}>
            <ThreadHead id={id} thread={thread} view={view} panel={panel} setPanel={setPanel} />
            <Messages id={id} seq={seq} thread={thread} openTrace={setTraced} />
            {thread?.merged_into ? (
                <div class="merged">
                    <span>{t("thread.merged")}</span>
                    <a class="button button-main" href={threadHref(thread.merged_into)}>{t("thread.mergedOpen")}</a>
                </div>
            ) : erased ? <div class="merged"><span>{t("thread.erased")}</span></div> : thread && (
                <>
                    {paused && <p class="paused" role="status">{t("channel.paused", { name: thread.channel })}</p>}
                    <Composer id={id} thread={thread} />
                </>
            )}
            {traced && <Late part="trace" message={traced} onClose={() => setTraced(null)} />}
        </main>
    );
}
