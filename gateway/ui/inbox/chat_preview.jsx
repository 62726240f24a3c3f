// chat_preview.jsx - how the chat of a site will look by what stands in the form now: the widget's own panel, in a frame,
// without a connection.
import { useEffect, useRef, useState } from "preact/hooks";
import { chosenSettings } from "./channel_settings.mjs";
import { useWords } from "./context.jsx";

const LANGUAGES = [["en", "English"], ["ru", "Русский"]];

export function ChatPreview({ rows, values }) {
    const { t, lang: own } = useWords();
    const frame = useRef(null);
    const [lang, setLang] = useState(own);
    const [ready, setReady] = useState(false);
    useEffect(() => {
        if (!ready) return;
        const data = { looks: chosenSettings(rows, values), lang, online: true };
        frame.current.contentWindow.postMessage({ switchboard: "start", data }, location.origin);
    }, [ready, lang, values]);
    return (
        <section class="chat-preview" aria-label={t("channels.preview")}>
            <p class="chat-preview-head">
                <span>{t("channels.preview")}</span>
                {LANGUAGES.map(([code, name]) => (
                    <button key={code} type="button" lang={code} aria-pressed={lang === code} onClick={() => setLang(code)}>{name}</button>
                ))}
            </p>
            <iframe ref={frame} src="/widget/panel.html?preview" title={t("channels.preview")} tabIndex={-1} onLoad={() => setReady(true)} />
        </section>
    );
}
