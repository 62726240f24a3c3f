// call_log.jsx - the last calls to a CRM, newest first: what was asked, for which message, and what it answered.
import { useState } from "preact/hooks";
import { useDesk, useWords } from "./context.jsx";
import { Spinner } from "./parts.jsx";
import { usePolled } from "./polled.mjs";
import { threadHref } from "./routes.mjs";

// Of what was looked for and is not there the CRM says 404, which is no trouble.
const isError = (call) => call.error && !(call.status === 404 && call.about.startsWith("GET "));

// The same call may be there twice: the n-th of them keeps its row when newer ones come.
function keyed(calls) {
    const seen = new Map();
    return calls.map((call) => {
        const text = JSON.stringify(call), n = seen.get(text) ?? 0;
        seen.set(text, n + 1);
        return [`${text} ${n}`, call];
    });
}

function Call({ call }) {
    const { t, clock, short, fine, full, reason } = useWords();
    const bad = isError(call), day = short(call.at), why = bad && reason(call.error);
    return (
        <li data-status={call.status} data-bad={bad ? "" : undefined}>
            <time dateTime={call.at} title={full(call.at)}>{day !== clock(call.at) && day + " "}{fine(call.at)}</time>
            <code>{call.about}</code>
            <span class={bad ? "call-end bad" : "call-end"}>
                {call.status ? t("targets.callAnswered", { status: call.status, ms: call.ms }) : t("targets.callNothing", { ms: call.ms })}
            </span>
            {(call.message || why) && (
                <span class="call-more">
                    {call.message && (
                        <a href={threadHref(call.message.thread, call.message.seq)} title={call.message.id}>
                            {t("targets.callMessage", { n: call.message.seq })}
                        </a>
                    )}
                    {why && <span class="bad" title={why.title}>{why.text}</span>}
                </span>
            )}
        </li>
    );
}

export function CallLog({ target }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const { value, loading, error } = usePolled(() => desk.api.targetLog(target));
    const [onlyErrors, setOnlyErrors] = useState(false);
    const calls = (value?.log ?? []).filter((call) => !onlyErrors || isError(call));
    return (
        <>
            <label class="calls-filter">
                <input type="checkbox" checked={onlyErrors} onChange={(e) => setOnlyErrors(e.currentTarget.checked)} />
                {t("targets.onlyErrors")}
            </label>
            {error && <p class="form-error" role="alert">{why(error)}</p>}
            {loading && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
            {value && !calls.length && <p class="calls-none" role="status">{t(onlyErrors ? "targets.noErrors" : "targets.noCalls")}</p>}
            {calls.length > 0 && (
                <ol class="calls" tabIndex={0} aria-label={t("targets.callsOf", { target })}>
                    {keyed(calls).map(([key, call]) => <Call key={key} call={call} />)}
                </ol>
            )}
        </>
    );
}
