// filter_dialog.jsx - narrows a view down, saves it under a name, and keeps the saved ones in order.
import { useEffect, useRef, useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { useDesk, useStore, useWords } from "./context.jsx";
import { FilterFields, SAVEABLE, filterOf, savedHref, useLabelList } from "./filters.jsx";
import { Icon } from "./icons.jsx";
import { Button, Dialog, Field, IconButton } from "./parts.jsx";
import { viewHref } from "./routes.mjs";

// The name of a saved view, to be changed where it stands.
function Rename({ view: now, onDone }) {
    const { t, why } = useWords();
    const [view] = useState(now); // as it was when he began: another change since is not undone
    const desk = useDesk();
    const field = useRef(null);
    useEffect(() => field.current.select(), []);
    const done = async () => {
        const name = field.current.value.trim();
        if (!name || name === view.name) return onDone();
        try {
            await desk.keeps.changeView({ ...view, name });
            onDone();
        } catch (e) {
            desk.toast(t("change.failed", { why: why(e) }));
        }
        return undefined;
    };
    const onKeyDown = (e) => {
        if (e.isComposing) return;
        if (e.key === "Enter") done();
        else if (e.key === "Escape") onDone();
        else return;
        e.preventDefault();
        e.stopPropagation();
    };
    return (
        <li class="saved-rename">
            <input ref={field} type="text" defaultValue={view.name} maxLength={60} autocomplete="off" dir="auto"
                aria-label={t("filter.name")} onKeyDown={onKeyDown} />
            <IconButton icon="check" size={16} label={t("client.save")} onClick={done} />
            <IconButton icon="x" size={16} label={t("dialog.cancel")} onClick={onDone} />
        </li>
    );
}

function Saved() {
    const { t, why } = useWords();
    const desk = useDesk();
    const views = useStore((db) => db.views);
    const counts = useStore((db) => db.viewCounts);
    const [renaming, setRenaming] = useState(null);
    if (!views.length) return <p class="field-hint">{t("filter.noSaved")}</p>;
    const remove = (v) => desk.keeps.removeView(v.id).catch((e) => desk.toast(t("change.failed", { why: why(e) })));
    return (
        <ul class="saved">
            {views.map((v) => (v.id === renaming ? <Rename key={v.id} view={v} onDone={() => setRenaming(null)} /> : (
                <li key={v.id}>
                    <a href={savedHref(v)} data-saved={v.id}><Icon name="bookmark" size={16} /><span dir="auto">{plainName(v.name)}</span>
                        <b aria-label={t("list.threads", { n: counts[v.id] ?? 0 })}>{counts[v.id] ?? 0}</b></a>
                    <IconButton icon="edit" size={16} label={t("filter.rename", { name: plainName(v.name) })} onClick={() => setRenaming(v.id)} />
                    <IconButton icon="trash" size={16} label={t("filter.delete", { name: plainName(v.name) })} onClick={() => remove(v)} />
                </li>
            )))}
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
