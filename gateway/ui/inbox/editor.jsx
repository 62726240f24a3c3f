// editor.jsx - an answer with formatting: a toolbar, the editor (ui/editor, fetched when it is first
// wanted) and pictures that go up as they are put in.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { safeHref } from "../shared/links.mjs";
import { api } from "./api.mjs";
import { useDesk, useWords } from "./context.jsx";
import { IconButton, Spinner } from "./parts.jsx";
import { wordsOf } from "./rich.mjs";
import { writable, written } from "./written.mjs";

const WORDS = ["bold", "italic", "strike", "link"];
const LISTS = ["bullets", "numbers"];
const urlOf = (id) => api.mediaUrl(id);

let loading = null;

function load() {
    loading ??= new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = "/assets/editor.js";
        script.onload = () => resolve(globalThis.switchboardEditor);
        script.onerror = () => {
            loading = null;
            script.remove();
            reject(new Error("editor.js"));
        };
        document.head.append(script);
    });
    return loading;
}

// "example.org" and "ann@example.org" are meant as links, too.
function hrefOf(typed) {
    const text = typed.trim();
    if (/^[^\s@/:]+@[^\s@/]+\.[^\s@/]+$/.test(text)) return safeHref("mailto:" + text);
    return safeHref(text) ?? (/^[^\s/:]+\.[^\s]{2,}$/.test(text) ? safeHref("https://" + text) : null);
}

function LinkField({ onDone }) {
    const { t } = useWords();
    const [bad, setBad] = useState(false);
    const field = useRef(null);
    useEffect(() => field.current.focus(), []);
    const done = () => {
        const href = hrefOf(field.current.value);
        if (href) onDone(href);
        else setBad(true);
    };
    const onKeyDown = (e) => {
        if (e.key === "Escape") onDone(null);
        else if (e.key !== "Enter" || e.isComposing) return;
        else done();
        e.preventDefault();
        e.stopPropagation();
    };
    return (
        <span class="editor-link">
            <input ref={field} type="text" inputMode="url" autoComplete="off" autoCapitalize="none" spellcheck={false}
                placeholder="https://" aria-label={t("editor.linkTo")} aria-invalid={bad} onKeyDown={onKeyDown}
                onInput={() => setBad(false)} />
            <IconButton icon="check" size={16} label={t("editor.linkDone")} onClick={done} />
            <IconButton icon="x" size={16} label={t("dialog.cancel")} onClick={() => onDone(null)} />
        </span>
    );
}

// Puts pictures into the text once they are up. Returns {add(files), running}.
function usePictures(handle) {
    const { t, why } = useWords();
    const desk = useDesk();
    const [running, setRunning] = useState(0);
    const gone = useRef(false);
    useEffect(() => () => {
        gone.current = true;
    }, []);
    const add = async (files) => {
        for (const file of files) {
            setRunning((n) => n + 1);
            try {
                const media = await desk.api.upload(file, () => {}).done;
                if (!gone.current) handle.current?.picture(urlOf(media.id), { alt: media.name, "data-media": media.id });
            } catch (e) {
                desk.toast(t("composer.uploadFailed", { name: file.name, why: why(desk.failed(e)) }));
            }
            if (!gone.current) setRunning((n) => n - 1);
        }
    };
    return { add, running };
}

