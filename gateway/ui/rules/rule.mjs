// rule.mjs - a rule as the gateway keeps it, and as a form shows it. Pure.
export const EVENTS = ["message", "opened", "reopened", "assigned", "labeled", "closed", "unanswered"];
export const CONDITIONS = ["channels", "connectors", "labels", "without", "any", "all", "language", "contact", "responsible", "assigned", "open"];
export const ACTIONS = ["assign", "label", "unlabel", "send", "note", "close"];
export const CHOICES = { language: ["cyrillic", "latin", "ru", "en"], contact: ["first", "known"], responsible: ["true", "false"], assigned: ["false", "true"], open: ["false", "true"] };
const FLAGS = ["responsible", "assigned", "open"];

const listed = (text) => text.split(/[,\n]/).map((s) => s.trim()).filter(Boolean);

// Conditions and actions as rows {kind, value}: texts, or of "assign" an object.
export function formOf(rule) {
    return {
        name: rule?.name ?? "",
        on: rule?.on ?? "message",
        after: rule?.after ? String(rule.after / 60) : "5",
        if: Object.entries(rule?.if ?? {}).map(([kind, value]) => ({ kind, value: Array.isArray(value) ? value.join(", ") : String(value) })),
        then: (rule?.then ?? []).map((action) => {
            const [kind, value] = Object.entries(action)[0];
            return { kind, value: kind === "close" ? "" : value };
        }),
    };
}

export const conditionOf = (kind) => ({ kind, value: CHOICES[kind]?.[0] ?? "" });
export const actionOf = (kind) => ({ kind, value: kind === "assign" ? { agents: [], how: "turn" } : "" });

function conditionValue({ kind, value }) {
    if (FLAGS.includes(kind)) return value === "true";
    return CHOICES[kind] ? value : listed(value);
}

function actionValue({ kind, value }) {
    if (kind === "close") return true;
    if (kind !== "assign") return value.trim();
    const { agents = [], how, online, responsible, capacity } = value;
    return {
        ...(responsible ? { responsible: true } : {}),
        ...(agents.length ? { agents, how: how ?? "turn" } : {}),
        ...(online ? { online: true } : {}),
        ...(Number(capacity) > 0 ? { capacity: Number(capacity) } : {}),
    };
}

// What is sent to the gateway, which has the last word on it.
export function ruleOf(form) {
    return {
        name: form.name.trim(),
        on: form.on,
        ...(form.on === "unanswered" ? { after: Math.round(Number(form.after.replace(",", ".")) * 60) || 0 } : {}),
        if: Object.fromEntries(form.if.map((row) => [row.kind, conditionValue(row)])),
        then: form.then.map((row) => ({ [row.kind]: actionValue(row) })),
    };
}

// The order that puts rules[at] one place up (-1) or down (1): between the two that will be beside it.
export function orderAt(rules, at, step) {
    const beside = rules[at + step].order;
    const beyond = rules[at + 2 * step]?.order ?? (step < 0 ? 0 : beside + 2000);
    return (beside + beyond) / 2;
}

// Does it ask for this label, or put it on, or take it off?
export const namesLabel = (rule, label) =>
    [...(rule.if.labels ?? []), ...(rule.if.without ?? []), ...rule.then.flatMap((a) => [a.label, a.unlabel])].includes(label);
