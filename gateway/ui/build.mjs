// build.mjs - bundles the pages into build/ui: the inbox, the frame of its mails and, where its
// sources are, the site chat.
// Usage: node gateway/ui/build.mjs [OUTPUT_DIRECTORY]. Prints each file with its size; a bundle over
// its budget fails the build.
import { createHash } from "node:crypto";
import { build } from "esbuild";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { png, svg } from "./icon.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "../../build/ui");

const PREACT = "Preact 10, (c) Jason Miller, MIT licence";
const SQUIRE = "Squire 2, (c) Neil Jenkins, MIT licence";
const QRCODE = "qrcode-generator 2, (c) Kazuhiko Arase, MIT licence";
const UPLOT = "uPlot 1.6, (c) Leon Sorokin, MIT licence";
const DOMPURIFY = "DOMPurify 3, (c) Cure53 and other contributors, Apache licence 2.0";

// from: source under gateway/ui. to: name under build/ui; a .js entry that imports styles makes a
// .css beside it. limit: bytes after gzip. holds: what it contains of others.
const BUNDLES = [
    { from: "inbox/main.jsx", to: "inbox.js", limit: 96 * 1024, holds: [PREACT, DOMPURIFY] },
    { from: "inbox/late_parts.jsx", to: "late.js", limit: 16 * 1024, borrows: "inbox/lent.mjs" },
    { from: "inbox/admin.jsx", to: "admin.js", limit: 16 * 1024, borrows: "inbox/lent.mjs" },
    { from: "inbox/account.jsx", to: "account.js", limit: 16 * 1024, borrows: "inbox/lent.mjs", holds: [QRCODE] },
    { from: "hours/main.jsx", to: "hours.js", limit: 16 * 1024, borrows: "inbox/lent.mjs" },
    { from: "inbox/client.jsx", to: "client.js", limit: 16 * 1024, borrows: "inbox/lent.mjs" },
    { from: "manage/main.jsx", to: "manage.js", limit: 24 * 1024, borrows: "inbox/lent.mjs" },
    { from: "reports/main.jsx", to: "reports.js", limit: 32 * 1024, borrows: "inbox/lent.mjs", holds: [UPLOT] },
    { from: "rules/page.jsx", to: "rules.js", limit: 16 * 1024, borrows: "inbox/lent.mjs" },
    { from: "mail/main.mjs", to: "mail.js", limit: 16 * 1024, holds: [DOMPURIFY] },
    { from: "editor/main.mjs", to: "editor.js", limit: 24 * 1024, holds: [SQUIRE] },
    { from: "widget/loader.js", to: "widget.js", limit: 5 * 1024 },
    { from: "widget/panel.jsx", to: "widget/panel.js", limit: 40 * 1024, holds: [PREACT] },
    { from: "demo/demo.js", to: "demo.js", limit: 10 * 1024 },
];
const COPIES = [
    { from: "inbox/index.html", to: "index.html" },
    { from: "mail/mail.html", to: "mail.html" },
    { from: "widget/panel.html", to: "widget/panel.html" },
    { from: "demo/demo.html", to: "demo.html" },
    { from: "demo/demo.css", to: "demo.css" },
];
// Words that a page fetches when its language is asked for.
const WORDS = [{ from: "inbox/strings_ru.mjs", name: "ru", to: "words.ru.json" }];

// What makes the inbox a thing to be installed.
const ICONS = [
    { to: "icon.svg", data: () => svg, sizes: "any" },
    { to: "icon-192.png", data: () => png(192), sizes: "192x192" },
    { to: "icon-512.png", data: () => png(512), sizes: "512x512" },
    { to: "icon-full.png", data: () => png(512, true), sizes: "512x512", purpose: "maskable" },
];
const MANIFEST = { id: "/", name: "Switchboard", short_name: "Switchboard", description: "One inbox for all that clients write", start_url: "/",
    scope: "/", display: "standalone", background_color: "#eef0f4", theme_color: "#2f5bd7",
    icons: ICONS.map(({ to, sizes, purpose }) => ({ src: "/assets/" + to, sizes, type: to.endsWith("svg") ? "image/svg+xml" : "image/png",
        ...(purpose ? { purpose } : {}) })) };
