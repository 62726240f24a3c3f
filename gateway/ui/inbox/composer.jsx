// composer.jsx - where an answer or a note is written: a draft for each thread, files by button, drop
// or paste, and sending by Enter.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { useDesk, useStore, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { IconButton } from "./parts.jsx";

const TEXT_MAX = 10000;
const NO_UPLOADS = [];

function Upload({ upload, remove, retry }) {
    const { t, size, why } = useWords();
    const name = plainName(upload.name) || t("list.file");
    const running = upload.state === "running";
    const percent = Math.round(upload.progress * 100);
    return (
        <li class={`upload upload-${upload.state}`}>
            {upload.preview ? <img src={upload.preview} alt="" /> : <span class="file-icon"><Icon name="file" size={18} /></span>}
            <span class="file-main">
                <span class="file-name">{name}</span>
                {running
                    ? <progress max="100" value={percent} aria-label={t("composer.uploading", { name, percent })} />
                    : upload.state === "failed"
                        ? <span class="upload-why" role="alert">{t("composer.uploadFailed", { name: "", why: why(upload.error) }).trim()}</span>
                        : <span class="file-size">{size(upload.size)}</span>}
            </span>
            {upload.state === "failed" && <IconButton icon="retry" size={16} label={t("msg.retry")} onClick={retry} />}
            <IconButton icon="x" size={16} label={t(running ? "composer.cancel" : "composer.remove", { name })} onClick={remove} />
        </li>
    );
}

// Files dropped anywhere on the thread belong to the composer.
function useDrop(add) {
    const [over, setOver] = useState(false);
    useEffect(() => {
        const area = document.getElementById("main");
        let depth = 0;
        const has = (e) => [...(e.dataTransfer?.types ?? [])].includes("Files");
        const enter = (e) => has(e) && (e.preventDefault(), setOver(++depth > 0));
        const leave = (e) => has(e) && setOver(--depth > 0);
        const hover = (e) => has(e) && e.preventDefault();
        const drop = (e) => {
            if (!has(e)) return;
            e.preventDefault();
            depth = 0;
            setOver(false);
            add.current(e.dataTransfer.files);
        };
        const all = { dragenter: enter, dragleave: leave, dragover: hover, drop };
        for (const [name, fn] of Object.entries(all)) area.addEventListener(name, fn);
        return () => {
            for (const [name, fn] of Object.entries(all)) area.removeEventListener(name, fn);
        };
    }, []);
    return over;
}

function Modes({ note, setNote }) {
    const { t } = useWords();
    return (
        <div class="modes" role="radiogroup" aria-label={t("composer.mode")}>
            {[false, true].map((n) => (
                <button key={String(n)} type="button" role="radio" aria-checked={note === n} tabIndex={note === n ? 0 : -1}
                    onClick={() => setNote(n)} onKeyDown={(e) => {
                        if (!["ArrowLeft", "ArrowRight"].includes(e.key)) return;
                        e.preventDefault();
                        setNote(!n);
                        (e.currentTarget.nextSibling ?? e.currentTarget.previousSibling).focus();
                    }}>
                    <Icon name={n ? "lock" : "reply"} size={15} />{t(n ? "composer.note" : "composer.reply")}
                </button>
            ))}
        </div>
    );
}

