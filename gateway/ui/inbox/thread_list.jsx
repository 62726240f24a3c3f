// thread_list.jsx - the list of threads: a window over any number of rows, live order, the next page
// when the end comes near; and in its place the results of a search.
import { memo } from "./memo.mjs";
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { useAgentName, useDesk, useStore, useWords } from "./context.jsx";
import { FilterChips, useSaved } from "./filters.jsx";
import { Icon } from "./icons.jsx";
import { Late } from "./late.jsx";
import { listKey } from "./lists.mjs";
import { Avatar, Button, IconButton, Spinner, clientName } from "./parts.jsx";
import { threadHref } from "./routes.mjs";
import { SearchResults } from "./search.jsx";
import { WindowChip } from "./window_bar.jsx";

const ROW = 76;
const AROUND = 8; // rows drawn beyond the edges
const NEAR_END = 12;
const TICK_MS = 30000;

function Preview({ thread, draft, me }) {
    const { t } = useWords();
    const { last } = thread;
    if (draft?.text) return <><span class="row-draft">{t("list.draft")}</span> {draft.text}</>;
    const text = last?.text || (last?.seq ? t("list.file") : "");
    if (last?.direction === "note") return <><span class="row-note">{t("list.note")}</span> {text}</>;
    if (last?.direction === "out")
        return <><span class="row-you">{thread.assignee === me ? t("list.you") : "→"}</span> {text}</>;
    return text || t("list.new");
}

const Row = memo(function Row({ id, current, position, total, top }) {
    const { t, short, soon, ago, full } = useWords();
    const thread = useStore((db) => db.threads.get(id));
    const draft = useStore((db) => db.drafts.get(id));
    const typing = useStore((db) => db.typing.get(id)?.has("client") ?? false);
    const me = useStore((db) => db.me?.name);
    const agentName = useAgentName();
    if (!thread) return null;
    const name = clientName(thread, t);
    const waiting = thread.state === "open" && thread.waiting_since && Date.now() - Date.parse(thread.waiting_since) >= 60000;
    return (
        <li class="row" style={{ top: top + "px" }} aria-posinset={position} aria-setsize={total}>
            <a class={`row-link${current ? " current" : ""}${thread.unread ? " unread" : ""}`} href={threadHref(id)}
                data-thread={id} aria-current={current ? "true" : undefined}>
                <Avatar name={plainName(thread.client?.name)} seed={thread.client?.id} />
                <span class="row-main">
                    <span class="row-top">
                        <span class="row-name" dir="auto">{name}</span>
                        <time class="row-time" dateTime={thread.last_at} title={full(thread.last_at)}>{short(thread.last_at)}</time>
                    </span>
                    <span class="row-bottom">
                        <span class={`row-text${typing ? " row-typing" : ""}`} dir="auto">
                            {typing ? t("thread.typingClient") : <Preview thread={thread} draft={draft} me={me} />}
                        </span>
                        {thread.unread > 0 && (
                            <span class="badge" aria-label={t("list.unread", { n: thread.unread })}>
                                {thread.unread > 99 ? "99+" : thread.unread}
                            </span>
                        )}
                    </span>
                    <span class="row-meta">
                        {waiting && (
                            <span class="row-wait" title={t("list.waiting", { at: full(thread.waiting_since) })}>
                                <Icon name="clock" size={12} />{ago(thread.waiting_since)}
                            </span>
                        )}
                        {thread.sla && (
                            <span class={`row-due${thread.sla.breached ? " late" : ""}`} title={t(thread.sla.breached ? "list.late" : "list.due", { at: full(thread.sla.due) })}>
                                {t(thread.sla.breached ? "list.late" : "list.due", { at: soon(thread.sla.due) })}
                            </span>
                        )}
                        {thread.state !== "closed" && <WindowChip thread={thread} />}
                        <span>{thread.assignee ? agentName(thread.assignee) : t("list.nobody")}</span>
                        <span class="row-channel">{thread.channel}</span>
                        {thread.labels.slice(0, 2).map((l) => <span key={l} class="row-label">{plainName(l)}</span>)}
                    </span>
                </span>
            </a>
        </li>
    );
});

// Which rows are in sight.
function useWindow(ref, count) {
    const [range, setRange] = useState([0, 20]);
    useLayoutEffect(() => {
        const box = ref.current;
        const measure = () => {
            const from = Math.max(0, Math.floor(box.scrollTop / ROW) - AROUND);
            const to = Math.min(count, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + AROUND);
            setRange((old) => (old[0] === from && old[1] === to ? old : [from, to]));
        };
        measure();
        const resize = new ResizeObserver(measure);
        resize.observe(box);
        box.addEventListener("scroll", measure, { passive: true });
        return () => {
            resize.disconnect();
            box.removeEventListener("scroll", measure);
        };
    }, [count]);
    return [Math.min(range[0], count), Math.min(range[1], count)];
}

