// admin_agents.jsx - who may sign in: list, add, disable, a new first password.
import { useEffect, useState } from "preact/hooks";
import { useDesk, useStore, useWords } from "./context.jsx";
import { browserName } from "./account.mjs";
import { AdminPage } from "./admin_page.jsx";
import { request } from "./api.mjs";
import { Avatar, Button, Confirm, Dialog, Field, Menu, Spinner } from "./parts.jsx";
import { Icon } from "./icons.jsx";

const ROLES = ["agent", "supervisor", "admin"];
const LETTERS = "abcdefghjkmnpqrstuvwxyz23456789";

// 16 letters of 31: about 79 bits.
function makePassword() {
    const bytes = crypto.getRandomValues(new Uint32Array(16));
    return [...bytes].map((b) => LETTERS[b % LETTERS.length]).join("");
}

function Password({ value, onInput }) {
    const { t } = useWords();
    return (
        <Field id="agent-password" label={t("agents.password")} hint={t("agents.passwordHint")}>
            <span class="input-with">
                <input id="agent-password" value={value} required minLength={10} maxLength={128} autocomplete="off"
                    spellcheck={false} onInput={(e) => onInput(e.currentTarget.value)} />
                <Button kind="quiet" onClick={() => onInput(makePassword())}>{t("agents.make")}</Button>
            </span>
        </Field>
    );
}

export function useSubmit(run, onClose) {
    const { t, why, told } = useWords();
    const [error, setError] = useState("");
    const [busy, setBusy] = useState(false);
    const submit = async (e) => {
        e.preventDefault();
        setBusy(true);
        setError("");
        try {
            await run();
            onClose();
        } catch (failure) {
            setError(t("agents.failed", { why: told(why(failure)) }));
            setBusy(false);
        }
    };
    return { error, busy, submit };
}

export function Buttons({ form, onClose, action }) {
    const { t } = useWords();
    return (
        <>
            {form.error && <p class="form-error" role="alert">{form.error}</p>}
            <footer class="dialog-foot">
                <Button onClick={onClose}>{t("dialog.cancel")}</Button>
                <Button kind="main" type="submit" disabled={form.busy}>{action}</Button>
            </footer>
        </>
    );
}

function Add({ onClose }) {
    const { t } = useWords();
    const desk = useDesk();
    const [v, setV] = useState({ name: "", display_name: "", role: "agent", password: makePassword() });
    const set = (key) => (e) => setV({ ...v, [key]: e.currentTarget.value });
    const form = useSubmit(async () => {
        await desk.api.addAgent({ ...v, name: v.name.trim(), display_name: v.display_name.trim() || v.name.trim() });
        await desk.loadAgents();
        desk.toast(t("agents.added", { name: v.name }), "good");
    }, onClose);
    return (
        <Dialog title={t("agents.add")} onClose={onClose}>
            <form onSubmit={form.submit}>
                <Field id="agent-name" label={t("agents.name")} hint={t("agents.nameHint")}>
                    <input id="agent-name" value={v.name} required pattern="[a-z0-9._\-]{1,64}" maxLength={64} autocomplete="off"
                        autocapitalize="none" spellcheck={false} onInput={set("name")} />
                </Field>
                <Field id="agent-display" label={t("agents.display")}>
                    <input id="agent-display" value={v.display_name} maxLength={128} autocomplete="off" onInput={set("display_name")} />
                </Field>
                <Field id="agent-role" label={t("agents.role")}>
                    <select id="agent-role" value={v.role} onChange={set("role")}>
                        {ROLES.map((r) => <option key={r} value={r}>{t("role." + r)}</option>)}
                    </select>
                </Field>
                <Password value={v.password} onInput={(password) => setV({ ...v, password })} />
                <Buttons form={form} onClose={onClose} action={t("agents.add")} />
            </form>
        </Dialog>
    );
}

function Reset({ agent, onClose }) {
    const { t } = useWords();
    const desk = useDesk();
    const [password, setPassword] = useState(makePassword());
    const form = useSubmit(async () => {
        await desk.api.changeAgent(agent.name, { password });
        await desk.loadAgents();
        desk.toast(t("agents.resetDone", { name: agent.display_name || agent.name }), "good");
    }, onClose);
    return (
        <Dialog title={t("agents.reset") + ": " + (agent.display_name || agent.name)} onClose={onClose}>
            <form onSubmit={form.submit}>
                <Password value={password} onInput={setPassword} />
                <Buttons form={form} onClose={onClose} action={t("agents.reset")} />
            </form>
        </Dialog>
    );
}

