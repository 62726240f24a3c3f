// audit.jsx - who did what, from where and when: newest first, narrowed by what, who, whom and days; as a table, too.
import { useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { useAgentName, useStore, useWords } from "../inbox/context.jsx";
import { Avatar, Button, Spinner } from "../inbox/parts.jsx";
import * as api from "./api.mjs";
import { dayRange, detailOf } from "./figures.mjs";
import { ForAdmins, useManageWords, usePages } from "./parts.jsx";

const KINDS = ["session", "account", "agent", "team", "token", "channel", "target", "dead", "canned", "label", "client", "rules", "hours", "sla", "report", "audit", "data"];
const NOTHING = { what: "", by: "", subject: "", first: "", last: "" };

function Filters({ filters, setFilters, w }) {
    const agents = useStore((db) => db.agents);
    const set = (key) => (e) => setFilters({ ...filters, [key]: e.currentTarget.value });
    return (
        <form class="filters" onSubmit={(e) => e.preventDefault()}>
            <label>{w.t("audit.kind")}
                <select name="what" value={filters.what} onChange={set("what")}>
                    <option value="">{w.t("audit.any")}</option>
                    {KINDS.map((k) => <option key={k} value={k}>{w.t("kind." + k)}</option>)}
                </select>
            </label>
            <label>{w.t("audit.by")}
                <input name="by" list="audit-names" value={filters.by} maxLength={64} autocomplete="off" autocapitalize="none" spellcheck={false} onChange={set("by")} />
            </label>
            <label>{w.t("audit.subject")}
                <input name="subject" list="audit-names" value={filters.subject} maxLength={200} autocomplete="off" autocapitalize="none" spellcheck={false} onChange={set("subject")} />
            </label>
            <label>{w.t("audit.first")} <input type="date" name="first" value={filters.first} onChange={set("first")} /></label>
            <label>{w.t("audit.last")} <input type="date" name="last" value={filters.last} onChange={set("last")} /></label>
            <datalist id="audit-names">{agents.map((a) => <option key={a.name} value={a.name} />)}</datalist>
            {Object.values(filters).some(Boolean) && <Button kind="quiet" onClick={() => setFilters(NOTHING)}>{w.t("audit.clear")}</Button>}
        </form>
    );
}

function Entry({ entry: e, w }) {
    const { t, full } = useWords();
    const agentName = useAgentName();
    const who = e.by ? plainName(agentName(e.by)) : w.t("audit.stranger");
    const subject = e.subject && e.subject !== e.by ? plainName(agentName(e.subject)) : "";
    const key = "did." + e.what;
    const more = detailOf(e.detail, w, t);
    const from = [w.t("via." + e.via), e.address].filter(Boolean).join(", ");
    return (
        <li data-what={e.what} data-entry={e.id}>
            <Avatar name={who} seed={e.by} />
            <span class="cards-main">
                <strong dir="auto">{who}</strong>
                <span class={e.what === "session.refused" ? "bad" : "did"} dir="auto">
                    {w.has(key) ? w.t(key) : e.what}{subject && <>: <b>{subject}</b></>}
                </span>
                {more && <span dir="auto">{more}</span>}
            </span>
            <span class="audit-when">
                <time datetime={e.at}>{full(e.at)}</time>
                <span title={e.session ? w.t("audit.session", { id: e.session }) : undefined}>{from}</span>
            </span>
        </li>
    );
}

function Log({ w, filters, setFilters }) {
    const { t, why } = useWords();
    const { first, last, ...plain } = filters;
    const asked = { ...plain, ...dayRange(first, last) };
    const { rows, more, loading, error } = usePages((cursor) => api.audit({ ...asked, cursor }), "entries", JSON.stringify(asked));
    return (
        <>
            <Filters {...{ filters, setFilters, w }} />
            {rows.length > 0 && (
                <ul class="cards audit">
                    {rows.map((e) => <Entry key={e.id} entry={e} w={w} />)}
                </ul>
            )}
            {!rows.length && !loading && !error && <p class="empty">{w.t("audit.none")}</p>}
            {error && <p class="form-error" role="alert">{why(error)}</p>}
            {loading && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
            {more && !loading && <div class="more"><Button onClick={more}>{w.t("more")}</Button></div>}
            {rows.length > 0 && <p class="more"><a href={api.auditTable(asked)} download>{w.t("audit.csv")}</a></p>}
        </>
    );
}

export function Audit() {
    const w = useManageWords();
    const [filters, setFilters] = useState(NOTHING);
    return <ForAdmins title={w.t("audit.title")} hint={w.t("audit.hint")}>{() => <Log {...{ w, filters, setFilters }} />}</ForAdmins>;
}
