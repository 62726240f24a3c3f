// composer.jsx - where an answer or a note is written: a draft for each thread, files by button, drop
// or paste, and sending by Enter; and where a sent message is changed.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { AboutBar, AskPhone, Choices, Extras, ViaMenu, useCaps, useCompose, useVia } from "./composing.jsx";
import { useAgentName, useDesk, useStore, useWords } from "./context.jsx";
import { RichEditor } from "./editor.jsx";
import { Icon } from "./icons.jsx";
import { choiceRows, mayDo } from "./kinds.mjs";
import { Late } from "./late.jsx";
import { MailFields, useMail } from "./mail_fields.jsx";
import { Button, Confirm, IconButton } from "./parts.jsx";
import { plainOf, wordsOf } from "./rich.mjs";
import { useSuggest } from "./suggest.jsx";
import { useChange } from "./thread_head.jsx";
import { WindowClosed, useWindow } from "./window_bar.jsx";
import { isPlain, picturesIn, plainHtml } from "./written.mjs";

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

const wordsIn = (message) => message.text ?? wordsOf(message.html ?? "");

// Another agent writes an answer here: the second is told before he does.
function Writing({ id }) {
    const { t } = useWords();
    const agentName = useAgentName();
    const typers = useStore((db) => db.typing.get(id));
    const who = [...(typers?.keys() ?? [])].filter((w) => w !== "client");
    if (!who.length) return null;
    return <p class="composer-told" role="status"><Icon name="warn" size={15} />{t("composer.writing", { who: who.map(agentName).join(", ") })}</p>;
}

function Blocked({ id }) {
    const { t } = useWords();
    const change = useChange(id);
    return (
        <div class="window-shut blocked-shut" role="status">
            <Icon name="block" size={18} />
            <p>{t("block.told")}</p>
            <Button icon="open" onClick={() => change({ blocked: false })}>{t("block.off")}</Button>
        </div>
    );
}

function EmojiButton({ insert, area }) {
    const { t } = useWords();
    const [open, setOpen] = useState(false);
    const button = useRef(null);
    const close = (back) => {
        setOpen(false);
        if (back) area.current?.focus();
    };
    return (
        <span ref={button} class="emoji-anchor">
            <IconButton icon="smile" label={t("emoji.open")} class="emoji-open" aria-expanded={open} onClick={() => setOpen(!open)} />
            {open && <Late part="emoji" anchor={button} choose={insert} onClose={close} />}
        </span>
    );
}

// A sent message in the composer instead of the draft, which waits. Returns {message, text, write,
// save, leave}; message undefined when none is changed.
function useEdit(id, message, area) {
    const { t, why } = useWords();
    const desk = useDesk();
    const [text, setText] = useState("");
    const busy = useRef(false);
    useLayoutEffect(() => {
        if (!message) return;
        const was = wordsIn(message);
        setText(was);
        setTimeout(() => area.current?.setSelectionRange(was.length, was.length), 0);
    }, [message?.id]);
    const leave = () => {
        desk.compose(id, { edit: null });
        area.current?.focus();
    };
    const save = async () => {
        const typed = text.trim();
        if (!typed || busy.current) return;
        if (typed === wordsIn(message).trim()) return leave();
        busy.current = true;
        try {
            await desk.changes.edit(message, typed);
            leave();
        } catch (e) {
            desk.toast(t("change.failed", { why: why(e) }));
        }
        busy.current = false;
        return undefined;
    };
    return { message, text, write: setText, save, leave };
}

// Is the answer written with formatting? Who did so the last time, in mail or in chats, goes on with it.
function useFormat(caps, draft, text) {
    const desk = useDesk();
    const where = caps.includes("mail") ? "mail" : "chat";
    const [liked, setLiked] = useState(() => desk.storage.formats(where));
    const html = draft?.html ?? null;
    const like = (on) => {
        setLiked(on);
        desk.storage.setFormats(where, on);
    };
    return { can: caps.includes("html"), on: html !== null || (liked && !text), html: html ?? "", withLists: where === "mail", like };
}

// The newest message of this agent that may be changed.
function lastOwn(desk, id, caps, channel) {
    const { db } = desk;
    const items = db.logs.get(id)?.items ?? [];
    return [...items].reverse().find((m) => m.from?.agent === db.me?.name && m.channel === channel && mayDo(m, caps, channel).edit);
}

