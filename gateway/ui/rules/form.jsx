// form.jsx - one rule: when, only if, then; tried on past dialogues before it is saved.
import { useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { ACTIONS, CHOICES, CONDITIONS, EVENTS, actionOf, conditionOf, formOf, ruleOf } from "./rule.mjs";
import { useAgentName, useDesk, useStore, useWords } from "../inbox/context.jsx";
import { Button, Dialog, Field, IconButton } from "../inbox/parts.jsx";
import { threadHref } from "../inbox/routes.mjs";

function Check({ checked, onChange, children }) {
    return <label class="rule-check"><input type="checkbox" checked={checked} onChange={(e) => onChange(e.currentTarget.checked)} /> <span>{children}</span></label>;
}

function Condition({ row, set, id, w }) {
    const label = w.t("if." + row.kind);
    if (CHOICES[row.kind]) {
        const choices = CHOICES[row.kind].includes(row.value) ? CHOICES[row.kind] : [...CHOICES[row.kind], row.value];
        return (
            <select id={id} aria-label={label} value={row.value} onChange={(e) => set(e.currentTarget.value)}>
                {choices.map((c) => <option key={c} value={c}>{w.has("value." + c) ? w.t("value." + c) : c}</option>)}
            </select>
        );
    }
    return (
        <>
            <input id={id} aria-label={label} aria-describedby={id + "-hint"} value={row.value} required dir="auto" autocomplete="off" list={row.kind === "channels" ? "rule-channels" : undefined}
                onInput={(e) => set(e.currentTarget.value)} />
            <p class="field-hint" id={id + "-hint"}>{w.t(row.kind === "any" || row.kind === "all" ? "words" : "comma")}</p>
        </>
    );
}

function Assign({ value, set, id, w }) {
    const agents = useStore((db) => db.agents).filter((a) => !a.disabled || value.agents?.includes(a.name));
    const chosen = value.agents ?? [];
    const put = (fields) => set({ ...value, ...fields });
    return (
        <div class="rule-assign">
            <Check checked={!!value.responsible} onChange={(responsible) => put({ responsible })}>{w.t("responsible")}</Check>
            <div role="group" aria-label={w.t("agents")} class="rule-agents">
                {agents.map((a) => (
                    <Check key={a.name} checked={chosen.includes(a.name)}
                        onChange={(on) => put({ agents: on ? [...chosen, a.name] : chosen.filter((n) => n !== a.name) })}>{plainName(a.display_name || a.name)}</Check>
                ))}
            </div>
            <div class="rule-how">
                <select aria-label={w.t("how")} value={value.how ?? "turn"} onChange={(e) => put({ how: e.currentTarget.value })}>
                    {["turn", "least"].map((h) => <option key={h} value={h}>{w.t("how." + h)}</option>)}
                </select>
                <Check checked={!!value.online} onChange={(online) => put({ online })}>{w.t("online")}</Check>
                <label class="rule-number" for={id + "-most"}>{w.t("capacity")} <input id={id + "-most"} inputMode="numeric" value={value.capacity ?? ""} maxLength={5}
                    onInput={(e) => put({ capacity: e.currentTarget.value })} /></label>
            </div>
        </div>
    );
}

function Action({ row, set, id, w }) {
    const label = w.t("then." + row.kind);
    if (row.kind === "assign") return <Assign value={row.value} set={set} id={id} w={w} />;
    if (row.kind === "close") return null;
    const common = { id, "aria-label": label, value: row.value, required: true, dir: "auto", onInput: (e) => set(e.currentTarget.value) };
    if (row.kind === "label" || row.kind === "unlabel") return <input {...common} maxLength={64} autocomplete="off" />;
    return (
        <>
            <textarea {...common} rows={3} maxLength={4000} aria-describedby={id + "-hint"} />
            <p class="field-hint" id={id + "-hint"}>{w.t(row.kind + "Hint")}</p>
        </>
    );
}

// Rows of one sort, and a choice of those that are not there yet.
function Rows({ title, prefix, kinds, rows, setRows, make, many, Row, none, addLabel, w }) {
    const left = kinds.filter((k) => many.includes(k) || !rows.some((r) => r.kind === k));
    return (
        <fieldset class="rule-rows">
            <legend>{title}</legend>
            {rows.length === 0 && none && <p class="rule-none">{none}</p>}
            {rows.map((row, i) => (
                <div class="rule-row" key={row.kind + i} data-row={row.kind}>
                    <span class="rule-kind">{w.t(prefix + row.kind)}</span>
                    <div class="rule-value"><Row row={row} id={`rule-${prefix}${i}`} w={w} set={(value) => setRows(rows.map((r, k) => (k === i ? { ...r, value } : r)))} /></div>
                    <IconButton icon="x" label={w.t("drop", { what: w.t(prefix + row.kind) })} onClick={() => setRows(rows.filter((_, k) => k !== i))} />
                </div>
            ))}
            {left.length > 0 && (
                <select class="rule-add" aria-label={addLabel} value="" onChange={(e) => {
                    setRows([...rows, make(e.currentTarget.value)]);
                    e.currentTarget.value = "";
                }}>
                    <option value="">+ {addLabel}</option>
                    {left.map((k) => <option key={k} value={k}>{w.t(prefix + k)}</option>)}
                </select>
            )}
        </fieldset>
    );
}

export function whyText(why, w) {
    return why.map(({ is, value }) => `${w.t("if." + is)}: ${w.has("value." + value) ? w.t("value." + value) : plainName(value)}`).join("; ");
}

export function actionText(action, w, agentName) {
    const [kind, value] = Object.entries(action)[0];
    if (kind === "assign") {
        if (value.to) return w.t("to", { to: plainName(agentName(value.to)) });
        const names = (value.agents ?? []).map((n) => plainName(agentName(n))).join(", ");
        return `${w.t("then.assign")}: ${[value.responsible && w.t("responsible"), names].filter(Boolean).join("; ")}`;
    }
    return kind === "close" ? w.t("then.close") : `${w.t("then." + kind)}: ${plainName(String(value)).slice(0, 80)}`;
}

function Tried({ tried, w }) {
    const { short } = useWords();
    const agentName = useAgentName();
    return (
        <div class="rule-tried" role="status" data-tried={tried.tried} data-matched={tried.matched.length}>
            <p>{w.t("tried", { n: tried.tried })} {tried.matched.length ? w.t("triedSome", { n: tried.matched.length }) : w.t("triedNone")}</p>
            {tried.matched.length > 0 && (
                <ul>
                    {tried.matched.map((m) => (
                        <li key={m.thread}>
                            <a href={threadHref(m.thread, m.seq)} target="_blank" rel="noopener">{plainName(m.client.name) || m.client.id.slice(15, 19)}</a>
                            {" · "}<time dateTime={m.at}>{short(m.at)}</time>
                            {" · "}<span dir="auto">{m.would.map((a) => actionText(a, w, agentName)).join(", ")}</span>
                            {m.why.length > 0 && <small dir="auto">{w.t("because", { why: whyText(m.why, w) })}</small>}
                        </li>
                    ))}
                </ul>
            )}
        </div>
    );
}

export function RuleForm({ rule, onSaved, onClose, w }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const [v, setV] = useState(() => formOf(rule));
    const [error, setError] = useState("");
    const [busy, setBusy] = useState(false);
    const [tried, setTried] = useState(null);
    const channels = useStore((db) => db.channels) ?? [];
    const put = (fields) => setV({ ...v, ...fields });
    const run = async (work) => {
        setBusy(true);
        setError("");
        try {
            await work(ruleOf(v));
        } catch (failure) {
            setError(w.t("failed", { why: why(desk.failed(failure)) }));
        }
        setBusy(false);
    };
    const save = (e) => {
        e.preventDefault();
        run(async (fields) => {
            const all = { ...fields, ...(fields.after ? {} : { after: null }) };
            await (rule ? desk.api.rules("PATCH", "/" + rule.id, { ...all, rev: rule.rev }) : desk.api.rules("POST", "", fields));
            onSaved();
        });
    };
    return (
        <Dialog title={rule ? `${w.t("change")}: ${plainName(rule.name)}` : w.t("add")} onClose={onClose} wide>
            <form onSubmit={save} class="rule-form">
                <datalist id="rule-channels">{channels.map((c) => <option key={c.name} value={c.name} />)}</datalist>
                <Field id="rule-name" label={w.t("name")}>
                    <input id="rule-name" value={v.name} required maxLength={100} autocomplete="off" dir="auto" onInput={(e) => put({ name: e.currentTarget.value })} />
                </Field>
                <Field id="rule-on" label={w.t("when")}>
                    <span class="rule-when">
                        <select id="rule-on" value={v.on} onChange={(e) => put({ on: e.currentTarget.value })}>
                            {EVENTS.map((name) => <option key={name} value={name}>{w.t("event." + name)}</option>)}
                        </select>
                        {v.on === "unanswered" && (
                            <label class="rule-number" for="rule-after">{w.t("after")} <input id="rule-after" inputMode="decimal" value={v.after} required maxLength={6}
                                onInput={(e) => put({ after: e.currentTarget.value })} /></label>
                        )}
                    </span>
                </Field>
                <Rows title={w.t("if")} prefix="if." kinds={CONDITIONS} rows={v.if} setRows={(rows) => put({ if: rows })} make={conditionOf} many={[]} Row={Condition}
                    none={w.t("ifNone")} addLabel={w.t("addIf")} w={w} />
                <Rows title={w.t("then")} prefix="then." kinds={ACTIONS} rows={v.then} setRows={(rows) => put({ then: rows })} make={actionOf} many={["label", "unlabel"]} Row={Action}
                    addLabel={w.t("addThen")} w={w} />
                {tried && <Tried tried={tried} w={w} />}
                {error && <p class="form-error" role="alert">{error}</p>}
                <footer class="dialog-foot">
                    <Button onClick={() => run(async (fields) => setTried(await desk.api.rules("POST", "/try", { rule: fields })))} disabled={busy}>{w.t("try")}</Button>
                    <Button onClick={onClose}>{t("dialog.cancel")}</Button>
                    <Button kind="main" type="submit" disabled={busy}>{w.t("save")}</Button>
                </footer>
            </form>
        </Dialog>
    );
}
