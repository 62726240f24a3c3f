// identities.mjs - how the channels know a client, in people's words. Pure.
import { plainName } from "../shared/links.mjs";

// WhatsApp's addresses are numbers, ids (of one business, or of several), groups.
function whatsappKind(address) {
    if (address.startsWith("group/")) return "whatsapp_group";
    if (address.startsWith("unknown/")) return "whatsapp_unknown";
    if (/^[A-Z]{2}\.ENT\./.test(address)) return "whatsapp_parent";
    return /^\d+$/.test(address) ? "whatsapp" : "whatsapp_id";
}

// A word of "identity.*"; what no word is known for stays as the connector says it.
export function identityKind({ kind, address = "" }) {
    if (kind === "whatsapp") return whatsappKind(address);
    if (kind === "telegram" && address.startsWith("-")) return "telegram_group";
    return kind;
}

// The address as people write it.
export function identityAddress({ kind, address = "" }) {
    const shown = plainName(address);
    if (kind === "whatsapp") return whatsappKind(address) === "whatsapp" ? "+" + shown : shown.replace(/^(group|unknown)\//, "");
    return shown;
}

// How we know that it is his: a word of "client.how.*".
export function howProven({ kind, verified }) {
    if (!verified) return kind === "visitor" ? "client.how.visitor" : "client.how.word";
    return ["telegram", "whatsapp", "phone", "email", "user"].includes(kind) ? "client.how." + kind : "client.verified";
}

// Those that are his now come first.
export const inOrder = (list) => [...list.filter((i) => !i.former), ...list.filter((i) => i.former)];

// Was this number his once, and is not any more?
export const isFormerPhone = (client) =>
    Boolean(client.identities?.some((i) => i.kind === "phone" && i.former && i.address === client.phone));
