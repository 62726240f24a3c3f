// figures.mjs - what these pages make of the gateway's answers. Pure.

// Two days of the reader, either may be "", as the times from the first moment of the one to the last of the other.
export function dayRange(first, last) {
    const from = first ? new Date(first + "T00:00:00") : null;
    const to = last ? new Date(last + "T23:59:59.999") : null;
    const text = (d) => (d && !Number.isNaN(d.getTime()) ? d.toISOString() : undefined);
    return { from: text(from), to: text(to) };
}

// The more that an entry of the audit log says: "Role: Supervisor; blocked: yes". w: these pages' words, t: the inbox's.
export function detailOf(detail, w, t) {
    const value = (key, v) => {
        if (key === "role") return t("role." + v);
        if (key === "reason" && w.has("reason." + v)) return w.t("reason." + v);
        if (typeof v === "boolean") return w.t(v ? "yes" : "no");
        if (Array.isArray(v)) return v.map((x) => (key === "scopes" && w.has("scope." + x) ? w.t("scope." + x) : x)).join(", ");
        return typeof v === "object" ? JSON.stringify(v) : String(v);
    };
    return Object.entries(detail ?? {})
        .map(([key, v]) => `${w.has("detail." + key) ? w.t("detail." + key) : key}: ${value(key, v)}`)
        .join("; ");
}

// The first steps, each with its tick; the first that is not done is the next. A step may have a link of its own.
export function stepsOf({ channels, totals, agents, me }) {
    const chat = channels.find((c) => c.connector === "sitechat");
    const bot = channels.find((c) => c.info?.link?.startsWith("https://"));
    const steps = [
        { key: "channel", done: channels.length > 0 },
        { key: "works", done: channels.some((c) => c.state === "ready") },
        { key: "message", done: totals.in > 0, link: chat ? "/demo" : bot?.info.link },
        { key: "answer", done: totals.out > 0 },
        { key: "people", done: agents.length > 1 },
        { key: "factor", done: Boolean(me?.second_factor ?? agents.find((a) => a.name === me?.name)?.second_factor) },
    ];
    const next = steps.findIndex((s) => !s.done);
    return steps.map((s, i) => ({ ...s, next: i === next }));
}
