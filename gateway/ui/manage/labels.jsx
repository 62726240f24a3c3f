// labels.jsx - all labels: with how many dialogues each is; renamed (into one that there is: merged), removed. Which
// rules name one is said before: they follow its new name, but not its end.
import { useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { Buttons, useSubmit } from "../inbox/admin_agents.jsx";
import { useDesk, useWords } from "../inbox/context.jsx";
import { Button, Confirm, Dialog, Field, IconButton, Spinner } from "../inbox/parts.jsx";
import { viewHref } from "../inbox/routes.mjs";
import { namesLabel } from "../rules/rule.mjs";
import * as api from "./api.mjs";
import { ForAdmins, useManageWords, usePages } from "./parts.jsx";

const ruleNames = (rules, w) => rules.map((r) => w.t("labels.rule", { name: plainName(r.name) })).join(", ");

function Rename({ label, rules, w, onDone, onClose }) {
    const [to, setTo] = useState(label);
    const form = useSubmit(async () => onDone(await api.renameLabel(label, to.trim())), onClose);
    return (
        <Dialog title={`${w.t("labels.rename")}: ${plainName(label)}`} onClose={onClose}>
            <form onSubmit={form.submit}>
                <Field id="label-to" label={w.t("labels.to")} hint={w.t("labels.toHint")}>
                    <input id="label-to" value={to} required maxLength={64} autocomplete="off" dir="auto" onInput={(e) => setTo(e.currentTarget.value)} />
                </Field>
                {rules && <p class="dialog-text" dir="auto">{w.t("labels.renameRules", { names: rules })}</p>}
                <Buttons form={form} onClose={onClose} action={w.t("labels.rename")} />
            </form>
        </Dialog>
    );
}

function List({ w }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const [q, setQ] = useState("");
    const { rows, more, again, loading, error } = usePages((cursor) => api.allLabels({ q, cursor }), "labels", q);
    const [renaming, setRenaming] = useState(null); // {label, rules: their names}
    const [removing, setRemoving] = useState(null);
    const [left, setLeft] = useState(""); // names of rules that could not follow
    const failed = (e) => desk.toast(t("agents.failed", { why: why(desk.failed(e)) }));
    const ask = async (label, set) => {
        try {
            const { rules } = await desk.api.rules();
            set({ label, rules: ruleNames(rules.filter((r) => namesLabel(r, label)), w) });
        } catch (e) {
            failed(e);
        }
    };
    const done = ({ threads, unchanged = [] }) => {
        desk.toast(w.t("labels.done", { n: threads }), "good");
        setLeft(ruleNames(unchanged, w));
        again();
    };
    const remove = async (label) => {
        try {
            done(await api.removeLabel(label));
        } catch (e) {
            failed(e);
            again();
        }
    };
    return (
        <>
            <p class="filters">
                <label>{w.t("labels.find")} <input type="search" name="q" value={q} maxLength={64} onInput={(e) => setQ(e.currentTarget.value)} /></label>
            </p>
            {left && <p class="form-error" role="alert" dir="auto">{w.t("labels.left", { names: left })}</p>}
            {!rows.length && !loading && !error && <p class="empty">{w.t(q ? "labels.notFound" : "labels.none")}</p>}
            <ul class="cards labels-all">
                {rows.map(({ label, count }) => {
                    const name = plainName(label);
                    return (
                        <li key={label} data-label={label}>
                            <span class="cards-main"><strong dir="auto">{name}</strong></span>
                            <a class="cards-state" href={viewHref("all", { label })}>{w.t("labels.threads", { n: count })}</a>
                            <IconButton icon="edit" label={`${w.t("labels.rename")}: ${name}`} onClick={() => ask(label, setRenaming)} />
                            <IconButton icon="trash" label={`${w.t("labels.remove")}: ${name}`} onClick={() => ask(label, setRemoving)} />
                        </li>
                    );
                })}
            </ul>
            {error && <p class="form-error" role="alert">{why(error)}</p>}
            {loading && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
            {more && !loading && <div class="more"><Button onClick={more}>{w.t("more")}</Button></div>}
            {renaming && <Rename key={renaming.label} {...renaming} w={w} onDone={done} onClose={() => setRenaming(null)} />}
            {removing && (
                <Confirm title={w.t("labels.remove")} action={w.t("labels.remove")} danger
                    text={w.t("labels.removeSure", { name: plainName(removing.label) }) + (removing.rules && " " + w.t("labels.removeRules", { names: removing.rules }))}
                    onYes={() => remove(removing.label)} onClose={() => setRemoving(null)} />
            )}
        </>
    );
}

export function Labels() {
    const w = useManageWords();
    return <ForAdmins title={w.t("labels.title")} hint={w.t("labels.hint")}>{() => <List w={w} />}</ForAdmins>;
}
