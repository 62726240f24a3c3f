// tokens.jsx - API tokens: which there are, when each was used; made (shown once), revoked.
import { useState } from "preact/hooks";
import { Buttons, useSubmit } from "../inbox/admin_agents.jsx";
import { useDesk, useWords } from "../inbox/context.jsx";
import { Icon } from "../inbox/icons.jsx";
import { Button, Confirm, Dialog, Field, Spinner } from "../inbox/parts.jsx";
import * as api from "./api.mjs";
import { ForAdmins, useLoaded, useManageWords } from "./parts.jsx";

const ROLES = ["agent", "supervisor", "admin"];
const SCOPES = ["read", "write", "admin"];

function Add({ w, onMade, onClose }) {
    const { t } = useWords();
    const [v, setV] = useState({ name: "", role: "agent", scopes: ["read", "write"] });
    const may = (scope) => scope !== "admin" || v.role === "admin";
    const form = useSubmit(async () => {
        const made = await api.addToken({ ...v, name: v.name.trim(), scopes: v.scopes.filter(may) });
        onMade(made);
    }, onClose);
    const turn = (scope) => (e) => setV({ ...v, scopes: SCOPES.filter((s) => (s === scope ? e.currentTarget.checked : v.scopes.includes(s))) });
    return (
        <Dialog title={w.t("tokens.add")} onClose={onClose}>
            <form onSubmit={form.submit}>
                <Field id="token-name" label={w.t("tokens.name")} hint={t("agents.nameHint")}>
                    <input id="token-name" value={v.name} required pattern="[a-z0-9._\-]{1,64}" maxLength={64} autocomplete="off"
                        autocapitalize="none" spellcheck={false} onInput={(e) => setV({ ...v, name: e.currentTarget.value })} />
                </Field>
                <Field id="token-role" label={t("agents.role")} hint={w.t("tokens.roleHint")}>
                    <select id="token-role" value={v.role} onChange={(e) => setV({ ...v, role: e.currentTarget.value })}>
                        {ROLES.map((r) => <option key={r} value={r}>{t("role." + r)}</option>)}
                    </select>
                </Field>
                <fieldset class="scopes">
                    <legend>{w.t("tokens.scopes")}</legend>
                    {SCOPES.filter(may).map((scope) => (
                        <label key={scope}>
                            <input type="checkbox" name={scope} checked={v.scopes.includes(scope)} onChange={turn(scope)} /> {w.t("scope." + scope)}
                        </label>
                    ))}
                </fieldset>
                <Buttons form={form} onClose={onClose} action={w.t("tokens.add")} />
            </form>
        </Dialog>
    );
}

function Secret({ made, w, onClose }) {
    const { t } = useWords();
    const desk = useDesk();
    const copy = async () => {
        try {
            await navigator.clipboard.writeText(made.secret);
            desk.toast(w.t("tokens.copied"), "good");
        } catch {
            desk.toast(w.t("tokens.notCopied"));
        }
    };
    return (
        <Dialog title={`${w.t("tokens.made")}: ${made.token.name}`} onClose={onClose}>
            <p>{w.t("tokens.once")}</p>
            <p class="secret"><code>{made.secret}</code></p>
            <p class="field-hint">{w.t("tokens.use")} <code>Authorization: Bearer …</code></p>
            <footer class="dialog-foot">
                <Button onClick={copy}>{w.t("tokens.copy")}</Button>
                <Button kind="main" onClick={onClose}>{t("dialog.close")}</Button>
            </footer>
        </Dialog>
    );
}

function Token({ token: x, w, onRevoke }) {
    const { t, full, age } = useWords();
    const made = [w.t("tokens.since", { at: full(x.created_at) }), x.created_by && w.t("tokens.by", { name: x.created_by })].filter(Boolean).join(", ");
    return (
        <li data-token={x.name}>
            <span class="cards-icon lamp"><Icon name="lock" size={20} /></span>
            <span class="cards-main">
                <strong>{x.name}</strong>
                <span>{t("role." + x.role)} · {x.scopes.map((s) => w.t("scope." + s)).join(", ")}</span>
                <span>{made}</span>
            </span>
            <span class="cards-state">{x.last_used_at ? w.t("tokens.used", { age: age(x.last_used_at) }) : w.t("tokens.unused")}</span>
            <Button onClick={onRevoke} label={`${w.t("tokens.revoke")}: ${x.name}`}>{w.t("tokens.revoke")}</Button>
        </li>
    );
}

function List({ w, adding, setAdding }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const { value, loading, error, load } = useLoaded(api.tokens);
    const [made, setMade] = useState(null);
    const [revoking, setRevoking] = useState(null);
    const tokens = value?.tokens ?? [];
    const revoke = async (name) => {
        try {
            await api.revokeToken(name);
            desk.toast(w.t("tokens.revoked", { name }), "good");
        } catch (e) {
            if (e.status !== 404) desk.toast(t("agents.failed", { why: why(desk.failed(e)) }));
        }
        load();
    };
    return (
        <>
            {!loading && !error && !tokens.length && <p class="empty">{w.t("tokens.none")}</p>}
            <ul class="cards tokens">
                {tokens.map((x) => <Token key={x.name} token={x} w={w} onRevoke={() => setRevoking(x.name)} />)}
            </ul>
            {error && <p class="form-error" role="alert">{why(error)}</p>}
            {loading && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
            {adding && (
                <Add w={w} onClose={() => setAdding(false)} onMade={(m) => {
                    setMade(m);
                    load();
                }} />
            )}
            {made && <Secret made={made} w={w} onClose={() => setMade(null)} />}
            {revoking && (
                <Confirm title={w.t("tokens.revoke")} text={w.t("tokens.revokeSure", { name: revoking })} action={w.t("tokens.revoke")} danger
                    onYes={() => revoke(revoking)} onClose={() => setRevoking(null)} />
            )}
        </>
    );
}

export function Tokens() {
    const w = useManageWords();
    const [adding, setAdding] = useState(false);
    return (
        <ForAdmins title={w.t("tokens.title")} hint={w.t("tokens.hint")}
            tools={<Button kind="main" icon="plus" onClick={() => setAdding(true)}>{w.t("tokens.add")}</Button>}>
            {() => <List {...{ w, adding, setAdding }} />}
        </ForAdmins>
    );
}
