// filters.jsx - what a view is narrowed to (channel, agent, label), and views that are saved under a name.
import { useEffect, useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { useAgentName, useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { VIEWS, listKey } from "./lists.mjs";
import { Button, Dialog, Field, IconButton } from "./parts.jsx";
import { FILTERS, viewHref } from "./routes.mjs";

export const SAVEABLE = VIEWS.filter((v) => v !== "mentions");

const filterOf = (o) => Object.fromEntries(FILTERS.filter((k) => o?.[k]).map((k) => [k, o[k]]));
export const savedKey = (v) => listKey(v.view, filterOf(v));
export const savedHref = (v) => viewHref(v.view, filterOf(v));

// The saved view that the page shows now, if it is one.
export function useSaved(route) {
    const views = useStore((db) => db.views);
    return views.find((v) => savedKey(v) === listKey(route.view, route.filter));
}

export function useLabelList() {
    const desk = useDesk();
    const [labels, setLabels] = useState([]);
    useEffect(() => {
        desk.api.labels().then((r) => setLabels(r.labels), (e) => desk.failed(e));
    }, []);
    return labels;
}

// Three choices. value: a filter. set(filter).
export function FilterFields({ id, value, set, labels }) {
    const { t } = useWords();
    const channels = useStore((db) => db.channels);
    const agents = useStore((db) => db.agents);
    const options = {
        channel: channels.map((c) => [c.name, c.name]),
        assignee: agents.map((a) => [a.name, a.display_name || a.name]),
        label: labels.map((l) => [l.label, `${plainName(l.label)} (${l.count})`]),
    };
    return FILTERS.map((key) => {
        const known = options[key].some(([name]) => name === value[key]);
        return (
            <Field key={key} id={`${id}-${key}`} label={t("filter." + key)}>
                <select id={`${id}-${key}`} value={value[key] ?? ""} onChange={(e) => set(filterOf({ ...value, [key]: e.currentTarget.value }))}>
                    <option value="">{t("filter.any")}</option>
                    {value[key] && !known && <option value={value[key]}>{plainName(value[key])}</option>}
                    {options[key].map(([name, shown]) => <option key={name} value={name}>{shown}</option>)}
                </select>
            </Field>
        );
    });
}

function Saved() {
    const { t, why } = useWords();
    const desk = useDesk();
    const views = useStore((db) => db.views);
    const counts = useStore((db) => db.viewCounts);
    if (!views.length) return <p class="field-hint">{t("filter.noSaved")}</p>;
    const remove = (v) => desk.keeps.removeView(v.id).catch((e) => desk.toast(t("change.failed", { why: why(e) })));
    return (
        <ul class="saved">
            {views.map((v) => (
                <li key={v.id}>
                    <a href={savedHref(v)} data-saved={v.id}><Icon name="bookmark" size={16} /><span dir="auto">{plainName(v.name)}</span>
                        <b aria-label={t("list.threads", { n: counts[v.id] ?? 0 })}>{counts[v.id] ?? 0}</b></a>
                    <IconButton icon="trash" size={16} label={t("filter.delete", { name: plainName(v.name) })} onClick={() => remove(v)} />
                </li>
            ))}
        </ul>
    );
}

export function FilterDialog({ route, onClose }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const labels = useLabelList();
    const [view, setView] = useState(route.view === "mentions" ? "open" : route.view);
    const [filter, setFilter] = useState(filterOf(route.filter));
    const [name, setName] = useState("");
    const [error, setError] = useState("");
    const [first] = useState(location.hash);
    useEffect(() => {
        const gone = () => location.hash !== first && onClose();
        addEventListener("hashchange", gone);
        return () => removeEventListener("hashchange", gone);
    }, []);
    const show = (e) => {
        e?.preventDefault();
        location.hash = viewHref(view, filter);
        onClose();
    };
    const save = async () => {
        try {
            await desk.keeps.addView({ name: name.trim(), view, ...filter });
            show();
        } catch (failure) {
            setError(t("change.failed", { why: why(failure) }));
        }
    };
    return (
        <Dialog title={t("filter.title")} onClose={onClose} class="filter-dialog">
            <form onSubmit={show}>
                <Saved />
                <h3>{t("filter.narrow")}</h3>
                <Field id="filter-view" label={t("filter.view")}>
                    <select id="filter-view" value={view} onChange={(e) => setView(e.currentTarget.value)}>
                        {SAVEABLE.map((v) => <option key={v} value={v}>{t("view." + v)}</option>)}
                    </select>
                </Field>
                <FilterFields id="filter" value={filter} set={setFilter} labels={labels} />
                <Field id="filter-name" label={t("filter.name")} error={error}>
                    <input id="filter-name" value={name} maxLength={60} placeholder={t("filter.nameHint")} autocomplete="off" onInput={(e) => setName(e.currentTarget.value)} />
                </Field>
                <footer class="dialog-foot">
                    <Button icon="bookmark" disabled={!name.trim()} onClick={save}>{t("filter.save")}</Button>
                    <Button kind="main" type="submit">{t("filter.show")}</Button>
                </footer>
            </form>
        </Dialog>
    );
}

// What the list is narrowed to, each with a way out of it.
export function FilterChips({ route }) {
    const { t } = useWords();
    const agentName = useAgentName();
    const filter = filterOf(route.filter);
    if (!Object.keys(filter).length) return null;
    const shown = (key) => (key === "assignee" ? agentName(filter[key]) : plainName(filter[key]));
    return (
        <div class="filter-chips" role="group" aria-label={t("filter.narrow")}>
            {Object.keys(filter).map((key) => (
                <a key={key} class="chip" href={viewHref(route.view, { ...filter, [key]: "" })} title={t("filter.remove", { what: t("filter." + key) })}
                    aria-label={`${t("filter." + key)}: ${shown(key)}. ${t("filter.remove", { what: "" }).trim()}`}>
                    <span class="chip-text">{shown(key)}</span><Icon name="x" size={12} />
                </a>
            ))}
        </div>
    );
}
