// admin_targets.jsx - the CRMs: how each is, what waits for it and since when, how quickly it takes, what was given up,
// and the last calls to it.
import { useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { AdminPage } from "./admin_page.jsx";
import { CallLog } from "./call_log.jsx";
import { useDesk, useWords } from "./context.jsx";
import { DeadList } from "./dead_list.jsx";
import { Icon } from "./icons.jsx";
import { Button, Spinner } from "./parts.jsx";
import { usePolled } from "./polled.mjs";
import { deadHref } from "./routes.mjs";

const LAMPS = { well: "ready", paused: "lost", refused: "lost", off: "lost" };

function State({ target: x }) {
    const { t, fine } = useWords();
    const soon = x.until && Date.parse(x.until) <= Date.now();
    const some = x.workers > 1 && x.asking > 0 && x.asking < x.workers;
    const text = x.state === "paused" || x.state === "refused"
        ? t(`targets.${x.state}${soon ? "Soon" : ""}`, { at: x.until ? fine(x.until).replace(/\D\d{3}$/, "") : "" }) // to the second
        : t("targets." + x.state);
    return (
        <span class={x.state === "well" ? "good" : x.state === "starting" ? undefined : "bad"}>
            {text}{some && ` (${t("targets.some", { n: x.asking, of: x.workers })})`}
        </span>
    );
}

function Figures({ target: x }) {
    const { t, age } = useWords();
    const rows = [
        ["queue", x.queue, x.oldest_at && t("targets.oldest", { age: age(x.oldest_at) })],
        ["rate", x.rate],
        ["errors", x.errors],
        ["dead", x.dead],
    ];
    return (
        <dl class="figures">
            {rows.map(([key, n, more]) => (
                <div key={key} data-figure={key}>
                    <dt>{t("targets." + key)}</dt>
                    <dd class={n > 0 && (key === "errors" || key === "dead") ? "bad" : undefined}>{n}{more && <small> {more}</small>}</dd>
                </div>
            ))}
        </dl>
    );
}

// Of a webhook: is what we send taken? And, when it wanted nothing more, on again.
function Tools({ target: x }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const [busy, setBusy] = useState(false);
    const [said, setSaid] = useState(null);
    const run = async (what) => {
        setBusy(true);
        try {
            setSaid(await what(x.name) ?? null);
        } catch (e) {
            desk.toast(t("agents.failed", { why: why(desk.failed(e)) }));
        }
        setBusy(false);
    };
    return (
        <div class="target-tools">
            <Button disabled={busy} onClick={() => run(desk.api.testTarget)}>{t("targets.test")}</Button>
            {x.state === "off" && <Button icon="retry" disabled={busy} onClick={() => run(desk.api.enableTarget)}>{t("targets.enable")}</Button>}
            {said && (
                <p role="status" class={said.ok ? "good" : "bad"} data-tried={String(said.ok)}>
                    {t(said.ok ? "targets.tried" : said.status ? "targets.triedBad" : "targets.triedNothing", { status: said.status, ms: said.ms })}
                </p>
            )}
        </div>
    );
}

// More of a CRM, when it is asked for.
function Fold({ id, title, open, setOpen, children }) {
    return (
        <div class="target-fold">
            {title && (
                <button type="button" class="button button-plain" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
                    <Icon name="forward" size={16} /><span class="button-text">{title}</span>
                </button>
            )}
            {open && <div id={id}>{children}</div>}
        </div>
    );
}

function Target({ target: x }) {
    const { t, reason } = useWords();
    const [open, setOpen] = useState(false);
    const [calls, setCalls] = useState(false);
    const why = x.error && reason(x.error);
    return (
        <li data-target={x.name} data-state={x.state}>
            <span class={`cards-icon lamp lamp-${LAMPS[x.state] ?? "starting"}`}><Icon name="file" size={20} /></span>
            <span class="cards-main">
                <strong>{x.name}</strong>
                <span>{x.adapter} · <State target={x} /></span>
                {why && <span class={x.state === "well" ? "warn" : "bad"} title={why.title}>{plainName(why.text)}</span>}
            </span>
            <Figures target={x} />
            {x.adapter === "webhook" && <Tools target={x} />}
            {x.dead_from > 0 && <p class="target-dead"><a href={deadHref("from:" + x.name)}>{t("targets.deadFrom", { n: x.dead_from })}</a></p>}
            {(x.dead > 0 || open) && (
                <Fold id={"dead-of-" + x.name} title={x.dead > 0 && t("targets.showDead", { n: x.dead })} open={open} setOpen={setOpen}>
                    <DeadList queue={"crm:" + x.name} version={x.dead} empty={<p class="good">{t("dead.empty")}</p>} />
                </Fold>
            )}
            {x.adapter !== "cards" && (
                <Fold id={"calls-of-" + x.name} title={t("targets.showCalls")} open={calls} setOpen={setCalls}>
                    <CallLog target={x.name} />
                </Fold>
            )}
        </li>
    );
}

export function AdminTargets() {
    const { t, why } = useWords();
    const desk = useDesk();
    const { value, loading, error } = usePolled(desk.api.targets);
    const targets = value?.targets ?? [];
    return (
        <AdminPage title={t("targets.title")} hint={t("targets.hint")}>
            {!loading && !error && !targets.length && <div class="empty"><p>{t("targets.empty")}</p></div>}
            <ul class="cards targets">
                {targets.map((x) => <Target key={x.name} target={x} />)}
            </ul>
            {error && <p class="form-error" role="alert">{why(error)}</p>}
            {loading && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
        </AdminPage>
    );
}
