// shell.jsx - the page as a thing that is installed: the shell that is kept for when there is no network, and a newer version of it.
import { useEffect } from "preact/hooks";
import { useDesk, useStore } from "./context.jsx";

// The service worker (worker.mjs) keeps the shell. When the gateway has a newer one, this page is of yesterday.
export function useShell() {
    const desk = useDesk();
    useEffect(() => {
        const { serviceWorker } = navigator;
        if (!serviceWorker) return undefined;
        let had = Boolean(serviceWorker.controller), registration = null, line = "";
        serviceWorker.register("/sw.js").then((r) => {
            registration = r;
            (r.active ?? r.waiting ?? r.installing)?.postMessage("keep");
        }, () => {}); // the page is as good without it
        const changed = () => {
            if (had) desk.dispatch({ type: "outdated" });
            had = true;
        };
        const look = ({ conn }) => {
            if (conn.state === "online" && line && line !== "online") registration?.update().catch(() => {});
            line = conn.state;
        };
        serviceWorker.addEventListener("controllerchange", changed);
        const leave = desk.store.subscribe(look);
        return () => {
            serviceWorker.removeEventListener("controllerchange", changed);
            leave();
        };
    }, []);
}

// A page of yesterday begins anew when nobody looks at it and nothing would be lost.
export function useRenewal() {
    const desk = useDesk();
    const outdated = useStore((db) => db.outdated);
    useEffect(() => {
        if (!outdated) return undefined;
        const renew = () => {
            const { compose, uploads, outbox } = desk.db;
            if (!document.hidden || compose.size || uploads.size || outbox.length || document.querySelector("form, dialog[open]")) return;
            desk.leave();
            location.reload();
        };
        renew();
        document.addEventListener("visibilitychange", renew);
        return () => document.removeEventListener("visibilitychange", renew);
    }, [outdated]);
}
