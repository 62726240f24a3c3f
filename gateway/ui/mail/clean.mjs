// clean.mjs - a stranger's HTML made harmless. Three times, each on its own enough: the sanitizer
// takes what is known to be good, a walk of our own takes again only what rules.mjs lists, and the
// frame that shows it has no scripts and a policy without any address. Fetches nothing.
import DOMPurify from "dompurify";
import { ATTRS, TAGS, cidOf, deceptive, isTracker, linkOf, pictureOf, safeStyle } from "./rules.mjs";

const CONFIG = {
    ALLOWED_TAGS: [...TAGS, "html", "head", "body"],
    ALLOWED_ATTR: ATTRS,
    FORBID_TAGS: ["svg", "math", "style", "form", "iframe", "object", "embed", "base", "meta", "link", "template"],
    FORBID_ATTR: ["srcset", "background", "ping", "action", "formaction", "poster", "id", "name", "class"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto|tel|cid):/i,
    ADD_URI_SAFE_ATTR: ATTRS.filter((name) => name !== "href" && name !== "src"),
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    WHOLE_DOCUMENT: true,
    RETURN_DOM: true,
};
const KNOWN_TAGS = new Set(TAGS);
const KNOWN_ATTRS = new Set(ATTRS);
const XHTML = "http://www.w3.org/1999/xhtml";

function cleanStyle(el, probe) {
    const text = el.getAttribute("style");
    if (text === null) return;
    probe.style.cssText = text;
    const kept = [];
    for (const name of probe.style) {
        const value = probe.style.getPropertyValue(name);
        if (value !== "initial" && safeStyle(name, value)) kept.push(`${name}: ${value}`);
    }
    if (kept.length) el.setAttribute("style", kept.join("; "));
    else el.removeAttribute("style");
}

function note(doc, kind, text) {
    const el = doc.createElement("span");
    el.setAttribute("class", "sb-" + kind);
    el.textContent = text;
    return el;
}

// Where it leads is told by the pointer; by words, when its own words say something else.
function cleanLink(el, words) {
    const href = linkOf(el.getAttribute("href"));
    if (!href) {
        el.removeAttribute("href");
        return;
    }
    const host = deceptive(el.textContent, href);
    el.setAttribute("href", href);
    el.setAttribute("title", href.slice(0, 500));
    el.setAttribute("target", "_blank");
    el.setAttribute("rel", "noopener noreferrer nofollow");
    el.setAttribute("referrerpolicy", "no-referrer");
    if (host) el.after(note(el.ownerDocument, "leads", words.leads.replace("{host}", host)));
}

function placeholder(el, label) {
    const box = note(el.ownerDocument, "picture", el.getAttribute("alt")?.trim() || label);
    const px = (name) => /^\s*(\d{1,4})(?:px)?\s*$/.exec(el.getAttribute(name) ?? "")?.[1];
    const [width, height] = [px("width"), px("height")];
    if (width) box.style.width = Math.min(width, 600) + "px";
    if (height) box.style.height = Math.min(height, 300) + "px";
    el.replaceWith(box);
}

function cleanPicture(el, { pictures, cids, words }, found) {
    const { kind, value } = pictureOf(el.getAttribute("src"));
    const remote = kind === "remote";
    if (remote && (isTracker(el.getAttribute("width"), el.getAttribute("height")) || isTracker(el.style.width, el.style.height))) {
        found.trackers++;
        el.remove();
        return;
    }
    if (remote) found.remote++;
    const src = kind === "data" || (remote && pictures) ? value : kind === "cid" ? cids.get(value) : null;
    if (!src) {
        placeholder(el, words.picture);
        return;
    }
    el.setAttribute("src", src);
    el.setAttribute("referrerpolicy", "no-referrer");
    el.setAttribute("decoding", "async");
}

function cleanAttributes(el) {
    for (const { name } of [...el.attributes])
        if (!KNOWN_ATTRS.has(name)) el.removeAttribute(name);
    if (el.localName !== "a") el.removeAttribute("href");
    if (el.localName !== "img") el.removeAttribute("src");
}

