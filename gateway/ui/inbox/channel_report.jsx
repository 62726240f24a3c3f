// channel_report.jsx - what an examination of a channel found, and what to do about it.
import { useDesk, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Spinner } from "./parts.jsx";

const LEVELS = { ok: "check", warn: "warn", fail: "x" };

export function useProblem() {
    const { reason } = useWords();
    return (error) => (!error ? "" : reason(typeof error === "string" ? { text: error } : error).text);
}

// The examination's end: {report, bad}, or {error}.
export function useCheck() {
    const { t, why } = useWords();
    const desk = useDesk();
    const problemOf = useProblem();
    return async (name) => {
        try {
            const answer = await desk.api.checkChannel(name);
            const channel = answer.channel ?? answer;
            const bad = problemOf(channel.error) || (channel.state === "lost" ? t("channels.state.lost") : "");
            return { report: answer.report ?? [], bad };
        } catch (e) {
            return { error: why(desk.failed(e)) };
        }
    };
}

// A mailbox takes its time: it is told what happens meanwhile.
export function Report({ check, connector }) {
    const { t } = useWords();
    const problemOf = useProblem();
    if (check.busy) return (
        <p class="report-wait">
            <Spinner label={t("channels.checking")} />
            {connector === "email" && <span>{t("channels.checkingMail")}</span>}
        </p>
    );
    return (
        <div class="report" role="status">
            {check.error && <p class="bad">{check.error}</p>}
            {check.report && !check.report.length && <p class={check.bad ? "bad" : "good"}>{check.bad || t("channels.ok")}</p>}
            {check.report?.length > 0 && (
                <ul aria-label={t("channels.report")}>
                    {check.report.map((line, i) => (
                        <li key={i} class={`report-${line.level}`}>
                            <span role="img" aria-label={t("channels.level." + line.level)}><Icon name={LEVELS[line.level] ?? "warn"} size={15} /></span>
                            <span>{problemOf(line.text)}{line.todo && <em>{problemOf(line.todo)}</em>}</span>
                        </li>
                    ))}
                </ul>
            )}
        </div>
    );
}