// Where an agent is signed in; each may be ended, and he is out there within a second.
function Sessions({ agent, onClose }) {
    const { t, why, told, full, age } = useWords();
    const desk = useDesk();
    const [sessions, setSessions] = useState(null);
    const [error, setError] = useState("");
    const path = `/agents/${encodeURIComponent(agent.name)}/sessions`;
    const failed = (e) => setError(told(why(desk.failed(e))));
    const load = () => request("GET", path).then((r) => setSessions(r.sessions), failed);
    useEffect(() => {
        load();
    }, []);
    const end = async (session) => {
        setError("");
        try {
            await request("DELETE", `${path}/${session.id}`);
            desk.toast(t("sessions.ended"), "good");
        } catch (e) {
            if (e.status !== 404) return failed(e); // gone already
        }
        return load();
    };
    return (
        <Dialog title={`${t("agents.sessions")}: ${agent.display_name || agent.name}`} onClose={onClose} wide>
            {error && <p class="form-error" role="alert">{error}</p>}
            {!sessions && !error && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
            {sessions?.length === 0 && <p class="dialog-text">{t("agents.noSessions")}</p>}
            <ul class="cards agent-sessions">
                {sessions?.map((s) => {
                    const name = browserName(s.browser) || t("sessions.unknown");
                    return (
                        <li key={s.id} data-session={s.id}>
                            <span class="cards-main">
                                <strong title={s.browser}>{name}</strong>
                                <span>{[s.address, t("sessions.since", { at: full(s.created_at) }), t("sessions.used", { age: age(s.last_used_at) })].filter(Boolean).join(" · ")}</span>
                            </span>
                            <Button onClick={() => end(s)} label={`${t("sessions.end")}: ${name}`}>{t("sessions.end")}</Button>
                        </li>
                    );
                })}
            </ul>
        </Dialog>
    );
}

export function AdminAgents() {
    const { t, why } = useWords();
    const desk = useDesk();
    const agents = useStore((db) => db.agents);
    const online = useStore((db) => db.online);
    const me = useStore((db) => db.me);
    const [adding, setAdding] = useState(false);
    const [resetting, setResetting] = useState(null);
    const [disabling, setDisabling] = useState(null);
    const [unguarding, setUnguarding] = useState(null);
    const [watching, setWatching] = useState(null);
    useEffect(() => {
        desk.loadAgents();
    }, []);
    const change = async (agent, fields) => {
        try {
            await desk.api.changeAgent(agent.name, { ...fields, rev: agent.rev });
        } catch (e) {
            desk.toast(t("agents.failed", { why: why(desk.failed(e)) }));
        }
        await desk.loadAgents(); // also what another admin has changed meanwhile
    };
    const help = async (agent, request, done) => {
        try {
            await request(agent.name);
            await desk.loadAgents();
            desk.toast(t(done, { name: agent.display_name || agent.name }), "good");
        } catch (e) {
            desk.toast(t("agents.failed", { why: why(desk.failed(e)) }));
        }
    };
    const actions = (a) => [
        ...ROLES.map((r) => ({ label: t("role." + r), checked: a.role === r, run: () => change(a, { role: r }) })),
        null,
        { label: t("agents.reset"), icon: "lock", run: () => setResetting(a) },
        ...(a.second_factor ? [{ label: t("agents.resetFactor"), icon: "phone", run: () => setUnguarding(a) }] : []),
        { label: t("agents.sessions"), icon: "channels", run: () => setWatching(a) },
        { label: t("agents.signOut"), icon: "out", run: () => help(a, desk.api.signAgentOut, "agents.signOutDone") },
        a.disabled
            ? { label: t("agents.enable"), icon: "check", run: () => change(a, { disabled: false }) }
            : { label: t("agents.disable"), icon: "x", danger: true, run: () => setDisabling(a) },
    ];
    return (
        <AdminPage title={t("agents.title")} tools={<Button kind="main" icon="plus" onClick={() => setAdding(true)}>{t("agents.add")}</Button>}>
            <ul class="cards agents">
                {agents.map((a) => {
                    const name = a.display_name || a.name;
                    const on = a.online ?? online.includes(a.name);
                    return (
                        <li key={a.name} class={a.disabled ? "off" : ""} data-agent={a.name}>
                            <Avatar name={name} seed={a.name} online={on && !a.disabled} />
                            <span class="cards-main">
                                <strong>{name}</strong>
                                <span>{a.name} · {t("role." + a.role)}{a.second_factor && <> · <span class="good">{t("agents.factorOn")}</span></>}</span>
                            </span>
                            <span class="cards-state">
                                {a.disabled ? t("agents.disabled") : a.must_change_password ? t("agents.mustChange") : t(on ? "agents.online" : "agents.offline")}
                            </span>
                            {a.name !== me.name
                                ? <Menu label={`${t("thread.actions")}: ${name}`} items={actions(a)} class="icon-button"><Icon name="more" /></Menu>
                                : <span class="icon-button-gap" />}
                        </li>
                    );
                })}
            </ul>
            {adding && <Add onClose={() => setAdding(false)} />}
            {resetting && <Reset agent={resetting} onClose={() => setResetting(null)} />}
            {watching && <Sessions agent={watching} onClose={() => setWatching(null)} />}
            {disabling && (
                <Confirm title={t("agents.disable")} text={t("agents.disableSure", { name: disabling.display_name || disabling.name })}
                    action={t("agents.disable")} danger onYes={() => change(disabling, { disabled: true })} onClose={() => setDisabling(null)} />
            )}
            {unguarding && (
                <Confirm title={t("agents.resetFactor")} action={t("agents.resetFactor")} danger
                    text={t("agents.resetFactorSure", { name: unguarding.display_name || unguarding.name })}
                    onYes={() => help(unguarding, desk.api.resetFactor, "agents.resetFactorDone")} onClose={() => setUnguarding(null)} />
            )}
        </AdminPage>
    );
}
