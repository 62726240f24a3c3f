// admin_gate.jsx - fetches the bundle of a page beside the inbox, or of a part of it, when it is wanted, and shows the page.
import { useEffect, useState } from "preact/hooks";
import { brought, fetchAll } from "./bundles.mjs";
import { useWords } from "./context.jsx";
import { Button, Spinner } from "./parts.jsx";

const BUNDLES = {
    reports: "reports", account: "account", hours: "hours", rules: "rules", client: "client",
    audit: "manage", tokens: "manage", teams: "manage", labels: "manage", system: "manage", start: "manage",
}; // of the others: "admin"

function load(page) {
    const bundle = BUNDLES[page] ?? "admin";
    return fetchAll([...(bundle === "client" ? [] : ["admin.css"]), bundle + ".css", bundle + ".js"]);
}

// {Page: the component once it is there, state, again(): after "failed"}.
export function usePage(page) {
    const [state, setState] = useState(brought(page) ? "ready" : "loading");
    const [tries, setTries] = useState(0);
    useEffect(() => {
        let gone = false;
        load(page).then(() => gone || setState("ready"), () => gone || setState("failed"));
        return () => {
            gone = true;
        };
    }, [tries]);
    return { Page: state === "ready" ? brought(page) : null, state, again() {
        setState("loading");
        setTries(tries + 1);
    } };
}

export function AdminGate({ page }) {
    const { t } = useWords();
    const { Page, state, again } = usePage(page);
    if (Page) return <Page />;
    return (
        <main class="thread-none" id="main" tabIndex={-1}>
            <div class="empty" role="status">
                {state === "loading" ? <Spinner label={t("app.loading")} /> : (
                    <>
                        <p>{t("error.offline")}</p>
                        <Button kind="main" onClick={again}>{t("error.retry")}</Button>
                    </>
                )}
            </div>
        </main>
    );
}
