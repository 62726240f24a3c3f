// page.jsx - working hours, holidays, and by when clients are answered. Who saves over another's change is told.
import { useEffect, useMemo, useState } from "preact/hooks";
import { I18n } from "../shared/i18n.mjs";
import { plainName } from "../shared/links.mjs";
import { PolicyForm, ScheduleForm } from "./form.jsx";
import { words } from "./words.mjs";
import { AdminPage } from "../inbox/admin_page.jsx";
import { useDesk, useStore, useWords } from "../inbox/context.jsx";
import { long, weekRows } from "./fields.mjs";
import { Button, Confirm, IconButton } from "../inbox/parts.jsx";

const KINDS = ["hours", "sla"];

// A name of a weekday in the page's language: 4 January 2027 is a Monday.
function dayNames(lang, weekday) {
    const format = new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { weekday, timeZone: "UTC" });
    return (day) => format.format(Date.UTC(2027, 0, 4 + ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].indexOf(day)));
}

function Channels({ say, names }) {
    return names.length === 0 ? <span>{say("channels.all")}</span> : names.map((n) => <span key={n} class="chip"><span class="chip-text">{plainName(n)}</span></span>);
}

function ScheduleText({ say, s, short }) {
    const rows = weekRows(s.week);
    return (
        <>
            <span class="hours-says">
                {rows.length === 0 && <span>{say("closed")}</span>}
                {rows.map((r) => (
                    <span key={r.from}>{r.from === r.to ? short(r.from) : `${short(r.from)}–${short(r.to)}`} {r.spans.map((x) => `${x.from}–${x.to}`).join(", ")}</span>
                ))}
            </span>
            <span>{s.zone}{s.holidays.length > 0 && " · " + say("holidays.n", { n: s.holidays.length })}</span>
        </>
    );
}

function PolicyText({ say, p }) {
    const time = (s) => {
        const { unit, n } = long(s);
        return say(unit, { n });
    };
    const parts = ["first", "next", "remind", "close"].filter((key) => p[key + "_s"]).map((key) => say("says." + key, { time: time(p[key + "_s"]) }));
    if (!p.working) parts.push(say("says.always"));
    return <span>{parts.join(" · ")}</span>;
}

function useShelf(kind) {
    const desk = useDesk();
    const [list, setList] = useState(null);
    const load = async () => {
        try {
            setList((await desk.api.kept(kind))[kind].sort((a, b) => (a.id < b.id ? -1 : 1)));
        } catch (e) {
            desk.failed(e);
            setList((now) => now ?? []);
        }
    };
    useEffect(() => {
        const hear = (e) => e.detail === kind && load();
        addEventListener("kept", hear);
        load();
        desk.loadChannels();
        return () => removeEventListener("kept", hear);
    }, []);
    return [list, load];
}

function Part({ kind, say }) {
    const { t, why, lang } = useWords();
    const desk = useDesk();
    const admin = useStore((db) => db.me?.role === "admin");
    const [list, load] = useShelf(kind);
    const [editing, setEditing] = useState(null);
    const [removing, setRemoving] = useState(null);
    const short = useMemo(() => dayNames(lang, "short"), [lang]);
    const full = useMemo(() => dayNames(lang, "long"), [lang]);
    const save = async (fields) => {
        try {
            await (editing.id ? desk.api.changeKept(kind, editing.id, { ...fields, rev: editing.rev }) : desk.api.addKept(kind, fields));
        } finally {
            load();
        }
    };
    const remove = async (one) => {
        try {
            await desk.api.removeKept(kind, one.id);
        } catch (e) {
            desk.toast(t("change.failed", { why: why(desk.failed(e)) }));
        }
        load();
    };
    const one = editing?.id ? editing : undefined;
    return (
        <section class="hours-kind" data-kind={kind} aria-labelledby={"hours-" + kind}>
            <header>
                <h2 id={"hours-" + kind}>{say(kind)}</h2>
                {admin && <Button icon="plus" onClick={() => setEditing({})}>{say(kind + ".add")}</Button>}
            </header>
            <p class="field-hint">{say(kind + ".hint")}</p>
            {list?.length === 0 && <p class="hours-none">{say(kind + ".none")}</p>}
            <ul class="cards">
                {list?.map((s) => (
                    <li key={s.id} data-kept={s.id}>
                        <span class="cards-main">
                            <strong dir="auto">{plainName(s.name)}</strong>
                            {kind === "hours" ? <ScheduleText say={say} s={s} short={short} /> : <PolicyText say={say} p={s} />}
                            <span class="hours-of"><Channels say={say} names={s.channels} /></span>
                        </span>
                        {admin && (
                            <>
                                <IconButton icon="edit" label={`${say(kind + ".change")}: ${plainName(s.name)}`} onClick={() => setEditing(s)} />
                                <IconButton icon="trash" label={`${say(kind + ".remove")}: ${plainName(s.name)}`} onClick={() => setRemoving(s)} />
                            </>
                        )}
                    </li>
                ))}
            </ul>
            {editing && kind === "hours" && <ScheduleForm say={say} dayName={full} schedule={one} save={save} onClose={() => setEditing(null)} />}
            {editing && kind === "sla" && <PolicyForm say={say} policy={one} save={save} onClose={() => setEditing(null)} />}
            {removing && (
                <Confirm title={say(kind + ".remove")} text={say(kind + ".sure", { name: plainName(removing.name) })} action={say("yes")} danger
                    onYes={() => remove(removing)} onClose={() => setRemoving(null)} />
            )}
        </section>
    );
}

export function Hours() {
    const { lang } = useWords();
    const i18n = useMemo(() => new I18n(lang, words[lang] ?? words.en, words.en), [lang]);
    const say = (key, vars) => i18n.t(key, vars);
    return (
        <AdminPage title={say("title")}>
            {KINDS.map((kind) => <Part key={kind} kind={kind} say={say} />)}
        </AdminPage>
    );
}
