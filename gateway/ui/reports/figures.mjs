// figures.mjs - days, spans of time and series, as the reports show them. Pure.

const DAY_MS = 86400000;

// "2026-11-29": days are dates of the company, so they are counted in UTC, where each has 24 hours.
export const dayText = (ms) => new Date(ms).toISOString().slice(0, 10);
export const dayMs = (text) => Date.parse(text + "T00:00:00Z");

// The company's date now.
export function today(zone, now = Date.now()) {
    try {
        return new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(now);
    } catch {
        return dayText(now); // a zone that the browser does not know
    }
}

export const daysBefore = (day, n) => dayText(dayMs(day) - n * DAY_MS);

export function isSpan(from, to) {
    const a = dayMs(from), b = dayMs(to);
    return a <= b && b - a < 366 * DAY_MS;
}

// Each day from..to with its row, or null where nothing happened.
export function everyDay(from, to, rows) {
    const byName = new Map(rows.map((r) => [r.name, r]));
    const out = [];
    for (let ms = dayMs(from); ms <= dayMs(to); ms += DAY_MS) out.push([dayText(ms), byName.get(dayText(ms)) ?? null]);
    return out;
}

// Seconds as {unit, n}: what a person says of so long a time.
export function span(seconds) {
    if (seconds === null || seconds === undefined) return { unit: "no", n: 0 };
    if (seconds < 100) return { unit: "s", n: Math.round(seconds) };
    if (seconds < 100 * 60) return { unit: "m", n: Math.round(seconds / 60) };
    if (seconds < 48 * 3600) return { unit: "h", n: Math.round(seconds / 360) / 10 };
    return { unit: "d", n: Math.round(seconds / 8640) / 10 };
}

// 0 for none, else 1..5: how dark a cell is among others of at most `max`.
export const shade = (n, max) => (n ? Math.max(1, Math.ceil((5 * n) / max)) : 0);
