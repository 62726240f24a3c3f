// fields.mjs - working hours and answer times between the gateway's form and the fields of a page. Pure.

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

// Fields for times know no 24:00: it is the 00:00 of the next day.
export const toField = ({ from, to }) => ({ from, to: to === "24:00" ? "00:00" : to });
export const toSpan = ({ from, to }) => ({ from, to: to === "00:00" ? "24:00" : to });
export const overNight = ({ from, to }) => to !== "00:00" && to !== "24:00" && Boolean(from) && Boolean(to) && to <= from;

const both = ({ from, to }) => from && to;

export function scheduleFields(s, zone) {
    return {
        name: s?.name ?? "",
        zone: s?.zone ?? zone,
        channels: s?.channels ?? [],
        week: Object.fromEntries(DAYS.map((d) => [d, (s ? s.week[d] ?? [] : d === "sat" || d === "sun" ? [] : [{ from: "09:00", to: "18:00" }]).map(toField)])),
        holidays: (s?.holidays ?? []).map((h) => ({ from: h.from, to: h.to ?? h.from, name: h.name ?? "", hours: (h.hours ?? []).map(toField) })),
    };
}

export function scheduleOf(v) {
    return {
        name: v.name.trim(),
        zone: v.zone.trim(),
        channels: v.channels,
        week: Object.fromEntries(DAYS.map((d) => [d, v.week[d].filter(both).map(toSpan)]).filter(([, spans]) => spans.length)),
        holidays: v.holidays.filter((h) => h.from).map((h) => ({
            from: h.from, ...(h.to && h.to !== h.from ? { to: h.to } : {}), ...(h.name.trim() ? { name: h.name.trim() } : {}),
            ...(h.hours.some(both) ? { hours: h.hours.filter(both).map(toSpan) } : {}),
        })),
    };
}

const MINUTE = 60, HOUR = 3600;
const part = (seconds, of) => (seconds ? String(Math.round((seconds / of) * 100) / 100) : "");
const seconds = (text, of) => (String(text).trim() ? Math.round(Number(String(text).replace(",", ".")) * of) : undefined);

export function policyFields(p) {
    return {
        name: p?.name ?? "", channels: p?.channels ?? [], first: part(p ? p.first_s : 15 * MINUTE, MINUTE), next: part(p ? p.next_s : 30 * MINUTE, MINUTE),
        remind: part(p ? p.remind_s : 5 * MINUTE, MINUTE), close: part(p?.close_s, HOUR), working: p?.working ?? true, supervisors: p?.supervisors ?? "late",
    };
}

export function policyOf(v) {
    const all = { name: v.name.trim(), channels: v.channels, first_s: seconds(v.first, MINUTE), next_s: seconds(v.next, MINUTE),
        remind_s: seconds(v.remind, MINUTE), close_s: seconds(v.close, HOUR), working: v.working, supervisors: v.supervisors };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

// How long, as {unit, n} for words: minutes, whole hours, whole days.
export function long(s) {
    if (s % 86400 === 0) return { unit: "days", n: s / 86400 };
    if (s % HOUR === 0) return { unit: "clock", n: s / HOUR };
    return { unit: "minutes", n: Math.round((s / MINUTE) * 10) / 10 };
}

// Days in a row with the same hours: [{from, to, spans}], what is closed is left out.
export function weekRows(week) {
    const rows = [];
    for (const [i, day] of DAYS.entries()) {
        const spans = week[day] ?? [];
        const last = rows.at(-1);
        if (!spans.length) continue;
        if (last && DAYS.indexOf(last.to) === i - 1 && JSON.stringify(last.spans) === JSON.stringify(spans)) last.to = day;
        else rows.push({ from: day, to: day, spans });
    }
    return rows;
}
