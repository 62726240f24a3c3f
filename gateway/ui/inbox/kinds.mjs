// kinds.mjs - what kinds of content a message has and what may be done with it: all that the page
// decides about them without drawing. Pure functions.
import { plainName } from "../shared/links.mjs";
import { toMs } from "../shared/time.mjs";

export const CHOICES_MAX = 8;
export const CHOICE_MAX = 64;
// What the messengers know; written without the sign that asks for a coloured drawing.
export const EMOJI = ["👍", "❤", "🔥", "👏", "🎉", "😁", "🤔", "😢", "🙏", "👌"];

function hash(text) {
    let h = 0;
    for (let i = 0; i < text.length; i++) h = (h * 31 + text.charCodeAt(i)) | 0;
    return Math.abs(h);
}

// One of eight colours, the same one for the same text.
export const toneOf = (text) => hash(text || "?") % 8;

// A channel that tells more than a code begins its error with a word that we know: "blocked: The
// client has blocked this bot. [Forbidden: bot was blocked by the user]".
const WORDS = new Set(["blocked", "deactivated", "cannot_begin", "kicked", "not_member", "chat_gone",
    "no_rights", "too_big", "too_big_whatsapp", "no_file_whatsapp", "no_type_whatsapp", "no_history", "no_file_id", "closed_topic",
    "business_right", "voice_forbidden", "too_old", "other"]);

// Error codes of WhatsApp, "w131047: ...": which codes one sentence of ours serves.
const CODES = [[200, 299], [131008, 131009], [131201, 131215], [133005, 133009], [134100, 134102], [138000, 138018],
    [139000, 139004], [139100, 139103], [147001, 147005], [2593107, 2593109]];

function wordOf(word) {
    const code = /^w(\d+)$/.exec(word);
    if (!code) return WORDS.has(word) ? word : null;
    const range = CODES.find(([from, to]) => code[1] >= from && code[1] <= to);
    return "w" + (range ? range[0] : Number(code[1]));
}

// "w0" is also said where WhatsApp gave no code; its code 0 is about the token.
const isCodeless = (word, sentence) => word === "w0" && !sentence.startsWith("WhatsApp does not accept the token");

// The end of a sentence that says what to do, when it is none of its own.
const ADVICE = [["Send it again.", "trouble.again"], ["Send it again when that is mended.", "trouble.againLater"]];
export const adviceOf = (sentence) => ADVICE.find(([words]) => sentence.endsWith(words))?.[1] ?? null;

// {word, sentence, said}: word null when it is not such a text; said: the channel's own words.
export function troubleOf(text = "") {
    const colon = text.indexOf(": ");
    const word = wordOf(text.slice(0, Math.max(0, colon)));
    if (!word) return { word: null, sentence: text, said: "" };
    const rest = text.slice(colon + 2);
    if (isCodeless(word, rest)) return { word: "other", sentence: rest, said: "" };
    const bracket = rest.endsWith("]") ? rest.indexOf(" [") : -1;
    return bracket < 0 ? { word, sentence: rest, said: "" }
        : { word, sentence: rest.slice(0, bracket), said: rest.slice(bracket + 2, -1) };
}

// Through which channels a client can be answered, by name: those that know an identity of his, and the current one.
export function reachable(channels, identities, current) {
    const kinds = new Set((identities ?? []).filter((i) => !i.former).map((i) => i.kind));
    return channels.filter((c) => c.name === current || kinds.has(c.identity)).map((c) => c.name).sort();
}

// --- files ---------------------------------------------------------------------------------------

const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);

export const isHere = (file) => Boolean(file.id) && (!file.state || file.state === "ready");

// Names that stand for files without one: a word of "kind.*" says it in the page's language.
const NAMELESS = { photo: "image", video: "video", audio: "audio", voice: "voice", sticker: "sticker", file: "document" };
export const namelessKind = (name) => (Object.hasOwn(NAMELESS, name ?? "") ? NAMELESS[name] : null);

// How a file is shown: missing, sticker, note (a round video), animation, voice, picture, video,
// audio or file.
export function lookOf(file) {
    if (file.role === "sticker" && (isHere(file) || file.emoji)) return "sticker";
    if (!isHere(file)) return "missing";
    if (file.role === "video_note" && file.kind === "video") return "note";
    if (file.role === "animation" && file.kind === "video") return "animation";
    if (file.role === "voice" && file.kind === "audio") return "voice";
    if (PICTURES.has(file.mime)) return "picture";
    return file.kind === "video" || file.kind === "audio" ? file.kind : "file";
}

// A file that is not here says what it was: the channel's word for the message adds nothing.
export const isMissing = (m) => Boolean(m.attachments?.some((f) => lookOf(f) === "missing"));

