// channel_settings.mjs - a connector's settings as texts of a form, and back. Pure functions.

const SHORT = new Set(["api", "url", "id", "waba"]);
const KINDS = { email: "E-mail", sitechat: "Site chat", whatsapp: "WhatsApp" };

// "phone_number_id" -> "Phone number ID"
export function labelOf(key) {
    if (KINDS[key]) return KINDS[key];
    const words = key.split("_").map((w) => (SHORT.has(w) ? w.toUpperCase() : w)).join(" ");
    return words[0].toUpperCase() + words.slice(1);
}

function textOf(row, value) {
    if (row.secret) return "";
    if (value === undefined) value = row.type === "list" ? (row.default || "").split(",").filter(Boolean) : row.default ?? "";
    if (row.type === "bool") return ["yes", "true", "on", "1"].includes(String(value)) ? "yes" : "no";
    return Array.isArray(value) ? value.join("\n") : String(value ?? "");
}

// Texts by key: of the values in force, or of the defaults.
export const textsOf = (rows, inForce = {}) => Object.fromEntries(rows.map((row) => [row.key, textOf(row, inForce[row.key])]));

function valueOf(row, text) {
    if (text.trim() === "") return null; // the default again
    if (row.type === "bool") return text === "yes";
    if (row.type === "list") return text.split("\n").map((s) => s.trim()).filter(Boolean);
    if (row.type === "int" && /^\d{1,15}$/.test(text.trim())) return Number(text);
    return row.type === "string" && !row.secret ? text : text.trim();
}

// What the API shall be told: only what is another text now; an empty secret stays as it is.
export function changedSettings(rows, before, values) {
    const changed = rows.filter((row) => values[row.key] !== before[row.key]);
    return Object.fromEntries(changed.map((row) => [row.key, valueOf(row, values[row.key])]));
}

// The field that an objection is about: it begins with the key. {key: "", text} when with none of these.
export function fieldOf(text, keys) {
    const [, key, rest] = /^(\w+): (.*)$/s.exec(text) ?? [];
    return keys.includes(key) ? { key, text: rest } : { key: "", text };
}

// What is chosen now, without the secrets and without what is as it would be anyway: for a look at it.
export function chosenSettings(rows, values) {
    const open = rows.filter((row) => !row.secret);
    return Object.fromEntries(Object.entries(changedSettings(open, {}, values)).filter(([, value]) => value !== null));
}
