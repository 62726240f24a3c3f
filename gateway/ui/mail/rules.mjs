// rules.mjs - what of a stranger's HTML may be shown: elements, attributes, styles, links, pictures.
// Pure functions; clean.mjs applies them.

export const TAGS = ["a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br", "caption",
    "center", "cite", "code", "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure",
    "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd", "li", "main", "mark",
    "ol", "p", "pre", "q", "s", "samp", "section", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody",
    "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr"];

// No id, name or class: nothing here has a use for them, and scripts of old can be fooled by them.
export const ATTRS = ["align", "alt", "bgcolor", "border", "cellpadding", "cellspacing", "color", "colspan", "dir", "face",
    "height", "href", "hspace", "lang", "noshade", "nowrap", "reversed", "rowspan", "size", "src", "start", "style", "text",
    "title", "type", "valign", "vspace", "width"];

// --- styles --------------------------------------------------------------------------------------

// Longhands, as the browser's own parser names them: a shorthand's picture falls away, its colour
// stays. Nothing that takes an element out of its place.
const STYLES = new Set(["color", "background-color", "font-family", "font-size", "font-style", "font-variant-caps",
    "font-weight", "font-stretch", "line-height", "letter-spacing", "word-spacing", "text-align", "text-indent",
    "text-transform", "text-decoration-line", "text-decoration-style", "text-decoration-color", "text-overflow",
    "white-space", "white-space-collapse", "text-wrap", "text-wrap-mode", "word-break", "overflow-wrap", "vertical-align", "direction", "float",
    "clear", "display", "visibility", "opacity", "list-style-type", "list-style-position", "border-collapse",
    "border-spacing", "table-layout", "caption-side", "empty-cells", "width", "height", "min-width",
    "min-height", "max-width", "max-height", "box-sizing"]);
const SIDES = /^(?:padding|margin|border)-(?:top|right|bottom|left)(?:-(?:width|style|color))?$|^border-(?:top|bottom)-(?:left|right)-radius$/;
const DISPLAYS = /^(?:none|block|inline|inline-block|list-item|table|inline-table|table-(?:cell|row|column|caption|row-group|header-group|footer-group|column-group))$/;
// Words, numbers, colours, quoted names of fonts. Of functions only those that name a colour.
const VALUE = /^(?:[\p{L}\p{N}\s#%.,'"!+-]|(?:rgb|rgba|hsl|hsla)\([\d\s%.,/deg-]*\))*$/u;
const VALUE_MAX = 300;

export function safeStyle(name, value) {
    if (!(STYLES.has(name) || SIDES.test(name)) || value.length > VALUE_MAX || !VALUE.test(value)) return false;
    if (name === "display") return DISPLAYS.test(value);
    if (name.startsWith("margin") && value.trim().startsWith("-")) return false;
    return true;
}

// --- pictures ------------------------------------------------------------------------------------

const INLINE = /^data:image\/(?:png|jpe?g|gif|webp|avif|bmp);base64,[A-Za-z0-9+/=\s]+$/i;

// {kind: "data" | "cid" | "remote" | "none", value}
export function pictureOf(src) {
    const text = String(src ?? "").trim();
    if (INLINE.test(text)) return { kind: "data", value: text.replace(/\s/g, "") };
    if (/^cid:/i.test(text)) return { kind: "cid", value: cidOf(text.slice(4)) };
    const url = webUrl(text);
    return url ? { kind: "remote", value: url.href } : { kind: "none", value: "" };
}

// RFC 2392: percent-encoded in the address, in < > in the header.
export function cidOf(text) {
    const bare = String(text ?? "").trim().replace(/^<|>$/g, "");
    try {
        return decodeURIComponent(bare);
    } catch {
        return bare;
    }
}

// Too small to be seen: it is there to tell that the mail was read.
export function isTracker(width, height) {
    const tiny = (v) => v !== null && v !== undefined && /^\s*[012](?:px)?\s*$/i.test(String(v));
    return tiny(width) || tiny(height);
}

// --- links ---------------------------------------------------------------------------------------

function webUrl(text) {
    if (!/^https?:/i.test(text)) return null;
    try {
        const url = new URL(text);
        return url.protocol === "http:" || url.protocol === "https:" ? url : null;
    } catch {
        return null;
    }
}

// The address that a link may have, as the browser will read it; null: none.
export function linkOf(href) {
    const text = String(href ?? "").trim();
    const web = webUrl(text);
    if (web) return web.href;
    if (!/^(?:mailto|tel):/i.test(text)) return null;
    try {
        return new URL(text).href;
    } catch {
        return null;
    }
}

const HOST = /(?:^|[\s/@(<])((?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62})\.){1,8}\p{L}{2,24})(?=$|[\s/:?#),.>])/iu;
const FILES = /\.(?:pdf|docx?|xlsx?|pptx?|zip|rar|7z|jpe?g|png|gif|txt|csv|html?|js|md)$/i;

const asHost = (text) => {
    try {
        return new URL("http://" + text).hostname.replace(/^www\./, "");
    } catch {
        return "";
    }
};

// The host that a link leads to, when its words name another one; else null.
export function deceptive(text, href) {
    const url = webUrl(String(href ?? ""));
    const said = url && HOST.exec(String(text ?? "").slice(0, 500));
    if (!said || FILES.test(said[1])) return null;
    const shown = asHost(said[1]);
    const real = url.hostname.replace(/^www\./, "");
    if (!shown || real === shown || real.endsWith("." + shown)) return null;
    return url.host;
}