// Width and height within a box, in whole pixels; null when the file does not tell its own.
export function fit({ width, height }, most, tallest) {
    if (!(width > 0) || !(height > 0)) return null;
    const scale = Math.min(1, most / width, tallest / height);
    return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

// 7 -> "0:07"
export function lengthText(seconds) {
    const s = Math.round(Number(seconds) || 0);
    const two = (n) => String(n).padStart(2, "0");
    const minutes = Math.floor(s / 60);
    return minutes < 60 ? `${minutes}:${two(s % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

// --- content -------------------------------------------------------------------------------------

// E-mail's markup is other people's page: of it only the words are shown.
export const isMail = (message) => message.connector === "email" || Boolean(message.email);

const CONTENT = ["location", "contact", "poll", "checklist", "button", "request", "form", "order", "template"];

export function isEmpty(m) {
    return !m.text && !m.html && !m.subject && !m.attachments?.length && !m.buttons?.length && !m.quote &&
        CONTENT.every((key) => !m[key]);
}

// The time stands in the last line of the text when nothing comes below it; more contacts come below the first.
export function endsWithText(m) {
    return Boolean((m.text || m.html) && !m.email && !m.attachments?.length && !m.buttons?.length && !m.raw_type &&
        !m.deleted_at && CONTENT.every((key) => key === "contact" || !m[key]));
}

// A sticker or a round video alone needs no bubble.
export function isBare(m) {
    const look = m.attachments?.length === 1 ? lookOf(m.attachments[0]) : "";
    return (look === "sticker" || look === "note") && !m.text && !m.html && !m.quote && !m.reply_to &&
        !m.forward && !m.deleted_at && !m.raw_type && m.direction !== "note";
}

// The words of a message. Forms and orders are also written out in the text, for those who see nothing else:
// here only what the client said himself.
export function ownText(m) {
    if (m.form) return "";
    if (!m.order || !m.text) return m.text ?? "";
    const lines = m.text.split("\n");
    return lines.slice(0, Math.max(0, lines.length - (m.order.items?.length ?? 0))).join("\n");
}

// What a message says, in short: {text} or {kind}, a word of "kind.*".
export function gist(m) {
    if (m.text) return { text: m.text };
    const file = m.attachments?.[0];
    if (file?.role) return { kind: file.role, text: file.emoji };
    if (file) return file.kind === "document" ? { text: plainName(file.name), kind: "document" } : { kind: file.kind };
    if (m.subject) return { text: plainName(m.subject) };
    for (const kind of ["location", "contact", "poll", "checklist", "form", "order"]) if (m[kind]) return { kind };
    return { kind: "message" };
}

// A quote of what has no words: the gateway writes "[photo]".
const QUOTED = { photo: "image", video: "video", animation: "animation", file: "document", audio: "audio",
    "video message": "video_note", "voice message": "voice", sticker: "sticker", place: "location",
    location: "location", contact: "contact", poll: "poll", checklist: "checklist", story: "story", message: "message" };

export function quotedKind(text) {
    const found = /^\[([a-z ]+)\]$/.exec(text ?? "");
    return found && Object.hasOwn(QUOTED, found[1]) ? QUOTED[found[1]] : null;
}

export function mapHref({ lat, lon }) {
    const at = `${Number(lat).toFixed(6)}/${Number(lon).toFixed(6)}`;
    return `https://www.openstreetmap.org/?mlat=${Number(lat).toFixed(6)}&mlon=${Number(lon).toFixed(6)}#map=16/${at}`;
}

// null when there is nothing to dial.
export function telHref(phone) {
    const number = String(phone ?? "").replace(/[^\d+]/g, "");
    return /\d{3}/.test(number) ? "tel:" + number : null;
}

export const isLive = (location, now) => Boolean(location.live_until) && toMs(location.live_until) > now;

// All that the message said, the oldest first: {at, text?, html?}; the last one is what it says now.
export function versionsOf(m) {
    return [...(m.edits ?? []), { at: m.edited_at, text: m.text, html: m.html }];
}

// --- reactions -----------------------------------------------------------------------------------

const bare = (emoji) => String(emoji).replace(/\ufe0f/g, "");

// [{emoji, n, own, who: [reaction]}], in the order of their first.
export function groupReactions(reactions, me) {
    const groups = new Map();
    for (const r of reactions ?? []) {
        const key = bare(r.emoji);
        const group = groups.get(key) ?? { emoji: key, n: 0, own: false, who: [] };
        group.n++;
        group.own ||= r.by === me;
        group.who.push(r);
        groups.set(key, group);
    }
    return [...groups.values()];
}

// After `me` reacted: one emoji a person; "" takes it away.
export function withReaction(reactions, me, emoji) {
    const others = (reactions ?? []).filter((r) => r.by !== me);
    return emoji ? [...others, { emoji, by: me }] : others;
}

// --- what may be done ------------------------------------------------------------------------------

const AT_CHANNEL = new Set(["sent", "delivered", "read"]);

// caps: of the message's channel. current: the channel through which answers go now.
export function mayDo(m, caps, current) {
    const said = (m.direction === "in" || m.direction === "out") && !m.deleted_at;
    const there = said && (m.direction === "in" || (AT_CHANNEL.has(m.status) && Boolean(m.external_id)));
    const ours = there && m.direction === "out";
    const can = (cap) => caps.includes(cap);
    return {
        reply: there && can("reply") && m.channel === current,
        react: there && can("react"),
        edit: ours && can("edit") && Boolean(m.text || m.html),
        remove: ours && can("delete"),
    };
}

export const mayAny = (can) => can.reply || can.react || can.edit || can.remove;

// What was typed as choices, a row each; undefined when there are none.
export function choiceRows(lines) {
    const rows = (lines ?? []).map((line) => line.trim()).filter(Boolean).slice(0, CHOICES_MAX)
        .map((text) => [{ text: [...text].slice(0, CHOICE_MAX).join("") }]);
    return rows.length ? rows : undefined;
}