// What the service worker keeps; the page itself under its address.
const SHELL = ["inbox.js", "inbox.css", "late.js", "late.css", "words.ru.json", "manifest.webmanifest", ...ICONS.map(({ to }) => to)];

function report(file, limit) {
    const data = readFileSync(join(out, file));
    const packed = gzipSync(data, { level: 9 }).length;
    console.log(`${file.padEnd(22)} ${String(data.length).padStart(7)} bytes ${String(packed).padStart(6)} gzip`);
    if (limit && packed > limit) {
        console.error(`${file} is over its budget of ${limit} bytes after gzip`);
        process.exitCode = 1;
    }
}

// A bundle that comes beside the inbox does not contain what the inbox has already: the modules that `lender` imports
// as a whole are given to it at run time, each under the name that it is imported by.
function borrowing(lender) {
    const folder = dirname(join(here, lender));
    const lent = new Map(); // name, by path or package
    for (const [, from] of readFileSync(join(here, lender), "utf8").matchAll(/^import \* as \w+ from "([^"]+)";$/gm))
        lent.set(from.startsWith(".") ? join(folder, from) : from, from);
    return {
        name: "borrowing",
        setup({ onResolve, onLoad }) {
            onResolve({ filter: /./ }, ({ path, resolveDir }) => {
                const name = lent.get(path.startsWith(".") ? join(resolveDir, path) : path);
                return name && { path: name + " (lent)", namespace: "lent", pluginData: name };
            });
            onLoad({ filter: /./, namespace: "lent" },
                ({ pluginData }) => ({ contents: `module.exports = globalThis.switchboardLends[${JSON.stringify(pluginData)}]` }));
        },
    };
}

async function bundle({ from, to, limit, holds, borrows, define }) {
    const source = join(here, from);
    if (!existsSync(source)) return;
    const { metafile } = await build({
        entryPoints: [{ in: source, out: to.replace(/\.js$/, "") }],
        outdir: out,
        bundle: true,
        minify: true,
        metafile: true,
        format: "iife",
        target: "es2020",
        jsx: "automatic",
        jsxImportSource: "preact",
        charset: "utf8",
        define: define ?? {},
        legalComments: "none",
        plugins: borrows ? [borrowing(borrows)] : [],
        banner: holds ? { js: `/* Switchboard (MIT). Contains ${holds.join("; ")}. */` } : {},
        logLevel: "warning",
    });
    for (const file of Object.keys(metafile.outputs)) {
        const name = file.endsWith(".css") ? to.replace(/\.js$/, ".css") : to;
        report(name, file.endsWith(".css") ? 13 * 1024 : limit);
    }
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const b of BUNDLES) await bundle(b);
for (const { from, name, to } of WORDS) {
    const words = await import(pathToFileURL(join(here, from)).href);
    writeFileSync(join(out, to), JSON.stringify(words[name]));
    report(to);
}
for (const { from, to } of COPIES) {
    if (!existsSync(join(here, from))) continue;
    mkdirSync(dirname(join(out, to)), { recursive: true });
    cpSync(join(here, from), join(out, to));
    report(to);
}
for (const { to, data } of ICONS) {
    writeFileSync(join(out, to), data());
    report(to);
}
writeFileSync(join(out, "manifest.webmanifest"), JSON.stringify(MANIFEST));
report("manifest.webmanifest");

// Last, for it knows all the others by their hashes.
const hash = (...data) => data.reduce((h, d) => h.update(d), createHash("sha256")).digest("hex");
const kept = Object.fromEntries([["/", "index.html"], ...SHELL.map((name) => ["/assets/" + name, name])]
    .map(([address, name]) => [address, hash(readFileSync(join(out, name)))]));
await bundle({ from: "inbox/worker.mjs", to: "sw.js", limit: 4 * 1024,
    define: { SHELL: JSON.stringify(kept), VERSION: JSON.stringify(hash(JSON.stringify(kept)).slice(0, 16)) } });
