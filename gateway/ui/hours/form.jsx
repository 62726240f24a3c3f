// form.jsx - the forms of working hours and of answer times.
import { useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { Buttons, useSubmit } from "../inbox/admin_agents.jsx";
import { useStore } from "../inbox/context.jsx";
import { DAYS, overNight, policyFields, policyOf, scheduleFields, scheduleOf } from "./fields.mjs";
import { Button, Dialog, Field, IconButton } from "../inbox/parts.jsx";

const FRESH = { from: "09:00", to: "18:00" };
const SUPERVISORS = ["late", "always", "never"];
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
const ZONES = Intl.supportedValuesOf?.("timeZone") ?? [];

const without = (list, i) => list.filter((_, k) => k !== i);
const changed = (list, i, fields) => list.map((one, k) => (k === i ? { ...one, ...fields } : one));

function Channels({ say, value, set }) {
    const names = useStore((db) => db.channels).map((c) => c.name);
    const all = [...new Set([...names, ...value])].sort();
    return (
        <fieldset class="field hours-channels">
            <legend>{say("channels")}</legend>
            {all.map((name) => (
                <label key={name} class="hours-tick">
                    <input type="checkbox" checked={value.includes(name)}
                        onChange={(e) => set(e.currentTarget.checked ? [...value, name] : value.filter((n) => n !== name))} />{plainName(name)}
                </label>
            ))}
            <p class="field-hint">{say("channels.hint")}</p>
        </fieldset>
    );
}

// The hours of one day; label: whose they are.
function Spans({ say, label, value, set }) {
    const input = (i, key) => (
        <input type="time" aria-label={`${label}: ${say(key)}`} value={value[i][key]} required
            onInput={(e) => set(changed(value, i, { [key]: e.currentTarget.value }))} />
    );
    return (
        <span class="hours-spans">
            {value.length === 0 && <span class="hours-closed">{say("closed")}</span>}
            {value.map((span, i) => (
                <span key={i} class="hours-span">
                    {input(i, "from")}–{input(i, "to")}
                    {overNight(span) && <small>{say("night")}</small>}
                    <IconButton icon="x" size={14} label={say("span.remove", { day: label })} onClick={() => set(without(value, i))} />
                </span>
            ))}
            {value.length < 8 && <IconButton icon="plus" size={16} label={say("span.add", { day: label })} onClick={() => set([...value, value.length ? { from: "", to: "" } : FRESH])} />}
        </span>
    );
}

function Holidays({ say, value, set }) {
    const field = (i, key, type) => (
        <label class="hours-part">
            <span>{say({ from: "holiday.first", to: "holiday.last", name: "holiday.name" }[key])}</span>
            <input type={type} value={value[i][key]} required={key !== "name"} maxLength={100} min={key === "to" ? value[i].from : undefined}
                onInput={(e) => set(changed(value, i, key === "from" && (!value[i].to || value[i].to === value[i].from)
                    ? { from: e.currentTarget.value, to: e.currentTarget.value } : { [key]: e.currentTarget.value }))} />
        </label>
    );
    return (
        <fieldset class="field hours-holidays">
            <legend>{say("holidays")}</legend>
            {value.map((h, i) => {
                const label = plainName(h.name) || h.from || String(i + 1);
                return (
                    <div key={i} class="hours-holiday" data-holiday={h.from}>
                        {field(i, "from", "date")}{field(i, "to", "date")}{field(i, "name", "text")}
                        <IconButton icon="trash" size={16} label={say("holiday.remove", { day: label })} onClick={() => set(without(value, i))} />
                        <label class="hours-tick">
                            <input type="checkbox" checked={h.hours.length > 0} onChange={(e) => set(changed(value, i, { hours: e.currentTarget.checked ? [FRESH] : [] }))} />
                            {say("holiday.open")}
                        </label>
                        {h.hours.length > 0 && <Spans say={say} label={label} value={h.hours} set={(hours) => set(changed(value, i, { hours }))} />}
                    </div>
                );
            })}
            <Button icon="plus" onClick={() => set([...value, { from: "", to: "", name: "", hours: [] }])}>{say("holiday.add")}</Button>
        </fieldset>
    );
}

export function ScheduleForm({ say, dayName, schedule, save, onClose }) {
    const [v, setV] = useState(scheduleFields(schedule, HERE));
    const form = useSubmit(() => save(scheduleOf(v)), onClose);
    return (
        <Dialog title={say(schedule ? "hours.change" : "hours.add")} onClose={onClose} wide>
            <form onSubmit={form.submit}>
                <Field id="hours-name" label={say("name")}>
                    <input id="hours-name" value={v.name} required maxLength={60} autocomplete="off" onInput={(e) => setV({ ...v, name: e.currentTarget.value })} />
                </Field>
                <Field id="hours-zone" label={say("zone")}>
                    <input id="hours-zone" value={v.zone} required maxLength={64} list="hours-zones" autocomplete="off" autocapitalize="none" spellcheck={false}
                        onInput={(e) => setV({ ...v, zone: e.currentTarget.value })} />
                    <datalist id="hours-zones">{ZONES.map((z) => <option key={z} value={z} />)}</datalist>
                </Field>
                <Channels say={say} value={v.channels} set={(channels) => setV({ ...v, channels })} />
                <fieldset class="field hours-week">
                    <legend>{say("week")}</legend>
                    {DAYS.map((d) => (
                        <div key={d} class="hours-day" data-day={d}>
                            <span>{dayName(d)}</span>
                            <Spans say={say} label={dayName(d)} value={v.week[d]} set={(spans) => setV({ ...v, week: { ...v.week, [d]: spans } })} />
                        </div>
                    ))}
                </fieldset>
                <Holidays say={say} value={v.holidays} set={(holidays) => setV({ ...v, holidays })} />
                <Buttons form={form} onClose={onClose} action={say("save")} />
            </form>
        </Dialog>
    );
}

export function PolicyForm({ say, policy, save, onClose }) {
    const [v, setV] = useState(policyFields(policy));
    const form = useSubmit(() => save(policyOf(v)), onClose);
    const set = (key) => (e) => setV({ ...v, [key]: e.currentTarget.value });
    const number = (key, hint) => (
        <Field id={"sla-" + key} label={say(key)} hint={say(hint)}>
            <input id={"sla-" + key} type="text" inputMode="decimal" pattern="[0-9]+([.,][0-9]+)?" value={v[key]} autocomplete="off" onInput={set(key)} />
        </Field>
    );
    return (
        <Dialog title={say(policy ? "sla.change" : "sla.add")} onClose={onClose} wide>
            <form onSubmit={form.submit}>
                <Field id="sla-name" label={say("name")}>
                    <input id="sla-name" value={v.name} required maxLength={60} autocomplete="off" onInput={set("name")} />
                </Field>
                <Channels say={say} value={v.channels} set={(channels) => setV({ ...v, channels })} />
                <div class="hours-numbers">{number("first", "empty")}{number("next", "empty")}{number("remind", "empty")}</div>
                <label class="hours-tick field"><input type="checkbox" checked={v.working} onChange={(e) => setV({ ...v, working: e.currentTarget.checked })} />{say("working")}</label>
                <Field id="sla-supervisors" label={say("supervisors")}>
                    <select id="sla-supervisors" value={v.supervisors} onChange={set("supervisors")}>
                        {SUPERVISORS.map((s) => <option key={s} value={s}>{say("supervisors." + s)}</option>)}
                    </select>
                </Field>
                {number("close", "close.hint")}
                <Buttons form={form} onClose={onClose} action={say("save")} />
            </form>
        </Dialog>
    );
}
