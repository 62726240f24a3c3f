// dead_list.jsx - deliveries that were given up: why, of which dialogue, when, and the ways back, for one or for all.
import { useEffect, useRef, useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { useDesk, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Button, Confirm, Spinner } from "./parts.jsx";
import { threadHref } from "./routes.mjs";

// "crm:erp" is CRM erp.
export function placeName(t, queue) {
    const [kind, name] = [queue.slice(0, queue.indexOf(":")), plainName(queue.slice(queue.indexOf(":") + 1))];
    return t({ crm: "dead.ofTarget", from: "dead.ofBack" }[kind] ?? "dead.ofChannel", { name });
}

function Letter({ letter: d, state, retry, named }) {
    const { t, full, reason } = useWords();
    const why = reason(d.error);
    return (
        <li data-dead={d.id}>
            <span class="cards-icon"><Icon name="dead" size={20} /></span>
            <span class="cards-main">
                <strong>{[named && placeName(t, d.queue), plainName(d.client_name)].filter(Boolean).join(" · ")}</strong>
                <span class="dead-why" title={why.title}>{why.text}</span>
                <span>{full(d.at)} · {t("dead.attempts", { n: d.attempts ?? 0 })}{d.client && " · " + t("dead.client")}</span>
            </span>
            {d.thread && <a class="button button-quiet" href={threadHref(d.thread, d.seq)}>{t("dead.open")}</a>}
            {state === "done"
                ? <span class="cards-state" role="status">{t("dead.retried")}</span>
                : <Button icon="retry" disabled={state === "busy"} onClick={retry}>{t("dead.retry")}</Button>}
        </li>
    );
}

function useLetters(queue, version) {
    const desk = useDesk();
    const [state, setState] = useState({ dead: [], next: null, loading: true, error: null });
    const latest = useRef(0);
    const load = async (cursor) => {
        const mine = ++latest.current;
        setState((s) => ({ ...s, loading: true, error: null }));
        try {
            const page = await desk.api.dead(cursor, queue);
            if (mine === latest.current)
                setState((s) => ({ dead: cursor ? [...s.dead, ...page.dead] : page.dead, next: page.next, loading: false, error: null }));
        } catch (e) {
            if (mine === latest.current) setState((s) => ({ ...s, loading: false, error: desk.failed(e) }));
        }
    };
    useEffect(() => {
        load();
    }, [queue, version]);
    return [state, load];
}

// queue: "crm:erp", "out:site"; nothing: all. version: when it changes, what is there has changed. onList: is told
// what is there.
export function DeadList({ queue, version, onList, empty }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const [state, load] = useLetters(queue, version);
    const [gone, setGone] = useState({});
    const [asking, setAsking] = useState(false);
    useEffect(() => onList?.(state.dead), [state.dead]);
    const failed = (e) => desk.toast(t("agents.failed", { why: why(desk.failed(e)) }));
    const retry = async (d) => {
        setGone((g) => ({ ...g, [d.id]: "busy" }));
        try {
            await desk.api.retryDead(d.id);
            setGone((g) => ({ ...g, [d.id]: "done" }));
        } catch (e) {
            setGone((g) => ({ ...g, [d.id]: undefined }));
            failed(e);
        }
    };
    const retryAll = async () => {
        try {
            const { retried } = await desk.api.retryAllDead(queue);
            desk.toast(t("dead.allRetried", { n: retried }), "good");
            load();
        } catch (e) {
            failed(e);
        }
    };
    const many = state.dead.filter((d) => gone[d.id] !== "done").length > 1 || state.next;
    const where = queue && plainName(queue.slice(queue.indexOf(":") + 1));
    return (
        <>
            {many && (
                <p class="dead-all">
                    <Button icon="retry" onClick={() => setAsking(true)}>{where ? t("dead.retryAllOf", { target: where }) : t("dead.retryAll")}</Button>
                </p>
            )}
            {!state.loading && !state.error && !state.dead.length && empty}
            <ul class="cards dead">
                {state.dead.map((d) => <Letter key={d.id} letter={d} state={gone[d.id]} retry={() => retry(d)} named={!queue} />)}
            </ul>
            {state.error && <p class="form-error" role="alert">{why(state.error)}</p>}
            {state.loading && !state.dead.length && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
            {state.next && <Button disabled={state.loading} onClick={() => load(state.next)}>{t("dead.more")}</Button>}
            {asking && (
                <Confirm title={t("dead.retryAll")} text={where ? t("dead.allOfSure", { target: where }) : t("dead.allSure")} action={t("dead.retryAll")}
                    onYes={retryAll} onClose={() => setAsking(false)} />
            )}
        </>
    );
}
