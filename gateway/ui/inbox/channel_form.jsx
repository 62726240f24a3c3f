// channel_form.jsx - adding a channel, or changing one: a form made from the connector's table of
// settings, the gateway's objections at their fields, and at its end how the channel is.
import { useEffect, useState } from "preact/hooks";
import { changedSettings, fieldOf, labelOf, textsOf } from "./channel_settings.mjs";
import { ChatPreview } from "./chat_preview.jsx";
import { Report, useCheck, useProblem } from "./channel_report.jsx";
import { useDesk, useWords } from "./context.jsx";
import { Button, Dialog, Field, Spinner } from "./parts.jsx";

const WAIT_MS = 25000;
const STEP_MS = 400;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function Input({ row, id, value, set, isNew }) {
    const { t } = useWords();
    const common = { id, value, onInput: (e) => set(e.currentTarget.value) };
    if (row.type === "bool" || row.type === "enum") {
        const words = row.type === "bool" ? [["yes", t("channels.yes")], ["no", t("channels.no")]] : row.choices.map((c) => [c, c]);
        return <select id={id} value={value} onChange={common.onInput}>{words.map(([v, word]) => <option key={v} value={v}>{word}</option>)}</select>;
    }
    if (row.type === "list") return <textarea rows={3} spellcheck={false} autocapitalize="none" {...common} />;
    return (
        <input type={row.secret ? "password" : "text"} required={row.required && isNew} autocomplete={row.secret ? "new-password" : "off"}
            autocapitalize="none" spellcheck={false} inputMode={row.type === "int" ? "numeric" : undefined}
            placeholder={row.secret && !isNew ? t("channels.kept") : row.default ?? ""} {...common} />
    );
}

function Rows({ connector, rows, values, set, isNew, wrong }) {
    const { t, said } = useWords();
    return rows.map((row) => {
        const id = "channel-" + row.key, key = `${connector}.${row.key}`;
        const hint = said("help." + key, row.help) + (row.type === "list" ? " " + t("channels.lines") : "");
        return (
            <Field key={row.key} id={id} label={said("set." + key, labelOf(row.key))} hint={hint}
                error={wrong?.key === row.key ? wrong.text : undefined}>
                <Input row={row} id={id} value={values[row.key]} set={(v) => set(row.key, v)} isNew={isNew} />
            </Field>
        );
    });
}

// What must be said comes first; the rest has a good default.
function Settings({ connector, ...rest }) {
    const { t } = useWords();
    const all = connector.settings, first = all.filter((row, i) => row.required || (i === 0 && !all.some((r) => r.required)));
    const more = all.filter((row) => !first.includes(row));
    const open = more.some((row) => row.key === rest.wrong?.key);
    return (
        <>
            <Rows connector={connector.name} rows={first} {...rest} />
            {more.length > 0 && (
                <details class="channel-more" open={open || undefined}>
                    <summary>{t("channels.more")}</summary>
                    <Rows connector={connector.name} rows={more} {...rest} />
                </details>
            )}
        </>
    );
}

// After saving: waits until the reload is over, which this page's own line shows, and examines.
function After({ name, lineSince, onClose }) {
    const { t } = useWords();
    const desk = useDesk();
    const examine = useCheck();
    const problemOf = useProblem();
    const [channel, setChannel] = useState(null);
    const [check, setCheck] = useState({ busy: true });
    useEffect(() => {
        let over = false;
        const look = async () => {
            const end = Date.now() + WAIT_MS;
            while (!over && Date.now() < end) {
                await sleep(STEP_MS);
                const { state, since } = desk.db.conn;
                if (state !== "online" || since === lineSince) continue;
                const { channels } = await desk.api.channels().catch(() => ({ channels: [] }));
                const found = channels.find((c) => c.name === name);
                if (found && found.state !== "starting") return found;
            }
            return null;
        };
        look().then(async (found) => {
            if (over) return;
            setChannel(found ?? false);
            if (found) setCheck(await examine(name));
        });
        return () => { over = true; };
    }, []);
    return (
        <>
            {channel === null && <p class="dialog-text channel-saved" role="status"><Spinner label={t("channels.checking")} />{t("channels.saved")}</p>}
            {channel === false && <p class="dialog-text" role="status">{t("channels.slow")}</p>}
            {channel && (
                <>
                    <p class={`dialog-text channel-now channel-${channel.state}`}><strong>{t("channels.state." + channel.state)}</strong> {problemOf(channel.error)}</p>
                    <Report check={check} connector={channel.connector} />
                </>
            )}
            <footer class="dialog-foot"><Button kind="main" onClick={onClose}>{t("channels.done")}</Button></footer>
        </>
    );
}

