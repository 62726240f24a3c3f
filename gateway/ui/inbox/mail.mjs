// mail.mjs - what the page decides about e-mail without drawing: who, to whom, what is folded away,
// whom an answer goes to. Pure functions.
import { plainName } from "../shared/links.mjs";

const SUBJECT_BYTES = 998;
const ADDRESSES_MAX = 50;
const HTML_MAX = 5 << 20; // of HTML that is shown; of the pictures that came with it
const FILES_MAX = 20 << 20;
const SHOWN_PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"]);

export const HTML_LIMIT = HTML_MAX;

const bytes = (text) => new TextEncoder().encode(text).length;

// --- people --------------------------------------------------------------------------------------

// [{name, address}] for showing. A name that is written like an address would be taken for one.
export function mailboxes(list) {
    return (list ?? []).map(({ name, address }) => {
        const shown = plainName(name).trim();
        const at = plainName(address).trim();
        return { name: /[@<>＠﹫]/.test(shown) || shown.toLowerCase() === at.toLowerCase() ? "" : shown, address: at };
    }).filter((m) => m.name || m.address);
}

export const mailboxText = ({ name, address }) => (name && address ? `${name} <${address}>` : name || address);

const key = (m) => m.address.toLowerCase();

// Where an answer goes: {to: [mailbox], others: [mailbox]}; others: whom "reply all" adds. own: our
// own addresses, in small letters.
export function answerTo(mail, own = []) {
    const from = mailboxes(mail?.from);
    const wanted = mailboxes(mail?.reply_to);
    const to = wanted.length ? wanted : from;
    const seen = new Set([...own, ...to.map(key)]);
    const others = [];
    for (const m of [...mailboxes(mail?.to), ...mailboxes(mail?.cc)]) {
        if (!m.address || seen.has(key(m))) continue;
        seen.add(key(m));
        others.push(m);
    }
    return { to, others };
}

// The sender wants answers somewhere else than where the mail is from.
export function answersElsewhere(mail) {
    const from = mailboxes(mail?.from).map(key);
    return mailboxes(mail?.reply_to).filter((m) => m.address && !from.includes(key(m)));
}

// What was typed as addresses, as names with addresses, or both: {list, bad}.
export function parseAddresses(text) {
    const list = [];
    const bad = [];
    for (const part of String(text ?? "").split(/[,;\n]+/).map((p) => p.trim()).filter(Boolean)) {
        const inside = /<([^<>]*)>$/.exec(part);
        for (const one of inside ? [inside[1].trim()] : part.split(/\s+/)) {
            if (!isAddress(one)) bad.push(one || part);
            else if (!list.some((a) => a.toLowerCase() === one.toLowerCase())) list.push(one);
        }
    }
    if (list.length > ADDRESSES_MAX) bad.push(...list.splice(ADDRESSES_MAX));
    return { list, bad };
}

// What the gateway takes, and a dot or a bracket in the domain, which it leaves to the channel.
export function isAddress(text) {
    return /^[^@\s,;<>"()\\]+@[^@\s,;<>"()\\]+$/.test(text) && bytes(text) <= 200 && /@(?:[^@]+\.[^@.]{2,}|\[.+\])$/.test(text);
}

// What became of those that a mail of ours went to, a line each, but one for all who have it; bad news first.
// Nothing where the message's own tick says it: [{status, icon, who, why}].
const FATES = { failed: "warn", unknown: "warn", queued: "clock", delayed: "clock", sent: "check", delivered: "check" };

export function fates(recipients = []) {
    if (recipients.length < 2 && FATES[recipients[0]?.status] !== "clock") return [];
    return Object.entries(FATES).flatMap(([status, icon]) => {
        const lines = recipients.filter((r) => r.status === status)
            .map((r) => ({ status, icon, who: plainName(r.address), why: plainName(r.error?.text) }));
        return icon === "check" && lines[0] ? [{ ...lines[0], who: lines.map((r) => r.who).join(", ") }] : lines;
    });
}

// --- subject -------------------------------------------------------------------------------------

const ANSWERED = /^\s*(?:(?:re|aw|sv|antw|odp|отв|на|ответ)(?:\[\d+\]|\(\d+\))?\s*[:：]\s*)+/iu;

export function replySubject(subject) {
    const [base, all] = [plainName(subject).replace(ANSWERED, "").trim(), []];
    if (!base) return "";
    let room = SUBJECT_BYTES - 4;
    for (const c of base) {
        room -= bytes(c);
        if (room < 0) break;
        all.push(c);
    }
    return "Re: " + all.join("");
}

// --- text ----------------------------------------------------------------------------------------

function indexOf(text, offset) {
    if (!Number.isInteger(offset) || offset < 0) return text.length;
    const all = new TextEncoder().encode(text);
    return new TextDecoder().decode(all.subarray(0, offset)).replace(/\ufffd$/, "").length;
}

// {own, rest, kind}: rest is folded away: "quoted" when there is older mail in it, else "signature".
export function foldText(text, mail) {
    const quoted = indexOf(text, mail?.quoted_at);
    const signature = indexOf(text, mail?.signature_at);
    const cut = Math.min(quoted, signature);
    const own = text.slice(0, cut).trimEnd();
    const rest = text.slice(cut).replace(/^\s*\n/, "").trimEnd();
    if (!rest || !own.trim()) return { own: text.trimEnd(), rest: "", kind: null };
    return { own, rest, kind: quoted < text.length ? "quoted" : "signature" };
}

// --- trust ---------------------------------------------------------------------------------------

// What of our server's findings is a warning: "dmarc", "spf", "dkim" or null.
export function doubt(auth) {
    const is = (name, ...words) => words.includes(String(auth?.[name] ?? "").toLowerCase());
    if (is("dmarc", "pass")) return null;
    if (is("dmarc", "fail")) return "dmarc";
    if (is("spf", "fail", "softfail")) return "spf";
    if (is("dkim", "fail") && !is("spf", "pass")) return "dkim";
    return null;
}

// --- HTML ----------------------------------------------------------------------------------------

// The pictures that came with the mail and belong into its HTML.
export function inlineFiles(attachments) {
    let left = FILES_MAX;
    return (attachments ?? []).filter((f) => f.cid && f.id && SHOWN_PICTURES.has(f.mime) && (left -= f.size || 0) >= 0);
}

// --- answering -----------------------------------------------------------------------------------

// The mail that is being answered, or the newest of a person, or the newest but reports on delivery.
export function answeredMail(items, reply) {
    if (reply?.email) return reply;
    for (let i = items.length - 1; i >= 0; i--)
        if (items[i].direction === "in" && items[i].email && !items[i].email.auto) return items[i];
    return newestMail(items.filter((m) => m.email?.auto !== "bounce"));
}

export const newestMail = (items) => [...items].reverse().find((m) => m.direction === "in" && m.email) ?? null;

// As it will be sent: {subject, cc, bcc, reply_all, no_quote} of what stands in the fields, empty ones left out.
export function mailFields(compose, subject) {
    const [cc, bcc] = [parseAddresses(compose.cc).list, parseAddresses(compose.bcc).list];
    const title = (compose.subject ?? subject).trim();
    return { subject: title || undefined, cc: cc.length ? cc : undefined, bcc: bcc.length ? bcc : undefined,
        reply_all: compose.all || undefined, no_quote: compose.noQuote || undefined };
}
