// admin_gate.jsx - fetches the bundle of a page beside the inbox when it is wanted, and shows the page.
import { useEffect, useState } from "preact/hooks";
import { useWords } from "./context.jsx";
import { lent } from "./lent.mjs";
import { Button, Spinner } from "./parts.jsx";

const BUNDLES = { reports: "reports", account: "account", hours: "hours", rules: "rules" }; // of the others: "admin"
const loading = new Map();

function fetched(tag, fields) {
    return new Promise((resolve, reject) => {
        const element = Object.assign(document.createElement(tag), fields);
        element.onload = resolve;
        element.onerror = () => {
            element.remove();
            reject(new Error("admin"));
        };
        document.head.append(element);
    });
}

const file = (name, type) => (type === "css"
    ? fetched("link", { rel: "stylesheet", href: `/assets/${name}.css` })
    : fetched("script", { src: `/assets/${name}.js` }));

// Each file once; what failed may be asked for again.
function load(page) {
    globalThis.switchboardLends = lent;
    const bundle = BUNDLES[page] ?? "admin";
    const files = new Set(["admin.css", bundle + ".css", bundle + ".js"]);
    return Promise.all([...files].map((name) => {
        if (!loading.has(name)) {
            loading.set(name, file(...name.split(".")).catch((e) => {
                loading.delete(name);
                throw e;
            }));
        }
        return loading.get(name);
    }));
}

export function AdminGate({ page }) {
    const { t } = useWords();
    const [state, setState] = useState(globalThis.switchboardPages?.[page] ? "ready" : "loading");
    const [tries, setTries] = useState(0);
    useEffect(() => {
        let gone = false;
        load(page).then(() => gone || setState("ready"), () => gone || setState("failed"));
        return () => {
            gone = true;
        };
    }, [tries]);
    const Page = globalThis.switchboardPages?.[page];
    if (state === "ready" && Page) return <Page />;
    return (
        <main class="thread-none" id="main" tabIndex={-1}>
            <div class="empty" role="status">
                {state === "loading" ? <Spinner label={t("app.loading")} /> : (
                    <>
                        <p>{t("error.offline")}</p>
                        <Button kind="main" onClick={() => {
                            setState("loading");
                            setTries(tries + 1);
                        }}>{t("error.retry")}</Button>
                    </>
                )}
            </div>
        </main>
    );
}
