// composer.jsx - where the visitor writes: text, files (button, paste, drop), what is left of the limit.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { fileSize } from "../shared/size.mjs";
import { IconAlert, IconClip, IconClose, IconFile, IconSend } from "./icons.jsx";

const WARN_LEFT = 200;

function Chip({ u, chat, i18n, t }) {
    const failed = u.state === "failed";
    const vars = { n: chat.limits.files, size: fileSize(i18n.lang, chat.limits.file_bytes, i18n.catalogue.units) };
    const note = failed ? t("file_" + u.detail, vars) : fileSize(i18n.lang, u.size, i18n.catalogue.units);
    return (
        <li class={failed ? "chip bad" : "chip"}>
            {u.preview ? <img src={u.preview} alt="" /> : <span class="kind">{failed ? <IconAlert /> : <IconFile size={20} />}</span>}
            <span class="about" role={failed ? "alert" : undefined}><b>{u.name}</b><small>{note}</small></span>
            {u.state === "sending" && <progress max="1" value={u.done} aria-label={t("uploading", { name: u.name })} />}
            {failed && ["failed", "too_many"].includes(u.detail) && (
                <button type="button" class="again" onClick={() => chat.uploads.again(u.key)}>{t("retry")}</button>
            )}
            <button type="button" class="remove" aria-label={t("remove", { name: u.name })} onClick={() => chat.uploads.remove(u.key)}><IconClose /></button>
        </li>
    );
}

export function Composer({ chat, i18n, t, disabled }) {
    const [text, setText] = useState("");
    const area = useRef();
    const picker = useRef();
    const left = chat.limits.text - [...text].length;
    const files = chat.uploads.list;
    const full = chat.isFull();
    const ready = !disabled && !full && left >= 0 && !chat.uploads.busy() && (text.trim() || files.some((u) => u.state === "done"));

    useEffect(() => {
        /* On a phone the keyboard would cover half of what one came to read. */
        const phone = matchMedia("(pointer: coarse)").matches;
        if (chat.open && !disabled) (phone ? document.getElementById("title") : area.current).focus();
    }, [chat.open, disabled]);
    useLayoutEffect(() => {
        area.current.style.height = "auto";
        area.current.style.height = Math.min(area.current.scrollHeight, 140) + "px";
    }, [text]);

    const send = () => {
        if (!ready) return;
        chat.send(text.trim(), chat.uploads.take());
        setText("");
        area.current.focus();
    };
    const onKey = (e) => {
        if (e.key !== "Enter" || e.shiftKey || e.isComposing || e.keyCode === 229) return;
        e.preventDefault();
        send();
    };
    const onInput = (e) => {
        setText(e.currentTarget.value);
        if (e.currentTarget.value.trim()) chat.typed();
        else chat.stopTyping();
    };
    const onPaste = (e) => {
        const pasted = [...(e.clipboardData?.files ?? [])];
        if (!pasted.length) return;
        e.preventDefault();
        chat.uploads.add(pasted);
    };
    const onPick = (e) => {
        chat.uploads.add([...e.currentTarget.files]);
        e.currentTarget.value = "";
        area.current.focus();
    };
    return (
        <form class="composer" onSubmit={(e) => { e.preventDefault(); send(); }}>
            {files.length > 0 && <ul class="chips">{files.map((u) => <Chip key={u.key} u={u} chat={chat} i18n={i18n} t={t} />)}</ul>}
            <div class="line">
                <button type="button" class="round attach" aria-label={t("attach")} disabled={disabled} onClick={() => picker.current.click()}><IconClip /></button>
                <input ref={picker} type="file" multiple hidden tabindex="-1" onChange={onPick} />
                <textarea ref={area} rows="1" value={text} placeholder={t(disabled && !chat.refused ? "placeholderAgree" : "placeholder")}
                    aria-label={t("placeholder")} disabled={disabled} onInput={onInput} onKeyDown={onKey} onPaste={onPaste}
                    onBlur={() => chat.stopTyping()} enterkeyhint="send" autocomplete="off" dir="auto" />
                <button type="submit" class="send" aria-label={t("send")} disabled={!ready}><IconSend /></button>
            </div>
            {full && <p class="left bad" role="alert">{t("full")}</p>}
            {left < WARN_LEFT && <p class={left < 0 ? "left bad" : "left"} role={left < 0 ? "alert" : undefined}>{left < 0 ? t("tooLong", { n: -left }) : left}</p>}
        </form>
    );
}
