// filters.jsx - what a view is narrowed to (channel, agent, label), and views that are saved under a name. The dialog of
// both: filter_dialog.jsx.
import { useEffect, useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { useAgentName, useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { VIEWS, listKey } from "./lists.mjs";
import { Field } from "./parts.jsx";
import { FILTERS, viewHref } from "./routes.mjs";

export const SAVEABLE = VIEWS.filter((v) => v !== "mentions");

export const filterOf = (o) => Object.fromEntries(FILTERS.filter((k) => o?.[k]).map((k) => [k, o[k]]));
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
    const teams = useStore((db) => db.teams);
    const options = {
        channel: channels.map((c) => [c.name, c.name]),
        assignee: [...teams.map((x) => ["team:" + x.id, t("filter.team", { name: plainName(x.name) })]), ...agents.map((a) => [a.name, a.display_name || a.name])],
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
