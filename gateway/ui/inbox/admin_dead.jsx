// admin_dead.jsx - deliveries that were given up, with the reason and a way to try again.
import { useEffect, useState } from "preact/hooks";
import { AdminPage } from "./admin_page.jsx";
import { useDesk, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Button, Spinner } from "./parts.jsx";
import { threadHref } from "./routes.mjs";

export function AdminDead() {
    const { t, why, full, reason } = useWords();
    const desk = useDesk();
    const [state, setState] = useState({ dead: [], next: null, loading: true, error: null });
    const [gone, setGone] = useState({});
    const load = async (cursor) => {
        setState((s) => ({ ...s, loading: true, error: null }));
        try {
            const page = await desk.api.dead(cursor);
            setState((s) => ({ dead: cursor ? [...s.dead, ...page.dead] : page.dead, next: page.next, loading: false, error: null }));
        } catch (e) {
            setState((s) => ({ ...s, loading: false, error: desk.failed(e) }));
        }
    };
    useEffect(() => {
        load();
    }, []);
    const retry = async (d) => {
        setGone((g) => ({ ...g, [d.id]: "busy" }));
        try {
            await desk.api.retryDead(d.id);
            setGone((g) => ({ ...g, [d.id]: "done" }));
        } catch (e) {
            setGone((g) => ({ ...g, [d.id]: undefined }));
            desk.toast(t("agents.failed", { why: why(desk.failed(e)) }));
        }
    };
    return (
        <AdminPage title={t("dead.title")} hint={t("dead.hint")}>
            {!state.loading && !state.error && !state.dead.length && (
                <div class="empty"><span class="empty-mark"><Icon name="check" size={26} /></span><p>{t("dead.empty")}</p></div>
            )}
            <ul class="cards dead">
                {state.dead.map((d) => (
                    <li key={d.id} data-dead={d.id}>
                        <span class="cards-icon"><Icon name="dead" size={20} /></span>
                        <span class="cards-main">
                            <strong>{d.target}</strong>
                            <span title={reason(d.error).title}>{reason(d.error).text}</span>
                            <span>{full(d.at)} · {t("dead.attempts", { n: d.attempts ?? 0 })}</span>
                        </span>
                        {d.thread && <a class="button button-quiet" href={threadHref(d.thread, d.seq)}>{t("dead.open")}</a>}
                        {gone[d.id] === "done"
                            ? <span class="cards-state">{t("dead.retried")}</span>
                            : <Button icon="retry" disabled={gone[d.id] === "busy"} onClick={() => retry(d)}>{t("dead.retry")}</Button>}
                    </li>
                ))}
            </ul>
            {state.error && <p class="form-error" role="alert">{why(state.error)}</p>}
            {state.loading && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
            {state.next && !state.loading && <Button onClick={() => load(state.next)}>{t("dead.more")}</Button>}
        </AdminPage>
    );
}
