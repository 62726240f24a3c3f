// admin_channels.jsx - the configured channels: does each work, what waits, and a check on demand.
import { useEffect, useState } from "preact/hooks";
import { AdminPage } from "./admin_page.jsx";
import { useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Button, Spinner } from "./parts.jsx";

function errorText(error) {
    if (!error) return "";
    return typeof error === "string" ? error : error.text || error.code || "";
}

export function AdminChannels() {
    const { t, why } = useWords();
    const desk = useDesk();
    const me = useStore((db) => db.me);
    const [state, setState] = useState({ channels: [], loading: true, error: null });
    const [checks, setChecks] = useState({});
    const load = async () => {
        try {
            const { channels } = await desk.api.channels();
            setState({ channels, loading: false, error: null });
        } catch (e) {
            setState((s) => ({ ...s, loading: false, error: desk.failed(e) }));
        }
    };
    useEffect(() => {
        load();
        const timer = setInterval(load, 10000);
        return () => clearInterval(timer);
    }, []);
    const check = async (name) => {
        const say = (text, bad) => setChecks((c) => ({ ...c, [name]: { text, bad } }));
        say("…");
        try {
            const { channel } = await desk.api.checkChannel(name);
            const problem = errorText(channel?.error);
            const lost = channel?.state === "lost";
            say(problem || t(lost ? "channels.state.lost" : "channels.ok"), Boolean(problem) || lost);
        } catch (e) {
            say(why(desk.failed(e)), true);
        }
        load();
    };
    return (
        <AdminPage title={t("channels.title")}>
            {!state.loading && !state.error && !state.channels.length && <div class="empty"><p>{t("channels.empty")}</p></div>}
            <ul class="cards channels">
                {state.channels.map((c) => {
                    const checked = checks[c.name];
                    const key = "channels.state." + c.state;
                    const word = t(key);
                    return (
                        <li key={c.name} data-channel={c.name}>
                            <span class={`cards-icon lamp lamp-${c.state}`}><Icon name="channels" size={20} /></span>
                            <span class="cards-main">
                                <strong>{c.name}</strong>
                                <span>{c.connector} · {word === key ? c.state : word}{c.queue > 0 ? " · " + t("channels.queue", { n: c.queue }) : ""}</span>
                                {errorText(c.error) && <span class="bad">{errorText(c.error)}</span>}
                                {checked && <span class={checked.bad ? "bad" : "good"} role="status">{checked.text}</span>}
                            </span>
                            {me?.role === "admin" && <Button onClick={() => check(c.name)}>{t("channels.check")}</Button>}
                        </li>
                    );
                })}
            </ul>
            {state.error && <p class="form-error" role="alert">{why(state.error)}</p>}
            {state.loading && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
        </AdminPage>
    );
}