export function Composer({ id, thread }) {
    const { t } = useWords();
    const desk = useDesk();
    const draft = useStore((db) => db.drafts.get(id));
    const uploads = useStore((db) => db.uploads.get(id)) ?? NO_UPLOADS;
    const compose = useCompose(id);
    const { via, choices } = useVia(thread);
    const caps = useCaps(via.channel);
    const area = useRef(null);
    const picker = useRef(null);
    const edit = useEdit(id, compose.edit, area);
    const editing = Boolean(edit.message);
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
    const note = (draft?.note ?? false) && !editing;
    const answers = useWindow(via);
    const blocked = Boolean(thread.blocked) && !note && !editing;
    const shut = blocked || (Boolean(answers && !answers.open) && !note && !editing);
    const mail = useMail(id, via, caps, compose);
    const writesMail = Boolean(mail) && !note && !editing;
    const [choosing, setChoosing] = useState(false);
    const format = useFormat(caps, draft, text);
    const rich = format.can && format.on && !note && !editing && !shut;
    const [pictureBusy, setPictureBusy] = useState(false);
    const [leaving, setLeaving] = useState(false);
    // As it is at this moment, not as it was drawn: a note must never leave as an answer.
    const isNote = () => desk.db.drafts.get(id)?.note ?? false;
    const shown = editing ? edit.text : text;
    const over = [...(rich ? format.html : shown)].length - TEXT_MAX;
    const busy = pictureBusy || uploads.some((u) => u.state === "running");
    const failed = uploads.some((u) => u.state === "failed");
    const ready = !shut && over <= 0 && !(writesMail && mail.bad.length) && (editing ? Boolean(edit.text.trim()) : (text.trim() || uploads.length > 0 || (rich && picturesIn(format.html).length > 0)) && !busy && !failed);
    const set = (fields) => desk.compose(id, fields);

    const add = useRef(null);
    add.current = (files) => {
        if (!files.length || editing || shut) return;
        const left = desk.uploads.add(id, files);
        if (left) desk.toast(t("composer.filesMax", { n: left }));
        area.current?.focus();
    };
    const dragged = useDrop(add);

    const write = (value, html = null) => {
        setText(value);
        desk.draft(id, value, isNote(), { html });
        if (!isNote()) desk.typing(id, Boolean(value.trim()));
    };
    const [before, setBefore] = useState(""); // the cursor, with formatting
    const suggest = useSuggest({ id, thread: via, area, text: rich ? before : shown, note, write: (value) => (editing ? edit.write : write)(value), off: shut });
    const setNote = (n) => {
        if (n) desk.typing(id, false);
        desk.draft(id, area.current.value, n, { html: draft?.html });
        setTimeout(() => area.current?.focus(), 0);
    };
    // Where the cursor is.
    const insert = (words) => {
        const el = area.current;
        if (el.put) return el.put(words);
        el.setRangeText(words, el.selectionStart, el.selectionEnd, "end");
        return (editing ? edit.write : write)(el.value);
    };
    const openCanned = () => {
        const el = area.current;
        const left = el.put ? el.before : el.value.slice(0, el.selectionStart);
        el.focus();
        insert(left && !/\s$/.test(left) ? " /" : "/");
    };
    const beginFormat = () => {
        format.like(true);
        if (text) write(text, plainHtml(text));
    };
    const leaveFormat = () => {
        format.like(false);
        write(area.current.value);
        setTimeout(() => area.current?.focus(), 0);
    };
    const send = () => {
        if (editing) return void (ready && edit.save());
        const typed = area.current.value.trim();
        const asNote = isNote();
        if (busy) desk.toast(t("composer.waitUpload"), "info");
        if (!ready) return undefined;
        const { reply, choices: offered, request } = desk.db.compose.get(id) ?? {};
        const html = rich && !isPlain(format.html) ? format.html : undefined;
        const attachments = [...desk.uploads.take(id), ...picturesIn(html).map((picture) => ({ id: picture, kind: "image" }))];
        write("");
        desk.typing(id, false);
        desk.sender.send(id, { text: html ? plainOf(html) : typed, html, note: asNote, attachments, reply_to: asNote || reply?.channel === via.channel ? reply?.id : undefined,
            ...(asNote ? {} : { buttons: choiceRows(offered), request: request ?? undefined, ...mail?.fields }) });
        set(asNote ? { reply: null } : { reply: null, choices: null, request: null, ...mail?.clear });
        area.current.focus();
        return undefined;
    };

    // On a wide screen whoever opens a dialogue means to answer; a phone's keyboard must not jump up.
    useEffect(() => {
        if (matchMedia("(min-width: 800px) and (not (pointer: coarse))").matches) area.current.focus({ preventScroll: true });
        return () => desk.typing(id, false);
    }, [id]);
    // Who chose to answer or to change a message goes on here.
    const about = compose.edit?.id ?? compose.reply?.id;
    useEffect(() => {
        if (about) setTimeout(() => area.current?.focus(), 0);
    }, [about]);

    useLayoutEffect(() => {
        const el = area.current;
        if (rich) return;
        el.style.height = "auto";
        el.style.height = Math.min(el.scrollHeight + 2, Math.max(120, innerHeight * 0.35)) + "px";
    }, [shown, rich]);

    const onKey = (e) => {
        if (e.isComposing || e.keyCode === 229 || suggest.onKey(e)) return;
        if (e.key === "Enter" && (rich ? e.ctrlKey || e.metaKey : !e.shiftKey)) send();
        else if (e.key === "Escape" && editing) edit.leave();
        else if (e.key === "Escape" && compose.reply) set({ reply: null });
        else if (e.key === "ArrowUp" && !shown && !note && !uploads.length) {
            const own = lastOwn(desk, id, caps, via.channel);
            if (!own) return;
            set({ edit: own, reply: null });
        } else return;
        e.preventDefault();
    };
    const onPaste = (e) => {
        const files = [...(e.clipboardData?.files ?? [])];
        if (!files.length) return;
        e.preventDefault();
        add.current(files);
    };
    const placeholder = editing ? t("composer.editing") : note ? t("composer.notePlaceholder") : t("composer.replyTo", { channel: via.channel });
    const action = t(editing ? "composer.saveEdit" : note ? "composer.saveNote" : "composer.send");
    const extras = !note && !editing;
    return (
        <div class={`composer${note ? " composer-note" : ""}${editing ? " composer-edit" : ""}${dragged ? " composer-drag" : ""}`}>
            {dragged && <div class="drop"><Icon name="attach" size={26} />{t("composer.drop")}</div>}
            {!note && !shut && <Writing id={id} />}
            {suggest.list}
            <div class="composer-box">
                {editing ? <AboutBar message={edit.message} editing onClose={edit.leave} />
                    : compose.reply && <AboutBar message={compose.reply} onClose={() => (set({ reply: null }), area.current?.focus())} />}
                {writesMail && !shut && <MailFields key={id} id={id} mail={mail} compose={compose} focusText={() => area.current.focus()} />}
                {uploads.length > 0 && !editing && (
                    <ul class="uploads">
                        {uploads.map((u) => (
                            <Upload key={u.id} upload={u} remove={() => desk.uploads.remove(id, u.id)} retry={() => desk.uploads.retry(id, u.id)} />
                        ))}
                    </ul>
                )}
                {blocked && <Blocked id={id} />}
                {shut && !blocked && <WindowClosed onTemplate={() => setChoosing(true)} />}
                {rich ? (
                    <RichEditor key={id} area={area} html={format.html} label={placeholder} withLists={format.withLists} withPictures={format.withLists}
                        onInput={(html, words) => write(words, html)} onCaret={setBefore} offer={suggest} onKeyDown={onKey} onFiles={(files) => add.current(files)} setBusy={setPictureBusy}
                        onBlur={() => desk.typing(id, false)} leave={() => (isPlain(format.html) ? leaveFormat() : setLeaving(true))} />
                ) : <textarea ref={area} rows={2} hidden={shut} value={shown} placeholder={placeholder} aria-label={placeholder} dir="auto"
                    aria-controls={suggest.list ? "suggest" : undefined} aria-activedescendant={suggest.active}
                    onInput={(e) => (editing ? edit.write : write)(e.currentTarget.value)} onKeyDown={onKey} onPaste={onPaste}
                    onBlur={() => desk.typing(id, false)} />}
                {extras && !shut && compose.choices && (
                    <Choices lines={compose.choices} set={(choices) => set({ choices })} leave={(how) => {
                        if (how !== "keep") set({ choices: null });
                        area.current.focus();
                    }} />
                )}
                {extras && !shut && compose.request && <AskPhone onClose={() => set({ request: null })} />}
                <div class="composer-row">
                    {!editing && <Modes note={note} setNote={setNote} />}
                    {extras && <ViaMenu thread={thread} via={via} choices={choices} />}
                    {!editing && !shut && (
                        <>
                            <IconButton icon="attach" label={t("composer.attach")} onClick={() => picker.current.click()} />
                            <IconButton icon="canned" label={t("canned.open")} onClick={openCanned} />
                            {format.can && !note && !rich && <IconButton icon="format" label={t("composer.format")} onClick={beginFormat} />}
                            <EmojiButton insert={insert} area={area} />
                            <input ref={picker} type="file" multiple hidden tabIndex={-1} aria-hidden="true" onChange={(e) => {
                                add.current([...e.currentTarget.files]);
                                e.currentTarget.value = "";
                            }} />
                        </>
                    )}
                    {extras && (
                        <Extras thread={id} caps={caps} compose={compose} shut={shut} template={() => setChoosing(true)} ask={(words) => {
                            if (!area.current.value.trim()) write(words);
                            area.current.focus();
                        }} />
                    )}
                    <span class="composer-hint" role={over > 0 ? "alert" : undefined}>
                        {over > 0 ? t("composer.tooLong", { n: over }) : shut ? "" : t(editing ? "composer.editHint" : rich ? "composer.formatHint" : "composer.hint")}
                    </span>
                    <button type="button" class="send" disabled={!ready} onClick={send} title={action} aria-label={action}>
                        <Icon name={note || editing ? "check" : "send"} size={19} />
                    </button>
                </div>
            </div>
            {leaving && <Confirm title={t("editor.leave")} text={t("editor.leaveSure")} action={t("editor.leave")} onYes={leaveFormat} onClose={() => setLeaving(false)} />}
            {choosing && <Late part="template" thread={via} onClose={() => setChoosing(false)} />}
        </div>
    );
}
