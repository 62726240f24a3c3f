// admin_gate.jsx - fetches the bundle of a page beside the inbox when it is wanted, and shows the page.
import { useEffect, useState } from "preact/hooks";
import { useWords } from "./context.jsx";
import { lent } from "./lent.mjs";
import { Button, Spinner } from "./parts.jsx";

// Which bundle has it: the admin's pages, or a person's own account.
const bundleOf = (page) => (page === "account" ? "account" : "admin");
const loading = {};

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

function load(bundle) {
    globalThis.switchboardLends = lent;
    loading[bundle] ??= Promise.all([
        fetched("link", { rel: "stylesheet", href: `/assets/${bundle}.css` }),
        fetched("script", { src: `/assets/${bundle}.js` }),
    ]).catch((e) => {
        loading[bundle] = null;
        throw e;
    });
    return loading[bundle];
}

export function AdminGate({ page }) {
    const { t } = useWords();
    const [state, setState] = useState(globalThis.switchboardPages?.[page] ? "ready" : "loading");
    const [tries, setTries] = useState(0);
    useEffect(() => {
        let gone = false;
        load(bundleOf(page)).then(() => gone || setState("ready"), () => gone || setState("failed"));
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
