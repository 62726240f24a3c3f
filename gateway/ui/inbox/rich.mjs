// rich.mjs - marked-up text of strangers: what of it may be shown, as a tree of our own that holds
// nothing else. The sanitizer decides first; then only known tags are taken over, and links of known
// schemes, so that a hole in one is not a hole in the page.
import DOMPurify from "dompurify";
import { safeHref } from "../shared/links.mjs";

const TAGS = ["b", "i", "u", "s", "code", "pre", "blockquote", "a", "span", "br", "p"];
const DEEPEST = 40;

// A part is a text, or {tag, children, href?}; a spoiler's tag is "spoiler". node: of a DOM.
export function partsOf(node, depth = 0) {
    const parts = [];
    for (const child of node.childNodes ?? []) {
        if (child.nodeType === 3) parts.push(child.data);
        if (child.nodeType !== 1) continue;
        const tag = child.nodeName.toLowerCase();
        if (depth >= DEEPEST) {
            parts.push(child.textContent ?? "");
            continue;
        }
        const children = partsOf(child, depth + 1);
        const href = tag === "a" ? safeHref(child.getAttribute("href")) : null;
        if (tag === "br") parts.push("\n");
        else if (tag === "span" && child.getAttribute("class") === "spoiler") parts.push({ tag: "spoiler", children });
        else if (tag === "span" || !TAGS.includes(tag) || (tag === "a" && !href)) parts.push(...children);
        else parts.push(href ? { tag, href, children } : { tag, children });
    }
    return parts;
}

export function richParts(html) {
    return partsOf(DOMPurify.sanitize(html, { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ["href", "class"],
        ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false, RETURN_DOM_FRAGMENT: true }));
}

// Only the words, as mail is shown. The parser runs nothing and loads nothing.
export function wordsOf(html) {
    const body = new DOMParser().parseFromString(html, "text/html").body;
    for (const el of body.querySelectorAll("style, script, title")) el.remove();
    for (const el of body.querySelectorAll("br, p, div, li, tr, h1, h2, h3")) el.append("\n");
    return body.textContent.replace(/[ \t]+/g, " ").replace(/ ?\n ?/g, "\n").replace(/\n{3,}/g, "\n\n").trim();
}
