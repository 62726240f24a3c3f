// reactions.jsx - what people think of a message, as chips under it; the choice of ten emoji; and the
// earlier versions of what it says.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { Attachments } from "./attachments.jsx";
import { useAgentName, useDesk, useWords } from "./context.jsx";
import { EMOJI, groupReactions, versionsOf } from "./kinds.mjs";
import { wording } from "./kinds.jsx";
import { Dialog, Text } from "./parts.jsx";
import { Rich } from "./rich.jsx";

// With the sign that asks for the coloured drawing.
const drawn = (emoji) => (emoji.length === 1 ? emoji + "\ufe0f" : emoji);

export function useReact(message) {
    const { t, why } = useWords();
    const desk = useDesk();
    return (emoji) => desk.changes.react(message, emoji)
        .catch((e) => desk.toast(t("change.failed", { why: why(e) })));
}

export function Reactions({ message, me, may }) {
    const { t } = useWords();
    const agentName = useAgentName();
    const react = useReact(message);
    const groups = groupReactions(message.reactions, me);
    if (!groups.length) return null;
    const nameOf = (r) => plainName(r.name) || (r.by === "client" ? t("msg.client") : r.by === me ? t("msg.you") : agentName(r.by));
    return (
        <div class="reactions" role="group" aria-label={t("react.label")}>
            {groups.map((g) => {
                const who = g.who.map(nameOf).join(", ");
                const label = t("react.by", { emoji: drawn(g.emoji), who });
                const inside = <><span class="emoji">{drawn(g.emoji)}</span>{g.n > 1 && <span class="reaction-n">{g.n}</span>}</>;
                return may
                    ? (
                        <button key={g.emoji} type="button" class="reaction" aria-pressed={g.own} aria-label={label} title={who}
                            onClick={() => react(g.own ? "" : g.emoji)}>{inside}</button>
                    )
                    : <span key={g.emoji} class="reaction" role="img" aria-label={label} title={who}>{inside}</span>;
            })}
        </div>
    );
}

export function EmojiRow({ mine, choose }) {
    const { t } = useWords();
    const onKey = (e) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
        if (!by) return;
        e.preventDefault();
        e.stopPropagation();
        const all = [...e.currentTarget.children];
        all[(all.indexOf(document.activeElement) + by + all.length) % all.length].focus();
    };
    return (
        <div class="emoji-row" role="group" aria-label={t("react.choose")} onKeyDown={onKey}>
            {EMOJI.map((emoji) => (
                <button key={emoji} type="button" class="emoji" aria-pressed={mine === emoji} aria-label={t(mine === emoji ? "react.remove" : "react.with", { emoji: drawn(emoji) })}
                    onClick={() => choose(mine === emoji ? "" : emoji)}>{drawn(emoji)}</button>
            ))}
        </div>
    );
}

// Above the button where there is room, below it else; never out of the window.
export function EmojiPopover({ anchor, mine, choose, onClose }) {
    const ref = useRef(null);
    useLayoutEffect(() => {
        const at = anchor.current.getBoundingClientRect();
        const el = ref.current;
        const { offsetWidth: w, offsetHeight: h } = el;
        el.style.left = Math.max(8, Math.min(at.left + at.width / 2 - w / 2, innerWidth - w - 8)) + "px";
        el.style.top = (at.top - h - 6 > 60 ? at.top - h - 6 : at.bottom + 6) + "px";
        el.querySelector("button").focus();
    }, []);
    useEffect(() => {
        const away = (e) => !ref.current.contains(e.target) && !anchor.current?.contains(e.target) && onClose(false);
        const gone = () => onClose(false);
        const log = document.getElementById("log");
        document.addEventListener("pointerdown", away);
        log?.addEventListener("scroll", gone, { passive: true, once: true });
        return () => {
            document.removeEventListener("pointerdown", away);
            log?.removeEventListener("scroll", gone);
        };
    }, []);
    const onKey = (e) => {
        if (e.key === "Tab") onClose(false);
        if (e.key !== "Escape") return;
        e.preventDefault();
        e.stopPropagation();
        onClose(true);
    };
    return <div class="emoji-pop" ref={ref} onKeyDown={onKey}><EmojiRow mine={mine} choose={choose} /></div>;
}

export function Versions({ message, author, onClose }) {
    const { t, full } = useWords();
    const versions = versionsOf(message);
    return (
        <Dialog title={t("edits.title")} onClose={onClose} wide>
            <ol class="versions">
                {versions.map((v, i) => {
                    const { html, text } = wording({ ...v, connector: message.connector });
                    return (
                        <li key={i}>
                            <p class="version-at">
                                <b>{t(i === versions.length - 1 ? "edits.now" : i ? "edits.then" : "edits.first")}</b>
                                {v.at && <time dateTime={v.at}>{full(v.at)}</time>}
                            </p>
                            <div class="msg-text" dir="auto">
                                {html ? <Rich html={html} /> : text ? <Text text={text} /> : !v.attachments && <i class="msg-none">{t("msg.empty")}</i>}
                            </div>
                            {v.attachments && <Attachments list={v.attachments} author={author} />}
                        </li>
                    );
                })}
            </ol>
        </Dialog>
    );
}
