// labels.jsx - all labels: with how many dialogues each is; renamed (into one that there is: merged), removed.
import { useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { Buttons, useSubmit } from "../inbox/admin_agents.jsx";
import { useDesk, useWords } from "../inbox/context.jsx";
import { Button, Confirm, Dialog, Field, IconButton, Spinner } from "../inbox/parts.jsx";
import { viewHref } from "../inbox/routes.mjs";
import * as api from "./api.mjs";
import { ForAdmins, useManageWords, usePages } from "./parts.jsx";

function Rename({ label, w, onDone, onClose }) {
    const [to, setTo] = useState(label);
    const form = useSubmit(async () => {
        const { threads } = await api.renameLabel(label, to.trim());
        onDone(threads);
    }, onClose);
    return (
        <Dialog title={`${w.t("labels.rename")}: ${plainName(label)}`} onClose={onClose}>
            <form onSubmit={form.submit}>
                <Field id="label-to" label={w.t("labels.to")} hint={w.t("labels.toHint")}>
                    <input id="label-to" value={to} required maxLength={64} autocomplete="off" dir="auto" onInput={(e) => setTo(e.currentTarget.value)} />
                </Field>
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
    const [renaming, setRenaming] = useState(null);
    const [removing, setRemoving] = useState(null);
    const done = (threads) => {
        desk.toast(w.t("labels.done", { n: threads }), "good");
        again();
    };
    const remove = async (label) => {
        try {
            done((await api.removeLabel(label)).threads);
        } catch (e) {
            desk.toast(t("agents.failed", { why: why(desk.failed(e)) }));
            again();
        }
    };
    return (
        <>
            <p class="filters">
                <label>{w.t("labels.find")} <input type="search" name="q" value={q} maxLength={64} onInput={(e) => setQ(e.currentTarget.value)} /></label>
            </p>
            {!rows.length && !loading && !error && <p class="empty">{w.t(q ? "labels.notFound" : "labels.none")}</p>}
            <ul class="cards labels-all">
                {rows.map(({ label, count }) => {
                    const name = plainName(label);
                    return (
                        <li key={label} data-label={label}>
                            <span class="cards-main"><strong dir="auto">{name}</strong></span>
                            <a class="cards-state" href={viewHref("all", { label })}>{w.t("labels.threads", { n: count })}</a>
                            <IconButton icon="edit" label={`${w.t("labels.rename")}: ${name}`} onClick={() => setRenaming(label)} />
                            <IconButton icon="trash" label={`${w.t("labels.remove")}: ${name}`} onClick={() => setRemoving(label)} />
                        </li>
                    );
                })}
            </ul>
            {error && <p class="form-error" role="alert">{why(error)}</p>}
            {loading && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
            {more && !loading && <div class="more"><Button onClick={more}>{w.t("more")}</Button></div>}
            {renaming !== null && <Rename key={renaming} label={renaming} w={w} onDone={done} onClose={() => setRenaming(null)} />}
            {removing !== null && (
                <Confirm title={w.t("labels.remove")} text={w.t("labels.removeSure", { name: plainName(removing) })} action={w.t("labels.remove")} danger
                    onYes={() => remove(removing)} onClose={() => setRemoving(null)} />
            )}
        </>
    );
}

export function Labels() {
    const w = useManageWords();
    return <ForAdmins title={w.t("labels.title")} hint={w.t("labels.hint")}>{() => <List w={w} />}</ForAdmins>;
}
