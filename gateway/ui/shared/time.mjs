// time.mjs - moments as people read them, in the reader's own zone. Times come as RFC 3339 text.

const DAY_MS = 86400000;
const cache = new Map();

function format(lang, name, options) {
    const id = lang + name;
    if (!cache.has(id)) cache.set(id, new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, options));
    return cache.get(id);
}

export function toMs(at) {
    return typeof at === "number" ? at : Date.parse(at);
}

// Local midnight of the day that holds `ms`: equal for two moments of one day.
export function dayOf(ms) {
    const d = new Date(ms);
    return new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
}

export function daysBetween(a, b) {
    return Math.round((dayOf(b) - dayOf(a)) / DAY_MS);
}

// "14:05"
export function clock(lang, at) {
    const ms = toMs(at);
    return Number.isNaN(ms) ? "" : format(lang, "clock", { hour: "2-digit", minute: "2-digit" }).format(ms);
}

// "14:05:09.123": for the trace, where milliseconds matter.
export function clockFine(lang, at) {
    const ms = toMs(at);
    return Number.isNaN(ms)
        ? ""
        : format(lang, "fine", { hour: "2-digit", minute: "2-digit", second: "2-digit",
              fractionalSecondDigits: 3 }).format(ms);
}

// What is to come: "14:05" today, else "Mon 14:05".
export function soon(lang, at, now = Date.now()) {
    const ms = toMs(at);
    if (Number.isNaN(ms) || daysBetween(ms, now) === 0) return clock(lang, at);
    return format(lang, "soon", { weekday: "short", hour: "2-digit", minute: "2-digit" }).format(ms);
}

// "12 March 2026, 14:05": for tooltips and panels.
export function full(lang, at) {
    const ms = toMs(at);
    return Number.isNaN(ms)
        ? ""
        : format(lang, "full", { day: "numeric", month: "long", year: "numeric", hour: "2-digit",
              minute: "2-digit" }).format(ms);
}

// Short form for a list: today's clock, a weekday within the week, else the date.
export function short(lang, at, now = Date.now(), yesterday = "") {
    const ms = toMs(at);
    if (Number.isNaN(ms)) return "";
    const days = daysBetween(ms, now);
    if (days <= 0) return clock(lang, ms);
    if (days === 1 && yesterday) return yesterday;
    if (days < 7) return format(lang, "weekday", { weekday: "short" }).format(ms);
    if (new Date(ms).getFullYear() === new Date(now).getFullYear())
        return format(lang, "day", { day: "numeric", month: "short" }).format(ms);
    return format(lang, "date", { day: "2-digit", month: "2-digit", year: "2-digit" }).format(ms);
}

// The mark between two days of a dialogue. words: {today, yesterday}.
export function dayMark(lang, at, words, now = Date.now()) {
    const ms = toMs(at);
    if (Number.isNaN(ms)) return "";
    const days = daysBetween(ms, now);
    if (days === 0) return words.today;
    if (days === 1) return words.yesterday;
    const sameYear = new Date(ms).getFullYear() === new Date(now).getFullYear();
    return sameYear
        ? format(lang, "mark", { weekday: "long", day: "numeric", month: "long" }).format(ms)
        : format(lang, "markYear", { day: "numeric", month: "long", year: "numeric" }).format(ms);
}

// How long ago, as {unit, n} for a plural string: minutes, then hours, then days.
export function ago(at, now = Date.now()) {
    const minutes = Math.max(0, Math.floor((now - toMs(at)) / 60000));
    if (minutes < 60) return { unit: "minutes", n: minutes };
    if (minutes < 1440) return { unit: "hours", n: Math.floor(minutes / 60) };
    return { unit: "days", n: Math.floor(minutes / 1440) };
}
