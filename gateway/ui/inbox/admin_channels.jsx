// admin_channels.jsx - the configured channels: what each is, does it work, what waits, and an
// examination on demand with what to do about it.
import { useEffect, useState } from "preact/hooks";
import { plainName, webAddress } from "../shared/links.mjs";
import { AdminPage } from "./admin_page.jsx";
import { api } from "./api.mjs";
import { useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Button, Spinner } from "./parts.jsx";

// How WhatsApp's users judge a number, and the look of it here.
const QUALITIES = { GREEN: "good", YELLOW: "warn", RED: "bad" };

// "TIER_100K" -> "100K"
const tierText = (tier) => plainName(tier).replace(/^TIER_/, "").replace(/_/g, " ").toLowerCase().replace(/(\d)k$/, "$1K");

const TOKEN_SOON_MS = 14 * 86400000;
const LEVELS = { ok: "check", warn: "warn", fail: "x" };

function useProblem() {
    const { reason } = useWords();
    return (error) => (!error ? "" : reason(typeof error === "string" ? { text: error } : error).text);
}

// Its picture where it has one; the lamp says how it is.
function Face({ channel }) {
    const [broken, setBroken] = useState(false);
    return (
        <span class={`cards-icon lamp lamp-${channel.state}`}>
            {channel.info?.picture && !broken
                ? <img class="channel-picture" src={api.pictureUrl(channel.name)} alt="" onError={() => setBroken(true)} />
                : <Icon name="channels" size={20} />}
        </span>
    );
}

function About({ info }) {
    const { t } = useWords();
    if (!info) return null;
    const link = webAddress(info.link);
    const name = plainName(info.username);
    const at = name && (name.startsWith("+") ? name : "@" + name.replace(/^@/, ""));
    return (
        <span class="channel-about">
            {info.title && <span dir="auto">{plainName(info.title)}</span>}
            {at && (link ? <a href={link} target="_blank" rel="noopener noreferrer">{at}</a> : <span>{at}</span>)}
            {info.mode && <span>{t("channels.mode." + info.mode)}</span>}
            {QUALITIES[info.quality] && (
                <span class={QUALITIES[info.quality]}>{t("channels.quality", { quality: t("channels.quality." + info.quality) })}</span>
            )}
            {info.tier && <span>{t("channels.tier", { tier: tierText(info.tier) })}</span>}
            {info.throughput > 0 && <span>{t("channels.throughput", { n: info.throughput })}</span>}
        </span>
    );
}

function Report({ check }) {
    const { t } = useWords();
    if (check.busy) return <p class="report-wait"><Spinner label={t("channels.checking")} /></p>;
    return (
        <div class="report" role="status">
            {check.error && <p class="bad">{check.error}</p>}
            {check.report && !check.report.length && <p class={check.bad ? "bad" : "good"}>{check.bad || t("channels.ok")}</p>}
            {check.report?.length > 0 && (
                <ul aria-label={t("channels.report")}>
                    {check.report.map((line, i) => (
                        <li key={i} class={`report-${line.level}`}>
                            <span role="img" aria-label={t("channels.level." + line.level)}><Icon name={LEVELS[line.level] ?? "warn"} size={15} /></span>
                            <span>{line.text}{line.todo && <em>{line.todo}</em>}</span>
                        </li>
                    ))}
                </ul>
            )}
        </div>
    );
}

function Channel({ channel: c, check, run, mayCheck }) {
    const { t, full } = useWords();
    const soon = c.info?.token_expires && Date.parse(c.info.token_expires) < Date.now() + TOKEN_SOON_MS;
    const problemOf = useProblem();
    const problem = problemOf(c.error), trouble = problemOf(c.info?.trouble);
    const key = "channels.state." + c.state;
    const word = t(key);
    return (
        <li data-channel={c.name}>
            <Face channel={c} />
            <span class="cards-main">
                <strong>{c.name}</strong>
                <About info={c.info} />
                <span>{c.connector} · {word === key ? c.state : word}{c.queue > 0 && " · " + t("channels.queue", { n: c.queue })}{c.info?.pending > 0 && " · " + t("channels.pending", { n: c.info.pending })}</span>
                {soon && <span class="warn">{t("channels.tokenEnds", { at: full(c.info.token_expires) })}</span>}
                {problem && <span class="bad">{problem}</span>}
                {trouble && trouble !== problem && <span class="bad">{plainName(trouble)}</span>}
                {c.info?.warning && <span class="warn">{plainName(c.info.warning)}</span>}
            </span>
            {mayCheck && <Button disabled={check?.busy} onClick={run}>{t("channels.check")}</Button>}
            {check && <Report check={check} />}
        </li>
    );
}

export function AdminChannels() {
    const { t, why } = useWords();
    const desk = useDesk();
    const me = useStore((db) => db.me);
    const problemOf = useProblem();
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
    const run = async (name) => {
        const say = (check) => setChecks((all) => ({ ...all, [name]: check }));
        say({ busy: true });
        try {
            const answer = await desk.api.checkChannel(name);
            const channel = answer.channel ?? answer;
            const bad = problemOf(channel.error) || (channel.state === "lost" ? t("channels.state.lost") : "");
            say({ report: answer.report ?? [], bad });
        } catch (e) {
            say({ error: why(desk.failed(e)) });
        }
        load();
    };
    return (
        <AdminPage title={t("channels.title")}>
            {!state.loading && !state.error && !state.channels.length && <div class="empty"><p>{t("channels.empty")}</p></div>}
            <ul class="cards channels">
                {state.channels.map((c) => (
                    <Channel key={c.name} channel={c} check={checks[c.name]} run={() => run(c.name)} mayCheck={me?.role !== "agent"} />
                ))}
            </ul>
            {state.error && <p class="form-error" role="alert">{why(state.error)}</p>}
            {state.loading && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
        </AdminPage>
    );
}
