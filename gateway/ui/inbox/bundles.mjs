// bundles.mjs - fetches what stands beside the inbox's own bundle (build.mjs), each file once.
import { lent } from "./lent.mjs";

const loading = new Map(); // by file

function fetched(tag, fields) {
    return new Promise((resolve, reject) => {
        const element = Object.assign(document.createElement(tag), fields);
        element.onload = resolve;
        element.onerror = () => {
            element.remove();
            reject(new Error("bundle"));
        };
        document.head.append(element);
    });
}

const file = (name, type) => (type === "css"
    ? fetched("link", { rel: "stylesheet", href: `/assets/${name}.css` })
    : fetched("script", { src: `/assets/${name}.js` }));

// names: "admin.js", "admin.css". What failed may be asked for again.
export function fetchAll(names) {
    globalThis.switchboardLends = lent;
    return Promise.all([...new Set(names)].map((name) => {
        if (!loading.has(name)) {
            loading.set(name, file(...name.split(".")).catch((e) => {
                loading.delete(name);
                throw e;
            }));
        }
        return loading.get(name);
    }));
}

// What the bundles have brought, by name.
export const brought = (name) => globalThis.switchboardPages?.[name];
