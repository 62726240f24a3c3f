// links.mjs - finds links in plain text: http, https, mailto, tel, bare e-mail addresses; nothing
// else ever becomes a link. Gives parts to be put into text nodes; makes no markup.

// Every repeat that could be tried from many places is bounded: time stays linear in the text.
const FOUND =
    /\bhttps?:\/\/[^\s<>"'`]+|\bmailto:[^\s<>"'`]+|\btel:[+\d()\-.]+|\bwww\.[^\s<>"'`]+\.[^\s<>"'`]+|[\p{L}\d._%+-]{1,64}@(?:[\p{L}\d-]{1,63}\.){1,6}\p{L}{2,24}/giu;
const TEXT_MAX = 100000;

// A link at a sentence's end does not own the full stop, nor a bracket that it did not open.
function trimEnd(url) {
    for (;;) {
        const last = url[url.length - 1];
        if (".,;:!?…»”’*_".includes(last)) url = url.slice(0, -1);
        else if (last === ")" && url.split("(").length <= url.split(")").length - 1) url = url.slice(0, -1);
        else if (last === "]" && !url.includes("[")) url = url.slice(0, -1);
        else return url;
    }
}

function target(text) {
    if (/^(mailto:|tel:)/i.test(text)) return text;
    const href = /^https?:/i.test(text) ? text : /^www\./i.test(text) ? "https://" + text : "mailto:" + text;
    try {
        const url = new URL(href);
        return ["http:", "https:", "mailto:", "tel:"].includes(url.protocol) ? url.href : null;
    } catch {
        return null;
    }
}

// [{text} | {text, href}]: joined, the texts are the input.
export function linkify(text) {
    const parts = [];
    let at = 0;
    if (text.length > TEXT_MAX || !/[:@]|www\./i.test(text)) return [{ text }];
    for (const m of text.matchAll(FOUND)) {
        const shown = trimEnd(m[0]);
        const href = shown && target(shown);
        if (!href) continue;
        if (m.index > at) parts.push({ text: text.slice(at, m.index) });
        parts.push({ text: shown, href });
        at = m.index + shown.length;
    }
    if (at < text.length || !parts.length) parts.push({ text: text.slice(at) });
    return parts;
}

// An address that is safe to put into href of what a stranger told us (a page, a referrer).
export function webAddress(text) {
    try {
        const url = new URL(text);
        return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
    } catch {
        return null;
    }
}

// The same for links in marked-up text: also mail and telephone.
export function safeHref(text) {
    try {
        const url = new URL(text);
        return ["http:", "https:", "mailto:", "tel:"].includes(url.protocol) ? url.href : null;
    } catch {
        return null;
    }
}

// Without characters that reorder or hide text: for names, which stand beside our own words.
export function plainName(text) {
    return String(text ?? "").replace(/[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, "");
}
