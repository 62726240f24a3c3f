// admin_page.jsx - the frame of the admin's pages: a title, the way back, tools, the inside.
import { AdminNav } from "./admin_nav.jsx";
import { useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { viewHref } from "./routes.mjs";

export function AdminPage({ title, hint, tools, children }) {
    const { t } = useWords();
    const view = useStore((db) => db.route.view);
    return (
        <main class="admin" id="main" tabIndex={-1}>
            <div class="admin-inside">
                <header class="admin-head">
                    <a class="icon-button" href={viewHref(view)} aria-label={t("nav.back")} title={t("nav.back")}><Icon name="back" /></a>
                    <h1>{title}</h1>
                    {tools}
                </header>
                <AdminNav />
                {hint && <p class="admin-hint">{hint}</p>}
                {children}
            </div>
        </main>
    );
}
