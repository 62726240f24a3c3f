// app.jsx - the page as a whole: which screen, the columns, and the keys that work everywhere.
import { Component } from "preact";
import { useEffect, useState } from "preact/hooks";
import { AdminGate } from "./admin_gate.jsx";
import { Banner } from "./banner.jsx";
import { ClientPanel } from "./client_panel.jsx";
import { useDesk, useLanguage, useStore, useWords } from "./context.jsx";
import { Icon, Logo } from "./icons.jsx";
import { useKeys } from "./keys.jsx";
import { Late } from "./late.jsx";
import { waitsFor } from "./notices.mjs";
import { Button, clientName } from "./parts.jsx";
import { PRESETS, paint } from "./preferences.mjs";
import { Rail } from "./rail.jsx";
import { ADMIN_PAGES, threadHref } from "./routes.mjs";
import { ChoosePassword, SignIn } from "./signin.jsx";
import { ThreadList } from "./thread_list.jsx";
import { ThreadView } from "./thread_view.jsx";

export class Guard extends Component {
    componentDidCatch(error) {
        console.error(error);
        this.setState({ failed: true });
    }

    render() {
        return this.state.failed ? <Broken /> : this.props.children;
    }
}

function Broken() {
    const { t } = useWords();
    return (
        <div class="empty" role="alert">
            <p>{t("error.page")}</p>
            <Button kind="main" onClick={() => location.reload()}>{t("error.reload")}</Button>
        </div>
    );
}

function Reminder({ thread: id, step }) {
    const { t } = useWords();
    const thread = useStore((db) => db.threads.get(id));
    return <a href={threadHref(id)}>{t("remind." + step, { name: clientName(thread, t) })}</a>;
}

function Toasts() {
    const here = useStore((db) => db.route.thread);
    const toasts = useStore((db) => db.toasts).filter((toast) => !toast.thread || toast.thread !== here);
    return (
        <div class="toasts" role="status" aria-live="polite">
            {toasts.map((toast) => <div key={toast.id} class={`toast toast-${toast.kind}`}>{toast.step ? <Reminder {...toast} /> : toast.text}</div>)}
        </div>
    );
}

function NoThread() {
    const { t } = useWords();
    const isNew = useStore((db) => db.me?.role === "admin" && !db.threads.size && !db.counts.closed); // nothing has come yet
    return (
        <main class="thread-none">
            <div class="empty">
                <span class="empty-mark"><Icon name="open" size={30} /></span>
                <h2>{t("thread.none")}</h2>
                <p>{t("thread.noneHint")}</p>
                {isNew && <p><a class="button button-main" href="#/start">{t("start.link")}</a></p>}
            </div>
        </main>
    );
}

function useTitle() {
    const waiting = useStore((db) => {
        let n = db.preferences.mentions ? db.counts.mentions ?? 0 : 0;
        for (const th of db.threads.values()) if (waitsFor(th, db.me?.name, db.preferences)) n++;
        return n;
    });
    useEffect(() => {
        document.title = (waiting ? `(${waiting}) ` : "") + "Switchboard";
        navigator.setAppBadge?.(waiting).catch(() => {});
    }, [waiting]);
}

// As this agent wants it, in whichever browser.
function usePreferred() {
    const { lang, setLang } = useLanguage();
    const preferences = useStore((db) => db.preferences);
    const { theme, language } = preferences;
    useEffect(() => {
        if (preferences !== PRESETS) paint(theme); // until they are known it is as it was here before
    }, [preferences]);
    useEffect(() => {
        if (language && language !== lang) setLang(language);
    }, [language]);
}

function Inbox() {
    const { t } = useWords();
    const desk = useDesk();
    const route = useStore((db) => db.route);
    const [panel, setPanel] = useState(desk.storage.panel());
    const [help, setHelp] = useState(false);
    const wide = useWide();
    useTitle();
    usePreferred();
    useKeys({ route, openHelp: () => setHelp(true) });
    const togglePanel = (open) => {
        setPanel(open);
        if (wide) desk.storage.setPanel(open);
    };
    // On a narrow screen the panel covers the thread: it opens only when asked for.
    useEffect(() => setPanel(wide && desk.storage.panel()), [wide, route.thread]);
    const admin = ADMIN_PAGES.includes(route.page);
    const shows = admin ? "page" : route.thread ? "thread" : "list";
    return (
        <div class={`app shows-${shows}${panel && route.thread && !admin ? " with-panel" : ""}`}>
            <a class="skip" href="#main" onClick={(e) => {
                e.preventDefault();
                document.getElementById("main")?.focus();
            }}>{t("app.skip")}</a>
            <Banner />
            <Rail route={route} openHelp={() => setHelp(true)} />
            {admin ? <Guard key={route.page}><AdminGate page={route.page} /></Guard> : (
                <>
                    <Guard><ThreadList route={route} /></Guard>
                    {route.thread
                        ? (
                            <Guard key={route.thread}>
                                <ThreadView id={route.thread} seq={route.seq} view={route.view}
                                    panel={panel} setPanel={togglePanel} />
                            </Guard>
                        )
                        : <NoThread />}
                    {route.thread && panel && (
                        <Guard key={"p" + route.thread}>
                            <ClientPanel thread={route.thread} onClose={() => togglePanel(false)} />
                        </Guard>
                    )}
                </>
            )}
            <Toasts />
            <Late part="background" />
            {help && <Late part="help" onClose={() => setHelp(false)} />}
        </div>
    );
}

const WIDE = "(min-width: 1180px)";

function useWide() {
    const [wide, setWide] = useState(matchMedia(WIDE).matches);
    useEffect(() => {
        const query = matchMedia(WIDE);
        const change = () => setWide(query.matches);
        query.addEventListener("change", change);
        return () => query.removeEventListener("change", change);
    }, []);
    return wide;
}

export function App() {
    const { t } = useWords();
    const phase = useStore((db) => db.phase);
    if (phase === "signin") return <SignIn />;
    if (phase === "password") return <ChoosePassword />;
    if (phase === "app") return <Inbox />;
    return (
        <div class="gate" role="status">
            <div class="gate-wait">
                <Logo size={44} />
                <p>{t(phase === "failed" ? "app.failed" : "app.loading")}</p>
            </div>
        </div>
    );
}
