// admin_canned.jsx - canned answers: list, add, change, delete. Who saves over another's change is told.
import { useEffect, useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { Buttons, useSubmit } from "./admin_agents.jsx";
import { AdminPage } from "./admin_page.jsx";
import { useDesk, useStore, useWords } from "./context.jsx";
import { Button, Confirm, Dialog, Field, IconButton } from "./parts.jsx";

const PLACEHOLDERS = ["client.name", "client.first_name", "client.phone", "client.email", "agent.name", "channel"];

function Edit({ canned, onClose }) {
    const { t } = useWords();
    const desk = useDesk();
    const [v, setV] = useState({ shortcut: canned?.shortcut ?? "", title: canned?.title ?? "", text: canned?.text ?? "" });
    const set = (key) => (e) => setV({ ...v, [key]: e.currentTarget.value });
    const form = useSubmit(async () => {
        const fields = { shortcut: v.shortcut.trim().replace(/^\//, ""), title: v.title.trim(), text: v.text };
        await (canned ? desk.api.changeKept("canned", canned.id, { ...fields, rev: canned.rev }) : desk.api.addKept("canned", fields));
        await desk.keeps.loadCanned();
    }, onClose);
    const put = (name) => {
        const el = document.getElementById("canned-text");
        const at = el.selectionStart ?? v.text.length;
        setV({ ...v, text: v.text.slice(0, at) + `{{${name}}}` + v.text.slice(el.selectionEnd ?? at) });
        setTimeout(() => el.focus(), 0);
    };
    return (
        <Dialog title={t(canned ? "canned.change" : "canned.add")} onClose={onClose} wide>
            <form onSubmit={form.submit}>
                <Field id="canned-shortcut" label={t("canned.shortcut")} hint={t("canned.shortcutHint")}>
                    <input id="canned-shortcut" value={v.shortcut} required maxLength={33} autocomplete="off" autocapitalize="none" spellcheck={false} onInput={set("shortcut")} />
                </Field>
                <Field id="canned-name" label={t("canned.name")}>
                    <input id="canned-name" value={v.title} maxLength={100} autocomplete="off" onInput={set("title")} />
                </Field>
                <Field id="canned-text" label={t("canned.text")} hint={t("canned.textHint")}>
                    <textarea id="canned-text" rows={7} value={v.text} required maxLength={10000} dir="auto" onInput={set("text")} />
                </Field>
                <div class="canned-put" role="group" aria-label={t("canned.placeholders")}>
                    {PLACEHOLDERS.map((name) => (
                        <button key={name} type="button" class="chip" title={`{{${name}}}`} onClick={() => put(name)}><span class="chip-text">{t("canned.put." + name)}</span></button>
                    ))}
                </div>
                <Buttons form={form} onClose={onClose} action={t("client.save")} />
            </form>
        </Dialog>
    );
}

export function AdminCanned() {
    const { t, why } = useWords();
    const desk = useDesk();
    const canned = useStore((db) => db.canned);
    const admin = useStore((db) => db.me?.role === "admin");
    const [editing, setEditing] = useState(null);
    const [removing, setRemoving] = useState(null);
    useEffect(() => {
        desk.keeps.loadCanned();
    }, []);
    const remove = async (c) => {
        try {
            await desk.api.removeKept("canned", c.id);
            await desk.keeps.loadCanned();
        } catch (e) {
            desk.toast(t("change.failed", { why: why(desk.failed(e)) }));
        }
    };
    return (
        <AdminPage title={t("nav.canned")} hint={t("canned.hint")}
            tools={admin && <Button kind="main" icon="plus" onClick={() => setEditing({})}>{t("canned.add")}</Button>}>
            {canned.length === 0 && <p class="empty">{t("canned.empty")}</p>}
            <ul class="cards canned">
                {canned.map((c) => (
                    <li key={c.id} data-canned={c.shortcut}>
                        <span class="cards-main">
                            <strong dir="auto">/{plainName(c.shortcut)}{c.title ? " · " + plainName(c.title) : ""}</strong>
                            <span class="canned-text" dir="auto">{c.text}</span>
                        </span>
                        {admin && (
                            <>
                                <IconButton icon="edit" label={t("canned.change") + ": " + plainName(c.shortcut)} onClick={() => setEditing(c)} />
                                <IconButton icon="trash" label={t("canned.remove") + ": " + plainName(c.shortcut)} onClick={() => setRemoving(c)} />
                            </>
                        )}
                    </li>
                ))}
            </ul>
            {editing && <Edit canned={editing.id ? editing : null} onClose={() => setEditing(null)} />}
            {removing && (
                <Confirm title={t("canned.remove")} text={t("canned.removeSure", { name: plainName(removing.shortcut) })} action={t("canned.remove")} danger
                    onYes={() => remove(removing)} onClose={() => setRemoving(null)} />
            )}
        </AdminPage>
    );
}
