// teams.jsx - teams: agents under a name. Who saves over another's change is told.
import { useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { Buttons, useSubmit } from "../inbox/admin_agents.jsx";
import { useAgentName, useDesk, useStore, useWords } from "../inbox/context.jsx";
import { Icon } from "../inbox/icons.jsx";
import { Button, Confirm, Dialog, Field, IconButton, Spinner } from "../inbox/parts.jsx";
import * as api from "./api.mjs";
import { ForAdmins, useLoaded, useManageWords } from "./parts.jsx";

function Edit({ team, w, onClose }) {
    const { t } = useWords();
    const agents = useStore((db) => db.agents);
    const [v, setV] = useState({ name: team.name ?? "", members: team.members ?? [] });
    const form = useSubmit(() => {
        const fields = { ...v, name: v.name.trim() };
        return team.id ? api.changeTeam(team.id, { ...fields, rev: team.rev }) : api.addTeam(fields);
    }, onClose);
    const turn = (name) => (e) => setV({ ...v, members: e.currentTarget.checked ? [...v.members, name] : v.members.filter((m) => m !== name) });
    return (
        <Dialog title={w.t(team.id ? "teams.change" : "teams.add")} onClose={onClose}>
            <form onSubmit={form.submit}>
                <Field id="team-name" label={w.t("teams.name")}>
                    <input id="team-name" value={v.name} required maxLength={60} autocomplete="off" dir="auto" onInput={(e) => setV({ ...v, name: e.currentTarget.value })} />
                </Field>
                <fieldset class="scopes team-members">
                    <legend>{w.t("teams.members")}</legend>
                    {agents.filter((a) => !a.disabled || v.members.includes(a.name)).map((a) => (
                        <label key={a.name}>
                            <input type="checkbox" name={a.name} checked={v.members.includes(a.name)} onChange={turn(a.name)} />
                            <span>{plainName(a.display_name || a.name)} <small>{t("role." + a.role)}</small></span>
                        </label>
                    ))}
                </fieldset>
                <Buttons form={form} onClose={onClose} action={t("client.save")} />
            </form>
        </Dialog>
    );
}

function List({ w, editing, setEditing }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const agentName = useAgentName();
    const { value, loading, error, load } = useLoaded(api.teams);
    const [removing, setRemoving] = useState(null);
    const teams = value?.teams ?? [];
    const remove = async (team) => {
        try {
            await api.removeTeam(team.id);
        } catch (e) {
            if (e.status !== 404) desk.toast(t("agents.failed", { why: why(desk.failed(e)) }));
        }
        load();
    };
    return (
        <>
            {!loading && !error && !teams.length && <p class="empty">{w.t("teams.none")}</p>}
            <ul class="cards teams">
                {teams.map((x) => (
                    <li key={x.id} data-team={x.name}>
                        <span class="cards-icon lamp"><Icon name="agents" size={20} /></span>
                        <span class="cards-main">
                            <strong dir="auto">{plainName(x.name)}</strong>
                            <span dir="auto">{x.members.map((m) => plainName(agentName(m))).join(", ") || w.t("teams.nobody")}</span>
                        </span>
                        <IconButton icon="edit" label={`${w.t("teams.change")}: ${plainName(x.name)}`} onClick={() => setEditing(x)} />
                        <IconButton icon="trash" label={`${w.t("teams.remove")}: ${plainName(x.name)}`} onClick={() => setRemoving(x)} />
                    </li>
                ))}
            </ul>
            {error && <p class="form-error" role="alert">{why(error)}</p>}
            {loading && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
            {editing && (
                <Edit team={editing} w={w} onClose={() => {
                    setEditing(null);
                    load();
                }} />
            )}
            {removing && (
                <Confirm title={w.t("teams.remove")} text={w.t("teams.removeSure", { name: plainName(removing.name) })} action={w.t("teams.remove")} danger
                    onYes={() => remove(removing)} onClose={() => setRemoving(null)} />
            )}
        </>
    );
}

export function Teams() {
    const w = useManageWords();
    const [editing, setEditing] = useState(null);
    return (
        <ForAdmins title={w.t("teams.title")} hint={w.t("teams.hint")}
            tools={<Button kind="main" icon="plus" onClick={() => setEditing({})}>{w.t("teams.add")}</Button>}>
            {() => <List {...{ w, editing, setEditing }} />}
        </ForAdmins>
    );
}
