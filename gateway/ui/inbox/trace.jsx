// trace.jsx - where a message is and why: its trail as the gateway keeps it.
import { useEffect, useState } from "preact/hooks";
import { useDesk, useWords } from "./context.jsx";
import { Button, Dialog, Spinner } from "./parts.jsx";

const BAD = new Set(["failed", "unknown", "dead", "change_failed", "rest_failed", "not_fetched", "card_failed"]);
const WARN = new Set(["retry", "change_retry", "rest_retry", "fetch_retry", "card_retry", "missing"]);

function since(ms, lang) {
    const [n, unit] = ms < 1000 ? [ms, "millisecond"] : ms < 60000 ? [ms / 1000, "second"] : [Math.round(ms / 60000), "minute"];
    return "+" + new Intl.NumberFormat(lang, { style: "unit", unit, maximumFractionDigits: 1 }).format(n);
}

export function Trace({ message, onClose }) {
    const { t, lang, full, fine, why } = useWords();
    const desk = useDesk();
    const [state, setState] = useState({ loading: true });
    const [copied, setCopied] = useState(false);
    useEffect(() => {
        let gone = false;
        desk.api.trace(message.id).then(
            (r) => gone || setState({ trail: r.trail ?? [], message: r.message, raw: r.raw }),
            (error) => gone || setState({ error: desk.failed(error) }));
        return () => {
            gone = true;
        };
    }, [message.id]);
    const copy = () => navigator.clipboard?.writeText(message.id).then(() => setCopied(true), () => {});
    const { trail } = state;
    const start = trail?.length ? Date.parse(trail[0].at) : 0;
    return (
        <Dialog title={t("trace.title")} onClose={onClose} wide>
            <p class="trace-id">
                <span>{t("trace.id")}</span> <code>{message.id}</code>
                <Button kind="quiet" onClick={copy}>{t(copied ? "trace.copied" : "trace.copy")}</Button>
            </p>
            {state.loading && <div class="dialog-wait"><Spinner label={t("trace.loading")} /></div>}
            {state.error && <p class="form-error" role="alert">{t("trace.error", { why: why(state.error) })}</p>}
            {trail && trail.length === 0 && <p class="dialog-text">{t("trace.empty")}</p>}
            {trail && trail.length > 0 && (
                <>
                    <p class="trace-day">{full(trail[0].at)}</p>
                    <ol class="trail">
                        {trail.map((step, i) => {
                            const word = t("trace." + step.what);
                            return (
                                <li key={i} class={BAD.has(step.what) ? "bad" : WARN.has(step.what) ? "warn" : ""}>
                                    <span class="trail-what">{word === "trace." + step.what ? step.what : word}</span>
                                    <time class="trail-at" dateTime={step.at}>{fine(step.at)}</time>
                                    <span class="trail-since">{i > 0 && since(Math.max(0, Date.parse(step.at) - start), lang)}</span>
                                    {step.detail && <span class="trail-detail">{step.detail}</span>}
                                </li>
                            );
                        })}
                    </ol>
                </>
            )}
            {state.raw && (
                <details class="raw">
                    <summary>{t("trace.raw")}</summary>
                    <pre tabIndex={0}>{JSON.stringify(state.raw, null, 2)}</pre>
                </details>
            )}
        </Dialog>
    );
}
