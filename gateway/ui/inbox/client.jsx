// client.jsx - what can be done about a client, below what is known of him: who may be the same person, merges and their
// undoing, all his files, and his data: given to him, or erased. A bundle of its own, fetched when a panel is there.
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { plainName, webAddress } from "../shared/links.mjs";
import { Attachments } from "./attachments.jsx";
import { Context, useAgentName, useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Merge } from "./merge.jsx";
import { Button, Confirm, Dialog, Field, Spinner } from "./parts.jsx";
import { threadHref } from "./routes.mjs";
import { client as words } from "./strings_en_client.mjs";
import "./css/client.css";

function Suggestions({ client, seq }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const [list, setList] = useState([]);
    const [chosen, setChosen] = useState(null);
    const dismiss = async ({ client: other }) => {
        try {
            await desk.api.dismiss(client.id, other.id);
            setList((was) => was.filter((s) => s.client.id !== other.id));
        } catch (e) {
            desk.toast(t("change.failed", { why: why(desk.failed(e)) }), "bad");
        }
    };
    useEffect(() => {
        let gone = false;
        desk.api.suggestions(client.id).then((r) => gone || setList(r.suggestions), () => {});
        return () => {
            gone = true;
        };
    }, [client.id, client.identities?.length, client.merges?.length, seq]);
    if (!list.length) return null;
    return (
        <section class="panel-part same" aria-label={t("client.same")}>
            <header><h3>{t("client.same")}</h3></header>
            <ul>
                {list.map((s) => (
                    <li key={s.client.id}>
                        <a href={threadHref(s.thread)}>{plainName(s.client.name) || t("client.nameless")}</a>
                        <p><Icon name="verified" size={15} />{t("client.same." + s.kind, { address: plainName(s.address) })}</p>
                        <div class="same-do">
                            <Button kind="plain" icon="merge" onClick={() => setChosen({ id: s.thread, client: s.client })}>{t("client.mergeDo")}</Button>
                            <Button kind="quiet" icon="x" onClick={() => dismiss(s)}>{t("client.sameNot")}</Button>
                        </div>
                    </li>
                ))}
            </ul>
            {chosen && <Merge client={client} preset={chosen} onClose={() => setChosen(null)} />}
        </section>
    );
}

function Merges({ client }) {
    const { t, why, full } = useWords();
    const desk = useDesk();
    const agent = useAgentName();
    const [chosen, setChosen] = useState(null);
    const [busy, setBusy] = useState(false);
    if (!client.merges?.length) return null;
    const name = (m) => plainName(m.name) || t("client.nameless");
    const undo = async (from) => {
        setBusy(true);
        try {
            await desk.api.unmerge(client.id, from);
            desk.toast(t("client.unmerged"), "good");
            desk.loadClient(client.id);
        } catch (e) {
            desk.toast(t("change.failed", { why: why(desk.failed(e)) }), "bad");
        }
        setBusy(false);
    };
    return (
        <section class="panel-part merges">
            <header><h3>{t("client.merges")}</h3></header>
            <ul>
                {client.merges.map((m) => (
                    <li key={m.client}>
                        <span>{name(m)}</span>
                        <p>{t("client.mergedBy", { by: agent(m.by) || m.by, at: full(m.at) })}</p>
                        <Button kind="plain" disabled={busy} onClick={() => setChosen(m)}>{t("client.unmerge")}</Button>
                    </li>
                ))}
            </ul>
            {chosen && (
                <Confirm title={t("client.unmerge")} text={t("client.unmergeSure", { name: name(chosen) })} action={t("client.unmerge")}
                    onYes={() => undo(chosen.client)} onClose={() => setChosen(null)} />
            )}
        </section>
    );
}

const FILES = 24;

function Files({ client }) {
    const { t, short, why } = useWords();
    const desk = useDesk();
    const [open, setOpen] = useState(false);
    const [list, setList] = useState([]);
    const [next, setNext] = useState("");
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState("");
    const more = async (cursor, before) => {
        setBusy(true);
        setError("");
        try {
            const page = await desk.api.files(client.id, { limit: FILES, cursor });
            setList([...before, ...page.files]);
            setNext(page.next);
        } catch (e) {
            setError(why(desk.failed(e)));
        }
        setBusy(false);
    };
    return (
        <section class="panel-part client-files">
            <header>
                <h3>{t("client.files")}</h3>
                <Button kind="quiet" aria-expanded={open} onClick={() => {
                    setOpen(!open);
                    if (!open) more("", []);
                }}>{t(open ? "client.filesHide" : "client.filesShow")}</Button>
            </header>
            {open && (
                <>
                    <ul>
                        {list.map((f) => (
                            <li key={f.message + (f.file.id ?? "")}>
                                <Attachments list={[f.file]} author={plainName(client.name)} />
                                <a href={threadHref(f.thread)}>{t({ in: "client.fileIn", out: "client.fileOut" }[f.direction] ?? "client.fileNote", { at: short(f.at) })}</a>
                            </li>
                        ))}
                    </ul>
                    {!busy && !list.length && !next && !error && <p class="unknown">{t("client.filesNone")}</p>}
                    {error && <p class="form-error" role="alert">{error}</p>}
                    {busy ? <Spinner label={t("app.loading")} /> : next && <Button onClick={() => more(next, list)}>{t("client.filesMore")}</Button>}
                </>
            )}
        </section>
    );
}

