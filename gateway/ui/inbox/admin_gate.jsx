// admin_gate.jsx - fetches the admin's pages when one is wanted, and shows it.
import { useEffect, useState } from "preact/hooks";
import { useWords } from "./context.jsx";
import { lent } from "./lent.mjs";
import { Button, Spinner } from "./parts.jsx";

let loading = null;

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

function load() {
    globalThis.switchboardLends = lent;
    loading ??= Promise.all([
        fetched("link", { rel: "stylesheet", href: "/assets/admin.css" }),
        fetched("script", { src: "/assets/admin.js" }),
    ]).catch((e) => {
        loading = null;
        throw e;
    });
    return loading;
}

export function AdminGate({ page }) {
    const { t } = useWords();
    const [state, setState] = useState(globalThis.switchboardAdmin ? "ready" : "loading");
    const [tries, setTries] = useState(0);
    useEffect(() => {
        let gone = false;
        load().then(() => gone || setState("ready"), () => gone || setState("failed"));
        return () => {
            gone = true;
        };
    }, [tries]);
    const Page = globalThis.switchboardAdmin?.[page];
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