// html: what is to stand here, "" nothing; it is taken over when it is not what was typed here. area: gets
// what a text field has, before and put(text, back). offer: what useSuggest gives; onCaret(text): what of
// the line stands before the cursor. withLists, withPictures: what the channel can show.
export function RichEditor({ area, html, label, withLists, withPictures, onInput, onCaret, onKeyDown, onFiles, onBlur, setBusy, leave, offer }) {
    const { t } = useWords();
    const root = useRef(null);
    const handle = useRef(null);
    const told = useRef([]); // what was typed here and comes back, maybe late; the last one stands there
    const picker = useRef(null);
    const [on, setOn] = useState([]);
    const [linking, setLinking] = useState(false);
    const [failed, setFailed] = useState(false);
    const pictures = usePictures(handle);
    const latest = useRef(null);
    latest.current = { html, onInput, onCaret };

    useLayoutEffect(() => {
        area.current = { get value() {
            return wordsOf(written(root.current));
        }, focus: () => handle.current?.focus(), setSelectionRange() {}, get before() {
            return handle.current?.before() ?? "";
        }, put: (text, back) => handle.current?.put(text, back) };
        const look = () => latest.current.onCaret(document.activeElement === root.current ? area.current.before : "");
        document.addEventListener("selectionchange", look);
        let gone = false;
        load().then((open) => {
            if (gone) return;
            handle.current = open({ root: root.current, fragment: (markup) => writable(markup, urlOf), onState: setOn, onInput: () => {
                const now = written(root.current);
                told.current.push(now);
                latest.current.onInput(now, wordsOf(now));
            } });
            told.current = [latest.current.html];
            handle.current.set(latest.current.html);
            handle.current.focus();
        }, () => gone || setFailed(true));
        return () => {
            gone = true;
            document.removeEventListener("selectionchange", look);
            latest.current.onCaret("");
            handle.current?.close();
            handle.current = null;
        };
    }, []);
    useLayoutEffect(() => { // before the editor tells of itself again
        const at = told.current.indexOf(html);
        if (at >= 0) return void told.current.splice(0, at);
        told.current = [html];
        handle.current?.set(html);
        return undefined;
    }, [html]);
    useEffect(() => setBusy(pictures.running > 0), [pictures.running]);
    useEffect(() => () => setBusy(false), []);

    const press = (name) => () => {
        if (name === "link" && !handle.current?.does("link")) setLinking(true);
        else handle.current?.press(name);
    };
    const onPaste = (e) => {
        const files = [...(e.clipboardData?.files ?? [])];
        if (!files.length || e.clipboardData.types.includes("text/html")) return;
        e.preventDefault();
        e.stopPropagation();
        const shown = withPictures ? files.filter((f) => f.type.startsWith("image/")) : [];
        pictures.add(shown);
        onFiles(files.filter((f) => !shown.includes(f)));
    };
    const names = withLists ? [...WORDS, ...LISTS, "quote"] : [...WORDS, "quote"];
    return (
        <div class="editor">
            <div class="editor-bar" role="toolbar" aria-label={t("editor.bar")}>
                {linking ? (
                    <LinkField onDone={(href) => {
                        setLinking(false);
                        handle.current?.focus();
                        if (href) handle.current?.press("link", href);
                    }} />
                ) : (
                    <>
                        {names.map((name) => (
                            <IconButton key={name} icon={name} size={17} label={t("editor." + name)} aria-pressed={on.includes(name)}
                                onMouseDown={(e) => e.preventDefault()} onClick={press(name)} />
                        ))}
                        {withPictures && (
                            <>
                                <IconButton icon="image" size={17} label={t("editor.picture")} onClick={() => picker.current.click()} />
                                <input ref={picker} type="file" accept="image/png,image/jpeg,image/gif,image/webp" multiple hidden tabIndex={-1} aria-hidden="true"
                                    onChange={(e) => {
                                        pictures.add([...e.currentTarget.files]);
                                        e.currentTarget.value = "";
                                    }} />
                            </>
                        )}
                        {pictures.running > 0 && <Spinner label={t("editor.pictureRunning")} />}
                        <button type="button" class="editor-leave" onClick={leave}>{t("editor.leave")}</button>
                    </>
                )}
            </div>
            {failed && <p class="msg-none" role="alert">{t("editor.failed")}</p>}
            {!html && <span class="editor-empty" aria-hidden="true">{label}</span>}
            <div ref={root} class="editor-text msg-rich" role="textbox" aria-multiline="true" aria-label={label} dir="auto"
                aria-controls={offer.list ? "suggest" : undefined} aria-activedescendant={offer.active} onKeyDown={onKeyDown} onPasteCapture={onPaste} onBlur={onBlur} />
        </div>
    );
}