function Erase({ client, onClose }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const [reason, setReason] = useState("");
    const [typed, setTyped] = useState("");
    const [error, setError] = useState("");
    const [busy, setBusy] = useState(false);
    const first = useRef(null);
    useEffect(() => first.current.focus(), []);
    const wanted = client.name || client.id;
    const submit = async (e) => {
        e.preventDefault();
        setBusy(true);
        setError("");
        try {
            await desk.api.erase(client.id, { reason: reason.trim(), confirm: typed });
            desk.loadClient(client.id);
            desk.toast(t("erase.done"), "good");
            onClose();
        } catch (failure) {
            setError(t("change.failed", { why: why(desk.failed(failure)) }));
            setBusy(false);
        }
    };
    return (
        <Dialog title={t("erase.title")} onClose={onClose}>
            <form class="erase" onSubmit={submit}>
                <p class="dialog-text">{t("erase.what")}</p>
                <Field id="erase-reason" label={t("erase.reason")} hint={t("erase.reasonHint")}>
                    <input id="erase-reason" ref={first} value={reason} maxLength={500} autocomplete="off" onInput={(e) => setReason(e.currentTarget.value)} />
                </Field>
                <Field id="erase-confirm" label={t("erase.confirm", { name: wanted })}>
                    <input id="erase-confirm" value={typed} maxLength={600} autocomplete="off" onInput={(e) => setTyped(e.currentTarget.value)} />
                </Field>
                {error && <p class="form-error" role="alert">{error}</p>}
                <footer class="dialog-foot">
                    <Button onClick={onClose}>{t("dialog.cancel")}</Button>
                    <Button kind="danger" type="submit" disabled={busy || !reason.trim() || typed !== wanted}>{t("erase.do")}</Button>
                </footer>
            </form>
        </Dialog>
    );
}

function Erased({ client }) {
    const { t, full } = useWords();
    const agent = useAgentName();
    const { at, by, reason, told } = client.erased;
    const card = (target) => webAddress(client.cards?.[target]?.url ?? "");
    return (
        <section class="panel-part erased">
            <header><h3>{t("erase.was")}</h3></header>
            <p>{t("erase.by", { by: agent(by) || by, at: full(at) })}</p>
            <p class="erased-why">{reason}</p>
            {Object.keys(told).length > 0 && <h4>{t("erase.told")}</h4>}
            <dl>
                {Object.entries(told).map(([target, { how, at: when }]) => (
                    <div key={target}>
                        <dt>{target}</dt>
                        <dd>{card(target)
                            ? <a class="card-link" href={card(target)} target="_blank" rel="noopener noreferrer">{t("erase.told." + how, { at: full(when) })}</a>
                            : t("erase.told." + how, { at: full(when) })}</dd>
                    </div>
                ))}
            </dl>
        </section>
    );
}

// top: what stands above all else that is known of him.
function ClientTools({ client, merged, seq, top }) {
    const { i18n } = useContext(Context);
    Object.assign(i18n.fallback, words);
    const { t } = useWords();
    const desk = useDesk();
    const role = useStore((db) => db.me?.role);
    const [merging, setMerging] = useState(false);
    const [erasing, setErasing] = useState(false);
    if (client.erased) return top ? <Erased client={client} /> : null;
    if (top) return merged ? null : <Suggestions client={client} seq={seq} />;
    return (
        <>
            <Merges client={client} />
            <Files key={client.id} client={client} />
            {!merged && (
                <section class="panel-part">
                    <div class="panel-stack">
                        <Button kind="plain" icon="merge" onClick={() => setMerging(true)}>{t("client.merge")}</Button>
                        {role && role !== "agent" && (
                            <a class="button button-plain client-export" href={desk.api.exportUrl(client.id)} download>
                                <Icon name="download" size={18} /><span class="button-text">{t("client.export")}</span>
                            </a>
                        )}
                        {role === "admin" && (
                            <Button kind="plain" icon="trash" class="button button-plain danger client-erase" onClick={() => setErasing(true)}>{t("erase.title")}</Button>
                        )}
                    </div>
                </section>
            )}
            {merging && <Merge client={client} onClose={() => setMerging(false)} />}
            {erasing && <Erase client={client} onClose={() => setErasing(false)} />}
        </>
    );
}

globalThis.switchboardPages = { ...globalThis.switchboardPages, client: ClientTools };
