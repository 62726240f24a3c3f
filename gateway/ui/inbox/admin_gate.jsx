// admin_gate.jsx - fetches the bundle of a page beside the inbox when it is wanted, and shows the page.
import { useEffect, useState } from "preact/hooks";
import { brought, fetchAll } from "./bundles.mjs";
import { useWords } from "./context.jsx";
import { Button, Spinner } from "./parts.jsx";

const BUNDLES = { reports: "reports", account: "account", hours: "hours", rules: "rules" }; // of the others: "admin"

function load(page) {
    const bundle = BUNDLES[page] ?? "admin";
    return fetchAll(["admin.css", bundle + ".css", bundle + ".js"]);
}

export function AdminGate({ page }) {
    const { t } = useWords();
    const [state, setState] = useState(brought(page) ? "ready" : "loading");
    const [tries, setTries] = useState(0);
    useEffect(() => {
        let gone = false;
        load(page).then(() => gone || setState("ready"), () => gone || setState("failed"));
        return () => {
            gone = true;
        };
    }, [tries]);
    const Page = brought(page);
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