// About how many pixels it will be high, without drawing it.
function guessHeight(body) {
    const blocks = body.querySelectorAll("p, br, li, tr, h1, h2, h3, hr, blockquote").length;
    let high = 40 + (Math.ceil(body.textContent.length / 90) + blocks) * 21;
    for (const img of body.querySelectorAll("img, .sb-picture"))
        high += Math.min(Number.parseInt(img.getAttribute("height") ?? img.style.height, 10) || 120, 400);
    return high;
}

// html: of a mail. pictures: those of other servers may be fetched. cids: name -> data: address.
// words: {picture, leads: with {host}}. Answers {body: an element of no document that is shown,
// remote: pictures of other servers, trackers: those of them that nobody could see, height}.
export function clean(html, options) {
    const found = { remote: 0, trackers: 0 };
    const root = DOMPurify.sanitize(html, CONFIG);
    const from = root.querySelector?.("body") ?? root;
    const doc = document.implementation.createHTMLDocument("");
    const body = doc.createElement("div");
    for (const name of ["bgcolor", "text", "style", "dir"])
        if (from.hasAttribute?.(name)) body.setAttribute(name, from.getAttribute(name));
    body.append(...[...from.childNodes].map((n) => doc.adoptNode(n)));
    const probe = doc.createElement("span");
    for (const el of [body, ...body.querySelectorAll("*")]) {
        if (el.namespaceURI !== XHTML || (el !== body && !KNOWN_TAGS.has(el.localName))) {
            el.replaceWith(el.textContent);
            continue;
        }
        cleanAttributes(el);
        cleanStyle(el, probe);
        if (el.localName === "a") cleanLink(el, options.words);
        else if (el.localName === "img") cleanPicture(el, options, found);
    }
    const [ground, ink] = [body.getAttribute("bgcolor"), body.getAttribute("text")];
    if (ground && /^#?[a-z0-9]{3,20}$/i.test(ground) && !body.style.backgroundColor) body.style.backgroundColor = ground;
    if (ink && /^#?[a-z0-9]{3,20}$/i.test(ink) && !body.style.color) body.style.color = ink;
    body.removeAttribute("bgcolor");
    body.removeAttribute("text");
    body.setAttribute("class", "sb-mail");
    return { body, ...found, height: guessHeight(body) };
}

const STYLE = `
html { background: #fff; scrollbar-width: thin; }
body { margin: 0; color: #171b24; background: #fff; font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif; overflow-wrap: break-word; }
.sb-mail { min-height: 100vh; padding: 12px 14px; box-sizing: border-box; }
img { max-width: 100%; }
img:not([height]) { height: auto; }
pre { white-space: pre-wrap; }
blockquote { margin: 8px 0; padding-left: 12px; border-left: 3px solid #cfd4dd; color: #505a6b; }
a { color: #2449b3; }
.sb-picture { display: inline-block; box-sizing: border-box; min-width: 24px; min-height: 24px; max-width: 100%; padding: 4px 8px; overflow: hidden; border: 1px dashed #9aa4b5; border-radius: 6px; background: #f2f4f8; color: #505a6b; font: 12px/1.35 system-ui, sans-serif; vertical-align: middle; text-align: left; }
.sb-leads { display: inline-block; margin: 0 4px; padding: 0 6px; border-radius: 6px; background: #fdeceb; color: #b3261e; font: 600 12px/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
`;

// The whole document for the frame, with a policy of its own.
export function documentOf(body, pictures) {
    const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data:${pictures ? " https: http:" : ""}; ` +
        "base-uri 'none'; form-action 'none'";
    return `<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">` +
        `<meta name="referrer" content="no-referrer"><meta http-equiv="x-dns-prefetch-control" content="off">` +
        `<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body>${body.outerHTML}</body></html>`;
}

// The pictures that came with the mail, for clean(). files: [{cid, mime, bytes: ArrayBuffer}]
export async function pictureAddresses(files) {
    const read = ({ mime, bytes }) => new Promise((resolve) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader.onerror = () => resolve(null);
        reader.readAsDataURL(new Blob([bytes], { type: mime }));
    });
    const all = await Promise.all(files.map(async (f) => [cidOf(f.cid), await read(f)]));
    return new Map(all.filter(([, address]) => address && pictureOf(address).kind === "data"));
}