export function Composer({ id, thread }) {
    const { t } = useWords();
    const desk = useDesk();
    const draft = useStore((db) => db.drafts.get(id));
    const uploads = useStore((db) => db.uploads.get(id)) ?? NO_UPLOADS;
    const area = useRef(null);
    const picker = useRef(null);
    // The text lives here while it is written; the store has a copy, and may be given another text
    // by somebody else (the edit of a refused message).
    const [text, setText] = useState(draft?.text ?? "");
    const given = draft?.rev ?? 0;
    const taken = useRef(given);
    useLayoutEffect(() => {
        if (given === 0 || given === taken.current) return;
        taken.current = given;
        setText(draft.text);
    }, [given]);
    const note = draft?.note ?? false;
    // As it is at this moment, not as it was drawn: a note must never leave as an answer.
    const isNote = () => desk.db.drafts.get(id)?.note ?? false;
    const over = [...text].length - TEXT_MAX;
    const busy = uploads.some((u) => u.state === "running");
    const failed = uploads.some((u) => u.state === "failed");
    const ready = (text.trim() || uploads.length > 0) && !busy && !failed && over <= 0;

    const add = useRef(null);
    add.current = (files) => {
        if (!files.length) return;
        const left = desk.uploads.add(id, files);
        if (left) desk.toast(t("composer.filesMax", { n: left }));
        area.current?.focus();
    };
    const dragged = useDrop(add);

    const write = (value) => {
        setText(value);
        desk.draft(id, value, isNote());
        if (!isNote()) desk.typing(id, Boolean(value.trim()));
    };
    const setNote = (n) => {
        if (n) desk.typing(id, false);
        desk.draft(id, area.current.value, n);
        area.current.focus();
    };
    const send = () => {
        const typed = area.current.value.trim();
        const asNote = isNote();
        if (busy) desk.toast(t("composer.waitUpload"), "info");
        if (!ready) return;
        const attachments = desk.uploads.take(id);
        write("");
        desk.typing(id, false);
        desk.sender.send(id, { text: typed, note: asNote, attachments });
        desk.store.flush();
        area.current.focus();
    };

    // On a wide screen whoever opens a dialogue means to answer; a phone's keyboard must not jump up.
    useEffect(() => {
        if (matchMedia("(min-width: 800px) and (not (pointer: coarse))").matches) area.current.focus({ preventScroll: true });
        return () => desk.typing(id, false);
    }, [id]);

    useLayoutEffect(() => {
        const el = area.current;
        el.style.height = "auto";
        el.style.height = Math.min(el.scrollHeight + 2, Math.max(120, innerHeight * 0.35)) + "px";
    }, [text]);

    const onKey = (e) => {
        if (e.key !== "Enter" || e.shiftKey || e.isComposing || e.keyCode === 229) return;
        e.preventDefault();
        send();
    };
    const onPaste = (e) => {
        const files = [...(e.clipboardData?.files ?? [])];
        if (!files.length) return;
        e.preventDefault();
        add.current(files);
    };
    const placeholder = note ? t("composer.notePlaceholder") : t("composer.replyTo", { channel: thread.channel });
    return (
        <div class={`composer${note ? " composer-note" : ""}${dragged ? " composer-drag" : ""}`}>
            {dragged && <div class="drop"><Icon name="attach" size={26} />{t("composer.drop")}</div>}
            <div class="composer-box">
                {uploads.length > 0 && (
                    <ul class="uploads">
                        {uploads.map((u) => (
                            <Upload key={u.id} upload={u} remove={() => desk.uploads.remove(id, u.id)} retry={() => desk.uploads.retry(id, u.id)} />
                        ))}
                    </ul>
                )}
                <textarea ref={area} rows={2} value={text} placeholder={placeholder} aria-label={placeholder} dir="auto"
                    onInput={(e) => write(e.currentTarget.value)} onKeyDown={onKey} onPaste={onPaste}
                    onBlur={() => desk.typing(id, false)} />
                <div class="composer-row">
                    <Modes note={note} setNote={setNote} />
                    <IconButton icon="attach" label={t("composer.attach")} onClick={() => picker.current.click()} />
                    <input ref={picker} type="file" multiple hidden tabIndex={-1} aria-hidden="true" onChange={(e) => {
                        add.current([...e.currentTarget.files]);
                        e.currentTarget.value = "";
                    }} />
                    <span class="composer-hint" role={over > 0 ? "alert" : undefined}>
                        {over > 0 ? t("composer.tooLong", { n: over }) : t("composer.hint")}
                    </span>
                    <button type="button" class="send" disabled={!ready} onClick={send} title={t(note ? "composer.saveNote" : "composer.send")}
                        aria-label={t(note ? "composer.saveNote" : "composer.send")}>
                        <Icon name={note ? "check" : "send"} size={19} />
                    </button>
                </div>
            </div>
        </div>
    );
}
