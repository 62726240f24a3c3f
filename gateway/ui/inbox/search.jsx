// search.jsx - what a search found: clients by name among those that the page knows, and messages
// with the words around the hit.
import { useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { useStore, useWords } from "./context.jsx";
import { FilterFields, SAVEABLE, useLabelList } from "./filters.jsx";
import { Icon } from "./icons.jsx";
import { Avatar, Field, Snippet, Spinner, clientName } from "./parts.jsx";
import { threadHref } from "./routes.mjs";

const NAMES_MAX = 5;

function byName(threads, q) {
    const wanted = q.toLowerCase();
    const out = [];
    for (const thread of threads.values()) {
        if (!thread.merged_into && plainName(thread.client?.name).toLowerCase().includes(wanted)) out.push(thread);
        if (out.length >= NAMES_MAX) break;
    }
    return out;
}

function Hit({ thread, match, current }) {
    const { t, short } = useWords();
    return (
        <li>
            <a class={`hit${current ? " current" : ""}`} href={threadHref(thread.id, match?.seq)}>
                <Avatar name={plainName(thread.client?.name)} seed={thread.client?.id} small />
                <span class="hit-main">
                    <span class="row-top">
                        <span class="row-name" dir="auto">{clientName(thread, t)}</span>
                        <time class="row-time">{short(match?.at ?? thread.last_at)}</time>
                    </span>
                    <span class="hit-text" dir="auto"><Snippet text={match?.snippet ?? thread.last?.text ?? ""} /></span>
                </span>
            </a>
        </li>
    );
}

// Where to look: a state and the three of a view.
function Where({ where, setWhere }) {
    const { t } = useWords();
    const labels = useLabelList();
    const [open, setOpen] = useState(false);
    const n = Object.keys(where).length;
    return (
        <div class="search-where">
            <button type="button" class="button button-quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
                <Icon name="filter" size={15} />{n ? t("search.where", { n }) : t("filter.narrow")}
            </button>
            {n > 0 && <button type="button" class="button button-quiet" onClick={() => setWhere({})}>{t("search.anywhere")}</button>}
            {open && (
                <div class="search-fields">
                    <Field id="where-view" label={t("filter.view")}>
                        <select id="where-view" value={where.view ?? ""} onChange={(e) => {
                            const { view, ...rest } = where;
                            setWhere(e.currentTarget.value ? { ...rest, view: e.currentTarget.value } : rest);
                        }}>
                            <option value="">{t("filter.any")}</option>
                            {SAVEABLE.filter((v) => v !== "all").map((v) => <option key={v} value={v}>{t("view." + v)}</option>)}
                        </select>
                    </Field>
                    <FilterFields id="where" value={where} labels={labels}
                        set={(filter) => setWhere(where.view ? { view: where.view, ...filter } : filter)} />
                </div>
            )}
        </div>
    );
}

export function SearchResults({ q, current, where, setWhere }) {
    const { t, why } = useWords();
    const search = useStore((db) => db.search);
    const threads = useStore((db) => db.threads);
    const names = Object.keys(where).length ? [] : byName(threads, q);
    const hits = (search?.hits ?? []).map((h) => ({ ...h, thread: threads.get(h.thread) })).filter((h) => h.thread);
    const done = search && !search.loading && search.q === q;
    return (
        <div class="rows results" aria-live="polite" aria-busy={!done}>
            <Where where={where} setWhere={setWhere} />
            {names.length > 0 && (
                <>
                    <h2>{t("search.clients")}</h2>
                    <ul>{names.map((th) => <Hit key={th.id} thread={th} current={th.id === current} />)}</ul>
                </>
            )}
            {hits.length > 0 && (
                <>
                    <h2>{t("search.messages")}</h2>
                    <ul>
                        {hits.map((h, i) => <Hit key={h.match?.message ?? i} thread={h.thread} match={h.match} current={h.thread.id === current} />)}
                    </ul>
                </>
            )}
            {search?.error && done && <p class="empty" role="alert">{t("search.error", { why: why(search.error) })}</p>}
            {!done && <div class="rows-more"><Spinner label={t("search.busy")} /></div>}
            {done && !search.error && !hits.length && !names.length && <p class="empty">{t("search.none", { q })}</p>}
        </div>
    );
}