function Empty({ list }) {
    const { t, why } = useWords();
    const desk = useDesk();
    if (list?.error)
        return (
            <div class="empty" role="alert">
                <p>{t("list.error")} {why(list.error)}</p>
                <Button onClick={() => desk.loadList(list.view, true)}>{t("list.again")}</Button>
            </div>
        );
    if (!list?.loaded)
        return (
            <div class="bones" role="status" aria-label={t("app.loading")}>
                {[0, 1, 2, 3, 4, 5].map((i) => <div key={i} class="bone"><i /><b /><b /></div>)}
            </div>
        );
    return <div class="empty empty-list"><span class="empty-mark"><Icon name={list.view} size={26} /></span><p>{t("list.empty." + list.view)}</p></div>;
}

function Rows({ route, list }) {
    const { t } = useWords();
    const desk = useDesk();
    const box = useRef(null);
    const ids = list?.ids ?? [];
    const [from, to] = useWindow(box, ids.length);
    const [now, tick] = useReducer((n) => n + 1, 0); // how long they wait is told by the rows
    useEffect(() => {
        const timer = setInterval(tick, TICK_MS);
        return () => clearInterval(timer);
    }, []);
    useEffect(() => {
        if (list?.loaded && !list.loading && !list.error && list.next !== null && to > ids.length - NEAR_END)
            desk.loadList(route.view, false);
    }, [to, list]);
    useEffect(() => {
        box.current.scrollTop = 0;
    }, [route.view, list?.key]);
    const onKey = (e) => {
        const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
        if (!by) return;
        const rows = [...box.current.querySelectorAll(".row-link")];
        const next = rows[rows.indexOf(document.activeElement) + by];
        if (!next) return;
        e.preventDefault();
        next.scrollIntoView({ block: "nearest" });
        next.focus();
    };
    return (
        <div class="rows" ref={box} onKeyDown={onKey}>
            {ids.length === 0 ? <Empty list={list} /> : (
                <ul class="rows-all" style={{ height: ids.length * ROW + "px" }} aria-label={t("list.label")}>
                    {ids.slice(from, to).map((id, i) => (
                        <Row key={id} id={id} now={now} current={id === route.thread} position={from + i + 1}
                            total={list.next === null ? ids.length : -1} top={(from + i) * ROW} />
                    ))}
                </ul>
            )}
            {ids.length > 0 && list.loading && <div class="rows-more"><Spinner label={t("list.more")} /></div>}
            {ids.length > 0 && list.error && <div class="rows-more"><Button onClick={() => desk.loadList(route.view, list.stale)}>{t("list.again")}</Button></div>}
        </div>
    );
}

export function ThreadList({ route }) {
    const { t } = useWords();
    const desk = useDesk();
    const list = useStore((db) => db.lists.get(listKey(route.view, route.filter)));
    const count = useStore((db) => db.counts[route.view]);
    const [q, setQ] = useState("");
    const [where, setWhere] = useState({}); // of the search
    const [choosing, setChoosing] = useState(false);
    const saved = useSaved(route);
    const savedCount = useStore((db) => (saved ? db.viewCounts[saved.id] : undefined));
    const shown = saved ? savedCount : route.filter ? undefined : count;
    useEffect(() => {
        if (!q.trim()) {
            desk.search("");
            return undefined;
        }
        const timer = setTimeout(() => desk.search(q.trim(), where), 250);
        return () => clearTimeout(timer);
    }, [q, where]);
    const onKey = (e) => {
        if (e.key === "Escape" && q) {
            setQ("");
            e.preventDefault();
        } else if (e.key === "ArrowDown" || e.key === "Enter") {
            document.querySelector(".results a, .row-link")?.focus();
            e.preventDefault();
        }
    };
    return (
        <section class="list" aria-label={t("list.label")}>
            <header class="list-head">
                <div class="list-title">
                    <h1 dir="auto">{saved ? plainName(saved.name) : t("view." + route.view)} {shown > 0 && <span class="list-count">{shown}</span>}</h1>
                    <IconButton icon="filter" size={18} class="filter-open" label={t("filter.title")} aria-pressed={Boolean(route.filter)} onClick={() => setChoosing(true)} />
                </div>
                <div class="search" role="search">
                    <Icon name="search" size={17} />
                    <input type="search" value={q} placeholder={t("search.placeholder")} aria-label={t("search.label")}
                        enterkeyhint="search" onInput={(e) => setQ(e.currentTarget.value)} onKeyDown={onKey} />
                    {q ? <IconButton icon="x" size={16} label={t("search.clear")} onClick={() => setQ("")} /> : <kbd>/</kbd>}
                </div>
                {!q.trim() && <FilterChips route={route} />}
            </header>
            {choosing && <Late part="filter" route={route} onClose={() => setChoosing(false)} />}
            {q.trim() ? <SearchResults q={q.trim()} current={route.thread} where={where} setWhere={setWhere} /> : <Rows route={route} list={list} />}
        </section>
    );
}
