// mail_frame.jsx - a mail's HTML, in a frame that has no way to this page (ui/mail). This page only
// fetches the bytes and hands them over. Pictures of other servers are fetched when the agent has
// read what that tells them.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { api } from "./api.mjs";
import { useWords } from "./context.jsx";
import { HTML_LIMIT, inlineFiles } from "./mail.mjs";
import { Button, Confirm, Spinner } from "./parts.jsx";

const SHORT = 120;
const TALL = 560;

async function fetched(id, limit) {
    const answer = await fetch(api.mediaUrl(id), { credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    if (Number(answer.headers.get("Content-Length")) > limit) throw new RangeError("too large");
    const bytes = await answer.arrayBuffer();
    if (bytes.byteLength > limit) throw new RangeError("too large");
    return bytes;
}

async function load(message) {
    const html = new TextDecoder().decode(await fetched(message.email.html, HTML_LIMIT));
    const files = await Promise.all(inlineFiles(message.attachments).map(async (f) =>
        ({ cid: f.cid, mime: f.mime, bytes: await fetched(f.id, Infinity).catch(() => new ArrayBuffer(0)) })));
    return { html, files };
}

// Hands the mail to the frame as soon as both are there. Answers what the frame says of it.
function useHanded(frame, mail, words) {
    const [shown, setShown] = useState(null);
    useLayoutEffect(() => { // before the frame can speak
        const hear = (e) => {
            if (!frame.current || e.source !== frame.current.contentWindow) return;
            // The frame is of no origin, so none can be named; nobody else can be in it.
            if (e.data?.type === "ready") frame.current.contentWindow.postMessage({ type: "mail", ...mail, words }, "*");
            else if (e.data?.type === "shown") setShown(e.data);
            else if (e.data?.type === "loaded") frame.current.dataset.loaded = "1";
        };
        addEventListener("message", hear);
        return () => removeEventListener("message", hear);
    }, [mail, words]);
    return shown;
}

function Frame({ mail, pictures, setFound, height }) {
    const { t } = useWords();
    const frame = useRef(null);
    const words = useRef({ picture: t("mail.picture"), leads: t("mail.leads", { host: "{host}" }), title: t("mail.frame") }).current;
    const shown = useHanded(frame, mail, words);
    useEffect(() => {
        if (shown) setFound(shown);
    }, [shown]);
    return (
        <iframe ref={frame} class="mail-frame" src={pictures ? "/mail-pictures" : "/mail"} title={t("mail.frame")} style={{ height: height + "px" }}
            sandbox="allow-scripts allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer" />
    );
}

export function MailHtml({ message }) {
    const { t } = useWords();
    const [mail, setMail] = useState(null);
    const [error, setError] = useState(null);
    const [found, setFound] = useState(null);
    const [asking, setAsking] = useState(false);
    const [pictures, setPictures] = useState(false);
    useEffect(() => {
        let gone = false;
        setMail(null);
        load(message).then((m) => gone || setMail(m), (e) => gone || setError(e instanceof RangeError ? "mail.tooLarge" : "mail.notLoaded"));
        return () => {
            gone = true;
        };
    }, [message.email.html]);
    if (error) return <p class="msg-none" role="alert">{t(error)}</p>;
    if (!mail) return <p class="mail-wait"><Spinner label={t("app.loading")} /></p>;
    const height = Math.min(TALL, Math.max(SHORT, found?.height ?? SHORT));
    const hidden = pictures ? 0 : found?.remote ?? 0;
    return (
        <div class="mail-html">
            {(hidden > 0 || found?.trackers > 0) && (
                <p class="mail-bar">
                    {hidden > 0 && <span>{t("mail.pictures", { n: hidden })}</span>}
                    {found.trackers > 0 && <span title={t("mail.trackersWhy")}>{t("mail.trackers", { n: found.trackers })}</span>}
                    {hidden > 0 && <Button kind="quiet" icon="image" onClick={() => setAsking(true)}>{t("mail.showPictures")}</Button>}
                </p>
            )}
            <Frame key={String(pictures)} mail={mail} pictures={pictures} setFound={setFound} height={height} />
            {asking && (
                <Confirm title={t("mail.showPictures")} text={t("mail.picturesSure")} action={t("mail.showPictures")}
                    onYes={() => setPictures(true)} onClose={() => setAsking(false)} />
            )}
        </div>
    );
}