export function ChannelForm({ name: changed, onClose }) {
    const { t, why, said } = useWords();
    const desk = useDesk();
    const isNew = !changed;
    const [connectors, setConnectors] = useState(null);
    const [kind, setKind] = useState("");
    const [name, setName] = useState(changed ?? "");
    const [before, setBefore] = useState({});
    const [values, setValues] = useState({});
    const [wrong, setWrong] = useState(null); // {key, text}; key "": of the whole
    const [busy, setBusy] = useState(false);
    const [saved, setSaved] = useState(null); // when this page's line was found, before it
    const connector = connectors?.find((c) => c.name === kind);
    const choose = (list, which, inForce) => {
        const texts = textsOf(list.find((c) => c.name === which).settings, inForce);
        setKind(which);
        setBefore(texts);
        setValues(texts);
        setWrong(null);
    };
    useEffect(() => {
        Promise.all([desk.api.connectors(), isNew ? null : desk.api.channelSettings(changed)]).then(([{ connectors: list }, is]) => {
            setConnectors(list);
            choose(list, is ? is.channel.connector : (list.find((c) => c.name === "telegram") ?? list[0]).name, is?.channel.settings);
        }).catch((e) => setWrong({ key: "", text: why(desk.failed(e)) }));
    }, []);
    const submit = async (e) => {
        e.preventDefault();
        setBusy(true);
        setWrong(null);
        const { since } = desk.db.conn;
        const settings = changedSettings(connector.settings, before, values);
        try {
            await (isNew ? desk.api.addChannel({ connector: kind, name: name.trim(), settings }) : desk.api.changeChannel(changed, settings));
            setSaved({ since });
        } catch (failure) {
            const text = why(desk.failed(failure));
            setWrong(fieldOf(text, ["name", ...connector.settings.map((row) => row.key)]));
            setBusy(false);
        }
    };
    const title = saved ? name.trim() : isNew ? t("channels.add") : `${t("channels.edit")}: ${changed}`;
    return (
        <Dialog title={title} onClose={onClose} wide class="channel-form">
            {!connector && !wrong && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
            {saved && <After name={name.trim()} lineSince={saved.since} onClose={onClose} />}
            {connector && !saved && (
                <form class={kind === "sitechat" ? "with-preview" : undefined} onSubmit={submit} autocomplete="off">
                    {isNew && (
                        <>
                            <Field id="channel-kind" label={t("channels.kind")} hint={said("help." + kind, connector.help)}>
                                <select id="channel-kind" value={kind} onChange={(e) => choose(connectors, e.currentTarget.value)}>
                                    {connectors.map((c) => <option key={c.name} value={c.name}>{said("kind." + c.name, labelOf(c.name))}</option>)}
                                </select>
                            </Field>
                            <Field id="channel-name" label={t("channels.name")} hint={t("channels.nameHint")} error={wrong?.key === "name" ? wrong.text : undefined}>
                                <input id="channel-name" type="text" value={name} required pattern="[a-z0-9_\-]{1,32}" maxLength={32} autocomplete="off"
                                    autocapitalize="none" spellcheck={false} onInput={(e) => setName(e.currentTarget.value)} />
                            </Field>
                        </>
                    )}
                    <Settings connector={connector} values={values} wrong={wrong} isNew={isNew}
                        set={(key, value) => setValues((all) => ({ ...all, [key]: value }))} />
                    {kind === "sitechat" && <ChatPreview rows={connector.settings} values={values} />}
                    {wrong?.key === "" && <p class="form-error" role="alert">{wrong.text}</p>}
                    <footer class="dialog-foot">
                        <Button onClick={onClose}>{t("dialog.cancel")}</Button>
                        <Button kind="main" type="submit" disabled={busy}>{t(isNew ? "channels.add" : "channels.save")}</Button>
                    </footer>
                </form>
            )}
            {!connector && wrong && <p class="form-error" role="alert">{wrong.text}</p>}
        </Dialog>
    );
}
