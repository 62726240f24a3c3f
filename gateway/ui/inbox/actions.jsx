// actions.jsx - what may be done with a message: a small bar beside it for mouse and keyboard, a
// sheet for fingers that rest on it. Only what its channel can do and the message allows is there.
import { useRef, useState } from "preact/hooks";
import { useDesk, useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { mayAny } from "./kinds.mjs";
import { wording } from "./kinds.jsx";
import { Confirm, Dialog } from "./parts.jsx";
import { EmojiPopover, EmojiRow, useReact } from "./reactions.jsx";
import { wordsOf } from "./rich.mjs";

const LONG_MS = 450;
const SLIP_PX = 10;

export const mineOf = (message, me) => message.reactions?.find((r) => r.by === me)?.emoji.replace(/\ufe0f/g, "");

// [{key, icon, label, run, danger}] but for the reaction, which needs a choice.
function useDeeds(message, can, askRemove) {
    const { t } = useWords();
    const desk = useDesk();
    const deeds = [];
    if (can.reply) deeds.push({ key: "reply", icon: "reply", label: t("act.reply"), run: () => desk.compose(message.thread, { reply: message, edit: null }) });
    if (can.edit) deeds.push({ key: "edit", icon: "edit", label: t("act.edit"), run: () => desk.compose(message.thread, { edit: message, reply: null }) });
    if (can.remove) deeds.push({ key: "remove", icon: "trash", label: t("act.remove"), run: askRemove, danger: true });
    return deeds;
}

function RemoveSure({ message, onClose }) {
    const { t, why } = useWords();
    const desk = useDesk();
    const remove = () => desk.changes.remove(message).catch((e) => desk.toast(t("change.failed", { why: why(e) })));
    return <Confirm title={t("act.removeTitle")} text={t("act.removeSure")} action={t("act.remove")} danger onYes={remove} onClose={onClose} />;
}

// One stop for Tab; the arrows go on from there. The others are drawn when they are wanted.
function Bar({ message, can, me, askRemove, awake }) {
    const { t } = useWords();
    const react = useReact(message);
    const root = useRef(null);
    const [choosing, setChoosing] = useState(false);
    const deeds = useDeeds(message, can, askRemove);
    const all = can.react
        ? [{ key: "react", icon: "smile", label: t("act.react"), run: () => setChoosing(!choosing), opens: true }, ...deeds] : deeds;
    const onKey = (e) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
        if (!by) return;
        e.preventDefault();
        const buttons = [...root.current.querySelectorAll(":scope > button")];
        buttons[(buttons.indexOf(document.activeElement) + by + buttons.length) % buttons.length]?.focus();
    };
    const close = (back) => {
        setChoosing(false);
        if (back) root.current.querySelector("button").focus();
    };
    return (
        <div class={`acts${choosing ? " acts-open" : ""}`} ref={root} role="toolbar" aria-label={t("act.label")} onKeyDown={onKey}
            style={{ minWidth: all.length * 32 + "px" }}>
            {all.map((a, i) => (i === 0 || awake || choosing) && (
                <button key={a.key} type="button" class={`act${a.danger ? " act-danger" : ""}`} aria-label={a.label} title={a.label} tabIndex={i ? -1 : 0}
                    aria-expanded={a.opens ? choosing : undefined} onClick={a.run}><Icon name={a.icon} size={17} /></button>
            ))}
            {choosing && (
                <EmojiPopover anchor={root} mine={mineOf(message, me)} onClose={close} choose={(emoji) => {
                    close(true);
                    react(emoji);
                }} />
            )}
        </div>
    );
}

function Sheet({ message, can, me, askRemove, onClose }) {
    const { t } = useWords();
    const desk = useDesk();
    const react = useReact(message);
    const deeds = useDeeds(message, can, askRemove);
    const { html, text } = wording(message);
    const words = text || (html ? wordsOf(html) : "");
    if (words) deeds.splice(1, 0, { key: "copy", icon: "copy", label: t("act.copy"),
        run: () => navigator.clipboard?.writeText(words).then(() => desk.toast(t("trace.copied"), "good"), () => {}) });
    const then = (run) => () => {
        onClose();
        run();
    };
    return (
        <Dialog title={t("act.label")} onClose={onClose} class="sheet">
            {can.react && <EmojiRow mine={mineOf(message, me)} choose={(emoji) => then(() => react(emoji))()} />}
            {deeds.map((a) => (
                <button key={a.key} type="button" class={`menu-item${a.danger ? " danger" : ""}`} onClick={then(a.run)}>
                    <span class="menu-icon"><Icon name={a.icon} size={18} /></span><span class="menu-label">{a.label}</span>
                </button>
            ))}
        </Dialog>
    );
}

// The finger's leaving is no click on what lies under it by then.
function ignoreRelease() {
    const swallow = (e) => {
        e.preventDefault();
        e.stopPropagation();
    };
    document.addEventListener("click", swallow, { capture: true, once: true });
    document.addEventListener("pointerdown", () => document.removeEventListener("click", swallow, true), { capture: true, once: true });
}

// A finger that rests on the message opens the sheet. Returns properties for what is touched.
function useLongPress(open) {
    const at = useRef({});
    const stop = () => clearTimeout(at.current.timer);
    return {
        onPointerDown(e) {
            at.current.touch = e.pointerType === "touch";
            if (!at.current.touch || e.target.closest("audio, video")) return;
            Object.assign(at.current, { x: e.clientX, y: e.clientY });
            stop();
            at.current.timer = setTimeout(() => {
                ignoreRelease();
                open();
            }, LONG_MS);
        },
        onPointerMove: (e) => Math.hypot(e.clientX - at.current.x, e.clientY - at.current.y) > SLIP_PX && stop(),
        onPointerUp: stop,
        onPointerCancel: stop,
        onContextMenu: (e) => at.current.touch && !e.target.closest("audio, video") && e.preventDefault(),
    };
}

// children: the bubble's own drawing, given the properties that it must carry.
export function Actions({ message, can, me, children }) {
    const [awake, setAwake] = useState(false);
    const [sheet, setSheet] = useState(false);
    const [removing, setRemoving] = useState(false);
    const press = useLongPress(() => setSheet(true));
    if (!mayAny(can)) return <div class="bubble-row">{children({})}</div>;
    const askRemove = () => setRemoving(true);
    // Also by a move: the mouse may have rested here before anything could be done.
    const wake = (e) => e.pointerType !== "touch" && !awake && setAwake(true);
    return (
        <div class="bubble-row may-act" onPointerEnter={wake} onPointerMove={wake} onPointerLeave={() => setAwake(false)}
            onFocusIn={() => setAwake(true)} onFocusOut={(e) => !e.currentTarget.contains(e.relatedTarget) && setAwake(false)}>
            {children(press)}
            <Bar message={message} can={can} me={me} askRemove={askRemove} awake={awake} />
            {sheet && <Sheet message={message} can={can} me={me} askRemove={askRemove} onClose={() => setSheet(false)} />}
            {removing && <RemoveSure message={message} onClose={() => setRemoving(false)} />}
        </div>
    );
}
