// merge.jsx - two clients are one person: find the other one, look twice, make them one.
import { useEffect, useRef, useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { useDesk, useStore, useWords } from "./context.jsx";
import { Avatar, Button, Dialog, Spinner, clientName } from "./parts.jsx";

// preset: a thread of the one who was found already.
export function Merge({ client, preset = null, onClose }) {
    const { t, why, short } = useWords();
    const desk = useDesk();
    const threads = useStore((db) => db.threads);
    const [q, setQ] = useState("");
    const [found, setFound] = useState(null);
    const [chosen, setChosen] = useState(preset);
    const [error, setError] = useState("");
    const [busy, setBusy] = useState(false);
    const input = useRef(null);
    useEffect(() => input.current?.focus(), []);
    useEffect(() => {
        if (!q.trim()) {
            setFound(null);
            return undefined;
        }
        let gone = false;
        const timer = setTimeout(() => desk.findClients(q.trim()).then(
            (list) => gone || setFound(list),
            (e) => gone || setError(t("search.error", { why: why(e) }))), 250);
        return () => {
            gone = true;
            clearTimeout(timer);
        };
    }, [q]);
    const merge = async () => {
        setBusy(true);
        setError("");
        try {
            await desk.merge(client.id, chosen.client.id);
            desk.toast(t("client.merged"), "good");
            onClose();
        } catch (e) {
            setError(t("change.failed", { why: why(e) }));
            setBusy(false);
        }
    };
    const list = (found ?? []).map((id) => threads.get(id)).filter((th) => th && th.client.id !== client.id && !th.merged_into);
    const label = (th) => clientName(th, t);
    return (
        <Dialog title={t("client.merge")} onClose={onClose}>
            {chosen ? (
                <>
                    <p class="dialog-text">{t("client.mergeSure", { from: label(chosen), into: clientName({ client }, t) })}</p>
                    {error && <p class="form-error" role="alert">{error}</p>}
                    <footer class="dialog-foot">
                        <Button onClick={() => (preset ? onClose() : setChosen(null))}>{t("dialog.cancel")}</Button>
                        <Button kind="danger" disabled={busy} onClick={merge}>{t("client.mergeDo")}</Button>
                    </footer>
                </>
            ) : (
                <>
                    <p class="dialog-text">{t("client.mergeHint")}</p>
                    <input class="merge-find" ref={input} type="search" value={q} placeholder={t("client.mergeFind")}
                        aria-label={t("client.mergeFind")} onInput={(e) => setQ(e.currentTarget.value)} />
                    {error && <p class="form-error" role="alert">{error}</p>}
                    <ul class="merge-list" aria-live="polite">
                        {q.trim() && !found && <li class="dialog-wait"><Spinner label={t("search.busy")} /></li>}
                        {found && !list.length && <li class="unknown">{t("search.none", { q: q.trim() })}</li>}
                        {list.map((th) => (
                            <li key={th.id}>
                                <button type="button" class="hit" onClick={() => setChosen(th)}>
                                    <Avatar name={plainName(th.client.name)} seed={th.client.id} small />
                                    <span class="hit-main">
                                        <span class="row-top"><span class="row-name">{label(th)}</span><time class="row-time">{short(th.last_at)}</time></span>
                                        <span class="hit-text">{th.channel} · {th.last?.text}</span>
                                    </span>
                                </button>
                            </li>
                        ))}
                    </ul>
                </>
            )}
        </Dialog>
    );
}
