// window_bar.jsx - how long the client may still be answered freely, and what is left when that time is over.
import { useEffect, useReducer } from "preact/hooks";
import { useCaps } from "./composing.jsx";
import { useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { Button } from "./parts.jsx";
import { leftWords, windowOf } from "./window.mjs";

const TICK_MS = 20000;

// The window of a thread's channel, drawn again as it runs out; null where there is none.
export function useWindow(thread) {
    const caps = useCaps(thread?.channel);
    const [, again] = useReducer((n) => n + 1, 0);
    const window = thread ? windowOf(thread, thread.channel, caps, Date.now()) : null;
    const left = window?.left ?? 0;
    useEffect(() => {
        if (!left) return undefined;
        const timer = setTimeout(again, Math.min(TICK_MS, left + 50));
        return () => clearTimeout(timer);
    });
    return window;
}

export function useLeft() {
    const { t } = useWords();
    return (ms) => {
        const { key, h, m } = leftWords(ms);
        return t(key, { h, m });
    };
}

// In a row of the list and beside the name: short.
export function WindowChip({ thread, long }) {
    const { t, full } = useWords();
    const leftText = useLeft();
    const window = useWindow(thread);
    if (!window) return null;
    const { open, soon, until, left, free } = window;
    const text = open ? leftText(left) : t("window.closedShort");
    const hint = open ? t("window.until", { at: full(until) }) : t("window.closed");
    return (
        <span class={`window${open ? "" : " window-closed"}${soon ? " window-soon" : ""}`}
            title={free ? `${hint} ${t("window.free", { at: full(free) })}` : hint}>
            <Icon name={open ? "hourglass" : "lock"} size={12} />
            {long && open ? <><span class="window-long">{t("window.left", { left: text })}</span><span class="window-short">{text}</span></> : text}
            {long && open && free && <span class="window-free">{t("window.freeShort")}</span>}
        </span>
    );
}

// Instead of the field for words.
export function WindowClosed({ onTemplate }) {
    const { t } = useWords();
    return (
        <div class="window-shut" role="status">
            <Icon name="lock" size={18} />
            <p>{t("window.closed")}</p>
            <Button kind="main" icon="template" onClick={onTemplate}>{t("template.choose")}</Button>
        </div>
    );
}
