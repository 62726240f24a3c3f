// rail.jsx - the narrow column of views with their counts, the admin's pages, and the person's menu.
// On a small screen it is the bar at the bottom.
import { plainName } from "../shared/links.mjs";
import { useDesk, useLanguage, useStore, useWords } from "./context.jsx";
import { savedHref, useSaved } from "./filters.jsx";
import { Icon, Logo } from "./icons.jsx";
import { VIEWS } from "./lists.mjs";
import { Avatar, Menu } from "./parts.jsx";
import { viewHref } from "./routes.mjs";

const COUNTED = ["open", "mine", "unassigned", "mentions", "snoozed"];

function short(n) {
    return n > 9999 ? Math.floor(n / 1000) + "k" : String(n);
}

function View({ name, count, current }) {
    const { t } = useWords();
    const label = t("view." + name);
    return (
        <a href={viewHref(name)} class={`rail-item${current ? " current" : ""}`} data-view={name}
            aria-current={current ? "page" : undefined} title={count ? `${label}, ${t("list.threads", { n: count })}` : label}>
            <span class="rail-icon">
                <Icon name={name} size={21} />
                {count > 0 && <span class="rail-count">{short(count)}</span>}
            </span>
            <span class="rail-label">{label}</span>
        </a>
    );
}

// On a small screen they are in the dialog of filters alone.
function SavedView({ view, count, current }) {
    const { t } = useWords();
    const name = plainName(view.name);
    return (
        <a href={savedHref(view)} class={`rail-item rail-saved${current ? " current" : ""}`} data-saved={view.id}
            aria-current={current ? "page" : undefined} title={count ? `${name}, ${t("list.threads", { n: count })}` : name}>
            <span class="rail-icon">
                <Icon name="bookmark" size={19} />
                {count > 0 && <span class="rail-count">{short(count)}</span>}
            </span>
            <span class="rail-label" dir="auto">{name}</span>
        </a>
    );
}

export function PersonMenu({ openHelp }) {
    const { t, why, told } = useWords();
    const desk = useDesk();
    const { lang, setLang } = useLanguage();
    const me = useStore((db) => db.me);
    const conn = useStore((db) => db.conn);
    const speak = (language) => () => {
        setLang(language);
        desk.keeps.prefer({ language }).catch(() => {}); // here it is spoken anyway
    };
    const leave = () => desk.signOut().catch((e) => desk.toast(t("nav.signoutFailed", { why: told(why(e)) })));
    const admin = me?.role === "admin";
    const go = (page) => () => {
        location.hash = "#/" + page;
    };
    const items = [
        ...(me?.role !== "agent" ? [{ label: t("nav.reports"), icon: "reports", run: go("reports") }] : []),
        ...(admin ? [{ label: t("nav.agents"), icon: "agents", run: go("agents") }] : []),
        { label: t("nav.channels"), icon: "channels", run: go("channels") },
        ...(admin ? [{ label: t("nav.canned"), icon: "canned", run: go("canned") }] : []),
        ...(admin ? [{ label: t("nav.hours"), icon: "clock", run: go("hours") }] : []),
        ...(admin ? [{ label: t("nav.rules"), icon: "choices", run: go("rules") }] : []),
        ...(admin ? [{ label: t("nav.targets"), icon: "file", run: go("targets") }] : []),
        ...(me?.role !== "agent" ? [{ label: t("nav.dead"), icon: "dead", run: go("dead") }] : []),
        null,
        { label: "Русский", checked: lang === "ru", run: speak("ru") },
        { label: "English", checked: lang === "en", run: speak("en") },
        null,
        { label: t("nav.keys"), icon: "keys", run: openHelp },
        { label: t("nav.account"), icon: "lock", run: go("account") },
        { label: t("nav.signout"), icon: "out", run: leave },
    ];
    const name = me?.display_name || me?.name || "";
    return (
        <Menu label={`${t("nav.menu")}: ${name}`} items={items} class="person" align="rail">
            <Avatar name={name} seed={me?.name} small />
            <span class={`person-line line-${conn.state}`} title={t(conn.state === "online" ? "conn.online" : "conn.connecting")} />
        </Menu>
    );
}

export function Rail({ route, openHelp }) {
    const { t } = useWords();
    const counts = useStore((db) => db.counts);
    const views = useStore((db) => db.views);
    const viewCounts = useStore((db) => db.viewCounts);
    const saved = useSaved(route);
    return (
        <nav class="rail" aria-label={t("nav.views")}>
            <span class="rail-logo"><Logo size={32} /></span>
            <div class="rail-views">
                {VIEWS.filter((v) => v !== "mentions" || counts.mentions > 0 || route.view === v).map((v) => (
                    <View key={v} name={v} count={COUNTED.includes(v) ? counts[v] : 0}
                        current={route.page === "inbox" && route.view === v && !route.filter} />
                ))}
                {views.map((v) => <SavedView key={v.id} view={v} count={viewCounts[v.id]} current={route.page === "inbox" && v === saved} />)}
            </div>
            <PersonMenu openHelp={openHelp} />
        </nav>
    );
}
