// template_dialog.jsx - a message that the messenger has approved beforehand: chosen, filled in, seen as
// the client will see it, sent.
import { useEffect, useRef, useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { api } from "./api.mjs";
import { useDesk, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Button, Dialog, Field, Spinner, Text } from "./parts.jsx";
import { filled, findTemplates, headerFile, keyOf, missing, templateText } from "./template.mjs";

const VALUE_MAX = 1000;

const CATEGORIES = ["marketing", "utility", "authentication"];

function Tags({ tpl }) {
    const { t } = useWords();
    return (
        <span class="tpl-tags">
            <span class="chip">{tpl.language}</span>
            <span class="chip">{CATEGORIES.includes(tpl.category) ? t("template.category." + tpl.category) : plainName(tpl.category)}</span>
        </span>
    );
}

function List({ list, choose }) {
    const { t } = useWords();
    const [query, setQuery] = useState("");
    const found = findTemplates(list, query);
    return (
        <>
            <input type="search" class="tpl-search" value={query} placeholder={t("template.find")} aria-label={t("template.find")}
                onInput={(e) => setQuery(e.currentTarget.value)} />
            {!found.length && <p class="dialog-text">{t(list.length ? "template.noneFound" : "template.none")}</p>}
            <ul class="tpl-list">
                {found.map((tpl) => (
                    <li key={keyOf(tpl)}>
                        <button type="button" class="tpl" disabled={!tpl.usable} onClick={() => choose(tpl)}>
                            <span class="tpl-head"><b>{tpl.name}</b><Tags tpl={tpl} /></span>
                            <span class="tpl-body" dir="auto">{tpl.body}</span>
                            {!tpl.usable && <span class="tpl-why">{t("template.unusable", { why: tpl.why ?? tpl.status })}</span>}
                        </button>
                    </li>
                ))}
            </ul>
        </>
    );
}

// What the client will see; a gap shows its name.
function Preview({ tpl, values, file }) {
    const { t } = useWords();
    const { header, body, footer } = filled(tpl, values);
    return (
        <div class="tpl-preview" aria-label={t("template.preview")} role="group">
            <div class="bubble">
                {headerFile(tpl) !== null && (
                    <p class="tpl-file"><Icon name={tpl.header.kind === "image" ? "image" : "file"} size={18} />{file ? plainName(file.name) : t("kind." + tpl.header.kind)}</p>
                )}
                {header && <p class="tpl-title" dir="auto">{header}</p>}
                <p class="msg-text" dir="auto"><Text text={body} /></p>
                {footer && <p class="tpl-footer" dir="auto">{footer}</p>}
                {tpl.buttons?.length > 0 && (
                    <div class="keys-sent">
                        {tpl.buttons.map((b, i) => (
                            <div key={i}><span class="key-sent" dir="auto">{b.text}{b.kind === "url" && <Icon name="outside" size={12} />}</span></div>
                        ))}
                    </div>
                )}
            </div>
        </div>
    );
}

// The file of a header, uploaded as it is chosen.
function HeaderFile({ tpl, file, set }) {
    const { t, why } = useWords();
    const [state, setState] = useState({});
    const running = useRef(null);
    useEffect(() => () => running.current?.cancel(), []);
    const pick = async (chosen) => {
        if (!chosen) return;
        running.current?.cancel();
        set(null);
        setState({ progress: 0 });
        const up = api.upload(chosen, (progress) => setState({ progress }));
        running.current = up;
        try {
            set(await up.done);
            setState({});
        } catch (e) {
            if (e.code !== "cancelled") setState({ error: t("composer.uploadFailed", { name: chosen.name, why: why(e) }) });
        }
    };
    const percent = Math.round((state.progress ?? 0) * 100);
    return (
        <Field id="tpl-file" label={t("template.file", { kind: t("kind." + tpl.header.kind) })} error={state.error}
            hint={state.progress !== undefined ? t("composer.uploading", { name: "", percent }) : file ? plainName(file.name) : undefined}>
            <input id="tpl-file" type="file" accept={headerFile(tpl)} onChange={(e) => pick(e.currentTarget.files[0])} />
        </Field>
    );
}

function Form({ tpl, values, set, file, setFile }) {
    const { t } = useWords();
    const part = (f) => t("template.part." + f.id.split(".")[0], { name: f.label });
    return (
        <>
            {headerFile(tpl) !== null && <HeaderFile tpl={tpl} file={file} set={setFile} />}
            {tpl.fields.map((f) => {
                const value = values[f.id] ?? "";
                const wrong = /[\n\t]| {5,}/.test(value) ? t("template.valueWrong") : undefined;
                return (
                    <Field key={f.id} id={"tpl-" + f.id} label={part(f)} error={wrong}>
                        <input id={"tpl-" + f.id} type="text" value={value} maxLength={VALUE_MAX} dir="auto" autocomplete="off"
                            placeholder={f.example ? t("template.example", { example: f.example }) : undefined}
                            onInput={(e) => set(f.id, e.currentTarget.value)} />
                    </Field>
                );
            })}
        </>
    );
}

export function TemplateDialog({ thread, onClose }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const [list, setList] = useState(null);
    const [error, setError] = useState("");
    const [tpl, setTpl] = useState(null);
    const [values, setValues] = useState({});
    const [file, setFile] = useState(null);
    useEffect(() => {
        desk.api.templates(thread.channel).then((r) => setList(r.templates), (e) => setError(why(desk.failed(e))));
    }, [thread.channel]);
    const choose = (chosen) => {
        setTpl(chosen);
        setValues({});
        setFile(null);
    };
    const ready = tpl && !missing(tpl, values).length && (headerFile(tpl) === null || file);
    const send = (e) => {
        e.preventDefault();
        if (!ready) return;
        const filledIn = Object.fromEntries(tpl.fields.map((f) => [f.id, values[f.id].trim()]));
        desk.sender.send(thread.id, { text: templateText(tpl, filledIn), note: false, attachments: file ? [file] : [],
            template: { name: tpl.name, language: tpl.language, values: filledIn } });
        onClose();
    };
    return (
        <Dialog title={tpl ? tpl.name : t("template.choose")} onClose={onClose} wide>
            {error && <p class="form-error" role="alert">{error}</p>}
            {!list && !error && <div class="dialog-wait"><Spinner label={t("app.loading")} /></div>}
            {list && !tpl && <List list={list} choose={choose} />}
            {tpl && (
                <form onSubmit={send}>
                    <Tags tpl={tpl} />
                    <Preview tpl={tpl} values={values} file={file} />
                    <Form tpl={tpl} values={values} file={file} setFile={setFile} set={(id, value) => setValues({ ...values, [id]: value })} />
                    <footer class="dialog-foot">
                        <Button onClick={() => setTpl(null)}>{t("template.other")}</Button>
                        <Button kind="main" icon="send" type="submit" disabled={!ready}>{t("composer.send")}</Button>
                    </footer>
                </form>
            )}
        </Dialog>
    );
}
