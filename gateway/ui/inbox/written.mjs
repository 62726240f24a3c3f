// written.mjs - formatted answers: what the editor holds, as the small HTML that channels take, and back.
// Lines end with <br>; b, i, u, s, code, a, blockquote, pre, ul, ol, li and img are all the markup there is.
// A picture's source is cid: and the id of its file, as the API has it.
import DOMPurify from "dompurify";
import { safeHref } from "../shared/links.mjs";

const INLINE = { b: "b", strong: "b", i: "i", em: "i", u: "u", s: "s", strike: "s", del: "s", code: "code" };
const LINES = new Set(["div", "p", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "table", "tr"]);
const BLOCKS = new Set(["blockquote", "ul", "ol", "pre", "li", ...LINES]);
const TAGS = [...Object.keys(INLINE), ...BLOCKS, "br", "a", "img", "span", "td", "tbody"];
const ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const DEEPEST = 40;
const WIDEST = 2000;

// A browser writes a space at the edge of what is edited as one that does not break.
const spaced = (text) => text.replace(/\u200b/g, "").replace(/(^|[^\s])\u00a0(?=$|\S)/g, "$1 ");
const escaped = (text) => spaced(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const quoted = (text) => escaped(text).replace(/"/g, "&quot;");
const nameOf = (node) => node.nodeName.toLowerCase();

// The id of the file that an img shows; null: it is none of ours.
function pictureId(img) {
    const id = img.getAttribute("data-media") ?? (img.getAttribute("src") ?? "").replace(/^cid:/, "");
    return ID.test(id) ? id : null;
}

function picture(img) {
    const id = pictureId(img);
    const width = Number(img.getAttribute("width"));
    const wide = Number.isInteger(width) && width > 0 && width <= WIDEST ? ` width="${width}"` : "";
    return id ? `<img src="cid:${id}" alt="${quoted(img.getAttribute("alt") ?? "")}"${wide}>` : "";
}

function inline(node, depth) {
    if (node.nodeType === 3) return escaped(node.data);
    if (node.nodeType !== 1) return "";
    const name = nameOf(node);
    if (name === "br") return "<br>";
    if (name === "img") return picture(node);
    const inside = depth < DEEPEST ? [...node.childNodes].map((n) => inline(n, depth + 1)).join("") : escaped(node.textContent);
    if (!inside) return "";
    const href = name === "a" ? safeHref(node.getAttribute("href")) : null;
    if (href) return `<a href="${quoted(href)}">${inside}</a>`;
    return INLINE[name] ? `<${INLINE[name]}>${inside}</${INLINE[name]}>` : inside;
}

// [{line: html} | {block: html}]
function items(node, depth) {
    const out = [];
    let line = null;
    const end = () => {
        if (line !== null) out.push({ line: line.replace(/<br>$/, "") });
        line = null;
    };
    for (const child of node.childNodes) {
        const name = child.nodeType === 1 ? nameOf(child) : "";
        if (!BLOCKS.has(name) || depth >= DEEPEST) {
            line = (line ?? "") + inline(child, depth);
            continue;
        }
        end();
        if (LINES.has(name)) out.push(...items(child, depth + 1));
        else if (name === "pre") out.push({ block: `<pre>${escaped(child.textContent)}</pre>` });
        else {
            const list = items(child, depth + 1);
            const inside = joined(name === "ul" || name === "ol" ? list.filter((it) => it.block) : list);
            if (inside) out.push({ block: `<${name}>${inside}</${name}>` });
        }
    }
    end();
    return out;
}

const isEmpty = (item) => item.line !== undefined && !item.line.trim();

function joined(list) {
    while (list.length && isEmpty(list[0])) list.shift();
    while (list.length && isEmpty(list[list.length - 1])) list.pop();
    return list.map((it, i) => (it.block ?? it.line + (list[i + 1]?.line !== undefined ? "<br>" : ""))).join("");
}

// What stands in the editor. root: its element, or any tree of nodes.
export const written = (root) => joined(items(root, 0));

// A text as formatted markup of the same words.
export const plainHtml = (text) => escaped(text).replace(/\r?\n/g, "<br>");

// Is it nothing but lines of text?
export const isPlain = (html) => !/<(?!br>)/.test(html ?? "");

// The ids of the pictures that a markup of written() shows, each once.
export const picturesIn = (html) => [...new Set([...(html ?? "").matchAll(/<img src="cid:([0-9A-Z]{26})"/g)].map((m) => m[1]))];

// What of a markup may stand in the editor: of a draft of ours, or from anywhere by a paste. Pictures
// of other servers stay out. urlOf(id): where the page gets a picture.
export function writable(html, urlOf) {
    const clean = DOMPurify.sanitize(html, { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ["href", "src", "alt", "width", "data-media"] });
    const { body } = new DOMParser().parseFromString(clean, "text/html"); // loads nothing
    for (const img of body.querySelectorAll("img")) {
        const id = pictureId(img);
        if (!id) {
            img.remove();
            continue;
        }
        img.setAttribute("data-media", id);
        img.setAttribute("src", urlOf(id));
    }
    for (const a of body.querySelectorAll("a")) if (!safeHref(a.getAttribute("href"))) a.replaceWith(...a.childNodes);
    const fragment = document.createDocumentFragment();
    fragment.append(...[...body.childNodes].map((n) => document.importNode(n, true)));
    return fragment;
}
