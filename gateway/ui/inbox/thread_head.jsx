// thread_head.jsx - who this is, who answers, and what may be done with the dialogue.
import { useRef, useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { useAgentName, useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Avatar, Button, Dialog, Field, IconButton, Menu, clientName } from "./parts.jsx";
import { viewHref } from "./routes.mjs";
import { WindowChip } from "./window_bar.jsx";

export function useChange(id) {
    const desk = useDesk();
    const { t, why } = useWords();
    return (fields) => desk.change(id, fields).catch((e) => desk.toast(t("change.failed", { why: why(e) })));
}

function Assign({ thread, change }) {
    const { t } = useWords();
    const agents = useStore((db) => db.agents);
    const online = useStore((db) => db.online);
    const me = useStore((db) => db.me);
    const agentName = useAgentName();
    const others = agents.filter((a) => !a.disabled && a.name !== me.name);
    others.sort((a, b) => Number(online.includes(b.name)) - Number(online.includes(a.name)) ||
        (a.display_name || a.name).localeCompare(b.display_name || b.name));
    const items = [
        { label: t("assign.me"), checked: thread.assignee === me.name, run: () => change({ assignee: me.name }) },
        { label: t("assign.nobody"), checked: !thread.assignee, run: () => change({ assignee: null }) },
        ...(others.length ? [null] : []),
        ...others.map((a) => ({
            label: a.display_name || a.name,
            checked: thread.assignee === a.name,
            hint: online.includes(a.name) ? t("assign.online") : "",
            run: () => change({ assignee: a.name }),
        })),
    ];
    const name = thread.assignee ? agentName(thread.assignee) : t("assign.nobody");
    return (
        <Menu label={`${t("assign.label")}: ${name}`} items={items} class="assign"
            search={others.length > 8 ? t("assign.find") : undefined}>
            {thread.assignee ? <Avatar name={name} seed={thread.assignee} small /> : <span class="assign-none"><Icon name="unassigned" size={17} /></span>}
            <span class="assign-name">{name}</span>
        </Menu>
    );
}

function at(hours, days) {
    const d = new Date();
    d.setDate(d.getDate() + days);
    d.setHours(hours, 0, 0, 0);
    return d;
}

function SnoozeOther({ onClose, snooze }) {
    const { t } = useWords();
    const soon = new Date(Date.now() + 7200000);
    const local = new Date(soon.getTime() - soon.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
    const [when, setWhen] = useState(local);
    const ms = Date.parse(when);
    return (
        <Dialog title={t("state.snooze")} onClose={onClose}>
            <form onSubmit={(e) => { e.preventDefault(); onClose(); snooze(new Date(ms)); }}>
                <Field id="snooze-at" label={t("snooze.other")}>
                    <input id="snooze-at" type="datetime-local" value={when} required onInput={(e) => setWhen(e.currentTarget.value)} />
                </Field>
                <footer class="dialog-foot">
                    <Button onClick={onClose}>{t("dialog.cancel")}</Button>
                    <Button kind="main" type="submit" disabled={!(ms > Date.now())}>{t("snooze.set")}</Button>
                </footer>
            </form>
        </Dialog>
    );
}

function Snooze({ change }) {
    const { t } = useWords();
    const [other, setOther] = useState(false);
    const snooze = (when) => change({ state: "snoozed", snooze_until: when.toISOString() });
    const monday = (8 - new Date().getDay()) % 7 || 7;
    const evening = at(18, 0);
    const items = [
        { label: t("snooze.hour"), run: () => snooze(new Date(Date.now() + 3600000)) },
        ...(evening > new Date(Date.now() + 1800000) ? [{ label: t("snooze.evening"), run: () => snooze(evening) }] : []),
        { label: t("snooze.tomorrow"), run: () => snooze(at(9, 1)) },
        { label: t("snooze.week"), run: () => snooze(at(9, monday)) },
        null,
        { label: t("snooze.other"), run: () => setOther(true) },
    ];
    return (
        <>
            <Menu label={t("state.snooze")} items={items} class="icon-button snooze"><Icon name="snoozed" /></Menu>
            {other && <SnoozeOther onClose={() => setOther(false)} snooze={snooze} />}
        </>
    );
}

function Labels({ thread, change }) {
    const { t } = useWords();
    const [adding, setAdding] = useState(false);
    const [text, setText] = useState("");
    const { labels } = thread;
    const open = useRef(false); // Enter closes the field, and so it loses the focus: that is one deed, not two
    const add = (e) => {
        e?.preventDefault();
        if (!open.current) return;
        open.current = false;
        const label = plainName(text).trim();
        setAdding(false);
        setText("");
        if (label && !labels.includes(label)) change({ labels: [...labels, label] });
    };
    return (
        <div class="labels" role="group" aria-label={t("labels.title")}>
            {labels.map((l) => (
                <span key={l} class="chip" title={plainName(l)}>
                    <span class="chip-text">{plainName(l)}</span>
                    <button type="button" aria-label={t("labels.remove", { label: plainName(l) })}
                        onClick={() => change({ labels: labels.filter((x) => x !== l) })}><Icon name="x" size={12} /></button>
                </span>
            ))}
            {adding ? (
                <form onSubmit={add} class="chip chip-new">
                    <input ref={(el) => el && document.activeElement !== el && !text && el.focus()} value={text} maxLength={32}
                        aria-label={t("labels.new")} placeholder={t("labels.new")} onInput={(e) => setText(e.currentTarget.value)}
                        onBlur={() => add()} onKeyDown={(e) => {
                            if (e.key !== "Escape") return;
                            e.stopPropagation();
                            open.current = false;
                            setText("");
                            setAdding(false);
                        }} />
                </form>
            ) : labels.length < 20 && (
                <button type="button" class="chip chip-add" aria-label={t("labels.add")} title={t("labels.add")} onClick={() => {
                    open.current = true;
                    setAdding(true);
                }}>
                    <Icon name="tag" size={13} />{!labels.length && <span>{t("labels.add")}</span>}
                </button>
            )}
        </div>
    );
}

// Who else has this dialogue open.
function Viewers({ id }) {
    const { t } = useWords();
    const viewers = useStore((db) => db.viewers.get(id));
    const me = useStore((db) => db.me?.name);
    const agentName = useAgentName();
    const others = (viewers ?? []).filter((name) => name !== me).map((name) => [name, agentName(name)]);
    if (!others.length) return null;
    const label = t("thread.viewers", { n: others.length, who: others.map(([, shown]) => shown).join(", ") });
    return (
        <span class="viewers" role="status" aria-label={label} title={label}>
            <Icon name="eye" size={15} />
            {others.slice(0, 3).map(([name, shown]) => <Avatar key={name} name={shown} seed={name} small />)}
            {others.length > 3 && <span>+{others.length - 3}</span>}
        </span>
    );
}

export function ThreadHead({ id, thread, view, panel, setPanel }) {
    const { t, full } = useWords();
    const change = useChange(id);
    const filter = useStore((db) => db.route.filter);
    const name = thread ? clientName(thread, t) : "";
    const live = thread && !thread.merged_into;
    return (
        <header class="thread-head">
            <a class="icon-button thread-back" href={viewHref(view, filter)} aria-label={t("nav.back")} title={t("nav.back")}><Icon name="back" /></a>
            <button type="button" class="thread-who" onClick={() => setPanel(!panel)} aria-label={`${name}. ${t("thread.panel")}`}>
                {thread && <Avatar name={plainName(thread.client?.name)} seed={thread.client?.id} />}
            </button>
            <div class="thread-title">
                <h1 dir="auto">{name}</h1>
                {thread && (
                    <p class="thread-sub">
                        <span class={`state state-${thread.state}`}>
                            {thread.state === "snoozed" && thread.snooze_until
                                ? t("state.until", { at: full(thread.snooze_until) }) : t("state." + thread.state)}
                        </span>
                        {thread.blocked && <span class="state state-blocked"><Icon name="block" size={12} />{t("block.chip")}</span>}
                        <span class="thread-channel">{thread.channel}</span>
                        {live && <WindowChip thread={thread} long />}
                        {live && <Labels thread={thread} change={change} />}
                    </p>
                )}
            </div>
            <div class="thread-tools">
                {live && <Viewers id={id} />}
                {live && (
                    <>
                        <Assign thread={thread} change={change} />
                        {thread.state !== "closed" && <Snooze change={change} />}
                        {thread.state === "open"
                            ? <Button kind="quiet" icon="check" label={t("state.close")} data-key="state" onClick={() => change({ state: "closed" })}>{t("state.close")}</Button>
                            : <Button kind="quiet" icon="open" label={t("state.reopen")} data-key="state" onClick={() => change({ state: "open" })}>{t("state.reopen")}</Button>}
                    </>
                )}
                <IconButton icon="panel" class="panel-toggle" label={t("thread.panel")} aria-pressed={panel} onClick={() => setPanel(!panel)} />
            </div>
        </header>
    );
}
