// page.jsx - rules in their order, each with a switch; what of them contradicts. A bundle of its own, fetched when it
// is wanted (inbox/admin_gate.jsx).
import { useEffect, useMemo, useState } from "preact/hooks";
import { I18n } from "../shared/i18n.mjs";
import { plainName } from "../shared/links.mjs";
import { AdminPage } from "../inbox/admin_page.jsx";
import { RuleForm, actionText, whyText } from "./form.jsx";
import { orderAt } from "./rule.mjs";
import { words as catalogues } from "./words.mjs";
import { useAgentName, useDesk, useStore, useWords } from "../inbox/context.jsx";
import { Icon } from "../inbox/icons.jsx";
import { Button, Confirm, IconButton, Spinner } from "../inbox/parts.jsx";
import "./rules.css";

function About({ rule, w }) {
    const agentName = useAgentName();
    const conditions = Object.entries(rule.if).map(([is, value]) => ({ is, value: Array.isArray(value) ? value.join(", ") : String(value) }));
    return (
        <span class="rule-about" dir="auto">
            {w.t("event." + rule.on)}{rule.after ? ` (${w.t("minutes", { n: Math.round(rule.after / 6) / 10 })})` : ""}
            {conditions.length > 0 && ` · ${whyText(conditions, w)}`}
            {" → "}{rule.then.map((a) => actionText(a, w, agentName)).join(", ")}
        </span>
    );
}

function Warnings({ warnings, rules, w }) {
    const names = (ids) => ids.map((id) => `«${plainName(rules.find((r) => r.id === id)?.name ?? "")}»`).join(", ");
    return warnings.length > 0 && (
        <div role="status">
            <ul class="rule-warnings">
                {warnings.map((x, i) => (
                    <li key={i} data-warning={x.code}><Icon name="warn" size={18} /> <span dir="auto">{w.has("warn." + x.code) ? w.t("warn." + x.code, { names: names(x.rules) }) : x.text}</span></li>
                ))}
            </ul>
        </div>
    );
}

export function AdminRules() {
    const { t, lang, why } = useWords();
    const desk = useDesk();
    const admin = useStore((db) => db.me?.role === "admin");
    const w = useMemo(() => new I18n(lang, catalogues[lang], catalogues.en), [lang]);
    const [got, setGot] = useState(null);
    const [trouble, setTrouble] = useState("");
    const [editing, setEditing] = useState(null); // {rule} or {rule: null}
    const [removing, setRemoving] = useState(null);
    const failed = (e) => setTrouble(w.t("failed", { why: why(desk.failed(e)) }));
    const load = () => desk.api.rules().then((all) => {
        setGot(all);
        setTrouble("");
    }, failed);
    useEffect(() => {
        if (!admin) return undefined;
        load();
        const kept = (e) => e.detail === "rules" && load(); // somebody has changed one
        addEventListener("kept", kept);
        return () => removeEventListener("kept", kept);
    }, [admin]);
    const change = async (method, rule, fields) => {
        let trouble;
        await desk.api.rules(method, "/" + rule.id, fields && { ...fields, rev: rule.rev }).catch((e) => {
            trouble = e;
        });
        await load();
        if (trouble) failed(trouble);
    };
    if (!admin) return <AdminPage title={w.t("title")}><p role="alert">{t("error.denied")}</p></AdminPage>;
    const rules = got?.rules ?? [];
    return (
        <AdminPage title={w.t("title")} hint={w.t("hint")} tools={<Button kind="main" icon="plus" onClick={() => setEditing({ rule: null })}>{w.t("add")}</Button>}>
            {trouble && <p class="form-error" role="alert">{trouble}</p>}
            {!got && !trouble && <Spinner label={w.t("loading")} />}
            {got && <Warnings warnings={got.warnings} rules={rules} w={w} />}
            {got && rules.length === 0 && <p class="empty">{w.t("none")}</p>}
            <ol class="cards rules">
                {rules.map((r, i) => {
                    const name = plainName(r.name);
                    return (
                        <li key={r.id} class={r.enabled ? "" : "off"} data-rule={r.name}>
                            <label class="rule-switch" title={w.t(r.enabled ? "on" : "off")}>
                                <input type="checkbox" role="switch" checked={r.enabled} aria-label={w.t("switch", { name })}
                                    onChange={(e) => change("PATCH", r, { enabled: e.currentTarget.checked })} /><span aria-hidden="true" />
                            </label>
                            <span class="cards-main"><strong dir="auto">{name}</strong><About rule={r} w={w} /></span>
                            <span class="rule-tools">
                                <IconButton icon="forward" class="rule-up" label={`${w.t("up")}: ${name}`} disabled={i === 0} onClick={() => change("PATCH", r, { order: orderAt(rules, i, -1) })} />
                                <IconButton icon="back" class="rule-down" label={`${w.t("down")}: ${name}`} disabled={i === rules.length - 1} onClick={() => change("PATCH", r, { order: orderAt(rules, i, 1) })} />
                                <IconButton icon="edit" label={`${w.t("change")}: ${name}`} onClick={() => setEditing({ rule: r })} />
                                <IconButton icon="trash" label={`${w.t("remove")}: ${name}`} onClick={() => setRemoving(r)} />
                            </span>
                        </li>
                    );
                })}
            </ol>
            {editing && <RuleForm rule={editing.rule} w={w} onClose={() => setEditing(null)} onSaved={() => {
                setEditing(null);
                load();
            }} />}
            {removing && (
                <Confirm title={w.t("remove")} text={w.t("removeSure", { name: plainName(removing.name) })} action={w.t("remove")} danger
                    onYes={() => change("DELETE", removing)} onClose={() => setRemoving(null)} />
            )}
        </AdminPage>
    );
}

globalThis.switchboardPages = { ...globalThis.switchboardPages, rules: AdminRules };
