// view.jsx - the panel: head, log, composer, and what is said instead when the chat cannot be used.
import { useEffect, useRef, useState } from "preact/hooks";
import { soon } from "../shared/time.mjs";
import { PreForm, askedNow } from "./about.jsx";
import { Composer } from "./composer.jsx";
import { IconChat, IconClose, IconMore } from "./icons.jsx";
import { Log, doorName } from "./log.jsx";

function Menu({ chat, t }) {
    const [state, setState] = useState("closed"); // closed | open | sure
    const ref = useRef();
    useEffect(() => {
        if (state === "closed") return undefined;
        ref.current.querySelector("[role=menu] button, .sure button")?.focus();
        const out = (e) => !ref.current.contains(e.target) && setState("closed");
        const key = (e) => {
            if (e.key !== "Escape") return;
            e.stopPropagation();
            setState("closed");
            ref.current.querySelector("button").focus();
        };
        const node = ref.current;
        document.addEventListener("pointerdown", out);
        node.addEventListener("keydown", key);
        return () => {
            document.removeEventListener("pointerdown", out);
            node.removeEventListener("keydown", key);
        };
    }, [state]);
    const leave = (door) => {
        setState("closed");
        chat.continueIn(door);
    };
    const forget = () => {
        setState("closed");
        chat.reset();
    };
    return (
        <div class="menu" ref={ref}>
            <button type="button" class="round" aria-label={t("menu")} aria-haspopup="menu" aria-expanded={state !== "closed"}
                onClick={() => setState(state === "closed" ? "open" : "closed")}><IconMore /></button>
            {state === "open" && (
                <div class="drop" role="menu">
                    {chat.doors.map((door) => (
                        <button key={door.connector} type="button" role="menuitem" disabled={chat.state !== "live"} onClick={() => leave(door)}>
                            {t("continueIn", { name: doorName(door) })}
                            {door.title !== doorName(door) && <small>{door.title}</small>}
                        </button>
                    ))}
                    {chat.options.sound && (
                        <button type="button" role="menuitemcheckbox" aria-checked={!chat.mute} onClick={() => chat.setMute(!chat.mute)}>
                            {t("sound")} <span aria-hidden="true">{chat.mute ? "" : "✓"}</span>
                        </button>
                    )}
                    {chat.messages.length > 0 && <button type="button" role="menuitem" onClick={() => setState("sure")}>{t("forget")}</button>}
                </div>
            )}
            {state === "sure" && (
                <div class="drop sure" role="alertdialog" aria-label={t("forgetSure")}>
                    <p>{t("forgetSure")}</p>
                    <button type="button" onClick={() => setState("closed")}>{t("no")}</button>
                    <button type="button" class="danger" onClick={forget}>{t("yes")}</button>
                </div>
            )}
        </div>
    );
}

function Head({ chat, i18n, t, onClose }) {
    return (
        <header>
            <span class="logo"><IconChat /></span>
            <div class="who">
                <h1 id="title" tabindex="-1">{chat.options.title || t("title")}</h1>
                {chat.agentsOnline !== null && (
                    <p class={chat.agentsOnline ? "on" : ""}>
                        {!chat.agentsOnline && chat.opensAt ? t("opens", { at: soon(i18n.lang, chat.opensAt) }) : t(chat.agentsOnline ? "online" : "offline")}
                    </p>
                )}
            </div>
            {(chat.messages.length > 0 || chat.doors.length > 0 || chat.options.sound) && <Menu chat={chat} t={t} />}
            {onClose && <button type="button" class="round" aria-label={t("close")} onClick={onClose}><IconClose /></button>}
        </header>
    );
}

function Consent({ chat, t }) {
    const { consent, consentText, consentUrl, consentVersion } = chat.options;
    if (consent !== "notice" && consent !== "required") return null;
    const version = String(consentVersion || "1").slice(0, 60);
    if (chat.consented === version) return null;
    const safe = /^https?:\/\//i.test(consentUrl ?? "");
    const link = safe && <> (<a href={consentUrl} target="_blank" rel="noopener noreferrer">{t("details")}</a>)</>;
    if (consent === "notice") return chat.messages.length ? null : <p class="consent">{consentText || t("notice")}{link}</p>;
    return (
        <p class="consent">
            <label class="box"><input type="checkbox" onChange={(e) => e.currentTarget.checked && chat.consent(version)} /> {consentText || t("agree")}</label>
            {link}
        </p>
    );
}

export function mayWrite(chat) {
    const { consent, consentVersion } = chat.options;
    return consent !== "required" || chat.consented === String(consentVersion || "1").slice(0, 60);
}

// A short loss is not worth a word; a longer one is.
function useSlow(state, ms) {
    const [slow, setSlow] = useState(false);
    const down = state !== "live" && state !== "idle";
    useEffect(() => {
        setSlow(false);
        if (!down) return undefined;
        const timer = setTimeout(() => setSlow(true), ms);
        return () => clearTimeout(timer);
    }, [down]);
    return slow && down;
}

function Banner({ chat, t }) {
    const slow = useSlow(chat.state, 1200);
    if (chat.refused) return <p class="banner bad" role="alert">{t("refused_" + (chat.refused === 4403 || chat.refused === 4401 ? chat.refused : 1008))}</p>;
    return <div role="status">{slow && <p class="banner">{t(chat.loaded ? "waiting" : "connecting")}</p>}</div>;
}

export function Panel({ chat, i18n, onClose }) {
    const t = (key, vars) => i18n.t(key, vars);
    const [over, setOver] = useState(false);
    const asked = askedNow(chat);
    const silent = !!chat.refused || !mayWrite(chat);
    const drag = (e) => {
        if (!e.dataTransfer?.types?.includes("Files")) return;
        e.preventDefault();
        setOver(true);
    };
    const drop = (e) => {
        e.preventDefault();
        setOver(false);
        if (!silent && !asked.length) chat.uploads.add([...e.dataTransfer.files]);
    };
    return (
        <div class="panel" role="dialog" aria-labelledby="title" onDragOver={drag} onDrop={drop}
            onDragLeave={(e) => !e.currentTarget.contains(e.relatedTarget) && setOver(false)}>
            <Head chat={chat} i18n={i18n} t={t} onClose={onClose} />
            <Banner chat={chat} t={t} />
            <Log chat={chat} i18n={i18n} t={t} disabled={silent || asked.length > 0} />
            {asked.length > 0
                ? <PreForm chat={chat} t={t} asked={asked} blocked={silent}><Consent chat={chat} t={t} /></PreForm>
                : <Consent chat={chat} t={t} />}
            {asked.length === 0 && <Composer chat={chat} i18n={i18n} t={t} disabled={silent} />}
            {over && <div class="dropzone" aria-hidden="true"><span>{t("drop")}</span></div>}
        </div>
    );
}
