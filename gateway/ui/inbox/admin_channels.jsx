// admin_channels.jsx - the channels: what each is, does it work, what waits; an examination on demand;
// and for admins adding, changing and removing those that are not in the configuration file.
import { useEffect, useState } from "preact/hooks";
import { plainName, webAddress } from "../shared/links.mjs";
import { AdminPage } from "./admin_page.jsx";
import { api } from "./api.mjs";
import { ChannelForm } from "./channel_form.jsx";
import { More, pauseChannel, useChannelWords } from "./channel_more.jsx";
import { Report, useCheck, useProblem } from "./channel_report.jsx";
import { labelOf } from "./channel_settings.mjs";
import { useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Button, Confirm, Menu, Spinner } from "./parts.jsx";

// How WhatsApp's users judge a number, and the look of it here.
const QUALITIES = { GREEN: "good", YELLOW: "warn", RED: "bad" };

// "TIER_100K" -> "100K"
const tierText = (tier) => plainName(tier).replace(/^TIER_/, "").replace(/_/g, " ").toLowerCase().replace(/(\d)k$/, "$1K");

const TOKEN_SOON_MS = 14 * 86400000;

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
    const title = plainName(info.title);
    const at = name && (name.startsWith("+") || name.includes("@", 1) ? name : "@" + name.replace(/^@/, ""));
    return (
        <span class="channel-about">
            {title && title !== at && <span dir="auto">{title}</span>}
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

function Channel({ channel: c, check, run, mayCheck, mayChange, onEdit, onRemove, onPause }) {
    const { t, full, said } = useWords();
    const say = useChannelWords();
    const [more, setMore] = useState(false);
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
                <span>{said("kind." + c.connector, labelOf(c.connector))} · {word === key ? c.state : word}{c.queue > 0 && " · " + t("channels.queue", { n: c.queue })}{c.info?.pending > 0 && " · " + t("channels.pending", { n: c.info.pending })}{mayChange && c.source === "file" && " · " + t("channels.inFile")}</span>
                {c.paused && <span class="warn" data-paused>{say("paused", { by: plainName(c.paused.by), at: full(c.paused.at) })}</span>}
                {soon && <span class="warn">{t("channels.tokenEnds", { at: full(c.info.token_expires) })}</span>}
                {problem && <span class="bad">{problem}</span>}
                {trouble && trouble !== problem && <span class="bad">{plainName(trouble)}</span>}
                {c.info?.warning && <span class="warn">{plainName(problemOf(c.info.warning))}</span>}
            </span>
            {mayCheck && <Button aria-expanded={more} onClick={() => setMore(!more)} label={`${say("more")}: ${c.name}`}>{say("more")}</Button>}
            {mayCheck && <Button disabled={check?.busy} onClick={run}>{t("channels.check")}</Button>}
            {mayChange && (
                <Menu label={`${t("channels.actions")}: ${c.name}`} class="icon-button"
                    items={[
                        { label: say(c.paused ? "resume" : "pause"), icon: c.paused ? "check" : "lock", run: onPause },
                        ...(c.source === "api"
                            ? [{ label: t("channels.edit"), icon: "edit", run: onEdit }, { label: t("channels.remove"), icon: "trash", danger: true, run: onRemove }]
                            : []),
                    ]}>
                    <Icon name="more" />
                </Menu>
            )}
            {more && <More channel={c} />}
            {check && <Report check={check} connector={c.connector} />}
        </li>
    );
}

export function AdminChannels() {
    const { t, why } = useWords();
    const desk = useDesk();
    const me = useStore((db) => db.me);
    const examine = useCheck();
    const [state, setState] = useState({ channels: [], loading: true, error: null });
    const [checks, setChecks] = useState({});
    const [form, setForm] = useState(null); // {name}: being changed; {}: a new one
    const [removing, setRemoving] = useState(null);
    const [pausing, setPausing] = useState(null);
    const say = useChannelWords();
    const mayChange = me?.role === "admin";
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
        say(await examine(name));
        load();
    };
    const remove = async (name) => {
        try {
            await desk.api.removeChannel(name);
            setState((s) => ({ ...s, channels: s.channels.filter((c) => c.name !== name) }));
            desk.toast(t("channels.removed", { name }), "good");
        } catch (e) {
            desk.toast(t("channels.failed", { why: why(desk.failed(e)) }));
        }
    };
    const pause = async (name, on) => {
        try {
            await pauseChannel(name, on);
        } catch (e) {
            desk.toast(t("channels.failed", { why: why(desk.failed(e)) }));
        }
        setTimeout(load, 1000); // each worker hears of it within half a second
    };
    const close = () => {
        setForm(null);
        load();
        desk.loadChannels();
    };
    return (
        <AdminPage title={t("channels.title")}
            tools={mayChange && <Button kind="main" icon="plus" onClick={() => setForm({})}>{t("channels.add")}</Button>}>
            {!state.loading && !state.error && !state.channels.length && <div class="empty"><p>{t("channels.empty")}</p></div>}
            <ul class="cards channels">
                {state.channels.map((c) => (
                    <Channel key={c.name} channel={c} check={checks[c.name]} run={() => run(c.name)} mayCheck={me?.role !== "agent"}
                        mayChange={mayChange} onEdit={() => setForm({ name: c.name })} onRemove={() => setRemoving(c.name)}
                        onPause={() => (c.paused ? pause(c.name, false) : setPausing(c.name))} />
                ))}
            </ul>
            {state.error && <p class="form-error" role="alert">{why(state.error)}</p>}
            {state.loading && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
            {form && <ChannelForm name={form.name} onClose={close} />}
            {pausing && (
                <Confirm title={say("pause")} text={say("pauseSure", { name: pausing })} action={say("pause")}
                    onYes={() => pause(pausing, true)} onClose={() => setPausing(null)} />
            )}
            {removing && (
                <Confirm title={t("channels.remove")} text={t("channels.removeSure", { name: removing })} action={t("channels.remove")} danger
                    onYes={() => remove(removing)} onClose={() => setRemoving(null)} />
            )}
        </AdminPage>
    );
}
