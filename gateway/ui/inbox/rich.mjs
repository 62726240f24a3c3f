// rich.mjs - marked-up text of strangers: what of it may be shown, as a tree of our own that holds
// nothing else. The sanitizer decides first; then only known tags are taken over, and links of known
// schemes, so that a hole in one is not a hole in the page.
import DOMPurify from "dompurify";
import { safeHref } from "../shared/links.mjs";

const TAGS = ["b", "i", "u", "s", "code", "pre", "blockquote", "a", "span", "br", "p", "ul", "ol", "li", "img"];
const PICTURE = /^cid:([0-9A-HJKMNP-TV-Z]{26})$/;
const DEEPEST = 40;

// A part is a text, or {tag, children, href?}, or {tag: "img", id, alt}: a file of the message; a spoiler's
// tag is "spoiler". node: of a DOM.
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
        if (tag === "img") {
            const id = PICTURE.exec(child.getAttribute("src") ?? "")?.[1];
            if (id) parts.push({ tag, id, alt: child.getAttribute("alt") ?? "" });
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

// The parser runs nothing and loads nothing.
const parsed = (html) => new DOMParser().parseFromString(html, "text/html").body;

export function richParts(html) {
    return partsOf(parsed(DOMPurify.sanitize(html, { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ["href", "class", "src", "alt"],
        ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false })));
}

// Is nothing in it but what richParts() takes over?
export function isSmall(html) {
    return [...parsed(html).querySelectorAll("*")].every((el) => TAGS.includes(el.nodeName.toLowerCase()));
}

// The same without markup, for who can read no other: lists keep their marks, links their addresses.
export function plainOf(html) {
    const body = parsed(html);
    for (const li of body.querySelectorAll("li"))
        li.prepend(li.parentElement.nodeName === "OL" ? `${[...li.parentElement.children].indexOf(li) + 1}. ` : "- ");
    for (const list of body.querySelectorAll("ul, ol, blockquote, pre")) list.before("\n");
    for (const a of body.querySelectorAll("a[href]")) if (!a.href.includes(a.textContent.trim())) a.append(` (${a.href})`);
    for (const img of body.querySelectorAll("img")) img.replaceWith(`[${img.alt}]`);
    return words(body);
}

// Only the words.
export const wordsOf = (html) => words(parsed(html));

function words(body) {
    for (const el of body.querySelectorAll("style, script, title")) el.remove();
    for (const el of body.querySelectorAll("br, p, div, li, tr, h1, h2, h3")) el.append("\n");
    return body.textContent.replace(/[ \t]+/g, " ").replace(/ ?\n ?/g, "\n").replace(/\n{3,}/g, "\n\n").trim();
}
