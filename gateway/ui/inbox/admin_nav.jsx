// admin_nav.jsx - the way from one of the admin's pages to another.
import { useEffect, useRef } from "preact/hooks";
import { useStore, useWords } from "./context.jsx";

const PAGES = ["start", "channels", "agents", "teams", "canned", "hours", "rules", "labels", "targets", "dead", "tokens", "audit", "system"];
// Of pages that the inbox's own words do not name.
const NAMES = {
    en: { start: "First steps", audit: "Audit log", labels: "Labels", system: "System", teams: "Teams", tokens: "API tokens" },
    ru: { start: "Первые шаги", audit: "Журнал", labels: "Метки", system: "Система", teams: "Команды", tokens: "Токены API" },
};

export function AdminNav() {
    const { t, lang } = useWords();
    const page = useStore((db) => db.route.page);
    const admin = useStore((db) => db.me?.role === "admin");
    const box = useRef(null);
    useEffect(() => { // on a small screen they are a strip, of which the current one shall be seen
        const here = box.current?.querySelector("[aria-current]");
        if (here) box.current.scrollLeft = here.offsetLeft - box.current.offsetLeft - 60;
    }, [page]);
    if (!admin || !PAGES.includes(page)) return null;
    return (
        <nav class="admin-nav" ref={box} aria-label={t("nav.menu")}>
            {PAGES.map((p) => (
                <a key={p} href={"#/" + p} aria-current={p === page ? "page" : undefined}>{NAMES[lang]?.[p] ?? NAMES.en[p] ?? t("nav." + p)}</a>
            ))}
        </nav>
    );
}
